"""What `jiamenkou hear FILE` does: a file to a transcript."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from assistant.hear.files import read_sound
from assistant.hear.segments import utterances
from assistant.voice_contracts import HEARD_RATE, Recogniser, Sound, Transcript, VoiceActivity


def hear_file(path: Path, recogniser: Recogniser, voice: VoiceActivity, context: str = "") -> Transcript:
    """Transcribe a whole file. Raises ``HearError`` when it can't be read or recognised."""
    return hear_sound(read_sound(path), recogniser, voice, context)


def hear_sound(sound: Sound, recogniser: Recogniser, voice: VoiceActivity, context: str = "") -> Transcript:
    """Transcribe sound of any length, utterance by utterance, one line each."""
    seconds = len(sound) / HEARD_RATE
    voice.reset()
    parts = [recogniser.transcribe(sound[part.begin : part.end], context) for part in utterances(sound, voice)]
    said = [part for part in parts if part.text]
    if not said:
        loud = len(sound) > 0 and float(np.abs(sound).max()) > 0.02
        reason = parts[0].reason if parts else ("noise" if loud else "silence")
        return Transcript("", seconds, 0.0, reason=reason or "silence")
    weight = sum(part.seconds for part in said)
    return Transcript(
        text="\n".join(part.text for part in said),
        seconds=seconds,
        confidence=sum(part.confidence * part.seconds for part in said) / weight,
        language=max(said, key=lambda part: part.seconds).language,
    )
