"""Measure the voices: speed, first clause, intelligibility and lips. Run: python -m evaluation.speaking

Intelligibility is what Whisper base writes down of what a voice said. Chinese homophones are the
recogniser's choice, so the main figure compares toneless syllables; characters stand beside it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import statistics
import tempfile
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from opencc import OpenCC
from pypinyin import lazy_pinyin

from assistant.numerals import DIGITS
from assistant.settings import settings
from assistant.speak.clauses import clauses
from assistant.speak.engine import LocalVoice
from assistant.speak.fastspeech2 import FastSpeech2Voice
from assistant.speak.kokoro import DEFAULT, KokoroVoice
from assistant.speak.normalise import normalise
from assistant.voice_contracts import SPOKEN_RATE, MouthShape, Speech
from assistant.weights.store import WeightStore

SENTENCES = (
    "到2025年，全市新增养老床位17.8万张。",
    "社区助餐服务覆盖率达到85%以上。",
    "这份方案的有效期到2025年12月9日。",
    "有什么问题，请拨打12345市民服务热线。",
    "发生火灾请打119，突发急病请打120。",
    "养老金的问题可以打12333咨询。",
    "社区服务中心的电话是021-62345678。",
    "您也可以拨打400-820-8888预约。",
    "网格员的手机号码是13812345678。",
    "每人每月补贴1.5万元。",
    "材料齐全的，3-5天内办结。",
    "费用减免10%—20%。",
    "服务时间是每天9:00-17:30。",
    "根据行动方案第十四条，推进既有多层住宅加装电梯。",
    "“十四五”期间，建成示范性社区综合为老服务中心。",
    "长护险由定点护理机构上门服务。",
    "长者食堂午餐从10:30开始供应。",
    "60周岁以上的老年人可以申请适老化改造。",
    "新增公办托育点，托育服务点覆盖率不低于40%。",
    "活动室面积约120㎡，能容纳80人。",
    "气温降到-5℃，请注意保暖。",
    "大约1/3的居民参加了健康讲座。",
    "文件号是沪府办发〔2022〕23号。",
    "先到银行办理社会保障卡，再到街道办事处登记。",
    "带上2张照片和1份户口簿复印件。",
    "居委会在3号楼2楼，周一至周五上班。",
    "申请人的年收入不超过36000元。",
    "重点推进15分钟社区生活圈建设。",
    "便民服务点处理完毕后，还会电话回访。",
    "健身步道全长2.5公里，免费开放。",
    "2023-2025年，每年新增2000个停车泊位。",
    "一共有200名志愿者为居民服务。",
    "请记住，报警电话是110。",
    "请您带好身份证，到社区事务受理服务中心办理。",
    "下载随申办App，在手机上也能申请。",
)
ENGLISH = (
    "Please call 12345 for help.",
    "By 2025, 85% of communities will offer meals for older residents.",
    "The subsidy is 500 yuan per month for residents aged 60 and above.",
    "You can apply at the community service centre with your identity card.",
    "The office is open from 9:00 in the morning.",
)
FIRST = "根据行动方案第十四条，"
_CONSONANTS = (MouthShape.BACK, MouthShape.SMILE, MouthShape.ROUND_TEETH, MouthShape.NARROW, MouthShape.TEETH)
_VOWELS = (MouthShape.OPEN, MouthShape.MID, MouthShape.WIDE, MouthShape.ROUND, MouthShape.PURSED)
_SIMPLIFIED = OpenCC("t2s")


def said(text: str) -> str:
    """``text`` as it is read aloud, without punctuation, figures in one spelling."""
    spoken = "".join(piece.text for piece in normalise(_SIMPLIFIED.convert(text), "zh"))
    plain = re.sub(r"[^\w\u4e00-\u9fff]", "", spoken).lower()
    return plain.translate(str.maketrans("两〇", "二零"))


def syllables(text: str) -> list[str]:
    """Toneless syllables and single letters."""
    return [
        part for run in lazy_pinyin(said(text)) for part in (list(run) if run.isascii() and len(run) > 6 else [run])
    ]


def distance(left: Sequence[str], right: Sequence[str]) -> int:
    """Edits that make one of the other. 1 may be yi or yao, however the recogniser writes it."""
    row = list(range(len(right) + 1))
    for number, a in enumerate(left, 1):
        last, row[0] = row[0], number
        for place, b in enumerate(right, 1):
            last, row[place] = (
                row[place],
                min(row[place] + 1, row[place - 1] + 1, last + (a != b and {a, b} != {"yi", "yao"})),
            )
    return row[-1]


def one(pinyin: str) -> str:
    """Both readings of 1 in one spelling."""
    return pinyin.replace("yao", "yi")


def figures(text: str) -> list[tuple[str, str]]:
    """The digits and the syllables of each figure of a displayed sentence."""
    found = []
    for piece in normalise(text, "zh"):
        if re.search(r"\d", text[piece.begin : piece.end]):
            digits = re.sub(r"\D", "", text[piece.begin : piece.end])
            found.append((digits, one("".join(lazy_pinyin(said(piece.text))))))
    return found


def heard(figure: tuple[str, str], written: str) -> bool:
    """Whether a figure was heard back: its syllables, or all of its digits in a row (three or more).

    The recogniser mixes spellings (药20 for 幺二零), so its digits count one by one as well.
    """
    digits, sounds = figure
    in_a_row = len(digits) > 2 and digits in re.sub(r"[^\d]", "", written)
    one_by_one = re.sub(r"\d", lambda digit: DIGITS[int(digit.group())], written)
    return in_a_row or any(sounds in one("".join(syllables(way))) for way in (written, one_by_one))


def _low_level(speech: Speech) -> np.ndarray:
    """Level below 1 kHz in dB, each 5 ms."""
    step = SPOKEN_RATE // 200
    kernel = np.hanning(SPOKEN_RATE // 1000)
    low = np.convolve(speech.sound, kernel / kernel.sum(), mode="same")
    count = len(low) // step
    level: np.ndarray = 20 * np.log10(np.sqrt(np.mean(low[: count * step].reshape(count, step) ** 2, axis=1)) + 1e-3)
    return level


def lips(speech: Speech, window_ms: float = 100.0) -> list[float]:
    """For each vowel after a voiceless consonant: shown minus heard onset, in ms.

    Heard is where the level below 1 kHz rises most steeply within ``window_ms`` of what is shown:
    syllables follow each other every 200 ms, so a wider window would find the next one's onset.
    """
    level = _low_level(speech)
    rise = np.zeros(len(level))
    rise[2:-2] = (level[3:-1] + level[4:]) - (level[:-4] + level[1:-3])
    drifts = []
    for before, here in pairwise(speech.visemes):
        if before.shape in _CONSONANTS and here.shape in _VOWELS:
            first = max(0, int((here.start_ms - window_ms) / 5))
            around = rise[first : int((here.start_ms + window_ms) / 5) + 1]
            if len(around) and around.max() > 12:  # 6 dB: an onset that can be told
                drifts.append(here.start_ms - (first + int(around.argmax())) * 5.0)
    return drifts


def lag(speech: Speech, widest_ms: float = 250.0) -> float:
    """By how many ms the open mouth as a whole comes later than the voice, by cross-correlation."""
    level = _low_level(speech)
    shown = np.zeros(len(level))
    for here, following in pairwise(speech.visemes):
        if here.shape in _VOWELS:
            shown[int(here.start_ms / 5) : int(following.start_ms / 5)] = 1.0
    level = level - level.mean()
    shown = shown - shown.mean()
    reach = int(widest_ms / 5)
    padded = np.pad(level, reach)
    fits = [float(np.dot(shown, padded[reach - by : reach - by + len(shown)])) for by in range(-reach, reach + 1)]
    return (int(np.argmax(fits)) - reach) * 5.0


async def measure(voice: LocalVoice, recogniser: Any, speed: float) -> dict[str, Any]:
    """Speed, intelligibility and lips of one voice over the sentences."""
    seconds = processor = heard_for = 0.0
    edits = character_edits = length = characters = 0
    wrong: list[tuple[str, str]] = []
    drifts: list[float] = []
    lags: list[float] = []
    worst: list[tuple[float, str, str]] = []
    for sentence in SENTENCES:
        began, processor_began = time.perf_counter(), time.process_time()
        speech = await voice.speak(sentence, speed)
        seconds += time.perf_counter() - began
        processor += time.process_time() - processor_began
        heard_for += len(speech.sound) / SPOKEN_RATE
        drifts.extend(lips(speech))
        lags.append(lag(speech))
        written = transcribe(recogniser, speech, "zh")
        ours, theirs = syllables(sentence), syllables(written)
        cost = distance(ours, theirs)
        edits, length = edits + cost, length + len(ours)
        character_edits += distance(list(said(sentence)), list(said(written)))
        characters += len(said(sentence))
        wrong.extend((figure[0], written) for figure in figures(sentence) if not heard(figure, written))
        if cost:
            worst.append((cost / len(ours), sentence, written))
    off = [abs(drift) for drift in drifts]
    return {
        "voice": voice.name,
        "speed": speed,
        "real_time_factor": round(seconds / heard_for, 3),
        "processor_seconds_per_second": round(processor / heard_for, 3),  # tells the truth on a busy machine too
        "syllable_error_rate": round(edits / length, 4),
        "character_error_rate": round(character_edits / characters, 4),
        "figures": sum(len(figures(sentence)) for sentence in SENTENCES),
        "figures_wrong": [f"{figure} in {written}" for figure, written in wrong],
        "lips_lag_median_ms": statistics.median(lags),
        "lips_lag_largest_ms": max(lags, key=abs),
        "lips_median_ms": round(statistics.median(drifts), 1),
        "lips_p95_ms": round(float(np.quantile(off, 0.95)), 1),
        "lips_over_80_ms": round(sum(drift > 80 for drift in off) / len(off), 4),
        "lips_counted": len(off),
        "worst": [f"{rate:.0%} {sentence} -> {written}" for rate, sentence, written in sorted(worst, reverse=True)],
    }


async def english(voice: LocalVoice, recogniser: Any) -> float:
    """Word error rate over the English sentences."""
    edits = length = 0
    for sentence in ENGLISH:
        written = transcribe(recogniser, await voice.speak(sentence), "en")
        pair = []
        for text in (sentence, re.sub(r"(?<=\d)-(?=\d)", "", written)):
            spoken = "".join(piece.text for piece in normalise(text, "en"))
            pair.append(re.sub(r"[^a-z ]", " ", spoken.lower().replace("center", "centre")).split())
        edits, length = edits + distance(*pair), length + len(pair[0])
    return round(edits / length, 4)


def transcribe(recogniser: Any, speech: Speech, language: str) -> str:
    """What Whisper writes down, beam 5, without any domain words."""
    positions = np.arange(0, len(speech.sound), 1.5)
    sound = np.interp(positions, np.arange(len(speech.sound)), _below_8khz(speech.sound)).astype(np.float32)
    prompt = "以下是普通话的句子。" if language == "zh" else None
    pieces, _ = recogniser.transcribe(sound, language=language, beam_size=5, initial_prompt=prompt)
    written = "".join(piece.text for piece in pieces).strip()
    return written if language == "en" else written.replace(" ", "")


def _below_8khz(sound: np.ndarray) -> np.ndarray:
    taps = np.arange(-31, 32)
    kernel = np.sinc(taps * 2 * 7500 / SPOKEN_RATE) * np.hamming(len(taps))
    return np.convolve(sound, kernel / kernel.sum(), mode="same")


async def first_clause(make: Any, runs: int = 5) -> dict[str, Any]:
    """Milliseconds to the opening clause at 1 and 2 threads, median."""
    result = {}
    for threads in (1, 2):
        voice = make(threads)
        await voice.warm()
        await voice.speak("好。")
        taken = []
        for _ in range(runs):
            began = time.perf_counter()
            await voice.speak(FIRST)
            taken.append((time.perf_counter() - began) * 1000)
        result[f"first_clause_ms_{threads}_threads"] = round(statistics.median(taken))
        await voice.close()
    return result


async def run(styles: Sequence[str], light: bool, speed: float, first: bool) -> dict[str, Any]:
    """Every figure of every voice asked for."""
    from faster_whisper import WhisperModel

    chosen = settings()
    store = WeightStore(chosen.weights_folder, chosen.weights_sources)
    recogniser = WhisperModel(str(store.path("whisper-base")), device="cpu", compute_type="int8", cpu_threads=2)
    report: dict[str, Any] = {"clauses_of_a_sentence": len(clauses(SENTENCES[0])), "voices": []}
    with tempfile.TemporaryDirectory() as cache:
        makers: list[Any] = [
            lambda threads, style=style: KokoroVoice(store.path("kokoro-82m"), Path(cache), style, threads)
            for style in styles
        ]
        if light:
            makers.append(lambda threads: FastSpeech2Voice(store.path("fastspeech2-baker"), Path(cache), threads))
        for make in makers:
            voice = make(2)
            await voice.warm()
            figures_of = await measure(voice, recogniser, speed)
            if isinstance(voice, KokoroVoice):
                figures_of["english_word_error_rate"] = await english(voice, recogniser)
            await voice.close()
            if first:
                figures_of.update(await first_clause(make))
            report["voices"].append(figures_of)
    report["load_average"] = round(os.getloadavg()[0], 2)
    return report


def print_table(report: dict[str, Any]) -> None:
    """One column a voice."""
    voices = report["voices"]
    names = [name for name in voices[0] if name not in ("worst", "figures_wrong")]
    for name in names:
        print(f"{name:28}", *(f"{voice.get(name, '')!s:>24}" for voice in voices))
    for voice in voices:
        print(f"\n{voice['voice']}: {len(voice['figures_wrong'])} of {voice['figures']} figures not heard back")
        print(*voice["figures_wrong"], *voice["worst"][:12], sep="\n")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--style", action="append", help="a Kokoro style; may be given again")
    parser.add_argument("--no-light", action="store_true", help="leave the light voice out")
    parser.add_argument("--no-first", action="store_true", help="leave the first clause's time out")
    parser.add_argument("--speed", type=float, default=1.0)
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    asked = parser.parse_args()
    report = asyncio.run(run(asked.style or [DEFAULT], not asked.no_light, asked.speed, not asked.no_first))
    print_table(report)
    if asked.json:
        asked.json.write_text(json.dumps(report, ensure_ascii=False, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
