"""When a turn begins, pauses and ends: a state machine over speech probabilities, without a clock."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from enum import StrEnum

from assistant.hear.complete import Completeness
from assistant.voice_contracts import HEARD_RATE

_ROOM_RISES = 0.02  # dB a frame by which a room that has become louder is believed


class Signal(StrEnum):
    """What a frame changed."""

    STARTED = "started"  # someone began to speak
    PAUSED = "paused"  # silence is long enough to recognise what was said so far
    RESUMED = "resumed"  # speech came back before the turn's end: a recognition of it is stale
    ENDED = "ended"  # the turn is over
    DROPPED = "dropped"  # it was a click or a cough, no turn


@dataclass(frozen=True)
class EndpointPolicy:
    """Every wait, in milliseconds of silence after the last voiced frame unless said otherwise."""

    speech: float = 0.5  # probability from which a frame is voiced
    silence: float = 0.35  # probability below which it is silent; between them it stays as it was
    start: int = 96  # voiced sound that begins a turn
    start_within: int = 256  # the stretch in which it must come
    pre_roll: int = 320  # sound kept from before the first voiced frame
    pause: int = 96  # asks for recognition, whose verdict comes some 0.3 s later
    finished: int = 320  # a sentence that is complete
    finished_doubted: int = 416  # complete by its words, but it does not sound so
    likely: int = 832  # a question by its words, though something in it is odd
    undecided: int = 1280  # a statement or a name, after the last sound that can be heard: a pause of 1.2 s
    unfinished: int = 2016  # the words can't end here
    unheard: int = 1568  # nothing is known of the words yet
    longest: int = 30_000  # of a whole turn
    babble: int = 12_000  # of speech without one pause: a crowd or a television
    shortest: int = 128  # voiced sound that makes a turn
    crowded: int = 4000  # of speech without one pause, after which loudness decides what is voiced
    drop: float = 12.0  # dB under the speaker's loudest by which a crowd in the background is told
    sounds_cut: float = 0.2  # probability of the turn detector below which it does not sound finished
    audible: float = 30.0  # dB under the speaker's loudest down to which a frame is heard as speech
    over_room: float = 10.0  # dB over the quietest lately, which it must be as well
    fades: int = 320  # longest end of a word that the voice detector no longer takes for voice
    stirs: int = 192  # longest wait for the voice detector when something sounds again


@dataclass(frozen=True)
class TurnSpan:
    """Where a turn lies in the stream, in samples from the last ``reset``."""

    begin: int  # pre-roll included
    end: int  # of the last voiced frame
    now: int  # everything fed so far
    voiced: int  # samples of voiced frames
    forced: bool = False  # ended by a maximum


class Endpoint:
    """Feed it one probability a frame; it says when a turn starts, pauses, resumes and ends.

    Pure: no clock, no sound, no threads. ``judge`` may be called at any time between frames,
    with what is known of the words and of the tone; it only counts for the pause it was made in.
    """

    def __init__(self, policy: EndpointPolicy | None = None, frame: int = 512) -> None:
        """``frame`` is the number of samples that one probability stands for."""
        self.policy = policy or EndpointPolicy()
        self._frame = frame
        self.reset()

    def reset(self) -> None:
        """Forget everything; sample positions start from 0 again."""
        self._now = 0
        self._recent: deque[bool] = deque(maxlen=max(1, self._frames(self.policy.start_within)))
        self._last_end = 0
        self._room = math.inf  # dB of the quietest frame lately
        self._idle()

    def _idle(self) -> None:
        self._active = False
        self._begin = self._voiced_end = 0
        self._voiced = self._run = 0
        self._voicing = False
        self._level: float | None = None
        self._loudest = -math.inf
        self._audible_end = 0
        self._crowded = False
        self._paused = False
        self._forced = False
        self._completeness: Completeness | None = None
        self._tone: float | None = None
        self._recent.clear()

    @property
    def active(self) -> bool:
        """Whether a turn is going on."""
        return self._active

    @property
    def silence(self) -> int:
        """Milliseconds since the last voiced frame of the turn; 0 while there is none."""
        return self._milliseconds(self._now - self._voiced_end) if self._active else 0

    @property
    def span(self) -> TurnSpan:
        """The turn as it is now, or as it was when the last signal ended it."""
        if self._active:
            return self._make_span()
        return self._ended

    _ended = TurnSpan(0, 0, 0, 0)

    def judge(self, completeness: Completeness | None = None, tone: float | None = None) -> None:
        """Tell what is known of the pause: the words' verdict, and the turn detector's probability."""
        if completeness is not None:
            self._completeness = completeness
        if tone is not None:
            self._tone = tone

    @property
    def patience(self) -> int:
        """Milliseconds of silence after which the turn ends, as known now."""
        policy = self.policy
        doubted = self._tone is not None and self._tone < policy.sounds_cut
        match self._completeness:
            case None:
                return policy.unheard
            case Completeness.UNFINISHED:
                return policy.unfinished
            case Completeness.FINISHED:
                return policy.finished_doubted if doubted else policy.finished
            case Completeness.LIKELY:
                return policy.undecided if doubted else policy.likely
            case Completeness.UNDECIDED:
                return policy.undecided

    def feed(self, probability: float, level: float | None = None) -> tuple[Signal, ...]:
        """Take the next frame; returns what it changed, in order.

        ``level`` is its loudness in dB of any reference. With it a turn ends although others go
        on speaking in the background.
        """
        policy = self.policy
        self._now += self._frame
        self._level = level
        if level is not None:
            self._room = min(level, self._room + _ROOM_RISES)
        self._voicing = probability >= (policy.silence if self._voicing else policy.speech)
        if not self._active:
            return self._wait_for_start()
        return self._follow_turn()

    def _wait_for_start(self) -> tuple[Signal, ...]:
        self._recent.append(self._voicing)
        if sum(self._recent) * self._milliseconds(self._frame) < self.policy.start:
            return ()
        first = self._now - (len(self._recent) - self._recent.index(True)) * self._frame
        self._active = True
        self._begin = max(self._last_end, 0, first - self._samples(self.policy.pre_roll))
        self._voiced = sum(self._recent) * self._frame
        self._run = self._voiced
        self._voiced_end = self._now
        self._recent.clear()
        return (Signal.STARTED,)

    def _follow_turn(self) -> tuple[Signal, ...]:
        policy = self.policy
        signals: list[Signal] = []
        self._listen()
        voiced = self._voicing and not self._in_background()
        if voiced:
            self._voiced += self._frame
            self._run += self._frame
            self._voiced_end = self._now
            if self._paused:
                signals.append(Signal.RESUMED)
                self._paused = False
                self._run = self._frame
            self._completeness = self._tone = None  # said of an earlier pause
        elif not self._paused and self.silence >= policy.pause:
            self._paused = True
            signals.append(Signal.PAUSED)
        too_long = self._milliseconds(self._now - self._begin) >= policy.longest
        babble = voiced and self._milliseconds(self._run) >= policy.babble
        if too_long or babble:
            self._forced = True
            return (*signals, self._finish())
        if not voiced and self._silent_enough():
            return (*signals, self._finish())
        return tuple(signals)

    def _silent_enough(self) -> bool:
        """Whether the silence is as long as patience asks."""
        patience = self.patience
        if patience != self.policy.undecided:
            return self.silence >= patience
        # Here every 100 ms count: the resident is either waiting for the answer or about to go on.
        fading = self._milliseconds(self._audible_end - self._voiced_end) <= self.policy.fades
        since = self._milliseconds(
            self._now - (max(self._voiced_end, self._audible_end) if fading else self._voiced_end)
        )
        stirring = self._audible_end == self._now
        return since >= patience + (self.policy.stirs if stirring else 0)

    def _listen(self) -> None:
        """Note the last frame that can be heard, which the voice detector may not take for voice."""
        if self._level is not None:
            self._loudest = max(self._loudest, self._level)
            if self._level > max(self._loudest - self.policy.audible, self._room + self.policy.over_room):
                self._audible_end = self._now

    def _in_background(self) -> bool:
        """Whether this frame is only the crowd behind a speaker who has stopped."""
        if self._level is None:
            return False
        self._crowded = self._crowded or self._milliseconds(self._run) >= self.policy.crowded
        return self._crowded and self._level < self._loudest - self.policy.drop

    def end(self) -> tuple[Signal, ...]:
        """End the turn now (a released button, a closed stream); nothing when there is none."""
        return (self._finish(),) if self._active else ()

    def _finish(self) -> Signal:
        self._ended = self._make_span()
        enough = self._milliseconds(self._voiced) >= self.policy.shortest
        self._last_end = self._now
        self._idle()
        return Signal.ENDED if enough else Signal.DROPPED

    def _make_span(self) -> TurnSpan:
        return TurnSpan(self._begin, self._voiced_end, self._now, self._voiced, self._forced)

    def _frames(self, milliseconds: int) -> int:
        return self._samples(milliseconds) // self._frame

    @staticmethod
    def _samples(milliseconds: int) -> int:
        return milliseconds * HEARD_RATE // 1000

    @staticmethod
    def _milliseconds(samples: int) -> int:
        return samples * 1000 // HEARD_RATE
