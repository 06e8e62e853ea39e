"""Saying who we are: an ISU's UsernameToken, or an API client's Bearer token (docs/systems/workday.md#w2)."""

from __future__ import annotations

import abc
import base64
import datetime as dt
import html
import json
import logging
import re
import typing as t

from lxml import etree
from zeep.wsse.username import UsernameToken

from ml_connector.errors import ConnectorError, CredentialsRefused, SettingInvalid, Throttled, Unavailable, UserError
from ml_connector.systems.workday.errors import SYSTEM
from ml_connector.systems.workday.settings import WorkdaySettings
from ml_connector.transport.http import quoted
from ml_connector.transport.soap import AnswerLost, NotSent, Reply, SoapTransport
from ml_connector.transport.token_cache import SharedSession, Token
from ml_connector.vault import Vault

__all__ = ["Authentication", "BearerAuth", "UsernameTokenAuth"]

_LOG = logging.getLogger(__name__)

_RENEW_EARLY = 300.0
_LIFE_WHEN_UNSAID = 45 * 60.0
_ASKING: t.Final = "the request for an access token"


class Authentication(abc.ABC):
    """Signs requests; thread-safe."""

    @abc.abstractmethod
    def current(self) -> Token | None:
        """Return the token to use, getting one if need be; None where there are no tokens."""

    @abc.abstractmethod
    def renew(self, stale: Token | None) -> bool:
        """Replace a token that was refused; False when that cannot help."""

    @abc.abstractmethod
    def apply(self, message: etree._Element, token: Token | None) -> dict[str, str]:
        """Sign a SOAP message and return the HTTP headers that belong to it."""

    @abc.abstractmethod
    def http_headers(self, token: Token | None) -> dict[str, str]:
        """Return HTTP headers for a request that is not SOAP."""


class UsernameTokenAuth(Authentication):
    """WS-Security UsernameToken of an integration system user; a refused one is never tried again."""

    def __init__(self, settings: WorkdaySettings) -> None:
        self._login = settings.login
        self._password = settings.isu_password or ""

    def current(self) -> Token | None:
        """There are no tokens."""
        return None

    def renew(self, stale: Token | None) -> bool:
        """A repeat can only lock the account."""
        del stale
        return False

    def apply(self, message: etree._Element, token: Token | None) -> dict[str, str]:
        """Add the security header."""
        del token
        signature = UsernameToken(self._login, self._password)  # type: ignore[no-untyped-call]
        signature.apply(message, {})  # type: ignore[no-untyped-call]
        return {}

    def http_headers(self, token: Token | None) -> dict[str, str]:
        """Basic authentication."""
        del token
        return {"Authorization": _basic(self._login, self._password)}


class BearerAuth(Authentication):
    """OAuth 2.0 access tokens got with a refresh token, shared by all processes of this user.

    A rotated refresh token is stored, with the access token it came with, before either is used.

    Args:
        settings: Whose token it is.
        transport: How the token endpoint is asked.
        session: Where the token is shared.
        vault: The vault the refresh token came from, and goes to when it is rotated; None: it came from elsewhere,
            and rotated ones are kept with the session.
    """

    def __init__(
        self,
        settings: WorkdaySettings,
        transport: SoapTransport,
        session: SharedSession,
        vault: Vault | None = None,
    ) -> None:
        self._settings = settings
        self._transport = transport
        self._session = session
        self._vault = vault
        self._fitting: Token | None = None

    def current(self) -> Token | None:
        """Return the shared token, or a new one when it ends within five minutes."""
        token = self._session.current()
        if token is None or (token is not self._fitting and not self._fits(token)):
            token = self._session.renew(token, self._log_in)
        self._fitting = token
        return token

    def renew(self, stale: Token | None) -> bool:
        """Get another token than the refused one, unless another process has one already."""
        self._session.renew(stale, self._log_in)
        return True

    def apply(self, message: etree._Element, token: Token | None) -> dict[str, str]:
        """Leave the message; the token travels in an HTTP header."""
        del message
        return self.http_headers(token)

    def http_headers(self, token: Token | None) -> dict[str, str]:
        """The Bearer token."""
        return {"Authorization": f"Bearer {token.value}"} if token else {}

    def _fits(self, token: Token) -> bool:
        """Whether a shared token was got with the refresh token the vault holds: a person may have set another one."""
        return self._vault is None or self._in_vault(self._vault) in _lineage(token)

    def _in_vault(self, vault: Vault) -> str:
        return str(vault.settings(self._settings.credentials or "").get("refresh_token") or "")

    def _log_in(self) -> Token:
        given = (self._in_vault(self._vault) if self._vault else self._settings.refresh_token) or ""
        kept = self._session.stored()
        rotated_before = kept.extras.get("refresh_token") if kept else None
        # In a vault that could not be written the one before still stands; what a person has set since wins.
        goes_on = kept is not None and (self._vault is None or given in _lineage(kept))
        refresh_token = rotated_before if goes_on and rotated_before else given
        asked_at = dt.datetime.now(dt.UTC)
        answer = self._ask(refresh_token)
        life = _seconds(answer.get("expires_in"))
        ends = asked_at + dt.timedelta(seconds=life - min(_RENEW_EARLY, life / 2))
        rotated = str(answer.get("refresh_token") or refresh_token)
        if self._vault is not None and rotated != given:
            self._keep_in_vault(self._vault, given, rotated)
        return Token(str(answer["access_token"]), ends, {"refresh_token": rotated, "replaces": given})

    def _keep_in_vault(self, vault: Vault, given: str, rotated: str) -> None:
        """Write a rotated token back; where that fails the session, which is written next, keeps it."""
        try:
            vault.swap(self._settings.credentials or "", "refresh_token", given, rotated)
        except UserError as error:
            _LOG.warning("a rotated refresh token is kept with the session until the vault can be written: %s", error)

    def _ask(self, refresh_token: str) -> dict[str, t.Any]:
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        client_id, client_secret = self._settings.client_id or "", self._settings.client_secret or ""
        headers = {"Accept": "application/json"}
        if self._settings.client_auth == "basic":
            headers["Authorization"] = _basic(client_id, client_secret)
        else:
            form |= {"client_id": client_id, "client_secret": client_secret}
        try:
            reply = self._transport.post_form(self._settings.token_url, form, headers)
        except (NotSent, AnswerLost) as error:
            raise Unavailable(SYSTEM, _ASKING, str(error)) from error
        answer = _json(reply)
        if reply.status == 200 and answer.get("access_token"):
            return answer
        raise self._refusal(reply, answer, (refresh_token, client_secret))

    def _refusal(self, reply: Reply, answer: t.Mapping[str, t.Any], secrets: tuple[str, ...]) -> ConnectorError:
        words = str(answer.get("error_description") or answer.get("error") or _page_text(reply))
        words = quoted(words, secrets, limit=200)
        code, status = str(answer.get("error") or "") or None, reply.status
        if status == 404:
            return SettingInvalid(
                f"Workday has no token endpoint at {self._settings.token_url} (HTTP 404).",
                'Take "token_url" from the tenant\'s report View API Clients.',
            )
        if status == 429:
            return Throttled(SYSTEM, _ASKING, words, code=code, status=status, retry_after=reply.retry_after)
        if status >= 500 or status == 200:
            return Unavailable(SYSTEM, _ASKING, words, code=code, status=status)
        cure = (
            "Check client_id, client_secret and refresh_token; make a new one if it was revoked or a renewal broke off."
        )
        if self._vault is not None:
            cure += f" `ml-connector vault set {self._settings.credentials} refresh_token` takes it."
        return CredentialsRefused(SYSTEM, _ASKING, words, code=code, status=status, cure=cure)


def _lineage(token: Token) -> set[str | None]:
    """Return the refresh token a token left behind, and the one of the vault it replaced."""
    return {token.extras.get("refresh_token"), token.extras.get("replaces")}


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def _seconds(value: t.Any) -> float:
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        return _LIFE_WHEN_UNSAID
    return seconds if seconds > 0 else _LIFE_WHEN_UNSAID


def _json(reply: Reply) -> dict[str, t.Any]:
    try:
        value = json.loads(reply.content)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _page_text(reply: Reply) -> str:
    text = re.sub(r"<[^>]*>", " ", reply.content.decode("utf-8", "replace"))
    return html.unescape(text).strip() or f"HTTP {reply.status}"
