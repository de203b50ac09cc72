"""The Kokoro voice: natural Mandarin and English by ONNX Runtime, with exact times."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from misaki.transcription import pinyin_to_ipa
from misaki.zh import ZHG2P

from assistant.errors import SpeakError
from assistant.speak.engine import Job, LocalVoice, Made
from assistant.speak.english import letter_phonemes, phonemes
from assistant.speak.kokoro_graph import STEP, timed_graph
from assistant.speak.pronounce import Pause, Syllable, Word, near_mandarin
from assistant.speak.pronounce import Sound as Said
from assistant.speak.visemes import Timed, phoneme_shape, timed_syllable
from assistant.voice_contracts import SPOKEN_RATE, MouthShape, Sound

DEFAULT = "zf_xiaoyi"
LIMIT = 510  # tokens that the model takes at once, without its two ends
_MS = STEP * 1000 / SPOKEN_RATE  # of one duration step
# The decoder's sound comes two steps before its durations say: evaluation.speaking measures the lag.
_EARLY = 2 * _MS


class _Token(NamedTuple):
    sign: str
    owner: int  # index of the sound it belongs to; -1 for a space


class KokoroVoice(LocalVoice):
    """Speaks Mandarin and English with one style: the same person in both."""

    def __init__(self, folder: Path, cache: Path, style: str = DEFAULT, threads: int = 2) -> None:
        """``folder`` holds the weights; ``cache`` takes the derived graph. Loads nothing yet."""
        super().__init__()
        self.name = f"kokoro-82m/{style}"
        self._folder = folder
        self._cache = cache
        self._style = style
        self._threads = threads
        self._session: Any = None
        self._vocabulary: dict[str, int] = {}
        self._styles = np.zeros((0, 1, 256), dtype=np.float32)

    def load(self) -> None:
        """Open the graph and the style; 1 s the first time, raises ``SpeakError``."""
        if self._session is not None:
            return
        import onnxruntime

        graph = timed_graph(self._folder / "kokoro-int8.onnx", self._cache)
        self._vocabulary = json.loads((self._folder / "vocab.json").read_text(encoding="utf-8"))["vocab"]
        self._styles = self._read_style(self._style)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])

    def _read_style(self, style: str) -> np.ndarray:
        path = self._folder / "voices" / f"{style}.bin"
        try:
            return np.fromfile(path, dtype=np.float32).reshape(-1, 1, 256)
        except (OSError, ValueError) as problem:
            known = ", ".join(sorted(file.stem for file in path.parent.glob("*.bin")))
            raise SpeakError(f"Kokoro has no style {style} ({problem}).", f"Choose one of {known}.") from problem

    def synthesise(self, said: Sequence[Said], speed: float, job: Job) -> Made:
        """Sound and times of a clause, in as many runs as its length needs."""
        english = sum(isinstance(sound, Word) and not sound.letter for sound in said)
        chinese = sum(isinstance(sound, Syllable) for sound in said)
        if english <= chinese:
            # Letters' names inside Mandarin come out clearer as the syllables that Mandarin speakers use.
            said = near_mandarin(said, words=False)
        sounds: list[Sound] = []
        timed: list[Timed] = []
        at = 0.0
        # Rare sounds such as a bare m have signs that the model never learned.
        known = [token for token in _tokens(said) if token.sign in self._vocabulary]
        for tokens in _runs(known):
            job.check()
            sound, steps = self._run(tokens, speed, job)
            timed.extend(_times(tokens, steps, said, at))
            sounds.append(sound)
            at += len(sound) * 1000 / SPOKEN_RATE
        return (np.concatenate(sounds) if sounds else np.zeros(0, dtype=np.float32)), timed

    def _run(self, tokens: Sequence[_Token], speed: float, job: Job) -> tuple[Sound, np.ndarray]:
        import onnxruntime

        ids = [self._vocabulary[token.sign] for token in tokens]
        options = onnxruntime.RunOptions()
        job.on_stop(lambda: setattr(options, "terminate", True))
        try:
            audio, steps = self._session.run(
                ["audio", "durations"],
                {
                    "tokens": np.array([[0, *ids, 0]], dtype=np.int64),
                    "style": self._styles[min(len(ids), len(self._styles)) - 1],
                    "speed": np.array([speed], dtype=np.float32),
                },
                options,
            )
        except Exception:
            job.check()  # a run that was stopped raises a general error
            raise
        return np.asarray(audio, dtype=np.float32).reshape(-1), np.asarray(steps).reshape(-1)


def _tokens(said: Sequence[Said]) -> list[_Token]:
    tokens: list[_Token] = []
    for owner, sound in enumerate(said):
        if isinstance(sound, Pause):
            while tokens and tokens[-1].sign == " ":
                tokens.pop()
            tokens.append(_Token(sound.sign, owner))
            space = True
        elif isinstance(sound, Syllable):
            tokens.extend(_Token(sign, owner) for sign in _syllable(sound)[0])
            space = sound.word_end
        else:
            said_as = letter_phonemes(sound.text) if sound.letter else phonemes(sound.text)
            tokens.extend(_Token(sign, owner) for sign in said_as)
            space = True
        if space:
            tokens.append(_Token(" ", -1))
    while tokens and tokens[-1].sign == " ":
        tokens.pop()
    return tokens


def _syllable(syllable: Syllable) -> tuple[str, int, int]:
    """Phonemes of a syllable, how many are its consonant, and how many of the rest its glide."""
    try:
        parts = tuple(pinyin_to_ipa(f"{syllable.pinyin}{syllable.tone}")[0])
    except (ValueError, KeyError):
        return "", 0, 0
    retoned = [ZHG2P.retone(part).replace(chr(815), "") for part in parts]
    consonant = len(retoned[0]) if syllable.initial else 0
    rest = retoned[1:] if syllable.initial else retoned
    glide = len(rest[0]) if len(rest) > 1 and rest[0] in "jwɥ" else 0
    return "".join(retoned), consonant, glide


def _runs(tokens: list[_Token]) -> Iterator[list[_Token]]:
    """Cut where a pause or a word ends, so that no run is longer than the model takes."""
    while len(tokens) > LIMIT:
        head = tokens[:LIMIT]
        cut = next((n for n in range(LIMIT, LIMIT // 3, -1) if head[n - 1].sign in ",.!?"), 0)
        cut = cut or next((n for n in range(LIMIT, 1, -1) if head[n - 1].sign == " "), LIMIT)
        yield tokens[:cut]
        tokens = tokens[cut:]
        while tokens and tokens[0].sign == " ":
            tokens = tokens[1:]
    if tokens:
        yield tokens


def _times(tokens: Sequence[_Token], steps: np.ndarray, said: Sequence[Said], at: float) -> Iterator[Timed]:
    """Times of the sounds of one run that begins ``at`` ms."""
    starts = at - _EARLY + np.concatenate([[0.0], np.cumsum(steps, dtype=np.float64)]) * _MS
    first = 0
    while first < len(tokens):
        owner = tokens[first].owner
        last = first
        while last < len(tokens) and tokens[last].owner == owner:
            last += 1
        sound = said[owner] if owner >= 0 else None
        # The model puts its start mark before the first token: token n has step n + 1.
        start, end = float(starts[first + 1]), float(starts[last + 1])
        if isinstance(sound, Syllable):
            _, consonant, glide = _syllable(sound)
            vowel = float(starts[first + 1 + consonant])
            yield timed_syllable(sound, start, vowel, end, main=float(starts[first + 1 + consonant + glide]))
        elif isinstance(sound, Word):
            yield _timed_word(sound, tokens[first:last], starts[first + 1 : last + 2])
        first = last


def _timed_word(word: Word, tokens: Sequence[_Token], starts: np.ndarray) -> Timed:
    shapes: list[tuple[float, MouthShape]] = []
    vowel = float(starts[0])
    for token, start in zip(tokens, starts, strict=False):
        if shape := phoneme_shape(token.sign):
            if not shapes and shape in (MouthShape.OPEN, MouthShape.MID, MouthShape.WIDE, MouthShape.ROUND):
                vowel = float(start)
            shapes.append((float(start), shape))
    return Timed(word.begin, word.end, float(starts[0]), float(starts[-1]), tuple(shapes), vowel)
