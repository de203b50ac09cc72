"""/v1/chat/completions: one turn for clients of OpenAI's service."""

from __future__ import annotations

import json
import random
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from assistant.contracts import Answer, Conversation, Language, TurnEvent
from assistant.http.admission import Admission
from assistant.http.door import Caller
from assistant.http.openai_errors import FAILURES, ApiError, OpenAIRoute, overloaded, translated
from assistant.http.openai_memory import Memories, Said
from assistant.http.openai_shapes import ChatRequest, Completion, text_of, wished_language
from assistant.http.shapes import answer_shape
from assistant.http.stream import admitted

MODEL = "xiaohu"
NAMES = (MODEL, "jiamenkou")
GREETING = {Language.CHINESE: "你好", Language.ENGLISH: "Hello"}
_LANGUAGES = {each.value: each for each in Language}


@dataclass(frozen=True)
class Asked:
    """One request, understood."""

    caller: str
    question: str
    past: tuple[Said, ...]
    language: Language | None
    name: str | None  # of the session that the server is to remember
    prompt: str  # all that was sent, for counting
    stream: bool
    with_usage: bool


@dataclass
class Running:
    """One turn that has been let in, and its first event beyond ``started``."""

    asked: Asked
    session: str
    first: TurnEvent
    rest: AsyncGenerator[TurnEvent, None]


class Chat:
    """Runs turns for /v1; ``count`` counts tokens."""

    def __init__(
        self, conversation: Conversation, memories: Memories, admission: Admission, count: Callable[[str], int]
    ) -> None:
        self._conversation, self._memories, self._admission = conversation, memories, admission
        self._count = count

    async def begin(self, asked: Asked) -> Running:
        """Run the turn up to where it is known whether there will be an answer. Raises ``ApiError``."""
        turn = self._turn(asked)
        try:
            session, _ = await anext(turn)
            _, first = await anext(turn)
        except BaseException:
            await turn.aclose()
            raise
        if first.type in ("error", "cancelled"):
            await turn.aclose()
            raise failure(first)
        return Running(asked, session, first, _events(turn))

    async def whole(self, asked: Asked) -> dict[str, Any]:
        """The answer as one object."""
        running = await self.begin(asked)
        async with aclosing(_all(running)) as events:
            async for event in events:
                if event.answer is not None:
                    return self._completion(asked, event.answer, event.turn_id, running.session)
                if event.type in ("error", "cancelled"):
                    raise failure(event)
        raise RuntimeError("A turn ended without an answer, an error, or a cancellation.")

    async def pieces(self, running: Running) -> AsyncIterator[str]:
        """The answer as server-sent events; a closed connection ends the turn."""
        asked, identity = running.asked, _identity("chat.completion.chunk")
        usage: dict[str, Any] = {"usage": None} if asked.with_usage else {}

        def chunk(delta: dict[str, Any], reason: str | None = None) -> str:
            choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
            return _data({**identity, "choices": [choice], **usage})

        try:
            async with aclosing(_all(running)) as events:
                yield chunk({"role": "assistant", "content": "", "refusal": None})
                async for event in events:
                    if event.type == "text":
                        yield chunk({"content": event.text})
                    elif event.answer is not None:
                        yield chunk({"jiamenkou": answer_shape(event.answer, event.turn_id, running.session)}, "stop")
                        if asked.with_usage:
                            figures = self._usage(asked, event.answer)
                            yield _data({**identity, "choices": [], "usage": figures})
                    elif event.type in ("error", "cancelled"):
                        yield _data(failure(event).body())
            yield "data: [DONE]\n\n"
        except Exception as error:
            yield _data(translated(error, "/v1/chat/completions").body())

    async def _turn(self, asked: Asked) -> AsyncGenerator[tuple[str, TurnEvent], None]:
        """(session, event) of a turn, once it is admitted; the session is kept when there is an answer."""
        answered = False
        session = self._memories.named(asked.caller, asked.name) if asked.name else ""

        async def events() -> AsyncGenerator[TurnEvent, None]:
            nonlocal session
            if not asked.name:
                session = await self._memories.recalled(asked.caller, asked.past, asked.language)
            asking = self._conversation.ask(asked.question, session, asked.language)
            async with aclosing(asking) as turn:  # type: ignore[type-var]
                async for event in turn:
                    yield event

        try:
            async with aclosing(admitted(events(), self._admission)) as turn:
                async for event in turn:
                    if event.answer is not None:
                        answered = True
                        if not asked.name:
                            past = (*asked.past, (asked.question, event.answer.text))
                            self._memories.keep(asked.caller, past, session, event.turn_id)
                    yield session, event
        finally:
            if session and not asked.name and not answered:
                self._memories.drop(session)

    def _completion(self, asked: Asked, answer: Answer, turn_id: int, session: str) -> dict[str, Any]:
        message = {
            "role": "assistant",
            "content": answer.text,
            "refusal": None,
            "jiamenkou": answer_shape(answer, turn_id, session),
        }
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
        return {**_identity("chat.completion"), "choices": [choice], "usage": self._usage(asked, answer)}

    def _usage(self, asked: Asked, answer: Answer) -> dict[str, int]:
        prompt, completion = self._count(asked.prompt), self._count(answer.text)
        return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def understood(body: ChatRequest, caller: Caller) -> Asked:
    """What a request asks for. Raises ``ApiError``."""
    if body.model not in NAMES:
        raise ApiError(
            404, f"The model '{body.model}' does not exist; use '{MODEL}'.", code="model_not_found", param="model"
        )
    body.refuse_unsupported()
    said = [(message.role, text_of(message, place)) for place, message in enumerate(body.messages)]
    orders = "\n".join(text for role, text in said if role in ("system", "developer"))
    ours, metadata = body.jiamenkou, body.metadata or {}
    language = (ours and ours.language) or _LANGUAGES.get(metadata.get("language", "")) or wished_language(orders)
    spoken = [(role, text) for role, text in said if role in ("user", "assistant")]
    if not spoken:
        spoken = [("user", GREETING[language or Language.CHINESE])]  # a client that lets the assistant begin
    if spoken[-1][0] != "user":
        raise ApiError(400, "The last message must be the user's.", code="invalid_value", param="messages")
    past = exchanges(spoken[:-1])
    name = (ours and ours.session) or metadata.get("session")
    if not name and not past:
        name = body.user or body.safety_identifier
    return Asked(
        caller=caller.subject,
        question=spoken[-1][1],
        past=() if name else past,
        language=language or None,
        name=name or None,
        prompt="\n".join(text for _, text in said),
        stream=bool(body.stream),
        with_usage=bool(body.stream_options and body.stream_options.include_usage),
    )


def exchanges(spoken: Sequence[tuple[str, str]]) -> tuple[Said, ...]:
    """Questions with their answers; words of the assistant before any question are a greeting."""
    past: list[Said] = []
    for role, text in spoken:
        if role == "user":
            past.append((text, ""))
        elif past:
            question, answer = past[-1]
            past[-1] = (question, f"{answer}\n{text}" if answer else text)
    return tuple(past)


def failure(event: TurnEvent) -> ApiError:
    """A turn that ended without an answer."""
    if event.type == "cancelled":
        return ApiError(409, "A newer question of this session came first.", code="cancelled")
    if event.reason == "away":
        return overloaded(5, event.text)
    return ApiError(400, event.text, code="invalid_input", param="messages")


def chat_routes(chat: Chat) -> APIRouter:
    """The routes of chat."""
    router = APIRouter(prefix="/v1", route_class=OpenAIRoute, responses=FAILURES, tags=["OpenAI-style"])
    conflict = {"model": FAILURES[400]["model"], "description": "A newer question of the session came first"}
    stream_ = {"text/event-stream": {"schema": {"type": "string"}}}

    @router.post(
        "/chat/completions",
        response_model=None,
        responses={200: {"model": Completion, "content": stream_}, 409: conflict},
    )
    async def complete(body: ChatRequest, request: Request) -> Response:
        """Answer the last user message. `jiamenkou` of the message, or of the last delta, has citations and more."""
        asked = understood(body, request.scope["caller"])
        if not asked.stream:
            return JSONResponse(await chat.whole(asked))
        running = await chat.begin(asked)
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(chat.pieces(running), media_type="text/event-stream", headers=headers)

    return router


async def _events(turn: AsyncGenerator[tuple[str, TurnEvent], None]) -> AsyncGenerator[TurnEvent, None]:
    async with aclosing(turn):
        async for _, event in turn:
            yield event


async def _all(running: Running) -> AsyncGenerator[TurnEvent, None]:
    async with aclosing(running.rest):
        yield running.first
        async for event in running.rest:
            yield event


def _identity(kind: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{random.getrandbits(96):024x}",
        "object": kind,
        "created": int(time.time()),
        "model": MODEL,
        "system_fingerprint": None,
    }


def _data(shape: dict[str, Any]) -> str:
    return f"data: {json.dumps(shape, ensure_ascii=False)}\n\n"
