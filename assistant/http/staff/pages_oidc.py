"""Logging in through the organisation's own provider, when the settings name one."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request, Response
from fastapi.responses import RedirectResponse

from assistant.http.staff import guards
from assistant.http.staff.frame import Frame
from assistant.staff.oidc import Provider, enter

AWAY = "-away"  # the cookie of a browser on its way to the provider and back


def add_provider(frame: Frame) -> None:
    """``/staff/oidc/start`` and ``/staff/oidc/back``."""
    if not frame.config.oidc_issuer:
        return
    provider = Provider(frame.config)

    @frame.open.get("/staff/oidc/start")
    def start(request: Request, next_path: Annotated[str, Query(alias="next")] = "/staff") -> Response:
        own = f"{request.url.scheme}://{request.url.netloc}/staff/oidc/back"
        address, browser = provider.leave(guards.own_path(next_path), frame.config.oidc_redirect_url or own)
        response = RedirectResponse(address, 303)
        # Lax, as the way back begins on another site; it only serves to come back.
        guards.set_cookie(request, response, browser, AWAY, "lax")
        return response

    @frame.open.get("/staff/oidc/back")
    def back(request: Request) -> Response:
        away = request.cookies.get(guards.cookie_name(request, AWAY), "")
        identity, path = provider.arrive(request.query_params, away)
        token = enter(frame.staff, identity, guards.address_of(request), request.headers.get("user-agent", ""))
        frame.staff.sessions.end(guards.token_of(request))
        # A page and not a redirect: browsers don't send a strict cookie on a way that began elsewhere.
        response = frame.page(request, "entered.html", title="登录成功", path=path)
        guards.set_cookie(request, response, token)
        guards.drop_cookie(request, response, AWAY)
        return response
