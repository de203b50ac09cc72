"""Taking in within a process of its own: progress, stopping, time, memory, and what a crash leaves."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from assistant.contracts import Document
from assistant.errors import IntakeCancelled, IntakeError
from knowledge.intake import process
from knowledge.intake.limits import Limits
from knowledge.intake.process import take_in
from knowledge.passages import document_passages
from tests.knowledge.intake.builders import NOTICE, pdf


def workers() -> set[str]:
    """Processes of taking in that are alive."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if b"knowledge.intake.worker" in (folder / "cmdline").read_bytes():
                found.add(folder.name)
        except OSError:
            continue
    return found


def test_three_hundred_pages_with_progress(tmp_path: Path) -> None:
    page = [f"第{n}条内容，社区食堂每天开放，欢迎老年人前来就餐。" for n in range(3)]
    file = tmp_path / "长文件.pdf"
    file.write_bytes(pdf([page] * 300))
    seen: list[tuple[int, int, str]] = []
    intake = take_in(file, progress=lambda *report: seen.append(report))
    assert intake.pages == 300
    pages = [done for done, of_all, unit in seen if unit == "页"]
    assert pages == sorted(pages)
    assert pages[-1] == 300
    assert len(pages) >= 3
    assert all(of_all == 300 for _, of_all, unit in seen if unit == "页")


def test_published_passages_reach_the_worker() -> None:
    published = document_passages(Document(id="p", title="已发布"), "老年人午餐每份10元。\n")[0]
    intake = take_in("老年人午餐每份12元。\n".encode(), "a.txt", published=published)
    assert [(c.value, c.published_value) for c in intake.contradictions] == [("12元", "10元")]


def test_stopping_ends_the_worker_at_once() -> None:
    before = workers()
    data = pdf([NOTICE] * 200)
    started = time.monotonic()
    with pytest.raises(IntakeCancelled):
        take_in(data, "a.pdf", cancelled=lambda: time.monotonic() - started > 0.5)
    assert time.monotonic() - started < 3
    assert workers() <= before


def test_too_slow_is_stopped() -> None:
    before = workers()
    with pytest.raises(IntakeError) as caught:
        take_in(pdf([NOTICE] * 200), "a.pdf", limits=Limits(seconds=0.3))
    assert caught.value.code == "too_slow"
    assert "请" in caught.value.hint
    assert workers() <= before


def test_too_much_memory_is_a_message() -> None:
    text = ("社区食堂每天开放。" * 20 + "\n") * 4_000
    with pytest.raises(IntakeError) as caught:
        take_in(text.encode(), "a.txt", limits=Limits(memory_mib=200, characters=50_000_000))
    assert caught.value.code in ("too_big", "crashed")
    assert "请" in caught.value.hint


def test_a_worker_that_dies_is_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    started = process.subprocess.Popen

    def dying(command: list[str], **how: object) -> object:
        return started([command[0], "-c", "import os; os.kill(os.getpid(), 11)"], **how)  # type: ignore[call-overload]

    monkeypatch.setattr(process.subprocess, "Popen", dying)
    with pytest.raises(IntakeError) as caught:
        take_in(b"x", "a.txt")
    assert caught.value.code == "crashed"


def test_the_worker_knows_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JIAMENKOU_LLM_API_KEY", "secret")
    seen: dict[str, object] = {}
    started = process.subprocess.Popen

    def watching(command: list[str], **how: object) -> object:
        seen.update(how["env"])  # type: ignore[call-overload]
        return started(command, **how)  # type: ignore[call-overload]

    monkeypatch.setattr(process.subprocess, "Popen", watching)
    assert take_in("通知：食堂开放。\n".encode(), "a.txt").body
    assert seen["PATH"] == os.environ["PATH"]
    assert "secret" not in seen.values()


def test_refusals_come_back_whole(tmp_path: Path) -> None:
    with pytest.raises(IntakeError) as caught:
        take_in(b"MZ\x90\x00", "a.docx")
    assert caught.value.code == "unsupported"
    with pytest.raises(IntakeError):
        take_in(tmp_path / "nothing.txt")
    with pytest.raises(IntakeError):
        take_in(tmp_path, "folder")
