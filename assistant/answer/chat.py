"""Speaks to one OpenAI-compatible server through LangChain, with a deadline and one kind of error."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from assistant.answer.prompts import Message
from assistant.errors import AnswerError

if TYPE_CHECKING:
    from langchain_core.messages import AIMessage
    from langchain_openai import ChatOpenAI

LONGEST = 1200  # characters; a written answer beyond this is out of hand
_HINT = "The extractive answer stands in; look at the language model's settings."


@asynccontextmanager
async def deadline(seconds: float) -> AsyncIterator[None]:
    """Everything inside must end within ``seconds``; lateness and any failure become ``AnswerError``.

    No trace of the call is sent anywhere, whatever LangSmith's environment variables say. Error messages
    name the kind of failure only: bodies could hold residents' words.
    """
    from langsmith import tracing_context

    try:
        async with asyncio.timeout(seconds):
            with tracing_context(enabled=False):
                yield
    except AnswerError:
        raise
    except TimeoutError as error:
        raise AnswerError(f"The language model took longer than {seconds:g} s.", _HINT) from error
    except Exception as error:
        status = getattr(error, "status_code", None)
        kind = type(error).__name__ + (f" {status}" if status else "")
        raise AnswerError(f"The language model failed: {kind}.", _HINT) from error


class Chat:
    """Chat completions of ``model`` at ``base_url``; a call's connection is closed when the call ends.

    ``base_url`` is asked for on each call, since a restarted server listens elsewhere.
    """

    def __init__(self, base_url: Callable[[], str], model: str, api_key: str) -> None:
        self._base_url, self._model, self._api_key = base_url, model, api_key

    async def complete(
        self, messages: Sequence[Message], max_tokens: int, body: dict[str, Any] | None = None, **options: Any
    ) -> AIMessage:
        """One whole reply. ``body`` holds fields that only this server knows. Use inside ``deadline``."""
        async with self._client(max_tokens, body or {}, options) as chat:
            return await chat.ainvoke(list(messages))

    async def stream(
        self,
        messages: Sequence[Message],
        max_tokens: int,
        timeout: float,
        turn: Callable[[], AbstractAsyncContextManager[None]],
    ) -> AsyncIterator[str]:
        """Pieces of a reply as they come; ``turn`` is held while the server works.

        The reply is read in a task of its own: a slow listener holds up nobody, and leaving the iterator
        ends the generation. Raises ``AnswerError`` when late, broken, empty or endless.
        """
        pieces: asyncio.Queue[str | None] = asyncio.Queue()

        async def read() -> None:
            length = 0
            try:
                async with deadline(timeout), turn(), self._client(max_tokens, {}, {}) as chat:
                    async for chunk in chat.astream(list(messages)):
                        text = chunk.text
                        length += len(text)
                        if length > LONGEST:
                            raise AnswerError("The language model doesn't come to an end.", _HINT)
                        if text:
                            pieces.put_nowait(text)
                if length == 0:
                    raise AnswerError("The language model said nothing.", _HINT)
            finally:
                pieces.put_nowait(None)

        reader = asyncio.create_task(read())
        try:
            while (piece := await pieces.get()) is not None:
                yield piece
            await reader
        finally:
            reader.cancel()
            await asyncio.wait([reader])

    @asynccontextmanager
    async def _client(
        self, max_tokens: int, body: dict[str, Any], options: dict[str, Any]
    ) -> AsyncIterator[ChatOpenAI]:
        import httpx
        from langchain_openai import ChatOpenAI
        from pydantic import SecretStr

        url = self._base_url()
        # Proxies are for servers elsewhere; certificates only matter with https.
        ours = urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")
        secure = url.startswith("https:")
        async with httpx.AsyncClient(trust_env=not ours, verify=secure, timeout=None) as client:  # noqa: S113
            with httpx.Client(trust_env=False, verify=False) as unused:  # noqa: S501
                yield ChatOpenAI(
                    base_url=url,
                    model=self._model,
                    api_key=SecretStr(self._api_key),
                    temperature=0,
                    max_retries=0,
                    cache=False,
                    stream_usage=False,
                    http_async_client=client,
                    http_client=unused,
                    # As a plain field, since many servers don't know max_completion_tokens.
                    extra_body={"max_tokens": max_tokens, **body},
                    **options,
                )
