"""Turn whatever a resident or a system sends into a question that is safe to work on."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from pathlib import Path
from typing import Any

from assistant.contracts import Language
from assistant.errors import InputError

HAN = r"㐀-鿿豈-﫿\U00020000-\U0003ffff"

# Chinese punctuation is part of how a question reads, so compatibility folding goes round it.
_NOT_FOLDED = re.compile(r"[^，！？：；（）～…。、“”‘’《》【】「」]+")
_SPACE = re.compile(r"\s+")
_SPACE_BESIDE_HAN = re.compile(rf"(?<=[{HAN}，。！？；：、]) (?=[{HAN}，。！？；：、])")
_SAME_CHARACTER = re.compile(rf"((?![〇零一二三四五六七八九幺])[{HAN}])\1{{2,}}")
_SAME_LETTER = re.compile(r"([A-Za-z])\1{3,}")
_SAME_MARK = re.compile(r"([^\w\s])(?:\s*\1)+")
_SAME_PHRASE = re.compile(r"([^\s](?:.{1,29}?))\1{2,}", re.DOTALL)
_WORD = re.compile(rf"[{HAN}A-Za-z0-9]")
_HAN = re.compile(rf"[{HAN}]")
_LATIN_WORD = re.compile(r"[A-Za-z]+(?:['’][A-Za-z]+)?")

# 著 stands for 着 in Traditional text except in these words, which t2s leaves alone.
_ZHE = re.compile(r"(?<![显名编原论专土卓昭遗巨译所合拙])著(?![名作者称述书录])")

_MARKS = r"[，,、。.！!？?；;：:~～…\s\-—]"
_FILLER = re.compile(
    rf"""^(?:
        {_MARKS}+
      | (?:小沪)+ (?:同学)?
      | (?:喂|唉|哎|欸|诶|哎呀|啊|呃|额|嗯+|唔|哦|噢|那个|这个|就是|就是说|然后|那么|那)(?={_MARKS}|$)
      | (?:呃|额|嗯+|唔)
      | (?:喂|那个|这个|就是)(?=请问|你好|您好|侬好|我想|我要|想问|小沪|那个|嗯|呃)
      | (?:你好|您好|侬好)(?:啊|呀|哦)?(?![像多看听不好吗])
      | (?:麻烦|劳驾)?请问(?:一下|下|侬)?
      | (?:我|阿拉)?(?:就)?(?:想|要)(?:要)?(?:请)?
        (?:问|咨询|打听)(?:一下|下|问)?+(?:你|您|侬)?+(?:[，,、：:]|(?=[^，,。？?]))
      | (?:hello|hi|hey|um+|uh+|er+|well|excuse\ me)\b
    )""",
    re.VERBOSE | re.IGNORECASE,
)
_ENDS = "。！？!?；;\n"
_PAUSES = "，,、 "

_WINDOW = 8  # times the limit: how much of an endless text is looked at


@lru_cache(maxsize=1)
def _converter() -> tuple[Any, frozenset[str]]:
    """The Traditional to Simplified converter, and the characters that it may change."""
    import opencc

    table = Path(opencc.__file__).parent / "dictionary"
    changing: set[str] = set()
    for line in (table / "TSCharacters.txt").read_text(encoding="utf-8").splitlines():
        source, _, targets = line.partition("\t")
        if targets and source not in targets.split(" "):
            changing.add(source)
    return opencc.OpenCC("t2s"), frozenset(changing)


def simplified(text: str) -> str:
    """``text`` in Simplified Chinese; text without a Traditional character comes back as it is."""
    converter, changing = _converter()
    if not changing.isdisjoint(text):
        text = str(converter.convert(text))
    return _ZHE.sub("着", text) if "著" in text else text


def _kept(character: str) -> str:
    category = unicodedata.category(character)
    if category in ("Cc", "Zl", "Zp", "Zs"):
        return " " if character.isspace() else ""
    # Format, private, surrogate, unassigned; stacked accents; pictures. ° and + stay.
    if category in ("Cf", "Co", "Cs", "Cn", "Mn", "Me", "Sk") or (category == "So" and character != "°"):
        return ""
    return character


def _once(match: re.Match[str]) -> str:
    unit = match[1]
    # 12121212 may be a number that someone reads out: only words are stutter.
    return unit if _HAN.search(unit) or re.search(r"[A-Za-z]", unit) else match[0]


def tidy(text: str, limit: int = 500) -> str:
    """``text`` made harmless and plain, at most ``limit`` characters; '' when nothing is left.

    Full-width letters and digits become half-width, invisible characters and pictures go,
    white space and repetitions shrink to one, Traditional becomes Simplified.
    """
    text = text[: limit * _WINDOW]
    text = unicodedata.normalize("NFC", text)
    text = _NOT_FOLDED.sub(lambda match: unicodedata.normalize("NFKC", match[0]), text)
    text = "".join(map(_kept, text))
    text = _SPACE.sub(" ", text).strip()
    text = _SAME_MARK.sub(r"\1", text)
    text = _SAME_CHARACTER.sub(r"\1", text)
    text = _SAME_LETTER.sub(r"\1\1", text)
    text = _SAME_PHRASE.sub(_once, text)
    text = _SPACE_BESIDE_HAN.sub("", simplified(text))
    return _cut(text, limit)


def _cut(text: str, limit: int) -> str:
    """The longest whole sentences of ``text`` within ``limit``; else whole clauses; else ``limit``."""
    if len(text) <= limit:
        return text
    text = text[:limit]
    for marks in (_ENDS, _PAUSES):
        end = max(text.rfind(mark) for mark in marks)
        if end >= limit // 2:
            return text[: end + 1].rstrip(_PAUSES)
    return text


def without_fillers(text: str) -> str:
    """``text`` without 喂, 你好, 请问 … at its start; as it is when nothing would remain."""
    rest = text
    while match := _FILLER.match(rest):
        if not match[0]:
            break
        rest = rest[match.end() :]
    return rest if len(_WORD.findall(rest)) >= 2 else text


def clean_question(text: str, limit: int = 500) -> str:
    """The question in ``text``, safe and plain, at most ``limit`` characters.

    Raises ``InputError`` when nothing that can be read is in it (empty, marks, pictures only).
    """
    question = tidy(text, limit)
    if not _WORD.search(question):
        raise InputError("我没有听清您的问题。", "请再说一遍，或者点一下屏幕上的问题。")
    return without_fillers(question)


def detect_language(text: str) -> Language:
    """English when Latin words dominate and fewer than two Han characters stand beside them."""
    han = len(_HAN.findall(text))
    words = len(_LATIN_WORD.findall(text))
    return Language.ENGLISH if words > 0 and han < 2 and words > han else Language.CHINESE
