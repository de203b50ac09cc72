"""Cuts an answer into clauses that can be said one by one, while it is still being written."""

from __future__ import annotations

import re
from collections.abc import Iterator

LONGEST = 30  # characters of a clause
SHORTEST = 8  # a clause shorter than this waits for the next one, except the first of an answer
_FIRST = 4  # characters from which the first clause may go: it sets when the voice starts
_SECOND = 16  # characters of the second one: it must be ready before the first, which is short, has been said

_ENDS = "。！？!?；;\n"
_STOPS = "，、：,:"
_CLOSING = '”’」』）)】]》〉"*`'
_PAIRS = {"“": "”", "‘": "’", "「": "」", "『": "』", "（": "）", "(": ")", "【": "】", "[": "]", "《": "》"}
# Where a clause that is too long may be cut when it has no stop: before these words.
_WORDS = re.compile(r"(?=和|与|以及|并|或者|及其|对于|通过|按照|根据|由|在|向|为了)")
_LATIN_LONGEST = 110  # characters of a clause in English
_PROBE = 8  # characters that tell the script
_AHEAD = 40  # characters beyond the longest clause that are waited for: a quote may still close


class ClauseSplitter:
    """Takes pieces of a displayed text and gives whole clauses; joined they are the text, character for character."""

    def __init__(self) -> None:
        self._text = ""
        self._said = 0  # clauses given so far

    def feed(self, piece: str) -> list[str]:
        """Clauses that are complete with ``piece``."""
        self._text += piece
        return list(self._cut(final=False))

    def finish(self) -> list[str]:
        """What is left, at the end of the text."""
        return list(self._cut(final=True))

    def _cut(self, final: bool) -> Iterator[str]:
        while (place := self._place(final)) is not None:
            clause, self._text = self._text[:place], self._text[place:]
            self._said += 1
            yield clause
        if final and self._text:
            yield self._text
            self._text = ""
            self._said = 0

    def _place(self, final: bool) -> int | None:
        """Where the next clause ends; None when that can't be told yet.

        Looks at no more text than a piecewise reading would have seen, so that both cut alike.
        """
        text = self._text
        if len(text) < _PROBE and not final:
            return None
        latin = _latin(text[:_PROBE])
        longest = _LATIN_LONGEST if latin else _SECOND if self._said == 1 else LONGEST
        shortest = SHORTEST if self._said else _FIRST
        best: int | None = None
        for place in _stops(text, final, latin):
            said = _length(text[:place])
            if said > longest:
                return best or _forced(text, longest)
            end = text[:place].rstrip(_CLOSING + " \u00a0")[-1:] in (*_ENDS, ".") or "\n" in text[:place]
            if said >= longest // 2 or (end and said >= 2) or (not self._said and said >= shortest):
                return place
            if said >= shortest:
                best = place
        if _length(text) > longest + (0 if final else _AHEAD):
            return best or _forced(text, longest)
        return None


def clauses(text: str) -> list[str]:
    """The clauses of a whole text; joined they are the text."""
    splitter = ClauseSplitter()
    return splitter.feed(text) + splitter.finish()


def _latin(text: str) -> bool:
    return sum(character.isascii() and character.isalpha() for character in text) * 2 > len(text)


def _length(text: str) -> int:
    """Characters that matter: layout and white space are free."""
    return sum(character.isalnum() for character in text)


def _stops(text: str, final: bool, latin: bool) -> Iterator[int]:
    """Places after a punctuation mark where the text may be cut: not in figures, not in short quotes."""
    place = 0
    while place < len(text):
        sign = text[place]
        if (close := _PAIRS.get(sign)) is not None:
            end = text.find(close, place + 1, place + LONGEST)
            if end < 0 and not final and len(text) - place < LONGEST:
                return  # the quote may still close
            if end > 0:
                place = end + 1
                continue
        place += 1
        if sign not in _ENDS + _STOPS and not (sign == "." and latin):
            continue
        after = text[place : place + 1]
        if not after and not final:
            return  # a figure or a closing quote may follow
        if sign in ".,:" and after and not after.isspace() and after not in _CLOSING:
            continue  # 17.8, 9:00, 1,200, a.b
        while place < len(text) and text[place] in _CLOSING + _ENDS + " \u00a0":
            place += 1
        if place == len(text) and not final:
            return  # another mark may belong to this clause
        yield place


def _forced(text: str, longest: int) -> int:
    """Where a text without stops is cut: before a linking word, else between two Chinese characters."""
    limit = min(len(text) - 1, longest + longest // 4)
    for match in _WORDS.finditer(text, longest // 2, limit):
        if not _inside(text, match.start()):
            return match.start()
    for place in range(limit, longest // 2, -1):
        if (text[place].isspace() or "\u4e00" <= text[place] <= "\u9fff") and not _inside(text, place):
            return place
    return limit


def _inside(text: str, place: int) -> bool:
    """Whether ``place`` lies in a figure with its unit, or within a quote."""
    if text[place - 1].isdigit() or text[place - 1] in ".,:%-" or (text[place].isdigit() and text[place - 1].isascii()):
        return True
    return any(text.count(opening, 0, place) > text.count(close, 0, place) for opening, close in _PAIRS.items())
