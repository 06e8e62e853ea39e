"""Answering: verified, durable, then 200, within the time the system gives.

A caller learns the status and nothing else. Whoever signs correctly is never turned away for being many; callers that
were refused too often get 429 and no second look.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import dataclasses
import datetime as dt
import logging
import time
import typing as t

import sqlalchemy as sa
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from ml_connector.errors import ConnectorError
from ml_connector.events.addresses import PATH
from ml_connector.events.doorbell import Doorbell, Event, Refused, Ring

__all__ = ["Limits", "Strangers", "receiver"]

_MARGIN = 2.0
"""Seconds of a system's time limit that are left for the way back."""

_LOG = logging.getLogger(__name__)

Keep = t.Callable[[t.Sequence[Event]], t.Awaitable[None]]


@dataclasses.dataclass(frozen=True, slots=True)
class Limits:
    """What a caller may do.

    Attributes:
        refusals_per_minute: How many refused requests of one address are looked at closely.
        body_seconds: How long a body may take to arrive.
    """

    refusals_per_minute: int = 30
    body_seconds: float = 5.0


class Strangers:
    """Counts refused requests by address: a bucket that fills up again over a minute.

    Args:
        per_minute: Its size.
        addresses: How many addresses are remembered; the longest silent one is forgotten first.
    """

    def __init__(self, per_minute: int, *, addresses: int = 10_000) -> None:
        self._size = float(per_minute)
        self._addresses = addresses
        self._left: collections.OrderedDict[str, tuple[float, float]] = collections.OrderedDict()

    def spent(self, address: str, now: float) -> bool:
        """Whether an address has used up its refusals."""
        return self._now_left(address, now) < 1.0

    def refuse(self, address: str, now: float) -> None:
        """Count a refusal."""
        self._left[address] = (max(0.0, self._now_left(address, now) - 1.0), now)
        self._left.move_to_end(address)
        while len(self._left) > self._addresses:
            self._left.popitem(last=False)

    def _now_left(self, address: str, now: float) -> float:
        left, since = self._left.get(address, (self._size, now))
        return min(self._size, left + (now - since) * self._size / 60.0)


def receiver(
    doors: t.Iterable[tuple[Doorbell, Keep]], *, healthy: t.Callable[[], bool], limits: Limits | None = None
) -> Starlette:
    """Return the application: a door per system, and ``/health``.

    Args:
        doors: Where systems ring, each with what makes its events durable.
        healthy: Whether what comes in is also worked on.
        limits: What callers may do.
    """
    limits = limits or Limits()
    strangers = Strangers(limits.refusals_per_minute)

    async def health(_request: Request) -> Response:
        well = healthy()
        return Response(b'{"status":"ok"}' if well else b'{"status":"failing"}', 200 if well else 503, _NO_STORE)

    routes = [Route("/health", health, methods=["GET"])]
    routes += [_Door(bell, keep, strangers, limits).route() for bell, keep in doors]
    return Starlette(routes=routes)


_NO_STORE: t.Final = {"Cache-Control": "no-store", "Content-Type": "application/json"}


class _Door:
    """Answers at one door; messages name the system, since part of a path may be secret."""

    def __init__(self, bell: Doorbell, keep: Keep, strangers: Strangers, limits: Limits) -> None:
        self._bell = bell
        self._keep = keep
        self._strangers = strangers
        self._limits = limits

    def route(self) -> Route:
        return Route(f"{PATH}{self._bell.path}", self._answer, methods=["POST"])

    async def _answer(self, request: Request) -> Response:
        began = time.monotonic()
        address = request.client.host if request.client else ""
        hurried = self._strangers.spent(address, began)
        try:
            ring = await self._ring(request, hurried=hurried)
            greeting = self._bell.handshake(ring)
            if greeting is not None:
                return Response(greeting, 200, {"X-Content-Type-Options": "nosniff"}, media_type="text/plain")
            events = self._bell.hear(ring)
        except Refused as refused:
            self._strangers.refuse(address, time.monotonic())
            if not hurried:
                _LOG.warning("%s: refused a request from %s with %d", self._bell.system, address, refused.status)
            return Response(status_code=429 if hurried else refused.status)
        except (ConnectorError, OSError) as error:
            _LOG.error("%s: the keys cannot be read: %s", self._bell.system, _first_line(error))
            return Response(status_code=503)
        until = began + self._bell.answer_within - _MARGIN
        return Response(status_code=200 if await self._kept(events, until) else 503)

    async def _kept(self, events: t.Sequence[Event], until: float) -> bool:
        """Make events durable in time; what comes too late is not acknowledged, and so comes again."""
        try:
            async with asyncio.timeout(max(0.0, until - time.monotonic())):
                await self._keep(events)
        except (TimeoutError, RuntimeError, sa.exc.SQLAlchemyError) as error:
            _LOG.error("%s: an event could not be kept: %s", self._bell.system, _first_line(error))
            return False
        return True

    async def _ring(self, request: Request, *, hurried: bool) -> Ring:
        body = await self._body(request)
        return Ring(
            headers=request.headers,
            query=dict(request.query_params),
            body=body,
            received_at=dt.datetime.now(dt.UTC),
            hurried=hurried,
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
