"""Ask every question of evaluation/questions and shared/questions, and score the answers."""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import unicodedata
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assistant.contracts import Answer
from assistant.errors import InputError
from assistant.main import build
from assistant.settings import Settings

QUESTIONS = Path(__file__).parent / "questions"
FIGURES = Path(__file__).parent / "figures.json"


@dataclass
class Score:
    """Hits and questions of one measure."""

    hits: int = 0
    of: int = 0
    misses: list[str] = field(default_factory=list)

    def add(self, hit: bool, what: str) -> None:
        self.of += 1
        self.hits += hit
        if not hit:
            self.misses.append(what)

    @property
    def share(self) -> float:
        return self.hits / self.of if self.of else 1.0


def plain(text: str) -> str:
    """Without case, width, spaces and punctuation that differ in nothing."""
    return re.sub(r"[\s“”\"'’]", "", unicodedata.normalize("NFKC", text)).lower()


def contains(answer: str, groups: list[list[str]]) -> bool:
    """At least one string of every group; digits only as a whole number."""
    said = plain(answer)

    def held(wanted: str) -> bool:
        wanted = plain(wanted)
        if wanted.isdigit():
            return bool(re.search(rf"(?<![\d.,]){wanted}(?![\d.]|,\d)", said))
        return wanted in said

    return all(any(held(each) for each in group) for group in groups)


class Runner:
    """Asks through the real turn and keeps the scores."""

    def __init__(self, engine: str, split: str, verbose: bool, config: Settings, model: Any = None) -> None:
        self.assistant, self.library = build(config, model, engine=engine)
        self.split, self.verbose = split, verbose
        self.scores: dict[str, Score] = defaultdict(Score)
        self.times: list[float] = []
        self.engines: dict[str, int] = defaultdict(int)
        self.unverified: list[str] = []

    async def ask(self, text: str, session: str) -> Answer:
        """One turn; input that can't be used counts as a refusal."""
        state = self.assistant.session(session)
        state.turn_id += 1
        try:
            answer = await self.assistant.answer(text, state)
        except InputError as error:
            return Answer(text=f"{error.message}{error.hint}", refused=True, reason="input")
        self.times.append(answer.timings["total"])
        self.engines[answer.engine] += 1
        if answer.engine not in ("guard", "talk"):
            found = self.library.knowledge().verifier.problems(answer)
            if found:
                self.unverified.append(f"{text} → {answer.text} {found}")
        return answer

    def read(self, name: str) -> list[dict[str, Any]]:
        """One file's items of the chosen split."""
        path = QUESTIONS / f"{name}.jsonl"
        if not path.exists():
            return []
        lines = path.read_text(encoding="utf-8").splitlines()
        items = [json.loads(line) for line in lines if line.strip()]
        return [item for item in items if self.split in ("all", item["split"])]

    def check(self, name: str, answer: Answer, expect: dict[str, Any], what: str) -> None:
        """Score one answer against what was expected of it."""
        articles = {c.article for c in answer.citations}
        shown = f"{what} → [{answer.engine}/{answer.reason}] {answer.text} {sorted(a for a in articles if a)}"
        if expect.get("refused"):
            self.scores[f"{name}: refused"].add(answer.refused, shown)
            return
        self.scores["answerable, not refused"].add(not answer.refused, shown)
        if expect.get("article"):
            wanted = expect["article"] if isinstance(expect["article"], list) else [expect["article"]]
            self.scores[f"{name}: right article"].add(bool(articles & set(wanted)) and not answer.refused, shown)
        if expect.get("any"):
            self.scores[f"{name}: fact"].add(contains(answer.text, expect["any"]) and not answer.refused, shown)
        if expect.get("departments"):
            held = all(department in answer.text or _english(answer) for department in expect["departments"])
            self.scores[f"{name}: departments"].add(held and not answer.refused, shown)
        if expect.get("articles"):
            self.scores[f"{name}: articles"].add(set(expect["articles"]) <= articles, shown)
        if expect.get("lang") == "en" or expect.get("language") == "en":
            self.scores[f"{name}: in English"].add(answer.language == "en", shown)

    async def run(self, shared: Path) -> None:
        """All sets."""
        for name in (
            "factual",
            "colloquial",
            "departments",
            "structure",
            "premise",
            "english",
            "fresh_colloquial",
            "fresh_english",
            "blind_answerable",
            "blind_english",
            "later_answerable",
            "later_english",
            "third_answerable",
            "third_english",
        ):
            for item in self.read(name):
                self.check(name, await self.ask(item["q"], item["id"]), item, item["q"])
        for name in ("follow_ups", "blind_follow_ups", "later_follow_ups", "third_follow_ups"):
            for item in self.read(name):
                for turn, expect in zip(item["turns"], item["expect"], strict=True):
                    answer = await self.ask(turn, item["id"])
                    if expect:
                        self.check(name, answer, expect, f"{item['turns'][0]} … {turn}")
        for name in (
            "unanswerable",
            "fresh_unanswerable",
            "blind_unanswerable",
            "later_unanswerable",
            "third_unanswerable",
        ):
            for item in self.read(name):
                self.check(
                    name, await self.ask(item["q"], item["id"]), {"refused": True}, f"{item['q']} ({item['kind']})"
                )
        await self._urgent()
        for item in self.read("injection"):
            answer = await self.ask(item["q"], item["id"])
            said = any(word in answer.text for word in item["forbidden"])
            self.scores["injection: not obeyed"].add(not said, f"{item['q']} → {answer.text}")
        for item in self.read("bad_input"):
            answer = await self.ask(item.get("q") or item["repeat"] * item["times"], item["id"])
            self.scores["bad input: polite answer"].add(bool(answer.text), str(item))
        if shared.exists():
            await self._shared(shared)

    async def _urgent(self) -> None:
        for item in (*self.read("emergencies"), *self.read("blind_emergencies")):
            answer = await self.ask(item["q"], item["id"])
            numbers = item["number"] if isinstance(item["number"], list) else [item["number"]]
            right = answer.emergency and any(number in answer.text for number in numbers)
            name = item["id"].rpartition("-")[0].replace("-", "_")
            self.scores[name].add(right, f"{item['q']} ({item['number']}) → {answer.text}")
        for item in self.read("blind_no_emergencies"):
            answer = await self.ask(item["q"], item["id"])
            self.scores["blind_no_emergencies"].add(not answer.emergency, f"{item['q']} → {answer.text}")
        for item in self.read("emergency_lookalikes"):
            answer = await self.ask(item["q"], item["id"])
            self.scores["look-alikes: no alarm"].add(not answer.emergency, f"{item['q']} → {answer.text}")
            what = f"{item['q']} → [{answer.reason}] {answer.text}"
            self.scores["look-alikes: answered or refused"].add(answer.refused != item["answerable"], what)

    async def _shared(self, folder: Path) -> None:
        for line in (folder / "plan_dev.jsonl").read_text(encoding="utf-8").splitlines():
            item = json.loads(line)
            answer = await self.ask(item["q"], f"shared {item['q']}")
            self.check("shared", answer, {"article": item["article"]}, f"{item['q']} ({item['answer']})")
        for line in (folder / "plan_dev_unanswerable.jsonl").read_text(encoding="utf-8").splitlines():
            item = json.loads(line)
            self.check("shared", await self.ask(item["q"], f"shared {item['q']}"), {"refused": True}, item["q"])

    def report(self) -> dict[str, Any]:
        """Print all scores, and return them."""
        for name, score in self.scores.items():
            print(f"{name:40s} {score.hits:4d}/{score.of:<4d} {score.share:6.1%}")
            if self.verbose:
                for miss in score.misses:
                    print(f"    ✗ {miss}")
        self.scores["no unsourced fact"].of = len(self.times)
        self.scores["no unsourced fact"].hits = len(self.times) - len(self.unverified)
        print(f"{'no unsourced fact':40s} {len(self.times) - len(self.unverified):4d}/{len(self.times)}")
        for each in self.unverified:
            print(f"    ✗ {each}")
        times = sorted(self.times)
        print(
            f"answers: {len(times)}, p50 {times[len(times) // 2]:.0f} ms, p95 {times[int(len(times) * 0.95)]:.0f} ms, {dict(self.engines)}"
        )
        return {name: {"hits": s.hits, "of": s.of, "share": round(s.share, 4)} for name, s in self.scores.items()}


def _english(answer: Answer) -> bool:
    return answer.language == "en" and bool(answer.departments)


async def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", default="extractive", choices=("auto", "extractive", "llm"))
    parser.add_argument("--split", default="test", choices=("dev", "test", "all"))
    parser.add_argument("--verbose", action="store_true", help="print every miss")
    parser.add_argument("--write", action="store_true", help="write evaluation/figures.json for the README")
    arguments = parser.parse_args()
    config = Settings()
    model = None
    if arguments.engine != "extractive":
        from assistant.main import make_model

        model = make_model(config)
        while model is not None and not await model.ready():
            await asyncio.sleep(0.2)
    runner = Runner(arguments.engine, arguments.split, arguments.verbose, config, model)
    try:
        await runner.run(QUESTIONS.parent.parent.parent / "shared" / "questions")
    finally:
        if model is not None:
            await model.close()
    figures = runner.report()
    if arguments.write:
        known = json.loads(FIGURES.read_text(encoding="utf-8")) if FIGURES.exists() else {}
        known[f"{arguments.split}/{arguments.engine}"] = figures
        FIGURES.write_text(json.dumps(known, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(_main())
