"""The service with /staff over a fresh data folder, and people who are logged in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher
from argon2.profiles import CHEAPEST
from fastapi import FastAPI
from fastapi.testclient import TestClient

from assistant.http.app import build_app
from assistant.http.staff.frame import Frame
from assistant.http.staff.site import add_staff
from assistant.settings import Settings
from assistant.staff.database import Clock, now
from assistant.staff.desk import Staff, open_staff
from assistant.staff.values import Account, Role
from tests.http.conversation import ScriptedConversation

PASSWORD = "seven quiet herons wade"
HASHER = PasswordHasher.from_parameters(CHEAPEST)
HTML = {"Accept": "text/html"}


@dataclass(frozen=True)
class Site:
    """An app, and what stands behind its /staff."""

    app: FastAPI
    frame: Frame
    staff: Staff

    def client(self, address: str = "10.0.0.1") -> TestClient:
        """A browser that isn't logged in; it follows no redirects and reads pages."""
        return TestClient(
            self.app, base_url="http://testserver", headers=HTML, follow_redirects=False,
            raise_server_exceptions=False, client=(address, 50000),
        )  # fmt: skip

    def account(self, name: str, *roles: str) -> Account:
        """An account with PASSWORD."""
        made = self.staff.accounts.add("test", name, name, [Role(role) for role in roles])
        self.staff.login.set_password("test", made.id, PASSWORD)
        return self.staff.accounts.get(made.id)

    def login(self, *roles: str, name: str = "", address: str = "10.0.0.1") -> TestClient:
        """A browser that is logged in as somebody with these roles (an account of that name is made if needed)."""
        name = name or "-".join(roles)
        if all(account.name != name for account in self.staff.accounts.all()):
            self.account(name, *roles)
        client = self.client(address)
        response = post(client, "/staff/login", "/staff/login", name=name, password=PASSWORD)
        assert response.status_code == 303, response.text
        return client


def staff_site(folder: Path, clock: Clock = now, **changes: Any) -> Site:
    """A service with cheap password hashing."""
    config = Settings(_env_file=None, data_folder=folder, **changes)
    staff = open_staff(config, HASHER, clock)
    app = build_app(ScriptedConversation(), lambda: {"ready": True}, config)
    return Site(app, add_staff(app, staff, config), staff)


def token(client: TestClient, path: str = "/staff/account") -> str:
    """The token that forms on a page carry."""
    found = re.search(r'name="csrf-token" content="(\w+)"', client.get(path).text)
    assert found, "the page has no token"
    return found[1]


def post(client: TestClient, path: str, page: str = "/staff/account", **fields: object) -> Any:
    """Send a form as ``page`` would: with its token, from this site."""
    headers = {"Origin": "http://testserver", **HTML}
    return client.post(path, data={"csrf_token": token(client, page), **fields}, headers=headers)
