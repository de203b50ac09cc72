"""Shelf: the documents and passages of one release, read when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

import numpy as np

from assistant.contracts import Corpus, Document, Passage, Referral
from knowledge.load import document_of
from knowledge.segments import Mask, Segment, Stored


class Shelf(Mapping[str, Passage]):
    """Passages by id, in the order of their documents; on a ``day`` only what may be used on it."""

    def __init__(
        self,
        segments: Sequence[Segment],
        order: Sequence[tuple[int, Stored]],
        words: Corpus,
        day: date | None = None,
    ) -> None:
        self.segments = tuple(segments)
        self.words, self.day = words, day
        self._order = order
        in_force = [(at, stored) for at, stored in order if day is None or _in_force(stored.document, day)]
        self._places: dict[str, tuple[int, Stored]] = {stored.document.id: (at, stored) for at, stored in in_force}
        # A document that only groups passages (cards of an unknown one) has no title of its own.
        self.documents: tuple[Document, ...] = tuple(s.document for _, s in in_force if s.document.title)
        self._departments: frozenset[str] | None = None

    @property
    def referrals(self) -> tuple[Referral, ...]:
        """Topics that the documents don't cover."""
        return self.words.referrals

    @property
    def synonyms(self) -> tuple[tuple[str, ...], ...]:
        """Groups of words that mean the same."""
        return self.words.synonyms

    @property
    def departments(self) -> frozenset[str]:
        """Every department that a document names."""
        if self._departments is None:
            self._departments = frozenset(name for _, s in self._places.values() for name in s.departments)
        return self._departments

    def on(self, day: date) -> Shelf:
        """The same as far as it may be used on ``day``."""
        return Shelf(self.segments, self._order, self.words, day)

    def live(self) -> list[Mask]:
        """For each segment, which rows belong to this release, whatever the day."""
        masks = [np.zeros(segment.rows, np.bool_) for segment in self.segments]
        for at, stored in self._order:
            masks[at][stored.start : stored.end] = True
        return masks

    def stored(self) -> list[tuple[int, Stored]]:
        """Every document with the segment that holds it, in order."""
        return list(self._order)

    def of(self, doc: str) -> tuple[Passage, ...]:
        """All passages of one document, in order; empty when there is no such document."""
        place = self._places.get(doc)
        return tuple(self._read(place)) if place else ()

    def _read(self, place: tuple[int, Stored]) -> Iterator[Passage]:
        at, stored = place
        for row in range(stored.start, stored.end):
            passage = self.segments[at].passage(row)
            if self.day is None or passage.valid_on(self.day):
                yield passage

    def phones(self) -> Iterator[Passage]:
        """Passages that give a number to ring."""
        for at, stored in self._places.values():
            for row in stored.phones:
                passage = self.segments[at].passage(stored.start + row)
                if self.day is None or passage.valid_on(self.day):
                    yield passage

    def __getitem__(self, passage_id: str) -> Passage:
        place = self._places.get(document_of(passage_id))
        row = self.segments[place[0]].find(passage_id, place[1].start, place[1].end) if place else None
        if place is None or row is None:
            raise KeyError(passage_id)
        passage = self.segments[place[0]].passage(row)
        if passage.id != passage_id or (self.day is not None and not passage.valid_on(self.day)):
            raise KeyError(passage_id)
        return passage

    def __iter__(self) -> Iterator[str]:
        for place in self._places.values():
            for passage in self._read(place):
                yield passage.id

    def __len__(self) -> int:
        return sum(stored.end - stored.start for _, stored in self._places.values())

    def passages(self) -> Iterator[Passage]:
        """Every passage, in order."""
        for place in self._places.values():
            yield from self._read(place)

    def corpus(self) -> Corpus:
        """All of it as one value; for small releases."""
        return self.words.model_copy(update={"documents": self.documents, "passages": tuple(self.passages())})


def _in_force(document: Document, day: date) -> bool:
    return (document.valid_from is None or document.valid_from <= day) and (
        document.valid_until is None or day <= document.valid_until
    )
