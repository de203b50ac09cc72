"""Texts to the tokens that lexical search counts: characters, pairs, and toneless pinyin."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from functools import lru_cache

HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
_PIECE = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]+|[A-Za-z]+|\d+(?:\.\d+)?%?")

# Words that questions are made of but that say nothing about their topic.
STOP = frozenset(
    "的了吗呢啊呀吧么嘛哦哪我你他她它们这那是在有和与及就都也还又要能会请问想把被给让说"
    "一个些样什怎为何谁几多少到去来里上下不没"
)
_ENGLISH_STOP = frozenset(
    "a an the is are was were be of in on at to for and or do does did can could will would i you we they it "
    "my your our their this that there what which who when where how many much any have has".split()
)


def tokens(text: str) -> list[str]:
    """Characters and pairs of Han, lower-case words, numbers; stop words dropped.

    Measured better here than dictionary words for short Chinese questions.
    """
    out: list[str] = []
    for piece in _PIECE.findall(text):
        if HAN.match(piece):
            out += [c for c in piece if c not in STOP]
            out += [piece[i : i + 2] for i in range(len(piece) - 1) if not {piece[i], piece[i + 1]} <= STOP]
        else:
            word = piece.lower()
            if word not in _ENGLISH_STOP:
                out.append(word)
    return out


# Sounds that Shanghai elders, and recognisers that hear them, take for each other.
_FOLDS = (
    (re.compile(r"^(z|c|s)h"), r"\1"),
    (re.compile(r"^n(?=[^g]|$)"), "l"),
    (re.compile(r"^hu"), "f"),
    (re.compile(r"ng$"), "n"),
)


@lru_cache(maxsize=20_000)
def _syllable(han: str) -> str:
    from pypinyin import lazy_pinyin

    return str(lazy_pinyin(han)[0])


def syllables(word: str, folded: bool) -> tuple[str, ...]:
    """Toneless syllables of a word of Han characters; ``folded`` makes accents alike."""
    return tuple(_sound(c) if folded else _syllable(c) for c in word)


@lru_cache(maxsize=20_000)
def readings(han: str) -> tuple[tuple[str, str], ...]:
    """Every toneless reading of a character, with its accent-folded form: 长 is chang and zhang."""
    from pypinyin import Style, pinyin

    found = pinyin(han, style=Style.NORMAL, heteronym=True)[0]
    return tuple((syllable, fold(syllable)) for syllable in dict.fromkeys(found))


@lru_cache(maxsize=20_000)
def _sound(han: str) -> str:
    return fold(_syllable(han))


def fold(syllable: str) -> str:
    """A syllable without what accents confuse."""
    for pattern, replacement in _FOLDS:
        syllable = pattern.sub(replacement, syllable)
    return syllable


def sounds(text: str) -> list[str]:
    """Pairs of toneless, accent-folded syllables: homophones give the same tokens."""
    out: list[str] = []
    for piece in _PIECE.findall(text):
        if HAN.match(piece):
            heard = syllables(piece, folded=True)
            out += [f"{a} {b}" for a, b in itertools.pairwise(heard)]
    return out


def expand(text: str, synonyms: Iterable[tuple[str, ...]]) -> str:
    """``text`` with the document's own word beside each word that residents use for it."""
    added = []
    low = text.lower()
    for group in synonyms:
        if group[0].lower() not in low and any(word.lower() in low for word in group[1:]):
            added.append(group[0])
    return f"{text} {' '.join(added)}" if added else text
