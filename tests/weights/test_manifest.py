"""The manifest that ships: complete, pinned, and naming no host."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import pytest

from assistant.errors import WeightsError
from assistant.settings import Settings
from assistant.weights.cli import _wanted
from assistant.weights.manifest import HubSource, RegistrySource, load
from assistant.weights.store import WeightStore

TEXT = files("assistant.weights").joinpath("manifest.json").read_text(encoding="utf-8")


def test_every_role_has_a_default_and_the_app_names_what_it_needs() -> None:
    manifest = load()
    assert {model.role for model in manifest.models if model.default} == {
        "embedder",
        "llm",
        "recogniser",
        "voice",
        "vad",
        "turn_detector",
    }
    assert manifest.chosen(manifest.needed) == ["multilingual-e5-small", "qwen2.5-coder-1.5b"]
    assert manifest.chosen(["voice", "kokoro-82m"]) == ["kokoro-82m"]
    with pytest.raises(WeightsError, match="No model is called 'nothing'") as caught:
        manifest.model("nothing")
    assert "kokoro-82m" in caught.value.hint


def test_verified_models_come_from_pinned_packages_and_the_others_are_marked() -> None:
    for model in load().models:
        assert isinstance(model.sources[0], RegistrySource if model.verified else HubSource), model.name
        assert model.verified or not model.default


def test_the_llm_has_its_publishers_file_as_second_source() -> None:
    registry, hub = load().model("qwen2.5-coder-1.5b").sources
    assert len(registry.files[0].parts) == 22
    assert isinstance(hub, HubSource)
    assert registry.files[0].sha256 == hub.files[0].sha256


def test_no_host_is_named() -> None:
    assert "://" not in TEXT
    assert not any(word in TEXT for word in (".org", ".com", ".co/", ".io"))


@pytest.mark.parametrize("path", ["../out", "/etc/passwd", "a/../../b", "c:\\x"])
def test_a_path_outside_the_models_folder_is_refused(path: str) -> None:
    data = json.loads(TEXT)
    data["models"][0]["sources"][0]["files"][0]["path"] = path
    with pytest.raises(WeightsError, match="leaves the model's folder"):
        load(json.dumps(data))


def test_parts_must_add_up_and_belong_to_the_source() -> None:
    data = json.loads(TEXT)
    data["models"][0]["sources"][0]["files"][0]["size"] += 1
    with pytest.raises(WeightsError, match="don't add up"):
        load(json.dumps(data))
    data = json.loads(TEXT)
    data["models"][0]["sources"][0]["files"][0]["parts"][0]["package"] = "other"
    with pytest.raises(WeightsError, match="names no package"):
        load(json.dumps(data))


@pytest.mark.parametrize(
    ("voice", "fetched"), [("kokoro", {"voice"}), ("light", {"voice", "fastspeech2-baker"}), ("none", set())]
)
def test_the_light_voice_is_fetched_only_for_who_chose_it(
    voice: str, fetched: set[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("assistant.weights.cli.settings", lambda: Settings(_env_file=None, voice=voice))
    wanted = set(_wanted(WeightStore(tmp_path)))
    assert wanted & {"voice", "fastspeech2-baker"} == fetched
    assert {"vad", "turn_detector"} <= wanted
