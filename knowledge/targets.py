"""Measurable targets as typed values: what, how much, in which unit, by when."""

from __future__ import annotations

import re

from assistant.contracts import Target

_SCALE = {"": 1, "万": 10_000, "亿": 100_000_000}
_UNIT = "平方米|个百分点|套\\(间\\)|套（间）|%|个|张|家|套|所|处|座|间|条|人|场|辆|床|项|名"
_NUMBER = re.compile(
    rf"(?P<before>不少于|不低于|不超过|至少(?:有|建设)?|达到|超过)?\s*(?P<digits>\d+(?:,\d{{3}})*(?:\.\d+)?|一(?=所))(?P<scale>万|亿)?(?P<unit>{_UNIT})(?P<after>以上|左右|以内|以下)?"
)
_FULL = re.compile(r"(?:实现|完成)?(?P<subject>[^,，;；。]{2,40}?)(?:实现)?(?P<full>全覆盖)")
_DEADLINE = re.compile(r"(?:到)?(?P<text>(?P<year>20\d\d)年底?)(?=[,，前])|(?P<period>“十四五”期间)")
# Numbers that are a name or a condition of something else, not what is to be reached.
_NOT_TARGET = re.compile(r"\d+分钟|\d+岁|\d+床规模|16个区|每千人")
_PER_THOUSAND = re.compile(r"每千人")


def find_targets(sentence: str) -> tuple[Target, ...]:
    """Every target that one sentence states, in order; the deadline before a clause holds for it."""
    out: list[Target] = []
    deadline, year = "", None
    before = here = ""  # the clause before this one that is more than a deadline
    for clause in _clauses(sentence):
        when = _DEADLINE.search(clause)
        if when:
            deadline = when.group("text") or when.group("period")
            year = int(when.group("year")) if when.group("year") else 2025
        bare = clause.strip("，,;；。")
        masked = re.sub(_NOT_TARGET, lambda m: "□" * len(m.group()), bare)
        if not when or len(bare) > len(when.group()) + 1:
            before, here = here, bare
        found = list(_NUMBER.finditer(masked))
        for number in found:
            out.append(_target(bare, masked, number, found, deadline, year))
        if not found and (full := _FULL.search(bare)):
            subject = re.sub(r"^(?:推进|到20\d\d年,?|实现|基本完成)+", "", full.group("subject"))
            subject = re.sub(r"实现$", "", subject).rpartition("实现")[2]
            if re.match(r"街镇|各区$|全市$", subject):  # where, not what: the clause before says what
                subject = re.sub(r"^(?:推进|加快|深化)", "", before) or subject
            out.append(
                Target(
                    subject=subject or bare,
                    quantity=100,
                    unit="%",
                    qualifier="全覆盖",
                    deadline=deadline,
                    deadline_year=year,
                    text=bare,
                )
            )
    return tuple(out)


def _target(
    bare: str, masked: str, number: re.Match[str], all_: list[re.Match[str]], deadline: str, year: int | None
) -> Target:
    digits = number.group("digits")
    quantity = (1.0 if digits == "一" else float(digits.replace(",", ""))) * _SCALE[number.group("scale") or ""]
    unit = number.group("unit")
    if _PER_THOUSAND.search(bare):
        unit = f"{unit}/千人"
    before = number.group("before") or ""
    qualifier = number.group("after") or (before if before not in ("达到",) else "")
    if before.startswith("至少"):
        qualifier = "至少"
    return Target(
        subject=_subject(bare, number, all_),
        quantity=round(quantity, 6),
        unit=unit,
        qualifier=qualifier,
        deadline=deadline,
        deadline_year=year,
        text=bare,
    )


_VERBS = r"(?:到20\d\d年底?|“十四五”期间|全市|累计|建设筹措|建设|打造|推出|支持打造|新增|打响|达到|实现|因地制宜|拥有|争取|每年)"


def _subject(bare: str, number: re.Match[str], all_: list[re.Match[str]]) -> str:
    """What is counted: the words after the number, or those before it where it ends the clause."""
    at = all_.index(number)
    end = all_[at + 1].start() if at + 1 < len(all_) else len(bare)
    after = bare[number.end() : end].strip("、,， 的")
    before = bare[all_[at - 1].end() if at else 0 : number.start()]
    before = re.sub(rf"(?:{_VERBS}|[,，、\s])+$", "", re.sub(rf"^(?:{_VERBS}|[,，、\s])+", "", before))
    if after.startswith(("各区", "各街镇")):  # 20个、各区至少1个…公园: both count the same
        last = bare[all_[-1].end() :].strip("、,， 的")
        after = last if len(last) >= 3 else after
    words = after if len(after) >= 3 else before or after or bare
    return re.sub(r"^有条件的区|(?:不低于|不少于)?(?:常住人口)?每千人$", "", words)


def _clauses(sentence: str) -> list[str]:
    """Clauses at commas and semicolons, and at 、 between two numbers that count different things."""
    return [part for part in re.findall(r"[^,，;；]+[,，;；]?", sentence) if part.strip()]
