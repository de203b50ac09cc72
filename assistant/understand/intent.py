"""What kind of fact is asked for, and which years, places, departments and articles are named."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from assistant.contracts import FactKind
from assistant.numerals import VALUES, number_of

DATA = Path(__file__).parent / "intent.yaml"


@dataclass(frozen=True)
class Intent:
    """What one question asks for."""

    kinds: tuple[FactKind, ...]
    years: tuple[int, ...]
    places: tuple[str, ...]
    article: int | None
    chapter: int | None
    yes_no: bool


@cache
def _data() -> dict[str, Any]:
    data: dict[str, Any] = yaml.safe_load(DATA.read_text(encoding="utf-8"))
    return data


@cache
def _patterns(group: str) -> dict[str, re.Pattern[str]]:
    return {name: re.compile("|".join(parts), re.IGNORECASE) for name, parts in _data()[group].items()}


@cache
def _places() -> re.Pattern[str]:
    return re.compile("|".join(sorted(_data()["places"], key=len, reverse=True)), re.IGNORECASE)


def understand(text: str, this_year: int) -> Intent:
    """Read the surface of ``text`` (a cleaned, simplified question)."""
    kinds = tuple(
        FactKind(name)
        for name, pattern in _patterns("kinds").items()
        if pattern.search(text) and not _excluded(name, text)
    )
    return Intent(
        kinds=kinds or (FactKind.GENERAL,),
        years=named_years(text, this_year),
        places=tuple(dict.fromkeys(m.group() for m in _places().finditer(text))),
        article=_numbered(text, "条"),
        chapter=_numbered(text, "(?:章|部分|大部分|个部分)"),
        yes_no=bool(_patterns("forms")["yes_no"].search(text)),
    )


def _excluded(kind: str, text: str) -> bool:
    pattern = _patterns("not_kinds").get(kind)
    return bool(pattern and pattern.search(text))


def named_years(text: str, this_year: int) -> tuple[int, ...]:
    """Years that the question names, 今年 and 去年 included, in order."""
    years = [int(y) for y in re.findall(r"(?<!\d)((?:19|20)\d\d)\s*年", text)]
    years += [
        int(y)
        for y in re.findall(
            r"\b(?:in|by|of|for|since|until|before|during|year) (?:the year )?((?:19|20)\d\d)\b", text, re.IGNORECASE
        )
    ]
    for digits in re.findall(r"[二一][零〇九][零〇一二三四五六七八九]{2}(?=年)", text):
        years.append(int("".join(str(VALUES[c]) for c in digits)))
    # 二五年 for 2025: digits alone, for 二十五年 is a length of time.
    years += [2000 + 20 + VALUES[d] for d in re.findall(r"(?<![零〇一二三四五六七八九十])二([四五六七八九])年", text)]
    for pattern, offset in _data()["relative_years"].items():
        if re.search(pattern, text, re.IGNORECASE):
            years.append(this_year + offset)
    for pattern, year in _data()["named_periods"].items():
        if re.search(pattern, text, re.IGNORECASE):
            years.append(year)
    return tuple(dict.fromkeys(years))


def _numbered(text: str, unit: str) -> int | None:
    """第十四条 and 第14条 are 14; article 14 too."""
    found = re.search(rf"第\s*([零〇一二两三四五六七八九十百]+|\d+)\s*{unit}", text)
    if found:
        return number_of(found.group(1))
    word = "article" if unit == "条" else "(?:chapter|part)"
    english = re.search(rf"\b{word}\s+(\d+)", text, re.IGNORECASE)
    return int(english.group(1)) if english else None


def departments_named(text: str, aliases: Mapping[str, str]) -> tuple[str, ...]:
    """Departments that ``text`` names, in full; ``aliases`` maps every way of saying it."""
    found = {}
    rest = text
    for alias in sorted(aliases, key=len, reverse=True):
        if alias in rest:
            found[aliases[alias]] = text.index(alias)
            rest = rest.replace(alias, "□")
    return tuple(sorted(found, key=lambda name: found[name]))
