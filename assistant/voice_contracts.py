"""Typed values and Protocols of hearing and speaking; imports nothing of ours.

Sound is always mono float32 in -1 to 1. Heard sound is 16,000 Hz, spoken sound 24,000 Hz.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Sound = NDArray[np.float32]  # shape (samples,)

HEARD_RATE = 16_000  # Hz, microphone and recogniser
SPOKEN_RATE = 24_000  # Hz, every voice
FRAME = 320  # samples of one microphone frame: 20 ms at HEARD_RATE


# --- hearing -------------------------------------------------------------------------


@dataclass(frozen=True)
class Transcript:
    """What was said. Empty ``text`` means no speech; ``reason`` then says why."""

    text: str  # Simplified Chinese or English
    seconds: float = 0.0  # of sound that was read
    confidence: float = 1.0  # 0 to 1
    language: str = "zh"
    reason: Literal["", "silence", "noise", "hallucination", "unsure"] = ""
    tentative: bool = False  # a partial: later words may change it


@dataclass(frozen=True)
class Repair:
    """A transcript with homophones repaired: what was heard stays beside what is asked."""

    heard: str
    text: str
    changes: tuple[tuple[str, str], ...] = ()  # (as heard, as repaired)


class Recogniser(Protocol):
    """Speech to text. Called from a worker thread; one call at a time."""

    name: str

    def transcribe(self, sound: Sound, context: str = "", tentative: bool = False) -> Transcript:
        """Text of ``sound`` (HEARD_RATE). ``context`` holds domain words.

        ``tentative`` asks for a quick partial. Raises ``HearError`` when broken.
        """
        ...


class VoiceActivity(Protocol):
    """Whether someone speaks. Keeps state between frames of one stream: one object a stream."""

    samples: int  # of one frame, at HEARD_RATE

    def probability(self, frame: Sound) -> float:
        """0 to 1 that ``frame`` (shape (samples,)) holds speech."""
        ...

    def reset(self) -> None:
        """Forget the stream so far."""
        ...


class TurnDetector(Protocol):
    """Whether the speaker has finished, from how it sounded. Stateless; slow (0.1 to 0.3 s)."""

    def finished(self, sound: Sound) -> float:
        """0 to 1 that the turn in ``sound`` (HEARD_RATE, ends in silence) is complete."""
        ...


# --- speaking ------------------------------------------------------------------------


class MouthShape(StrEnum):
    """The fixed set of visemes; docs/voice.md shows which sounds make which."""

    REST = "rest"  # closed, silence
    CLOSED = "closed"  # b p m
    TEETH = "teeth"  # f
    TONGUE = "tongue"  # d t n l
    BACK = "back"  # g k h
    SMILE = "smile"  # j q x
    ROUND_TEETH = "round_teeth"  # zh ch sh r
    NARROW = "narrow"  # z c s
    OPEN = "open"  # a ai ao an ang
    MID = "mid"  # e ei en eng
    WIDE = "wide"  # i in ing
    ROUND = "round"  # o ou ong
    PURSED = "pursed"  # u ü w


@dataclass(frozen=True)
class Viseme:
    """One mouth shape from ``start_ms`` until the next one; times are of its own clip."""

    start_ms: int
    shape: MouthShape


@dataclass(frozen=True)
class Mark:
    """When characters ``begin`` to ``end`` of the displayed clause are heard."""

    start_ms: int
    end_ms: int
    begin: int
    end: int


@dataclass(frozen=True, eq=False)
class Speech:
    """One spoken clause."""

    text: str  # as displayed
    sound: Sound  # SPOKEN_RATE
    visemes: tuple[Viseme, ...] = ()
    marks: tuple[Mark, ...] = ()
    voice: str = ""
    prepared: bool = False  # was made at publishing

    @property
    def milliseconds(self) -> int:
        """Length of the sound."""
        return round(len(self.sound) * 1000 / SPOKEN_RATE)

    def renamed(self, text: str) -> Speech:
        """The same sound for a clause that is displayed otherwise."""
        return replace(self, text=text)


class Voice(Protocol):
    """Text to speech. One clause a call; calls may overlap, cancelling a call frees its thread soon."""

    name: str

    async def speak(self, clause: str, speed: float = 1.0) -> Speech:
        """Say one displayed clause; it is normalised inside. ``speed`` 0.5 to 2, 1 is the voice's own pace.

        A clause with nothing to say gives an empty sound. Raises ``SpeakError`` when late or broken.
        """
        ...

    async def close(self) -> None:
        """Let go of the engine."""
        ...


class PreparedSpeech(Protocol):
    """Clauses that were synthesised at publishing, kept by content hash."""

    def find(self, clause: str, speed: float = 1.0) -> Speech | None:
        """The clip of this displayed clause at this speed, or None."""
        ...

    async def prepare(self, clauses: Sequence[str], progress: Callable[[int, int], None]) -> int:
        """Synthesise and keep what is missing; returns how many were new."""
        ...


# --- the voice session ---------------------------------------------------------------


@dataclass(frozen=True)
class VoiceEvent:
    """One message to a voice client. ``turn_id`` is the epoch: stale ones are never sent.

    listening     the microphone is open
    speech        someone began to speak
    partial       ``text`` so far, tentative
    heard         ``text`` is what will be asked; ``repair`` when homophones were mended
    nothing       sound came but no words; ``reason`` says why
    hold          stop the sound at once, keep the buffer (someone may be interrupting)
    resume        it was a cough: go on where the sound stopped
    stop          drop everything of ``turn_id`` and older
    turn          ``payload`` is the turn's own event (started, text, answer, cancelled, error)
    speed         ``text`` is the pace from now on, 1.00 is the voice's own
    audio         ``speech`` with ``sequence`` from 0 within the turn
    finished      all audio of the turn was sent
    call          ``payload`` is the state of a call to a person (a CallView)
    erased        the session is forgotten; the last message
    error         ``text`` says what to do
    """

    type: Literal[
        "listening",
        "speech",
        "partial",
        "heard",
        "nothing",
        "hold",
        "resume",
        "stop",
        "turn",
        "speed",
        "audio",
        "finished",
        "call",
        "erased",
        "error",
    ]
    turn_id: int = 0
    text: str = ""
    reason: str = ""
    repair: Repair | None = None
    speech: Speech | None = None
    sequence: int = 0
    payload: object = None  # a TurnEvent, or a CallView
