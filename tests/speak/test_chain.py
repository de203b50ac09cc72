from __future__ import annotations

import asyncio
import time

import numpy as np
import pytest

from assistant.errors import SpeakError
from assistant.speak.chain import VoiceChain
from assistant.speak.fake import FakeVoice
from assistant.speak.loudness import frame_levels, voiced
from assistant.voice_contracts import Speech


async def test_first_voice_speaks_while_it_is_well() -> None:
    first, second = FakeVoice("first"), FakeVoice("second")
    chain = VoiceChain([first, second])
    assert (await chain.speak("您好，居民。")).voice == "first"
    assert second.spoken == []


async def test_next_voice_takes_over_in_the_middle_and_sounds_as_loud() -> None:
    chain = VoiceChain([FakeVoice("first", fails_after=1), FakeVoice("second")])
    clips = [await chain.speak(clause) for clause in ("根据行动方案，", "新增床位17.8万张。", "请拨打12345。")]
    assert [clip.voice for clip in clips] == ["first", "second", "second"]
    assert chain.aside() == ("first",)
    loudness = []
    for clip in clips:
        levels = frame_levels(clip.sound)
        loudness.append(20 * np.log10(np.sqrt(np.mean(levels[voiced(levels)] ** 2))))
    assert max(loudness) - min(loudness) < 1.0


async def test_a_hanging_voice_is_left_at_its_deadline_and_not_asked_again() -> None:
    hanging = FakeVoice("hanging", hangs=True)
    chain = VoiceChain([hanging, FakeVoice("second")], deadline=0.05, deadline_per_character=0)
    began = time.perf_counter()
    assert (await chain.speak("您好。")).voice == "second"
    assert time.perf_counter() - began < 0.5
    began = time.perf_counter()
    assert (await chain.speak("您好。")).voice == "second"
    assert time.perf_counter() - began < 0.04
    await asyncio.sleep(0)
    assert hanging.cancelled == 1


class Deaf(FakeVoice):
    """Goes on although it is cancelled."""

    async def speak(self, clause: str, speed: float = 1.0) -> Speech:
        for _ in range(20):
            try:
                await asyncio.sleep(0.05)
            except asyncio.CancelledError:
                continue
        raise ValueError("too late anyway")


async def test_a_voice_that_ignores_being_cancelled_delays_nobody() -> None:
    chain = VoiceChain([Deaf("deaf"), FakeVoice("second")], deadline=0.05, deadline_per_character=0)
    began = time.perf_counter()
    assert (await chain.speak("您好。")).voice == "second"
    assert time.perf_counter() - began < 0.4


async def test_a_voice_comes_back_after_its_rest_and_rests_longer_each_time() -> None:
    now = [0.0]
    first = FakeVoice("first", broken=True)
    chain = VoiceChain([first, FakeVoice("second")], rest=10, clock=lambda: now[0])
    await chain.speak("您好。")
    now[0] = 11
    await chain.speak("您好。")
    now[0] = 22
    assert chain.aside() == ("first",)  # twice as long now
    now[0] = 32
    first.broken = False
    assert (await chain.speak("您好。")).voice == "first"
    assert chain.aside() == ()


async def test_all_broken_says_so_with_every_reason() -> None:
    chain = VoiceChain([FakeVoice("first", broken=True), FakeVoice("second", hangs=True)], deadline=0.02)
    with pytest.raises(SpeakError, match=r"first.*second") as caught:
        await chain.speak("好")
    assert caught.value.hint


async def test_all_set_aside_are_tried_again() -> None:
    first = FakeVoice("first", broken=True)
    chain = VoiceChain([first])
    with pytest.raises(SpeakError):
        await chain.speak("您好。")
    first.broken = False
    assert (await chain.speak("您好。")).voice == "first"


async def test_cancelling_reaches_the_voice() -> None:
    voice = FakeVoice("slow", delay=5)
    task = asyncio.create_task(VoiceChain([voice]).speak("您好。"))
    await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0)
    assert voice.cancelled == 1


def test_no_voice_at_all_is_an_error() -> None:
    with pytest.raises(SpeakError):
        VoiceChain([])


async def test_close_closes_all() -> None:
    voices = [FakeVoice("a"), FakeVoice("b")]
    await VoiceChain(voices).close()
    assert all(voice.closed for voice in voices)
