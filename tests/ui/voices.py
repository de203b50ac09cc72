"""A served page that hears and speaks with fakes, and sound for Chromium's fake microphone."""

from __future__ import annotations

import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from assistant.dialogue.pcm import to_pcm
from assistant.dialogue.session import Engines, VoiceSession
from assistant.hear.fake import FakeRecogniser, FakeTurnDetector, FakeVoiceActivity
from assistant.http.app import build_app
from assistant.http.voice import add_voice
from assistant.settings import Settings
from assistant.speak.fake import FakeVoice
from assistant.voice_contracts import HEARD_RATE, Repair, Sound
from tests.http.conversation import ScriptedConversation
from tests.serving import serving

RATE = 48_000  # Hz of a sound card


def buzz(seconds: float) -> Sound:
    """A voice without words: a gliding pitch with overtones, in syllables; noise suppression lets it through."""
    times = np.arange(int(seconds * RATE)) / RATE
    phase = 2 * np.pi * np.cumsum(150 + 40 * np.sin(2 * np.pi * 1.3 * times)) / RATE
    tone = sum(np.sin(order * phase) / order for order in range(1, 12))
    return (0.25 * tone * (0.6 + 0.4 * np.sin(2 * np.pi * 4 * times))).astype(np.float32)


def silence(seconds: float) -> Sound:
    return np.zeros(int(seconds * RATE), np.float32)


def write(path: Path, *sounds: Sound, rate: int = RATE) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(to_pcm(np.concatenate(sounds)))
    return path


def flags(sound: Path) -> tuple[str, ...]:
    """Chromium's: this file is what the microphone hears, once."""
    return (
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-audio-capture={sound}%noloop",
        "--autoplay-policy=no-user-gesture-required",
    )


class Talk:
    """What the fakes were given and gave."""

    def __init__(self) -> None:
        self.conversation = ScriptedConversation(pause=0.01)
        self.voice = FakeVoice()
        self.say: Callable[[Sound], str] = lambda sound: "一刻钟生活圈是什么？"
        self.heard: list[Sound] = []  # what the recogniser was given
        self.repair: Callable[[str], Repair] = lambda text: Repair(text, text)
        self.sessions: list[VoiceSession] = []

    def hear(self, sound: Sound) -> str:
        self.heard.append(sound)
        return self.say(sound)


@contextmanager
def talking(recording: bool = False, speaks: bool = True) -> Iterator[tuple[str, Talk]]:
    """The address of a page with voice, and what is behind it."""
    from ui.chat import mount

    talk = Talk()
    config = Settings(_env_file=None, asks_per_minute=1000)
    app = build_app(talk.conversation, lambda: {"ready": True, "hears": True, "speaks": speaks}, config)
    engines = Engines(
        FakeRecogniser(talk.hear),
        FakeVoiceActivity,
        voice=talk.voice if speaks else None,
        detector=FakeTurnDetector(),
        repair=lambda text: talk.repair(text),
    )

    def open_session(session: str, language: object) -> VoiceSession:
        talk.sessions.append(VoiceSession(talk.conversation, engines, session, None))
        return talk.sessions[-1]

    add_voice(app, open_session, talk.conversation.erase, app.state.limiter.allow, recording=recording)
    with serving(mount(app, talk.conversation)) as address:
        yield f"http://{address}", talk


def seconds(sound: Sound) -> float:
    return len(sound) / HEARD_RATE
