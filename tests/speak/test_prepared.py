from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from assistant.errors import SpeakError
from assistant.speak.fake import FakeVoice
from assistant.speak.prepared import PreparedStore

CLAUSES = ["根据行动方案第十四条，", "新增养老床位17.8万张。", "请拨打12345。"]


def quiet(done: int, total: int) -> None:
    pass


async def test_what_was_prepared_is_found_as_it_was_spoken(tmp_path: Path) -> None:
    voice = FakeVoice()
    store = PreparedStore(voice, tmp_path)
    seen: list[tuple[int, int]] = []
    assert store.find(CLAUSES[1]) is None
    assert await store.prepare(CLAUSES, lambda done, total: seen.append((done, total))) == 3
    assert seen[-1] == (3, 3)
    fresh = PreparedStore(voice, tmp_path)
    found = fresh.find(CLAUSES[1])
    spoken = await voice.speak(CLAUSES[1])
    assert found is not None
    assert found.prepared
    assert found.text == CLAUSES[1]
    assert (found.visemes, found.marks, found.voice) == (spoken.visemes, spoken.marks, spoken.voice)
    assert float(np.abs(found.sound - spoken.sound).max()) < 1e-4


async def test_nothing_is_made_twice_and_a_stopped_run_goes_on(tmp_path: Path) -> None:
    breaking = FakeVoice(fails_after=2)
    with pytest.raises(SpeakError):
        await PreparedStore(breaking, tmp_path).prepare(CLAUSES, quiet)
    voice = FakeVoice()
    assert await PreparedStore(voice, tmp_path).prepare(CLAUSES, quiet) == 1
    assert voice.spoken == [CLAUSES[2]]
    assert await PreparedStore(voice, tmp_path).prepare(CLAUSES, quiet) == 0


async def test_speed_voice_and_words_each_make_another_clip(tmp_path: Path) -> None:
    store = PreparedStore(FakeVoice(), tmp_path, speeds=(1.0, 0.8))
    assert await store.prepare(CLAUSES[:1], quiet) == 2
    slow = store.find(CLAUSES[0], 0.8)
    usual = store.find(CLAUSES[0])
    assert slow is not None
    assert usual is not None
    assert len(slow.sound) > len(usual.sound)
    assert store.find(CLAUSES[0], 1.2) is None
    assert PreparedStore(FakeVoice("other"), tmp_path).find(CLAUSES[0]) is None


@pytest.mark.parametrize("harm", ["empty", "cut", "flipped", "foreign"])
async def test_a_broken_file_is_never_played_and_is_made_anew(tmp_path: Path, harm: str) -> None:
    voice = FakeVoice()
    await PreparedStore(voice, tmp_path).prepare(CLAUSES[:1], quiet)
    (path,) = tmp_path.rglob("*.clip")
    content = bytearray(path.read_bytes())
    if harm == "flipped":
        content[len(content) // 2] ^= 1
    changed = {"empty": b"", "cut": bytes(content[:-9]), "flipped": bytes(content), "foreign": b"x" * 500}[harm]
    path.write_bytes(changed)
    store = PreparedStore(voice, tmp_path)
    assert store.find(CLAUSES[0]) is None
    assert await store.prepare(CLAUSES[:1], quiet) == 1
    assert store.find(CLAUSES[0]) is not None


async def test_find_is_quick_and_memory_is_bounded(tmp_path: Path) -> None:
    clauses = [f"第{number}条推进社区嵌入式服务设施建设。" for number in range(1, 21)]
    await PreparedStore(FakeVoice(), tmp_path).prepare(clauses, quiet)
    store = PreparedStore(FakeVoice(), tmp_path, kept=5)
    store.find("别的")
    taken = []
    for clause in clauses:
        began = time.perf_counter()
        assert store.find(clause) is not None
        taken.append(time.perf_counter() - began)
    assert sorted(taken)[10] < 0.005
    assert len(store._memory) == 5


async def test_a_folder_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    with pytest.raises(SpeakError):
        await PreparedStore(FakeVoice(), blocked / "clips").prepare(CLAUSES, quiet)


async def test_a_silent_clause_is_kept_too(tmp_path: Path) -> None:
    store = PreparedStore(FakeVoice(), tmp_path)
    assert await store.prepare(["[1]"], quiet) == 1
    found = PreparedStore(FakeVoice(), tmp_path).find("[1]")
    assert found is not None
    assert len(found.sound) == 0
