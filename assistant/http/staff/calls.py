"""The console for calls of residents: who calls, taking a call, answering, taking over, handing back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from assistant.dialogue.people import People
from assistant.errors import HandoffError
from assistant.handoff.calls import StaffView
from assistant.handoff.desk import REPLY
from assistant.http.limits import RateLimit
from assistant.http.problems import Problem
from assistant.http.staff.frame import Frame, Page
from assistant.http.staff.guards import require
from assistant.staff.values import Permission, Person

BEAT = 10.0  # seconds between two signs of life, each of which looks whether the person is still logged in
REPLIES_A_MINUTE = 40  # of one account
TOO_FAST = ("发得太快了。", "请过一会儿再发。")
ACTIONS = {
    "calls.take": "接听居民来电",
    "calls.take_over": "接过来和居民说话",
    "calls.hand_back": "交还给小沪",
    "calls.close": "结束居民来电",
}

Answering = Annotated[Person, Depends(require(Permission.CALLS_ANSWER))]


class Reply(BaseModel):
    """What a staff member answers; 小沪 says it."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(max_length=4 * REPLY)


class Over(BaseModel):
    """Whether everything that the resident says goes to the staff member."""

    model_config = ConfigDict(extra="forbid")

    on: bool


def add_console(frame: Frame, people: People) -> None:
    """Put ``/staff/calls`` into the frame."""
    desk, limit = people.desk, RateLimit(REPLIES_A_MINUTE)
    frame.add(Page("/staff/calls", "居民来电", Permission.CALLS_ANSWER, "接听要找人工的居民。"))
    frame.actions |= ACTIONS
    for name in ("calls.js", "calls.css"):
        frame.static(name)

    async def note(person: Person, action: str, id_: str, **facts: Any) -> None:
        """Who did what, and how much; never a word of anybody."""
        await run_in_threadpool(frame.staff.audit.write, person.who, action, f"call:{id_}", None, facts or None)

    @frame.router.get("/staff/calls")
    def console(request: Request, person: Answering) -> HTMLResponse:
        return frame.page(request, "calls.html", title="居民来电", scripts=["calls.js"], longest=REPLY)

    @frame.router.get("/staff/calls/events")
    async def events(request: Request, person: Answering) -> StreamingResponse:
        async def messages() -> AsyncIterator[str]:
            changed = asyncio.Event()
            leave = desk.attend(person.id, changed.set)
            try:
                while await frame.alive(request, Permission.CALLS_ANSWER, touch=True):
                    changed.clear()
                    calls = [view.model_dump(mode="json") for view in desk.calls(person.id)]
                    yield f"event: calls\ndata: {json.dumps({'calls': calls}, ensure_ascii=False)}\n\n"
                    try:
                        await asyncio.wait_for(changed.wait(), BEAT)
                    except TimeoutError:
                        continue
                yield "event: ended\ndata: {}\n\n"
            finally:
                leave()

        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(messages(), media_type="text/event-stream", headers=headers)

    @frame.router.post("/staff/calls/{call}/take")
    async def take(call: str, person: Answering) -> dict[str, Any]:
        view: StaffView = _tried(lambda: desk.take(call, person.id, person.display))
        await note(person, "calls.take", call)
        return view.model_dump(mode="json")

    @frame.router.post("/staff/calls/{call}/reply", status_code=204)
    async def reply(call: str, given: Reply, person: Answering) -> None:
        if not limit.allow(str(person.id)):
            raise Problem(429, *TOO_FAST)
        _tried(lambda: people.reply(call, person.id, given.text))

    @frame.router.post("/staff/calls/{call}/over")
    async def over(call: str, given: Over, person: Answering) -> dict[str, Any]:
        view: StaffView = _tried(lambda: desk.take_over(call, person.id, given.on))
        await note(person, "calls.take_over" if given.on else "calls.hand_back", call)
        return view.model_dump(mode="json")

    @frame.router.post("/staff/calls/{call}/close", status_code=204)
    async def close(call: str, person: Answering) -> None:
        found = _tried(lambda: desk.mine(call, person.id))
        replies = sum(message.speaker == "staff" for message in found.messages)
        _tried(lambda: desk.close(call, person.id))
        await note(person, "calls.close", call, replies=replies)


def _tried(action: Any) -> Any:
    """What ``action`` gives; a refusal of the desk as 409."""
    try:
        return action()
    except HandoffError as error:
        raise Problem(409, error.message, error.hint) from error
