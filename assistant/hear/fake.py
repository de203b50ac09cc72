"""Engines without weights, for tests and for trying the interface."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from threading import Event

import numpy as np

from assistant.errors import HearError
from assistant.voice_contracts import HEARD_RATE, Sound, Transcript


class FakeRecogniser:
    """Gives ``texts`` in order (the last one for ever), and remembers what it was called with.

    A function is asked with the sound. ``delay`` is in seconds; ``broken`` raises ``HearError``;
    ``hang`` is waited for before answering.
    """

    def __init__(
        self,
        texts: Sequence[str] | Callable[[Sound], str] = ("",),
        name: str = "fake",
        delay: float = 0.0,
        broken: bool = False,
        hang: Event | None = None,
    ) -> None:
        self.name = name
        self.calls: list[tuple[int, str, bool]] = []  # samples, context, tentative
        self.delay, self.broken, self.hang = delay, broken, hang
        self._texts = texts

    def transcribe(self, sound: Sound, context: str = "", tentative: bool = False) -> Transcript:
        """See ``Recogniser``."""
        self.calls.append((len(sound), context, tentative))
        if self.hang is not None:
            self.hang.wait()
        if self.delay:
            time.sleep(self.delay)
        if self.broken:
            raise HearError("The fake recogniser is broken.", "It was told to be.")
        text = self._texts(sound) if callable(self._texts) else self._texts[min(len(self.calls), len(self._texts)) - 1]
        seconds = len(sound) / HEARD_RATE
        return Transcript(text, seconds, 0.9 if text else 0.0, reason="" if text else "silence", tentative=tentative)


class FakeVoiceActivity:
    """Calls a frame speech when it is loud: exact for made-up sound, useless for real rooms."""

    samples = 512

    def __init__(self, loud: float = 0.02) -> None:
        """``loud`` is the RMS from which a frame is speech."""
        self._loud = loud
        self.frames = 0

    def probability(self, frame: Sound) -> float:
        """0.95 or 0.02."""
        self.frames += 1
        return 0.95 if float(np.sqrt(np.mean(np.square(frame)))) >= self._loud else 0.02

    def reset(self) -> None:
        """Start again."""
        self.frames = 0


class FakeTurnDetector:
    """Always of the same opinion."""

    def __init__(self, probability: float = 0.9) -> None:
        self.probability = probability

    def finished(self, sound: Sound) -> float:
        """The probability that it was made with."""
        return self.probability
