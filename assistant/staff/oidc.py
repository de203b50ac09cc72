"""Logging in through an OpenID Connect provider: authorisation code with PKCE, state and nonce."""

from __future__ import annotations

import hmac
import re
import secrets
import ssl
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

import httpx
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import OAuth2Client
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from assistant.errors import SettingsError, StaffError
from assistant.settings import Settings
from assistant.staff.database import stamp
from assistant.staff.desk import Staff
from assistant.staff.passwords import token_hash
from assistant.staff.values import Account, Role

ALGORITHMS = ["RS256", "PS256", "ES256", "RS384", "RS512", "ES384", "ES512"]  # none of them with a shared key
SECONDS = 10.0  # for one answer of the provider
LEEWAY = 60  # seconds that clocks may differ
PATIENCE = 600.0  # seconds from leaving for the provider to coming back
OPEN = 1000  # people who may be on their way at once
METADATA_LASTS = 3600.0  # seconds


@dataclass(frozen=True)
class Identity:
    """Whom the provider says that somebody is. ``subject`` is unique for all providers."""

    subject: str
    name: str
    display: str
    roles: frozenset[Role]


@dataclass(frozen=True)
class _Departure:
    """What is remembered of somebody on the way to the provider."""

    browser: str  # hash of the token in the browser that left
    nonce: str
    verifier: str
    redirect: str
    path: str
    at: float


def check_provider(config: Settings) -> None:
    """Raise SettingsError when the settings of the provider can't work."""
    issuer = urlsplit(config.oidc_issuer)
    if issuer.scheme != "https" and issuer.hostname not in {"127.0.0.1", "localhost", "::1"}:
        raise SettingsError(
            "JIAMENKOU_OIDC_ISSUER must begin with https://.", "Anybody between could let themselves in."
        )
    if not config.oidc_client_id:
        raise SettingsError("JIAMENKOU_OIDC_CLIENT_ID is missing.", "Register this service with the provider.")
    if unknown := sorted(set(config.oidc_roles.values()) - set(Role)):
        raise SettingsError(f"JIAMENKOU_OIDC_ROLES names {', '.join(unknown)}.", f"The roles are {', '.join(Role)}.")
    if not config.oidc_roles:
        raise SettingsError("JIAMENKOU_OIDC_ROLES is empty.", 'For example {"community-editors": "editor"}.')


class Provider:
    """One provider, from the settings. Raises StaffError when somebody can't be let in."""

    def __init__(self, config: Settings) -> None:
        check_provider(config)
        self._config = config
        self._departures: OrderedDict[str, _Departure] = OrderedDict()
        self._lock = Lock()
        self._certificates = ssl.create_default_context()  # slow to make
        self._metadata: tuple[float, dict[str, Any]] | None = None

    def leave(self, path: str, redirect: str) -> tuple[str, str]:
        """Where to send a browser, and the token that it keeps until it is back. ``path`` is where it goes then."""
        browser, state = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        departure = _Departure(
            token_hash(browser), secrets.token_urlsafe(32), secrets.token_urlsafe(48), redirect, path, time.monotonic()
        )
        address, _ = self._client(redirect).create_authorization_url(
            self._about()["authorization_endpoint"],
            state=state,
            nonce=departure.nonce,
            code_challenge=create_s256_code_challenge(departure.verifier),
            code_challenge_method="S256",
        )
        with self._lock:
            self._departures[token_hash(state)] = departure
            while len(self._departures) > OPEN:
                self._departures.popitem(last=False)
        return address, browser

    def arrive(self, answer: Mapping[str, str], browser: str) -> tuple[Identity, str]:
        """Who came back with the provider's ``answer`` in its address, and where they were going."""
        with self._lock:
            departure = self._departures.pop(token_hash(answer.get("state", "")), None)
        if (
            departure is None
            or time.monotonic() - departure.at > PATIENCE
            or not hmac.compare_digest(departure.browser, token_hash(browser))
        ):
            raise _refused("the answer belongs to no login that began in this browser")
        if "error" in answer or not answer.get("code"):
            raise _refused("the provider let nobody in")
        if answer.get("iss", self._config.oidc_issuer) != self._config.oidc_issuer:
            raise _refused("another provider answered")
        try:
            tokens = self._client(departure.redirect).fetch_token(
                self._about()["token_endpoint"],
                grant_type="authorization_code",
                code=answer["code"],
                code_verifier=departure.verifier,
            )
        except httpx.HTTPError as error:
            raise _away(error) from error
        except (OAuthError, ValueError) as error:
            raise _refused("the code was not accepted") from error
        return self._identity(str(tokens.get("id_token", "")), departure.nonce), departure.path

    def _identity(self, token: str, nonce: str) -> Identity:
        claims = self._claims(token, nonce)
        given = claims.get(self._config.oidc_groups_claim, [])
        groups = {given} if isinstance(given, str) else set(map(str, given)) if isinstance(given, list) else set()
        roles = frozenset(Role(role) for group, role in self._config.oidc_roles.items() if group in groups)
        if not roles:
            raise StaffError("provider-groups", "The provider names no group that has a role.", "Add the group.")
        subject = f"{claims['iss']} {claims['sub']}"
        name = re.sub(r"[^\w.-]", "", str(claims.get("preferred_username", "")).split("@")[0])[:24] or "staff"
        display = " ".join(str(claims.get("name", "")).split())[:40]
        return Identity(subject, name, display if display.isprintable() and display else name, roles)

    def _claims(self, token: str, nonce: str) -> dict[str, Any]:
        expected = jwt.JWTClaimsRegistry(
            leeway=LEEWAY,
            iss={"essential": True, "value": self._config.oidc_issuer},
            aud={"essential": True, "value": self._config.oidc_client_id},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        try:
            keys = KeySet.import_key_set(self._get(self._about()["jwks_uri"]))  # type: ignore[arg-type]
            claims = dict(jwt.decode(token, keys, algorithms=ALGORITHMS).claims)
            expected.validate(claims)
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise _refused("its token is not valid") from error
        audience = claims["aud"]
        several = isinstance(audience, list) and len(audience) > 1
        if (several or "azp" in claims) and claims.get("azp") != self._config.oidc_client_id:
            raise _refused("its token is for another service")
        return claims

    def _about(self) -> dict[str, Any]:
        """The provider's own description of itself."""
        if self._metadata and time.monotonic() - self._metadata[0] < METADATA_LASTS:
            return self._metadata[1]
        found = self._get(self._config.oidc_issuer.rstrip("/") + "/.well-known/openid-configuration")
        needed = {"issuer", "authorization_endpoint", "token_endpoint", "jwks_uri"}
        if not needed <= found.keys() or found["issuer"] != self._config.oidc_issuer:
            raise _refused("its description is not that of JIAMENKOU_OIDC_ISSUER")
        self._metadata = (time.monotonic(), found)
        return found

    def _get(self, address: str) -> dict[str, Any]:
        try:
            answer = httpx.get(address, timeout=SECONDS, verify=self._certificates).raise_for_status().json()
        except (httpx.HTTPError, ValueError) as error:
            raise _away(error) from error
        if not isinstance(answer, dict):
            raise _refused("it does not answer with an object")
        return answer

    def _client(self, redirect: str) -> Any:
        config = self._config
        return OAuth2Client(
            config.oidc_client_id,
            config.oidc_client_secret or None,
            scope=config.oidc_scopes,
            redirect_uri=redirect,
            token_endpoint_auth_method="client_secret_basic" if config.oidc_client_secret else "none",
            timeout=SECONDS,
            verify=self._certificates,
        )


def enter(staff: Staff, identity: Identity, address: str, device: str) -> str:
    """The token of a new session for somebody whom the provider vouches for; a first visit makes the account.

    The provider decides on the roles at each login. An account is found by its subject alone, never by its
    name: otherwise whoever has a colleague's name at the provider would be that colleague here.
    """
    with staff.database.write() as connection:
        row = staff.database.row("SELECT id FROM account WHERE subject = ?", identity.subject)
        if row is None:
            account = _added(staff, identity)
        else:
            account = staff.accounts.get(row["id"])
            if account.disabled:
                raise StaffError("account-disabled", f"{account.name} is disabled.", "Ask an administrator.")
            if account.roles != identity.roles:
                account = staff.accounts.set_roles("oidc", account.id, identity.roles)
        connection.execute(
            "UPDATE account SET last_login = ? WHERE id = ?", (stamp(staff.database.clock()), account.id)
        )
        staff.audit.write(f"{account.name}#{account.id}", "login.provider", f"address:{address}")
        return staff.sessions.begin(account.id, address, device, from_provider=True)


def _added(staff: Staff, identity: Identity) -> Account:
    """A new account under the first name that is free."""
    for number in range(1, 1000):
        name = identity.name if number == 1 and len(identity.name) > 1 else f"{identity.name}-{number}"
        try:
            return staff.accounts.add("oidc", name, identity.display, identity.roles, identity.subject)
        except StaffError as error:
            if error.reason != "name-taken":
                raise
    raise StaffError("name-taken", f"No name like {identity.name} is free.", "Rename an account.")


def _refused(why: str) -> StaffError:
    return StaffError("provider", f"Login through the provider failed: {why}.", "Try again.")


def _away(error: Exception) -> StaffError:
    return StaffError("provider-away", f"The provider can't be reached: {error}.", "Try again later.")
