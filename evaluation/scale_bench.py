"""Measure publishing, rolling back and retrieval with 10,000 documents and 200,000 passages.

The documents are generated. Their first vectors are random ones of the real size (embedding 250,000 texts for real
takes an hour and says nothing about the index); the changed document and every question go through the real embedder.
Each step runs in a process of its own, whose peak memory is told with it.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from assistant.main import Library, build, make_embedder
from assistant.main_publish import Publisher
from assistant.settings import Settings
from assistant.understand.clean import clean_question
from assistant.understand.question import make_question
from evaluation.bench import machine, peak, questions, say, share
from evaluation.readme import SCALE

CHANGED = "doc-00123"
NEW = "新设的夜间理发点每晚开到九点半。"  # said by the changed document only
ASKED = "夜间理发点每晚开到几点？"


class RandomVectors:
    """Vectors by the hash of their text, of the real embedder's name and size; questions are embedded for real."""

    def __init__(self, real: Any) -> None:
        self._real = real
        self.name, self.dimensions = real.name, real.dimensions
        self.encode_query = self.encode_document = self._encode

    def _encode(self, texts: Sequence[str]) -> Any:
        seeds = [int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little") for text in texts]
        found = np.stack([np.random.default_rng(seed).standard_normal(self.dimensions, np.float32) for seed in seeds])
        return found / np.linalg.norm(found, axis=1, keepdims=True)


def generate(folder: Path, documents: int) -> None:
    """Write the real corpus and ``documents`` of about 20 passages, of the real corpus's words as often as they are."""
    shutil.copytree(Settings().corpus_folder, folder)
    texts = (folder / "plan" / "plan.md").read_text(encoding="utf-8").replace("\n", "")
    pieces = [piece for piece in re.findall(r"[\u4e00-\u9fff]{4,14}", texts) if "责任" not in piece]
    chance = random.Random(5)
    for number in range(documents):
        lines = [
            f"---\nid: doc-{number:05d}\ntitle: 第{number}号街道便民服务通知\nissuer: 第{number % 300}街道\nowner: 第{number % 300}街道\nvalid_from: 2024-01-01\n---\n\n# 第{number}号街道便民服务通知\n"
        ]
        for article in range(1, 6):
            lines.append(f"### ({'一二三四五'[article - 1]}){chance.choice(pieces)}{chance.choice(pieces)}。\n")
            said = [
                f"{'，'.join(chance.choice(pieces) for _ in range(3))}{chance.randrange(2, 9000)}{chance.choice('个家处台')}。"
                for _ in range(2)
            ]
            lines.append("".join(said) + f"(责任部门、单位:第{number % 300}街道办、{chance.choice(pieces)}科)\n")
        path = folder / f"{number // 200:03d}"
        path.mkdir(exist_ok=True)
        (path / f"doc-{number:05d}.md").write_text("\n".join(lines), encoding="utf-8")


def step(name: str, config: Settings, *more: str) -> dict[str, Any]:
    """Run one step in a process of its own."""
    folders = {"JIAMENKOU_DATA_FOLDER": str(config.data_folder), "JIAMENKOU_CORPUS_FOLDER": str(config.corpus_folder)}
    command = [sys.executable, "-m", "evaluation.scale_bench", "--step", name, *more]
    done = subprocess.run(command, env=os.environ | folders, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    say(f"{name}: {found}")
    return found


def first() -> dict[str, Any]:
    """Publish everything for the first time, with random vectors."""
    config, started = Settings(), time.perf_counter()
    publisher = Publisher(config, RandomVectors(make_embedder(config)), say)
    release, _ = publisher.publish_folder()
    seconds = time.perf_counter() - started
    size = sum(path.stat().st_size for path in (config.data_folder / "segments").rglob("*") if path.is_file())
    return {
        "seconds": seconds,
        "documents": release.documents,
        "passages": release.passages,
        "disk": size / 2**20,
        "memory": peak(),
    }


def _changed_document(config: Settings) -> None:
    path = next(config.corpus_folder.rglob(f"{CHANGED}.md"))
    path.write_text(re.sub(r"(### \(一\).*\n+)", rf"\1{NEW}", path.read_text(encoding="utf-8")), encoding="utf-8")


def publish_one() -> dict[str, Any]:
    """Change one document while a server answers; the time until it answers with it, then back again."""
    config = Settings()
    assistant, library = build(config, None, engine="extractive")
    before = library.knowledge().release
    answered = _answers(assistant)
    publisher = Publisher(config, make_embedder(config, 2), say)
    _changed_document(config)
    started = time.perf_counter()
    publisher.publish_folder()
    published = time.perf_counter() - started
    assert NEW not in answered
    assert NEW in _answers(assistant), "the new words are not answered"
    answerable = time.perf_counter() - started
    started = time.perf_counter()
    merged = publisher.tidy()
    tidied = time.perf_counter() - started
    from knowledge.release import roll_back

    now, started = library.knowledge().release, time.perf_counter()
    roll_back(config.data_folder, before)
    assert NEW not in _answers(assistant), "rolled back, the new words are still answered"
    back = time.perf_counter() - started
    roll_back(config.data_folder, now)
    assert NEW in _answers(assistant)
    return {
        "published": published,
        "answerable": answerable,
        "rolled_back": back,
        "merged": merged,
        "tidied": tidied,
        "memory": peak(),
    }


def _answers(assistant: Any) -> str:
    session = assistant.session(f"bench-{time.monotonic_ns()}")
    found = assistant._knowledge().retriever.search(make_question(clean_question(ASKED)), assistant._today())
    text = " ".join(candidate.passage.text for candidate in found.candidates)
    asyncio.run(assistant.answer(ASKED, session))
    return text


def publish_command() -> dict[str, Any]:
    """The same by `jiamenkou publish` in a process of its own, until a server that runs answers with it."""
    config = Settings()
    assistant, library = build(config, None, engine="extractive")
    _answers(assistant)
    before = library.knowledge().release
    path = next(config.corpus_folder.rglob(f"{CHANGED}.md"))
    path.write_text(path.read_text(encoding="utf-8").replace("九点半", "十点半"), encoding="utf-8")
    started = time.perf_counter()
    program = [sys.executable, "-c", "from assistant.cli import main; main()", "publish", "--no-prefixes"]
    with subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while library.knowledge().release == before:  # a server that nobody asks meanwhile
            assert time.perf_counter() - started < 120
            time.sleep(0.02)
        assert "十点半" in _answers(assistant)
        seconds = time.perf_counter() - started
        process.wait()
    return {"answerable": seconds, "whole": time.perf_counter() - started}


def retrieval() -> dict[str, Any]:
    """Open, and search with the test questions, the question's embedding included."""
    config, started = Settings(), time.perf_counter()
    library = Library(config, make_embedder(config))
    opened = time.perf_counter() - started
    knowledge, today = library.knowledge(), library.today()
    times = []
    asked = questions("factual", "colloquial", "blind_answerable", "later_answerable")
    for text in [ASKED] * 3 + asked:
        question = make_question(clean_question(text), (), None, knowledge.aliases, today.year)
        started = time.perf_counter()
        knowledge.retriever.search(question, today)
        times.append((time.perf_counter() - started) * 1000)
    return {
        "opened": opened,
        "questions": len(asked),
        "p50": share(times[3:], 0.5),
        "p95": share(times[3:], 0.95),
        "memory": peak(),
    }


STEPS = {"first": first, "publish_one": publish_one, "publish_command": publish_command, "retrieval": retrieval}


def main() -> None:
    """Generate, measure every step, and write evaluation/scale.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=10_000)
    parser.add_argument("--folder", type=Path, help="keep what is generated here, and use it again")
    parser.add_argument("--step", choices=STEPS)
    arguments = parser.parse_args()
    if arguments.step:
        print(json.dumps(STEPS[arguments.step]()))
        return
    load = round(os.getloadavg()[0], 1)
    with tempfile.TemporaryDirectory(prefix="jiamenkou-scale-") as name:
        folder = arguments.folder or Path(name)
        config = Settings(data_folder=folder / "data", corpus_folder=folder / "corpus")
        if not config.corpus_folder.exists():
            say(f"writing {arguments.documents} documents …")
            generate(config.corpus_folder, arguments.documents)
        found = {
            key: step(key, config) for key in STEPS if key != "first" or not (folder / "data" / "current").exists()
        }
    if "first" not in found and SCALE.exists():  # what is used again was published then
        found = {"first": json.loads(SCALE.read_text(encoding="utf-8"))["first"], **found}
    if "first" in found:
        SCALE.write_text(json.dumps({"machine": machine(load), **found}, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
