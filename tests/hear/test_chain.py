"""When an engine fails or hangs, the next one answers; when all do, it is said."""

from __future__ import annotations

import threading
import time

import pytest

from assistant.errors import HearError
from assistant.hear.chain import RecogniserChain
from assistant.hear.fake import FakeRecogniser
from tests.hear.sounds import tone

SOUND = tone(1.0)


def test_first_answers() -> None:
    first, second = FakeRecogniser(["一"]), FakeRecogniser(["二"])
    assert RecogniserChain([first, second]).transcribe(SOUND, "词", tentative=True).text == "一"
    assert first.calls == [(16_000, "词", True)]
    assert second.calls == []


def test_broken_is_skipped_and_tried_again() -> None:
    first, second = FakeRecogniser(["一"], broken=True), FakeRecogniser(["二"])
    chain = RecogniserChain([first, second])
    assert chain.transcribe(SOUND).text == "二"
    first.broken = False
    assert chain.transcribe(SOUND).text == "一"


def test_any_exception_is_skipped() -> None:
    def fail(_: object) -> str:
        raise MemoryError

    assert RecogniserChain([FakeRecogniser(fail), FakeRecogniser(["二"])]).transcribe(SOUND).text == "二"


def test_hung_is_set_aside_and_comes_back() -> None:
    now = [0.0]
    hang = threading.Event()
    first, second = FakeRecogniser(["一"], hang=hang), FakeRecogniser(["二"])
    chain = RecogniserChain([first, second], timeout=0.1, rest=30, clock=lambda: now[0])
    begun = time.monotonic()
    assert chain.transcribe(SOUND).text == "二"
    assert time.monotonic() - begun < 1
    now[0] = 100.0  # rested, but the call still hangs
    assert chain.transcribe(SOUND).text == "二"
    assert len(first.calls) == 1
    hang.set()
    for _ in range(100):
        if chain.transcribe(SOUND).text == "一":
            break
        time.sleep(0.01)
    else:
        pytest.fail("the engine never came back")
    now[0] = 0.0


def test_set_aside_rests_even_when_it_returns() -> None:
    now = [0.0]
    first, second = FakeRecogniser(["一"], delay=0.2), FakeRecogniser(["二"])
    chain = RecogniserChain([first, second], timeout=0.05, rest=30, clock=lambda: now[0])
    assert chain.transcribe(SOUND).text == "二"
    time.sleep(0.3)
    assert chain.transcribe(SOUND).text == "二"
    assert len(first.calls) == 1


def test_all_gone_is_an_error_that_names_them() -> None:
    chain = RecogniserChain([FakeRecogniser(name="a", broken=True), FakeRecogniser(name="b", delay=1)], timeout=0.05)
    with pytest.raises(HearError) as raised:
        chain.transcribe(SOUND)
    assert "a: " in raised.value.message
    assert "b took longer" in raised.value.message
    assert raised.value.hint


def test_an_empty_chain_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        RecogniserChain([])


async def test_soon_does_not_hold_the_loop() -> None:
    import asyncio

    chain = RecogniserChain([FakeRecogniser(["一"], delay=0.2)])
    task = asyncio.create_task(chain.transcribe_soon(SOUND))
    turns = 0
    while not task.done():
        turns += 1
        await asyncio.sleep(0.01)
    assert turns > 5
    assert task.result().text == "一"


def test_calls_from_many_threads_all_return() -> None:
    chain = RecogniserChain([FakeRecogniser(lambda sound: str(len(sound)), delay=0.005)], timeout=5)
    found: dict[int, str] = {}

    def ask(size: int) -> None:
        found[size] = chain.transcribe(SOUND[:size]).text

    threads = [threading.Thread(target=ask, args=(size,)) for size in range(100, 120)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert found == {size: str(size) for size in range(100, 120)}
