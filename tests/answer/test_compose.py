"""Extractive answers: the document's own words, trimmed but never changed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.answer.compose import SPOKEN, compose, label, nearest_target, trimmed
from assistant.contracts import Candidate, FactKind, Language, Passage, Question, Target
from assistant.retrieve.spans import spans

LONG = (
    "到2027年,全街道老年助餐点达到46个,日均供餐2.4万份,并逐步向周边街镇开放;"
    "鼓励餐饮企业、商业超市和物业服务企业参与老年助餐服务,提供场地和租金方面的支持,引导社会力量共同举办,"
    "加强食品安全监督检查和人员培训。"
)


def question(text: str = "有多少个？", **more: object) -> Question:
    return Question.model_validate({"text": text, "resolved": text} | more)


def sentence(text: str = LONG, **more: object) -> Passage:
    facts = {"id": "p#1.1", "kind": "sentence", "doc": "p", "title": "便民行动方案", "article": 1, "parent": "p#1"}
    return Passage.model_validate(facts | {"text": text} | more)


def bare(text: str) -> str:
    return text.translate(str.maketrans("，；：", ",;:")).rstrip("。;,")


@given(st.sampled_from([*spans(LONG), ""]), st.booleans())
def test_what_is_trimmed_is_a_run_of_the_published_words(span: str, counts: bool) -> None:
    target = Target(subject="老年助餐点", quantity=46, unit="个", text="全街道老年助餐点达到46个", deadline="2027年")
    passage = sentence(targets=(target,))
    kinds = (FactKind.QUANTITY,) if counts else (FactKind.GENERAL,)
    said = trimmed(question(kinds=kinds), Candidate(passage=passage, score=1, span=span))
    run = said.removeprefix("到2027年,")
    assert run
    assert run in LONG
    assert len(run) <= SPOKEN


def test_the_quote_is_whole_and_exact_even_when_speech_is_trimmed() -> None:
    got = compose(question(), [Candidate(passage=sentence(), score=1, span="日均供餐2.4万份")])
    assert got.citations[0].quote == LONG
    assert "2.4万份" in got.text
    assert len(got.text) < len(LONG)


def test_a_short_sentence_is_said_whole() -> None:
    text = "到2027年,每千人口托位数达到5.5个。"
    got = compose(question(), [Candidate(passage=sentence(text), score=1)])
    assert bare(text) in bare(got.text)
    assert got.text.startswith("行动方案第一条提到，")


@pytest.mark.parametrize(
    ("score", "parent", "language", "both"),
    [
        (0.95, "p#1", "zh", True),
        (0.5, "p#1", "zh", False),  # far behind
        (0.95, "p#2", "zh", False),  # of another article
        (0.95, "p#1", "en", False),
    ],
)
def test_a_second_sentence_of_the_same_article(score: float, parent: str, language: str, both: bool) -> None:
    second = sentence("支持幼儿园开设托班。", id="x", parent=parent)
    chosen = [Candidate(passage=sentence("扩大托育供给。"), score=1), Candidate(passage=second, score=score)]
    got = compose(question(language=language), chosen)
    assert ("开设托班" in got.text) is both
    assert [c.passage_id for c in got.citations] == (["p#1.1", "x"] if both else ["p#1.1"])


@pytest.mark.parametrize(("language", "word"), [(Language.CHINESE, "示例"), (Language.ENGLISH, "Sample")])
def test_samples_are_labelled_once(language: Language, word: str) -> None:
    text = label("电话", [sentence(sample=True)], language)
    assert word in text
    assert label(text, [sentence(sample=True)], language) == text
    assert label("电话", [sentence()], language) == "电话"


def test_a_claim_in_the_question_is_not_confirmed() -> None:
    passage = sentence("支持老房子加装电梯。")
    yes = compose(question("可以加装电梯吗？", yes_no=True), [Candidate(passage=passage, score=1)])
    claimed = compose(question("可以加装电梯320台吗？", yes_no=True), [Candidate(passage=passage, score=1)])
    forbids = sentence("不得占用消防通道加装电梯。")
    refused = compose(question("可以加装电梯吗？", yes_no=True), [Candidate(passage=forbids, score=1)])
    assert yes.text.startswith("可以的，")
    assert not claimed.text.startswith(("可以", "有的", "是"))
    assert not refused.text.startswith(("可以", "有的", "是"))


def test_the_nearest_target_is_the_one_asked_for() -> None:
    beds = Target(subject="养老床位", quantity=5, unit="张", text="养老床位5张")
    places = Target(subject="托位数", quantity=6, unit="个", text="托位数6个")
    assert nearest_target("托位有几个", [beds, places]) == places
    assert nearest_target("托位有几个", []) is None
