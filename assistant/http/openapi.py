"""The description at /openapi.json: what FastAPI can't know of by itself."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

ABOUT = (
    "小沪 answers residents' questions from published documents, with citations. /v1 speaks as OpenAI's service does; "
    "failures elsewhere are `{error: {message, hint}}` for people."
)


def describe(app: FastAPI) -> None:
    """Let ``app`` describe /v1 as it is: its own failures instead of FastAPI's, and keys."""

    def description() -> dict[str, Any]:
        if app.openapi_schema is None:
            found = get_openapi(title=app.title, version=app.version, description=ABOUT, routes=app.routes)
            parts = found.setdefault("components", {})
            parts["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer", "description": "`jiamenkou keys`"}}
            for path, operations in found["paths"].items():
                for operation in operations.values():
                    _failures_are_json(operation["responses"])
                if path.startswith("/v1/"):
                    for operation in operations.values():
                        operation["responses"].pop("422", None)  # a 400 in OpenAI's shape instead
                        operation["security"] = [{"key": []}, {}]
            for unused in ("HTTPValidationError", "ValidationError"):
                if f'"#/components/schemas/{unused}"' not in str(found["paths"]).replace("'", '"'):
                    parts.get("schemas", {}).pop(unused, None)
            app.openapi_schema = found
        return app.openapi_schema

    app.openapi = description  # type: ignore[method-assign]


def _failures_are_json(responses: dict[str, Any]) -> None:
    """Also on routes that answer with pages or sound; FastAPI gives failures the media type of the route."""
    for status, response in responses.items():
        if status >= "400" and (content := response.get("content")):
            response["content"] = {"application/json": next(iter(content.values()))}
