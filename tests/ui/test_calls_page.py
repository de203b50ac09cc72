"""The console for calls in a browser: a resident's call comes up by itself, is taken, answered, and is gone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe

from assistant.staff.values import Role
from assistant.turn import Knowledge
from tests.handoff.world import PASSWORD, World, world
from tests.small_world import published, small_corpus
from tests.ui.watching import Watch

QUESTION = "老年助餐点达到多少个？"


@pytest.fixture
def place(tmp_path: Path) -> Any:
    knowledge: Knowledge = published(small_corpus(tmp_path / "corpus"), tmp_path / "data")
    with world(knowledge, tmp_path / "var") as found:
        account = found.staff.accounts.add("test", "wang", "王芳", [Role.EDITOR])
        found.staff.login.set_password("test", account.id, PASSWORD)
        yield found


def no_violation(page: Any) -> None:
    found = Axe().run(page).response["violations"]
    assert [each["id"] for each in found if each["impact"] in ("serious", "critical")] == []


def test_a_call_from_ring_to_end(browser: Any, place: World) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 900}, locale="zh-CN")
    watch = Watch()
    watch.over(page)
    page.goto(f"{place.address}/staff/login?next=/staff/calls")
    page.fill("[name=name]", "wang")
    page.fill("[name=password]", PASSWORD)
    page.click("main button")
    page.wait_for_selector("#line.good")
    no_violation(page)
    with httpx.Client(base_url=place.address, trust_env=False) as resident:
        path = "/api/sessions/browser-1/call"
        resident.post("/api/ask", json={"text": QUESTION, "session": "browser-1"})
        offer = resident.get(path).json()
        assert offer["manned"]
        resident.post(path, json={"share": True, "summary_id": offer["summary"]["id"]})
        button = page.locator("#waiting button")
        button.wait_for()
        button.focus()
        page.wait_for_timeout(2200)  # seconds go on, the button stays under the finger
        assert page.evaluate("document.activeElement.textContent") == "接听"
        assert page.title().startswith("（1）")
        assert QUESTION not in page.content(), "not before it is taken"
        page.keyboard.press("Enter")
        page.wait_for_selector("#mine:not([hidden])")
        assert QUESTION in page.inner_text("#lines")
        assert page.evaluate("document.activeElement.id") == "text"
        no_violation(page)
        page.keyboard.type("您带身份证到三号窗口来。")
        page.keyboard.press("Enter")
        page.wait_for_selector("#log .staff-said")
        assert page.input_value("#text") == ""
        page.click("#over")
        page.wait_for_selector("#over[aria-pressed=true]")
        relayed = resident.post("/api/ask", json={"text": "<b>我住九号</b>", "session": "browser-1"}).json()
        assert relayed["engine"] == "relay"
        page.wait_for_selector("#log .resident")
        assert "<b>我住九号</b>" in page.inner_text("#log")
        page.fill("#text", "好")
        page.click("#answer button")
        page.locator("#log .staff-said").nth(1).wait_for()
        no_violation(page)
        page.set_viewport_size({"width": 390, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        resident.delete("/api/sessions/browser-1")
        page.wait_for_selector("#mine", state="hidden")
        for word in (QUESTION, "九号", "窗口"):
            assert word not in page.content(), "what was said is gone from the page"
    page.close()
    watch.check()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_an_answer_taken_home_on_a_phone(browser: Any, place: World, language: str) -> None:
    texts = {"zh": "市民热线是哪个号码？", "en": "What is the number of the hotline 12345?"}
    page = browser.new_page(viewport={"width": 360, "height": 740}, java_script_enabled=True)
    with httpx.Client(base_url=place.address, trust_env=False) as resident:
        asked = resident.post(
            "/api/ask", json={"text": texts[language], "session": "home-1", "language": language}
        ).json()
        made = resident.post("/api/takeaway", json={"session": "home-1", "turn_id": asked["turn_id"]}).json()
    page.goto(place.address + made["path"])
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    sizes = page.evaluate(
        "[...document.querySelectorAll('main *')].filter(e => e.innerText).map(e => parseFloat(getComputedStyle(e).fontSize))"
    )
    assert min(sizes) >= 17
    assert page.locator('a[href="tel:12345"]').bounding_box()["height"] >= 64
    no_violation(page)
    page.emulate_media(media="print")
    assert page.locator(".answer").is_visible()
    page.close()
