"""Search one release: gather candidates from meaning, words and sounds, and fuse their scores."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from assistant.contracts import STORY, Candidate, Embedder, Evidence, Language, Passage, Question, Referral
from assistant.retrieve.dense import DenseIndex, Hit
from assistant.retrieve.embedder import Vectors
from assistant.retrieve.gate import CALIBRATION
from assistant.retrieve.homophones import Homophones
from assistant.retrieve.lexical import Asked, LexicalIndex, Mask
from assistant.retrieve.spans import spans
from assistant.retrieve.words import expand, tokens

NEAR = 150  # vectors looked at; phrasings, spans and referrals are among them
TOP = 15  # candidates taken from each way of searching
# Cosine taken from an uncovered phrasing that asks for a price or the like, when the question doesn't.
OTHER_KIND = 0.04
SHOWN = 8  # candidates handed on

# Words by which a question is about the document itself.
_DOCUMENT = re.compile(
    r"方案|文件|通知|文号|落款|印发|发布|制订|制定|转发|出台|起草|政策|plan|document|notice", re.IGNORECASE
)


class Part(Protocol):
    """The passages of one segment."""

    rows: int
    ids: NDArray[np.uint64]  # hashes of their ids
    valid_from: NDArray[np.int32]  # days as ordinals
    valid_until: NDArray[np.int32]

    @property
    def passage(self) -> Callable[[int], Passage]:
        """Reads the passage of a row."""
        ...

    def find(self, passage_id: str, start: int, end: int) -> int | None:
        """The last row from ``start`` to ``end`` that has this id."""
        ...


class ReleaseSearch:
    """A ``Retriever`` over one open release."""

    def __init__(
        self,
        parts: Sequence[Part],
        passages: int,
        dense: DenseIndex,
        lexical: LexicalIndex,
        embedder: Embedder,
        asks: Callable[[str], frozenset[str]] = lambda text: frozenset(),
        referrals: Sequence[Referral] = (),
        synonyms: Sequence[tuple[str, ...]] = (),
    ) -> None:
        """``passages`` are so many in the release; ``asks`` tells what a text asks for beyond its topic: a price …"""
        self._asks = asks
        self._parts, self._size = list(parts), passages
        self._referral_kinds: dict[tuple[int, int], frozenset[str]] = {}
        self.referrals, self._synonyms = tuple(referrals), tuple(synonyms)
        self._dense, self._lexical, self._embedder = dense, lexical, embedder
        self._bases = np.cumsum([0, *(part.rows for part in parts)])
        none = np.zeros(0, np.int32)
        self._ids = np.concatenate([part.ids for part in parts] or [np.zeros(0, np.uint64)])
        self._from = np.concatenate([part.valid_from for part in parts] or [none])
        self._until = np.concatenate([part.valid_until for part in parts] or [none])
        words = [w for g in synonyms for w in g]
        said = "\n".join([q for r in referrals for q in r.phrasings] + words)
        self._homophones = Homophones(words, lambda run: run in said or lexical.says(run, self._said))
        self._weights: dict[str, float] = CALIBRATION["fusion"]
        self._usable = lru_cache(4)(self._usable_on)

    def _passage(self, row: int) -> Passage:
        at = int(np.searchsorted(self._bases, row, side="right")) - 1
        return self._parts[at].passage(row - int(self._bases[at]))

    def _said(self, row: int) -> str:
        passage = self._passage(row)
        return "\n".join((passage.text, *passage.phrasings))

    def _usable_on(self, day: date) -> tuple[Mask, list[Mask]]:
        """Rows that may be used on ``day``, and the vectors of them in each segment."""
        number = day.toordinal()
        rows = (self._from <= number) & (number <= self._until)
        return rows, self._dense.allowed(rows)

    def search(self, question: Question, day: date) -> Evidence:
        """Candidates that may answer ``question`` on ``day``, best first; expired ones are never ranked."""
        return self.as_heard(self.repaired(question), day)

    def as_heard(self, question: Question, day: date) -> Evidence:
        """The same without putting misheard words right first."""
        vector = self.vector(question.resolved, question.language)
        return self.rank(question, vector, self.near(vector, day), day)

    def repaired(self, question: Question) -> Question:
        """The question with misheard words of the domain put right."""
        return question.model_copy(update={"resolved": self._homophones.repair(question.resolved)})

    def vector(self, text: str, language: Language = Language.CHINESE) -> Vectors:
        """A question's vector; of a long story its end, where the question stands, counts as much as all."""
        longest = STORY[language]
        if len(text) <= longest:
            return np.asarray(self._embedder.encode_query([text])[0], np.float32)
        both = self._embedder.encode_query([text, text[-longest:]])
        mean = np.asarray(both.sum(0), np.float32)
        return mean / np.float32(np.linalg.norm(mean) or 1.0)

    def near(self, vector: Vectors, day: date) -> list[Hit]:
        """Vectors near a question's, of what may be used on ``day``."""
        return self._dense.near(vector, NEAR, self._usable(day)[1], self._ids)

    def rank(self, question: Question, vector: Vectors, hits: list[Hit], day: date) -> Evidence:
        """Fuse what is near ``vector`` with what shares words and sounds."""
        words = self._lexical.words(question.resolved)
        sounds = self._lexical.sounds(question.resolved)
        usable = self._usable(day)[0]
        best: dict[str, dict[int, float]] = {role: {} for role in ("text", "span", "english", "phrasing", "referral")}
        nearest_span: dict[int, int] = {}
        asked = self._asks(question.resolved)
        for hit in hits:  # nearest first
            if hit.role == "referral":
                cosine = hit.cosine - (0.0 if self._referral_asks(hit) <= asked else OTHER_KIND)
                best["referral"][hit.row] = max(best["referral"].get(hit.row, 0.0), cosine)
                continue
            if hit.row not in best[hit.role]:
                best[hit.role][hit.row] = hit.cosine
                if hit.role == "span":
                    nearest_span[hit.row] = hit.index

        wanted = [*best["text"], *best["span"], *best["english"], *best["phrasing"]]
        for found in (words, sounds):
            wanted += _best(np.where(usable, found.scores, 0.0), self._ids, TOP)
        passages = {
            row: passage
            for row in dict.fromkeys(wanted)
            if self._may_answer(passage := self._passage(row), question, day)
        }
        parents = {row: self._parent(row, passage) for row, passage in passages.items()}
        dense = self._cosines(vector, {*passages, *(row for row in parents.values() if row is not None)}, best["text"])
        word_top = float(words.scores.max(initial=0.0)) or 1.0
        sound_top = float(sounds.scores.max(initial=0.0)) or 1.0
        rarity = {
            token: self._rarity(words, token)
            for token in dict.fromkeys(tokens(expand(question.resolved, self._synonyms)))
        }
        family = self._family(question.focus)
        coverage = words.share(rarity, np.fromiter(passages, np.int64, len(passages)))
        candidates = []
        for (row, passage), covered in zip(passages.items(), coverage.tolist(), strict=True):
            own = dense.get(row, 0.0)
            parent = parents[row]
            features = {
                "dense": max(own, best["span"].get(row, 0.0), best["english"].get(row, 0.0)),
                "article_dense": own if parent is None else dense.get(parent, own),
                "phrasing": best["phrasing"].get(row, 0.0),
                "lexical": float(words.scores[row]) / word_top,
                "pinyin": float(sounds.scores[row]) / sound_top,
                "coverage": covered,
            }
            score = sum(self._weights[name] * value for name, value in features.items())
            if passage.id in family or (passage.parent and passage.parent in family):
                score += self._weights["focus"]
            span = spans(passage.text)[nearest_span[row]] if row in nearest_span else ""
            candidates.append(Candidate(passage=passage, score=score, span=span, **features))
        candidates.sort(key=lambda c: -c.score)
        nearest = max(best["referral"].items(), key=lambda item: item[1], default=None)
        return Evidence(
            candidates=tuple(candidates[:SHOWN]),
            referral=self.referrals[nearest[0]] if nearest else None,
            referral_score=nearest[1] if nearest else 0.0,
        )

    def _referral_asks(self, hit: Hit) -> frozenset[str]:
        """What an uncovered phrasing asks for; known once asked."""
        key = (hit.row, hit.index)
        if key not in self._referral_kinds:
            self._referral_kinds[key] = self._asks(self.referrals[key[0]].phrasings[key[1]])
        return self._referral_kinds[key]

    def _rarity(self, words: Asked, token: str) -> float:
        return float(np.log(1 + self._size / (1 + words.texts.get(token, 0))))

    def _family(self, focus: str | None) -> set[str]:
        """Ids of what a follow-up stays with: a passage, and the article or card that it is part of."""
        for part in self._parts if focus else ():
            row = part.find(focus or "", 0, part.rows)
            if row is not None:
                passage = part.passage(row)
                return {passage.id, passage.parent or passage.id}
        return set()

    def _parent(self, row: int, passage: Passage) -> int | None:
        """The row of a passage's article or card, which lies before it in the same segment."""
        if not passage.parent:
            return None
        at = int(np.searchsorted(self._bases, row, side="right")) - 1
        base = int(self._bases[at])
        for least in (max(0, row - base - 64), 0):  # most articles are short
            found = self._parts[at].find(passage.parent, least, row - base)
            if found is not None:
                return base + found
        return None

    def _may_answer(self, passage: Passage, question: Question, day: date) -> bool:
        return (
            passage.kind != "article"  # its sentences stand for it
            and passage.field != "department"  # answered from structure
            and not passage.gives_orders
            and (passage.kind != "about" or bool(_DOCUMENT.search(question.text)))
            and passage.valid_on(day)
            and (question.asks_sample or not passage.sample)  # invented data answers nobody who didn't ask for it
        )

    def _cosines(self, vector: Vectors, rows: Iterable[int], known: dict[int, float]) -> dict[int, float]:
        """Cosines of passages and of their articles; what was not among the nearest is looked up."""
        return {**known, **self._dense.cosines(vector, sorted(row for row in rows if row not in known))}


def _best(scores: NDArray[np.float32], ties: NDArray[np.uint64], count: int) -> list[int]:
    """Rows of the highest scores above 0, highest first; ``ties`` decide among equals, whatever their rows."""
    if len(scores) > count:
        least = np.partition(scores, len(scores) - count)[len(scores) - count]
        rows = np.flatnonzero((scores >= least) & (scores > 0))
    else:
        rows = np.flatnonzero(scores > 0)
    order = np.lexsort((ties[rows], -scores[rows]))[:count]
    return [int(row) for row in rows[order]]
