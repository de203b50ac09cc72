"""One whole turn: hear, understand, retrieve, answer, verify, show. Only this file knows the order."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date

from assistant.answer.compose import compose
from assistant.answer.contacts import contacts, named_hotline
from assistant.answer.free import written
from assistant.answer.holdings import Holdings
from assistant.answer.refuse import Refusals
from assistant.answer.structure import Structure, wants_department
from assistant.answer.suggest import Suggestions
from assistant.answer.talk import ask_for_person, talk
from assistant.answer.verified import Verifier
from assistant.contracts import (
    Answer,
    Candidate,
    Contacts,
    Corpus,
    Decision,
    Document,
    Evidence,
    Exchange,
    Language,
    LanguageModel,
    Observer,
    Passage,
    Question,
    Retriever,
    TurnEvent,
)
from assistant.errors import AnswerError, InputError, JiamenkouError
from assistant.retrieve.gate import Gate
from assistant.retrieve.recent import Recent
from assistant.sessions import Session, Sessions
from assistant.understand.clean import clean_question, detect_language
from assistant.understand.follow_up import chosen
from assistant.understand.guard import abusive, gives_orders, recognise_emergency, small_talk, strip_orders
from assistant.understand.question import make_question

_log = logging.getLogger(__name__)

RUN = 6  # characters of a passage in a row that show that it was heard
SURE = 0.35  # the gate's confidence from which a yes may be said before the evidence
CLOSE = 0.06  # lead of the best sentence under which the model is asked to select
# A follow-up on where or what for: the sentence that was said did not tell.
_SAYS_WHERE = re.compile(r"在[^。；;]{2,40}?等?(领域|场景|方面|场所|区域|地方)")
_ELSEWHERE = re.compile(r"哪里|哪儿|哪些(地方|方面|领域|范围)|\bwhere\b", re.IGNORECASE)


_NOTHING = Corpus(documents=(), passages=())


@dataclass(frozen=True)
class Knowledge:
    """One open release; a turn keeps the one that it began with."""

    release: str
    retriever: Retriever
    structure: Structure = field(default_factory=lambda: Structure(_NOTHING))
    refusals: Refusals = field(default_factory=lambda: Refusals(()))
    verifier: Verifier = field(default_factory=lambda: Verifier({}, (), Refusals(())))
    passages: Mapping[str, Passage] = field(default_factory=dict)
    documents: tuple[Document, ...] = ()
    corpus: Corpus = field(default_factory=lambda: _NOTHING)  # synonyms, referrals, names of departments
    aliases: Mapping[str, str] = field(default_factory=dict)  # department, as people say it: full name
    suggestions: Mapping[Language, tuple[str, ...]] = field(default_factory=dict)  # before anyone has asked
    following: Suggestions = field(default_factory=lambda: Suggestions(()))  # after an answer
    shelf: Holdings | None = None  # all of the release, whatever the day


_AWAY = {
    Language.CHINESE: "我现在查不到资料，对不起。请稍等一会儿再问，急事请拨打12345。",
    Language.ENGLISH: "I can't look things up just now, sorry. Please ask again in a moment, or ring 12345.",
}


class Assistant:
    """A ``Conversation`` on the newest release."""

    def __init__(
        self,
        knowledge: Callable[[], Knowledge],
        model: LanguageModel | None = None,
        sessions: Sessions | None = None,
        observers: Sequence[Observer] = (),
        question_limit: int = 500,
        select_timeout: float = 1.8,
        write_timeout: float = 20.0,
        engine: str = "auto",
        today: Callable[[], date] = date.today,
    ) -> None:
        self._knowledge, self._model, self._observers = knowledge, model, observers
        self._sessions = sessions or Sessions()
        self._limit, self._engine, self._today = question_limit, engine, today
        self._select_timeout, self._write_timeout = select_timeout, write_timeout
        self._gate = Gate()
        self._recent = Recent()

    async def ask(self, text: str, session: str, language: Language | None = None) -> AsyncIterator[TurnEvent]:
        """Run one turn; see ``Conversation.ask``."""
        state, turn_id = self._sessions.begin(session)
        yield TurnEvent(turn_id=turn_id, type="started")
        if state.turn_id != turn_id:  # the listener may have taken its time
            yield TurnEvent(turn_id=turn_id, type="cancelled")
            return
        try:
            answer = await self.answer(text, state, language)
        except InputError as error:
            yield TurnEvent(turn_id=turn_id, type="error", text=f"{error.message}{error.hint}", reason="input")
            return
        except JiamenkouError as error:  # its words are for staff
            _log.exception("a turn failed: %s", error.message)
            text = _AWAY[language or Language.CHINESE]
            yield TurnEvent(turn_id=turn_id, type="error", text=text, reason="away")
            return
        for piece in re.findall(r"(?:[^，。；！？,.;!?]|[.,](?=\d))*[，。；！？,.;!?]*\s*", answer.text):
            if state.turn_id != turn_id:
                yield TurnEvent(turn_id=turn_id, type="cancelled")
                return
            if piece:
                yield TurnEvent(turn_id=turn_id, type="text", text=piece)
        if state.turn_id != turn_id:
            yield TurnEvent(turn_id=turn_id, type="cancelled")
            return
        yield TurnEvent(turn_id=turn_id, type="answer", answer=answer)

    async def answer(self, text: str, session: Session, language: Language | None = None) -> Answer:
        """The whole turn without streaming; raises InputError for input that can't be used."""
        clock = Clock()
        knowledge, today = self._knowledge(), self._today()  # midnight may pass, or a release be swapped, meanwhile
        epoch = session.turn_id
        with clock.step("understand"):
            heard = clean_question(text, self._limit)
            spoken = detect_language(heard)
            spoken = language if language and spoken is Language.CHINESE else spoken
            heard = chosen(heard, session.last.suggestions if session.last else ()) or heard
            reply = self._at_once(heard, session, spoken, knowledge)
        question = decision = None
        if reply is None:
            with clock.step("understand"):
                question = make_question(
                    strip_orders(heard) or heard, session.memory, language, knowledge.aliases, today.year
                )
                reply = _in_force(knowledge.structure.answer(question), knowledge, today)
            if reply is None:
                with clock.step("retrieve"):
                    evidence = await self._search(knowledge, question, today)
                    decision = unsaid(self._gate.decide(question, evidence), question, session)
                with clock.step("answer"):
                    referral = evidence.referral.hotline if evidence.referral else "12345"
                    reply = await self._compose(question, decision, referral, knowledge)
        with clock.step("verify"):
            reply = knowledge.verifier.checked(reply, question, decision)
        near = decision.candidates if decision else ()
        following = reply.suggestions or knowledge.following.after(reply, near, [heard])
        reply = reply.model_copy(update={"timings": clock.milliseconds(), "suggestions": following})
        if session.turn_id == epoch:  # a cancelled turn leaves nothing behind
            self._remember(session, heard, question, reply)
        for observer in self._observers:
            observer.turn_finished(heard, reply)
        return reply

    def _at_once(self, heard: str, session: Session, spoken: Language, knowledge: Knowledge) -> Answer | None:
        """What comes before any search: danger, orders to the model, abuse, small talk."""
        emergency = recognise_emergency(heard)
        if emergency:
            cards = [card for number in emergency.hotlines if (card := knowledge.refusals.hotline(number))]
            return Answer(
                text=emergency.answer,
                citations=tuple(cards),
                emergency=True,
                language=spoken,
                engine="guard",
                reason=emergency.kind,
                hotline=emergency.number,
            )
        bare = Question(text=heard, resolved=heard, language=spoken)
        for reason, applies in (
            ("orders", gives_orders(heard) and not strip_orders(heard)),
            ("abuse", abusive(heard)),
        ):
            if applies:
                return knowledge.refusals.refuse(bare, Decision(action="unknown", confidence=1.0, reason=reason))
        kind = small_talk(heard)
        if kind == "repeat":
            return session.last or talk("nothing_to_repeat", spoken)
        if kind == "person":
            card = knowledge.refusals.hotline(named_hotline(self._sessions.spoken_of(session.id)) or "12345")
            return ask_for_person(card, spoken)
        return talk(kind, spoken) if kind else None

    async def _search(self, knowledge: Knowledge, question: Question, today: date) -> Evidence:
        found = self._recent.get(knowledge.release, question, today)
        if found is None:
            found = await asyncio.to_thread(
                self._recent.search, knowledge.retriever, knowledge.release, question, today
            )
        return found

    async def _compose(self, question: Question, decision: Decision, hotline: str, knowledge: Knowledge) -> Answer:
        if decision.action != "answer":
            options = knowledge.following.options(decision.candidates, question.language)
            return knowledge.refusals.refuse(
                question, decision, hotline, options if decision.reason == "unclear" else ()
            )
        if wants_department(question):
            reply = knowledge.structure.department(question, decision.candidates)
            if reply:
                return reply
        if self._model is not None and self._engine != "extractive" and await self._model.ready():
            try:
                if self._model.writes:
                    draft = await written(self._model, question, decision, self._write_timeout)
                    if knowledge.verifier.passes(draft, question):
                        return draft
                elif self._engine == "llm" or decision.margin < CLOSE:
                    return await self._selected(question, decision, knowledge)
            except Exception as error:  # late, broken, or lying: the extractive answer stands in at once
                _log.warning("the model gave no answer: %s", type(error).__name__)
        return compose(question, decision.candidates, sure=decision.confidence >= SURE)

    async def _selected(self, question: Question, decision: Decision, knowledge: Knowledge) -> Answer:
        """Let the model pick among the sentences of the best article; it can't say anything else."""
        first = decision.candidates[0]
        parent = knowledge.passages.get(first.passage.parent or "")
        sentences = knowledge.structure.sentences(parent.id) if parent else []
        if self._model is None or parent is None or len(sentences) < 2:
            return compose(question, decision.candidates, sure=decision.confidence >= SURE)
        try:
            async with asyncio.timeout(self._select_timeout):
                number = await self._model.select(
                    question.resolved, parent, [s.text for s in sentences], self._select_timeout
                )
        except TimeoutError as error:
            raise AnswerError("The model is late.", "The extractive answer stands in.") from error
        if not 1 <= number <= len(sentences):
            return compose(question, decision.candidates, sure=decision.confidence >= SURE)
        picked = sentences[number - 1]
        known = {c.passage.id: c for c in decision.candidates}
        chosen = known.get(picked.id) or Candidate(passage=picked, score=first.score)
        return compose(question, (chosen,), "selected", decision.confidence >= SURE)

    def _remember(self, session: Session, heard: str, question: Question | None, reply: Answer) -> None:
        self._sessions.answer(session, session.turn_id, reply)
        if question is None:
            return
        self._sessions.remember(
            session,
            Exchange(
                question=heard,
                resolved=question.resolved,
                answer=reply.text,
                refused=reply.refused,
                kind=question.kinds[0],
                passage_ids=tuple(c.passage_id for c in reply.citations),
                article=reply.citations[0].article if reply.citations else None,
                turn_id=session.turn_id,
            ),
        )

    def session(self, id_: str) -> Session:
        """The session of this id, for callers that run whole turns."""
        return self._sessions.get(id_)

    def cancel(self, session: str) -> None:
        """Make the running turn stale."""
        self._sessions.cancel(session)

    def epoch(self, session: str) -> int:
        """A new epoch for words outside a turn; what ran before is stale."""
        return self._sessions.begin(session)[1]

    def heard(self, session: str, turn_id: int, text: str) -> None:
        """Of a turn's answer only ``text`` was heard: memory keeps no more than that."""
        passages = self._knowledge().passages
        said = re.sub(r"\W", "", text)

        def holds(passage_id: str) -> bool:
            passage = passages.get(passage_id)
            words = re.sub(r"\W", "", f"{passage.text} {passage.english or ''}") if passage else ""
            return any(words[i : i + RUN] in said for i in range(len(words) - RUN + 1))

        self._sessions.heard(session, turn_id, text, holds)

    def answered(self, session: str, turn_id: int) -> Answer | None:
        """The session's last answer when it is of turn ``turn_id``."""
        return self._sessions.answered(session, turn_id)

    def erase(self, session: str) -> None:
        """Forget everything about a session."""
        self._sessions.erase(session)

    def on_erase(self, forget: Callable[[str], None]) -> None:
        """Call ``forget`` with a session's id whenever one is erased, for whatever reason."""
        self._sessions.on_erase(forget)

    def expire(self) -> None:
        """Erase sessions that nobody has used for too long; to be called every few seconds."""
        self._sessions.expire()

    def tell(self, session: str, answer: Answer) -> int:
        """Make ``answer``, which no turn of ours gave, the session's last one; returns its epoch."""
        state, turn_id = self._sessions.begin(session)
        self._sessions.answer(state, turn_id, answer)
        return turn_id

    def exchanges(self, session: str) -> tuple[Exchange, ...]:
        """What the session remembers, oldest first."""
        return self._sessions.exchanges(session)

    async def contacts(self, session: str) -> Contacts:
        """Whom to turn to about what was spoken of last."""
        knowledge, last = self._knowledge(), self._sessions.spoken_of(session)
        asked = self._sessions.exchanges(session)
        evidence = Evidence()
        if asked and not named_hotline(last):
            question = Question(text=asked[-1].question, resolved=asked[-1].resolved)
            evidence = await asyncio.to_thread(knowledge.retriever.search, question, self._today())
        return contacts(last, evidence, knowledge.passages, knowledge.refusals, self._today())

    def suggestions(self, language: Language) -> tuple[str, ...]:
        """Questions to offer before anyone has asked."""
        return self._knowledge().suggestions.get(language, ())

    def passage(self, passage_id: str) -> Passage | None:
        """One passage of the current release."""
        return self._knowledge().passages.get(passage_id)

    def passages(self, doc: str) -> tuple[Passage, ...]:
        """All passages of one document, in order."""
        passages = self._knowledge().passages
        of = getattr(passages, "of", None)  # a shelf finds them without reading all
        return tuple(of(doc) if of else (p for p in passages.values() if p.doc == doc))

    def documents(self) -> tuple[Document, ...]:
        """Documents of the current release."""
        return self._knowledge().documents

    def rate(self, session: str, turn_id: int, good: bool) -> None:
        """Count a thumb up or down; keeps no text."""
        for observer in self._observers:
            rated = getattr(observer, "rated", None)
            if rated:
                rated(good)


def _in_force(reply: Answer | None, knowledge: Knowledge, today: date) -> Answer | None:
    """``reply`` unless it stands on something that may not be used today."""
    cited = (knowledge.passages.get(c.passage_id) for c in reply.citations) if reply else ()
    return None if any(p is not None and not p.valid_on(today) for p in cited) else reply


def unsaid(decision: Decision, question: Question, session: Session) -> Decision:
    """For a follow-up that asks on, put first what its article says and was not said yet."""
    if decision.action != "answer" or not question.follow_up or not session.memory:
        return decision
    said = set(session.memory[-1].passage_ids)
    first = decision.candidates[0].passage
    elsewhere = _ELSEWHERE.search(question.text) and not _SAYS_WHERE.search(first.text)
    if first.id not in said or not (question.more or elsewhere):
        return decision
    fresh = [c for c in decision.candidates if c.passage.parent == first.parent and c.passage.id not in said]
    rest = [c for c in decision.candidates if c not in fresh]
    return decision.model_copy(update={"candidates": (*fresh, *rest)})


class Clock:
    """Milliseconds by stage."""

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self._steps: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time one stage; stages entered twice add up."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self._steps[name] = self._steps.get(name, 0.0) + (time.perf_counter() - started) * 1000

    def milliseconds(self) -> dict[str, float]:
        """All stages and the total, rounded to 0.1 ms."""
        total = (time.perf_counter() - self._started) * 1000
        return {name: round(value, 1) for name, value in (*self._steps.items(), ("total", total))}
