"""Makes text plain and harmless, rule by rule; every change is kept with old, new and place."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from knowledge.intake.blocks import Block
from knowledge.intake.limits import Desk
from knowledge.intake.values import Change, Place
from knowledge.scrape import errata, without_readings

MOST = 400  # different changes kept; the rest is counted in a notice

_HAN = r"\u3400-\u9fff"
_DIRECTS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200d\u2028\u2029"
    "\u2060-\u2065\u206a-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ud800-\udfff\U000e0000-\U000e0fff]"
)
_ACCENTS = re.compile(
    rf"(?<=[{_HAN}0-9])[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u20d0-\u20ff]+|(?<=[\u0300-\u036f]{{2}})[\u0300-\u036f]+"
)
_PRIVATE = re.compile("[\ue000-\uf8ff\U000f0000-\U0010ffff]+")
_WIDE = re.compile(r"[０-９Ａ-Ｚａ-ｚ]+(?:[．－／：＠＿][０-９Ａ-Ｚａ-ｚ]+)*％?")
_FORMS = re.compile("[\u2f00-\u2fd5\uf900-\ufaff\u2e80-\u2ef3]")
# Radicals that fonts in PDFs put in place of the character itself and that Unicode doesn't fold.
_RADICALS = dict(
    zip(
        "⺠⻅⻓⻛⻋⻔⻚⻢⻜⻥⻦⻬⻰⻩⻄⻆⻉⻘⻝⻣⻤⻨⻮⻪",
        "民见长风车门页马飞鱼鸟齐龙黄西角贝青食骨鬼麦齿龟",
        strict=False,
    )
)
_SPACED = re.compile(rf"(?<![{_HAN}])[{_HAN}](?: [{_HAN}]){{2,}}(?![{_HAN}])")
_SPACED_PAIR = re.compile(rf"[{_HAN}] [{_HAN}]")
_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_DAMAGED = re.compile(rf"\ufffd+|(?<=[{_HAN}])\?{{2,}}(?=[{_HAN}])")

Found = list[tuple[str, str]]


@lru_cache(maxsize=1)
def _converter() -> tuple[Any, frozenset[str]]:
    """From Traditional to Simplified, and the characters that it may change."""
    import opencc

    table = Path(opencc.__file__).parent / "dictionary" / "TSCharacters.txt"
    pairs = (line.partition("\t")[::2] for line in table.read_text(encoding="utf-8").splitlines())
    changing = frozenset(old for old, new in pairs if new and old not in new.split(" "))
    return opencc.OpenCC("t2s"), changing


class Cleaner:
    """Cleans the texts of one file and keeps what it changed."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._changes: dict[tuple[str, str, str], Change] = {}
        self._left_out = 0
        self._damaged: list[str] = []
        self._hiding = 0

    def clean(self, text: str, place: Place) -> str:
        """The text, plain and harmless, in one line."""
        if text.isascii() and text.isprintable() and "<" not in text and "??" not in text:
            return text.strip()
        for rule, apply in _RULES:
            found: Found = []
            new = apply(text, found)
            if new != text:
                for old, replacement in found:
                    self._keep(rule, old, replacement, place)
                self._hiding += len(found) if rule in ("看不见的字符", "颠倒方向的字符") else 0
                text = new
        for match in _DAMAGED.finditer(text):
            self._damaged.append(f"{place}“…{text[max(0, match.start() - 6) : match.end() + 6]}…”")
        return " ".join(text.split())

    def _keep(self, rule: str, old: str, new: str, place: Place) -> None:
        key = (rule, old, new)
        if key in self._changes:
            self._changes[key] = self._changes[key].model_copy(update={"count": self._changes[key].count + 1})
        elif len(self._changes) < MOST:
            self._changes[key] = Change(rule=rule, old=old, new=new, place=place)
        else:
            self._left_out += 1

    def changes(self) -> tuple[Change, ...]:
        """What was changed, in the order of first places; what needs a look goes to the desk."""
        if self._left_out:
            self.desk.note("more_changes", f"整理文字时还有 {self._left_out} 处改动，没有一一列出。")
        if self._hiding:
            self.desk.warn(
                "hiding",
                f"文字里藏着 {self._hiding} 个看不见或颠倒方向的字符，已经去掉。",
                "请看一看是不是有人做了手脚。",
            )
        if self._damaged:
            places = "；".join(self._damaged[:5])
            self.desk.warn("damaged", f"有 {len(self._damaged)} 处文字看起来坏了：{places}。", "请对照原文改好。")
        return tuple(self._changes.values())


def clean_blocks(blocks: list[Block], cleaner: Cleaner, desk: Desk) -> list[Block]:
    """The blocks, cleaned; those that are empty then are left out."""
    out: list[Block] = []
    for at, block in enumerate(blocks):
        if at % 500 == 0:
            desk.progress(at, len(blocks), "段")
        if block.grid is not None:
            block.grid.caption = cleaner.clean(block.grid.caption, block.place)
            block.grid.rows = [
                [cleaner.clean(cell, Place(page=block.place.page, sheet=block.place.sheet, row=number)) for cell in row]
                for number, row in enumerate(block.grid.rows, 1)
            ]
            out.append(block)
            continue
        block.text = cleaner.clean(block.text, block.place)
        if block.level == 0 and block.text.startswith("#"):
            block.text = "＃" + block.text.lstrip("#")  # a paragraph, not a heading
        if block.text:
            out.append(block)
    return out


def _each(
    pattern: re.Pattern[str], new: Callable[[str], str], show: Callable[[str], str] = str
) -> Callable[[str, Found], str]:
    def apply(text: str, found: Found) -> str:
        def one(match: re.Match[str]) -> str:
            replaced = new(match.group())
            if replaced != match.group():
                found.append((show(match.group()), replaced))
            return replaced

        return pattern.sub(one, text)

    return apply


def _code_point(text: str) -> str:
    return "、".join(f"U+{ord(c):04X}" for c in text[:4])


def _indent(text: str, found: Found) -> str:
    if not re.match(r"\?\?+(?=\S)", text):
        return text
    found.append((text[:8], text.lstrip("?")[:6]))
    return text.lstrip("?")


def _readings(text: str, found: Found) -> str:
    new, taken = without_readings(text)
    found += [(each, each[0]) for each in taken]
    return new


def _simplify(text: str, found: Found) -> str:
    converter, changing = _converter()
    if changing.isdisjoint(text):
        return text
    new = str(converter.convert(text))
    if len(new) == len(text):
        found += [(a, b) for a, b in zip(text, new, strict=True) if a != b]
    else:
        found.append((text[:40], new[:40]))
    return new


def _errata(text: str, found: Found) -> str:
    for each in errata():
        if each["find"] in text:
            found.append((each["find"], each["replace"]))
            text = text.replace(each["find"], each["replace"])
    return text


def _composed(text: str, found: Found) -> str:
    return unicodedata.normalize("NFC", text)


_RULES: tuple[tuple[str, Callable[[str, Found], str]], ...] = (
    ("颠倒方向的字符", _each(_DIRECTS, lambda _: "", _code_point)),
    ("看不见的字符", _each(_INVISIBLE, lambda _: "", _code_point)),
    ("合成字符", _composed),
    ("堆叠的附加符号", _each(_ACCENTS, lambda _: "", _code_point)),
    ("部首或异体码位", _each(_FORMS, lambda c: _RADICALS.get(c) or unicodedata.normalize("NFKC", c))),
    ("全角字母和数字", _each(_WIDE, lambda run: unicodedata.normalize("NFKC", run))),
    ("认不出的字", _each(_PRIVATE, lambda _: "□", _code_point)),
    ("丢失的缩进", _indent),
    ("括号里的注音", _readings),
    ("繁体转简体", _simplify),
    ("已知的错字", _errata),
    ("字间的空格", _each(_SPACED, lambda run: run.replace(" ", ""))),
    ("字间的空格", lambda text, found: _pair(text, found)),
    ("尖括号", _each(_TAG, lambda _: "＜")),
)


def _pair(text: str, found: Found) -> str:
    """通 知 alone in its line is one word."""
    if not _SPACED_PAIR.fullmatch(text):
        return text
    found.append((text, text.replace(" ", "")))
    return text.replace(" ", "")
