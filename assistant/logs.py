"""Logging that can't hold a resident's words: one JSON line each, and of errors only their kind and place."""

from __future__ import annotations

import json
import logging
import re
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any

import structlog

from assistant.errors import JiamenkouError

FRAMES = 12  # innermost places of an error that are told
# They write what goes over their lines when they are told to be talkative; they never are.
TALKATIVE = (
    "asyncio",
    "chromadb",
    "faster_whisper",
    "gradio",
    "httpcore",
    "httpx",
    "langchain",
    "langchain_openai",
    "multipart",
    "openai",
    "uvicorn",
    "websockets",
)


def configure_logging(level: str = "info") -> None:
    """Send lines to standard error from ``level`` (debug, info, warning, error) on, those of libraries included."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            _errors_by_place,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Line())
    logging.basicConfig(level=max(logging.WARNING, getattr(logging, level.upper())), handlers=[handler], force=True)
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)


def told(error: BaseException) -> list[str]:
    """The kinds of an error and of what caused it, each with its places; the message only when it is ours.

    Messages of other errors may repeat what they stumbled over, which may be a resident's words.
    """
    found: list[str] = []
    one: BaseException | None = error
    while one is not None and len(found) < 4:
        places = [f"{frame.name}:{frame.lineno}" for frame in traceback.extract_tb(one.__traceback__)[-FRAMES:]]
        files = [frame.filename.rpartition("/")[2] for frame in traceback.extract_tb(one.__traceback__)[-FRAMES:]]
        path = " > ".join(f"{file}:{place}" for file, place in zip(files, places, strict=True))
        message = f": {one.message}" if isinstance(one, JiamenkouError) else ""
        found.append(f"{type(one).__name__}{message} at {path or 'no place'}")
        one = one.__cause__ or one.__context__
    return found


def _errors_by_place(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    error = event.pop("exc_info", None)
    if isinstance(error, tuple):
        error = error[1]
    elif error is True:
        error = sys.exc_info()[1]
    if isinstance(error, BaseException):
        event["error"] = told(error)
    return event


class _Line(logging.Formatter):
    """A record of the standard library as such a line."""

    def format(self, record: logging.LogRecord) -> str:
        """See ``logging.Formatter``."""
        line: dict[str, Any] = {"event": record.getMessage(), "logger": record.name, "level": record.levelname.lower()}
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = told(record.exc_info[1])
        if record.name == "asyncio":  # it writes messages and arguments into its own
            line["event"] = re.split(r"[(\n<]", line["event"])[0]
        return json.dumps(line, ensure_ascii=False)
