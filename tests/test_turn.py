"""The turn: order of events, staleness, erasure, danger first, and fallbacks."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from assistant.answer.fake_llm import Lie, LyingLanguageModel
from assistant.contracts import Evidence, TurnEvent
from assistant.errors import RetrieveError
from assistant.turn import Assistant, Knowledge
from tests.conftest import DAY

UNANSWERABLE = Path(__file__).parent.parent / "evaluation" / "questions" / "blind_unanswerable.jsonl"


async def events(talker: Assistant, text: str, session: str = "s") -> list[TurnEvent]:
    return [event async for event in talker.ask(text, session)]


async def test_text_comes_between_start_and_answer_in_one_epoch(assistant: Callable[..., Assistant]) -> None:
    got = await events(assistant(), "老房子能加装电梯吗？")
    assert [got[0].type, got[-1].type] == ["started", "answer"]
    assert {event.type for event in got[1:-1]} == {"text"}
    assert len({event.turn_id for event in got}) == 1
    assert got[-1].answer is not None
    assert "".join(event.text for event in got[1:-1]) == got[-1].answer.text
    assert got[-1].answer.citations[0].article == 14


async def test_nothing_stale_follows_a_cancel(assistant: Callable[..., Assistant]) -> None:
    talker, chance = assistant(), random.Random(7)

    async def turn(number: int) -> None:
        epoch = None
        async for event in talker.ask("养老床位有多少张？", f"s{number % 5}"):
            epoch = epoch or event.turn_id
            current = talker.session(f"s{number % 5}").turn_id
            assert event.turn_id == current or event.type in ("cancelled", "started")
            if chance.random() < 0.4:
                talker.cancel(f"s{number % 5}")
            await asyncio.sleep(0)

    await asyncio.gather(*(turn(number) for number in range(300)))


async def test_erasing_forgets_all(assistant: Callable[..., Assistant]) -> None:
    talker = assistant()
    await events(talker, "认知障碍床位有多少张？金丝雀", "canary")
    talker.erase("canary")
    assert talker.session("canary").memory == []
    again = await events(talker, "再说一遍", "canary")
    assert again[-1].answer is not None
    assert "1.5万" not in again[-1].answer.text


async def test_danger_comes_before_any_search(knowledge: Knowledge) -> None:
    class Broken:
        def search(self, *_: object) -> None:
            raise AssertionError("searched in an emergency")

    talker = Assistant(lambda: replace(knowledge, retriever=Broken()), today=lambda: DAY)
    await events(talker, "家里着火了")  # compiles the guard's patterns
    started = time.perf_counter()
    got = await events(talker, "厨房着火了，快来人")
    assert (time.perf_counter() - started) < 0.1
    assert got[-1].answer is not None
    assert got[-1].answer.emergency
    assert "119" in got[-1].answer.text


async def test_unusable_input_is_a_kind_error(assistant: Callable[..., Assistant]) -> None:
    for text in ("", "？？？", "\x00\x07", "😀"):
        got = await events(assistant(), text)
        assert [event.type for event in got] == ["started", "error"]
        assert "请" in got[-1].text


async def test_a_hundred_thousand_characters_are_answered(assistant: Callable[..., Assistant]) -> None:
    got = await events(assistant(), "养老床位有多少张？" * 12_000)
    assert got[-1].type == "answer"


async def test_a_broken_model_does_not_cost_the_answer(assistant: Callable[..., Assistant]) -> None:
    for lie in Lie:
        talker = assistant(LyingLanguageModel(lie, writes=False), engine="llm")
        got = await events(talker, "养老床位到2025年有多少张？")
        assert got[-1].answer is not None, lie
        assert got[-1].answer.citations, lie


async def test_sample_data_answers_only_who_asks_for_it(assistant: Callable[..., Assistant]) -> None:
    plain = await events(assistant(), "社区食堂几点开门？")
    sample = await events(assistant(), "示例社区食堂几点开门？")
    assert plain[-1].answer is not None
    assert plain[-1].answer.refused
    assert not any(c.sample for c in plain[-1].answer.citations)
    assert sample[-1].answer is not None
    assert "示例" in sample[-1].answer.text


async def test_two_sessions_do_not_mix(assistant: Callable[..., Assistant]) -> None:
    talker = assistant()
    await events(talker, "养老床位有多少张？", "one")
    await events(talker, "体育公园要建几个？", "two")
    got = await events(talker, "哪个部门负责？", "one")
    assert got[-1].answer is not None
    assert {c.article for c in got[-1].answer.citations} == {14}


async def test_a_question_about_nothing_is_asked_back(assistant: Callable[..., Assistant]) -> None:
    talker = assistant()
    for bare in ("多少钱？", "哪个部门负责？", "那个怎么申请？"):
        reply = (await events(talker, bare, bare))[-1].answer
        assert reply is not None
        assert (reply.refused, reply.reason) == (True, "no_topic"), reply.text
    await events(talker, "养老床位有多少张？", "s")
    reply = (await events(talker, "哪个部门负责？", "s"))[-1].answer
    assert reply is not None
    assert "市民政局" in reply.text


async def test_two_near_articles_are_offered_and_one_can_be_picked(assistant: Callable[..., Assistant]) -> None:
    talker = assistant()
    asked = [json.loads(line)["q"] for line in UNANSWERABLE.read_text(encoding="utf-8").splitlines()]
    offered = None
    for text in asked:
        reply = (await events(talker, text, text))[-1].answer
        if reply is not None and reply.reason == "unclear":
            offered = text, reply
            break
    assert offered is not None, "no question fell into the grey zone"
    text, reply = offered
    assert len(reply.suggestions) == 2
    assert all(option.rstrip("？?") in reply.text for option in reply.suggestions)
    picked = (await events(talker, "第二个", text))[-1].answer
    direct = (await events(talker, reply.suggestions[1], "other"))[-1].answer
    assert picked is not None
    assert direct is not None
    assert picked.text == direct.text
    assert not picked.refused


async def test_what_is_suggested_is_answered(assistant: Callable[..., Assistant]) -> None:
    talker = assistant()
    first = "养老床位有多少张？"
    reply = (await events(talker, first))[-1].answer
    assert reply is not None
    assert 1 <= len(reply.suggestions) <= 3
    assert first not in reply.suggestions
    for question in reply.suggestions:
        answer = (await events(talker, question, question))[-1].answer
        assert answer is not None
        assert not answer.refused, question
        assert answer.text != reply.text
    english = (await events(talker, "How many beds for the elderly are planned?", "e"))[-1].answer
    assert english is not None
    assert all(question.isascii() for question in english.suggestions)


async def test_a_broken_index_is_said_kindly(knowledge: Knowledge) -> None:
    class Broken:
        def search(self, question: object, day: object) -> Evidence:
            raise RetrieveError("The index is gone.", "Publish again.")

    talker = Assistant(lambda: replace(knowledge, retriever=Broken()))
    last = (await events(talker, "老房子能加装电梯吗？"))[-1]
    assert last.type == "error"
    assert "12345" in last.text
    assert "index" not in last.text
