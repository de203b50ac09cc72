"""The values of staff accounts: roles, permissions, people, sessions, entries of the audit log."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class Role(StrEnum):
    """What somebody is trusted with; each includes what those before it may do."""

    EDITOR = "editor"
    REVIEWER = "reviewer"
    PUBLISHER = "publisher"
    ADMINISTRATOR = "administrator"


class Permission(StrEnum):
    """One thing that a page or a route does."""

    KNOWLEDGE_EDIT = "knowledge.edit"
    KNOWLEDGE_TAKE_IN = "knowledge.take_in"
    CALLS_ANSWER = "calls.answer"
    WORKBENCH_USE = "workbench.use"
    UNANSWERED_READ = "unanswered.read"
    KNOWLEDGE_REVIEW = "knowledge.review"
    KNOWLEDGE_PUBLISH = "knowledge.publish"
    KNOWLEDGE_ROLL_BACK = "knowledge.roll_back"
    ACCOUNTS_MANAGE = "accounts.manage"
    AUDIT_READ = "audit.read"
    BACKUP_MANAGE = "backup.manage"


# What each role adds to the roles before it.
ADDS = {
    Role.EDITOR: {
        Permission.KNOWLEDGE_EDIT,
        Permission.KNOWLEDGE_TAKE_IN,
        Permission.CALLS_ANSWER,
        Permission.WORKBENCH_USE,
        Permission.UNANSWERED_READ,
    },
    Role.REVIEWER: {Permission.KNOWLEDGE_REVIEW},
    Role.PUBLISHER: {Permission.KNOWLEDGE_PUBLISH, Permission.KNOWLEDGE_ROLL_BACK},
    Role.ADMINISTRATOR: {Permission.ACCOUNTS_MANAGE, Permission.AUDIT_READ, Permission.BACKUP_MANAGE},
}
LADDER = tuple(Role)


def permissions_of(roles: frozenset[Role]) -> frozenset[Permission]:
    """Everything that these roles allow together."""
    found: set[Permission] = set()
    for role in roles:
        for below in LADDER[: LADDER.index(role) + 1]:
            found |= ADDS[below]
    return frozenset(found)


@dataclass(frozen=True)
class Account:
    """One member of staff. ``version`` grows with each change; a stale one is a conflict."""

    id: int
    name: str  # what is typed to log in
    display: str  # what others see
    roles: frozenset[Role]
    disabled: bool
    has_password: bool
    from_provider: bool  # logs in through OpenID Connect
    created: datetime
    changed: datetime
    changed_by: str
    version: int
    last_login: datetime | None = None


@dataclass(frozen=True)
class Person:
    """Who is logged in, as pages and other modules see them."""

    id: int
    name: str
    display: str
    roles: frozenset[Role]

    @property
    def permissions(self) -> frozenset[Permission]:
        """Everything that this person may do."""
        return permissions_of(self.roles)

    @property
    def who(self) -> str:
        """How the audit log names this person; it stays true when the display name changes."""
        return f"{self.name}#{self.id}"

    def may(self, permission: Permission) -> bool:
        """Whether this person holds ``permission``."""
        return permission in self.permissions


@dataclass(frozen=True)
class StaffSession:
    """One login on one device. The token itself is known to the browser only."""

    handle: str  # names the session in lists; useless as a token
    person: Person
    begun: datetime
    seen: datetime
    address: str
    device: str
    from_provider: bool


@dataclass(frozen=True)
class AuditEntry:
    """One line of the audit log. ``before`` and ``after`` are what JSON holds, or None."""

    number: int
    at: datetime  # UTC
    who: str
    action: str
    target: str
    before: Any
    after: Any
    hash: str


@dataclass(frozen=True)
class OneTimeCode:
    """A code that sets a password once; it is shown to the one who asked for it and kept as a hash."""

    code: str
    expires: datetime
