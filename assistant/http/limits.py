"""Limits on what one client may send: size of a body, questions a minute."""

from __future__ import annotations

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assistant.http.problems import problem

BODY_LIMIT = 64 * 1024  # bytes
BODY_SECONDS = 30.0  # in which a body must have come
LARGE_BODY_SECONDS = 300.0
ADDRESSES = 10_000  # addresses remembered at once


class BodyLimit:
    """Middleware that answers 413 when a body is larger than ``limit`` bytes, declared or not.

    ``app.state.larger_bodies``, a function of the scope, may allow more: then the body isn't held in memory.
    """

    def __init__(self, app: ASGIApp, limit: int = BODY_LIMIT) -> None:
        self.app = app
        self.limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the whole body first: at this limit that is cheap, and no handler sees half of one."""
        if scope["type"] != "http" or scope["method"] in {"GET", "HEAD", "OPTIONS"}:
            await self.app(scope, receive, send)
            return
        larger = getattr(scope["app"].state, "larger_bodies", None)
        if larger is not None and (limit := larger(scope)) > self.limit:
            await self.app(scope, _counted(receive, limit), send)
            return
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        too_large = not declared.isdigit() or int(declared) > self.limit
        body = bytearray()
        deadline = time.monotonic() + BODY_SECONDS
        while not too_large:
            try:
                message = await asyncio.wait_for(receive(), deadline - time.monotonic())
            except TimeoutError:
                await problem(408, "内容来得太慢了。", "请检查网络，再发一次。")(scope, receive, send)
                return
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            too_large = len(body) > self.limit
            if not message.get("more_body", False):
                break
        if too_large:
            response = problem(413, "内容太长了。", f"一次最多可以发送 {self.limit // 1024} KB。")
            await response(scope, receive, send)
            return
        given = False

        async def replay() -> Message:
            nonlocal given
            if given:
                return await receive()  # later calls learn of a disconnect
            given = True
            return {"type": "http.request", "body": bytes(body), "more_body": False}

        await self.app(scope, replay, send)


def _counted(receive: Receive, limit: int) -> Receive:
    """Pass a large body on as it comes, until it is too large or too slow."""
    read, whole = 0, False
    deadline = time.monotonic() + LARGE_BODY_SECONDS

    async def counted() -> Message:
        nonlocal read, whole
        if whole:
            return await receive()  # learns of a disconnect
        try:
            message = await asyncio.wait_for(receive(), deadline - time.monotonic())
        except TimeoutError:
            raise HTTPException(408) from None
        whole = not message.get("more_body", False)
        read += len(message.get("body", b""))
        if read > limit:
            raise HTTPException(413)
        return message

    return counted


@dataclass(frozen=True)
class Verdict:
    """Whether one more was allowed, and what is left."""

    allowed: bool
    limit: int  # a minute
    remaining: int
    reset: float  # seconds until all is there again
    retry_after: float = 0.0  # seconds until one is there again

    def headers(self) -> dict[str, str]:
        """As the HTTP working group's draft names them, and as clients of OpenAI's service read them."""
        fields = {
            "RateLimit-Policy": f'"requests";q={self.limit};w=60',
            "RateLimit": f'"requests";r={self.remaining};t={math.ceil(self.reset)}',
            "x-ratelimit-limit-requests": str(self.limit),
            "x-ratelimit-remaining-requests": str(self.remaining),
            "x-ratelimit-reset-requests": f"{self.reset:.3f}s",
        }
        return fields if self.allowed else {**fields, "Retry-After": str(max(1, math.ceil(self.retry_after)))}


class RateLimit:
    """Requests per minute of one address or key: a bucket each, which fills evenly and holds one minute's worth."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.per_minute = per_minute
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # (tokens, when)

    def take(self, subject: str, per_minute: int | None = None) -> Verdict:
        """Count one request of ``subject``, whose own limit may be another."""
        limit, now = per_minute or self.per_minute, self._clock()
        tokens, before = self._buckets.pop(subject, (float(limit), now))
        tokens = min(float(limit), tokens + (now - before) * limit / 60)
        allowed = tokens >= 1
        tokens -= allowed
        self._buckets[subject] = (tokens, now)
        while len(self._buckets) > ADDRESSES:
            self._buckets.popitem(last=False)
        missing = 0.0 if allowed else (1 - tokens) * 60 / limit
        return Verdict(allowed, limit, int(tokens), (limit - tokens) * 60 / limit, missing)

    def allow(self, address: str) -> bool:
        """Count one question of ``address``; False when it has used up what it had."""
        return self.take(address).allowed


class AtOnce:
    """Requests of one subject that run at the same time."""

    def __init__(self) -> None:
        self._running: dict[str, int] = {}

    def enter(self, subject: str, limit: int) -> bool:
        """Count one more; False when ``limit`` run already."""
        running = self._running.get(subject, 0)
        if running >= limit:
            return False
        self._running[subject] = running + 1
        return True

    def leave(self, subject: str) -> None:
        """One has ended."""
        left = self._running[subject] - 1
        if left:
            self._running[subject] = left
        else:
            del self._running[subject]
