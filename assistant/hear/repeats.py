"""Remove what a recogniser says twice: sentences that come again, and loops."""

from __future__ import annotations

import re
from difflib import SequenceMatcher

_SENTENCE = re.compile(r"[^，,。.！!？?；;、\n]+[，,。.！!？?；;、\n]*")
_BARE = re.compile(r"[\W_]+")
_LOOP = re.compile(r"(.{2,30}?)\1{2,}", re.DOTALL)  # three times the same: never meant
_LONG_LOOP = re.compile(r"(.{6,}?)\1+", re.DOTALL)  # two times the same, when it is a sentence
_STUTTER = re.compile(r"([^\W\d_])\1{4,}")  # 啊啊啊啊啊
_ALIKE = 0.8
_LEAST = 4  # characters: 好的，好的。 is how people speak


def without_repeats(text: str) -> str:
    """``text`` without exact and near repeats of what came just before.

    Digits are left alone, and so are short answers that people double (对对对, 谢谢，谢谢).
    """
    text = _STUTTER.sub(r"\1\1\1", text)
    text = _LOOP.sub(lambda match: match[0] if _BARE.sub("", match[1]).isdigit() else match[1], text)
    text = _LONG_LOOP.sub(lambda match: match[0] if _BARE.sub("", match[1]).isdigit() else match[1], text)
    kept: list[str] = []
    for sentence in _SENTENCE.findall(text):
        if not _repeats(sentence, kept):
            kept.append(sentence)
    return "".join(kept).strip()


def _repeats(sentence: str, kept: list[str]) -> bool:
    """Whether ``sentence`` says again what the last one, two or three clauses said."""
    bare = _BARE.sub("", sentence).lower()
    if len(bare) < _LEAST:
        return False
    for count in range(1, min(3, len(kept)) + 1):
        before = _BARE.sub("", "".join(kept[-count:])).lower()
        if bare == before:
            return True
        if re.search(r"\d|[零一二三四五六七八九十百千万]", bare) or abs(len(bare) - len(before)) > 3:
            continue  # two numbers that look alike are two things
        if SequenceMatcher(None, bare, before, autojunk=False).ratio() >= _ALIKE:
            return True
    return False
