"""Bills of several threads sent together: those that come while a request is under way share the next one."""

from __future__ import annotations

import collections
import threading
import typing as t

from ml_connector.errors import SystemFault
from ml_connector.systems.bill.bills import MOST_AT_ONCE, BillBook
from ml_connector.systems.bill.writes import Written

__all__ = ["BillPost"]


class BillPost:
    """Creates bills for any number of threads, each waiting for its own; nobody waits for a batch to fill up.

    A bill that comes alone goes out alone and at once. Only one request is under way at a time: what comes meanwhile
    goes out together as soon as it is answered.

    Args:
        book: Where bills are created.
        most: Bills in one request, at most; 1 sends each by itself.
    """

    def __init__(self, book: BillBook, most: int = MOST_AT_ONCE) -> None:
        self._book = book
        self._most = most
        self._waiting: collections.deque[_Place] = collections.deque()
        self._under_way = False
        self._lock = threading.Lock()

    def create(self, body: t.Mapping[str, t.Any]) -> Written:
        """Create a bill; raises what became of it, as ``BillBook.create`` does."""
        place = _Place(body)
        with self._lock:
            self._waiting.append(place)
            leads, self._under_way = not self._under_way, True
        if not leads:
            place.called.wait()
        if place.outcome is None:
            self._send()
        if isinstance(place.outcome, Written):
            return place.outcome
        raise t.cast("BaseException", place.outcome)

    def _send(self) -> None:
        """Send what waits, our own bill first, and call the next in line to go on."""
        with self._lock:
            together = [self._waiting.popleft() for _ in range(min(self._most, len(self._waiting)))]
        outcomes: t.Sequence[Written | BaseException]
        try:
            outcomes = self._book.create_many([place.body for place in together])
        except BaseException as error:  # noqa: BLE001 - raised again by each thread whose bill it was
            outcomes = [error] * len(together)
        for place, outcome in zip(together, outcomes, strict=True):
            place.outcome = outcome
        with self._lock:
            following = self._waiting[0] if self._waiting else None
            self._under_way = following is not None
        for place in (*together, *([following] if following else ())):
            place.called.set()


class _Place:
    """A bill in the queue; called with an outcome it is done, called without one it leads the next request."""

    def __init__(self, body: t.Mapping[str, t.Any]) -> None:
        self.body = body
        self.outcome: Written | SystemFault | BaseException | None = None
        self.called = threading.Event()
