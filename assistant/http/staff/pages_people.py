"""Accounts of colleagues, for administrators: add, change, reset, unlock, log out."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Form, Path, Request, Response

from assistant.errors import StaffError, StaleError
from assistant.http.staff import guards, words
from assistant.http.staff.frame import Conflict, ConflictField, Frame, Page
from assistant.staff.accounts import name_key
from assistant.staff.values import Account, OneTimeCode, Permission, Person, Role

Administrator = Annotated[Person, Depends(guards.require(Permission.ACCOUNTS_MANAGE))]
Text = Annotated[str, Form()]
Ticked = Annotated[list[str], Form(default_factory=list)]
Yes = Annotated[bool, Form()]
Id = Annotated[int, Path(ge=1, lt=2**31)]


def add_people(frame: Frame) -> None:
    """``/staff/people`` and what lies below it."""
    staff = frame.staff
    frame.add(Page("/staff/people", "同事账号", Permission.ACCOUNTS_MANAGE, "新增同事、分配角色、重设密码。"))

    def list_page(
        request: Request, name: str = "", display: str = "", roles: list[str] | None = None,
        error: StaffError | None = None,
    ) -> Response:  # fmt: skip
        message, hint = words.explained(error) if error else ("", "")
        accounts = staff.accounts.all()
        return frame.page(
            request,
            "people.html",
            title="同事账号",
            status=words.STATUS.get(error.reason, 422) if error else 200,
            accounts=accounts,
            locked={one.id for one in accounts if staff.lockout.locked(name_key(one.name))},
            about=words.ROLES_ABOUT,
            name=name,
            display=display,
            roles=roles if roles is not None else [Role.EDITOR.value],
            message=message,
            hint=hint,
        )

    def person_page(
        request: Request, account: Account, me: Person, display: str, roles: list[str], disabled: bool,
        error: StaffError | None = None,
    ) -> Response:  # fmt: skip
        message, hint = words.explained(error) if error else ("", "")
        return frame.page(
            request,
            "person.html",
            title=f"账号：{account.display}",
            status=words.STATUS.get(error.reason, 422) if error else 200,
            account=account,
            changed_by=frame.name_of(account.changed_by),
            own=account.id == me.id,
            locked=staff.lockout.locked(name_key(account.name)),
            sessions=staff.sessions.of(account.id),
            about=words.ROLES_ABOUT,
            display=display,
            roles=roles,
            disabled=disabled,
            message=message,
            hint=hint,
        )

    def code_page(request: Request, account: Account, code: OneTimeCode) -> Response:
        """Shown once, in answer to the form that asked for it: the code is nowhere kept."""
        address = f"{request.url.scheme}://{request.url.netloc}/staff/set-up"
        return frame.page(request, "code.html", title="一次性代码", account=account, code=code, address=address)

    @frame.router.get("/staff/people")
    def people(request: Request, me: Administrator) -> Response:
        return list_page(request)

    @frame.router.post("/staff/people")
    def add(request: Request, me: Administrator, roles: Ticked, name: Text = "", display: Text = "") -> Response:
        try:
            with staff.database.write():
                made = staff.accounts.add(me.who, name, display, _roles(roles))
                code = staff.accounts.reset(me.who, made.id)
        except StaffError as error:
            return list_page(request, name, display, roles, error)
        return code_page(request, made, code)

    @frame.router.get("/staff/people/{account}")
    def person(request: Request, me: Administrator, account: Id) -> Response:
        found = staff.accounts.get(account)
        roles = [role.value for role in found.roles]
        return person_page(request, found, me, found.display, roles, found.disabled)

    @frame.router.post("/staff/people/{account}")
    def edit(
        request: Request, me: Administrator, account: Id, roles: Ticked,
        version: Annotated[int, Form()] = 0, display: Text = "", disabled: Yes = False,
    ) -> Response:  # fmt: skip
        own = account == me.id
        token = guards.token_of(request)
        try:
            if own and disabled:
                raise StaffError("own-account", "Nobody disables themselves.", "Ask another administrator.")
            before = staff.accounts.get(account)
            with staff.database.write():
                after = staff.accounts.edit(
                    me.who, account, version, display=display, roles=_roles(roles), disabled=disabled, keep=token
                )
                new = staff.sessions.renew(token) if own and after.roles != before.roles else ""
        except StaleError as stale:
            return frame.conflict(
                request, _conflict(frame, stale, display, roles, disabled), f"/staff/people/{account}"
            )
        except StaffError as error:
            if error.reason == "no-account":
                raise
            return person_page(request, staff.accounts.get(account), me, display, roles, disabled, error)
        request.state.new_token = new
        ended = "角色变了，要重新登录。" if after.roles != before.roles and not own else ""
        frame.flash(request, f"{after.display}的账号已保存。{ended}")
        response = frame.see("/staff" if own and Role.ADMINISTRATOR not in after.roles else "/staff/people")
        if new:
            guards.set_cookie(request, response, new)
        return response

    @frame.router.post("/staff/people/{account}/reset")
    def reset(request: Request, me: Administrator, account: Id) -> Response:
        if account == me.id:
            raise StaffError("own-account", "Nobody resets themselves.", "Change the password instead.")
        code = staff.accounts.reset(me.who, account)
        return code_page(request, staff.accounts.get(account), code)

    @frame.router.post("/staff/people/{account}/unlock")
    def unlock(request: Request, me: Administrator, account: Id) -> Response:
        found = staff.accounts.get(account)
        if staff.lockout.unlock(name_key(found.name)):
            staff.audit.write(me.who, "account.unlock", f"account:{found.name}#{found.id}")
        frame.flash(request, f"{found.display}可以再登录了。")
        return frame.see(f"/staff/people/{account}")

    @frame.router.post("/staff/people/{account}/sessions/end")
    def end(request: Request, me: Administrator, account: Id) -> Response:
        found = staff.accounts.get(account)
        staff.sessions.revoke(account, keep=guards.token_of(request))
        staff.audit.write(me.who, "session.revoke", f"account:{found.name}#{found.id}")
        frame.flash(request, f"{found.display}的设备都已退出登录。")
        return frame.see(f"/staff/people/{account}")


def _roles(names: list[str]) -> frozenset[Role]:
    """The roles that were ticked; what is no role was not on the form."""
    return frozenset(Role(name) for name in names if name in set(Role))


def _conflict(frame: Frame, stale: StaleError, display: str, roles: list[str], disabled: bool) -> Conflict:
    now = stale.details["now"]
    assert isinstance(now, Account)  # noqa: S101 - Accounts.edit puts it there
    yours = _roles(roles)
    state = {False: "可以登录", True: "已停用"}
    fields = [
        ConflictField("display", "姓名", now.display, display),
        ConflictField("", "角色", _role_text(now.roles), _role_text(yours)),
        ConflictField("", "状态", state[now.disabled], state[disabled]),
    ]
    kept = [("roles", role.value) for role in Role if role in yours] + [("disabled", "true")] * disabled
    return Conflict(
        f"账号：{now.name}", frame.name_of(now.changed_by), now.changed, now.version,
        tuple(fields), f"/staff/people/{now.id}", tuple(kept),
    )  # fmt: skip


def _role_text(roles: frozenset[Role]) -> str:
    return "、".join(words.ROLES[role] for role in Role if role in roles)
