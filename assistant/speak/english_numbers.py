"""Arabic numbers as English says them."""

from __future__ import annotations

_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
).split()
_TENS = ["", "", *"twenty thirty forty fifty sixty seventy eighty ninety".split()]
_GROUPS = ("", " thousand", " million", " billion", " trillion")
_IRREGULAR = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
LONGEST = 3 * len(_GROUPS)


def digit_by_digit(digits: str) -> str:
    """110 as one one zero."""
    return " ".join(_SMALL[int(digit)] for digit in digits)


def integer(digits: str) -> str:
    """1205 as one thousand two hundred and five; digits beyond ``LONGEST`` one by one."""
    value = int(digits)
    if len(digits.lstrip("0")) > LONGEST:
        return digit_by_digit(digits)
    if value == 0:
        return "zero"
    groups: list[int] = []
    while value:
        value, group = divmod(value, 1000)
        groups.append(group)
    said = [_hundreds(group) + _GROUPS[power] for power, group in enumerate(groups) if group]
    if len(groups) > 1 and 0 < groups[0] < 100:
        said[0] = "and " + said[0]
    return " ".join(reversed(said))


def _hundreds(value: int) -> str:
    hundreds, rest = divmod(value, 100)
    said = [_SMALL[hundreds] + " hundred"] if hundreds else []
    if rest:
        said.append(_below_hundred(rest))
    return " and ".join(said)


def _below_hundred(value: int) -> str:
    if value < 20:
        return _SMALL[value]
    tens, ones = divmod(value, 10)
    return _TENS[tens] + (" " + _SMALL[ones] if ones else "")


def number(text: str) -> str:
    """17.8 as seventeen point eight, 178,000 as a whole."""
    whole, point, fraction = text.replace(",", "").partition(".")
    return integer(whole) + (" point " + digit_by_digit(fraction) if point else "")


def year(digits: str) -> str:
    """2025 as twenty twenty five, 2005 as two thousand and five."""
    value = int(digits)
    head, tail = divmod(value, 100)
    if 2000 <= value < 2010 or value % 1000 == 0:
        return integer(digits)
    if tail == 0:
        return _below_hundred(head) + " hundred"
    return _below_hundred(head) + (" oh " if tail < 10 else " ") + _below_hundred(tail)


def ordinal(digits: str) -> str:
    """14 as fourteenth."""
    said = integer(digits)
    head, space, last = said.rpartition(" ")
    if last in _IRREGULAR:
        last = _IRREGULAR[last]
    elif last.endswith("y"):
        last = last[:-1] + "ieth"
    else:
        last += "th"
    return head + space + last
