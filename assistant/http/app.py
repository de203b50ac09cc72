"""The web service: routes that ask, look up, rate, erase, and report health."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from assistant.contracts import Conversation
from assistant.http import pages
from assistant.http.headers import SecurityHeaders
from assistant.http.limits import BodyLimit, RateLimit
from assistant.http.problems import CatchAll, Problem, install
from assistant.http.shapes import (
    AnswerShape,
    ArticleShape,
    Ask,
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

    ``app.state.limiter`` is the rate limit that other faces on the same app should share;
    what is in ``app.state.ticks`` is called every second.
    """
    # FastAPI's own pages at /docs would load scripts from elsewhere; /openapi.json is enough.
    ticks: list[Callable[[], None]] = []
    app = FastAPI(title="Jiamenkou", docs_url=None, redoc_url=None, lifespan=ticking(ticks))
    app.state.ticks = ticks
    app.state.limiter = RateLimit(settings.asks_per_minute)
    app.add_middleware(BodyLimit)
    app.add_middleware(CatchAll)
    app.add_middleware(SecurityHeaders)
    install(app)
    _add_conversation(app, conversation)
    _add_knowledge(app, conversation)
    _add_operations(app, health)
    return app


def _add_conversation(app: FastAPI, conversation: Conversation) -> None:
    @app.post("/api/ask", response_model=AnswerShape)
    async def ask(ask: Ask, request: Request) -> Any:
        """Answer one question: JSON, or typed events when ``Accept: text/event-stream``."""
        if not app.state.limiter.allow(client_address(request)):
            raise Problem(429, *BUSY)
        session = ask.session or new_session()
        if "text/event-stream" in request.headers.get("accept", ""):
            return stream(conversation, ask, session)
        return await collect(conversation, ask, session)

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
    @app.get("/api/documents")
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
    @app.get("/health")
    async def report() -> JSONResponse:
        """200 when ready to answer, 503 when alive only; with details either way."""
        details = health()
        ready = bool(details.get("ready", True))
        return JSONResponse({"live": True, **details, "ready": ready}, 200 if ready else 503)

    @app.get("/metrics")
    async def metrics() -> Response:
        """Counters in the Prometheus text format."""
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
