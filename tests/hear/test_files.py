"""Files of every common kind become mono 16 kHz; what can't be used is said clearly."""

from __future__ import annotations

import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from assistant.errors import HearError
from assistant.hear.files import read_sound, read_sound_bytes
from assistant.voice_contracts import HEARD_RATE
from tests.hear.sounds import encoded, pitch_of, tone, video_without_sound


@pytest.mark.parametrize("kind", ["wav", "mp3", "flac", "ogg", "opus", "m4a", "webm"])
def test_each_kind_keeps_length_and_pitch(kind: str) -> None:
    rate = 48_000 if kind in ("opus", "webm") else 44_100
    sound = read_sound_bytes(encoded(kind, tone(1.5, rate), rate))
    assert sound.dtype == np.float32
    assert sound.ndim == 1
    assert len(sound) / HEARD_RATE == pytest.approx(1.5, abs=0.12)
    assert pitch_of(sound) == pytest.approx(440, abs=2)
    assert 0.2 < float(np.abs(sound).max()) <= 1.0


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 48_000, 96_000])
def test_any_rate_is_resampled(rate: int) -> None:
    sound = read_sound_bytes(encoded("wav", tone(1.0, rate), rate))
    assert len(sound) == pytest.approx(HEARD_RATE, abs=40)
    assert pitch_of(sound) == pytest.approx(440, abs=2)


def test_stereo_is_mixed() -> None:
    sound = read_sound_bytes(encoded("wav", tone(1.0), HEARD_RATE, "stereo"))
    assert len(sound) == pytest.approx(HEARD_RATE, abs=40)
    assert pitch_of(sound) == pytest.approx(440, abs=2)


def test_file_and_bytes_agree(tmp_path: Path) -> None:
    data = encoded("flac", tone(0.5), HEARD_RATE)
    (tmp_path / "a.flac").write_bytes(data)
    assert np.array_equal(read_sound(tmp_path / "a.flac"), read_sound_bytes(data))


def test_missing_empty_and_folder(tmp_path: Path) -> None:
    (tmp_path / "empty.wav").touch()
    for name, words in (("none.wav", "no file"), ("empty.wav", "0 bytes"), (".", "folder")):
        with pytest.raises(HearError, match=words) as raised:
            read_sound(tmp_path / name)
        assert raised.value.hint


@pytest.mark.parametrize(
    "data",
    [b"not sound at all" * 50, b"RIFF" + bytes(200), b"\x00", b"ID3" + bytes(5000), bytes(range(256)) * 40],
)
def test_rubbish_is_a_hear_error(data: bytes) -> None:
    with pytest.raises(HearError) as raised:
        read_sound_bytes(data)
    assert raised.value.message
    assert raised.value.hint


def test_every_truncation_gives_sound_or_a_hear_error() -> None:
    for kind in ("mp3", "ogg", "m4a", "webm", "wav"):
        data = encoded(kind, tone(0.6, 48_000), 48_000)
        for length in range(1, len(data), max(1, len(data) // 12)):
            try:
                sound = read_sound_bytes(data[:length])
            except HearError:
                continue
            assert np.isfinite(sound).all()


def test_a_film_without_sound(tmp_path: Path) -> None:
    video_without_sound(tmp_path / "film.mp4")
    with pytest.raises(HearError, match="no audio track"):
        read_sound(tmp_path / "film.mp4")


def _long_wav(path: Path, seconds: int, announced: bool) -> None:
    """A sparse wav of silence; its header tells the length, or not."""
    size = seconds * HEARD_RATE * 2
    told = size if announced else 0xFFFFFFFF
    header = b"RIFF" + struct.pack("<I", 0xFFFFFFFF if not announced else size + 36) + b"WAVEfmt "
    header += struct.pack("<IHHIIHH", 16, 1, 1, HEARD_RATE, HEARD_RATE * 2, 2, 16) + b"data" + struct.pack("<I", told)
    with path.open("wb") as file:
        file.write(header)
        file.truncate(len(header) + size)


def test_three_hours_are_refused_without_decoding(tmp_path: Path) -> None:
    _long_wav(tmp_path / "long.wav", 3 * 3600, announced=True)
    tracemalloc.start()
    with pytest.raises(HearError, match="longer than 30 minutes"):
        read_sound(tmp_path / "long.wav")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20_000_000


def test_a_header_that_lies_is_caught_while_decoding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assistant.hear.files.LONGEST", 3)
    monkeypatch.setattr("assistant.hear.files._announced", lambda *_: 0.0)
    data = encoded("mp3", tone(8.0), HEARD_RATE)
    with pytest.raises(HearError, match="longer than"):
        read_sound_bytes(data)
    assert len(read_sound_bytes(encoded("mp3", tone(2.0), HEARD_RATE))) > HEARD_RATE


def test_twenty_nine_minutes_are_accepted(tmp_path: Path) -> None:
    _long_wav(tmp_path / "fits.wav", 29 * 60, announced=True)
    assert len(read_sound(tmp_path / "fits.wav")) == 29 * 60 * HEARD_RATE
