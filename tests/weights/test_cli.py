"""The commands: what they print and how they exit."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from assistant.weights import cli
from assistant.weights.store import WeightStore
from tests.weights.fakes import PART, FakeRegistry


@pytest.fixture(autouse=True)
def _made_up_store(store: WeightStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "_store", lambda extra=None: store)


def run(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(cli.app, list(words))
    return result.exit_code, result.output


def test_path_of_a_missing_model_says_what_to_do() -> None:
    code, output = run("path", "big")
    assert code == 1
    assert "jiamenkou weights pull big" in output


def test_pull_list_path_and_verify(store: WeightStore) -> None:
    code, output = run("pull", "llm", "--quiet")
    assert (code, output.strip()) == (0, f"big: {store.path('big')}")
    code, output = run("list", "--long")
    assert code == 0
    rows = {line.split()[1]: line.split()[-1] for line in output.splitlines() if "MIT" in line}
    assert rows == {"big": "yes", "song": "no"}
    assert "big-part0 1.0 and 2 more packages" in output
    assert run("path", "llm") == (0, f"{store.path('big')}\n")
    assert run("verify") == (0, "big: whole\n")


def test_verify_names_the_fault_and_repair_mends_it(store: WeightStore, registry: FakeRegistry) -> None:
    run("pull", "big", "song", "--quiet")
    whole = store.path("big").read_bytes()
    store.path("big").write_bytes(whole[:PART] + b"?" + whole[PART + 1 :])
    code, output = run("verify")
    assert code == 1
    assert "big.gguf, bytes 200,000 to 400,000 (from big-part1)" in output
    assert "song: whole" in output
    registry.requests.clear()
    assert "big is not complete" in run("verify")[1]  # it stays known as broken
    code, output = run("verify", "--repair")
    assert (code, output.splitlines()[-2:]) == (0, ["big: repaired", "song: whole"])
    assert len(registry.requests) == 1
    assert store.path("big").read_bytes() == whole


def test_verify_of_a_missing_model_fails() -> None:
    code, output = run("verify", "big")
    assert code == 1
    assert "not complete" in output


def test_a_failing_pull_exits_with_its_reason(registry: FakeRegistry) -> None:
    registry.archives.clear()
    code, output = run("pull", "big", "--quiet")
    assert code == 1
    assert "no such package: big-part0 1.0" in output
    assert "Check the registry." in output
