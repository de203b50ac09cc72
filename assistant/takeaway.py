"""Answers that residents take home: kept in memory under an id nobody can guess, for a set time."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import datetime, time, timedelta

from assistant.contracts import Answer, Citation, Frozen, Language, Passage

KEPT = 2000  # at once; the oldest go first


class Takeaway(Frozen):
    """An answer and what it stands on. Nothing about who asked, and not the question."""

    text: str
    language: Language
    citations: tuple[Citation, ...]
    passages: tuple[Passage, ...]  # what is cited, and the whole of each cited card
    hotline: str
    made: datetime
    until: datetime


def now() -> datetime:
    """The time here, with its zone."""
    return datetime.now().astimezone()


class Shelf:
    """Takes answers and gives them out again until their time is over."""

    def __init__(self, hours: float = 24.0, clock: Callable[[], datetime] = now, kept: int = KEPT) -> None:
        self._time, self._clock, self._kept = timedelta(hours=hours), clock, kept
        self._pages: OrderedDict[str, Takeaway] = OrderedDict()

    def put(self, answer: Answer, passages: Sequence[Passage]) -> tuple[str, Takeaway]:
        """Keep ``answer`` until its time is over, or until a passage that it stands on may no longer be used."""
        made = self._clock()
        ends = [
            datetime.combine(passage.valid_until + timedelta(days=1), time(), made.tzinfo)
            for passage in passages
            if passage.valid_until is not None
        ]
        # A text that a model wrote may repeat the resident's words: then the cited sentences speak alone.
        text = "" if answer.engine == "written" else answer.text
        page = Takeaway(
            text=text,
            language=answer.language,
            citations=answer.citations,
            passages=tuple(passages),
            hotline=answer.hotline or "",
            made=made,
            until=min([made + self._time, *ends]),
        )
        id_ = secrets.token_urlsafe(18)
        self._pages[id_] = page
        while len(self._pages) > self._kept:
            self._pages.popitem(last=False)
        return id_, page

    def get(self, id_: str) -> Takeaway | None:
        """What was kept under ``id_``; None when there is nothing, or no longer."""
        page = self._pages.get(id_)
        if page is not None and page.until <= self._clock():
            del self._pages[id_]
            return None
        return page

    def sweep(self) -> None:
        """Drop what is over; to be called now and then."""
        moment = self._clock()
        for id_ in [id_ for id_, page in self._pages.items() if page.until <= moment]:
            del self._pages[id_]

    def __len__(self) -> int:
        return len(self._pages)


def takes_home(answer: Answer) -> bool:
    """Whether there is something in ``answer`` to take home: published words, or a number to ring."""
    return answer.engine not in ("person", "relay") and bool(answer.citations or answer.hotline)
