"""Sessions: what one conversation remembers, in memory only, and its erasure."""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from assistant.contracts import Answer, Exchange, Language

_log = logging.getLogger(__name__)


@dataclass
class Session:
    """One conversation; ``turn_id`` is the epoch that makes older turns stale."""

    id: str
    turn_id: int = 0
    language: Language | None = None
    memory: list[Exchange] = field(default_factory=list)
    last: Answer | None = None  # what 再说一遍 repeats
    answers: dict[int, Answer] = field(default_factory=dict)  # the last few by turn
    touched: float = 0.0


class Sessions:
    """Open sessions; the oldest idle ones are erased when time or room runs out."""

    def __init__(
        self,
        limit: int = 2000,
        minutes: float = 30.0,
        turns: int = 6,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit, self._seconds, self._turns, self._clock = limit, minutes * 60, turns, clock
        self._open: OrderedDict[str, Session] = OrderedDict()
        self._forget: list[Callable[[str], None]] = []
        self._epoch = 0  # a session opened again never reuses the epoch of an erased one

    def get(self, id_: str) -> Session:
        """The session of this id, opened when new."""
        now = self._clock()
        self.expire()
        session = self._open.setdefault(id_, Session(id_, self._epoch))
        session.touched = now
        self._open.move_to_end(id_)
        while len(self._open) > self._limit:
            self.erase(next(iter(self._open)))
        return session

    def begin(self, id_: str) -> tuple[Session, int]:
        """Start a turn: every earlier turn of the session becomes stale."""
        session = self.get(id_)
        session.turn_id += 1
        return session, session.turn_id

    def remember(self, session: Session, exchange: Exchange) -> None:
        """Keep one exchange, and only the last few."""
        session.memory.append(exchange)
        del session.memory[: -self._turns]

    def cancel(self, id_: str) -> None:
        """Make the running turn stale."""
        if session := self._open.get(id_):
            session.turn_id += 1

    def heard(self, id_: str, turn_id: int, text: str, holds: Callable[[str], bool]) -> None:
        """Cut the memory of a turn to the ``text`` that was heard; ``holds`` tells of a passage id whether it was."""
        session = self._open.get(id_)
        for place, exchange in enumerate(session.memory if session else ()):
            if session and exchange.turn_id == turn_id:
                kept = tuple(id_ for id_ in exchange.passage_ids if holds(id_))
                session.memory[place] = exchange.model_copy(update={"answer": text, "passage_ids": kept})

    def answer(self, session: Session, turn_id: int, answer: Answer) -> None:
        """Keep what turn ``turn_id`` answered: the last one to repeat, the last few to take home."""
        session.last = answer
        session.answers[turn_id] = answer
        while len(session.answers) > self._turns:
            del session.answers[next(iter(session.answers))]

    def answered(self, id_: str, turn_id: int) -> Answer | None:
        """What turn ``turn_id`` answered, when it is one of a session's last few; opens no session."""
        session = self._open.get(id_)
        return session.answers.get(turn_id) if session else None

    def spoken_of(self, id_: str) -> Answer | None:
        """The last answer of a session that is about something, and no talk; opens none."""
        session = self._open.get(id_)
        answers = reversed(session.answers.values()) if session else ()
        return next((each for each in answers if each.engine not in ("talk", "person", "relay")), None)

    def exchanges(self, id_: str) -> tuple[Exchange, ...]:
        """What a session remembers, oldest first; opens none."""
        session = self._open.get(id_)
        return tuple(session.memory) if session else ()

    def on_erase(self, forget: Callable[[str], None]) -> None:
        """Call ``forget`` with the id of each session that is erased: by request, by time, or for room."""
        self._forget.append(forget)

    def erase(self, id_: str) -> None:
        """Forget a session; a turn still running in it is stale from now on."""
        if session := self._open.pop(id_, None):
            session.turn_id += 1
            self._epoch = max(self._epoch, session.turn_id)
            session.memory.clear()
            session.answers.clear()
            session.last = None
        for forget in self._forget:
            try:
                forget(id_)
            except Exception as error:  # the others must still forget
                _log.error("something did not forget a session: %s", type(error).__name__)

    def __len__(self) -> int:
        return len(self._open)

    def expire(self) -> None:
        """Erase every session that nobody has used for too long."""
        now = self._clock()
        while self._open:
            id_, oldest = next(iter(self._open.items()))
            if now - oldest.touched < self._seconds:
                break
            self.erase(id_)
