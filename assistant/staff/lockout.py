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

    def begin(self, name_key: str, address: str, device: str = "") -> list[str]:
        """Count one try before it is made, so that many at once don't slip through.

        With the hash of a known ``device`` only that device counts; without a name only the address.
        Returns the keys that this try has locked. Raises StaffError while one of them is locked already.
        """
        locked: list[str] = []
        with self._database.write() as connection:
            now = self._database.clock()
            found = {}
            for key, patience in _keys(name_key, address, device):
                row = connection.execute("SELECT * FROM failure WHERE key = ?", (key,)).fetchone()
                if row and row["locked_until"] and (until := moment(row["locked_until"])) > now:
                    minutes = ceil((until - now) / timedelta(minutes=1))
                    raise StaffError(
                        "locked", f"Locked for {minutes} minutes.", "Wait, or ask an administrator.", minutes=minutes
                    )
                fresh = row is None or now - moment(row["last"]) > patience.forget
                found[key] = 1 if fresh else row["count"] + 1
            for key, patience in _keys(name_key, address, device):
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

    def succeeded(self, name_key: str, address: str, device: str = "") -> None:
        """Forget what ``begin`` counted: of an address only the try that was right, as others may be behind it."""
        with self._database.write() as connection:
            for key, patience in _keys(name_key, address, device):
                if patience is ADDRESS:
                    connection.execute(
                        "UPDATE failure SET count = count - 1, locked_until = NULL WHERE key = ?", (key,)
                    )
                else:
                    connection.execute("DELETE FROM failure WHERE key = ?", (key,))

    def unlock(self, name_key: str) -> bool:
        """Let an account try again at once, on its own devices, too; False when nothing was counted."""
        with self._database.write() as connection:
            found = connection.execute(f"DELETE FROM failure WHERE {OWN}", (_account(name_key), name_key))  # noqa: S608
            return found.rowcount > 0

    def locked(self, name_key: str) -> bool:
        """Whether an account is locked now, somewhere."""
        now = stamp(self._database.clock())
        query = f"SELECT 1 FROM failure WHERE locked_until > ? AND ({OWN})"  # noqa: S608 - a constant
        return self._database.row(query, now, _account(name_key), name_key) is not None


# What is counted for one account.
OWN = (
    "key = ? OR key IN (SELECT 'device:' || known_device.hash FROM known_device "
    "JOIN account ON account.id = known_device.account WHERE account.key = ?)"
)


def _keys(name_key: str, address: str, device: str) -> list[tuple[str, Patience]]:
    if device:
        return [(f"device:{device}", ACCOUNT)]
    return [*([(_account(name_key), ACCOUNT)] if name_key else []), (_address(address), ADDRESS)]


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
