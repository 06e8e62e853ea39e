"""The HTTP face of BILL's events API, beside ``/connect`` (sheet bill 5.1; contract)."""

from __future__ import annotations

import asyncio
import itertools
import uuid
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from erp_sandbox.bill import errors
from erp_sandbox.bill.errors import BillRefusalError, refusal_response
from erp_sandbox.bill.events import CATALOG, Sent, Subscription, is_loopback, sample
from erp_sandbox.bill.store import BillStore
from erp_sandbox.bill.table import encode
from erp_sandbox.bill.times import instant_text, parse_instant
from erp_sandbox.clock import from_milliseconds, to_milliseconds
from erp_sandbox.faults import Faults, Latency
from erp_sandbox.stats import Stats

__all__ = ["EVENTS_PATH", "event_routes"]

EVENTS_PATH = "/bill/connect-events"
MOST = 10
"""Subscriptions an organization may have."""

CACHED = timedelta(hours=24)
"""How long the answer to an idempotent key is repeated."""

_BASE = "/v3/subscriptions"
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_FIELDS = ("name", "status", "events", "notificationUrl")

_Handler = Callable[[Request, str], Awaitable[Any]]


def event_routes(store: BillStore, *, faults: Faults, latency: Latency, stats: Stats) -> list[Route]:
    """All routes of the events API; the last one answers whatever it does not offer."""
    return _EventsApi(store, faults, latency, stats).routes()


@dataclass(slots=True)
class _Answered:
    at: datetime
    value: Any


class _EventsApi:
    def __init__(self, store: BillStore, faults: Faults, latency: Latency, stats: Stats) -> None:
        self._store = store
        self._events = store.events
        self._faults = faults
        self._latency = latency
        self._stats = stats
        self._answered: dict[tuple[str, str], _Answered] = {}
        self._answering: set[tuple[str, str]] = set()
        self._breakdowns = itertools.cycle((500, 503))

    def routes(self) -> list[Route]:
        return [
            self._route("GET", "/v3/events/catalog", self._catalog),
            self._route("GET", _BASE, self._list),
            self._route("POST", _BASE, self._create),
            self._route("GET", f"{_BASE}/{{id}}", self._get),
            self._route("PUT", f"{_BASE}/{{id}}", self._replace),
            self._route("PATCH", f"{_BASE}/{{id}}", self._change),
            self._route("DELETE", f"{_BASE}/{{id}}", self._delete),
            self._route("POST", f"{_BASE}/{{id}}/security_key", self._new_key),
            self._route("POST", f"{_BASE}/{{id}}/test", self._test),
            self._route("GET", "/v3/events/subscription/{id}", self._history),
            self._route("POST", "/v3/events/subscription/{id}/event/{event}", self._resend),
            Route(f"{EVENTS_PATH}/{{rest:path}}", self._unknown, methods=list(_METHODS)),
        ]

    def _route(self, method: str, path: str, handler: _Handler) -> Route:
        write = method != "GET"

        async def answer(request: Request) -> Response:
            with self._stats.call("bill", f"{method} events{path}") as call:
                try:
                    response = await self._answer(request, handler, write=write)
                except BillRefusalError as refusal:
                    response = self._refuse(refusal)
                await self._faults.after(request.scope, "bill", write=write)
                call.status = response.status_code
                return response

        return Route(f"{EVENTS_PATH}{path}", answer, methods=[method])

    async def _answer(self, request: Request, handler: _Handler, *, write: bool) -> Response:
        signal = await self._faults.before(request.scope, "bill", write=write)
        if signal == "throttle":
            raise errors.too_many_at_once(429)
        if signal == "error_500":
            return Response(b"", next(self._breakdowns))
        if signal == "expire_session":
            self._store.sessions.expire(request.headers.get("sessionId", ""))
        session = self._store.sessions.require(request.headers.get("sessionId"), request.headers.get("devKey"))
        self._store.limits.count_call(session.dev_key)
        value = await handler(request, session.organization_id)
        return Response(b"" if value is None else encode(value), media_type="application/json")

    async def _unknown(self, request: Request) -> Response:
        return self._refuse(errors.not_supported(request.method, request.url.path.removeprefix(EVENTS_PATH)))

    async def _catalog(self, _request: Request, _organization: str) -> Any:
        await self._latency.pause()
        return [{"type": kind, "versions": list(versions)} for kind, versions in CATALOG.items()]

    async def _list(self, request: Request, organization: str) -> Any:
        await self._latency.pause()
        return _page(request, [each.as_json() for each in self._events.of(organization)], ())

    async def _get(self, request: Request, organization: str) -> Any:
        await self._latency.pause()
        return self._own(request, organization).as_json()

    async def _create(self, request: Request, organization: str) -> Any:
        body = await _body(request)

        def create() -> Any:
            fields = self._fields(organization, body, required=_FIELDS)
            if len(self._events.of(organization)) >= MOST:
                raise errors.invalid_parameter(f"An organization may have {MOST} subscriptions.")
            made = self._events.subscribe(organization, fields["name"], fields["events"], fields["notificationUrl"])
            made.enabled = fields["status"]
            return {**made.as_json(), "securityKey": made.security_key}

        return await self._once(request, organization, create)

    async def _new_key(self, request: Request, organization: str) -> Any:
        subscription = self._own(request, organization)

        def renew() -> Any:
            subscription.security_key = f"key-{uuid.uuid4()}"
            return {"securityKey": subscription.security_key}

        return await self._once(request, organization, renew)

    async def _replace(self, request: Request, organization: str) -> Any:
        subscription = self._own(request, organization)
        fields = self._fields(organization, await _body(request), required=_FIELDS, but=subscription)
        return self._changed(subscription, fields)

    async def _change(self, request: Request, organization: str) -> Any:
        subscription = self._own(request, organization)
        body = await _body(request)
        if "events" in body:
            raise errors.invalid_parameter("events: cannot be changed by PATCH; replace the subscription.")
        return self._changed(subscription, self._fields(organization, body, required=(), but=subscription))

    async def _delete(self, request: Request, organization: str) -> None:
        await self._latency.pause()
        del self._events.subscriptions[self._own(request, organization).id]

    async def _test(self, request: Request, organization: str) -> Any:
        subscription = self._own(request, organization)
        body = await _body(request) if await request.body() else {}
        kind, version = body.get("eventType", subscription.events[0][0]), str(body.get("version", "1"))
        if version not in CATALOG.get(kind, ()):
            raise errors.invalid_parameter(f"eventType: {kind} in version {version} is not in the catalog.")
        entity = sample(kind, body.get(kind.partition(".")[0], {}))
        sent = await asyncio.to_thread(self._events.send_now, subscription, kind, version, entity)
        return sent.as_json()

    async def _history(self, request: Request, organization: str) -> Any:
        await self._latency.pause()
        subscription = self._own(request, organization)
        query = request.query_params
        since, until = _moment(query.get("createdTimeFrom")), _moment(query.get("createdTimeTo"))
        rows = [
            each.as_json()
            for each in self._events.sent(subscription.id)
            if (since is None or each.created >= since)
            and (until is None or each.created <= until)
            and query.get("entityId", each.entity_id) == each.entity_id
        ]
        return _page(request, rows, ("createdTimeFrom", "createdTimeTo", "entityId"))

    async def _resend(self, request: Request, organization: str) -> Any:
        subscription = self._own(request, organization)
        found: Sent | None = self._events.history.get(request.path_params["event"])
        if found is None or found.subscription_id != subscription.id:
            raise errors.no_such_object("event", request.path_params["event"])
        return (await asyncio.to_thread(self._events.resend, subscription, found)).as_json()

    async def _once(self, request: Request, organization: str, make: Callable[[], Any]) -> Any:
        """Answer an idempotent key the same way for a day; a repeat while it is being answered gets 429."""
        given = request.headers.get("X-Idempotent-Key", "")
        if not _is_uuid4(given):
            raise BillRefusalError(400, "BDC_1119", "X-Idempotent-Key: must be a UUID of version 4.")
        key, now = (organization, given), self._store.clock.now()
        known = self._answered.get(key)
        if known is not None and now - known.at < CACHED:
            return known.value
        if key in self._answering:
            raise BillRefusalError(429, None, "A request with this X-Idempotent-Key is being processed.")
        self._answering.add(key)
        try:
            await self._latency.pause()
            value = make()
        finally:
            self._answering.discard(key)
        self._answered[key] = _Answered(now, value)
        return value

    def _own(self, request: Request, organization: str) -> Subscription:
        identifier = request.path_params["id"]
        found = self._events.subscriptions.get(identifier)
        if found is None or found.organization_id != organization:
            raise errors.no_such_object("subscription", identifier)
        return found

    def _fields(
        self, organization: str, body: dict[str, Any], *, required: Iterable[str], but: Subscription | None = None
    ) -> dict[str, Any]:
        """Return the checked fields of a body.

        Raises:
            BillRefusalError: One is missing, unknown or not allowed.
        """
        missing = [f"{name}: must not be null" for name in required if body.get(name) in (None, "")]
        if missing:
            raise BillRefusalError(400, None, *missing)
        if unknown := sorted(set(body) - set(_FIELDS)):
            raise BillRefusalError(400, "BDC_1002", *(f"Unrecognized field: {name}" for name in unknown))
        fields = dict(body)
        if "status" in body:
            if not isinstance(body["status"], dict) or not isinstance(body["status"].get("enabled"), bool):
                raise errors.invalid_parameter("status.enabled: must be true or false")
            fields["status"] = body["status"]["enabled"]
        if "notificationUrl" in body:
            url = str(body["notificationUrl"])
            if not url.startswith("https://") and not (url.startswith("http://") and is_loopback(url)):
                raise errors.invalid_parameter("notificationUrl: must be https")
        if "events" in body:
            fields["events"] = _events(body["events"])
        url = fields.get("notificationUrl", but.url if but else "")
        kinds = set(fields.get("events", but.events if but else ()))
        for each in self._events.of(organization):
            if each is not but and each.url == url and set(each.events) == kinds:
                raise errors.invalid_parameter("A subscription with these events and this notificationUrl exists.")
        return fields

    def _changed(self, subscription: Subscription, fields: dict[str, Any]) -> Any:
        subscription.name = fields.get("name", subscription.name)
        subscription.enabled = fields.get("status", subscription.enabled)
        subscription.events = fields.get("events", subscription.events)
        subscription.url = fields.get("notificationUrl", subscription.url)
        subscription.updated = instant_text(to_milliseconds(self._store.clock.now()))
        return subscription.as_json()

    def _refuse(self, refusal: BillRefusalError) -> Response:
        return refusal_response(refusal, instant_text(to_milliseconds(self._store.clock.now())))


async def _body(request: Request) -> dict[str, Any]:
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise BillRefusalError(400, "BDC_1119", "Content-Type must be application/json.")
    try:
        body = msgspec.json.decode(await request.body())
    except msgspec.DecodeError:
        body = None
    if not isinstance(body, dict):
        raise BillRefusalError(400, "BDC_1119", "The request body must be a JSON object.")
    return body


def _events(value: Any) -> list[tuple[str, str]]:
    if not isinstance(value, list) or not value:
        raise errors.invalid_parameter("events: must be a list of at least one event")
    found = []
    for each in value:
        kind, version = (each.get("type"), each.get("version")) if isinstance(each, dict) else (None, None)
        if version not in CATALOG.get(str(kind), ()):
            raise errors.invalid_parameter(f"events: {kind} in version {version} is not in the catalog")
        found.append((str(kind), str(version)))
    if len(set(found)) != len(found):
        raise errors.invalid_parameter("events: an event is given twice")
    return found


def _page(request: Request, rows: list[Any], filters: Iterable[str]) -> Any:
    query = dict(request.query_params)
    if unknown := sorted(set(query) - {"max", "page", *filters}):
        raise errors.invalid_parameter(f"Unknown query parameter: {', '.join(unknown)}.")
    count, start = query.get("max", "20"), query.get("page", "0")
    if not count.isdigit() or not 1 <= int(count) <= 100 or not start.isdigit():
        raise errors.invalid_parameter("max: must be 1 to 100")
    end = int(start) + int(count)
    return {"results": rows[int(start) : end]} | ({"nextPage": str(end)} if end < len(rows) else {})


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return from_milliseconds(parse_instant(text))
    except ValueError:
        raise errors.invalid_parameter(f"{text} is no time") from None


def _is_uuid4(text: str) -> bool:
    try:
        return uuid.UUID(text).version == 4
    except ValueError:
        return False
