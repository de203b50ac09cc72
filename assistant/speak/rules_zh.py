"""How Mandarin reads numbers, dates, phones, money, units and layout: tried in order at each character."""

from __future__ import annotations

import re

from assistant.speak import numbers
from assistant.speak.layout import LAYOUT
from assistant.speak.readings import readings
from assistant.speak.spoken import Rule

_Read = list[tuple[str | int, str]]

_NUMBER = r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?"
_TO = r"\s?(?:——|[-—–~～－至到])\s?"
_MEASURE = "(?:" + "|".join(map(re.escape, readings().measures)) + ")(?![级型])"
_UNIT = "|".join(sorted(map(re.escape, readings().units), key=len, reverse=True))
# What follows a quantity: a hotline's shape followed by one of these is no hotline.
_COUNTED = rf"(?=\s?(?:多|余|来)?(?:{_MEASURE}|[万亿千百%％‰℃㎡期级届套楼层]|(?:{_UNIT})(?![A-Za-z])))"
_ASKED_TO_RING = (
    r"(?:(?<=拨打)|(?<=电话)|(?<=热线)|(?<=致电)|(?<=号码)|(?<=电话[:：是])|(?<=热线[:：是])|(?<=号码[:：是]))"
)


def _groups(digits: str) -> str:
    """A phone number in the groups that people say: 3-4-4, else fours from the right."""
    if len(digits) == 11:
        cuts = [digits[:3], digits[3:7], digits[7:]]
    elif len(digits) > 6:
        cuts = [digits[:-4], digits[-4:]]
    else:
        cuts = [digits]
    return "，".join(numbers.digit_by_digit(cut, "幺") for cut in cuts)


def _phone(match: re.Match[str]) -> _Read:
    parts = re.split(r"\D+", match.group().strip())
    joined = [part for part in parts if part]
    if len(joined) == 3:
        said = "，".join(numbers.digit_by_digit(part, "幺") for part in joined)
    else:
        said = "，".join(_groups(part) for part in joined)
    return [(0, ("加" if match.group().startswith("+") else "") + said)]


def _code(match: re.Match[str]) -> _Read:
    return [(0, numbers.digit_by_digit(match.group(), "幺"))]


def _digits(match: re.Match[str]) -> _Read:
    return [(0, numbers.digit_by_digit(match.group()))]


def _year(match: re.Match[str]) -> _Read:
    return [(0, numbers.digit_by_digit(match.group("year")) + "年")]


def _date(match: re.Match[str]) -> _Read:
    month, day = int(match["month"]), int(match["day"])
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return []
    return [
        ("year", numbers.digit_by_digit(match["year"]) + "年"),
        ("month", numbers.integer(match["month"]) + "月"),
        ("day", numbers.integer(match["day"]) + "日"),
    ]


def _clock(match: re.Match[str]) -> _Read:
    hour, minute = int(match["hour"]), int(match["minute"])
    if hour > 24 or minute > 59:
        return []
    said = numbers.integer(match["hour"], counted=True) + "点"
    if minute:
        said += ("零" if minute < 10 else "") + numbers.integer(match["minute"]) + "分"
    if match["second"]:
        said += numbers.integer(match["second"]) + "秒"
    return [(0, said)]


def _ratio(match: re.Match[str]) -> _Read:
    return [("a", numbers.number(match["a"])), (0, "比" + numbers.number(match["b"]))]


def _percent(match: re.Match[str]) -> _Read:
    head = "千分之" if match["sign"] == "‰" else "百分之"
    return [(0, head + numbers.number(match["n"]))]


def _percent_range(match: re.Match[str]) -> _Read:
    # 10-20%: both are percentages.
    return [("a", "百分之" + numbers.number(match["a"])), (0, "到百分之" + numbers.number(match["b"]))]


def _fraction(match: re.Match[str]) -> _Read:
    if not 0 < int(match["a"]) < int(match["b"]):
        return []
    return [(0, numbers.integer(match["b"]) + "分之" + numbers.integer(match["a"]))]


def _money(match: re.Match[str]) -> _Read:
    unit = {"¥": "元", "￥": "元", "$": "美元", "€": "欧元", "£": "英镑"}[match["sign"]]
    size = match["size"] or ""
    said = numbers.number(match["n"], counted=True) + size
    return [(0, said + (unit if not match["yuan"] else match["yuan"]))]


def _below_zero(match: re.Match[str]) -> _Read:
    warm = re.match(r"\s?(?:℃|°C|摄氏度|度)", match.string[match.end() :])
    return [("minus", "零下" if warm else "负"), ("n", numbers.number(match["n"]))]


def _unit(match: re.Match[str]) -> _Read:
    return [
        ("n", numbers.number(match["n"], counted=True)),
        (0, readings().units[match["unit"]]["zh"]),
    ]


def _counted(match: re.Match[str]) -> _Read:
    return [(0, numbers.number(match.group(), counted=True))]


def _plain(match: re.Match[str]) -> _Read:
    digits = match.group()
    bare = digits.replace(",", "")
    if "." not in bare and (len(bare) >= 7 or (len(bare) > 1 and bare.startswith("0"))):
        return [(0, numbers.digit_by_digit(bare, "幺"))]
    return [(0, numbers.number(digits))]


def _version(match: re.Match[str]) -> _Read:
    return [(0, "点".join(numbers.integer(part) for part in match["parts"].split(".")))]


def _document(match: re.Match[str]) -> _Read:
    return [
        ("year", "，" + numbers.digit_by_digit(match["year"]) + "，"),
        ("n", numbers.integer(match["n"])),
        (0, "号"),
    ]


def _after_letter(match: re.Match[str]) -> _Read:
    digits = match.group()
    return [(0, numbers.integer(digits) if len(digits) < 3 else numbers.digit_by_digit(digits))]


def _word(match: re.Match[str]) -> _Read:
    word = match.group()
    if said := readings().words.get(word.lower()):
        return [(0, f" {said} ")]
    if word.isupper():
        return [(0, " " + " ".join(letter for letter in word if letter.isalpha()) + " ")]
    return [(0, f" {word.strip('-')} ")]


def _rule(pattern: str, read: object) -> Rule:
    return Rule(re.compile(pattern), read)  # type: ignore[arg-type]


def _says(text: str) -> object:
    return lambda match: [(0, text)]


_YEAR = r"(?:1[89]|20|21)\d\d"

RULES: tuple[Rule, ...] = (
    *LAYOUT,
    # Documents, years, dates, times.
    _rule(r"[〔\[(（](?P<year>\d{4})[〕\])）]第?(?P<n>\d+)号", _document),
    _rule(rf"(?<![\d.])(?P<year>{_YEAR})(?P<sep>[-/.])(?P<month>\d{{1,2}})(?P=sep)(?P<day>\d{{1,2}})(?![\d.])", _date),
    _rule(rf"(?<![\d.])(?P<year>{_YEAR}|\d{{4}})年(?!级)", _year),
    _rule(rf"(?<![\d.]){_YEAR}(?=\s?(?:——|[-—–~～－至到])\s?{_YEAR}(?!\d))", _digits),
    _rule(r"(?<![\d:：.])(?P<hour>\d{1,2})[:：](?P<minute>\d\d)(?:[:：](?P<second>\d\d))?(?![\d:：])", _clock),
    _rule(
        r"(?<![\d.])\d{1,2}(?=月(?!龄)|日(?!间)|号(?!楼|线)|时|分(?!之))", lambda m: [(0, numbers.integer(m.group()))]
    ),
    # Phones.
    _rule(r"(?<![\d.])\+?86[- ]?1[3-9]\d[- ]?\d{4}[- ]?\d{4}(?!\d)", _phone),
    _rule(r"(?<![\d.])1[3-9]\d[- ]?\d{4}[- ]?\d{4}(?!\d)", _phone),
    _rule(r"(?<![\d.])[48]00[- ]?\d{3,4}[- ]?\d{3,4}(?!\d)", _phone),
    _rule(r"(?<![\d.])[(（]?0\d{2,3}[)）]?[-—– ]?(?:\d{3,4}[- ]?)?\d{4}(?:[-转]\d{1,5})?(?!\d)", _phone),
    _rule(rf"(?<![\d.,])(?:1[012]0|119|122|12\d{{3}}|100\d\d|9[56]\d{{3,4}})(?![\d.]|,\d)(?!{_COUNTED})", _code),
    _rule(rf"{_ASKED_TO_RING}\s?\d{{3,12}}(?!\d|\.\d)(?!{_COUNTED})", lambda m: [(0, _groups(m.group().strip()))]),
    _rule(rf"(?<![\d.,])[2-9]\d{{3}}[- ]?\d{{4}}(?![\d.]|,\d)(?!{_COUNTED})", _phone),
    # Rooms and buses of three digits and more.
    _rule(r"(?<![\d.])\d{3,4}(?=室|路(?!口))", _code),
    # Money, percentages, fractions, versions.
    _rule(rf"(?P<sign>[¥￥$€£])\s?(?P<n>{_NUMBER})(?P<size>[万亿])?(?P<yuan>元)?", _money),
    _rule(rf"(?P<a>{_NUMBER})(?:——|[-—–~～至到])(?P<b>{_NUMBER})\s?[%％]", _percent_range),
    _rule(rf"(?P<n>{_NUMBER})\s?(?P<sign>[%％‰])", _percent),
    _rule(r"(?<![\d./])(?P<a>\d{1,3})/(?P<b>\d{1,3})(?![\d./])", _fraction),
    _rule(r"(?:(?<![A-Za-z])[vV](?=\d))?(?P<parts>\d+(?:\.\d+){2,})", _version),
    _rule(r"(?<![\d.])(?P<a>\d+)[:：](?P<b>\d+)(?![\d:：])", _ratio),
    # Between two numbers.
    _rule(r"(?<=[\d%％‰℃㎡元岁年月日时分天万亿千百个人名号米周])\s?(?:——|[-—–~～－])\s?(?=[¥￥]?\d)", _says("到")),
    _rule(rf"(?<![\d\w%％℃])(?P<minus>[-−－])(?P<n>{_NUMBER})(?![号栋楼室幢])", _below_zero),
    _rule(rf"(?<=[\u4e00-\u9fff])(?P<minus>[-−－])(?P<n>{_NUMBER})(?=\s?(?:℃|°|摄氏度|度))", _below_zero),
    _rule(r"(?<=\d)\+(?!\d)", _says("以上")),
    _rule(r"(?<=[元次人米斤㎡g])/(?=[人月年天日次户套张个件位周人]|小时|平方|㎡|m2|m²)", _says("每")),
    # Ordinals are always 二; what is counted is 两.
    _rule(r"(?<=第)\d+", lambda m: [(0, numbers.integer(m.group()))]),
    _rule(rf"(?P<n>{_NUMBER})\s?(?P<unit>{_UNIT})(?![A-Za-z])", _unit),
    _rule(rf"(?<![\d.]){_NUMBER}(?={_TO}{_NUMBER}\s?{_MEASURE})(?![年月])", _counted),
    _rule(rf"(?<![\d.]){_NUMBER}(?=\s?{_MEASURE})", _counted),
    _rule(r"(?<=[A-Za-z])\d+(?!\.\d|\d)", _after_letter),
    _rule(rf"(?<![\d.,]){_YEAR}(?![\d.]|,\d)", _digits),
    _rule(_NUMBER, _plain),
    _rule(r"[A-Za-z]+(?:[-'’][A-Za-z]+)*-?", _word),
)
