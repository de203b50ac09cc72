"""ServerLanguageModel against a server that answers, lies, breaks and hangs."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator

import pytest

from assistant.answer.llm_server import ServerLanguageModel
from assistant.contracts import Language
from assistant.errors import AnswerError, SettingsError
from assistant.settings import ROOT

from .conftest import LIFTS
from .openai_server import OpenAIServer

QUESTION = "老房子能装电梯吗，我住在和平里？"


@pytest.fixture(scope="module")
def running() -> Iterator[OpenAIServer]:
    server = OpenAIServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def server(running: OpenAIServer) -> OpenAIServer:
    running.requests.clear()
    running.keys.clear()
    running.other_paths.clear()
    running.left.clear()
    return running


def _model(server: OpenAIServer, how: str) -> ServerLanguageModel:
    model = ServerLanguageModel(server.base_url, how, "sk-test", True, ROOT / "prompts")
    model._imports.join(30)
    return model


async def _text(model: ServerLanguageModel, seconds: float = 5.0, language: Language = Language.CHINESE) -> str:
    pieces = model.write(QUESTION, LIFTS[1], language, seconds)
    return "".join([piece async for piece in pieces])


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ("2", 2),
        ("0", 0),
        (" 3。", 3),
        ("编号：4", 4),
        ("２", 2),
        ("<think>1还是3？</think>\n2", 2),
        ("【1】推进3项", 1),
    ],
)
async def test_the_first_number_counts(server: OpenAIServer, said: str, number: int) -> None:
    assert await _model(server, f"say:{said}").select(QUESTION, *LIFTS, timeout=5) == number


@pytest.mark.parametrize("said", ["5", "-1", "2025年", "1.5", "我不知道", "", "99999999999999999999", "<think>2"])
async def test_no_number_in_range_is_an_error(server: OpenAIServer, said: str) -> None:
    if said == "<think>2":
        said = "<think>12 句里"  # cut off in the middle of a thought
    with pytest.raises(AnswerError, match="named no sentence"):
        await _model(server, f"say:{said}").select(QUESTION, *LIFTS, timeout=5)


async def test_what_is_sent(server: OpenAIServer) -> None:
    await _model(server, "say:2").select(QUESTION, *LIFTS, timeout=5)
    body = server.requests[0]
    assert server.keys == ["Bearer sk-test"]
    assert (body["temperature"], body["max_tokens"]) == (0, 16)
    assert body["messages"][0]["role"] == "system"
    assert body["messages"][-1]["content"].endswith(f"问题：{QUESTION}")
    assert not {"grammar", "id_slot", "cache_prompt", "max_completion_tokens"} & set(body)


async def test_no_sentences_need_no_call(server: OpenAIServer) -> None:
    assert await _model(server, "say:2").select(QUESTION, LIFTS[0], [], timeout=5) == 0
    assert server.requests == []


@pytest.mark.parametrize("how", ["500", "429", "404", "html", "half", "nothing"])
async def test_failures_are_answer_errors_in_time_and_quote_nobody(server: OpenAIServer, how: str) -> None:
    model = _model(server, how)
    assert await model.ready()
    began = time.monotonic()
    with pytest.raises(AnswerError) as caught:
        await model.select(QUESTION, *LIFTS, timeout=5)
    assert "和平里" not in str(caught.value)
    assert not await model.ready()
    with pytest.raises(AnswerError):
        await _text(model)
    assert time.monotonic() - began < 3
    assert len(server.requests) == 2  # no silent retries


async def test_nobody_listens() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        model = ServerLanguageModel(url, "m", "k", True, ROOT / "prompts")
        with pytest.raises(AnswerError, match="ConnectionError"):
            await model.select(QUESTION, *LIFTS, timeout=10)
        with pytest.raises(AnswerError):
            await _text(model)


async def test_a_hanging_server_is_left_in_time(server: OpenAIServer) -> None:
    model = _model(server, "hang")
    began = time.monotonic()
    with pytest.raises(AnswerError, match=r"longer than 0\.3 s"):
        await model.select(QUESTION, *LIFTS, timeout=0.3)
    assert time.monotonic() - began < 1.5
    assert await asyncio.to_thread(server.left.wait, 5)


async def test_its_own_limit_holds_over_a_generous_caller(server: OpenAIServer) -> None:
    model = ServerLanguageModel(server.base_url, "hang", "k", True, ROOT / "prompts", timeout=0.3)
    model._imports.join(30)
    began = time.monotonic()
    with pytest.raises(AnswerError):
        await model.select(QUESTION, *LIFTS, timeout=60)
    assert time.monotonic() - began < 2


async def test_written_text_streams(server: OpenAIServer) -> None:
    assert await _text(_model(server, "say:可以加装。[2]")) == "可以加装。[2]"
    body = server.requests[0]
    assert body["stream"] is True
    assert "[2] 推进既有多层住宅加装电梯。" in body["messages"][-1]["content"]
    assert await _text(_model(server, "say:Yes. [2]"), language=Language.ENGLISH) == "Yes. [2]"
    assert "<evidence>" in server.requests[1]["messages"][-1]["content"]


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("say:", "said nothing|failed"),
        ("stream:cut", "failed"),
        ("stream:garbage", "failed"),
        ("stream:endless", "come to an end"),
        ("stream:hang", "longer than"),
    ],
)
async def test_streams_that_go_wrong(server: OpenAIServer, how: str, message: str) -> None:
    model = _model(server, how)
    began = time.monotonic()
    with pytest.raises(AnswerError, match=message):
        await _text(model, 1.0 if how == "stream:hang" else 10.0)
    assert time.monotonic() - began < 5
    assert not await model.ready()
    if how in ("stream:endless", "stream:hang"):
        assert await asyncio.to_thread(server.left.wait, 5)


async def test_a_cancelled_turn_closes_the_stream(server: OpenAIServer) -> None:
    model = _model(server, "stream:hang")
    first = asyncio.Event()

    async def listen() -> None:
        async for _ in model.write(QUESTION, LIFTS[1], Language.CHINESE, 30):
            first.set()

    task = asyncio.create_task(listen())
    await asyncio.wait_for(first.wait(), 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(server.left.wait, 5)
    assert await model.ready()  # that was the resident's doing, not the server's


async def test_leaving_the_iterator_closes_the_stream(server: OpenAIServer) -> None:
    pieces = _model(server, "stream:hang").write(QUESTION, LIFTS[1], Language.CHINESE, 30)
    assert await anext(pieces) == "开头"
    await pieces.aclose()  # type: ignore[attr-defined]
    assert await asyncio.to_thread(server.left.wait, 5)


async def test_nothing_is_traced(server: OpenAIServer, monkeypatch: pytest.MonkeyPatch) -> None:
    from langchain_core.tracers.langchain import wait_for_all_tracers
    from langsmith import utils

    for name, value in {"TRACING": "true", "ENDPOINT": server.origin, "API_KEY": "x"}.items():
        monkeypatch.setenv(f"LANGSMITH_{name}", value)
    utils.get_env_var.cache_clear()
    try:
        assert utils.tracing_is_enabled()
        assert await _model(server, "say:2").select(QUESTION, *LIFTS, timeout=5) == 2
        assert await _text(_model(server, "say:好。")) == "好。"
        wait_for_all_tracers()
        await asyncio.sleep(0.5)
        assert server.other_paths == []
    finally:
        monkeypatch.undo()
        utils.get_env_var.cache_clear()


async def test_ready_comes_back(server: OpenAIServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assistant.answer.llm_server.AWAY", 0.1)
    model = _model(server, "500")
    with pytest.raises(AnswerError):
        await model.select(QUESTION, *LIFTS, timeout=5)
    assert not await model.ready()
    await asyncio.sleep(0.15)
    assert await model.ready()


@pytest.mark.parametrize("url", ["", "localhost:8080", "file:///tmp/x"])
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(SettingsError, match="JIAMENKOU_LLM_BASE_URL"):
        ServerLanguageModel(url, "m", "k", False, ROOT / "prompts")


async def test_prepare_has_nothing_to_do(server: OpenAIServer) -> None:
    seen: list[tuple[int, int]] = []
    assert await _model(server, "say:1").prepare([LIFTS], lambda done, all_: seen.append((done, all_))) == 0
    assert seen == [(1, 1)]
    assert server.requests == []
