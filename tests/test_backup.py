"""Backup, restore, export, import: another machine answers identically, and no archive does harm."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from assistant.errors import KnowledgeError
from assistant.main_publish import Publisher
from assistant.retrieve.embedder import FakeEmbedder
from assistant.settings import Settings
from knowledge.backup import backup, export, restore
from knowledge.release import current, head, history, releases
from tests.publishing import NOTICE, approved, publish, site
from tests.test_publishing import answers


def files(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def machine(folder: Path) -> Publisher:
    """Another machine, on which nothing was ever published."""
    config = Settings(_env_file=None, data_folder=folder / "data", corpus_folder=folder / "none")  # type: ignore[call-arg]
    return Publisher(config, FakeEmbedder())


@pytest.mark.parametrize("index", [True, False])
async def test_a_restore_on_another_machine_answers_identically(tmp_path: Path, index: bool) -> None:
    publisher = site(tmp_path / "one")
    first = current(publisher.data)
    assert first is not None
    was = await answers(publisher)
    publish(publisher, ("notice.md", NOTICE), ("departments.yaml", "市民政局: [民政管理处]\n"))
    draft = publisher.changes.create("wang", "一份草稿")
    publisher.changes.put(draft.id, "wang", "x.md", "草稿\n", None)
    assert backup(publisher.data, tmp_path / "b.tar.gz", index) > 10
    now = await answers(publisher)
    assert now != was
    other = machine(tmp_path / "two")
    release = other.restore(tmp_path / "b.tar.gz")
    assert await answers(other) == now
    assert history(other.data)[:2] == history(publisher.data)
    assert other.changes.get(draft.id) == publisher.changes.get(draft.id)
    assert {r.name for r in releases(publisher.data)} <= {r.name for r in releases(other.data)}
    other.roll_back(first.name)  # with its index, or building it again
    assert await answers(other) == was
    other.roll_back(release.name)
    publish(other, ("notice.md", None))  # and work goes on there


def test_a_restore_keeps_what_is_there(tmp_path: Path) -> None:
    publisher = site(tmp_path)
    backup(publisher.data, tmp_path / "b.tar.gz")
    old = current(publisher.data)
    later = publish(publisher, ("notice.md", NOTICE))
    publisher.restore(tmp_path / "b.tar.gz")
    assert current(publisher.data) == old
    publisher.roll_back(later.name)
    assert publisher.text("notice.md") == NOTICE


def test_a_full_disk_leaves_no_half_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publisher = site(tmp_path)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("knowledge.backup.tarfile.TarFile.add", full)
    with pytest.raises(KnowledgeError, match="No space left"):
        backup(publisher.data, tmp_path / "out" / "b.tar.gz")
    assert list((tmp_path / "out").iterdir()) == []


def _link(archive: tarfile.TarFile) -> None:
    member = tarfile.TarInfo("content/objects/aa/" + "a" * 64)
    member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
    archive.addfile(member)


def _named(name: str, data: bytes = b"x") -> Callable[[tarfile.TarFile], None]:
    def add(archive: tarfile.TarFile) -> None:
        member = tarfile.TarInfo(name)
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))

    return add


def _huge(archive: tarfile.TarFile) -> None:
    member = tarfile.TarInfo("segments/a/vectors.npy")
    member.size = 2**45
    archive.fileobj.write(member.tobuf())  # type: ignore[union-attr]
    archive.offset += 512


@pytest.mark.parametrize(
    "hostile",
    [
        _named("../../evil"),
        _named("/tmp/evil"),
        _named("content/../../evil"),
        _named("releases/../evil/release.json"),
        _named("writer.lock"),
        _named("content/objects/aa/" + "a" * 64),
        _named("current"),
        _named("backup.json", b"[]"),
        _link,
        _huge,
    ],
)
def test_hostile_archives_change_nothing(tmp_path: Path, hostile: Callable[[tarfile.TarFile], None]) -> None:
    publisher = site(tmp_path / "site")
    good, bad = tmp_path / "good.tar.gz", tmp_path / "bad.tar.gz"
    backup(publisher.data, good)
    before = files(publisher.data)
    with tarfile.open(good) as source, tarfile.open(bad, "w:gz") as out:
        for member in source:
            out.addfile(member, source.extractfile(member))
        hostile(out)
    with pytest.raises(KnowledgeError, match="no whole backup"):
        restore(publisher.data, bad)
    assert files(publisher.data) == before
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("part", ["cut", "changed", "text", "format", "release", "changes"])
def test_broken_archives_change_nothing(tmp_path: Path, part: str) -> None:
    publisher = site(tmp_path / "site")
    publisher.changes.create("wang", "t")
    good, bad = tmp_path / "good.tar.gz", tmp_path / "bad.tar.gz"
    backup(publisher.data, good)
    if part == "cut":
        bad.write_bytes(good.read_bytes()[: good.stat().st_size // 2])
    elif part == "text":
        bad.write_text("no archive")
    else:
        with tarfile.open(good) as source:
            held = {m.name: source.extractfile(m).read() for m in source}  # type: ignore[union-attr]
        facts = json.loads(held["backup.json"])
        if part == "changed":
            held[next(name for name in held if name.startswith("content/objects"))] += b" "
        elif part == "format":
            facts["format"] = 99
        elif part == "release":
            held["current"] = b"../../elsewhere"
            facts["files"]["current"] = hashlib.sha256(held["current"]).hexdigest()
        else:
            held["changes.json"] = b'{"changes": [{"evil) VALUES (1); --": 1}], "items": [], "events": []}'
            facts["files"]["changes.json"] = hashlib.sha256(held["changes.json"]).hexdigest()
        held["backup.json"] = json.dumps(facts).encode()
        with tarfile.open(bad, "w:gz") as out:
            for name, data in held.items():
                _named(name, data)(out)
    now = current(publisher.data)
    with pytest.raises(KnowledgeError, match="no whole backup"):
        restore(publisher.data, bad)
    assert current(publisher.data) == now
    assert [change.title for change in publisher.changes.all()] == ["t"]
    assert not [path for path in publisher.data.iterdir() if path.name.startswith(".restore")]


def test_what_is_exported_is_imported_elsewhere(tmp_path: Path) -> None:
    publisher = site(tmp_path / "one")
    publish(publisher, ("notice.md", NOTICE), ("synonyms.yaml", "- [老年助餐, 饭堂]\n"))
    folder = tmp_path / "out"
    assert export(publisher.content, head(publisher.data).snapshot, folder) == 4
    assert (folder / "notice.md").read_text("utf-8") == NOTICE
    with pytest.raises(KnowledgeError, match="not empty"):
        export(publisher.content, head(publisher.data).snapshot, folder)
    assert publisher.import_folder(folder, "wang") is None
    other = site(tmp_path / "two")
    change = other.import_folder(folder, "wang")
    assert change is not None
    assert [(item.path, item.base) for item in change.items] == [("notice.md", None), ("synonyms.yaml", None)]
    other.changes.submit(change.id, "wang")
    other.changes.approve(change.id, "li")
    other.publish_change(change.id, "li")
    assert other.content.files(head(other.data).snapshot) == publisher.content.files(head(publisher.data).snapshot)
    (folder / "notice.md").unlink()
    (folder / "plan.md").write_bytes(b"\0\0")
    with pytest.raises(KnowledgeError, match=r"plan\.md"):
        other.import_folder(folder, "wang")
    approved(other, ("notice.md", None))  # nothing of the failed import is in the way
