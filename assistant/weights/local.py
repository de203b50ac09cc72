"""Look for model files and archives in local folders: a copy, a stick, a server's share."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

from assistant.weights.download import sha256_of
from assistant.weights.manifest import FileSpec, HubSource, Package
from assistant.weights.progress import Reporter


class LocalFolders:
    """Folders that are looked in before any network."""

    def __init__(self, folders: Sequence[Path], reporter: Reporter) -> None:
        self._folders, self._reporter = folders, reporter

    def file(self, model: str, spec: FileSpec) -> Path | None:
        """A file with the right hash: FOLDER/model/path, FOLDER/path or FOLDER/name."""
        name = PurePosixPath(spec.path).name
        return self._right([f"{model}/{spec.path}", spec.path, name], spec.size, spec.sha256)

    def archive(self, package: Package) -> Path | None:
        """A package's archive with the right hash: FOLDER/filename."""
        return self._right([package.filename], package.size, package.sha256)

    def _right(self, names: Sequence[str], size: int, sha256: str) -> Path | None:
        for folder in self._folders:
            for path in dict.fromkeys(folder / name for name in names):
                if not path.is_file():
                    continue
                found = sha256_of(path) if path.stat().st_size == size else f"{path.stat().st_size:,} bytes"
                if found == sha256:
                    return path
                self._reporter.say(f"{path} is passed over: sha256 expected {sha256}, got {found}.")
        return None

    def copy_model(self, model: str, source: HubSource, target: Path) -> Path | None:
        """Copy FOLDER/model when the manifest knows no hashes; returns where it came from."""
        for folder in self._folders:
            origin = folder / model
            inside = [path for path in origin.rglob("*") if path.is_file()] if origin.is_dir() else []
            wanted = [path for path in inside if _matches(path.relative_to(origin), source.patterns)]
            for path in wanted:
                copy = target / path.relative_to(origin)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, copy)
            if wanted:
                return origin
        return None


def _matches(path: Path, patterns: Sequence[str]) -> bool:
    return any(fnmatch(path.as_posix(), pattern) for pattern in patterns)
