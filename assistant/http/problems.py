"""Every failure as JSON ``{"error": {"message", "hint"}}`` with the right status, never a stack trace."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assistant.errors import InputError, JiamenkouError, OverloadError

MESSAGES = {
    404: ("没有找到这个内容。", "请检查网址，或回到首页重新提问。"),
    405: ("这个网址不支持这种请求。", "请查看接口说明 /openapi.json。"),
    408: ("内容来得太慢了。", "请检查网络，再发一次。"),
    413: ("内容太长了。", "请发送小一点的文件。"),
}


class ProblemShape(BaseModel):
    """What went wrong, and what to do, for people."""

    message: str
    hint: str


class ProblemBody(BaseModel):
    """A failure."""

    error: ProblemShape


def problems(**texts: str) -> dict[int | str, dict[str, Any]]:
    """Failures of a route for /openapi.json: ``s404="No such passage"``."""
    return {int(status[1:]): {"model": ProblemBody, "description": text} for status, text in texts.items()}


# What any route may answer.
PROBLEMS = problems(
    s400="The body is no JSON in UTF-8",
    s404="There is no such thing",
    s405="The address does not take this method",
    s408="The body came too slowly",
    s413="The body is too large",
    s422="A field is missing, unknown or wrong",
    s500="Something broke",
)
UNEXPECTED = ("抱歉，系统出了点问题。", "请稍后再试。")


def problem(status: int, message: str, hint: str = "", headers: dict[str, str] | None = None) -> JSONResponse:
    """One failure as a response."""
    return JSONResponse({"error": {"message": message, "hint": hint}}, status, headers)


class Problem(Exception):
    """Raised in a route to answer with ``status``, ``message`` and ``hint``."""

    def __init__(self, status: int, message: str, hint: str = "", headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.hint, self.headers = status, message, hint, headers


def install(app: FastAPI) -> None:
    """Register a handler for every kind of failure."""
    log = structlog.get_logger("http")

    @app.exception_handler(Problem)
    async def on_problem(request: Request, error: Problem) -> JSONResponse:
        headers = {429: {"Retry-After": "60"}, 503: {"Retry-After": "5"}}.get(error.status)
        return problem(error.status, error.message, error.hint, error.headers or headers)

    @app.exception_handler(RequestValidationError)
    async def on_validation(request: Request, error: RequestValidationError) -> JSONResponse:
        details = error.errors()
        if any(detail["type"] == "json_invalid" for detail in details):
            return problem(400, "请求不是有效的 JSON。", "请求体要用 UTF-8 编码的 JSON。")
        # Only where and why: what was sent is never repeated.
        places = [(".".join(map(str, detail["loc"][1:])), detail["msg"]) for detail in details[:5]]
        hint = "; ".join(f"{place}: {reason}" for place, reason in places)
        return problem(422, "请求的字段不对。", hint)

    @app.exception_handler(HTTPException)
    async def on_http(request: Request, error: HTTPException) -> JSONResponse:
        message, hint = MESSAGES.get(error.status_code, (str(error.detail), ""))
        return problem(error.status_code, message, hint, dict(error.headers or {}))

    @app.exception_handler(InputError)
    async def on_input(request: Request, error: InputError) -> JSONResponse:
        return problem(422, error.message, error.hint)

    @app.exception_handler(OverloadError)
    async def on_overload(request: Request, error: OverloadError) -> JSONResponse:
        return problem(503, error.message, error.hint, {"Retry-After": str(error.retry_after)})

    @app.exception_handler(JiamenkouError)
    async def on_known(request: Request, error: JiamenkouError) -> JSONResponse:
        log.error("failed", kind=type(error).__name__, message=error.message, hint=error.hint)
        return problem(500, *UNEXPECTED)


class OtherMethods(BaseRoute):
    """Answers 405 for an address of ``routes`` that is asked by another method.

    Needed before a page that is mounted at /, which would take such a request for its own.
    """

    def __init__(self, routes: Sequence[BaseRoute]) -> None:
        self._routes = tuple(routes)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Full when one of the routes matches but for its method."""
        near = scope["type"] == "http" and self._near(scope)
        return (Match.FULL, {}) if near else (Match.NONE, {})

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Name the methods that the address takes."""
        methods = {method for route in self._near(scope) for method in getattr(route, "methods", None) or ()}
        raise HTTPException(405, headers={"Allow": ", ".join(sorted(methods))})

    def _near(self, scope: Scope) -> list[BaseRoute]:
        flat: list[BaseRoute] = []
        for route in self._routes:  # FastAPI keeps an included router as one route
            included = getattr(route, "original_router", None)
            flat += included.routes if included is not None else [route]
        return [route for route in flat if route.matches(scope)[0] is Match.PARTIAL]


class CatchAll:
    """Middleware that answers 500 for what no handler knows, inside the security headers."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A response that has begun can only be broken off: then the failure is only logged."""
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, watch)
        except Exception as error:
            if scope["type"] != "http":
                raise
            structlog.get_logger("http").error("failed", kind=type(error).__name__, exc_info=error)
            if not started:
                await problem(500, *UNEXPECTED)(scope, receive, send)
