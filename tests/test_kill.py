"""Killed at any moment, what answers is whole: the old release or the new one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

KILLS = 60  # `python -m tests.kill_publishing 1000` does more


@pytest.mark.slow
def test_killed_at_any_moment_a_whole_release_answers() -> None:
    root = Path(__file__).parent.parent
    command = [sys.executable, "-m", "tests.kill_publishing", str(KILLS)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert found["kills"] == KILLS
    assert found["old"] > 5  # else nothing was interrupted before the swap
    assert found["new"] > 5  # nor after it
    assert found["unfinished"] > KILLS // 2
