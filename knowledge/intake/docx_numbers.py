"""Numbers that Word counts by itself (一、 (一) 1.): they stand nowhere in the text and are made again."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any

from assistant.numerals import numeral

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_CHINESE = frozenset(
    "chineseCounting chineseCountingThousand japaneseCounting taiwaneseCounting ideographDigital".split()
)
_CIRCLED = "①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳"


class Numbers:
    """The counters of one document; ask once for each paragraph, in order."""

    def __init__(self, numbering: Any) -> None:
        """``numbering`` is the root of numbering.xml, or None."""
        self._levels: dict[str, dict[int, tuple[str, str, int]]] = {}
        self._counts: dict[str, dict[int, int]] = defaultdict(dict)
        if numbering is None:
            return
        abstract = {each.get(f"{_W}abstractNumId"): each for each in numbering.iter(f"{_W}abstractNum")}
        for number in numbering.iter(f"{_W}num"):
            reference = number.find(f"{_W}abstractNumId")
            found = abstract.get(reference.get(f"{_W}val")) if reference is not None else None
            if found is not None:
                self._levels[number.get(f"{_W}numId") or ""] = {
                    _whole(level.get(f"{_W}ilvl")): (
                        _value(level, "numFmt", "decimal"),
                        _value(level, "lvlText", ""),
                        _whole(_value(level, "start", "1"), 1),
                    )
                    for level in found.iter(f"{_W}lvl")
                }

    def label(self, properties: Any) -> str:
        """The label of a paragraph with these numbering properties (w:numPr); '' for bullets and none."""
        if properties is None:
            return ""
        id_ = _value(properties, "numId", "0")
        level = _whole(_value(properties, "ilvl", "0"))
        levels = self._levels.get(id_, {})
        if level not in levels:
            return ""
        counts = self._counts[id_]
        counts[level] = counts.get(level, levels[level][2] - 1) + 1
        for deeper in [each for each in counts if each > level]:
            del counts[deeper]
        form, text, _ = levels[level]
        if form in ("bullet", "none"):
            return ""

        def shown(match: re.Match[str]) -> str:
            at = int(match.group(1)) - 1
            return _shown(counts.get(at, levels.get(at, ("", "", 1))[2]), levels.get(at, ("decimal",))[0])

        return re.sub(r"%(\d)", shown, text[:30])


def _shown(number: int, form: str) -> str:
    if form in _CHINESE:
        return numeral(number)
    if form == "decimalEnclosedCircleChinese" or form == "decimalEnclosedCircle":
        return _CIRCLED[number - 1] if 0 < number <= len(_CIRCLED) else str(number)
    if form in ("lowerLetter", "upperLetter") and 0 < number <= 26:
        return chr((97 if form == "lowerLetter" else 65) + number - 1)
    return str(number)


def _value(element: Any, name: str, otherwise: str) -> str:
    child = element.find(f"{_W}{name}")
    return (child.get(f"{_W}val") or otherwise) if child is not None else otherwise


def _whole(text: str | None, otherwise: int = 0) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 7 else otherwise
