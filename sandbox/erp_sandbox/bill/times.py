"""How BILL writes instants, and which spellings it reads (sheet bill 3.1, 3.4)."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

from erp_sandbox.clock import from_milliseconds, to_milliseconds

_INSTANT = re.compile(
    r"(?P<day>\d{4}-\d{2}-\d{2})T(?P<minute>\d{2}:\d{2})(?P<second>:\d{2})?(?P<millis>\.\d{1,3})?"
    r"(?P<zone>Z|[+-]\d{2}(:?\d{2})?)?"
)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def instant_text(milliseconds: int) -> str:
    """An instant as BILL's answers spell it: ``2026-12-15T23:15:23.127+00:00``."""
    return from_milliseconds(milliseconds).isoformat(timespec="milliseconds")


def parse_instant(text: str) -> int:
    """Milliseconds of an instant in one of the accepted spellings; without a zone it is UTC.

    Raises:
        ValueError: it is none of them.
    """
    if _DAY.fullmatch(text):
        return to_milliseconds(datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC))
    match = _INSTANT.fullmatch(text)
    if match is None:
        raise ValueError(text)
    instant = datetime.fromisoformat(text)
    return to_milliseconds(instant if instant.tzinfo else instant.replace(tzinfo=UTC))


def parse_day(text: str) -> date:
    """The calendar date of a filter value; a time of day is cut off, zones are not converted.

    Raises:
        ValueError: it is no date.
    """
    if not _DAY.match(text) or (len(text) > 10 and not _INSTANT.fullmatch(text)):
        raise ValueError(text)
    return date.fromisoformat(text[:10])
