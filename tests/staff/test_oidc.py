"""Login through a provider over real sockets, and everything that must not let somebody in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient
from joserfc.jwk import RSAKey

from assistant.errors import SettingsError
from assistant.staff.values import Role
from tests.serving import serving
from tests.staff.provider import FakeProvider
from tests.staff.site import Site, post, staff_site

ROLES = {"editors": "editor", "leads": "publisher", "it": "administrator"}


@pytest.fixture(scope="module")
def served() -> Iterator[FakeProvider]:
    provider = FakeProvider()
    with serving(provider.app) as address:
        provider.issuer = f"http://{address}"
        yield provider


@pytest.fixture
def provider(served: FakeProvider) -> FakeProvider:
    served.person = {"sub": "u-1", "preferred_username": "fang@example.org", "name": "王芳", "groups": ["editors"]}
    served.claims = {}
    served.key, served.algorithm = served.published, "RS256"
    return served


@pytest.fixture
def site(tmp_path: Path, provider: FakeProvider) -> Site:
    return staff_site(
        tmp_path, oidc_issuer=provider.issuer, oidc_client_id=provider.client, oidc_client_secret=provider.secret,
        oidc_roles=ROLES,
    )  # fmt: skip


def leave(client: TestClient, path: str = "/staff/account") -> str:
    """To the provider, and the address at which it sends the browser back."""
    away = client.get("/staff/oidc/start", params={"next": path})
    assert away.status_code == 303, away.text
    back = httpx.get(away.headers["location"], verify=False).headers["location"]
    assert back.startswith("http://testserver/staff/oidc/back?")
    return back


def test_somebody_new_comes_in_with_the_roles_of_their_groups(site: Site, provider: FakeProvider) -> None:
    provider.person["groups"] = ["editors", "leads", "football"]
    client = site.client()
    assert "单位账号登录" in client.get("/staff/login").text
    response = client.get(leave(client))
    assert response.status_code == 200
    assert 'http-equiv="refresh" content="0; url=/staff/account"' in response.text
    assert "王芳" in client.get("/staff/account").text
    account = site.staff.accounts.named("fang")
    assert account.roles == {Role.EDITOR, Role.PUBLISHER}
    assert account.last_login
    asked = provider.asked[-1]
    assert asked["redirect_uri"] == "http://testserver/staff/oidc/back"
    assert min(len(asked[name]) for name in ("state", "nonce", "code_challenge")) >= 43
    written = [entry.action for entry in site.staff.audit.entries()]
    assert written == ["login.provider", "account.add"]


def test_roles_follow_the_groups_at_each_login(site: Site, provider: FakeProvider) -> None:
    first, second = site.client(), site.client()
    first.get(leave(first))
    provider.person["groups"] = "it"  # some providers send one text
    second.get(leave(second))
    assert site.staff.accounts.named("fang").roles == {Role.ADMINISTRATOR}
    assert first.get("/staff").status_code == 303, "sessions with the old rights have ended"
    assert second.get("/staff/people").status_code == 200
    provider.person["groups"] = ["football"]
    third = site.client()
    refused = third.get(leave(third))
    assert refused.status_code == 403
    assert "没有工作台的权限" in refused.text
    assert third.get("/staff").status_code == 303


def test_a_name_of_a_colleague_opens_no_door(site: Site, provider: FakeProvider) -> None:
    own = site.account("fang", "administrator")
    client = site.client()
    client.get(leave(client))
    names = {account.name: account.roles for account in site.staff.accounts.all()}
    assert names == {"fang": own.roles, "fang-2": {Role.EDITOR}}
    assert client.get("/staff/people").status_code == 403


def test_the_password_page_has_nothing_for_them(site: Site) -> None:
    client = site.client()
    client.get(leave(client))
    fields = {"old_password": "", "new_password": "a quiet red teapot"}
    assert post(client, "/staff/account/password", **fields).status_code == 422
    assert post(site.client(), "/staff/login", "/staff/login", name="fang", password="").status_code == 401


def test_a_disabled_account_stays_out(site: Site) -> None:
    client = site.client()
    client.get(leave(client))
    site.staff.accounts.set_disabled("t", site.staff.accounts.named("fang").id, True)
    assert client.get("/staff").status_code == 303
    refused = client.get(leave(client))
    assert refused.status_code == 403
    assert "已经停用" in refused.text
    assert client.get("/staff").status_code == 303


def wrong_key(provider: FakeProvider) -> None:
    provider.key = RSAKey.generate_key(2048, {"kid": "1"})


def no_signature(provider: FakeProvider) -> None:
    provider.algorithm = "none"


def public_key_as_secret(provider: FakeProvider) -> None:
    provider.algorithm = "HS256"


def saying(**claims: Any) -> Callable[[FakeProvider], None]:
    def change(provider: FakeProvider) -> None:
        provider.claims = claims

    return change


@pytest.mark.parametrize(
    "change",
    [
        wrong_key,
        no_signature,
        public_key_as_secret,
        saying(iss="http://evil.example"),
        saying(aud="another service"),
        saying(aud=["jiamenkou", "another service"]),
        saying(azp="another service"),
        saying(exp=1_000_000_000),
        saying(exp=None),
        saying(nonce="another"),
        saying(nonce=None),
        saying(sub=None),
        saying(sub=""),
    ],
)
def test_a_token_that_is_not_right_lets_nobody_in(
    site: Site, provider: FakeProvider, change: Callable[[FakeProvider], None]
) -> None:
    change(provider)
    client = site.client()
    refused = client.get(leave(client))
    assert refused.status_code == 403
    assert "单位账号没有登录成功" in refused.text
    assert site.staff.accounts.all() == []
    assert client.get("/staff").status_code == 303


def test_a_way_back_belongs_to_one_browser_once(site: Site) -> None:
    client, victim = site.client(), site.client()
    back = leave(client)
    assert victim.get(back).status_code == 403, "login into somebody else's account"
    back = leave(client)
    assert client.get(back).status_code == 200
    assert client.get(back).status_code == 403, "used already"
    for query in ("", "?code=x&state=y", "?error=access_denied&state=z"):
        assert victim.get(f"/staff/oidc/back{query}").status_code == 403


def test_an_answer_of_another_provider_is_refused(site: Site, provider: FakeProvider) -> None:
    client = site.client()
    back = leave(client)
    mixed = str(httpx.URL(back).copy_merge_params({"iss": "https://evil.example"}))
    assert client.get(mixed).status_code == 403


def test_a_provider_that_is_away_is_said_to_be(tmp_path: Path) -> None:
    site = staff_site(
        tmp_path, oidc_issuer="http://127.0.0.1:9", oidc_client_id="x", oidc_roles=ROLES, oidc_label="街道账号"
    )
    response = site.client().get("/staff/oidc/start")
    assert response.status_code == 502
    assert "现在连不上" in response.text


def test_it_leads_nowhere_else(site: Site) -> None:
    client = site.client()
    assert 'url=/staff"' in client.get(leave(client, "https://evil.example/")).text


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"oidc_issuer": "http://idp.example"}, "https"),
        ({"oidc_client_id": ""}, "CLIENT_ID"),
        ({"oidc_roles": {"it": "boss"}}, "boss"),
        ({"oidc_roles": {}}, "OIDC_ROLES"),
    ],
)
def test_settings_that_can_not_work_are_named(tmp_path: Path, changes: dict[str, Any], word: str) -> None:
    given = {"oidc_issuer": "https://idp.example", "oidc_client_id": "x", "oidc_roles": ROLES, **changes}
    with pytest.raises(SettingsError, match=word):
        staff_site(tmp_path, **given)
