"""The staff database: one SQLite file, its schema in versions, and transactions."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from assistant.errors import StaffError

Clock = Callable[[], datetime]

# One script a version; a released script is never changed, a new one is added.
SCHEMA = (
    """
    CREATE TABLE account (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      name TEXT NOT NULL,
      key TEXT NOT NULL UNIQUE,           -- the name as it is compared
      display TEXT NOT NULL,
      password TEXT,                      -- an argon2 hash; none before the first password is set
      subject TEXT UNIQUE,                -- issuer and subject of OpenID Connect
      disabled INTEGER NOT NULL DEFAULT 0,
      created TEXT NOT NULL,
      changed TEXT NOT NULL,
      changed_by TEXT NOT NULL,
      version INTEGER NOT NULL DEFAULT 1,
      last_login TEXT
    );
    CREATE TABLE account_role (
      account INTEGER NOT NULL REFERENCES account(id),
      role TEXT NOT NULL,
      PRIMARY KEY (account, role)
    );
    CREATE TABLE one_time_code (
      account INTEGER PRIMARY KEY REFERENCES account(id),
      hash TEXT NOT NULL UNIQUE,
      expires TEXT NOT NULL
    );
    CREATE TABLE session (
      hash TEXT PRIMARY KEY,              -- of the token, which only the browser knows
      handle TEXT NOT NULL UNIQUE,
      account INTEGER NOT NULL REFERENCES account(id),
      begun TEXT NOT NULL,
      seen TEXT NOT NULL,
      address TEXT NOT NULL,
      device TEXT NOT NULL,
      from_provider INTEGER NOT NULL DEFAULT 0,
      flash TEXT NOT NULL DEFAULT '[]'
    );
    CREATE INDEX session_account ON session(account);
    CREATE TABLE failure (
      key TEXT PRIMARY KEY,               -- account:NAME, address:NETWORK or device:HASH
      count INTEGER NOT NULL,
      last TEXT NOT NULL,
      locked_until TEXT
    );
    CREATE TABLE audit (
      number INTEGER PRIMARY KEY AUTOINCREMENT,
      at TEXT NOT NULL,
      who TEXT NOT NULL,
      action TEXT NOT NULL,
      target TEXT NOT NULL,
      before TEXT NOT NULL,               -- JSON
      after TEXT NOT NULL,                -- JSON
      hash TEXT NOT NULL                  -- of this line and of the hash before it
    );
    CREATE INDEX audit_who ON audit(who);
    CREATE INDEX audit_at ON audit(at);
    CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit
      BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
    CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
      BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
    CREATE TRIGGER audit_no_replace BEFORE INSERT ON audit
      WHEN EXISTS (SELECT 1 FROM audit WHERE number = NEW.number)
      BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
    """,
    """
    CREATE TABLE known_device (
      hash TEXT PRIMARY KEY,              -- of a token that the device keeps
      account INTEGER NOT NULL REFERENCES account(id),
      seen TEXT NOT NULL
    );
    """,
)


def now() -> datetime:
    """The time in UTC."""
    return datetime.now(UTC)


def stamp(moment: datetime) -> str:
    """A time as it is stored: UTC, of one width, so that text order is time order."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def moment(text: str) -> datetime:
    """The time of a stored stamp."""
    return datetime.fromisoformat(text)


class Database:
    """``staff.db`` of one data folder; may be used from many threads and beside the command line."""

    def __init__(self, folder: Path, clock: Clock = now) -> None:
        """Open it, make it if it isn't there, bring its schema up to date. Raises StaffError."""
        self.clock = clock
        self.path = folder / "staff.db"
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        try:
            # Hashes of passwords are nobody else's business: no moment with wider rights.
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
            self._connection = sqlite3.connect(self.path, timeout=10, isolation_level=None, check_same_thread=False)
            self._connection.row_factory = sqlite3.Row
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.execute("PRAGMA foreign_keys = ON")
            self._upgrade()
        except (OSError, sqlite3.Error) as error:
            raise StaffError(
                "database",
                f"{self.path} can't be opened: {error}.",
                "Check the folder's rights and space, or restore the file from a backup.",
            ) from error

    def _upgrade(self) -> None:
        with self.write() as connection:
            version = int(connection.execute("PRAGMA user_version").fetchone()[0])
            if version > len(SCHEMA):
                raise StaffError(
                    "database",
                    f"{self.path} was written by a newer version of Jiamenkou.",
                    "Start the newer version, or restore the backup of this one.",
                )
            for number in range(version, len(SCHEMA)):
                for statement in _statements(SCHEMA[number]):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {number + 1}")

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """A transaction that is whole or not at all; a second one of this thread joins the first."""
        with self._lock:
            if self._connection.in_transaction:
                yield self._connection
                return
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def rows(self, query: str, *values: object) -> list[sqlite3.Row]:
        """What a query finds."""
        with self._lock:
            return self._connection.execute(query, values).fetchall()

    def row(self, query: str, *values: object) -> sqlite3.Row | None:
        """The first row that a query finds, or None."""
        with self._lock:
            found: sqlite3.Row | None = self._connection.execute(query, values).fetchone()
            return found

    def close(self) -> None:
        """Let the file go."""
        with self._lock:
            self._connection.close()


def _statements(script: str) -> Iterator[str]:
    """The statements of a script; executescript would end the transaction that they belong to."""
    statement = ""
    for line in script.splitlines():
        statement += line + "\n"
        if statement.strip() and sqlite3.complete_statement(statement):
            yield statement
            statement = ""
