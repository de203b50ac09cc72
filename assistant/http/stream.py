"""One turn over HTTP: collected into one JSON answer, or sent on as server-sent events."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

import structlog
from fastapi.responses import StreamingResponse

from assistant.contracts import Conversation, TurnEvent
from assistant.http.admission import Admission
from assistant.http.problems import UNEXPECTED, Problem
from assistant.http.shapes import Ask, answer_shape, event_shape

CANCELLED = ("这次提问已经停止了。", "可以再问一次。")


async def collect(conversation: Conversation, ask: Ask, session: str, admission: Admission) -> dict[str, Any]:
    """The finished answer of one turn. Raises ``Problem`` 422 (input), 409 (cancelled) or 503, ``OverloadError``."""
    async with aclosing(admitted(turn(conversation, ask, session), admission)) as events:
        async for event in events:
            if event.type == "answer" and event.answer is not None:
                return answer_shape(event.answer, event.turn_id, session)
            if event.type == "error":
                raise Problem(503 if event.reason == "away" else 422, event.text)
            if event.type == "cancelled":
                raise Problem(409, *CANCELLED)
    raise RuntimeError("A turn ended without an answer, an error, or a cancellation.")


async def stream(conversation: Conversation, ask: Ask, session: str, admission: Admission) -> StreamingResponse:
    """The events of one turn as ``text/event-stream``; a closed connection ends the turn.

    Raises ``OverloadError`` before anything is sent.
    """
    events = admitted(turn(conversation, ask, session), admission)
    try:
        first = await anext(events)
    except BaseException:
        await events.aclose()
        raise
    return StreamingResponse(
        _messages(first, events, session),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _messages(first: TurnEvent, rest: AsyncGenerator[TurnEvent, None], session: str) -> AsyncIterator[str]:
    turn_id = first.turn_id
    try:
        async with aclosing(rest) as events:
            yield _message(first.type, event_shape(first, session))
            async for event in events:
                turn_id = event.turn_id
                yield _message(event.type, event_shape(event, session))
    except Exception as error:
        structlog.get_logger("http").error("failed", kind=type(error).__name__, exc_info=error)
        message = dict(zip(("message", "hint"), UNEXPECTED, strict=True))
        yield _message("error", {"type": "error", "turn_id": turn_id, "session": session, "error": message})


def _message(name: str, shape: dict[str, Any]) -> str:
    return f"event: {name}\ndata: {json.dumps(shape, ensure_ascii=False)}\n\n"


async def turn(conversation: Conversation, ask: Ask, session: str) -> AsyncGenerator[TurnEvent, None]:
    """The events of one turn; closing this closes the conversation's own iterator at once."""
    events = conversation.ask(ask.text, session, ask.language)
    try:
        async for event in events:
            yield event
    finally:
        close = getattr(events, "aclose", None)
        if close is not None:
            await close()


async def admitted(events: AsyncGenerator[TurnEvent, None], admission: Admission) -> AsyncGenerator[TurnEvent, None]:
    """A turn's events once there is a place for it; the place is held while it works, not while a slow client reads.

    Raises ``OverloadError`` when there is none.
    """
    async with aclosing(events):
        async with admission:
            async for event in events:
                yield event
                if event.type != "started":
                    break
        async for event in events:
            yield event
