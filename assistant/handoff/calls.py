"""What a call to a person is: its states, what was agreed to be shown, and what each side sees of it."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from assistant.contracts import Exchange, Frozen, Language

LINE = 240  # characters of one question or answer in a summary
MESSAGES = 60  # messages of one call that are kept while it lasts


class CallState(StrEnum):
    """waiting → taken → closed; back to waiting when the staff member vanishes; withdrawn by the resident."""

    WAITING = "waiting"
    TAKEN = "taken"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"


class Reason(StrEnum):
    """Why a call is in its state."""

    NONE = ""
    NOBODY = "nobody"  # nobody took it in time
    STAFF_CLOSED = "staff_closed"
    STAFF_GONE = "staff_gone"  # the console went away in the middle
    IDLE = "idle"  # nothing was said for long
    RESIDENT = "resident"  # hung up
    RESIDENT_LEFT = "resident_left"  # the screen is gone, or the session was erased


class Line(Frozen):
    """One question and its answer."""

    question: str
    answer: str


class Summary(Frozen):
    """One page of what was spoken; ``id`` names exactly these words, so that nothing else is agreed to."""

    id: str
    lines: tuple[Line, ...]


class Message(Frozen):
    """Something said in a taken call."""

    speaker: Literal["resident", "staff", "assistant"]
    text: str


@dataclass(eq=False)
class Call:
    """One call; lives in memory and loses every word when it ends."""

    session: str
    language: Language
    hotline: str  # number to offer when it comes to nothing
    opened: float  # seconds on the desk's clock at which it began to ring (again)
    id: str = field(default_factory=lambda: f"c-{secrets.token_urlsafe(9)}")
    state: CallState = CallState.WAITING
    reason: Reason = Reason.NONE
    summary: Summary | None = None  # only when the resident agreed
    staff: int | None = None  # account that has taken it
    staff_name: str = ""
    taken_over: bool = False
    messages: list[Message] = field(default_factory=list)
    touched: float = 0.0  # when somebody last said something

    @property
    def open(self) -> bool:
        """Whether it still rings or is spoken."""
        return self.state in (CallState.WAITING, CallState.TAKEN)

    def add(self, message: Message) -> None:
        """Keep one message, and only the last ones."""
        self.messages.append(message)
        del self.messages[:-MESSAGES]


class CallView(Frozen):
    """A call as the resident sees it; ``message`` is shown and spoken."""

    id: str
    state: CallState
    taken_over: bool
    shared: bool
    reason: Reason
    message: str
    hotline: str
    waited: float  # seconds since it rings


class StaffView(Frozen):
    """A call as a staff member sees it: words only in one's own call, and a summary only when agreed."""

    id: str
    state: CallState
    language: Language
    waited: float
    shared: bool
    mine: bool
    staff: str  # who has taken it
    taken_over: bool
    summary: Summary | None
    messages: tuple[Message, ...]


def summarise(exchanges: Sequence[Exchange]) -> Summary | None:
    """What was spoken as one page; None when nothing was."""
    lines = tuple(Line(question=_short(each.question), answer=_short(each.answer)) for each in exchanges)
    if not lines:
        return None
    content = json.dumps([[line.question, line.answer] for line in lines], ensure_ascii=False)
    return Summary(id=hashlib.sha256(content.encode()).hexdigest()[:24], lines=lines)


def _short(text: str) -> str:
    return text if len(text) <= LINE else f"{text[: LINE - 1]}…"
