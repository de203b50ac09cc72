"""What both language models share: how a selection is asked for, and writing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path

from assistant.answer.chat import Chat
from assistant.answer.prompts import Message, Prompt, load_prompt, plain
from assistant.contracts import Language, Passage


def selection(prompt: Prompt, passage: Passage, sentences: Sequence[str], question: str) -> list[Message]:
    """Messages that ask for one sentence's number; the question comes last, all before it is constant."""
    title = plain(passage.path[-1] if passage.path else passage.title)
    # The number stands on both sides: a small model otherwise tends to name a neighbour.
    numbered = "\n".join(f"【{n}】{plain(sentence)}【{n}】" for n, sentence in enumerate(sentences, 1))
    return prompt.messages(title=title, sentences=numbered, question=plain(question))


class Writer:
    """What both models share: writing, from prompts of the answer's language."""

    def __init__(self, chat: Chat, prompts: Path) -> None:
        self._chat = chat
        self._select = load_prompt(prompts, Language.CHINESE, "select")
        self._write = {language: load_prompt(prompts, language, "write") for language in Language}

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """Held while the server works for one question."""
        with nullcontext():
            yield

    async def write(
        self, question: str, evidence: Sequence[str], language: Language, timeout: float
    ) -> AsyncIterator[str]:
        """Stream a free answer that cites ``evidence`` by position, as [1]; ``timeout`` in seconds.

        Raises ``AnswerError`` when late, broken, empty or endless. Leaving the iterator ends the generation.
        """
        prompt = self._write[language]
        numbered = "\n".join(f"[{number}] {plain(text)}" for number, text in enumerate(evidence, 1))
        messages = prompt.messages(evidence=numbered, question=plain(question))
        pieces = self._chat.stream(messages, prompt.max_tokens, timeout, self._turn)
        try:
            async for piece in pieces:
                yield piece
        finally:
            await pieces.aclose()  # type: ignore[attr-defined]
