"""A conversation in which a person may be called: it asks, relays, and brings the answers of staff."""

from __future__ import annotations

import asyncio
import re
import unicodedata
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import aclosing
from typing import Any, Literal

from assistant.contracts import Answer, Contacts, Conversation, Document, Exchange, Language, Passage, TurnEvent
from assistant.errors import HandoffError, InputError
from assistant.handoff.calls import Call, Summary, summarise
from assistant.handoff.desk import REPLY, Desk, ReplyEvent
from assistant.handoff.words import ring, say
from assistant.understand.clean import clean_question, detect_language, tidy
from assistant.understand.guard import recognise_emergency, small_talk

PATIENCE = 20.0  # seconds that an answer of staff waits for 小沪 and the resident to be quiet
_YES = re.compile(
    r"(好|要|行|可以|嗯|是|对|叫|给|看|同意|没关系|没问题|麻烦)(的|啊|呀|吧|了|你|您|一下|他|她|他们|看|叫|要)*|(现在)?(帮我)?叫(一下|吧)?|"
    r"(yes|yeah|ok|okay|sure|please|go ahead|yes please|please do|all right|alright)",
    re.IGNORECASE,
)
_NO = re.compile(
    r"(不|别|甭|算了|不用|不要|没必要|不给|不行|不好|不可以|不同意|不看|不叫)(了|要|用|给|叫|看|啊|呀|吧|谢谢)*|"
    r"(no|no thanks|no thank you|not now|don'?t|never mind)",
    re.IGNORECASE,
)
_MARKS = re.compile(r"[\s，,。.！!？?、~～…]+")

Tell = Callable[[Answer], Coroutine[Any, Any, int | None]]


class People(Conversation):
    """``Conversation`` over another one. Whoever has taken over hears everything but dangers are answered at once."""

    def __init__(self, inner: Conversation, desk: Desk) -> None:
        self._inner, self.desk = inner, desk
        self._asked: dict[str, Literal["call", "share"]] = {}  # sessions that were asked, and what
        self._running: dict[str, int] = defaultdict(int)  # turns that are being answered
        self._mouths: dict[str, list[Tell]] = defaultdict(list)  # voice sessions, which say what staff wrote
        self._tasks: set[asyncio.Task[None]] = set()
        inner.on_erase(self._forget)

    # --- the turn ----------------------------------------------------------------------

    async def ask(self, text: str, session: str, language: Language | None = None) -> AsyncIterator[TurnEvent]:
        """See ``Conversation.ask``."""
        self.desk.seen(session)
        answer = await self._of_people(text, session, language)
        self._running[session] += 1
        try:
            if answer is not None:
                # What staff said last can be repeated; that it was passed on need not be.
                relayed = answer.engine == "relay"
                turn_id = self._inner.epoch(session) if relayed else self._inner.tell(session, answer)
                yield TurnEvent(turn_id=turn_id, type="started")
                yield TurnEvent(turn_id=turn_id, type="text", text=answer.text)
                yield TurnEvent(turn_id=turn_id, type="answer", answer=answer)
                return
            async with aclosing(self._inner.ask(text, session, language)) as events:  # type: ignore[type-var]
                async for event in events:
                    yield event
        finally:
            self._running[session] -= 1
            if not self._running[session]:
                del self._running[session]

    def expects(self, session: str) -> bool:
        """Whether the next words may be a yes or a no, or go to a staff member."""
        call = self.desk.call_of(session)
        return session in self._asked or bool(call and call.taken_over)

    async def _of_people(self, text: str, session: str, language: Language | None) -> Answer | None:
        """What people have to do with ``text``; None when it is an ordinary question."""
        try:
            heard = clean_question(text)
        except InputError:
            return None
        spoken = detect_language(heard) if any(c.isalpha() for c in heard) else (language or Language.CHINESE)
        asked = self._asked.pop(session, None)
        emergency = recognise_emergency(heard) is not None
        talk = small_talk(heard)
        if talk == "repeat":
            return None
        if self.desk.relay(session, tidy(text)):
            return None if emergency else Answer(text=say("relayed", spoken), language=spoken, engine="relay")
        if emergency:
            return None
        call = self.desk.call_of(session)
        if asked and (reply := _yes_or_no(heard)) is not None:
            return await (self._called if asked == "call" else self._shared)(session, reply, spoken)
        if talk == "person" and self.desk.manned and not (call and call.open):
            self._asked[session] = "call"
            contacts = await self._inner.contacts(session)
            number = number_of(contacts)
            return Answer(
                text=_joined(spoken, say("call_now", spoken), ring(spoken, number)),
                language=spoken,
                engine="talk",
                reason="person",
                hotline=number or None,
                wants_person=True,
            )
        return None

    async def _called(self, session: str, yes: bool, language: Language) -> Answer:
        """The answer to whether to call."""
        if not yes:
            return _talk(say("declined", language), language)
        try:
            await self.call(session, language, speak=False)  # the answer says so
        except HandoffError as error:
            return _talk(f"{error.message}{error.hint}", language)
        if self.summary(session) is None:
            return _talk(say("waiting", language), language)
        self._asked[session] = "share"
        return _talk(_joined(language, say("waiting", language), say("share", language)), language)

    async def _shared(self, session: str, yes: bool, language: Language) -> Answer:
        """The answer to whether to show what was spoken."""
        summary = self.summary(session)
        if yes and summary is not None:
            self.desk.share(session, summary)
        return _talk(say("shared" if yes else "not_shared", language), language)

    # --- calls -------------------------------------------------------------------------

    def summary(self, session: str) -> Summary | None:
        """One page of what was spoken so far: to be shown to the resident before anybody else sees it."""
        return summarise(self._inner.exchanges(session))

    async def call(self, session: str, language: Language, summary_id: str = "", speak: bool = True) -> Call:
        """Call staff; with ``summary_id`` the resident agreed to show exactly that summary.

        Raises HandoffError when nobody is there, or the summary is another one by now.
        """
        self._asked.pop(session, None)
        contacts = await self._inner.contacts(session)
        summary = self.summary(session) if summary_id else None
        if summary_id and (summary is None or summary.id != summary_id):
            raise HandoffError("您看过的内容已经变了。", "请再看一遍，再决定给不给工作人员看。")
        call = self.desk.open(session, language, number_of(contacts), summary, speak)
        if summary is not None and call.summary is None:
            self.desk.share(session, summary)
        return call

    def reply(self, id_: str, staff: int, text: str) -> None:
        """What a staff member answers: 小沪 says it as a turn of its own as soon as it is quiet.

        Raises HandoffError for an empty or too long text, or a call that is not theirs.
        """
        call = self.desk.mine(id_, staff)
        said = _written(text)
        if not re.search(r"\w", said):
            raise HandoffError("还没有写内容。", "请写好再发送。")
        if len(said) > REPLY:
            raise HandoffError("写得太长了。", f"一次最多{REPLY}个字，请分几次发。")
        self.desk.replied(call, said)
        language = detect_language(said)
        answer = Answer(text=said, language=language, engine="person")
        task = asyncio.create_task(self._bring(call, answer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def speaks(self, session: str, tell: Tell) -> Callable[[], None]:
        """A voice session says what staff write in ``session``; returns how to stop."""
        self._mouths[session].append(tell)

        def leave() -> None:
            mouths = self._mouths.get(session, [])
            if tell in mouths:
                mouths.remove(tell)
            if not mouths:
                self._mouths.pop(session, None)

        return leave

    async def _bring(self, call: Call, answer: Answer) -> None:
        """Say an answer of staff to its session, and show it to every screen."""
        session, turn_id = call.session, None
        if mouths := self._mouths.get(session):
            turn_id = await mouths[-1](answer)
        if turn_id is None:  # nobody speaks here, or the line broke meanwhile
            deadline = asyncio.get_running_loop().time() + PATIENCE
            while session in self._running and asyncio.get_running_loop().time() < deadline:
                await asyncio.sleep(0.05)
            if self.desk.call_of(session) is not call:
                return  # erased meanwhile
            turn_id = self._inner.tell(session, answer)
        self.desk.publish(session, ReplyEvent(turn_id, answer))

    def _forget(self, session: str) -> None:
        self._asked.pop(session, None)
        self.desk.erase(session)

    # --- the rest is the conversation's own ---------------------------------------------

    def cancel(self, session: str) -> None:
        """See ``Conversation``."""
        self._inner.cancel(session)

    def epoch(self, session: str) -> int:
        """See ``Conversation``."""
        return self._inner.epoch(session)

    def heard(self, session: str, turn_id: int, text: str) -> None:
        """See ``Conversation``."""
        self._inner.heard(session, turn_id, text)

    def answered(self, session: str, turn_id: int) -> Answer | None:
        """See ``Conversation``."""
        return self._inner.answered(session, turn_id)

    def erase(self, session: str) -> None:
        """See ``Conversation``."""
        self._inner.erase(session)

    def on_erase(self, forget: Callable[[str], None]) -> None:
        """See ``Conversation``."""
        self._inner.on_erase(forget)

    def tell(self, session: str, answer: Answer) -> int:
        """See ``Conversation``."""
        return self._inner.tell(session, answer)

    def exchanges(self, session: str) -> tuple[Exchange, ...]:
        """See ``Conversation``."""
        return self._inner.exchanges(session)

    async def contacts(self, session: str) -> Contacts:
        """See ``Conversation``."""
        return await self._inner.contacts(session)

    def suggestions(self, language: Language) -> tuple[str, ...]:
        """See ``Conversation``."""
        return self._inner.suggestions(language)

    def passage(self, passage_id: str) -> Passage | None:
        """See ``Conversation``."""
        return self._inner.passage(passage_id)

    def documents(self) -> tuple[Document, ...]:
        """See ``Conversation``."""
        return self._inner.documents()

    def passages(self, doc: str) -> tuple[Passage, ...]:
        """See ``Conversation``."""
        return self._inner.passages(doc)

    def rate(self, session: str, turn_id: int, good: bool) -> None:
        """See ``Conversation``."""
        self._inner.rate(session, turn_id, good)


def number_of(contacts: Contacts) -> str:
    """The number of the hotline; '' without one."""
    return next((each.values[0] for each in contacts.hotline if each.field == "phone" and each.values), "")


def _written(text: str) -> str:
    """What staff wrote, on one line and without characters that can't be seen."""
    shown = (c if unicodedata.category(c)[0] != "C" else " " if c.isspace() else "" for c in text)
    return " ".join("".join(shown).split())


def _yes_or_no(text: str) -> bool | None:
    said = _MARKS.sub("" if re.search(r"[\u4e00-\u9fff]", text) else " ", text.lower()).strip()
    if _NO.fullmatch(said):
        return False
    return True if _YES.fullmatch(said) else None


def _talk(text: str, language: Language) -> Answer:
    return Answer(text=text, language=language, engine="talk", reason="person")


def _joined(language: Language, *sentences: str) -> str:
    return (" " if language is Language.ENGLISH else "").join(sentence for sentence in sentences if sentence)
