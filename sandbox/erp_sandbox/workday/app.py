"""The tenant's HTTP surface: SOAP services, their WSDLs, reports, queries, and the token endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from erp_sandbox.workday import rest, soap
from erp_sandbox.workday.contract import parse_version, services
from erp_sandbox.workday.errors import SoapRefusalError

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from erp_sandbox.faults import Faults, Latency, Signal
    from erp_sandbox.workday.store import WorkdayStore

BASE_PATH = "/workday"
"""Where this tenant stands in the sandbox; a client's ``base_url`` ends with it."""

_XML = "text/xml; charset=UTF-8"
_SYSTEM = "workday"


def workday_routes(store: WorkdayStore, *, faults: Faults, latency: Latency) -> list[Route]:
    """The routes of one tenant, all below :data:`BASE_PATH`.

    Faults meet SOAP calls and token requests; fetching a WSDL is spared, because its HTTP 500 has a meaning
    of its own (docs/systems/workday.md#w1: the version is not served).
    """
    tenant = _Tenant(store, faults, latency)
    return [
        Route(f"{BASE_PATH}/ccx/service/{{tenant}}/{{service}}/{{version}}", tenant.describe, methods=["GET"]),
        Route(f"{BASE_PATH}/ccx/service/{{tenant}}/{{service}}/{{version}}", tenant.call, methods=["POST"]),
        Route(f"{BASE_PATH}/ccx/service/customreport2/{{tenant}}/{{owner}}/{{report}}", tenant.report, methods=["GET"]),
        Route(f"{BASE_PATH}/api/wql/v1/{{tenant}}/data", tenant.query, methods=["GET"]),
        Route(f"{BASE_PATH}/ccx/oauth2/{{tenant}}/token", tenant.token, methods=["POST"]),
    ]


class _Tenant:
    def __init__(self, store: WorkdayStore, faults: Faults, latency: Latency) -> None:
        self._store = store
        self._faults = faults
        self._latency = latency

    async def describe(self, request: Request) -> Response:
        """Serve a WSDL, to anyone who asks."""
        await self._latency.pause()
        service, version = request.path_params["service"], parse_version(request.path_params["version"])
        if "wsdl" not in request.query_params:
            return _page(405, "Method Not Allowed")
        if request.path_params["tenant"] != self._store.tenant:
            return _page(404, "Not Found")
        if service not in services() or version is None:
            return _page(500, "Internal Server Error")
        return Response(soap.wsdl_text(self._store, self._store.tenant, service, version), media_type=_XML)

    async def call(self, request: Request) -> Response:
        """Run a SOAP operation."""
        await self._latency.pause()
        content = await request.body()
        tenant, service = request.path_params["tenant"], request.path_params["service"]
        version = parse_version(request.path_params["version"])
        if service not in services() or version is None:
            return _page(410, "Gone")
        if not request.headers.get("content-type", "").lower().startswith("text/xml"):
            return _page(415, "Unsupported Media Type")
        try:
            message = soap.parse(content, service)
        except SoapRefusalError as refusal:
            return _fault(refusal)
        signal = await self._faults.before(request.scope, _SYSTEM, write=message.is_write)
        refused = self._overload(signal)
        if refused is not None:
            return refused
        try:
            text = soap.answer(
                self._store,
                tenant,
                service,
                version,
                message=message,
                authorization=request.headers.get("authorization"),
            )
            response = Response(text, media_type=_XML)
        except SoapRefusalError as refusal:
            response = _fault(refusal)
        await self._faults.after(request.scope, _SYSTEM, write=message.is_write)
        return response

    async def report(self, request: Request) -> Response:
        """Serve a custom report."""
        owner, name = request.path_params["owner"], request.path_params["report"]
        return await self._json(
            request, lambda: rest.report(self._store, owner, name, request.query_params), bearer_only=False
        )

    async def query(self, request: Request) -> Response:
        """Answer a query."""
        return await self._json(request, lambda: rest.query(self._store, request.query_params), bearer_only=True)

    async def _json(self, request: Request, answer: Callable[[], dict[str, Any]], *, bearer_only: bool) -> Response:
        await self._latency.pause()
        if request.path_params["tenant"] != self._store.tenant:
            return _page(404, "Not Found")
        refused = self._overload(await self._faults.before(request.scope, _SYSTEM, write=False))
        if refused is not None:
            return refused
        with self._store.lock:
            if not rest.is_known(self._store, request.headers.get("authorization"), bearer_only=bearer_only):
                return JSONResponse({"error": "invalid credentials"}, status_code=401)
            try:
                response = JSONResponse(answer())
            except rest.RefusalError as refusal:
                response = JSONResponse(refusal.body, status_code=refusal.status)
        await self._faults.after(request.scope, _SYSTEM, write=False)
        return response

    async def token(self, request: Request) -> Response:
        """Exchange a refresh token for an access token."""
        await self._latency.pause()
        fields = dict(parse_qsl((await request.body()).decode("latin-1"), keep_blank_values=True))
        if request.path_params["tenant"] != self._store.tenant:
            return _page(404, "Not Found")
        refused = self._overload(await self._faults.before(request.scope, _SYSTEM, write=False))
        if refused is not None:
            return refused
        with self._store.lock:
            status, body = self._store.api_client.token(fields, request.headers.get("authorization"))
        await self._faults.after(request.scope, _SYSTEM, write=False)
        return JSONResponse(body, status_code=status, headers={"Cache-Control": "no-store"})

    def _overload(self, signal: Signal | None) -> Response | None:
        """The answer of a tenant that has too much to do (docs/systems/workday.md#w6: no Retry-After, no fault)."""
        if signal == "expire_session":
            self._store.api_client.revoke_all()
        if signal == "error_500":
            return _page(500, "Internal Server Error")
        if signal == "throttle" or self._store.too_many_invalid():
            return _page(429, "Too Many Requests")
        return None


def _fault(refusal: SoapRefusalError) -> Response:
    return Response(refusal.envelope(), status_code=refusal.status, media_type=_XML)


def _page(status: int, title: str) -> Response:
    return Response(
        f"<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>",
        status_code=status,
        media_type="text/html",
    )
