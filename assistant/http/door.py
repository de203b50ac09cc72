"""The door of /v1: keys, scopes, rate and concurrency limits, foreign pages, time limits."""

from __future__ import annotations

import asyncio
import ipaddress
import random
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assistant.errors import KeyStoreError
from assistant.http.admission import Admission
from assistant.http.limits import AtOnce, RateLimit, Verdict
from assistant.http.openai_errors import ApiError, overloaded
from assistant.http.problems import problem
from assistant.keys import Key, Keys, looks_like_one
from assistant.keys import Scope as KeyScope
from assistant.settings import Settings

_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")
_SOCKET_KEY = "openai-insecure-api-key."  # a WebSocket's subprotocol that carries a key, as browsers must send it


@dataclass(frozen=True)
class Caller:
    """Who calls: a key, or an address. ``scope["caller"]`` of each request that was let in."""

    subject: str  # for limits, and to keep callers' memories apart
    key: Key | None = None


class Door:
    """Decides who comes in. ``app.state.door``: other modules name the scope of their own paths with ``guard``."""

    def __init__(self, settings: Settings, limiter: RateLimit) -> None:
        self._settings = settings
        self.keys: Keys | None = None  # none are known until they are opened
        self.limiter = limiter  # of addresses
        self._key_limiter = RateLimit(settings.key_requests_per_minute)
        self.at_once = AtOnce()
        self._scopes: dict[str, KeyScope] = {"/v1": KeyScope.CHAT}
        self._queues: dict[str, Admission] = {}

    def guard(self, path: str, scope: KeyScope) -> None:
        """Ask a key of this scope for ``path`` and what lies below it; for paths under /v1."""
        self._scopes[path] = scope

    def queue(self, path: str, admission: Admission) -> None:
        """Turn requests to exactly ``path`` away before they are read when ``admission`` is full."""
        self._queues[path] = admission

    def overload(self, path: str) -> Admission | None:
        """The full queue of ``path``, if it is full."""
        admission = self._queues.get(path)
        return admission if admission is not None and admission.full else None

    def needs_key(self, headers: Headers) -> bool:
        """Whether a request without a key is refused: auto lets in only what can't come from another machine."""
        wanted = self._settings.require_keys
        if wanted != "auto":
            return wanted
        return not _loopback(self._settings.host) or any(name in headers for name in _FORWARDED)

    def admit(self, scope: Scope) -> tuple[Caller, Verdict]:
        """Who calls, and what is left of their minute. Raises ``ApiError`` 401, 403 or 429."""
        headers = Headers(scope=scope)
        client = scope.get("client")
        address = f"address:{client[0] if client else 'unknown'}"
        secret = _secret(headers)
        try:
            key = self.keys.find(secret) if self.keys is not None and secret else None
        except KeyStoreError as error:
            raise ApiError(503, "Keys can't be checked just now.", headers={"Retry-After": "5"}) from error
        if key is not None:
            caller = Caller(f"key:{key.id}", key)
            verdict = self._key_limiter.take(caller.subject, key.per_minute)
        else:
            caller = Caller(address)
            verdict = self.limiter.take(client[0] if client else "unknown")
        if not verdict.allowed:
            message = f"Rate limit reached: {verdict.limit} requests a minute. Try again later."
            raise ApiError(429, message, code="rate_limit_exceeded", headers=verdict.headers())
        if key is None:
            self._without_key(headers, secret)
        wanted = self._wanted(str(scope["path"]))
        if key is not None and wanted not in key.scopes:
            raise ApiError(403, f"This key lacks the scope {wanted}.", code="insufficient_permissions")
        return caller, verdict

    def limit_at_once(self, caller: Caller) -> int:
        """How many requests of ``caller`` may run at the same time."""
        if caller.key is None:
            return self._settings.address_requests_at_once
        return caller.key.at_once or self._settings.key_requests_at_once

    def _without_key(self, headers: Headers, secret: str) -> None:
        challenge = {"WWW-Authenticate": "Bearer"}
        if secret and (looks_like_one(secret) or self.needs_key(headers)):
            message = "This API key opens nothing: it is wrong, expired or revoked."
            raise ApiError(401, message, code="invalid_api_key", headers=challenge)
        if self.needs_key(headers):
            message = "An API key is needed: Authorization: Bearer KEY. The operator makes one: jiamenkou keys add."
            raise ApiError(401, message, code="missing_api_key", headers=challenge)
        origin = headers.get("origin")
        if origin and urlsplit(origin).netloc != headers.get("host") and origin not in self._settings.cors_origins:
            message = "A page of another origin asks without a key. The operator may list it: JIAMENKOU_CORS_ORIGINS."
            raise ApiError(403, message, code="foreign_origin")

    def _wanted(self, path: str) -> KeyScope:
        while path not in self._scopes:
            path = path.rpartition("/")[0] or "/v1"
        return self._scopes[path]


class DoorMiddleware:
    """Asks the door before anything of a request to /v1 is read; other paths are only kept from full queues."""

    def __init__(self, app: ASGIApp, door: Door, seconds: float) -> None:
        self.app, self.door, self.seconds = app, door, seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or answer in the stead of the app."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        path = str(scope["path"])
        full = self.door.overload(path)
        if path != "/v1" and not path.startswith("/v1/"):
            if full is not None and scope.get("method") == "POST":
                error = full.overloaded()
                retry = {"Retry-After": str(error.retry_after)}
                await problem(503, error.message, error.hint, retry)(scope, receive, send)
            else:
                await self.app(scope, receive, send)
            return
        began, request_id = time.perf_counter(), f"req_{random.getrandbits(96):024x}"
        try:
            caller, verdict = self.door.admit(scope)
            if full is not None:
                raise overloaded(full.overloaded().retry_after)
            if not self.door.at_once.enter(caller.subject, self.door.limit_at_once(caller)):
                message = f"{self.door.limit_at_once(caller)} requests run already; wait for one to end."
                raise ApiError(429, message, code="concurrency_limit_exceeded", headers={"Retry-After": "1"})
        except ApiError as error:
            response = error.response()
            response.headers["x-request-id"] = request_id
            await response(scope, receive, send)
            return
        scope["caller"] = caller
        started = False

        async def with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                headers["x-request-id"] = request_id
                headers["openai-processing-ms"] = str(round((time.perf_counter() - began) * 1000))
                for name, value in verdict.headers().items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            async with asyncio.timeout(self.seconds if scope["type"] == "http" else None):
                await self.app(scope, receive, with_headers)
        except TimeoutError:
            if not started:
                late = ApiError(504, f"This took longer than {self.seconds:.0f} s.", code="timeout")
                await late.response()(scope, receive, with_headers)
        finally:
            self.door.at_once.leave(caller.subject)
            if caller.key is not None and self.door.keys is not None:
                await self._note(self.door.keys, caller.key)

    @staticmethod
    async def _note(keys: Keys, key: Key) -> None:
        if key.used is None or time.time() - key.used > 60:
            try:
                await asyncio.to_thread(keys.note_use, key)
            except KeyStoreError:
                return  # the request was answered; when it was is less important


def _secret(headers: Headers) -> str:
    kind, _, value = headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return value.strip()
    offered = headers.get("sec-websocket-protocol", "").split(",")
    return next(
        (each.strip().removeprefix(_SOCKET_KEY) for each in offered if each.strip().startswith(_SOCKET_KEY)), ""
    )


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
