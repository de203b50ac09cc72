"""`jiamenkou staff`: the first administrator, resets, and the log, in one process each."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from assistant.cli_staff import app
from assistant.errors import StaffError
from assistant.settings import Settings
from assistant.staff.desk import open_staff
from tests.staff.site import HASHER


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    config = Settings(_env_file=None, data_folder=tmp_path, port=7999)
    monkeypatch.setattr("assistant.cli_staff.settings", lambda: config)
    monkeypatch.setattr("assistant.cli_staff.open_staff", lambda config: open_staff(config, HASHER))
    return tmp_path


def run(*arguments: str, typed: str = "") -> Result:
    return CliRunner().invoke(app, arguments, input=typed)


def test_the_first_administrator_logs_in(folder: Path) -> None:
    done = run(
        "add", "wang", "--role", "administrator", "--display", "王芳", "--password-stdin", typed="a quiet teapot\n"
    )
    assert done.exit_code == 0, done.output
    staff = open_staff(Settings(_env_file=None, data_folder=folder), HASHER)
    assert staff.login.with_password("wang", "a quiet teapot", "10.0.0.1", "")
    listed = run("list").stdout
    assert listed.split("\t")[:4] == ["wang", "王芳", "administrator", "active"]
    assert staff.audit.entries()[-1].who.startswith("cli:")


def test_a_link_sets_the_password(folder: Path) -> None:
    done = run("add", "王芳", "--role", "editor", "--role", "reviewer", "--link")
    address = done.stdout.strip()
    assert address.startswith("http://127.0.0.1:7999/staff/set-up#%E7%8E%8B%E8%8A%B3/")
    staff = open_staff(Settings(_env_file=None, data_folder=folder), HASHER)
    code = address.rsplit("/", 1)[1]
    assert staff.login.with_code("王芳", code, "a quiet red teapot", "10.0.0.1", "")
    assert code not in str(staff.audit.entries())


@pytest.mark.parametrize(
    ("arguments", "typed", "reason"),
    [
        (("add", "wang", "--role", "editor", "--password-stdin"), "short\n", "password-short"),
        (("add", "wang", "--role", "editor"), "", "no-terminal"),
        (("add", "a b", "--role", "editor", "--link"), "", "name"),
        (("reset", "nobody"), "", "no-account"),
        (("disable", "nobody"), "", "no-account"),
    ],
)
def test_mistakes_change_nothing(folder: Path, arguments: tuple[str, ...], typed: str, reason: str) -> None:
    done = run(*arguments, typed=typed)
    assert isinstance(done.exception, StaffError)
    assert done.exception.reason == reason
    assert done.exception.hint
    assert run("list").stdout == ""


def test_disable_enable_roles_unlock_reset(folder: Path) -> None:
    for name in ("wang", "li"):
        run("add", name, "--role", "administrator", "--password-stdin", typed="a quiet teapot\n")
    assert run("disable", "li").exit_code == 0
    last = run("disable", "wang")
    assert isinstance(last.exception, StaffError)
    assert last.exception.reason == "last-administrator"
    assert run("enable", "li").exit_code == 0
    assert run("roles", "li", "--role", "editor").exit_code == 0
    staff = open_staff(Settings(_env_file=None, data_folder=folder), HASHER)
    for number in range(5):
        with pytest.raises(StaffError):
            staff.login.with_password("li", "wrong", f"10.0.0.{number}", "")
    assert "locked" in run("list").stdout
    run("unlock", "li")
    assert staff.login.with_password("li", "a quiet teapot", "10.0.0.9", "")
    assert "/staff/set-up#wang/" in run("reset", "wang").stdout  # also the last administrator's
    run("reset", "wang", "--password-stdin", typed="another quiet teapot\n")
    assert staff.login.with_password("wang", "another quiet teapot", "10.0.0.9", "")


def test_audit_verify_and_export(folder: Path) -> None:
    run("add", "wang", "--role", "administrator", "--link")
    done = run("audit", "verify")
    head = done.stdout.strip()
    assert head.startswith("2:")
    assert run("audit", "verify", "--head", head).exit_code == 0
    assert run("audit", "export", "-o", str(folder / "log.csv")).exit_code == 0
    assert (folder / "log.csv").read_text("utf-8-sig").count("\n") == 3
    with sqlite3.connect(folder / "staff.db") as file:
        file.execute("DROP TRIGGER audit_no_update")
        file.execute("UPDATE audit SET who = 'li' WHERE number = 1")
    broken = run("audit", "verify")
    assert broken.exit_code != 0
    assert "line 1" in str(broken.exception)
