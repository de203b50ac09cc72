"""The real recogniser: right words, short context, no text without speech, long sound."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from assistant.errors import HearError
from assistant.hear.command import hear_file, hear_sound
from assistant.hear.segments import utterances
from assistant.hear.server import wav_bytes
from assistant.hear.turn_end import SmartTurn
from assistant.hear.vad import SileroActivity, SileroNetwork
from assistant.hear.whisper import Evidence, WhisperRecogniser
from assistant.main import weight_store
from assistant.settings import Settings
from assistant.voice_contracts import HEARD_RATE, Sound
from evaluation.hearing import comparable, edits, noise, room, synthetic_noise
from tests.hear.sounds import noise as made_noise

SENTENCES = ("为什么要加装电梯", "互联网医院怎么用", "老年大学怎么报名", "文化中心有什么活动", "家庭医生怎么签约")


def test_confidence_falls_with_doubt_silence_and_loops() -> None:
    sure = Evidence("x", 1, -0.1, 0.0, 1.0, "zh").confidence
    assert 0.9 < sure <= 1
    for doubt in (
        Evidence("x", 1, -1.0, 0.0, 1.0, "zh"),
        Evidence("x", 1, -0.1, 0.9, 1.0, "zh"),
        Evidence("x", 1, -0.1, 0.0, 4.0, "zh"),
    ):
        assert 0 <= doubt.confidence < 0.6


def test_missing_weights_are_a_hear_error(tmp_path: Path) -> None:
    with pytest.raises(HearError) as raised:
        WhisperRecogniser(tmp_path)
    assert "weights" in raised.value.hint


@pytest.mark.real
def test_sentences_are_heard(recogniser: WhisperRecogniser, say: Callable[[str], Sound]) -> None:
    wrong = characters = 0
    for text in SENTENCES:
        heard = recogniser.transcribe(say(text))
        assert heard.language == "zh"
        assert heard.confidence > 0.4
        wrong += edits(comparable(heard.text), comparable(text))
        characters += len(text)
    assert wrong / characters < 0.15


@pytest.mark.real
def test_partials_are_tentative_and_finals_are_not(recogniser: WhisperRecogniser, say: Callable[[str], Sound]) -> None:
    sound = say(SENTENCES[0])
    partial = recogniser.transcribe(sound, tentative=True)
    assert partial.tentative
    assert edits(comparable(partial.text), SENTENCES[0]) <= 2
    assert not recogniser.transcribe(sound).tentative


@pytest.mark.real
def test_short_context_halves_the_time(whisper_folder: Path, say: Callable[[str], Sound]) -> None:
    from evaluation.hearing import Reference

    ours, reference = WhisperRecogniser(whisper_folder), Reference(whisper_folder)
    sound = say(SENTENCES[0])
    best = {}
    for name, engine in (("ours", ours.transcribe), ("reference", reference)):
        taken = []
        for _ in range(3):
            begun = time.perf_counter()
            engine(sound)  # type: ignore[operator]
            taken.append(time.perf_counter() - begun)
        best[name] = min(taken)
    assert best["ours"] < best["reference"] / 2


@pytest.mark.real
def test_noise_gives_no_text(recogniser: WhisperRecogniser, say: Callable[[str], Sound]) -> None:
    found = noise(synthetic_noise([say(text) for text in SENTENCES] * 2), recogniser)
    assert found["clips"] >= 20
    assert found["texts"] == {}


@pytest.mark.real
def test_silence_is_answered_without_the_model(recogniser: WhisperRecogniser) -> None:
    begun = time.perf_counter()
    heard = recogniser.transcribe(room(5, 1))
    assert (heard.text, heard.reason) == ("", "silence")
    assert heard.seconds == pytest.approx(5)
    assert time.perf_counter() - begun < 0.2
    assert recogniser.transcribe(np.zeros(0, dtype=np.float32)).reason == "silence"
    assert recogniser.transcribe(made_noise(2, 0.2)).reason == "noise"


@pytest.mark.real
def test_domain_context_does_not_leak_into_silence(recogniser: WhisperRecogniser, say: Callable[[str], Sound]) -> None:
    context = "加装电梯，长护险，适老化改造"
    assert recogniser.transcribe(room(3, 2), context).text == ""
    heard = recogniser.transcribe(say("互联网医院怎么用"), context)
    assert edits(comparable(heard.text), "互联网医院怎么用") <= 2


@pytest.mark.real
def test_a_recording_of_three_questions(
    recogniser: WhisperRecogniser, network: SileroNetwork, say: Callable[[str], Sound], tmp_path: Path
) -> None:
    gap = room(2.0, 4)
    sound = np.concatenate([piece for text in SENTENCES[:3] for piece in (gap, say(text))] + [gap])
    voice = SileroActivity(network)
    found = utterances(sound, voice)
    assert len(found) == 3
    assert sum(part.end - part.begin for part in found) < len(sound) - 3 * HEARD_RATE
    (tmp_path / "three.wav").write_bytes(wav_bytes(sound))
    heard = hear_file(tmp_path / "three.wav", recogniser, voice)
    assert heard.seconds == pytest.approx(len(sound) / HEARD_RATE, abs=0.1)
    assert heard.text.count("\n") == 2
    for line, text in zip(heard.text.splitlines(), SENTENCES, strict=False):
        assert edits(comparable(line), text) <= 2
    assert hear_sound(room(3, 1), recogniser, voice).reason == "silence"


@pytest.mark.real
def test_more_than_thirty_seconds_in_one_call(recogniser: WhisperRecogniser, say: Callable[[str], Sound]) -> None:
    sound = np.concatenate([piece for text in SENTENCES * 4 for piece in (say(text), room(0.4, 1))])
    assert len(sound) > 31 * HEARD_RATE
    heard = recogniser.transcribe(sound)
    assert heard.seconds == pytest.approx(len(sound) / HEARD_RATE)
    assert "电梯" in heard.text[:60]
    assert "家庭医生" in heard.text[-12:]


@pytest.mark.real
def test_turn_detector_gives_a_probability(say: Callable[[str], Sound]) -> None:
    detector = SmartTurn(weight_store(Settings()).path("smart-turn-v3.2"))
    sound = say(SENTENCES[0])
    whole = detector.finished(np.concatenate([sound, room(0.2, 1)]))
    cut = detector.finished(np.concatenate([sound[: len(sound) // 2], room(0.2, 1)]))
    assert 0 <= cut < whole <= 1
    long = np.concatenate([say(SENTENCES[1]), room(6, 1), sound])
    assert detector.finished(long) == detector.finished(long[-8 * HEARD_RATE :])  # only what is recent counts
    assert detector.finished(np.zeros(0, dtype=np.float32)) == 0
