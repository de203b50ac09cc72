"""Whether someone speaks: Silero's network behind an energy gate, so that silence costs nothing."""

from __future__ import annotations

from collections import deque
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assistant.hear.network import open_network
from assistant.voice_contracts import HEARD_RATE, Sound

FRAME_SAMPLES = 512  # 32 ms at HEARD_RATE, the only frame that the network takes
_CONTEXT = 64  # samples of the frame before, which the network wants in front
_FULL_SCALE = 1e-7  # RMS below which a frame counts as digital silence
_QUIET = -62.0  # dBFS: nobody who is to be understood is quieter
_FIRST_FLOOR = -50.0  # dBFS: low, since a stream may begin in the middle of a word
_MARGIN = 3.0  # dB above the noise floor below which a frame is not looked at
_HANGOVER = 8  # frames that are looked at after the last sign of speech
_CATCH_UP = 4  # skipped frames that are shown to the network once sound comes back
_SIGN = 0.2  # probability that counts as a sign of speech
_FALL, _RISE = 0.3, 0.03  # how fast the noise floor follows a quieter and a louder frame


class SileroNetwork:
    """The loaded network, shared by every stream; the state lives with the streams."""

    def __init__(self, path: Path) -> None:
        """Load ``silero_vad.onnx``. Raises ``HearError`` when it can't be."""
        self._session = open_network(path, "voice detector")
        self._rate = np.array(HEARD_RATE, dtype=np.int64)

    def run(self, sound: Sound, state: NDArray[np.float32]) -> tuple[float, NDArray[np.float32]]:
        """Probability for ``sound`` (context and frame, 576 samples) and the next state (2, 1, 128)."""
        output, state = self._session.run(None, {"input": sound[None], "state": state, "sr": self._rate})
        return float(output[0, 0]), state


class SileroActivity:
    """Voice activity of one stream. Implements ``VoiceActivity``.

    A frame that is hardly louder than the room is answered with 0 and not shown to the
    network. The last skipped frames are shown first when sound comes back, so that the
    network has heard the room and the onset of the word.
    """

    samples = FRAME_SAMPLES

    def __init__(self, network: SileroNetwork, gate: bool = True) -> None:
        self._network = network
        self._gate = gate
        self.looked = 0  # frames that the network saw, for measurements
        self.reset()

    def reset(self) -> None:
        """Forget the stream so far, the noise of the room as well."""
        self._state = np.zeros((2, 1, 128), dtype=np.float32)
        self._input = np.zeros(_CONTEXT + FRAME_SAMPLES, dtype=np.float32)
        self._skipped: deque[Sound] = deque(maxlen=_CATCH_UP)
        self._floor = _FIRST_FLOOR
        self._awake = 0

    def probability(self, frame: Sound) -> float:
        """0 to 1 that ``frame`` (shape (512,)) holds speech. Raises ``ValueError`` on another shape."""
        if frame.shape != (FRAME_SAMPLES,):
            raise ValueError(f"A frame has {FRAME_SAMPLES} samples, not {frame.shape}.")
        if not self._gate:
            return self._look(frame)
        level = _level(frame)
        if self._awake == 0 and self._is_room(level):
            self._follow(level)
            self._skipped.append(frame)
            return 0.0
        while self._skipped:
            self._look(self._skipped.popleft())
        probability = self._look(frame)
        if probability >= _SIGN:
            self._awake = _HANGOVER
        else:
            self._awake = max(0, self._awake - 1)
            self._follow(level)
        return probability

    def _is_room(self, level: float) -> bool:
        if level < _QUIET:
            return True
        return level < self._floor + _MARGIN

    def _follow(self, level: float) -> None:
        self._floor += (_FALL if level < self._floor else _RISE) * (level - self._floor)

    def _look(self, frame: Sound) -> float:
        self._input[:_CONTEXT] = self._input[-_CONTEXT:]
        self._input[_CONTEXT:] = frame
        self.looked += 1
        probability, self._state = self._network.run(self._input, self._state)
        return probability


def _level(frame: Sound) -> float:
    """Loudness of the louder half in dBFS, a constant offset left out."""
    halves = frame.reshape(2, -1)
    return float(20 * np.log10(float(halves.std(axis=1).max()) + _FULL_SCALE))


def probabilities(voice: SileroActivity, sound: Sound) -> NDArray[np.float32]:
    """Speech probability of each 32 ms frame of ``sound``, the last one filled with silence."""
    count = -(-len(sound) // FRAME_SAMPLES)
    padded = np.zeros(count * FRAME_SAMPLES, dtype=np.float32)
    padded[: len(sound)] = sound
    return np.array([voice.probability(frame) for frame in padded.reshape(count, FRAME_SAMPLES)], dtype=np.float32)
