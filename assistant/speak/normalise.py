"""What is said for a displayed clause, piece by piece, so that times map back on what is displayed."""

from __future__ import annotations

import re
import unicodedata
from fractions import Fraction
from functools import lru_cache

from assistant.speak import english_numbers, numbers
from assistant.speak.readings import readings
from assistant.speak.rules_en import RULES as ENGLISH
from assistant.speak.rules_zh import RULES as CHINESE
from assistant.speak.spoken import Language, Piece, Rule, Spoken

VERSION = 1  # raise when a rule changes, so that prepared speech is made anew


def spoken_text(spoken: Spoken) -> str:
    """All that is said, as one string."""
    return "".join(piece.text for piece in spoken)


def language_of(clause: str) -> Language:
    """English when Latin words outweigh Chinese characters."""
    chinese = sum("\u3400" <= character <= "\u9fff" for character in clause)
    words = re.findall(r"(?<![\dA-Za-z])[A-Za-z][a-z]+", clause)
    return "en" if len(words) > chinese or (words and not chinese) else "zh"


def forget() -> None:
    """Drop the clauses that were read lately: they may hold what staff said to a resident."""
    normalise.cache_clear()


@lru_cache(maxsize=2048)
def normalise(clause: str, language: Language | None = None) -> Spoken:
    """Read ``clause``; no digit is left in what is said.

    Marks of layout, citations, addresses of pages and emoji are silent. The language is guessed
    when it isn't given.
    """
    language = language or language_of(clause)
    rules = ENGLISH if language == "en" else CHINESE
    plain = "".join(_plain(character) for character in clause)
    pieces: list[Piece] = []
    position = 0
    verbatim = 0  # where the run that is said as displayed began
    while position < len(plain):
        found = next((m for rule in rules if (m := _try(rule, plain, position))), None)
        if found is None and _speaks_for_itself(plain[position]):
            position += 1
            continue
        if position > verbatim:
            pieces.append(Piece(verbatim, position, plain[verbatim:position]))
        if found is None:
            pieces.append(Piece(position, position + 1, _single(plain[position], language)))
            position += 1
        else:
            pieces.extend(found)
            position = found[-1].end
        verbatim = position
    if position > verbatim:
        pieces.append(Piece(verbatim, position, plain[verbatim:]))
    return tuple(pieces)


def _try(rule: Rule, text: str, position: int) -> list[Piece] | None:
    match = rule.pattern.match(text, position)
    if match is None or match.end() == position:
        return None
    pieces: list[Piece] = []
    begin = position
    read = rule.read(match)
    if not read:
        return None
    for number, (group, said) in enumerate(read):
        # What lies between two groups is covered by the piece before it.
        end = match.end() if number + 1 == len(read) else match.end(group)
        if end > begin or said:
            pieces.append(Piece(begin, end, said))
        begin = end
    return pieces


def _plain(character: str) -> str:
    """Full-width letters and figures, and other scripts' digits, as ASCII: always one character."""
    if character.isdecimal():
        return str(unicodedata.decimal(character))
    if "\uff01" <= character <= "\uff5e" and (character.isalpha() or character in "％．＋－／＠＆＃＊＝＜＞"):
        return chr(ord(character) - 0xFEE0)
    return " " if character.isspace() and character != "\n" else character


_SAID_AS_IS = "，。！？、；：,.!?;:…'’\n"


def _speaks_for_itself(character: str) -> bool:
    if character.isdigit() or (character.isnumeric() and not "\u3400" <= character <= "\u9fff" and character != "〇"):
        return False
    return character.isalpha() or character in _SAID_AS_IS


def _single(character: str, language: Language) -> str:
    """A character that no rule knows: a figure is read, a bracket pauses, the rest is silent."""
    if character in readings().symbols:
        return readings().symbols[character][language]
    if character.isnumeric():
        value = Fraction(unicodedata.numeric(character)).limit_denominator(100)
        if language == "en":
            whole = english_numbers.integer(str(abs(value.numerator)))
            return (
                f" {whole} "
                if value.denominator == 1
                else f" {whole} over {english_numbers.integer(str(value.denominator))} "
            )
        whole = numbers.integer(str(abs(value.numerator)))
        over = "" if value.denominator == 1 else numbers.integer(str(value.denominator)) + "分之"
        return ("负" if value < 0 else "") + over + whole
    if character in "（）()【】[]〔〕「」『』—–|/\\":
        return "，" if language == "zh" else ", "
    return " " if character.isspace() or character in "-~～" else ""
