"""The online voice against a local server that speaks its protocol."""

from __future__ import annotations

import asyncio
import io
import json
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import av
import edge_tts.communicate
import numpy as np
import pytest
from websockets.asyncio.server import Server, ServerConnection, serve

from assistant.errors import SpeakError
from assistant.speak.chain import VoiceChain
from assistant.speak.edge import EdgeVoice
from assistant.speak.fake import FakeVoice
from assistant.voice_contracts import SPOKEN_RATE

CLAUSE = "新增床位17.8万张。"
WORDS = ("新增", "床位", "十七点八", "万张")


def mp3(seconds: float) -> bytes:
    """A tone as the service sends it: 24 kHz, 48 kbit/s, mono."""
    times = np.arange(int(seconds * SPOKEN_RATE)) / SPOKEN_RATE
    tone = (8000 * np.sin(2 * np.pi * 220 * times)).astype(np.int16)
    file = io.BytesIO()
    with av.open(file, "w", format="mp3") as container:
        stream = container.add_stream("mp3", rate=SPOKEN_RATE, layout="mono")
        stream.bit_rate = 48_000
        frame = av.AudioFrame.from_ndarray(tone.reshape(1, -1), format="s16", layout="mono")
        frame.rate = SPOKEN_RATE
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    return file.getvalue()


def text_message(path: str, body: str = "{}") -> str:
    return f"X-RequestId:1\r\nContent-Type:application/json\r\nPath:{path}\r\n\r\n{body}"


def audio_message(data: bytes) -> bytes:
    head = b"X-RequestId:1\r\nContent-Type:audio/mpeg\r\nPath:audio\r\n"
    return len(head).to_bytes(2, "big") + head + data


def boundary(word: str, start_ms: float, length_ms: float) -> str:
    data = {"Offset": int(start_ms * 1e4), "Duration": int(length_ms * 1e4), "text": {"Text": word}}
    return text_message("audio.metadata", json.dumps({"Metadata": [{"Type": "WordBoundary", "Data": data}]}))


class Service:
    """Speaks the protocol; a test says where it goes wrong."""

    def __init__(self) -> None:
        self.sound = mp3(2.4)
        self.words: tuple[str, ...] = WORDS
        self.asked: list[str] = []
        self.delay = 0.0
        self.half = False
        self.silent = False

    async def __call__(self, connection: ServerConnection) -> None:
        await connection.recv()
        self.asked.append(str(await connection.recv()))
        await asyncio.sleep(self.delay)
        await connection.send(text_message("turn.start"))
        for number, word in enumerate(self.words):
            await connection.send(boundary(word, 100 + number * 500, 480))
        sound = b"" if self.silent else self.sound[: len(self.sound) // (12 if self.half else 1)]
        for start in range(0, len(sound), 1000):
            await connection.send(audio_message(sound[start : start + 1000]))
        if self.half:
            await connection.close()
            return
        await connection.send(text_message("turn.end"))


Started = Callable[[Callable[[ServerConnection], Awaitable[None]]], Awaitable[None]]


@pytest.fixture
async def start(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Started]:
    servers: list[Server] = []

    async def run(handler: Callable[[ServerConnection], Awaitable[None]]) -> None:
        server = await serve(handler, "127.0.0.1", 0)
        servers.append(server)
        port = next(iter(server.sockets)).getsockname()[1]
        monkeypatch.setattr(edge_tts.communicate, "WSS_URL", f"ws://127.0.0.1:{port}/?token=t")

    yield run
    for server in servers:
        server.close(close_connections=True)


async def test_speaks_the_normalised_clause_with_marks_of_the_service(start: Started) -> None:
    service = Service()
    await start(service)
    speech = await EdgeVoice().speak(CLAUSE, speed=0.9)
    assert "十七点八万张" in service.asked[0]
    assert re.search(r"rate='-10%'", service.asked[0])
    assert 2000 < speech.milliseconds < 3200
    spans = {CLAUSE[mark.begin : mark.end]: mark for mark in speech.marks}
    assert "".join(spans) == CLAUSE.rstrip("。")
    assert spans["1"].start_ms - spans["新"].start_ms == pytest.approx(1000, abs=2)
    assert len(speech.visemes) > 6


async def test_words_that_are_not_ours_fall_back_on_energy(start: Started) -> None:
    service = Service()
    service.words = ("全然", "别的话")
    await start(service)
    speech = await EdgeVoice().speak(CLAUSE)
    assert "".join(CLAUSE[mark.begin : mark.end] for mark in speech.marks) == CLAUSE.rstrip("。")
    assert speech.marks[-1].end_ms > 2000


@pytest.mark.parametrize("trouble", ["half", "silent", "late", "garbage"])
async def test_trouble_is_an_error_and_soon(start: Started, trouble: str) -> None:
    service = Service()
    service.half = trouble == "half"
    service.silent = trouble == "silent"
    service.delay = 5.0 if trouble == "late" else 0.0
    if trouble == "garbage":
        service.sound = b"no sound at all " * 500
    await start(service)
    began = time.perf_counter()
    with pytest.raises(SpeakError) as caught:
        await EdgeVoice(deadline=0.6).speak(CLAUSE)
    assert caught.value.hint
    assert time.perf_counter() - began < 1.5


async def test_refusal_and_absence_are_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge_tts.communicate, "WSS_URL", "ws://127.0.0.1:9/?token=t")
    with pytest.raises(SpeakError, match="failed"):
        await EdgeVoice(deadline=1).speak(CLAUSE)


async def test_the_offline_voice_goes_on_when_the_service_breaks_off(start: Started) -> None:
    service = Service()
    await start(service)
    chain = VoiceChain([EdgeVoice(deadline=1), FakeVoice("offline")])
    assert (await chain.speak(CLAUSE)).voice.startswith("edge-tts/")
    service.half = True
    assert (await chain.speak(CLAUSE)).voice == "offline"


async def test_nothing_to_say_asks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge_tts.communicate, "WSS_URL", "ws://127.0.0.1:9/?token=t")
    assert len((await EdgeVoice().speak("[1]**")).sound) == 0
