"""Mandarin speech for the real tests, made by the light offline voice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from assistant.hear.vad import SileroNetwork
from assistant.hear.whisper import WhisperRecogniser
from assistant.main import weight_store
from assistant.settings import Settings
from assistant.voice_contracts import Sound


@pytest.fixture(scope="session")
def say(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Sound]:
    """Text to speech at HEARD_RATE."""
    from scipy.signal import resample_poly

    from assistant.speak.fastspeech2 import FastSpeech2Voice

    voice = FastSpeech2Voice(weight_store(Settings()).path("fastspeech2-baker"), tmp_path_factory.mktemp("voice"), 1)
    made: dict[str, Sound] = {}

    def speak(text: str) -> Sound:
        if text not in made:
            spoken = asyncio.run(voice.speak(text))
            made[text] = resample_poly(spoken.sound, 2, 3).astype(np.float32)
        return made[text]

    return speak


@pytest.fixture(scope="session")
def network() -> SileroNetwork:
    return SileroNetwork(weight_store(Settings()).path("silero-vad"))


@pytest.fixture(scope="session")
def whisper_folder() -> Path:
    return weight_store(Settings()).path("whisper-base")


@pytest.fixture(scope="session")
def recogniser(whisper_folder: Path, network: SileroNetwork) -> WhisperRecogniser:
    from assistant.hear.hallucination import Hallucinations, voiced_seconds
    from assistant.hear.vad import SileroActivity

    return WhisperRecogniser(
        whisper_folder, gate=Hallucinations(), meter=voiced_seconds(lambda: SileroActivity(network, gate=False))
    )
