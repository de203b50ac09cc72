"""Every route, every failure."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient
from prometheus_client import CollectorRegistry, generate_latest

from assistant.contracts import Answer
from assistant.http.app import build_app
from assistant.observe import TurnObserver
from assistant.settings import Settings
from tests.http.conversation import COVERAGE, ScriptedConversation


def events_of(text: str) -> list[tuple[str, dict[str, Any]]]:
    blocks = [block.split("\n") for block in text.strip().split("\n\n")]
    return [(name.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for name, data in blocks]


def test_answer_has_every_field(client: TestClient) -> None:
    answer = client.post("/api/ask", json={"text": "一刻钟生活圈是什么?"}).json()
    assert set(answer) == {
        "answer", "citations", "refused", "emergency", "language", "engine", "suggestions", "targets",
        "departments", "hotline", "wants_person", "timings", "turn_id", "session",
    }  # fmt: skip
    citation = answer["citations"][0]
    assert set(citation) == {"doc", "article", "quote", "passage_id", "title", "path", "sample"}
    assert citation["quote"] == COVERAGE
    assert citation["article"] == 14
    assert len(answer["session"]) >= 32


def test_server_sessions_are_new_each_time(client: TestClient) -> None:
    sessions = {client.post("/api/ask", json={"text": "你好"}).json()["session"] for _ in range(3)}
    assert len(sessions) == 3


def test_sessions_do_not_mix_and_can_be_erased(client: TestClient) -> None:
    def ask(text: str, session: str) -> str:
        return client.post("/api/ask", json={"text": text, "session": session}).json()["answer"]

    ask("我家的秘密", "one")
    ask("别人的问题", "two")
    assert "我家的秘密" in ask("我之前问过什么?", "one")
    assert "我家的秘密" not in ask("我之前问过什么?", "two")
    assert client.delete("/api/sessions/one").status_code == 204
    assert "我家的秘密" not in ask("我之前问过什么?", "one")


def test_stream_order_and_turn_id(client: TestClient) -> None:
    headers = {"Accept": "text/event-stream"}
    response = client.post("/api/ask", json={"text": "一刻钟生活圈是什么?", "session": "s"}, headers=headers)
    assert response.headers["content-type"].startswith("text/event-stream")
    events = events_of(response.text)
    names = [name for name, _ in events]
    assert names[0] == "started"
    assert names[-1] == "answer"
    assert set(names[1:-1]) == {"text"}
    assert {data["turn_id"] for _, data in events} == {1}
    assert all(name == data["type"] for name, data in events)
    assert "".join(data["text"] for name, data in events if name == "text") == events[-1][1]["answer"]
    again = events_of(client.post("/api/ask", json={"text": "再问", "session": "s"}, headers=headers).text)
    assert {data["turn_id"] for _, data in again} == {2}


@pytest.mark.parametrize("text", ["坏了", "崩溃"])
def test_stream_failure_is_an_error_event(client: TestClient, text: str) -> None:
    response = client.post("/api/ask", json={"text": text}, headers={"Accept": "text/event-stream"})
    name, data = events_of(response.text)[-1]
    assert name == "error"
    assert data["turn_id"] == 1
    assert data["error"]["message"]
    assert "secret" not in response.text


def test_stream_input_error_carries_the_message(client: TestClient) -> None:
    response = client.post("/api/ask", json={"text": " "}, headers={"Accept": "text/event-stream"})
    assert events_of(response.text)[-1][1]["error"]["message"] == "请先输入您的问题。"


def failure(response: Any, status: int) -> dict[str, str]:
    assert response.status_code == status, response.text
    error: dict[str, str] = response.json()["error"]
    assert set(error) == {"message", "hint"}
    assert error["message"]
    assert "Traceback" not in response.text
    assert response.headers["x-content-type-options"] == "nosniff"
    return error


def test_400_broken_json(client: TestClient) -> None:
    failure(client.post("/api/ask", content=b"{", headers={"content-type": "application/json"}), 400)


def test_404_unknown_things(client: TestClient) -> None:
    for path in ("/api/nothing", "/api/passages/plan%2399", "/document/nothing"):
        failure(client.get(path), 404)
    failure(client.get("/document/cards/article", params={"mark": "plan#14.2"}), 404)


def test_405_wrong_method(client: TestClient) -> None:
    failure(client.get("/api/ask"), 405)


def test_413_body_too_large_declared_or_not(client: TestClient) -> None:
    body = json.dumps({"text": "长" * 70_000}).encode()
    headers = {"content-type": "application/json"}
    failure(client.post("/api/ask", content=body, headers=headers), 413)
    pieces = (body[at : at + 4096] for at in range(0, len(body), 4096))  # sent in chunks, no length
    failure(client.post("/api/ask", content=pieces, headers=headers), 413)


def test_body_just_below_the_limit_is_read(client: TestClient) -> None:
    assert client.post("/api/ask", json={"text": "a" * 60_000}).status_code == 200


def test_422_wrong_fields_and_unusable_input(client: TestClient) -> None:
    for body in (
        {},
        {"text": 5},
        {"text": "好", "session": "../x"},
        {"text": "好", "language": "fr"},
        {"text": "好", "more": 1},
    ):
        failure(client.post("/api/ask", json=body), 422)
    assert failure(client.post("/api/ask", json={"text": "  "}), 422)["message"] == "请先输入您的问题。"


def test_422_never_repeats_what_was_sent(client: TestClient) -> None:
    assert "私密" not in client.post("/api/ask", json={"text": ["私密"]}).text


def test_429_too_many_questions(conversation: ScriptedConversation) -> None:
    app = build_app(conversation, dict, Settings(_env_file=None, asks_per_minute=2))
    client = TestClient(app)
    for _ in range(2):
        assert client.post("/api/ask", json={"text": "好"}).status_code == 200
    response = client.post("/api/ask", json={"text": "好"})
    failure(response, 429)
    assert 1 <= int(response.headers["retry-after"]) <= 60
    assert response.headers["ratelimit-policy"] == '"requests";q=2;w=60'


@pytest.mark.parametrize("text", ["坏了", "崩溃"])
def test_500_tells_no_secrets(client: TestClient, text: str) -> None:
    error = failure(client.post("/api/ask", json={"text": text}), 500)
    assert "secret" not in json.dumps(error)


def test_cancel_and_rate_reach_the_conversation(client: TestClient, conversation: ScriptedConversation) -> None:
    assert client.post("/api/sessions/s/cancel").status_code == 204
    assert conversation.cancelled == {"s"}
    assert client.post("/api/rate", json={"session": "s", "turn_id": 3, "good": False}).status_code == 204
    assert conversation.ratings == [("s", 3, False)]


def test_language_is_handed_on(client: TestClient, conversation: ScriptedConversation) -> None:
    assert client.post("/api/ask", json={"text": "hello", "language": "en"}).json()["language"] == "en"
    client.post("/api/ask", json={"text": "hello"})
    assert conversation.languages == ["en", None]


def test_passage_gives_its_article_with_sentences(client: TestClient) -> None:
    article = client.get("/api/passages/plan%2314.2").json()
    assert article["id"] == "plan#14"
    assert article["mark"] == "plan#14.2"
    assert [sentence["id"] for sentence in article["sentences"]] == [
        "plan#14.1",
        "plan#14.2",
        "plan#14.3",
        "plan#14.department",
    ]
    assert "phrasings" not in article


def test_documents(client: TestClient) -> None:
    assert [one["id"] for one in client.get("/api/documents").json()["documents"]] == ["plan", "cards"]


def test_health_and_its_status(client: TestClient, conversation: ScriptedConversation) -> None:
    response = client.get("/health")
    assert response.status_code == 200
    assert response.json() == {"live": True, "ready": True, "release": "r1"}
    waiting = TestClient(build_app(conversation, lambda: {"ready": False}, Settings(_env_file=None)))
    assert waiting.get("/health").status_code == 503


def test_metrics(client: TestClient) -> None:
    response = client.get("/metrics")
    assert response.status_code == 200
    assert "python_info" in response.text


def test_security_headers(client: TestClient) -> None:
    for path in ("/health", "/api/documents", "/document/plan", "/api/nothing"):
        headers = client.get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-content-type-options"] == "nosniff"


def test_observer_counts_and_keeps_questions_out(capsys: pytest.CaptureFixture[str]) -> None:
    registry = CollectorRegistry()
    observer = TurnObserver(registry)
    observer.turn_finished("我的身份证号是多少", Answer(text="不知道", refused=True, timings={"total": 250.0}))
    observer.rated(True)
    text = generate_latest(registry).decode()
    labels = 'emergency="false",engine="extractive",language="zh",refused="true"'
    assert f"jiamenkou_answers_total{{{labels}}} 1.0" in text
    assert 'jiamenkou_answer_seconds_bucket{engine="extractive",le="0.3"} 1.0' in text
    assert 'jiamenkou_answer_seconds_bucket{engine="extractive",le="0.2"} 0.0' in text
    assert 'jiamenkou_ratings_total{good="true"} 1.0' in text
    written = "".join(capsys.readouterr())
    assert "answered" in written
    assert "身份证" not in written + text
