"""An OpenID Connect provider for tests: it signs real tokens, checks PKCE, and can be told to misbehave."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import FastAPI, Form, Header, HTTPException
from fastapi.responses import RedirectResponse
from joserfc import jwt
from joserfc.jwk import RSAKey


class FakeProvider:
    """``person`` is who logs in; ``claims`` overrides what the token says, ``key`` and ``algorithm`` how it is signed."""

    def __init__(self) -> None:
        self.issuer = ""
        self.client, self.secret = "jiamenkou", "client secret"
        self.person: dict[str, Any] = {
            "sub": "u-1",
            "preferred_username": "fang",
            "name": "王芳",
            "groups": ["editors"],
        }
        self.claims: dict[str, Any] = {}
        self.key: Any = RSAKey.generate_key(2048, {"kid": "1"})
        self.published = self.key
        self.algorithm = "RS256"
        self.asked: list[dict[str, str]] = []
        self._codes: dict[str, dict[str, str]] = {}
        self.app = FastAPI()
        self._add_routes()

    def _add_routes(self) -> None:
        app = self.app

        @app.get("/.well-known/openid-configuration")
        def about() -> dict[str, str]:
            names = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
            return {"issuer": self.issuer, **{name: f"{self.issuer}/{path}" for name, path in names.items()}}

        @app.get("/keys")
        def keys() -> dict[str, Any]:
            return {"keys": [self.published.as_dict(private=False)]}

        @app.get("/authorize")
        def authorize(
            client_id: str, redirect_uri: str, state: str, nonce: str, code_challenge: str, code_challenge_method: str,
            response_type: str, scope: str,
        ) -> RedirectResponse:  # fmt: skip
            asked = dict(locals())
            self.asked.append({name: text for name, text in asked.items() if isinstance(text, str)})
            assert (client_id, response_type, code_challenge_method) == (self.client, "code", "S256")
            assert "openid" in scope.split()
            code = secrets.token_urlsafe(16)
            self._codes[code] = {"nonce": nonce, "challenge": code_challenge, "redirect": redirect_uri}
            return RedirectResponse(redirect_uri + "?" + urlencode({"code": code, "state": state, "iss": self.issuer}))

        @app.post("/token")
        def token(
            code: Annotated[str, Form()], code_verifier: Annotated[str, Form()], redirect_uri: Annotated[str, Form()],
            grant_type: Annotated[str, Form()], authorization: Annotated[str, Header()],
        ) -> dict[str, Any]:  # fmt: skip
            given = self._codes.pop(code, None)
            challenge = base64.urlsafe_b64encode(hashlib.sha256(code_verifier.encode()).digest()).rstrip(b"=").decode()
            basic = base64.b64encode(f"{self.client}:{self.secret}".encode()).decode()
            if (
                given is None
                or given["challenge"] != challenge
                or given["redirect"] != redirect_uri
                or grant_type != "authorization_code"
                or authorization != f"Basic {basic}"
            ):
                raise HTTPException(400, {"error": "invalid_grant"})
            now = int(time.time())
            claims = {
                "iss": self.issuer, "aud": self.client, "iat": now, "exp": now + 300, "nonce": given["nonce"],
                **self.person, **self.claims,
            }  # fmt: skip
            claims = {name: value for name, value in claims.items() if value is not None}
            return {"access_token": "x", "token_type": "Bearer", "id_token": self.signed(claims)}

    def signed(self, claims: dict[str, Any]) -> str:
        """A token as the provider signs it just now."""
        if self.algorithm == "RS256":
            return jwt.encode({"alg": "RS256", "kid": "1"}, claims, self.key)
        # By hand, as no library makes these: unsigned, or with the published key taken for a shared secret.
        head = {"alg": self.algorithm, "kid": "1"}
        text = ".".join(
            base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in (head, claims)
        )
        secret = self.published.as_pem(private=False)
        mac = hmac.digest(secret, text.encode(), "sha256") if self.algorithm == "HS256" else b""
        return f"{text}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
