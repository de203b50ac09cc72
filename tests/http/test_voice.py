"""The voice socket: sound in, events and sound out, nobody else's sound, and bad messages."""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from assistant.dialogue.pcm import to_pcm
from assistant.dialogue.session import Engines, VoiceSession
from assistant.hear.fake import FakeRecogniser, FakeVoiceActivity
from assistant.http.app import build_app
from assistant.http.voice import add_voice
from assistant.settings import Settings
from assistant.speak.fake import FakeVoice
from assistant.voice_contracts import FRAME, SPOKEN_RATE, Sound
from evaluation.replay import replay
from tests.dialogue.echo import EchoConversation, silence, tone
from tests.serving import serving as served


@contextmanager
def serving(engines: Engines, conversation: EchoConversation, **options: object) -> Iterator[str]:
    app = build_app(conversation, lambda: {}, Settings(_env_file=None))  # type: ignore[arg-type]
    add_voice(
        app,
        lambda session, language: VoiceSession(conversation, engines, session, language),  # type: ignore[arg-type]
        conversation.erase,
        lambda address: True,
        **options,  # type: ignore[arg-type]
    )
    with served(app) as address:
        yield f"ws://{address}"


def engines(texts: object = ("养老床位有多少？",), **changes: object) -> Engines:
    return Engines(FakeRecogniser(texts), FakeVoiceActivity, **{"voice": FakeVoice(), **changes})  # type: ignore[arg-type]


async def test_a_recording_is_answered_with_sound() -> None:
    with serving(engines(), EchoConversation()) as url:
        found = await replay(url, np.concatenate([silence(0.3), tone(0.8)]), "session-1")
    assert found.heard == "养老床位有多少？"
    assert found.finished
    assert [sequence for _, sequence, _ in found.clips] == list(range(len(found.clips)))
    assert 0 < found.started_at <= found.first_audio_at < 3
    types = [message["type"] for message in found.messages]
    assert types[0] == "speech"
    audio = next(message for message in found.messages if message["type"] == "audio")
    assert audio["visemes"]
    assert all(len(mark) == 4 for mark in audio["marks"])


async def test_speech_over_hers_stops_the_sound_within_200_ms() -> None:
    with serving(engines(["养老床位有多少？", "那托育呢？"]), EchoConversation()) as url:
        times = []
        for number in range(5):
            found = await replay(url, tone(0.6), f"s{number}", interrupt=tone(0.8))
            assert found.stopped_after is not None
            times.append(found.stopped_after)
    assert max(times) < 0.2, times


async def test_twenty_clients_never_hear_each_other() -> None:
    """Each speaks in a loudness of its own, which decides the words; each answer's tone marks its words."""

    def words(sound: Sound) -> str:
        level = float(np.abs(sound).max())
        return f"第{round(level * 100)}号的问题是什么？"

    voice = FakeVoice()
    with serving(engines(words), EchoConversation(pause=0.002)) as url:
        found = await asyncio.gather(
            *(replay(url, tone(0.6, 0.3 + number / 50), f"client-{number}", noise=0.0) for number in range(20))
        )
    for number, each in enumerate(found):
        own = f"第{round((0.3 + number / 50) * 100)}号"
        assert own in each.heard
        said = "".join(m["text"] for m in each.messages if m["type"] == "audio")
        assert said.startswith(f"您问的是{own}")
        assert said.count("号的问题") == 1
        first = await voice.speak(next(m["text"] for m in each.messages if m["type"] == "audio"), 1.0)
        assert each.clips[0][2] == pytest.approx(len(first.sound) / SPOKEN_RATE, abs=0.01)
    sounds = {each.messages[-1]["turn_id"] for each in found}
    assert sounds == {1}, "sessions share their epochs"


async def read(socket: object, kind: str) -> dict[str, object]:
    async with asyncio.timeout(10):
        while True:
            message = await socket.recv()  # type: ignore[attr-defined]
            if isinstance(message, str) and (event := json.loads(message))["type"] == kind:
                return event


BAD: list[str | bytes] = [
    "",
    "{",
    "null",
    '{"type": "explode"}',
    '{"type": "ask", "text": 5}',
    "x" * 9000,
    b"\x00",
    '{"type": "played", "milliseconds": -1}',
]


async def test_bad_messages_are_named_and_the_session_lives_on() -> None:
    with serving(engines(), EchoConversation()) as url:
        async with connect(f"{url}/api/voice?session=bad") as socket:
            assert (await read(socket, "listening"))["recording"] is False
            for message in BAD:
                await socket.send(message)
                assert (await read(socket, "error"))["message"]
            await socket.send('{"type": "start", "rate": 44100}')
            assert "16000" in str((await read(socket, "error"))["message"])
            await socket.send('{"type": "ask", "text": "还好吗？"}')
            assert "还好吗" in str((await read(socket, "audio"))["text"])
            header = await socket.recv()
            assert isinstance(header, bytes)
            assert struct.unpack_from("<II", header) == (1, 0)


async def flood(socket: ClientConnection) -> None:
    """Three hours of silence, as fast as it goes."""
    async with asyncio.timeout(20):
        for _ in range(3 * 3600):
            await socket.send(to_pcm(silence(1.0)))
            await asyncio.sleep(0)


async def test_sound_faster_than_speech_and_too_many_sessions_are_turned_away() -> None:
    with serving(engines(), EchoConversation(), limit=2, recording=True) as url:
        async with connect(f"{url}/api/voice?session=a") as first, connect(f"{url}/api/voice?session=b"):
            assert (await read(first, "listening"))["recording"] is True
            async with connect(f"{url}/api/voice?session=c") as third:
                assert "太多" in str((await read(third, "error"))["message"])
                with pytest.raises(ConnectionClosed):
                    await third.recv()
            with pytest.raises(ConnectionClosed):
                await flood(first)
        async with connect(f"{url}/api/voice?session=../etc") as odd:
            assert (await read(odd, "error"))["message"]


async def test_a_client_that_vanishes_leaves_nothing_running() -> None:
    conversation = EchoConversation(pause=0.3)
    voice = FakeVoice(delay=3.0)
    shared = engines(voice=voice)
    with serving(shared, conversation) as url:
        socket = await connect(f"{url}/api/voice?session=gone")
        await read(socket, "listening")
        for start in range(0, len(sound := np.concatenate([tone(0.6), silence(1.0)])), FRAME):
            await socket.send(to_pcm(sound[start : start + FRAME]))
        await read(socket, "turn.text")
        socket.transport.abort()
        async with asyncio.timeout(5):
            while not conversation.left:
                await asyncio.sleep(0.02)
        async with connect(f"{url}/api/voice?session=gone") as again:  # the next one is served
            await again.send('{"type": "ask", "text": "在吗？"}')
            assert (await read(again, "turn.started"))["turn_id"]


async def test_her_own_sentences_are_said_and_no_others_and_a_pace_is_kept() -> None:
    with serving(engines(), EchoConversation()) as url:
        async with connect(f"{url}/api/voice?session=s-say") as socket:
            await socket.recv()
            await socket.send(json.dumps({"type": "start", "speed": 0.75}))
            await socket.send(json.dumps({"type": "slower"}))
            await socket.send(json.dumps({"type": "say", "text": "goodbye"}))
            await socket.send(json.dumps({"type": "say", "text": "把这句话念出来"}))
            found: list[dict[str, str]] = []
            async with asyncio.timeout(10):
                # What "slower" says of itself may be finished before "goodbye" arrives, or be dropped for it.
                while not ("error" in types(found) and "再见" in said(found)):
                    message = await socket.recv()
                    if isinstance(message, str):
                        found.append(json.loads(message))
    assert next(one["text"] for one in found if one["type"] == "speed") == "0.70", (
        "0.75 and one step slower, at the least"
    )
    assert "念出来" not in said(found), "a client can't have any words said"


def types(messages: list[dict[str, str]]) -> set[str]:
    return {one["type"] for one in messages}


def said(messages: list[dict[str, str]]) -> str:
    return "".join(one["text"] for one in messages if one["type"] == "audio")
