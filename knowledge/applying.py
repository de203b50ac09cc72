"""A change set on a state of the content: the state that it makes, or a conflict that shows both texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import yaml

from assistant.errors import ConflictError, KnowledgeError
from knowledge.changes import ChangeSet
from knowledge.content import Content

_LOADER = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader


def text_of(content: Content, files: Mapping[str, str], path: str, card: str = "") -> str | None:
    """What a file, or one card of it, says in a state; None when it isn't there."""
    if path not in files:
        return None
    text = _normal(content.text(files[path]))
    if not card:
        return text
    found = _cards(text, path).get(card)
    return found.text if found else None


def applied(content: Content, files: Mapping[str, str], change: ChangeSet) -> dict[str, str]:
    """``files`` with what ``change`` changes, its texts kept in ``content``.

    Raises ConflictError for an item whose published text is no longer the one that its author began with.
    """
    out = dict(files)
    for item in change.items:
        now = text_of(content, out, item.path, item.card)
        if now == item.text:
            continue  # it says so already
        if now != item.base:
            raise ConflictError(
                f"{item.path}{f', card {item.card}' if item.card else ''} was published with another text after this "
                "change began. Nothing was published.",
                "Withdraw the change, compare both texts and save it again.",
                mine=item.text or "",
                theirs=now or "",
                base=item.base or "",
            )
        text = with_card(content, out, item.path, item.card, item.text) if item.card else item.text
        if text is None:
            del out[item.path]
        else:
            out[item.path] = content.put(text.encode())
    return out


def with_card(content: Content, files: Mapping[str, str], path: str, card: str, text: str | None) -> str | None:
    """A file of cards with one card's text replaced, added or removed; the rest stays to the letter."""
    if path not in files:
        if text is None:
            return None
        stem = path.rpartition("/")[2].partition(".")[0]
        return _checked(f"id: {stem}\ntitle: {stem}\ncards:\n{_entry(text, 4)}", path, card, text)
    whole = _normal(content.text(files[path]))
    cards = _cards(whole, path)
    lines = whole.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    indent = next((found.indent for found in cards.values()), 4)
    if card in cards:
        lines[cards[card].start : cards[card].end] = [] if text is None else [_entry(text, cards[card].indent)]
    elif text is not None:
        end = max((found.end for found in cards.values()), default=len(lines))
        lines[end:end] = [_entry(text, indent)]
    if text is None and not set(cards) - {card}:
        return None  # a file without cards is none
    return _checked("".join(lines), path, card, text)


def _checked(whole: str, path: str, card: str, text: str | None) -> str:
    """``whole`` when the card in it says ``text`` and nothing else."""
    found = _cards(whole, path).get(card)
    if (found.text.strip() if found else None) != (None if text is None else text.strip()):
        raise KnowledgeError(
            f"The text of card {card} in {path} is no card of that id.", "Begin each line with a field, id first."
        )
    return whole


def _entry(text: str, indent: int) -> str:
    """One card, written as the mapping that it is, as an entry of the list."""
    lines = text.strip("\n").split("\n")
    first = " " * max(0, indent - 2) + "- "
    return "".join(f"{' ' * indent if at else first}{line}".rstrip() + "\n" for at, line in enumerate(lines))


class _Found(NamedTuple):
    """One card in its file: its text as a mapping of its own, its first line and the one after its last."""

    text: str
    start: int
    end: int
    indent: int


def _cards(text: str, path: str) -> dict[str, _Found]:
    """The cards of a file by id."""
    try:
        root = yaml.compose(text, _LOADER)
    except yaml.YAMLError as error:
        raise KnowledgeError(f"{path} is broken YAML.", "Mend the file as a whole first.") from error
    lines = text.splitlines(keepends=True)
    found: dict[str, _Found] = {}
    for key, value in root.value if isinstance(root, yaml.MappingNode) else ():
        if key.value != "cards" or not isinstance(value, yaml.SequenceNode) or value.flow_style:
            continue
        for node in value.value:
            if not isinstance(node, yaml.MappingNode) or node.flow_style:
                continue
            id_ = next((v.value for k, v in node.value if k.value == "id"), "")
            start, indent = node.start_mark.line, node.start_mark.column
            end = start + 1
            while end < len(lines) and (not lines[end].strip() or lines[end].startswith(" " * indent)):
                end += 1
            while end > start + 1 and not lines[end - 1].strip():
                end -= 1
            own = [line[indent:] if line.strip() else "\n" for line in lines[start:end]]
            found[id_] = _Found("".join(own).rstrip("\n") + "\n", start, end, indent)
    return found


def _normal(text: str) -> str:
    return text.removeprefix("\ufeff").replace("\r\n", "\n")
