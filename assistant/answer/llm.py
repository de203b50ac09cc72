"""The language model on this machine, with computed prefixes."""

from __future__ import annotations

import asyncio
import hashlib
import math
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from importlib import metadata
from pathlib import Path
from typing import Any

from assistant.answer.chat import Chat, deadline
from assistant.answer.llama import CONTEXT, LlamaServer
from assistant.answer.prefix_store import PrefixStore, key_of
from assistant.answer.priority import BACKGROUND, PriorityLock
from assistant.answer.prompts import Message
from assistant.answer.writer import Writer, selection
from assistant.contracts import Passage
from assistant.errors import AnswerError

STEP = 48  # tokens of a prefix that are computed before looking whether a question waits; under a second
ROOM = 512  # tokens of the context that a question and its answer may need
_SAMPLE = "一二三"  # stands for the question where a prefix ends


class LocalLanguageModel(Writer):
    """A GGUF model in a process of this machine, loading in the background.

    ``prefixes`` is a folder for computed prefixes; ``identity`` names the model file's content (by default
    its name, size and first mebibyte). Raises ``WeightsError`` when there is no ``model`` file.
    """

    def __init__(
        self,
        model: Path,
        prefixes: Path,
        prompts: Path,
        threads: int = 2,
        name: str = "",
        writes: bool = False,
        identity: str = "",
    ) -> None:
        self.name, self.writes = name or model.stem, writes
        self.computed = 0  # prompt tokens that the last selection had to compute
        self._server = LlamaServer(model, prefixes, threads)
        self._store = PrefixStore(prefixes)
        self._slot = PriorityLock()
        self._speed = math.inf  # prompt tokens a second, once measured
        super().__init__(Chat(lambda: f"{self._server.base_url}/v1", self.name, self._server.key), prompts)
        self._kind = (
            identity or _identity(model),
            metadata.version("xllamacpp"),
            str(CONTEXT),
            self._select.digest,
        )

    async def ready(self) -> bool:
        """Whether the model is loaded; never waits."""
        return self._server.up

    async def forget(self) -> None:
        """Let the slot hold no question any more: what it saw last is replaced by what all prompts share."""
        with suppress(AnswerError):
            async with self._turn():
                if not await self._restore(self._key(None, ())):
                    await self._server.compute(await self._server.tokens(_SAMPLE))

    async def close(self) -> None:
        """End the model's process."""
        await asyncio.to_thread(self._server.close)

    async def select(self, question: str, passage: Passage, sentences: Sequence[str], timeout: float) -> int:
        """Number of the sentence that answers, or 0; see ``LanguageModel.select``.

        A grammar allows nothing but these numbers. Without a computed prefix it fails at once when the
        time plainly won't do.
        """
        if not sentences:
            return 0
        messages = selection(self._select, passage, sentences, question)
        numbers = " | ".join(f'"{number}"' for number in range(len(sentences) + 1))
        body = {"grammar": f"root ::= {numbers}", "cache_prompt": True, "id_slot": 0}
        async with deadline(timeout), self._turn():
            if not await self._restore(self._key(passage, sentences)):
                await self._expect(messages, timeout)
            reply = await self._chat.complete(messages, self._select.max_tokens, body, logprobs=True, top_logprobs=20)
            number = int(reply.text)
        usage: dict[str, Any] = dict(reply.usage_metadata or {})
        self.computed = usage.get("input_tokens", 0) - usage.get("input_token_details", {}).get("cache_read", 0)
        logprobs = (reply.response_metadata.get("logprobs") or {}).get("content") or []
        return 0 if number and _none(logprobs, len(sentences)) > self._select.refuse_at else number

    async def prepare(
        self, articles: Sequence[tuple[Passage, Sequence[str]]], progress: Callable[[int, int], None]
    ) -> int:
        """Compute the prefix of each article that has none; returns how many were new.

        Lets questions pass after every ``STEP`` tokens and goes on where it stopped. What was finished
        stays when it is cancelled. ``progress`` gets how many are done, and of how many. An article that
        doesn't fit into the context is left out. Raises ``AnswerError`` when the model isn't loaded.
        """
        new = 0
        base: str | None = None
        for done, (passage, sentences) in enumerate(articles):
            progress(done, len(articles))
            key = self._key(passage, sentences)
            if await asyncio.to_thread(self._store.find, key):
                continue
            tokens, common = await self._prefix(selection(self._select, passage, sentences, _SAMPLE))
            if len(tokens) > CONTEXT - ROOM:
                continue
            base_key = self._key(None, ())
            base = base or await asyncio.to_thread(self._store.find, base_key)
            if base is None:
                base = await self._compute(base_key, tokens[:common], None, 0)
            await self._compute(key, tokens, base, common)
            new += 1
        progress(len(articles), len(articles))
        return new

    def prepared(self, articles: Iterable[tuple[Passage, Sequence[str]]]) -> bool:
        """Whether every article has its prefix already; needs no loaded model."""
        return all(self._store.find(self._key(*article)) for article in articles)

    def prune(self, keep: Iterable[tuple[Passage, Sequence[str]]]) -> int:
        """Remove every computed prefix of other articles, prompts and models; returns how many."""
        return self._store.prune([self._key(None, ()), *(self._key(*article) for article in keep)])

    def prefix_bytes(self) -> int:
        """Size of all computed prefixes on disk."""
        return self._store.size()

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        async with self._slot.hold():
            yield

    def _key(self, passage: Passage | None, sentences: Sequence[str]) -> str:
        """Key of an article's prefix, or of the part before any article."""
        text = selection(self._select, passage, sentences, "")[-1]["content"] if passage else ""
        return key_of(*self._kind, text)

    async def _restore(self, key: str) -> bool:
        """Bring the slot to the saved prefix of ``key``, if there is a usable one."""
        name = await asyncio.to_thread(self._store.find, key)
        if name is None:
            return False
        try:
            await self._server.restore(name)
        except AnswerError:
            if not self._server.up:
                raise
            self._store.discard(name)  # of another build of the runtime
            return False
        return True

    async def _expect(self, messages: Sequence[Message], timeout: float) -> None:
        """Get ready for a cold prompt, or fail at once when it would plainly be late."""
        warm = await self._restore(self._key(None, ()))
        tokens, common = await self._prefix(messages)
        seconds = (len(tokens) - (common if warm else 0)) / self._speed
        if seconds > timeout:
            raise AnswerError(
                f"This article has no computed prefix and would take {seconds:.0f} s.",
                "Run `jiamenkou publish` to compute prefixes.",
            )

    async def _prefix(self, messages: Sequence[Message]) -> tuple[list[int], int]:
        """Tokens of the prompt before the question's line, and how many of them all articles share."""
        prompt = await self._server.render(messages)
        content = messages[-1]["content"]
        start = prompt.rindex(content)
        # Cut at line ends, which no token spans here: the cut text's tokens begin the whole's. Still checked.
        end = start + content.rindex("\n") + 1
        whole, cut, shared = [await self._server.tokens(text) for text in (prompt, prompt[:end], prompt[:start])]
        tokens = cut[: _agreement(whole, cut)]
        return tokens, _agreement(tokens, shared)

    async def _compute(self, key: str, tokens: Sequence[int], base: str | None, done: int) -> str:
        """Compute and keep one prefix, whose first ``done`` tokens ``base`` holds; returns its file."""
        reserved = self._store.reserve()
        start = base
        try:
            while done < len(tokens):
                async with self._slot.hold(BACKGROUND):
                    if start is not None:
                        await self._server.restore(start)
                    while done < len(tokens) and not self._slot.wanted:
                        began = time.monotonic()
                        done = min(done + STEP, len(tokens))
                        computed = await self._server.compute(tokens[:done])
                        if computed >= STEP // 2:
                            self._speed = computed / (time.monotonic() - began)
                    if start is not None or done:
                        await self._server.save(reserved)
                        start = reserved
            return await asyncio.to_thread(self._store.keep, key, reserved)
        finally:
            self._store.discard(reserved)


def _none(logprobs: Sequence[dict[str, Any]], count: int) -> float:
    """Share of the probability of all allowed first tokens that is on 0; 0.0 when unknown."""
    if not logprobs:
        return 0.0
    allowed = {str(number)[0] for number in range(count + 1)}
    shares: dict[str, float] = {}
    for entry in logprobs[0].get("top_logprobs", ()):
        if entry["token"] in allowed:
            shares[entry["token"]] = math.exp(entry["logprob"])
    total = sum(shares.values())
    return shares.get("0", 0.0) / total if total else 0.0


def _agreement(one: Sequence[int], other: Sequence[int]) -> int:
    """How many tokens two lists begin with in common."""
    for place, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return place
    return min(len(one), len(other))


def _identity(model: Path) -> str:
    """Names a model file's content without reading all of it."""
    with model.open("rb") as file:
        head = hashlib.sha256(file.read(1 << 20)).hexdigest()[:16]
    return f"{model.name}-{model.stat().st_size}-{head}"
