"""Calls to a person over the real service: typed and spoken, one console and two, with everybody vanishing in turn."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from assistant.dialogue.pcm import to_pcm
from assistant.turn import Knowledge
from assistant.voice_contracts import FRAME
from tests.dialogue.echo import silence, tone
from tests.handoff.world import Stream, World, member, world

SECRET = "我姓欧阳住在桂花新村九号"
QUESTION = "老年助餐点达到多少个？"


class Resident:
    """A screen without voice."""

    def __init__(self, client: httpx.AsyncClient, session: str) -> None:
        self.client, self.session = client, session
        self.path = f"/api/sessions/{session}/call"

    async def ask(self, text: str) -> dict[str, Any]:
        reply = await self.client.post("/api/ask", json={"text": text, "session": self.session})
        assert reply.status_code == 200, reply.text
        found: dict[str, Any] = reply.json()
        return found

    async def offer(self, **query: str) -> dict[str, Any]:
        found: dict[str, Any] = (await self.client.get(self.path, params=query)).json()
        return found

    async def call(self, **body: Any) -> httpx.Response:
        return await self.client.post(self.path, json=body)

    @asynccontextmanager
    async def events(self) -> AsyncIterator[Stream]:
        async with self.client.stream("GET", f"{self.path}/events") as response:
            stream = Stream(response)
            await stream.next("call")
            yield stream


@asynccontextmanager
async def resident(world: World, session: str = "resident-1") -> AsyncIterator[Resident]:
    async with httpx.AsyncClient(base_url=world.address, timeout=20, trust_env=False) as client:
        yield Resident(client, session)


async def test_from_the_question_to_the_answer_of_a_person(small: Knowledge, tmp_path: Path) -> None:
    with world(small, tmp_path) as place:
        async with resident(place) as asker, member(place, "wang") as staff:
            await asker.ask(QUESTION)
            alone = await asker.offer()
            assert alone["manned"] is False
            assert "12345" in alone["message"]
            assert alone["offer"]["hotline"]["tel"] == "tel:12345"
            refused = await asker.call()
            assert refused.status_code == 409
            assert "12345" in refused.json()["error"]["hint"]

            async with staff.console() as console, asker.events() as screen:
                offer = await asker.offer()
                assert offer["manned"] is True
                assert offer["summary"]["lines"][0]["question"] == QUESTION
                assert "给工作人员看" in offer["summary"]["consent"]
                made = await asker.call(share=True, summary_id=offer["summary"]["id"])
                assert made.status_code == 201, made.text
                assert made.json()["shared"] is True
                assert (await asker.call()).status_code == 200, "one call a session"
                (waiting,) = (await console.next("calls"))["calls"]
                assert waiting["summary"] is None, "only who has taken it reads"
                assert (await screen.next("call"))["state"] == "waiting"

                taken = (await staff.post(f"/staff/calls/{waiting['id']}/take")).json()
                assert taken["summary"]["lines"][0]["question"] == QUESTION
                assert (await screen.next("call"))["state"] == "taken"

                sent = await staff.post(f"/staff/calls/{taken['id']}/reply", {"text": "您带上身份证，到三号窗口来。"})
                assert sent.status_code == 204
                reply = await screen.next("reply")
                assert (reply["engine"], reply["answer"]) == ("person", "您带上身份证，到三号窗口来。")
                assert (await asker.ask("再说一遍"))["answer"] == reply["answer"]
                assert (await asker.ask(QUESTION))["engine"] != "relay", "小沪 still answers"

                await staff.post(f"/staff/calls/{taken['id']}/over", {"on": True})
                over = await screen.next("call")
                assert over["taken_over"] is True
                assert "工作人员" in over["message"]
                assert (await asker.ask(SECRET))["engine"] == "relay"
                told: list[dict[str, Any]] = []
                while SECRET not in str(told):
                    told = (await console.next("calls"))["calls"]
                fire = await asker.ask("着火了")
                assert fire["emergency"] is True, "danger is answered at once"
                assert fire["hotline"] == "119"
                while "着火了" not in str(told):
                    told = (await console.next("calls"))["calls"]
                again = await asker.ask("再说一遍")
                assert again["answer"] == fire["answer"]

                await staff.post(f"/staff/calls/{taken['id']}/over", {"on": False})
                back = await screen.next("call")
                assert back["taken_over"] is False
                assert "小沪" in back["message"]
                assert (await asker.ask(QUESTION))["engine"] != "relay"
                assert (await staff.post(f"/staff/calls/{taken['id']}/close")).status_code == 204
                assert (await screen.next("call"))["reason"] == "staff_closed"
                assert (await staff.post(f"/staff/calls/{taken['id']}/reply", {"text": "还在吗"})).status_code == 409
            log = (tmp_path / "staff.db").read_bytes().decode("utf-8", "replace") + (
                tmp_path / "staff.db-wal"
            ).read_bytes().decode("utf-8", "replace")
            assert "calls.take" in log
            assert "calls.close" in log
            for word in ("欧阳", "助餐", "身份证", "窗口"):
                assert word not in log
        assert place.outcomes == ["opened", "taken", "staff_closed"]


async def test_of_two_who_take_a_call_at_once_one_gets_it(small: Knowledge, tmp_path: Path) -> None:
    with world(small, tmp_path) as place:
        async with (
            resident(place) as asker, member(place, "wang") as first, member(place, "li") as second,
            first.console(), second.console(), asker.events(),
        ):  # fmt: skip
            for number in range(6):
                made = (await asker.call()).json()
                path = f"/staff/calls/{made['id']}/take"
                pair = (first, second) if number % 2 else (second, first)
                replies = await asyncio.gather(*(each.post(path) for each in pair))
                assert sorted(reply.status_code for reply in replies) == [200, 409]
                loser = next(reply for reply in replies if reply.status_code == 409)
                assert "接了" in loser.json()["error"]["message"]
                winner = pair[[reply.status_code for reply in replies].index(200)]
                other = next(each for each in pair if each is not winner)
                stolen = await other.post(f"/staff/calls/{made['id']}/reply", {"text": "我来"})
                assert stolen.status_code == 409
                await winner.post(f"/staff/calls/{made['id']}/close")


async def test_without_consent_no_word_reaches_a_console(small: Knowledge, tmp_path: Path) -> None:
    with world(small, tmp_path) as place:
        async with resident(place) as asker, member(place, "wang") as staff, staff.console() as console:
            await asker.ask(f"{SECRET}，{QUESTION}")
            offer = await asker.offer()
            assert "欧阳" in str(offer["summary"]), "the resident sees what it would be"
            made = (await asker.call(share=False, summary_id=offer["summary"]["id"])).json()
            assert made["shared"] is False
            seen = str(await console.next("calls"))
            taken = await staff.post(f"/staff/calls/{made['id']}/take")
            seen += taken.text + str(await console.next("calls"))
            await asker.ask(f"{SECRET}，还有别的吗？")
            await staff.post(f"/staff/calls/{made['id']}/over", {"on": True})
            seen += str(await console.next("calls"))
            for word in ("欧阳", "桂花", "助餐"):
                assert word not in seen


async def test_only_the_summary_that_was_read_can_be_agreed_to(small: Knowledge, tmp_path: Path) -> None:
    with world(small, tmp_path) as place:
        async with resident(place) as asker, member(place, "wang") as staff, staff.console():
            await asker.ask(QUESTION)
            seen = (await asker.offer())["summary"]["id"]
            await asker.ask(f"{SECRET}，托位数是多少？")
            stale = await asker.call(share=True, summary_id=seen)
            assert stale.status_code == 409
            assert "再看一遍" in stale.json()["error"]["hint"]
            assert (await asker.call(share=True)).status_code == 422
            assert (await asker.call(share=True, summary_id="x" * 65)).status_code == 422
            assert (await asker.call(share="maybe")).status_code == 422
            assert (await asker.offer())["call"] is None
            async with resident(place, "resident-2") as other:
                assert (await other.call(share=True, summary_id=seen)).status_code == 409, "not somebody else's"


async def test_hanging_up_and_calling_too_often(small: Knowledge, tmp_path: Path) -> None:
    with world(small, tmp_path) as place:
        async with resident(place) as asker, member(place, "wang") as staff, staff.console(), asker.events() as screen:
            made = (await asker.call(language="en")).json()
            assert "staff member" in made["message"]
            await screen.next("call")
            assert (await asker.client.delete(asker.path)).status_code == 204
            gone = await screen.next("call")
            assert (gone["state"], gone["reason"]) == ("withdrawn", "resident")
            assert (await asker.client.delete(asker.path)).status_code == 204
            late = await staff.post(f"/staff/calls/{made['id']}/take")
            assert late.status_code == 409
            assert "离开" in late.json()["error"]["message"]
            codes = [(await asker.call()).status_code for _ in range(8)]
            assert codes[-1] == 429
            bad = await asker.client.get("/api/sessions/..%2Fx/call")
            assert bad.status_code in (404, 422)


async def test_replies_are_checked(small: Knowledge, tmp_path: Path) -> None:
    with world(small, tmp_path) as place:
        async with resident(place) as asker, member(place, "wang") as staff, staff.console(), asker.events() as screen:
            made = (await asker.call()).json()
            path = f"/staff/calls/{made['id']}/reply"
            assert (await staff.post(path, {"text": "您好"})).status_code == 409, "not taken yet"
            await staff.post(f"/staff/calls/{made['id']}/take")
            for text in ("", "   ", "…！", "\u200b"):
                assert (await staff.post(path, {"text": text})).status_code == 409
            long = await staff.post(path, {"text": "请您等" * 200})
            assert long.status_code == 409
            assert "500" in long.json()["error"]["hint"]
            assert (await staff.post(path, {"text": "字" * 5000})).status_code == 422
            assert (await staff.post(path, {"text": "<b>您好</b>\u202e，请坐"})).status_code == 204
            assert (await screen.next("reply"))["answer"] == "<b>您好</b>，请坐"


STAFF_POSTS = ("take", "reply", "over", "close")


async def test_nobody_without_login_token_or_right_gets_anything(small: Knowledge, tmp_path: Path) -> None:
    with world(small, tmp_path) as place:
        async with resident(place) as asker, member(place, "wang") as staff, staff.console():
            made = (await asker.call()).json()
            bodies = {"reply": {"text": "您好"}, "over": {"on": True}}
            for action in STAFF_POSTS:
                path = f"/staff/calls/{made['id']}/{action}"
                assert (await asker.client.post(path, json=bodies.get(action, {}))).status_code == 401
                no_token = await staff.client.post(path, json=bodies.get(action, {}))
                assert no_token.status_code == 403
                foreign = await staff.post(path, bodies.get(action), **{"Sec-Fetch-Site": "cross-site"})
                assert foreign.status_code == 403
            assert (await asker.client.get("/staff/calls/events")).status_code == 401
            assert (await asker.client.get("/staff/calls")).status_code == 401
            assert (await asker.offer())["call"]["state"] == "waiting"


async def test_logging_out_ends_the_watch(small: Knowledge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assistant.http.staff.calls.BEAT", 0.1)
    with world(small, tmp_path) as place:
        async with member(place, "wang") as staff, staff.console() as console:
            assert place.desk.manned
            await staff.client.post(
                "/staff/logout", headers={"X-CSRF-Token": staff._headers["X-CSRF-Token"], "Accept": "text/html"}
            )
            await console.next("ended")
            for _ in range(100):
                if not place.desk.manned:
                    break
                await asyncio.sleep(0.02)
            assert not place.desk.manned


# --- with voice ----------------------------------------------------------------------


class Kiosk:
    """A screen with a voice: feeds silence all the time, as an open microphone does, and keeps what comes."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.messages: list[dict[str, Any]] = []
        self.closed: int | None = None
        self._saying: list[np.ndarray[Any, Any]] = []
        self.tasks = [asyncio.create_task(self._feed()), asyncio.create_task(self._read())]

    async def _feed(self) -> None:
        try:
            while True:
                sound = self._saying.pop(0) if self._saying else silence(0.1)
                for start in range(0, len(sound), FRAME):
                    await self.socket.send(to_pcm(sound[start : start + FRAME]))
                await asyncio.sleep(0.02)
        except ConnectionClosed:
            return

    async def _read(self) -> None:
        try:
            async for message in self.socket:
                if isinstance(message, str):
                    self.messages.append(json.loads(message))
                    if self.messages[-1]["type"] == "finished":  # it has been heard
                        turn, count = self.messages[-1]["turn_id"], self.messages[-1]["sequence"]
                        with suppress(ConnectionClosed):  # erased meanwhile: what came before is still read
                            await self.send("played", turn_id=turn, sequence=count - 1, milliseconds=60_000)
        except ConnectionClosed:
            pass
        self.closed = self.socket.close_code

    def speak(self) -> None:
        """Say the next thing that the recogniser was told."""
        self._saying.append(np.concatenate([silence(0.2), tone(0.7)]))

    async def send(self, type_: str, **fields: Any) -> None:
        await self.socket.send(json.dumps({"type": type_, **fields}))

    async def until(self, wanted: Any, seconds: float = 15.0) -> dict[str, Any]:
        """The first message, of all so far and to come, for which ``wanted`` is true."""
        async with asyncio.timeout(seconds):
            while True:
                if found := next((message for message in self.messages if wanted(message)), None):
                    return found
                await asyncio.sleep(0.02)


@asynccontextmanager
async def kiosk(place: World, session: str) -> AsyncIterator[Kiosk]:
    async with connect(f"{place.address.replace('http', 'ws')}/api/voice?session={session}") as socket:
        one = Kiosk(socket)
        yield one
        for task in one.tasks:
            task.cancel()


def of(kind: str, **fields: Any) -> Any:
    return lambda message: message["type"] == kind and all(message.get(name) == value for name, value in fields.items())


async def test_by_voice_alone(small: Knowledge, tmp_path: Path) -> None:
    said = [f"{SECRET}，{QUESTION}", "我要找人工", "好的。", "嗯。", SECRET + "钥匙丢了"]
    with world(small, tmp_path, said) as place:
        async with member(place, "wang") as staff, staff.console() as console, kiosk(place, "spoken-1") as screen:
            screen.speak()
            await screen.until(of("turn.answer"))
            await screen.until(of("finished"))
            screen.speak()
            asked = await screen.until(of("turn.answer", wants_person=True))
            assert "要不要" in asked["answer"]
            await screen.until(of("finished", turn_id=asked["turn_id"]))
            screen.speak()  # 好的: no mere sound of listening now
            share = await screen.until(lambda message: "给工作人员看" in str(message.get("answer")))
            await screen.until(of("call", state="waiting", shared=False))
            await screen.until(of("finished", turn_id=share["turn_id"]))
            screen.speak()  # 嗯
            await screen.until(of("call", shared=True))
            calls: list[dict[str, Any]] = []
            while not calls or not calls[0]["shared"]:
                calls = (await console.next("calls"))["calls"]
            taken = (await staff.post(f"/staff/calls/{calls[0]['id']}/take")).json()
            assert "欧阳" in str(taken["summary"])
            await screen.until(of("call", state="taken"))

            await staff.post(f"/staff/calls/{taken['id']}/reply", {"text": "您好，我是社区的小王。"})
            reply = await screen.until(of("turn.answer", engine="person"))
            heard = await screen.until(of("audio", turn_id=reply["turn_id"]))
            assert heard["text"].startswith("您好")
            kinds = [message["type"] for message in screen.messages if message.get("turn_id") == reply["turn_id"]]
            assert kinds[:3] == ["turn.started", "turn.text", "turn.answer"]
            assert (
                max(message.get("turn_id", 0) for message in screen.messages[: screen.messages.index(reply)])
                <= reply["turn_id"]
            )

            await staff.post(f"/staff/calls/{taken['id']}/over", {"on": True})
            over = await screen.until(of("call", taken_over=True))
            await screen.until(lambda m: m["type"] == "audio" and m["text"].startswith(over["message"][:4]))
            await screen.until(of("finished", turn_id=screen.messages[-1]["turn_id"]))
            screen.speak()
            while "钥匙丢了" not in str(calls):
                calls = (await console.next("calls"))["calls"]
            await screen.until(of("turn.answer", engine="relay"))
            await staff.post(f"/staff/calls/{taken['id']}/close")
            ended = await screen.until(of("call", state="closed"))
            await screen.until(lambda m: m["type"] == "audio" and ended["message"].startswith(m["text"]))
        turns = [message["turn_id"] for message in screen.messages if message["type"] == "turn.started"]
        assert turns == sorted(turns), "epochs only grow"


async def test_a_no_calls_nobody_and_another_question_forgets_the_offer(small: Knowledge, tmp_path: Path) -> None:
    with world(small, tmp_path) as place:
        async with resident(place) as asker, member(place, "wang") as staff, staff.console():
            assert "要不要" in (await asker.ask("帮我找个人"))["answer"]
            assert "不叫" in (await asker.ask("不用了"))["answer"]
            assert (await asker.offer())["call"] is None
            await asker.ask("我要找人工")
            assert "46" in (await asker.ask(QUESTION))["answer"]
            assert (await asker.ask("好的"))["engine"] == "talk"
            assert (await asker.offer())["call"] is None
            await asker.ask("我要找人工")
            assert (await asker.ask("家里着火了"))["emergency"] is True
            await asker.ask("好")
            assert (await asker.offer())["call"] is None
            assert (await asker.ask("I want to talk to a person"))["answer"].startswith("Shall I call")
            assert "may the staff" in (await asker.ask("yes please"))["answer"].lower()
            assert (await asker.ask("no"))["answer"] == "All right, I will not show it."
            call = (await asker.offer())["call"]
            assert (call["state"], call["shared"]) == ("waiting", False)


async def test_whoever_vanishes_is_noticed(small: Knowledge, tmp_path: Path) -> None:
    with world(small, tmp_path, absence=0.4) as place:
        async with member(place, "wang") as first, member(place, "li") as second, second.console() as other:
            async with kiosk(place, "vanishing") as screen:
                async with first.console(), httpx.AsyncClient(base_url=place.address, trust_env=False) as client:
                    made = (await client.post("/api/sessions/vanishing/call", json={})).json()
                    await first.post(f"/staff/calls/{made['id']}/take")
                    await screen.until(of("call", state="taken"))
                # the console of the first is gone: it rings again
                again = await screen.until(of("call", state="waiting", reason="staff_gone"))
                assert "再帮您叫" in again["message"]
                assert (await second.post(f"/staff/calls/{made['id']}/take")).status_code == 200
                screen.socket.transport.abort()
            calls = [{}]
            while calls:
                calls = (await other.next("calls"))["calls"]
        assert place.outcomes == ["opened", "taken", "staff_gone", "taken", "resident_left"]


async def test_erased_in_the_middle(small: Knowledge, tmp_path: Path) -> None:
    with world(small, tmp_path, [f"{SECRET}，{QUESTION}"]) as place:
        async with (
            member(place, "wang") as staff, staff.console() as console, resident(place, "erased-1") as asker,
            asker.events() as events, kiosk(place, "erased-1") as screen,
        ):  # fmt: skip
            screen.speak()
            await screen.until(of("audio"))
            summary = (await asker.offer())["summary"]
            made = (await asker.call(share=True, summary_id=summary["id"])).json()
            taken = await staff.post(f"/staff/calls/{made['id']}/take")
            assert "欧阳" in taken.text
            await staff.post(f"/staff/calls/{made['id']}/reply", {"text": "欧阳阿姨，这就来。"})
            assert (await asker.client.delete("/api/sessions/erased-1")).status_code == 204
            await screen.until(of("erased"))
            await events.next("erased")
            async with asyncio.timeout(5):
                while screen.closed is None:
                    await asyncio.sleep(0.02)
            assert screen.closed == 1000
            assert screen.messages[-1]["type"] == "erased", "nothing comes after"
            calls = [{}]
            while calls:
                calls = (await console.next("calls"))["calls"]
            assert (await staff.post(f"/staff/calls/{made['id']}/reply", {"text": "喂"})).status_code == 409
            assert (await asker.offer())["summary"] is None
            assert (await asker.client.delete("/api/sessions/erased-1")).status_code == 204
        assert not place.people._mouths
        assert not place.people._asked


async def test_the_socket_itself_can_erase(small: Knowledge, tmp_path: Path) -> None:
    with world(small, tmp_path) as place:
        async with kiosk(place, "own-wish") as screen:
            await screen.send("ask", text=f"{SECRET}，{QUESTION}")
            await screen.until(of("turn.answer"))
            assert place.assistant.exchanges("own-wish")
            await screen.send("erase")
            await screen.until(of("erased"))
            assert place.assistant.exchanges("own-wish") == ()
