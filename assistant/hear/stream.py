"""One microphone: sound of any piece size in, turns with their sound out."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from assistant.hear.endpoint import Endpoint, EndpointPolicy, Signal, TurnSpan
from assistant.voice_contracts import HEARD_RATE, Sound, VoiceActivity

_KEEP = 2 * HEARD_RATE  # samples kept while nobody speaks, for the pre-roll


@dataclass(frozen=True, eq=False)
class Heard:
    """A signal of the endpoint; ``sound`` is the turn so far, pre-roll included (empty for STARTED)."""

    signal: Signal
    span: TurnSpan
    sound: Sound


class SpeechStream:
    """Joins voice activity, endpoint and the turn's sound for one client. Not shared between clients.

    Nothing older than a turn is kept, and no turn is longer than the policy's maximum, so memory
    stays bounded however long the stream is.
    """

    def __init__(self, voice: VoiceActivity, policy: EndpointPolicy | None = None) -> None:
        self._voice = voice
        self.endpoint = Endpoint(policy, voice.samples)
        self.reset()

    def reset(self) -> None:
        """Forget the stream so far."""
        self._voice.reset()
        self.endpoint.reset()
        self._rest: Sound = np.zeros(0, dtype=np.float32)
        self._kept: list[Sound] = []  # whole frames, the newest last
        self._first = 0  # stream position of the first kept sample
        self._now = 0

    def push(self, sound: Sound) -> list[Heard]:
        """Take the next piece (shape (samples,), HEARD_RATE, any length); returns what happened in it."""
        step = self._voice.samples
        self._rest = np.concatenate([self._rest, sound.astype(np.float32, copy=False)])
        whole = len(self._rest) // step * step
        frames, self._rest = self._rest[:whole].reshape(-1, step), self._rest[whole:]
        found: list[Heard] = []
        for frame in frames:
            self._kept.append(frame)
            self._now += step
            signals = self.endpoint.feed(self._voice.probability(frame), loudness(frame))
            found.extend(self._heard(signal) for signal in signals)
            self._forget()
        return found

    def finish(self) -> list[Heard]:
        """End the turn that is going on, as when a talk button is let go; nothing without one."""
        return [self._heard(signal) for signal in self.endpoint.end()]

    def so_far(self) -> Sound:
        """The sound of the turn that is going on, for partials; empty when there is none."""
        return self._sound(self.endpoint.span) if self.endpoint.active else np.zeros(0, dtype=np.float32)

    def _heard(self, signal: Signal) -> Heard:
        span = self.endpoint.span
        empty = signal in (Signal.STARTED, Signal.RESUMED, Signal.DROPPED)
        return Heard(signal, span, np.zeros(0, dtype=np.float32) if empty else self._sound(span))

    def _sound(self, span: TurnSpan) -> Sound:
        kept = np.concatenate(self._kept) if self._kept else np.zeros(0, dtype=np.float32)
        return kept[max(0, span.begin - self._first) : span.now - self._first]

    def _forget(self) -> None:
        if self.endpoint.active:
            return
        while self._kept and self._now - self._first - len(self._kept[0]) >= _KEEP:
            self._first += len(self._kept.pop(0))


def loudness(frame: Sound) -> float:
    """RMS of ``frame`` in dB of full scale."""
    return 10 * math.log10(float(np.mean(np.square(frame))) + 1e-10)
