"""A recogniser behind an OpenAI-compatible transcription server."""

from __future__ import annotations

import io
import math
from typing import Any

import httpx
import numpy as np

from assistant.errors import HearError
from assistant.voice_contracts import HEARD_RATE, Sound, Transcript


class ServerRecogniser:
    """Sends the sound as wav to ``{base_url}/audio/transcriptions``. Implements ``Recogniser``."""

    def __init__(
        self,
        base_url: str,
        model: str,
        api_key: str = "not-needed",
        timeout: float = 6.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """``timeout`` in seconds; ``transport`` replaces the network in tests."""
        self.name = f"server:{model}"
        self._model = model
        self._client = httpx.Client(
            base_url=base_url.rstrip("/") + "/",
            headers={"Authorization": f"Bearer {api_key}"},
            timeout=timeout,
            transport=transport,
        )

    def transcribe(self, sound: Sound, context: str = "", tentative: bool = False) -> Transcript:
        """See ``Recogniser``. Raises ``HearError`` when the server is away, late, or talks nonsense."""
        fields = {"model": self._model, "response_format": "verbose_json", "temperature": "0"}
        if context:
            fields["prompt"] = context
        try:
            response = self._client.post(
                "audio/transcriptions", data=fields, files={"file": ("sound.wav", wav_bytes(sound), "audio/wav")}
            )
            response.raise_for_status()
            answer = response.json()
            return _transcript(answer, len(sound) / HEARD_RATE, tentative)
        except httpx.TimeoutException as error:
            raise HearError("The transcription server is late.", "Check the server's load.") from error
        except httpx.HTTPError as error:
            raise HearError(f"The transcription server failed: {error}.", "Check its address and key.") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise HearError("The transcription server's answer can't be read.", "Check its address.") from error

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def _transcript(answer: dict[str, Any], seconds: float, tentative: bool) -> Transcript:
    text = str(answer["text"]).strip()
    segments = answer.get("segments") or []
    confidence = 1.0
    if segments and all("avg_logprob" in segment for segment in segments):
        mean = sum(float(segment["avg_logprob"]) for segment in segments) / len(segments)
        confidence = max(0.0, min(1.0, math.exp(min(0.0, mean))))
    language = str(answer.get("language") or "zh").lower()
    english = language in ("en", "english")
    return Transcript(
        text=text,
        seconds=seconds,
        confidence=confidence if text else 0.0,
        language="en" if english else "zh",
        reason="" if text else "silence",
        tentative=tentative,
    )


def wav_bytes(sound: Sound) -> bytes:
    """``sound`` (HEARD_RATE) as a 16-bit wav file."""
    import soundfile  # type: ignore[import-untyped, unused-ignore]

    buffer = io.BytesIO()
    soundfile.write(buffer, np.clip(sound, -1.0, 1.0), HEARD_RATE, format="WAV", subtype="PCM_16")
    return buffer.getvalue()
