"""The voice socket: microphone frames in, typed events and sound out, one session a connection."""

from __future__ import annotations

import asyncio
import json
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import structlog
from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from pydantic import BaseModel, Field, ValidationError

from assistant.contracts import Language, TurnEvent
from assistant.dialogue.pcm import from_pcm, to_pcm
from assistant.dialogue.people import People
from assistant.dialogue.phrases import PHRASES
from assistant.dialogue.session import VoiceSession
from assistant.errors import HearError
from assistant.handoff.calls import CallView
from assistant.handoff.desk import CallEvent, ErasedEvent, Event
from assistant.http.shapes import SESSION_PATTERN, event_shape
from assistant.voice_contracts import HEARD_RATE, SPOKEN_RATE, Speech, VoiceEvent

Open = Callable[[str, Language | None], VoiceSession]

FRAME_LIMIT = 64 * 1024  # bytes of one message of sound: 2 s
TEXT_LIMIT = 8 * 1024  # bytes of one message of text
AHEAD = 30.0  # seconds of sound that may come faster than it was spoken
FULL = "现在用语音的人太多了，请过一会儿再试，或者打字问我。"
TOO_FAST = "声音来得太快了，请用麦克风说话。"
UNKNOWN = "没看懂这条消息，请按说明书的格式发送。"
FAR = "不支持这个采样率，请发送 16000 Hz 的声音。"


class Order(BaseModel):
    """A message of the client."""

    type: str = Field(pattern="^(start|ask|played|cancel|repeat|slower|faster|say|release|erase)$")
    text: str = Field("", max_length=4000)
    language: Language | None = None
    rate: int = HEARD_RATE
    speed: float | None = Field(None, gt=0)  # of speech, as learnt before
    turn_id: int = 0
    sequence: int = 0
    milliseconds: float = Field(0.0, ge=0)


def add_voice(
    app: FastAPI,
    open_session: Open,
    erase: Callable[[str], None],
    allow: Callable[[str], bool],
    limit: int = 64,
    recording: bool = False,
    people: People | None = None,
) -> None:
    """Serve ``/api/voice`` with sessions made by ``open_session``, at most ``limit`` at once.

    ``allow`` is asked with the client's address before each typed question. ``recording`` is told
    to every client: the operator keeps what is said. ``people`` may be called, and erase a session from elsewhere.
    """
    connected: set[WebSocket] = set()
    forgetting: set[asyncio.Task[None]] = set()

    def joined(spoken: VoiceSession) -> Callable[[], None]:
        """Let calls, and erasure from elsewhere, reach a session; returns how to end that."""
        if people is None:
            return lambda: None

        def heard(event: Event) -> None:
            if isinstance(event, CallEvent):
                spoken.called(event.view, event.speak)
            elif isinstance(event, ErasedEvent):
                task = asyncio.create_task(spoken.forget())
                forgetting.add(task)
                task.add_done_callback(forgetting.discard)

        leaving = people.desk.watch(spoken.session, heard), people.speaks(spoken.session, spoken.tell)
        return lambda: [leave() for leave in leaving].clear()

    app.state.voice_sessions = connected

    @app.websocket("/api/voice")
    async def voice(socket: WebSocket, session: str) -> None:
        await socket.accept()
        if not SESSION_PATTERN.fullmatch(session):
            await socket.send_json({"type": "error", "message": UNKNOWN})
            await socket.close(1008)
            return
        if len(connected) >= limit:
            await socket.send_json({"type": "error", "message": FULL})
            await socket.close(1013)
            return
        connected.add(socket)
        spoken = open_session(session, None)
        about = {"heard_rate": HEARD_RATE, "spoken_rate": SPOKEN_RATE, "recording": recording}
        await socket.send_json({"type": "listening", **about})
        sender = asyncio.create_task(_send(socket, spoken))
        leave = joined(spoken)
        try:
            await _receive(socket, spoken, erase, allow)
        except WebSocketDisconnect:
            pass
        except Exception as error:
            structlog.get_logger("voice").error("failed", kind=type(error).__name__, exc_info=error)
        finally:
            connected.discard(socket)
            leave()
            sender.cancel()
            await spoken.close()
            await asyncio.gather(sender, return_exceptions=True)
            with suppress(RuntimeError, WebSocketDisconnect):  # closed already
                await socket.close()


async def _receive(
    socket: WebSocket, spoken: VoiceSession, erase: Callable[[str], None], allow: Callable[[str], bool]
) -> None:
    began, seconds = time.monotonic(), 0.0
    address = socket.client.host if socket.client else "unknown"
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return
        data = message.get("bytes")
        if data is not None:
            seconds += len(data) / 2 / HEARD_RATE
            if len(data) > FRAME_LIMIT or seconds - (time.monotonic() - began) > AHEAD:
                await socket.send_json({"type": "error", "message": TOO_FAST})
                return
            try:
                spoken.hear(from_pcm(data))
            except HearError:
                await socket.send_json({"type": "error", "message": UNKNOWN})
            continue
        try:
            if len(message.get("text") or "") > TEXT_LIMIT:
                raise ValueError
            order = Order.model_validate_json(message.get("text") or "")
        except (ValidationError, ValueError):
            await socket.send_json({"type": "error", "message": UNKNOWN})
            continue
        if order.type == "start" and order.rate != HEARD_RATE:
            await socket.send_json({"type": "error", "message": FAR})
        elif order.type == "say" and order.text not in PHRASES:
            await socket.send_json({"type": "error", "message": UNKNOWN})
        elif order.type == "ask" and not allow(address):
            await socket.send_json({"type": "error", "message": "您问得太快了，请过一分钟再试。"})
        else:
            _obey(order, spoken, erase)


def _obey(order: Order, spoken: VoiceSession, erase: Callable[[str], None]) -> None:
    match order.type:
        case "start":
            spoken.language = order.language
            if order.speed is not None:
                spoken.pace(order.speed)
        case "ask":
            spoken.ask(order.text)
        case "played":
            spoken.played(order.turn_id, order.sequence, order.milliseconds)
        case "cancel":
            spoken.cancel()
        case "repeat":
            spoken.repeat()
        case "slower" | "faster":
            spoken.change_speed(slower=order.type == "slower")
        case "say":
            spoken.say(order.text)
        case "release":
            spoken.released()
        case "erase":
            spoken.cancel()
            erase(spoken.session)


async def _send(socket: WebSocket, spoken: VoiceSession) -> None:
    async for event in spoken.events():
        try:
            await socket.send_text(json.dumps(event_message(event, spoken.session), ensure_ascii=False))
            if event.speech is not None:
                await socket.send_bytes(sound_message(event))
            if event.type == "erased":
                await socket.close()
                return
        except (RuntimeError, WebSocketDisconnect):
            return  # the client has gone; the receiving side ends the session


def event_message(event: VoiceEvent, session: str) -> dict[str, Any]:
    """A voice event as JSON; a turn's own event lies flat in it."""
    if isinstance(event.payload, TurnEvent):
        return {**event_shape(event.payload, session), "type": f"turn.{event.payload.type}"}
    message: dict[str, Any] = {"type": event.type, "turn_id": event.turn_id}
    if isinstance(event.payload, CallView):
        message |= event.payload.model_dump(mode="json")
    if event.text:
        message["message" if event.type == "error" else "text"] = event.text
    if event.reason:
        message["reason"] = event.reason
    if event.repair is not None:
        message |= {"heard": event.repair.heard, "changes": [list(change) for change in event.repair.changes]}
    if event.type in ("audio", "finished"):
        message["sequence"] = event.sequence
    if event.speech is not None:
        message |= _speech(event.speech)
    return message


def _speech(speech: Speech) -> dict[str, Any]:
    return {
        "text": speech.text,
        "milliseconds": speech.milliseconds,
        "prepared": speech.prepared,
        "voice": speech.voice,
        "visemes": [[viseme.start_ms, viseme.shape.value] for viseme in speech.visemes],
        "marks": [[mark.start_ms, mark.end_ms, mark.begin, mark.end] for mark in speech.marks],
    }


def sound_message(event: VoiceEvent) -> bytes:
    """The sound of an ``audio`` event: turn and sequence (unsigned 32 bit, little-endian), then 16-bit samples."""
    assert event.speech is not None  # noqa: S101 - the caller has looked
    return struct.pack("<II", event.turn_id, event.sequence) + to_pcm(event.speech.sound)
