"""/openapi.json tells the whole truth: requests made from it meet no 5xx and no answer that it doesn't name."""

from __future__ import annotations

import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.http.conversation import ScriptedConversation
from tests.http.openai_service import openai_app
from ui.chat import mount

TALKER = ScriptedConversation()
APP = mount(openai_app(TALKER, asks_per_minute=10**9), TALKER)
SCHEMA = schemathesis.openapi.from_asgi("/openapi.json", APP)
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@SCHEMA.parametrize()
@settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
)
def test_no_request_breaks_it(case: schemathesis.Case) -> None:
    response = case.call()
    case.validate_response(response, checks=CHECKS)


def test_every_route_is_described_and_no_failure_is_fastapis_own() -> None:
    found = APP.openapi()
    paths = {route.path.replace(":path", "") for route in APP.routes if getattr(route, "include_in_schema", False)}
    assert paths - {"/openapi.json"} <= set(found["paths"])
    assert {"/v1/chat/completions", "/v1/audio/speech", "/v1/audio/transcriptions"} <= set(found["paths"])
    assert "HTTPValidationError" not in str(found)
    for path, operations in found["paths"].items():
        for operation in operations.values():
            assert {"405", "413", "500"} <= set(operation["responses"]), path
            assert operation.get("description"), path
            if path.startswith("/v1/"):
                assert {"400", "401", "403", "429", "503"} <= set(operation["responses"])
                assert operation["security"]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE"])
def test_other_methods_are_named_as_such(method: str) -> None:
    client = TestClient(APP)
    for path, takes in (("/api/ask", "POST"), ("/health", "GET"), ("/document/plan", "GET"), ("/v1/models", "GET")):
        response = client.request(method, path)
        assert response.status_code == 405
        assert response.headers["allow"] == takes
