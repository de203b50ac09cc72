"""How English reads numbers, dates, phones, money and units: tried in order at each character."""

from __future__ import annotations

import re
from collections.abc import Callable

from assistant.speak import english_numbers as numbers
from assistant.speak.layout import LAYOUT
from assistant.speak.readings import readings
from assistant.speak.spoken import Reader, Rule

_Read = list[tuple[str | int, str]]

_NUMBER = r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?"
_UNIT = "|".join(sorted(map(re.escape, readings().units), key=len, reverse=True))
_YEAR = r"(?:1[89]|20|21)\d\d"
_MONTHS = "January February March April May June July August September October November December".split()
_MONTH = "(?:" + "|".join(_MONTHS) + ")"


def _all(say: Callable[[re.Match[str]], str]) -> Reader:
    return lambda match: [(0, f" {say(match)} ")]


def _phone(match: re.Match[str]) -> _Read:
    groups = [numbers.digit_by_digit(part) for part in re.split(r"\D+", match.group()) if part]
    return [(0, " " + ", ".join(groups) + " ")]


def _date(match: re.Match[str]) -> _Read:
    month, day = int(match["month"]), int(match["day"])
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return []
    said = f" {_MONTHS[month - 1]} {numbers.ordinal(match['day'])}, {numbers.year(match['year'])} "
    return [(0, said)]


def _clock(match: re.Match[str]) -> _Read:
    hour, minute = int(match["hour"]), int(match["minute"])
    if hour > 24 or minute > 59:
        return []
    if not minute and hour in (0, 12, 24):
        return [(0, " noon " if hour == 12 else " midnight ")]
    said = numbers.integer(str(hour % 12 or 12))
    if minute:
        said += (" oh " if minute < 10 else " ") + numbers.integer(match["minute"])
    elif hour < 12:
        said += " o'clock"
    return [(0, f" {said} {'P M' if 12 <= hour < 24 else ''} ")]


def _fraction(match: re.Match[str]) -> _Read:
    top, bottom = int(match["a"]), int(match["b"])
    if not 0 < top < bottom:
        return []
    part = "half" if bottom == 2 else "quarter" if bottom == 4 else numbers.ordinal(match["b"])
    return [(0, f" {numbers.integer(match['a'])} {part}{'s' if top > 1 else ''} ")]


def _money(match: re.Match[str]) -> str:
    name = {"¥": "yuan", "￥": "yuan", "RMB": "yuan", "CNY": "yuan", "$": "dollars", "€": "euros", "£": "pounds"}
    return f"{numbers.number(match['n'])}{match['size'] or ''} {name[match['sign'].upper()]}"


def _plain(match: re.Match[str]) -> str:
    bare = match.group().replace(",", "")
    if "." not in bare and ((len(bare) >= 7 and "," not in match.group()) or (len(bare) > 1 and bare[0] == "0")):
        return numbers.digit_by_digit(bare)
    return numbers.number(match.group())


def _rule(pattern: str, read: Reader) -> Rule:
    return Rule(re.compile(pattern), read)


RULES: tuple[Rule, ...] = (
    *LAYOUT,
    _rule(rf"(?<![\d.])(?P<year>{_YEAR})[-/.](?P<month>\d{{1,2}})[-/.](?P<day>\d{{1,2}})(?![\d.])", _date),
    *(_rule(rf"(?<={month} )\d{{1,2}}(?![\d:%])", _all(lambda m: numbers.ordinal(m.group()))) for month in _MONTHS),
    _rule(rf"\d{{1,2}}(?= {_MONTH})", _all(lambda m: numbers.ordinal(m.group()))),
    _rule(r"(?P<n>\d+)(?:st|nd|rd|th)\b", _all(lambda m: numbers.ordinal(m["n"]))),
    _rule(r"(?<![\d:.])(?P<hour>\d{1,2}):(?P<minute>\d\d)(?![\d:])", _clock),
    _rule(r"(?<![\d.])\+?86[- ]?1[3-9]\d[- ]?\d{4}[- ]?\d{4}(?!\d)", _phone),
    _rule(r"(?<![\d.])1[3-9]\d[- ]?\d{4}[- ]?\d{4}(?!\d)", _phone),
    _rule(r"(?<![\d.])[48]00[- ]?\d{3,4}[- ]?\d{3,4}(?!\d)", _phone),
    _rule(r"(?<![\d.])\(?0\d{2,3}\)?[- ]?\d{4}[- ]?\d{3,4}(?!\d)", _phone),
    _rule(
        r"(?<![\d.,])(?:1[012]0|119|122|12\d{3}|100\d\d|9[56]\d{3,4})(?![\d.%]|,\d)"
        r"(?! (?:people|yuan|households|square|metres|meters|days|hours|million|thousand|minutes|centres|places))",
        _phone,
    ),
    _rule(rf"(?P<sign>[¥￥$€£]|RMB|CNY)\s?(?P<n>{_NUMBER})(?P<size> (?:thousand|million|billion))?", _all(_money)),
    _rule(rf"(?P<n>{_NUMBER})\s?[%％]", _all(lambda m: numbers.number(m["n"]) + " percent")),
    _rule(r"(?<![\d./])(?P<a>\d{1,3})/(?P<b>\d{1,3})(?![\d./])", _fraction),
    _rule(r"(?P<parts>\d+(?:\.\d+){2,})", _all(lambda m: " point ".join(map(numbers.integer, m["parts"].split("."))))),
    _rule(r"(?<=[\d%])\s?[-—–~]\s?(?=[¥$]?\d)", _all(lambda m: "to")),
    _rule(rf"(?<![\w])(?P<minus>[-−])(?P<n>{_NUMBER})", _all(lambda m: "minus " + numbers.number(m["n"]))),
    _rule(
        rf"(?P<n>{_NUMBER})\s?(?P<unit>{_UNIT})(?![A-Za-z])",
        _all(lambda m: numbers.number(m["n"]) + " " + readings().units[m["unit"]]["en"]),
    ),
    _rule(
        rf"(?<![\d.,]){_YEAR}(?![\d.]|,\d)(?! (?:people|yuan|households|square))",
        _all(lambda m: numbers.year(m.group())),
    ),
    _rule(_NUMBER, _all(_plain)),
    _rule(r"(?<![A-Za-z])[A-Z]{2,5}(?![A-Za-z])", _all(lambda m: " ".join(m.group()))),
)
