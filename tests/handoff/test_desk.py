"""The desk: who may take what, what is seen, and how every call ends."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress

import pytest

from assistant.contracts import Exchange, Language
from assistant.errors import HandoffError
from assistant.handoff.calls import LINE, CallState, CallView, Reason, summarise
from assistant.handoff.desk import RINGING, CallEvent, Desk, ErasedEvent, Event
from assistant.handoff.words import message_of


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(clock: Clock) -> Desk:
    return Desk(wait=60, idle=300, absence=30, clock=clock)


def exchange(question: str, answer: str = "答案。") -> Exchange:
    return Exchange(question=question, resolved=question, answer=answer)


SUMMARY = summarise([exchange("我家楼里能装电梯吗？"), exchange("钱谁出？")])


def watched(desk: Desk, session: str) -> list[Event]:
    events: list[Event] = []
    desk.watch(session, events.append)
    return events


def last_view(events: list[Event]) -> CallView:
    return next(event.view for event in reversed(events) if isinstance(event, CallEvent))


def test_nobody_rings_where_nobody_is(desk: Desk) -> None:
    with pytest.raises(HandoffError, match="12345"):
        desk.open("a", Language.CHINESE, "12345")
    leave = desk.attend(1, lambda: None)
    assert desk.open("a", Language.CHINESE, "12345").state is CallState.WAITING
    leave()
    with pytest.raises(HandoffError):
        desk.open("b", Language.CHINESE, "12345")


def test_one_member_takes_a_call_and_the_other_learns_who(desk: Desk) -> None:
    desk.attend(1, lambda: None)
    desk.attend(2, lambda: None)
    call = desk.open("a", Language.CHINESE, "12345", SUMMARY)
    assert desk.take(call.id, 1, "小王").mine
    with pytest.raises(HandoffError, match="小王"):
        desk.take(call.id, 2, "小李")
    assert desk.take(call.id, 1, "小王").mine, "taking twice is harmless"
    for action in (
        lambda: desk.mine(call.id, 2),
        lambda: desk.take_over(call.id, 2, True),
        lambda: desk.close(call.id, 2),
    ):
        with pytest.raises(HandoffError):
            action()
    assert [view.summary is not None for view in (desk.calls(1)[0], desk.calls(2)[0])] == [True, False]
    assert desk.calls(2)[0].messages == ()


def test_without_consent_no_word_is_seen(desk: Desk) -> None:
    desk.attend(1, lambda: None)
    call = desk.open("a", Language.CHINESE, "12345")
    assert "电梯" not in desk.take(call.id, 1, "小王").model_dump_json()
    assert not desk.relay("a", "我姓欧阳"), "not taken over: what is said stays here"
    assert "欧阳" not in desk.calls(1)[0].model_dump_json()
    desk.take_over(call.id, 1, True)
    assert desk.relay("a", "我姓欧阳")
    assert "欧阳" in desk.calls(1)[0].model_dump_json()
    desk.take_over(call.id, 1, False)
    assert not desk.relay("a", "我住三楼")
    assert SUMMARY is not None
    desk.share("a", SUMMARY)
    assert "电梯" in desk.calls(1)[0].model_dump_json()


def test_a_call_that_nobody_takes_ends_kindly_with_the_hotline(desk: Desk, clock: Clock) -> None:
    desk.attend(1, lambda: None)
    events = watched(desk, "a")
    desk.open("a", Language.CHINESE, "12345")
    clock.now += 59
    desk.tick()
    assert last_view(events).state is CallState.WAITING
    clock.now += 2
    desk.tick()
    view = last_view(events)
    assert (view.state, view.reason) == (CallState.CLOSED, Reason.NOBODY)
    assert "对不起" in view.message
    assert "12345" in view.message
    assert desk.calls(1) == ()
    with pytest.raises(HandoffError, match="结束"):
        desk.take(view.id, 1, "小王")
    clock.now += 601
    desk.tick()
    assert desk.call_of("a") is None


def test_staff_who_vanish_are_replaced_or_excused(desk: Desk, clock: Clock) -> None:
    leave = desk.attend(1, lambda: None)
    leave_other = desk.attend(2, lambda: None)
    events = watched(desk, "a")
    call = desk.open("a", Language.CHINESE, "12345")
    desk.take(call.id, 1, "小王")
    desk.take_over(call.id, 1, True)
    desk.relay("a", "只说给小王听")
    leave()
    clock.now += 20
    desk.tick()
    assert call.state is CallState.TAKEN, "a page that is loaded anew comes back in time"
    desk.attend(1, lambda: None)()
    clock.now += 29
    desk.tick()
    assert call.state is CallState.TAKEN
    clock.now += 2
    desk.tick()
    assert last_view(events).state is CallState.WAITING
    assert "断了" in last_view(events).message
    assert not last_view(events).taken_over
    assert "小王听" not in desk.take(call.id, 2, "小李").model_dump_json()
    leave_other()
    clock.now += 31
    desk.tick()
    assert last_view(events).reason is Reason.STAFF_GONE
    assert "12345" in last_view(events).message


def test_a_resident_who_vanishes_leaves_no_call(desk: Desk, clock: Clock) -> None:
    told: list[int] = []
    desk.attend(1, lambda: told.append(1))
    leave = desk.watch("a", lambda event: None)
    call = desk.open("a", Language.CHINESE, "12345", SUMMARY)
    desk.take(call.id, 1, "小王")
    clock.now += 100
    desk.tick()
    assert call.state is CallState.TAKEN, "the screen is there"
    leave()
    clock.now += 29
    desk.seen("a")
    clock.now += 29
    desk.tick()
    assert call.state is CallState.TAKEN
    told.clear()
    clock.now += 2
    desk.tick()
    assert (call.state, call.reason) == (CallState.WITHDRAWN, Reason.RESIDENT_LEFT)
    assert told
    assert call.summary is None
    assert call.messages == []


def test_erasing_in_the_middle_takes_the_words_from_both_sides(desk: Desk) -> None:
    desk.attend(1, lambda: None)
    events = watched(desk, "a")
    call = desk.open("a", Language.CHINESE, "12345", SUMMARY)
    desk.take(call.id, 1, "小王")
    desk.take_over(call.id, 1, True)
    desk.relay("a", "欧阳翠花的事")
    desk.erase("a")
    assert isinstance(events[-1], ErasedEvent)
    assert desk.calls(1) == ()
    assert desk.call_of("a") is None
    assert (call.summary, call.messages) == (None, [])
    with pytest.raises(HandoffError):
        desk.mine(call.id, 1)
    desk.erase("never seen")


def test_silence_ends_a_taken_call(desk: Desk, clock: Clock) -> None:
    desk.attend(1, lambda: None)
    watched(desk, "a")
    call = desk.open("a", Language.ENGLISH, "12345")
    desk.take(call.id, 1, "小王")
    clock.now += 299
    desk.replied(call, "请稍等")
    clock.now += 299
    desk.tick()
    assert call.open
    clock.now += 2
    desk.tick()
    assert call.reason is Reason.IDLE
    assert "ended" in message_of(call)


def test_too_many_waiting_calls_are_turned_away(desk: Desk) -> None:
    desk.attend(1, lambda: None)
    for number in range(RINGING):
        desk.open(f"s{number}", Language.CHINESE, "12345")
    with pytest.raises(HandoffError, match="太多"):
        desk.open("one more", Language.CHINESE, "12345")
    assert desk.open("s0", Language.CHINESE, "12345").open, "who is waiting already is not turned away"


def test_a_summary_is_one_page_and_named_by_its_words() -> None:
    assert summarise([]) is None
    long = summarise([exchange("问" * 1000, "答" * 1000)])
    assert long is not None
    assert len(long.lines[0].question) == len(long.lines[0].answer) == LINE
    one, other = summarise([exchange("甲")]), summarise([exchange("乙")])
    assert one is not None
    assert other is not None
    assert one.id != other.id
    assert one == summarise([exchange("甲")])


def test_a_broken_screen_keeps_nobody_from_learning(desk: Desk) -> None:
    def broken(event: Event) -> None:
        raise ValueError("欧阳")

    desk.attend(1, lambda: 1 / 0)  # type: ignore[arg-type, return-value]
    desk.watch("a", broken)
    events = watched(desk, "a")
    desk.open("a", Language.CHINESE, "12345")
    assert last_view(events).state is CallState.WAITING


def random_step(desk: Desk, chance: random.Random, clock: Clock, leaves: list[Callable[[], None]]) -> None:
    """Something that one of three residents or three staff may do, or the clock."""
    session, staff = chance.choice("abc"), chance.choice((1, 2, 3))
    call = desk.call_of(chance.choice("abc"))
    id_ = call.id if call else "c-none"
    actions: list[Callable[[], object]] = [
        lambda: desk.open(session, Language.CHINESE, "12345", chance.choice((None, SUMMARY))),
        lambda: desk.withdraw(session) if chance.random() < 0.2 else None,
        lambda: desk.relay(session, "说的话"),
        lambda: desk.erase(session) if chance.random() < 0.2 else None,
        lambda: leaves.append(desk.attend(staff, lambda: None)),
        lambda: leaves.pop(chance.randrange(len(leaves)))() if leaves else None,
        lambda: desk.take(id_, staff, f"staff {staff}"),
        lambda: desk.take_over(id_, staff, chance.random() < 0.5),
        lambda: desk.replied(desk.mine(id_, staff), "回的话"),
        lambda: desk.close(id_, staff),
        lambda: desk.seen(session),
        lambda: setattr(clock, "now", clock.now + chance.choice((1, 5, 15))),
        desk.tick,
    ]
    with suppress(HandoffError):
        chance.choice(actions)()


@pytest.mark.parametrize("seed", range(5))
def test_whatever_happens_no_word_outlives_its_call_and_only_the_taker_reads(seed: int, clock: Clock) -> None:
    chance = random.Random(seed)
    desk = Desk(wait=12, idle=25, absence=20, clock=clock)
    leaves: list[Callable[[], None]] = []
    states = set()
    for _ in range(1500):
        random_step(desk, chance, clock, leaves)
        for call in filter(None, map(desk.call_of, "abc")):
            states.add((call.state, call.reason))
            assert call.open or (call.summary is None and not call.messages and not call.taken_over)
            assert (call.staff is not None) == (call.state is CallState.TAKEN)
            for staff in (1, 2, 3):
                view = next((view for view in desk.calls(staff) if view.id == call.id), None)
                assert (view is not None) == call.open
                if view is not None:
                    assert view.mine == (call.staff == staff)
                    assert view.mine or (view.summary is None and not view.messages)
    assert len(states) >= 6, "the steps must lead somewhere"
