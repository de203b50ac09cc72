"""Find the utterances of a recording, for transcribing files that hold more than one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assistant.voice_contracts import HEARD_RATE, Sound, VoiceActivity

_SPEECH, _SILENCE = 0.5, 0.35  # probability at which speech starts, below which it pauses
_PAUSE = 22  # frames (0.7 s) of silence that part two utterances
_SHORTEST = 4  # frames of speech that make an utterance
_PAD = 8  # frames kept on either side


@dataclass(frozen=True)
class Utterance:
    """One stretch of speech; ``begin`` and ``end`` are samples of the recording."""

    begin: int
    end: int
    voiced: float  # seconds that the voice detector calls speech


def utterances(sound: Sound, voice: VoiceActivity, longest: float = 26.0) -> list[Utterance]:
    """Stretches of speech in ``sound`` in order, none longer than ``longest`` seconds."""
    step = voice.samples
    count = -(-len(sound) // step)
    chances = np.zeros(count, dtype=np.float32)
    for index in range(count):
        frame = sound[index * step : (index + 1) * step]
        if len(frame) < step:
            frame = np.pad(frame, (0, step - len(frame)))
        chances[index] = voice.probability(frame)
    limit = int(longest * HEARD_RATE / step)
    found: list[Utterance] = []
    for begin, end in _runs(chances):
        for first, last in _cut(chances, begin, end, limit):
            voiced = int((chances[first:last] >= _SPEECH).sum())
            if voiced >= _SHORTEST:
                found.append(Utterance(first * step, min(len(sound), last * step), voiced * step / HEARD_RATE))
    return found


def _runs(chances: NDArray[np.float32]) -> list[tuple[int, int]]:
    """Padded (first, last) frames of each run of speech; runs that touch are one."""
    runs: list[tuple[int, int]] = []
    start: int | None = None
    silent = 0
    for index, chance in enumerate(chances):
        if start is None:
            if chance >= _SPEECH:
                start, silent = index, 0
        elif chance >= _SILENCE:
            silent = 0
        else:
            silent += 1
            if silent == _PAUSE:
                runs.append((start, index - _PAUSE + 1))
                start = None
    if start is not None:
        runs.append((start, len(chances) - silent))
    padded = [(max(0, a - _PAD), min(len(chances), b + _PAD)) for a, b in runs]
    return padded


def _cut(chances: NDArray[np.float32], begin: int, end: int, limit: int) -> list[tuple[int, int]]:
    """Parts of at most ``limit`` frames, cut where speech is least likely."""
    parts = []
    while end - begin > limit:
        window = chances[begin + limit // 2 : begin + limit]
        cut = begin + limit // 2 + int(np.argmin(window)) + 1
        parts.append((begin, cut))
        begin = cut
    parts.append((begin, end))
    return parts
