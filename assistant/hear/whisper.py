"""Whisper through CTranslate2, padded to the length of what was said instead of 30 seconds."""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from assistant.errors import HearError
from assistant.hear.repeats import without_repeats
from assistant.voice_contracts import HEARD_RATE, Sound, Transcript

LONGEST = 30 * HEARD_RATE  # samples that the encoder has places for
_FRAMES_A_SECOND = 100
_LEAST_FRAMES, _ROOM_FRAMES, _MOST_FRAMES = 700, 150, 3000
_PROMPT_TOKENS = 100  # of domain context: more slows the decoder and pulls words in
_ENGLISH = 0.6  # probability from which speech is taken as English


@dataclass(frozen=True)
class Evidence:
    """What the decoder says about its own text."""

    text: str
    seconds: float
    log_probability: float  # mean of the tokens, natural logarithm
    no_speech: float  # 0 to 1
    compression: float  # bytes by compressed bytes: loops are high
    language: str

    @property
    def confidence(self) -> float:
        """0 to 1: how likely the tokens were, less where silence or a loop was likely too."""
        value = math.exp(min(0.0, self.log_probability))
        if self.no_speech > 0.5:
            value *= 1.5 - self.no_speech
        if self.compression > 2.0:
            value *= 2.0 / self.compression
        return max(0.0, min(1.0, value))


class Gate(Protocol):
    """Decides whether a text was really said; ``hallucination.Hallucinations`` is the one in use."""

    def reason(
        self, evidence: Evidence, voiced: float | None
    ) -> Literal["", "silence", "noise", "hallucination", "unsure"]:
        """Why ``evidence`` is not to be believed, or empty. ``voiced`` is in seconds, None when unknown."""
        ...


class VoiceMeter(Protocol):
    """Counts seconds of speech; ``hallucination.voiced_seconds`` bound to a detector."""

    def __call__(self, sound: Sound, /) -> float:
        """Seconds of speech in ``sound``."""
        ...


class WhisperRecogniser:
    """Speech to text with faster-whisper's model. Implements ``Recogniser``.

    Finals use a beam of five, partials are greedy. One temperature: an unsure answer is said to
    be unsure instead of being sampled again for a minute.
    """

    name = "whisper"

    def __init__(
        self,
        folder: Path,
        threads: int = 2,
        gate: Gate | None = None,
        meter: VoiceMeter | None = None,
        beam: int = 5,
    ) -> None:
        """Load the model in ``folder``. Raises ``HearError`` when it is missing or broken.

        ``meter`` lets sound without speech be answered without running the model, and lets
        ``context`` be used: domain words leak into silence otherwise.
        """
        import ctranslate2  # type: ignore[import-untyped, unused-ignore]
        import tokenizers
        from faster_whisper.feature_extractor import FeatureExtractor  # type: ignore[import-untyped, unused-ignore]
        from faster_whisper.tokenizer import Tokenizer  # type: ignore[import-untyped, unused-ignore]

        hint = "Run: jiamenkou weights pull"
        try:
            self._model: Any = ctranslate2.models.Whisper(
                str(folder), device="cpu", compute_type="int8", intra_threads=threads, inter_threads=1
            )
            table = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        except Exception as error:  # both libraries raise bare RuntimeError or Exception
            raise HearError(f"The recogniser can't be loaded from {folder}.", hint) from error
        self._tokenizers = {language: Tokenizer(table, True, "transcribe", language) for language in ("zh", "en")}
        self._features: Any = FeatureExtractor(feature_size=self._model.n_mels)
        self._suppressed = _suppressed(self._tokenizers["zh"])
        self._gate, self._meter, self._beam = gate, meter, beam
        self._lock = Lock()

    def transcribe(self, sound: Sound, context: str = "", tentative: bool = False) -> Transcript:
        """Text of ``sound`` (HEARD_RATE, any length); see ``Recogniser``."""
        seconds = len(sound) / HEARD_RATE
        voiced = self._meter(sound) if self._meter else None
        if voiced == 0 or len(sound) < HEARD_RATE // 20:
            loud = len(sound) > 0 and float(np.abs(sound).max()) > 0.02
            return Transcript("", seconds, 0.0, reason="noise" if loud else "silence", tentative=tentative)
        if voiced is None:
            context = ""
        parts: list[Transcript] = []
        with self._lock:
            for piece in _pieces(sound):
                parts.append(self._one(piece, context, tentative, voiced))
        return parts[0] if len(parts) == 1 else _joined(parts, seconds)

    def _one(self, sound: Sound, context: str, tentative: bool, voiced: float | None) -> Transcript:
        try:
            evidence = self._decode(sound, context, tentative)
        except Exception as error:  # CTranslate2 raises RuntimeError and ValueError
            raise HearError(
                "The recogniser failed on this sound.", "Try again; the next one in the chain is used."
            ) from error
        reason = self._gate.reason(evidence, voiced) if self._gate else ""
        return Transcript(
            text="" if reason else evidence.text,
            seconds=evidence.seconds,
            confidence=evidence.confidence,
            language=evidence.language,
            reason=reason or ("" if evidence.text else "silence"),
            tentative=tentative,
        )

    def _decode(self, sound: Sound, context: str, tentative: bool) -> Evidence:
        from ctranslate2 import StorageView  # type: ignore[import-untyped, unused-ignore]

        seconds = len(sound) / HEARD_RATE
        encoded = self._model.encode(StorageView.from_array(self._padded(sound)))
        language = self._language(encoded)
        tokenizer = self._tokenizers[language]
        prompt = self._prompt(tokenizer, context if language == "zh" else "")
        result = self._model.generate(
            encoded,
            [prompt],
            beam_size=1 if tentative else self._beam,
            max_length=len(prompt) + 10 + math.ceil(12 * seconds),
            suppress_blank=True,
            suppress_tokens=self._suppressed,
            return_scores=True,
            return_no_speech_prob=True,
        )[0]
        tokens = result.sequences_ids[0]
        raw = tokenizer.decode(tokens).strip()
        text = without_repeats(simplified(raw) if language == "zh" else raw)
        data = raw.encode()
        return Evidence(
            text=text,
            seconds=seconds,
            log_probability=result.scores[0] * len(tokens) / (len(tokens) + 1),
            no_speech=result.no_speech_prob,
            compression=len(data) / len(zlib.compress(data)) if data else 0.0,
            language=language,
        )

    def _padded(self, sound: Sound) -> NDArray[np.float32]:
        """Log-mel features, shape (1, mels, frames): frames as few as the model bears."""
        features: NDArray[np.float32] = self._features(sound)
        said = min(_MOST_FRAMES, math.ceil(len(sound) * _FRAMES_A_SECOND / HEARD_RATE))
        frames = min(_MOST_FRAMES, max(_LEAST_FRAMES, said + _ROOM_FRAMES))
        # What follows is as quiet as the quietest of this sound, which is what silence looks like.
        padded = np.full((1, features.shape[0], frames), features[:, :said].min(), dtype=np.float32)
        padded[0, :, :said] = features[:, :said]
        return padded

    def _language(self, encoded: Any) -> str:
        chances = dict(self._model.detect_language(encoded)[0])
        return "en" if chances.get("<|en|>", 0.0) > max(_ENGLISH, chances.get("<|zh|>", 0.0)) else "zh"

    def _prompt(self, tokenizer: Any, context: str) -> list[int]:
        start = [*tokenizer.sot_sequence, tokenizer.no_timestamps]
        if not context.strip():
            return start
        return [tokenizer.sot_prev, *tokenizer.encode(" " + context.strip())[:_PROMPT_TOKENS], *start]


def _suppressed(tokenizer: Any) -> list[int]:
    """Tokens that are no words: brackets, notes, and Whisper's own marks."""
    marks = [
        tokenizer.transcribe, tokenizer.translate, tokenizer.sot, tokenizer.sot_prev, tokenizer.sot_lm, tokenizer.no_speech
    ]  # fmt: skip
    return sorted({*tokenizer.non_speech_tokens, *marks})


def _pieces(sound: Sound) -> list[Sound]:
    """Parts that fit the encoder, cut in the quietest tenth of a second of the last third."""
    step = HEARD_RATE // 10
    parts = []
    while len(sound) > LONGEST:
        begin = LONGEST * 2 // 3
        window = sound[begin:LONGEST].reshape(-1, step)
        cut = begin + int(np.argmin((window**2).mean(axis=1))) * step + step // 2
        parts.append(sound[:cut])
        sound = sound[cut:]
    return [*parts, sound]


def _joined(parts: list[Transcript], seconds: float) -> Transcript:
    """One transcript of the parts; weighted by their length."""
    said = [part for part in parts if part.text]
    if not said:
        return Transcript("", seconds, 0.0, reason=parts[0].reason, tentative=parts[0].tentative)
    weight = sum(part.seconds for part in said)
    confidence = sum(part.confidence * part.seconds for part in said) / weight
    text = (" " if said[0].language == "en" else "").join(part.text for part in said)
    return Transcript(text, seconds, confidence, said[0].language, tentative=said[0].tentative)


@lru_cache(maxsize=1)
def _converter() -> Any:
    import opencc

    return opencc.OpenCC("t2s")


def simplified(text: str) -> str:
    """``text`` in Simplified characters."""
    return str(_converter().convert(text))
