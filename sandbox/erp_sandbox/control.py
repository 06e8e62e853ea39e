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
    from erp_sandbox.server import Sandbox


class _BadRequestError(Exception):
    """The request makes no sense; the message says why."""


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
            _apply_fault(sandbox, wish)
        return _json(sandbox.faults.describe())

    async def edit_bill(request: Request) -> Response:
        identifier = request.path_params["id"]
        if identifier not in sandbox.bill.table("bills"):
            return _json({"error": f"no bill has the id {identifier}"}, 404)
        return _json(sandbox.bill.edit_bill(identifier, **await _object(request)))

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
        _route("POST", "reset", reset),
    ]


def _route(method: str, path: str, answer: Callable[[Request], Awaitable[Response]]) -> Route:
    async def endpoint(request: Request) -> Response:
        try:
            return await answer(request)
        except (_BadRequestError, ValueError) as reason:
            return _json({"error": str(reason)}, 400)

    return Route(f"/_sandbox/{path}", endpoint, methods=[method])


def _apply_fault(sandbox: Sandbox, wish: dict[str, Any]) -> None:
    """Read ``{clear: true}``, ``{kind, rate, system?, side?}`` or ``{kind, next, system, side?}``."""
    if wish.get("clear"):
        sandbox.faults.clear()
    elif "next" in wish:
        sandbox.faults.next(wish["system"], wish["kind"], int(wish["next"]), side=wish.get("side", "both"))
    elif "kind" in wish and "rate" in wish:
        sandbox.faults.set(
            wish["kind"], float(wish["rate"]), system=wish.get("system"), side=wish.get("side", "both")
        )
    else:
        raise _BadRequestError('a fault needs "kind" and "rate", or "kind", "system" and "next", or "clear"')


async def _wishes(request: Request) -> list[dict[str, Any]]:
    try:
        wishes = msgspec.json.decode(await request.body(), type=list[dict[str, Any]] | dict[str, Any])
    except msgspec.DecodeError as reason:
        raise _BadRequestError(str(reason)) from None
    return wishes if isinstance(wishes, list) else [wishes]


async def _object(request: Request) -> dict[str, Any]:
    try:
        return decode(await request.body())
    except msgspec.DecodeError as reason:
        raise _BadRequestError(str(reason)) from None


def _json(value: Any, status: int = 200) -> Response:
    return Response(encode(value), status, media_type="application/json")
