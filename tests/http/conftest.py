"""A service over the scripted conversation."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from assistant.http.app import build_app
from assistant.settings import Settings
from tests.http.conversation import ScriptedConversation


@pytest.fixture
def conversation() -> ScriptedConversation:
    return ScriptedConversation()


@pytest.fixture
def client(conversation: ScriptedConversation) -> Iterator[TestClient]:
    app = build_app(conversation, lambda: {"ready": True, "release": "r1"}, Settings(_env_file=None))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client
