"""The voices with their real weights."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from assistant.errors import SpeakError
from assistant.settings import settings
from assistant.speak.engine import LocalVoice
from assistant.speak.fastspeech2 import FastSpeech2Voice
from assistant.speak.kokoro import KokoroVoice
from assistant.voice_contracts import SPOKEN_RATE, MouthShape, Speech
from assistant.weights.store import WeightStore
from evaluation.speaking import distance, figures, heard, lips, syllables, transcribe

pytestmark = pytest.mark.real

SENTENCES = ("到2025年，新增养老床位17.8万张。", "请拨打12345市民服务热线。")


def weights(name: str) -> Path:
    return WeightStore(settings().weights_folder, settings().weights_sources).path(name)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("graphs")


@pytest.fixture(params=["kokoro", "light"])
async def voice(request: pytest.FixtureRequest, cache: Path) -> AsyncIterator[LocalVoice]:
    made: LocalVoice = (
        KokoroVoice(weights("kokoro-82m"), cache)
        if request.param == "kokoro"
        else FastSpeech2Voice(weights("fastspeech2-baker"), cache)
    )
    yield made
    await made.close()


def checked(speech: Speech) -> Speech:
    assert speech.sound.dtype == np.float32
    assert 0.1 < float(np.abs(speech.sound).max()) < 1.0
    assert speech.visemes[0].start_ms == 0
    assert speech.visemes[-1].shape is MouthShape.REST
    starts = [viseme.start_ms for viseme in speech.visemes]
    assert starts == sorted(set(starts))
    assert starts[-1] <= speech.milliseconds
    covered = "".join(speech.text[mark.begin : mark.end] for mark in speech.marks)
    assert covered == "".join(c for c in speech.text if c not in "，。")
    return speech


@pytest.mark.slow
async def test_what_is_said_is_understood_and_lips_keep_time(voice: LocalVoice) -> None:
    from faster_whisper import WhisperModel

    recogniser = WhisperModel(str(weights("whisper-base")), device="cpu", compute_type="int8", cpu_threads=2)
    edits = length = 0
    drifts: list[float] = []
    for sentence in SENTENCES:
        speech = checked(await voice.speak(sentence))
        drifts += lips(speech)
        written = transcribe(recogniser, speech, "zh")
        edits += distance(syllables(sentence), syllables(written))
        length += len(syllables(sentence))
        if isinstance(voice, KokoroVoice):
            for figure in figures(sentence):
                assert heard(figure, written), written
    assert edits / length <= (0.08 if isinstance(voice, KokoroVoice) else 0.3)
    assert statistics.median(abs(drift) for drift in drifts) < 80


async def test_speed_changes_the_length(voice: LocalVoice) -> None:
    slow, fast = [len((await voice.speak("拨打市民热线", speed)).sound) for speed in (0.7, 1.4)]
    assert slow / fast == pytest.approx(2.0, rel=0.2)


async def test_letters_and_nothing_at_all(voice: LocalVoice) -> None:
    assert (await voice.speak("学习CPR")).milliseconds > 700
    assert len((await voice.speak("[1]** 😊")).sound) == 0


async def test_kokoro_speaks_english_and_the_light_voice_says_it_cannot(cache: Path) -> None:
    kokoro = KokoroVoice(weights("kokoro-82m"), cache)
    speech = await kokoro.speak("Please call 12345.")
    assert speech.text[speech.marks[0].begin : speech.marks[0].end] == "Please"
    await kokoro.close()
    light = FastSpeech2Voice(weights("fastspeech2-baker"), cache)
    with pytest.raises(SpeakError, match="English"):
        await light.speak("Please call 12345.")
    await light.close()


async def test_cancelling_frees_the_thread_soon(cache: Path) -> None:
    kokoro = KokoroVoice(weights("kokoro-82m"), cache)
    await kokoro.speak("好。")
    task = asyncio.create_task(kokoro.speak("到2025年，新增养老床位17.8万张，覆盖率达到85%以上。" * 4))
    await asyncio.sleep(0.5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    began = time.perf_counter()
    assert len((await kokoro.speak("好。")).sound) > SPOKEN_RATE // 10
    assert time.perf_counter() - began < 2.5  # the cancelled text takes far longer
    await kokoro.close()


async def test_a_text_longer_than_the_model_takes_is_said_to_its_end(cache: Path) -> None:
    light = FastSpeech2Voice(weights("fastspeech2-baker"), cache)
    clause = "社区综合为老服务中心提供助餐助浴和日间照料" * 8
    speech = await light.speak(clause)
    assert speech.marks[-1].end == len(clause)
    assert speech.milliseconds > len(clause) * 120
    await light.close()


def test_kokoro_cuts_long_runs_at_pauses() -> None:
    from assistant.speak.kokoro import LIMIT, _runs, _Token

    tokens = [_Token(sign, 0) for sign in ("a" * 200 + "," + "b" * 200 + "," + "c" * 300 + " " + "d" * 300)]
    runs = list(_runs(tokens))
    assert all(len(run) <= LIMIT for run in runs)
    assert runs[0][-1].sign == ","
    assert "".join(t.sign for run in runs for t in run).replace(" ", "") == "".join(t.sign for t in tokens).replace(
        " ", ""
    )


async def test_missing_or_broken_weights_say_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "kokoro-int8.onnx").write_bytes(b"broken")
    (tmp_path / "fastspeech2_quan.tflite").write_bytes(b"broken")
    for voice in (
        KokoroVoice(tmp_path, tmp_path / "c"),
        FastSpeech2Voice(tmp_path, tmp_path / "c"),
        KokoroVoice(tmp_path / "nowhere", tmp_path / "c"),
    ):
        with pytest.raises(SpeakError) as caught:
            await voice.speak("您好。")
        assert "weights verify" in caught.value.hint
        await voice.close()


async def test_a_style_that_is_not_there_names_those_that_are(cache: Path) -> None:
    voice = KokoroVoice(weights("kokoro-82m"), cache, style="zf_nobody")
    with pytest.raises(SpeakError, match="zf_nobody") as caught:
        await voice.warm()
    assert "zm_yunyang" in caught.value.hint
    await voice.close()
