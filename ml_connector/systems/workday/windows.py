"""Which span of time a run reads (docs/systems/workday.md#w3-3): records have no reliable stamp of their change."""

from __future__ import annotations

import dataclasses
import datetime as dt
import typing as t

__all__ = ["DateWindow", "UpdatedWindow"]

_BEHIND: t.Final = dt.timedelta(minutes=2)
"""How far the end stays behind our clock: an end later than Workday's own now is refused."""
_AHEAD: t.Final = dt.timedelta(days=366)
"""How far ahead documents are dated, at the furthest."""


@dataclasses.dataclass(frozen=True, slots=True)
class UpdatedWindow:
    """What changed between two moments.

    Attributes:
        start: Begin; None: everything there is.
        end: End, and the next bookmark.
    """

    start: dt.datetime | None
    end: dt.datetime

    @classmethod
    def since(
        cls, bookmark: dt.datetime | None, first: dt.datetime | None, *, now: dt.datetime, overlap: dt.timedelta
    ) -> UpdatedWindow:
        """Return the window of a run.

        Args:
            bookmark: End of the last window; None: there was none.
            first: What changed before is of no interest; None: everything is.
            now: Our clock.
            overlap: How far before the bookmark to begin, for what became visible late.
        """
        end = now - _BEHIND
        start = first if bookmark is None else bookmark - overlap
        if start is not None and first is not None:
            start = max(start, first)
        return cls(None if start is None else min(start, end), end)


@dataclasses.dataclass(frozen=True, slots=True)
class DateWindow:
    """What is dated between two days, both included.

    It misses a change to a document dated before it, whenever that change is made: such changes are found by
    reading everything now and then (docs/systems/workday.md#w0-2).

    Attributes:
        first: First day; None: from the beginning.
        last: Last day; None: to the end.
        end: The next bookmark.
    """

    first: dt.date | None
    last: dt.date | None
    end: dt.datetime

    @classmethod
    def since(cls, bookmark: dt.datetime | None, first: dt.date | None, *, now: dt.datetime, days: int) -> DateWindow:
        """Return the window of a run.

        Args:
            bookmark: End of the last window; None: everything is to be read.
            first: What is dated before is of no interest; None: everything is.
            now: Our clock.
            days: How far back documents are still expected to change.
        """
        end = now - _BEHIND
        if bookmark is None:
            return cls(first, None, end)
        # From the bookmark, not from today: what came in during a long pause may be dated right after it.
        start = min(bookmark, now).date() - dt.timedelta(days=days)
        return cls(start if first is None else max(start, first), now.date() + _AHEAD, end)

    def oldest_of_next(self, days: int) -> dt.date:
        """Return the first day of the window after this one."""
        return self.end.date() - dt.timedelta(days=days)
