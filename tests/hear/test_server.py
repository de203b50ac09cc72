"""The server recogniser: what it sends, what it makes of answers, what goes wrong."""

from __future__ import annotations

import httpx
import numpy as np
import pytest

from assistant.errors import HearError
from assistant.hear.files import read_sound_bytes
from assistant.hear.server import ServerRecogniser
from tests.hear.sounds import tone


def recogniser(handler: object) -> ServerRecogniser:
    return ServerRecogniser(
        "http://127.0.0.1:9/v1",
        "large",
        "secret",
        transport=httpx.MockTransport(handler),  # type: ignore[arg-type]
    )


def test_sends_a_wav_and_reads_the_answer() -> None:
    seen: dict[str, object] = {}

    def answer(request: httpx.Request) -> httpx.Response:
        body = request.content
        seen.update(path=request.url.path, key=request.headers["authorization"], body=body)
        wav = body[body.index(b"RIFF") :]
        seen["sound"] = read_sound_bytes(wav[: wav.index(b"\r\n--")])
        return httpx.Response(
            200, json={"text": " 加装电梯 ", "language": "chinese", "segments": [{"avg_logprob": -0.5}]}
        )

    sound = tone(0.5)
    heard = recogniser(answer).transcribe(sound, "长护险", tentative=True)
    assert (heard.text, heard.language, heard.tentative, heard.seconds) == ("加装电梯", "zh", True, 0.5)
    assert heard.confidence == pytest.approx(np.exp(-0.5))
    assert seen["path"] == "/v1/audio/transcriptions"
    assert seen["key"] == "Bearer secret"
    assert "长护险".encode() in seen["body"]  # type: ignore[operator]
    assert np.allclose(seen["sound"], sound, atol=1e-4)  # type: ignore[arg-type]


def test_plain_and_empty_answers() -> None:
    heard = recogniser(lambda _: httpx.Response(200, json={"text": "hello", "language": "english"})).transcribe(tone(1))
    assert (heard.text, heard.language, heard.confidence) == ("hello", "en", 1.0)
    heard = recogniser(lambda _: httpx.Response(200, json={"text": ""})).transcribe(tone(1))
    assert (heard.text, heard.reason, heard.confidence) == ("", "silence", 0.0)


def test_what_goes_wrong_is_a_hear_error() -> None:
    def late(_: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("slow")

    def away(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    for handler in (
        late,
        away,
        lambda _: httpx.Response(500),
        lambda _: httpx.Response(200, text="<html>"),
        lambda _: httpx.Response(200, json={"words": 1}),
        lambda _: httpx.Response(200, json=[1]),
    ):
        with pytest.raises(HearError) as raised:
            recogniser(handler).transcribe(tone(0.2))
        assert raised.value.hint
