"""Load on the whole service: 200 chats at once over SSE, and five times as many as there is room for.

Starts `jiamenkou serve` with extractive answers on a data folder that has a release, and asks as clients of
OpenAI's service do. Only the server's speed is of interest, so the clients read bytes and no more.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evaluation.bench import QUESTIONS, say

SETS = ("factual", "colloquial", "blind_answerable", "later_answerable", "blind_unanswerable", "english")
SETTLE = 3.0  # seconds in which the clients begin
TEXT = b'"delta": {"content": '  # the first piece of the answer itself, not the role before it


@dataclass
class Outcome:
    """What clients saw; times in seconds."""

    first: list[float] = field(default_factory=list)  # until the first text
    whole: list[float] = field(default_factory=list)
    turned_away: int = 0  # 429 and 503, with Retry-After
    errors: list[str] = field(default_factory=list)


class Client:
    """One connection that is kept open."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._lines: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, question: str, outcome: Outcome) -> float:
        """Ask once, and count; returns the seconds after which the server wants to be asked again, 0 when answered."""
        body = json.dumps({"model": "xiaohu", "stream": True, "messages": [{"role": "user", "content": question}]})
        data = body.encode()
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: {self._host}\r\nContent-Type: application/json\r\n"
        began = time.perf_counter()
        try:
            if self._lines is None:
                self._lines = await asyncio.open_connection(self._host, self._port)
            reader, writer = self._lines
            writer.write(f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data)
            answer = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            status = int(answer.split(" ", 2)[1])
            if status in (429, 503):
                length = int(answer.partition("content-length:")[2].split("\r\n")[0])
                await reader.readexactly(length)
                outcome.turned_away += 1
                return float(answer.partition("retry-after:")[2].split("\r\n")[0])
            if status != 200:
                outcome.errors.append(f"status {status}")
                return 0.0
            first = 0.0
            seen = b""
            while b"data: [DONE]" not in seen[-64:] or not seen.endswith(b"0\r\n\r\n"):
                piece = await reader.read(65536)
                if not piece:
                    raise ConnectionError("closed in the middle")
                seen += piece
                if not first and TEXT in seen:
                    first = time.perf_counter() - began
            if not first or b'"finish_reason": "stop"' not in seen:
                outcome.errors.append("no whole answer")
                return 0.0
            outcome.first.append(first)
            outcome.whole.append(time.perf_counter() - began)
        except (OSError, asyncio.IncompleteReadError, ValueError, IndexError) as error:
            outcome.errors.append(f"{type(error).__name__}: {error}")
            self.close()
        return 0.0

    def close(self) -> None:
        """Hang up."""
        if self._lines is not None:
            self._lines[1].close()
            self._lines = None


async def chats(
    address: tuple[str, int],
    questions: Sequence[str],
    clients: int,
    seconds: float,
    think: float,
    seed: int = 1,
    settle: float = 0.0,
) -> Outcome:
    """``clients`` ask one question after the other for ``seconds``, reading about ``think`` seconds in between.

    They begin within the first ``settle`` seconds (or within the first pause), which don't count.
    """
    outcome, unsettled = Outcome(), Outcome()
    counts = time.monotonic() + settle
    ends = counts + seconds

    async def one(number: int) -> None:
        chance = random.Random(seed * 10_000 + number)
        client = Client(*address)
        await asyncio.sleep(chance.random() * max(think, settle / 2))
        while (now := time.monotonic()) < ends:
            again = await client.ask(chance.choice(questions), outcome if now >= counts else unsettled)
            pause = again * (1 + 0.5 * chance.random()) if again else think * (0.5 + chance.random())
            await asyncio.sleep(min(pause, max(0.0, ends - time.monotonic())))
        client.close()

    await asyncio.gather(*(one(number) for number in range(clients)))
    outcome.errors += unsettled.errors
    return outcome


def percentile(values: Sequence[float], share: float) -> float:
    """The value that ``share`` of ``values`` don't exceed; NaN without any."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)] if ordered else math.nan


def figures(outcome: Outcome, seconds: float) -> dict[str, Any]:
    """An outcome as figures for people."""
    return {
        "answers": len(outcome.first),
        "answers_per_second": round(len(outcome.first) / seconds, 1),
        "errors": len(outcome.errors),
        "turned_away": outcome.turned_away,
        "first_text_p50": round(percentile(outcome.first, 0.5), 3),
        "first_text_p95": round(percentile(outcome.first, 0.95), 3),
        "first_text_max": round(max(outcome.first, default=math.nan), 3),
        "whole_p95": round(percentile(outcome.whole, 0.95), 3),
    }


def read_questions() -> list[str]:
    """Different questions of the evaluation's sets."""
    found: dict[str, None] = {}
    for name in SETS:
        for line in (QUESTIONS / f"{name}.jsonl").read_text(encoding="utf-8").splitlines():
            found[json.loads(line)["q"]] = None
    return list(found)


@dataclass(frozen=True)
class Served:
    """A server that runs."""

    address: tuple[str, int]
    process: int

    def cpu(self) -> float:
        """Seconds of processor time it has used, on all cores."""
        fields = Path(f"/proc/{self.process}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def server(**options: str) -> Iterator[Served]:
    """`jiamenkou serve` as a process of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    environment = {**os.environ, "JIAMENKOU_PORT": str(port), "JIAMENKOU_ENGINE": "extractive", "JIAMENKOU_LLM": "none"}
    environment |= {"JIAMENKOU_VOICE": "none", "JIAMENKOU_PREPARE_SPEECH": "false", "JIAMENKOU_LOG_LEVEL": "error"}
    environment |= {"JIAMENKOU_ASKS_PER_MINUTE": "100000000", "JIAMENKOU_ADDRESS_REQUESTS_AT_ONCE": "100000", **options}
    command = [sys.executable, "-c", "from assistant.cli import main; main()", "serve"]
    process = subprocess.Popen(command, env=environment)
    try:
        deadline = time.monotonic() + 90
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit("The server did not start: see above.")
            time.sleep(0.2)
        yield Served(("127.0.0.1", port), process.pid)
    finally:
        process.terminate()
        process.wait(20)


def main() -> None:
    """Run both loads and print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--think", type=float, default=5.0, help="seconds between an answer and the next question")
    parser.add_argument("--room", type=int, default=40, help="turns inside, for the overload")
    parser.add_argument("-o", "--output", type=Path)
    arguments = parser.parse_args()
    questions = read_questions()
    results: dict[str, Any] = {"questions": len(questions), "cores": os.cpu_count(), "load": os.getloadavg()[0]}

    def run(served: Served, clients: int, seconds: float, think: float, seed: int = 1) -> dict[str, Any]:
        began = served.cpu()
        outcome = asyncio.run(chats(served.address, questions, clients, seconds, think, seed, settle=SETTLE))
        used = (served.cpu() - began) * seconds / (seconds + SETTLE)
        for error in sorted(set(outcome.errors))[:5]:
            say(f"error: {error}")
        per_answer = round(1000 * used / max(1, len(outcome.first)), 1)
        return {**figures(outcome, seconds), "server_cores": round(used / seconds, 2), "cpu_ms_per_answer": per_answer}

    with server() as served:
        run(served, 4, 3.0, 0.0)  # warm
        results["chats"] = run(served, arguments.clients, arguments.seconds, arguments.think)
        say(json.dumps(results["chats"]))
        results["no_pause"] = run(served, arguments.clients, arguments.seconds / 2, 0.0, 2)
        say(json.dumps(results["no_pause"]))
    with server(JIAMENKOU_TURNS_WAITING=str(arguments.room - 4)) as served:
        run(served, arguments.room, 8.0, 0.0)  # warm
        results["full"] = run(served, arguments.room, arguments.seconds / 2, 0.0, 3)
        say(json.dumps(results["full"]))
        results["five_times"] = run(served, 5 * arguments.room, arguments.seconds / 2, 0.0, 4)
        say(json.dumps(results["five_times"]))
    text = json.dumps(results, ensure_ascii=False, indent=2)
    if arguments.output:
        arguments.output.write_text(text + "\n", encoding="utf-8")
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
