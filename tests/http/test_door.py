"""The door of /v1: keys and scopes, limits with their headers, foreign pages, slow and late requests."""

from __future__ import annotations

import asyncio
import socket
import time
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from fastapi import WebSocket
from fastapi.testclient import TestClient
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from assistant.http import limits
from assistant.http.limits import RateLimit
from assistant.keys import Keys, Scope
from tests.http.conversation import ScriptedConversation
from tests.http.openai_service import openai_app, openai_service
from tests.serving import serving

CHAT = {"model": "xiaohu", "messages": [{"role": "user", "content": "生活圈？"}]}


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path)


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def ask(client: TestClient, secret: str = "", **headers: str) -> httpx.Response:
    return client.post("/v1/chat/completions", json=CHAT, headers={**(bearer(secret) if secret else {}), **headers})


def test_keys_are_needed_as_soon_as_others_can_reach_it(keys: Keys) -> None:
    client = TestClient(openai_app(keys=keys, host="0.0.0.0"))
    secret, key = keys.add("a", [Scope.CHAT])
    refused = ask(client)
    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "missing_api_key")
    assert refused.headers["www-authenticate"] == "Bearer"
    assert ask(client, "sk-wrong").json()["error"]["code"] == "invalid_api_key"
    assert ask(client, secret).status_code == 200
    used = keys.get(key.prefix).used
    assert used is not None
    assert abs(time.time() - used) < 60
    keys.revoke(key.prefix)
    assert ask(client, secret).status_code == 401
    for path in ("/v1/models", "/v1/nothing"):
        assert client.get(path).status_code == 401
    # The kiosk's own routes need none.
    assert client.post("/api/ask", json={"text": "生活圈？"}).status_code == 200
    assert client.get("/health").status_code == 200


def test_on_this_machine_no_key_is_needed_but_a_dead_one_is_named(keys: Keys) -> None:
    client = TestClient(openai_app(keys=keys))
    secret, key = keys.add("a", [Scope.CHAT])
    assert ask(client).status_code == ask(client, "not-needed").status_code == 200
    keys.revoke(key.prefix)
    assert ask(client, secret).status_code == 401
    # Behind a proxy the whole city may call, whatever this process listens on.
    for header in ("X-Forwarded-For", "Forwarded", "X-Real-IP"):
        assert ask(client, **{header: "203.0.113.9"}).status_code == 401


@pytest.mark.parametrize(("setting", "status"), [(True, 401), (False, 200)])
def test_the_setting_has_the_last_word(keys: Keys, setting: bool, status: int) -> None:
    for host in ("127.0.0.1", "0.0.0.0"):
        assert ask(TestClient(openai_app(keys=keys, host=host, require_keys=setting))).status_code == status


def test_each_scope_opens_its_own(keys: Keys) -> None:
    client = TestClient(openai_app(keys=keys, require_keys=True))
    speech = {"model": "tts-1", "input": "好。", "voice": "xiaohu"}
    allowed = {
        Scope.CHAT: (200, 403),
        Scope.SPEECH: (403, 200),
        Scope.ROBOT: (403, 403),
        Scope.STAFF: (403, 403),
    }
    for scope, (chat, sound) in allowed.items():
        secret, _ = keys.add("a", [scope])
        assert ask(client, secret).status_code == chat
        assert client.post("/v1/audio/speech", json=speech, headers=bearer(secret)).status_code == sound
    assert ask(client, keys.add("a", [Scope.SPEECH])[0]).json()["error"]["code"] == "insufficient_permissions"


def test_a_key_has_limits_of_its_own_and_headers_that_say_so(keys: Keys) -> None:
    client = TestClient(openai_app(keys=keys, require_keys=True))
    secret, _ = keys.add("a", [Scope.CHAT], per_minute=3)
    other, _ = keys.add("b", [Scope.CHAT])
    for left in (2, 1, 0):
        found = ask(client, secret)
        assert found.status_code == 200
        assert found.headers["x-ratelimit-limit-requests"] == "3"
        assert found.headers["x-ratelimit-remaining-requests"] == str(left)
        assert found.headers["ratelimit-policy"] == '"requests";q=3;w=60'
        assert found.headers["ratelimit"].startswith(f'"requests";r={left};t=')
        assert found.headers["x-ratelimit-reset-requests"].endswith("s")
    refused = ask(client, secret)
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "rate_limit_exceeded")
    assert 1 <= int(refused.headers["retry-after"]) <= 20
    assert refused.headers["x-request-id"]
    assert ask(client, other).status_code == 200


def test_addresses_without_a_key_have_theirs_and_so_have_guesses(keys: Keys) -> None:
    client = TestClient(openai_app(keys=keys, asks_per_minute=2))
    assert [ask(client).status_code for _ in range(3)] == [200, 200, 429]
    client = TestClient(openai_app(keys=keys, asks_per_minute=2, require_keys=True))
    assert [ask(client, f"jmk_{n}").status_code for n in range(3)] == [401, 401, 429]


def test_a_bucket_fills_evenly() -> None:
    now = 0.0
    limit = RateLimit(60, lambda: now)
    assert all(limit.allow("a") for _ in range(60))
    verdict = limit.take("a")
    assert not verdict.allowed
    assert verdict.retry_after == pytest.approx(1.0)
    assert limit.allow("b")
    now = 1.01
    assert limit.allow("a")
    assert not limit.allow("a")
    now = 1000.0
    assert sum(limit.allow("a") for _ in range(100)) == 60


async def test_requests_at_once_are_limited_by_key(keys: Keys) -> None:
    secret, _ = keys.add("a", [Scope.CHAT], at_once=2)
    with openai_service(ScriptedConversation(pause=0.05), keys=keys, require_keys=True) as url:
        async with openai.AsyncOpenAI(base_url=url, api_key=secret, max_retries=0) as client:
            calls = (client.chat.completions.create(**CHAT) for _ in range(5))  # type: ignore[call-overload]
            found = await asyncio.gather(*calls, return_exceptions=True)
            errors = [each for each in found if isinstance(each, openai.RateLimitError)]
            assert len(errors) == 3
            assert {error.response.headers["retry-after"] for error in errors} == {"1"}
            # a stock client that may retry gets through by itself
            patient = client.with_options(max_retries=5)
            calls = (patient.chat.completions.create(**CHAT) for _ in range(4))  # type: ignore[call-overload]
            assert len(await asyncio.gather(*calls)) == 4


def test_pages_of_others_are_kept_out_unless_listed(keys: Keys) -> None:
    client = TestClient(openai_app(keys=keys, cors_origins=("https://app.example",)))
    foreign = ask(client, Origin="https://evil.example")
    assert (foreign.status_code, foreign.json()["error"]["code"]) == (403, "foreign_origin")
    assert "access-control-allow-origin" not in foreign.headers
    assert ask(client, Origin="http://testserver").status_code == 200
    listed = ask(client, Origin="https://app.example")
    assert listed.status_code == 200
    assert listed.headers["access-control-allow-origin"] == "https://app.example"
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
    path = "/v1/chat/completions"
    assert client.options(path, headers={"Origin": "https://app.example", **asked}).status_code == 200
    evil = client.options(path, headers={"Origin": "https://evil.example", **asked})
    assert "access-control-allow-origin" not in evil.headers
    secret, _ = keys.add("a", [Scope.CHAT])
    assert ask(client, secret, Origin="https://evil.example").status_code == 200  # no browser sends a key by itself


def test_every_answer_has_the_security_headers(keys: Keys) -> None:
    client = TestClient(openai_app(keys=keys, require_keys=True))
    secret, _ = keys.add("a", [Scope.CHAT])
    for response in (ask(client), ask(client, secret), client.get("/v1/nothing", headers=bearer(secret))):
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["cache-control"] == "no-store"
        assert "default-src 'none'" in response.headers["content-security-policy"]


def test_a_request_that_takes_too_long_is_ended() -> None:
    client = TestClient(openai_app(ScriptedConversation(pause=0.5), request_seconds=0.3))
    began = time.monotonic()
    late = ask(client)
    assert (late.status_code, late.json()["error"]["code"]) == (504, "timeout")
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/api/ask"])
def test_a_body_that_does_not_come_is_not_waited_for(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "BODY_SECONDS", 0.3)
    monkeypatch.setattr(limits, "LARGE_BODY_SECONDS", 0.3)
    with serving(openai_app()) as address:
        host, _, port = address.partition(":")
        with socket.create_connection((host, int(port)), 5) as line:
            head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n"
            line.sendall(head.encode() + b'{"text"')
            assert line.recv(4096).startswith(b"HTTP/1.1 408 ")


def test_sockets_under_v1_ask_for_their_scope(keys: Keys) -> None:
    """For modules to come: a path is guarded, and its socket is refused before it is accepted."""
    app = openai_app(keys=keys, require_keys=True)
    app.state.door.guard("/v1/realtime", Scope.ROBOT)

    async def realtime(socket: WebSocket) -> None:
        await socket.accept("realtime" if "realtime" in socket.scope["subprotocols"] else None)
        await socket.send_text(socket.scope["caller"].key.name)
        await socket.close()

    app.router.add_websocket_route("/v1/realtime", realtime)
    robot, _ = keys.add("robot", [Scope.ROBOT])
    chat, _ = keys.add("chat", [Scope.CHAT])

    def open_socket(url: str, secret: str, by_protocol: bool = False) -> str | bytes:
        options: dict[str, Any] = {"additional_headers": bearer(secret)}
        if by_protocol:
            options = {"subprotocols": ["realtime", f"openai-insecure-api-key.{secret}"]}
        with connect(url, **options) as line:
            return line.recv()

    with serving(app) as address:
        url = f"ws://{address}/v1/realtime"
        assert open_socket(url, robot) == open_socket(url, robot, by_protocol=True) == "robot"
        for secret, status in ((chat, 403), ("jmk_x", 401)):
            with pytest.raises(InvalidStatus) as caught:
                open_socket(url, secret)
            assert caught.value.response.status_code == status
