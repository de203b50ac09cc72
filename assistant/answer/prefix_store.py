"""Keeps computed prefixes on disk: whole files only, named by what they were computed from."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import time
from collections.abc import Iterable
from pathlib import Path

STALE = 3600.0  # seconds after which an unfinished file belongs to nobody


def key_of(*parts: str) -> str:
    """The name of what is computed from ``parts``: model, settings, prompt, exact text."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


class PrefixStore:
    """Files ``<key>-<digest>.bin`` in one folder; the digest of the content tells whole files from cut ones.

    The runtime crashes on a cut file, so each file is hashed once before it is first handed out.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._sound: dict[str, tuple[int, int]] = {}  # file name to its size and time when it was hashed

    def find(self, key: str) -> str | None:
        """Name of the whole file for ``key``, or None; broken files are removed."""
        for path in sorted(self.folder.glob(f"{key}-*.bin")):
            if self._whole(path):
                return path.name
            path.unlink(missing_ok=True)
        return None

    def reserve(self) -> str:
        """A file name to save under, unlike any other."""
        return f"unfinished-{os.getpid()}-{secrets.token_hex(6)}.bin"

    def keep(self, key: str, reserved: str) -> str:
        """Make a saved file the one for ``key``; returns its name."""
        source = self.folder / reserved
        with source.open("rb") as file:
            os.fsync(file.fileno())
        name = f"{key}-{_digest(source)}.bin"
        os.replace(source, self.folder / name)
        return name

    def discard(self, name: str) -> None:
        """Remove a file that turned out useless."""
        self._sound.pop(name, None)
        (self.folder / name).unlink(missing_ok=True)

    def prune(self, keys: Iterable[str]) -> int:
        """Remove every file of other keys, and unfinished ones that are old; returns how many."""
        kept = set(keys)
        removed = 0
        for path in self.folder.glob("*.bin"):
            with contextlib.suppress(OSError):
                if path.name.startswith("unfinished-"):
                    if time.time() - path.stat().st_mtime < STALE:
                        continue
                elif path.name.partition("-")[0] in kept:
                    continue
                path.unlink()
                removed += 1
        return removed

    def size(self) -> int:
        """Bytes of all files together."""
        return sum(path.stat().st_size for path in self.folder.glob("*.bin"))

    def _whole(self, path: Path) -> bool:
        try:
            state = path.stat()
            seen = (state.st_size, state.st_mtime_ns)
            if self._sound.get(path.name) != seen:
                if path.stem.partition("-")[2] != _digest(path):
                    return False
                self._sound[path.name] = seen
        except OSError:
            return False
        return True


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:32]
