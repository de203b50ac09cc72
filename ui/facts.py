"""What a card shows of an answer beside its words: figures and names that the answer itself says, and service cards."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from assistant.answer.quantities import Quantity, quantities
from assistant.contracts import Answer, Conversation, Language, Passage, Target
from assistant.http.cards import whole_card

SERVICE_FIELDS = ("where", "hours", "phone", "fee", "who")  # each a line of a service card
SERVICE_LISTS = ("documents", "steps")  # each a list of one
LABEL_LIMIT = 44  # characters beside an English figure
FULL = "全覆盖"  # a target without a figure
AFTER = ("以上", "左右", "以内", "以下")  # qualifiers that stand behind the unit
_ENDS = re.compile(r"[,，.。；;：:!！?？()]|\band\b|\bor\b|\bby\b")


@dataclass(frozen=True)
class Fact:
    """One tile: 17.8万 张, said of 养老床位总数; or a year, or a department."""

    kind: Literal["figure", "deadline", "department"]
    value: str
    unit: str = ""
    label: str = ""


@dataclass(frozen=True)
class Service:
    """A service card as its parts; a field that the card leaves empty is not in ``fields``."""

    name: str
    sample: bool
    fields: tuple[tuple[str, str], ...]  # (where, hours …; what stands there)
    lists: tuple[tuple[str, tuple[str, ...]], ...]  # (documents, steps; the entries)


def facts(
    answer: Answer, passages: Sequence[Passage], english_names: Mapping[str, str] | None = None
) -> tuple[Fact, ...]:
    """The typed facts of the cited ``passages`` whose value stands in the answer's own words.

    ``english_names`` are departments in English by their name in the documents.
    """
    if answer.refused or answer.emergency:
        return ()
    english = answer.language is Language.ENGLISH
    said = quantities(answer.text)
    found: dict[tuple[str, str, str], Fact] = {}
    for target in (target for passage in passages for target in passage.targets):
        fact = _said(target, answer.text, said, english)
        if fact is None:
            continue
        found.setdefault((fact.kind, fact.value, fact.label), fact)
        year = str(target.deadline_year or "")
        if year and year in answer.text:
            deadline = Fact("deadline", year if english or target.deadline not in answer.text else target.deadline)
            found.setdefault((deadline.kind, deadline.value, ""), deadline)
    names = dict.fromkeys(name for passage in passages for name in passage.departments)
    for name in names:
        shown = (english_names or {}).get(name, "") if english else name
        if shown and shown in answer.text:
            found.setdefault(("department", shown, ""), Fact("department", shown))
    order = {"figure": 0, "deadline": 1, "department": 2}
    return tuple(sorted(found.values(), key=lambda fact: order[fact.kind]))


def service(conversation: Conversation, answer: Answer) -> Service | None:
    """The service card that the answer stands on first; None when it stands on none, or only names a hotline."""
    if answer.refused:
        return None
    for citation in answer.citations:
        whole = whole_card(conversation, citation.passage_id)
        if not whole:
            continue
        card, *fields = whole
        english = answer.language is Language.ENGLISH
        parts = {
            part.field: tuple(part.english_values if english and part.english_values else part.values)
            for part in fields
            if part.field
        }
        return Service(
            name=(english and _english_name(card)) or card.title,
            sample=card.sample,
            fields=tuple((field, parts[field][0]) for field in SERVICE_FIELDS if parts.get(field)),
            lists=tuple((field, parts[field]) for field in SERVICE_LISTS if parts.get(field)),
        )
    return None


def _said(target: Target, text: str, said: Sequence[Quantity], english: bool) -> Fact | None:
    """The target as the answer words it; None when the answer says another thing or nothing of it."""
    if not english and target.text not in text and target.subject[-2:] not in text:
        return None
    if target.qualifier == FULL:
        return None if english or FULL not in text else Fact("figure", FULL, "", target.subject)
    spoken = next((one for one in said if _same(one, target)), None)
    if spoken is None:
        return None
    value = text[spoken.begin : spoken.end].strip()
    percent = target.unit.startswith("%")
    if english:
        return Fact("figure", value, "%" if percent else "", _counted(text, spoken))
    after = target.qualifier if target.qualifier in AFTER and target.qualifier in text else ""
    before = target.qualifier if target.qualifier and not after and target.qualifier in text else ""
    unit = "" if value.startswith("百分之") else target.unit
    return Fact("figure", f"{before}{value}", f"{unit}{after}", target.subject)


def _same(said: Quantity, target: Target) -> bool:
    unit = target.unit.split("/")[0]
    return said.value == target.quantity and (not said.unit or unit.startswith(said.unit))


def _counted(text: str, said: Quantity) -> str:
    """What an English figure counts: the words behind it, or those before it when it ends its clause."""
    behind = _ENDS.split(text[said.end :], maxsplit=1)[0].lstrip("%").strip()
    words = behind or _ENDS.split(text[: said.begin])[-1].strip()
    return words if len(words) <= LABEL_LIMIT else f"{words[:LABEL_LIMIT].rsplit(' ', 1)[0]} …"


def _english_name(card: Passage) -> str:
    """A card's English summary begins with its name: Sample community canteen (phone …): meals …"""
    return re.split(r" \(phone|: ", card.english or "")[0]
