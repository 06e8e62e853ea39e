"""Tokens of Microsoft Entra ID, got with client credentials (sheet business-central 2).

There is no refresh token: the next token is asked for like the first, five minutes before the old one ends.
"""

from __future__ import annotations

import datetime as dt
import re
import typing as t

import httpx

from ml_connector.errors import CredentialsRefused, SystemFault, Throttled, Unavailable, Unreadable
from ml_connector.mending import TooMuch
from ml_connector.systems.business_central.errors import SYSTEM, said_by
from ml_connector.systems.business_central.settings import BusinessCentralSettings
from ml_connector.transport.http import decode_json, exchange, open_client, quoted, retry_after
from ml_connector.transport.token_cache import SharedSession, Token
from ml_connector.vault.credentials import vault_behind

__all__ = ["TOKEN", "EntraSession"]

TOKEN: t.Final = "the request for an access token"  # noqa: S105 - words for messages

_SCOPE: t.Final = "https://api.businesscentral.dynamics.com/.default"
_RENEW_EARLY = 300.0
_LIFE_WHEN_UNSAID = 3600.0
_TRACES = re.compile(r"\s*(Trace ID|Correlation ID|Timestamp):\s.*$", re.DOTALL)
_CURES: t.Final = {
    7000215: "client_secret must be the value of the secret, not its id; make a new one if it is lost.",
    7000222: "The secret has expired: make a new one in the app registration and set client_secret.",
    700016: "client_id is not an application of this tenant: check client_id and tenant_id.",
    90002: "There is no such tenant: check tenant_id.",
    900023: "tenant_id is neither an id nor a domain of a tenant.",
    1002012: "The app has no permission for Business Central: add API.ReadWrite.All and have it consented to.",
}


class EntraSession:
    """Gives the access token of an app, shared by all processes of this user.

    Args:
        settings: Whose token.
        transport: Another HTTP transport, for tests.
    """

    def __init__(self, settings: BusinessCentralSettings, *, transport: httpx.BaseTransport | None = None) -> None:
        self._settings = settings
        self._http = open_client(
            settings.auth_url,
            product=settings.plugin,
            timeout=min(settings.request_timeout, 60.0),
            agent=settings.user_agent,
            connections=1,
            transport=transport,
        )
        self._shared = SharedSession(
            SYSTEM,
            {
                "auth_url": settings.auth_url,
                "base_url": settings.base_url,
                "tenant_id": settings.tenant_id,
                "client_id": settings.client_id,
                "client_secret": settings.client_secret,
            },
            leeway=0.0,
            vault=vault_behind(settings),
        )
        self._refused: SystemFault | None = None

    def token(self) -> Token:
        """Return a token that is expected to work.

        Raises:
            SystemFault: Entra refuses us, or cannot be reached.
        """
        return self._shared.current() or self.renew(None)

    def renew(self, stale: Token | None) -> Token:
        """Return a token other than ``stale``; one process asks, all others use what it got.

        Raises:
            SystemFault: Entra refuses us, or cannot be reached.
        """
        if self._refused is not None:
            raise self._refused  # asking again could lock the app out
        try:
            return self._shared.renew(stale, self._ask)
        except CredentialsRefused as fault:
            self._refused = fault
            raise

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def _ask(self) -> Token:
        settings = self._settings
        form = {
            "grant_type": "client_credentials",
            "client_id": settings.client_id,
            "client_secret": settings.client_secret,
            "scope": _SCOPE,
        }
        asked_at = dt.datetime.now(dt.UTC)
        try:
            answer = exchange(self._http, "POST", settings.token_url, bounds=settings.bounds, data=form)
        except httpx.HTTPError as error:
            raise Unavailable(SYSTEM, TOKEN, f"no answer ({type(error).__name__}: {error})") from error
        except TooMuch as error:
            raise Unreadable(SYSTEM, TOKEN, f"its answer is not read: {error}") from error
        said = _json(answer)
        if not answer.is_success or not said.get("access_token"):
            raise self._refusal(answer, said)
        life = _seconds(said.get("expires_in"))
        ends = asked_at + dt.timedelta(seconds=life - min(_RENEW_EARLY, life / 2))
        return Token(str(said["access_token"]), ends)

    def _refusal(self, answer: httpx.Response, said: t.Mapping[str, t.Any]) -> SystemFault:
        status, secrets = answer.status_code, self._settings.secrets
        if said.get("error"):
            words = _TRACES.sub("", str(said.get("error_description") or said["error"]))
        elif answer.is_success:
            words = "the answer holds no access token"
        else:
            words = said_by(answer.content, status, secrets).message
        words, code = quoted(words, secrets, limit=300), str(said.get("error") or "") or None
        if status == 429:
            return Throttled(SYSTEM, TOKEN, words, code=code, status=status, retry_after=retry_after(answer.headers))
        if status >= 500 or answer.is_success:
            return Unavailable(SYSTEM, TOKEN, words, code=code, status=status)
        numbers = said.get("error_codes")
        number = numbers[0] if isinstance(numbers, list) and numbers else 0
        cure = _CURES.get(number, "Check tenant_id, client_id and client_secret.")
        return CredentialsRefused(SYSTEM, TOKEN, words, code=code, status=status, cure=cure)


def _json(answer: httpx.Response) -> dict[str, t.Any]:
    try:
        value = decode_json(answer.content)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _seconds(value: t.Any) -> float:
    """Return a lifetime; one of the two endpoints gives it as text."""
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        return _LIFE_WHEN_UNSAID
    return seconds if seconds > 0 else _LIFE_WHEN_UNSAID
