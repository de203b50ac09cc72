"""Whom to turn to about an answer: the counter or hotline that it names, else the hotline nearest to the question."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date

from assistant.answer.refuse import Refusals
from assistant.contracts import Answer, Contacts, Evidence, Passage

EVERYTHING = "12345"  # the hotline for what no other is for
MEANT = 0.86  # cosine of a question to a known phrasing of a hotline's card, from which that hotline is near
_NUMBER = re.compile(r"(?<!\d)\d{3,5}(?!\d)")


def named_hotline(last: Answer | None) -> str:
    """The number that the last answer offered for a person; '' when it offered none."""
    return last.hotline or "" if last else ""


def contacts(
    last: Answer | None, evidence: Evidence, passages: Mapping[str, Passage], refusals: Refusals, day: date
) -> Contacts:
    """Contacts after the answer ``last``; ``evidence`` is what its question found, empty when it named a hotline."""
    counter: tuple[Passage, ...] = ()
    number = named_hotline(last)
    for citation in last.citations if last else ():
        passage = passages.get(citation.passage_id)
        card = passages.get(passage.parent or passage.id) if passage and passage.kind in ("card", "field") else None
        if card is None or not card.valid_on(day):
            continue
        whole = _whole(card, passages)
        called = next((field.values[0] for field in whole if field.field == "phone" and field.values), "")
        if not card.sample and refusals.hotline(called):
            number = number or called  # the answer was about a hotline itself
        else:
            counter = counter or whole
    number = number or _near(evidence)
    cited = refusals.hotline(number) or refusals.hotline(EVERYTHING)
    hotline = passages.get((passages[cited.passage_id].parent or "") if cited else "")
    return Contacts(
        hotline=_whole(hotline, passages) if hotline else (),
        counter=counter,
        department=last.departments[0] if last and last.departments else "",
    )


def _whole(card: Passage, passages: Mapping[str, Passage]) -> tuple[Passage, ...]:
    """A card and its fields in order."""
    return (card, *sorted((each for each in passages.values() if each.parent == card.id), key=lambda each: each.order))


def _near(evidence: Evidence) -> str:
    """The hotline whose card or topic the question is nearest to; '' when none is near."""
    for candidate in evidence.candidates:
        passage = candidate.passage
        if passage.kind in ("card", "field") and not passage.sample and candidate.phrasing >= MEANT:
            found = _NUMBER.search(passage.text)
            return found[0] if found else ""
    if evidence.referral is not None and evidence.referral_score >= MEANT:
        return evidence.referral.hotline
    return ""
