"""What is asked for is read from a whole sentence, and from the end of a long story only."""

from __future__ import annotations

import pytest

from assistant.contracts import FactKind
from assistant.understand.question import last_part, make_question


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("How much is the subsidy for age-friendly home adaptation in old buildings?", FactKind.PRICE),
        ("Which travel agency is best?", FactKind.RECOMMENDATION),
        ("Where can I apply for the appliance trade-in scheme near my home?", FactKind.ADDRESS),
        ("演艺新空间一家奖励多少", FactKind.PRICE),
        ("企业培训补贴怎么申报", FactKind.PROCEDURE),
        ("老年大学在哪里", FactKind.ADDRESS),
        ("好几个部门都说不归他们管，到底归谁管", FactKind.DEPARTMENT),
    ],
)
def test_the_kind_of_fact_is_recognised(text: str, kind: FactKind) -> None:
    assert kind in make_question(text).kinds


def test_an_english_sentence_is_no_story() -> None:
    text = "How much is the subsidy for age-friendly home adaptation in old buildings?"
    assert last_part(text) == text


def test_of_a_chinese_story_the_end_counts() -> None:
    story = "我去年摔了一跤，在家里躺了三个月，花了不少钱，邻居都来看我，孩子们也都请假回来照顾，真是难为他们了，我想问问能不能装电梯？"
    assert last_part(story).endswith("我想问问能不能装电梯？")
    assert "去年" not in last_part(story)
    assert make_question(story).years == ()
