"""Devices that somebody logged in from before: strangers who lock an account don't lock them out of it."""

from __future__ import annotations

import secrets
from datetime import timedelta

from assistant.staff.database import Database, stamp
from assistant.staff.passwords import token_hash

LASTS = timedelta(days=180)  # since the last login
MOST = 20  # of one account; the one unused for longest is forgotten first


class KnownDevices:
    """A device keeps a token; it opens nothing, but failures on it are counted apart from everybody else's."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def remember(self, account: int, token: str = "") -> str:
        """The token of a device on which ``account`` has just logged in; ``token`` is the one that it has."""
        token = token if self.known(account, token) else secrets.token_urlsafe(32)
        now = self._database.clock()
        with self._database.write() as connection:
            connection.execute(
                "REPLACE INTO known_device (hash, account, seen) VALUES (?, ?, ?)",
                (token_hash(token), account, stamp(now)),
            )
            connection.execute(
                "DELETE FROM known_device WHERE seen < ? OR (account = ? AND hash NOT IN "
                "(SELECT hash FROM known_device WHERE account = ? ORDER BY seen DESC LIMIT ?))",
                (stamp(now - LASTS), account, account, MOST),
            )
        return token

    def known(self, account: int, token: str) -> bool:
        """Whether ``account`` logged in on the device with this token."""
        since = stamp(self._database.clock() - LASTS)
        row = self._database.row(
            "SELECT 1 FROM known_device WHERE hash = ? AND account = ? AND seen >= ?", token_hash(token), account, since
        )
        return row is not None

    def forget(self, account: int) -> None:
        """After a new password every device counts as unknown."""
        with self._database.write() as connection:
            connection.execute("DELETE FROM known_device WHERE account = ?", (account,))
