"""The whole way in a browser: a spoken question in the microphone, the right article on the page, and a voice."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assistant.dialogue.session import Engines, VoiceSession
from assistant.http.app import build_app
from assistant.http.voice import add_voice
from assistant.main_voice import CONTEXT, make_activity, make_recogniser, make_voice
from assistant.prepare_voice import warm
from assistant.settings import settings
from assistant.voice_contracts import SPOKEN_RATE
from tests.serving import serving
from tests.ui.voices import flags, write

pytestmark = [pytest.mark.real, pytest.mark.slow]

QUESTION = "老房子能加装电梯吗？"


def run(work: Coroutine[Any, Any, Any]) -> Any:
    """The outcome of ``work``, in a thread: Playwright's own loop runs in this one."""
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(asyncio.run(work)))
    thread.start()
    thread.join(120)
    return found[0]


def test_a_spoken_question_finds_its_article_and_is_answered_aloud(launch, assistant, tmp_path: Path) -> None:
    from ui.chat import mount

    config = settings().model_copy(update={"voice": "light", "data_folder": tmp_path, "voice_threads": 2})
    activity = make_activity(config)
    voice = make_voice(config)
    assert voice is not None
    engines = Engines(make_recogniser(config), activity, voice=voice, context=CONTEXT, speed=0.9)
    run(warm(engines))
    asked = run(voice.speak(QUESTION, 1.0)).sound
    pause = np.zeros(SPOKEN_RATE, np.float32)
    conversation = assistant()
    app = build_app(conversation, lambda: {"ready": True, "hears": True, "speaks": True}, config)
    add_voice(
        app,
        lambda session, language: VoiceSession(conversation, engines, session, language),
        conversation.erase,
        app.state.limiter.allow,
    )
    browser = launch(*flags(write(tmp_path / "asked.wav", pause, asked, pause, rate=SPOKEN_RATE)))
    with serving(mount(app, conversation)) as address:
        page = browser.new_page(locale="zh-CN")
        page.goto(f"http://{address}")
        page.wait_for_selector(".send:not([disabled])")
        page.click(".talk")
        page.locator(".turn a.citation").first.wait_for(timeout=30_000)
        page.wait_for_function("jiamenkouVoice.player.level > 0.02", timeout=20_000)
        assert "电梯" in page.locator(".voice-heard").inner_text()
        assert "电梯" in page.locator(".turn .question p").inner_text()
        text = page.locator(".turn .text").inner_text()
        assert "电梯" in text
        assert "电梯" in page.locator(".turn a.citation .quote").first.inner_text()
        page.wait_for_function("jiamenkouVoice.player.complete", timeout=30_000)
        assert text.startswith(page.locator(".voice-said").inner_text()[:10])
        page.close()
