"""Personal data in a text: ID numbers, mobiles, bank cards, e-mail, plates, names with addresses; and masks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date

from knowledge.intake.values import PersonalData

_ID = re.compile(r"(?<![\dA-Za-z])(?:\d[ -]?){17}[\dXx](?![\dA-Za-z])|(?<![\dA-Za-z-])\d{15}(?![\dA-Za-z-])")
_MOBILE = re.compile(r"(?<![\d-])(?:\+?86[ -]?)?1[3-9]\d(?:[ -]?\d{4}){2}(?![\d-])")
_CARD = re.compile(r"(?<![\dA-Za-z-])[3-69](?:\d[ -]?){14,17}\d(?![\dA-Za-z-])")
_EMAIL = re.compile(
    r"(?<![\w.+-])[A-Za-z0-9][\w.+-]{0,63}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})*\.[A-Za-z]{2,12}(?![\w-])",
    re.ASCII,
)
_PLATE = re.compile(
    r"(?<![A-Za-z0-9])[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-HJ-NP-Z][ ·•.]?"
    r"(?:[DF][A-HJ-NP-Z0-9]\d{4}|\d{5}[DF]|(?=[A-HJ-NP-Z0-9]{0,4}\d)[A-HJ-NP-Z0-9]{4}[A-HJ-NP-Z0-9挂学警港澳])(?![A-Za-z0-9])"
)
_OFFICE = re.compile(r"(?<![\d-])(?:0\d{2,3}[- ]?)?[2-8]\d{6,7}(?:[转-]\d{1,5})?(?![\d-])")
_PUBLIC = re.compile(r"(?<![\d-])(?:1[12]\d{1,3}|9[56]\d{3,6}|(?:400|800)-?\d{3}-?\d{4})(?![\d-])")
_SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛"
    "闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤温康施文牛樊葛邢安齐易乔伍庞颜倪庄聂章鲁岳翟申欧耿关兰焦俞左柳甘祝包宁尚符舒阮柯纪梅童凌毕单裴霍涂成苗谷盛曲翁冉骆蓝路游辛欧"
)
_NAME = rf"(?:欧阳|上官|司马|诸葛|司徒|[{_SURNAMES}])[\u4e00-\u9fff]{{0,2}}"
_TITLES = "先生|女士|小姐|阿姨|爷叔|大爷|大妈|大娘|奶奶|爷爷|老伯|老人|师傅|同志|居民"
_TITLED = re.compile(
    rf"(?:(?<![\u4e00-\u9fff])|(?<=[的是和给找由对与户住为]))(?:居民|住户|业主|独居老人|老人|患者|低保户|残疾人)?(?P<a>{_NAME}(?:某|某某)?)(?:{_TITLES})"
    rf"|(?:居民|住户|业主|户主|独居老人|患者|姓名[:：]?|户主[:：]|联系人[:：]|申请人[:：]?)\s*(?P<b>{_NAME})(?![\u4e00-\u9fff]{{2}})"
    rf"|(?:{_TITLES})(?P<c>(?:[{_SURNAMES}])[\u4e00-\u9fff]{{1,2}})(?=[，,、：:（( 住])"
)
_HOME = re.compile(
    r"[\u4e00-\u9fff]{1,12}(?:路|街|巷|弄|村|道|里|苑|园|坊|小区)\s?(?:\d{1,5}\s?(?:弄|号|幢|栋|号楼|单元|支弄)\s?){1,4}(?:\d{1,5}\s?(?:室|号|房|楼))?|(?<!\d)\d{1,5}\s?(?:号楼|幢|栋|单元)\s?\d{1,5}\s?室"
)
_NEAR = 30  # characters between a name and an address that belong together
_WEIGHTS, _CHECK = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2), "10X98765432"
_PROVINCES = frozenset(
    "11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65 71 81 82 83".split()
)
_MASKS = {
    "id_number": "〔身份证号已隐去〕",
    "mobile": "〔手机号已隐去〕",
    "bank_card": "〔银行卡号已隐去〕",
    "email": "〔邮箱已隐去〕",
    "plate": "〔车牌号已隐去〕",
    "name_and_address": "〔姓名住址已隐去〕",
}
HINTS = {
    "id_number": "身份证号不能公开，请隐去。",
    "mobile": "像个人手机号。如果是公开的值班手机，请确认本人同意。",
    "bank_card": "像银行卡号，请隐去。",
    "email": "像个人邮箱。如果是公开的单位邮箱，可以保留。",
    "plate": "像车牌号，请隐去。",
    "name_and_address": "姓名和住址写在一起，能认出是谁，请隐去。",
    "office_phone": "像办公电话，一般可以公开；如果是住宅电话请隐去。",
}


def find_personal(text: str, where: str = "") -> list[PersonalData]:
    """Personal data in ``text``, in order; places are offsets in it. Public hotlines are none.

    A landline is at most an ``office_phone`` that isn't certain.
    """
    public = [match.span() for match in _PUBLIC.finditer(text)]
    taken: list[tuple[int, int]] = []
    out: list[PersonalData] = []
    for kind, start, end, certain in _all(text):
        if any(start < b and a < end for a, b in taken) or any(a <= start and end <= b for a, b in public):
            continue
        taken.append((start, end))
        found = text[start:end]
        out.append(
            PersonalData.model_validate(
                {
                    "kind": kind,
                    "text": found,
                    "start": start,
                    "end": end,
                    "replacement": _MASKS.get(kind, found),
                    "certain": certain,
                    "where": where,
                    "hint": HINTS[kind],
                }
            )
        )
    return sorted(out, key=lambda each: each.start)


def masked(text: str, found: Iterable[PersonalData]) -> str:
    """``text`` with each of ``found`` (as found in this very text) replaced by its mask."""
    for each in sorted(found, key=lambda one: one.start, reverse=True):
        if text[each.start : each.end] == each.text:
            text = text[: each.start] + each.replacement + text[each.end :]
    return text


def _all(text: str) -> Iterator[tuple[str, int, int, bool]]:
    for match in _ID.finditer(text):
        digits = re.sub(r"[ -]", "", match.group()).upper()
        if is_id_number(digits):
            yield "id_number", *match.span(), len(digits) == 18
        elif len(digits) == 18 and _born(digits[6:14]) and digits[:2] in _PROVINCES:
            yield "id_number", *match.span(), False  # place and birthday are right: perhaps mistyped
    for match in _CARD.finditer(text):
        if luhn(re.sub(r"[ -]", "", match.group())):
            yield "bank_card", *match.span(), True
    for match in _MOBILE.finditer(text):
        before = text[max(0, match.start() - 10) : match.start()]
        yield "mobile", *match.span(), not re.search(r"值班|热线|咨询|服务电话|办公", before)
    for match in _EMAIL.finditer(text):
        yield (
            "email",
            *match.span(),
            not re.search(r"\.gov\.cn$|@(?:service|info|office)", match.group(), re.IGNORECASE),
        )
    for match in _PLATE.finditer(text):
        yield "plate", *match.span(), True
    yield from _people(text)
    for match in _OFFICE.finditer(text):
        before = text[max(0, match.start() - 8) : match.start()]
        if re.search(r"电话|联系|拨打|致电|传真|号码|[:：]\s*$", before) or "-" in match.group():
            yield "office_phone", *match.span(), False


def _people(text: str) -> Iterator[tuple[str, int, int, bool]]:
    """A name and an address in one sentence, not far apart: one piece from the first to the last of them."""
    homes = list(_HOME.finditer(text))
    if not homes:
        return
    for name in _TITLED.finditer(text):
        for home in homes:
            start, end = min(name.start(), home.start()), max(name.end(), home.end())
            between = text[min(name.end(), home.end()) : max(name.start(), home.start())]
            if len(between) <= _NEAR and not re.search(r"[。！？\n]", between):
                yield "name_and_address", start, end, True
                break


def is_id_number(digits: str) -> bool:
    """A Chinese ID number: 18 characters with a right check digit, or 15 digits with a real birthday."""
    if digits[:2] not in _PROVINCES:
        return False
    if len(digits) == 15:
        return digits.isdigit() and _born("19" + digits[6:12])
    if len(digits) != 18 or not digits[:17].isdigit() or not _born(digits[6:14]):
        return False
    return _CHECK[sum(int(d) * w for d, w in zip(digits, _WEIGHTS, strict=False)) % 11] == digits[17]


def _born(digits: str) -> bool:
    try:
        day = date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
    except ValueError:
        return False
    return 1900 <= day.year <= date.today().year


def luhn(digits: str) -> bool:
    """Whether the digits (13 to 19) end in a right Luhn check digit, and are not all the same."""
    if not digits.isdigit() or not 16 <= len(digits) <= 19 or len(set(digits)) < 4:
        return False
    doubled = (int(d) * (2 if at % 2 else 1) for at, d in enumerate(reversed(digits)))
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0
