"""Fetching: interruption, resumption, repair, disks, locks, kills, hostile archives."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from assistant.errors import WeightsError
from assistant.weights import assemble, parts
from assistant.weights.manifest import Manifest, Part, RegistrySource
from assistant.weights.store import WeightStore
from tests.weights.fakes import PART, FakeRegistry, a_model, file_spec, noise, sha256

WHOLE = noise(0) + noise(1) + noise(2)
FIRST, SECOND, THIRD = (f"big-part{i}-1.0-py3-none-any.whl" for i in range(3))


def asked(registry: FakeRegistry) -> list[str]:
    return [name for name, _ in registry.requests]


def test_fetches_assembles_and_is_asked_no_more(store: WeightStore, registry: FakeRegistry) -> None:
    with pytest.raises(WeightsError) as caught:
        store.path("big")
    assert "jiamenkou weights pull big" in caught.value.hint
    store.ensure(["llm"], progress=False)
    assert store.path("big").read_bytes() == WHOLE
    assert registry.located == [["big-part0", "big-part1", "big-part2"]]  # one question for all
    assert asked(registry) == [FIRST, SECOND, THIRD]
    registry.close()  # offline from here
    store.ensure(["big"], progress=False)
    assert store.verify("big") == []
    assert len(registry.requests) == 3
    assert len(registry.located) == 1
    assert not list((store.folder / ".archives").iterdir())


def test_a_model_of_several_files_is_a_folder_and_npm_tarballs_are_opened(store: WeightStore) -> None:
    store.ensure(["song"], progress=False)
    folder = store.path("song")
    assert (folder / "voice.onnx").read_bytes() == noise(7)
    assert (folder / "voices" / "a.bin").read_bytes() == noise(8, 900)


def test_goes_on_at_the_byte_where_the_line_broke(store: WeightStore, registry: FakeRegistry) -> None:
    registry.cut_after[SECOND] = [70_000, 50_000]
    store.ensure(["big"], progress=False)
    assert store.path("big").read_bytes() == WHOLE
    ranges = [wanted for name, wanted in registry.requests if name == SECOND]
    assert ranges == ["", "bytes=70000-", "bytes=120000-"]


def test_a_later_run_fetches_only_what_is_missing(store: WeightStore, registry: FakeRegistry) -> None:
    registry.cut_after[SECOND] = [70_000] + [0] * 20
    with pytest.raises(WeightsError, match=r"big-part1 1\.0 stopped at 70,000"):
        store.ensure(["big"], progress=False)
    with pytest.raises(WeightsError):
        store.path("big")
    registry.cut_after.clear()
    registry.requests.clear()
    store.ensure(["big"], progress=False)
    assert registry.requests == [(SECOND, "bytes=70000-"), (THIRD, "")]
    assert registry.located[-1] == ["big-part1", "big-part2"]
    assert store.path("big").read_bytes() == WHOLE


def test_a_registry_without_ranges_starts_over(store: WeightStore, registry: FakeRegistry) -> None:
    registry.ranges = False
    registry.cut_after[FIRST] = [70_000]
    store.ensure(["big"], progress=False)
    assert store.path("big").read_bytes() == WHOLE


def test_a_corrupted_byte_is_named_and_only_its_part_comes_again(store: WeightStore, registry: FakeRegistry) -> None:
    store.ensure(["big"], progress=False)
    file = store.path("big")
    data = bytearray(WHOLE)
    data[PART + 5] ^= 1
    file.write_bytes(data)
    (problem,) = store.verify("big")
    assert (problem.path, problem.package) == ("big.gguf", "big-part1")
    assert (problem.start, problem.stop) == (PART, 2 * PART)
    assert problem.expected == sha256(noise(1))
    assert problem.got == sha256(bytes(data[PART : 2 * PART]))
    assert all(text in str(problem) for text in ("big.gguf", "200,000", problem.expected, problem.got))
    with pytest.raises(WeightsError):  # nothing loads a broken model
        store.path("big")
    registry.requests.clear()
    store.ensure(["big"], progress=False)
    assert asked(registry) == [SECOND]
    assert store.path("big").read_bytes() == WHOLE


@pytest.mark.parametrize("cut", [0, PART // 2, 2 * PART + 10])
def test_a_shortened_file_is_noticed_without_hashing(store: WeightStore, registry: FakeRegistry, cut: int) -> None:
    store.ensure(["big"], progress=False)
    store.path("big").write_bytes(WHOLE[:cut])
    registry.requests.clear()
    with pytest.raises(WeightsError):
        store.path("big")
    store.ensure(["big"], progress=False)
    assert len(registry.requests) == 3 - cut // PART
    assert store.path("big").read_bytes() == WHOLE


def test_one_broken_file_of_several_is_fetched_alone(store: WeightStore, registry: FakeRegistry) -> None:
    store.ensure(["song"], progress=False)
    broken = store.path("song") / "voices" / "a.bin"
    broken.write_bytes(b"x" * 900)
    (problem,) = store.verify("song")
    assert problem.path == "voices/a.bin"
    registry.requests.clear()
    store.ensure(["song"], progress=False)
    assert asked(registry) == ["styles-1.0.tgz"]
    assert broken.read_bytes() == noise(8, 900)


def test_a_wrong_archive_is_named_and_the_next_source_serves(tmp_path: Path, registry: FakeRegistry) -> None:
    bad, good = (registry.publish(name, {"m.bin": noise(1)}) for name in ("bad", "good"))
    data = bytearray(registry.archives[bad.filename])
    data[-1] ^= 1
    registry.archives[bad.filename] = bytes(data)
    first, second = (
        RegistrySource(packages=(package,), files=(file_spec("m.bin", (package, "m.bin", noise(1))),))
        for package in (bad, good)
    )
    alone = Manifest(needed=(), models=(a_model("m", "vad", [first]),))
    with pytest.raises(WeightsError) as caught:
        WeightStore(tmp_path / "a", manifest=alone, registry=registry).ensure(["m"], progress=False)
    for text in ("bad 1.0", bad.sha256, sha256(bytes(data))):
        assert text in caught.value.message
    both = Manifest(needed=(), models=(a_model("m", "vad", [first, second], "m.bin"),))
    store = WeightStore(tmp_path / "b", manifest=both, registry=registry)
    store.ensure(["m"], progress=False)
    assert store.path("m").read_bytes() == noise(1)
    assert store.verify("m") == []


def test_a_wrong_member_is_never_installed(tmp_path: Path, registry: FakeRegistry) -> None:
    package = registry.publish("p", {"m.bin": noise(1)})
    spec = file_spec("m.bin", (package, "m.bin", noise(2)))  # the manifest expects other bytes
    source = RegistrySource(packages=(package,), files=(spec,))
    manifest = Manifest(needed=(), models=(a_model("m", "vad", [source]),))
    store = WeightStore(tmp_path, manifest=manifest, registry=registry)
    with pytest.raises(WeightsError, match=sha256(noise(2))):
        store.ensure(["m"], progress=False)
    assert not (tmp_path / "m").exists()


def test_a_full_disk_is_told_before_anything_is_fetched(
    store: WeightStore, registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda folder: SimpleNamespace(free=1_000_000))
    with pytest.raises(WeightsError, match=r"needs 0\.06 GB .* has 0\.00 GB left") as caught:
        store.ensure(["big"], progress=False)
    assert "JIAMENKOU_WEIGHTS_FOLDER" in caught.value.hint
    assert registry.requests == []


def test_dying_before_the_end_leaves_nothing_that_looks_complete(
    store: WeightStore, registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def die(paths: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(assemble, "_flush", die)
        with pytest.raises(Killed):
            store.ensure(["big"], progress=False)
    with pytest.raises(WeightsError):
        store.path("big")
    registry.requests.clear()
    store.ensure(["big"], progress=False)
    assert registry.requests == []  # everything was there, only not in place
    assert store.path("big").read_bytes() == WHOLE


CHILD = """
import sys
from pathlib import Path
import httpx
from assistant.weights.manifest import load
from assistant.weights.store import WeightStore

class Registry:
    def locate(self, packages):
        return {package.name: sys.argv[3] + "/" + package.filename for package in packages}
    def client(self):
        return httpx.Client(trust_env=False)

store = WeightStore(Path(sys.argv[1]), manifest=load(Path(sys.argv[2]).read_text()), registry=Registry())
store.ensure(["big"], progress=False)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="has no SIGKILL")
def test_kill_in_the_middle_of_a_download_loses_nothing_that_came(
    tmp_path: Path, store: WeightStore, registry: FakeRegistry, manifest: Manifest
) -> None:
    (tmp_path / "manifest.json").write_text(manifest.model_dump_json())
    registry.cut_after[SECOND] = [120_000]
    words = [sys.executable, "-c", CHILD, str(store.folder), str(tmp_path / "manifest.json"), registry.url]
    partial = store.folder / ".archives" / f"{SECOND}.part"
    registry.stalls = {SECOND}
    registry.pause.clear()
    child = subprocess.Popen(words, cwd=Path(assemble.__file__).parents[2])
    try:
        deadline = time.monotonic() + 30
        while not (partial.exists() and partial.stat().st_size) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert partial.exists()
        child.send_signal(signal.SIGKILL)
    finally:
        child.kill()
        child.wait()
        registry.pause.set()
    have = partial.stat().st_size
    registry.cut_after.clear()
    registry.requests.clear()
    store.ensure(["big"], progress=False)
    assert registry.requests == [(SECOND, f"bytes={have}-"), (THIRD, "")]
    assert store.path("big").read_bytes() == WHOLE


def test_a_second_process_waits_and_uses_what_the_first_fetched(
    store: WeightStore, registry: FakeRegistry, manifest: Manifest, capsys: pytest.CaptureFixture[str]
) -> None:
    registry.pause.clear()
    other = WeightStore(store.folder, manifest=manifest, registry=registry)
    first = threading.Thread(target=store.ensure, args=(["big"], False))
    second = threading.Thread(target=other.ensure, args=(["big"], True))
    first.start()
    deadline = time.monotonic() + 10
    while not registry.requests and time.monotonic() < deadline:
        time.sleep(0.01)
    second.start()
    time.sleep(0.3)
    registry.pause.set()
    first.join(20)
    second.join(20)
    assert asked(registry) == [FIRST, SECOND, THIRD]  # each once
    assert "waiting" in capsys.readouterr().err
    assert other.path("big").read_bytes() == WHOLE


def test_names_in_archives_never_become_paths(tmp_path: Path, registry: FakeRegistry) -> None:
    evil = {"../../evil.py": b"print('run')" * 9, "/abs/evil.py": b"x", "m.bin": noise(3)}
    both = [registry.publish("wheel", evil), registry.publish("tar", evil, npm=True)]
    specs = tuple(
        file_spec(f"{package.name}/{i}.bin", (package, member, evil[member]))
        for package in both
        for i, member in enumerate(("../../evil.py", "m.bin"))
    )
    source = RegistrySource(packages=tuple(both), files=specs)
    manifest = Manifest(needed=(), models=(a_model("m", "vad", [source]),))
    store = WeightStore(tmp_path / "deep" / "store", manifest=manifest, registry=registry)
    store.ensure(["m"], progress=False)
    assert (store.path("m") / "tar" / "0.bin").read_bytes() == evil["../../evil.py"]
    assert [path for path in tmp_path.rglob("*evil*")] == []


def test_a_member_that_is_longer_than_stated_is_refused(tmp_path: Path, registry: FakeRegistry) -> None:
    package = registry.publish("p", {"m.bin": noise(1)})
    part = Part(package="p", member="m.bin", size=100, sha256=sha256(noise(1)[:100]))
    archive = tmp_path / package.filename
    archive.write_bytes(registry.archives[package.filename])
    with pytest.raises(WeightsError, match="more than 100 bytes"):
        parts.fill(tmp_path / "m.bin", 0, part, archive)
    assert (tmp_path / "m.bin").stat().st_size == 100


def test_local_folders_come_before_any_network(tmp_path: Path, store: WeightStore, manifest: Manifest) -> None:
    local = tmp_path / "stick"
    local.mkdir()
    (local / "big.gguf").write_bytes(WHOLE)
    registry = FakeRegistry()
    registry.close()
    offline = WeightStore(tmp_path / "new", (local,), manifest=manifest, registry=registry)
    offline.ensure(["big"], progress=False)
    assert offline.path("big").read_bytes() == WHOLE
    assert registry.located == []
    assert (local / "big.gguf").exists()


def test_a_local_archive_serves_and_a_wrong_one_is_passed_over(
    tmp_path: Path, registry: FakeRegistry, manifest: Manifest
) -> None:
    local = tmp_path / "stick"
    local.mkdir()
    (local / FIRST).write_bytes(registry.archives[FIRST])
    (local / SECOND).write_bytes(registry.archives[SECOND][:-1] + b"!")
    store = WeightStore(tmp_path / "new", (local,), manifest=manifest, registry=registry)
    store.ensure(["big"], progress=False)
    assert asked(registry) == [SECOND, THIRD]
    assert store.path("big").read_bytes() == WHOLE
    assert (local / FIRST).exists()


def test_a_refused_request_goes_to_the_registrys_own_client(
    store: WeightStore, registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.statuses[SECOND] = 401

    def download(package: object, folder: Path) -> Path:
        path = folder / SECOND
        path.write_bytes(registry.archives[SECOND])
        return path

    with pytest.raises(WeightsError, match=r"answered 401.*own client failed too"):
        store.ensure(["big"], progress=False)
    monkeypatch.setattr(registry, "download", download)
    store.ensure(["big"], progress=False)
    assert store.path("big").read_bytes() == WHOLE


def test_a_changed_manifest_makes_the_old_files_incomplete(
    store: WeightStore, registry: FakeRegistry, manifest: Manifest
) -> None:
    store.ensure(["big"], progress=False)
    package = registry.publish("newer", {"m": noise(9)})
    spec = file_spec("big.gguf", (package, "m", noise(9)))
    model = a_model("big", "llm", [RegistrySource(packages=(package,), files=(spec,))], "big.gguf")
    newer = WeightStore(store.folder, manifest=Manifest(needed=(), models=(model,)), registry=registry)
    with pytest.raises(WeightsError):
        newer.path("big")
    newer.ensure(["big"], progress=False)
    assert newer.path("big").read_bytes() == noise(9)


def test_files_put_there_by_hand_are_taken_when_their_hash_is_right(store: WeightStore, registry: FakeRegistry) -> None:
    (store.folder / "big").mkdir(parents=True)
    (store.folder / "big" / "big.gguf").write_bytes(WHOLE)
    store.ensure(["big"], progress=False)
    assert registry.requests == []
    assert store.path("big").read_bytes() == WHOLE


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path, manifest: Manifest) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(WeightsError, match="can't be written"):
        WeightStore(tmp_path / "file" / "store", manifest=manifest).ensure(["big"], progress=False)


def test_the_marker_lists_every_file_with_its_hash(store: WeightStore) -> None:
    store.ensure(["song"], progress=False)
    marker = json.loads((store.path("song") / "files.json").read_text())
    assert marker["files"]["voices/a.bin"] == {"size": 900, "sha256": sha256(noise(8, 900))}
    shutil.rmtree(store.path("song") / "voices")
    assert not store.present("song")
    assert [problem.got for problem in store.verify("song")] == ["missing"]
