"""Read sound files of any common kind as mono float32 at 16 kHz, within limits."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from assistant.errors import HearError
from assistant.voice_contracts import HEARD_RATE, Sound

LONGEST = 30 * 60  # seconds of sound that are accepted
LARGEST = 1 << 30  # bytes: 30 minutes of 48 kHz float stereo are 0.7 GB
_KINDS = "wav, mp3, flac, ogg, opus, m4a or webm"


def read_sound(path: Path) -> Sound:
    """Sound of a file, shape (samples,) at HEARD_RATE.

    Raises ``HearError`` when the file is missing, empty, broken, has no audio track, or is
    longer than LONGEST; a file that is too long is not decoded to its end.
    """
    try:
        size = path.stat().st_size
        if path.is_dir():
            raise HearError(f"{path} is a folder.", "Name one sound file.")
        _check_size(size, str(path))
        with path.open("rb") as file:
            return _decode(file, str(path))
    except FileNotFoundError as error:
        raise HearError(f"There is no file {path}.", "Check the name.") from error
    except OSError as error:
        raise HearError(f"{path} can't be read: {error.strerror or error}.", "Check the file's permissions.") from error


def read_sound_bytes(data: bytes, name: str = "The recording") -> Sound:
    """The same for an upload that is in memory; ``name`` is used in messages."""
    _check_size(len(data), name)
    return _decode(io.BytesIO(data), name)


def _check_size(size: int, name: str) -> None:
    if size == 0:
        raise HearError(f"{name} is empty (0 bytes).", "Record again, or send another file.")
    if size > LARGEST:
        raise HearError(f"{name} is too large.", f"Send at most {LONGEST // 60} minutes of sound.")


def _decode(file: BinaryIO, name: str) -> Sound:
    import av
    import av.error

    try:
        with av.open(file, mode="r", metadata_errors="ignore") as container:
            if not container.streams.audio:
                raise HearError(f"{name} has no audio track.", f"Send a sound file: {_KINDS}.")
            stream = container.streams.audio[0]
            _check_length(_announced(container, stream), name)
            pieces = list(_limited(_samples(container, stream), name))
    except (av.error.FFmpegError, ValueError) as error:
        raise HearError(f"{name} is broken or not a sound file.", f"Send it again, as {_KINDS}.") from error
    if not pieces:
        raise HearError(f"{name} holds no sound.", "Record again, or send another file.")
    return np.concatenate(pieces)


def _announced(container: Any, stream: Any) -> float:
    """Seconds that the file's own header claims; 0 when it claims nothing."""
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return (container.duration or 0) / 1_000_000


def _check_length(seconds: float, name: str) -> None:
    if seconds > LONGEST:
        raise HearError(
            f"{name} is longer than {LONGEST // 60} minutes.", "Cut it into shorter files; nothing of it was kept."
        )


def _samples(container: Any, stream: Any) -> Iterator[Sound]:
    """Decoded and resampled pieces. A damaged packet is skipped, as long as others can be read."""
    import av
    import av.error

    resampler = av.AudioResampler(format="flt", layout="mono", rate=HEARD_RATE)
    good = bad = 0
    for packet in container.demux(stream):
        try:
            frames = packet.decode()
        except av.error.InvalidDataError:
            bad += 1
            continue
        for frame in frames:
            good += 1
            frame.pts = None  # a gap in the clock must not become silence
            for resampled in resampler.resample(frame):
                yield _floats(resampled)
    if bad and not good:
        raise ValueError("no packet could be decoded")
    if good:
        for resampled in resampler.resample(None):
            yield _floats(resampled)


def _floats(frame: Any) -> Sound:
    return np.asarray(frame.to_ndarray(), dtype=np.float32).reshape(-1)


def _limited(pieces: Iterator[Sound], name: str) -> Iterator[Sound]:
    """The pieces, until they are longer than a header admitted."""
    samples = 0
    for piece in pieces:
        samples += len(piece)
        _check_length(samples / HEARD_RATE, name)
        yield np.clip(np.nan_to_num(piece), -1.0, 1.0)
