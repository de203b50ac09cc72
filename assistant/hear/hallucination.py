"""Tell words that were said from words that a recogniser made up out of noise."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
import yaml

from assistant.hear.whisper import Evidence
from assistant.voice_contracts import HEARD_RATE, Sound, VoiceActivity

Reason = Literal["", "silence", "noise", "hallucination", "unsure"]

_BARE = re.compile(r"[\W_]+")
_CLAUSE = re.compile(r"[，,。.！!？?；;\n]+")
_HAN = re.compile(r"[㐀-鿿]")
_OTHER_SCRIPT = re.compile(r"[぀-ヿ가-힯Ѐ-ӿ؀-ۿऀ-ॿ฀-๿]")


@dataclass(frozen=True)
class GateLimits:
    """From where on a text is not believed."""

    voiced: float = 0.16  # seconds of speech that words need
    confidence: float = 0.24  # below it nothing is believed
    shaky: float = 0.42  # below it little speech or a likely silence is enough to doubt
    no_speech: float = 0.6
    sparse: float = 0.35  # share of the sound that is speech, below which it is sparse
    compression: float = 2.4
    pace: float = 12.0  # characters a second of speech: nobody speaks faster
    near: float = 0.85  # likeness to a known hallucination


class Hallucinations:
    """The gate that ``WhisperRecogniser`` asks. Stateless."""

    def __init__(self, limits: GateLimits | None = None) -> None:
        self._limits = limits or GateLimits()
        self._whole, self._inside = _known()

    def reason(self, evidence: Evidence, voiced: float | None) -> Reason:
        """Why ``evidence`` is not to be believed, or empty. ``voiced`` in seconds, None when unknown."""
        limits = self._limits
        bare = _bare(evidence.text)
        if not bare:
            return "silence" if voiced is None or voiced < limits.voiced else "noise"
        if voiced is not None and voiced < limits.voiced:
            return "noise"
        clauses = [clause for clause in map(_bare, _CLAUSE.split(evidence.text)) if clause]
        known = self._is_known(bare, evidence.confidence) or all(
            self._is_known(clause, evidence.confidence) for clause in clauses
        )
        if known or _OTHER_SCRIPT.search(evidence.text):
            return "hallucination"
        if evidence.compression > limits.compression:
            return "hallucination"
        if voiced is not None and len(_HAN.findall(evidence.text)) > 4 + limits.pace * voiced:
            return "hallucination"
        if evidence.confidence < limits.confidence:
            return "unsure"
        sparse = voiced is not None and voiced < limits.sparse * evidence.seconds
        if evidence.confidence < limits.shaky and (evidence.no_speech > limits.no_speech or sparse):
            return "unsure"
        return ""

    def _is_known(self, bare: str, confidence: float) -> bool:
        if any(phrase in bare for phrase in self._inside):
            return True
        for phrase in self._whole:
            if bare == phrase:
                # A short word may have been said: it counts only where the model doubts.
                return len(phrase) > 3 or confidence < 0.6
            if len(phrase) > 3 and abs(len(bare) - len(phrase)) <= 2:
                matcher = SequenceMatcher(None, bare, phrase, autojunk=False)
                if matcher.quick_ratio() >= self._limits.near and matcher.ratio() >= self._limits.near:
                    return True
        return False


def voiced_seconds(make: Callable[[], VoiceActivity], threshold: float = 0.5) -> Callable[[Sound], float]:
    """A meter of speech for ``WhisperRecogniser``; ``make`` gives a fresh detector for each sound."""

    def measure(sound: Sound) -> float:
        voice = make()
        step = voice.samples
        count = -(-len(sound) // step)
        padded = np.zeros(count * step, dtype=np.float32)
        padded[: len(sound)] = sound
        voiced = sum(voice.probability(frame) >= threshold for frame in padded.reshape(count, step))
        return voiced * step / HEARD_RATE

    return measure


def _bare(text: str) -> str:
    return _BARE.sub("", text).lower()


@lru_cache(maxsize=1)
def _known() -> tuple[frozenset[str], tuple[str, ...]]:
    data = yaml.safe_load((Path(__file__).parent / "hallucinations.yaml").read_text(encoding="utf-8"))
    return frozenset(map(_bare, data["whole"])), tuple(map(_bare, data["inside"]))
