"""Sessions of staff: kept by the server, known by a token of which only the hash is stored."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import sqlite3
from dataclasses import dataclass
from datetime import timedelta

from assistant.staff.database import Database, moment, stamp
from assistant.staff.passwords import token_hash
from assistant.staff.values import Person, Role, StaffSession

NOTED = timedelta(seconds=30)  # activity is written down this often
MOST = 10  # sessions of one account; the oldest ends when another begins


@dataclass(frozen=True)
class Lifetime:
    """How long a login lasts: without activity, and at most."""

    idle: timedelta = timedelta(minutes=60)
    longest: timedelta = timedelta(hours=12)


def csrf_token(token: str) -> str:
    """What each form of a session carries; it can't be made without the session's own token."""
    return hmac.new(token.encode(), b"csrf", hashlib.sha256).hexdigest()


def csrf_matches(token: str, given: str) -> bool:
    """Whether a form was made for this session."""
    return hmac.compare_digest(csrf_token(token).encode(), given.encode())


class StaffSessions:
    """Begin, find, renew, end."""

    def __init__(self, database: Database, lifetime: Lifetime) -> None:
        self._database = database
        self.lifetime = lifetime

    def begin(self, account: int, address: str, device: str, from_provider: bool = False) -> str:
        """The token of a new session."""
        token = secrets.token_urlsafe(32)
        now = stamp(self._database.clock())
        with self._database.write() as connection:
            connection.execute(
                "INSERT INTO session (hash, handle, account, begun, seen, address, device, from_provider) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (token_hash(token), secrets.token_hex(8), account, now, now, address, device[:200], from_provider),
            )
            connection.execute(
                "DELETE FROM session WHERE account = ? AND hash NOT IN "
                "(SELECT hash FROM session WHERE account = ? ORDER BY begun DESC LIMIT ?)",
                (account, account, MOST),
            )
            self._sweep(connection)
        return token

    def find(self, token: str, touch: bool = True) -> StaffSession | None:
        """The live session of a token; ``touch`` counts as activity."""
        row = self._database.row(f"{SELECT} WHERE session.hash = ? AND NOT disabled", token_hash(token))
        now = self._database.clock()
        if row is None or not self._lives(row):
            return None
        if touch and now - moment(row["seen"]) > NOTED:
            with self._database.write() as connection:
                connection.execute("UPDATE session SET seen = ? WHERE hash = ?", (stamp(now), token_hash(token)))
        return self._session(row)

    def renew(self, token: str) -> str:
        """A new token for the same session, after a change of what it may do; the old one is worth nothing."""
        new = secrets.token_urlsafe(32)
        with self._database.write() as connection:
            connection.execute("UPDATE session SET hash = ? WHERE hash = ?", (token_hash(new), token_hash(token)))
        return new

    def of(self, account: int) -> list[StaffSession]:
        """The live sessions of an account, the latest first."""
        rows = self._database.rows(f"{SELECT} WHERE session.account = ? ORDER BY session.seen DESC", account)
        return [self._session(row) for row in rows if self._lives(row)]

    def end(self, token: str) -> None:
        """Log out."""
        with self._database.write() as connection:
            connection.execute("DELETE FROM session WHERE hash = ?", (token_hash(token),))

    def revoke(self, account: int, handle: str = "", keep: str = "") -> int:
        """End the sessions of an account: one by its handle, or all but the one with the token ``keep``."""
        condition, value = ("handle = ?", handle) if handle else ("hash != ?", token_hash(keep))
        with self._database.write() as connection:
            found = connection.execute(
                f"DELETE FROM session WHERE account = ? AND {condition}",  # noqa: S608 - two constants
                (account, value),
            )
            return found.rowcount

    def flash(self, token: str, kind: str, text: str) -> None:
        """Keep a message for the next page."""
        with self._database.write() as connection:
            row = connection.execute("SELECT flash FROM session WHERE hash = ?", (token_hash(token),)).fetchone()
            if row is not None:
                messages = [*json.loads(row["flash"]), [kind, text]][-5:]
                connection.execute(
                    "UPDATE session SET flash = ? WHERE hash = ?",
                    (json.dumps(messages, ensure_ascii=False), token_hash(token)),
                )

    def flashed(self, token: str) -> list[tuple[str, str]]:
        """The messages that were kept; they are shown once."""
        row = self._database.row("SELECT flash FROM session WHERE hash = ?", token_hash(token))
        if row is None or row["flash"] == "[]":
            return []
        with self._database.write() as connection:
            connection.execute("UPDATE session SET flash = '[]' WHERE hash = ?", (token_hash(token),))
        return [(kind, text) for kind, text in json.loads(row["flash"])]

    def _sweep(self, connection: sqlite3.Connection) -> None:
        now = self._database.clock()
        connection.execute(
            "DELETE FROM session WHERE seen < ? OR begun < ?",
            (stamp(now - self.lifetime.idle), stamp(now - self.lifetime.longest)),
        )

    def _lives(self, row: sqlite3.Row) -> bool:
        now = self._database.clock()
        recent = now - moment(row["seen"]) <= self.lifetime.idle
        return recent and now - moment(row["begun"]) <= self.lifetime.longest

    def _session(self, row: sqlite3.Row) -> StaffSession:
        roles = frozenset(Role(name) for name in (row["roles"] or "").split(",") if name)
        return StaffSession(
            handle=row["handle"],
            person=Person(row["account"], row["name"], row["display"], roles),
            begun=moment(row["begun"]),
            seen=moment(row["seen"]),
            address=row["address"],
            device=row["device"],
            from_provider=bool(row["from_provider"]),
        )


SELECT = (
    "SELECT session.*, account.name, account.display, account.disabled, "
    "(SELECT group_concat(role) FROM account_role WHERE account_role.account = account.id) AS roles "
    "FROM session JOIN account ON account.id = session.account"
)
