"""The HTTP face of the Business Central stand-in, and of the token endpoint it trusts."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from erp_sandbox.business_central import errors
from erp_sandbox.business_central.batch import answer_batch, operations_of
from erp_sandbox.business_central.calls import Answer, Api, Call
from erp_sandbox.business_central.errors import BusinessCentralRefusalError, Correlation
from erp_sandbox.business_central.odata.queries import read_options
from erp_sandbox.business_central.store import BusinessCentralStore
from erp_sandbox.business_central.subscriptions import shake_hands
from erp_sandbox.business_central.values import encode

if TYPE_CHECKING:
    from erp_sandbox.faults import Faults, Latency
    from erp_sandbox.stats import Stats

__all__ = ["AUTH_PATH", "BASE_PATH", "business_central_routes"]

BASE_PATH = "/business-central"
AUTH_PATH = "/entra"

_SYSTEM = "business_central"
_METHODS = ["GET", "POST", "PATCH", "DELETE", "PUT"]
_APIS: tuple[tuple[str, Api], ...] = (
    ("api/v2.0", "v2.0"),
    ("api/microsoft/reportsFinance/beta", "finance"),
    ("api/microsoft/analytics/v1.0", "analytics"),
    ("api/microsoft/analytics/v0.5", "analytics"),
    ("api/microsoft/runtime/beta", "runtime"),
)
_KEY = re.compile(r"\([^()]*\)")
_NO_ENVIRONMENT = (
    '<error xmlns="http://docs.oasis-open.org/odata/ns/metadata"><code>NoEnvironment</code>'
    "<message>Environment does not exist.</message></error>"
)


def business_central_routes(
    store: BusinessCentralStore, *, faults: Faults, latency: Latency, stats: Stats
) -> list[Route]:
    """The routes of the stand-in, below :data:`BASE_PATH` and :data:`AUTH_PATH`."""
    gateway = _Gateway(store, faults, latency, stats)
    return [
        Route(f"{AUTH_PATH}/{{tenant}}/oauth2/v2.0/token", gateway.token, methods=["POST"]),
        Route(f"{BASE_PATH}/environments/v1.2", gateway.environments, methods=["GET"]),
        Route(f"{BASE_PATH}/v2.0/{{rest:path}}", gateway.call, methods=_METHODS),
    ]


class _Gateway:
    """Runs every call through counting, faults, credentials and limits before it is answered."""

    def __init__(self, store: BusinessCentralStore, faults: Faults, latency: Latency, stats: Stats) -> None:
        self._store = store
        self._faults = faults
        self._latency = latency
        self._stats = stats
        self._breakdowns = itertools.cycle((500, 502, 503, 504))
        self._throttles = itertools.cycle((429, 429, 503))

    async def token(self, request: Request) -> Response:
        """The token endpoint."""
        with self._stats.call(_SYSTEM, "POST token") as call:
            signal = await self._faults.before(request.scope, _SYSTEM, write=False)
            if signal in ("throttle", "error_500"):
                response: Response = JSONResponse({"error": "temporarily_unavailable"}, 503)
            else:
                form = dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
                await self._latency.pause()
                content_type = request.headers.get("content-type", "")
                status, body = self._store.entra.token(request.path_params["tenant"], content_type, form)
                response = JSONResponse(body, status)
            await self._faults.after(request.scope, _SYSTEM, write=False)
            call.status = response.status_code
            return response

    async def environments(self, request: Request) -> Response:
        """The admin centre's list, which needs rights of its own (sheet 1)."""
        with self._stats.call(_SYSTEM, "GET environments") as call:
            if not self._store.entra.is_live(request.headers.get("authorization", "")):
                response = self._refused(errors.not_authenticated(), Correlation())
            elif not self._store.behaviour.lists_environments:
                refusal = BusinessCentralRefusalError(403, "Authorization_RequestDenied", "Access is denied.")
                response = self._refused(refusal, Correlation())
            else:
                response = Response(encode({"value": self._store.environment_rows()}), media_type="application/json")
            call.status = response.status_code
            return response

    async def call(self, request: Request) -> Response:
        """One call of an API."""
        is_write = request.method != "GET"
        with self._stats.call(_SYSTEM, _name_of(request)) as count:
            correlation = Correlation()
            try:
                response = await self._answered(request, is_write=is_write)
            except BusinessCentralRefusalError as refusal:
                response = self._refused(self._worded(refusal, request), correlation)
            response.headers["request-id"] = correlation.value
            response.headers["ms-correlation-x"] = correlation.value
            await self._faults.after(request.scope, _SYSTEM, write=is_write)
            count.status = response.status_code
            return response

    async def _answered(self, request: Request, *, is_write: bool) -> Response:
        authorization = request.headers.get("authorization", "")
        signal = await self._faults.before(request.scope, _SYSTEM, write=is_write)
        if signal == "throttle":
            return self._throttled()
        if signal == "error_500":
            return self._broken()
        if signal == "expire_session":
            self._store.entra.expire(authorization)
        if not self._store.entra.is_live(authorization):
            raise errors.not_authenticated()
        call = self._read(request, await request.body())
        if call is None:
            return Response(_NO_ENVIRONMENT, 404, media_type="application/xml")
        if call.segments == ("$batch",):
            operations = operations_of(call)
            self._store.limits.count(max(1, len(operations)))
            async with self._store.limits.place():
                await self._latency.pause()
                with self._store.lock:
                    return _response(answer_batch(call, operations, self._store.dispatcher.answer))
        self._store.limits.count()
        async with self._store.limits.place():
            await self._latency.pause()
            receiver = self._store.receiver_of(call)
            if receiver is not None:
                await shake_hands(receiver)
            return _response(self._store.answer(call))

    def _read(self, request: Request, body: bytes) -> Call | None:
        """The call a request makes; None if it names no environment."""
        parts = request.path_params["rest"].split("/")
        place = next((n for n, part in enumerate(parts) if part == "api" and n in (1, 2)), None)
        if place is None or request.method == "PUT":
            raise errors.not_allowed(request.method) if request.method == "PUT" else errors.no_segment(parts[-1])
        if place == 2 and parts[0] != self._store.entra.tenant:
            raise errors.not_authenticated()
        environment = self._store.environment(parts[place - 1])
        if environment is None:
            return None
        rest = "/".join(parts[place:])
        for prefix, api in _APIS:
            if rest.startswith(f"{prefix}/") and self._store.behaviour.offers(prefix, api):
                path = rest.removeprefix(f"{prefix}/")
                base = f"{request.url.scheme}://{request.url.netloc}{BASE_PATH}/v2.0"
                return Call(
                    request.method,
                    environment,
                    api,
                    f"{base}/{'/'.join(parts[:place])}/{prefix}",
                    tuple(path.split("/")),
                    read_options(request.query_params.multi_items()),
                    {name.lower(): value for name, value in request.headers.items()},
                    body,
                )
        raise errors.no_segment(parts[-1])

    def _refused(self, refusal: BusinessCentralRefusalError, correlation: Correlation) -> Response:
        return Response(encode(refusal.body(correlation.value)), refusal.status, media_type="application/json")

    def _worded(self, refusal: BusinessCentralRefusalError, request: Request) -> BusinessCentralRefusalError:
        """A refusal in the tenant's language, unless the caller asked for English."""
        asked = request.headers.get("accept-language", "").lower().startswith("en-us")
        if asked or self._store.behaviour.language == "en-US":
            return refusal
        return BusinessCentralRefusalError(refusal.status, refusal.code, "Der Vorgang konnte nicht ausgeführt werden.")

    def _throttled(self) -> Response:
        status = next(self._throttles)
        if status == 429:
            raise errors.too_many(6001, 6000)
        return Response(b"", 503, {"Retry-After": "1"})

    def _broken(self) -> Response:
        """Each kind of 5xx in turn: the service's own, a gateway's HTML, one that says when, one that says nothing."""
        status = next(self._breakdowns)
        if status == 500:
            raise BusinessCentralRefusalError(500, "Internal_ServerError", "An internal server error occurred.")
        if status == 502:
            return Response("<html><body>502 Bad Gateway</body></html>", 502, media_type="text/html")
        if status == 503:
            return Response(b"", 503, {"Retry-After": "1"})
        return Response("<html><body>504 Gateway Time-out</body></html>", 504, media_type="text/html")


def _name_of(request: Request) -> str:
    """The call as it is counted: "GET purchaseInvoices", "POST journals/Microsoft.NAV.post"."""
    parts = request.path_params["rest"].split("/")
    names = [_KEY.sub("", part) for part in parts[parts.index("api") + 2 :]] if "api" in parts else parts
    if len(names) > 1 and "companies" in names:
        names = names[names.index("companies") + 1 :] or names
    return f"{request.method} {'/'.join(names)}"


def _response(answer: Answer) -> Response:
    response = Response(answer.body, answer.status, dict(answer.headers), answer.media_type if answer.body else None)
    if answer.status == 204:
        del response.headers["content-length"]
    return response
