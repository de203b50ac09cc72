"""Times of syllables for voices that don't give them: by word boundaries, else by where voice is heard."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from assistant.speak.loudness import frame_levels, voiced
from assistant.speak.pronounce import Pause, Syllable, Word
from assistant.speak.pronounce import Sound as Said
from assistant.speak.visemes import Timed, timed_syllable
from assistant.voice_contracts import MouthShape, Sound

_FRAME_MS = 10.0
_PAUSE = 9  # frames without voice that make a pause
_CONSONANT = 0.3  # share of a syllable that its consonant takes


def spread(said: Sequence[Said], start: float, end: float) -> Iterator[Timed]:
    """Share the time from ``start`` to ``end`` (ms) out over ``said`` by weight."""
    sounds = [sound for sound in said if not isinstance(sound, Pause)]
    weights = np.array([_weight(sound) for sound in sounds])
    edges = start + np.concatenate([[0.0], np.cumsum(weights)]) / max(float(weights.sum()), 1e-9) * (end - start)
    for sound, first, last in zip(sounds, edges, edges[1:], strict=False):
        if isinstance(sound, Syllable):
            yield timed_syllable(sound, float(first), float(first + (last - first) * _CONSONANT), float(last))
        elif isinstance(sound, Word):
            # Without phonemes the mouth opens and half closes with each vowel that is written.
            vowels = max(1, sum(letter in "aeiouyAEIOUY" for letter in sound.text))
            beat = (last - first) / vowels
            shapes = tuple(
                (float(first + beat * (number + half / 2)), shape)
                for number in range(vowels)
                for half, shape in enumerate((MouthShape.OPEN, MouthShape.MID))
            )
            yield Timed(sound.begin, sound.end, float(first), float(last), shapes, float(first))


def _weight(sound: Said) -> float:
    if isinstance(sound, Word):
        return max(1.0, sum(letter in "aeiouyAEIOUY" for letter in sound.text) * 0.8)
    return 0.7 if isinstance(sound, Syllable) and sound.tone == 5 else 1.0


def by_energy(said: Sequence[Said], sound: Sound) -> list[Timed]:
    """Lay the groups between pauses over the stretches of voice in ``sound`` (SPOKEN_RATE)."""
    stretches = _stretches(voiced(frame_levels(sound)))
    groups = _groups(said)
    if not stretches or not groups:
        return []
    if len(stretches) < len(groups):
        # Pauses were not made: all is one stretch.
        groups = [[sound for group in groups for sound in group]]
    stretches = _joined(stretches, len(groups))
    timed: list[Timed] = []
    for group, (first, last) in zip(groups, stretches, strict=True):
        timed.extend(spread(group, first * _FRAME_MS, last * _FRAME_MS))
    return timed


def _groups(said: Sequence[Said]) -> list[list[Said]]:
    groups: list[list[Said]] = [[]]
    for sound in said:
        if isinstance(sound, Pause):
            groups.append([])
        else:
            groups[-1].append(sound)
    return [group for group in groups if group]


def _stretches(heard: np.ndarray) -> list[tuple[int, int]]:
    """Frames from which to which there is voice; gaps shorter than a pause are bridged."""
    stretches: list[tuple[int, int]] = []
    for frame in np.flatnonzero(heard):
        if stretches and frame - stretches[-1][1] < _PAUSE:
            stretches[-1] = (stretches[-1][0], int(frame) + 1)
        else:
            stretches.append((int(frame), int(frame) + 1))
    return stretches


def _joined(stretches: list[tuple[int, int]], count: int) -> list[tuple[int, int]]:
    """``count`` stretches: the shortest gaps are no pauses."""
    joined = list(stretches)
    while len(joined) > count:
        gaps = [following[0] - here[1] for here, following in itertools.pairwise(joined)]
        place = gaps.index(min(gaps))
        joined[place : place + 2] = [(joined[place][0], joined[place + 1][1])]
    return joined
