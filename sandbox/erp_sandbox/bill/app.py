"""The HTTP face of the BILL stand-in (sheet bill 2, 3.5; contract)."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from erp_sandbox.bill import errors
from erp_sandbox.bill.errors import BillRefusalError, refusal_response
from erp_sandbox.bill.lists import LIST_PARAMETERS, Page, read_page
from erp_sandbox.bill.resources import BILLS, LISTED, PAYMENT_TERMS, Resource
from erp_sandbox.bill.session import DEV_KEYS, Session
from erp_sandbox.bill.store import BillStore, Organization
from erp_sandbox.bill.table import Table, encode
from erp_sandbox.bill.times import instant_text
from erp_sandbox.bill.writes import WRITES, Write, documents
from erp_sandbox.bill.writes.bodies import read_json
from erp_sandbox.clock import to_milliseconds
from erp_sandbox.faults import Faults, Latency
from erp_sandbox.stats import Stats

BASE_PATH = "/bill/connect"

_Endpoint = Callable[[Request], Awaitable[Response]]
_Handler = Callable[[Request, Session, Organization], Response]

_DOCUMENTS = Resource("bill_documents", "/v3/documents/bills", "document")
_MONEY_MOVING = ("/v3/payments", "/v3/payments/bulk")


def bill_routes(store: BillStore, *, faults: Faults, latency: Latency, stats: Stats) -> list[Route]:
    """All routes of the stand-in; the last one answers whatever BILL does not offer."""
    return _Gateway(store, faults, latency, stats).routes()


class _Gateway:
    """Runs every call through counting, limits, faults and the session before its handler."""

    def __init__(self, store: BillStore, faults: Faults, latency: Latency, stats: Stats) -> None:
        self._store = store
        self._faults = faults
        self._latency = latency
        self._stats = stats
        self._breakdowns = itertools.cycle((500, 502, 503))

    def routes(self) -> list[Route]:
        routes = [
            self._route("POST", "/v3/login", self._log_in, write=True),
            self._session_route("GET", "/v3/login/session", "session.get", self._session_details),
            self._session_route("POST", "/v3/logout", "session.end", self._log_out),
            self._session_route("GET", "/v3/organizations/{id}", "organization.get", self._organization_details),
            self._session_route("GET", "/v3/bill-approvals/policies", "bill_approval_policies.list", _policies),
            self._session_route("GET", "/v3/documents/bills/{id}", "bill_documents.list", self._documents),
            self._session_route(
                "GET",
                "/v3/organizations/{organization}/payment-terms",
                "payment_terms.list",
                self._own_organization_only(self._lister(PAYMENT_TERMS)),
            ),
            self._session_route(
                "GET",
                "/v3/organizations/{organization}/payment-terms/{id}",
                "payment_terms.get",
                self._own_organization_only(_getter(PAYMENT_TERMS)),
            ),
        ]
        for resource in LISTED:
            name = resource.name
            routes.append(self._session_route("GET", resource.path, f"{name}.list", self._lister(resource)))
            routes.append(self._session_route("GET", f"{resource.path}/{{id}}", f"{name}.get", _getter(resource)))
        routes += [self._write_route(write) for write in WRITES]
        routes += [
            self._route("POST", "/v3/documents/bills/{id}", self._upload, write=True),
            self._session_route("GET", "/v3/documents/upload-status", "bill_documents.get", self._upload_statuses),
            self._session_route("GET", "/v3/documents/{id}", "bill_documents.get", self._document),
        ]
        routes += [self._session_route("POST", path, "payments.create", _refuse_untrusted) for path in _MONEY_MOVING]
        routes.append(Route(f"{BASE_PATH}/{{rest:path}}", self._wrap("unknown", self._unknown, write=False)))
        return routes

    def _route(self, method: str, path: str, answer: _Endpoint, *, write: bool) -> Route:
        endpoint = self._wrap(f"{method} {path}", answer, write=write)
        return Route(f"{BASE_PATH}{path}", endpoint, methods=[method])

    def _session_route(self, method: str, path: str, operation: str, handler: _Handler) -> Route:
        async def answer(request: Request) -> Response:
            session = self._store.sessions.require(request.headers.get("sessionId"), request.headers.get("devKey"))
            self._store.limits.count_call(session.dev_key)
            if operation in self._store.rules.denied:
                raise errors.no_permission(operation)
            await self._latency.pause()
            return handler(request, session, self._store.organizations[session.organization_id])

        return self._route(method, path, answer, write=method != "GET")

    def _write_route(self, write: Write) -> Route:
        async def answer(request: Request) -> Response:
            organization = await self._admitted(request, write.operation)
            body = None
            if write.takes_body:
                body = read_json(await request.body(), request.headers.get("content-type", ""))
            with_detail = _wants_detail(_query(request, frozenset({"billApprovals"})))
            value = write.carry(self._store, organization, request, body)
            hidden = write.hidden | (frozenset() if with_detail else frozenset({"approvers"}))
            return Response(encode(_shown(value, hidden)), write.status, media_type="application/json")

        return self._route(write.verb, write.path, answer, write=True)

    async def _upload(self, request: Request) -> Response:
        organization = await self._admitted(request, "bill_documents.create")
        name = _query(request, frozenset({"name"})).get("name", "")
        content = await request.body()
        return _json(documents.upload(self._store, organization, request.path_params["id"], name, content))

    async def _admitted(self, request: Request, operation: str) -> Organization:
        session = self._store.sessions.require(request.headers.get("sessionId"), request.headers.get("devKey"))
        self._store.limits.count_call(session.dev_key)
        if operation in self._store.rules.denied:
            raise errors.no_permission(operation)
        await self._latency.pause()
        return self._store.organizations[session.organization_id]

    def _wrap(self, name: str, answer: _Endpoint, *, write: bool) -> _Endpoint:
        async def endpoint(request: Request) -> Response:
            with self._stats.call("bill", name) as call:
                try:
                    with self._place(request):
                        response = await self._answer(request, answer, write=write)
                except BillRefusalError as refusal:
                    response = self._refuse(refusal)
                await self._faults.after(request.scope, "bill", write=write)
                call.status = response.status_code
                return response

        return endpoint

    async def _answer(self, request: Request, answer: _Endpoint, *, write: bool) -> Response:
        signal = await self._faults.before(request.scope, "bill", write=write)
        if signal == "throttle":
            raise errors.too_many_at_once(self._store.rules.rate_limit_status)
        if signal == "error_500":
            return self._broken()
        if signal == "expire_session":
            self._store.sessions.expire(request.headers.get("sessionId", ""))
        return await answer(request)

    @contextmanager
    def _place(self, request: Request) -> Iterator[None]:
        """Hold a place of the organization while the call is answered; calls without a session need none."""
        dev_key = request.headers.get("devKey", "")
        organization = self._store.sessions.organization_of(request.headers.get("sessionId", ""))
        if dev_key not in DEV_KEYS or organization is None:
            yield
            return
        with self._store.limits.in_flight(dev_key, organization):
            yield

    def _refuse(self, refusal: BillRefusalError) -> Response:
        return refusal_response(refusal, instant_text(to_milliseconds(self._store.clock.now())))

    def _broken(self) -> Response:
        """Each kind of 5xx body in turn: BILL's own, a gateway's HTML, nothing (sheet bill 7)."""
        status = next(self._breakdowns)
        if status == 500:
            return self._refuse(BillRefusalError(500, "BDC_1001", "System error.", category="SERVER"))
        if status == 502:
            return Response("<html><body>502 Bad Gateway</body></html>", 502, media_type="text/html")
        return Response(b"", status)

    async def _log_in(self, request: Request) -> Response:
        if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            raise BillRefusalError(400, "BDC_1119", "Content-Type must be application/json.")
        try:
            body = msgspec.json.decode(await request.body())
        except msgspec.DecodeError:
            raise BillRefusalError(400, "BDC_1119", "The request body is not valid JSON.") from None
        await self._latency.pause()
        session = self._store.sessions.log_in(body)
        return _json(
            {
                "organizationId": session.organization_id,
                "sessionId": session.session_id,
                "trusted": session.trusted,
                "userId": session.user_id,
            }
        )

    def _session_details(self, _request: Request, session: Session, _organization: Organization) -> Response:
        return _json(
            {
                "organizationId": session.organization_id,
                "userId": session.user_id,
                "mfaStatus": "COMPLETE" if session.trusted else "DISABLED",
                "mfaBypass": False,
            }
        )

    def _log_out(self, _request: Request, session: Session, _organization: Organization) -> Response:
        self._store.sessions.log_out(session)
        return Response(b"", 200)

    def _organization_details(self, request: Request, _session: Session, organization: Organization) -> Response:
        identifier = request.path_params["id"]
        if identifier != organization.id:
            raise errors.no_such_object("organization", identifier)
        return _json(organization.profile)

    def _documents(self, request: Request, _session: Session, organization: Organization) -> Response:
        bill = request.path_params["id"]
        if bill not in organization.tables["bills"]:
            raise errors.no_such_object(BILLS.label, bill)
        table = Table()
        for document in documents.documents_of(self._store, organization, bill):
            table.put(document)
        query = _query(request, frozenset({"max", "page"}))
        return _page(read_page(table, _DOCUMENTS, query, self._store.rules))

    def _document(self, request: Request, _session: Session, organization: Organization) -> Response:
        _query(request, frozenset())
        return _json(documents.document(self._store, organization, request.path_params["id"]))

    def _upload_statuses(self, request: Request, _session: Session, organization: Organization) -> Response:
        ids = _query(request, frozenset({"ids"})).get("ids", "")
        return _json(documents.upload_statuses(self._store, organization, ids.split(",")))

    def _lister(self, resource: Resource) -> _Handler:
        parameters = LIST_PARAMETERS | ({"billApprovals"} if resource is BILLS else frozenset())

        def handle(request: Request, _session: Session, organization: Organization) -> Response:
            query = _query(request, parameters)
            with_detail = _wants_detail(query)
            if "invoice.invoiceNumber:" in query.get("filters", "") and not self._store.rules.invoice_number_filter:
                raise errors.bad_filter_field(resource.name, "invoice.invoiceNumber")
            page = read_page(organization.tables[resource.name], resource, query, self._store.rules)
            return _page(page, with_detail=with_detail)

        return handle

    def _own_organization_only(self, handler: _Handler) -> _Handler:
        def handle(request: Request, session: Session, organization: Organization) -> Response:
            if request.path_params["organization"] != organization.id:
                raise errors.no_such_object("organization", request.path_params["organization"])
            return handler(request, session, organization)

        return handle

    async def _unknown(self, request: Request) -> Response:
        path = request.url.path.removeprefix(BASE_PATH)
        raise errors.not_supported(request.method, path)


def _shown(value: Any, hidden: frozenset[str]) -> Any:
    if isinstance(value, list):
        return [_shown(each, hidden) for each in value]
    return {name: item for name, item in value.items() if name not in hidden}


def _getter(resource: Resource) -> _Handler:
    parameters = frozenset({"billApprovals"}) if resource is BILLS else frozenset[str]()

    def handle(request: Request, _session: Session, organization: Organization) -> Response:
        identifier = request.path_params["id"]
        with_detail = _wants_detail(_query(request, parameters)) or resource is not BILLS
        row = organization.tables[resource.name].row(identifier)
        if row is None:
            raise errors.no_such_object(resource.label, identifier)
        return Response(row.whole() if with_detail else row.body, media_type="application/json")

    return handle


def _policies(_request: Request, _session: Session, organization: Organization) -> Response:
    return _json(organization.policies)


def _refuse_untrusted(request: Request, session: Session, _organization: Organization) -> Response:
    """Money moves only in a trusted session, and in the sandbox not at all."""
    if not session.trusted:
        raise errors.untrusted()
    raise errors.not_supported(request.method, request.url.path.removeprefix(BASE_PATH))


def _query(request: Request, known: frozenset[str]) -> dict[str, str]:
    pairs = request.query_params.multi_items()
    query = dict(pairs)
    unknown = sorted(set(query) - known)
    if unknown:
        raise errors.invalid_parameter(f"Unknown query parameter: {', '.join(unknown)}.")
    if len(query) != len(pairs):
        raise errors.invalid_parameter("A query parameter is given twice.")
    return query


def _wants_detail(query: Mapping[str, str]) -> bool:
    wanted = query.get("billApprovals", "false")
    if wanted not in ("true", "false"):
        raise errors.invalid_parameter(f"billApprovals: must be true or false, but is {wanted}")
    return wanted == "true"


def _page(page: Page, *, with_detail: bool = False) -> Response:
    return Response(page.body(with_detail=with_detail), media_type="application/json")


def _json(value: Any) -> Response:
    return Response(encode(value), media_type="application/json")
