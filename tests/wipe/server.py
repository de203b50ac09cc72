"""The real server with made-up hearing and speaking, and with places that break on a resident's words.

Run as ``python -m tests.wipe.server``; settings come from the environment. What is heard follows from how loud
it is, so that no word that a test looks for stands in this file.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from typing import Any

import numpy as np

from assistant import main, main_voice, serve, turn
from assistant.contracts import Language, TurnEvent
from assistant.dialogue.session import Engines
from assistant.hear.fake import FakeRecogniser, FakeVoiceActivity
from assistant.main_publish import Publisher
from assistant.retrieve.embedder import FakeEmbedder
from assistant.settings import settings
from assistant.speak.fake import FakeVoice
from assistant.turn import Assistant
from assistant.understand.clean import simplified
from assistant.voice_contracts import Repair, Sound, Speech
from tests.small_world import OpenGate

ASKED = "，老年助餐点达到多少个？"


# Characters that cleaning leaves as they are.
RARE = [code for code in range(0x6D00, 0x7600) if simplified(chr(code)) == chr(code)]


def codes_of(number: int) -> list[int]:
    """The characters of a name: three that all names begin with, and four of its own."""
    return [RARE[place] for place in (17, 911, 402, *((number * 389 + place * 1021) % len(RARE) for place in range(4)))]


def name_of(number: int) -> str:
    """A name of seven rare characters."""
    return "".join(map(chr, codes_of(number)))


def names(text: str, number: int) -> bool:
    """Whether ``text`` holds a name; makes no string of it."""
    codes, wanted = list(map(ord, text)), codes_of(number)
    return any(codes[place : place + len(wanted)] == wanted for place in range(len(codes)))


def heard(sound: Sound) -> str:
    """Loudness in hundredths is the number of a name."""
    return name_of(round(float(np.abs(sound).max()) * 100)) + ASKED


class ForgetfulVoice(FakeVoice):
    """Keeps no list of what it said."""

    async def speak(self, clause: str, speed: float = 1.0) -> Speech:
        speech = await super().speak(clause, speed)
        self.spoken.clear()
        return speech


def repair(text: str) -> Repair:
    """Breaks on one name, with the words in the message."""
    if names(text, 99):
        raise ValueError(f"can't repair {text}")
    return Repair(text, text)


def run() -> None:
    """Publish the small corpus and serve it."""
    config = settings()
    main.make_embedder = lambda *_, **__: FakeEmbedder()  # type: ignore[assignment, misc]
    Publisher(config, FakeEmbedder()).publish_folder()
    recogniser = FakeRecogniser(heard)
    keep = main_voice.keeper(config.data_folder / "recordings") if config.keep_recordings else None
    engines = Engines(recogniser, FakeVoiceActivity, voice=ForgetfulVoice(), repair=repair, keep=keep)
    main_voice.engines_or_none = lambda *_: engines  # type: ignore[assignment]
    turn.Gate = OpenGate  # type: ignore[misc, assignment]  # names nobody knows must not end in refusals
    asking = Assistant.ask

    async def ask(self: Assistant, text: str, session: str, language: Language | None = None) -> AsyncIterator[Any]:
        if names(text, 98):
            raise ValueError(f"can't answer {text}")
        event: TurnEvent
        async for event in asking(self, text, session, language):
            yield event

    Assistant.ask = ask  # type: ignore[method-assign]
    serve.run(config, lambda text: print(text, file=sys.stderr, flush=True))


if __name__ == "__main__":
    run()
