"""What answers need to know of a release's passages; a corpus that is in memory can stand for one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Protocol

from assistant.contracts import Corpus, Document, Passage


class Holdings(Protocol):
    """Documents and passages of one release, each read when it is asked for."""

    @property
    def documents(self) -> tuple[Document, ...]:
        """All documents, in order."""
        ...

    @property
    def departments(self) -> frozenset[str]:
        """Every department that a document names."""
        ...

    def of(self, doc: str) -> Sequence[Passage]:
        """All passages of one document, in order."""
        ...

    def phones(self) -> Iterable[Passage]:
        """Passages that give a number to ring, in order."""
        ...


class MemoryHoldings:
    """Passages that are all in memory."""

    def __init__(self, passages: Iterable[Passage], documents: Iterable[Document] = ()) -> None:
        self.documents = tuple(documents)
        self._passages: dict[str, list[Passage]] = defaultdict(list)
        for passage in passages:
            self._passages[passage.doc].append(passage)
        self.departments = frozenset(d for found in self._passages.values() for p in found for d in p.departments)

    def of(self, doc: str) -> Sequence[Passage]:
        """All passages of one document, in order."""
        return self._passages.get(doc, ())

    def phones(self) -> Iterable[Passage]:
        """Passages that give a number to ring."""
        return (p for found in self._passages.values() for p in found if p.field == "phone")


def held(source: Holdings | Corpus | Iterable[Passage]) -> Holdings:
    """``source`` as holdings."""
    if isinstance(source, Corpus):
        return MemoryHoldings(source.passages, source.documents)
    if hasattr(source, "phones"):
        return source  # type: ignore[return-value]
    return MemoryHoldings(source)


def document_of(passage_id: str) -> str:
    """The document that a passage's id belongs to."""
    return passage_id.partition("#")[0]
