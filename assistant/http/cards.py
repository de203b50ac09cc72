"""A service card as faces show it, from its passages."""

from __future__ import annotations

import re
from collections.abc import Sequence

from assistant.contracts import Conversation, Frozen, Passage


class CardView(Frozen):
    """One card; empty fields are unknown."""

    name: str
    phone: str = ""
    where: str = ""
    hours: str = ""
    fee: str = ""
    who: str = ""
    documents: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    sample: bool = False


def card_of(passages: Sequence[Passage]) -> CardView:
    """A card's passage, followed by those of its fields."""
    values = {each.field: each.values for each in passages if each.field and each.values}
    single = {name: values[name][0] for name in ("phone", "where", "hours", "fee", "who") if name in values}
    many = {name: values[name] for name in ("documents", "steps") if name in values}
    return CardView(name=passages[0].title, sample=passages[0].sample, **single, **many)


def whole_card(conversation: Conversation, passage_id: str) -> tuple[Passage, ...]:
    """The card that a passage is or belongs to, followed by its fields; empty when it is no card's."""
    passage = conversation.passage(passage_id)
    card = conversation.passage(passage.parent or passage.id) if passage else None
    if card is None or card.kind != "card":
        return ()
    return (card, *(each for each in conversation.passages(card.doc) if each.parent == card.id))


def telephone(number: str) -> str:
    """``tel:`` address of a number, the first of several; '' when it can't be dialled."""
    digits = re.sub(r"[^0-9+]", "", re.split("[、,，/]", number)[0])
    return f"tel:{digits}" if len(digits) >= 3 else ""
