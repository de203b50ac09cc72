"""Where files come from by themselves: a watched folder, a Git repository. They are only read."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from assistant.errors import IntakeError
from knowledge.atomic import write_whole
from knowledge.intake.limits import MIB

SUFFIXES = frozenset(".md .markdown .txt .html .htm .docx .pdf .xlsx .csv .tsv".split())
MOST_FILES = 10_000
AT_ONCE = 20  # files of one look
LOAD = 100 * MIB  # bytes of one look, held in memory
_SETTLED = 2.0  # seconds without a change after which a file counts as written whole


@dataclass(frozen=True)
class FoundFile:
    """A file that is new or has changed since it was last acknowledged."""

    name: str  # path below the source, with /
    data: bytes
    version: str  # sha256 of the content; with Git, the commit


@dataclass(frozen=True)
class Poll:
    """What one look at a source gave. ``problems`` are Chinese, for staff."""

    found: tuple[FoundFile, ...] = ()
    gone: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


def is_full(found: list[FoundFile]) -> bool:
    """Whether one look has given enough; the rest is found by the next."""
    return len(found) >= AT_ONCE or sum(len(file.data) for file in found) >= LOAD


class Source(Protocol):
    """Something that is looked at again and again and never written."""

    def poll(self) -> Poll:
        """New and changed files, at most a few at a time, and those that are gone."""
        ...

    def acknowledge(self, name: str, version: str) -> None:
        """``name`` was dealt with in this version: it is not found again until it changes."""
        ...


class Memory:
    """What was dealt with, by name, in one JSON file that is replaced whole."""

    def __init__(self, file: Path) -> None:
        self._file = file
        try:
            known = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            known = {}
        self.versions: dict[str, str] = known if isinstance(known, dict) else {}

    def keep(self, name: str, version: str | None) -> None:
        """Remember a version of a name, or forget the name."""
        if version is None:
            self.versions.pop(name, None)
        else:
            self.versions[name] = version
        write_whole(self._file, json.dumps(self.versions, ensure_ascii=False, indent=0).encode(), durable=False)


class WatchedFolder:
    """Files below a folder. Links are not followed, hidden files and other kinds are left alone."""

    def __init__(self, folder: Path, memory: Path, largest: int = 50 * MIB) -> None:
        self._folder, self._largest = folder, largest
        self._memory = Memory(memory)
        self._looked: dict[str, tuple[int, int, str]] = {}  # size, time of change, version: read once
        self._gone: set[str] = set()

    def poll(self) -> Poll:
        """New and changed files that nobody is writing at this moment."""
        if not self._folder.is_dir():
            return Poll(problems=(f"找不到要看的文件夹：{self._folder}。请检查设置，或者确认共享盘已经连上。",))
        found: list[FoundFile] = []
        problems: list[str] = []
        seen: set[str] = set()
        for count, (name, path) in enumerate(self._files()):
            if count >= MOST_FILES:
                problems.append(f"文件夹里超过 {MOST_FILES} 个文件，后面的没有看。请把不用的移走。")
                break
            seen.add(name)
            if is_full(found):
                continue
            try:
                one = self._read(name, path)
            except OSError as error:
                problems.append(f"“{name}”读不了：{error.strerror}。请检查权限。")
                continue
            except IntakeError as error:
                problems.append(f"“{name}”：{error}")
                continue
            if one is not None:
                found.append(one)
        gone = tuple(sorted(set(self._memory.versions) - seen)) if not problems else ()
        for name in gone:
            self._memory.keep(name, None)
        return Poll(tuple(found), gone, tuple(problems))

    def acknowledge(self, name: str, version: str) -> None:
        """Dealt with in this version."""
        self._memory.keep(name, version)

    def _files(self) -> Iterator[tuple[str, Path]]:
        for folder, folders, names in os.walk(self._folder, followlinks=False):
            folders[:] = sorted(each for each in folders if not each.startswith("."))
            for name in sorted(names):
                path = Path(folder, name)
                if name.startswith((".", "~$")) or path.suffix.lower() not in SUFFIXES:
                    continue
                yield path.relative_to(self._folder).as_posix(), path

    def _read(self, name: str, path: Path) -> FoundFile | None:
        # Opened without following a link, so that nothing outside the folder is ever read.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(handle, "rb") as file:
            facts = os.fstat(file.fileno())
            if not stat.S_ISREG(facts.st_mode) or time.time() - facts.st_mtime < _SETTLED:
                return None
            looked = self._looked.get(name)
            if (
                looked
                and looked[:2] == (facts.st_size, facts.st_mtime_ns)
                and looked[2] == self._memory.versions.get(name)
            ):
                return None
            if facts.st_size > self._largest:
                raise IntakeError(f"有 {facts.st_size // MIB} MB，太大了。", "请把它分成几个小文件。", code="too_big")
            data = file.read(self._largest + 1)
        version = hashlib.sha256(data).hexdigest()
        self._looked[name] = (facts.st_size, facts.st_mtime_ns, version)
        return None if self._memory.versions.get(name) == version else FoundFile(name, data, version)
