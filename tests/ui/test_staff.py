"""/staff in a real browser: log in and out, refusals, a forged form from another page, conflicts, accessibility."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI
from fastapi.responses import HTMLResponse

from assistant.http.staff.guards import require
from assistant.staff.values import Permission, Person
from tests.serving import serving
from tests.staff.site import PASSWORD, Site, staff_site
from tests.ui.watching import Watch

Editor = Annotated[Person, Depends(require(Permission.KNOWLEDGE_EDIT))]
SIZES = {"desktop": (1280, 800), "phone": (360, 740)}


@dataclass(frozen=True)
class Office:
    """A served site, and contexts of a browser that watch what is loaded."""

    url: str
    site: Site
    open: Callable[..., Any]

    def enter(self, page: Any, name: str, password: str = PASSWORD, path: str = "/staff") -> None:
        page.goto(self.url + path)
        page.fill("#name", name)
        page.fill("#password", password)
        with page.expect_navigation():
            page.keyboard.press("Enter")


def press(page: Any, selector: str) -> None:
    """Click, and wait for the page that follows."""
    with page.expect_navigation():
        page.click(selector)


@pytest.fixture
def office(browser: Any, tmp_path: Any) -> Iterator[Office]:
    site = staff_site(tmp_path)
    for name, role in (("wang", "administrator"), ("li", "editor")):
        site.account(name, role)
    contexts: list[Any] = []
    watch = Watch()

    def open_page(size: str = "desktop", **options: Any) -> Any:
        width, height = SIZES[size]
        context = browser.new_context(viewport={"width": width, "height": height}, locale="zh-CN", **options)
        contexts.append(context)
        page = context.new_page()
        watch.over(page)
        return page

    with serving(site.app) as address:
        yield Office(f"http://{address}", site, open_page)
        for context in contexts:
            context.close()
    watch.check()


def test_wrong_password_then_the_right_one_leads_on(office: Office) -> None:
    page = office.open()
    office.enter(page, "wang", "wrong", "/staff/audit?who=li")
    assert "名字或密码不对" in page.locator("[role=alert]").inner_text()
    assert page.input_value("#name") == "wang"
    assert page.evaluate("document.activeElement.id") == "password"
    page.keyboard.type(PASSWORD)
    with page.expect_navigation():
        page.keyboard.press("Enter")
    page.wait_for_url("**/staff/audit?who=li")
    assert page.locator("nav.menu [aria-current=page]").inner_text() == "操作记录"
    assert page.evaluate("document.cookie") == ""


def test_lock_out(office: Office) -> None:
    page = office.open()
    for _ in range(5):
        office.enter(page, "li", "wrong")
    office.enter(page, "li")
    assert "请过 1 分钟再试" in page.locator("[role=alert]").inner_text()
    page.goto(office.url + "/staff")
    assert "/staff/login" in page.url


def test_a_page_above_the_own_role_is_refused_in_words(office: Office) -> None:
    page = office.open("phone")
    office.enter(page, "li")
    assert page.locator("nav.menu a").all_inner_texts() == ["首页"]
    page.goto(office.url + "/staff/people")
    assert page.locator("h1").inner_text() == "您的账号不能使用这个功能。"
    press(page, "text=回到工作台首页")
    assert page.locator("h1").inner_text() == "li，您好"


def test_logging_out_leaves_nothing_behind(office: Office) -> None:
    page = office.open()
    office.enter(page, "wang", path="/staff/people")
    press(page, "text=退出登录")
    assert page.locator("[role=status]").inner_text() == "您已退出登录。"
    page.go_back()
    assert "/staff/login" in page.url, "the page before isn't shown from a cache"


def test_a_session_that_an_attacker_chose_is_worth_nothing(office: Office) -> None:
    page = office.open()
    for name in ("jiamenkou-staff", "jiamenkou-staff-open"):
        page.context.add_cookies([{"name": name, "value": "planted", "url": office.url}])
    office.enter(page, "li")
    assert page.locator("h1").inner_text() == "li，您好"
    found = {cookie["name"]: cookie for cookie in page.context.cookies()}
    session = found["jiamenkou-staff"]
    assert session["value"] != "planted"
    assert (session["httpOnly"], session["sameSite"]) == (True, "Strict")
    thief = office.open()
    thief.context.add_cookies([{"name": "jiamenkou-staff", "value": "planted", "url": office.url}])
    thief.goto(office.url + "/staff")
    assert "/staff/login" in thief.url


def test_a_form_of_another_page_changes_nothing(office: Office) -> None:
    """On another port of the same host: browsers send even strict cookies there."""
    page = office.open()
    office.enter(page, "wang")
    token = page.get_attribute("meta[name=csrf-token]", "content")
    evil = FastAPI()

    @evil.get("/")
    def lure() -> HTMLResponse:
        fields = {"name": "evil", "display": "恶", "roles": "administrator", "csrf_token": token}
        inputs = "".join(f'<input name="{name}" value="{value}">' for name, value in fields.items())
        return HTMLResponse(
            f'<form method="post" action="{office.url}/staff/people">{inputs}<button>礼物</button></form>'
        )

    with serving(evil) as address:
        page.goto(f"http://{address}/")
        press(page, "button")
    assert page.locator("h1").inner_text() == "这个请求不是从本页面发出的，没有执行。"
    assert {account.name for account in office.site.staff.accounts.all()} == {"wang", "li"}


def test_a_new_colleague_from_the_first_form_to_the_first_login(office: Office) -> None:
    admin, fang = office.open(), office.open("phone")
    office.enter(admin, "wang", path="/staff/people")
    admin.fill("#name", "fang")
    admin.fill("#display", "王芳")
    admin.check("input[value=reviewer]")
    press(admin, "button.main")
    code = admin.locator(".code").inner_text().strip()
    fang.goto(f"{office.url}/staff/set-up#fang/{code}")
    assert fang.input_value("#name") == "fang"
    assert fang.input_value("#code") == code
    assert "#" not in fang.url
    fang.fill("#password", "a quiet red teapot")
    press(fang, "button.main")
    assert fang.locator("h1").inner_text() == "王芳，您好"


def test_two_people_edit_one_account(office: Office) -> None:
    office.site.account("zhao", "administrator")
    first, second = office.open(), office.open("phone")
    path = f"/staff/people/{office.site.staff.accounts.named('li').id}"
    office.enter(first, "wang", path=path)
    office.enter(second, "zhao", path=path)
    first.fill("#display", "李明")
    press(first, "main form button.main")
    second.fill("#display", "李铭")
    press(second, "main form button.main")
    assert "wang 在" in second.locator("main").inner_text()
    assert second.input_value("textarea[name=display]") == "李铭"
    assert office.site.staff.accounts.named("li").display == "李明"
    press(second, "text=用我的内容保存")
    second.wait_for_url("**/staff/people")
    assert office.site.staff.accounts.named("li").display == "李铭"


def test_scripts_of_pages_send_the_token(office: Office) -> None:
    @office.site.frame.router.post("/staff/try")
    async def add(me: Editor, body: dict[str, int]) -> dict[str, int]:
        return {"sum": sum(body.values())}

    page = office.open()
    office.enter(page, "li")
    call = """async (body) => { const { send } = await import("/staff/static/staff.js");
      try { return await send("/staff/try", body) } catch (error) { return error.message } }"""
    assert page.evaluate(call, {"a": 2, "b": 3}) == {"sum": 5}
    assert page.evaluate(call, "no object") == "有内容没有填，或者填得不对。请返回上一页检查；您填的内容还在那里。"
    office.site.staff.sessions.revoke(office.site.staff.accounts.named("li").id)
    page.evaluate(call, {"a": 1})
    page.wait_for_url("**/staff/login?next=**")


def test_without_scripts(office: Office) -> None:
    page = office.open(java_script_enabled=False)
    office.enter(page, "wang", path="/staff/people")
    press(page, "text=li")
    page.fill("#display", "李明")
    press(page, "main form button.main")
    assert "李明的账号已保存。" in page.locator("[role=status]").inner_text()


@pytest.mark.parametrize("size", SIZES)
def test_pages_are_accessible_and_fit(office: Office, size: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = office.open(size)
    found: dict[str, list[str]] = {}

    def look(name: str) -> None:
        results = Axe().run(page).response["violations"] if size == "desktop" else []  # it looks at what is said
        found[name] = [f"{one['id']}: {one['nodes'][0]['html']}" for one in results]
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found[name].append("wider than the screen")
        for box in page.locator("button:visible, .button:visible, input:visible, select:visible").all():
            height = box.bounding_box()["height"]
            if height < 24:
                found[name].append(f"{box.evaluate('one => one.outerHTML')} is {height} high")

    page.goto(office.url + "/staff/set-up")
    look("set-up")
    office.enter(page, "wang", "wrong")
    look("login")
    office.enter(page, "wang")
    for path in ("", "/account", "/people", "/people/2", "/audit", "/nothing"):
        page.goto(f"{office.url}/staff{path}")
        look(path or "home")
    page.goto(office.url + "/staff/people/2")
    account = office.site.staff.accounts.get(2)
    office.site.staff.accounts.edit("zhao", 2, account.version, display="别人", roles=account.roles, disabled=False)
    press(page, "main form button.main")
    look("conflict")
    page.goto(office.url + "/staff/people/2")
    press(page, "text=重设密码")
    look("code")
    page.goto(office.url + "/staff/account")
    office.site.staff.sessions.revoke(1)
    page.fill("#old", "x")
    page.fill("#new", "long enough or so")
    press(page, "main form button.main")
    look("expired")
    assert re.search("重新登录", page.locator("h1").inner_text())
    assert {name: problems for name, problems in found.items() if problems} == {}
    assert len(found) == 11
