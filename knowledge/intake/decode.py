"""Bytes to text: UTF-8, UTF-16, GB18030 or Big5, found by trying and checked by what comes out."""

from __future__ import annotations

import codecs
import re

from charset_normalizer import from_bytes

from assistant.errors import IntakeError
from knowledge.intake.limits import Desk

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# The characters that any page of Chinese holds, in both forms.
_COMMON = frozenset(
    "的一是不了在有人和大中上为国地到以要就时会可也你对生能子那得于着下自之年过发后作里用道行所然家种事成方多经去法学如都同现当没动面起看定天分还进好小部其些主样理心本前开但因只从想实日军者意无力它与长把机十民第公此已工使情明性知全三又关点正业外将两高间由问很最重并物手应战向头文体政美相见被利什二等产或新己制身果加西斯月话合回特代内信表化老给世位次度门任常先海通教儿原东声提立及比员解水名真论处走义各入几口认条平系气题活尔更别打女变四神总何电数安少报才结反受目太量再感建务做接必场件计管期市直德资命山金指克许统区保至队形社便空决治展马科司五基眼书非则听白却界达光放强即像难且权思王象完设式色路记南品住告类求据程北边死张该交规万取拉格望觉术领共确传师观清今切院让识候带导争运为國對這們個來時發說過會學裡後當點開關電話門問長務業區經動實產機現進應與處樣員條體數總給價"
)
_LOST = re.compile(r"[\ufffd\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\ue000-\uf8ff]")
_HAN = re.compile(r"[\u3400-\u9fff]")
_MAY_BE_LOST = 0.002  # share of bytes that may be damaged in an otherwise good text


def decode(data: bytes, desk: Desk | None) -> str:
    """The text of ``data``. Damaged places become � and are named by line in ``desk``.

    Raises IntakeError when no encoding gives readable text.
    """
    data = data[: len(data) // 2 * 2] if data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else data
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _finish(data.decode(encoding, errors="replace"), encoding, desk)
    try:
        text = data.decode("utf-8")
        if text.count("\x00") <= 1 + len(text) // 100:  # more of them are UTF-16
            return _finish(text, "utf-8", desk)
    except UnicodeDecodeError:
        pass
    best, score, encoding = "", -1.0, ""
    for candidate in _candidates(data):
        text = data.decode(candidate, errors="replace")
        worth = _worth(text)
        if worth > score:
            best, score, encoding = text, worth, candidate
    if score < 0.5:
        raise IntakeError(
            "这个文件不是可以阅读的文字，或者文字编码认不出来。",
            "请用记事本打开，选择“另存为”，编码选 UTF-8，再上传。",
            code="encoding",
        )
    return _finish(best, encoding, desk)


def _candidates(data: bytes) -> list[str]:
    """Encodings to try: those that fit Chinese text, then what the detector thinks."""
    out = ["utf-8", "gb18030", "big5"]
    if data[:4096].count(0) > len(data[:4096]) // 10 or len(data) % 2 == 0:
        out += ["utf-16-le", "utf-16-be"]
    guess = from_bytes(data[:20_000]).best()
    if guess is not None and guess.encoding not in out:
        out.append(guess.encoding)
    return out


def _worth(text: str) -> float:
    """0 to 1: how much it reads like text that people here write."""
    sample = text[:20_000]
    if not sample.strip():
        return 0.0
    lost = len(_LOST.findall(sample)) / len(sample)
    han = _HAN.findall(sample)
    if lost > _MAY_BE_LOST * 25:
        return 0.0
    plain = sum(c.isascii() for c in sample) / len(sample)
    strange = max(
        0.0,
        1 - plain - (len(han) + len(re.findall(r"[，。、；：？！“”‘’（）《》〔〕【】…—·　]", sample))) / len(sample),
    )
    common = sum(c in _COMMON for c in han) / len(han) if han else 1.0
    # Wrongly decoded Chinese is made of rare characters; a third of a real text is common ones.
    return max(0.0, 1 - strange - 10 * lost) * min(1.0, 0.2 + common * 3)


def _finish(text: str, encoding: str, desk: Desk | None) -> str:
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if text.count("\ufffd") + text.count("\x00") > max(3, len(text) // 20):
        raise IntakeError(
            "这个文件里读不出来的字太多，可能不是文字文件，或者已经损坏。",
            "请用记事本或 WPS 打开检查，另存为 UTF-8 编码再上传。",
            code="encoding",
        )
    if desk is None:
        return text
    desk.count(text)
    if encoding not in ("utf-8", "utf-8-sig"):
        desk.note("encoding", f"文字编码是 {encoding.upper()}，已经换成 UTF-8。")
    if "\ufffd" in text:
        lines = [str(number) for number, line in enumerate(text.split("\n"), 1) if "\ufffd" in line]
        desk.warn(
            "damaged",
            f"有 {text.count(chr(0xFFFD))} 处文字损坏，在第 {'、'.join(lines[:10])} 行，显示为 �。",
            "请对照原文改好。",
        )
    return text
