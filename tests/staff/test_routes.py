"""Every route of the whole service: what changes something needs a login, a right and a token, or a reason not to."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Mount, WebSocketRoute
from starlette.websockets import WebSocketDisconnect

from assistant import serve
from assistant.http.problems import OtherMethods
from assistant.retrieve.embedder import FakeEmbedder
from assistant.settings import Settings
from tests.dialogue.echo import EchoConversation
from tests.staff.site import HTML, Site, staff_site, token

OFF = "Gradio's editor of its own page, which is switched off: it answers 403"
# Gradio's own, below the chat page and the kiosk. Uploads are limited to one byte, and there are no accounts in it.
GRADIO = {
    "/login": "Gradio's login, which has no users here",
    "/login/": "Gradio's login, which has no users here",
    "/gradio_api/call/{api_name}": "an event of the chat page; no event is public",
    "/gradio_api/call/{api_name}/": "an event of the chat page; no event is public",
    "/gradio_api/cancel": "ends an own event",
    "/gradio_api/component_server": "functions of components; ours have none",
    "/gradio_api/component_server/": "functions of components; ours have none",
    "/gradio_api/queue/join": "an event of the chat page",
    "/gradio_api/reset": "resets an own event",
    "/gradio_api/reset/": "resets an own event",
    "/gradio_api/run/{api_name}": "an event of the chat page; no event is public",
    "/gradio_api/run/{api_name}/": "an event of the chat page; no event is public",
    "/gradio_api/api/{api_name}": "an event of the chat page; no event is public",
    "/gradio_api/api/{api_name}/": "an event of the chat page; no event is public",
    "/gradio_api/stream/{event_id}": "a stream of an own event",
    "/gradio_api/stream/{event_id}/close": "closes a stream of an own event",
    "/gradio_api/upload": "files of one byte at most",
    "/gradio_api/process_recording": "films of one byte at most",
    "/gradio_api/call/v2/{api_name}": "an event of the chat page; no event is public",
    "/gradio_api/call/v2/{api_name}/": "an event of the chat page; no event is public",
    **{
        f"/gradio_api/{name}{slash}": OFF
        for name in ("vibe-edit", "undo-vibe-edit", "vibe-code", "vibe-starter-queries")
        for slash in ("", "/")
    },
}
# What residents may do without a login: each with the reason why it changes nothing of anybody else's.
RESIDENTS = {
    "POST /api/ask": "asks; remembers within the session whose id the client knows",
    "POST /api/sessions/{session}/cancel": "stops the own turn; the id can't be guessed",
    "DELETE /api/sessions/{session}": "erases the own session; the id can't be guessed",
    "POST /api/sessions/{session}/call": "rings for the own session; shows nothing that its resident did not agree to",
    "DELETE /api/sessions/{session}/call": "hangs up for the own session; the id can't be guessed",
    "POST /api/takeaway": "keeps an own answer in memory for a set time, under an id that can't be guessed",
    "POST /api/rate": "counts a thumb for an own turn",
    "WEBSOCKET /api/voice": "the own voice session",
    "POST /api/kiosk/card": "reads an own answer; the id can't be guessed",
    "POST /api/kiosk/text": "changes nothing: gives lines back in other characters",
    "POST /api/kiosk/pin": "one try of the kiosk's PIN, locked after some; opens a menu of the own screen only",
    "POST /v1/chat/completions": "asks; API keys and limits stand before it, see tests/http/test_openai_*.py",
    "POST /v1/audio/transcriptions": "hears a file and keeps nothing of it; behind keys and limits",
    "POST /v1/audio/speech": "speaks a text and keeps nothing of it; behind keys and limits",
    "POST /v1/embeddings": "gives vectors and keeps nothing; behind keys and limits",
    **{f"{method} /v1/{{rest:path}}": "404 in OpenAI's shape" for method in ("POST", "PUT", "PATCH", "DELETE")},
    **{f"POST {page}{path}": why for page in ("", "/kiosk") for path, why in GRADIO.items()},
}
# Pages of staff that come before the login; they have a token of their own, or change nothing.
BEFORE_LOGIN = {
    "POST /staff/login": "the login itself; needs the token of its page",
    "POST /staff/set-up": "sets a password with a one-time code; needs the token of its page",
}
VALUES = {"account": "1", "handle": "0" * 16}  # what stands in a path; everything else gets "1"
MUTATING = {"POST", "PUT", "PATCH", "DELETE"}


@dataclass(frozen=True)
class Way:
    """One method of one route."""

    method: str
    path: str

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def filled(self) -> str:
        return re.sub(r"\{(\w+)(?::\w+)?\}", lambda found: VALUES.get(found[1], "1"), self.path)


def ways(routes: list[BaseRoute], prefix: str = "") -> Iterator[Way]:
    """All routes, also of routers that were included and of applications that were mounted."""
    for route in routes:
        included: Any = getattr(route, "original_router", None)
        if included is not None:
            context = route.include_context  # type: ignore[attr-defined]
            yield from ways(included.routes, prefix + (getattr(context, "prefix", "") or ""))
        elif isinstance(route, OtherMethods):
            continue  # answers 405 and nothing else
        elif isinstance(route, Mount):
            yield from ways(list(route.routes or []), prefix + route.path)
        elif hasattr(route, "methods"):
            for method in sorted(route.methods or ()):
                yield Way(method, prefix + route.path)  # type: ignore[attr-defined]
        elif hasattr(route, "path"):
            yield Way("WEBSOCKET", prefix + route.path)
        else:
            pytest.fail(f"{route!r} is of a kind that this test doesn't know")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Everything that `jiamenkou serve` puts together."""
    from assistant.dialogue.people import People
    from assistant.dialogue.session import Engines, VoiceSession
    from assistant.handoff.desk import Desk
    from assistant.hear.fake import FakeRecogniser, FakeVoiceActivity
    from assistant.http.calls import add_calls
    from assistant.http.openai_app import add_openai
    from assistant.http.staff.calls import add_console
    from assistant.http.takeaway import add_takeaway
    from assistant.http.voice import add_voice
    from assistant.speak.fake import FakeVoice
    from ui.chat import mount
    from ui.kiosk.page import mount_kiosk

    site = staff_site(tmp_path_factory.mktemp("whole"))
    conversation: Any = EchoConversation()
    people = People(conversation, Desk())
    add_takeaway(site.app, people, Settings(_env_file=None))
    add_calls(site.app, people)
    add_console(site.frame, people)
    engines: Any = Engines(FakeRecogniser(()), FakeVoiceActivity, voice=FakeVoice())
    add_voice(
        site.app, lambda s, lang: VoiceSession(conversation, engines, s, lang), conversation.erase, lambda _: True
    )
    add_openai(site.app, people, Settings(_env_file=None), engines=engines, embedder=FakeEmbedder())
    mount_kiosk(site.app, people, Settings(_env_file=None))
    mount(site.app, conversation)
    site.account("wang", "administrator")
    return site


def test_the_walk_sees_every_kind_of_route(whole: Site) -> None:
    names = {way.name for way in ways(whole.app.routes)}
    assert {"POST /api/ask", "POST /staff/people", "WEBSOCKET /api/voice", "POST /gradio_api/queue/join"} <= names
    assert len(names) > 60


def test_the_walk_covers_all_that_serve_puts_together() -> None:
    """Whoever adds ``add_something(service, …)`` to serve.py adds it to ``whole``, too."""
    put = set(re.findall(r"\b((?:add|mount)\w*)\(", inspect.getsource(serve)))
    assert "add_voice" in put
    here = Path(__file__).read_text("utf-8") + inspect.getsource(staff_site)
    assert {name for name in put if f"{name}(" not in here} == set()


def test_what_is_open_to_residents_is_on_the_list(whole: Site) -> None:
    found = {
        way.name
        for way in ways(whole.app.routes)
        if (way.method in MUTATING or way.method == "WEBSOCKET") and not way.path.startswith("/staff")
    }
    assert found - RESIDENTS.keys() == set(), "a route that changes something is open: guard it, or give a reason"
    assert RESIDENTS.keys() - found == set(), "a reason for a route that is no more"
    assert all(RESIDENTS.values())


def test_what_is_said_to_be_off_is_off(whole: Site) -> None:
    body = {"prompt": "x", "code": "x", "hash": "x"}
    for name, why in RESIDENTS.items():
        if why == OFF:
            assert whole.client().post(name.split()[1], json=body).status_code == 403, name


def test_residents_routes_are_not_closed_by_accident(whole: Site) -> None:
    assert whole.client().post("/api/ask", json={"text": "你好"}).status_code == 200


def test_nothing_of_staff_changes_without_login_or_token(whole: Site) -> None:
    stranger, admin = whole.client(), whole.login("administrator", name="wang")
    before = whole.staff.accounts.all()
    own = {"Origin": "http://testserver"}
    tried = 0
    for way in ways(whole.app.routes):
        if not way.path.startswith("/staff") or way.method not in MUTATING:
            continue
        tried += 1
        for kind in ("text/html", "application/json"):
            headers = own | {"Accept": kind}
            refused = stranger.request(way.method, way.filled, headers=headers)
            expected = {403} if way.name in BEFORE_LOGIN else {401}
            assert refused.status_code in expected, (way, refused.status_code)
            forged = stranger.request(way.method, way.filled, headers=headers, data={"csrf_token": "0" * 64})
            assert forged.status_code in expected, (way, forged.status_code)
            for given in ({}, {"csrf_token": "0" * 64}, {"csrf_token": token(stranger, "/staff/login")}):
                refused = admin.request(way.method, way.filled, headers=headers, data=given)
                assert refused.status_code == 403, (way, given, refused.status_code)
        foreign = {**HTML, "Origin": "http://evil.example", "X-CSRF-Token": token(admin)}
        assert admin.request(way.method, way.filled, headers=foreign).status_code == 403, way
    assert tried >= 15
    assert whole.staff.accounts.all() == before


def test_nothing_of_staff_is_read_without_login(whole: Site) -> None:
    stranger = whole.client()
    is_open = {"/staff/login", "/staff/set-up", "/staff/static/{name}", "/staff/oidc/start", "/staff/oidc/back"}
    for way in ways(whole.app.routes):
        if way.path.startswith("/staff") and way.method in {"GET", "HEAD"} and way.path not in is_open:
            page = stranger.request(way.method, way.filled)
            assert page.status_code == 303, (way, page.status_code)
            assert page.headers["location"].startswith("/staff/login"), way
            assert stranger.request(way.method, way.filled, headers={"Accept": "*/*"}).status_code == 401, way


def test_sockets_of_staff_need_a_login(whole: Site) -> None:
    for way in ways(whole.app.routes):
        if way.method == "WEBSOCKET" and way.path.startswith("/staff"):
            with pytest.raises(WebSocketDisconnect), whole.client().websocket_connect(way.filled):
                pass


def test_every_page_of_staff_names_its_permission(whole: Site) -> None:
    """Somebody without any role may use their own account, and nothing else."""
    free = re.compile(r"/staff(/account.*|/logout|/login|/set-up|/oidc/.*|/static/\{name\}|/\{path:path\})?")
    client = whole.login("administrator", name="nobody")
    with whole.staff.database.write() as connection:
        connection.execute("DELETE FROM account_role WHERE account = ?", (whole.staff.accounts.named("nobody").id,))
    given = {"X-CSRF-Token": token(client), "Origin": "http://testserver"}
    for way in ways(whole.app.routes):
        if way.path.startswith("/staff") and way.method != "WEBSOCKET" and not free.fullmatch(way.path):
            refused = client.request(way.method, way.filled, headers=given)
            assert refused.status_code == 403, (way, refused.status_code)


def test_an_unguarded_route_would_be_found(tmp_path: Path) -> None:
    """The walk itself fails when somebody puts a route past the frame."""
    site = staff_site(tmp_path)

    @site.app.post("/api/documents/{doc}")
    def change(doc: str) -> str:
        return doc

    site.frame.open.add_api_route("/staff/forgotten", lambda: "done", methods=["POST"])
    with pytest.raises(AssertionError, match="/api/documents"):
        test_what_is_open_to_residents_is_on_the_list(site)
    with pytest.raises(AssertionError, match="forgotten"):
        test_nothing_of_staff_changes_without_login_or_token(site)
    assert any(isinstance(route, APIRoute | WebSocketRoute) for route in site.app.routes)
