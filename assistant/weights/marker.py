"""The file that says a model is complete, and which bytes it is made of."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, ValidationError

from assistant.contracts import Frozen
from assistant.weights.download import sha256_of
from assistant.weights.manifest import InsidePath, Model, Sha256, Source

MARKER = "files.json"


class Record(Frozen):
    """Size and hash of one file."""

    size: int = Field(ge=0)
    sha256: Sha256


class Marker(Frozen):
    """What a complete model's folder holds: fetched files and those computed from them."""

    model: str
    source: str  # label of where it came from
    files: dict[InsidePath, Record]

    @staticmethod
    def read(folder: Path) -> Marker | None:
        """The marker in ``folder``; None when there is none or it can't be read."""
        try:
            return Marker.model_validate_json((folder / MARKER).read_bytes())
        except (OSError, ValidationError):
            return None

    @staticmethod
    def of(model: Model, source: Source, folder: Path) -> Marker:
        """The marker for everything that lies in ``folder`` now; hashes what the source doesn't state."""
        known = {spec.path: spec.sha256 for spec in source.files}
        files = {}
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder).as_posix()
            if path.is_file() and name != MARKER:
                files[name] = Record(size=path.stat().st_size, sha256=known.get(name) or sha256_of(path))
        return Marker(model=model.name, source=source.label, files=files)

    def write(self, folder: Path) -> None:
        """Put the marker into ``folder``, whole or not at all."""
        draft = folder / f".{MARKER}"
        draft.write_text(self.model_dump_json(indent=1), encoding="utf-8")
        draft.replace(folder / MARKER)

    def source_in(self, model: Model) -> Source | None:
        """The model's source whose files these are; None when the manifest has moved on."""
        for source in model.sources:
            hashes = {spec.path: spec.sha256 for spec in source.files}
            known = all(path in self.files and self.files[path].sha256 == hashes[path] for path in hashes)
            if known and (hashes or source.label == self.source):
                return source
        return None

    def sizes_hold(self, folder: Path) -> bool:
        """Whether every file is there with its size; hashes nothing."""
        try:
            return all((folder / path).stat().st_size == record.size for path, record in self.files.items())
        except OSError:
            return False
