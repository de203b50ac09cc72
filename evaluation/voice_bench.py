"""Time whole voice turns at the real server's socket, stage by stage, and what idle microphones cost.

The questions are spoken by the light voice, not by the one that answers: no free recordings of residents
asking about the plan exist. Sound is sent in real time with the noise of a quiet room.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from websockets.asyncio.client import connect

from assistant.dialogue.pcm import to_pcm
from assistant.main import Library, make_embedder, weight_store
from assistant.main_voice import Busy, make_engines, make_recogniser
from assistant.prepare_voice import prepare_speech
from assistant.settings import Settings
from assistant.speak.clauses import clauses
from assistant.speak.fastspeech2 import FastSpeech2Voice
from assistant.voice_contracts import FRAME, HEARD_RATE, SPOKEN_RATE, Sound
from evaluation import speaking
from evaluation.bench import share
from evaluation.hearing import Reference, comparable, edits
from evaluation.replay import Replay, replay

RESULTS = Path(__file__).parent / "voice.json"
IDLE = 24  # microphones
TARGETS = {  # seconds, or share
    "prepared": (0.9, 1.5),
    "extractive": (0.9, 1.5),
    "selected": (1.6, 2.5),
}
# Of no question set. The first ones are phrasings of the corpus's topics, the second ones bring new answers together.
PREPARED = (
    "老房子能加装电梯吗？",
    "养老床位要达到多少张？",
    "托班名额有目标吗？",
    "早餐店会多起来吗？",
    "社区食堂会开到家门口吗？",
    "医保的事打哪个电话？",
    "预付卡有没有人管？",
    "哪个部门负责托育服务？",
    "体育公园要建多少个？",
    "老人不会用手机有人教吗？",
)
EXTRACTIVE = (
    "方案里二零二五年的目标有哪些？",
    "第十四条讲的是什么？",
    "市民政局负责哪些条？",
    "这个方案一共多少条？",
    "第二部分讲什么？",
    "市体育局负责哪几条？",
    "第六条说了什么？",
    "方案的文号是什么？",
)
INTERRUPTION = "等一下，那托育呢？"


def say(text: str) -> None:
    """Progress for people."""
    print(f"[voice] {text}", file=sys.stderr, flush=True)


@contextmanager
def serving(engine: str, folder: Path) -> Iterator[tuple[str, int]]:
    """The real server on a free port; (address, process id) once it is ready and its engines are warm."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "JIAMENKOU_PORT": str(port), "JIAMENKOU_ENGINE": engine}
    environment |= {"JIAMENKOU_DATA_FOLDER": str(folder), "JIAMENKOU_PREPARE_SPEECH": "false"}
    with tempfile.TemporaryFile() as log:
        command = [sys.executable, "-c", "from assistant.cli import main; main()", "serve"]
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            deadline = time.monotonic() + 180
            while True:
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2) as reply:
                        health = json.load(reply)
                    if health.get("speaks") and health["clips"]["warm"]:
                        break
                except OSError:
                    pass
                if time.monotonic() > deadline or server.poll() is not None:
                    log.seek(0)
                    raise SystemExit(f"The server did not come up:\n{log.read().decode()[-2000:]}")
                time.sleep(0.5)
            yield f"ws://127.0.0.1:{port}", server.pid
        finally:
            server.terminate()
            server.wait(20)


async def spoken(texts: Sequence[str]) -> list[Sound]:
    """Recordings of ``texts`` at HEARD_RATE."""
    config = Settings()
    with tempfile.TemporaryDirectory() as cache:
        voice = FastSpeech2Voice(weight_store(config).path("fastspeech2-baker"), Path(cache))
        sounds = []
        for text in texts:
            parts = [(await voice.speak(clause)).sound for clause in clauses(text)]
            sound = np.concatenate(parts)
            places = np.arange(0, len(sound), SPOKEN_RATE / HEARD_RATE)
            sounds.append(np.interp(places, np.arange(len(sound)), sound).astype(np.float32))
        await voice.close()
    quiet = np.zeros(HEARD_RATE // 4, np.float32)
    return [np.concatenate([quiet, sound]) for sound in sounds]


async def turns(url: str, sounds: Sequence[Sound], name: str) -> list[Replay]:
    """Each recording in a session of its own, one after the other."""
    return [await replay(url, sound, f"{name}-{number}") for number, sound in enumerate(sounds)]


def stages(found: Sequence[Replay], limits: tuple[float, float] | None) -> dict[str, Any]:
    """p50 and p95 in seconds of the whole and of each stage; what failed is counted, not hidden."""
    heard = [each for each in found if each.first_audio_at]
    if not heard:
        return {"asked": len(found), "answered": 0}
    parts = {
        "end of speech to first sound": [each.first_audio_at for each in heard],
        "silence and recognition": [each.heard_at for each in heard],
        "answer": [each.answered_at - each.heard_at for each in heard],
        "voice": [each.first_audio_at - each.answered_at for each in heard],
    }
    row: dict[str, Any] = {"asked": len(found), "answered": len(heard)}
    for name, values in parts.items():
        row[name] = {"p50": round(float(statistics.median(values)), 3), "p95": round(float(share(values, 0.95)), 3)}
    row["first clip prepared"] = sum(each.prepared for each in heard)
    row["engines"] = sorted({str(each.answer.get("engine")) for each in heard})
    if limits:
        whole = row["end of speech to first sound"]
        row["targets"] = {"p50": limits[0], "p95": limits[1]}
        row["passed"] = bool(whole["p50"] < limits[0] and whole["p95"] < limits[1])
    return row


def processor(process: int) -> float:
    """Processor seconds that a process and its threads have used."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(process: int) -> float:
    """Peak resident memory of a process and those it started, in MB."""
    total = 0.0
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            fields = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
        except OSError:
            continue  # it has ended
        if process in (int(fields["Pid"]), int(fields["PPid"])) and "VmHWM" in fields:
            total += int(fields["VmHWM"].split()[0]) / 1024
    return total


async def idle(url: str, process: int, seconds: float = 15.0) -> dict[str, float]:
    """Share of one processor that the server needs for idle microphones, above what it needs anyway."""
    before = processor(process)
    await asyncio.sleep(seconds / 2)
    base = (processor(process) - before) / (seconds / 2)
    room = np.random.default_rng(3)

    async def microphone(number: int) -> None:
        async with connect(f"{url}/api/voice?session=idle-{number}") as client:
            began, sent = time.monotonic(), 0
            while time.monotonic() - began < seconds + 2:
                await client.send(to_pcm(room.normal(0, 0.0005, FRAME).astype(np.float32)))
                sent += 1
                await asyncio.sleep(max(0.0, began + sent * FRAME / HEARD_RATE - time.monotonic()))

    tasks = [asyncio.create_task(microphone(number)) for number in range(IDLE)]
    await asyncio.sleep(2)
    before, began = processor(process), time.monotonic()
    await asyncio.sleep(seconds - 1)
    used = (processor(process) - before) / (time.monotonic() - began) - base
    await asyncio.gather(*tasks)
    return {"microphones": IDLE, "share_of_machine": round(used / (os.cpu_count() or 1), 4)}


async def measure(folder: Path) -> dict[str, Any]:
    """Everything, with the default voice."""
    say("speaking the questions")
    prepared, extractive = await spoken(PREPARED), await spoken(EXTRACTIVE)
    interruption = (await spoken([INTERRUPTION]))[0]
    report: dict[str, Any] = {"load": round(os.getloadavg()[0], 1)}
    say("preparing speech as publishing does")
    config = Settings(data_folder=folder)
    library = Library(config, make_embedder(config))
    report["clips"] = await prepare_speech(config, library, make_engines(config, library), Busy(), questions=PREPARED)
    with serving("extractive", folder) as (url, process):
        await turns(url, prepared[:1], "warm")
        for name, sounds in (("prepared", prepared), ("extractive", extractive)):
            say(f"{name} answers")
            found = await turns(url, sounds, name)
            report[name] = stages(found, TARGETS[name])
            report[name]["heard"] = [each.heard for each in found]
        say("interruptions")
        stops = [
            (await replay(url, sound, f"stop-{number}", interrupt=interruption)).stopped_after
            for number, sound in enumerate(prepared)
        ]
        known = [stop for stop in stops if stop is not None]
        report["interruption"] = {"asked": len(stops), "stopped": len(known)}
        if known:
            report["interruption"] |= {
                "p50": round(float(statistics.median(known)), 3),
                "p95": round(float(share(known, 0.95)), 3),
            }
        say("idle microphones")
        report["idle"] = await idle(url, process)
    with serving("llm", folder) as (url, process):
        say("answers that the model selects")
        await turns(url, prepared[:2], "warm")
        found = await turns(url, prepared, "selected")
        report["selected"] = stages(
            [each for each in found if each.answer.get("engine") == "selected"], TARGETS["selected"]
        )
        report["memory_mb"] = round(memory(process))
    say("recogniser and voices alone")
    report["recogniser"] = recogniser([*prepared, *extractive], [*PREPARED, *EXTRACTIVE])
    report["voices"] = await voices()
    return report


def recogniser(sounds: Sequence[Sound], texts: Sequence[str]) -> dict[str, Any]:
    """Ours beside faster-whisper as it comes, on the spoken questions: characters wrong, seconds a second."""
    config = Settings()
    ours = make_recogniser(config)
    reference = Reference(weight_store(config).path(config.recogniser), config.recogniser_threads)
    seconds = sum(map(len, sounds)) / HEARD_RATE
    row: dict[str, Any] = {"clips": len(sounds), "seconds": round(seconds, 1)}
    for name, engine in (("ours", lambda sound: ours.transcribe(sound).text), ("faster-whisper beam 5", reference)):
        engine(sounds[0])
        wrong = characters = 0
        began = time.perf_counter()
        heard = [engine(sound) for sound in sounds]
        taken = time.perf_counter() - began
        for text, said in zip(heard, texts, strict=True):
            wrong += edits(comparable(text), comparable(said))
            characters += len(comparable(said))
        row[name] = {
            "character_error_rate": round(wrong / characters, 4),
            "real_time_factor": round(taken / seconds, 3),
        }
    return row


async def voices() -> list[dict[str, Any]]:
    """The figures of both voices: pace, intelligibility when transcribed back, lips, first clause."""
    found = await speaking.run([Settings().voice_style], light=True, speed=1.0, first=True)
    return [{name: value for name, value in voice.items() if name != "worst"} for voice in found["voices"]]


def main() -> None:
    """Measure and write voice.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="a published data folder with prepared speech")
    report = asyncio.run(measure(parser.parse_args().data or Settings().data_folder))
    RESULTS.write_text(json.dumps(report, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(report, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
