"""/v1/audio/speech: text to sound, sent as it is synthesised."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from assistant.dialogue.session import Engines
from assistant.http.admission import Admission
from assistant.http.openai_errors import FAILURES, ApiError, OpenAIRoute, translated
from assistant.http.shapes import Text
from assistant.speak.clauses import clauses
from assistant.speak.encode import MEDIA_TYPES, Format, encoder
from assistant.voice_contracts import Sound, Speech, Voice

MODEL = "xiaohu-speak"
NAMES = (MODEL, "tts-1", "tts-1-hd", "gpt-4o-mini-tts")  # stock clients write these in
VOICE = "xiaohu"
# Names of OpenAI's voices, which some clients don't let go of: all of them are hers.
OTHER_VOICES = (
    "alloy", "ash", "ballad", "cedar", "coral", "echo", "fable", "marin", "nova", "onyx", "sage", "shimmer", "verse",
)  # fmt: skip
LONGEST = 4096  # characters of one text
SLOWEST, FASTEST = 0.5, 2.0  # that a voice can speak
PATH = "/v1/audio/speech"


class VoiceName(BaseModel):
    """A voice by its id."""

    id: str


class SpeechRequest(BaseModel):
    """A text to say."""

    model_config = ConfigDict(extra="forbid")

    model: str = Field(description="`xiaohu-speak`")
    input: Annotated[Text, StringConstraints(min_length=1, max_length=LONGEST)]
    voice: str | VoiceName = Field(VOICE, description="`xiaohu`; names of OpenAI's voices are hers too")
    response_format: Format | None = Field("mp3", description="pcm: 24 kHz, 16 bit, little-endian, mono")
    speed: float | None = Field(1.0, ge=0.25, le=4.0, description="1 is the site's own pace; voices reach 0.5 to 2")
    stream_format: Literal["audio", "sse"] | None = "audio"
    instructions: str | None = Field(None, description="Accepted and not followed: she has one manner of speaking.")


class VoiceShape(BaseModel):
    """A voice."""

    id: str
    object: Literal["voice"]
    name: str
    languages: list[str]
    aliases: list[str]


class Voices(BaseModel):
    """The voices."""

    object: Literal["list"]
    data: list[VoiceShape]


class Speaking:
    """Texts through the voice, clause by clause."""

    def __init__(self, engines: Engines, voice: Voice, admission: Admission) -> None:
        self._prepared, self._speed = engines.prepared, engines.speed
        self._voice, self._admission = voice, admission

    async def clips(self, text: str, speed: float) -> AsyncIterator[Sound]:
        """Sound of each clause, as soon as it is made; others may take their turn between two of them."""
        pace = min(FASTEST, max(SLOWEST, speed * self._speed))
        place: Any = self._admission
        for clause in clauses(text):
            async with place:
                speech = await self._speech(clause, pace)
            place = self._admission.again()
            if len(speech.sound):
                yield speech.sound

    async def _speech(self, clause: str, pace: float) -> Speech:
        if self._prepared is not None:
            ready = await asyncio.to_thread(self._prepared.find, clause, pace)
            if ready is not None:
                return ready
        return await self._voice.speak(clause, pace)

    async def pieces(self, body: SpeechRequest) -> AsyncIterator[bytes]:
        """The file's bytes. Raises ``SpeakError``, ``OverloadError``."""
        encoding = encoder(body.response_format or "mp3")
        async with aclosing(self.clips(body.input, body.speed or 1.0)) as clips:  # type: ignore[type-var]
            async for sound in clips:
                if data := await asyncio.to_thread(encoding.feed, sound):
                    yield data
        if data := await asyncio.to_thread(encoding.finish):
            yield data


def speaking_routes(speaking: Speaking, count: Callable[[str], int]) -> APIRouter:
    """The routes of speaking; ``count`` counts tokens."""
    router = APIRouter(prefix="/v1", route_class=OpenAIRoute, responses=FAILURES, tags=["OpenAI-style"])
    sound_ = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in sorted(set(MEDIA_TYPES.values()))}

    @router.post(
        "/audio/speech",
        response_class=Response,
        responses={200: {"content": {**sound_, "text/event-stream": {"schema": {"type": "string"}}}}},
    )
    async def speak(body: SpeechRequest) -> Response:
        """Say a text. The sound begins to come when its first clause is made."""
        _check(body)
        pieces = speaking.pieces(body)
        first = await anext(pieces, b"")  # a failure is told while the status can still say so
        if not first:
            raise ApiError(400, "There is nothing to say in this text.", code="invalid_value", param="input")
        if body.stream_format == "sse":
            return StreamingResponse(_events(first, pieces, count(body.input)), media_type="text/event-stream")
        return StreamingResponse(_bytes(first, pieces), media_type=MEDIA_TYPES[body.response_format or "mp3"])

    @router.get("/audio/voices", response_model=Voices)
    async def voices() -> dict[str, Any]:
        """The voices that speech may ask for."""
        about = {"name": "小沪", "languages": ["zh", "en"], "aliases": list(OTHER_VOICES)}
        return {"object": "list", "data": [{"id": VOICE, "object": "voice", **about}]}

    return router


def _check(body: SpeechRequest) -> None:
    if body.model not in NAMES:
        text = f"The model '{body.model}' does not exist; use '{MODEL}'."
        raise ApiError(404, text, code="model_not_found", param="model")
    voice = body.voice if isinstance(body.voice, str) else body.voice.id
    if voice.lower() not in (VOICE, *OTHER_VOICES):
        text = f"There is no voice '{voice}'; use '{VOICE}'. See /v1/audio/voices."
        raise ApiError(400, text, code="invalid_value", param="voice")


async def _bytes(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for data in rest:
        yield data


async def _events(first: bytes, rest: AsyncIterator[bytes], tokens: int) -> AsyncIterator[str]:
    try:
        async for data in _bytes(first, rest):
            yield _data({"type": "speech.audio.delta", "audio": base64.b64encode(data).decode()})
        usage = {"input_tokens": tokens, "output_tokens": 0, "total_tokens": tokens}
        yield _data({"type": "speech.audio.done", "usage": usage})
    except Exception as error:
        yield _data(translated(error, PATH).body())


def _data(shape: dict[str, Any]) -> str:
    return f"data: {json.dumps(shape)}\n\n"
