"""Rows of a list, kept as the JSON text BILL sent until somebody needs them."""

from __future__ import annotations

import datetime as dt
import logging
import typing as t

import msgspec

from ml_connector.moments import parse_moment
from ml_connector.transport.http import decode_as, decode_json

__all__ = ["ListPage", "Row", "decode_page", "format_time"]

_log = logging.getLogger(__name__)


class Row(t.NamedTuple):
    """One object of a list.

    Attributes:
        id: BILL's id.
        time: Its ``updatedTime``; None when it has none.
        raw: The object as JSON text.
    """

    id: str
    time: dt.datetime | None
    raw: msgspec.Raw

    def record(self) -> dict[str, t.Any]:
        """Return the object, numbers exact."""
        record: dict[str, t.Any] = decode_json(self.raw)
        return record


class ListPage(t.NamedTuple):
    """One page of a list.

    Attributes:
        rows: Its objects.
        next: The cursor of the next page; empty on the last.
    """

    rows: list[Row]
    next: str

    @property
    def last_time(self) -> dt.datetime | None:
        """The newest time of a page sorted by time, oldest first; None when it is not sorted, or empty."""
        newest = None
        for row in self.rows:
            if row.time is None or (newest is not None and row.time < newest):
                return None
            newest = row.time
        return newest


def decode_page(body: bytes) -> ListPage:
    """Return a page of the list envelope ``{"results": [...], "nextPage": "..."}`` (sheet bill 3.1).

    Raises:
        ValueError: It is something else.
    """
    envelope = decode_as(_envelopes, body)
    rows = []
    for raw in envelope.results:
        head = decode_as(_heads, raw)
        rows.append(Row(str(head.id or ""), _stamp(head), raw))
    return ListPage(rows, envelope.next_page or "")


def format_time(moment: dt.datetime) -> str:
    """Return an instant as filters take it: UTC, whole milliseconds, ``Z`` (sheet bill 3.1)."""
    return moment.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class _Envelope(msgspec.Struct, rename={"next_page": "nextPage"}):
    results: list[msgspec.Raw]
    next_page: str | None = None


class _Head(msgspec.Struct, rename={"updated_time": "updatedTime"}):
    id: str | int | None = None
    updated_time: str | int | None = None


def _stamp(head: _Head) -> dt.datetime | None:
    """Return when a row was edited last; a time that is none hides the row from nobody."""
    if not head.updated_time:
        return None
    try:
        return parse_moment(str(head.updated_time))
    except ValueError:
        _log.warning(
            'updatedTime of %s is "%s", which is no time; it is read all the same.', head.id, head.updated_time
        )
        return None


_envelopes = msgspec.json.Decoder(_Envelope)
_heads = msgspec.json.Decoder(_Head)
