"""Clips that were made at publishing, kept in a folder by the hash of what they say."""

from __future__ import annotations

import asyncio
import io
import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from assistant.speak.files import write_whole
from assistant.speak.normalise import VERSION, normalise
from assistant.speak.readings import readings
from assistant.voice_contracts import SPOKEN_RATE, Mark, MouthShape, Speech, Viseme, Voice

_FORMAT = 1  # of the files; raise when it changes
_HASH = 32  # bytes at the head of a file: sha256 of the rest


class PreparedStore:
    """``PreparedSpeech`` of one voice. A file that is broken is left out and made anew.

    Give it a single voice, not a chain: a clip of the second voice must not pass for the first one's.
    """

    def __init__(self, voice: Voice, folder: Path, *, speeds: Sequence[float] = (1.0,), kept: int = 256) -> None:
        """``prepare`` makes each clause at each of ``speeds``; ``kept`` clips stay in memory."""
        self._voice = voice
        self._folder = folder
        self._speeds = tuple(speeds)
        self._kept = kept
        self._memory: OrderedDict[str, Speech] = OrderedDict()
        self._lock = threading.Lock()
        self._identity = f"{_FORMAT} {voice.name} {VERSION} {readings().digest}"

    def find(self, clause: str, speed: float = 1.0) -> Speech | None:
        """The clip of this displayed clause at this speed, or None. Takes a few ms at most."""
        key = self._key(clause, speed)
        with self._lock:
            speech = self._memory.get(key)
            if speech is not None:
                self._memory.move_to_end(key)
                return speech.renamed(clause)
        speech = self._read(self._path(key))
        if speech is None:
            return None
        self._remember(key, speech)
        return speech.renamed(clause)

    async def prepare(self, clauses: Sequence[str], progress: Callable[[int, int], None]) -> int:
        """Synthesise and keep what is missing; returns how many clips were new.

        May be stopped and started again: each clip is written whole as soon as it is made.
        Raises ``SpeakError`` when the voice fails or the folder can't be written.
        """
        wanted = list(dict.fromkeys((clause, speed) for speed in self._speeds for clause in clauses))
        new = 0
        for number, (clause, speed) in enumerate(wanted):
            path = self._path(self._key(clause, speed))
            if await asyncio.to_thread(self._read, path) is None:
                speech = await self._voice.speak(clause, speed)
                await asyncio.to_thread(self._write, path, speech)
                new += 1
            progress(number + 1, len(wanted))
        return new

    def _key(self, clause: str, speed: float) -> str:
        # The places are part of it: marks of ２０２５ and of 2025 agree, those of 17.8 and 一七点八 don't.
        said = [[piece.begin, piece.end, piece.text] for piece in normalise(clause)]
        content = json.dumps([self._identity, round(speed, 2), said], ensure_ascii=False)
        return sha256(content.encode()).hexdigest()

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / f"{key}.clip"

    def _remember(self, key: str, speech: Speech) -> None:
        with self._lock:
            self._memory[key] = speech
            while len(self._memory) > self._kept:
                self._memory.popitem(last=False)

    def _read(self, path: Path) -> Speech | None:
        try:
            content = path.read_bytes()
        except OSError:
            return None
        if sha256(content[_HASH:]).digest() != content[:_HASH]:
            return None
        try:
            return _unpacked(content[_HASH:])
        except (ValueError, KeyError, TypeError, soundfile.LibsndfileError):
            return None  # a file of a later format

    def _write(self, path: Path, speech: Speech) -> None:
        body = _packed(speech)
        write_whole(path, sha256(body).digest() + body)


def _packed(speech: Speech) -> bytes:
    """Length of the JSON (4 bytes), the JSON, then the sound as 16-bit FLAC."""
    about: dict[str, Any] = {
        "text": speech.text,
        "voice": speech.voice,
        "samples": len(speech.sound),
        "visemes": [[viseme.start_ms, viseme.shape.value] for viseme in speech.visemes],
        "marks": [[mark.start_ms, mark.end_ms, mark.begin, mark.end] for mark in speech.marks],
    }
    head = json.dumps(about, ensure_ascii=False, separators=(",", ":")).encode()
    sound = io.BytesIO()
    if len(speech.sound):
        soundfile.write(sound, speech.sound, SPOKEN_RATE, format="FLAC", subtype="PCM_16")
    return len(head).to_bytes(4, "big") + head + sound.getvalue()


def _unpacked(body: bytes) -> Speech:
    length = int.from_bytes(body[:4], "big")
    about = json.loads(body[4 : 4 + length])
    sound = np.zeros(0, dtype=np.float32)
    if about["samples"]:
        sound, rate = soundfile.read(io.BytesIO(body[4 + length :]), dtype="float32")
        if rate != SPOKEN_RATE or len(sound) != about["samples"]:
            raise ValueError("another sound than the one written down")
    return Speech(
        about["text"],
        sound,
        tuple(Viseme(start, MouthShape(shape)) for start, shape in about["visemes"]),
        tuple(Mark(*mark) for mark in about["marks"]),
        about["voice"],
        prepared=True,
    )
