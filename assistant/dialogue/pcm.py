"""Sound as the wire and wav files hold it: 16-bit little-endian samples."""

from __future__ import annotations

import numpy as np

from assistant.errors import HearError
from assistant.voice_contracts import Sound


def from_pcm(data: bytes) -> Sound:
    """16-bit little-endian samples as sound. Raises HearError for half a sample."""
    if len(data) % 2:
        raise HearError("Half a sample came.", "Send 16-bit little-endian samples.")
    return (np.frombuffer(data, dtype="<i2") / np.float32(32768)).astype(np.float32)


def to_pcm(sound: Sound) -> bytes:
    """Sound as 16-bit little-endian samples; what is louder than full scale is clipped."""
    return (np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes()
