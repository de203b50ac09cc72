from __future__ import annotations

from pathlib import Path

import pytest
import soundfile

from assistant.errors import SpeakError
from assistant.speak.command import FORMATS, speak_to_file
from assistant.speak.fake import FakeVoice

TEXT = "根据行动方案第十四条，到2025年新增养老床位17.8万张。请拨打12345。"


@pytest.mark.parametrize("suffix", sorted(FORMATS))
async def test_every_format_can_be_read_again(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"answer{suffix}"
    voice = FakeVoice()
    seconds = await speak_to_file(TEXT, voice, path)
    sound, rate = soundfile.read(path)
    assert len(sound) / rate == pytest.approx(seconds, abs=0.1)
    assert abs(sound).max() > 0.1
    assert "".join(voice.spoken) == TEXT
    assert list(tmp_path.iterdir()) == [path]


async def test_slower_is_longer(tmp_path: Path) -> None:
    slow = await speak_to_file(TEXT, FakeVoice(), tmp_path / "a.wav", speed=0.8)
    assert slow > await speak_to_file(TEXT, FakeVoice(), tmp_path / "b.wav", speed=1.2)


@pytest.mark.parametrize(
    ("text", "name", "voice", "speed"),
    [
        (TEXT, "a.xyz", FakeVoice(), 1.0),
        (TEXT, "a", FakeVoice(), 1.0),
        (TEXT, "missing/a.wav", FakeVoice(), 1.0),
        ("[1]", "a.wav", FakeVoice(), 1.0),
        ("", "a.wav", FakeVoice(), 1.0),
        (TEXT, "a.wav", FakeVoice(broken=True), 1.0),
        (TEXT, "a.wav", FakeVoice(), 9.0),
    ],
)
async def test_what_cannot_be_done_says_what_to_do(
    tmp_path: Path, text: str, name: str, voice: FakeVoice, speed: float
) -> None:
    with pytest.raises(SpeakError) as caught:
        await speak_to_file(text, voice, tmp_path / name, speed)
    assert caught.value.hint
    assert not (tmp_path / name).exists()


async def test_a_failure_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"old")
    with pytest.raises(SpeakError):
        await speak_to_file(TEXT, FakeVoice(fails_after=1), path)
    assert path.read_bytes() == b"old"
