"""Log lines: whatever breaks, no word that it broke on is written down."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from assistant.errors import SpeakError
from assistant.logs import TALKATIVE, configure_logging, told

WORD = "欧阳翠花"


@pytest.fixture
def restored() -> Iterator[None]:
    """Logging afterwards as it was before."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], level = before
    root.setLevel(level)
    structlog.reset_defaults()


def broken() -> None:
    try:
        int(WORD)
    except ValueError as error:
        raise KeyError(f"no {WORD}") from error


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


@pytest.mark.usefixtures("restored")
def test_errors_are_told_by_kind_and_place(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("debug")
    try:
        broken()
    except KeyError as error:
        structlog.get_logger("http").error("failed", exc_info=error)
        structlog.get_logger("http").exception("failed")
        logging.getLogger("assistant.turn").exception("a turn failed")
    found = lines(capsys)
    assert len(found) == 3
    for line in found:
        assert WORD not in str(line)
        assert str(line["error"]).startswith("['KeyError at test_logs.py:")
        assert "ValueError at test_logs.py:broken" in str(line["error"])
        assert line["level"] == "error"


def test_messages_of_our_own_errors_are_told() -> None:
    assert told(SpeakError("The voice broke.", "Try again.")) == ["SpeakError: The voice broke. at no place"]


@pytest.mark.usefixtures("restored")
def test_a_task_that_nobody_waits_for(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("debug")

    async def fail() -> None:
        async def inner(words: str) -> None:
            raise ValueError(words)

        task = asyncio.create_task(inner(WORD))
        await asyncio.wait([task])
        del task
        asyncio.get_running_loop().call_soon(lambda words: 1 / 0, WORD)
        await asyncio.sleep(0.01)

    asyncio.run(fail())
    found = lines(capsys)
    assert len(found) == 2
    assert found[0]["event"] == "Task exception was never retrieved"
    assert str(found[1]["event"]).startswith("Exception in callback")
    assert WORD not in str(found)


@pytest.mark.usefixtures("restored")
def test_libraries_that_write_their_lines_down_are_kept_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("debug")
    for name in (*TALKATIVE, "websockets.server", "uvicorn.error", "httpcore.http11", "openai._base_client"):
        logging.getLogger(name).debug("< TEXT %s", WORD)
        logging.getLogger(name).info("POST %s", WORD)
    logging.getLogger("some.other").info("%s", WORD)
    assert capsys.readouterr().err == ""
