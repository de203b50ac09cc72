"""Evidence that was found a moment ago: many residents ask the same, and searching is most of a turn's work."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from datetime import date

from assistant.contracts import Evidence, Question, Retriever


class Recent:
    """The evidence of the last ``size`` different questions.

    Questions are kept as hashes only: what a resident asked is never held beyond the session.
    """

    def __init__(self, size: int = 1024) -> None:
        self._size = size
        self._found: OrderedDict[bytes, Evidence] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, release: str, question: Question, day: date) -> Evidence | None:
        """What was found for exactly this question, in this release, on this day."""
        key = _key(release, question, day)
        with self._lock:
            evidence = self._found.get(key)
            if evidence is not None:
                self._found.move_to_end(key)
            return evidence

    def search(self, retriever: Retriever, release: str, question: Question, day: date) -> Evidence:
        """Search, and remember."""
        evidence = retriever.search(question, day)
        with self._lock:
            self._found[_key(release, question, day)] = evidence
            while len(self._found) > self._size:
                self._found.popitem(last=False)
        return evidence


def _key(release: str, question: Question, day: date) -> bytes:
    return hashlib.sha256(f"{release}\n{day}\n{question.model_dump_json()}".encode()).digest()
