"""The tenant's token endpoint: refresh_token grant of an API client for integrations (docs/systems/workday.md#w2-2)."""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from erp_sandbox import credentials
from erp_sandbox.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(slots=True)
class ApiClient:
    """The API client and how its token endpoint behaves.

    ``rotate`` answers every refresh with a new refresh token and forgets the old one. ``expires_in_as_text``
    prints the lifetime as a JSON string. ``client_auth`` is where the client's secret must stand.
    """

    client_id: str = credentials.WORKDAY_CLIENT_ID
    client_secret: str = credentials.WORKDAY_CLIENT_SECRET
    refresh_token: str = credentials.WORKDAY_REFRESH_TOKEN
    expires_in: int = 3600
    rotate: bool = False
    client_auth: Literal["basic", "body"] = "basic"
    expires_in_as_text: bool = False
    clock: Clock = field(default_factory=Clock, repr=False)
    issued: int = 0
    _tokens: dict[str, datetime] = field(default_factory=dict, repr=False)

    def token(self, form: Mapping[str, str], authorization: str | None) -> tuple[int, dict[str, object]]:
        """Answer a token request: HTTP status and body."""
        if not self._is_client(form, authorization):
            return 401, {"error": "invalid_client", "error_description": "Client authentication failed."}
        if form.get("grant_type") != "refresh_token":
            return 400, {
                "error": "unsupported_grant_type",
                "error_description": "Use grant_type=refresh_token.",
            }
        if not hmac.compare_digest(form.get("refresh_token", ""), self.refresh_token):
            return 400, {"error": "invalid_grant", "error_description": "The refresh token is not valid."}
        access = secrets.token_urlsafe(32)
        self._tokens[access] = self.clock.now() + timedelta(seconds=self.expires_in)
        self.issued += 1
        if self.rotate:
            self.refresh_token = secrets.token_urlsafe(32)
        return 200, {
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": str(self.expires_in) if self.expires_in_as_text else self.expires_in,
            "refresh_token": self.refresh_token,
        }

    def is_live(self, access_token: str) -> bool:
        """Whether an access token is known and has not run out."""
        until = self._tokens.get(access_token)
        return until is not None and self.clock.now() < until

    def revoke_all(self) -> None:
        """Forget every access token; refresh tokens stay."""
        self._tokens.clear()

    def _is_client(self, form: Mapping[str, str], authorization: str | None) -> bool:
        if self.client_auth == "body":
            given = (form.get("client_id", ""), form.get("client_secret", ""))
        else:
            scheme, _, encoded = (authorization or "").partition(" ")
            if scheme.lower() != "basic":
                return False
            try:
                name, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError):
                return False
            given = (name, secret)
        return hmac.compare_digest(given[0].encode(), self.client_id.encode()) and hmac.compare_digest(
            given[1].encode(), self.client_secret.encode()
        )
