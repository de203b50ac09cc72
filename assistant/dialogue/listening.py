"""Listening: microphone sound in, what was said out, recognised while the silence still decides."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from assistant.errors import HearError
from assistant.hear.complete import Completeness, completeness
from assistant.hear.endpoint import Signal
from assistant.hear.stream import Heard, SpeechStream
from assistant.voice_contracts import HEARD_RATE, Recogniser, Sound, Transcript, TurnDetector, VoiceActivity

_log = logging.getLogger(__name__)

PARTIAL_EVERY = 1.4  # seconds of speech between two partials
STALLED = 0.6  # seconds without any sound in the middle of a turn: the microphone was switched off
PARTIAL_LONGEST = 12.0  # seconds of speech after which partials cost more than they tell


@dataclass(frozen=True, eq=False)
class Utterance:
    """A finished turn of the resident."""

    transcript: Transcript
    sound: Sound  # HEARD_RATE
    voiced_ms: int  # of speech in it


class Listener:
    """One microphone. ``feed`` must be called from the event loop and never waits for an engine.

    ``settled`` tells of words that don't decide whether they are a question that has its answer.
    ``on_started`` is called when someone begins to speak, ``on_partial`` with what was understood
    so far, ``on_false_start`` when it was a click or a cough, and ``on_utterance`` once a turn.
    """

    def __init__(
        self,
        voice: VoiceActivity,
        recogniser: Recogniser,
        detector: TurnDetector | None,
        *,
        on_started: Callable[[], None],
        on_partial: Callable[[Transcript], None],
        on_false_start: Callable[[], None],
        on_utterance: Callable[[Utterance], Awaitable[None]],
        context: str = "",
        settled: Callable[[str], bool] | None = None,
    ) -> None:
        self._stream = SpeechStream(voice)
        self._recogniser, self._detector, self._context = recogniser, detector, context
        self._settled = settled
        self._on_started, self._on_partial = on_started, on_partial
        self._on_false_start, self._on_utterance = on_false_start, on_utterance
        self._pause = 0  # counts pauses: a recognition of an earlier one is stale
        self._recognition: asyncio.Task[Transcript | None] | None = None
        self._partial: asyncio.Task[None] | None = None
        self._next_partial = PARTIAL_EVERY
        self._fed = 0  # pieces of sound that came
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def active(self) -> bool:
        """Whether someone is speaking, or pausing in the middle."""
        return self._stream.endpoint.active

    def feed(self, sound: Sound) -> None:
        """Take the next piece of sound (HEARD_RATE, any length)."""
        self._fed += 1
        for heard in self._stream.push(sound):
            self._follow(heard)
        if self.active:
            self._maybe_partial()

    def finish(self) -> None:
        """End the turn now, as when a talk button is let go."""
        for heard in self._stream.finish():
            self._follow(heard)

    async def close(self) -> None:
        """Drop what is going on."""
        running = [t for t in (self._recognition, self._partial, *self._tasks) if t is not None and not t.done()]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        self._stream.reset()

    def _follow(self, heard: Heard) -> None:
        if heard.signal is Signal.STARTED:
            self._next_partial = PARTIAL_EVERY
            self._new_pause()
            self._on_started()
        elif heard.signal is Signal.PAUSED:
            self._new_pause()
            self._recognition = asyncio.create_task(self._recognise(heard.sound, self._pause))
            self._keep(asyncio.create_task(self._watch(self._pause)))
        elif heard.signal is Signal.RESUMED:
            self._new_pause()
        elif heard.signal is Signal.DROPPED:
            self._new_pause()
            self._on_false_start()
        elif heard.signal is Signal.ENDED:
            recognition, self._recognition = self._recognition, None
            self._keep(asyncio.create_task(self._end(heard, recognition)))

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _new_pause(self) -> None:
        self._pause += 1
        self._recognition = None  # still running, perhaps: nobody reads its result

    async def _recognise(self, sound: Sound, pause: int) -> Transcript | None:
        """What was said up to a pause; tells the endpoint whether the words may end there."""
        try:
            transcript = await asyncio.to_thread(self._recogniser.transcribe, sound, self._context)
        except HearError as error:
            _log.warning("recognition failed: %s", error.message)
            return None
        if pause != self._pause:
            return transcript
        endpoint = self._stream.endpoint
        verdict = completeness(transcript.text) if transcript.text else Completeness.FINISHED
        endpoint.judge(verdict)
        self._on_partial(transcript)
        if verdict not in (Completeness.UNDECIDED, Completeness.LIKELY):
            return transcript
        if self._settled is not None and await asyncio.to_thread(self._settled, transcript.text):
            if pause == self._pause:
                endpoint.judge(Completeness.FINISHED)
        elif self._detector is not None and verdict is Completeness.LIKELY:
            tone = await asyncio.to_thread(self._detector.finished, sound)
            if pause == self._pause:
                endpoint.judge(tone=tone)
        return transcript

    async def _watch(self, pause: int) -> None:
        """End a turn in whose pause no more sound comes: the endpoint counts sound, not time."""
        fed = -1
        while pause == self._pause and self.active:
            if fed == self._fed:
                self.finish()
                return
            fed = self._fed
            await asyncio.sleep(STALLED)

    async def _end(self, heard: Heard, recognition: asyncio.Task[Transcript | None] | None) -> None:
        transcript = await recognition if recognition is not None else None
        if transcript is None:
            try:
                transcript = await asyncio.to_thread(self._recogniser.transcribe, heard.sound, self._context)
            except HearError as error:
                _log.warning("recognition failed: %s", error.message)
                transcript = Transcript("", len(heard.sound) / HEARD_RATE, 0.0, reason="unsure")
        span = heard.span
        await self._on_utterance(Utterance(transcript, heard.sound, span.voiced * 1000 // HEARD_RATE))

    def _maybe_partial(self) -> None:
        """A quick look at a long sentence, when no recognition is going on anyway."""
        busy = any(task is not None and not task.done() for task in (self._partial, self._recognition))
        span = self._stream.endpoint.span
        seconds = (span.now - span.begin) / HEARD_RATE
        if busy or seconds < self._next_partial or seconds > PARTIAL_LONGEST:
            return
        self._next_partial = seconds + PARTIAL_EVERY
        self._partial = asyncio.create_task(self._look(self._stream.so_far(), self._pause))

    async def _look(self, sound: Sound, pause: int) -> None:
        try:
            transcript = await asyncio.to_thread(self._recogniser.transcribe, sound, self._context, True)
        except HearError:
            return
        if pause == self._pause and transcript.text:
            self._on_partial(transcript)
