"""A language model on any OpenAI-compatible server."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from assistant.answer.chat import Chat, deadline
from assistant.answer.llama import import_clients
from assistant.answer.writer import Writer, selection
from assistant.contracts import Language, Passage
from assistant.errors import AnswerError, SettingsError

AWAY = 15.0  # seconds for which a server that failed isn't asked again
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_THOUGHT = re.compile(r"<think>.*?</think>", re.DOTALL)


class ServerLanguageModel(Writer):
    """A model on any OpenAI-compatible server. It gets the question and public evidence, nothing else."""

    def __init__(
        self, base_url: str, model: str, api_key: str, writes: bool, prompts: Path, timeout: float = 20.0
    ) -> None:
        if not base_url.startswith(("http://", "https://")):
            raise SettingsError(
                f"{base_url!r} is no address of a server.", "Set JIAMENKOU_LLM_BASE_URL, ending in /v1."
            )
        self.name, self.writes = model, writes
        self._timeout = timeout  # seconds that no call may exceed, whatever its caller allows
        self._away_until = 0.0
        self._imports = threading.Thread(target=import_clients, name="llm-imports", daemon=True)
        self._imports.start()
        super().__init__(Chat(lambda: base_url, model, api_key), prompts)

    async def ready(self) -> bool:
        """False while it warms up and for ``AWAY`` seconds after it failed; doesn't ask the server."""
        return not self._imports.is_alive() and time.monotonic() >= self._away_until

    async def close(self) -> None:
        """Nothing to do: connections end with their calls."""

    async def prepare(
        self, articles: Sequence[tuple[Passage, Sequence[str]]], progress: Callable[[int, int], None]
    ) -> int:
        """Nothing to compute here; always 0."""
        progress(len(articles), len(articles))
        return 0

    async def select(self, question: str, passage: Passage, sentences: Sequence[str], timeout: float) -> int:
        """Number of the sentence that answers, or 0; see ``LanguageModel.select``.

        The first number of the reply counts; none, or one out of range, raises ``AnswerError``.
        """
        if not sentences:
            return 0
        messages = selection(self._select, passage, sentences, question)
        async with self._watched(), deadline(min(timeout, self._timeout)):
            reply = await self._chat.complete(messages, 16)
        found = _NUMBER.search(_THOUGHT.sub("", reply.text))
        number = float(found[0]) if found else -1.0
        if not number.is_integer() or not 0 <= number <= len(sentences):
            raise AnswerError("The language model named no sentence.", "The extractive answer stands in.")
        return int(number)

    async def write(
        self, question: str, evidence: Sequence[str], language: Language, timeout: float
    ) -> AsyncIterator[str]:
        """As ``Writer.write``; a failure makes ``ready`` False for a while."""
        pieces = super().write(question, evidence, language, min(timeout, self._timeout))
        try:
            async with self._watched():
                async for piece in pieces:
                    yield piece
        finally:
            await pieces.aclose()  # type: ignore[attr-defined]

    @asynccontextmanager
    async def _watched(self) -> AsyncIterator[None]:
        """Remember a failure of the server."""
        try:
            yield
        except AnswerError:
            self._away_until = time.monotonic() + AWAY
            raise
