"""Say a text into a sound file."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path

import numpy as np
import soundfile

from assistant.errors import SpeakError
from assistant.speak.clauses import clauses
from assistant.speak.files import write_whole
from assistant.voice_contracts import SPOKEN_RATE, Sound, Voice

# Suffix: (container, coding) as libsndfile names them.
FORMATS = {
    ".wav": ("WAV", "PCM_16"),
    ".flac": ("FLAC", "PCM_16"),
    ".ogg": ("OGG", "VORBIS"),
    ".opus": ("OGG", "OPUS"),
    ".mp3": ("MP3", "MPEG_LAYER_III"),
}


async def speak_to_file(text: str, voice: Voice, path: Path, speed: float = 1.0) -> float:
    """Say ``text`` into ``path``, in the format that its suffix names; returns the seconds of sound.

    An existing file is replaced once the whole sound is there. Raises ``SpeakError`` for an unknown
    suffix, a path that can't be written, a text with nothing to say, or a voice that fails.
    """
    known = ", ".join(FORMATS)
    if path.suffix.lower() not in FORMATS:
        raise SpeakError(f"{path} has no known suffix of a sound file.", f"End it in one of {known}.")
    if path.is_dir() or not path.parent.is_dir():
        raise SpeakError(f"{path} can't be written.", "Name a file in a folder that exists.")
    clips: list[Sound] = [(await voice.speak(clause, speed)).sound for clause in clauses(text)]
    sound = np.concatenate(clips) if clips else np.zeros(0, dtype=np.float32)
    if not len(sound):
        raise SpeakError("There is nothing to say in this text.", "Give words or figures.")
    container, coding = FORMATS[path.suffix.lower()]
    await asyncio.to_thread(_write, path, sound, container, coding)
    return len(sound) / SPOKEN_RATE


def _write(path: Path, sound: Sound, container: str, coding: str) -> None:
    content = io.BytesIO()
    try:
        soundfile.write(content, sound, SPOKEN_RATE, format=container, subtype=coding)
    except soundfile.LibsndfileError as problem:
        raise SpeakError(f"{path.suffix} can't be written here ({problem}).", "Choose .wav.") from problem
    write_whole(path, content.getvalue())
