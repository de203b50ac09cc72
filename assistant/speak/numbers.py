"""Arabic numbers as Mandarin says them."""

from __future__ import annotations

from assistant.numerals import DIGITS

_PLACES = ("", "十", "百", "千")
_GROUPS = ("", "万", "亿", "万亿", "亿亿")
LONGEST = 4 * len(_GROUPS)  # digits of the largest number that is read as one


def digit_by_digit(digits: str, one: str = "一") -> str:
    """2025 as 二零二五; ``one`` is 幺 in phone, room and bus numbers."""
    return "".join(one if digit == "1" else DIGITS[int(digit)] for digit in digits)


def integer(digits: str, counted: bool = False) -> str:
    """105 as 一百零五. ``counted`` says that a measure word follows: 2 is 两 then.

    Digits beyond ``LONGEST`` are read one by one.
    """
    digits = digits.lstrip("0") or "0"
    if len(digits) > LONGEST:
        return digit_by_digit(digits)
    if digits == "2" and counted:
        return "两"
    groups: list[str] = []
    rest = digits
    while rest:
        groups.insert(0, rest[-4:])
        rest = rest[:-4]
    said = ""
    gap = False  # zeros were skipped, so the next digit needs a 零 before it
    for position, group in enumerate(groups):
        value = int(group)
        if value == 0:
            gap = bool(said)
            continue
        gap = gap or bool(said and value < 1000)
        said += ("零" if gap else "") + _group(str(value), bool(said)) + _GROUPS[len(groups) - 1 - position]
        gap = False
    if said.startswith("二万") or said.startswith("二亿") or said.startswith("二千"):
        said = "两" + said[1:]
    return said or "零"


def _group(digits: str, inside: bool) -> str:
    """Up to four digits without leading zeros; ``inside`` a larger number 12 is 一十二."""
    said = ""
    gap = False
    for position, digit in enumerate(digits):
        if digit == "0":
            gap = True
            continue
        said += ("零" if gap else "") + DIGITS[int(digit)] + _PLACES[len(digits) - 1 - position]
        gap = False
    if said.startswith("一十") and not inside:
        said = said[1:]
    if len(digits) == 4 and said.startswith("二千"):
        said = "两" + said[1:]
    return said


def number(text: str, counted: bool = False) -> str:
    """17.8 as 十七点八, 1,200 as 一千二百; ``text`` holds digits, commas and at most one point."""
    whole, point, fraction = text.replace(",", "").partition(".")
    if not point:
        return integer(whole, counted)
    return integer(whole) + "点" + digit_by_digit(fraction)
