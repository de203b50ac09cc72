"""Memory for /v1: a conversation that the client sends along is known again, or gone through once more."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing

from assistant.contracts import Conversation, Language, TurnEvent

Said = tuple[str, str]  # (question, answer as the client has it; empty when it has none)


class Memories:
    """Sessions of callers of /v1, at most ``limit`` of each kind, so that the page's own are never pushed out.

    A client that sends the whole conversation along needs a session only for speed: after an answer it is kept
    under a hash of the conversation so far, and the next question finds it by that hash. Whoever sends
    another past (an answer cut short, another branch, after a restart) has its last questions asked again first.
    """

    def __init__(self, conversation: Conversation, limit: int, turns: int) -> None:
        self._conversation, self._limit, self._turns = conversation, limit, turns
        self._secret = secrets.token_bytes(32)  # ids that nobody can work out from what callers choose
        self._past: OrderedDict[bytes, tuple[str, int]] = OrderedDict()  # hash: (session, its last turn)
        self._named: OrderedDict[str, None] = OrderedDict()

    def named(self, caller: str, name: str) -> str:
        """The session that ``caller`` calls ``name``; another caller's of the same name is another one."""
        digest = hmac.new(self._secret, f"{caller}\n{name}".encode(), hashlib.sha256).hexdigest()
        session = f"v1n-{digest[:40]}"
        self._named[session] = None
        self._named.move_to_end(session)
        while len(self._named) > self._limit:
            self._conversation.erase(self._named.popitem(last=False)[0])
        return session

    async def recalled(self, caller: str, past: Sequence[Said], language: Language | None) -> str:
        """A session that remembers ``past``; nobody else has it until it is given back by ``keep``."""
        found = self._past.pop(self._hash(caller, past), None) if past else None
        if found is not None:
            session, turn_id = found
            if self._conversation.answered(session, turn_id) is not None:
                return session
        session = f"v1-{secrets.token_urlsafe(24)}"
        for question, answer in past[-self._turns :]:
            await self._again(session, question, answer, language)
        return session

    def keep(self, caller: str, past: Sequence[Said], session: str, turn_id: int) -> None:
        """Know ``session`` again by ``past``, which now ends in its newest answer."""
        key = self._hash(caller, past)
        older = self._past.pop(key, None)
        self._past[key] = (session, turn_id)
        gone = [older] if older and older[0] != session else []
        while len(self._past) > self._limit:
            gone.append(self._past.popitem(last=False)[1])
        for old, _ in gone:
            self._conversation.erase(old)

    def drop(self, session: str) -> None:
        """Forget a session whose turn came to nothing."""
        self._conversation.erase(session)

    def _hash(self, caller: str, past: Sequence[Said]) -> bytes:
        mac = hmac.new(self._secret, caller.encode(), hashlib.sha256)
        for question, answer in past:
            for text in (question, answer):
                data = text.strip().encode("utf-8", "surrogatepass")
                mac.update(len(data).to_bytes(4, "big") + data)
        return mac.digest()

    async def _again(self, session: str, question: str, answer: str, language: Language | None) -> None:
        turn_id, text = 0, ""
        events: AsyncIterator[TurnEvent] = self._conversation.ask(question, session, language)
        async with aclosing(events) as turn:  # type: ignore[type-var]
            async for event in turn:
                turn_id = event.turn_id
                text = event.answer.text if event.answer is not None else text
        if answer and answer.strip() != text.strip():
            self._conversation.heard(session, turn_id, answer)
