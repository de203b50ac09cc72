"""Logging in and out, and setting the first password with a one-time code."""

from __future__ import annotations

import ipaddress
from typing import Annotated

from fastapi import Depends, Form, Query, Request, Response

from assistant.errors import StaffError
from assistant.http.staff import guards, words
from assistant.http.staff.frame import Frame
from assistant.staff.devices import LASTS
from assistant.staff.passwords import SHORTEST

Text = Annotated[str, Form()]
Checked = Depends(guards.open_csrf)
DEVICE = "-device"  # the cookie of a device that somebody logged in from before
NOTICES = {"out": "您已退出登录。", "code": "密码设好了，请登录。"}


def add_login(frame: Frame) -> None:
    """``/staff/login``, ``/staff/logout`` and ``/staff/set-up``."""
    staff = frame.staff

    def login_page(request: Request, next_path: str, name: str = "", error: StaffError | None = None) -> Response:
        message, hint = words.explained(error) if error else ("", "")
        response = frame.page(
            request,
            "login.html",
            title="工作台登录",
            status=words.STATUS.get(error.reason, 422) if error else 200,
            next_path=guards.own_path(next_path),
            name=name,
            message=message,
            hint=hint,
            notice=NOTICES.get(request.query_params.get("notice", ""), ""),
            insecure=_insecure(request),
            unfinished=staff.accounts.unfinished(),
            provider=frame.config.oidc_label if frame.config.oidc_issuer else "",
        )
        if error and error.reason == "locked":
            response.headers["Retry-After"] = str(60 * int(str(error.details["minutes"])))
        return response

    def enter(request: Request, token: str, path: str) -> Response:
        """A new session in place of whatever the browser had before."""
        staff.sessions.end(guards.token_of(request))
        response = frame.see(path)
        guards.set_cookie(request, response, token)
        guards.drop_cookie(request, response, "-open")
        if session := staff.sessions.find(token):
            known = staff.devices.remember(session.person.id, request.cookies.get(_device(request), ""))
            guards.set_cookie(request, response, known, DEVICE, lasts=LASTS)
        return response

    @frame.open.get("/staff/login")
    def show(request: Request, next_path: Annotated[str, Query(alias="next")] = "/staff") -> Response:
        if staff.sessions.find(guards.token_of(request)):
            return frame.see(guards.own_path(next_path))
        return login_page(request, next_path)

    @frame.open.post("/staff/login", dependencies=[Checked])
    def log_in(
        request: Request, name: Text = "", password: Text = "", next_path: Annotated[str, Form(alias="next")] = ""
    ) -> Response:
        device, known = request.headers.get("user-agent", ""), request.cookies.get(_device(request), "")
        try:
            token = staff.login.with_password(name, password, guards.address_of(request), device, known)
        except StaffError as error:
            return login_page(request, next_path, name, error)
        return enter(request, token, guards.own_path(next_path))

    @frame.router.post("/staff/logout")
    def log_out(request: Request) -> Response:
        staff.login.log_out(guards.token_of(request))
        response = frame.see("/staff/login?notice=out")
        guards.drop_cookie(request, response)
        return response

    def code_page(request: Request, name: str = "", error: StaffError | None = None) -> Response:
        message, hint = words.explained(error) if error else ("", "")
        return frame.page(
            request,
            "set_up.html",
            title="设置密码",
            status=words.STATUS.get(error.reason, 422) if error else 200,
            name=name,
            message=message,
            hint=hint,
            shortest=SHORTEST,
            insecure=_insecure(request),
        )

    @frame.open.get("/staff/set-up")
    def show_code(request: Request) -> Response:
        return code_page(request)

    @frame.open.post("/staff/set-up", dependencies=[Checked])
    def set_up(request: Request, name: Text = "", code: Text = "", password: Text = "") -> Response:
        device = request.headers.get("user-agent", "")
        try:
            token = staff.login.with_code(name, code, password, guards.address_of(request), device)
        except StaffError as error:
            return code_page(request, name, error)
        return enter(request, token, "/staff")


def _device(request: Request) -> str:
    return guards.cookie_name(request, DEVICE)


def _insecure(request: Request) -> bool:
    """Whether a password would travel readable through a network."""
    try:
        at_home = ipaddress.ip_address(guards.address_of(request)).is_loopback
    except ValueError:
        at_home = True  # no network address: a test or a local socket
    return not guards.https(request) and not at_home
