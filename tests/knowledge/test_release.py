"""Releases: whole or not at all, one writer, unchanged is quick, and back again."""

from __future__ import annotations

import errno
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from assistant.contracts import Corpus, Passage
from assistant.errors import BusyError, KnowledgeError
from knowledge.release import Release, current, forget_current, publish, releases, roll_back, writing


class Part:
    """Writes one file, or fails in the middle."""

    name = "part"
    identity = "part-1"

    def __init__(self, fail: BaseException | None = None) -> None:
        self.fail = fail

    def build(self, corpus: Corpus, folder: Path) -> None:
        (folder / "half").write_text("half")
        if self.fail:
            raise self.fail
        (folder / "whole").write_text("whole")

    def merge(self, parts: Sequence[tuple[Path, Any]], folder: Path) -> None:
        (folder / "whole").write_text("whole")


def corpus(text: str) -> Corpus:
    passage = Passage(id="a#1", kind="sentence", doc="a", title="A", text=text)
    return Corpus(documents=(), passages=(passage,), digest=text)


def left(data: Path) -> set[Release]:
    """The releases that are kept, when there is nothing else on the disk: no half release, no segment of nobody."""
    kept = set(releases(data))
    named = {segment.name for release in kept for segment in release.shelf().segments}
    assert {folder.name for folder in (data / "segments").iterdir()} == named
    assert {folder.name for folder in (data / "releases").iterdir()} == {release.name for release in kept}
    return kept


def test_a_full_disk_leaves_the_old_release(tmp_path: Path) -> None:
    old, new = publish(corpus("old"), [Part()], tmp_path)
    assert new
    with pytest.raises(KnowledgeError, match="room"):
        publish(corpus("new"), [Part(OSError(errno.ENOSPC, "No space left on device"))], tmp_path)
    assert current(tmp_path) == old
    assert left(tmp_path) == {old}


@pytest.mark.parametrize("failure", [RuntimeError("bug"), KeyboardInterrupt(), MemoryError()])
def test_any_failure_leaves_the_old_release(tmp_path: Path, failure: BaseException) -> None:
    old, _ = publish(corpus("old"), [Part()], tmp_path)
    with pytest.raises(type(failure)):
        publish(corpus("new"), [Part(failure)], tmp_path)
    assert current(tmp_path) == old
    assert releases(tmp_path) == [old]
    assert left(tmp_path) == {old}
    new, _ = publish(corpus("new"), [Part()], tmp_path)  # the lock was given back
    assert current(tmp_path) == new


@pytest.mark.parametrize("at", ["release.json", "current"])
def test_a_disk_that_fills_at_the_last_file(tmp_path: Path, at: str, monkeypatch: pytest.MonkeyPatch) -> None:
    old, _ = publish(corpus("old"), [Part()], tmp_path)
    replace = os.replace

    def full(source: Path, target: Path) -> None:
        if target.name == at:
            raise OSError(errno.ENOSPC, "No space left on device")
        replace(source, target)

    monkeypatch.setattr("knowledge.release.os.replace", full)
    with pytest.raises(KnowledgeError, match="room"):
        publish(corpus("new"), [Part()], tmp_path)
    assert current(tmp_path) == old
    assert {path.name for path in tmp_path.iterdir()} == {
        *("releases", "segments", "current", "writer.lock", "history.jsonl")
    }
    assert left(tmp_path) == {old}


def test_an_interruption_after_the_swap_keeps_what_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(corpus("old"), [Part()], tmp_path)
    replace = os.replace

    def interrupted(source: Path, target: Path) -> None:
        replace(source, target)
        if target.name == "current":
            raise KeyboardInterrupt

    monkeypatch.setattr("knowledge.release.os.replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        publish(corpus("new"), [Part()], tmp_path)
    now = current(tmp_path)
    assert now is not None
    assert now.corpus().passages[0].text == "new"


def test_rebuilding_at_once_keeps_a_release_answering(tmp_path: Path) -> None:
    old, _ = publish(corpus("same"), [Part()], tmp_path)
    forget_current(tmp_path)
    again, new = publish(corpus("same"), [Part()], tmp_path)
    assert new
    assert again.name != old.name
    assert current(tmp_path) == again
    assert all((segment.part("part") / "whole").exists() for segment in again.shelf().segments)
    assert not {s.name for s in again.shelf().segments} & {s.name for s in old.shelf().segments}


def test_what_a_killed_publishing_left_is_swept(tmp_path: Path) -> None:
    (tmp_path / "releases" / "half" / "part").mkdir(parents=True)
    assert current(tmp_path) is None
    assert releases(tmp_path) == []
    publish(corpus("new"), [Part()], tmp_path)
    assert not (tmp_path / "releases" / "half").exists()


def test_unchanged_is_not_built_again(tmp_path: Path) -> None:
    first, _ = publish(corpus("same"), [Part()], tmp_path)
    again, new = publish(corpus("same"), [Part(AssertionError("built again"))], tmp_path)
    assert (again, new) == (first, False)


def test_a_second_writer_is_told_who_writes(tmp_path: Path) -> None:
    (tmp_path / "writer.pid").write_text("4711")
    with FileLock(tmp_path / "writer.lock"), pytest.raises(BusyError, match="4711"):
        publish(corpus("x"), [Part()], tmp_path)
    assert current(tmp_path) is None


HOLD = """
import sys
from pathlib import Path
from knowledge.release import writing
with writing(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_another_process_writing_is_named(tmp_path: Path) -> None:
    old, _ = publish(corpus("old"), [Part()], tmp_path)
    root = Path(__file__).parent.parent.parent
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        for write in (lambda: publish(corpus("new"), [Part()], tmp_path), lambda: roll_back(tmp_path, old.name)):
            with pytest.raises(BusyError, match=str(holder.pid)):
                write()
        assert current(tmp_path) == old
        holder.kill()
        holder.wait()
        with writing(tmp_path):  # a dead writer holds nothing
            pass


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
print("go", flush=True)
publish(corpus(sys.argv[2]), [Slow()], Path(sys.argv[1]))
"""


def test_killed_at_any_moment_it_is_whole(tmp_path: Path) -> None:
    before, _ = publish(corpus("old"), [Part()], tmp_path)
    chance, root, kept = random.Random(3), Path(__file__).parent.parent.parent, 0
    for number in range(20):
        with subprocess.Popen(
            [sys.executable, "-c", SCRIPT, str(tmp_path), f"new{number}"], cwd=root, stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep((number + chance.random()) * 0.008)  # building takes about 0.1 s
            os.kill(process.pid, signal.SIGKILL)
        now = current(tmp_path)
        assert now is not None
        if now == before:
            kept += 1
        else:
            assert now.corpus().passages[0].text == f"new{number}"
            assert [len(list(segment.part("part").iterdir())) for segment in now.shelf().segments] == [30]
        before = now
    assert kept > 3  # else nothing was interrupted
    last, new = publish(corpus("last"), [Part()], tmp_path)  # no lock and no half folder is left
    assert new
    assert last in left(tmp_path)
    assert current(tmp_path) == last
