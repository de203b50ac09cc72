"""The home page, and one's own account: password and devices."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Form, Request, Response

from assistant.errors import StaffError
from assistant.http.staff import guards, words
from assistant.http.staff.frame import Frame
from assistant.staff.passwords import SHORTEST
from assistant.staff.values import Person

Me = Annotated[Person, Depends(guards.signed_in)]
Text = Annotated[str, Form()]


def add_own(frame: Frame) -> None:
    """``/staff`` and ``/staff/account``."""
    staff = frame.staff

    def account_page(request: Request, me: Person, error: StaffError | None = None) -> Response:
        message, hint = words.explained(error) if error else ("", "")
        return frame.page(
            request,
            "account.html",
            title="我的账号",
            status=words.STATUS.get(error.reason, 422) if error else 200,
            account=staff.accounts.get(me.id),
            sessions=staff.sessions.of(me.id),
            current=request.state.staff_session.handle,
            message=message,
            hint=hint,
            shortest=SHORTEST,
        )

    @frame.router.get("/staff")
    def home(request: Request, me: Me) -> Response:
        cards = [page for page in frame.menu(me) if page.about]
        return frame.page(request, "home.html", title="工作台", cards=cards)

    @frame.router.get("/staff/account")
    def account(request: Request, me: Me) -> Response:
        return account_page(request, me)

    @frame.router.post("/staff/account/password")
    def change(request: Request, me: Me, old_password: Text = "", new_password: Text = "") -> Response:
        old = guards.token_of(request)
        try:
            token = staff.login.change_password(old, old_password, new_password, guards.address_of(request))
        except StaffError as error:
            if error.reason == "no-session":
                raise
            return account_page(request, me, error)
        request.state.new_token = token
        frame.flash(request, "密码改好了。其他设备已经退出登录。")
        response = frame.see("/staff/account")
        guards.set_cookie(request, response, token)
        return response

    @frame.router.post("/staff/account/sessions/{handle}/end")
    def end(request: Request, me: Me, handle: str) -> Response:
        if staff.sessions.revoke(me.id, handle):
            staff.audit.write(me.who, "session.revoke", f"account:{me.who}")
            frame.flash(request, "那台设备已经退出登录。")
        return frame.see("/staff/account")

    @frame.router.post("/staff/account/sessions/end")
    def end_others(request: Request, me: Me) -> Response:
        staff.sessions.revoke(me.id, keep=guards.token_of(request))
        staff.audit.write(me.who, "session.revoke", f"account:{me.who}")
        frame.flash(request, "其他设备都已退出登录。")
        return frame.see("/staff/account")
