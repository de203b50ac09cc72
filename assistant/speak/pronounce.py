"""What is said as sounds: Mandarin syllables, English words and pauses, tied to displayed characters."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jieba
from pypinyin import Style, lazy_pinyin
from pypinyin.contrib.tone_convert import to_finals, to_initials

from assistant.speak.readings import readings
from assistant.speak.spoken import Spoken

jieba.setLogLevel(logging.WARNING)


@dataclass(frozen=True)
class Syllable:
    """One Mandarin syllable of displayed characters ``begin`` to ``end``."""

    begin: int
    end: int
    pinyin: str  # without tone, ü as v: zhang, lv
    tone: int  # 1 to 5, 5 is neutral
    word_end: bool = False  # the last one of its word

    @property
    def initial(self) -> str:
        """zh of zhang; empty for an, yi, wu."""
        return str(to_initials(self.pinyin, strict=True))

    @property
    def final(self) -> str:
        """ang of zhang, in full: iou of liu, uei of gui, ü as v."""
        return str(to_finals(self.pinyin, strict=True, v_to_u=False)).replace("ü", "v") or self.pinyin


@dataclass(frozen=True)
class Word:
    """An English word, or one letter that is said by its name (a capital alone)."""

    begin: int
    end: int
    text: str

    @property
    def letter(self) -> bool:
        """Whether it is a letter's name."""
        return len(self.text) == 1 and self.text.isupper()


@dataclass(frozen=True)
class Pause:
    """A stop of the voice: one of , . ! ?"""

    begin: int
    end: int
    sign: str


Sound = Syllable | Word | Pause

_PARTS = re.compile(r"[\u3400-\u9fff〇]+|[A-Za-z]+(?:['’-][A-Za-z]+)*|[，。！？、；：,.!?;:…\n]+")
_FIGURES = "零一二三四五六七八九幺"
_SIGNS = {
    "，": ",",
    "、": ",",
    "；": ",",
    "：": ",",
    ";": ",",
    ":": ",",
    "…": ",",
    "。": ".",
    "\n": ".",
    "！": "!",
    "？": "?",
}


@lru_cache(maxsize=1)
def _cutter() -> jieba.Tokenizer:
    cutter = jieba.Tokenizer()
    for word in readings().pinyin:
        if len(word) > 1:
            cutter.add_word(word, freq=200_000)
    return cutter


def pronounce(spoken: Spoken) -> tuple[Sound, ...]:
    """The sounds of a normalised clause, in order; never begins or ends with a pause twice over."""
    text = "".join(piece.text for piece in spoken)
    places = _places(spoken)
    sounds: list[Sound] = []
    for match in _PARTS.finditer(text):
        first = match.group()[0]
        if first in _SIGNS or first in ",.!?":
            sign = _strongest(match.group())
            if sounds and not isinstance(sounds[-1], Pause):
                sounds.append(Pause(*_span(places, match.start(), match.end()), sign))
            elif sounds and sign != ",":
                last = sounds[-1]
                sounds[-1] = Pause(last.begin, last.end, sign)
        elif first.isascii():
            sounds.append(Word(*_span(places, match.start(), match.end()), match.group().replace("’", "'")))
        else:
            sounds.extend(_syllables(match.group(), match.start(), places))
    return tuple(sounds)


def near_mandarin(said: Sequence[Sound], words: bool = True) -> list[Sound]:
    """``said`` with letters, and ``words`` too, as the Mandarin syllables that come near them."""
    table = readings().letters
    near: list[Sound] = []
    for sound in said:
        if not isinstance(sound, Word) or not (words or sound.text in table):
            near.append(sound)
            continue
        names = [table[sound.text]] if sound.text in table else [table.get(c, "") for c in sound.text.upper()]
        syllables = [syllable for name in names for syllable in name.split()]
        for number, syllable in enumerate(syllables):
            last = number + 1 == len(syllables)
            near.append(Syllable(sound.begin, sound.end, syllable[:-1], int(syllable[-1]), last))
    return near


def _syllables(run: str, start: int, places: list[tuple[int, int]]) -> Iterator[Syllable]:
    position = start
    for word in _words(run):
        said = readings().pinyin.get(word) or tuple(
            lazy_pinyin(word, style=Style.TONE3, neutral_tone_with_five=True, v_to_u=False, errors=_unknown)
        )
        if len(said) != len(word):
            said = tuple(lazy_pinyin(list(word), style=Style.TONE3, neutral_tone_with_five=True, errors=_unknown))
        for number, syllable in enumerate(said):
            if syllable[-1:].isdigit():
                begin, end = places[position]
                yield Syllable(begin, end, syllable[:-1], int(syllable[-1]), number + 1 == len(said))
            position += 1


def _words(run: str) -> Iterator[str]:
    """Words of a run; each figure of a row such as a phone number stands alone, or voices run them together."""
    for part in re.split(f"((?:[{_FIGURES}]){{3,}})", run):
        if len(part) >= 3 and all(character in _FIGURES for character in part):
            yield from part
        elif part:
            yield from _cutter().cut(part)


def _unknown(text: str) -> Any:
    # A character that no dictionary knows is passed over, not guessed. (The type stubs know no lists here.)
    return [""] * len(text)


def _strongest(signs: str) -> str:
    plain = [_SIGNS.get(sign, sign) for sign in signs]
    return next((sign for sign in "?!." if sign in plain), ",")


def _places(spoken: Spoken) -> list[tuple[int, int]]:
    """For each character that is said, the displayed characters it stands for."""
    places: list[tuple[int, int]] = []
    for piece in spoken:
        if len(piece.text) == piece.end - piece.begin:
            places.extend((piece.begin + offset, piece.begin + offset + 1) for offset in range(len(piece.text)))
        else:
            places.extend([(piece.begin, piece.end)] * len(piece.text))
    return places


def _span(places: list[tuple[int, int]], start: int, stop: int) -> tuple[int, int]:
    return places[start][0], places[stop - 1][1]
