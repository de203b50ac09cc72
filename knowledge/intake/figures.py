"""The figures of a sentence (numbers, money, dates, hours, phones) and the words that say of what."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher

from assistant.contracts import FactKind
from assistant.numerals import number_of

_UNITS = (
    r"个工作日|工作日|个自然日|个百分点|周岁|个月|小时|分钟|平方米|平方公里|公里|人次|元|%|％|‰|岁|年|月|天|日|周|次|人|名|张|家|套|所|处|座|间|条|项"
    r"|个|场|辆|床|户|件|份|位|期|层|楼|号|米|吨|公斤|千克|度|倍|折|分|类|种|支|队|台|部|门|节|课|级|档|步|页|本|批|轮|届"
)
_NUMERAL = "一二两三四五六七八九十百"
_DATE = re.compile(
    r"((?:19|20)\d\d)\s*年(?:\s*(\d{1,2})\s*月(?:\s*(\d{1,2})\s*[日号])?)?|(?<![\d年])(\d{1,2})月(\d{1,2})[日号]"
)
_HOURS = re.compile(
    r"(?:(凌晨|早上|上午|中午|下午|晚上|傍晚)\s*)?(\d{1,2})\s*(?:[:：](\d{2})|[点时](半|\d{2}分?)?(?!间))"
)
_PHONE = re.compile(
    r"(?<![\d.])(?:0\d{2,3}[- ]?\d{7,8}|\d{3,4}-\d{3,8}|400-?\d{3}-?\d{4}|1[3-9]\d{9}|[2-8]\d{6,7}|1[12]\d{1,3}|9[56]\d{3,4})(?![\d.])"
)
_CALLED = re.compile("电话|热线|拨打|致电|号码|联系|专线|传真")
_AMOUNT = re.compile(
    rf"(?<![第\d.])(?:(?P<digits>\d+(?:,\d{{3}})*(?:\.\d+)?)\s*(?P<scale>[百千万亿]?)|百分之(?P<percent>[{_NUMERAL}〇零\d.]+)|(?P<words>[{_NUMERAL}]+(?=个工作日|天|个月|周岁|岁|元|次|年内|小时|周(?![一二三四五六日末])|年)|(?P<few>(?<=至少)一|两|[二三四五六七八九十]{1, 3})(?=[个家所处座张名份位间台套人])))"
    rf"\s*(?P<unit>{_UNITS})?"
)
_UPTO = re.compile(rf"\s*[到至—~～-]\s*\d[\d.,]*\s*[百千万亿]?(?P<unit>{_UNITS})")
_LATE = ("下午", "晚上", "傍晚")
_SCALES = {"": 1.0, "百": 1e2, "千": 1e3, "万": 1e4, "亿": 1e8}
_CLAUSE = re.compile(r"[;；。！!？?\n]|(?<!\d)[,，]|[,，](?!\d{3}(?!\d))")
# Words that stand in sentences of any matter.
_COMMON = re.compile(
    r"各区|每个区|各街镇|每个街镇|各街道|街镇|全市|本市|本街道|至少|不少于|不低于|不超过|达到|以上|以下|以内|左右|力争|争取|建设|建成|设立|设置|打造|推出"
    r"|新增|实现|完成|支持|鼓励|推进|加快|累计|可以|应当|需要|进行|期间|目标|最高|最低|最多|不得|其中|以及|或者|我们|大约|大概|共有|总共"
)
_SMALL = re.compile(r"[的了是为在到至和与及等将要有由把被对从每共达约之也都就已\s\"'“”‘’（）()《》〔〕【】、：:·—…\-]")
_KINDS = {
    "date": FactKind.DATE,
    "hours": FactKind.HOURS,
    "phone": FactKind.PHONE,
    "元": FactKind.PRICE,
    "号": FactKind.ADDRESS,
}


@dataclass(frozen=True)
class Figure:
    """The figures of one sort in one clause: what they are, and of what they are said."""

    sort: str  # date, hours, phone, or a unit
    values: tuple[str, ...]  # comparable
    shown: str  # as written
    words: frozenset[str]  # pairs of characters of the clause without figures
    after: frozenset[str]  # of what follows the figure: what is counted

    @property
    def kind(self) -> FactKind:
        """The kind of fact."""
        return _KINDS.get(self.sort, FactKind.QUANTITY)


def pairs(text: str) -> frozenset[str]:
    """Pairs of neighbouring characters of a text, without marks and white space."""
    plain = re.sub(r"[^\w%]|_", "", text.lower())
    return frozenset(plain[at : at + 2] for at in range(len(plain) - 1))


def subject(text: str) -> frozenset[str]:
    """Pairs of the words that say what it is about: no figures, none of the words of any sentence."""
    return frozenset(
        pair
        for part in re.split(r"[\d#，,。；;]+", _SMALL.sub(" ", _COMMON.sub(" ", text)))
        for piece in part.split()
        for pair in pairs(piece)
    )


def likeness(a: frozenset[str], b: frozenset[str]) -> float:
    """Dice: 1 when equal, 0 when nothing is shared."""
    return 2 * len(a & b) / (len(a) + len(b)) if a and b else 0.0


def figures(sentence: str) -> list[Figure]:
    """Every figure of the sentence, grouped by clause and sort; a clause without words takes its neighbour's."""
    clauses = [clause for clause in _CLAUSE.split(sentence) if clause.strip()]
    masked = [_masked(clause) for clause in clauses]
    words = [subject(mask) for mask, _ in masked]
    out: list[Figure] = []
    for at, (mask, found) in enumerate(masked):
        about = words[at]
        if len(about) < 3:
            about = about | (words[at + 1] if at + 1 < len(words) else frozenset())
        if len(about) < 3 and at:
            about = about | words[at - 1]
        by_sort: dict[str, list[tuple[str, str, int]]] = {}
        for sort, value, shown, end in found:
            by_sort.setdefault(sort, []).append((value, shown, end))
        for sort, group in by_sort.items():
            out.append(
                Figure(
                    sort,
                    tuple(value for value, _, _ in group),
                    "、".join(shown for _, shown, _ in group),
                    about,
                    subject(mask[group[-1][2] :]),
                )
            )
    return out


def _masked(clause: str) -> tuple[str, list[tuple[str, str, str, int]]]:
    """The clause with # for every character of a figure, and the figures: sort, value, as written, end."""
    found: list[tuple[str, str, str, int]] = []

    def take(match: re.Match[str], sort: str, value: str) -> str:
        found.append((sort, value, match.group().strip(), match.end()))
        return "#" * len(match.group())

    text = _DATE.sub(lambda m: take(m, "date", "-".join((part or "").lstrip("0") for part in m.groups())), clause)
    text = _HOURS.sub(lambda m: take(m, "hours", _clock(m, text)), text)
    if _CALLED.search(clause):
        text = _PHONE.sub(lambda m: take(m, "phone", _local(m.group())), text)

    def amount(match: re.Match[str]) -> str:
        unit = match.group("unit") or ""
        if not unit and (upto := _UPTO.match(match.string, match.end())):
            unit = upto.group("unit")  # 2到3岁
        unit = unit.replace("％", "%")
        if match.group("percent"):
            share = match.group("percent")
            value = float(share) if re.fullmatch(r"\d+(?:\.\d+)?", share) else float(number_of(share) or 0)
            return take(match, "%", f"{value:g}")
        if words := match.group("words") or match.group("few"):
            value = float(number_of(words) or 0)
        else:
            value = float(match.group("digits").replace(",", "")) * _SCALES[match.group("scale")]
        return take(match, unit, f"{value:.10g}") if unit else "#" * len(match.group())

    return _AMOUNT.sub(amount, text), found


def _local(number: str) -> str:
    """The digits of a telephone number without the area's."""
    digits = re.sub(r"\D", "", number)
    return re.sub(r"^(?:010|02\d|0\d{3})(?=\d{7,8}$)", "", digits) if len(digits) >= 10 else digits


def _clock(match: re.Match[str], text: str) -> str:
    """The hour of 24; 晚上6:00到8:00 ends in the evening, too."""
    hour = int(match.group(2))
    part = match.group(1)
    if part is None and (
        before := re.search(r"(下午|晚上|傍晚)[^上下早晚]{1,9}[到至—~～-]\s*$", text[: match.start()])
    ):
        part = before.group(1)
    if part in _LATE and hour < 12:
        hour += 12
    minutes = match.group(3) or (match.group(4) or "00").replace("半", "30").rstrip("分")
    return f"{hour}:{minutes}"


def starts_otherwise(a: str, b: str) -> bool:
    """Whether two texts begin with different things: 活动室每周… and 图书室每周…"""
    one, other = (_SMALL.sub("", _COMMON.sub("", re.sub(r"[\d.:：]+", "", text)))[:8] for text in (a, b))
    for kind, start, end, from_, to in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        if kind == "replace" and start <= 2 and from_ <= 2 and end - start >= 2 and to - from_ >= 2:
            return one[start:end] not in b and other[from_:to] not in a
    return False
