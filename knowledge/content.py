"""Content: what staff keep, as plain files stored by their digest, with a manifest for every state of them.

<data>/content/objects/ab/ab12…   one file's bytes, named by their sha256; never changed, never removed while named
<data>/content/snapshots/<sha>.json   {"files": {"plan/plan.md": "<sha256>", …}}: one whole state
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Protocol

from assistant.errors import KnowledgeError
from knowledge.atomic import write_whole

LARGEST = 20 * 2**20  # bytes of one file


class Tree(Protocol):
    """Files by name (POSIX path below the root) to their sha256."""

    @property
    def files(self) -> Mapping[str, str]:
        """Name to digest."""
        ...

    def read(self, name: str) -> bytes:
        """One file's bytes; raises OSError when it can't be read."""
        ...

    def size(self, name: str) -> int:
        """One file's length in bytes; raises OSError when it can't be told."""
        ...


class FolderTree:
    """What lies below a folder now; names whose part starts with a dot are left out."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files: dict[str, str] = {}
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder).as_posix()
            if not path.is_file() or any(part.startswith(".") for part in name.split("/")):
                continue
            try:
                size = path.stat().st_size
                # A file too large is never read; it is named as a problem when it is loaded.
                data = path.read_bytes() if size <= LARGEST else str(size).encode()
            except OSError:
                data = b""  # loading it will say why
            self.files[name] = hashlib.sha256(data).hexdigest()

    def read(self, name: str) -> bytes:
        """One file's bytes."""
        return (self.folder / name).read_bytes()

    def size(self, name: str) -> int:
        """One file's length."""
        return (self.folder / name).stat().st_size


class Content:
    """The store of one data folder."""

    def __init__(self, data_folder: Path) -> None:
        self.folder = data_folder / "content"

    def put(self, data: bytes) -> str:
        """Keep ``data``; returns its digest."""
        digest = hashlib.sha256(data).hexdigest()
        path = self._object(digest)
        if not path.exists():
            write_whole(path, data, durable=False)
        return digest

    def get(self, digest: str) -> bytes:
        """The bytes of a digest; raises KnowledgeError when they are gone or broken."""
        try:
            data = self._object(digest).read_bytes()
        except OSError as error:
            raise KnowledgeError(
                f"The stored file {digest[:12]} can't be read: {error.strerror}.", "Restore a backup."
            ) from error
        if hashlib.sha256(data).hexdigest() != digest:
            raise KnowledgeError(f"The stored file {digest[:12]} is broken.", "Restore a backup.")
        return data

    def size(self, digest: str) -> int:
        """Length in bytes of what a digest names."""
        return self._object(digest).stat().st_size

    def text(self, digest: str | None) -> str:
        """The same as text; of None it is empty."""
        return "" if digest is None else self.get(digest).decode("utf-8", errors="replace")

    def take(self, tree: Tree, known: Iterable[str] = ()) -> str:
        """Keep every file of ``tree`` but the ``known`` ones; returns its snapshot."""
        kept = set(known)
        for name, digest in tree.files.items():
            if digest not in kept and not self._object(digest).exists():
                data = tree.read(name)
                if hashlib.sha256(data).hexdigest() != digest:
                    raise KnowledgeError(f"{name} was changed while it was read.", "Publish again.")
                self.put(data)
                kept.add(digest)
        return self.snapshot(tree.files)

    def snapshot(self, files: Mapping[str, str]) -> str:
        """Keep a state whose files are kept already; returns its name."""
        text = json.dumps({"files": dict(sorted(files.items()))}, ensure_ascii=False, indent=0)
        name = hashlib.sha256(text.encode()).hexdigest()
        path = self.folder / "snapshots" / f"{name}.json"
        if not path.exists():
            write_whole(path, text.encode(), durable=False)
        return name

    def files(self, snapshot: str) -> dict[str, str]:
        """The files of a state: name to digest. The state without a name has none."""
        if not snapshot:
            return {}
        path = self.folder / "snapshots" / f"{snapshot}.json"
        try:
            found: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))["files"]
        except (OSError, ValueError, KeyError) as error:
            raise KnowledgeError(
                f"The state {snapshot[:12]} of the content can't be read.", "Restore a backup."
            ) from error
        return found

    def tree(self, snapshot: str) -> StoredTree:
        """A state, to be loaded."""
        return StoredTree(self, self.files(snapshot))

    def prune(self, snapshots: Iterable[str], digests: Iterable[str] = ()) -> int:
        """Remove states other than ``snapshots``, and files that neither they nor ``digests`` name; returns how many."""
        named, removed = set(snapshots), 0
        kept = set(digests)
        for snapshot in named:
            kept |= set(self.files(snapshot).values())
        for path in (self.folder / "snapshots").glob("*.json"):
            if path.stem not in named:
                path.unlink(missing_ok=True)
        for path in (self.folder / "objects").glob("*/*"):
            if path.name not in kept:
                path.unlink(missing_ok=True)
                removed += 1
        return removed

    def _object(self, digest: str) -> Path:
        return self.folder / "objects" / digest[:2] / digest


class Overlay(Content):
    """The store, with what is put into it kept in memory only: for looking at what a change would make."""

    def __init__(self, data_folder: Path) -> None:
        super().__init__(data_folder)
        self._added: dict[str, bytes] = {}

    def put(self, data: bytes) -> str:
        """Keep ``data`` until this is let go of."""
        digest = hashlib.sha256(data).hexdigest()
        self._added[digest] = data
        return digest

    def get(self, digest: str) -> bytes:
        """The bytes of a digest."""
        return self._added[digest] if digest in self._added else super().get(digest)

    def size(self, digest: str) -> int:
        """Length in bytes of what a digest names."""
        return len(self._added[digest]) if digest in self._added else super().size(digest)


class StoredTree:
    """One state of the store as a tree."""

    def __init__(self, content: Content, files: Mapping[str, str]) -> None:
        self._content, self.files = content, dict(sorted(files.items()))

    def read(self, name: str) -> bytes:
        """One file's bytes."""
        return self._content.get(self.files[name])

    def size(self, name: str) -> int:
        """One file's length."""
        return self._content.size(self.files[name])


def safe_name(name: str) -> str:
    """``name`` as a path below the root; raises KnowledgeError for one that leads elsewhere or is hidden."""
    path = PurePosixPath(name)
    bad = not name or path.is_absolute() or "\\" in name or "\0" in name or ":" in name or len(name.encode()) > 400
    if bad or any(part.startswith(".") or len(part.encode()) > 200 for part in name.split("/")) or "//" in name:
        raise KnowledgeError(
            f"{name!r} is no name of a content file.", "Name it like plan/notice.md or cards/clinic.yaml."
        )
    return path.as_posix()
