"""Service cards: the schema, and each card as passages."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from pydantic import BaseModel, ConfigDict, Field, model_validator

from assistant.contracts import Document, FactKind, Passage
from knowledge.facts import fact_kinds, gives_orders


class English(BaseModel):
    """A card in English, by field."""

    model_config = ConfigDict(extra="forbid")

    name: str
    what: str = ""
    who: str = ""
    where: str = ""
    hours: str = ""
    fee: str = ""


class Card(BaseModel):
    """One service as residents need it; empty fields are unknown and are never guessed."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

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
    phrasings: tuple[str, ...] = ()
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
        if self.sample and not self.name.startswith("示例"):
            raise ValueError("the name of a sample card begins with 示例")
        if self.phone and not any(c.isdigit() for c in self.phone) and not self.sample:
            raise ValueError("phone has no digits")
        return self


# field: how it reads as a sentence, and the kind of fact that it is.
_SENTENCES: dict[str, tuple[str, FactKind]] = {
    "phone": ("{name}的电话是{value}。", FactKind.PHONE),
    "hours": ("{name}的服务时间是{value}。", FactKind.HOURS),
    "where": ("{name}的地址是{value}。", FactKind.ADDRESS),
    "who": ("{name}的服务对象是{value}。", FactKind.ELIGIBILITY),
    "fee": ("{name}的收费：{value}。", FactKind.PRICE),
    "documents": ("去{name}要带：{value}。", FactKind.PROCEDURE),
    "steps": ("{name}的办理步骤：{value}。", FactKind.PROCEDURE),
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


def card_passages(document: Document, card: Card) -> Iterator[Passage]:
    """The card as a whole, then one passage a filled field."""
    names = (card.name, *card.aliases)
    shared = {
        "doc": document.id,
        "title": card.name,
        "path": (document.title, card.name),
        "owner": card.owner,
        "source": card.source,
        "valid_from": card.valid_from or document.valid_from,
        "valid_until": card.valid_until or document.valid_until,
        "sample": card.sample,
    }
    phone = f"，电话{card.phone}" if card.phone else ""
    text = f"{card.name}：{card.what.rstrip('。')}{phone}。"
    english = None
    if card.english:
        ring = f" (phone {card.phone})" if card.phone else ""
        english = f"{card.english.name}{ring}: {card.english.what}"
    yield Passage(
        id=f"{document.id}#{card.id}",
        kind="card",
        text=text,
        english=english,
        phrasings=card.phrasings,
        fact_kinds=tuple(dict.fromkeys((*fact_kinds(text), *((FactKind.PHONE,) if card.phone else ())))),
        gives_orders=gives_orders(text),
        **shared,  # type: ignore[arg-type]
    )
    for order, (field, (sentence, kind)) in enumerate(_SENTENCES.items()):
        value = getattr(card, field)
        if not value:
            continue
        shown = value if isinstance(value, str) else "；".join(value)
        words = sentence.format(name=card.name, value=shown.rstrip("。"))
        yield Passage(
            id=f"{document.id}#{card.id}.{field}",
            kind="field",
            field=field,
            parent=f"{document.id}#{card.id}",
            order=order,
            text=words,
            english=_english(card, field),
            phrasings=tuple(form.format(name=name) for name in names for form in _ASKED[field]),
            fact_kinds=(kind,),
            gives_orders=gives_orders(words),
            **shared,  # type: ignore[arg-type]
        )


def _english(card: Card, field: str) -> str | None:
    if card.english is None:
        return None
    if field == "phone":
        return f"The number of {card.english.name} is {card.phone}."
    value = getattr(card.english, field, "")
    return f"{card.english.name}: {value}" if value else None
