"""Lexical index: BM25 over characters and pairs, and a second one over sounds, with figures of the whole release."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assistant.contracts import Corpus, Passage
from assistant.errors import RetrieveError
from assistant.retrieve import postings
from assistant.retrieve.postings import Postings
from assistant.retrieve.words import expand, sounds, tokens

Scores = NDArray[np.float32]
Mask = NDArray[np.bool_]
Rows = NDArray[np.int64]
K1, B = 1.2, 0.5
LOOKED_AT = 200  # passages that are read to tell whether a run of characters is known


def indexed(passage: Passage) -> bool:
    """Whether a passage may be found at all: orders to the model are data, never evidence."""
    return not passage.gives_orders


def searchable(passage: Passage) -> str:
    """All words by which a passage is found."""
    return " ".join((*passage.path[-1:], passage.text, passage.english or "", *passage.phrasings))


class LexicalArtefact:
    """Builds both indexes; the part of a segment that ``LexicalIndex`` opens."""

    name = "lexical"
    identity = "bm25-characters-sounds-3"

    def build(self, corpus: Corpus, folder: Path) -> None:
        """Write the indexes of all passages; those that may not be found are only marked so."""
        np.save(folder / "indexed.npy", np.array([indexed(p) for p in corpus.passages], np.bool_))
        postings.write(folder, "words", map(_words, corpus.passages))
        postings.write(folder, "sounds", ((sounds(searchable(p)), frozenset()) for p in corpus.passages))

    def merge(self, parts: Sequence[tuple[Path, Rows]], folder: Path) -> None:
        """Write the chosen rows of several segments as one."""
        np.save(folder / "indexed.npy", np.concatenate([np.load(part / "indexed.npy")[rows] for part, rows in parts]))
        for name in ("words", "sounds"):
            postings.merge(parts, folder, name)


def _words(passage: Passage) -> tuple[list[str], frozenset[str]]:
    """Tokens of a passage; marked are those of its own text, by which rarity is told (an article repeats others)."""
    own = frozenset(tokens(passage.text)) if passage.kind != "article" else frozenset()
    return tokens(searchable(passage)), own


@dataclass
class Asked:
    """What one question found: ``scores`` by row, and for each token the rows that hold it."""

    scores: Scores
    held: dict[str, list[tuple[int, Rows]]] = field(default_factory=dict)  # token to (first row of the part, rows)
    texts: dict[str, int] = field(default_factory=dict)  # token to the number of texts, no articles, that hold it

    def share(self, weights: Mapping[str, float], rows: Rows) -> NDArray[np.float64]:
        """For each of ``rows``, the share of the weights whose tokens its passage holds."""
        out = np.zeros(len(rows))
        for token, weight in weights.items():
            for base, held in self.held.get(token, ()):
                at = np.minimum(np.searchsorted(held, rows - base), len(held) - 1)
                out[held[at] == rows - base] += weight
        return out / (sum(weights.values()) or 1.0)


class _Ranking:
    """BM25 over one kind of token in all segments of a release."""

    def __init__(self, parts: Sequence[Path], name: str, live: Sequence[Mask], counted: Sequence[Mask]) -> None:
        self._parts = [Postings(part, name) for part in parts]
        self._live, self._counted = live, counted
        self._number = sum(int(mask.sum()) for mask in counted)
        length = sum(int(p.lengths[mask].sum()) for p, mask in zip(self._parts, counted, strict=True))
        average = length / (self._number or 1) or 1.0
        self._norms = [(K1 * (1 - B + B * p.lengths / average)).astype(np.float32) for p in self._parts]
        self._bases = np.cumsum([0, *(len(mask) for mask in live)])

    def ask(self, question: Sequence[str]) -> Asked:
        """Scores of all rows for the tokens of a question, each counted once."""
        asked = Asked(np.zeros(int(self._bases[-1]), np.float32))
        for token in dict.fromkeys(question):
            found, holding = [], 0
            for number, part in enumerate(self._parts):
                at = part.find(token)
                if at.start == at.stop:
                    continue
                marked = part.rows[at]
                rows = (marked >> 1).astype(np.int64)
                asked.held.setdefault(token, []).append((int(self._bases[number]), rows))
                texts = int(np.count_nonzero(self._live[number][rows] & (marked & 1).astype(np.bool_)))
                asked.texts[token] = asked.texts.get(token, 0) + texts
                holding += int(np.count_nonzero(self._counted[number][rows]))
                found.append((number, rows, part.counts[at].astype(np.float32)))
            weight = np.float32(np.log1p((self._number - holding + 0.5) / (holding + 0.5)))
            for number, rows, counts in found:
                into = asked.scores[self._bases[number] : self._bases[number + 1]]
                into[rows] += weight * (counts / (self._norms[number][rows] + counts))
        for number, mask in enumerate(self._counted):
            asked.scores[self._bases[number] : self._bases[number + 1]][~mask] = 0.0
        return asked

    def rows_with(self, wanted: Sequence[str]) -> Iterator[int]:
        """Rows of the release that hold every one of ``wanted``."""
        for number, part in enumerate(self._parts):
            rows: Rows | None = None
            for token in wanted:
                found = (part.rows[part.find(token)] >> 1).astype(np.int64)
                rows = found if rows is None else np.intersect1d(rows, found, assume_unique=True)
            for row in rows if rows is not None else ():
                if self._live[number][row]:
                    yield int(self._bases[number] + row)


class LexicalIndex:
    """Scores of all passages for one question."""

    def __init__(self, parts: Sequence[Path], live: Sequence[Mask], synonyms: Sequence[tuple[str, ...]] = ()) -> None:
        """``parts`` are the folders of each segment, ``live`` its rows that belong to the release."""
        try:
            found = [np.load(part / "indexed.npy") for part in parts]
            self.indexed: list[Mask] = [a & b for a, b in zip(live, found, strict=True)]
            self._words = _Ranking(parts, "words", live, self.indexed)
            self._sounds = _Ranking(parts, "sounds", live, self.indexed)
        except (OSError, ValueError) as error:
            raise RetrieveError(
                f"The lexical index can't be opened: {error}.", "Run `jiamenkou publish --rebuild`."
            ) from error
        self._synonyms = tuple(synonyms)

    def words(self, question: str) -> Asked:
        """BM25 over words; 0 where nothing is shared."""
        return self._words.ask(tokens(expand(question, self._synonyms)))

    def sounds(self, question: str) -> Asked:
        """BM25 over sounds."""
        return self._sounds.ask(sounds(question))

    def says(self, run: str, text_of: Callable[[int], str]) -> bool:
        """Whether some passage says ``run``, a few Han characters; ``text_of`` a row is all that is searched in it."""
        wanted = [token for token in tokens(run) if len(token) == 2] or tokens(run)
        if not wanted:
            return True  # made of words that every text is full of
        rows = list(islice(self._words.rows_with(wanted), LOOKED_AT))
        return bool(rows) if wanted == [run] or len(rows) == LOOKED_AT else any(run in text_of(row) for row in rows)
