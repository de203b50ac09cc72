"""The gate: stock phrases, loops, noise and doubt give no text; questions pass."""

from __future__ import annotations

import pytest

from assistant.hear.fake import FakeVoiceActivity
from assistant.hear.hallucination import Hallucinations, voiced_seconds
from assistant.hear.whisper import Evidence
from tests.hear.sounds import noise, tone


def evidence(text: str, log: float = -0.2, no_speech: float = 0.05, compression: float = 1.0) -> Evidence:
    return Evidence(text, 3.0, log, no_speech, compression, "zh")


@pytest.mark.parametrize(
    "text",
    [
        "字幕由 Amara.org 社区提供",
        "请不吝点赞 订阅 转发 打赏支持明镜与点点栏目",
        "谢谢观看",
        "谢谢大家的观看！",
        "MING PAO CANADA // MING PAO TORONTO",
        "优优独播剧场——YoYo Television Series Exclusive",
        "Thanks for watching!",
        "Thank you for watching.",
        "感谢您的收看，我们下期再见",
        "词曲 李宗盛",
        "ご視聴ありがとうございました",
        "시청해주셔서 감사합니다",
    ],
)
def test_stock_phrases(text: str) -> None:
    assert Hallucinations().reason(evidence(text), 2.0) == "hallucination"


@pytest.mark.parametrize(
    "text",
    [
        "加装电梯怎么申请",
        "谢谢",
        "再见",
        "看电视的补贴有吗",
        "谢谢你，我知道了",
        "老年大学有音乐课吗",
        "字太小了看不清楚",
        "有没有人上门看望老人",
        "how do I apply",
        "好",
    ],
)
def test_what_residents_say_passes(text: str) -> None:
    assert Hallucinations().reason(evidence(text), 1.5) == ""


def test_reasons() -> None:
    gate = Hallucinations()
    question = "加装电梯怎么申请"
    assert gate.reason(evidence(""), 0.0) == "silence"
    assert gate.reason(evidence(question), 0.1) == "noise"
    assert gate.reason(evidence(question, log=-2.0), 2.0) == "unsure"
    assert gate.reason(evidence(question, log=-1.0, no_speech=0.9), 2.0) == "unsure"
    assert gate.reason(evidence(question, compression=5.0), 2.0) == "hallucination"
    assert gate.reason(evidence(question * 5), 0.5) == "hallucination"  # nobody speaks that fast
    assert gate.reason(evidence(question), None) == ""


def test_short_words_count_only_in_doubt() -> None:
    gate = Hallucinations()
    assert gate.reason(evidence("音乐", log=-0.1), 1.0) == ""
    assert gate.reason(evidence("音乐", log=-0.9), 1.0) == "hallucination"


def test_meter_counts_seconds() -> None:
    import numpy as np

    sound = np.concatenate([noise(1.0, 0.001), tone(1.0), noise(1.0, 0.001)])
    assert voiced_seconds(FakeVoiceActivity)(sound) == pytest.approx(1.0, abs=0.07)
    assert voiced_seconds(FakeVoiceActivity)(noise(0.0)) == 0
