"""Whether a speaker sounds finished: the smart-turn network on the last eight seconds."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from assistant.hear.network import open_network
from assistant.voice_contracts import HEARD_RATE, Sound

_SECONDS = 8
_SAMPLES = _SECONDS * HEARD_RATE
_FRAMES = 800  # of 10 ms, what the network takes


class SmartTurn:
    """The network, loaded once. Implements ``TurnDetector``; calls may come from any thread."""

    def __init__(self, path: Path) -> None:
        """Load the ONNX file. Raises ``HearError`` when it can't be."""
        from faster_whisper.feature_extractor import FeatureExtractor  # type: ignore[import-untyped, unused-ignore]

        self._session = open_network(path, "turn detector")
        self._input = self._session.get_inputs()[0].name
        self._features: Any = FeatureExtractor(chunk_length=_SECONDS)

    def finished(self, sound: Sound) -> float:
        """0 to 1 that the turn in ``sound`` (HEARD_RATE, ends in silence) is complete."""
        recent = np.zeros(_SAMPLES, dtype=np.float32)
        tail = sound[-_SAMPLES:]
        if len(tail) == 0:
            return 0.0
        # The network learnt eight seconds of mean 0 and variance 1, the silence in front included.
        recent[-len(tail) :] = tail
        recent = (recent - recent.mean()) / math.sqrt(float(recent.var()) + 1e-7)
        features = self._features(recent)[:, :_FRAMES].astype(np.float32)
        return float(self._session.run(None, {self._input: features[None]})[0].reshape(-1)[0])
