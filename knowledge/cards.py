"""Service cards: the schema, and each card as passages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from functools import partial
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from assistant.contracts import Document, FactKind, Passage
from knowledge.facts import fact_kinds, gives_orders


class English(BaseModel):
    """A card in English, by field; what is left out has no translation."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    name: str = Field(min_length=2)
    what: str = ""
    who: str = ""
    where: str = ""
    hours: str = ""
    fee: str = ""
    documents: str = ""
    steps: str = ""


class Card(BaseModel):
    """One service as residents need it; empty fields are unknown and are never guessed."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, coerce_numbers_to_str=True)

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    name: str = Field(min_length=2)
    what: str = Field(min_length=4)  # what for, as a sentence without its subject
    who: str = ""
    where: str = ""
    hours: str = ""
    phone: str = ""
    fee: str = ""
    documents: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    phrasings: tuple[str, ...] = ()  # questions that the card as a whole answers
    owner: str = Field(min_length=1)
    source: str = Field(min_length=1)
    valid_from: date | None = None
    valid_until: date | None = None
    sample: bool = False
    english: English | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Card:
        if self.valid_from and self.valid_until and self.valid_until < self.valid_from:
            raise ValueError("valid_until is before valid_from")
        if self.sample:
            self._clearly_invented()
        elif self.phone and not re.fullmatch(r"\d[\d -]*\d(?:[、,，/]\d[\d -]*\d)*", self.phone):
            raise ValueError("phone is no telephone number")
        return self

    def _clearly_invented(self) -> None:
        """Nothing on a sample card may be taken for a real service."""
        for field in ("name", "where", "phone", "hours", "fee"):
            value = getattr(self, field)
            if value and not value.startswith("示例"):
                raise ValueError(f"on a sample card, {field} begins with 示例")
        if self.phone and not re.fullmatch(r"\D*000-\d{1,4}\D*", self.phone):
            raise ValueError("on a sample card, phone is 000- and at most four digits")


class CardFile(BaseModel):
    """A file of service cards; each card is validated on its own."""

    model_config = ConfigDict(extra="forbid")

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    title: str = Field(min_length=2)
    cards: list[dict[str, Any]] = Field(min_length=1)


# field: how it reads as a sentence, in Chinese and in English, and the kind of fact that it is.
_SENTENCES: dict[str, tuple[str, str, FactKind]] = {
    "phone": ("{name}的电话是{value}。", "The number of {name} is {value}.", FactKind.PHONE),
    "hours": ("{name}的服务时间是{value}。", "Hours of {name}: {value}.", FactKind.HOURS),
    "where": ("{name}的地址是{value}。", "Address of {name}: {value}.", FactKind.ADDRESS),
    "who": ("{name}的服务对象是{value}。", "{name} is for {value}.", FactKind.ELIGIBILITY),
    "fee": ("{name}的收费：{value}。", "Fees of {name}: {value}.", FactKind.PRICE),
    "documents": ("去{name}要带：{value}。", "What to bring to {name}: {value}.", FactKind.PROCEDURE),
    "steps": ("{name}的办理步骤：{value}。", "Steps at {name}: {value}.", FactKind.PROCEDURE),
}
# Questions that each field answers, so that it is found by them.
_ASKED = {
    "phone": ("{name}电话是多少", "怎么联系{name}"),
    "hours": ("{name}几点开门", "{name}什么时候开放", "{name}周末开吗"),
    "where": ("{name}在哪里", "{name}地址", "{name}怎么走"),
    "who": ("谁可以用{name}", "哪些人可以去{name}"),
    "fee": ("{name}收费吗", "{name}多少钱"),
    "documents": ("去{name}要带什么", "{name}需要什么材料"),
    "steps": ("{name}怎么办理", "{name}怎么预约", "{name}流程"),
}
_CALLED = ("电话", "热线", "专线")  # 110报警电话的电话 says it twice


def card_passages(document: Document, card: Card) -> Iterator[Passage]:
    """The card as a whole (``hotlines#110``), then one passage a filled field (``hotlines#110.phone``)."""
    make = partial(
        Passage,
        doc=document.id,
        title=card.name,
        path=(document.title, card.name),
        owner=card.owner,
        source=card.source,
        valid_from=card.valid_from or document.valid_from,
        valid_until=card.valid_until or document.valid_until,
        sample=card.sample,
    )
    card_id = f"{document.id}#{card.id}"
    phone = f"，电话{card.phone}" if card.phone else ""
    text = f"{card.name}：{card.what.rstrip('。')}{phone}。"
    kinds = dict.fromkeys((*fact_kinds(card.what), *((FactKind.PHONE,) if card.phone else ())))
    yield make(
        id=card_id,
        kind="card",
        text=text,
        english=_english_summary(card),
        phrasings=card.phrasings,
        fact_kinds=tuple(kinds),
        gives_orders=gives_orders(text),
    )
    for order, (field, (chinese, english, kind)) in enumerate(_SENTENCES.items()):
        value = getattr(card, field)
        if not value:
            continue
        shown = value if isinstance(value, str) else "；".join(value)
        if field == "phone" and card.name.endswith(_CALLED):
            chinese = "{name}的号码是{value}。"
        words = chinese.format(name=card.name, value=shown.rstrip("。"))
        yield make(
            id=f"{card_id}.{field}",
            kind="field",
            field=field,
            parent=card_id,
            order=order,
            values=(value,) if isinstance(value, str) else value,
            english_values=_english_values(card, field),
            text=words,
            english=_english(card, field, english),
            phrasings=tuple(form.format(name=name) for name in (card.name, *card.aliases) for form in _ASKED[field]),
            fact_kinds=(kind,),
            gives_orders=gives_orders(words),
        )


def _english_summary(card: Card) -> str | None:
    if card.english is None or not card.english.what:
        return None
    ring = f" (phone {_digits(card)})" if card.phone else ""
    return f"{card.english.name}{ring}: {card.english.what}"


def _english(card: Card, field: str, form: str) -> str | None:
    if card.english is None:
        return None
    value = _digits(card) if field == "phone" else getattr(card.english, field, "")
    return form.format(name=card.english.name, value=value.rstrip(".")) if value else None


def _english_values(card: Card, field: str) -> tuple[str, ...]:
    if card.english is None:
        return ()
    value = _digits(card) if field == "phone" else getattr(card.english, field, "")
    parts = value.split(";") if field in ("documents", "steps") else [value]
    return tuple(part.strip() for part in parts if part.strip())


def _digits(card: Card) -> str:
    """The number without Chinese words: 示例号码000-0001 is sample number 000-0001."""
    return re.sub(r"示例(?:号码|电话)?", "sample number ", card.phone)
