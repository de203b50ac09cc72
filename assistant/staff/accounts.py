"""Accounts: added, changed, disabled, given one-time codes; each change is audited in the same transaction."""

from __future__ import annotations

import re
import sqlite3
import unicodedata
from collections.abc import Collection
from datetime import timedelta

from assistant.errors import StaffError, StaleError
from assistant.staff.audit import AuditLog
from assistant.staff.database import Database, moment, stamp
from assistant.staff.passwords import code_hash, new_code
from assistant.staff.sessions import StaffSessions
from assistant.staff.values import Account, OneTimeCode, Role

NAME = re.compile(r"[\w.-]{2,32}")
DISPLAY_LONGEST = 40
CODE_LASTS = timedelta(hours=24)


def name_key(name: str) -> str:
    """A name as it is compared: 王芳, ＷＦ and wf are found however they are typed."""
    return unicodedata.normalize("NFKC", name).strip().casefold()


class Accounts:
    """Who works here. Raises StaffError for what can't be done, StaleError for what somebody else changed first."""

    def __init__(self, database: Database, audit: AuditLog, sessions: StaffSessions) -> None:
        self._database = database
        self._audit = audit
        self._sessions = sessions

    def all(self) -> list[Account]:
        """Every account, by name."""
        return [_account(row) for row in self._database.rows(f"{SELECT} ORDER BY disabled, key")]

    def get(self, account: int) -> Account:
        """One account by its id."""
        row = self._database.row(f"{SELECT} WHERE id = ?", account)
        if row is None:
            raise StaffError("no-account", f"There is no account {account}.", "See `jiamenkou staff list`.")
        return _account(row)

    def named(self, name: str) -> Account:
        """One account by its name."""
        row = self._database.row(f"{SELECT} WHERE key = ?", name_key(name))
        if row is None:
            raise StaffError("no-account", f"There is no account {name}.", "See `jiamenkou staff list`.")
        return _account(row)

    def add(self, who: str, name: str, display: str, roles: Collection[Role], subject: str | None = None) -> Account:
        """A new account; it can't log in before its password is set, or but through the provider of ``subject``."""
        name = unicodedata.normalize("NFKC", name).strip()
        if not NAME.fullmatch(name):
            raise StaffError(
                "name", f"{name!r} can't be a name.", "Use 2 to 32 letters, digits, dots, dashes or underscores."
            )
        display = _display(display or name)
        _check_roles(roles)
        now = stamp(self._database.clock())
        with self._database.write() as connection:
            try:
                made = connection.execute(
                    "INSERT INTO account (name, key, display, subject, created, changed, changed_by) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (name, name_key(name), display, subject, now, now, who),
                )
            except sqlite3.IntegrityError:
                raise StaffError("name-taken", f"There is an account {name} already.", "Choose another name.") from None
            account = int(made.lastrowid or 0)
            self._set_roles(connection, account, roles)
            self._audit.write(who, "account.add", f"account:{name}#{account}", after=_shown(self.get(account)))
            return self.get(account)

    def edit(
        self,
        who: str,
        account: int,
        version: int,
        *,
        display: str,
        roles: Collection[Role],
        disabled: bool,
        keep: str = "",
    ) -> Account:
        """Change an account that was read as ``version``.

        Its sessions end when its roles change or it is disabled, but for the one with the token ``keep``.
        """
        display = _display(display)
        if not disabled:
            _check_roles(roles)
        with self._database.write():
            before = self.get(account)
            if before.version != version:
                raise StaleError(
                    "stale",
                    f"{before.changed_by} changed {before.name} in the meantime.",
                    "Look at the account again.",
                    now=before,
                )
            return self._change(who, before, display, frozenset(roles), disabled, keep)

    def set_roles(self, who: str, account: int, roles: Collection[Role]) -> Account:
        """Give an account other roles, whatever version it has."""
        _check_roles(roles)
        with self._database.write():
            before = self.get(account)
            return self._change(who, before, before.display, frozenset(roles), before.disabled)

    def set_disabled(self, who: str, account: int, disabled: bool) -> Account:
        """Shut an account out at once, or let it in again."""
        with self._database.write():
            before = self.get(account)
            return self._change(who, before, before.display, before.roles, disabled)

    def reset(self, who: str, account: int) -> OneTimeCode:
        """A code that sets a new password once. The old password and all sessions end now."""
        code = new_code()
        with self._database.write() as connection:
            found = self.get(account)
            if found.from_provider:
                raise StaffError(
                    "from-provider", f"{found.name} logs in through the provider.", "Its password is kept there."
                )
            if found.disabled:
                raise StaffError("disabled", f"{found.name} is disabled.", "Enable the account first.")
            expires = self._database.clock() + CODE_LASTS
            connection.execute(
                "REPLACE INTO one_time_code (account, hash, expires) VALUES (?, ?, ?)",
                (account, code_hash(code), stamp(expires)),
            )
            connection.execute("UPDATE account SET password = NULL WHERE id = ?", (account,))
            self._touch(connection, who, account)
            self._sessions.revoke(account)
            self._audit.write(who, "account.reset", f"account:{found.name}#{account}")
        return OneTimeCode(code, expires)

    def unfinished(self) -> bool:
        """Whether nobody can log in yet."""
        return self._database.row("SELECT 1 FROM account WHERE NOT disabled LIMIT 1") is None

    def _change(
        self, who: str, before: Account, display: str, roles: frozenset[Role], disabled: bool, keep: str = ""
    ) -> Account:
        with self._database.write() as connection:
            connection.execute(
                "UPDATE account SET display = ?, disabled = ? WHERE id = ?", (display, disabled, before.id)
            )
            if roles != before.roles:
                self._set_roles(connection, before.id, roles)
            self._check_administrator(before)
            self._touch(connection, who, before.id)
            after = self.get(before.id)
            if disabled:
                connection.execute("DELETE FROM one_time_code WHERE account = ?", (before.id,))
            if disabled or roles != before.roles:
                self._sessions.revoke(before.id, keep="" if disabled else keep)
            target = f"account:{before.name}#{before.id}"
            self._audit.write(who, "account.edit", target, _shown(before), _shown(after))
            return after

    def _check_administrator(self, before: Account) -> None:
        """Somebody must be left who can let others in: an administrator with a password here."""
        if before.disabled or Role.ADMINISTRATOR not in before.roles or not before.has_password:
            return
        left = self._database.row(
            "SELECT 1 FROM account JOIN account_role ON account = id "
            "WHERE role = ? AND NOT disabled AND password IS NOT NULL LIMIT 1",
            Role.ADMINISTRATOR.value,
        )
        if left is None:
            raise StaffError(
                "last-administrator",
                f"{before.name} is the last administrator.",
                "Make somebody else an administrator first; that account must have set its password.",
            )

    def _set_roles(self, connection: sqlite3.Connection, account: int, roles: Collection[Role]) -> None:
        connection.execute("DELETE FROM account_role WHERE account = ?", (account,))
        connection.executemany(
            "INSERT INTO account_role (account, role) VALUES (?, ?)", [(account, role.value) for role in set(roles)]
        )

    def _touch(self, connection: sqlite3.Connection, who: str, account: int) -> None:
        connection.execute(
            "UPDATE account SET changed = ?, changed_by = ?, version = version + 1 WHERE id = ?",
            (stamp(self._database.clock()), who, account),
        )


SELECT = (
    "SELECT *, (SELECT group_concat(role) FROM account_role WHERE account_role.account = account.id) AS roles "
    "FROM account"
)


def _account(row: sqlite3.Row) -> Account:
    return Account(
        id=row["id"],
        name=row["name"],
        display=row["display"],
        roles=frozenset(Role(name) for name in (row["roles"] or "").split(",") if name),
        disabled=bool(row["disabled"]),
        has_password=row["password"] is not None,
        from_provider=row["subject"] is not None,
        created=moment(row["created"]),
        changed=moment(row["changed"]),
        changed_by=row["changed_by"],
        version=row["version"],
        last_login=moment(row["last_login"]) if row["last_login"] else None,
    )


def _shown(account: Account) -> dict[str, object]:
    """An account as the audit log keeps it."""
    roles = [role.value for role in Role if role in account.roles]
    return {"display": account.display, "roles": roles, "disabled": account.disabled}


def _display(text: str) -> str:
    text = " ".join(unicodedata.normalize("NFC", text).split())
    # Unprintable characters could make one name look like another in lists and in the log.
    if not text or len(text) > DISPLAY_LONGEST or not text.isprintable():
        raise StaffError(
            "display",
            "The display name is empty, too long, or not printable.",
            f"Use 1 to {DISPLAY_LONGEST} characters.",
            longest=DISPLAY_LONGEST,
        )
    return text


def _check_roles(roles: Collection[Role]) -> None:
    if not roles:
        raise StaffError("no-role", "An account needs a role.", f"Choose from {', '.join(Role)}.")
