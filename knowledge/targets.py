"""Measurable targets as typed values: what, how much, in which unit, by when."""

from __future__ import annotations

import re
from dataclasses import dataclass

from assistant.contracts import Target

_SCALE = {"": 1, "万": 10_000, "亿": 100_000_000}
_FEW = {"一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9, "十": 10}
_UNITS = (
    r"个百分点|套[(（]间[)）]|平方公里|平方米|公里|%|％"
    r"|个|张|家|套|所|处|座|间|条|项|人次|人|名|场|辆|床|户|件"
)
_NUMBER = re.compile(
    r"(?P<before>不少于|不低于|不超过|不高于|至少(?:建设|建成|设置|设立|有)?|达到|达|超过|突破)?\s*"
    rf"(?<!\d)(?P<digits>\d+(?:,\d{{3}})*(?:\.\d+)?)(?P<scale>[万亿])?(?P<unit>{_UNITS})(?P<after>以上|左右|以内|以下)?"
    rf"|(?P<least>至少(?:建设|建成|设置|设立|有)?)(?P<few>[{''.join(_FEW)}])(?P<few_unit>个|家|所|处|座|张|名)"
)
# Numbers that name something or set a condition: 15分钟生活圈, 3岁以下, 200床规模, 全市16个区, 3个月.
_NO_TARGET = re.compile(
    r"(?<!\d)\d+(?:分钟|周?岁(?:以[上下])?|床规模(?:以上)?|个?(?:区(?!域)|县|街镇|街道|部门|工作日|月|小时))"
)
_PER = re.compile(r"每([百千万]?[人户])")
# A number is a target only where something is to be reached.
_GOAL = re.compile(
    r"达到|达|建成|建设|建立|设立|打造|打响|推出|新增|增加|筹措|培育|引进|实现|完成|形成|拥有|力争|争取|不少于|不低于|不超过|至少|以上|左右|覆盖率"
)
_FULL = re.compile(r"(?P<subject>[^,，;；。]{2,60}?)(?:实现)?全覆盖")
_DEADLINE = re.compile(
    r"(?:(?:到|至|截至)?(?:20\d\d年?[—–~至到-])?(?P<text>(?P<year>20\d\d)年(?P<end>[底末])?)"
    r"(?P<earlier>以?之?前)?(?=[,，]|$|.{0,2}(?:建成|实现|完成))|到20\d\d年[底末]?)"
    r"|(?P<period>[“\"]?十(?P<plan>[三四五六])五[”\"]?(?:期间|时期|末))"
)
_LAST_YEAR = {"三": 2020, "四": 2025, "五": 2030, "六": 2035}
_CLAUSE = re.compile(r"[;；。！!]|(?<!\d)[,，]|[,，](?!\d{3}(?!\d))")  # the comma of 1,200 parts nothing
_SCOPE = re.compile(r"(?:争取|力争)?(每个?区|各区|每个街镇|各街镇|每个街道|各街道)")
_WHERE = re.compile(r"(?:街镇[(（]乡[)）]|街镇|街道|各区|全市|城乡|村居|居村)$")
_VERBS = (
    r"(?:全市|本市|累计|因地制宜|支持|鼓励|推进|加快|深化|争取|力争"
    r"|建设|建成|筹措|打造|推出|打响|实现|拥有|达到|达|完成)"
)


@dataclass
class _Deadline:
    text: str = ""
    year: int | None = None


def find_targets(sentence: str) -> tuple[Target, ...]:
    """Every target that one sentence states, in order.

    A deadline (到2025年, “十四五”期间) holds for what follows it in the sentence, until the next
    one; never for what stands before it. 全覆盖 is 100 in %, with 全覆盖 as its qualifier.
    """
    out: list[Target] = []
    deadline = _Deadline()
    before = here = ""  # the clause before this one that is more than a deadline
    for clause in _CLAUSE.split(sentence):
        clause = clause.strip()
        when = _DEADLINE.search(clause)
        if when:
            deadline = _read_deadline(when)
        if not clause or (when and when.group() == clause):
            continue
        before, here = here, clause
        # Same length, so that places in the masked clause are places in the clause.
        masked = _NO_TARGET.sub(lambda match: "□" * len(match.group()), clause)
        numbers = list(_NUMBER.finditer(masked)) if _GOAL.search(clause) else []
        out += [_target(clause, numbers, at, deadline) for at in range(len(numbers))]
        if not numbers and (full := _FULL.search(clause)):
            subject = _covered(full.group("subject"), before)
            out.append(_made(subject, 100, "%", "全覆盖", deadline, clause))
    return tuple(out)


def _read_deadline(when: re.Match[str]) -> _Deadline:
    if when.group("period"):
        return _Deadline(when.group("period"), _LAST_YEAR[when.group("plan")])
    if not when.group("year"):
        text = when.group().lstrip("到")
        return _Deadline(text, int(text[:4]))
    early = bool(when.group("earlier")) and not when.group("end")  # 2025年前 allows 2024, 2025年底前 2025
    text = when.group("text") + (when.group("earlier") or "")
    return _Deadline(text, int(when.group("year")) - early)


def _made(subject: str, quantity: float, unit: str, qualifier: str, deadline: _Deadline, text: str) -> Target:
    return Target(
        subject=subject,
        quantity=quantity,
        unit=unit,
        qualifier=qualifier,
        deadline=deadline.text,
        deadline_year=deadline.year,
        text=text,
    )


def _target(clause: str, numbers: list[re.Match[str]], at: int, deadline: _Deadline) -> Target:
    number = numbers[at]
    if number.group("few"):
        quantity, unit, qualifier = float(_FEW[number.group("few")]), number.group("few_unit"), "至少"
    else:
        quantity = float(number.group("digits").replace(",", "")) * _SCALE[number.group("scale") or ""]
        unit = number.group("unit")
        # 不低于常住人口每千人50平方米: the qualifier stands before whom it is counted per.
        early = re.search(r"(不低于|不少于|不超过)[^\d]{0,4}每[百千万]?[人户]$", clause[: number.start()])
        before = number.group("before") or (early.group(1) if early else "")
        qualifier = number.group("after") or ("至少" if before.startswith("至少") else before)
        qualifier = "" if qualifier in ("达到", "达") else qualifier
    per = _PER.search(clause)
    if per and not per.group(1).endswith("区"):
        unit = f"{unit}/{per.group(1)}"
    return _made(_subject(clause, numbers, at), round(quantity, 6), unit, qualifier, deadline, clause)


def _subject(clause: str, numbers: list[re.Match[str]], at: int) -> str:
    """What is counted: the noun after the number, or the words before a number that ends the clause."""
    number = numbers[at]
    end = numbers[at + 1].start() if at + 1 < len(numbers) else len(clause)
    after = clause[number.end() : end].strip("、 ")
    before = clause[numbers[at - 1].end() if at else 0 : number.start()].strip("、 ")
    scope = _SCOPE.match(before)
    if _SCOPE.fullmatch(after):  # 20个、各区至少1个…公园: both count what stands last
        after = clause[numbers[-1].end() :].strip("、 ")
    if len(after) >= 2:
        return (scope.group(1) if scope else "") + _noun(after)
    before = re.sub(r"(?:不低于|不少于)?(?:常住人口)?每[百千万]?[人户]$", "", before)
    before = re.sub(rf"^(?:{_VERBS})+|(?:{_VERBS})+$", "", before)
    return before or clause


def _noun(words: str) -> str:
    """The last noun of 垂直场景融合赋能的元宇宙示范应用; a 的 inside quotes belongs to a name."""
    parts = re.split(r"的(?![^“]*”)", words)
    return parts[-1] if len(parts[-1]) >= 2 else words


def _covered(subject: str, before: str) -> str:
    """What is to be everywhere, without verbs and without where."""
    subject = subject.rpartition("实现")[2] or subject
    subject = re.sub(r"基本完成|完成", "", subject)
    if _WHERE.fullmatch(subject) and before:  # 实现街镇全覆盖: the clause before says of what
        subject = before
    subject = re.sub(rf"^(?:{_VERBS})+", "", subject)
    return re.sub(r"^\d+个(?:区|街镇|街道)", "", subject)
