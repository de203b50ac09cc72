"""The voice detector: the gate saves work and loses no onset; the real network hears speech."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from assistant.errors import HearError
from assistant.hear.vad import FRAME_SAMPLES, SileroActivity, SileroNetwork, probabilities
from assistant.voice_contracts import Sound
from tests.hear.sounds import noise, tone


class CountingNetwork:
    """Answers with the loudness, and remembers the first sample of each frame it saw."""

    def __init__(self) -> None:
        self.seen: list[float] = []

    def run(self, sound: Sound, state: NDArray[np.float32]) -> tuple[float, NDArray[np.float32]]:
        assert sound.shape == (64 + FRAME_SAMPLES,)
        self.seen.append(float(sound[64]))
        return min(1.0, float(np.sqrt(np.mean(sound[64:] ** 2))) * 5), state + 1


def activity(network: Any = None) -> SileroActivity:
    return SileroActivity(network or CountingNetwork())  # type: ignore[arg-type]


@pytest.mark.parametrize("level", [0.0, 0.0002, 0.005, 0.03])
def test_a_steady_room_costs_nearly_nothing(level: float) -> None:
    voice = activity()
    probabilities(voice, noise(6.0, level))  # gets to know the room
    looked = voice.looked
    probabilities(voice, noise(20.0, level, 1))
    assert voice.looked - looked <= 625 * 0.03


def test_speech_wakes_it_in_its_first_frame_and_the_frames_before_are_shown() -> None:
    network = CountingNetwork()
    voice = activity(network)
    room = noise(6.0, 0.003)
    probabilities(voice, room[: len(room) // 512 * 512])
    before = len(network.seen)
    assert voice.probability(tone(0.032, level=0.1)) > 0.2
    assert len(network.seen) - before >= 4  # the onset that was skipped, then the frame


def test_a_stream_that_begins_in_a_word_is_looked_at() -> None:
    voice = activity()
    probabilities(voice, tone(1.0, level=0.03))
    assert voice.looked >= 25


def test_quiet_speech_over_a_fan_is_not_gated() -> None:
    voice = activity()
    probabilities(voice, noise(6.0, 0.02))
    looked = voice.looked
    probabilities(voice, noise(0.32, 0.02, 1) + tone(0.32, level=0.05))
    assert voice.looked - looked >= 9


def test_the_floor_follows_a_fan_that_is_switched_on() -> None:
    voice = activity()
    probabilities(voice, noise(5.0, 0.001))
    probabilities(voice, noise(6.0, 0.03, 1))
    looked = voice.looked
    probabilities(voice, noise(6.0, 0.03, 2))
    assert voice.looked - looked < 20


def test_frames_of_another_size_are_refused() -> None:
    with pytest.raises(ValueError, match="512"):
        activity().probability(np.zeros(320, dtype=np.float32))


def test_a_missing_network_is_a_hear_error(tmp_path: Any) -> None:
    with pytest.raises(HearError) as raised:
        SileroNetwork(tmp_path / "none.onnx")
    assert "weights" in raised.value.hint


@pytest.mark.real
def test_streams_share_the_network_but_not_the_state(network: SileroNetwork) -> None:
    sound = noise(2.0, 0.1)
    alone = probabilities(SileroActivity(network, gate=False), sound)
    one, other = SileroActivity(network, gate=False), SileroActivity(network, gate=False)
    mixed = []
    for frame in sound[: len(sound) // 512 * 512].reshape(-1, 512):
        mixed.append(one.probability(frame))
        other.probability(frame[::-1].copy() * 3)
    assert np.allclose(alone[: len(mixed)], mixed, atol=1e-6)
    one.reset()
    assert one.probability(sound[:512]) == pytest.approx(float(alone[0]), abs=1e-6)


@pytest.mark.real
def test_noise_and_tones_are_no_speech(network: SileroNetwork) -> None:
    for sound in (noise(3.0, 0.1), tone(3.0), np.zeros(48_000, dtype=np.float32)):
        assert float((probabilities(SileroActivity(network, gate=False), sound) > 0.5).mean()) < 0.1


@pytest.mark.real
def test_the_gate_loses_no_speech(network: SileroNetwork, say: Callable[[str], Sound]) -> None:
    for level in (0.0002, 0.003):
        for text in ("谢谢你", "加装电梯怎么申请", "社区食堂几点开门"):
            spoken = say(text) * 0.5
            sound = np.concatenate(
                [noise(4.0, level), spoken + noise(9, level, 1)[: len(spoken)], noise(1.0, level, 2)]
            )
            gated = probabilities(SileroActivity(network), sound) > 0.5
            every = probabilities(SileroActivity(network, gate=False), sound) > 0.5
            assert every.sum() > 8
            assert abs(int(np.argmax(gated)) - int(np.argmax(every))) <= 1  # the onset, within 32 ms
            assert (gated & every).sum() >= 0.95 * every.sum()


@pytest.mark.real
def test_twenty_four_idle_streams_are_cheap(network: SileroNetwork) -> None:
    from evaluation.hearing import idle_cost

    assert max(idle_cost(lambda: SileroActivity(network), seconds=3.0).values()) < 0.10
