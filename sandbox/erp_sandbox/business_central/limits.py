"""How much the service takes at once and per five minutes (sheet 6)."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from erp_sandbox.business_central import errors
from erp_sandbox.business_central.behaviour import Behaviour
from erp_sandbox.clock import Clock

__all__ = ["Limits"]

WINDOW = timedelta(minutes=5)


class Limits:
    """Counts calls in a sliding window, and lets a few at a time be answered while others wait."""

    def __init__(self, behaviour: Behaviour, clock: Clock) -> None:
        self._behaviour = behaviour
        self._clock = clock
        self._calls: deque[datetime] = deque()
        self._inside = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self.most_at_once = 0
        """The most calls that were ever answered or waiting at the same time."""

    def count(self, calls: int = 1) -> None:
        """Count calls.

        Raises:
            BusinessCentralRefusalError: the window is used up.
        """
        now = self._clock.now()
        while self._calls and self._calls[0] <= now - WINDOW:
            self._calls.popleft()
        most = self._behaviour.requests_per_window
        if len(self._calls) + calls > most:
            raise errors.too_many(len(self._calls) + calls, most)
        self._calls.extend([now] * calls)

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Hold one of the few places, waiting for it if need be.

        Raises:
            BusinessCentralRefusalError: too many wait already.
        """
        if self._inside >= self._behaviour.concurrency:
            if len(self._waiting) >= self._behaviour.queue:
                most = self._behaviour.concurrency + self._behaviour.queue
                raise errors.too_many(most + 1, most)
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            self._note()
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self._leave()
                raise
        else:
            self._inside += 1
            self._note()
        try:
            yield
        finally:
            self._leave()

    def _leave(self) -> None:
        """Hand the place on, or free it."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._inside -= 1

    def _note(self) -> None:
        self.most_at_once = max(self.most_at_once, self._inside + len(self._waiting))
