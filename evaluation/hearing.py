"""Measure hearing: characters wrong and seconds taken, ends of turns, and text out of noise.

    python -m evaluation.hearing --speech FOLDER [--whole FOLDER --cut FOLDER] [--noise FOLDER]

A folder of speech holds pairs of NAME.wav and NAME.txt (what was said). The reference is
faster-whisper's own pipeline with the same weights: int8, beam 5, padded to 30 seconds.
``--whole`` are complete questions, ``--cut`` beginnings of sentences after which one goes on.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from assistant.errors import HearError
from assistant.hear.complete import completeness
from assistant.hear.endpoint import Endpoint, Signal
from assistant.hear.files import read_sound
from assistant.hear.hallucination import Hallucinations, voiced_seconds
from assistant.hear.stream import loudness
from assistant.hear.turn_end import SmartTurn
from assistant.hear.vad import FRAME_SAMPLES, SileroActivity, SileroNetwork
from assistant.hear.whisper import WhisperRecogniser, simplified
from assistant.main import weight_store
from assistant.settings import Settings
from assistant.voice_contracts import HEARD_RATE, Recogniser, Sound, TurnDetector

PAUSE = 1.2  # seconds of a pause in mid-sentence
_DIGITS = "零一二三四五六七八九"
_UNITS = ("", "十", "百", "千")


class Reference:
    """faster-whisper as it comes, to compare with."""

    def __init__(self, folder: Path, threads: int = 2) -> None:
        from faster_whisper import WhisperModel

        self._model = WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=threads)

    def __call__(self, sound: Sound) -> str:
        segments, _ = self._model.transcribe(sound, language="zh", beam_size=5, temperature=0.0)
        return "".join(segment.text for segment in segments)


# --- characters wrong ----------------------------------------------------------------


def pairs(folder: Path, limit: int = 0, every: int = 1) -> list[tuple[Path, str]]:
    """Sound files with what is said in them, in the order of their names."""
    found = [
        (sound, sound.with_suffix(".txt").read_text(encoding="utf-8").strip())
        for sound in sorted(folder.glob("*.wav"))
        if sound.with_suffix(".txt").exists()
    ][::every]
    return found[:limit] if limit else found


def spelled(number: str) -> str:
    """A number of digits as it is read: 29 is 二十九, 2027 and longer digit by digit."""
    if len(number) >= 4 or number.startswith("0"):
        return "".join(_DIGITS[int(digit)] for digit in number)
    read = "".join(
        (_DIGITS[int(digit)] + _UNITS[len(number) - 1 - place]) if digit != "0" else "零"
        for place, digit in enumerate(number)
    )
    read = re.sub("零+", "零", read)
    read = read.rstrip("零") or "零"
    return read.removeprefix("一") if read.startswith("一十") else read


def comparable(text: str) -> str:
    """``text`` without what can't be heard: punctuation, case, script, and how numbers are written."""
    text = simplified(text).lower()
    text = re.sub(r"(\d+(?:\.\d+)?)%", r"百分之\1", text)
    text = re.sub(r"(\d+)\.(\d+)", lambda m: spelled(m[1]) + "点" + "".join(_DIGITS[int(d)] for d in m[2]), text)
    text = re.sub(r"\d+", lambda m: spelled(m[0]), text)
    return re.sub(r"[\W_]+", "", text)


def edits(heard: str, said: str) -> int:
    """Levenshtein distance."""
    row = list(range(len(said) + 1))
    for i, one in enumerate(heard, 1):
        before, row[0] = row[0], i
        for j, other in enumerate(said, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (one != other))
    return row[-1]


def recognition(clips: Sequence[tuple[Path, str]], engines: dict[str, Callable[[Sound], str]]) -> dict[str, Any]:
    """Character error rate and latency of each engine; engines take turns on each clip."""
    wrong = dict.fromkeys(engines, 0)
    taken: dict[str, list[float]] = {name: [] for name in engines}
    characters = 0
    length = 0.0
    for path, said in clips:
        sound = read_sound(path)
        truth = comparable(said)
        characters += len(truth)
        length += len(sound) / HEARD_RATE
        for name, engine in engines.items():
            begun = time.perf_counter()
            text = engine(sound)
            taken[name].append(time.perf_counter() - begun)
            wrong[name] += edits(comparable(text), truth)
    return {
        name: {
            "clips": len(clips),
            "characters": characters,
            "cer": wrong[name] / max(1, characters),
            "p50_ms": statistics.median(taken[name]) * 1000,
            "p95_ms": float(np.percentile(taken[name], 95)) * 1000,
            "real_time_factor": sum(taken[name]) / length,
        }
        for name in engines
    }


# --- ends of turns -------------------------------------------------------------------


def last_voiced(sound: Sound) -> int:
    """The last sample that can be heard: 30 dB under the loudest 20 ms."""
    step = HEARD_RATE // 50
    energy = (sound[: len(sound) // step * step].reshape(-1, step) ** 2).mean(axis=1)
    return (int(np.flatnonzero(energy > energy.max() * 1e-3)[-1]) + 1) * step


def room(seconds: float, seed: int, level: float = 0.0007) -> Sound:
    """A quiet room."""
    count = int(seconds * HEARD_RATE)
    return (np.random.default_rng(seed).standard_normal(count) * level).astype(np.float32)


def turn_end(
    sound: Sound,
    voice: SileroActivity,
    recogniser: Recogniser,
    tone: TurnDetector,
    seed: int,
    latency: float | None = None,
) -> tuple[float, str]:
    """Seconds from the last voiced sample to the end of the turn, in a stream that goes on silently.

    Recognition starts at the pause, and its verdict comes as late as it really took here, or
    after ``latency`` seconds.
    """
    voiced = last_voiced(sound)
    lead = room(0.6, seed)
    stream = np.concatenate([lead, sound[:voiced], np.zeros(3 * HEARD_RATE, dtype=np.float32)])
    stream = stream + room(len(stream) / HEARD_RATE + 1, seed + 1)[: len(stream)]
    voice.reset()
    endpoint = Endpoint()
    verdicts: list[tuple[int, dict[str, Any]]] = []
    heard = ""
    for begin in range(0, len(stream) - FRAME_SAMPLES, FRAME_SAMPLES):
        now = begin + FRAME_SAMPLES
        while verdicts and verdicts[0][0] <= now:
            endpoint.judge(**verdicts.pop(0)[1])
        signals = endpoint.feed(voice.probability(stream[begin:now]), loudness(stream[begin:now]))
        if Signal.RESUMED in signals:
            verdicts.clear()
        if Signal.PAUSED in signals:
            said = stream[endpoint.span.begin : now]
            begun = time.perf_counter()
            heard = recogniser.transcribe(said).text
            taken = latency if latency is not None else time.perf_counter() - begun
            ready = now + int(taken * HEARD_RATE)
            verdicts.append((ready, {"completeness": completeness(heard)}))
            verdicts.append((ready, {"tone": tone.finished(said)}))
            verdicts.sort(key=lambda verdict: verdict[0])
        if Signal.ENDED in signals and now > len(lead) + voiced - HEARD_RATE // 5:
            return (now - len(lead) - voiced) / HEARD_RATE, heard
        if Signal.ENDED in signals:
            return -1.0, heard  # inside the sentence
    return 3.0, heard


def ends(
    whole: Sequence[Path], cut: Sequence[Path], make: Callable[[], SileroActivity], *engines: Any
) -> dict[str, Any]:
    """How soon complete questions end, and how many cut ones end within PAUSE."""
    waits = [turn_end(read_sound(path), make(), *engines, seed=number)[0] for number, path in enumerate(whole)]
    pauses = [turn_end(read_sound(path), make(), *engines, seed=number)[0] for number, path in enumerate(cut)]
    result: dict[str, Any] = {}
    if waits:
        later = [wait for wait in waits if wait >= 0]
        result["whole"] = {
            "clips": len(waits),
            "p50_ms": statistics.median(later) * 1000,
            "p95_ms": float(np.percentile(later, 95)) * 1000,
            "within_500_ms": sum(wait <= 0.5 for wait in later) / len(waits),
            "within_600_ms": sum(wait <= 0.6 for wait in later) / len(waits),
            "split_inside": len(waits) - len(later),
        }
    if pauses:
        result["cut"] = {"clips": len(pauses), "cut_off": sum(wait < PAUSE for wait in pauses) / len(pauses)}
    return result


# --- noise ---------------------------------------------------------------------------


def synthetic_noise(voices: Sequence[Sound] = ()) -> dict[str, Sound]:
    """Ten seconds each of what a microphone hears when nobody speaks to it; babble from ``voices``."""
    made = np.random.default_rng(7)
    count = 10 * HEARD_RATE
    clock = np.arange(count) / HEARD_RATE
    white = made.standard_normal(count)
    spectrum = np.fft.rfft(white)
    frequency = np.maximum(np.fft.rfftfreq(count, 1 / HEARD_RATE), 20)
    clips = {"silence": np.zeros(count), "white": white}
    for name, power in (("pink", 0.5), ("brown", 1.0)):
        clips[name] = np.fft.irfft(spectrum / frequency**power, count)
    clips["hum"] = sum(np.sin(2 * np.pi * 50 * k * clock) / k for k in (1, 2, 3, 5))
    clips["tone"] = np.sin(2 * np.pi * 440 * clock)
    clips["ring"] = np.sin(2 * np.pi * 425 * clock) * ((clock % 5) < 1)
    notes = made.choice([261.6, 293.7, 329.6, 392.0, 440.0, 523.3], 40)
    step = count // 40
    clips["melody"] = np.concatenate(
        [
            sum(np.sin(2 * np.pi * note * k * clock[:step]) / k**2 for k in (1, 2, 3)) * np.exp(-3 * clock[:step])
            for note in notes
        ]
    )
    knock = np.zeros(count)
    for begin in made.integers(0, count - 3200, 20):
        knock[begin : begin + 3200] += made.standard_normal(3200) * np.exp(-np.arange(3200) / 300)
    clips["knocking"] = knock
    clips["clatter"] = sum(
        np.sin(2 * np.pi * pitch * clock) * np.exp(-((clock - at) % 1.7) * 9)
        for pitch, at in zip(made.uniform(1500, 5000, 12), made.uniform(0, 1.7, 12), strict=True)
    )
    if len(voices) >= 8:
        babble = np.zeros(count)
        for number, voice in enumerate(voices):
            repeated = np.resize(np.roll(voice, number * 4001), count)
            babble += repeated / (np.sqrt(np.mean(repeated**2)) + 1e-6)
        clips["babble"] = babble
    result = {}
    for name, clip in clips.items():
        peak = float(np.abs(clip).max())
        result[name] = (clip / peak * 0.3 if peak else clip).astype(np.float32)
        result[f"{name}, faint"] = (result[name] * 0.05).astype(np.float32)
    return result


def noise(clips: dict[str, Sound], recogniser: Recogniser) -> dict[str, Any]:
    """Which clips give text though nobody speaks."""
    said = {name: recogniser.transcribe(sound).text for name, sound in clips.items()}
    return {
        "clips": len(clips),
        "with_text": sum(map(bool, said.values())),
        "texts": {k: v for k, v in said.items() if v},
    }


def idle_cost(make: Callable[[], SileroActivity], streams: int = 24, seconds: float = 5.0) -> dict[str, float]:
    """Share of one core that ``streams`` idle microphones cost: in silence, and in a noisy room."""
    result = {}
    for name, level in (("quiet", 0.0003), ("fan", 0.01)):
        voice = make()
        sound = room(seconds * 2, 3, level)
        frames = sound[: len(sound) // FRAME_SAMPLES * FRAME_SAMPLES].reshape(-1, FRAME_SAMPLES)
        half = len(frames) // 2
        for frame in frames[:half]:
            voice.probability(frame)
        begun = time.process_time()
        for frame in frames[half:]:
            voice.probability(frame)
        result[name] = (time.process_time() - begun) / seconds * streams
    return result


# --- all of it -----------------------------------------------------------------------


def measure(
    speech: Path | None,
    whole: Path | None = None,
    cut: Path | None = None,
    noises: Path | None = None,
    limit: int = 0,
    every: int = 1,
    threads: int = 2,
) -> dict[str, Any]:
    """Everything that the folders allow; the figures by name."""
    store = weight_store(Settings())
    network = SileroNetwork(store.path("silero-vad"))
    recogniser = WhisperRecogniser(
        store.path("whisper-base"),
        threads=threads,
        gate=Hallucinations(),
        meter=voiced_seconds(lambda: SileroActivity(network, gate=False)),
    )
    tone = SmartTurn(store.path("smart-turn-v3.2"))
    result: dict[str, Any] = {"idle": idle_cost(lambda: SileroActivity(network))}
    voices: list[Sound] = []
    if speech:
        clips = pairs(speech, limit, every)
        if not clips:
            raise HearError(f"{speech} holds no pairs of wav and txt.", "Name another folder.")
        reference = Reference(store.path("whisper-base"), threads)
        result["recognition"] = recognition(
            clips, {"ours": lambda sound: recogniser.transcribe(sound).text, "faster-whisper beam 5": reference}
        )
        voices = [read_sound(path) for path, _ in clips[:12]]
    if whole or cut:
        wavs = [sorted(folder.glob("*.wav"))[::every] if folder else [] for folder in (whole, cut)]
        result["ends"] = ends(*wavs, lambda: SileroActivity(network), recogniser, tone)
    made = synthetic_noise(voices)
    if noises:
        made |= {path.name: read_sound(path)[: 20 * HEARD_RATE] for path in sorted(noises.iterdir()) if path.is_file()}
    result["noise"] = noise(made, recogniser)
    return result


def show(result: dict[str, Any], indent: str = "") -> None:
    """Print the figures as a table."""
    for name, value in result.items():
        if isinstance(value, dict):
            print(f"{indent}{name}")
            show(value, indent + "  ")
        else:
            print(f"{indent}{name:<24}{value:.3f}" if isinstance(value, float) else f"{indent}{name:<24}{value}")


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("speech", "whole", "cut", "noise"):
        parser.add_argument(f"--{name}", type=Path)
    parser.add_argument("--limit", type=int, default=0)
    parser.add_argument("--every", type=int, default=1, help="take each n-th clip")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    result = measure(chosen.speech, chosen.whole, chosen.cut, chosen.noise, chosen.limit, chosen.every, chosen.threads)
    print(json.dumps(result, ensure_ascii=False, indent=1)) if chosen.json else show(result)


if __name__ == "__main__":
    main()
