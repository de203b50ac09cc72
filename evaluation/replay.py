"""Play recorded questions through the real voice socket in real time, and time what comes back."""

from __future__ import annotations

import asyncio
import json
import struct
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from websockets.asyncio.client import ClientConnection, connect

from assistant.dialogue.pcm import to_pcm
from assistant.voice_contracts import FRAME, HEARD_RATE, SPOKEN_RATE, Sound

AUDIBLE = 0.003  # of full scale: the first sample that one can hear


@dataclass
class Replay:
    """What one question brought; times in seconds after the last voiced sample of the recording."""

    heard: str = ""
    heard_at: float = 0.0
    started_at: float = 0.0  # the turn began
    answered_at: float = 0.0  # the answer was whole
    first_audio_at: float = 0.0  # first audible sample, when the client plays at once
    prepared: bool = False  # the first clip was made at publishing
    answer: dict[str, Any] = field(default_factory=dict)
    finished: bool = False
    clips: list[tuple[int, int, float]] = field(default_factory=list)  # (turn, sequence, seconds of sound)
    stopped_after: float | None = None  # from the first voiced sample of an interruption to hold or stop
    messages: list[dict[str, Any]] = field(default_factory=list)


def last_voiced(sound: Sound, rate: int = HEARD_RATE) -> float:
    """Seconds at which the recording is last louder than a thirtieth of its loudest 20 ms."""
    return _edge(sound, rate, last=True)


def first_voiced(sound: Sound, rate: int = HEARD_RATE) -> float:
    """Seconds at which the recording is first that loud."""
    return _edge(sound, rate, last=False)


def _edge(sound: Sound, rate: int, last: bool) -> float:
    step = rate // 50
    frames = sound[: len(sound) // step * step].reshape(-1, step)
    levels = np.sqrt((frames**2).mean(axis=1))
    loud = np.flatnonzero(levels > levels.max() / 30)
    return float((loud[-1] + 1) * step / rate if last else loud[0] * step / rate)


async def replay(
    url: str,
    sound: Sound,
    session: str,
    *,
    tail: float = 12.0,
    interrupt: Sound | None = None,
    noise: float = 0.0005,
) -> Replay:
    """Ask ``sound`` (HEARD_RATE) at the socket ``url`` in frames of 20 ms; stop ``tail`` seconds after its end at most.

    ``interrupt`` is spoken one second after the answer begins to sound. ``noise`` is the level of the room.
    """
    found = Replay()
    async with connect(f"{url}/api/voice?session={session}", max_size=None) as socket:
        await socket.recv()
        clock = _Clock()
        reader = asyncio.create_task(_read(socket, found, clock))
        room = np.random.default_rng(7)
        frames = _frames(sound)
        began = time.monotonic()
        clock.asked = began + last_voiced(sound)
        sent, extra, interrupting = 0, 0, None
        while True:
            if sent < len(frames):
                frame = frames[sent]
            elif interrupting is not None and extra < len(interrupting):
                frame, extra = interrupting[extra], extra + 1
            else:
                frame = np.zeros(FRAME, np.float32)
            await socket.send(to_pcm(frame + room.normal(0, noise, FRAME).astype(np.float32)))
            sent += 1
            now = time.monotonic()
            if interrupt is not None and interrupting is None and clock.sounding and now > clock.sounding + 1.0:
                interrupting = _frames(interrupt)
                clock.interrupted = now + first_voiced(interrupt)
            done = found.stopped_after is not None if interrupt is not None else found.finished
            if sent > len(frames) and (done or now - began > len(sound) / HEARD_RATE + tail):
                break
            await asyncio.sleep(max(0.0, began + sent * FRAME / HEARD_RATE - time.monotonic()))
        reader.cancel()
        await asyncio.gather(reader, return_exceptions=True)
    return found


@dataclass
class _Clock:
    asked: float = 0.0
    sounding: float = 0.0
    interrupted: float = 0.0


async def _read(socket: ClientConnection, found: Replay, clock: _Clock) -> None:
    turn = -1
    async for message in socket:
        now = time.monotonic()
        after = now - clock.asked
        if isinstance(message, bytes):
            turn_id, sequence = struct.unpack_from("<II", message)
            samples = np.frombuffer(message, dtype="<i2", offset=8) / 32768
            if turn_id != turn or not len(samples):
                continue
            found.clips.append((turn_id, sequence, len(samples) / SPOKEN_RATE))
            audible = np.flatnonzero(np.abs(samples) > AUDIBLE)
            if not clock.sounding and len(audible):
                clock.sounding = now + audible[0] / SPOKEN_RATE
                found.first_audio_at = clock.sounding - clock.asked
            continue
        event = json.loads(message)
        found.messages.append(event)
        kind = event["type"]
        if kind == "heard":
            found.heard, found.heard_at = event["text"], after
        elif kind == "turn.started":
            turn, found.started_at = event["turn_id"], after
        elif kind == "turn.answer":
            found.answer, found.answered_at = event, after
        elif kind == "audio" and event["sequence"] == 0:
            found.prepared = event["prepared"]
        elif kind == "finished":
            found.finished = True
        elif kind in ("hold", "stop") and clock.interrupted and found.stopped_after is None:
            found.stopped_after = now - clock.interrupted


def _frames(sound: Sound) -> list[Sound]:
    padded = np.concatenate([sound, np.zeros(-len(sound) % FRAME, np.float32)])
    return list(padded.reshape(-1, FRAME))
