"""Failures of /v1 in the shape that clients of OpenAI's service understand."""

from __future__ import annotations

import math
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import structlog
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import Response

from assistant.errors import HearError, InputError, JiamenkouError, OverloadError, SpeakError

_KINDS = {401: "authentication_error", 403: "permission_error", 404: "invalid_request_error", 429: "requests"}
_SAID = {
    404: "There is nothing here: {path}. See /openapi.json.",
    405: "{path} does not take this method. See /openapi.json.",
    408: "The body came too slowly.",
    413: "The body is too large.",
}


class ErrorShape(BaseModel):
    """What went wrong."""

    message: str
    type: str
    param: str | None
    code: str | None


class ErrorBody(BaseModel):
    """A failure."""

    error: ErrorShape


class ApiError(Exception):
    """Raised in a route of /v1: ``param`` names the field, ``code`` is for programs."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.code, self.param, self.headers = status, message, code, param, headers

    def body(self) -> dict[str, Any]:
        """The failure as JSON."""
        kind = _KINDS.get(self.status, "server_error" if self.status >= 500 else "invalid_request_error")
        message = self.message.encode("utf-8", "replace").decode()  # it may repeat half a character of the request
        return {"error": {"message": message, "type": kind, "param": self.param, "code": self.code}}

    def response(self) -> JSONResponse:
        """The failure as a response."""
        return JSONResponse(self.body(), self.status, self.headers)


def overloaded(retry_after: float, message: str = "") -> ApiError:
    """Too many ask at once."""
    text = f"{message} The service is busy; try again in {math.ceil(retry_after)} s.".strip()
    return ApiError(503, text, code="overloaded", headers={"Retry-After": str(math.ceil(retry_after))})


def translated(error: Exception, path: str) -> ApiError:
    """Any failure as one of /v1; what nobody foresaw is told without its details."""
    match error:
        case ApiError():
            return error
        case RequestValidationError():
            return _invalid(error)
        case OverloadError():
            return overloaded(error.retry_after, error.message)
        case HTTPException():
            text = _SAID.get(error.status_code, str(error.detail)).format(path=path)
            return ApiError(error.status_code, text, headers=dict(error.headers or {}))
        case InputError() | HearError():
            return ApiError(400, f"{error.message} {error.hint}".strip(), code="invalid_input")
        case SpeakError():
            return ApiError(503, "No voice can speak just now; try again soon.", headers={"Retry-After": "5"})
    details = error.message if isinstance(error, JiamenkouError) else None
    structlog.get_logger("http").error("failed", kind=type(error).__name__, message=details, exc_info=error)
    return ApiError(500, "Something broke here; the operator's log has the details.", code="internal_error")


def _invalid(error: RequestValidationError) -> ApiError:
    """The first thing that is wrong: where and why, never what was sent."""
    errors = error.errors()
    if errors[0]["type"] == "json_invalid":
        return ApiError(400, "The body is no valid JSON in UTF-8.", code="invalid_json")
    # Where a field may be of several types, the one that nearly fits says most.
    first = next((each for each in errors if not each["type"].endswith("_type")), errors[0])
    param = _place(first, error.body)
    if first["type"] == "extra_forbidden":
        return ApiError(400, f"Unrecognized request argument supplied: {param}", code="unknown_parameter", param=param)
    if first["type"] == "missing":
        return ApiError(
            400, f"Missing required parameter: '{param or 'body'}'.", code="missing_required_parameter", param=param
        )
    return ApiError(400, f"Invalid value for '{param or 'body'}': {first['msg']}.", code="invalid_value", param=param)


def _place(error: dict[str, Any], body: Any) -> str | None:
    """Where in ``body`` an error is, without the names of types that pydantic puts between."""
    found: list[str] = []
    for number, part in enumerate(error["loc"][1:], 2):
        if (isinstance(part, int) and isinstance(body, list) and part < len(body)) or (
            isinstance(body, Mapping) and part in body
        ):
            body = body[part]
        elif number < len(error["loc"]) or error["type"] != "missing":
            continue
        found.append(str(part))
    return ".".join(found) or None


class OpenAIRoute(APIRoute):
    """A route all of whose failures have the shape of /v1."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, with failures caught around it."""
        handle = super().get_route_handler()

        async def caught(request: Request) -> Response:
            try:
                return await handle(request)
            except Exception as error:
                return translated(error, request.url.path).response()

        return caught


# What any route of /v1 may answer besides its own; for /openapi.json.
FAILURES: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorBody, "description": text}
    for status, text in {
        400: "Something in the request is wrong or not supported; `param` names it",
        401: "No API key, or one that opens nothing",
        403: "The key has not the scope, or a page of another origin asks without a key",
        404: "No such model",
        405: "The address does not take this method",
        408: "The body came too slowly",
        413: "The body is too large",
        429: "Too many requests in a minute, or at once; see `Retry-After`",
        500: "Something broke",
        503: "Overloaded, or no engine runs; see `Retry-After`",
        504: "The request took longer than `JIAMENKOU_REQUEST_SECONDS`",
    }.items()
}
