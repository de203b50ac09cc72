"""API keys: shown once, kept as hashes, rotated with an overlap, revoked, expired; and their commands."""

from __future__ import annotations

import sqlite3
import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner

from assistant.cli_keys import app, duration
from assistant.errors import KeyStoreError, SettingsError
from assistant.keys import Keys, Scope
from assistant.settings import settings


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys(tmp_path: Path, clock: Clock) -> Keys:
    return Keys(tmp_path, clock)


def test_a_key_is_found_by_its_secret_which_is_written_nowhere(keys: Keys, tmp_path: Path) -> None:
    secret, key = keys.add("大厅机器人", [Scope.CHAT, Scope.ROBOT], per_minute=5)
    assert secret.startswith(key.prefix + "_")
    assert keys.find(secret) == key
    assert key.scopes == {Scope.CHAT, Scope.ROBOT}
    assert keys.find(secret[:-1] + "!") is None
    assert keys.find(key.prefix) is None
    keys.close()
    tail = secret.rpartition("_")[2].encode()
    for file in tmp_path.iterdir():
        assert tail not in file.read_bytes()
    assert stat.S_IMODE((tmp_path / "keys.sqlite3").stat().st_mode) == 0o600


def test_rotation_lets_both_work_for_a_while(keys: Keys, clock: Clock) -> None:
    old, key = keys.add("a", [Scope.CHAT], at_once=3)
    new, made = keys.rotate(key.prefix, 60)
    assert (made.name, made.scopes, made.at_once) == ("a", key.scopes, 3)
    assert keys.find(old)
    assert keys.find(new)
    clock.now += 61
    assert keys.find(old) is None
    assert keys.find(new) == made
    with pytest.raises(KeyStoreError, match="expired"):
        keys.rotate(key.prefix, 60)


def test_rotation_never_makes_a_key_live_longer(keys: Keys, clock: Clock) -> None:
    old, key = keys.add("a", [Scope.CHAT], expires=clock.now + 30)
    new, _ = keys.rotate(key.prefix, 3600)
    clock.now += 31
    assert keys.find(old) is None
    assert keys.find(new) is None


def test_another_process_revokes_and_it_counts_at_once(keys: Keys, clock: Clock, tmp_path: Path) -> None:
    secret, key = keys.add("a", [Scope.SPEECH])
    Keys(tmp_path, clock).revoke(key.prefix)
    assert keys.find(secret) is None
    assert keys.get(key.prefix).state(clock.now) == "revoked"


def test_the_last_use_is_known_to_the_minute(keys: Keys, clock: Clock) -> None:
    secret, key = keys.add("a", [Scope.CHAT])
    keys.note_use(key)
    used = keys.get(key.prefix).used
    assert used == clock.now
    clock.now += 30
    found = keys.find(secret)
    assert found is not None
    keys.note_use(found)
    assert keys.get(key.prefix).used == used
    clock.now += 31
    keys.note_use(found)
    assert keys.get(key.prefix).used == clock.now


def test_what_is_no_key_is_refused(keys: Keys, clock: Clock, tmp_path: Path) -> None:
    for name, scopes, expires in (("", [Scope.CHAT], None), ("a", [], None), ("a", [Scope.CHAT], clock.now)):
        with pytest.raises(KeyStoreError):
            keys.add(name, scopes, expires=expires)
    for call in (keys.get, keys.revoke):
        with pytest.raises(KeyStoreError, match="no key"):
            call("jmk_00000000")
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "keys.sqlite3").write_bytes(b"no database" * 500)
    with pytest.raises(KeyStoreError, match="can't be opened"):
        Keys(broken)


def test_the_commands_show_a_key_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JIAMENKOU_DATA_FOLDER", str(tmp_path))
    settings.cache_clear()
    run = CliRunner()
    try:
        added = run.invoke(app, ["add", "lobby", "--scope", "chat", "--scope", "speech", "--expires", "90d"])
        assert added.exit_code == 0, added.output
        secret = added.stdout.strip().splitlines()[-1]
        key = Keys(tmp_path).find(secret)
        assert key is not None
        listed = run.invoke(app, ["list"], env={"COLUMNS": "200"}).stdout
        assert key.prefix in listed
        assert "active" in listed
        assert secret not in listed
        rotated = run.invoke(app, ["rotate", key.prefix, "--overlap", "0m"])
        assert Keys(tmp_path).find(rotated.stdout.strip().splitlines()[-1])
        assert Keys(tmp_path).find(secret) is None
        assert run.invoke(app, ["revoke", key.prefix]).exit_code == 0
        assert "revoked" in run.invoke(app, ["list"], env={"COLUMNS": "200"}).stdout
        rows = sqlite3.connect(tmp_path / "keys.sqlite3").execute("SELECT hash FROM keys").fetchall()
        assert all(len(row[0]) == 64 for row in rows)
    finally:
        settings.cache_clear()


def test_lengths_of_time() -> None:
    assert (duration("30m"), duration("12h"), duration("90d")) == (1800, 43200, 7776000)
    for text in ("", "3", "d", "-1d", "1y"):
        with pytest.raises(SettingsError):
            duration(text)
