"""API keys of integrators: made, shown once, rotated and revoked; only their hashes are kept."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from assistant.errors import KeyStoreError

START = "jmk_"  # of every key, so that secret scanners and people know one when they see it
_SHAPE = re.compile(r"jmk_[0-9a-f]{8}_[A-Za-z0-9_-]{43}")
_USED_EVERY = 60.0  # seconds between two notes of the last use: a note is a write
_COLUMNS = "id, prefix, name, scopes, created, expires, revoked, used, per_minute, at_once"


class Scope(StrEnum):
    """What a key opens."""

    CHAT = "chat"  # models, chat completions, embeddings
    SPEECH = "speech"  # transcriptions, speech
    ROBOT = "robot"  # moving something
    STAFF = "staff"  # what staff do


@dataclass(frozen=True)
class Key:
    """What is kept of a key; times are seconds since 1970."""

    id: int
    prefix: str  # the first characters, to know it again by
    name: str
    scopes: frozenset[Scope]
    created: float
    expires: float | None = None
    revoked: float | None = None
    used: float | None = None
    per_minute: int | None = None  # requests; None is the setting's
    at_once: int | None = None  # requests; None is the setting's

    def state(self, now: float) -> str:
        """active, expired or revoked."""
        if self.revoked is not None:
            return "revoked"
        return "expired" if self.expires is not None and self.expires <= now else "active"


def digest(secret: str) -> str:
    """What is kept instead of a key.

    One sha256 is enough: the secret is 256 random bits, which no list of guesses holds. The slow hashes that
    passwords need would only make each request slow.
    """
    return hashlib.sha256(secret.encode()).hexdigest()


class Keys:
    """The keys of one data folder, in SQLite; several processes and threads may use it at once."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        """Raises ``KeyStoreError`` when the file can't be opened."""
        self._clock, self._lock = clock, threading.Lock()
        self._file = folder / "keys.sqlite3"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            os.close(os.open(self._file, os.O_CREAT | os.O_RDWR, 0o600))
            self._database = sqlite3.connect(self._file, timeout=5.0, isolation_level=None, check_same_thread=False)
            self._database.execute("PRAGMA journal_mode=WAL")
            self._database.execute(
                "CREATE TABLE IF NOT EXISTS keys (id INTEGER PRIMARY KEY, hash TEXT NOT NULL UNIQUE,"
                " prefix TEXT NOT NULL UNIQUE, name TEXT NOT NULL, scopes TEXT NOT NULL, created REAL NOT NULL,"
                " expires REAL, revoked REAL, used REAL, per_minute INTEGER, at_once INTEGER)"
            )
        except (OSError, sqlite3.Error) as error:
            raise KeyStoreError(
                f"The keys in {self._file} can't be opened: {error}.", "Check the folder's owner and permissions."
            ) from error

    def add(
        self,
        name: str,
        scopes: Iterable[Scope],
        *,
        expires: float | None = None,
        per_minute: int | None = None,
        at_once: int | None = None,
    ) -> tuple[str, Key]:
        """A new key: the secret, which is never to be had again, and what is kept of it."""
        wanted = frozenset(scopes)
        if not name.strip() or not wanted:
            raise KeyStoreError("A key needs a name and a scope.", "For example: jiamenkou keys add lobby --scope chat")
        if expires is not None and expires <= self._clock():
            raise KeyStoreError("The key would have expired already.", "Give a time to come.")
        prefix = START + secrets.token_hex(4)
        secret = f"{prefix}_{secrets.token_urlsafe(32)}"
        fields = (digest(secret), prefix, name.strip(), " ".join(sorted(wanted)), self._clock(), expires)
        self._run(
            "INSERT INTO keys (hash, prefix, name, scopes, created, expires, per_minute, at_once)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (*fields, per_minute, at_once),
        )
        return secret, self.get(prefix)

    def rotate(self, prefix: str, overlap: float) -> tuple[str, Key]:
        """A new key in place of an active one, which still works for ``overlap`` seconds."""
        old = self.get(prefix)
        if old.state(self._clock()) != "active":
            raise KeyStoreError(f"{prefix} is {old.state(self._clock())}.", "Make a new key with: jiamenkou keys add")
        until = self._clock() + max(0.0, overlap)
        made = self.add(old.name, old.scopes, expires=old.expires, per_minute=old.per_minute, at_once=old.at_once)
        self._run("UPDATE keys SET expires = min(coalesce(expires, ?), ?) WHERE id = ?", (until, until, old.id))
        return made

    def revoke(self, prefix: str) -> Key:
        """End a key at once; requests that run go on to their end."""
        key = self.get(prefix)
        self._run("UPDATE keys SET revoked = coalesce(revoked, ?) WHERE id = ?", (self._clock(), key.id))
        return self.get(prefix)

    def all(self) -> list[Key]:
        """Every key that was ever made, oldest first."""
        return [_key(row) for row in self._run(f"SELECT {_COLUMNS} FROM keys ORDER BY id", ())]  # noqa: S608

    def get(self, prefix: str) -> Key:
        """The key with this prefix, as shown by ``all``. Raises ``KeyStoreError`` when there is none."""
        rows = self._run(f"SELECT {_COLUMNS} FROM keys WHERE prefix = ?", (prefix,))  # noqa: S608
        if not rows:
            raise KeyStoreError(f"There is no key {prefix}.", "See them all with: jiamenkou keys list")
        return _key(rows[0])

    def find(self, secret: str) -> Key | None:
        """The active key that ``secret`` is, or None. Sees at once what another process has revoked."""
        if not _SHAPE.fullmatch(secret):
            return None
        rows = self._run(f"SELECT {_COLUMNS} FROM keys WHERE hash = ?", (digest(secret),))  # noqa: S608
        key = _key(rows[0]) if rows else None
        return key if key is not None and key.state(self._clock()) == "active" else None

    def note_use(self, key: Key) -> None:
        """Remember when a key was last used, to the minute."""
        now = self._clock()
        if key.used is None or now - key.used >= _USED_EVERY:
            self._run("UPDATE keys SET used = ? WHERE id = ?", (now, key.id))

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def _run(self, statement: str, values: tuple[object, ...]) -> list[tuple[object, ...]]:
        try:
            with self._lock:
                return self._database.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise KeyStoreError(f"{self._file} can't be used: {error}.", "Try again; check the disk.") from error


def _key(row: tuple[object, ...]) -> Key:
    id_, prefix, name, scopes, *rest = row
    return Key(id_, prefix, name, frozenset(map(Scope, str(scopes).split())), *rest)  # type: ignore[arg-type]


def looks_like_one(secret: str) -> bool:
    """Whether ``secret`` means to be one of our keys."""
    return secret.startswith(START)
