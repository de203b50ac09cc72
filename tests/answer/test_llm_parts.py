"""What the local model is built on: the slot's lock, the prefix store, the process. Needs no model."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path

import pytest

from assistant.answer.llama import LlamaServer
from assistant.answer.llm import LocalLanguageModel, _agreement, _none
from assistant.answer.prefix_store import PrefixStore, key_of
from assistant.answer.priority import BACKGROUND, QUESTION, PriorityLock
from assistant.errors import AnswerError, WeightsError
from assistant.settings import ROOT

# --- the lock ------------------------------------------------------------------------


async def test_questions_pass_background_work() -> None:
    lock, order = PriorityLock(), []

    async def work(name: str, rank: int) -> None:
        async with lock.hold(rank):
            order.append(name)

    async with lock.hold(BACKGROUND):
        assert not lock.wanted
        tasks = [asyncio.create_task(work("background", BACKGROUND))]
        await asyncio.sleep(0)
        assert not lock.wanted
        tasks += [asyncio.create_task(work(name, QUESTION)) for name in ("first", "second")]
        await asyncio.sleep(0)
        assert lock.wanted
    await asyncio.gather(*tasks)
    assert order == ["first", "second", "background"]


async def test_a_cancelled_waiter_blocks_nobody() -> None:
    lock = PriorityLock()
    async with lock.hold():
        waiter = asyncio.create_task(lock._acquire(QUESTION))
        await asyncio.sleep(0)
        waiter.cancel()
        await asyncio.gather(waiter, return_exceptions=True)
        assert not lock.wanted
    async with asyncio.timeout(1), lock.hold():
        pass


async def test_a_waiter_cancelled_just_as_its_turn_comes_passes_it_on() -> None:
    lock = PriorityLock()
    await lock._acquire(QUESTION)
    waiter = asyncio.create_task(lock._acquire(QUESTION))
    await asyncio.sleep(0)
    lock._release()  # grants it to the waiter, which has not run yet
    waiter.cancel()
    await asyncio.gather(waiter, return_exceptions=True)
    async with asyncio.timeout(1), lock.hold():
        pass


async def test_an_error_inside_lets_go() -> None:
    lock = PriorityLock()
    with pytest.raises(ValueError, match="x"):
        async with lock.hold():
            raise ValueError("x")
    async with asyncio.timeout(1), lock.hold():
        pass


def test_only_one_holds_it_across_threads_and_loops() -> None:
    lock, inside, most = PriorityLock(), 0, 0

    async def work() -> None:
        nonlocal inside, most
        for _ in range(20):
            async with lock.hold():
                inside += 1
                most = max(most, inside)
                await asyncio.sleep(0.0005)
                inside -= 1

    threads = [threading.Thread(target=lambda: asyncio.run(work())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not any(thread.is_alive() for thread in threads)
    assert (most, inside) == (1, 0)


# --- the store -----------------------------------------------------------------------


def _saved(store: PrefixStore, key: str, content: bytes = b"state" * 1000) -> str:
    reserved = store.reserve()
    (store.folder / reserved).write_bytes(content)
    return store.keep(key, reserved)


def test_a_kept_file_is_found_again(tmp_path: Path) -> None:
    store = PrefixStore(tmp_path / "new")
    name = _saved(store, key_of("a"))
    assert store.find(key_of("a")) == PrefixStore(tmp_path / "new").find(key_of("a")) == name
    assert store.find(key_of("b")) is None
    assert store.size() == 5000


def test_keys_tell_every_part_apart() -> None:
    assert len({key_of("ab", "c"), key_of("a", "bc"), key_of("a", "b", "c"), key_of("abc")}) == 4


@pytest.mark.parametrize("harm", ["cut", "flipped", "empty"])
def test_a_broken_file_is_removed_not_handed_out(tmp_path: Path, harm: str) -> None:
    store = PrefixStore(tmp_path)
    path = tmp_path / _saved(store, key_of("a"))
    whole = path.read_bytes()
    assert store.find(key_of("a"))  # remembered as sound until it changes
    path.write_bytes({"cut": whole[:-7], "flipped": whole[:9] + b"X" + whole[10:], "empty": b""}[harm])
    assert store.find(key_of("a")) is None
    assert not path.exists()


def test_pruning_keeps_what_is_named_and_what_is_being_written(tmp_path: Path) -> None:
    store = PrefixStore(tmp_path)
    kept, _ = _saved(store, key_of("a")), _saved(store, key_of("b"))
    running = store.reserve()
    (tmp_path / running).write_bytes(b"x")
    assert store.prune([key_of("a")]) == 1
    assert {path.name for path in tmp_path.iterdir()} == {kept, running}


# --- the process ---------------------------------------------------------------------


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"none\.gguf"):
        LocalLanguageModel(tmp_path / "none.gguf", tmp_path / "prefixes", ROOT / "prompts")


async def test_a_broken_model_file_is_tried_twice_and_harms_nobody(tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF" + bytes(range(256)) * 64)
    server = LlamaServer(broken, tmp_path / "prefixes", threads=1)
    await asyncio.to_thread(server._keeper.join, 60)
    assert not server._keeper.is_alive()
    assert server.starts == 2
    assert not server.up
    with pytest.raises(AnswerError, match="isn't loaded"):
        await server.tokens("x")
    server.close()


async def test_asking_before_it_is_loaded_fails_at_once(tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"no model")
    model = LocalLanguageModel(broken, tmp_path / "prefixes", ROOT / "prompts")
    assert await model.ready() is False
    from .conftest import LIFTS

    with pytest.raises(AnswerError):
        await model.select("能装电梯吗？", *LIFTS, timeout=5)
    with pytest.raises(AnswerError):
        await model.prepare([LIFTS], lambda done, all_: None)
    began = time.monotonic()
    await model.close()
    assert time.monotonic() - began < 5


# --- small parts ---------------------------------------------------------------------


def test_share_of_none_counts_allowed_numbers_only() -> None:
    import math

    def top(**shares: float) -> list[dict[str, object]]:
        entries = [{"token": t.lstrip("t"), "logprob": math.log(p)} for t, p in shares.items()]
        return [{"top_logprobs": entries}]

    assert _none(top(t0=0.1, t1=0.3, t9=0.6), 2) == pytest.approx(0.25)
    assert _none(top(t1=0.3), 2) == 0.0
    assert _none([], 2) == 0.0


def test_agreement_of_tokens() -> None:
    assert _agreement([1, 2, 3], [1, 2, 4]) == 2
    assert _agreement([1, 2], [1, 2, 3]) == 2
    assert _agreement([5], []) == 0
