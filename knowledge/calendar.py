"""What goes stale when: the days from and until which documents and cards may be used, by owner."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Literal

import numpy as np

from assistant.contracts import Frozen
from knowledge.segments import ALWAYS
from knowledge.shelf import Shelf

AHEAD = 30  # days before its last day that an owner is reminded


class Day(Frozen):
    """A document or card that begins to be used, or is used for the last time, on a day."""

    when: date
    what: Literal["begins", "ends"]
    document: str
    title: str  # of the document, or of the card
    passage_id: str = ""  # of a card
    owner: str = ""
    days: int = 0  # from today; negative when it is over


class Reminder(Frozen):
    """What one owner has to look after."""

    owner: str
    entries: tuple[Day, ...]


def calendar(shelf: Shelf, first: date, last: date, today: date) -> list[Day]:
    """Everything that begins or ends between ``first`` and ``last`` (both included), by day."""
    found: list[Day] = []
    for _, stored in shelf.stored():
        document = stored.document
        for what, when in (("begins", document.valid_from), ("ends", document.valid_until)):
            if when is not None and first <= when <= last:
                found.append(_day(when, what, document.id, document.title, "", document.owner, today))
    places = {(at, row): s for at, s in shelf.stored() if s.document.kind == "cards" for row in range(s.start, s.end)}
    for at, segment in enumerate(shelf.segments):
        for what, days in (("begins", segment.valid_from), ("ends", segment.valid_until)):
            inside = (days >= max(1, first.toordinal())) & (days <= min(last.toordinal(), ALWAYS - 1))
            for row in np.flatnonzero(inside):
                stored_card = places.get((at, int(row)))
                passage = segment.passage(int(row)) if stored_card else None
                if passage is not None and passage.kind == "card":
                    when = date.fromordinal(int(days[row]))
                    found.append(_day(when, what, passage.doc, passage.title, passage.id, passage.owner, today))
    return sorted(found, key=lambda day: (day.when, day.owner, day.document, day.passage_id))


def reminders(shelf: Shelf, today: date, ahead: int = AHEAD) -> list[Reminder]:
    """For each owner, what ends within ``ahead`` days or has ended and is still published; soonest first."""
    ending = calendar(shelf, date.min, today + timedelta(days=ahead), today)
    by_owner: dict[str, list[Day]] = {}
    for day in ending:
        if day.what == "ends":
            by_owner.setdefault(day.owner, []).append(day)
    return [Reminder(owner=owner, entries=tuple(days)) for owner, days in by_owner.items()]


def _day(when: date, what: str, document: str, title: str, passage_id: str, owner: str, today: date) -> Day:
    return Day.model_validate(
        {
            "when": when,
            "what": what,
            "document": document,
            "title": title,
            "passage_id": passage_id,
            "owner": owner,
            "days": (when - today).days,
        }
    )
