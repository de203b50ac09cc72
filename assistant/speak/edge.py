"""The online voice of edge-tts, for places with a network; needs another voice behind it."""

from __future__ import annotations

import asyncio
import io
import math
import re
from collections.abc import Sequence
from typing import NamedTuple

import av
import edge_tts
import numpy as np

from assistant.errors import SpeakError
from assistant.speak.align import by_energy, spread
from assistant.speak.engine import check_speed, finish
from assistant.speak.normalise import language_of, normalise, spoken_text
from assistant.speak.pronounce import Pause, Syllable, Word, pronounce
from assistant.speak.pronounce import Sound as Said
from assistant.speak.visemes import Timed
from assistant.voice_contracts import SPOKEN_RATE, Sound, Speech

CHINESE = "zh-CN-XiaoxiaoNeural"
ENGLISH = "en-US-JennyNeural"
_TICKS = 10_000  # of the service's clock in one millisecond
_HINT = "Check the network, or let an offline voice stand behind this one."
_SHORTEST = 60  # ms of sound that one syllable has at least; less says that the sound broke off
_EAR = re.compile(r"[\u3400-\u9fff]|[A-Za-z]+(?:['’-][A-Za-z]+)*")


class _Boundary(NamedTuple):
    """One word as the service heard itself say it."""

    start_ms: float
    end_ms: float
    text: str


class EdgeVoice:
    """Speaks through the service that edge-tts talks to; every clause is a connection of its own."""

    def __init__(self, voice: str = CHINESE, english: str = ENGLISH, *, deadline: float = 3.0, proxy: str = "") -> None:
        """``deadline`` in seconds for a whole clause, from connecting to the last byte."""
        self.name = f"edge-tts/{voice}"
        self._voice = voice
        self._english = english
        self._deadline = deadline
        self._proxy = proxy or None

    async def speak(self, clause: str, speed: float = 1.0) -> Speech:
        """Say one displayed clause; see ``Voice``. Raises ``SpeakError`` when late, refused or cut off."""
        check_speed(speed)
        spoken = normalise(clause)
        said = pronounce(spoken)
        if all(isinstance(sound, Pause) for sound in said):
            return Speech(clause, np.zeros(0, dtype=np.float32), voice=self.name)
        voice = self._english if language_of(clause) == "en" else self._voice
        try:
            async with asyncio.timeout(self._deadline):
                mp3, boundaries = await self._fetch(spoken_text(spoken), voice, speed)
        except TimeoutError as problem:
            raise SpeakError(f"The online voice took longer than {self._deadline:.1f} s.", _HINT) from problem
        except Exception as problem:  # the service's errors are of many kinds, from sockets to its own
            raise SpeakError(f"The online voice failed ({type(problem).__name__}: {problem}).", _HINT) from problem
        sound = await asyncio.to_thread(_decoded, mp3)
        syllables = sum(not isinstance(sound_, Pause) for sound_ in said)
        if len(sound) / SPOKEN_RATE * 1000 * speed < _SHORTEST * syllables:
            raise SpeakError("The online voice broke off.", _HINT)
        timed = _timed(said, boundaries) or by_energy(said, sound)
        return finish(clause, sound, timed, said, speed, self.name)

    async def _fetch(self, text: str, voice: str, speed: float) -> tuple[bytes, list[_Boundary]]:
        seconds = max(1, math.ceil(self._deadline))
        service = edge_tts.Communicate(
            text,
            voice,
            rate=f"{round((speed - 1) * 100):+d}%",
            boundary="WordBoundary",
            proxy=self._proxy,
            connect_timeout=seconds,
            receive_timeout=seconds,
        )
        mp3 = bytearray()
        boundaries: list[_Boundary] = []
        async for message in service.stream():
            if message["type"] == "audio":
                mp3 += message["data"]
            elif message["type"] == "WordBoundary":
                start = message["offset"] / _TICKS
                boundaries.append(_Boundary(start, start + message["duration"] / _TICKS, message["text"]))
        return bytes(mp3), boundaries

    async def close(self) -> None:
        """Nothing is kept open between clauses."""


def _decoded(mp3: bytes) -> Sound:
    """Sound at SPOKEN_RATE; raises ``SpeakError`` when the bytes are no MP3."""
    pieces: list[np.ndarray] = []
    try:
        with av.open(io.BytesIO(mp3), mode="r") as container:
            resampler = av.AudioResampler(format="flt", layout="mono", rate=SPOKEN_RATE)
            for frame in container.decode(audio=0):
                pieces.extend(part.to_ndarray().reshape(-1) for part in resampler.resample(frame))
            pieces.extend(part.to_ndarray().reshape(-1) for part in resampler.resample(None))
    except (av.FFmpegError, IndexError, ValueError) as problem:
        raise SpeakError(f"The online voice sent no readable sound ({problem}).", _HINT) from problem
    if not pieces:
        raise SpeakError("The online voice sent no sound.", _HINT)
    return np.concatenate(pieces).astype(np.float32)


def _timed(said: Sequence[Said], boundaries: Sequence[_Boundary]) -> list[Timed]:
    """Times of ``said`` from the service's words; empty when its words aren't ours."""
    sounds = [sound for sound in said if isinstance(sound, Syllable | Word)]
    timed: list[Timed] = []
    place = 0
    for boundary in boundaries:
        count = len(_EAR.findall(boundary.text))
        timed.extend(spread(sounds[place : place + count], boundary.start_ms, boundary.end_ms))
        place += count
    return timed if place == len(sounds) else []
