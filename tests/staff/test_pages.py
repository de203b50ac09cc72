"""The pages of staff as a browser meets them."""

from __future__ import annotations

import pytest

from tests.staff.site import Site, post, token


def test_smoke(site: Site) -> None:
    client = site.login("administrator")
    for path in ("/staff", "/staff/account", "/staff/people", "/staff/people/1", "/staff/audit", "/staff/audit.csv"):
        response = client.get(path)
        assert response.status_code == 200, (path, response.text)
    assert client.get("/staff/nothing").status_code == 404
    assert client.get("/staff/").headers["location"] == "/staff"
