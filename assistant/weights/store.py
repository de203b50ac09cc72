"""The folder of models: says where one lies, fills it, and checks it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock, Timeout

from assistant.errors import WeightsError
from assistant.weights.assemble import Assembler
from assistant.weights.download import Downloader, sha256_of
from assistant.weights.local import LocalFolders
from assistant.weights.manifest import FileSpec, Manifest, Model, Source, load
from assistant.weights.marker import MARKER, Marker
from assistant.weights.parts import Problem, placed
from assistant.weights.progress import Reporter, Silent, bars
from assistant.weights.registry import Registry, UserRegistry

LOCK = ".lock"
ARCHIVES = ".archives"


class _Entry(NamedTuple):
    """A complete model: where it lies, what is in it, and the source it came from."""

    folder: Path
    marker: Marker
    source: Source


class WeightStore:
    """Models under ``folder``, one folder each; complete ones hold ``files.json``."""

    def __init__(
        self,
        folder: Path,
        sources: tuple[Path, ...] = (),
        *,
        manifest: Manifest | None = None,
        registry: Registry | None = None,
    ) -> None:
        self.folder = folder.expanduser()
        self.sources = tuple(source.expanduser() for source in sources)
        self.manifest = manifest or load()
        self._registry = registry or UserRegistry()

    def path(self, name: str) -> Path:
        """The model's file, or its folder when it has several; hashes nothing.

        Raises ``WeightsError`` when the model isn't complete.
        """
        model = self.manifest.model(name)
        entry = self._entry(model)
        found = sorted(entry.folder.glob(model.path)) if entry and model.path else []
        if entry is None or (model.path and not found):
            raise WeightsError(f"The model {name} is not in {self.folder}.", f"Run `jiamenkou weights pull {name}`.")
        return found[0] if model.path else entry.folder

    def present(self, name: str) -> bool:
        """Whether the model is complete, by its marker and its files' sizes."""
        return self._entry(self.manifest.model(name)) is not None

    def ensure(self, names: Iterable[str], progress: bool = True) -> None:
        """Fetch what is missing of the models ``names`` (or of their roles' defaults).

        Touches no network when nothing is missing. Raises ``WeightsError`` when one can't be had
        from any source; what was fetched until then is kept and used the next time.
        """
        models = [self.manifest.model(name) for name in self.manifest.chosen(names)]
        if all(self._entry(model) for model in models):
            return
        with _reporter(progress) as reporter, self._locked(reporter):
            missing = [model for model in models if self._entry(model) is None]
            assembler = Assembler(
                self.folder,
                Downloader(self.folder / ARCHIVES, self._registry),
                LocalFolders(self.sources, reporter),
                self._registry,
                reporter,
            )
            for number, model in enumerate(missing):
                assembler.obtain(model, later=missing[number + 1 :])
                reporter.say(f"{model.name} is ready in {self.folder / model.name}.")

    def verify(self, name: str) -> list[Problem]:
        """Hash every file again; an empty list says that all is right.

        A model with a problem stops being complete, so that nothing loads it and the next
        ``ensure`` fetches the broken parts. Raises ``WeightsError`` when it isn't complete before.
        """
        model = self.manifest.model(name)
        marker = Marker.read(self.folder / name)
        source = marker.source_in(model) if marker else None
        if marker is None or source is None:
            raise WeightsError(
                f"The model {name} is not complete in {self.folder}.", f"Run `jiamenkou weights pull {name}`."
            )
        specs = {spec.path: spec for spec in source.files}
        problems: list[Problem] = []
        for path, record in marker.files.items():
            file = self.folder / name / path
            found = sha256_of(file) if file.exists() else "missing"
            if found != record.sha256:
                at_parts = list(_broken_parts(model, source, specs[path], file)) if path in specs else []
                problems += at_parts or [Problem(name, path, record.sha256, found)]
        if problems:
            with self._locked(Silent()):
                (self.folder / name / MARKER).unlink(missing_ok=True)
        return problems

    def _entry(self, model: Model) -> _Entry | None:
        folder = self.folder / model.name
        marker = Marker.read(folder)
        source = marker.source_in(model) if marker else None
        if marker is None or source is None or not marker.sizes_hold(folder):
            return None
        return _Entry(folder, marker, source)

    @contextmanager
    def _locked(self, reporter: Reporter) -> Iterator[None]:
        """One process at a time fills the store; a second one waits, then finds its work done."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.folder / LOCK)
            try:
                lock.acquire(timeout=0)
            except Timeout:
                reporter.say(f"Another process is filling {self.folder}: waiting for it.")
                lock.acquire()
        except OSError as problem:
            raise WeightsError(
                f"{self.folder} can't be written ({problem}).",
                "Let JIAMENKOU_WEIGHTS_FOLDER name a folder that can.",
            ) from problem
        try:
            yield
        finally:
            lock.release()


def _broken_parts(model: Model, source: Source, spec: FileSpec, file: Path) -> Iterator[Problem]:
    """One problem for each part of ``file`` that isn't right, with its range and package."""
    if not file.exists() or len(spec.parts) < 2:
        return
    for start, part in placed(spec):
        found = sha256_of(file, start, part.size)
        if found != part.sha256:
            stop = start + part.size
            yield Problem(model.name, spec.path, part.sha256, found, start, stop, part.package)


@contextmanager
def _reporter(progress: bool) -> Iterator[Reporter]:
    if not progress:
        yield Silent()
        return
    with bars() as shown:
        yield shown
