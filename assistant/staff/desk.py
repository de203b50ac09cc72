"""The parts of staff accounts, joined over one database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from argon2 import PasswordHasher

from assistant.settings import Settings
from assistant.staff.accounts import Accounts
from assistant.staff.audit import AuditLog
from assistant.staff.database import Clock, Database, now
from assistant.staff.devices import KnownDevices
from assistant.staff.four_eyes import FourEyes
from assistant.staff.lockout import Lockout
from assistant.staff.login import Login
from assistant.staff.passwords import Passwords
from assistant.staff.sessions import Lifetime, StaffSessions


@dataclass(frozen=True)
class Staff:
    """Everything about staff that pages and commands use."""

    database: Database
    audit: AuditLog
    sessions: StaffSessions
    accounts: Accounts
    lockout: Lockout
    devices: KnownDevices
    login: Login
    four_eyes: FourEyes


def open_staff(config: Settings, hasher: PasswordHasher | None = None, clock: Clock = now) -> Staff:
    """The staff of a data folder. Raises StaffError when its database can't be opened."""
    database = Database(config.data_folder, clock)
    audit = AuditLog(database)
    lifetime = Lifetime(timedelta(minutes=config.staff_idle_minutes), timedelta(hours=config.staff_session_hours))
    sessions = StaffSessions(database, lifetime)
    lockout = Lockout(database)
    devices = KnownDevices(database)
    return Staff(
        database=database,
        audit=audit,
        sessions=sessions,
        accounts=Accounts(database, audit, sessions),
        lockout=lockout,
        devices=devices,
        login=Login(database, audit, sessions, lockout, devices, Passwords(hasher)),
        four_eyes=FourEyes(audit, config.four_eyes),
    )
