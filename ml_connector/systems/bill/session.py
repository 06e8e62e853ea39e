"""Being logged in to BILL, once for all processes of this machine (sheet bill 2)."""

from __future__ import annotations

import math
import threading
import time
import typing as t

import httpx

from ml_connector.errors import CredentialsRefused, SettingInvalid, SystemFault, Throttled, Unavailable, Unreadable
from ml_connector.mending import TooMuch
from ml_connector.systems.bill.errors import HOURLY_QUOTA, SYSTEM, read_fault
from ml_connector.systems.bill.settings import BillSettings
from ml_connector.transport.http import decode_json, exchange
from ml_connector.transport.rate_limits import HourlyBudget, Permits
from ml_connector.transport.token_cache import SharedSession, Token
from ml_connector.vault.credentials import vault_behind

__all__ = ["LOGIN", "BillSession"]

LOGIN: t.Final = "POST /v3/login"
LOGINS_PER_HOUR: t.Final = 200

_STALE_AFTER_IDLE = 25 * 60.0
_STALE_AFTER_IDLE_TOKEN = 47 * 3600.0
_TOKEN_USER = "syu0"  # noqa: S105 - the prefix of the system user behind a sync token (sheet bill 1)
_TOUCH_EVERY = 60.0


class BillSession:
    """Gives the session of an organization, logging in when there is none or it has idled too long.

    Args:
        settings: Whose session.
        http: The client to log in with.
        permits: Calls at once.
    """

    def __init__(self, settings: BillSettings, http: httpx.Client, permits: Permits) -> None:
        self._settings = settings
        self._http = http
        self._permits = permits
        self._logins = HourlyBudget(f"bill|logins|{settings.base_url}|{settings.dev_key}", LOGINS_PER_HOUR)
        self._shared = SharedSession(
            "bill",
            {
                "base_url": settings.base_url,
                "dev_key": settings.dev_key,
                "username": settings.username,
                "password": settings.password,
                "organization_id": settings.organization_id,
                "remember_me_id": settings.remember_me_id,
                "device": settings.device,
            },
            vault=vault_behind(settings),
        )
        self._refused: SystemFault | None = None
        self._touched = -math.inf
        self._lock = threading.Lock()

    def token(self) -> Token:
        """Return a session that is expected to work.

        Raises:
            SystemFault: BILL refuses the login, or cannot be reached.
        """
        token = self._shared.current()
        if token is None:
            return self.renew(None)
        now = time.monotonic()
        if now - self._touched > _TOUCH_EVERY:
            with self._lock:
                if self._shared.idle_seconds() > _idle_limit(token):
                    return self.renew(token)
                self._shared.touch()
                self._touched = now
        return token

    def renew(self, stale: Token | None) -> Token:
        """Return a session other than ``stale``; one process logs in, all others use what it got.

        Raises:
            SystemFault: BILL refuses the login, or cannot be reached.
        """
        if self._refused is not None:
            raise self._refused  # asking again could lock the login
        try:
            token = self._shared.renew(stale, self._log_in)
        except CredentialsRefused as fault:
            self._refused = fault
            raise
        self._touched = time.monotonic()
        return token

    def _log_in(self) -> Token:
        wait = self._logins.spend()
        if wait:
            raise Throttled(
                SYSTEM,
                LOGIN,
                f"{LOGINS_PER_HOUR} logins this hour were made from this machine, not asking for more",
                code=HOURLY_QUOTA,
                retry_after=wait,
            )
        settings = self._settings
        body = {
            "username": settings.username,
            "password": settings.password,
            "organizationId": settings.organization_id,
            "devKey": settings.dev_key,
        }
        if settings.remember_me_id and settings.device:
            body |= {"rememberMeId": settings.remember_me_id, "device": settings.device}
        try:
            with self._permits.hold():
                answer = exchange(self._http, "POST", "/v3/login", bounds=settings.bounds, json=body)
        except httpx.HTTPError as error:
            raise Unavailable(SYSTEM, LOGIN, f"no answer ({type(error).__name__}: {error})") from error
        except TooMuch as error:
            raise Unreadable(SYSTEM, LOGIN, f"its answer is not read: {error}") from error
        fault = read_fault(
            answer,
            LOGIN,
            base_url=settings.base_url,
            secrets=(*settings.secrets, settings.username),
            login=True,
        )
        if fault is not None:
            raise fault
        return self._read_login(answer)

    def _read_login(self, answer: httpx.Response) -> Token:
        try:
            said: t.Any = decode_json(answer.content)
        except ValueError:
            said = None
        if not isinstance(said, dict) or not said.get("sessionId"):
            raise Unavailable(SYSTEM, LOGIN, "the answer holds no sessionId", status=answer.status_code)
        organization = str(said.get("organizationId") or "")
        if organization != self._settings.organization_id:
            raise SettingInvalid(
                f"BILL opened a session for organization {organization!r}, not for {self._settings.organization_id!r}.",
                'Correct "organization_id"; nothing was read.',
            )
        return Token(
            value=str(said["sessionId"]),
            extras={"organization_id": organization, "user_id": str(said.get("userId") or "")},
        )


def _idle_limit(token: Token) -> float:
    is_sync_token = token.extras.get("user_id", "").startswith(_TOKEN_USER)
    return _STALE_AFTER_IDLE_TOKEN if is_sync_token else _STALE_AFTER_IDLE
