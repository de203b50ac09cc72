"""Releases: built beside the old one by the only writer, and swapped in one step.

<data>/writer.lock            held while anything is written
<data>/current                names the release that answers; replaced in one step
<data>/releases/<name>/       corpus.json, one folder an artefact, release.json written last
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from assistant.contracts import Artefact, Corpus
from assistant.errors import BusyError, KnowledgeError

SCHEMA = 2  # raise when the layout of a release changes: older ones are then rebuilt
KEEP = 5  # releases kept for rolling back


@dataclass(frozen=True)
class Release:
    """One complete release on disk."""

    name: str
    folder: Path
    digest: str

    def corpus(self) -> Corpus:
        """All its knowledge."""
        return Corpus.model_validate_json((self.folder / "corpus.json").read_bytes())

    def part(self, name: str) -> Path:
        """Folder of one artefact."""
        return self.folder / name


@contextmanager
def writing(data_folder: Path) -> Iterator[None]:
    """Hold the writer's lock; raises BusyError when another process has it."""
    data_folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(data_folder / "writer.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        holder = _read(data_folder / "writer.pid") or "?"
        raise BusyError(
            f"Another process (pid {holder}) is writing {data_folder}.",
            "Wait until it is done, or set JIAMENKOU_DATA_FOLDER to another folder. Nothing was changed.",
        ) from None
    try:
        (data_folder / "writer.pid").write_text(str(os.getpid()))
        yield
    finally:
        (data_folder / "writer.pid").unlink(missing_ok=True)
        lock.release()


def publish(
    corpus: Corpus,
    artefacts: Sequence[Artefact],
    data_folder: Path,
    progress: Callable[[str], None] = lambda _: None,
) -> tuple[Release, bool]:
    """Build a release of ``corpus`` and make it the current one.

    Returns the release and whether it is new (False: nothing had changed). On any failure, a full
    disk included, the old release goes on answering and nothing half-built is left.
    """
    with writing(data_folder):
        _sweep(data_folder)
        digest = _digest(corpus, artefacts)
        old = current(data_folder)
        if old and old.digest == digest:
            return old, False
        name = f"{datetime.now(UTC):%Y%m%d-%H%M%S-%f}-{digest[:8]}"
        folder = data_folder / "releases" / name
        try:
            folder.mkdir(parents=True)
            (folder / "corpus.json").write_text(corpus.model_dump_json(), encoding="utf-8")
            for artefact in artefacts:
                started = time.monotonic()
                part = folder / artefact.name
                part.mkdir()
                artefact.build(corpus, part)
                progress(f"{artefact.name}: {time.monotonic() - started:.1f} s")
            # Written last: a folder without it was never finished.
            _write_whole(
                folder / "release.json",
                json.dumps({"schema": SCHEMA, "digest": digest, "passages": len(corpus.passages)}),
            )
            _write_whole(data_folder / "current", name)
        except OSError as error:
            _discard(data_folder, folder)
            raise KnowledgeError(
                f"The release could not be written: {error.strerror or error}.",
                f"Free some room in {data_folder} and publish again. The old release goes on answering.",
            ) from error
        except BaseException:
            _discard(data_folder, folder)
            raise
        _forget_old(data_folder)
        return Release(name, folder, digest), True


def current(data_folder: Path) -> Release | None:
    """The release that answers now, or None before the first publishing."""
    name = _read(data_folder / "current")
    return _open(data_folder / "releases" / name) if name else None


def releases(data_folder: Path) -> list[Release]:
    """All complete releases, newest first."""
    folders = sorted((data_folder / "releases").glob("*"), reverse=True)
    return [release for release in map(_open, folders) if release]


def roll_back(data_folder: Path, name: str) -> Release:
    """Make an earlier release the current one."""
    with writing(data_folder):
        release = _open(data_folder / "releases" / name)
        if release is None:
            known = ", ".join(each.name for each in releases(data_folder)) or "none"
            raise KnowledgeError(f"There is no release {name}.", f"Kept releases: {known}.")
        _write_whole(data_folder / "current", name)
        return release


def forget_current(data_folder: Path) -> None:
    """Make the next publishing build anew, whether or not anything has changed."""
    with writing(data_folder):
        release = current(data_folder)
        if release is not None:
            facts = json.loads((release.folder / "release.json").read_text(encoding="utf-8"))
            _write_whole(release.folder / "release.json", json.dumps(facts | {"digest": "rebuild"}))


def _open(folder: Path) -> Release | None:
    try:
        facts = json.loads((folder / "release.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if facts.get("schema") != SCHEMA:
        return None
    return Release(folder.name, folder, facts["digest"])


def _digest(corpus: Corpus, artefacts: Sequence[Artefact]) -> str:
    """Identity of a release: its knowledge and what it was built with."""
    import hashlib

    parts = [str(SCHEMA), corpus.digest, *sorted(artefact.identity for artefact in artefacts)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _sweep(data_folder: Path) -> None:
    """Remove what a killed publishing left: folders that were never finished."""
    for folder in (data_folder / "releases").glob("*"):
        if not (folder / "release.json").exists():
            shutil.rmtree(folder, ignore_errors=True)


def _discard(data_folder: Path, folder: Path) -> None:
    """Remove a failed release; one that was swapped in before an interruption stays."""
    if _read(data_folder / "current") != folder.name:
        shutil.rmtree(folder, ignore_errors=True)


def _forget_old(data_folder: Path) -> None:
    kept = current(data_folder)
    for release in releases(data_folder)[KEEP:]:
        if kept is None or release.name != kept.name:
            shutil.rmtree(release.folder, ignore_errors=True)


def _write_whole(path: Path, text: str) -> None:
    """Write so that a reader sees the old text or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return ""
