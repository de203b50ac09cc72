"""Made-up sound for the tests of hearing."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path

import numpy as np

from assistant.voice_contracts import HEARD_RATE, Sound


def tone(seconds: float, rate: int = HEARD_RATE, pitch: float = 440.0, level: float = 0.3) -> Sound:
    return (np.sin(2 * np.pi * pitch * np.arange(int(seconds * rate)) / rate) * level).astype(np.float32)


def noise(seconds: float, level: float = 0.01, seed: int = 0) -> Sound:
    return (np.random.default_rng(seed).standard_normal(int(seconds * HEARD_RATE)) * level).astype(np.float32)


def encoded(kind: str, sound: Sound, rate: int, layout: str = "mono") -> bytes:
    """``sound`` as a file of a container and codec that FFmpeg knows."""
    import av
    import soundfile

    if kind == "ogg":  # FFmpeg's wheel can't write Vorbis
        buffer = io.BytesIO()
        soundfile.write(buffer, sound, rate, format="OGG", subtype="VORBIS")
        return buffer.getvalue()
    codec, container = {
        "mp3": ("mp3", "mp3"),
        "flac": ("flac", "flac"),
        "opus": ("libopus", "ogg"),
        "webm": ("libopus", "webm"),
        "m4a": ("aac", "mp4"),
        "wav": ("pcm_s16le", "wav"),
    }[kind]
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container) as output:
        stream = output.add_stream(codec, rate=rate)
        stream.layout = layout
        stream.time_base = Fraction(1, rate)
        channels = 2 if layout == "stereo" else 1
        data = np.repeat((sound * 32767).astype(np.int16), channels)[None]
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(data), format="s16", layout=layout)
        frame.sample_rate = rate
        frame.time_base = Fraction(1, rate)
        frame.pts = 0
        resampler = av.AudioResampler(stream.format.name, layout, rate, frame_size=stream.frame_size or 0)
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            for packet in stream.encode(piece):
                output.mux(packet)
        for packet in stream.encode(None):
            output.mux(packet)
    return buffer.getvalue()


def video_without_sound(path: Path) -> None:
    """A short film that has no audio track."""
    import av

    with av.open(str(path), "w", format="mp4") as output:
        stream = output.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for _ in range(5):
            frame = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), dtype=np.uint8), format="rgb24")
            for packet in stream.encode(frame):
                output.mux(packet)
        for packet in stream.encode(None):
            output.mux(packet)


def pitch_of(sound: Sound) -> float:
    """The loudest frequency in Hz."""
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    return float(np.argmax(spectrum) * HEARD_RATE / len(sound))
