"""The endpoint: when turns start, pause, resume and end, and that nothing keeps one open for ever."""

from __future__ import annotations

import random

import pytest

from assistant.hear.complete import Completeness
from assistant.hear.endpoint import Endpoint, EndpointPolicy, Signal

FRAME_MS = 32


def run(endpoint: Endpoint, probability: float, milliseconds: int) -> list[tuple[int, Signal]]:
    """Feed for so long; (milliseconds since this call began, signal)."""
    found = []
    for index in range(1, milliseconds // FRAME_MS + 1):
        found.extend((index * FRAME_MS, signal) for signal in endpoint.feed(probability))
    return found


def speaking(milliseconds: int = 1600) -> Endpoint:
    endpoint = Endpoint()
    assert [s for _, s in run(endpoint, 0.95, milliseconds)] == [Signal.STARTED]
    return endpoint


def test_starts_fast_and_keeps_the_pre_roll() -> None:
    endpoint = Endpoint()
    assert run(endpoint, 0.02, 3200) == []
    [(when, signal)] = run(endpoint, 0.9, 320)
    assert signal is Signal.STARTED
    assert when <= 128
    first_voiced = 3200 * 16
    assert first_voiced - endpoint.span.begin == EndpointPolicy().pre_roll * 16


def test_a_click_starts_nothing() -> None:
    endpoint = Endpoint()
    for _ in range(50):
        assert run(endpoint, 0.9, 64) == []
        assert run(endpoint, 0.05, 320) == []


@pytest.mark.parametrize(
    ("completeness", "tone", "least", "most"),
    [
        (Completeness.FINISHED, None, 300, 400),
        (Completeness.FINISHED, 0.9, 300, 400),
        (Completeness.FINISHED, 0.1, 400, 500),
        (Completeness.UNFINISHED, 0.99, 1900, 2100),
        (Completeness.LIKELY, 0.9, 800, 900),
        (Completeness.LIKELY, 0.1, 1250, 1350),
        (Completeness.UNDECIDED, 0.99, 1250, 1350),
        (Completeness.UNDECIDED, 0.05, 1250, 1350),
        (None, None, 1500, 1650),
    ],
)
def test_patience(completeness: Completeness | None, tone: float | None, least: int, most: int) -> None:
    endpoint = speaking()
    paused = run(endpoint, 0.05, 192)
    assert [s for _, s in paused] == [Signal.PAUSED]
    endpoint.judge(completeness, tone)
    [(when, signal)] = run(endpoint, 0.05, 3008)
    assert signal is Signal.ENDED
    assert least <= when + 192 <= most


LOUD, FADING, ROOM = -20.0, -40.0, -65.0  # dB


def levelled(endpoint: Endpoint, probability: float, level: float, milliseconds: int) -> list[tuple[int, Signal]]:
    found = []
    for index in range(1, milliseconds // FRAME_MS + 1):
        found.extend((index * FRAME_MS, signal) for signal in endpoint.feed(probability, level))
    return found


def asked_aloud() -> Endpoint:
    endpoint = Endpoint()
    levelled(endpoint, 0.02, ROOM, 640)
    levelled(endpoint, 0.95, LOUD, 1600)
    return endpoint


def test_an_undecided_pause_is_counted_from_the_last_sound_that_can_be_heard() -> None:
    endpoint = asked_aloud()
    levelled(endpoint, 0.05, FADING, 192)  # a fading vowel that the voice detector takes for silence
    endpoint.judge(Completeness.UNDECIDED)
    [(when, signal)] = levelled(endpoint, 0.05, ROOM, 3008)
    assert signal is Signal.ENDED
    assert 1280 <= when <= 1344


def test_a_soft_beginning_is_waited_for_and_a_click_is_not() -> None:
    endpoint = asked_aloud()
    levelled(endpoint, 0.05, ROOM, 192)
    endpoint.judge(Completeness.UNDECIDED)
    assert levelled(endpoint, 0.05, ROOM, 1056) == []
    assert levelled(endpoint, 0.2, FADING, 96) == []  # the word begins before the voice detector is sure
    assert [signal for _, signal in levelled(endpoint, 0.9, LOUD, 64)] == [Signal.RESUMED]
    levelled(endpoint, 0.05, ROOM, 192)
    endpoint.judge(Completeness.UNDECIDED)
    levelled(endpoint, 0.05, ROOM, 640)
    levelled(endpoint, 0.05, FADING, 32)
    [(when, _)] = levelled(endpoint, 0.05, ROOM, 3008)
    assert 192 + 640 + 32 + when <= 1344


def test_a_room_that_stays_loud_keeps_no_turn_open() -> None:
    endpoint = asked_aloud()
    levelled(endpoint, 0.05, FADING, 192)
    endpoint.judge(Completeness.UNDECIDED)
    [(when, signal)] = levelled(endpoint, 0.05, FADING, 5024)
    assert signal is Signal.ENDED
    assert when + 192 <= 1280 + 192 + 64


def test_a_late_verdict_ends_at_once() -> None:
    endpoint = speaking()
    run(endpoint, 0.05, 800)
    endpoint.judge(Completeness.FINISHED)
    assert endpoint.feed(0.05) == (Signal.ENDED,)


def test_returned_speech_joins_the_turn_and_forgets_the_verdict() -> None:
    endpoint = speaking()
    begin = endpoint.span.begin
    run(endpoint, 0.05, 192)
    endpoint.judge(Completeness.UNFINISHED)
    run(endpoint, 0.05, 1184)
    assert [s for _, s in run(endpoint, 0.95, 640)] == [Signal.RESUMED]
    assert endpoint.span.begin == begin
    run(endpoint, 0.05, 192)
    assert endpoint.patience == EndpointPolicy().unheard
    endpoint.judge(Completeness.FINISHED)
    assert [s for _, s in run(endpoint, 0.05, 320)] == [Signal.ENDED]
    assert endpoint.span.begin == begin
    assert not endpoint.span.forced


def test_span_holds_what_was_voiced() -> None:
    endpoint = Endpoint()
    run(endpoint, 0.02, 1600)
    run(endpoint, 0.95, 960)
    run(endpoint, 0.02, 3200)
    span = endpoint.span
    assert span.voiced == 960 * 16
    assert span.end == (1600 + 960) * 16
    assert span.begin < 1600 * 16


def test_babble_and_long_turns_are_cut() -> None:
    policy = EndpointPolicy()
    endpoint = Endpoint()
    ends = [when for when, signal in run(endpoint, 0.95, 60_000) if signal is Signal.ENDED]
    assert len(ends) >= 4
    assert ends[0] <= policy.babble + 200
    assert endpoint.span.voiced
    endpoint.reset()
    # Pauses too short to end anything, for ever.
    found: list[Signal] = []
    for _ in range(20):
        found += [s for _, s in run(endpoint, 0.95, 1600)] + [s for _, s in run(endpoint, 0.05, 640)]
    assert found.count(Signal.ENDED) >= 1
    endpoint.reset()
    run(endpoint, 0.95, 960)
    total = 960
    while not (signals := endpoint.feed(0.95 if total % 2240 < 1600 else 0.05)) or Signal.ENDED not in signals:
        total += FRAME_MS
        assert total < policy.longest + 500
    assert endpoint.span.forced


def test_a_new_turn_never_overlaps_the_last() -> None:
    endpoint = speaking()
    run(endpoint, 0.05, 192)
    endpoint.judge(Completeness.FINISHED)
    run(endpoint, 0.05, 192)
    assert not endpoint.active
    ended = endpoint.span.now
    run(endpoint, 0.95, 320)
    assert endpoint.span.begin >= ended


def test_a_released_button_ends_the_turn() -> None:
    endpoint = speaking()
    assert endpoint.end() == (Signal.ENDED,)
    assert endpoint.end() == ()
    short = Endpoint()
    run(short, 0.95, 96)
    assert short.end() == (Signal.DROPPED,)


def test_any_probabilities_keep_the_order_of_signals() -> None:
    chance = random.Random(5)
    for _ in range(60):
        endpoint = Endpoint()
        state = "idle"
        last_begin = 0
        level = 0.5
        for _ in range(1500):
            level = min(1.0, max(0.0, level + chance.uniform(-0.4, 0.4)))
            if chance.random() < 0.05:
                endpoint.judge(chance.choice(list(Completeness)), chance.random())
            for signal in endpoint.feed(level):
                allowed = {
                    "idle": {Signal.STARTED},
                    "speech": {Signal.PAUSED, Signal.ENDED, Signal.DROPPED},
                    "pause": {Signal.RESUMED, Signal.ENDED, Signal.DROPPED},
                }[state]
                assert signal in allowed
                state = {
                    Signal.STARTED: "speech",
                    Signal.PAUSED: "pause",
                    Signal.RESUMED: "speech",
                }.get(signal, "idle")
                span = endpoint.span
                assert last_begin <= span.begin < span.end <= span.now
                last_begin = span.begin
                assert (span.now - span.begin) <= (EndpointPolicy().longest + 100) * 16


def test_a_crowd_in_the_background_does_not_hold_the_turn() -> None:
    endpoint = Endpoint()
    for _ in range(6000 // FRAME_MS):
        endpoint.feed(0.95, -20.0)
    assert endpoint.active
    signals = [endpoint.feed(0.9, -36.0) for _ in range(320 // FRAME_MS)]
    assert (Signal.PAUSED,) in signals
    endpoint.judge(Completeness.FINISHED)
    assert Signal.ENDED in endpoint.feed(0.9, -36.0)
    assert not endpoint.span.forced
    quiet = Endpoint()  # without a crowd a soft ending is still speech
    for _ in range(2000 // FRAME_MS):
        quiet.feed(0.95, -20.0)
    assert all(quiet.feed(0.9, -36.0) == () for _ in range(1000 // FRAME_MS))
