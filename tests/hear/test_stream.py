"""One microphone: any piece size gives the same turns, with their own sound and no other."""

from __future__ import annotations

import numpy as np
import pytest

from assistant.hear.complete import Completeness
from assistant.hear.endpoint import Signal
from assistant.hear.fake import FakeVoiceActivity
from assistant.hear.stream import Heard, SpeechStream
from assistant.voice_contracts import Sound
from tests.hear.sounds import noise, pitch_of, tone


def spoken() -> Sound:
    return np.concatenate(
        [noise(5, 0.001), tone(1.0, pitch=300), noise(3, 0.001), tone(0.8, pitch=700), noise(3, 0.001)]
    )


def push_all(stream: SpeechStream, sound: Sound, size: int) -> list[Heard]:
    return [heard for begin in range(0, len(sound), size) for heard in stream.push(sound[begin : begin + size])]


@pytest.mark.parametrize("size", [1, 160, 320, 512, 1000, 100_000])
def test_piece_size_changes_nothing(size: int) -> None:
    sound = spoken()[-110_000:] if size == 1 else spoken()
    whole = push_all(SpeechStream(FakeVoiceActivity()), sound, 512)
    pieces = push_all(SpeechStream(FakeVoiceActivity()), sound, size)
    assert [(h.signal, h.span) for h in pieces] == [(h.signal, h.span) for h in whole]
    assert all(np.array_equal(a.sound, b.sound) for a, b in zip(whole, pieces, strict=True))


def test_each_turn_has_its_own_sound() -> None:
    heard = push_all(SpeechStream(FakeVoiceActivity()), spoken(), 320)
    ends = [h for h in heard if h.signal is Signal.ENDED]
    assert [round(pitch_of(h.sound), -1) for h in ends] == [300, 700]
    first = ends[0].sound
    assert np.abs(first[:3000]).max() < 0.01  # the pre-roll is the quiet before
    assert len(first) / 16_000 == pytest.approx(0.32 + 1.0 + 1.57, abs=0.1)


def test_the_verdict_reaches_the_endpoint() -> None:
    stream = SpeechStream(FakeVoiceActivity())
    sound = np.concatenate([tone(1.0), noise(1, 0.001)])
    ended = None
    for begin in range(0, len(sound), 320):
        for heard in stream.push(sound[begin : begin + 320]):
            if heard.signal is Signal.PAUSED:
                assert len(heard.sound) > 16_000
                stream.endpoint.judge(Completeness.FINISHED, 0.9)
            if heard.signal is Signal.ENDED:
                ended = begin + 320
    assert ended is not None
    assert (ended - 16_000) / 16 < 450


def test_partials_and_the_released_button() -> None:
    stream = SpeechStream(FakeVoiceActivity())
    assert len(stream.so_far()) == 0
    stream.push(tone(1.0, pitch=500))
    assert pitch_of(stream.so_far()) == pytest.approx(500, abs=3)
    [ended] = stream.finish()
    assert ended.signal is Signal.ENDED
    assert pitch_of(ended.sound) == pytest.approx(500, abs=3)
    assert len(stream.so_far()) == 0
    assert stream.finish() == []


def test_memory_is_bounded_while_nobody_speaks() -> None:
    stream = SpeechStream(FakeVoiceActivity())
    for second in range(60):
        stream.push(noise(1.0, 0.001, second))
    assert sum(map(len, stream._kept)) <= 2 * 16_000 + 512
