"""The command line: one clear message for each mistake, and answers on standard output."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

ROOT = Path(__file__).parent.parent


def run(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    import os

    return subprocess.run(
        [sys.executable, "-c", "from assistant.cli import main; main()", *arguments],
        cwd=ROOT,
        env=os.environ | {"JIAMENKOU_DATA_FOLDER": str(data)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.real
@pytest.mark.slow
def test_asking_publishes_first_and_answers(tmp_path: Path) -> None:
    batch = tmp_path / "in.jsonl"
    batch.write_text(
        json.dumps({"id": "a", "turns": ["养老床位有多少张？", "那认知障碍的呢？", "加装电梯要多少钱？", ""]}) + "\n",
        encoding="utf-8",
    )
    done = run(
        tmp_path / "data", "ask", "--batch", str(batch), "-o", str(tmp_path / "out.jsonl"), "--engine", "extractive"
    )
    assert done.returncode == 0, done.stderr
    line = json.loads((tmp_path / "out.jsonl").read_text(encoding="utf-8"))
    answers = line["answers"]
    assert line["id"] == "a"
    assert "17.8万" in answers[0]["answer"]
    assert "1.5万" in answers[1]["answer"]
    assert [a["refused"] for a in answers] == [False, False, True, True]
    assert answers[0]["citations"][0]["article"] == 14
    assert "17.8万张" in answers[0]["citations"][0]["quote"]


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["ask"], "--batch"),
        (["ask", "x", "--engine", "magic"], "extractive"),
        (["ask", "--batch", "/nonexistent"], "UTF-8"),
    ],
)
def test_mistakes_get_one_clear_message(tmp_path: Path, arguments: list[str], word: str) -> None:
    done = run(tmp_path, *arguments)
    assert done.returncode != 0
    assert word in done.stderr
    assert "Traceback" not in done.stderr


def test_a_second_server_is_told_so(tmp_path: Path) -> None:
    from assistant.errors import BusyError
    from assistant.serve import run as serve
    from assistant.settings import Settings

    with FileLock(tmp_path / "server.lock"), pytest.raises(BusyError, match="Another server"):
        serve(Settings(data_folder=tmp_path), lambda _: None)
