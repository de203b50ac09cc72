"""A served page over the scripted conversation, and a real browser that may not leave the machine."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from assistant.http.app import build_app
from assistant.settings import Settings
from tests.http.conversation import ScriptedConversation
from tests.serving import serving
from tests.ui.watching import Watch

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="session")
def served() -> Iterator[tuple[str, ScriptedConversation]]:
    """The address of a running page, and the conversation behind it."""
    from ui.chat import mount

    conversation = ScriptedConversation(pause=0.03)
    settings = Settings(_env_file=None, asks_per_minute=1000)
    app = mount(build_app(conversation, lambda: {"ready": True}, settings), conversation)
    with serving(app) as address:
        yield f"http://{address}", conversation


@pytest.fixture(scope="session")
def launch() -> Iterator[Callable[..., Any]]:
    """Starts Chromium with more flags. Missing is a failure, unless JIAMENKOU_BROWSER=none says that it may be."""
    chosen = os.environ.get("JIAMENKOU_BROWSER", "/usr/bin/chromium")
    if chosen == "none":
        pytest.skip("JIAMENKOU_BROWSER=none")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        pytest.fail("Browser tests need playwright: pip install -e '.[dev]' (or set JIAMENKOU_BROWSER=none).")
    if not Path(chosen).exists():
        pytest.fail(
            f"Browser tests need {chosen}: apt-get install -y chromium fonts-noto-cjk, or set "
            "JIAMENKOU_BROWSER to another Chromium (or to none)."
        )
    with sync_playwright() as playwright:
        running: list[Any] = []

        def start(*flags: str) -> Any:
            running.append(playwright.chromium.launch(executable_path=chosen, args=[*FLAGS, *flags]))
            return running[-1]

        yield start
        for chromium in running:
            chromium.close()


@pytest.fixture(scope="session")
def browser(launch) -> object:
    """Chromium for typing."""
    return launch()


@pytest.fixture
def open_page(browser, served) -> Iterator[object]:
    """A function that opens a tab; afterwards no request may have gone elsewhere, nothing have failed."""
    url, _ = served
    pages: list[object] = []
    watch = Watch()

    def open_tab(query: str = "", width: int = 1280, height: int = 800):
        page = browser.new_page(viewport={"width": width, "height": height}, locale="zh-CN")
        watch.over(page)
        page.on("dialog", lambda dialog: watch.problems.append(dialog.message))
        page.goto(url + query)
        page.wait_for_selector(".send:not([disabled])")
        pages.append(page)
        return page

    yield open_tab
    for page in pages:
        page.close()
    watch.check()
