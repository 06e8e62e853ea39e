"""Knobs of a running sandbox for people and other processes, below ``/_sandbox/``; no ERP has these."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from erp_sandbox.bill.table import decode, encode

if TYPE_CHECKING:
    from erp_sandbox.faults import Faults
    from erp_sandbox.server import Sandbox


def control_routes(sandbox: Sandbox) -> list[Route]:
    """Routes to watch, edit, break and reset ``sandbox``."""

    async def stats(_request: Request) -> Response:
        return _json(
            {
                **sandbox.stats.as_json(),
                "workday_operations": sandbox.workday.requests,
                "faults": sandbox.faults.happened(),
            }
        )

    async def faults(request: Request) -> Response:
        for wish in await _wishes(request):
            wish.apply(sandbox.faults)
        return _json(sandbox.faults.describe())

    async def edit_bill(request: Request) -> Response:
        identifier = request.path_params["id"]
        if identifier not in sandbox.bill.table("bills"):
            return _json({"error": f"no bill has the id {identifier}"}, 404)
        return _json(sandbox.bill.edit_bill(identifier, **decode(await request.body())))

    async def bill_totals(_request: Request) -> Response:
        return _json(sandbox.bill.approved_unpaid_totals())

    async def workday_totals(_request: Request) -> Response:
        return _json(sandbox.workday.totals())

    async def reset(_request: Request) -> Response:
        sandbox.reset()
        return _json({"reset": True})

    return [
        _route("GET", "stats", stats),
        _route("POST", "faults", faults),
        _route("POST", "bill/bills/{id}", edit_bill),
        _route("GET", "bill/totals", bill_totals),
        _route("GET", "workday/totals", workday_totals),
        *_business_central_routes(sandbox),
        _route("POST", "reset", reset),
    ]


def _business_central_routes(sandbox: Sandbox) -> list[Route]:
    async def totals(_request: Request) -> Response:
        return _json(sandbox.business_central.invoice_totals())

    async def edit(request: Request) -> Response:
        table, identifier = request.path_params["table"], request.path_params["id"]
        try:
            edited = sandbox.business_central.edit(table, identifier, **decode(await request.body()))
        except KeyError:
            return _json({"error": f"{table} has nothing with the id {identifier}"}, 404)
        return _json(edited)

    return [
        _route("GET", "business-central/totals", totals),
        _route("POST", "business-central/{table}/{id}", edit),
    ]


def _route(method: str, path: str, answer: Callable[[Request], Awaitable[Response]]) -> Route:
    async def endpoint(request: Request) -> Response:
        try:
            return await answer(request)
        except ValueError as reason:
            return _json({"error": str(reason)}, 400)

    return Route(f"/_sandbox/{path}", endpoint, methods=[method])


class _FaultWish(msgspec.Struct, forbid_unknown_fields=True):
    """One fault: ``clear``; or ``kind`` and ``rate``; or ``kind``, ``system`` and ``next`` (a count)."""

    kind: str = ""
    rate: float | None = None
    next: int = 0
    system: str | None = None
    side: str = "both"
    clear: bool = False

    def apply(self, faults: Faults) -> None:
        """Set it.

        Raises:
            ValueError: the fields make no sense together.
        """
        if self.clear:
            faults.clear()
        elif self.rate is not None:
            faults.set(self.kind, self.rate, system=self.system, side=self.side)
        elif self.next > 0 and self.system is not None:
            faults.next(self.system, self.kind, self.next, side=self.side)
        else:
            raise ValueError("a fault needs kind and rate, or kind, system and next, or clear")


async def _wishes(request: Request) -> list[_FaultWish]:
    body = (await request.body()).strip()
    as_list = body if body.startswith(b"[") else b"[" + body + b"]"
    return msgspec.json.decode(as_list, type=list[_FaultWish])


def _json(value: Any, status: int = 200) -> Response:
    return Response(encode(value), status, media_type="application/json")
