"""Measure speed and memory with the real models, against targets."""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import platform
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from assistant.contracts import Language, LanguageModel, Passage
from assistant.errors import AnswerError
from assistant.main import Library, build, make_model
from assistant.settings import Settings
from assistant.turn import Assistant
from assistant.understand.clean import clean_question
from assistant.understand.question import make_question
from evaluation.readme import MEASURES, table

QUESTIONS = Path(__file__).parent / "questions"
RESULTS = Path(__file__).parent / "bench.json"
ASKED = "养老床位到2025年要有多少张？"  # of no question set; for the subprocesses
SELECTIONS = 40  # questions that the model selects for


class Watched:
    """A language model whose selections are counted, late ones included."""

    def __init__(self, model: LanguageModel) -> None:
        self._model = model
        self.name, self.writes = model.name, False
        self.asked = self.late = 0

    async def ready(self) -> bool:
        """Whether it is loaded."""
        return await self._model.ready()

    async def select(self, question: str, passage: Passage, sentences: Sequence[str], timeout: float) -> int:
        """Pass on, and count."""
        self.asked += 1
        try:
            return await self._model.select(question, passage, sentences, timeout)
        except AnswerError as error:
            self.late += 1
            say(error.message)
            raise

    def write(self, question: str, evidence: Sequence[str], language: Language, timeout: float) -> AsyncIterator[str]:
        """Pass on."""
        return self._model.write(question, evidence, language, timeout)

    async def prepare(
        self, articles: Sequence[tuple[Passage, Sequence[str]]], progress: Callable[[int, int], None]
    ) -> int:
        """Pass on."""
        return await self._model.prepare(articles, progress)

    async def close(self) -> None:
        """End the model."""
        await self._model.close()


def questions(*names: str) -> list[str]:
    """The test split of these sets, in order; no conversations."""
    found = []
    for name in names:
        for line in (QUESTIONS / f"{name}.jsonl").read_text(encoding="utf-8").splitlines():
            item = json.loads(line)
            if item["split"] == "test":
                found.append(item["q"])
    return found


def share(times: Sequence[float], part: float) -> float:
    """The smallest time that at least ``part`` of all times don't exceed."""
    ordered = sorted(times)
    return ordered[max(0, math.ceil(len(ordered) * part) - 1)]


def retrieval(library: Library, asked: Sequence[str]) -> list[float]:
    """Milliseconds of each search, the question's embedding included."""
    knowledge, today, times = library.knowledge(), library.today(), []
    for text in asked:
        question = make_question(clean_question(text), (), None, knowledge.aliases, today.year)
        started = time.perf_counter()
        knowledge.retriever.search(question, today)
        times.append((time.perf_counter() - started) * 1000)
    return times


async def first_text(assistant: Assistant, asked: Sequence[str], session: str) -> list[float]:
    """Milliseconds from a question to the first piece of its answer's text, each in a session of its own."""
    times = []
    for number, text in enumerate(asked):
        started, first = time.perf_counter(), 0.0
        async for event in assistant.ask(text, f"{session}-{number}"):
            if event.type in ("text", "error") and not first:
                first = time.perf_counter()
        times.append((first - started) * 1000)
        assistant.erase(f"{session}-{number}")
    return times


async def selections(
    assistant: Assistant, model: Watched, asked: Sequence[str], limit: int = SELECTIONS
) -> tuple[list[float], int]:
    """Milliseconds of the turns in which the model was asked to select, and how many of them were late."""
    times: list[float] = []
    late_before = model.late
    for number, text in enumerate(asked):
        if len(times) == limit:
            break
        before = model.asked
        took = await first_text(assistant, [text], f"selected-{number}")
        if model.asked > before:
            times += took
    return times, model.late - late_before


def peak(process: int | None = None) -> float:
    """Largest resident memory of a process so far (this one by default), in MB; Linux tells it of others."""
    status = Path(f"/proc/{process or 'self'}/status")
    if status.exists():
        found = re.search(r"VmHWM:\s*(\d+) kB", status.read_text())
        return int(found[1]) / 1024 if found else 0.0
    if process is not None:
        return 0.0
    unit = 1 if platform.system() == "Darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


def command(*words: str, config: Settings) -> float:
    """Seconds that one `jiamenkou` command takes in a process of its own; raises when it fails."""
    folders = {name: str(getattr(config, name)) for name in ("data_folder", "corpus_folder")}
    environment = {**os.environ, **{f"JIAMENKOU_{name.upper()}": path for name, path in folders.items()}}
    program = Path(sys.executable).with_name("jiamenkou")
    started = time.perf_counter()
    subprocess.run([str(program), *words], check=True, env=environment, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def publishing(config: Settings, say: Callable[[str], None]) -> dict[str, float]:
    """Publish into an empty data folder as staff would; afterwards it can serve, with prefixes."""
    values = {}
    values["first_publish"] = command("ask", "--engine", "extractive", ASKED, config=config)
    say(f"first answer after {values['first_publish']:.0f} s; computing prefixes …")
    values["prefixes"] = command("publish", config=config)
    values["republish"] = command("publish", config=config)
    return values


async def serving(config: Settings, say: Callable[[str], None]) -> tuple[dict[str, float], dict[str, int]]:
    """All that is measured on a published folder: values by measure, and counts."""
    say("cold start …")
    values = {"cold_start": command("ask", ASKED, config=config)}
    local = make_model(config)
    if local is None:
        raise SystemExit("JIAMENKOU_LLM is none: there is no model to measure.")
    try:
        model = Watched(local)
        assistant, library = build(config, None, engine="extractive")
        selecting = Assistant(
            library.knowledge,
            model,
            select_timeout=config.llm_timeout,
            engine="llm",
        )
        _with_page(assistant, config)  # the service's memory holds the page, too
        for _ in range(600):
            if await model.ready():
                break
            await asyncio.sleep(0.1)
        asked = questions("factual", "colloquial")
        await first_text(selecting, [ASKED] * 3, "warm-up")
        say("retrieval …")
        found = retrieval(library, asked)
        say("extractive answers …")
        texts = await first_text(assistant, asked, "extractive")
        urgent = await first_text(assistant, questions("emergencies"), "emergency")
        say("selected answers …")
        selected, late = await selections(selecting, model, asked)
        if not selected:
            raise SystemExit("No question reached the model: is it loaded, and is the corpus published?")
        child = getattr(getattr(local, "_server", None), "process_id", None)
        values["memory"] = peak() + (peak(child) if child else 0.0)
    finally:
        await local.close()
    for name, times in (
        ("retrieval", found),
        ("extractive", texts),
        ("selected", selected),
        ("emergency", urgent),
    ):
        for part in (50, 95):
            if f"{name}_p{part}" in MEASURES:
                values[f"{name}_p{part}"] = share(times, part / 100)
    counts = {"questions": len(asked), "emergencies": len(urgent), "selections": len(selected), "late": late}
    return values, counts


def _with_page(assistant: Assistant, config: Settings) -> None:
    from assistant.http.app import build_app
    from ui.chat import mount

    mount(build_app(assistant, dict, config), assistant)


def machine(load: float) -> dict[str, Any]:
    """What it was measured on; ``load`` is how many processes ran before it began."""
    info = Path("/proc/cpuinfo")
    model = re.search(r"model name\s*:\s*(.+)", info.read_text()) if info.exists() else None
    return {
        "processor": model[1].strip() if model else platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "system": platform.system(),
        "python": platform.python_version(),
        "load": load,
    }


def results(values: dict[str, float], counts: dict[str, int], load: float) -> dict[str, Any]:
    """Values with their targets; a target of 0 is none."""
    rows = {}
    for key, (_, _, unit, target) in MEASURES.items():
        if key in values:
            passed = values[key] < target if target else None
            rows[key] = {
                "value": round(values[key], 1),
                "unit": unit,
                "target": target or None,
                "passed": passed,
            }
    return {"machine": machine(load), "day": date.today().isoformat(), "counts": counts, "rows": rows}


def say(text: str) -> None:
    """Progress for people."""
    print(f"[bench] {text}", file=sys.stderr, flush=True)


def main() -> None:
    """Measure and write, or render what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="skip publishing; use the published data folder")
    arguments = parser.parse_args()
    load = round(os.getloadavg()[0], 1)  # others' work makes the figures worse, the model's most of all
    if load > 0.5:
        say(f"Other processes are busy (load {load}): the figures will be worse than the machine can do.")
    if arguments.quick:
        values, counts = asyncio.run(serving(Settings(), say))
    else:
        with tempfile.TemporaryDirectory(prefix="jiamenkou-bench-") as name:
            # A copy, so that nobody's edits meanwhile make the second publishing a first one.
            corpus = shutil.copytree(Settings().corpus_folder, Path(name) / "corpus")
            config = Settings(data_folder=Path(name) / "data", corpus_folder=corpus)
            published = publishing(config, say)
            values, counts = asyncio.run(serving(config, say))
            values |= published
    found = results(values, counts, load)
    RESULTS.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print(table(RESULTS))
    failed = [key for key, row in found["rows"].items() if row["passed"] is False]
    if failed:
        sys.exit(f"Above target: {', '.join(failed)}")


if __name__ == "__main__":
    main()
