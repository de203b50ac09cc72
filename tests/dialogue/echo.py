"""A conversation that answers with what it was asked, for tests of the dialogue around it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import numpy as np

from assistant.contracts import Answer, Contacts, Exchange, Language, TurnEvent
from assistant.sessions import Sessions
from assistant.voice_contracts import HEARD_RATE, Sound


class EchoConversation:
    """Answers “您问的是…” in three pieces; epochs and cancelling are the real ones."""

    def __init__(self, pause: float = 0.0) -> None:
        self.pause = pause
        self.sessions = Sessions()
        self.asked: list[tuple[str, str]] = []
        self.heard_only: list[tuple[str, int, str]] = []
        self.left = 0  # turns that were ended before their answer

    async def ask(self, text: str, session: str, language: Language | None = None) -> AsyncIterator[TurnEvent]:
        state, turn_id = self.sessions.begin(session)
        self.asked.append((session, text))
        finished = False
        try:
            yield TurnEvent(turn_id=turn_id, type="started")
            pieces = [f"您问的是{text}，", "这件事在方案第一条里写着，", "请看屏幕上的原文。"]
            for piece in pieces:
                await asyncio.sleep(self.pause)
                if state.turn_id != turn_id:
                    yield TurnEvent(turn_id=turn_id, type="cancelled")
                    return
                yield TurnEvent(turn_id=turn_id, type="text", text=piece)
            yield TurnEvent(turn_id=turn_id, type="answer", answer=Answer(text="".join(pieces), engine="talk"))
            finished = True
        finally:
            self.left += not finished

    def cancel(self, session: str) -> None:
        self.sessions.cancel(session)

    def epoch(self, session: str) -> int:
        return self.sessions.begin(session)[1]

    def heard(self, session: str, turn_id: int, text: str) -> None:
        self.heard_only.append((session, turn_id, text))

    def erase(self, session: str) -> None:
        self.sessions.erase(session)

    def on_erase(self, forget: Callable[[str], None]) -> None:
        self.sessions.on_erase(forget)

    def tell(self, session: str, answer: Answer) -> int:
        return self.sessions.begin(session)[1]

    def exchanges(self, session: str) -> tuple[Exchange, ...]:
        return self.sessions.exchanges(session)

    async def contacts(self, session: str) -> Contacts:
        return Contacts()


def tone(seconds: float, level: float = 0.3) -> Sound:
    """Something loud: speech to the fake detector."""
    times = np.arange(int(seconds * HEARD_RATE)) / HEARD_RATE
    return (level * np.sin(2 * np.pi * 220 * times)).astype(np.float32)


def silence(seconds: float) -> Sound:
    return np.zeros(int(seconds * HEARD_RATE), np.float32)
