"""The commands that keep the knowledge, from the first publishing to a restore on another machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from assistant.cli import app
from assistant.errors import ConflictError, JiamenkouError, KnowledgeError
from assistant.retrieve.embedder import FakeEmbedder
from assistant.settings import settings
from tests.publishing import NOTICE
from tests.small_world import CARDS, small_corpus

Run = Callable[..., str]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    monkeypatch.setattr("assistant.main_publish.make_embedder", lambda *_, **__: FakeEmbedder())
    monkeypatch.setenv("JIAMENKOU_CORPUS_FOLDER", str(tmp_path / "corpus"))
    monkeypatch.setenv("JIAMENKOU_LLM", "none")
    small_corpus(tmp_path / "corpus")

    def call(*words: str, data: str = "data", code: int = 0) -> str:
        monkeypatch.setenv("JIAMENKOU_DATA_FOLDER", str(tmp_path / data))
        settings.cache_clear()
        done = CliRunner().invoke(app, list(words))
        if isinstance(done.exception, JiamenkouError):
            raise done.exception
        assert done.exit_code == code, done.output
        return done.stdout

    yield call
    settings.cache_clear()


def test_the_tour_of_an_operator(run: Run, tmp_path: Path) -> None:
    with pytest.raises(KnowledgeError, match="Nothing has been published"):
        run("export", str(tmp_path / "nothing"))
    run("publish", "--note", "the first")
    assert "Nothing is different." in run("diff")
    line, soon = run("releases").splitlines()  # the first publishing answers with a part of it soon
    assert soon.startswith("  ")
    assert line.startswith("* ")
    assert "2 documents" in line
    assert "the first" in line
    first = line.split()[1]
    plan = tmp_path / "corpus" / "plan.md"
    plan.write_text(plan.read_text("utf-8").replace("46个", "48个"), encoding="utf-8")
    (tmp_path / "corpus" / "notice.md").write_text(NOTICE, encoding="utf-8")
    shown = run("diff")
    assert "added notice: 青山街道理发点通知" in shown
    assert "[-46-]{+48+}个" in shown
    assert "figure" in shown
    run("publish")
    assert [line[0] for line in run("releases").splitlines()] == ["*", " ", " "]
    assert "{+46+}" in run("diff", run("releases").splitlines()[0].split()[1], first)
    assert "added notice" in run("diff", first)  # the folder beside an old release
    run("rollback", first)
    assert [line[0] for line in run("releases").splitlines()] == [" ", "*", " "]
    with pytest.raises(KnowledgeError, match=first):
        run("rollback", "nonsense")
    run("publish")
    assert "2026-12-31" in run("stale", "--days", "400")
    assert run("stale", "--days", "0") == ""


def test_a_regression_is_told(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "corpus"
    (folder / "questions.yaml").write_text(
        "- {question: 市民热线是哪个号码？, contains: ['12345']}\n", encoding="utf-8"
    )
    run("publish")
    assert "same" in run("diff", "--answers")
    (folder / "cards" / "cards.yaml").write_text(
        CARDS[: CARDS.index('  - id: "12345"')] + CARDS[CARDS.index("  - id: canteen") :], encoding="utf-8"
    )
    shown = run("diff", "--answers", code=1)
    assert "worse" in shown
    assert "12345" in shown


def test_backup_export_and_import(run: Run, tmp_path: Path) -> None:
    (tmp_path / "corpus" / "notice.md").write_text(NOTICE, encoding="utf-8")
    run("publish")
    archive, out = tmp_path / "b.tar.gz", tmp_path / "out"
    assert "files are in" in run("backup", str(archive))
    assert "answers now" in run("restore", str(archive), data="other")
    assert "3 files" in run("export", str(out), data="other")
    assert (out / "notice.md").read_text("utf-8") == NOTICE
    (out / "notice.md").write_text(NOTICE.replace("12个", "13个"), encoding="utf-8")
    (out / "cards" / "cards.yaml").unlink()
    shown = run("import", str(out), "--publish", data="other")
    assert "~ notice.md" in shown
    assert "- cards/cards.yaml" in shown
    assert "answers now" in shown
    assert "like the folder already" in run("import", str(out), data="other")
    # What staff changed there isn't undone by the folder; what both changed is asked for.
    run("publish", data="other")
    (tmp_path / "corpus" / "notice.md").write_text(NOTICE.replace("12个", "14个"), encoding="utf-8")
    with pytest.raises(ConflictError, match=r"notice\.md"):
        run("publish", data="other")
    run("publish", "--prefer", "staff", data="other")
    assert "13个" in _notice(run, tmp_path)
    (archive).write_bytes(b"no archive")
    with pytest.raises(KnowledgeError, match="no whole backup"):
        run("restore", str(archive), data="third")


def _notice(run: Run, tmp_path: Path) -> str:
    run("export", str(tmp_path / "again"), data="other")
    return (tmp_path / "again" / "notice.md").read_text("utf-8")
