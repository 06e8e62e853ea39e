"""Instants as systems, settings and states write them, and which of them can be true."""

from __future__ import annotations

import datetime as dt

__all__ = ["EARLIEST", "before", "parse_moment"]

EARLIEST = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
"""No system of today holds a change from before; a year 1 or 26 is a slip of the pen."""


def parse_moment(text: str) -> dt.datetime:
    """Return the instant of an ISO 8601 date-time in UTC; one without a zone is in UTC.

    Raises:
        ValueError: It is no date-time, or lies before year 1 or after year 9999 in UTC.
    """
    try:
        moment = dt.datetime.fromisoformat(text)
        return moment.astimezone(dt.UTC) if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    except (OverflowError, TypeError) as error:
        raise ValueError(f"{text!r} is no date and time") from error


def before(moment: dt.datetime, span: dt.timedelta) -> dt.datetime:
    """Return the instant a span earlier, never one before :data:`EARLIEST`."""
    return moment - span if moment - EARLIEST > span else EARLIEST
