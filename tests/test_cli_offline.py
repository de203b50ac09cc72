"""`jiamenkou ask` without weights: batches, JSON, and one clear message for each mistake."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from assistant import cli, main, main_publish
from assistant.retrieve.embedder import FakeEmbedder
from assistant.settings import Settings
from tests.small_world import small_corpus


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The small plan, an embedder without weights, no language model."""
    small_corpus(tmp_path / "corpus")
    config = Settings(
        data_folder=tmp_path / "data", corpus_folder=tmp_path / "corpus", llm="none", weights_folder=tmp_path / "none"
    )
    monkeypatch.setattr(cli, "settings", lambda: config)
    for module in (main, main_publish):
        monkeypatch.setattr(module, "make_embedder", lambda *_, **__: FakeEmbedder())
    return config


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    """The exit code of the real entry point."""
    monkeypatch.setattr(sys, "argv", ["jiamenkou", *map(str, arguments)])
    try:
        cli.main()
    except SystemExit as stop:
        return int(stop.code or 0)
    return 0


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["ask"], 1, ["question", "--batch"]),
        (["ask", "x", "--batch", "b.jsonl"], 1, ["question", "--batch"]),
        (["ask", "x", "--engine", "magic"], 1, ["magic", "auto, extractive or llm"]),
        (["ask", "--batch", "no/such/file"], 1, ["no/such/file"]),
        (["ask", "--nonsense"], 2, ["--nonsense"]),
        (["sing"], 2, ["sing"]),
        (["roll-back", "20200101"], 1, ["20200101"]),
    ],
)
def test_mistakes(
    arguments: list[str],
    code: int,
    words: list[str],
    config: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(monkeypatch, *arguments) == code
    shown = capsys.readouterr()
    assert shown.out == ""
    assert all(word in shown.err for word in words), shown.err
    assert not (config.data_folder / "current").exists()  # nothing was published for a mistake


@pytest.mark.parametrize(
    "line", ["{", "[]", "7", '"x"', "null", '{"id": 1}', '{"turns": "x"}', '{"turns": [1]}', '{"turns": null}']
)
def test_a_broken_line_is_named_before_anything_is_asked(
    line: str,
    config: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    batch, output = tmp_path / "b.jsonl", tmp_path / "o.jsonl"
    batch.write_text(f'{{"id": "a", "turns": ["你好"]}}\n\n{line}\n', encoding="utf-8")
    assert run(monkeypatch, "ask", "--batch", batch, "-o", output) == 1
    shown = capsys.readouterr().err
    assert "Line 3" in shown
    assert str(batch) in shown
    assert not output.exists()


def test_an_output_that_cannot_be_written(
    config: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    batch = tmp_path / "b.jsonl"
    batch.write_text('{"id": "a", "turns": ["你好"]}\n', encoding="utf-8")
    assert run(monkeypatch, "ask", "--batch", batch, "-o", tmp_path / "no" / "o.jsonl") == 1
    assert "o.jsonl" in capsys.readouterr().err


def test_a_batch_is_published_for_and_answered(
    config: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    batch, output = tmp_path / "b.jsonl", tmp_path / "o.jsonl"
    turns = ["第一条讲的是什么？", "", "你好"]
    batch.write_text(
        "\ufeff" + "\n".join(json.dumps({"id": n, "turns": turns}, ensure_ascii=False) for n in "ab"), "utf-8"
    )
    assert run(monkeypatch, "ask", "--batch", batch, "-o", output) == 0
    assert capsys.readouterr().out == ""
    lines = [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()]
    assert [line["id"] for line in lines] == ["a", "b"]
    for line in lines:
        first, empty, hello = line["answers"]
        assert "46个" in first["answer"]
        assert first["citations"][0]["article"] == 1
        assert (empty["refused"], empty["reason"]) == (True, "input")
        assert hello["engine"] == "talk"


def test_one_question_as_json_is_one_line(
    config: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "ask", "家里着火了", "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["emergency"] is True
    assert "119" in answer["answer"]
