"""The table of the pinyin keyboard: words of the documents, common words and common characters by their letters."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import jieba
from pypinyin import Style, lazy_pinyin
from pypinyin import pinyin as readings

from assistant.contracts import Conversation

COMMON_WORDS = 12_000  # words of everyday language, the most frequent ones
CHARACTERS_SHOWN = 30  # characters kept for one syllable
_HAN = re.compile(r"[\u4e00-\u9fff]{2,8}")


def common_characters() -> str:
    """The 3,755 characters of the first level of GB 2312."""
    rows = range(0xB0, 0xD8)
    codes = (bytes((row, column)) for row in rows for column in range(0xA1, 0xFF))
    return "".join(code.decode("gb2312", errors="ignore") for code in codes)


@lru_cache(maxsize=1)
def _frequencies() -> dict[str, int]:
    """Words and how often they are used, from the dictionary that comes with jieba."""
    lines = Path(str(jieba.__file__)).with_name("dict.txt").read_text(encoding="utf-8").splitlines()
    fields = (line.split(" ") for line in lines)
    return {field[0]: int(field[1]) for field in fields}


def domain_words(conversation: Conversation) -> list[str]:
    """Words and short questions of the documents: what residents come to ask about. The most frequent first."""
    counts: dict[str, int] = defaultdict(int)
    for document in conversation.documents():
        for passage in conversation.passages(document.id):
            for text in (passage.title, passage.text, *passage.phrasings):
                for word in jieba.cut(text):
                    if _HAN.fullmatch(word):
                        counts[word] += 1
    return sorted(counts, key=lambda word: -counts[word])


def letters(word: str) -> tuple[str, ...]:
    """Syllables of ``word`` without tones, ü as v: 养老 is (yang, lao)."""
    return tuple(str(one) for one in lazy_pinyin(word, style=Style.NORMAL, v_to_u=False))


def pinyin_table(conversation: Conversation) -> bytes:
    """JSON: ``characters`` {syllable: characters} and ``words`` [[letters, initials, word]], both best first.

    A character stands under each of its common readings. The browser looks everything up by itself,
    so that what a resident types leaves the page only when it is asked.
    """
    table = {"characters": _characters(), "words": _words(domain_words(conversation))}
    return json.dumps(table, ensure_ascii=False, separators=(",", ":")).encode()


def _characters() -> dict[str, str]:
    used: dict[str, int] = defaultdict(int)
    for word, count in _frequencies().items():
        for character in word:
            used[character] += count
    found: dict[str, list[str]] = defaultdict(list)
    for character in sorted(common_characters(), key=lambda one: -used[one]):
        for syllable in readings(character, style=Style.NORMAL, heteronym=True, v_to_u=False)[0][:3]:
            if character not in found[str(syllable)]:
                found[str(syllable)].append(character)
    return {syllable: "".join(some[:CHARACTERS_SHOWN]) for syllable, some in sorted(found.items())}


def _words(domain: Iterable[str]) -> list[list[str]]:
    frequencies = _frequencies()
    usual = sorted(
        (word for word in frequencies if _HAN.fullmatch(word) and len(word) <= 4), key=lambda w: -frequencies[w]
    )
    rows = []
    for word in dict.fromkeys([*domain, *usual[:COMMON_WORDS]]):
        syllables = letters(word)
        if all(re.fullmatch("[a-z]+", syllable) for syllable in syllables):
            rows.append(["".join(syllables), "".join(one[0] for one in syllables), word])
    return rows
