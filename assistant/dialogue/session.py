"""One voice session: it listens, asks the turn, speaks, and gives way to whoever interrupts."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass

from assistant.contracts import Answer, Conversation, Language, TurnEvent
from assistant.dialogue.commands import command, only_listening
from assistant.dialogue.listening import Listener, Utterance
from assistant.dialogue.phrases import PHRASES
from assistant.dialogue.speaking import Speaker
from assistant.handoff.calls import CallView
from assistant.understand.guard import small_talk
from assistant.voice_contracts import (
    PreparedSpeech,
    Recogniser,
    Repair,
    Sound,
    Transcript,
    TurnDetector,
    Voice,
    VoiceActivity,
    VoiceEvent,
)

_log = logging.getLogger(__name__)

PATIENCE = 20.0  # seconds that words of others wait for quiet
SLOWEST, FASTEST, STEP = 0.7, 1.3, 0.12  # of the voice's own pace
SAYS = {
    "slower": {Language.CHINESE: "好的，我说慢一点。", Language.ENGLISH: "All right, I will speak more slowly."},
    "faster": {Language.CHINESE: "好的，我说快一点。", Language.ENGLISH: "All right, I will speak faster."},
}
UNHEARD = {
    Language.CHINESE: "对不起，我没听清，请再说一遍。",
    Language.ENGLISH: "Sorry, I did not catch that. Please say it again.",
}


def detect(text: str) -> Language:
    """The language that ``text`` is spoken in."""
    return Language.CHINESE if any("\u4e00" <= c <= "\u9fff" for c in text) else Language.ENGLISH


@dataclass(frozen=True, eq=False)
class Engines:
    """What every voice session of the process shares."""

    recogniser: Recogniser
    activity: Callable[[], VoiceActivity]  # one object a session
    voice: Voice | None = None
    prepared: PreparedSpeech | None = None
    detector: TurnDetector | None = None
    repair: Callable[[str], Repair] = lambda text: Repair(text, text)
    settled: Callable[[str], bool] | None = None  # whether words that don't decide are a question with an answer
    context: str = ""  # words of the domain for the recogniser
    speed: float = 1.0
    keep: Callable[[Sound, str], None] | None = None  # set only when the operator keeps recordings


@dataclass(eq=False)
class _Words:
    """Something to say that is no answer of our own turn: a sentence, or an answer as a turn."""

    text: str
    answer: Answer | None = None
    said: asyncio.Future[int | None] | None = None

    def settle(self, turn_id: int) -> None:
        if self.said is not None and not self.said.done():
            self.said.set_result(turn_id)

    def give_up(self) -> None:
        if self.said is not None and not self.said.done():
            self.said.set_result(None)


class VoiceSession:
    """``events`` is what the client gets. All methods are called from one event loop and return at once."""

    def __init__(
        self,
        conversation: Conversation,
        engines: Engines,
        session: str,
        language: Language | None = None,
        on_busy: Callable[[bool], None] = lambda busy: None,
        expects: Callable[[str], bool] = lambda session: False,
    ) -> None:
        """``on_busy`` hears when somebody speaks or is answered, so that background work can wait.

        ``expects`` tells whether a mere 好 or 嗯 is an answer now.
        """
        self._conversation, self._engines = conversation, engines
        self.session, self.language = session, language
        self._events: asyncio.Queue[VoiceEvent] = asyncio.Queue()
        self._speaker = Speaker(engines.voice, engines.prepared, self._emit)
        self._speaker.speed = engines.speed
        self._listener = Listener(
            engines.activity(),
            engines.recogniser,
            engines.detector,
            on_started=self._on_started,
            on_partial=self._on_partial,
            on_false_start=self._on_false_start,
            on_utterance=self._on_utterance,
            context=engines.context,
            settled=engines.settled,
        )
        self._on_busy, self._expects = on_busy, expects
        self._held = False  # the sound stands still while we find out whether it was an interruption
        self._turn: asyncio.Task[None] | None = None
        self._turn_id = 0
        self._repeats = 0  # how often the same answer was asked for again
        self._words: asyncio.Queue[_Words] = asyncio.Queue()  # of others, said when nobody else speaks
        self._saying: asyncio.Task[None] | None = None
        self._closed = False

    async def events(self) -> AsyncIterator[VoiceEvent]:
        """Everything for the client, in order; ends never."""
        while True:
            yield await self._events.get()

    # --- from the client ---------------------------------------------------------------

    def hear(self, sound: Sound) -> None:
        """Microphone sound (HEARD_RATE, any length)."""
        if self._closed:
            return
        self._listener.feed(sound)

    def released(self) -> None:
        """The talk button was let go: what was said is whole."""
        self._listener.finish()

    def played(self, turn_id: int, sequence: int, milliseconds: float) -> None:
        """How far the client has played."""
        self._speaker.played(turn_id, sequence, milliseconds)

    def ask(self, text: str) -> None:
        """A typed, tapped or corrected question; it interrupts."""
        self._interrupt()
        self._begin_turn(text)

    def cancel(self) -> None:
        """Be quiet, and drop what is going on."""
        self._interrupt()

    def repeat(self) -> None:
        """Say the last answer again."""
        self.ask("再说一遍" if self.language is not Language.ENGLISH else "please repeat")

    def change_speed(self, slower: bool) -> None:
        """One step slower or faster from the next clause on; says so when nothing is being said."""
        self._set_speed(self._speaker.speed + (-STEP if slower else STEP))
        if not self._speaker.speaking:
            self._say(SAYS["slower" if slower else "faster"][self.language or Language.CHINESE])

    def pace(self, speed: float) -> None:
        """Speak at ``speed`` from the next clause on, as was learnt before the line broke."""
        self._speaker.speed = round(min(FASTEST, max(SLOWEST, speed)), 2)

    def say(self, name: str) -> None:
        """Say one of ``PHRASES``; it interrupts. Raises KeyError when there is no such phrase."""
        text = PHRASES[name][self.language or Language.CHINESE]
        self._interrupt()
        self._say(text)

    async def tell(self, answer: Answer) -> int | None:
        """Say ``answer``, which no turn of ours gave, as a turn; returns its epoch, None when that came to nothing."""
        said: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
        self._enqueue(_Words(answer.text, answer, said))
        return await said

    def called(self, view: CallView, speak: bool) -> None:
        """A call to a person is in another state."""
        self._emit(VoiceEvent("call", self._turn_id, payload=view))
        if speak:
            self._enqueue(_Words(view.message))

    async def forget(self) -> None:
        """The session is erased: drop every word and sound of it, and say that as the last message."""
        await self.close()
        while not self._events.empty():
            self._events.get_nowait()
        self._events.put_nowait(VoiceEvent("erased"))

    async def close(self) -> None:
        """End everything; nothing of the session's work goes on."""
        self._closed = True
        self._conversation.cancel(self.session)
        if self._saying is not None:
            self._saying.cancel()
            await asyncio.gather(self._saying, return_exceptions=True)
        while not self._words.empty():
            self._words.get_nowait().give_up()
        turn = self._turn
        if turn is not None:
            turn.cancel()
        await asyncio.gather(self._listener.close(), self._speaker.close(), return_exceptions=True)
        if turn is not None:
            await asyncio.gather(turn, return_exceptions=True)
        self._on_busy(False)

    # --- from the listener -------------------------------------------------------------

    def _on_started(self) -> None:
        self._on_busy(True)
        if self._speaker.speaking:
            self._held = True
            self._speaker.hold()
            self._emit(VoiceEvent("hold", self._turn_id))
        else:
            self._emit(VoiceEvent("speech"))

    def _on_partial(self, transcript: Transcript) -> None:
        if not transcript.text:
            return
        if self._held and not self._only_listening(transcript.text):
            self._interrupt()
        if not self._held:
            self._emit(VoiceEvent("partial", text=transcript.text))

    def _on_false_start(self) -> None:
        self._on_busy(False)
        if self._held:
            self._resume()
        else:
            self._emit(VoiceEvent("nothing", reason="noise"))

    async def _on_utterance(self, utterance: Utterance) -> None:
        text = utterance.transcript.text
        self._on_busy(False)
        if self._held:
            if not text or self._only_listening(text):
                self._resume()
                return
            self._interrupt()
        if not text:
            self._emit(VoiceEvent("nothing", reason=utterance.transcript.reason))
            if utterance.transcript.reason == "unsure" and utterance.voiced_ms > 600:
                self._say(UNHEARD[self.language or Language.CHINESE])
            return
        if self._engines.keep is not None:
            await asyncio.to_thread(self._engines.keep, utterance.sound, text)
        order = command(text)
        if order == "stop":
            self._interrupt()
            self._emit(VoiceEvent("nothing", self._turn_id, reason="command"))
        elif order is not None:
            self._interrupt()
            self.change_speed(slower=order == "slower")
        elif self._only_listening(text):
            self._emit(VoiceEvent("nothing", reason="listening"))
        else:
            repair = await asyncio.to_thread(self._engines.repair, text)
            self._emit(VoiceEvent("heard", self._turn_id, text=repair.text, repair=repair if repair.changes else None))
            self._begin_turn(repair.text)

    def _only_listening(self, text: str) -> bool:
        return only_listening(text) and not self._expects(self.session)

    # --- the words of others -----------------------------------------------------------

    def _enqueue(self, words: _Words) -> None:
        if self._closed:
            words.give_up()
            return
        self._words.put_nowait(words)
        if self._saying is None or self._saying.done():
            self._saying = asyncio.create_task(self._say_words())

    async def _say_words(self) -> None:
        while not self._words.empty():
            words = self._words.get_nowait()
            try:
                await self._quiet()
                if words.answer is None:
                    self._say(words.text)
                else:
                    words.settle(self._say_turn(words.answer))
            finally:
                words.give_up()

    async def _quiet(self) -> None:
        """Return when neither she nor the resident speaks, or after a while."""
        for _ in range(int(PATIENCE / 0.05)):
            running = self._turn is not None and not self._turn.done()
            if not running and not self._speaker.speaking and not self._listener.active:
                return
            await asyncio.sleep(0.05)

    def _say_turn(self, answer: Answer) -> int:
        """A whole turn that nobody asked for."""
        turn_id = self._conversation.tell(self.session, answer)
        self._follow(TurnEvent(turn_id=turn_id, type="started"))
        self._follow(TurnEvent(turn_id=turn_id, type="text", text=answer.text))
        self._follow(TurnEvent(turn_id=turn_id, type="answer", answer=answer))
        return turn_id

    # --- the turn ----------------------------------------------------------------------

    def _begin_turn(self, text: str) -> None:
        if self._closed:
            return
        self._repeats = self._repeats + 1 if small_talk(text) == "repeat" else 0
        if self._repeats == 2:  # who asks twice did not follow
            self._repeats = 0
            self._set_speed(self._speaker.speed - STEP)
        if self._turn is not None:
            self._turn.cancel()
        self._turn = asyncio.create_task(self._run(text))

    async def _run(self, text: str) -> None:
        self._on_busy(True)
        try:
            async with aclosing(self._conversation.ask(text, self.session, self.language)) as events:  # type: ignore[type-var]
                async for event in events:
                    self._follow(event)
        except asyncio.CancelledError:
            raise
        except Exception:
            _log.exception("a voice turn failed")
            self._speaker.stop()
            self._emit(VoiceEvent("error", self._turn_id, text="出了点问题，请再问一次。"))
            self._emit(VoiceEvent("stop", self._turn_id))
        finally:
            self._on_busy(False)

    def _follow(self, event: TurnEvent) -> None:
        if event.type == "started":
            if self._speaker.speaking:
                self._emit(VoiceEvent("stop", self._turn_id))
            self._turn_id = event.turn_id
            self._speaker.begin(event.turn_id)
        if event.turn_id != self._turn_id:
            return
        self._emit(VoiceEvent("turn", event.turn_id, payload=event))
        if event.type == "text":
            self._speaker.language = detect(event.text)
            self._speaker.say(event.text)
        elif event.type == "answer":
            self._speaker.finish()
        elif event.type == "error":
            self._speaker.say(event.text)
            self._speaker.finish()
        elif event.type == "cancelled":
            self._speaker.stop()

    def _set_speed(self, speed: float) -> None:
        self.pace(speed)
        self._emit(VoiceEvent("speed", self._turn_id, text=f"{self._speaker.speed:.2f}"))

    def _say(self, text: str) -> None:
        """Words of our own, outside a turn."""
        if self._closed:
            return
        self._turn_id = self._conversation.epoch(self.session)
        self._speaker.begin(self._turn_id)
        self._speaker.say(text)
        self._speaker.finish()

    def _interrupt(self) -> None:
        """Stop the sound, the turn and its engines; remember only what was heard."""
        self._held = False
        running = self._turn is not None and not self._turn.done()
        if not running and not self._speaker.speaking:
            return
        heard = self._speaker.stop()
        if self._turn is not None:
            self._turn.cancel()
        self._emit(VoiceEvent("stop", self._turn_id))
        if heard is not None:
            self._conversation.heard(self.session, self._turn_id, heard)
        self._conversation.cancel(self.session)

    def _resume(self) -> None:
        self._held = False
        self._speaker.resume()
        self._emit(VoiceEvent("resume", self._turn_id))

    def _emit(self, event: VoiceEvent) -> None:
        if event.type in ("audio", "finished") and event.turn_id != self._turn_id:
            return  # stale
        self._events.put_nowait(event)
