"""The frame of /staff: its menu, its pages, and what is shown when something can't be done."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import Scope

from assistant.errors import JiamenkouError, StaffError
from assistant.http.problems import UNEXPECTED, Problem, problem
from assistant.http.staff import guards, words
from assistant.settings import Settings
from assistant.staff.desk import Staff
from assistant.staff.values import Permission, Person

HERE = Path(__file__).parent
ZONE = ZoneInfo("Asia/Shanghai")
NOT_FOUND = ("没有找到这个页面。", "它可能已经改名或删除，请从菜单里重新打开。")
WRONG_FIELDS = ("有内容没有填，或者填得不对。", "请返回上一页检查；您填的内容还在那里。")
TOO_LARGE = ("文件太大了。", "请分成几个小一点的文件，再试一次。")
MEDIA = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


@dataclass(frozen=True)
class Page:
    """A page of the menu: shown to whoever holds ``permission`` (to everybody when there is none)."""

    path: str
    title: str
    permission: Permission | None = None
    about: str = ""  # one sentence for its card on the home page


@dataclass(frozen=True)
class ConflictField:
    """One field of a record that two people changed. ``key`` is its name in the form."""

    key: str
    label: str
    now: str
    yours: str
    shown: str = ""  # ``now`` as people read it, where that differs
    choices: tuple[tuple[str, str], ...] = ()  # value and label, where only these are possible


@dataclass(frozen=True)
class Conflict:
    """What the page of a refused change says and keeps. ``changed_at`` is UTC."""

    title: str
    changed_by: str
    changed_at: datetime
    version: int
    fields: tuple[ConflictField, ...]
    back: str = "/staff"  # where the record is seen as it is now
    kept: tuple[tuple[str, str], ...] = ()  # other fields that go along unseen


class StaffRoute(APIRoute):
    """A route that shows failures the way the client reads: as a Chinese page, or as JSON."""

    guarded = True

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Let nobody in unknown, before anything of a body is parsed."""
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                if self.guarded:
                    await guards.signed_in(request)
                    await guards.csrf(request)
                return await handler(request)
            except Exception as error:
                frame: Frame = request.app.state.staff_frame
                return await frame.failed(request, error)

        return handle


class OpenRoute(StaffRoute):
    """A route for people who aren't logged in."""

    guarded = False


class Frame:
    """What every page of staff is made with. ``router`` takes routes until the app starts."""

    def __init__(self, app: FastAPI, staff: Staff, config: Settings) -> None:
        self.staff = staff
        self.config = config
        self.pages: list[Page] = []
        self.actions = dict(words.ACTIONS)  # of the audit log, in Chinese; add yours
        self.fields = dict(words.FIELDS)  # of what it keeps; add yours
        self.router = APIRouter(
            route_class=StaffRoute,
            dependencies=[Depends(guards.signed_in)],
            include_in_schema=False,
        )
        self.open = APIRouter(route_class=OpenRoute, include_in_schema=False)
        self._last = APIRouter(route_class=StaffRoute, include_in_schema=False)
        self._files: dict[str, int] = {}
        self._static: dict[str, Path] = {}
        self._templates = Environment(
            loader=PackageLoader("assistant.http.staff"), autoescape=True, undefined=StrictUndefined,
            trim_blocks=True, lstrip_blocks=True,
        )  # fmt: skip
        self._templates.filters["local"] = local
        self._templates.filters["device"] = words.device_name
        app.state.staff = staff
        app.state.staff_frame = self
        app.state.larger_bodies = self._largest
        for name in ("staff.css", "staff.js"):
            self.static(name)
        self._add_own()
        for router in (self.open, self.router, self._last):
            app.include_router(router)

    def add(self, page: Page) -> None:
        """Put a page into the menu and onto the home page."""
        self.pages.append(page)

    def static(self, name: str, folder: Path = HERE / "static") -> None:
        """Serve a script, style or drawing of ours at ``/staff/static/NAME``."""
        self._static[name] = folder / name

    def takes_files(self, path: str, largest: int) -> None:
        """Let requests of logged-in people to ``path`` have up to ``largest`` bytes; files go to disk as they come."""
        self._files[path] = largest

    def _largest(self, scope: Scope) -> int:
        largest = self._files.get(scope["path"], 0)
        if not largest:
            return 0
        token = guards.token_of(HTTPConnection(scope))
        return largest if token and self.staff.sessions.find(token) else 0

    def page(
        self, request: Request, template: str, *, title: str, status: int = 200,
        scripts: tuple[str, ...] | list[str] = (), **values: Any,
    ) -> HTMLResponse:  # fmt: skip
        """A page from a template that extends ``frame.html``; ``person``, menu and token are filled in."""
        session = getattr(request.state, "staff_session", None)
        person: Person | None = session.person if session else None
        given = getattr(request.state, "new_token", "") or guards.token_of(request)
        token = given if session else guards.open_token(request)
        field = f'<input type="hidden" name="{guards.FIELD}" value="{guards.form_token(token)}">'
        text = self._templates.get_template(template).render(
            title=title,
            person=person,
            menu=self.menu(person) if person else [],
            here=request.url.path,
            flashes=self.staff.sessions.flashed(token) if session else [],
            csrf_token=guards.form_token(token),
            csrf_field=Markup(field),  # noqa: S704 - hexadecimal digits
            scripts=scripts,
            role_names=words.ROLES,
            **values,
        )
        response = HTMLResponse(text, status)
        if not session:
            guards.set_cookie(request, response, token, "-open")
        return response

    def menu(self, person: Person) -> list[Page]:
        """The pages that somebody may open."""
        return [page for page in self.pages if page.permission is None or person.may(page.permission)]

    def name_of(self, who: str) -> str:
        """``wang#1`` of the audit log as 王芳（wang）; other texts as they are."""
        name, mark, number = who.rpartition("#")
        if not mark or not number.isdecimal():
            return who
        try:
            display = self.staff.accounts.get(int(number)).display
        except StaffError:
            return name
        return display if display == name else f"{display}（{name}）"

    def see(self, path: str) -> RedirectResponse:
        """Go on to another page of ours after a form."""
        return RedirectResponse(path, 303)

    def flash(self, request: Request, text: str, kind: str = "good") -> None:
        """Say ``text`` on the next page of this session; ``kind`` is ``good`` or ``bad``."""
        token = getattr(request.state, "new_token", "") or guards.token_of(request)
        self.staff.sessions.flash(token, kind, text)

    async def alive(self, request: Request, permission: Permission, touch: bool = False) -> bool:
        """Whether the session behind a long answer still lives and still may; ``touch`` counts as activity."""
        session = await run_in_threadpool(self.staff.sessions.find, guards.token_of(request), touch)
        return session is not None and session.person.may(permission)

    def conflict(self, request: Request, found: Conflict, action: str) -> HTMLResponse:
        """The 409 page: who changed what and when, and the user's own text, which can be sent again to ``action``."""
        return self.page(request, "conflict.html", title="别人刚刚改过", status=409, conflict=found, action=action)

    async def failed(self, request: Request, error: Exception) -> Response:
        """Whatever went wrong, in the words of people, as a page or as JSON."""
        status, message, hint = _worded(error)
        if status >= 500:
            # Where, but not with which values: they may be passwords.
            where = traceback.format_tb(error.__traceback__)[-3:]
            structlog.get_logger("staff").error("failed", kind=type(error).__name__, where=where)
        headers = {"Retry-After": "60"} if status == 429 else None
        if "text/html" not in request.headers.get("accept", ""):
            return problem(status, message, hint, headers)
        if isinstance(error, guards.LoginNeeded):
            if request.method in guards.SAFE:
                return self.see(guards.login_path(request))
            kept = await _kept(request) if guards.same_site(request) else []
            return self.page(request, "expired.html", title="请重新登录", status=status, kept=kept)
        response = await run_in_threadpool(
            self.page, request, "problem.html", title=message.rstrip("。"), status=status, message=message, hint=hint
        )
        response.headers.update(headers or {})
        return response

    def _add_own(self) -> None:
        @self.open.get("/staff/static/{name}")
        async def static(name: str) -> FileResponse:
            if name not in self._static:
                raise Problem(404, *NOT_FOUND)
            return FileResponse(self._static[name], media_type=MEDIA.get(Path(name).suffix))

        @self._last.api_route("/staff/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
        async def nothing(path: str) -> Response:
            if not path:
                return self.see("/staff")
            raise Problem(404, *NOT_FOUND)


def local(moment: datetime | None) -> str:
    """A time as people here read it."""
    return f"{moment.astimezone(ZONE):%Y-%m-%d %H:%M}" if moment else ""


def _worded(error: Exception) -> tuple[int, str, str]:
    """Status, message and hint of a failure."""
    if isinstance(error, Problem):
        return error.status, error.message, error.hint
    if isinstance(error, StaffError):
        return (words.STATUS.get(error.reason, 422), *words.explained(error))
    if isinstance(error, RequestValidationError):
        return (422, *WRONG_FIELDS)
    if isinstance(error, HTTPException):
        return error.status_code, *({404: NOT_FOUND, 413: TOO_LARGE}.get(error.status_code, WRONG_FIELDS))
    if isinstance(error, JiamenkouError):
        structlog.get_logger("staff").error("failed", message=error.message, hint=error.hint)
    return (500, *UNEXPECTED)


async def _kept(request: Request) -> list[tuple[str, str]]:
    """What was typed into a form that came too late; secrets aren't shown again."""
    kind = request.headers.get("content-type", "")
    if not kind.startswith(("application/x-www-form-urlencoded", "multipart/form-data")):
        return []
    form = await request.form()
    hidden = {guards.FIELD, "version"}
    return [
        (name, value)
        for name, value in form.multi_items()
        if isinstance(value, str) and value.strip() and name not in hidden and not name.endswith(("password", "code"))
    ]
