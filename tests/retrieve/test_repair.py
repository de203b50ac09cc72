"""Repair of misheard words: by sound, never numbers, only where the evidence grows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.retrieve.repair import SpeechRepair
from assistant.voice_contracts import Repair

WORDS = ["加装电梯", "适老化改造", "托育", "长护险", "养老床位", "社保卡", "早餐", "认知障碍", "一网通办"]
KNOWN = ["老房子能不能加装电梯", "托育服务怎么办", "小区里有没有地方", "我想问一下", "家里"]


def sure(text: str) -> float:
    """Evidence for a text: the share of the domain words in it."""
    return min(0.9, 0.1 + 0.4 * sum(word in text for word in WORDS))


@pytest.fixture(scope="module")
def repair() -> SpeechRepair:
    return SpeechRepair(WORDS, KNOWN)


@pytest.mark.parametrize(
    ("heard", "meant"),
    [
        ("老房子能不能家装店梯", "老房子能不能加装电梯"),
        ("是老化改造有没有", "适老化改造有没有"),  # sh and s
        ("养老床为有多少张", "养老床位有多少张"),
        ("常护险怎么弄", "长护险怎么弄"),
        ("认知丈碍的老人", "认知障碍的老人"),  # zh and z
        ("托玉服务怎么办", "托育服务怎么办"),
        ("设保卡能坐车吗", "社保卡能坐车吗"),
    ],
)
def test_homophones_and_accents_are_put_right(repair: SpeechRepair, heard: str, meant: str) -> None:
    found = repair.repair(heard, sure)
    assert found.text == meant
    assert found.heard == heard
    assert "".join(wrong for wrong, _ in found.changes) != ""


@pytest.mark.parametrize(
    "heard",
    [
        "老房子能不能加装电梯",
        "今天天气怎么样",
        "一二三四五六七",
        "到2025年要有17.8万张",
        "请打12345",
        "How many beds",
        "",
        "妈妈",
    ],
)
def test_what_was_heard_right_stays(repair: SpeechRepair, heard: str) -> None:
    assert repair.repair(heard, sure) == Repair(heard, heard)


def test_without_better_evidence_nothing_changes(repair: SpeechRepair) -> None:
    assert repair.repair("老房子能不能家装店梯", lambda text: 0.5).changes == ()


def test_one_wrong_change_does_not_cost_the_right_one(repair: SpeechRepair) -> None:
    def picky(text: str) -> float:
        return 0.1 if "早餐" in text else sure(text)

    found = repair.repair("造参店旁边能家装店梯吗", picky)
    assert "加装电梯" in found.text
    assert "早餐" not in found.text


@given(st.text(alphabet="一二三0123456789十百万养老床为位张家装店梯是化改造,。? ", max_size=30))
def test_numbers_and_length_never_change(text: str) -> None:
    found = SpeechRepair(WORDS, KNOWN).repair(text, sure)
    assert len(found.text) == len(text)
    for before, after in zip(text, found.text, strict=True):
        if before in "一二三0123456789十百万":
            assert after == before
