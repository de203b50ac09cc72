"""A voice for tests: a tone for each character, with the delay or the failure that a test asks for."""

from __future__ import annotations

import asyncio
import zlib

import numpy as np

from assistant.errors import SpeakError
from assistant.speak.engine import check_speed, finish
from assistant.speak.normalise import normalise
from assistant.speak.pronounce import Pause, Syllable, pronounce
from assistant.speak.visemes import Timed, timed_syllable
from assistant.voice_contracts import SPOKEN_RATE, MouthShape, Speech

_SYLLABLE = 0.2  # seconds


class FakeVoice:
    """Deterministic: the same clause and name always give the same sound."""

    def __init__(
        self,
        name: str = "fake",
        *,
        delay: float = 0.0,
        broken: bool = False,
        hangs: bool = False,
        fails_after: int | None = None,
    ) -> None:
        """``delay`` in seconds before each clause; ``fails_after`` clauses it breaks."""
        self.name = name
        self.delay = delay
        self.broken = broken
        self.hangs = hangs
        self.fails_after = fails_after
        self.spoken: list[str] = []
        self.cancelled = 0
        self.closed = False

    async def speak(self, clause: str, speed: float = 1.0) -> Speech:
        """A tone of 0.2 s a syllable, of a height that name and clause decide."""
        check_speed(speed)
        try:
            if self.hangs:
                await asyncio.Event().wait()
            await asyncio.sleep(self.delay)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.broken or (self.fails_after is not None and len(self.spoken) >= self.fails_after):
            raise SpeakError(f"The voice {self.name} is broken.", "It was made so by a test.")
        self.spoken.append(clause)
        said = [sound for sound in pronounce(normalise(clause)) if not isinstance(sound, Pause)]
        if not said:
            return Speech(clause, np.zeros(0, dtype=np.float32), voice=self.name)
        length = _SYLLABLE / speed
        height = 200 + zlib.crc32(f"{self.name} {clause}".encode()) % 400  # Hz
        times = np.arange(int(len(said) * length * SPOKEN_RATE)) / SPOKEN_RATE
        tone = (0.3 * np.sin(2 * np.pi * height * times)).astype(np.float32)
        timed: list[Timed] = []
        for number, sound in enumerate(said):
            start, end = number * length * 1000, (number + 1) * length * 1000
            if isinstance(sound, Syllable):
                timed.append(timed_syllable(sound, start, start + 60 / speed, end))
            else:
                timed.append(Timed(sound.begin, sound.end, start, end, ((start, MouthShape.OPEN),), start))
        return finish(clause, tone, timed, pronounce(normalise(clause)), speed, self.name)

    async def close(self) -> None:
        """Remember that it was closed."""
        self.closed = True
