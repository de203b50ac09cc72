"""The pages of staff as a browser meets them: login, menu, forms, refusals, conflicts."""

from __future__ import annotations

import csv
import io
import re
from typing import Annotated, Any
from urllib.parse import quote

import pytest
from fastapi import Depends, Form, UploadFile
from fastapi.testclient import TestClient
from starlette.requests import Request
from starlette.websockets import WebSocket, WebSocketDisconnect

from assistant.http.staff import words
from assistant.http.staff.frame import Page
from assistant.http.staff.guards import own_path, require
from assistant.staff.values import Permission, Person
from tests.staff.conftest import Hands
from tests.staff.site import HTML, PASSWORD, Site, post, token

Editor = Annotated[Person, Depends(require(Permission.KNOWLEDGE_EDIT))]
Publisher = Annotated[Person, Depends(require(Permission.KNOWLEDGE_PUBLISH))]


def log_in(client: TestClient, name: str, password: str = PASSWORD, **fields: object) -> Any:
    return post(client, "/staff/login", "/staff/login", name=name, password=password, **fields)


def test_login_leads_back_to_what_was_asked_for(site: Site) -> None:
    site.account("wang", "administrator")
    client = site.client()
    away = client.get("/staff/audit?who=li")
    assert away.status_code == 303
    assert away.headers["location"] == "/staff/login?next=" + quote("/staff/audit?who=li", safe="")
    shown = client.get(away.headers["location"]).text
    assert 'name="next" value="/staff/audit?who=li"' in shown
    assert log_in(client, "wang", next="/staff/audit?who=li").headers["location"] == "/staff/audit?who=li"
    assert client.get("/staff/login").headers["location"] == "/staff"


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.example/", "//evil.example", "/\\evil.example", "/staff//evil.example", "/staffevil",
        "/", "/api/ask", "javascript:alert(1)", "/staff\r\nX: y", "/staff/login", "/staff/logout", "/staff/login?next=/a",
        "/staff@evil.example", "/staff/\t/evil", "",
    ],
)  # fmt: skip
def test_login_leads_nowhere_else(site: Site, path: str) -> None:
    assert own_path(path) == "/staff"
    site.account("wang", "editor")
    assert log_in(site.client(), "wang", next=path).headers["location"] == "/staff"


def test_wrong_password_keeps_the_name_and_says_what_to_do(site: Site) -> None:
    site.account("wang", "editor")
    response = log_in(site.client(), "wang", "wrong")
    assert response.status_code == 401
    assert "名字或密码不对" in response.text
    assert 'value="wang"' in response.text
    assert "wrong" not in response.text
    for _ in range(4):
        log_in(site.client(), "wang", "wrong")
    locked = log_in(site.client(), "wang")
    assert locked.status_code == 429
    assert locked.headers["Retry-After"] == "60"
    assert "请过 1 分钟再试" in locked.text


def test_the_cookie_is_new_at_login_and_no_script_can_read_it(site: Site) -> None:
    site.account("wang", "editor")
    client = site.client()
    client.cookies.set("jiamenkou-staff", "chosen-by-an-attacker")
    response = log_in(client, "wang")
    cookies = response.headers.get_list("set-cookie")
    session = next(one for one in cookies if one.startswith("jiamenkou-staff="))
    assert "chosen-by-an-attacker" not in session
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(session.split("; "))
    assert "Secure" not in session
    stranger = site.client()
    stranger.cookies.set("jiamenkou-staff", "chosen-by-an-attacker")
    assert stranger.get("/staff").status_code == 303


def test_a_browser_that_was_here_before_is_not_locked_out_by_strangers(site: Site) -> None:
    known = site.login("editor", name="wang")
    post(known, "/staff/logout")
    for number in range(5):
        log_in(site.client(f"10.6.0.{number}"), "wang", "wrong")
    assert log_in(site.client(), "wang").status_code == 429
    assert log_in(known, "wang").status_code == 303


def test_a_second_login_ends_the_first_session_of_the_browser(site: Site) -> None:
    first = site.login("editor", name="wang")
    old = first.cookies["jiamenkou-staff"]
    again = site.client()
    page = again.get("/staff/login")
    again.cookies.set("jiamenkou-staff", old, domain="testserver.local")
    given = re.search(r'name="csrf-token" content="(\w+)"', page.text)
    assert given
    fields = {"csrf_token": given[1], "name": "wang", "password": PASSWORD}
    assert again.post("/staff/login", data=fields).status_code == 303
    assert first.get("/staff").status_code == 303


def test_with_https_the_cookie_is_secure_and_this_hosts_only(site: Site) -> None:
    site.account("wang", "editor")
    client = TestClient(site.app, base_url="https://testserver", headers=HTML, follow_redirects=False)
    fields = {"csrf_token": token(client, "/staff/login"), "name": "wang", "password": PASSWORD}
    response = client.post("/staff/login", data=fields, headers={"Origin": "https://testserver"})
    session = next(one for one in response.headers.get_list("set-cookie") if one.startswith("__Host-jiamenkou-staff="))
    assert "Secure" in session
    assert client.get("/staff").status_code == 200


def test_a_password_over_an_open_network_is_warned_of(site: Site) -> None:
    assert "没有加密" in site.client("192.168.1.9").get("/staff/login").text
    assert "没有加密" not in site.client("127.0.0.1").get("/staff/login").text


def test_logging_out_ends_the_session_itself(site: Site) -> None:
    client = site.login("editor")
    stolen = site.client()
    stolen.cookies.set("jiamenkou-staff", client.cookies["jiamenkou-staff"])
    assert stolen.get("/staff").status_code == 200
    assert post(client, "/staff/logout").headers["location"] == "/staff/login?notice=out"
    assert "您已退出登录" in client.get("/staff/login?notice=out").text
    assert stolen.get("/staff").status_code == 303


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "http://testserver"}, 303),
        ({"Sec-Fetch-Site": "same-origin"}, 303),
        ({"Origin": "http://testserver", "Sec-Fetch-Site": "same-origin"}, 303),
        ({}, 303),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://testserver.evil.example"}, 403),
        ({"Origin": "http://testserver:81"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site", "Origin": "http://testserver"}, 403),
        ({"Sec-Fetch-Site": "none"}, 403),
    ],
)
def test_forms_come_from_this_site(site: Site, headers: dict[str, str], status: int) -> None:
    client = site.login("editor")
    fields = {"csrf_token": token(client)}
    assert client.post("/staff/account/sessions/end", data=fields, headers=headers).status_code == status


def test_forms_carry_the_token_of_their_own_session(site: Site) -> None:
    client, other = site.login("editor"), site.login("reviewer")
    for given in ("", "x", token(other), token(site.client(), "/staff/login")):
        response = client.post("/staff/account/sessions/end", data={"csrf_token": given})
        assert response.status_code == 403
        assert "请返回上一页" in response.text
    header = {"X-CSRF-Token": token(client), "Accept": "application/json"}
    assert client.post("/staff/account/sessions/end", headers=header).status_code == 303
    header["X-CSRF-Token"] = "x"
    refused = client.post("/staff/account/sessions/end", headers=header)
    assert refused.status_code == 403
    assert refused.json()["error"]["hint"]


def test_everybody_sees_what_they_may(site: Site) -> None:
    site.frame.add(Page("/staff/cards", "服务卡片", Permission.KNOWLEDGE_EDIT, "起草。"))
    site.frame.add(Page("/staff/releases", "发布", Permission.KNOWLEDGE_PUBLISH, "发布。"))
    expected = {
        "editor": {"服务卡片"},
        "publisher": {"服务卡片", "发布"},
        "administrator": {"服务卡片", "发布", "同事账号", "操作记录"},
    }
    for role, titles in expected.items():
        page = site.login(role).get("/staff").text
        found = set(re.findall(r'<li><a href="/staff/\w+"><strong>(.*?)</strong>', page))
        assert found == titles
        assert set(re.findall(r'<li><a href="/staff/\w+">([^<]+)</a></li>', page)) == titles


@pytest.mark.parametrize("path", ["/staff/people", "/staff/people/1", "/staff/audit", "/staff/audit.csv"])
def test_a_role_that_is_too_low_is_told_so(site: Site, path: str) -> None:
    client = site.login("publisher")
    response = client.get(path)
    assert response.status_code == 403
    assert "您的账号不能使用这个功能" in response.text
    assert post(client, "/staff/people", name="evil", display="恶", roles="administrator").status_code == 403
    assert len(site.staff.accounts.all()) == 1


def test_a_colleague_is_added_sets_a_password_and_works(site: Site) -> None:
    admin = site.login("administrator")
    made = post(admin, "/staff/people", name="fang", display="王芳<b>", roles=["editor", "reviewer"])
    assert made.status_code == 200
    code = re.search(r"<code>([A-Z0-9-]{24})</code>", made.text)
    assert code
    assert "王芳&lt;b&gt;" in made.text
    assert "<b>" not in made.text
    assert code[1] not in admin.get("/staff/people/2").text, "shown once"
    fang = site.client()
    weak = post(fang, "/staff/set-up", "/staff/set-up", name="fang", code=code[1], password="123456789012")
    assert weak.status_code == 422
    assert "容易被猜到" in weak.text
    done = post(fang, "/staff/set-up", "/staff/set-up", name="fang", code=code[1], password="a quiet red teapot")
    assert done.headers["location"] == "/staff"
    assert "编辑、审核" in fang.get("/staff").text
    everything = str(site.staff.audit.entries())
    assert "a quiet red teapot" not in everything
    assert code[1] not in everything


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": "", "display": "王芳", "roles": "editor"}, words.REASONS["name"][0]),
        ({"name": "fang", "display": "", "roles": "boss"}, words.REASONS["no-role"][0]),
        ({"name": "Administrator", "display": "王芳", "roles": "editor"}, words.REASONS["name-taken"][0]),
        ({"name": "fang", "display": "字" * 50, "roles": "editor"}, words.REASONS["display"][0]),
    ],
)
def test_a_bad_form_comes_back_as_it_was_filled_in(site: Site, fields: dict[str, str], message: str) -> None:
    response = post(site.login("administrator"), "/staff/people", **fields)
    assert response.status_code == 422
    assert message in response.text
    assert f'name="name" value="{fields["name"]}"' in response.text
    assert f'name="display" value="{fields["display"]}"' in response.text
    assert ('value="editor" checked' in response.text) == (fields["roles"] == "editor")
    assert len(site.staff.accounts.all()) == 1


def test_two_administrators_edit_one_account(site: Site) -> None:
    first, second = site.login("administrator", name="jia"), site.login("administrator", name="yi")
    account = site.account("fang", "editor")
    path = f"/staff/people/{account.id}"
    version = account.version
    assert post(first, path, version=version, display="王芳", roles="editor").status_code == 303
    refused = post(second, path, version=version, display="王方", roles=["reviewer"])
    assert refused.status_code == 409
    for text in ("<strong>jia</strong>", "王芳", ">王方</textarea>", "不同"):
        assert text in refused.text
    assert site.staff.accounts.get(account.id).display == "王芳"
    # The page's own form is sent again: what the second one wanted, upon what the first one did.
    hidden = re.findall(r'<input type="hidden" name="(\w+)" value="(\w+)">', refused.text.split("<main")[1])
    again = {name: value for name, value in hidden if name != "csrf_token"}
    assert again == {"version": str(version + 1), "roles": "reviewer"}
    assert post(second, path, **again, display="王方").status_code == 303
    after = site.staff.accounts.get(account.id)
    assert (after.display, {role.value for role in after.roles}) == ("王方", {"reviewer"})


def test_an_administrator_can_not_lock_themselves_out(site: Site) -> None:
    client = site.login("administrator")
    me = site.staff.accounts.all()[0]
    path = f"/staff/people/{me.id}"
    for response in (
        post(client, path, version=me.version, display="我", roles="administrator", disabled="true"),
        post(client, path, version=me.version, display="我", roles="editor"),
        post(client, f"{path}/reset"),
    ):
        assert response.status_code == 422
    assert client.get("/staff").status_code == 200
    site.account("other", "administrator")
    old = client.cookies["jiamenkou-staff"]
    done = post(client, path, version=site.staff.accounts.get(me.id).version, display="我", roles="editor")
    assert done.headers["location"] == "/staff"
    assert client.cookies["jiamenkou-staff"] != old, "a new token at a change of rights"
    assert site.staff.sessions.find(old) is None
    page = client.get("/staff")
    assert page.status_code == 200
    assert "账号已保存" in page.text
    assert client.get("/staff/people").status_code == 403


def test_unlock_reset_disable_and_log_out_from_the_page(site: Site) -> None:
    admin = site.login("administrator")
    fang = site.login("editor", name="fang", address="10.0.0.7")
    account = site.staff.accounts.named("fang")
    path = f"/staff/people/{account.id}"
    for number in range(5):
        log_in(site.client(f"10.7.0.{number}"), "fang", "wrong")
    assert "暂时锁定" in admin.get("/staff/people").text
    assert post(admin, f"{path}/unlock").status_code == 303
    assert log_in(site.client(), "fang").status_code == 303
    assert post(admin, f"{path}/sessions/end").status_code == 303
    assert fang.get("/staff").status_code == 303
    fang = site.login("editor", name="fang")
    assert "一次性代码" in post(admin, f"{path}/reset").text
    assert fang.get("/staff").status_code == 303
    version = site.staff.accounts.get(account.id).version
    assert post(admin, path, version=version, display="fang", roles="editor", disabled="true").status_code == 303
    assert "已停用" in admin.get("/staff/people").text
    assert post(admin, f"{path}/reset").status_code == 422
    assert post(admin, "/staff/people/999/reset").status_code == 404


def test_own_devices_are_listed_and_ended_but_not_those_of_others(site: Site) -> None:
    here, there = site.login("editor", name="wang"), site.login("editor", name="wang")
    other = site.login("editor", name="li")
    site_handles = {one.handle for one in site.staff.sessions.of(site.staff.accounts.named("li").id)}
    for handle in site_handles:
        post(here, f"/staff/account/sessions/{handle}/end")
    assert other.get("/staff").status_code == 200
    handles = re.findall(r"/staff/account/sessions/(\w{16})/end", here.get("/staff/account").text)
    assert len(handles) == 1
    assert post(here, f"/staff/account/sessions/{handles[0]}/end").status_code == 303
    assert there.get("/staff").status_code == 303
    assert here.get("/staff").status_code == 200


def test_changing_the_own_password(site: Site) -> None:
    client = site.login("editor", name="wang")
    wrong = post(client, "/staff/account/password", old_password="x", new_password="a quiet red teapot")
    assert "原来的密码不对" in wrong.text
    done = post(client, "/staff/account/password", old_password=PASSWORD, new_password="a quiet red teapot")
    assert done.status_code == 303
    assert "密码改好了" in client.get("/staff/account").text
    assert "密码改好了" not in client.get("/staff/account").text, "shown once"
    assert log_in(site.client(), "wang", "a quiet red teapot").status_code == 303


def test_what_was_typed_before_the_login_ran_out_is_shown_again(site: Site, hands: Hands) -> None:
    client = site.login("administrator")
    hands.on(hours=2)
    fields = {"name": "fang", "display": "写了很久的<i>话", "password": "secret-word", "csrf_token": "x"}
    response = client.post("/staff/people", data=fields, headers={"Origin": "http://testserver"})
    assert response.status_code == 401
    assert "写了很久的&lt;i&gt;话" in response.text
    assert "secret-word" not in response.text
    foreign = client.post("/staff/people", data=fields, headers={"Origin": "http://evil.example"})
    assert foreign.status_code == 401
    assert "写了很久" not in foreign.text


def test_audit_page_filters_pages_and_exports(site: Site) -> None:
    client = site.login("administrator")
    for number in range(120):
        site.staff.audit.write("li#9", "card.edit", f"card:{number}", {"phone": "<old>"}, {"phone": f"=n{number}"})
    page = client.get("/staff/audit?who=li").text
    assert "共 120 条，第 1 页，共 3 页" in page
    assert "<del>&lt;old&gt;</del> → <ins>=n119</ins>" in page
    assert "card:119" in page
    assert "card:0<" in client.get("/staff/audit?who=li&page=99").text
    assert "没有找到记录" in client.get("/staff/audit?until=2020-01-01").text
    assert "看不懂" in client.get("/staff/audit?since=yesterday").text
    assert "看不懂" in client.get("/staff/audit?since=9999-99-99").text
    assert client.get("/staff/audit?until=9999-12-31").status_code == 200
    response = client.get("/staff/audit.csv?who=li")
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.reader(io.StringIO(response.text.removeprefix("\ufeff"))))
    assert len(rows) == 121
    assert rows[0][0] == "编号"
    assert site.staff.audit.entries(limit=1)[0].action == "audit.export"


def test_pages_of_other_modules(site: Site) -> None:
    """A form, JSON, a file, a socket, and failures, as later modules will have them."""
    frame = site.frame

    @frame.router.post("/staff/try/form")
    def form(request: Request, me: Editor, text: Annotated[str, Form()]) -> Any:
        frame.flash(request, f"收到{text}")
        return frame.see("/staff")

    @frame.router.post("/staff/try/json")
    async def json(me: Editor, body: dict[str, int]) -> Any:
        return {"sum": sum(body.values())}

    @frame.router.post("/staff/try/fail")
    async def fail(me: Publisher) -> Any:
        raise RuntimeError("a secret path /etc/x")

    @frame.router.post("/staff/try/file")
    async def file(me: Editor, file: UploadFile) -> Any:
        return {"bytes": len(await file.read())}

    @frame.router.websocket("/staff/try/socket")
    async def socket(socket: WebSocket, me: Editor) -> None:
        await socket.accept()
        await socket.send_text(me.name)
        await socket.close()

    frame.takes_files("/staff/try/file", 300_000)
    client = site.login("publisher", name="wang")
    assert post(client, "/staff/try/form", text="一二三").status_code == 303
    assert "收到一二三" in client.get("/staff").text
    missing = post(client, "/staff/try/form")
    assert missing.status_code == 422
    assert "请返回上一页检查" in missing.text
    header = {"X-CSRF-Token": token(client), "Accept": "application/json"}
    assert client.post("/staff/try/json", json={"a": 1, "b": 2}, headers=header).json() == {"sum": 3}
    assert client.post("/staff/try/json", content="{", headers=header).status_code == 422
    failed = client.post("/staff/try/fail", headers=header)
    assert failed.status_code == 500
    assert "secret" not in failed.text
    page = post(client, "/staff/try/fail")
    assert page.status_code == 500
    assert "<h1>" in page.text
    assert "script-src 'self';" in page.headers["content-security-policy"]

    given = {"csrf_token": token(client)}
    large = {"file": ("a.pdf", b"x" * 200_000)}
    assert client.post("/staff/try/file", data=given, files=large).json() == {"bytes": 200_000}
    assert client.post("/staff/try/file", data=given, files={"file": ("a", b"x" * 400_000)}).status_code == 413
    assert client.post("/staff/try/form", data=given, files=large).status_code == 413
    assert site.client().post("/staff/try/file", data=given, files=large).status_code == 413

    with client.websocket_connect("/staff/try/socket") as connection:
        assert connection.receive_text() == "wang"
    for browser, headers in ((site.client(), {}), (client, {"Origin": "http://evil.example"})):
        with (
            pytest.raises(WebSocketDisconnect) as error,
            browser.websocket_connect("/staff/try/socket", headers=headers),
        ):
            pass
        assert error.value.code == 1008


async def test_a_long_answer_notices_the_end_of_its_session(site: Site, hands: Hands) -> None:
    client = site.login("editor", name="wang")
    cookie = f"jiamenkou-staff={client.cookies['jiamenkou-staff']}".encode()
    scope = {"type": "http", "headers": [(b"cookie", cookie)], "scheme": "http", "path": "/", "query_string": b"",
             "server": ("testserver", 80), "app": site.app}  # fmt: skip
    request = Request(scope)
    assert await site.frame.alive(request, Permission.CALLS_ANSWER)
    assert not await site.frame.alive(request, Permission.ACCOUNTS_MANAGE)
    for _ in range(5):
        hands.on(minutes=50)
        assert await site.frame.alive(request, Permission.CALLS_ANSWER, touch=True)
    site.staff.accounts.set_disabled("t", site.staff.accounts.named("wang").id, True)
    assert not await site.frame.alive(request, Permission.CALLS_ANSWER)


def test_headers(site: Site) -> None:
    page = site.login("editor").get("/staff")
    policy = page.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "same-origin"
    assert not re.search(r"<script(?![^>]*src=)|\son\w+=|style=", page.text)
    assert site.client().get("/staff/static/staff.js").headers["content-type"].startswith("text/javascript")
    for name in ("frame.py", "..%2fframe.py", "%2e%2e/words.py"):
        assert site.client().get(f"/staff/static/{name}").status_code in {303, 404}


@pytest.mark.parametrize(
    "odd", ["%00", "%ff%fe", "%ed%a0%80", "%F0%9F%98%80" * 2000, "' OR 1=1 --", "{{7*7}}", "%0d%0a"]
)
def test_odd_input_is_only_wrong(site: Site, odd: str) -> None:
    site.account("wang", "editor")
    client = site.client()
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for page, fields in (("login", ("name", "password", "next")), ("set-up", ("name", "code", "password"))):
        for field in fields:
            given = {"name": "wang", "password": "wrong wrong wrong", "csrf_token": token(client, f"/staff/{page}")}
            body = "&".join(f"{name}={value}" for name, value in {**given, field: odd}.items())
            response = client.post(f"/staff/{page}", content=body, headers=form)
            assert response.status_code in {401, 422, 429}, (page, field, response.status_code)
        assert client.post(f"/staff/{page}", content=f"csrf_token={odd}", headers=form).status_code == 403
    cookies = [(b"cookie", b"jiamenkou-staff=\xff\xfe; jiamenkou-staff-open=\xff"), (b"accept", b"text/html")]
    assert site.client().get("/staff", headers=cookies).status_code == 303
    assert site.client().get("/staff/login", headers=cookies).status_code == 200
    assert site.login("administrator").get("/staff/people/" + "9" * 30).status_code == 422


def test_unknown_pages(site: Site) -> None:
    client = site.login("administrator")
    assert client.get("/staff/nothing").status_code == 404
    assert "没有找到这个页面" in client.get("/staff/nothing").text
    assert client.get("/staff/").headers["location"] == "/staff"
    assert client.get("/staff/people/abc").status_code == 422
    assert client.delete("/staff/nothing").status_code == 403


def test_every_reason_has_words() -> None:
    from pathlib import Path

    import assistant.staff as package

    found: set[str] = set()
    for file in Path(package.__file__).parent.glob("*.py"):
        found |= set(re.findall(r'(?:StaffError|FourEyesError|StaleError)\(\s*"([a-z-]+)"', file.read_text("utf-8")))
    assert found
    assert found <= set(words.REASONS)


def test_the_first_administrator_is_announced(site: Site) -> None:
    assert "jiamenkou staff add" in site.client().get("/staff/login").text
    site.account("wang", "administrator")
    assert "jiamenkou staff add" not in site.client().get("/staff/login").text
