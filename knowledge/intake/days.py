"""Dates in a text, and what each is for: issued, in force from, valid until, a deadline."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, timedelta

from assistant.contracts import Passage
from assistant.numerals import number_of
from knowledge.intake.values import FoundDate

_DIGITS = "〇零○Ｏ一二三四五六七八九"
_VALUES = {c: v for c, v in zip(_DIGITS, (0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9), strict=True)}
_DAY = re.compile(
    rf"(?P<year>(?:19|20)\d\d|[一二][{_DIGITS}]{{3}})\s*年(?:\s*(?P<month>\d{{1,2}}|[一二三四五六七八九十]{{1,3}})\s*月"
    r"(?:\s*(?P<day>\d{1,2}|[一二三四五六七八九十]{1,3})\s*[日号])?)?"
    r"|(?<!\d)(?P<iso>(?:19|20)\d\d[-/.]\d{1,2}[-/.]\d{1,2})(?!\d)"
)
_FROM_AFTER = re.compile(r"\s*(?:起|之日起|日起)?(?:正式)?(?:施行|实施|执行|生效|启用|开始(?:施行|实施|执行))|\s*起")
_FROM_BEFORE = re.compile(r"自\s*$")
_UNTIL_BEFORE = re.compile(
    r"(?:有效期[至到为]?|有效期限?截?[至到]|试行[至到]|施行[至到]|执行[至到]|截止(?:日期|时间)?[为至到:：]?)\s*$"
)
_UNTIL_AFTER = re.compile(r"\s*(?:止|失效|废止|截止)")
_DEADLINE = re.compile(r"(?:到|至|截至|在)\s*$")
_DEADLINE_AFTER = re.compile(r"\s*(?:[底末]|以?之?前)")
_YEARS = re.compile(r"有效期(?:限)?(?:为|是)?\s*(\d{1,2}|[一二三四五六七八九十]{1,3})\s*年")


def read_day(text: str) -> date | None:
    """The day in 2025-01-31, 2025/1/31, 2025.1.31, 2025年1月31日, 二〇二五年一月三十一日, or 20250131."""
    text = text.strip().split(" ")[0] if re.match(r"\s*\d{4}-", text) else text.strip()
    if re.fullmatch(r"(?:19|20)\d{6}", text):
        return _made(int(text[:4]), int(text[4:6]), int(text[6:]))
    match = _DAY.fullmatch(text)
    return _value(match) if match else None


def find_dates(passages: Iterable[Passage], body: str) -> list[FoundDate]:
    """Dates of the passages in order, each with what it is for. A line of its own at the end is the day of issue."""
    out: list[FoundDate] = []
    seen: set[tuple[str, str, str]] = set()
    for passage in passages:
        if passage.kind not in ("sentence", "about"):
            continue
        for found in _in_text(passage.text, passage.id):
            key = (found.text, found.role, found.passage)
            if key not in seen:
                seen.add(key)
                out.append(found)
    for match in re.finditer(
        r"^.{0,24}?(?P<day>(?:\d{4}年\d{1,2}月\d{1,2}日)|[一二][〇零○][^年\n]{2}年[^月\n]{1,2}月[^日\n]{1,3}日)$",
        body,
        re.MULTILINE,
    ):
        value = read_day(match.group("day"))
        at = next(
            (i for i, each in enumerate(out) if each.text == match.group("day") and each.role == "mentioned"), None
        )
        if value is not None and at is not None:
            out[at] = out[at].model_copy(update={"role": "issued"})
    return out


def _in_text(text: str, passage: str) -> Iterable[FoundDate]:
    start: date | None = None
    for match in _DAY.finditer(text):
        before, after = text[max(0, match.start() - 12) : match.start()], text[match.end() : match.end() + 12]
        value = _value(match)
        role = "mentioned"
        if _UNTIL_BEFORE.search(before) or _UNTIL_AFTER.match(after):
            role = "valid_until"
        elif value is not None and (
            _FROM_AFTER.match(after) and (_FROM_BEFORE.search(before) or "起" not in after[:2])
        ):
            role, start = "valid_from", value
        elif _DEADLINE_AFTER.match(after) or _DEADLINE.search(before):
            role = "deadline"
            if start is not None and re.search(r"(?:至|到)\s*$", before) and value is not None:
                role = "valid_until"  # 自2025年1月1日起施行至2027年12月31日
        yield FoundDate(text=match.group(), value=value, role=role, passage=passage)
    years = _YEARS.search(text)
    if years and start is not None:
        end = _later(start, number_of(years.group(1)) or 0)
        yield FoundDate(text=years.group(), value=end, role="valid_until", passage=passage)


def _later(start: date, years: int) -> date:
    """The last day of so many years from ``start`` on."""
    try:
        return start.replace(year=start.year + years) - timedelta(days=1)
    except ValueError:  # from 29 February
        return date(start.year + years, 2, 28)


def _value(match: re.Match[str]) -> date | None:
    if match.group("iso"):
        year, month, day = (int(part) for part in re.split(r"[-/.]", match.group("iso")))
        return _made(year, month, day)
    if not match.group("month") or not match.group("day"):
        return None
    raw = match.group("year")
    year = int(raw) if raw.isdigit() else int("".join(str(_VALUES[c]) for c in raw))
    return _made(year, number_of(match.group("month")) or 0, number_of(match.group("day")) or 0)


def _made(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
