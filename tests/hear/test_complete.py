"""Complete questions are told from beginnings of sentences, at measured rates."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.hear.complete import Completeness, completeness

DATA = Path(__file__).parent / "data"


def lines(name: str) -> list[str]:
    text = (DATA / f"{name}.txt").read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def share(texts: list[str], wanted: Completeness) -> float:
    return sum(completeness(text) is wanted for text in texts) / len(texts)


def test_the_tuning_sets() -> None:
    assert share(lines("whole"), Completeness.FINISHED) >= 0.92
    assert share(lines("whole"), Completeness.UNFINISHED) <= 0.02
    assert share(lines("cut"), Completeness.FINISHED) <= 0.01
    assert share(lines("cut"), Completeness.UNFINISHED) >= 0.6


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("加装电梯怎么申请？", Completeness.FINISHED),
        ("加装电梯，怎么申请？", Completeness.FINISHED),
        ("请问，长护险在哪里办啊", Completeness.FINISHED),
        ("再说一遍。", Completeness.FINISHED),
        ("好的", Completeness.FINISHED),
        ("How do I apply?", Completeness.FINISHED),
        ("我想问一下，", Completeness.UNFINISHED),
        ("加装电梯的", Completeness.UNFINISHED),
        ("如果我妈妈没有", Completeness.UNFINISHED),
        ("我要给我妈妈和", Completeness.UNFINISHED),
        ("嗯", Completeness.UNFINISHED),
        ("Where is the", Completeness.UNFINISHED),
        ("我妈妈今年八十岁了", Completeness.UNDECIDED),
        ("你好", Completeness.UNDECIDED),
        ("怎么申请", Completeness.UNDECIDED),
        ("加装电梯怎么申请，", Completeness.UNDECIDED),
        ("", Completeness.UNDECIDED),
        ("。", Completeness.UNDECIDED),
    ],
)
def test_examples(text: str, wanted: Completeness) -> None:
    assert completeness(text) is wanted


@pytest.mark.parametrize("opener", ["请问", "我想问一下", "你好，", "嗯，那个"])
def test_an_opener_changes_nothing_behind_it(opener: str) -> None:
    for text in ("加装电梯要多少钱", "居住证在哪里办", "有没有上门洗澡的服务"):
        assert completeness(opener + text) is Completeness.FINISHED


@given(st.text(max_size=30))
def test_any_text_is_judged(text: str) -> None:
    assert completeness(text) in Completeness


@given(st.text(alphabet="我的电梯吗怎么不办，。？在给谁多少a", max_size=24))
def test_chinese_of_any_order_is_judged(text: str) -> None:
    assert completeness(text) in Completeness


def test_the_held_back_sets() -> None:
    assert share(lines("whole_held"), Completeness.FINISHED) >= 0.9
    assert share(lines("cut_held"), Completeness.FINISHED) <= 0.02


def test_questions_of_the_project() -> None:
    """Questions as residents typed them, and their beginnings of up to half the length."""
    import json

    folder = Path(__file__).parents[2] / "evaluation" / "questions"
    asked = [
        json.loads(line)["q"]
        for name in ("colloquial", "fresh_colloquial", "factual")
        for line in (folder / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    assert len(asked) > 200
    assert share(asked, Completeness.FINISHED) >= 0.85
    begun = [text[: len(text) * part // 6] for text in asked for part in (1, 2, 3) if len(text) > 8]
    assert share(begun, Completeness.FINISHED) <= 0.08
