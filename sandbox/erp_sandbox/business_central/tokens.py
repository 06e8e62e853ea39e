"""The Entra token endpoint: client credentials only, no refresh token (sheet 2)."""

from __future__ import annotations

import hmac
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from erp_sandbox import credentials
from erp_sandbox.business_central.behaviour import Behaviour
from erp_sandbox.clock import Clock

__all__ = ["SCOPE", "Entra"]

SCOPE = "https://api.businesscentral.dynamics.com/.default"


@dataclass(slots=True)
class Entra:
    """The tenant's app registration and the tokens it was given.

    ``registered`` says whether Business Central knows the app: it answers 401 to good tokens of unknown apps.
    """

    clock: Clock
    behaviour: Behaviour
    tenant: str = credentials.BUSINESS_CENTRAL_TENANT
    client_id: str = credentials.BUSINESS_CENTRAL_CLIENT_ID
    client_secret: str = credentials.BUSINESS_CENTRAL_CLIENT_SECRET
    registered: bool = True
    issued: int = 0
    _tokens: dict[str, datetime] = field(default_factory=dict, repr=False)

    def token(self, tenant: str, content_type: str, form: Mapping[str, str]) -> tuple[int, dict[str, object]]:
        """Answer a token request: HTTP status and body."""
        refusal = self._refusal(tenant, content_type, form)
        if refusal is not None:
            return refusal
        access = secrets.token_urlsafe(48)
        seconds = self.behaviour.token_seconds
        self._tokens[access] = self.clock.now() + timedelta(seconds=seconds)
        self.issued += 1
        lifetime: int | str = str(seconds) if self.behaviour.expires_in_as_text else seconds
        return 200, {
            "token_type": "Bearer",
            "expires_in": lifetime,
            "ext_expires_in": lifetime,
            "access_token": access,
        }

    def is_live(self, authorization: str) -> bool:
        """Whether an Authorization header carries a token that still counts."""
        scheme, _, token = authorization.partition(" ")
        until = self._tokens.get(token)
        return scheme == "Bearer" and self.registered and until is not None and self.clock.now() < until

    def expire(self, authorization: str) -> None:
        """Let the token of a header run out now."""
        self._tokens.pop(authorization.partition(" ")[2], None)

    def expire_all(self) -> None:
        """Let every token run out now."""
        self._tokens.clear()

    def _refusal(self, tenant: str, content_type: str, form: Mapping[str, str]) -> tuple[int, dict[str, object]] | None:
        checks = (
            (tenant == self.tenant, 400, "invalid_request", 90002, f"Tenant '{tenant}' not found."),
            (
                content_type.partition(";")[0].strip() == "application/x-www-form-urlencoded",
                400,
                "invalid_request",
                900144,
                "The request body must contain the following parameter: 'grant_type'.",
            ),
            *(
                (
                    bool(form.get(name)),
                    400,
                    "invalid_request",
                    900144,
                    f"The request body must contain the following parameter: '{name}'.",
                )
                for name in ("grant_type", "client_id", "client_secret", "scope")
            ),
            (
                form.get("grant_type") == "client_credentials",
                400,
                "unsupported_grant_type",
                70003,
                "The app requested an unsupported grant type.",
            ),
            (
                _same(form.get("client_id", ""), self.client_id),
                400,
                "unauthorized_client",
                700016,
                f"Application with identifier '{form.get('client_id')}' was not found in the directory.",
            ),
            (
                _same(form.get("client_secret", ""), self.client_secret),
                401,
                "invalid_client",
                7000215,
                "Invalid client secret provided.",
            ),
            (form.get("scope") == SCOPE, 400, "invalid_scope", 70011, "The provided value for scope is not valid."),
        )
        for good, status, error, number, text in checks:
            if not good:
                return self._error(status, error, number, text)
        return None

    def _error(self, status: int, error: str, number: int, text: str) -> tuple[int, dict[str, object]]:
        trace, correlation = str(uuid.uuid4()), str(uuid.uuid4())
        moment = self.clock.now().strftime("%Y-%m-%d %H:%M:%SZ")
        return status, {
            "error": error,
            "error_description": f"AADSTS{number}: {text} Trace ID: {trace} Correlation ID: {correlation} "
            f"Timestamp: {moment}",
            "error_codes": [number],
            "timestamp": moment,
            "trace_id": trace,
            "correlation_id": correlation,
        }


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(), expected.encode())
