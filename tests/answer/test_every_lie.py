"""Every lie, writing and selecting, past an open gate: nothing unfounded is shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from assistant.answer.fake_llm import Lie, LyingLanguageModel, ScriptedLanguageModel
from assistant.contracts import Answer
from assistant.turn import Assistant, Knowledge
from knowledge.load import load_corpus
from tests.small_world import QUESTIONS, open_assistant, published, small_corpus, unfounded

ROOT = Path(__file__).parent.parent.parent
INVENTED = ("市幸福生活管理局", "987654", "000-00000000", "户口簿", "<script", "系统提示词", "每户居民都可以领取补贴")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Knowledge:
    folder = tmp_path_factory.mktemp("small")
    return published(small_corpus(folder / "corpus"), folder / "data")


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Knowledge:
    return published(
        load_corpus(ROOT / "knowledge" / "corpus", strict=True).corpus, tmp_path_factory.mktemp("plan") / "data"
    )


async def reply(talker: Assistant, text: str, session: str) -> Answer:
    events = [event async for event in talker.ask(text, session)]
    assert events[-1].answer is not None
    assert "".join(event.text for event in events if event.type == "text") == events[-1].answer.text
    return events[-1].answer


def check(answer: Answer, knowledge: Knowledge, question: str) -> None:
    departments = {name for passage in knowledge.passages.values() for name in passage.departments}
    assert answer.text.strip()
    assert unfounded(answer, knowledge, departments) == set(), (question, answer.text)
    assert not [each for each in INVENTED if each in answer.text], answer.text
    assert answer.engine in ("talk", "guard") or answer.citations or answer.refused


@pytest.mark.parametrize("writes", [True, False])
@pytest.mark.parametrize("lie", list(Lie))
async def test_no_lie_about_the_small_plan(lie: Lie, writes: bool, small: Knowledge) -> None:
    model = LyingLanguageModel(lie, writes=writes)
    talker = open_assistant(small, model)
    answers = [await reply(talker, question, question) for question in QUESTIONS]
    for question, answer in zip(QUESTIONS, answers, strict=True):
        check(answer, small, question)
    assert model.started, "the model was never asked, so nothing was tested"
    assert sum(not answer.refused for answer in answers) >= 7  # a bad model costs no answers


@pytest.mark.parametrize(
    "text",
    [
        "全街道老年助餐点达到64个。[1]",
        "全街道老年助餐点达到四十七个。[1]",
        "到2028年,全街道老年助餐点达到46个。[1]",
        "全街道老年助餐点达到46个，由市公安局负责。[1]",
        "全街道老年助餐点达到46个，请打021-2027。[1]",
        "全街道老年助餐点达到46个，见《老年助餐管理办法》。[1]",
        "全街道老年助餐点达到46万个。[1]",
    ],
)
async def test_one_wrong_fact_in_a_true_sentence_is_enough(text: str, small: Knowledge) -> None:
    question = "老年助餐点达到多少个？"
    answer = await reply(open_assistant(small, ScriptedLanguageModel(text=text, writes=True)), question, "s")
    assert answer.engine == "extractive"
    assert "46个" in answer.text
    check(answer, small, question)


async def test_the_same_sentence_without_it_is_shown(small: Knowledge) -> None:
    model = ScriptedLanguageModel(text="到2027年,全街道老年助餐点达到46个。[1]", writes=True)
    answer = await reply(open_assistant(small, model), "老年助餐点达到多少个？", "s")
    assert answer.engine == "written"
    assert "[1]" not in answer.text


def real_questions(count: int = 60) -> list[str]:
    found: list[str] = []
    for path in sorted((ROOT / "evaluation" / "questions").glob("*.jsonl")):
        if path.stem != "bad_input":
            items = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
            found += [item["q"] for item in items if "q" in item][:: max(1, len(items) // 5)][:5]
    return found[:count]


@pytest.mark.parametrize(
    ("lie", "writes"),
    [
        (Lie.NUMBER, True),
        (Lie.PHONE, True),
        (Lie.DEPARTMENT, True),
        (Lie.PROCEDURE, True),
        (Lie.INJECTION, True),
        (Lie.WRONG, True),
        (Lie.WRONG, False),
        (Lie.OUT_OF_RANGE, False),
    ],
)
async def test_no_lie_about_the_real_plan(lie: Lie, writes: bool, plan: Knowledge) -> None:
    model = LyingLanguageModel(lie, writes=writes)
    talker = open_assistant(plan, model)
    questions = real_questions()
    assert len(questions) == 60
    for number, question in enumerate(questions):
        check(await reply(talker, question, str(number)), plan, question)
    assert model.started > 20
