"""Every voice equally loud, trimmed to its words, without clipping."""

from __future__ import annotations

import numpy as np

from assistant.voice_contracts import SPOKEN_RATE, Sound

TARGET = 10 ** (-18 / 20)  # root mean square of the voiced parts: -18 dB of full scale
_FRAME = SPOKEN_RATE // 100  # 10 ms
_KNEE, _CEILING = 0.8, 0.97
_LEAD = 0.03  # seconds kept before the first sound
_TAIL = 0.06  # seconds kept after the last one
# Seconds of silence after a clause, by how it ends, at speed 1.
_PAUSES = {".": 0.32, "!": 0.32, "?": 0.32, ",": 0.16, "": 0.04}


def frame_levels(sound: Sound) -> np.ndarray:
    """Root mean square of each whole 10 ms of ``sound`` (SPOKEN_RATE)."""
    count = len(sound) // _FRAME
    frames = np.asarray(sound[: count * _FRAME], dtype=np.float64).reshape(count, _FRAME)
    levels: np.ndarray = np.sqrt(np.mean(frames**2, axis=1))
    return levels


def voiced(levels: np.ndarray) -> np.ndarray:
    """Which frames hold voice: within 32 dB of the loud ones."""
    if not len(levels):
        return np.zeros(0, dtype=bool)
    loud = float(np.quantile(levels, 0.95))
    heard: np.ndarray = levels > max(loud * 10 ** (-32 / 20), 1e-4)
    return heard


def level(sound: Sound) -> Sound:
    """``sound`` at the target loudness; peaks are bent softly below full scale."""
    levels = frame_levels(sound)
    heard = levels[voiced(levels)]
    if not len(heard):
        return np.asarray(sound, dtype=np.float32)
    scaled = np.asarray(sound, dtype=np.float64) * (TARGET / float(np.sqrt(np.mean(heard**2))))
    size = np.abs(scaled)
    room = _CEILING - _KNEE
    bent = np.where(size > _KNEE, _KNEE + room * np.tanh((size - _KNEE) / room), size)
    return (np.sign(scaled) * bent).astype(np.float32)


def trim(sound: Sound, ending: str, speed: float) -> tuple[Sound, float, float]:
    """``sound`` cut to its words with the pause that ``ending`` (. , ! ? or "") asks for.

    Returns it, the milliseconds that were cut from its head, and those until its voice ends.
    """
    heard = np.flatnonzero(voiced(frame_levels(sound)))
    if not len(heard):
        return np.zeros(0, dtype=np.float32), 0.0, 0.0
    first = max(0, int(heard[0]) * _FRAME - int(_LEAD * SPOKEN_RATE))
    last = min(len(sound), (int(heard[-1]) + 1) * _FRAME + int(_TAIL * SPOKEN_RATE))
    clip = np.array(sound[first:last], dtype=np.float32)
    fade = min(len(clip) // 2, SPOKEN_RATE // 200)  # 5 ms, so that no join clicks
    if fade:
        ramp = np.linspace(0.0, 1.0, fade, dtype=np.float32)
        clip[:fade] *= ramp
        clip[-fade:] *= ramp[::-1]
    silence = np.zeros(int(_PAUSES.get(ending, 0.04) / speed * SPOKEN_RATE), dtype=np.float32)
    ends = (int(heard[-1]) + 1) * _FRAME - first
    return np.concatenate([clip, silence]), first * 1000 / SPOKEN_RATE, ends * 1000 / SPOKEN_RATE
