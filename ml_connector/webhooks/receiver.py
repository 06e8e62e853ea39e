"""Answering: verified, durable, then 200, within the time the system gives.

A caller learns the status and nothing else. Verification comes before any limit, so whoever signs correctly is never
turned away for what others at the same address do; only what failed it is counted.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import datetime as dt
import logging
import time
import typing as t

import sqlalchemy as sa
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ml_connector.errors import ConnectorError
from ml_connector.webhooks.addresses import PATH
from ml_connector.webhooks.callers import Callers
from ml_connector.webhooks.provider import Doorbell, Event, Refused, Ring
from ml_connector.webhooks.refusals import Refusals

__all__ = ["PROVEN", "Limits", "receiver"]

PROVEN: t.Final = "proven"
"""What is set in a request's state when it is genuine; it keeps the connection its place."""

_MARGIN = 2.0
"""Seconds of a system's time limit that are left for the way back."""

_LOG = logging.getLogger(__name__)

Keep = t.Callable[[t.Sequence[Event]], t.Awaitable[None]]


@dataclasses.dataclass(frozen=True, slots=True)
class Limits:
    """What a caller may do.

    Attributes:
        refusals_per_minute: After how many refused requests an address is told that it is too many.
        body_seconds: How long a body may take to arrive.
    """

    refusals_per_minute: int = 30
    body_seconds: float = 5.0


def receiver(
    doors: t.Iterable[tuple[Doorbell, Keep]],
    *,
    healthy: t.Callable[[], bool],
    limits: Limits | None = None,
    callers: Callers | None = None,
    refusals: Refusals | None = None,
) -> Starlette:
    """Return the application: a door per system, and ``/health``.

    Args:
        doors: Where systems ring, each with what makes its events durable.
        healthy: Whether what comes in is also worked on.
        limits: What callers may do.
        callers: Tells them apart; believes no proxy by default.
        refusals: Where what is refused is counted, if others count there as well.
    """
    limits = limits or Limits()
    refusals = refusals or Refusals(limits.refusals_per_minute)
    callers = callers or Callers()

    async def health(_request: Request) -> Response:
        well = healthy()
        return Response(b'{"status":"ok"}' if well else b'{"status":"failing"}', 200 if well else 503, _NO_STORE)

    routes = [Route("/health", health, methods=["GET"])]
    for bell, keep in doors:
        routes += _Door(bell, keep, callers, refusals, limits).routes()
    app = Starlette(routes=routes, middleware=[Middleware(_OneRequestForStrangers)])
    app.router.redirect_slashes = False  # a redirect is no 200, and would say the caller's Host back
    return app


_NO_STORE: t.Final = {"Cache-Control": "no-store", "Content-Type": "application/json"}


class _OneRequestForStrangers:
    """Ends the connection after an answer unless the request was genuine: the next one costs a new connection."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start" and not scope.get("state", {}).get(PROVEN):
                message["headers"] = [*message.get("headers", ()), (b"connection", b"close")]
            await send(message)

        await self._app(scope, receive, answer)


class _Door:
    """Answers at one door; messages name the system, since part of a path may be secret."""

    def __init__(self, bell: Doorbell, keep: Keep, callers: Callers, refusals: Refusals, limits: Limits) -> None:
        self._bell = bell
        self._keep = keep
        self._callers = callers
        self._refusals = refusals
        self._limits = limits

    def routes(self) -> list[Route]:
        """Return where it is: a slash at the end, which people add to addresses, makes no difference."""
        path = f"{PATH}{self._bell.path}"
        return [Route(each, self._answer, methods=["POST"]) for each in (path, f"{path}/")]

    async def _answer(self, request: Request) -> Response:
        began = time.monotonic()
        try:
            ring = await self._ring(request)
            greeting = self._bell.handshake(ring)
            if greeting is not None:
                return Response(greeting, 200, {"X-Content-Type-Options": "nosniff"}, media_type="text/plain")
            events = self._bell.hear(ring)
        except Refused as refused:
            return Response(status_code=self._refuse(request, refused.status))
        except (ConnectorError, OSError) as error:
            _LOG.error("%s: the keys cannot be read: %s", self._bell.system, _first_line(error))
            return Response(status_code=503)
        request.scope.setdefault("state", {})[PROVEN] = True
        until = began + self._bell.answer_within - _MARGIN
        return Response(status_code=200 if await self._kept(events, until) else 503)

    def _refuse(self, request: Request, status: int) -> int:
        """Count a refusal; returns what is answered."""
        peer = request.client.host if request.client else ""
        caller = self._callers.caller(peer, request.headers.getlist("x-forwarded-for"))
        status = 429 if self._refusals.count(caller, time.monotonic()) else status
        self._refusals.tell(self._bell.system, caller, status)
        return status

    async def _kept(self, events: t.Sequence[Event], until: float) -> bool:
        """Make events durable in time; what comes too late is not acknowledged, and so comes again."""
        try:
            async with asyncio.timeout(max(0.0, until - time.monotonic())):
                await self._keep(events)
        except (TimeoutError, RuntimeError, sa.exc.SQLAlchemyError) as error:
            _LOG.error("%s: an event could not be kept: %s", self._bell.system, _first_line(error))
            return False
        return True

    async def _ring(self, request: Request) -> Ring:
        body = await self._body(request)
        return Ring(
            headers=request.headers,
            query=dict(request.query_params),
            body=body,
            received_at=dt.datetime.now(dt.UTC),
        )

    async def _body(self, request: Request) -> bytes:
        announced = request.headers.get("content-length", "")
        if announced.isdigit() and int(announced) > self._bell.body_limit:
            raise _TooLarge
        parts: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(self._limits.body_seconds):
                async with contextlib.aclosing(request.stream()) as stream:
                    async for part in stream:
                        size += len(part)
                        if size > self._bell.body_limit:
                            raise _TooLarge
                        parts.append(part)
        except TimeoutError:
            raise _TooSlow from None
        except ClientDisconnect:
            raise _Gone from None
        return b"".join(parts)


class _TooLarge(Refused):
    status = 413


class _TooSlow(Refused):
    status = 408


class _Gone(Refused):
    status = 400


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
