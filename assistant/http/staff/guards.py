"""Who may come in: the session's cookie, its token on forms, where a request came from, and permissions."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Annotated
from urllib.parse import quote, urlsplit

from fastapi import Depends, Request, WebSocketException
from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection
from starlette.responses import Response

from assistant.http.problems import Problem
from assistant.staff.desk import Staff
from assistant.staff.sessions import csrf_matches, csrf_token
from assistant.staff.values import Permission, Person, StaffSession

SAFE = {"GET", "HEAD", "OPTIONS"}
HEADER = "x-csrf-token"
FIELD = "csrf_token"
OWN_PATH = re.compile(r"/staff(?:[/?][A-Za-z0-9/?&=%._~:,#+-]*)?")
NOT_LOGGED_IN = ("请先登录。", "登录以后再试一次。")
NOT_ALLOWED = ("您的账号不能使用这个功能。", "如果工作需要，请联系管理员给您加上权限。")
FOREIGN = ("这个请求不是从本页面发出的，没有执行。", "请回到工作台，从页面上再操作一次。")
NO_TOKEN = ("页面放得太久，或者已经重新登录过，这次操作没有执行。", "请返回上一页，刷新后再试一次。")


class LoginNeeded(Problem):
    """Nobody is logged in."""

    def __init__(self) -> None:
        super().__init__(401, *NOT_LOGGED_IN)


def https(connection: HTTPConnection) -> bool:
    """Whether the browser's side of the connection is encrypted."""
    return connection.url.scheme in {"https", "wss"}


def cookie_name(connection: HTTPConnection, kind: str = "") -> str:
    """The name of the session's cookie; with https the browser keeps others from setting it."""
    return ("__Host-" if https(connection) else "") + "jiamenkou-staff" + kind


def set_cookie(
    connection: HTTPConnection, response: Response, token: str, kind: str = "", same_site: str = "strict",
    lasts: timedelta | None = None,
) -> None:  # fmt: skip
    """Give the browser a token that no script can read, until the browser is closed or as long as it ``lasts``."""
    response.set_cookie(
        cookie_name(connection, kind),
        token,
        max_age=int(lasts.total_seconds()) if lasts else None,
        httponly=True,
        secure=https(connection),
        samesite="lax" if same_site == "lax" else "strict",
        path="/",
    )


def drop_cookie(connection: HTTPConnection, response: Response, kind: str = "") -> None:
    """Take a token from the browser."""
    response.delete_cookie(cookie_name(connection, kind), path="/", secure=https(connection), httponly=True)


def token_of(connection: HTTPConnection) -> str:
    """The session's token as the browser sent it; empty without one."""
    return connection.cookies.get(cookie_name(connection), "")


def staff_of(connection: HTTPConnection) -> Staff:
    """The staff of the app that serves this connection."""
    staff: Staff = connection.app.state.staff
    return staff


def address_of(connection: HTTPConnection) -> str:
    """Whom failed logins count for."""
    return connection.client.host if connection.client else "unknown"


def own_path(path: str) -> str:
    """``path`` if it lies on this site's staff pages, else the home page: nobody is led elsewhere after login."""
    found = OWN_PATH.fullmatch(path) and "//" not in path
    return path if found and not path.startswith(("/staff/login", "/staff/logout")) else "/staff"


def login_path(connection: HTTPConnection) -> str:
    """The login page that leads back to what was asked for."""
    query = f"?{connection.url.query}" if connection.url.query else ""
    wanted = own_path(connection.url.path + query)
    return "/staff/login" + (f"?next={quote(wanted, safe='')}" if wanted != "/staff" else "")


def same_site(connection: HTTPConnection) -> bool:
    """Whether a request comes from a page of this site, as far as the browser says.

    Old browsers and plain http send no ``Sec-Fetch-Site``; clients that are no browsers send neither.
    """
    site = connection.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = connection.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == connection.headers.get("host")


async def session_of(connection: HTTPConnection) -> StaffSession | None:
    """The live session of a connection, looked up once."""
    if not hasattr(connection.state, "staff_session"):
        token = token_of(connection)
        found = await run_in_threadpool(staff_of(connection).sessions.find, token) if token else None
        connection.state.staff_session = found
    session: StaffSession | None = connection.state.staff_session
    return session


async def signed_in(connection: HTTPConnection) -> Person:
    """Dependency: whoever is logged in; a socket also has to come from a page of this site."""
    session = await session_of(connection)
    if connection.scope["type"] == "websocket":
        if session is None or not same_site(connection):
            raise WebSocketException(1008, NOT_LOGGED_IN[0])
        return session.person
    if session is None:
        raise LoginNeeded
    return session.person


def require(permission: Permission) -> Callable[..., Person]:
    """Dependency: whoever is logged in and holds ``permission``."""

    def allowed(connection: HTTPConnection, person: Annotated[Person, Depends(signed_in)]) -> Person:
        if person.may(permission):
            return person
        if connection.scope["type"] == "websocket":
            raise WebSocketException(1008, NOT_ALLOWED[0])
        raise Problem(403, *NOT_ALLOWED)

    return allowed


async def csrf(request: Request) -> None:
    """Dependency: what changes something comes from a form or script of this very session."""
    if request.method in SAFE:
        return
    if not same_site(request):
        raise Problem(403, *FOREIGN)
    if not csrf_matches(token_of(request), await _given(request)):
        raise Problem(403, *NO_TOKEN)


async def open_csrf(request: Request) -> None:
    """The same for pages before login, with a token of their own."""
    if not same_site(request):
        raise Problem(403, *FOREIGN)
    token = request.cookies.get(cookie_name(request, "-open"), "")
    if not token or not csrf_matches(token, await _given(request)):
        raise Problem(403, *NO_TOKEN)


def open_token(request: Request) -> str:
    """The token of a browser that isn't logged in: the one it has, or a new one."""
    return request.cookies.get(cookie_name(request, "-open")) or secrets.token_urlsafe(32)


async def _given(request: Request) -> str:
    """The token that came in the header, or in the form; the form is then kept for the route."""
    if header := request.headers.get(HEADER):
        return header
    kind = request.headers.get("content-type", "")
    if kind.startswith(("application/x-www-form-urlencoded", "multipart/form-data")):
        return str((await request.form()).get(FIELD, ""))
    return ""


def form_token(token: str) -> str:
    """What stands in the forms of a session."""
    return csrf_token(token)
