"""The Workday client: calls, pages, limits and repeats; shared by tap and target."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import datetime as dt
import pathlib
import random
import threading
import time
import typing as t

from lxml import etree
from zeep.ns import WSDL, XSD

from ml_connector.errors import OutcomeUnknown, SettingInvalid, SystemFault, Throttled, Unavailable, Unreadable
from ml_connector.mending import TooMuch
from ml_connector.private import make_folder
from ml_connector.state_directory import state_directory
from ml_connector.systems.workday.auth import Authentication, BearerAuth, UsernameTokenAuth
from ml_connector.systems.workday.errors import (
    SYSTEM,
    Fault,
    ProcessingFailed,
    TooSlow,
    from_reply,
    from_rest,
    from_transport,
    no_such_service,
    read_fault,
)
from ml_connector.systems.workday.paging import Pages
from ml_connector.systems.workday.services import Service, Services
from ml_connector.systems.workday.settings import WorkdaySettings
from ml_connector.systems.workday.xml import NS, Node, compact
from ml_connector.transport.http import Reach
from ml_connector.transport.rate_limits import Permits
from ml_connector.transport.retries import attempts
from ml_connector.transport.soap import (
    SOAP_ENV,
    AnswerLost,
    NotSent,
    Reply,
    SoapTransport,
    WsdlStore,
    envelope,
    parse_xml,
)
from ml_connector.transport.token_cache import SharedSession, Token
from ml_connector.vault.credentials import vault_behind

__all__ = ["FINANCE", "RESOURCES", "Answer", "WorkdayClient"]

FINANCE: t.Final = "Financial_Management"
RESOURCES: t.Final = "Resource_Management"

_TRIES = 5
_TRIES_WHEN_PROCESSING_FAILED = 3
_LONGEST_PAUSE = 60.0
_LONGEST_ASKED = 300.0

_random = random.SystemRandom()


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """What came back from an operation.

    Attributes:
        node: The response element.
        sent: The request element, without any header.
    """

    node: Node
    sent: etree._Element

    @property
    def request_text(self) -> str:
        """What was sent, for the audit."""
        return compact(self.sent)

    @property
    def response_text(self) -> str:
        """What came back, for the audit."""
        return compact(self.node.element)


class WorkdayClient:
    """Speaks to one tenant; usable from many threads, which share its limits.

    Args:
        settings: The tenant and as whom to speak.
        state_dir: Folder for what outlives a run (service descriptions, sessions, permits); None: the state
            directory of this user.
    """

    def __init__(self, settings: WorkdaySettings, *, state_dir: pathlib.Path | None = None) -> None:
        self.settings = settings
        self._transport = SoapTransport(
            user_agent=settings.user_agent,
            connect_timeout=settings.connect_timeout,
            read_timeout=settings.request_timeout,
            bounds=settings.bounds,
            reach=Reach(settings.base_url, settings.token_url, settings.raas_url, settings.wql_url),
        )
        self._auth = _authentication(settings, self._transport, state_dir)
        tenant = f"workday {settings.base_url} {settings.tenant}"
        self._permits = Permits(tenant, settings.max_concurrency, directory=_folder(state_dir, "permits"))
        self._pace = _Pace(settings.requests_per_minute)
        descriptions = WsdlStore(_folder(state_dir, "descriptions") or state_directory("descriptions"), self._fetch)
        self._services = Services(descriptions, settings.service_url)

    def service(self, name: str) -> Service:
        """Return a service of the tenant, as the tenant describes it."""
        return self._services.get(name)

    def offering(self, *candidates: tuple[str, str]) -> tuple[str, str]:
        """Return the first (service, operation) the tenant has; raises like ``offerings``."""
        return self.offerings(*candidates)[0]

    def offerings(self, *candidates: tuple[str, str]) -> list[tuple[str, str]]:
        """Return every (service, operation) of the candidates that the tenant has: permissions differ by service.

        Raises:
            SettingInvalid: It has none of them.
        """
        found = []
        for service, operation in candidates:
            with contextlib.suppress(SettingInvalid):
                if self.service(service).offers(operation):
                    found.append((service, operation))
        if not found:
            what = " or ".join(f"{operation} in {service}" for service, operation in candidates)
            raise no_such_service(what, None)
        return found

    def call(
        self,
        service: str,
        operation: str,
        body: t.Mapping[str, t.Any],
        *,
        write: bool = False,
        sought: tuple[str, str] | None = None,
        patient: bool = True,
    ) -> Answer:
        """Carry out an operation.

        Reads are repeated when that can help; a write leaves exactly once.

        Args:
            service: ``Resource_Management`` or another.
            operation: The operation; its root element is found in the tenant's description.
            body: The request, by element names.
            write: Whether it changes something.
            sought: ID type and id a read asks for; "not a valid ID" for exactly it becomes ``NotFound``.
            patient: Whether a read that was not answered in time is repeated as it is.

        Raises:
            SystemFault: As classified; for a write ``OutcomeUnknown`` whenever it may have been processed.
        """
        described = self.service(service)
        request = described.build(operation, body)
        if write:
            return self._exchange(described, operation, request, write=True, sought=sought)
        for attempt in attempts(_pause if patient else _pause_unless_slow, tries=_TRIES):
            with attempt:
                return self._exchange(described, operation, request, write=False, sought=sought)
        raise AssertionError("a retry loop returns or raises")

    def pages(
        self,
        service: str,
        operation: str,
        body: t.Mapping[str, t.Any],
        *,
        count: int | None = None,
        pinned: bool = True,
    ) -> t.Iterator[Node]:
        """Read everything an operation returns, page by page in order, fetching ahead.

        Args:
            service: The service.
            operation: A Get operation.
            body: Criteria and response group; the filter is added.
            count: Records per page, 1 to 999.
            pinned: Whether all pages show the moment of the call (docs/systems/workday.md#w3-2). Otherwise the first
                shows things as they stand when Workday answers, whatever our clock says; the others follow.

        Yields:
            The ``Response_Data`` of each page that has one.
        """

        def ask(response_filter: t.Mapping[str, t.Any], *, patient: bool) -> Node:
            asked = {**body, "Response_Filter": response_filter}
            return self.call(service, operation, asked, patient=patient).node

        yield from Pages(
            ask,
            count=count or self.settings.page_size,
            moment=_now() if pinned else None,
            ahead=self.settings.max_concurrency,
        )

    def get(self, url: str, what: str) -> bytes:
        """Read something that is not SOAP: a report, or the answer to a WQL query.

        Args:
            url: Its whole address.
            what: What it is, for messages.

        Raises:
            SystemFault: As classified.
        """
        for attempt in attempts(_pause, tries=_TRIES):
            with attempt:
                return self._get(url, what)
        raise AssertionError("a retry loop returns or raises")

    def close(self) -> None:
        """Close all connections."""
        self._transport.close()

    def _get(self, url: str, what: str) -> bytes:
        token = self._auth.current()
        reply = self._get_once(url, what, token)
        if reply.status == 401 and self._auth.renew(token):
            reply = self._get_once(url, what, self._auth.current())
        if reply.status == 429:
            self._permits.shrink()
        if reply.status != 200:
            raise from_rest(reply, what)
        return reply.content

    def _get_once(self, url: str, what: str, token: Token | None) -> Reply:
        headers = {"Accept": "application/json", **self._auth.http_headers(token)}
        self._pace.wait()
        with self._permits.hold():
            try:
                reply = self._transport.get(url, headers)
            except (NotSent, AnswerLost) as error:
                raise from_transport(error, what, write=False) from error
        try:
            self.settings.bounds.check_depth(reply.content)
        except TooMuch as error:
            raise Unreadable(SYSTEM, what, f"its answer is not read: {error}") from error
        return reply

    def _exchange(
        self,
        service: Service,
        operation: str,
        request: etree._Element,
        *,
        write: bool,
        sought: tuple[str, str] | None,
    ) -> Answer:
        token = self._auth.current()
        reply, root, fault = self._send(service.url, operation, request, token, write=write)
        if _login_refused(reply, fault) and self._auth.renew(token):
            # A refused login is certain not to have been processed, so even a write may go out again, once.
            reply, root, fault = self._send(service.url, operation, request, self._auth.current(), write=write)
        if reply.status == 429:
            self._permits.shrink()
        if fault is not None or reply.status != 200:
            raise from_reply(reply, fault, operation, write=write, sought=sought)
        body = None if root is None else root.find(f"{{{SOAP_ENV}}}Body")
        if body is None or len(body) == 0:
            lost = OutcomeUnknown if write else Unavailable
            raise lost(SYSTEM, operation, "an answer that is not SOAP", status=reply.status)
        return Answer(Node(body[0]), request)

    def _send(
        self, url: str, operation: str, request: etree._Element, token: Token | None, *, write: bool
    ) -> tuple[Reply, etree._Element | None, Fault | None]:
        message = envelope([_common_header()], copy.deepcopy(request), {"wd": NS})
        headers = {
            "Content-Type": "text/xml; charset=utf-8",
            "SOAPAction": '""',
            **self._auth.apply(message, token),
        }
        content = etree.tostring(message, xml_declaration=True, encoding="utf-8")
        self._pace.wait()
        with self._permits.hold():
            try:
                reply = self._transport.post(url, content, headers)
            except (NotSent, AnswerLost) as error:
                raise from_transport(error, operation, write=write) from error
        try:
            root = parse_xml(reply.content, self.settings.bounds)
        except TooMuch as error:
            kind = OutcomeUnknown if write else Unreadable
            raise kind(SYSTEM, operation, f"its answer is not read: {error}", status=reply.status) from error
        except ValueError:
            return reply, None, None
        return reply, root, read_fault(root)

    def _fetch(self, url: str) -> bytes:
        for attempt in attempts(_pause, tries=_TRIES):
            with attempt:
                return self._fetch_once(url)
        raise AssertionError("a retry loop returns or raises")

    def _fetch_once(self, url: str) -> bytes:
        what = "description of " + url.rpartition("/ccx/service/")[2].removesuffix("?wsdl")
        try:
            reply = self._transport.get(url)
            if reply.status in (401, 403):
                reply = self._transport.get(url, self._auth.http_headers(self._auth.current()))
        except (NotSent, AnswerLost) as error:
            raise from_transport(error, what, write=False) from error
        if reply.status == 200:
            if _is_description(reply.content):
                return reply.content
            raise no_such_service(f"{what} (the answer is something else)", None)
        if reply.status == 500:
            raise no_such_service(what, reply.status)  # what a version the tenant lacks is answered with
        raise from_reply(reply, None, what, write=False)


class _Pace:
    """Lets a request through no sooner than the wanted rate allows; no burst."""

    def __init__(self, per_minute: int | None) -> None:
        self._interval = 60.0 / per_minute if per_minute else 0.0
        self._lock = threading.Lock()
        self._next = 0.0

    def wait(self) -> None:
        if not self._interval:
            return
        with self._lock:
            now = time.monotonic()
            start = max(now, self._next)
            self._next = start + self._interval
        time.sleep(start - now)


def _authentication(
    settings: WorkdaySettings, transport: SoapTransport, state_dir: pathlib.Path | None
) -> Authentication:
    if not settings.uses_oauth:
        return UsernameTokenAuth(settings)
    credentials = {
        "token_url": settings.token_url,
        "client_id": settings.client_id,
        "client_secret": settings.client_secret,
    }
    vault = vault_behind(settings)
    rotates_in_vault = vault is not None and "refresh_token" in settings.from_vault
    if rotates_in_vault:
        credentials["credentials"] = settings.credentials
    else:
        credentials["refresh_token"] = settings.refresh_token
    session = SharedSession(SYSTEM, credentials, leeway=0.0, directory=_folder(state_dir, "sessions"), vault=vault)
    return BearerAuth(settings, transport, session, vault if rotates_in_vault else None)


def _folder(state_dir: pathlib.Path | None, name: str) -> pathlib.Path | None:
    if state_dir is None:
        return None
    folder = state_dir / name
    make_folder(folder)
    return folder


def _pause(fault: SystemFault, attempt: int) -> float | None:
    """Say how long to wait before a read is tried again (docs/systems/workday.md#w6), None when that cannot help."""
    if not isinstance(fault, (Throttled, Unavailable)):
        return None
    if isinstance(fault, ProcessingFailed) and attempt >= _TRIES_WHEN_PROCESSING_FAILED:
        return None
    asked = fault.retry_after if isinstance(fault, Throttled) and fault.retry_after is not None else 0.0
    if asked > _LONGEST_ASKED:
        return None
    return max(asked, _random.uniform(0, min(_LONGEST_PAUSE, 2.0**attempt)))


def _pause_unless_slow(fault: SystemFault, attempt: int) -> float | None:
    return None if isinstance(fault, TooSlow) else _pause(fault, attempt)


def _login_refused(reply: Reply, fault: Fault | None) -> bool:
    return fault.is_login_refused if fault is not None else reply.status == 401


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _is_description(content: bytes) -> bool:
    try:
        root = parse_xml(content)
    except ValueError:
        return False
    return etree.QName(root).namespace in (WSDL, XSD)


def _common_header() -> etree._Element:
    header = etree.Element(f"{{{NS}}}Workday_Common_Header")
    etree.SubElement(header, f"{{{NS}}}Include_Reference_Descriptors_In_Response").text = "true"
    return header
