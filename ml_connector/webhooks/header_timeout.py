"""HTTP for callers who mean it: uvicorn itself waits for ever until a request is there or its answer is taken."""

from __future__ import annotations

import asyncio
import functools
import logging
import typing as t

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from ml_connector.webhooks.callers import Callers
from ml_connector.webhooks.connections import Connections
from ml_connector.webhooks.receiver import PROVEN
from ml_connector.webhooks.refusals import Refusals

__all__ = ["PromptHttp", "prompt_http"]

_WITHOUT_STRANGERS = logging.getLogger(f"{__name__}.errors")
_WITHOUT_STRANGERS.setLevel(logging.ERROR)
"""What uvicorn warns of is a line for each bad request; we count those. Errors of our own it still tells."""


class PromptHttp(H11Protocol):
    """Closes a connection on which a head of a request, or the taking of its answer, does not come to its end in time.

    Its place may be given to another connection while it has no whole request under way.

    Args:
        connections: The places there are.
        callers: Tells who shares them.
        refusals: Where bad requests are counted.
        more: What uvicorn gives a protocol.

    Attributes:
        head_seconds: From the connection, or from the first byte of a further request on it.
        request_seconds: From the end of the head until the answer has left.
    """

    head_seconds: t.ClassVar[float] = 10.0
    request_seconds: t.ClassVar[float] = 45.0

    def __init__(self, connections: Connections, callers: Callers, refusals: Refusals, **more: t.Any) -> None:
        super().__init__(**more)
        self.logger = _WITHOUT_STRANGERS
        self._places = connections
        self._callers = callers
        self._refusals = refusals
        self._deadline: asyncio.TimerHandle | None = None

    @property
    def under_way(self) -> bool:
        """Whether a whole request has come that is not answered yet."""
        return self.cycle is not None and not self.cycle.response_complete and not self.cycle.more_body

    def drop(self) -> None:
        """End the connection at once."""
        self.transport.abort()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait, if there is a place."""
        super().connection_made(transport)
        peer = self._peer()
        address = None if self._callers.shares_connections(peer) else self._callers.caller(peer)
        if self._places.admit(self, address):
            self._wait(self.head_seconds)
        else:
            self._refusals.tell("connections", self._callers.caller(peer), 503)
            self.drop()

    def data_received(self, data: bytes) -> None:
        """Take what has come, which does not prolong a wait."""
        before = self.conn.their_state
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE and before is h11.IDLE:
            self._wait(self.request_seconds)
        elif self._deadline is None:
            self._wait(self.head_seconds)

    def on_response_complete(self) -> None:
        """Wait for the next request, as uvicorn does; a genuine one keeps the connection its place."""
        self._wait_no_more()
        if t.cast("dict[str, t.Any]", self.scope).get("state", {}).get(PROVEN):
            self._places.prove(self)
        super().on_response_complete()
        if self.conn.their_state not in {h11.IDLE, h11.CLOSED, h11.MUST_CLOSE}:
            self._wait(self.request_seconds)
        elif self.transport.is_closing() or self.conn.trailing_data[0]:
            self._wait(self.head_seconds)

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP, and count it."""
        self._refusals.tell("http", self._callers.caller(self._peer()), 400)
        super().send_400_response(msg)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing more."""
        self._wait_no_more()
        self._places.leave(self)
        super().connection_lost(exc)

    def _peer(self) -> str:
        return self.client[0] if self.client else ""

    def _wait(self, seconds: float) -> None:
        self._wait_no_more()
        self._deadline = self.loop.call_later(seconds, self.drop)

    def _wait_no_more(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def prompt_http(connections: Connections, callers: Callers, refusals: Refusals) -> type[asyncio.Protocol]:
    """Return what uvicorn makes a protocol of for each connection."""
    return t.cast("type[asyncio.Protocol]", functools.partial(PromptHttp, connections, callers, refusals))
