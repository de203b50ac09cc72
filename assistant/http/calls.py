"""The resident's side of a call to a person: what is offered, calling, hanging up, and what comes of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from assistant.contracts import Contacts, Language
from assistant.dialogue.people import People, number_of
from assistant.errors import HandoffError
from assistant.handoff.calls import Call, Summary
from assistant.handoff.desk import CallEvent, ErasedEvent, Event, ReplyEvent
from assistant.handoff.words import ring, say
from assistant.http.cards import card_of, telephone
from assistant.http.limits import RateLimit
from assistant.http.problems import Problem
from assistant.http.shapes import Session, answer_shape

CALLS_A_MINUTE = 6  # of one client address
LOOKS_A_MINUTE = 240
STREAMS = 500  # of events, open at once
BEAT = 15.0  # seconds between two signs of life on a quiet stream
TOO_OFTEN = ("您叫得太频繁了。", "请过一分钟再试。")
FULL = ("现在用的人太多了。", "请过一会儿再试。")


class NewCall(BaseModel):
    """A resident calls. ``share`` is their agreement to show the summary that ``summary_id`` names."""

    model_config = ConfigDict(extra="forbid")

    share: bool = False
    summary_id: str = Field("", max_length=64)
    language: Language = Language.CHINESE


def add_calls(app: FastAPI, people: People) -> None:
    """Serve ``/api/sessions/{session}/call`` and its events."""
    calling, looking = RateLimit(CALLS_A_MINUTE), RateLimit(LOOKS_A_MINUTE)
    streams: set[asyncio.Queue[Event]] = set()
    desk = people.desk

    def allow(limit: RateLimit, request: Request) -> None:
        if not limit.allow(request.client.host if request.client else "unknown"):
            raise Problem(429, *TOO_OFTEN)

    def shape(call: Call) -> dict[str, Any]:
        return desk.view(call).model_dump(mode="json")

    @app.get("/api/sessions/{session}/call")
    async def offer(session: Session, request: Request, language: Language = Language.CHINESE) -> dict[str, Any]:
        """Whom the resident may turn to, what staff would see, and the call when there is one."""
        allow(looking, request)
        desk.seen(session)
        contacts = await people.contacts(session)
        call = desk.call_of(session)
        number = number_of(contacts)
        here = say("manned" if desk.manned else "unmanned", language)
        gap = " " if language is Language.ENGLISH else ""
        return {
            "offer": contacts_shape(contacts),
            "manned": desk.manned,
            "wait_seconds": desk.wait,
            "summary": _summary_shape(people.summary(session), language),
            "call": shape(call) if call else None,
            "message": gap.join(filter(None, (here, ring(language, number)))),
        }

    @app.post("/api/sessions/{session}/call", status_code=201)
    async def call(session: Session, wanted: NewCall, request: Request, response: Response) -> dict[str, Any]:
        """Call staff; a call that is open already is answered with 200."""
        allow(calling, request)
        before = desk.call_of(session)
        if wanted.share and not wanted.summary_id:
            raise Problem(422, "还没有给居民看要转告的内容。", "summary_id is needed with share: get it from GET.")
        try:
            made = await people.call(session, wanted.language, wanted.summary_id if wanted.share else "")
        except HandoffError as error:
            raise Problem(409, error.message, error.hint) from error
        if made is before:
            response.status_code = 200
        return shape(made)

    @app.delete("/api/sessions/{session}/call", status_code=204)
    async def hang_up(session: Session) -> None:
        """The resident hangs up."""
        desk.withdraw(session)

    @app.get("/api/sessions/{session}/call/events")
    async def events(session: Session) -> StreamingResponse:
        """Every change of the call and every answer of staff, as ``text/event-stream``."""
        if len(streams) >= STREAMS:
            raise Problem(429, *FULL)

        async def messages() -> AsyncIterator[str]:
            queue: asyncio.Queue[Event] = asyncio.Queue()
            streams.add(queue)
            leave = desk.watch(session, queue.put_nowait)
            try:
                found = desk.call_of(session)
                yield _message("call", shape(found) if found else {"state": "none"})
                while True:
                    try:
                        event = await asyncio.wait_for(queue.get(), BEAT)
                    except TimeoutError:
                        yield ": ping\n\n"
                        continue
                    if isinstance(event, ErasedEvent):
                        yield _message("erased", {})
                        return
                    if isinstance(event, CallEvent):
                        yield _message("call", event.view.model_dump(mode="json"))
                    elif isinstance(event, ReplyEvent):
                        yield _message("reply", answer_shape(event.answer, event.turn_id, session))
            finally:
                streams.discard(queue)
                leave()

        return StreamingResponse(
            messages(), media_type="text/event-stream", headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        )


def contacts_shape(contacts: Contacts) -> dict[str, Any]:
    """Counter, hotline and department as JSON."""
    shape: dict[str, Any] = {"hotline": None, "counter": None, "department": contacts.department}
    if contacts.hotline:
        card, number = card_of(contacts.hotline), number_of(contacts)
        shape["hotline"] = {"name": card.name, "number": number, "tel": telephone(number), "hours": card.hours}
    if contacts.counter:
        card = card_of(contacts.counter)
        tel = "" if card.sample else telephone(card.phone)
        names = ("name", "phone", "where", "hours", "documents", "sample")
        shape["counter"] = {**card.model_dump(mode="json", include=set(names)), "tel": tel}
    return shape


def _summary_shape(summary: Summary | None, language: Language) -> dict[str, Any] | None:
    return {**summary.model_dump(mode="json"), "consent": say("consent", language)} if summary else None


def _message(name: str, shape: dict[str, Any]) -> str:
    return f"event: {name}\ndata: {json.dumps({'type': name, **shape}, ensure_ascii=False)}\n\n"
