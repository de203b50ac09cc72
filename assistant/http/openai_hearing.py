"""/v1/audio/transcriptions: recordings to text, in every format that OpenAI's service has."""

from __future__ import annotations

import asyncio
import json
import math
import zlib
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, File, Form, UploadFile
from fastapi.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from pydantic import BaseModel

from assistant.dialogue.session import Engines
from assistant.errors import HearError
from assistant.hear.files import read_sound_bytes
from assistant.hear.transcribe import Segment, joined, segments, srt, vtt
from assistant.http.admission import Admission
from assistant.http.openai_errors import FAILURES, ApiError, OpenAIRoute, overloaded, translated
from assistant.voice_contracts import HEARD_RATE, Sound

MODEL = "xiaohu-hear"
NAMES = (MODEL, "whisper-1", "gpt-4o-transcribe", "gpt-4o-mini-transcribe")  # stock clients write these in
FILE_LIMIT = 25 << 20  # bytes of one file, as with OpenAI
PATH = "/v1/audio/transcriptions"
_LANGUAGES = {"zh": "chinese", "en": "english"}
_FORMATS = ("json", "text", "srt", "verbose_json", "vtt")

Kind = Literal["json", "text", "srt", "verbose_json", "vtt"]
Word = Annotated[str | None, Form(max_length=64)]


class Duration(BaseModel):
    """What was read."""

    type: Literal["duration"]
    seconds: float


class Transcription(BaseModel):
    """What was said."""

    text: str
    usage: Duration


class Hearing:
    """Recordings through the recogniser, one utterance after the other."""

    def __init__(self, engines: Engines, admission: Admission, longest: int) -> None:
        """``longest`` is in seconds of sound."""
        self._engines, self._admission, self._longest = engines, admission, longest

    async def read(self, file: UploadFile) -> Sound:
        """The sound of an upload. Raises ``ApiError`` and ``HearError``."""
        if (file.size or 0) > FILE_LIMIT:
            raise ApiError(413, f"The file is larger than {FILE_LIMIT >> 20} MB.", code="file_too_large", param="file")
        data = await file.read()
        sound = await asyncio.to_thread(read_sound_bytes, data, "The file")
        if len(sound) > self._longest * HEARD_RATE:
            text = f"The recording is longer than {self._longest} s: cut it into parts."
            raise ApiError(400, text, code="audio_too_long", param="file")
        return sound

    async def segments(self, sound: Sound, context: str) -> AsyncIterator[Segment]:
        """Utterances as they are recognised; others may take their turn between two of them."""
        found = segments(sound, self._engines.recogniser, self._engines.activity(), context or self._engines.context)
        place: Any = self._admission
        while True:
            async with place:
                part = await asyncio.to_thread(_next, found)
            if part is None:
                return
            yield part
            place = self._admission.again()


def hearing_routes(hearing: Hearing) -> APIRouter:
    """The routes of hearing."""
    router = APIRouter(prefix="/v1", route_class=OpenAIRoute, responses=FAILURES, tags=["OpenAI-style"])
    text_ = {"schema": {"type": "string"}}

    @router.post(
        "/audio/transcriptions",
        response_model=None,
        responses={200: {"model": Transcription, "content": {"text/plain": text_, "text/event-stream": text_}}},
    )
    async def transcribe(
        file: Annotated[UploadFile, File(description="wav, mp3, flac, ogg, opus, m4a or webm")],
        model: Annotated[str, Form(max_length=256)],
        language: Word = None,
        prompt: Annotated[str | None, Form(max_length=4096, description="Words to expect")] = None,
        response_format: Annotated[Kind, Form()] = "json",
        temperature: Annotated[float | None, Form(ge=0, le=1)] = None,
        stream: Annotated[bool, Form()] = False,
        granularities: Annotated[list[str] | None, Form(alias="timestamp_granularities[]")] = None,
    ) -> Response:
        """What is said in a recording. The language is found by itself; sound without speech gives an empty text."""
        _check(model, language, granularities)
        sound = await hearing.read(file)
        parts = hearing.segments(sound, prompt or "")
        if stream:
            if response_format not in ("json", "text"):
                raise ApiError(400, "Only json can be streamed.", code="unsupported_value", param="response_format")
            first = await anext(parts, None)
            return StreamingResponse(_events(first, parts, len(sound)), media_type="text/event-stream")
        try:
            found = [part async for part in parts]
        except HearError as error:
            raise overloaded(5, error.message) from error
        return _response(found, len(sound) / HEARD_RATE, response_format)

    return router


def _check(model: str, language: str | None, granularities: list[str] | None) -> None:
    if model not in NAMES:
        raise ApiError(
            404, f"The model '{model}' does not exist; use '{MODEL}'.", code="model_not_found", param="model"
        )
    if language and language.lower().split("-")[0] not in (*_LANGUAGES, *_LANGUAGES.values(), "cmn"):
        text = f"The language '{language}' is not understood here; only zh and en are."
        raise ApiError(400, text, code="unsupported_language", param="language")
    if granularities and set(granularities) != {"segment"}:
        text = "Only the granularity 'segment' is measured."
        raise ApiError(400, text, code="unsupported_value", param="timestamp_granularities")


def _next(parts: Iterator[Segment]) -> Segment | None:
    return next(parts, None)


def _response(parts: list[Segment], seconds: float, kind: Kind) -> Response:
    match kind:
        case "text":
            return PlainTextResponse(joined(parts) + "\n")
        case "srt":
            return PlainTextResponse(srt(parts))
        case "vtt":
            return PlainTextResponse(vtt(parts))
        case "verbose_json":
            return JSONResponse(_verbose(parts, seconds))
    return JSONResponse({"text": joined(parts), "usage": _usage(seconds)})


def _usage(seconds: float) -> dict[str, Any]:
    return {"type": "duration", "seconds": round(seconds, 2)}


def _verbose(parts: list[Segment], seconds: float) -> dict[str, Any]:
    """With times; a confidence is given as the logarithm that clients of Whisper expect."""
    spoken: dict[str, float] = {}
    for part in parts:
        spoken[part.language] = spoken.get(part.language, 0.0) + part.end - part.begin
    language = max(spoken, key=lambda each: spoken[each], default="zh")
    return {
        "task": "transcribe",
        "language": _LANGUAGES.get(language, language),
        "duration": round(seconds, 3),
        "text": joined(parts),
        "segments": [_segment(number, part) for number, part in enumerate(parts)],
        "usage": _usage(seconds),
    }


def _segment(number: int, part: Segment) -> dict[str, Any]:
    data = part.text.encode()
    return {
        "id": number,
        "seek": 0,
        "start": round(part.begin, 3),
        "end": round(part.end, 3),
        "text": part.text,
        "tokens": [],
        "temperature": 0.0,
        "avg_logprob": round(math.log(max(part.confidence, 1e-6)), 4),
        "compression_ratio": round(len(data) / len(zlib.compress(data)), 3),
        "no_speech_prob": round(1 - part.voiced, 3),
    }


async def _events(first: Segment | None, rest: AsyncIterator[Segment], samples: int) -> AsyncIterator[str]:
    said = [first] if first is not None else []
    try:
        if first is not None:
            yield _data({"type": "transcript.text.delta", "delta": first.text})
            async for part in rest:
                before = joined(said)
                said.append(part)
                yield _data({"type": "transcript.text.delta", "delta": joined(said)[len(before) :]})
        usage = _usage(samples / HEARD_RATE)
        yield _data({"type": "transcript.text.done", "text": joined(said), "usage": usage})
    except Exception as error:
        yield _data(translated(error, PATH).body())
    yield "data: [DONE]\n\n"


def _data(shape: dict[str, Any]) -> str:
    return f"data: {json.dumps(shape, ensure_ascii=False)}\n\n"
