"""Lock-out: each failed login makes the next ones wait longer, by account and by address."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import timedelta
from math import ceil

from assistant.errors import StaffError
from assistant.staff.database import Database, moment, stamp


@dataclass(frozen=True)
class Patience:
    """``free`` failures cost nothing; each further one doubles the wait from ``first`` to ``longest``."""

    free: int
    first: timedelta
    longest: timedelta
    forget: timedelta  # after the last failure


ACCOUNT = Patience(5, timedelta(minutes=1), timedelta(minutes=30), timedelta(hours=24))
ADDRESS = Patience(20, timedelta(minutes=1), timedelta(minutes=30), timedelta(hours=1))


class Lockout:
    """Counts failures in the database, so that a restart forgives nothing.

    Names that no account has are counted like others: a lock tells nobody which names exist.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, name_key: str, address: str) -> list[str]:
        """Count one try before it is made, so that many at once don't slip through.

        Returns the keys that this try has locked. Raises StaffError while one of them is locked already.
        """
        locked: list[str] = []
        with self._database.write() as connection:
            now = self._database.clock()
            found = {}
            for key, patience in _keys(name_key, address):
                row = connection.execute("SELECT * FROM failure WHERE key = ?", (key,)).fetchone()
                if row and row["locked_until"] and (until := moment(row["locked_until"])) > now:
                    minutes = ceil((until - now) / timedelta(minutes=1))
                    raise StaffError(
                        "locked", f"Locked for {minutes} minutes.", "Wait, or ask an administrator.", minutes=minutes
                    )
                fresh = row is None or now - moment(row["last"]) > patience.forget
                found[key] = 1 if fresh else row["count"] + 1
            for key, patience in _keys(name_key, address):
                stop: str | None = None
                if (over := found[key] - patience.free) >= 0:
                    stop = stamp(now + min(patience.first * 2 ** min(over, 20), patience.longest))
                    locked.append(key)
                connection.execute(
                    "REPLACE INTO failure (key, count, last, locked_until) VALUES (?, ?, ?, ?)",
                    (key, found[key], stamp(now), stop),
                )
            connection.execute("DELETE FROM failure WHERE last < ?", (stamp(now - ACCOUNT.forget),))
        return locked

    def succeeded(self, name_key: str, address: str) -> None:
        """Forget the account's failures; the address loses only the try that was right."""
        with self._database.write() as connection:
            connection.execute("DELETE FROM failure WHERE key = ?", (_account(name_key),))
            connection.execute(
                "UPDATE failure SET count = count - 1, locked_until = NULL WHERE key = ?", (_address(address),)
            )

    def unlock(self, name_key: str) -> bool:
        """Let an account try again at once; False when it was not locked or counted."""
        with self._database.write() as connection:
            found = connection.execute("DELETE FROM failure WHERE key = ?", (_account(name_key),))
            return found.rowcount > 0

    def locked(self, name_key: str) -> bool:
        """Whether an account is locked now."""
        row = self._database.row("SELECT locked_until FROM failure WHERE key = ?", _account(name_key))
        return bool(row and row[0] and moment(row[0]) > self._database.clock())


def _keys(name_key: str, address: str) -> list[tuple[str, Patience]]:
    return [(_account(name_key), ACCOUNT), (_address(address), ADDRESS)]


def _account(name_key: str) -> str:
    return f"account:{name_key}"


def _address(address: str) -> str:
    """One household's IPv6 addresses count as one."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return f"address:{address}"
    if isinstance(found, ipaddress.IPv6Address):
        return f"address:{ipaddress.ip_network((found, 64), strict=False)}"
    return f"address:{found}"
