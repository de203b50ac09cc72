"""Limits on what one client may send: size of a body, questions a minute."""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assistant.http.problems import problem

BODY_LIMIT = 64 * 1024  # bytes
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
        while not too_large:
            message = await receive()
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
    """Pass a large body on as it comes, until it is too large."""
    read = 0

    async def counted() -> Message:
        nonlocal read
        message = await receive()
        read += len(message.get("body", b""))
        if read > limit:
            raise HTTPException(413)
        return message

    return counted


class RateLimit:
    """Questions per minute of one address, in a sliding window."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.per_minute = per_minute
        self._clock = clock
        self._asked: OrderedDict[str, deque[float]] = OrderedDict()

    def allow(self, address: str) -> bool:
        """Count one question of ``address``; False when it has used up its minute."""
        now = self._clock()
        times = self._asked.setdefault(address, deque())
        self._asked.move_to_end(address)
        while len(self._asked) > ADDRESSES:
            self._asked.popitem(last=False)
        while times and times[0] <= now - 60:
            times.popleft()
        if len(times) >= self.per_minute:
            return False
        times.append(now)
        return True
