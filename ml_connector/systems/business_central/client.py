"""Calls to Business Central: permits, pace, token; reads are tried again, writes never are."""

from __future__ import annotations

import functools
import typing as t
import urllib.parse

import httpx
import msgspec

from ml_connector.errors import (
    ConnectorError,
    CredentialsRefused,
    OutcomeUnknown,
    SystemFault,
    Throttled,
    Unavailable,
    Unreadable,
)
from ml_connector.mending import TooMuch
from ml_connector.systems.business_central.auth import EntraSession
from ml_connector.systems.business_central.batch import (
    MOST_REQUESTS,
    BatchAnswer,
    BatchRequest,
    envelope,
    read_answers,
)
from ml_connector.systems.business_central.companies import Company, choose, without_company
from ml_connector.systems.business_central.errors import SYSTEM, TooSlow, fault_of, lost_answer
from ml_connector.systems.business_central.paging import SMALLEST_PAGE, Page, PageReader, decode_page
from ml_connector.systems.business_central.settings import BusinessCentralSettings
from ml_connector.systems.business_central.values import decoded_row
from ml_connector.transport.http import decode_json, exchange, open_client
from ml_connector.transport.rate_limits import Pace, Permits
from ml_connector.transport.retries import attempts, full_jitter

__all__ = ["REPORTS_FINANCE", "BusinessCentralClient"]

REPORTS_FINANCE: t.Final = "/api/microsoft/reportsFinance/beta"
"""The API that knows posted vendor entries; beta, not everywhere (sheet business-central 1)."""

_LONGEST_PAUSE: t.Final = 120.0
_UNQUOTED: t.Final = "$()',/:;=@"
_encoder = msgspec.json.Encoder(decimal_format="number")

Params = t.Mapping[str, str]
Patience = t.Callable[[SystemFault, int], float | None]
T = t.TypeVar("T")


class BusinessCentralClient:
    """Reads from and writes to one environment. Safe to use from several threads.

    Paths are relative to the service root (``companies(...)/vendors``); one that begins with a slash is relative to
    the environment, for other APIs (:data:`REPORTS_FINANCE`). What is answered is decoded: enum values spelt out,
    None for dates, ids and texts that are not there, numbers exact.

    Args:
        settings: Which environment, and how.
        transport: Another HTTP transport, for tests.
        on_request: Called with each request before it leaves.
    """

    def __init__(
        self,
        settings: BusinessCentralSettings,
        *,
        transport: httpx.BaseTransport | None = None,
        on_request: t.Callable[[httpx.Request], None] | None = None,
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
        self._http.headers["Accept-Language"] = "en-US"  # matching of messages depends on it (sheet 3)
        if on_request is not None:
            self._http.event_hooks["request"].append(on_request)
        whose = f"{SYSTEM}|{settings.base_url}|{settings.tenant_id}|{settings.client_id}"
        self._permits = Permits(whose, settings.max_concurrency)
        self._pace = Pace(whose, settings.requests_per_minute / 60)
        self._session = EntraSession(settings, transport=transport)

    def companies(self) -> list[Company]:
        """Return the companies the app may see, asked for once.

        Raises:
            SystemFault: Business Central refuses, or cannot be reached after some patience.
        """
        return self._companies

    def company(self, id_or_name: str | None) -> Company:
        """Return the company that is meant; the only one when nothing is said.

        Raises:
            SettingInvalid: There is none, or more than one.
            SystemFault: as for :meth:`companies`.
        """
        return choose(self.companies(), id_or_name)

    def get(self, path: str, params: Params | None = None, *, fresh: bool = False) -> dict[str, t.Any]:
        """Return one object, or one page of a list with its rows under ``value``.

        Args:
            path: Of the object.
            params: Query, such as ``$expand``.
            fresh: Whether a write will depend on it: never read from a copy of the database.

        Raises:
            SystemFault: Business Central refuses, or cannot be reached after some patience.
        """
        call = _Call("GET", self._address(path, params), headers=self._intent(fresh=fresh))
        return self._read(call, decoded_row)

    def rows(
        self,
        path: str,
        params: Params | None = None,
        *,
        page_size: int | None = None,
        fresh: bool = False,
    ) -> t.Iterator[dict[str, t.Any]]:
        """Yield every row of a list.

        Args:
            path: Of the list.
            params: Query of the first page; the links to the others carry it.
            page_size: Rows per page; that of the settings when not given.
            fresh: Whether a write will depend on it.

        Raises:
            SystemFault: Business Central refuses, or cannot be reached after some patience.
        """
        address, intent = self._address(path, params), self._intent(fresh=fresh)

        def fetch(address: str, size: int) -> Page:
            headers = {**intent, "Prefer": f"odata.maxpagesize={size}"}
            patience = _pause if size <= SMALLEST_PAGE else _pause_unless_slow
            return self._read(_Call("GET", address, headers=headers), decode_page, patience)

        reader = PageReader(fetch, _operation("GET", address), page_size or self.settings.page_size)
        for rows in reader.pages(address):
            yield from map(decoded_row, rows)

    def post(self, path: str, body: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        """Create something, once; properties are validated in the order they are given (sheet 4).

        Raises:
            Unavailable, Throttled: It certainly was not processed.
            OutcomeUnknown: It may have been processed.
            Conflict: It is there already.
            SystemFault: Business Central refuses.
        """
        return self._write(_Call("POST", self._address(path), _encoder.encode(body)))

    def patch(self, path: str, body: t.Mapping[str, t.Any], etag: str) -> dict[str, t.Any]:
        """Change the fields given of a row that is still as it was read; raises as :meth:`post`.

        Raises:
            EntityChanged: It is not.
        """
        return self._write(_Call("PATCH", self._address(path), _encoder.encode(body), {"If-Match": etag}))

    def delete(self, path: str, etag: str) -> None:
        """Delete a row that is still as it was read; raises as :meth:`patch`."""
        self._write(_Call("DELETE", self._address(path), headers={"If-Match": etag}))

    def action(self, path: str) -> None:
        """Carry out a bound action, such as ``.../Microsoft.NAV.post``, once; raises as :meth:`post`."""
        self._write(_Call("POST", self._address(path)))

    def batch(
        self, requests: t.Sequence[BatchRequest], *, isolated: bool = False, goes_on: bool = True
    ) -> list[BatchAnswer]:
        """Send up to 100 requests at once; what becomes of each is its own.

        Args:
            requests: The requests, carried out in this order.
            isolated: Whether one that fails takes the others back; posting cannot be taken back (sheet 4).
            goes_on: Whether those after one that failed are still carried out.

        A batch of reads is tried again as a whole while one of them fails for a while.

        Raises:
            SystemFault: as :meth:`post`, of the batch as a whole.
        """
        if len(requests) > MOST_REQUESTS:
            raise ValueError(f"{len(requests)} requests are more than the {MOST_REQUESTS} of a batch")
        headers = {"Prefer": f"odata.continue-on-error={'true' if goes_on else 'false'}"}
        if isolated:
            headers["Isolation"] = "snapshot"
        content = _encoder.encode(envelope(requests))
        call = _Call("POST", self._address("$batch"), content, headers)

        def decode(body: bytes) -> list[BatchAnswer]:
            return read_answers(requests, decode_json(body))

        def decode_reads(body: bytes) -> list[BatchAnswer]:
            answers = decode(body)
            for answer in answers:
                if isinstance(answer.fault, Throttled | Unavailable):
                    raise answer.fault
            return answers

        if all(request.reads for request in requests):
            return self._read(call._replace(reads=True), decode_reads)
        return self._written(call, decode)

    def close(self) -> None:
        """Close the connections. The token stays for the next process."""
        self._http.close()
        self._session.close()

    @functools.cached_property
    def _companies(self) -> list[Company]:
        return [Company.of(row) for row in self.rows("companies")]

    def _address(self, path: str, params: Params | None = None) -> str:
        root = self.settings.environment_url if path.startswith("/") else f"{self.settings.service_url}/"
        # A space is %20: a plus is not read as one everywhere.
        query = "&".join(
            f"{name}={urllib.parse.quote(value, safe=_UNQUOTED)}" for name, value in (params or {}).items()
        )
        return f"{root}{path}?{query}" if query else f"{root}{path}"

    def _intent(self, *, fresh: bool) -> dict[str, str]:
        replica = self.settings.read_replica and not fresh
        return {"Data-Access-Intent": "ReadOnly" if replica else "ReadWrite"}

    def _read(self, call: _Call, decode: t.Callable[[bytes], T], patience: Patience | None = None) -> T:
        for attempt in attempts(patience or _pause):
            with attempt:
                body = self._answer(call)
                try:
                    return decode(body)
                except TooMuch as error:
                    raise Unreadable(SYSTEM, call.operation, f"its answer is not read: {error}") from error
                except ValueError as error:
                    raise Unavailable(SYSTEM, call.operation, f"an answer of another shape ({error})") from error
        raise AssertionError  # attempts() ends by success or by raising

    def _write(self, call: _Call) -> dict[str, t.Any]:
        return self._written(call, lambda body: decoded_row(body) if body else {})

    def _written(self, call: _Call, decode: t.Callable[[bytes], T]) -> T:
        body = self._answer(call)
        try:
            return decode(body)
        except ValueError as error:
            raise OutcomeUnknown(SYSTEM, call.operation, f"an answer of another shape ({error})") from error

    def _answer(self, call: _Call) -> bytes:
        token = self._session.token()
        answer, fault = self._send(call, token.value)
        if isinstance(fault, CredentialsRefused):  # nothing is processed for a token that has ended
            answer, fault = self._send(call, self._session.renew(token).value)
        if fault is not None:
            raise fault
        return answer

    def _send(self, call: _Call, token: str) -> tuple[bytes, ConnectorError | None]:
        headers = {**call.headers, "Authorization": f"Bearer {token}"}
        if call.content is not None:
            headers["Content-Type"] = "application/json"
        try:
            with self._permits.hold():
                self._pace.wait()
                answer = exchange(
                    self._http,
                    call.method,
                    call.address,
                    bounds=self.settings.bounds,
                    headers=headers,
                    content=call.content,
                )
        except httpx.HTTPError as error:
            raise lost_answer(call.operation, error, reads=call.harmless) from error
        except TooMuch as error:
            kind = Unreadable if call.harmless else OutcomeUnknown
            raise kind(SYSTEM, call.operation, f"its answer is not read: {error}") from error
        fault = fault_of(
            answer,
            call.operation,
            environment=self.settings.environment,
            reads=call.harmless,
            conditional="If-Match" in call.headers,
            secrets=(*self.settings.secrets, token),
        )
        return answer.content, fault


class _Call(t.NamedTuple):
    method: str
    address: str
    content: bytes | None = None
    headers: t.Mapping[str, str] = {}
    reads: bool = False

    @property
    def operation(self) -> str:
        return _operation(self.method, self.address)

    @property
    def harmless(self) -> bool:
        return self.reads or self.method == "GET"


def _operation(method: str, address: str) -> str:
    """Return what is asked as messages name it: ``GET vendors``."""
    path = urllib.parse.urlsplit(address).path
    return f"{method} {without_company(path.partition('/api/')[2].removeprefix('v2.0/'))}"


def _pause(fault: SystemFault, attempt: int) -> float | None:
    if isinstance(fault, Throttled):
        return full_jitter(attempt, fault.retry_after, first=2.0, longest=_LONGEST_PAUSE)
    return full_jitter(attempt, first=2.0, longest=_LONGEST_PAUSE) if isinstance(fault, Unavailable) else None


def _pause_unless_slow(fault: SystemFault, attempt: int) -> float | None:
    """A page that takes too long is asked for at half its size rather than again (sheet 6)."""
    return None if isinstance(fault, TooSlow) else _pause(fault, attempt)
