"""The whole service over a small corpus, with made-up hearing and speaking, people who call and staff who answer."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from argon2 import PasswordHasher
from argon2.profiles import CHEAPEST
from fastapi import FastAPI

from assistant.dialogue.people import People
from assistant.dialogue.session import Engines, VoiceSession
from assistant.handoff.desk import Desk
from assistant.hear.fake import FakeRecogniser, FakeVoiceActivity
from assistant.http.app import build_app
from assistant.http.calls import add_calls
from assistant.http.staff.calls import add_console
from assistant.http.staff.site import add_staff
from assistant.http.takeaway import add_takeaway
from assistant.http.voice import add_voice
from assistant.settings import Settings
from assistant.speak.fake import FakeVoice
from assistant.staff.desk import Staff, open_staff
from assistant.staff.values import Role
from assistant.takeaway import Shelf
from assistant.turn import Assistant, Knowledge
from tests.serving import serving
from tests.small_world import DAY

PASSWORD = "seven quiet herons wade"


@dataclass
class World:
    """What a test looks into."""

    app: FastAPI
    assistant: Assistant
    people: People
    staff: Staff
    shelf: Shelf
    outcomes: list[str]
    address: str = ""

    @property
    def desk(self) -> Desk:
        return self.people.desk


@contextmanager
def world(knowledge: Knowledge, folder: Path, texts: Any = ("你好",), **times: float) -> Iterator[World]:
    """The service, really served."""
    config = Settings(_env_file=None, data_folder=folder, asks_per_minute=10_000)
    outcomes: list[str] = []
    assistant = Assistant(lambda: knowledge, engine="extractive", today=lambda: DAY)
    people = People(assistant, Desk(**times, counted=outcomes.append))  # type: ignore[arg-type]
    app = build_app(people, lambda: {"ready": True}, config)
    app.state.ticks += [assistant.expire, people.desk.tick]
    shelf = add_takeaway(app, people, config)
    add_calls(app, people)
    engines = Engines(FakeRecogniser(texts), FakeVoiceActivity, voice=FakeVoice())
    add_voice(
        app,
        lambda session, language: VoiceSession(people, engines, session, language, expects=people.expects),
        people.erase,
        lambda address: True,
        people=people,
    )
    staff = open_staff(config, PasswordHasher.from_parameters(CHEAPEST))
    add_console(add_staff(app, staff, config), people)
    with serving(app) as address:
        yield World(app, assistant, people, staff, shelf, outcomes, f"http://{address}")


class Stream:
    """Server-sent events as they come."""

    def __init__(self, response: httpx.Response) -> None:
        self._lines = response.aiter_lines()

    async def next(self, name: str = "") -> Any:
        """The data of the next event (of this name)."""
        kind = ""
        async for line in self._lines:
            if line.startswith("event: "):
                kind = line.removeprefix("event: ")
            elif line.startswith("data: ") and name in ("", kind):
                return json.loads(line.removeprefix("data: "))
        raise AssertionError("the stream ended")


class Member:
    """A staff member with a browser."""

    def __init__(self, client: httpx.AsyncClient, token: str) -> None:
        self.client, self._headers = client, {"X-CSRF-Token": token}

    async def post(self, path: str, body: Any = None, **headers: str) -> httpx.Response:
        return await self.client.post(path, json=body or {}, headers={**self._headers, **headers})

    @asynccontextmanager
    async def console(self) -> AsyncIterator[Stream]:
        """The console's page, open; the first event has come when this begins."""
        async with self.client.stream("GET", "/staff/calls/events") as response:
            assert response.status_code == 200
            stream = Stream(response)
            await stream.next("calls")
            yield stream


@asynccontextmanager
async def member(world: World, name: str, role: str = "editor") -> AsyncIterator[Member]:
    """Somebody who is logged in."""
    if all(account.name != name for account in world.staff.accounts.all()):
        account = world.staff.accounts.add("test", name, name, [Role(role)])
        world.staff.login.set_password("test", account.id, PASSWORD)
    async with httpx.AsyncClient(base_url=world.address, timeout=20, trust_env=False) as client:
        page = await client.get("/staff/login", headers={"Accept": "text/html"})
        form = {"csrf_token": _token(page.text, "csrf_token"), "name": name, "password": PASSWORD}
        entered = await client.post("/staff/login", data=form, headers={"Accept": "text/html"})
        assert entered.status_code == 303, entered.text
        home = await client.get("/staff/account", headers={"Accept": "text/html"})
        yield Member(client, _token(home.text, "csrf-token"))


def _token(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" (?:value|content)="(\w+)"', page)
    assert found, page[:500]
    return found[1]
