"""The commands of taking in: preview, drafts, template, sources; English frame, Chinese content."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from assistant.cli import app
from assistant.errors import InputError, IntakeError, SettingsError
from assistant.settings import settings
from knowledge.intake.store import Store
from knowledge.load import load_corpus
from tests.knowledge.intake.builders import NOTICE, docx


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.setenv("JIAMENKOU_DATA_FOLDER", str(tmp_path / "data"))

    def invoke(*arguments: str, **environment: str) -> str:
        for key, value in environment.items():
            monkeypatch.setenv(key, value)
        settings.cache_clear()
        done = CliRunner().invoke(app, list(arguments), catch_exceptions=False, standalone_mode=False)
        if done.exception is not None:
            raise done.exception
        return done.stdout

    yield invoke
    settings.cache_clear()


def test_the_preview_and_drafts_that_load(run: object, tmp_path: Path) -> None:
    file = tmp_path / "通知.docx"
    file.write_bytes(docx(NOTICE))
    shown = run("take-in", str(file), "-o", str(tmp_path / "out"), "--owner", "示例街道办事处")  # type: ignore[operator]
    assert "Proposed front matter" in shown
    assert "title: 示例街道办事处关于调整社区食堂服务的通知" in shown
    assert "valid_until: 2027-02-28" in shown
    (tmp_path / "out" / "preview.json").unlink()
    loaded = load_corpus(tmp_path / "out", strict=True).corpus
    assert loaded.documents[0].number == "示街办〔2025〕12号"
    with pytest.raises(InputError, match="is there already"):
        run("take-in", str(file), "-o", str(tmp_path / "out"), "--owner", "示例街道办事处")  # type: ignore[operator]


def test_json_holds_everything(run: object, tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("\n".join(NOTICE) + "\n联系人手机13912345678。\n", encoding="utf-8")
    shown = json.loads(run("take-in", str(file), "--json"))  # type: ignore[operator]
    assert {"front", "tree", "passages", "changes", "dates", "departments", "targets", "personal", "notices"} <= set(
        shown
    )
    assert shown["personal"][0]["kind"] == "mobile"


def test_mistakes_get_one_clear_message(run: object, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="--template"):
        run("take-in")  # type: ignore[operator]
    with pytest.raises(SettingsError, match="sentences"):
        run("take-in", "x", "--tables", "magic")  # type: ignore[operator]
    with pytest.raises(IntakeError, match="读不了"):
        run("take-in", str(tmp_path / "none.txt"))  # type: ignore[operator]
    with pytest.raises(SettingsError, match="JIAMENKOU_INTAKE_FOLDER"):
        run("take-in-sources", "--once")  # type: ignore[operator]


def test_the_template_can_be_filled_in(run: object, tmp_path: Path) -> None:
    run("take-in", "--template", str(tmp_path / "cards.xlsx"))  # type: ignore[operator]
    assert (tmp_path / "cards.xlsx").read_bytes().startswith(b"PK")


def test_a_watched_folder_gives_previews_once_and_publishes_nothing(run: object, tmp_path: Path) -> None:
    folder = tmp_path / "watched"
    folder.mkdir()
    for name, data in (("a.txt", "食堂每天开放。\n".encode()), ("bad.docx", b"MZ\x90")):
        (folder / name).write_bytes(data)
        os.utime(folder / name, (time.time() - 60,) * 2)
    first = run("take-in-sources", "--once", JIAMENKOU_INTAKE_FOLDER=str(folder))  # type: ignore[operator]
    (waiting,) = Store(tmp_path / "data" / "intake" / "previews").waiting()
    assert first.split() == [waiting.id]
    assert (waiting.name, waiting.origin) == ("a.txt", "folder")
    assert run("take-in-sources", "--once").split() == []  # type: ignore[operator]
    assert not (tmp_path / "data" / "current").exists()
    assert sorted(path.name for path in folder.iterdir()) == ["a.txt", "bad.docx"]
