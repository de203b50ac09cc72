"""Logging in with a password, setting one with a one-time code, changing one."""

from __future__ import annotations

from assistant.errors import StaffError
from assistant.staff.accounts import name_key
from assistant.staff.audit import AuditLog
from assistant.staff.database import Database, moment, stamp
from assistant.staff.devices import KnownDevices
from assistant.staff.lockout import Lockout
from assistant.staff.passwords import Passwords, check_password, code_hash, token_hash
from assistant.staff.sessions import StaffSessions

LONGEST_NAME = 100  # characters of a name that are looked at


class Login:
    """Ways in. Whatever is wrong, the answer and the time it takes are the same."""

    def __init__(
        self,
        database: Database,
        audit: AuditLog,
        sessions: StaffSessions,
        lockout: Lockout,
        devices: KnownDevices,
        passwords: Passwords,
    ) -> None:
        self._database = database
        self._audit = audit
        self._sessions = sessions
        self._lockout = lockout
        self._devices = devices
        self._passwords = passwords

    def with_password(self, name: str, password: str, address: str, device: str, known: str = "") -> str:
        """The token of a new session; ``known`` is the token of a known device. Raises StaffError."""
        key = name_key(name[:LONGEST_NAME])
        row = self._database.row("SELECT * FROM account WHERE key = ?", key)
        known = token_hash(known) if row and self._devices.known(row["id"], known) else ""
        self._begin(key, address, row["name"] if row else None, known)
        hashed = row["password"] if row and not row["disabled"] else None
        if not self._passwords.matches(hashed, password):
            # An unknown name may be a password in the wrong field: it isn't kept, but takes as long.
            who = f"{row['name']}#{row['id']}" if row else "nobody"
            self._audit.write(who, "login.failed", f"address:{address}")
            raise StaffError("login", "Name or password is wrong.", "Try again, or ask an administrator for a reset.")
        assert row is not None  # noqa: S101 - only an account's hash can match
        assert hashed is not None  # noqa: S101
        new_hash = self._passwords.hash(password) if self._passwords.outdated(hashed) else hashed
        with self._database.write() as connection:
            # The password may have been reset, or the account disabled, while this one was compared.
            found = connection.execute(
                "UPDATE account SET password = ?, last_login = ? WHERE id = ? AND password = ? AND NOT disabled",
                (new_hash, stamp(self._database.clock()), row["id"], hashed),
            )
            if found.rowcount != 1:
                raise StaffError(
                    "login", "Name or password is wrong.", "Try again, or ask an administrator for a reset."
                )
            self._lockout.succeeded(key, address, known)
            self._audit.write(f"{row['name']}#{row['id']}", "login", f"address:{address}")
            return self._sessions.begin(row["id"], address, device)

    def with_code(self, name: str, code: str, password: str, address: str, device: str) -> str:
        """Set a password with a one-time code; the token of a new session. Raises StaffError."""
        key = name_key(name[:LONGEST_NAME])
        row = self._database.row(
            "SELECT account.*, one_time_code.expires FROM account JOIN one_time_code ON account = id "
            "WHERE key = ? AND one_time_code.hash = ? AND NOT disabled",
            key,
            code_hash(code),
        )
        check_password(password, name, row["display"] if row else "")  # costs no try and no code
        self._begin("", address)  # a code is too long to be guessed: strangers must not keep its owner from using it
        wrong = StaffError("code", "Name or code is wrong, or the code has expired.", "Ask for a new code.")
        if row is None or moment(row["expires"]) < self._database.clock():
            self._passwords.matches(None, password)
            raise wrong
        hashed = self._passwords.hash(password)
        with self._database.write() as connection:
            used = connection.execute(
                "DELETE FROM one_time_code WHERE account = ? AND hash = ?", (row["id"], code_hash(code))
            )
            if used.rowcount != 1:
                raise wrong
            self._lockout.succeeded("", address)
            self._lockout.unlock(key)
            self._store(f"{row['name']}#{row['id']}", row["id"], hashed, "password.set")
            self._sessions.revoke(row["id"])
            return self._sessions.begin(row["id"], address, device)

    def change_password(self, token: str, old: str, new: str, address: str) -> str:
        """Change the password of a session's own account: other sessions end, this one gets a new token."""
        session = self._sessions.find(token)
        row = self._database.row("SELECT * FROM account WHERE id = ?", session.person.id) if session else None
        if session is None or row is None:
            raise StaffError("no-session", "The login has expired.", "Log in again.")
        if row["subject"]:
            raise StaffError("from-provider", f"{row['name']} logs in through the provider.", "Change it there.")
        check_password(new, row["name"], row["display"])
        self._begin(row["key"], address, row["name"], token_hash(token))
        if not self._passwords.matches(row["password"], old):
            raise StaffError("old-password", "The old password is wrong.", "Type it again.")
        hashed = self._passwords.hash(new)
        with self._database.write():
            self._lockout.succeeded(row["key"], address, token_hash(token))
            self._store(session.person.who, row["id"], hashed, "password.change")
            self._sessions.revoke(row["id"], keep=token)
            return self._sessions.renew(token)

    def set_password(self, who: str, account: int, password: str) -> None:
        """Set a password from the command line."""
        row = self._database.row("SELECT * FROM account WHERE id = ?", account)
        if row is None:
            raise StaffError("no-account", f"There is no account {account}.", "See `jiamenkou staff list`.")
        check_password(password, row["name"], row["display"])
        hashed = self._passwords.hash(password)
        with self._database.write() as connection:
            connection.execute("DELETE FROM one_time_code WHERE account = ?", (account,))
            self._store(who, account, hashed, "password.set", f"account:{row['name']}#{account}")
            self._sessions.revoke(account)

    def log_out(self, token: str) -> None:
        """End a session."""
        session = self._sessions.find(token, touch=False)
        self._sessions.end(token)
        if session is not None:
            self._audit.write(session.person.who, "logout")

    def _store(self, who: str, account: int, hashed: str, action: str, target: str = "") -> None:
        with self._database.write() as connection:
            connection.execute(
                "UPDATE account SET password = ?, version = version + 1, changed = ?, changed_by = ? WHERE id = ?",
                (hashed, stamp(self._database.clock()), who, account),
            )
            self._devices.forget(account)
            self._audit.write(who, action, target)

    def _begin(self, key: str, address: str, name: str | None = None, device: str = "") -> None:
        for locked in self._lockout.begin(key, address, device):
            if locked.startswith("address:"):
                self._audit.write("nobody", "login.locked", locked)
            elif name:
                self._audit.write("nobody", "login.locked", f"account:{name}")
