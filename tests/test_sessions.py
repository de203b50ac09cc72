"""Sessions: epochs, memory of the last few, erasure by hand, by time and by room."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from assistant.contracts import Answer, Exchange
from assistant.sessions import Sessions


def exchange(text: str) -> Exchange:
    return Exchange(question=text, resolved=text, answer=text)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_each_turn_makes_the_one_before_stale() -> None:
    sessions = Sessions()
    state, first = sessions.begin("a")
    again, second = sessions.begin("a")
    assert again is state
    assert first < second == state.turn_id
    sessions.cancel("a")
    assert state.turn_id > second
    sessions.cancel("unknown")  # harmless
    assert len(sessions) == 1


@given(st.integers(1, 5), st.lists(st.text(min_size=1, max_size=3), max_size=12))
def test_only_the_last_exchanges_are_kept(turns: int, said: list[str]) -> None:
    sessions = Sessions(turns=turns)
    session = sessions.get("a")
    for text in said:
        sessions.remember(session, exchange(text))
    assert [each.question for each in session.memory] == said[-turns:]


def test_an_idle_session_is_erased() -> None:
    clock = Clock()
    sessions = Sessions(minutes=1, clock=clock)
    idle, turn = sessions.begin("idle")
    sessions.remember(idle, exchange("x"))
    idle.last = Answer(text="x")
    clock.now = 59.0
    sessions.get("busy")
    assert len(sessions) == 2
    clock.now = 61.0
    sessions.get("busy")
    assert len(sessions) == 1
    assert (idle.memory, idle.last) == ([], None)
    assert idle.turn_id != turn  # a turn still running in it shows nothing
    assert sessions.get("idle") is not idle


def test_room_is_made_by_erasing_the_longest_idle() -> None:
    sessions = Sessions(limit=2)
    first, turn = sessions.begin("1")
    sessions.remember(first, exchange("x"))
    sessions.get("2")
    sessions.get("1")  # used again: 2 is the longest idle
    sessions.get("3")
    assert sessions.get("1") is first
    sessions.get("4")
    sessions.get("5")
    assert len(sessions) == 2
    assert first.memory == []
    assert first.turn_id != turn


def test_an_epoch_is_never_used_twice_even_after_erasure() -> None:
    sessions = Sessions()
    _, first = sessions.begin("a")
    sessions.erase("a")
    _, again = sessions.begin("a")
    assert again > first
