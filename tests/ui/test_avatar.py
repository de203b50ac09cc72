"""小沪 in a real browser: she loads, speaks by the sound's clock, moves, slows down gracefully and leaves nothing behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from fastapi import FastAPI

from assistant.http.headers import SecurityHeaders
from tests.serving import serving
from ui.avatar import add_avatar


@pytest.fixture(scope="module")
def faces() -> Iterator[str]:
    """The address of a server that serves only the faces."""
    app = FastAPI()
    app.add_middleware(SecurityHeaders)
    add_avatar(app)
    with serving(app) as address:
        yield f"http://{address}/ui/avatar/demo?bare"


def test_she_is_on_screen_within_two_seconds(browser: Any, faces: str) -> None:
    page = browser.new_page(viewport={"width": 1080, "height": 1920})
    page.goto(faces)
    started = page.evaluate("demo.ready.then(() => performance.now())")
    page.close()
    assert started < 2000
