"""Calls to BILL: permits, budget, session; reads are tried again, writes never are."""

from __future__ import annotations

import functools
import hashlib
import types
import typing as t

import httpx

from ml_connector.errors import OutcomeUnknown, SystemFault, Throttled, Unavailable, Unreadable
from ml_connector.mending import TooMuch
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
from ml_connector.systems.bill.writes import Written, audit_text, encode_body, lost_answer, write_fault
from ml_connector.transport.http import decode_json, exchange, open_client
from ml_connector.transport.rate_limits import HourlyBudget, Permits
from ml_connector.transport.retries import attempts, full_jitter
from ml_connector.transport.token_cache import Token

__all__ = ["BillClient"]

CALLS_PER_HOUR: t.Final = 20_000

T = t.TypeVar("T")
RequestHook = t.Callable[[httpx.Request], None]


class BillClient:
    """Reads from and writes to one BILL organization. Safe to use from several threads.

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
            also=(settings.events_base_url,),
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

    def post(self, path: str, body: t.Any = None, params: t.Mapping[str, str] | None = None) -> Written:
        """Create something, or carry out an action such as ``/v3/vendors/{id}/archive``; once.

        Args:
            path: Below the base address, with its version.
            body: Sent as JSON; None for actions that take none.
            params: Query.

        Raises:
            Unavailable, Throttled: It certainly was not processed.
            OutcomeUnknown: It may have been processed.
            SystemFault: BILL refuses.
        """
        return self._write(_Call("POST", path, params), body)

    def upload(self, path: str, content: bytes, name: str) -> Written:
        """Send a file, once; raises as :meth:`post`.

        Args:
            path: Below the base address, with its version.
            content: The file. The audit gets its size and hash.
            name: Its name with extension.
        """
        about = {"name": name, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        as_it_is = {"Content-Type": "application/octet-stream"}
        return self._carry_out(_Call("POST", path, {"name": name}, content, headers=as_it_is), about)

    def patch(self, path: str, body: t.Any) -> Written:
        """Change the fields given; raises as :meth:`post`."""
        return self._write(_Call("PATCH", path), body)

    def put(self, path: str, body: t.Any) -> Written:
        """Replace the whole; raises as :meth:`post`."""
        return self._write(_Call("PUT", path), body)

    def get_event(self, path: str, params: t.Mapping[str, str] | None = None) -> t.Any:
        """Return the JSON of a GET of the events API, numbers exact; raises as :meth:`get`."""
        return self._read(path, params, decode_json, base=self.settings.events_base_url)

    def write_event(
        self, method: str, path: str, body: t.Any = None, *, headers: t.Mapping[str, str] | None = None
    ) -> Written:
        """Carry out a write of the events API, once; raises as :meth:`post`.

        Args:
            method: POST, PUT, PATCH or DELETE.
            path: Below the events API's address, with its version.
            body: Sent as JSON; None for none.
            headers: Beside those of the session.
        """
        return self._write(_Call(method, path, base=self.settings.events_base_url, headers=headers or {}), body)

    def close(self) -> None:
        """Close the connections. The session stays open for the next process."""
        self._http.close()

    def _read(
        self, path: str, params: t.Mapping[str, str] | None, decode: t.Callable[[bytes], T], *, base: str = ""
    ) -> T:
        call = _Call("GET", path, params, base=base)
        for attempt in attempts(self._pause):
            with attempt:
                body = self._answer(call)
                try:
                    return decode(body)
                except TooMuch as error:
                    raise Unreadable(SYSTEM, call.operation, f"its answer is not read: {error}") from error
                except ValueError as error:
                    raise Unavailable(SYSTEM, call.operation, f"an answer of another shape ({error})") from error
        raise AssertionError  # attempts() ends by success or by raising

    def _write(self, call: _Call, body: t.Any) -> Written:
        return self._carry_out(call if body is None else call._replace(content=encode_body(body)), body)

    def _carry_out(self, call: _Call, told: t.Any) -> Written:
        """Send what writes, once.

        Args:
            call: The call, with its content.
            told: What the audit is told was sent.
        """
        try:
            answer = self._answer(call)
        except Throttled as fault:
            if fault.code == TOO_MANY_AT_ONCE:
                self._permits.shrink()
            raise
        try:
            value = decode_json(answer) if answer else None
        except ValueError as error:
            raise OutcomeUnknown(SYSTEM, call.operation, f"an answer of another shape ({error})") from error
        return Written(value, audit_text(told), audit_text(value))

    def _answer(self, call: _Call) -> bytes:
        token = self._session.token()
        answer, fault = self._send(call, token)
        if is_stale_session(fault):  # nothing is processed for a session that is not there
            answer, fault = self._send(call, self._session.renew(token))
        if fault is not None:
            raise fault
        return answer

    def _send(self, call: _Call, token: Token) -> tuple[bytes, SystemFault | None]:
        wait = self._budget.spend()
        if wait:
            raise Throttled(
                SYSTEM,
                call.operation,
                f"{CALLS_PER_HOUR} calls this hour were made from this machine, not asking for more",
                code=HOURLY_QUOTA,
                retry_after=wait,
            )
        headers = {**call.headers, "sessionId": token.value, "devKey": self.settings.dev_key}
        if call.content is not None:
            headers.setdefault("Content-Type", "application/json")
        try:
            with self._permits.hold():
                answer = exchange(
                    self._http,
                    call.method,
                    f"{call.base}{call.path}",
                    bounds=self.settings.bounds,
                    params=call.params,
                    headers=headers,
                    content=call.content,
                )
        except httpx.HTTPError as error:
            if not call.reads:
                raise lost_answer(call.operation, error) from error
            raise Unavailable(SYSTEM, call.operation, f"no answer ({type(error).__name__}: {error})") from error
        except TooMuch as error:
            kind = Unreadable if call.reads else OutcomeUnknown
            raise kind(SYSTEM, call.operation, f"its answer is not read: {error}") from error
        if call.reads and answer.is_success and answer.content[:1] == b"{":
            return answer.content, None
        secrets = (*self.settings.secrets, token.value)
        fault = read_fault(answer, call.operation, base_url=self.settings.base_url, secrets=secrets)
        return answer.content, fault if call.reads else write_fault(fault)

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


class _Call(t.NamedTuple):
    method: str
    path: str
    params: t.Mapping[str, str] | None = None
    content: bytes | None = None
    base: str = ""
    headers: t.Mapping[str, str] = types.MappingProxyType({})

    @property
    def operation(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def reads(self) -> bool:
        return self.method == "GET"
