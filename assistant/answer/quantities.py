"""Numbers as facts: their values, their units, the dates they make, and the words they belong to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from assistant.numerals import VALUES

_TENS = {"十": 10, "百": 100, "千": 1_000, "万": 10_000, "亿": 100_000_000}
_ENGLISH_TENS = {"thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000}
_ENGLISH_NUMBERS = {
    word: value
    for value, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen twenty".split()
    )
}
_ARABIC = re.compile(r"(\d+(?:,\d{3})*(?:\.\d+)?)\s*(万亿|万|亿|千|百|thousand\b|million\b|billion\b)?", re.IGNORECASE)
_HAN = re.compile(r"(百分之)?([零〇一二两三四五六七八九十百千万亿]+(?:点[零一二三四五六七八九]+)?)")
_WORD = re.compile(rf"\b({'|'.join(_ENGLISH_NUMBERS)})\b", re.IGNORECASE)
# Words with a numeral that count nothing.
_IDIOMS = re.compile(
    # Not inside a longer numeral: 二十一家 and 三千万 count.
    r"(?<![零〇一二两三四五六七八九十百千万亿])(?:一江一河|一网通办|一卡通|一点多用|一老一小|一中心多站点|一体|一次性|一定|一些|一样|一起|一批|一个|一下|一方面|一般|一直|一共|一段|一份|"
    r"一家|一条|一种|一项|一句|一位|一边|第一|统一|唯一|进一步|万一|千万|百货|五五购物节|十分|三角|四边|百姓|万家|之一|不一|一系列|一站式|一刻钟|一二|"
    r"一点|一遍|一声|哪一|这一|那一|每一|任何一|同一|再一|问一问|试一试|看一看|说一说)(?![十百千万亿])"
)
# What may follow a number, the longest first; a number followed by anything else is bare.
_UNIT = re.compile(
    r"\s*(?:多|余|来|几)?\s*(%|％|per ?cent\b|个?百分点|平方米|平方公里|平方千米|公里|千米|米|分钟|小时|个月|元|块|岁|年|月|日|号|天|周|点|时|倍|"
    r"张|家|个|所|处|套|间|条|座|人|名|户|次|台|辆|项|种|类|批|款|部|章|层|期|级|位|份|亩|吨|yuan\b)",
    re.IGNORECASE,
)
_SAME_UNIT = {"％": "%", "percent": "%", "per cent": "%", "块": "元", "yuan": "元", "号": "日", "千米": "公里"}
_MONTHS = {
    name: month
    for month, name in enumerate(
        "january february march april may june july august september october november december".split(), 1
    )
}
_DATE = re.compile(r"(?:(\d{4})\s*年\s*)?(\d{1,2})\s*月(?:\s*(\d{1,2})\s*[日号])?")
_ENGLISH_DATE = re.compile(
    rf"(?:(?P<before>\d{{1,2}})(?:st|nd|rd|th)?\s+)?\b(?P<month>{'|'.join(_MONTHS)})\b"
    r"(?:\s+(?P<after>\d{1,2})(?:st|nd|rd|th)?\b)?(?:,?\s+(?P<year>\d{4})\b)?",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"[^,，。；;！!？?\n]+")
# Shares of a clause's wording: what its number must stand beside, and how much better another may fit.
BESIDE, BETTER = 0.25, 0.2


@dataclass(frozen=True)
class Quantity:
    """A number as it stands in a text: 17.8万张 is 178000 and 张; ``unit`` is empty when it is bare."""

    value: float
    unit: str
    begin: int
    end: int


def quantities(text: str) -> list[Quantity]:
    """Every number of ``text`` in order of kind: digits, English words, Chinese numerals.

    17.8万 is 178000, 二十六 is 26, 4.5 stays.
    """
    found = []
    for match in _ARABIC.finditer(text):
        value = float(match[1].replace(",", ""))
        for part in re.findall(r"万亿|万|亿|千|百", match[2] or ""):
            value *= {"万亿": 10**12}.get(part) or _TENS[part]
        value *= _ENGLISH_TENS.get((match[2] or "").lower(), 1)
        found.append(_quantity(value, text, match.start(), match.end()))
    for match in _WORD.finditer(text):
        if match[1].lower() not in ("one", "zero"):
            found.append(_quantity(float(_ENGLISH_NUMBERS[match[1].lower()]), text, match.start(), match.end()))
    # Blanks of equal length keep the places of what remains.
    rest = _blank(_ARABIC, _blank(_IDIOMS, text))
    for match in _HAN.finditer(rest):
        amount = _han_value(match[2])
        if amount is not None:
            quantity = _quantity(amount, text, match.start(), match.end())
            found.append(Quantity(quantity.value, "%", quantity.begin, quantity.end) if match[1] else quantity)
    return found


def wrong_units(said: Iterable[Quantity], evidence: Iterable[Quantity], strict: bool) -> list[str]:
    """Numbers that the evidence has, but never of this unit: 85张 where it says 85%.

    A bare number is taken as it comes, but a percentage is never bare. With ``strict`` a number
    that is bare in the evidence gets no unit either.
    """
    held: dict[float, set[str]] = {}
    for quantity in evidence:
        held.setdefault(quantity.value, set()).add(quantity.unit)
    found = []
    for quantity in said:
        units = held.get(quantity.value, set())
        fits = quantity.unit in units or (not strict and "" in units)
        bare = not quantity.unit and units != {"%"}
        if units and not fits and not bare:
            found.append(f"{quantity.value:g}{quantity.unit}")
    return found


def wrong_dates(text: str, evidence: str) -> list[str]:
    """Days and months that no date of the evidence holds together: 12月2日 from a 12 here and a 2 there."""
    held = dates(evidence)
    return [
        "-".join(str(part) for part in date if part is not None)
        for date in dates(text)
        if not any(all(a is None or a == b for a, b in zip(date, other, strict=True)) for other in held)
    ]


def dates(text: str) -> list[tuple[int | None, int | None, int | None]]:
    """(year, month, day) of every date that names a month; what isn't said is None."""
    found = [(_int(m[1]), _int(m[2]), _int(m[3])) for m in _DATE.finditer(_with_digits(text))]
    for match in _ENGLISH_DATE.finditer(text):
        day = match["before"] or match["after"]
        if day or match["year"]:  # “may” alone is no month
            found.append((_int(match["year"]), _MONTHS[match["month"].lower()], _int(day)))
    return found


def mispaired(text: str, evidence: str) -> list[str]:
    """Numbers that stand beside other words than in the evidence, as a model pairs a true figure with a false thing."""
    windows = [({q.value for q in held}, _wording(words)) for held, words in _windows(evidence)]
    found = []
    for said, clause in _windows(text):
        words = _wording(clause)
        if len(words) < 2:
            continue
        for quantity in said:
            own = [held for values, held in windows if quantity.value in values]
            others = [held for values, held in windows if values and quantity.value not in values]
            beside = max((_share(words, held) for held in own), default=0.0)
            elsewhere = max((_share(words, held) for held in others), default=0.0)
            if own and (beside < BESIDE or elsewhere > beside + BETTER):
                found.append(f"{quantity.value:g}{quantity.unit}")
    return found


def pairs(text: str) -> list[str]:
    """Character pairs of the Chinese runs of ``text``, and its longer Latin words."""
    han = re.findall(r"[\u4e00-\u9fff]+", text)
    return [run[i : i + 2] for run in han for i in range(len(run) - 1)] + re.findall(r"[a-z]{4,}", text.lower())


def _windows(text: str) -> list[tuple[list[Quantity], str]]:
    """Each clause's numbers with the words that belong to them.

    A clause of little more than a number (到2025年, 85%以上) belongs to what stands beside it.
    """
    found = []
    for sentence in re.split(r"[。；;！!？?\n]", text):
        clauses = _clauses(sentence)
        for i, clause in enumerate(clauses):
            words = clause
            if len(_wording(clause)) < 4:
                words = ",".join(clauses[max(0, i - 1) : i + 2])
            found.append((quantities(clause), words))
    return found


def _clauses(text: str) -> list[str]:
    """Clauses of ``text``; the comma inside 1,000 divides nothing."""
    return _CLAUSE.findall(re.sub(r"(?<=\d),(?=\d{3})", "", text))


def _wording(text: str) -> set[str]:
    """The character pairs of a clause without its numbers and their units."""
    for quantity in sorted(quantities(text), key=lambda q: -q.begin):
        unit = _UNIT.match(text, quantity.end)
        text = f"{text[: quantity.begin]} {text[unit.end() if unit else quantity.end :]}"
    return set(pairs(text))


def _share(words: set[str], held: set[str]) -> float:
    return len(words & held) / len(words)


def _quantity(value: float, text: str, begin: int, end: int) -> Quantity:
    unit = _UNIT.match(text, end)
    name = unit[1].lower() if unit else ""
    return Quantity(round(value, 6), _SAME_UNIT.get(name, name), begin, end)


def _blank(pattern: re.Pattern[str], text: str) -> str:
    return pattern.sub(lambda match: "□" * len(match.group()), text)


def _with_digits(text: str) -> str:
    """Chinese numerals before 年, 月 and 日 as digits."""

    def digits(match: re.Match[str]) -> str:
        value = _han_value(match.group())
        return match.group() if value is None else f"{value:g}"

    return re.sub(r"[零〇一二两三四五六七八九十]+(?=\s*[年月日号])", digits, text)


def _int(text: str | None) -> int | None:
    return int(text) if text else None


def _han_value(run: str) -> float | None:
    whole, _, decimals = run.partition("点")
    if len(whole) > 1 and not set(whole) & set(_TENS):  # 二零二五: digit by digit
        return float("".join(str(VALUES[c]) for c in whole))
    total, section, digit = 0, 0, 0
    for character in whole:
        if character in VALUES:
            digit = VALUES[character]
        elif character in "万亿":
            total = (total + section + digit) * _TENS[character]
            section = digit = 0
        else:
            section += (digit or 1) * _TENS[character]
            digit = 0
    value = float(total + section + digit)
    if decimals:
        value += float("0." + "".join(str(VALUES[c]) for c in decimals))
    return value


def unsourced(text: str, sources: Sequence[str]) -> float:
    """Share of the character pairs (or Latin words) of ``text`` that no source holds, 0 to 1."""
    said = pairs(text)
    if not said:
        return 0.0
    held = {pair for source in sources for pair in pairs(source)}
    return sum(pair not in held for pair in said) / len(said)
