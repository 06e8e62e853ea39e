"""Calls to BILL: permits, budget, session, retries. Reading only."""

from __future__ import annotations

import functools
import typing as t

import httpx

from ml_connector.errors import SystemFault, Throttled, Unavailable
from ml_connector.http import decode_json, open_client
from ml_connector.permits import HourlyBudget, Permits
from ml_connector.retries import attempts, full_jitter
from ml_connector.sessions import Token
from ml_connector.systems.bill.errors import (
    HOURLY_QUOTA,
    SYSTEM,
    TOO_MANY_AT_ONCE,
    is_stale_session,
    read_fault,
)
from ml_connector.systems.bill.rows import ListPage, decode_page
from ml_connector.systems.bill.session import LOGIN, BillSession
from ml_connector.systems.bill.settings import BillSettings

__all__ = ["BillClient"]

CALLS_PER_HOUR: t.Final = 20_000

T = t.TypeVar("T")
RequestHook = t.Callable[[httpx.Request], None]


class BillClient:
    """Reads from one BILL organization. Safe to use from several threads.

    Args:
        settings: Which organization, and how.
        transport: Another HTTP transport, for tests.
        on_request: Called with each request before it leaves.
    """

    def __init__(
        self,
        settings: BillSettings,
        *,
        transport: httpx.BaseTransport | None = None,
        on_request: RequestHook | None = None,
    ) -> None:
        self.settings = settings
        self._http = open_client(
            settings.base_url,
            product=settings.plugin,
            timeout=settings.request_timeout,
            agent=settings.user_agent,
            connections=settings.max_concurrency + 1,
            transport=transport,
        )
        if on_request is not None:
            self._http.event_hooks["request"].append(on_request)
        whose = f"bill|{settings.base_url}|{settings.dev_key}"
        self._permits = Permits(f"{whose}|{settings.organization_id}", settings.max_concurrency)
        self._budget = HourlyBudget(whose, CALLS_PER_HOUR)
        self._session = BillSession(settings, self._http, self._permits)

    @functools.cached_property
    def organization_id(self) -> str:
        """The organization of the session, as BILL answered the login; logs in when nobody has."""
        return self._session.token().extras["organization_id"]

    def get(self, path: str, params: t.Mapping[str, str] | None = None) -> t.Any:
        """Return the JSON of a GET, numbers exact.

        Args:
            path: Below the base address, with its version (``/v3/organizations/...``).
            params: Query.

        Raises:
            SystemFault: BILL refuses, or cannot be reached after some patience.
        """
        return self._read(path, params, decode_json)

    def get_page(self, path: str, params: t.Mapping[str, str]) -> ListPage:
        """Return one page of a list, its rows still as JSON text.

        Raises:
            SystemFault: as for :meth:`get`.
        """
        return self._read(path, params, decode_page)

    def close(self) -> None:
        """Close the connections. The session stays open for the next process."""
        self._http.close()

    def _read(self, path: str, params: t.Mapping[str, str] | None, decode: t.Callable[[bytes], T]) -> T:
        operation = f"GET {path}"
        for attempt in attempts(self._pause):
            with attempt:
                body = self._answer(operation, path, params)
                try:
                    return decode(body)
                except ValueError as error:
                    raise Unavailable(SYSTEM, operation, f"an answer of another shape ({error})") from error
        raise AssertionError  # attempts() ends by success or by raising

    def _answer(self, operation: str, path: str, params: t.Mapping[str, str] | None) -> bytes:
        token = self._session.token()
        answer, fault = self._send(operation, path, params, token)
        if is_stale_session(fault):
            answer, fault = self._send(operation, path, params, self._session.renew(token))
        if fault is not None:
            raise fault
        return answer

    def _send(
        self, operation: str, path: str, params: t.Mapping[str, str] | None, token: Token
    ) -> tuple[bytes, SystemFault | None]:
        wait = self._budget.spend()
        if wait:
            raise Throttled(
                SYSTEM,
                operation,
                f"{CALLS_PER_HOUR} calls this hour were made from this machine, not asking for more",
                code=HOURLY_QUOTA,
                retry_after=wait,
            )
        headers = {"sessionId": token.value, "devKey": self.settings.dev_key}
        try:
            with self._permits.hold():
                answer = self._http.get(path, params=params, headers=headers)
        except httpx.HTTPError as error:
            raise Unavailable(SYSTEM, operation, f"no answer ({type(error).__name__}: {error})") from error
        if answer.is_success and answer.content[:1] == b"{":
            return answer.content, None
        secrets = (*self.settings.secrets, token.value)
        return answer.content, read_fault(answer, operation, base_url=self.settings.base_url, secrets=secrets)

    def _pause(self, fault: SystemFault, attempt: int) -> float | None:
        if isinstance(fault, Unavailable):
            return full_jitter(attempt)
        if not isinstance(fault, Throttled):
            return None
        if fault.code == HOURLY_QUOTA:
            patient = self.settings.wait_for_quota and fault.operation != LOGIN
            return (fault.retry_after or 0.0) + full_jitter(4) if patient else None
        if fault.code == TOO_MANY_AT_ONCE:
            self._permits.shrink()
        return full_jitter(attempt, fault.retry_after)
