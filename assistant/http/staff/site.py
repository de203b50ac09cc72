"""Everything of /staff that belongs to accounts, put onto the service."""

from __future__ import annotations

from fastapi import FastAPI

from assistant.http.staff.frame import Frame, Page
from assistant.http.staff.pages_audit import add_audit
from assistant.http.staff.pages_login import add_login
from assistant.http.staff.pages_oidc import add_provider
from assistant.http.staff.pages_own import add_own
from assistant.http.staff.pages_people import add_people
from assistant.settings import Settings
from assistant.staff.desk import Staff


def add_staff(app: FastAPI, staff: Staff, config: Settings) -> Frame:
    """The frame, with the pages of accounts in it; other modules add theirs to what this returns."""
    frame = Frame(app, staff, config)
    frame.add(Page("/staff", "首页"))
    add_login(frame)
    add_provider(frame)
    add_own(frame)
    add_people(frame)
    add_audit(frame)
    return frame
