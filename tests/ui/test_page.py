"""The page in a real browser: ask, watch, open a source, switch the language, stop, clear."""

from __future__ import annotations

import re
import time

import pytest

from tests.http.conversation import COVERAGE, POISON

pytestmark = pytest.mark.slow

QUESTION = "一刻钟生活圈是什么?"
DONE = ".turn:last-child .reply[aria-busy=false]"


def ask(page, text: str) -> None:
    turns = page.locator(".turn").count()
    page.fill("textarea", text)
    page.click(".send")
    page.locator(".turn").nth(turns).wait_for()


def ask_and_wait(page, text: str):
    ask(page, text)
    page.wait_for_selector(DONE, timeout=15_000)
    return page.locator(".turn").last


def test_streams_cites_and_highlights(open_page) -> None:
    page = open_page()
    ask(page, QUESTION)
    lengths = set()
    while page.locator(DONE).count() == 0:
        lengths.add(len(page.locator(".turn").last.locator(".reply").inner_text()))
        time.sleep(0.02)
    assert len(lengths) >= 2, "the answer must grow on the page, not appear at once"
    turn = page.locator(".turn").last
    assert "85%以上" in turn.locator(".text").inner_text()
    citation = turn.locator("a.citation")
    assert "第十四条" in citation.inner_text()
    citation.focus()
    page.keyboard.press("Enter")
    mark = page.locator("#article-panel mark")
    mark.wait_for()
    assert mark.inner_text() == COVERAGE
    assert mark.evaluate(
        "mark => { const m = mark.getBoundingClientRect(), b = mark.closest('.body').getBoundingClientRect();"
        " return m.top >= b.top && m.bottom <= b.bottom }"
    )
    page.keyboard.press("Escape")
    assert not page.locator("#article-panel").is_visible()


def test_long_article_scrolls_to_the_mark(open_page) -> None:
    page = open_page(width=390, height=844)
    turn = ask_and_wait(page, QUESTION)
    page.set_viewport_size({"width": 390, "height": 380})
    turn.locator("a.citation").press("Enter")
    page.locator("#article-panel mark").wait_for()
    page.wait_for_timeout(300)
    assert page.locator("#article-panel .body").evaluate("body => body.scrollTop") > 0


def test_suggestions_ask(open_page) -> None:
    page = open_page()
    page.locator(".suggestion").first.click()
    page.wait_for_selector(DONE)
    assert page.locator(".question p").inner_text() == QUESTION
    page.get_by_role("button", name="哪些部门负责?").click()
    page.locator(".turn").nth(1).wait_for()
    page.wait_for_selector(DONE)
    assert page.locator(".turn").count() == 2


def test_language_switch(open_page, served) -> None:
    page = open_page()
    page.get_by_role("button", name="English").click()
    page.get_by_role("heading", name="Hello, I'm Xiaohu.").wait_for()
    assert page.locator("textarea").get_attribute("placeholder") == "Type your question"
    assert page.evaluate("document.documentElement.lang") == "en"
    turn = ask_and_wait(page, "What is the circle?")
    assert "Over 85%" in turn.inner_text()
    assert served[1].languages[-1] == "en"
    turn.locator("a.citation").click()
    assert "By the end of 2025" in page.locator("#article-panel .translation mark").inner_text()
    page.locator("#article-panel .close").click()
    page.get_by_role("button", name="中文").click()
    page.get_by_role("button", name="发送").wait_for()


def test_clear_erases_the_session(open_page, served) -> None:
    page = open_page()
    ask_and_wait(page, "记住这句话")
    erased = len(served[1].erased)
    page.get_by_role("button", name="清空对话").click()
    page.locator(".cleared").wait_for()
    assert page.locator(".turn").count() == 0
    assert len(served[1].erased) == erased + 1
    assert "记住这句话" not in ask_and_wait(page, "我之前问过什么?").locator(".text").inner_text()


def test_tabs_do_not_mix(open_page) -> None:
    one, two = open_page(), open_page()
    ask_and_wait(one, "甲的问题")
    ask_and_wait(two, "乙的问题")
    assert two.locator(".turn").count() == 1
    text = ask_and_wait(two, "我之前问过什么?").locator(".text").inner_text()
    assert "乙的问题" in text
    assert "甲的问题" not in text


def test_tabs_do_not_wait_for_each_other(open_page) -> None:
    slow, quick = open_page(), open_page()
    ask(slow, "慢慢说生活圈")
    slow.locator(".turn:last-child .text").wait_for()
    ask_and_wait(quick, QUESTION)
    assert slow.locator(DONE).count() == 0
    slow.get_by_role("button", name="停止").click()


def test_stop_ends_the_stream(open_page) -> None:
    page = open_page()
    ask(page, "慢慢说生活圈")
    page.locator(".turn:last-child .text").wait_for()
    page.get_by_role("button", name="停止").click()
    page.get_by_text("已经停下来了").wait_for(timeout=5000)
    page.get_by_role("button", name="发送").wait_for()


def test_clear_while_streaming(open_page) -> None:
    page = open_page()
    ask(page, "慢慢说生活圈")
    page.locator(".turn:last-child .text").wait_for()
    page.get_by_role("button", name="清空对话").click()
    page.locator(".cleared").wait_for()
    page.wait_for_timeout(600)
    assert page.locator(".turn").count() == 0
    assert page.get_by_role("button", name="发送").is_visible()


@pytest.mark.parametrize("text", [POISON, '<img src=x onerror="alert(1)">', "${alert(1)}<`{{value}}"])
def test_scripts_are_only_text(open_page, text: str) -> None:
    page = open_page()
    turn = ask_and_wait(page, text)
    assert turn.locator(".question p").inner_text() == text
    assert text in turn.locator(".text").inner_text()
    assert page.locator("#thread script, #thread img[onerror], #thread b[onclick]").count() == 0
    if turn.locator("a.citation").count():
        turn.locator("a.citation").click()
        page.locator("#article-panel mark").wait_for()
        assert "<script>" in page.locator("#article-panel mark").inner_text()
        assert page.locator("#article-panel script, #article-panel b[onclick]").count() == 0
    assert page.title() != "owned"


def test_refusal_and_emergency_have_numbers_to_call(open_page) -> None:
    page = open_page(width=390, height=844)
    assert ask_and_wait(page, "天气").locator(".refused a[href='tel:12345']").is_visible()
    call = ask_and_wait(page, "着火了").locator(".emergency a[href='tel:119']")
    assert call.is_visible()
    assert call.bounding_box()["height"] >= 72


@pytest.mark.parametrize("text", ["坏了", "崩溃"])
def test_failures_are_told_kindly(open_page, text: str) -> None:
    page = open_page()
    turn = ask_and_wait(page, text)
    assert "请您再问一次" in turn.inner_text()
    assert "secret" not in page.content()
    assert page.get_by_role("button", name="发送").is_visible()


def test_empty_question_is_not_sent(open_page, served) -> None:
    page = open_page()
    turns = served[1].turns
    page.click(".send")
    page.get_by_text("请先写下您的问题").wait_for()
    page.fill("textarea", "   ")
    page.keyboard.press("Enter")
    page.wait_for_timeout(300)
    assert served[1].turns == turns


def test_thumbs_reach_the_conversation(open_page, served) -> None:
    page = open_page()
    turn = ask_and_wait(page, QUESTION)
    turn.get_by_role("button", name="没帮助").click()
    turn.get_by_text("谢谢您告诉我们").wait_for()
    session, turn_id, good = served[1].ratings[-1]
    assert len(session) >= 32
    assert turn_id == served[1].turns
    assert good is False


@pytest.mark.parametrize("width", [390, 1280])
def test_large_type_and_no_sideways_scrolling(open_page, width: int) -> None:
    page = open_page(width=width, height=844)
    turn = ask_and_wait(page, QUESTION)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    sizes = [
        page.locator(selector).first.evaluate("node => parseFloat(getComputedStyle(node).fontSize)")
        for selector in (".text", ".question p", ".citation .quote", "textarea", ".suggestion", ".send")
    ]
    assert min(sizes) >= 20
    assert page.locator(".send").bounding_box()["height"] >= 64
    assert page.locator(".send").inner_text() == "发送"
    assert turn.bounding_box()["y"] < 150, "a new question moves to the top"


def test_document_page_works_without_scripts(browser, served) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{served[0]}/document/plan?mark=plan%2314.2#article-14")
    assert page.locator("mark").inner_text() == COVERAGE
    context.close()


def test_page_keeps_nothing_in_the_browser(open_page) -> None:
    page = open_page()
    ask_and_wait(page, "我的秘密问题")
    kept = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
    assert "秘密" not in kept
    names = page.evaluate("indexedDB.databases().then(all => all.map(one => one.name))")
    assert names == []


def test_no_request_for_fonts_or_scripts_elsewhere_in_the_page(open_page) -> None:
    page = open_page()
    loaded = page.evaluate("performance.getEntriesByType('resource').map(entry => entry.name)")
    assert loaded
    assert [name for name in loaded if not re.match(r"http://127\.0\.0\.1:\d+/", name)] == []
    assert [name for name in loaded if re.search(r"\.(woff2?|ttf)$", name)] == []
