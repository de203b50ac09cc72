"""The light voice: FastSpeech2 and MB-MelGAN on LiteRT, 0.1 s a clause, Mandarin only.

It was trained on a corpus released for non-commercial use: offer it for weak hardware, never alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from assistant.errors import SpeakError
from assistant.speak.engine import Job, LocalVoice, Made
from assistant.speak.fastspeech2_graph import plain_graph
from assistant.speak.pronounce import Pause, Syllable, Word, near_mandarin
from assistant.speak.pronounce import Sound as Said
from assistant.speak.sandhi import sandhi
from assistant.speak.visemes import Timed, timed_syllable
from assistant.voice_contracts import SPOKEN_RATE, Sound

_HOP = 300  # samples of one mel frame: 12.5 ms
_MS = _HOP * 1000 / SPOKEN_RATE
_LONGEST = 60  # syllables of one run; longer clauses are cut at pauses
_RESIDUAL = {"ê": "e", "io": "iou", "m": "en", "n": "en", "ng": "eng", "hm": "en", "hng": "eng"}


class _Phone(NamedTuple):
    symbol: str
    owner: int  # index of the syllable in its run, -1 for silence
    vowel: bool = False


class FastSpeech2Voice(LocalVoice):
    """Speaks Mandarin; letters and English words in it are said by Mandarin syllables."""

    def __init__(self, folder: Path, cache: Path, threads: int = 2) -> None:
        """``folder`` holds the weights; ``cache`` takes the rewritten graph. Loads nothing yet."""
        super().__init__()
        self.name = "fastspeech2-baker"
        self._folder = folder
        self._cache = cache
        self._threads = threads
        self._ids: dict[str, int] = {}
        self._mels: Any = None
        self._vocoder: Any = None

    def load(self) -> None:
        """Open both graphs; 0.1 s, 2 s the first time ever."""
        if self._vocoder is not None:
            return
        from ai_edge_litert.interpreter import Interpreter

        graph = plain_graph(self._folder / "fastspeech2_quan.tflite", self._cache)
        mapper = json.loads((self._folder / "baker_mapper.json").read_text(encoding="utf-8"))
        self._ids = mapper["symbol_to_id"]
        self._mels = Interpreter(str(graph), num_threads=self._threads)
        self._vocoder = Interpreter(str(self._folder / "mb_melgan.tflite"), num_threads=self._threads)

    def synthesise(self, said: Sequence[Said], speed: float, job: Job) -> Made:
        """Sound and times of a clause. Raises ``SpeakError`` for a clause in English."""
        words = sum(isinstance(sound, Word) and not sound.letter for sound in said)
        if words > sum(isinstance(sound, Syllable) for sound in said):
            raise SpeakError("The light voice speaks no English.", "Let the voice kokoro stand beside it.")
        sounds: list[Sound] = []
        timed: list[Timed] = []
        at = 0.0
        for run in _runs(near_mandarin(said)):
            job.check()
            syllables = sandhi(run)
            phones = _phones(syllables)
            mel, steps = self._mel([self._ids[phone.symbol] for phone in phones], speed)
            job.check()
            sounds.append(self._sound(mel))
            timed.extend(_times(phones, steps, syllables, at))
            at += len(sounds[-1]) * 1000 / SPOKEN_RATE
        return (np.concatenate(sounds) if sounds else np.zeros(0, dtype=np.float32)), timed

    def _mel(self, ids: list[int], speed: float) -> tuple[np.ndarray, np.ndarray]:
        engine = self._mels
        inputs = engine.get_input_details()
        engine.resize_tensor_input(inputs[0]["index"], [1, len(ids)])
        engine.allocate_tensors()
        ratio = np.array([1 / speed], dtype=np.float32)
        one = np.array([1.0], dtype=np.float32)
        values = [np.array([ids], dtype=np.int32), np.array([0], dtype=np.int32), ratio, one, one]
        for detail, value in zip(inputs, values, strict=True):
            engine.set_tensor(detail["index"], value)
        engine.invoke()
        outputs = engine.get_output_details()
        return engine.get_tensor(outputs[1]["index"]), engine.get_tensor(outputs[2]["index"])[0]

    def _sound(self, mel: np.ndarray) -> Sound:
        engine = self._vocoder
        index = engine.get_input_details()[0]["index"]
        engine.resize_tensor_input(index, mel.shape)
        engine.allocate_tensors()
        engine.set_tensor(index, mel)
        engine.invoke()
        sound: Sound = engine.get_tensor(engine.get_output_details()[0]["index"])[0, :, 0].astype(np.float32)
        return sound


def _runs(said: Sequence[Said]) -> Iterator[list[Syllable | Pause]]:
    run: list[Syllable | Pause] = []
    for sound in said:
        if isinstance(sound, Word):
            continue
        run.append(sound)
        full = len(run) >= _LONGEST
        if full and (isinstance(sound, Pause) or (len(run) >= 2 * _LONGEST and sound.word_end)):
            yield run
            run = []
    if any(isinstance(sound, Syllable) for sound in run):
        yield run


def _phones(run: Sequence[Syllable | Pause]) -> list[_Phone]:
    phones = [_Phone("sil", -1)]
    for owner, sound in enumerate(run):
        if isinstance(sound, Pause):
            if len(phones) > 1:
                phones[-1] = _Phone("#3", -1)
            continue
        phones.append(_Phone(sound.initial or "^", owner))
        phones.append(_Phone(_final(sound) + str(sound.tone), owner, vowel=True))
        phones.append(_Phone("#0", owner))
    phones[-1] = _Phone("sil", -1)
    phones.append(_Phone("eos", -1))
    return phones


def _final(syllable: Syllable) -> str:
    final = syllable.final
    if final == "i" and syllable.initial in ("z", "c", "s"):
        return "ii"
    if final == "i" and syllable.initial in ("zh", "ch", "sh", "r"):
        return "iii"
    return _RESIDUAL.get(final, final)


def _times(phones: Sequence[_Phone], steps: np.ndarray, run: Sequence[Syllable | Pause], at: float) -> Iterator[Timed]:
    starts = at + np.concatenate([[0.0], np.cumsum(steps, dtype=np.float64)]) * _MS
    for number, phone in enumerate(phones):
        syllable = run[phone.owner] if phone.vowel else None
        if isinstance(syllable, Syllable):
            # The boundary #0 after a vowel is the vowel's own end: the voice gives it most of the length.
            after = number + 2 if phones[number + 1].symbol == "#0" else number + 1
            yield timed_syllable(syllable, float(starts[number - 1]), float(starts[number]), float(starts[after]))
