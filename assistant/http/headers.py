"""Security headers on every response."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

STRICT = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
# Gradio's page needs inline scripts, styles and Function(); everything still comes from this server.
PAGE = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
)
# Staff's pages: scripts and forms of this server only, and no page around them.
STAFF = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self' blob:; "
    "font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
OURS = ("/api/", "/v1/", "/document/", "/take/", "/health", "/metrics")


def allow_pages(app: FastAPI, origins: Sequence[str]) -> None:
    """Let pages of these origins call the service; without any, browsers keep them all out."""
    if origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(origins),
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["*"],
            expose_headers=["x-request-id", "Retry-After", "RateLimit", "RateLimit-Policy"],
            max_age=600,
        )


class SecurityHeaders:
    """Middleware that adds a content policy, no sniffing, no referrer, no caching of answers."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass messages on unbuffered, so that streams stay streams."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path = str(scope["path"])
        ours = path.startswith(OURS)
        staff = path == "/staff" or path.startswith("/staff/")

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Content-Security-Policy"] = STAFF if staff else STRICT if ours else PAGE
                headers["X-Content-Type-Options"] = "nosniff"
                # Without a referrer browsers hide a form's origin, which staff's routes check.
                headers["Referrer-Policy"] = "same-origin" if staff else "no-referrer"
                headers["X-Frame-Options"] = "DENY" if staff else "SAMEORIGIN"
                headers["Permissions-Policy"] = "camera=(), geolocation=(), interest-cohort=()"
                if path.startswith(("/api/", "/v1/")) or (staff and not path.startswith("/staff/static/")):
                    headers["Cache-Control"] = "no-store"
            await send(message)

        await self.app(scope, receive, with_headers)
