"""A watched folder and a Git repository: what is new is found once, and nothing there is written."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from assistant.errors import IntakeError, SettingsError
from knowledge.intake.git_source import GitRepository
from knowledge.intake.sources import WatchedFolder
from knowledge.intake.store import Store
from knowledge.intake.values import Intake

PAST = time.time() - 60


def put(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    os.utime(path, (PAST, PAST))
    return path


def test_a_folder_gives_what_is_new_until_it_is_acknowledged(tmp_path: Path) -> None:
    folder, memory = tmp_path / "watched", tmp_path / "seen.json"
    put(folder / "a.txt", "一")
    put(folder / "下级" / "b.md", "二")
    for ignored in (".hidden.txt", "~$a.docx", "c.exe", ".git/d.txt"):
        put(folder / ignored, "x")
    source = WatchedFolder(folder, memory)
    assert [file.name for file in source.poll().found] == ["a.txt", "下级/b.md"]
    assert [file.name for file in source.poll().found] == ["a.txt", "下级/b.md"]  # nobody has dealt with them
    for file in source.poll().found:
        source.acknowledge(file.name, file.version)
    assert source.poll().found == ()
    assert WatchedFolder(folder, memory).poll().found == ()  # and after a new start
    put(folder / "a.txt", "一一")
    assert [file.data.decode() for file in source.poll().found] == ["一一"]
    (folder / "下级" / "b.md").unlink()
    assert source.poll().gone == ("下级/b.md",)
    assert source.poll().gone == ()


def test_a_file_that_is_being_written_waits(tmp_path: Path) -> None:
    source = WatchedFolder(tmp_path, tmp_path / ".seen.json")
    (tmp_path / "a.txt").write_text("half", encoding="utf-8")
    assert source.poll().found == ()
    put(tmp_path / "a.txt", "whole")
    assert [file.data for file in source.poll().found] == [b"whole"]


def test_links_lead_nowhere(tmp_path: Path) -> None:
    secret = put(tmp_path / "outside" / "secret.txt", "geheim")
    folder = tmp_path / "watched"
    folder.mkdir()
    (folder / "link.txt").symlink_to(secret)
    (folder / "more").symlink_to(secret.parent, target_is_directory=True)
    os.mkfifo(folder / "pipe.txt")
    poll = WatchedFolder(folder, tmp_path / "seen.json").poll()
    assert poll.found == ()
    assert any("link.txt" in problem for problem in poll.problems)


def test_problems_of_a_folder_are_named_in_chinese(tmp_path: Path) -> None:
    assert "找不到" in WatchedFolder(tmp_path / "none", tmp_path / "seen.json").poll().problems[0]
    put(tmp_path / "big.txt", "x" * 2_000_000)
    assert "太大" in WatchedFolder(tmp_path, tmp_path / "seen.json", largest=1_000_000).poll().problems[0]


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=x", "-c", "user.email=x@example.com")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    put(folder / "docs" / "通知.md", "# 通知\n\n食堂开放。\n")
    put(folder / "other.txt", "别的")
    (folder / "docs" / "evil.md").symlink_to("/etc/passwd")
    git(folder, "add", "-A")
    git(folder, "commit", "--quiet", "-m", "one")
    return folder


def test_a_repository_gives_new_files_of_its_branch(repository: Path, tmp_path: Path) -> None:
    source = GitRepository(str(repository), tmp_path / "work", folder="docs")
    (found,) = source.poll().found
    assert found.name == "通知.md"
    assert found.data.decode() == "# 通知\n\n食堂开放。\n"
    source.acknowledge(found.name, found.version)
    assert source.poll().found == ()
    (repository / "docs" / "通知.md").write_text("# 通知\n\n食堂关闭。\n", encoding="utf-8")
    (repository / "other.txt").write_text("又变了", encoding="utf-8")
    git(repository, "commit", "--quiet", "-a", "-m", "two")
    (changed,) = source.poll().found
    assert "关闭" in changed.data.decode()
    source.acknowledge(changed.name, changed.version)
    git(repository, "rm", "--quiet", "docs/通知.md")
    git(repository, "commit", "--quiet", "-m", "three")
    assert source.poll().gone == ("通知.md",)
    assert not list((tmp_path / "work").rglob("*.md"))  # nothing is ever checked out


def test_a_repository_that_is_away_is_a_message(tmp_path: Path) -> None:
    poll = GitRepository(str(tmp_path / "none"), tmp_path / "work").poll()
    assert "Git 仓库读不了" in poll.problems[0]


@pytest.mark.parametrize(
    ("address", "branch"),
    [
        ("ext::sh -c touch% /tmp/x", "main"),
        ("--upload-pack=touch /tmp/x", "main"),
        ("-x", "main"),
        ("relative/path", "main"),
        ("/repository", "--exec=x"),
        ("/repository", "a..b"),
    ],
)
def test_an_address_that_is_a_command_is_none(tmp_path: Path, address: str, branch: str) -> None:
    with pytest.raises(SettingsError):
        GitRepository(address, tmp_path / "work", branch)


def test_previews_are_kept_whole(tmp_path: Path, read: object) -> None:
    intake: Intake = read("食堂每天开放。\n", "便条.txt")  # type: ignore[operator]
    store = Store(tmp_path / "previews")
    assert store.waiting() == []
    id_ = store.save(intake, "upload")
    (tmp_path / "previews" / ".20260101T000000-deadbeef").mkdir()  # a half one that a crash left
    (waiting,) = store.waiting()
    assert (waiting.id, waiting.name, waiting.origin) == (id_, "便条.txt", "upload")
    assert store.load(id_) == intake
    store.discard(id_)
    assert store.waiting() == []
    for wrong in (id_, "../../etc", "", "x"):
        with pytest.raises(IntakeError, match="没有找到"):
            store.load(wrong)
        with pytest.raises(IntakeError, match="没有找到"):
            store.discard(wrong)
