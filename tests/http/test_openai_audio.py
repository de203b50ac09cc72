"""/v1/audio and /v1/embeddings through the stock clients: formats, streams, limits, and refusals."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import time
import wave
from collections.abc import Iterator
from typing import Any

import av
import httpx
import numpy as np
import openai
import pytest
from langchain_openai import OpenAIEmbeddings

from assistant.dialogue.pcm import to_pcm
from assistant.hear.fake import FakeRecogniser
from assistant.retrieve.embedder import FakeEmbedder
from assistant.speak.encode import MEDIA_TYPES
from assistant.speak.fake import FakeVoice
from assistant.voice_contracts import HEARD_RATE, SPOKEN_RATE, Sound
from tests.dialogue.echo import silence, tone
from tests.http.openai_service import openai_service

SAID = "养老床位有多少张？谢谢你。"
TEXT = "您好，我是小沪。养老床位到2025年要达到十七万八千张。"


def recording(*sounds: Sound) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(HEARD_RATE)
        file.writeframes(to_pcm(np.concatenate(sounds)))
    return out.getvalue()


def two_utterances() -> bytes:
    return recording(silence(0.5), tone(1.0), silence(1.2), tone(0.8), silence(0.5))


def words(sound: Sound) -> str:
    """By length: tests share one recogniser."""
    return "养老床位有多少张？" if len(sound) > 1.4 * HEARD_RATE else "谢谢你。"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with openai_service(texts=words, transcription_seconds=20) as url:
        yield url


@pytest.fixture
def client(url: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=url, api_key="x", max_retries=0)


def transcribe(client: openai.OpenAI, data: bytes, **options: Any) -> Any:
    return client.audio.transcriptions.create(**{"model": "whisper-1", "file": ("a.wav", data), **options})


def test_a_recording_is_transcribed_in_every_format(client: openai.OpenAI) -> None:
    data = two_utterances()
    assert transcribe(client, data).text == SAID
    assert transcribe(client, data, response_format="text", language="zh") == SAID + "\n"
    verbose = transcribe(client, data, response_format="verbose_json", timestamp_granularities=["segment"])
    assert verbose.language == "chinese"
    assert verbose.duration == pytest.approx(4.0, abs=0.01)
    first, second = verbose.segments
    assert (first.text, second.text) == ("养老床位有多少张？", "谢谢你。")
    assert 0.2 <= first.start < 0.55
    assert 1.4 < first.end < 2.0
    assert 2.3 < second.start < 2.75
    assert -0.2 < first.avg_logprob < 0
    assert 0 < first.no_speech_prob < 0.5
    srt = transcribe(client, data, response_format="srt")
    assert srt.startswith("1\n00:00:00,")
    assert " --> 00:00:01," in srt
    assert "\n\n2\n00:00:02," in srt
    vtt = transcribe(client, data, response_format="vtt")
    assert vtt.startswith("WEBVTT\n\n00:00:00.")
    assert vtt.count("-->") == 2


def test_a_transcript_streams_utterance_by_utterance(client: openai.OpenAI) -> None:
    events = list(transcribe(client, two_utterances(), stream=True, model="gpt-4o-mini-transcribe"))
    assert [event.type for event in events] == ["transcript.text.delta"] * 2 + ["transcript.text.done"]
    assert "".join(event.delta for event in events[:2]) == events[2].text == SAID


def test_silence_is_an_empty_text(client: openai.OpenAI) -> None:
    assert transcribe(client, recording(silence(1.0))).text == ""
    assert transcribe(client, recording(silence(1.0)), response_format="vtt") == "WEBVTT\n\n"


@pytest.mark.parametrize(
    ("options", "status", "param"),
    [
        ({"file": ("a.wav", b"")}, 400, None),
        ({"file": ("a.mp3", b"no sound at all" * 99)}, 400, None),
        ({"language": "fr"}, 400, "language"),
        ({"response_format": "docx"}, 400, "response_format"),
        ({"timestamp_granularities": ["word"]}, 400, "timestamp_granularities"),
        ({"model": "whisper-9"}, 404, "model"),
        ({"temperature": 7}, 400, "temperature"),
        ({"file": ("a.wav", recording(silence(21)))}, 400, "file"),
        ({"file": ("a.wav", bytes(27 << 20))}, 413, None),
    ],
)
def test_recordings_that_cannot_be_used(
    client: openai.OpenAI, options: dict[str, Any], status: int, param: str | None
) -> None:
    with pytest.raises(openai.APIStatusError) as caught:
        transcribe(client, **{"data": recording(tone(0.5)), **options})
    assert (caught.value.status_code, caught.value.param) == (status, param)
    assert caught.value.body["message"]  # type: ignore[index]


def decoded(data: bytes) -> tuple[str, float]:
    """(codec, seconds) of a sound file, by its own contents."""
    with av.open(io.BytesIO(data)) as file:
        stream = file.streams.audio[0]
        samples = sum(frame.samples for frame in file.decode(stream))
        return stream.codec_context.name, samples / stream.rate


@pytest.mark.parametrize("kind", list(MEDIA_TYPES))
def test_a_text_is_spoken_in_every_format(client: openai.OpenAI, kind: Any) -> None:
    response = client.audio.speech.create(model="tts-1", voice="xiaohu", input=TEXT, response_format=kind)
    assert response.response.headers["content-type"] == MEDIA_TYPES[kind]
    pcm = client.audio.speech.create(model="tts-1", voice="alloy", input=TEXT, response_format="pcm").content
    seconds = len(pcm) / 2 / SPOKEN_RATE
    assert seconds > 4
    if kind == "pcm":
        assert response.content == pcm
        return
    codec, found = decoded(response.content)
    assert codec.startswith({"wav": "pcm_s16le"}.get(kind, kind))
    assert found == pytest.approx(seconds, abs=0.1)


def test_speed_makes_it_shorter(client: openai.OpenAI) -> None:
    def length(speed: float) -> int:
        options: dict[str, Any] = {"response_format": "pcm", "speed": speed}
        return len(client.audio.speech.create(model="tts-1", voice="nova", input=TEXT, **options).content)

    assert length(2.0) < 0.6 * length(1.0)
    assert length(0.25) == length(0.5) > 1.5 * length(1.0)  # slower than that no voice speaks


def test_sound_comes_while_the_rest_is_still_made() -> None:
    with openai_service(voice=FakeVoice(delay=0.3)) as url:
        client = openai.OpenAI(base_url=url, api_key="x", max_retries=0)
        began, times = time.monotonic(), []
        with client.audio.speech.with_streaming_response.create(
            model="tts-1", voice="xiaohu", input=TEXT * 3, response_format="pcm"
        ) as response:
            for _ in response.iter_bytes(4096):
                times.append(time.monotonic() - began)
    assert times[-1] - times[0] > 1.0, times


def test_speech_as_events(client: openai.OpenAI, url: str) -> None:
    body = {"model": "tts-1", "input": TEXT, "voice": "xiaohu", "response_format": "pcm"}
    plain = httpx.post(f"{url}/audio/speech", json=body).content
    text = httpx.post(f"{url}/audio/speech", json={**body, "stream_format": "sse"}).text
    events = [json.loads(line.removeprefix("data: ")) for line in text.split("\n\n") if line]
    assert events[-1]["type"] == "speech.audio.done"
    assert b"".join(base64.b64decode(event["audio"]) for event in events[:-1]) == plain


@pytest.mark.parametrize(
    ("options", "param"),
    [
        ({"input": ""}, "input"),
        ({"input": "好" * 4097}, "input"),
        ({"voice": "santa"}, "voice"),
        ({"speed": 9}, "speed"),
        ({"response_format": "midi"}, "response_format"),
        ({"extra_body": {"volume": 3}}, "volume"),
    ],
)
def test_texts_that_cannot_be_spoken(client: openai.OpenAI, options: dict[str, Any], param: str) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.audio.speech.create(**{"model": "tts-1", "voice": "xiaohu", "input": "好", **options})
    assert caught.value.param == param


def test_voices_are_listed(url: str) -> None:
    (voice,) = httpx.get(f"{url}/audio/voices").json()["data"]
    assert voice["id"] == "xiaohu"
    assert "alloy" in voice["aliases"]


def test_a_broken_engine_is_503_and_says_when_to_come_back() -> None:
    with openai_service(voice=FakeVoice(broken=True), recogniser=FakeRecogniser(broken=True)) as url:
        client = openai.OpenAI(base_url=url, api_key="x", max_retries=0)
        with pytest.raises(openai.APIStatusError) as caught:
            client.audio.speech.create(model="tts-1", voice="xiaohu", input="好")
        assert (caught.value.status_code, caught.value.response.headers["retry-after"]) == (503, "5")
        with pytest.raises(openai.APIStatusError) as caught:
            transcribe(client, recording(tone(0.5)))
        assert (caught.value.status_code, caught.value.response.headers["retry-after"]) == (503, "5")
        assert [model.id for model in client.models.list()][:3] == ["xiaohu", "xiaohu-hear", "xiaohu-speak"]


async def test_synthesis_is_queued_and_its_queue_is_bounded() -> None:
    with openai_service(voice=FakeVoice(delay=0.2), sounds_waiting=2) as url:
        async with openai.AsyncOpenAI(base_url=url, api_key="x", max_retries=0) as client:
            tasks = (client.audio.speech.create(model="tts-1", voice="xiaohu", input="好的。") for _ in range(8))
            found = await asyncio.gather(*tasks, return_exceptions=True)
    errors = [each for each in found if isinstance(each, openai.APIStatusError)]
    assert len(errors) == 5
    assert {(error.status_code, error.code) for error in errors} == {(503, "overloaded")}
    assert all(int(error.response.headers["retry-after"]) >= 1 for error in errors)


def test_vectors_are_those_of_retrieval(client: openai.OpenAI, url: str) -> None:
    expected = FakeEmbedder().encode_query(["养老", "托育"])
    for encoding in ({}, {"encoding_format": "float"}):  # the client asks for base64 by itself
        found = client.embeddings.create(model="fake", input=["养老", "托育"], **encoding)  # type: ignore[arg-type]
        assert np.allclose([each.embedding for each in found.data], expected, atol=1e-6)
        assert [each.index for each in found.data] == [0, 1]
    assert found.usage.prompt_tokens == 4
    raw = httpx.post(f"{url}/embeddings", json={"model": "fake-passage", "input": "养老", "encoding_format": "base64"})
    vector = np.frombuffer(base64.b64decode(raw.json()["data"][0]["embedding"]), "<f4")
    assert np.allclose(vector, expected[0], atol=1e-6)


@pytest.mark.parametrize(
    ("body", "param", "status"),
    [
        ({"input": ""}, "input", 400),
        ({"input": []}, "input", 400),
        ({"input": ["好", ""]}, "input", 400),
        ({"input": [1, 2, 3]}, "input", 400),
        ({"input": [[1, 2], [3]]}, "input", 400),
        ({"input": "好" * 600}, "input", 400),
        ({"input": "好", "dimensions": 7}, "dimensions", 400),
        ({"input": "好", "model": "text-embedding-9"}, "model", 404),
    ],
)
def test_texts_that_cannot_be_embedded(url: str, body: dict[str, Any], param: str, status: int) -> None:
    response = httpx.post(f"{url}/embeddings", json={"model": "fake", **body})
    assert response.status_code == status
    assert response.json()["error"]["param"].split(".")[0] == param


def test_langchain_embeds(url: str) -> None:
    model = OpenAIEmbeddings(base_url=url, api_key="x", model="fake", check_embedding_ctx_length=False)  # type: ignore[arg-type]
    assert np.allclose(model.embed_query("养老"), FakeEmbedder().encode_query(["养老"])[0], atol=1e-6)
    assert len(model.embed_documents(["一", "二", "三"])) == 3


async def test_a_voice_pipeline_as_pipecat_and_livekit_run_it(url: str) -> None:
    """Their calls, with all the parameters that they send: hear, answer in a stream, speak raw samples."""
    async with openai.AsyncOpenAI(base_url=url, api_key="x", max_retries=0) as client:
        heard = await client.audio.transcriptions.create(
            file=("audio.wav", recording(tone(1.0), silence(0.8)), "audio/wav"),
            model="gpt-4o-transcribe",
            language="zh",
            prompt="",
            response_format="json",
            temperature=0.0,
            include=["logprobs"],
        )
        stream = await client.chat.completions.create(
            model="xiaohu",
            messages=[{"role": "system", "content": "You are a voice agent."}, {"role": "user", "content": heard.text}],
            stream=True,
            stream_options={"include_usage": True},
            frequency_penalty=0,
            temperature=0.7,
            max_completion_tokens=256,
            parallel_tool_calls=True,
            tools=[{"type": "function", "function": {"name": "hang_up", "parameters": {"type": "object"}}}],
            tool_choice="auto",
            service_tier="auto",
            extra_headers={"X-Framework": "voice"},
        )
        said = "".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices])
        assert said.startswith("到2025年底")
        size = 0
        async with client.audio.speech.with_streaming_response.create(
            input=said,
            model="gpt-4o-mini-tts",
            voice="ash",
            response_format="pcm",
            speed=1.0,
            instructions="Warm.",
        ) as sound:
            async for data in sound.iter_bytes(1024):
                size += len(data)
        assert size > SPOKEN_RATE * 2 * 3
