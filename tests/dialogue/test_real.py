"""Real ears and a real voice: a spoken question is heard, answered from the plan, and spoken."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from assistant.contracts import TurnEvent
from assistant.dialogue.session import VoiceSession
from assistant.hear.command import hear_sound
from assistant.hear.files import read_sound
from assistant.main import Library, make_embedder
from assistant.main_voice import Busy, Repairs, make_engines, make_voice
from assistant.prepare_voice import prepare_speech
from assistant.settings import Settings
from assistant.speak.command import speak_to_file
from assistant.turn import Assistant, Knowledge
from assistant.voice_contracts import FRAME, HEARD_RATE, Sound, VoiceEvent
from evaluation.voice_bench import spoken

pytestmark = [pytest.mark.real, pytest.mark.slow]


async def ask_aloud(session: VoiceSession, sound: Sound) -> list[VoiceEvent]:
    """Speak in real time, then stay silent until all of the answer was sent."""
    events: list[VoiceEvent] = []

    async def read() -> None:
        async for event in session.events():
            events.append(event)

    reader = asyncio.create_task(read())
    room = np.random.default_rng(1)
    async with asyncio.timeout(40):
        at = 0
        while not any(event.type == "finished" for event in events):
            frame = sound[at : at + FRAME] if at < len(sound) else np.zeros(FRAME, np.float32)
            at += FRAME
            session.hear(frame + room.normal(0, 0.0005, len(frame)).astype(np.float32))
            await asyncio.sleep(FRAME / HEARD_RATE)
    reader.cancel()
    await asyncio.gather(reader, return_exceptions=True)
    return events


async def test_a_real_spoken_question_gets_its_article_aloud(
    assistant: Callable[..., Assistant], knowledge: Knowledge, published: Settings, tmp_path: Path
) -> None:
    config = published.model_copy(update={"voice": "light"})
    library = Library(config, make_embedder(config))
    engines = make_engines(config, library)
    sounds = await spoken(["老房子能加装电梯吗？", "装一部电梯要多少钱？"])
    session = VoiceSession(assistant(), engines, "real")
    events = await ask_aloud(session, sounds[0])
    heard = next(event.text for event in events if event.type == "heard")
    assert "电梯" in heard
    answer = next(e.payload.answer for e in events if isinstance(e.payload, TurnEvent) and e.payload.answer)
    assert answer.citations[0].article == 14
    clips = [event.speech for event in events if event.type == "audio" and event.speech]
    assert "".join(clip.text for clip in clips) == answer.text
    assert sum(clip.milliseconds for clip in clips) > 3000
    assert all(clip.visemes and clip.marks for clip in clips)
    # What she said, heard again by the recogniser, is what was shown.
    path = tmp_path / "answer.flac"
    voice = make_voice(config)
    assert voice is not None
    await speak_to_file(answer.text, voice, path)
    again = await asyncio.to_thread(hear_sound, read_sound(path), engines.recogniser, engines.activity())
    assert "电梯" in Repairs(library)(again.text).text
    # The follow-up is heard in the light of the first question.
    events = await ask_aloud(session, sounds[1])
    answer = next(e.payload.answer for e in events if isinstance(e.payload, TurnEvent) and e.payload.answer)
    assert answer.refused
    assert answer.reason == "no_price"
    await session.close()
    await voice.close()


async def test_misheard_words_of_the_plan_are_put_right_by_its_evidence(published: Settings) -> None:
    repairs = Repairs(Library(published, make_embedder(published)))
    assert repairs("老房子能不能家装店梯").text == "老房子能不能加装电梯"
    assert repairs("是老化改造有补贴吗").text == "适老化改造有补贴吗"
    assert repairs("今天天气怎么样").changes == ()
    assert repairs("养老床位有多少张").changes == ()


async def test_prepared_speech_is_played_at_once(
    published: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = published.model_copy(update={"voice": "light"})
    library = Library(config, make_embedder(config))
    monkeypatch.setattr("assistant.prepare_voice.known_questions", lambda library: ["老房子能加装电梯吗？", "你好"])
    engines = make_engines(config, library)
    assert await prepare_speech(config, library, engines, Busy()) > 5
    assert await prepare_speech(config, library, engines, Busy()) == 0
    assert engines.prepared is not None
    ready = engines.prepared.find("可以的，行动方案第十四条提到，", config.voice_speed)
    assert ready is not None
    assert ready.prepared
    assert ready.visemes
