"""Releases: whole or not at all, one writer, unchanged is quick, and back again."""

from __future__ import annotations

import errno
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from filelock import FileLock

from assistant.contracts import Corpus, Passage
from assistant.errors import BusyError, KnowledgeError
from knowledge.release import current, publish, releases, roll_back


class Part:
    """Writes one file, or fails in the middle."""

    name = "part"
    identity = "part-1"

    def __init__(self, fail: Exception | None = None) -> None:
        self.fail = fail

    def build(self, corpus: Corpus, folder: Path) -> None:
        (folder / "half").write_text("half")
        if self.fail:
            raise self.fail
        (folder / "whole").write_text("whole")


def corpus(text: str) -> Corpus:
    passage = Passage(id="a#1", kind="sentence", doc="a", title="A", text=text)
    return Corpus(documents=(), passages=(passage,), digest=text)


def test_a_full_disk_leaves_the_old_release(tmp_path: Path) -> None:
    old, new = publish(corpus("old"), [Part()], tmp_path)
    assert new
    with pytest.raises(KnowledgeError, match="room"):
        publish(corpus("new"), [Part(OSError(errno.ENOSPC, "No space left on device"))], tmp_path)
    assert current(tmp_path) == old
    assert [folder.name for folder in (tmp_path / "releases").iterdir()] == [old.name]


def test_unchanged_is_not_built_again(tmp_path: Path) -> None:
    first, _ = publish(corpus("same"), [Part()], tmp_path)
    again, new = publish(corpus("same"), [Part(AssertionError("built again"))], tmp_path)
    assert (again, new) == (first, False)


def test_a_second_writer_is_told_who_writes(tmp_path: Path) -> None:
    (tmp_path / "writer.pid").write_text("4711")
    with FileLock(tmp_path / "writer.lock"), pytest.raises(BusyError, match="4711"):
        publish(corpus("x"), [Part()], tmp_path)
    assert current(tmp_path) is None


def test_rolling_back(tmp_path: Path) -> None:
    first, _ = publish(corpus("one"), [Part()], tmp_path)
    time.sleep(1.1)  # names have seconds
    second, _ = publish(corpus("two"), [Part()], tmp_path)
    assert [r.name for r in releases(tmp_path)] == [second.name, first.name]
    assert roll_back(tmp_path, first.name).corpus().passages[0].text == "one"
    assert current(tmp_path) == first
    with pytest.raises(KnowledgeError, match=second.name):
        roll_back(tmp_path, "nonsense")


SCRIPT = """
import sys, time
from pathlib import Path
from tests.knowledge.test_release import Part, corpus
from knowledge.release import publish
class Slow(Part):
    def build(self, c, folder):
        for n in range(30):
            (folder / str(n)).write_text("x" * 1000); time.sleep(0.003)
publish(corpus("new"), [Slow()], Path(sys.argv[1]))
"""


def test_killed_at_any_moment_it_is_whole(tmp_path: Path) -> None:
    old, _ = publish(corpus("old"), [Part()], tmp_path)
    chance, root = random.Random(3), Path(__file__).parent.parent.parent
    for _ in range(8):
        process = subprocess.Popen([sys.executable, "-c", SCRIPT, str(tmp_path)], cwd=root)
        time.sleep(0.25 + chance.random() * 0.5)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        now = current(tmp_path)
        assert now is not None
        assert now.corpus().passages[0].text in ("old", "new")
        if now.name != old.name:
            assert len(list(now.part("part").iterdir())) == 30
            roll_back(tmp_path, old.name)
