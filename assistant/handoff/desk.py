"""The desk between residents and staff: who calls, who is there, and who has taken which call. In memory only."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from assistant.contracts import Answer, Language
from assistant.errors import HandoffError
from assistant.handoff.calls import Call, CallState, CallView, Message, Reason, StaffView, Summary
from assistant.handoff.words import message_of

_log = logging.getLogger(__name__)

RINGING = 20  # calls that may ring at once
ENDED = 600.0  # seconds for which a call that ended can still be looked at, without its words
REPLY = 500  # characters of one answer of staff


@dataclass(frozen=True)
class CallEvent:
    """Something the resident of a call should learn; ``speak`` is false for what stays on the screen."""

    view: CallView
    speak: bool = True


@dataclass(frozen=True)
class ReplyEvent:
    """Words of staff that became turn ``turn_id`` of the session."""

    turn_id: int
    answer: Answer


@dataclass(frozen=True)
class ErasedEvent:
    """The session is forgotten; nothing more will come."""


Event = CallEvent | ReplyEvent | ErasedEvent


@dataclass(eq=False)
class _Console:
    staff: int
    changed: Callable[[], None]


@dataclass
class _Side:
    """Who looks at one session."""

    watchers: list[Callable[[Event], None]] = field(default_factory=list)
    seen: float = 0.0


class Desk:
    """All methods are called from one event loop; ``tick`` every second or so. Times are in seconds.

    ``wait``: how long a call rings. ``idle``: silence after which a taken one ends. ``absence``: how long
    either side may be gone. ``counted`` hears how calls end, in one word and without anybody's words.
    """

    def __init__(
        self,
        wait: float = 60.0,
        idle: float = 300.0,
        absence: float = 30.0,
        clock: Callable[[], float] = time.monotonic,
        counted: Callable[[str], None] = lambda outcome: None,
    ) -> None:
        self.wait, self._idle, self._absence = wait, idle, absence
        self._clock, self._counted = clock, counted
        self._calls: dict[str, Call] = {}  # by session
        self._sides: dict[str, _Side] = {}
        self._consoles: list[_Console] = []
        self._gone: dict[int, float] = {}  # staff with a call whose last console went away: when

    # --- the resident's side -----------------------------------------------------------

    def call_of(self, session: str) -> Call | None:
        """The call of a session, also one that just ended."""
        return self._calls.get(session)

    def open(
        self, session: str, language: Language, hotline: str, summary: Summary | None = None, speak: bool = True
    ) -> Call:
        """Begin to ring; a call that is open already is returned as it is. Without ``speak`` nobody says so.

        Raises HandoffError when nobody is there or too many are waiting.
        """
        if (call := self._calls.get(session)) and call.open:
            return call
        if not self.manned:
            raise HandoffError("现在没有工作人员在。", f"您可以打{hotline}。" if hotline else "请过一会儿再试。")
        if sum(each.state is CallState.WAITING for each in self._calls.values()) >= RINGING:
            raise HandoffError("现在等的人太多了。", f"您可以打{hotline}。" if hotline else "请过一会儿再试。")
        now = self._clock()
        call = Call(session, language, hotline, opened=now, summary=summary, touched=now)
        self._calls[session] = call
        self._side(session).seen = now
        self._counted("opened")
        self._changed(call, speak)
        return call

    def share(self, session: str, summary: Summary) -> None:
        """The resident agreed to show ``summary``."""
        call = self._calls.get(session)
        if call and call.open:
            call.summary = summary
            self._changed(call, speak=False)

    def withdraw(self, session: str, reason: Reason = Reason.RESIDENT) -> None:
        """The resident hangs up, or is gone."""
        call = self._calls.get(session)
        if call and call.open:
            self._end(call, CallState.WITHDRAWN, reason)

    def relay(self, session: str, text: str, speaker: str = "resident") -> bool:
        """Pass on what the resident said to who has taken over; False when nobody has."""
        call = self._calls.get(session)
        if call is None or call.state is not CallState.TAKEN or not call.taken_over:
            return False
        call.add(Message(speaker="resident" if speaker == "resident" else "assistant", text=text))
        self._touch(call)
        self._told()
        return True

    def watch(self, session: str, heard: Callable[[Event], None]) -> Callable[[], None]:
        """Tell ``heard`` of every event from now on; returns how to stop. While watched, the resident is there."""
        side = self._side(session)
        side.watchers.append(heard)

        def leave() -> None:
            if heard in side.watchers:
                side.watchers.remove(heard)
                side.seen = self._clock()
            if not side.watchers and session not in self._calls:
                self._sides.pop(session, None)

        return leave

    def seen(self, session: str) -> None:
        """The resident's screen is there, though nobody watches."""
        if side := self._sides.get(session):
            side.seen = self._clock()

    def view(self, call: Call) -> CallView:
        """A call as its resident sees it."""
        return CallView(
            id=call.id,
            state=call.state,
            taken_over=call.taken_over,
            shared=call.summary is not None,
            reason=call.reason,
            message=message_of(call),
            hotline=call.hotline,
            waited=round(self._clock() - call.opened, 1),
        )

    def erase(self, session: str) -> None:
        """Forget a session's call on both sides."""
        self.withdraw(session, Reason.RESIDENT_LEFT)
        self.publish(session, ErasedEvent())
        self._sides.pop(session, None)
        if self._calls.pop(session, None):
            self._told()

    def publish(self, session: str, event: Event) -> None:
        """Tell every screen of a session."""
        side = self._sides.get(session)
        for heard in list(side.watchers) if side else ():
            with _safely("a resident's screen"):
                heard(event)

    # --- the staff's side --------------------------------------------------------------

    @property
    def manned(self) -> bool:
        """Whether a console is open."""
        return bool(self._consoles)

    def attend(self, staff: int, changed: Callable[[], None]) -> Callable[[], None]:
        """A console opens; ``changed`` is called when ``calls`` may look otherwise. Returns how to leave."""
        console = _Console(staff, changed)
        self._consoles.append(console)
        self._gone.pop(staff, None)

        def leave() -> None:
            if console in self._consoles:
                self._consoles.remove(console)
            if all(each.staff != staff for each in self._consoles):
                self._gone[staff] = self._clock()

        return leave

    def calls(self, staff: int) -> tuple[StaffView, ...]:
        """Open calls as ``staff`` sees them, the longest waiting first."""
        found = sorted((call for call in self._calls.values() if call.open), key=lambda call: call.opened)
        return tuple(self._staff_view(call, staff) for call in found)

    def take(self, id_: str, staff: int, name: str) -> StaffView:
        """Take a call: only one can. Raises HandoffError when it is taken or gone."""
        call = self._find(id_)
        if call.state is CallState.TAKEN and call.staff != staff:
            raise HandoffError(f"这个电话已经由{call.staff_name}接了。", "请看别的来电。")
        if call.state is CallState.WAITING:
            call.state, call.staff, call.staff_name, call.reason = CallState.TAKEN, staff, name, Reason.NONE
            self._counted("taken")
            self._touch(call)
            self._changed(call)
        return self._staff_view(call, staff)

    def mine(self, id_: str, staff: int) -> Call:
        """A call that ``staff`` has taken. Raises HandoffError when it is somebody else's, or gone."""
        call = self._find(id_)
        if call.state is not CallState.TAKEN or call.staff != staff:
            raise HandoffError("这个电话现在不归您接。", "请先点“接听”。")
        return call

    def take_over(self, id_: str, staff: int, on: bool) -> StaffView:
        """Let everything that the resident says go to ``staff``, or hand back."""
        call = self.mine(id_, staff)
        if call.taken_over != on:
            call.taken_over = on
            self._touch(call)
            self._changed(call, handed_back=not on)
        return self._staff_view(call, staff)

    def replied(self, call: Call, text: str) -> None:
        """Keep what staff said; saying it to the resident is the dialogue's part."""
        call.add(Message(speaker="staff", text=text))
        self._touch(call)
        self._told()

    def close(self, id_: str, staff: int) -> None:
        """The staff member has finished."""
        self._end(self.mine(id_, staff), CallState.CLOSED, Reason.STAFF_CLOSED)

    # --- time --------------------------------------------------------------------------

    def tick(self) -> None:
        """End what has waited, been idle or been left for too long."""
        now = self._clock()
        for session, call in list(self._calls.items()):
            side = self._side(session)
            if not call.open:
                if now - call.touched > ENDED:
                    del self._calls[session]
                    if not side.watchers:
                        self._sides.pop(session, None)
            elif not side.watchers and now - side.seen > self._absence:
                self._end(call, CallState.WITHDRAWN, Reason.RESIDENT_LEFT)
            elif call.state is CallState.WAITING and now - call.opened > self.wait:
                self._end(call, CallState.CLOSED, Reason.NOBODY)
            elif call.state is CallState.TAKEN and self._left(call, now):
                self._ring_again(call, now)
            elif call.state is CallState.TAKEN and now - call.touched > self._idle:
                self._end(call, CallState.CLOSED, Reason.IDLE)
        busy = {call.staff for call in self._calls.values() if call.state is CallState.TAKEN}
        self._gone = {staff: since for staff, since in self._gone.items() if staff in busy}

    def _left(self, call: Call, now: float) -> bool:
        """Whether the staff member of a call has been gone for too long."""
        since = self._gone.get(call.staff or 0)
        return since is not None and now - since > self._absence

    def _ring_again(self, call: Call, now: float) -> None:
        if not self.manned:
            self._end(call, CallState.CLOSED, Reason.STAFF_GONE)
            return
        call.state, call.reason, call.opened = CallState.WAITING, Reason.STAFF_GONE, now
        call.staff, call.staff_name, call.taken_over = None, "", False
        call.messages.clear()  # the next one sees only what was agreed to
        self._counted("staff_gone")
        self._touch(call)
        self._changed(call)

    # --- inside ------------------------------------------------------------------------

    def _find(self, id_: str) -> Call:
        call = next((call for call in self._calls.values() if call.id == id_ and call.open), None)
        if call is None:
            raise HandoffError("这个电话已经结束了，或者居民已经离开。", "请看别的来电。")
        return call

    def _side(self, session: str) -> _Side:
        return self._sides.setdefault(session, _Side(seen=self._clock()))

    def _staff_view(self, call: Call, staff: int) -> StaffView:
        mine = call.staff == staff
        return StaffView(
            id=call.id,
            state=call.state,
            language=call.language,
            waited=round(self._clock() - call.opened, 1),
            shared=call.summary is not None,
            mine=mine,
            staff=call.staff_name,
            taken_over=call.taken_over,
            summary=call.summary if mine else None,
            messages=tuple(call.messages) if mine else (),
        )

    def _end(self, call: Call, state: CallState, reason: Reason) -> None:
        call.state, call.reason, call.taken_over = state, reason, False
        call.staff, call.staff_name = None, ""
        self._touch(call)
        self._counted(reason.value)
        self._changed(call)
        call.summary = None  # no word outlives the call
        call.messages.clear()

    def _touch(self, call: Call) -> None:
        call.touched = self._clock()

    def _changed(self, call: Call, speak: bool = True, handed_back: bool = False) -> None:
        view = self.view(call)
        if handed_back:
            view = view.model_copy(update={"message": message_of(call, handed_back=True)})
        self.publish(call.session, CallEvent(view, speak))
        self._told()

    def _told(self) -> None:
        for console in list(self._consoles):
            with _safely("a console"):
                console.changed()


@contextmanager
def _safely(who: str) -> Iterator[None]:
    """One side that broke must not keep the others from learning."""
    try:
        yield
    except Exception as error:
        _log.error("%s did not take a change: %s", who, type(error).__name__)
