"""Refusals: counted by caller in bounded memory, and told at a bounded rate."""

from __future__ import annotations

import asyncio
import collections
import logging
import typing as t

__all__ = ["Refusals"]

_LOG = logging.getLogger(__name__)

_A_MINUTE: t.Final = 60.0
_MOST_TOLD_APART: t.Final = 1_000


class Refusals:
    """Counts refused requests by caller, in a bucket that fills up again over a minute.

    Only what was looked at in full and failed is counted, and an empty bucket shuts nobody out: it changes the answer
    and ends the log lines, so that whoever signs correctly is let in from any address.

    Args:
        per_minute: The size of a caller's bucket.
        callers: How many callers are remembered; the longest silent one is forgotten first.
        lines_per_minute: How many refusals have a line in the log; the others are counted, and told as one line.
    """

    def __init__(self, per_minute: int, *, callers: int = 10_000, lines_per_minute: int = 10) -> None:
        self._size = float(per_minute)
        self._most = callers
        self._left: collections.OrderedDict[str, tuple[float, float]] = collections.OrderedDict()
        self._lines = lines_per_minute
        self._told = 0
        self._untold: collections.Counter[int] = collections.Counter()
        self._untold_callers: set[str] = set()
        self._minute: asyncio.TimerHandle | None = None

    def count(self, caller: str, now: float) -> bool:
        """Count a refusal; returns whether the caller had used up its refusals before.

        Args:
            caller: Whose.
            now: Seconds, monotonic.
        """
        left = self._now_left(caller, now)
        self._left[caller] = (max(0.0, left - 1.0), now)
        self._left.move_to_end(caller)
        while len(self._left) > self._most:
            self._left.popitem(last=False)
        return left < 1.0

    def tell(self, what: str, caller: str, status: int) -> None:
        """Say in the log that a request was refused, or count it when enough was said this minute.

        Args:
            what: The system, or what else was asked for.
            caller: Who asked.
            status: What was answered.
        """
        if self._minute is None:
            self._minute = asyncio.get_running_loop().call_later(_A_MINUTE, self._end_minute)
        if self._told < self._lines:
            self._told += 1
            _LOG.warning("%s: refused a request from %s with %d", what, caller, status)
            return
        self._untold[status] += 1
        if len(self._untold_callers) < _MOST_TOLD_APART:
            self._untold_callers.add(caller)

    def close(self) -> None:
        """Tell what is untold."""
        if self._minute is not None:
            self._minute.cancel()
        self._end_minute()

    def _end_minute(self) -> None:
        self._minute = None
        self._told = 0
        if self._untold:
            many = len(self._untold_callers)
            _LOG.warning(
                "refused %d more requests within a minute, from %s%d %s (%s)",
                self._untold.total(),
                "at least " if many == _MOST_TOLD_APART else "",
                many,
                "address" if many == 1 else "addresses",
                ", ".join(f"{status}: {count}" for status, count in sorted(self._untold.items())),
            )
        self._untold.clear()
        self._untold_callers.clear()

    def _now_left(self, caller: str, now: float) -> float:
        left, since = self._left.get(caller, (self._size, now))
        return min(self._size, left + (now - since) * self._size / _A_MINUTE)
