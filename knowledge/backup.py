"""Backups: one archive of plain files with everything that staff keep; a restore answers as before, on any machine.

The archive (.tar.gz) holds backup.json (format, and the sha256 of every file), current, history.jsonl, changes.json (the
change sets), content/objects and content/snapshots, releases/<name>/*.json, and, unless left out, segments (the
indexes, which can be built again from the content). docs/publishing.md describes each.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import re
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from assistant.errors import KnowledgeError
from knowledge.atomic import write_whole
from knowledge.changes import Changes
from knowledge.content import Content, safe_name
from knowledge.release import releases, writing

FORMAT = 1
LARGEST = 64 * 2**30  # bytes of all files of an archive together
LARGEST_INDEX = 64 * 2**20  # bytes of backup.json
FILES = 5_000_000
RESERVE = 100 * 2**20  # bytes of the disk that stay free
# What an archive may hold; anything else is refused, whatever it is.
_ALLOWED = re.compile(
    r"backup\.json|current|history\.jsonl|changes\.json|content/objects/[0-9a-f]{2}/[0-9a-f]{64}|"
    r"content/snapshots/[0-9a-f]{64}\.json|releases/[\w-]{1,80}/(?:release|words|documents)\.json|"
    r"segments/[\w-]{1,80}/(?:[\w-]{1,40}/)?[\w.-]{1,60}"
)
_TABLES = ("changes", "items", "events")


def backup(data_folder: Path, file: Path, index: bool = True) -> int:
    """Write an archive of ``data_folder``; returns the number of files. Without ``index`` it is much smaller."""
    with writing(data_folder):
        kept = releases(data_folder)
        if not kept:
            raise KnowledgeError("Nothing has been published yet.", "There is nothing to back up.")
        content = Content(data_folder)
        names = {"current", *_history(data_folder)}
        segments = set()
        for release in kept:
            names |= {f"releases/{release.name}/{part}.json" for part in ("release", "words", "documents")}
            facts = json.loads((release.folder / "documents.json").read_text(encoding="utf-8"))
            segments |= {*facts["segments"], facts["referrals"]} - {""}
            for snapshot in {release.about.snapshot, release.about.corpus} - {""}:
                names.add(f"content/snapshots/{snapshot}.json")
                names |= {f"content/objects/{d[:2]}/{d}" for d in content.files(snapshot).values()}
        for segment in segments if index else ():
            folder = data_folder / "segments" / segment
            names |= {path.relative_to(data_folder).as_posix() for path in folder.rglob("*") if path.is_file()}
        # What Chroma keeps of a segment is made of its vectors again.
        names = {name for name in names if _ALLOWED.fullmatch(name)}
        changes = json.dumps(_changes(data_folder), ensure_ascii=False).encode()
        digests = {name: _digest(data_folder / name) for name in sorted(names)}
        digests["changes.json"] = hashlib.sha256(changes).hexdigest()
        facts = {"format": FORMAT, "created": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", "files": digests}
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary = file.with_name(f".{file.name}.{os.getpid()}")
        try:
            with tarfile.open(temporary, "w:gz", compresslevel=3) as archive:
                _add(archive, "backup.json", json.dumps(facts, indent=0).encode())
                _add(archive, "changes.json", changes)
                for name in sorted(names):
                    archive.add(data_folder / name, name, recursive=False, filter=_plain)
            os.replace(temporary, file)
        except OSError as error:
            raise KnowledgeError(
                f"{file} can't be written: {error.strerror or error}.", "Name a file where there is room."
            ) from error
        finally:
            temporary.unlink(missing_ok=True)
        return len(digests)


def restore(data_folder: Path, file: Path) -> str:
    """Take everything of an archive into ``data_folder``; returns the name of the release that answers then.

    Releases that are there stay. Every file is checked before anything is changed, and the swap is one step. Change
    sets are replaced by the archive's. Raises KnowledgeError for an archive that is broken or holds anything else.
    """
    with writing(data_folder), tempfile.TemporaryDirectory(prefix=".restore-", dir=data_folder) as name:
        folder = Path(name)
        digests = _extract(file, folder)
        for each, digest in digests.items():
            if not (folder / each).is_file() or _digest(folder / each) != digest:
                raise _broken(file, f"{each} is missing or was changed")
        current = (folder / "current").read_text(encoding="utf-8").strip()
        if not re.fullmatch(r"[\w-]{1,80}", current) or not (folder / "releases" / current / "release.json").exists():
            raise _broken(file, "the release that answered is not in it")
        for each in sorted(digests, key=_last):  # what says that something is whole comes after it
            if each.partition("/")[0] in ("content", "releases", "segments"):
                _move(folder / each, data_folder / each)
        _load_changes(data_folder, json.loads((folder / "changes.json").read_text(encoding="utf-8")), file)
        if "history.jsonl" in digests:
            write_whole(data_folder / "history.jsonl", (folder / "history.jsonl").read_bytes())
        write_whole(data_folder / "current", current.encode())
        return current


def export(content: Content, snapshot: str, folder: Path) -> int:
    """Write a state of the content as a corpus folder, into a folder that is empty or new; returns how many files."""
    if folder.exists() and any(folder.iterdir()):
        raise KnowledgeError(f"{folder} is not empty.", "Name a new folder.")
    files = content.files(snapshot)
    for name, digest in files.items():
        path = folder / safe_name(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.get(digest))
    return len(files)


def _extract(file: Path, folder: Path) -> dict[str, str]:
    """Unpack what may be in an archive, and nothing else; returns the digests that it promises."""
    total = count = 0
    room = min(LARGEST, shutil.disk_usage(folder).free - RESERVE)
    seen: set[str] = set()
    try:
        with tarfile.open(file, "r:gz") as archive:
            for member in archive:
                count += 1
                total += member.size
                # Links, devices, other paths, a name twice: no backup of ours has them.
                if not member.isreg() or not _ALLOWED.fullmatch(member.name) or ".." in member.name:
                    raise _broken(file, f"it holds {member.name[:80]!r}, which is no part of a backup")
                if member.name in seen or count > FILES or total > room:
                    raise _broken(file, "it holds more than there is room for, or something twice")
                if member.name == "backup.json" and member.size > LARGEST_INDEX:
                    raise _broken(file, "its list of files is too large")
                seen.add(member.name)
                source = archive.extractfile(member)
                assert source is not None  # noqa: S101
                target = folder / member.name
                target.parent.mkdir(parents=True, exist_ok=True)
                with source, target.open("xb") as out:
                    shutil.copyfileobj(source, out)
        facts = json.loads((folder / "backup.json").read_text(encoding="utf-8"))
        digests = cast("dict[str, str]", facts["files"])
        if facts["format"] != FORMAT or not isinstance(digests, dict):
            raise _broken(file, f"its format is {facts['format']}, not {FORMAT}")
    except (tarfile.TarError, EOFError, OSError, ValueError, KeyError, TypeError, gzip.BadGzipFile) as error:
        raise _broken(file, str(error) or type(error).__name__) from error
    if seen - {"backup.json"} != set(digests):
        raise _broken(file, "its list of files is not what it holds")
    return digests


def _broken(file: Path, why: str) -> KnowledgeError:
    return KnowledgeError(f"{file} is no whole backup: {why}.", "Nothing was changed. Try another backup.")


def _move(source: Path, target: Path) -> None:
    """Put a file in its place; contents and segments never change under their names."""
    if target.exists() and not target.name.endswith(".json"):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    os.replace(source, target)


def _last(name: str) -> int:
    return name.endswith("/segment.json") + 2 * name.startswith("releases/") + 2 * name.endswith("/release.json")


def _history(data_folder: Path) -> Iterator[str]:
    if (data_folder / "history.jsonl").exists():
        yield "history.jsonl"


def _changes(data_folder: Path) -> dict[str, list[dict[str, Any]]]:
    path = data_folder / "changes.db"
    if not path.exists():
        return {table: [] for table in _TABLES}
    db = sqlite3.connect(path, timeout=30)
    db.row_factory = sqlite3.Row
    try:
        db.execute("BEGIN")  # all tables of one moment
        return {table: [dict(row) for row in db.execute(f"SELECT * FROM {table}")] for table in _TABLES}  # noqa: S608
    finally:
        db.close()


def _load_changes(data_folder: Path, tables: dict[str, list[dict[str, Any]]], file: Path) -> None:
    Changes(data_folder, lambda path, card: None)  # makes the tables
    db = sqlite3.connect(data_folder / "changes.db", timeout=30, isolation_level=None)
    try:
        db.execute("BEGIN IMMEDIATE")
        for table in reversed(_TABLES):
            db.execute(f"DELETE FROM {table}")  # noqa: S608
        for table in _TABLES:
            known = {row[1] for row in db.execute(f"PRAGMA table_info({table})")}
            for row in tables[table]:
                if not set(row) <= known:
                    raise _broken(file, f"its change sets have {sorted(set(row) - known)}")
                marks = ", ".join("?" * len(row))
                db.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", tuple(row.values()))  # noqa: S608
        db.execute("COMMIT")
    except (sqlite3.Error, KeyError, TypeError, AttributeError) as error:
        raise _broken(file, f"its change sets can't be read ({error})") from error
    finally:
        db.close()


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    archive.addfile(member, io.BytesIO(data))


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Neither who owns the file here nor its rights belong into a backup."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode = 0o644
    return member
