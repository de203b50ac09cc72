"""Words in Traditional characters, and with pinyin above them."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from pypinyin.contrib.tone_convert import tone3_to_tone

from assistant.speak.normalise import normalise
from assistant.speak.pronounce import Syllable, pronounce

# What stands between these is shown as it was published: a quotation is not rewritten.
AS_PUBLISHED, END = "<!--as-published-->", "<!--/as-published-->"
_KEPT = re.compile(f"({re.escape(AS_PUBLISHED)}.*?{re.escape(END)})", re.DOTALL)


@lru_cache(maxsize=1)
def _converter() -> Any:
    import opencc

    return opencc.OpenCC("s2tw")


def traditional(text: str) -> str:
    """``text`` in Traditional characters, as many as before: marks of spoken characters still fit."""
    converted = str(_converter().convert(text))
    if len(converted) == len(text):
        return converted
    single = [str(_converter().convert(character)) for character in text]
    return "".join(new if len(new) == 1 else old for new, old in zip(single, text, strict=True))


def traditional_html(html: str) -> str:
    """``html`` in Traditional characters, but for what stands between ``AS_PUBLISHED`` and ``END``."""
    parts = _KEPT.split(html)
    return "".join(part if part.startswith(AS_PUBLISHED) else str(_converter().convert(part)) for part in parts)


def as_published(html: str) -> str:
    """``html`` marked as a quotation."""
    return f"{AS_PUBLISHED}{html}{END}"


def pinyin(text: str) -> list[str]:
    """The reading of each character of ``text`` as it is spoken, with tone marks; empty where it has none."""
    readings = [""] * len(text)
    # Past the cache: what a resident said is shown, too, and must not stay there.
    for sound in pronounce(normalise.__wrapped__(text, "zh")):
        if isinstance(sound, Syllable) and sound.end - sound.begin == 1 and "\u4e00" <= text[sound.begin] <= "\u9fff":
            readings[sound.begin] = str(tone3_to_tone(f"{sound.pinyin.replace('v', 'ü')}{sound.tone}"))
    return readings
