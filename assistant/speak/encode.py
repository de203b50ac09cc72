"""Spoken sound as the bytes of a file format, piece by piece, so that a listener need not wait for the end."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, Literal, Protocol

import numpy as np

from assistant.errors import SpeakError
from assistant.voice_contracts import SPOKEN_RATE, Sound

Format = Literal["mp3", "opus", "aac", "flac", "wav", "pcm"]
MEDIA_TYPES: dict[Format, str] = {
    "mp3": "audio/mpeg",
    "opus": "audio/ogg",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "wav": "audio/wav",
    "pcm": "audio/pcm",
}
# Format: container, codec, samples, bits a second, rate (Opus knows no 24 kHz file, only 48 kHz).
_CODECS: dict[str, tuple[str, str, str, int, int]] = {
    "mp3": ("mp3", "libmp3lame", "s16p", 64_000, SPOKEN_RATE),
    "opus": ("ogg", "libopus", "s16", 32_000, 48_000),
    "aac": ("adts", "aac", "fltp", 64_000, SPOKEN_RATE),
    "flac": ("flac", "flac", "s16", 0, SPOKEN_RATE),
}
_UNKNOWN = 0xFFFFFFFF  # length of a wav file that is still being made


class Encoder(Protocol):
    """Takes sound (SPOKEN_RATE) and gives bytes; ``finish`` gives the last ones."""

    def feed(self, sound: Sound) -> bytes:
        """Bytes that are ready with ``sound``."""
        ...

    def finish(self) -> bytes:
        """The rest."""
        ...


def encoder(format_: Format) -> Encoder:
    """An encoder for one file. Raises ``SpeakError`` when this computer's libraries can't do it."""
    return Plain(wav=format_ == "wav") if format_ in ("wav", "pcm") else Compressed(format_)


class Plain:
    """16-bit little-endian samples, with or without the head of a wav file."""

    def __init__(self, wav: bool) -> None:
        self._head = _wav_head() if wav else b""

    def feed(self, sound: Sound) -> bytes:
        """See ``Encoder``."""
        head, self._head = self._head, b""
        return head + _samples(sound).tobytes()

    def finish(self) -> bytes:
        """See ``Encoder``."""
        return self._head


class Compressed:
    """A file made by FFmpeg's libraries, written to no disk and never sought in."""

    def __init__(self, format_: Format) -> None:
        import av
        import av.error

        container, codec, layout, bits, rate = _CODECS[format_]
        self._out = _Bytes()
        # Without a seekable file the head can't be written again at the end, so it isn't tried.
        options = {"mp3": {"write_xing": "0"}, "ogg": {"page_duration": "100000"}}.get(container, {})
        try:
            self._file: Any = av.open(self._out, mode="w", format=container, options=options)
            stream: Any = self._file.add_stream(codec, rate=rate, layout="mono", format=layout)
            if bits:
                stream.bit_rate = bits
        except (av.error.FFmpegError, ValueError) as error:
            raise SpeakError(f"{format_} can't be made here: {error}.", "Ask for wav or pcm.") from error
        self._stream = stream
        self._samples = 0

    def feed(self, sound: Sound) -> bytes:
        """See ``Encoder``."""
        import av

        if len(sound):
            frame = av.AudioFrame.from_ndarray(_samples(sound).reshape(1, -1), format="s16", layout="mono")
            frame.sample_rate, frame.pts = SPOKEN_RATE, self._samples
            self._samples += len(sound)
            for packet in self._stream.encode(frame):
                self._file.mux(packet)
        return self._out.take()

    def finish(self) -> bytes:
        """See ``Encoder``."""
        for packet in self._stream.encode(None):
            self._file.mux(packet)
        self._file.close()
        return self._out.take()


class _Bytes:
    """Where a container writes to."""

    def __init__(self) -> None:
        self._data = bytearray()
        self.write: Callable[[bytes], int] = self._write

    def _write(self, data: bytes) -> int:
        self._data += data
        return len(data)

    def take(self) -> bytes:
        data, self._data = bytes(self._data), bytearray()
        return data


def _samples(sound: Sound) -> np.ndarray[Any, np.dtype[np.int16]]:
    return (np.clip(sound, -1, 1) * 32767).astype("<i2")


def _wav_head() -> bytes:
    rate, width = SPOKEN_RATE, 2
    shape = struct.pack("<HHIIHH", 1, 1, rate, rate * width, width, 8 * width)
    head = b"RIFF" + struct.pack("<I", _UNKNOWN) + b"WAVEfmt " + struct.pack("<I", len(shape)) + shape
    return head + b"data" + struct.pack("<I", _UNKNOWN)
