"""A recording's utterances one by one, with when and how surely each was said."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from assistant.hear.segments import utterances
from assistant.voice_contracts import HEARD_RATE, Recogniser, Sound, VoiceActivity


@dataclass(frozen=True)
class Segment:
    """One utterance; ``begin`` and ``end`` are seconds of the recording."""

    begin: float
    end: float
    text: str
    language: str
    confidence: float  # 0 to 1
    voiced: float  # share of it in which the voice detector hears somebody, 0 to 1


def segments(sound: Sound, recogniser: Recogniser, voice: VoiceActivity, context: str = "") -> Iterator[Segment]:
    """What was said in ``sound`` (HEARD_RATE), each as soon as it is recognised; noise and silence are left out.

    Raises ``HearError`` when no recogniser works. Slow: call it from a worker thread.
    """
    for part in utterances(sound, voice):
        heard = recogniser.transcribe(sound[part.begin : part.end], context)
        if heard.text:
            begin, end = part.begin / HEARD_RATE, part.end / HEARD_RATE
            voiced = min(1.0, part.voiced / (end - begin))
            yield Segment(begin, end, heard.text, heard.language, heard.confidence, voiced)


def joined(parts: list[Segment]) -> str:
    """The whole text: a space between utterances where the language has one."""
    text = ""
    for part in parts:
        text += (" " if text and part.language == "en" else "") + part.text
    return text


def srt(parts: list[Segment]) -> str:
    """Subtitles in the SubRip format."""
    return "".join(
        f"{number}\n{_time(part.begin, ',')} --> {_time(part.end, ',')}\n{part.text}\n\n"
        for number, part in enumerate(parts, 1)
    )


def vtt(parts: list[Segment]) -> str:
    """Subtitles in the WebVTT format."""
    return "WEBVTT\n\n" + "".join(
        f"{_time(part.begin, '.')} --> {_time(part.end, '.')}\n{part.text}\n\n" for part in parts
    )


def _time(seconds: float, point: str) -> str:
    milliseconds = round(seconds * 1000)
    whole, milliseconds = divmod(milliseconds, 1000)
    minutes, second = divmod(whole, 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour:02}:{minute:02}:{second:02}{point}{milliseconds:03}"
