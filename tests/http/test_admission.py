"""Admission: order, bound and patience; and that overload changes nothing for those who are inside."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from assistant.contracts import Answer, Language, TurnEvent
from assistant.errors import OverloadError
from assistant.http.admission import Admission
from evaluation.load_bench import Client, Outcome, chats, percentile
from tests.http.conversation import ScriptedConversation
from tests.http.openai_service import openai_app
from tests.serving import serving
from tests.small_world import QUESTIONS, open_assistant, published, small_corpus


async def test_places_are_given_in_the_order_of_coming() -> None:
    gate, order = Admission(2, 10), []

    async def work(number: int) -> None:
        async with gate:
            order.append(number)
            await asyncio.sleep(0.01)

    await asyncio.gather(*(work(number) for number in range(12)))
    assert order == list(range(12))
    assert not gate.full
    async with gate, gate:  # both places are free again
        pass


async def test_who_finds_the_queue_full_is_turned_away_at_once() -> None:
    gate, release = Admission(1, 2), asyncio.Event()

    async def work() -> None:
        async with gate:
            await release.wait()

    inside = [asyncio.create_task(work()) for _ in range(3)]
    await asyncio.sleep(0)
    assert gate.full
    with pytest.raises(OverloadError) as caught:
        async with gate:
            pass
    assert 1 <= caught.value.retry_after <= 30
    release.set()
    await asyncio.gather(*inside)
    assert not gate.full


async def test_patience_ends_and_who_leaves_the_queue_blocks_nobody() -> None:
    gate, release = Admission(1, 5, patience=0.05), asyncio.Event()

    async def work() -> None:
        async with gate:
            await release.wait()

    inside = asyncio.create_task(work())
    await asyncio.sleep(0)
    with pytest.raises(OverloadError):
        async with gate:
            pass
    leaving = asyncio.create_task(work())
    await asyncio.sleep(0.01)
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    last = asyncio.create_task(work())
    await asyncio.sleep(0)
    release.set()
    await asyncio.wait_for(asyncio.gather(inside, last), 1)


async def test_work_that_was_let_in_goes_on_before_new_work() -> None:
    gate, order = Admission(1, 1), []

    async def long() -> None:
        async with gate:
            await asyncio.sleep(0.01)
        for part in range(2):
            async with gate.again():
                order.append(f"part {part}")
                await asyncio.sleep(0.01)

    async def new() -> None:
        async with gate:
            order.append("new")

    first = asyncio.create_task(long())
    await asyncio.sleep(0)
    second = asyncio.create_task(new())
    await asyncio.gather(first, second)
    assert order == ["new", "part 0", "part 1"]
    blocker = asyncio.create_task(long())
    await asyncio.sleep(0)
    waiting = asyncio.create_task(new())
    await asyncio.sleep(0)
    assert gate.full
    order.clear()
    async with gate.again():  # not turned away, and before who waited already
        order.append("again")
    await asyncio.gather(blocker, waiting)
    assert order == ["again", "part 0", "new", "part 1"]  # old and new by turns


class Steady:
    """Every turn takes 60 ms, without using the processor; so only the service's own handling can differ."""

    def __init__(self) -> None:
        self.running = self.most = 0

    async def ask(self, text: str, session: str, language: Language | None = None) -> AsyncIterator[TurnEvent]:
        yield TurnEvent(turn_id=1, type="started")
        self.running += 1
        self.most = max(self.most, self.running)
        await asyncio.sleep(0.06)
        self.running -= 1
        yield TurnEvent(turn_id=1, type="text", text="好的。")
        yield TurnEvent(turn_id=1, type="answer", answer=Answer(text="好的。"))

    def answered(self, session: str, turn_id: int) -> Answer | None:
        return None

    def erase(self, session: str) -> None:
        pass


def test_five_times_the_load_leaves_those_inside_their_pace() -> None:
    steady = Steady()
    app = openai_app(steady, turns_at_once=4, turns_waiting=16, asks_per_minute=10**9)  # type: ignore[arg-type]
    with serving(app) as address:
        host, _, port = address.partition(":")

        def p95(clients: int) -> tuple[float, Outcome]:
            outcome = asyncio.run(chats((host, int(port)), ["好？"], clients, 2.5, 0.0, settle=1.5))
            assert not outcome.errors
            return percentile(outcome.whole, 0.95), outcome

        before, _ = p95(20)
        during, outcome = p95(100)
        after, _ = p95(20)
    assert outcome.turned_away > 50
    assert len(outcome.whole) > 100
    assert steady.most == 4
    assert during < 1.2 * max(before, after), (before, during, after)


def test_an_overloaded_service_says_when_to_come_back() -> None:
    app = openai_app(ScriptedConversation(), turns_at_once=1, turns_waiting=0)

    async def hold() -> None:
        await app.state.turns.__aenter__()

    asyncio.run(hold())
    client = TestClient(app)
    told = client.post("/api/ask", json={"text": "好"})
    assert (told.status_code, told.json()["error"]["message"]) == (503, "现在问的人太多了。")
    assert "12345" in told.json()["error"]["hint"]
    body = {"model": "xiaohu", "messages": [{"role": "user", "content": "好"}]}
    asked = client.post("/v1/chat/completions", json=body)
    assert (asked.status_code, asked.json()["error"]["code"]) == (503, "overloaded")
    for response in (told, asked):
        assert 1 <= int(response.headers["retry-after"]) <= 30
    assert client.get("/health").status_code == client.get("/v1/models").status_code == 200


def test_two_hundred_chats_at_once_are_all_answered(tmp_path: Path) -> None:
    assistant = open_assistant(published(small_corpus(tmp_path / "corpus"), tmp_path / "data"))
    app = openai_app(assistant, asks_per_minute=10**9)
    with serving(app) as address:
        host, _, port = address.partition(":")
        outcome = Outcome()

        async def all_at_once() -> None:
            clients = [Client(host, int(port)) for _ in range(200)]
            asks = (each.ask(QUESTIONS[n % len(QUESTIONS)], outcome) for n, each in enumerate(clients))
            await asyncio.gather(*asks)
            for each in clients:
                each.close()

        asyncio.run(all_at_once())
    assert outcome.errors == []
    assert (len(outcome.whole), outcome.turned_away) == (200, 0)
