"""The web service: routes that ask, look up, rate, erase, and report health."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, PlainTextResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from assistant.contracts import Conversation
from assistant.http import pages
from assistant.http.admission import Admission
from assistant.http.door import Door, DoorMiddleware
from assistant.http.headers import SecurityHeaders, allow_pages
from assistant.http.limits import BodyLimit, RateLimit
from assistant.http.openapi import describe
from assistant.http.problems import PROBLEMS, CatchAll, Problem, install, problems
from assistant.http.shapes import (
    AnswerShape,
    ArticleShape,
    Ask,
    Documents,
    Health,
    Rating,
    Session,
    document_shape,
    passage_shape,
)
from assistant.http.stream import collect, stream
from assistant.http.ticks import ticking
from assistant.settings import Settings

BUSY = ("您问得太快了。", "请过一分钟再试。")
NO_PASSAGE = ("没有找到这一条。", "它可能已经更新，请重新提问。")
NO_DOCUMENT = ("没有找到这份文件。", "请回到首页重新提问。")


def new_session() -> str:
    """An id that can't be guessed: whoever knows it can go on with the conversation."""
    return secrets.token_urlsafe(24)


def client_address(request: Request) -> str:
    """Whom the rate limit counts for."""
    return request.client.host if request.client else "unknown"


def build_app(conversation: Conversation, health: Callable[[], dict[str, Any]], settings: Settings) -> FastAPI:
    """The service over one conversation; ``health`` may say ``ready`` (true when absent) and details.

    ``app.state.limiter`` is the rate limit, and ``app.state.turns`` the queue, that other faces on the same app
    should share; ``app.state.door`` guards what lies under /v1; what is in ``app.state.ticks`` is called every second.
    """
    # FastAPI's own pages at /docs would load scripts from elsewhere; /openapi.json is enough.
    ticks: list[Callable[[], None]] = []
    app = FastAPI(title="Jiamenkou", docs_url=None, redoc_url=None, lifespan=ticking(ticks), responses=PROBLEMS)
    app.state.ticks = ticks
    app.state.limiter = RateLimit(settings.asks_per_minute)
    app.state.turns = Admission(settings.turns_at_once, settings.turns_waiting)
    app.state.door = Door(settings, app.state.limiter)
    app.state.door.queue("/api/ask", app.state.turns)
    app.add_middleware(BodyLimit)
    app.add_middleware(CatchAll)
    app.add_middleware(DoorMiddleware, door=app.state.door, seconds=settings.request_seconds)
    allow_pages(app, settings.cors_origins)
    app.add_middleware(SecurityHeaders)
    install(app)
    describe(app)
    _add_conversation(app, conversation)
    _add_knowledge(app, conversation)
    _add_operations(app, health)
    return app


def _add_conversation(app: FastAPI, conversation: Conversation) -> None:
    events = {"content": {"text/event-stream": {"schema": {"type": "string"}}}}
    failures = problems(
        s409="The turn was cancelled, or a newer question of the session came first",
        s429="Too many questions in a minute; see `Retry-After`",
        s503="Overloaded, or nothing can be looked up; see `Retry-After`",
    )

    @app.post("/api/ask", response_model=AnswerShape, responses={200: events, **failures})
    async def ask(ask: Ask, request: Request, response: Response) -> Any:
        """Answer one question: JSON, or typed events when ``Accept: text/event-stream``."""
        verdict = app.state.limiter.take(client_address(request))
        if not verdict.allowed:
            raise Problem(429, *BUSY, headers=verdict.headers())
        session = ask.session or new_session()
        if "text/event-stream" in request.headers.get("accept", ""):
            events = await stream(conversation, ask, session, app.state.turns)
            events.headers.update(verdict.headers())
            return events
        response.headers.update(verdict.headers())
        return await collect(conversation, ask, session, app.state.turns)

    @app.post("/api/sessions/{session}/cancel", status_code=204)
    async def cancel(session: Session) -> None:
        """End the running turn of a session."""
        conversation.cancel(session)

    @app.delete("/api/sessions/{session}", status_code=204)
    async def erase(session: Session) -> None:
        """Forget everything about a session."""
        conversation.erase(session)

    @app.post("/api/rate", status_code=204)
    async def rate(rating: Rating) -> None:
        """Count a thumb up or down."""
        conversation.rate(rating.session, rating.turn_id, rating.good)


def _add_knowledge(app: FastAPI, conversation: Conversation) -> None:
    @app.get("/api/documents", response_model=Documents)
    async def documents() -> dict[str, Any]:
        """All documents that answers may stand on."""
        return {"documents": [document_shape(document) for document in conversation.documents()]}

    @app.get("/api/passages/{passage_id:path}", response_model=ArticleShape)
    async def passage(passage_id: str) -> dict[str, Any]:
        """The article that a passage is or belongs to, with its sentences in order."""
        article = _article(passage_id)
        sentences = [passage_shape(part) for part in article.parts]
        return {**passage_shape(article.passage), "sentences": sentences, "mark": passage_id}

    def _article(passage_id: str) -> pages.Article:
        article = pages.find_article(conversation, passage_id)
        if article is None:
            raise Problem(404, *NO_PASSAGE)
        return article

    @app.get("/document/{doc}/article", response_class=HTMLResponse)
    async def fragment(doc: str, mark: str, lang: Annotated[str, Query()] = "zh") -> HTMLResponse:
        """One article as HTML for a panel, with the cited words marked."""
        article = _article(mark)
        if article.passage.doc != doc:
            raise Problem(404, *NO_PASSAGE)
        return HTMLResponse(pages.article_html(article, mark, lang == "en"))

    @app.get("/document/{doc}", response_class=HTMLResponse)
    async def document(doc: str, mark: str = "", lang: str = "zh") -> HTMLResponse:
        """A document as a page that needs no script."""
        found = next((one for one in conversation.documents() if one.id == doc), None)
        if found is None:
            raise Problem(404, *NO_DOCUMENT)
        articles = pages.articles_of(conversation.passages(doc))
        return HTMLResponse(pages.document_page(found, articles, mark, lang == "en"))

    @app.get("/api/document.css", include_in_schema=False)
    async def style() -> FileResponse:
        return FileResponse(Path(__file__).with_name("document.css"), media_type="text/css")


def _add_operations(app: FastAPI, health: Callable[[], dict[str, Any]]) -> None:
    @app.get("/health", response_model=Health, responses={503: {"model": Health, "description": "Alive only"}})
    async def report() -> JSONResponse:
        """200 when ready to answer, 503 when alive only; with details either way."""
        details = health()
        ready = bool(details.get("ready", True))
        return JSONResponse({"live": True, **details, "ready": ready}, 200 if ready else 503)

    @app.get("/metrics", response_class=PlainTextResponse)
    async def metrics() -> Response:
        """Counters in the Prometheus text format."""
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
