"""A service with /v1 over fakes: scripted answers, fake ears and voice, hashed vectors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from assistant.contracts import Conversation
from assistant.dialogue.session import Engines
from assistant.hear.fake import FakeRecogniser, FakeVoiceActivity
from assistant.http.app import build_app
from assistant.http.openai_app import add_openai
from assistant.keys import Keys
from assistant.retrieve.embedder import FakeEmbedder
from assistant.settings import Settings
from assistant.speak.fake import FakeVoice
from tests.http.conversation import ScriptedConversation
from tests.serving import serving


def openai_app(
    conversation: Conversation | None = None,
    *,
    texts: Any = ("养老床位有多少张？", "谢谢你。"),
    voice: FakeVoice | None = None,
    keys: Keys | None = None,
    recogniser: FakeRecogniser | None = None,
    **options: Any,
) -> FastAPI:
    config = Settings(_env_file=None, **options)
    talker = conversation or ScriptedConversation()
    app = build_app(talker, lambda: {"ready": True}, config)
    engines = Engines(recogniser or FakeRecogniser(texts), FakeVoiceActivity, voice=voice or FakeVoice(), speed=0.9)
    add_openai(app, talker, config, engines=engines, embedder=FakeEmbedder(), keys=keys)
    return app


@contextmanager
def openai_service(*args: Any, **options: Any) -> Iterator[str]:
    with serving(openai_app(*args, **options)) as address:
        yield f"http://{address}/v1"


def stored_keys(folder: Path) -> Keys:
    return Keys(folder)
