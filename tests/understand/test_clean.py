"""A question comes out safe and plain, whatever went in."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.contracts import Language
from assistant.errors import InputError
from assistant.understand.clean import clean_question, detect_language


@pytest.mark.parametrize(
    ("heard", "clean"),
    [
        ("養老床位有多少？", "养老床位有多少？"),
        ("喂，你好，那个，请问养老院在哪", "养老院在哪"),
        ("小沪小沪，我想问一下托育点", "托育点"),
        ("嗯嗯 养老", "养老"),
        ("那个请问养老院", "养老院"),
        ("ＡＢＣ１２３，４？", "ABC123，4？"),
        ("看  看\n这个\t好吗", "看看这个好吗"),
        ("养\u200b老\u202e床\u0000位", "养老床位"),
        ("😊养老😊床位👍🏽", "养老床位"),
        ("着火了！！！！！", "着火了！"),
        ("养老" * 1000, "养老"),
        ("谢谢谢谢谢谢谢谢谢", "谢"),
        ("著火了", "着火了"),
        ("這本著作很著名", "这本著作很著名"),
        ("e\u0301te\u0301 café", "été café"),
        ("气温37.5℃", "气温37.5°C"),
    ],
)
def test_plain(heard: str, clean: str) -> None:
    assert clean_question(heard) == clean


@pytest.mark.parametrize(
    "text",
    [
        "你好",
        "那个呢",
        "喂养孩子有补贴吗",
        "你好像没听懂",
        "小沪小沪",
        "我要问",
        "10000",
        "拨打12345",
        "一一一一",
        "天天看看",
    ],
)
def test_left_alone(text: str) -> None:
    """Words that only look like fillers, numbers, and utterances that are nothing but fillers."""
    assert clean_question(text) == text


@pytest.mark.parametrize("nothing", ["", "   ", "？？？！", "😀😀", "\u0000\u200b", "……", "\ud800", "。" * 100_000])
def test_nothing_to_read(nothing: str) -> None:
    with pytest.raises(InputError) as caught:
        clean_question(nothing)
    assert "没有听清" in caught.value.message
    assert "再说一遍" in caught.value.hint


def test_cut_at_a_sentence() -> None:
    text = "".join(f"第{number}个养老院在哪里。" for number in range(200))
    clean = clean_question(text, limit=100)
    assert 50 <= len(clean) <= 100
    assert clean.endswith("。")
    assert text.startswith(clean)


@pytest.mark.parametrize(
    "unit",
    [
        "養",
        "养老床位有多少，",
        "a b ",
        "1",
        "ab1",
        "\u0301",
        "".join(chr(0x4E00 + i * 7919 % 20000) for i in range(997)),
    ],
)
def test_endless_text_is_quick(unit: str) -> None:
    text = "问" + unit * (100_000 // len(unit))
    clean_question("养老")  # the converter is built once, before the clock starts
    start = time.perf_counter()
    clean = clean_question(text)
    assert time.perf_counter() - start < 0.1
    assert len(clean) <= 500


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=300))
def test_always_safe(text: str) -> None:
    try:
        clean = clean_question(text, limit=100)
    except InputError:
        return
    assert 0 < len(clean) <= 100
    assert not any(unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co") for character in clean)
    assert clean_question(clean, limit=100)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("How many beds?", Language.ENGLISH),
        ("养老床位", Language.CHINESE),
        ("AED在哪里", Language.CHINESE),
        ("我想 join the choir", Language.CHINESE),
        ("12345", Language.CHINESE),
        ("where is 沪 office", Language.ENGLISH),
    ],
)
def test_language(text: str, language: Language) -> None:
    assert detect_language(text) is language
