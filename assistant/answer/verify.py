"""The verifier: nothing is shown or spoken that the cited words don't hold."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

# Shares of character pairs that neither evidence nor question nor stock wording holds.
MOST_UNSOURCED = 0.35

_UNITS = {"十": 10, "百": 100, "千": 1_000, "万": 10_000, "亿": 100_000_000}
_ENGLISH_UNITS = {"thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000}
_ENGLISH_DIGITS = {
    word: value
    for value, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen twenty".split()
    )
}
_DIGITS = {
    word: value
    for value, word in enumerate(
        [
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
            "sixteen",
            "seventeen",
            "eighteen",
            "nineteen",
            "twenty",
        ]
    )
}
_DIGITS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_ARABIC = re.compile(r"(\d+(?:,\d{3})*(?:\.\d+)?)\s*(万亿|万|亿|千|百|thousand\b|million\b|billion\b)?", re.IGNORECASE)
_HAN = re.compile(r"[零〇一二两三四五六七八九十百千万亿]+(?:点[零一二三四五六七八九]+)?")
# Words with a numeral that count nothing.
_IDIOMS = re.compile(
    # Not inside a longer numeral: 二十一家 and 三千万 count.
    r"(?<![零〇一二两三四五六七八九十百千万亿])(?:一江一河|一网通办|一卡通|一点多用|一老一小|一中心多站点|一体|一次性|一定|一些|一样|一起|一批|一个|一下|一方面|一般|一直|一共|一段|一份|"
    r"一家|一条|一种|一项|一句|一位|一边|第一|统一|唯一|进一步|万一|千万|百货|五五购物节|十分|三角|四边|百姓|万家|之一|不一|一系列|一站式|一刻钟|一二|"
    r"一点|一遍|一声|哪一|这一|那一|每一|任何一|同一|再一|问一问|试一试|看一看|说一说)(?![十百千万亿])"
)
_DEPARTMENT = re.compile(
    r"(?:市|区|国家)[\u4e00-\u9fff]{2,12}?(?:局|委员会|委|办公室|办|厅|中心|总部)(?![\u4e00-\u9fff]*(?:店|点|馆))"
)
_NAMED = re.compile(r"[《“「]([^》”」]{2,40})[》”」]")
_LATIN_NAME = re.compile(r"\b[A-Z][A-Za-z]+(?:\s+[A-Z][A-Za-z]+)+\b|\b[A-Z]{2,}\b")


def numbers(text: str) -> set[float]:
    """Values of every number in ``text``: 17.8万 is 178000, 二十六 is 26, 4.5 stays."""
    out: set[float] = set()
    for digits, unit in _ARABIC.findall(text):
        value = float(digits.replace(",", ""))
        for part in re.findall(r"万亿|万|亿|千|百", unit):
            value *= {"万亿": 10**12}.get(part) or _UNITS[part]
        value *= _ENGLISH_UNITS.get(unit.lower(), 1)
        out.add(round(value, 6))
    for word in re.findall(r"[a-z]+", text.lower()):
        if word in _ENGLISH_DIGITS and word not in ("one", "zero"):
            out.add(float(_ENGLISH_DIGITS[word]))
    rest = _ARABIC.sub("□", _IDIOMS.sub("□", text))
    for run in _HAN.findall(rest):
        amount = _han_value(run)
        if amount is not None:
            out.add(round(amount, 6))
    return out


def _han_value(run: str) -> float | None:
    whole, _, decimals = run.partition("点")
    if len(whole) > 1 and not set(whole) & set(_UNITS):  # 二零二五: digit by digit
        return float("".join(str(_DIGITS[c]) for c in whole))
    total, section, digit = 0, 0, 0
    for character in whole:
        if character in _DIGITS:
            digit = _DIGITS[character]
        elif character in "万亿":
            total = (total + section + digit) * _UNITS[character]
            section = digit = 0
        else:
            section += (digit or 1) * _UNITS[character]
            digit = 0
    value = float(total + section + digit)
    if decimals:
        value += float("0." + "".join(str(_DIGITS[c]) for c in decimals))
    return value


def problems(
    text: str,
    sources: Sequence[str],
    departments: Iterable[str] = (),
    question: str | None = None,
    stock: str = "",
) -> tuple[str, ...]:
    """What ``text`` says that ``sources`` don't, as machine words; empty when it may be shown.

    ``departments`` are all names known to the release. ``stock`` is wording of our own around the
    evidence. With ``question`` given the wording is checked too, as for text a model wrote.
    """
    evidence = "\n".join((*sources, stock))
    found = [f"number:{value:g}" for value in sorted(numbers(text) - numbers(evidence))]
    # Phones and codes count to the digit: 000-0001 is no 0 and 1.
    for code in re.findall(r"\d+(?:-\d+)+|(?<![\d.,])0\d{2,}", text):
        years = re.fullmatch(r"((?:19|20)\d\d)-((?:19|20)\d\d)", code)
        if code not in evidence and not (years and {float(y) for y in years.groups()} <= numbers(evidence)):
            found.append(f"number:{code}")
    known = {name for name in departments if name in text} | set(_DEPARTMENT.findall(text))
    found += [f"department:{name}" for name in sorted(known) if name not in evidence and not _part_of(name, evidence)]
    found += [f"name:{name}" for name in _NAMED.findall(text) if name not in evidence]
    found += [f"name:{name}" for name in _LATIN_NAME.findall(text) if name.lower() not in evidence.lower()]
    if question is not None:
        share = unsourced(text, [evidence, question])
        if share > MOST_UNSOURCED:
            found.append(f"unsourced:{share:.2f}")
    return tuple(found)


def _part_of(name: str, evidence: str) -> bool:
    """市民政局 found inside a longer run such as 由市民政局."""
    return name.removeprefix("市") in evidence


def unsourced(text: str, sources: Sequence[str]) -> float:
    """Share of the character pairs (or Latin words) of ``text`` that no source holds, 0 to 1."""
    pairs = _units(text)
    if not pairs:
        return 0.0
    held: set[str] = set()
    for source in sources:
        held |= set(_units(source))
    return sum(pair not in held for pair in pairs) / len(pairs)


def _units(text: str) -> list[str]:
    han = re.findall(r"[\u4e00-\u9fff]+", text)
    words = re.findall(r"[a-z]{4,}", text.lower())
    return [run[i : i + 2] for run in han for i in range(len(run) - 1)] + words
