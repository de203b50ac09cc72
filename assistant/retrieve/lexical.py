"""Lexical index: BM25 over characters and pairs, and a second one over sounds."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assistant.contracts import Corpus, Passage
from assistant.errors import RetrieveError
from assistant.retrieve.words import expand, sounds, tokens

Scores = NDArray[np.float32]


def indexed(passage: Passage) -> bool:
    """Whether a passage may be found at all: orders to the model are data, never evidence."""
    return not passage.gives_orders


def searchable(passage: Passage) -> str:
    """All words by which a passage is found."""
    return " ".join((*passage.path[-1:], passage.text, passage.english or "", *passage.phrasings))


class LexicalArtefact:
    """Builds both indexes; the part of a release that ``LexicalIndex`` opens."""

    name = "lexical"
    identity = "bm25-characters-sounds-2"

    def build(self, corpus: Corpus, folder: Path) -> None:
        """Write the indexes of all passages that may be found."""
        import bm25s

        logging.getLogger("bm25s").setLevel(logging.WARNING)  # importing it sets DEBUG
        passages = [p for p in corpus.passages if indexed(p)]
        (folder / "ids.json").write_text(json.dumps([p.id for p in passages]), encoding="utf-8")
        for name, split in (("words", tokens), ("sounds", sounds)):
            index = bm25s.BM25(k1=1.2, b=0.5)
            index.index([split(searchable(p)) or ["∅"] for p in passages], show_progress=False)
            index.save(folder / name, show_progress=False)


class LexicalIndex:
    """Scores of all passages for one question."""

    def __init__(self, folder: Path, synonyms: Sequence[tuple[str, ...]]) -> None:
        import bm25s

        try:
            self.ids: list[str] = json.loads((folder / "ids.json").read_text(encoding="utf-8"))
            self._words = bm25s.BM25.load(folder / "words", show_progress=False)
            self._sounds = bm25s.BM25.load(folder / "sounds", show_progress=False)
        except Exception as error:
            raise RetrieveError(
                f"The lexical index in {folder} can't be opened: {error}.", "Run `jiamenkou publish --rebuild`."
            ) from error
        self._synonyms = tuple(synonyms)

    def words(self, question: str) -> Scores:
        """BM25 over words, shape (passages,); 0 where nothing is shared."""
        return self._scores(self._words, tokens, expand(question, self._synonyms))

    def sounds(self, question: str) -> Scores:
        """BM25 over sounds, shape (passages,)."""
        return self._scores(self._sounds, sounds, question)

    def _scores(self, index: object, split: Callable[[str], list[str]], question: str) -> Scores:
        known: dict[str, int] = index.vocab_dict  # type: ignore[attr-defined]
        query = [token for token in dict.fromkeys(split(question)) if token in known]
        if not query:
            return np.zeros(len(self.ids), np.float32)
        scores: Scores = index.get_scores(query)  # type: ignore[attr-defined]
        return scores
