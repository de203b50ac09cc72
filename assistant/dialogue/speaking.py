"""Speaking: an answer's text in, clauses of sound out, in order, and what of it was really heard."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from assistant.contracts import Language
from assistant.errors import SpeakError
from assistant.speak.clauses import ClauseSplitter
from assistant.voice_contracts import PreparedSpeech, Speech, Voice, VoiceEvent

_log = logging.getLogger(__name__)

# Said at once when the first clause must still be synthesised; belongs to no text.
FILLERS = {Language.CHINESE: "我看一下。", Language.ENGLISH: "Let me see."}
AHEAD = 15_000  # ms of sound sent but not yet played, after which synthesis waits
_END = None


@dataclass
class _Sent:
    speech: Speech
    begins: float  # seconds on the clock at which it starts to sound, when the client plays at once


@dataclass
class Spoken:
    """One turn's sound."""

    turn_id: int
    sent: list[_Sent] = field(default_factory=list)
    complete: bool = False  # nothing more will be sent
    played: tuple[int, float] | None = None  # (sequence, ms) as the client reports it


class Speaker:
    """The mouth of one session. ``emit`` gets ``audio`` and ``finished`` events of the current turn only."""

    def __init__(
        self,
        voice: Voice | None,
        prepared: PreparedSpeech | None,
        emit: Callable[[VoiceEvent], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._voice, self._prepared, self._emit, self._clock = voice, prepared, emit, clock
        self.speed = 1.0
        self.language = Language.CHINESE
        self._spoken = Spoken(-1, complete=True)
        self._splitter = ClauseSplitter()
        self._clauses: asyncio.Queue[str | None] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self._held_at: float | None = None
        self._moved = asyncio.Event()  # the client has played on

    @property
    def speaking(self) -> bool:
        """Whether sound of the current turn is still to be heard."""
        return not self._spoken.complete or self._remaining() > 0

    def begin(self, turn_id: int) -> None:
        """Start a turn; what was left of the one before is dropped."""
        self.stop()
        self._spoken = Spoken(turn_id)
        self._splitter = ClauseSplitter()
        self._clauses = asyncio.Queue()
        self._task = asyncio.create_task(self._speak(self._spoken, self._clauses))

    def say(self, piece: str) -> None:
        """Take the next piece of the answer's text."""
        for clause in self._splitter.feed(piece):
            self._clauses.put_nowait(clause)

    def finish(self) -> None:
        """The text is whole."""
        for clause in self._splitter.finish():
            self._clauses.put_nowait(clause)
        self._clauses.put_nowait(_END)

    def hold(self) -> None:
        """The client stands still."""
        self._held_at = self._held_at or self._clock()

    def resume(self) -> None:
        """The client goes on where it stood."""
        if self._held_at is not None:
            late = self._clock() - self._held_at
            for sent in self._spoken.sent:
                sent.begins += late
            self._held_at = None

    def played(self, turn_id: int, sequence: int, milliseconds: float) -> None:
        """The client's report of how far it has played."""
        if turn_id == self._spoken.turn_id and 0 <= sequence < len(self._spoken.sent):
            self._spoken.played = (sequence, milliseconds)
            self._moved.set()

    def stop(self) -> str | None:
        """End the turn's speech; returns what of its text was heard, or None when all of it was."""
        heard = self.heard() if self.speaking else None
        if self._task is not None:
            self._task.cancel()
            self._task = None
        self._spoken.complete, self._spoken.sent = True, []
        self._held_at = None
        return heard

    def heard(self) -> str:
        """The displayed text that has sounded so far."""
        sequence, milliseconds = self._position()
        said = [sent.speech.text for sent in self._spoken.sent[:sequence]]
        if sequence < len(self._spoken.sent):
            speech = self._spoken.sent[sequence].speech
            ends = [mark.end for mark in speech.marks if mark.end_ms <= milliseconds]
            if speech.marks:
                said.append(speech.text[: max(ends, default=0)])
            elif speech.milliseconds:
                said.append(speech.text[: int(len(speech.text) * min(1.0, milliseconds / speech.milliseconds))])
        return "".join(said)

    async def close(self) -> None:
        """Stop, and wait until the work has stopped."""
        task = self._task
        self.stop()
        if task is not None:
            await asyncio.gather(task, return_exceptions=True)

    def _position(self) -> tuple[int, float]:
        """(sequence, ms) that sounds now: as reported, else as the clock has it."""
        if self._spoken.played is not None:
            return self._spoken.played
        now = self._held_at or self._clock()
        for sequence, sent in enumerate(self._spoken.sent):
            passed = (now - sent.begins) * 1000
            if passed < sent.speech.milliseconds:
                return sequence, max(0.0, passed)
        return len(self._spoken.sent), 0.0

    def _remaining(self) -> float:
        """ms of sound that was sent and not yet heard."""
        sequence, milliseconds = self._position()
        left = sum(sent.speech.milliseconds for sent in self._spoken.sent[sequence:])
        return max(0.0, left - milliseconds)

    async def _speak(self, spoken: Spoken, clauses: asyncio.Queue[str | None]) -> None:
        while (clause := await clauses.get()) is not _END:
            while self._remaining() > AHEAD and spoken is self._spoken:
                self._moved.clear()
                try:
                    await asyncio.wait_for(self._moved.wait(), 0.5)
                except TimeoutError:
                    continue  # a client that doesn't report: the clock moves on
            if not spoken.sent and not self._ready(clause) and (filler := self._ready(FILLERS[self.language])):
                self._send(spoken, replace(filler, text="", marks=()))
            speech = await self._sound(clause)
            if speech is not None:
                self._send(spoken, speech)
        if spoken is self._spoken:
            spoken.complete = True
            self._emit(VoiceEvent("finished", spoken.turn_id, sequence=len(spoken.sent)))

    def _send(self, spoken: Spoken, speech: Speech) -> None:
        if spoken is not self._spoken:
            return  # stale
        now = self._clock()
        last = spoken.sent[-1] if spoken.sent else None
        begins = max(now, last.begins + last.speech.milliseconds / 1000) if last else now
        spoken.sent.append(_Sent(speech, begins))
        self._emit(VoiceEvent("audio", spoken.turn_id, speech=speech, sequence=len(spoken.sent) - 1))

    def _ready(self, clause: str) -> Speech | None:
        return self._prepared.find(clause, self.speed) if self._prepared is not None else None

    async def _sound(self, clause: str) -> Speech | None:
        if ready := self._ready(clause):
            return ready
        if self._voice is None:
            return None
        try:
            return await self._voice.speak(clause, self.speed)
        except SpeakError as error:
            # The text is on the screen; the rest of the answer may still be spoken.
            _log.warning("a clause was not spoken: %s", error.message)
            self._emit(VoiceEvent("error", self._spoken.turn_id, text="声音出了点问题，请看屏幕上的字。"))
            return None
