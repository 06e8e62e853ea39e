"""A list of BILL in memory, with every cursor that was observed (sheet bill 3.3)."""

from __future__ import annotations

import datetime as dt
import re

import msgspec

from ml_connector.errors import Rejected
from ml_connector.systems.bill.rows import ListPage, Row, format_time

START = dt.datetime(2026, 7, 1, tzinfo=dt.UTC)
_TERM = re.compile(r'updatedTime:(gte|lt):"([^"]+)"')


def instant(milliseconds):
    """Return an instant so many milliseconds after the first."""
    return START + dt.timedelta(milliseconds=milliseconds)


def row(identifier, milliseconds):
    """Return a row that was edited so many milliseconds after the first instant."""
    time = instant(milliseconds)
    return Row(
        identifier,
        time,
        msgspec.Raw(msgspec.json.encode({"id": identifier, "updatedTime": format_time(time)})),
    )


class FakeList:
    """Answers the queries of a list.

    Args:
        times: Milliseconds at which each row was edited; its id is its number.
        cursor: ``works``, ``offset``, ``stuck``, ``no_filters`` or ``refuses_filters``.
        edits: Numbers of rows that somebody edits, one before each call.
        sorts: Whether the list honours ``sort``.
    """

    def __init__(self, times, *, cursor="works", edits=(), sorts=True):
        self.times = dict(enumerate(times))
        self.cursor = cursor
        self.edits = list(edits)
        self.sorts = sorts
        self.queries = []
        self.now = max(self.times.values(), default=0)

    def rows(self):
        """Return what the list holds, as a set of versions."""
        return {(str(number), instant(time)) for number, time in self.times.items()}

    def fetch(self, query):
        """Answer one call."""
        self.queries.append(dict(query))
        self._edit()
        page = query.get("page")
        if page and self.cursor == "refuses_filters" and "filters" in query:
            raise Rejected("bill", "GET /v3/bills", "no page with filters", status=400, code="BDC_1129")
        filters = query.get("filters", "")
        if page and self.cursor in ("no_filters", "refuses_filters"):
            filters = ""
        elif page and "filters" not in query:
            filters = page.split("|", 1)[1]
        order = self._order(query.get("sort"), filters)
        size = int(query["max"])
        offset = self._offset(page, order)
        rows = [row(str(number), time) for time, number in order[offset : offset + size]]
        more = offset + size < len(order)
        return ListPage(rows, self._token(page, order[offset : offset + size], offset + size, filters) if more else "")

    def _edit(self):
        if self.edits:
            number = self.edits.pop(0)
            if number in self.times:
                self.now += 7
                self.times[number] = self.now

    def _order(self, sort, filters):
        bounds = {operator: dt.datetime.fromisoformat(text) for operator, text in _TERM.findall(filters)}
        order = sorted((time, number) for number, time in self.times.items())
        if not self.sorts:
            order.sort(key=lambda pair: pair[1] * 7919 % 1009)
        elif sort == "updatedTime:desc":
            order.reverse()
        return [
            (time, number)
            for time, number in order
            if ("gte" not in bounds or instant(time) >= bounds["gte"])
            and ("lt" not in bounds or instant(time) < bounds["lt"])
        ]

    def _offset(self, page, order):
        if not page or self.cursor == "stuck":
            return 0
        place = page.split("|", 1)[0]
        if self.cursor == "works" and self.sorts:
            time, number = place.split(",")
            return sum(pair <= (int(time), int(number)) for pair in order)
        return int(place)

    def _token(self, page, shown, offset, filters):
        if self.cursor == "works" and self.sorts:
            return f"{shown[-1][0]},{shown[-1][1]}|{filters}"
        turn = "" if not page else "0" * (len(page.split("|", 1)[0]) + 1)
        return f"{turn if self.cursor == 'stuck' else ''}{offset}|{filters}"
