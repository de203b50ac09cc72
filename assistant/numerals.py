"""Chinese numerals of articles and chapters, read and written."""

from __future__ import annotations

DIGITS = "零一二三四五六七八九"
VALUES = {character: value for value, character in enumerate(DIGITS)} | {"〇": 0, "两": 2}


def number_of(text: str) -> int | None:
    """二十六 and 26 are 26; None when it is no number below 1,000."""
    if text.isdigit():
        return int(text)
    total = digit = 0
    for character in text:
        if character in VALUES:
            digit = VALUES[character]
        elif character in "十百":
            total += (digit or 1) * {"十": 10, "百": 100}[character]
            digit = 0
        else:
            return None
    return total + digit


def numeral(number: int) -> str:
    """1 to 99 as a document writes it: 14 is 十四. Other numbers stay digits."""
    if not 0 < number < 100:
        return str(number)
    tens, ones = divmod(number, 10)
    head = "" if tens == 0 else "十" if tens == 1 else DIGITS[tens] + "十"
    return head + (DIGITS[ones] if ones else "")
