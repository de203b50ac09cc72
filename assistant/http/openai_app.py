"""Everything under /v1: what is installed here, offered to clients of OpenAI's service."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any, Literal

from fastapi import APIRouter, FastAPI, Request
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match
from starlette.types import Scope

from assistant.contracts import Conversation, Embedder
from assistant.dialogue.session import Engines
from assistant.http import openai_chat, openai_hearing, openai_speaking
from assistant.http.admission import Admission
from assistant.http.openai_chat import Chat, chat_routes
from assistant.http.openai_embeddings import embedding_routes, names
from assistant.http.openai_errors import FAILURES, ApiError, OpenAIRoute
from assistant.http.openai_hearing import FILE_LIMIT, Hearing, hearing_routes
from assistant.http.openai_memory import Memories
from assistant.http.openai_speaking import Speaking, speaking_routes
from assistant.http.problems import OtherMethods
from assistant.keys import Keys
from assistant.keys import Scope as KeyScope
from assistant.settings import Settings

BODY_LIMIT = 1 << 20  # bytes of a body of JSON
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "TRACE"]
_PIECES = re.compile(r"[\u3400-\u9fff]|[^\W\u3400-\u9fff]+|[^\w\s]")


class ModelShape(BaseModel):
    """A model."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str


class Models(BaseModel):
    """The models that are installed here."""

    object: Literal["list"]
    data: list[ModelShape]


def add_openai(
    app: FastAPI,
    conversation: Conversation,
    settings: Settings,
    *,
    engines: Engines | None = None,
    embedder: Embedder | None = None,
    keys: Keys | None = None,
) -> None:
    """Serve /v1 on an app made by ``build_app``; what isn't given isn't offered. Call it before the page's ``mount``."""
    door, count = app.state.door, counter(embedder)
    door.keys = keys
    memories = Memories(conversation, max(1, settings.sessions // 4), settings.memory_turns)
    routers = [chat_routes(Chat(conversation, memories, app.state.turns, count))]
    door.queue("/v1/chat/completions", app.state.turns)
    models = [openai_chat.MODEL]
    if engines is not None:
        heard = Admission(settings.sounds_at_once, settings.sounds_waiting)
        routers.append(hearing_routes(Hearing(engines, heard, settings.transcription_seconds)))
        door.queue(openai_hearing.PATH, heard)
        models.append(openai_hearing.MODEL)
        if engines.voice is not None:
            spoken = Admission(settings.sounds_at_once, settings.sounds_waiting)
            routers.append(speaking_routes(Speaking(engines, engines.voice, spoken), count))
            door.queue(openai_speaking.PATH, spoken)
            models.append(openai_speaking.MODEL)
    if embedder is not None:
        vectors = Admission(settings.sounds_at_once, settings.sounds_waiting)
        routers.append(embedding_routes(embedder, vectors, count))
        models += names(embedder)
    door.guard("/v1/audio", KeyScope.SPEECH)
    routers.append(_model_routes(models))
    routers.append(_nothing_else([route for router in routers for route in router.routes]))
    for router in routers:
        app.include_router(router)
    _allow_large_bodies(app)


def counter(embedder: Embedder | None) -> Callable[[str], int]:
    """Counts tokens: the embedder's own, or else Chinese characters, words and marks."""
    count: Callable[[str], int] | None = getattr(embedder, "count", None)
    return count or (lambda text: len(_PIECES.findall(text)))


def _model_routes(models: list[str]) -> APIRouter:
    router = APIRouter(prefix="/v1", route_class=OpenAIRoute, responses=FAILURES, tags=["OpenAI-style"])
    created = int(time.time())
    shapes = {id_: {"id": id_, "object": "model", "created": created, "owned_by": "jiamenkou"} for id_ in models}

    @router.get("/models", response_model=Models)
    async def list_models() -> dict[str, Any]:
        """The models that are installed here."""
        return {"object": "list", "data": list(shapes.values())}

    @router.get("/models/{model}", response_model=ModelShape)
    async def one_model(model: str) -> dict[str, Any]:
        """One model."""
        if model not in shapes:
            raise ApiError(404, f"The model '{model}' does not exist.", code="model_not_found", param="model")
        return shapes[model]

    return router


def _nothing_else(routes: list[BaseRoute]) -> APIRouter:
    """Other addresses and methods under /v1 fail in the shape that clients of /v1 understand, too."""
    router = APIRouter(prefix="/v1", route_class=OpenAIRoute, include_in_schema=False)
    others = OtherMethods(routes)

    @router.api_route("/{rest:path}", methods=METHODS)
    async def nothing(rest: str, request: Request) -> None:
        if others.matches(request.scope)[0] is Match.FULL:
            await others.handle(request.scope, request.receive, request._send)
        raise HTTPException(404)

    return router


def _allow_large_bodies(app: FastAPI) -> None:
    others: Callable[[Scope], int] | None = getattr(app.state, "larger_bodies", None)

    def limit(scope: Scope) -> int:
        path = str(scope["path"])
        if path == openai_hearing.PATH:
            return FILE_LIMIT + BODY_LIMIT
        if path.startswith("/v1/"):
            return BODY_LIMIT
        return others(scope) if others is not None else 0

    app.state.larger_bodies = limit
