"""HTTP for callers who mean it: uvicorn itself waits for ever until the head of a request is there."""

from __future__ import annotations

import asyncio
import typing as t

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

__all__ = ["PromptHttp"]


class PromptHttp(H11Protocol):
    """Closes a connection on which the head of a request does not come to its end in time.

    Attributes:
        head_seconds: From the connection, or from the first byte of a further request on it.
    """

    head_seconds: t.ClassVar[float] = 10.0

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait."""
        super().connection_made(transport)
        self._wait_for_head()

    def data_received(self, data: bytes) -> None:
        """Take what has come, which does not prolong the wait."""
        super().data_received(data)
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing more."""
        self._wait_no_more()
        super().connection_lost(exc)

    def _wait_for_head(self) -> None:
        if self.conn.their_state is not h11.IDLE:
            self._wait_no_more()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(self.head_seconds, self.timeout_keep_alive_handler)

    def _wait_no_more(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
