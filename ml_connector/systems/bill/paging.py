"""Reading a list of BILL completely although its cursor may not be trusted (sheet bill 3.3).

Three things were observed of the cursor: that it works, that it must not be sent together with filters, and
that it gives the first page again. Besides, a cursor that counts rows skips one whenever a row read before is
edited meanwhile and moves to the end of the list. So there are four ways, the setting ``pagination_mode``:

* ``auto``: sorted by ``updatedTime``, the next page is asked for by the time of the last row, without a
  cursor. Only where one instant fills a whole page does the cursor step in, and where that is stuck, ever
  smaller time windows.
* ``cursor``: filters and cursor together on every page. A stuck cursor is an error.
* ``cursor_without_filters``: filters on the first page only; what does not belong is dropped here.
* ``windows``: time windows only, halved while they are full, no cursor at all.

Whatever the way, rows outside the asked span are dropped here, and no row comes twice unless it was edited
meanwhile.
"""

from __future__ import annotations

import datetime as dt
import threading
import typing as t

from ml_connector.errors import Rejected
from ml_connector.systems.bill.errors import SYSTEM
from ml_connector.systems.bill.rows import ListPage, Row, format_time
from ml_connector.systems.bill.settings import PaginationMode

__all__ = ["BEGINNING", "SMALLEST_WINDOW", "Fetch", "ListReader"]

BEGINNING: t.Final = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
"""Before anything BILL holds."""

SMALLEST_WINDOW: t.Final = dt.timedelta(seconds=1)

Fetch = t.Callable[[t.Mapping[str, str]], ListPage]
Pages = t.Generator[list[Row], None, dt.datetime | None]


class ListReader:
    """Reads one list.

    Args:
        fetch: Gets one page for query parameters.
        operation: What is read, for messages (``GET /v3/bills``).
        page_size: Rows per page.
        mode: The way, see the module.
        params: Parameters that belong to every page (``billApprovals``).
    """

    def __init__(
        self,
        fetch: Fetch,
        operation: str,
        *,
        page_size: int = 100,
        mode: PaginationMode = "auto",
        params: t.Mapping[str, str] | None = None,
    ) -> None:
        self.page_size = page_size
        self.mode = mode
        self._fetch = fetch
        self._operation = operation
        self._params = dict(params or {})
        self._cursor_failed = threading.Event()
        self._unsorted = threading.Event()

    def first_page(self, since: dt.datetime | None) -> ListPage:
        """Return the oldest rows edited at or after ``since``."""
        page = self._fetch(self._query(since, None))
        self._note_order(page)
        return ListPage([row for row in page.rows if _within(row, since, None)], page.next)

    def newest_time(self) -> dt.datetime | None:
        """Return when a row of the list was edited last; None when there is none."""
        page = self._fetch({**self._params, "max": "1", "sort": "updatedTime:desc"})
        return page.rows[0].time if page.rows else None

    def pages(self, since: dt.datetime | None, until: dt.datetime | None, *, most_pages: int | None = None) -> Pages:
        """Yield the rows edited in ``[since, until)``, page by page, each version of a row once.

        Args:
            since: First instant; None: from the beginning.
            until: First instant no longer read; None: to the end. ``windows`` need both.
            most_pages: Stop after so many pages where that is possible.

        Returns:
            The instant from which on nothing has been yielded because of ``most_pages``; None: all was.

        Raises:
            Rejected: The list cannot be read completely.
        """
        seen: dict[str, dt.datetime | None] = {}
        pages = self._way(since, until, most_pages)
        while True:
            try:
                rows = next(pages)
            except StopIteration as end:
                rest: dt.datetime | None = end.value
                return rest
            fresh = [row for row in rows if _within(row, since, until) and _is_news(row, seen)]
            if fresh:
                yield fresh

    def everything(self, sort: str | None = None) -> t.Iterator[list[Row]]:
        """Yield all rows of a list that does not filter by time, by its cursor alone.

        Args:
            sort: An order that edits do not change, so that a counting cursor skips nothing.

        Raises:
            Rejected: The cursor is stuck, or refused even alone.
        """
        query = {**self._params, "max": str(self.page_size)}
        seen: dict[str, dt.datetime | None] = {}
        if sort:
            try:
                yield from self._unseen({**query, "sort": sort}, seen)
            except Rejected as refusal:
                if isinstance(refusal.__cause__, _CursorFailed) and refusal.__cause__.repeats:
                    raise
                # The order, or a cursor beside it, may be refused: again from the start, in the list's own order.
            else:
                return
        yield from self._unseen(query, seen)

    def _unseen(self, query: t.Mapping[str, str], seen: dict[str, dt.datetime | None]) -> t.Iterator[list[Row]]:
        for rows in self._follow(query, query):
            fresh = [row for row in rows if _is_news(row, seen)]
            if fresh:
                yield fresh

    def _way(self, since: dt.datetime | None, until: dt.datetime | None, most_pages: int | None) -> Pages:
        if self.mode == "windows":
            return (yield from self._slices(since or BEGINNING, until or _tomorrow()))
        if self.mode == "cursor":
            query = self._query(since, until)
            return (yield from self._follow(query, query))
        if self.mode == "cursor_without_filters":
            later = {**self._params, "max": str(self.page_size)}
            return (yield from self._follow(self._query(since, until), later))
        return (yield from self._by_time(since, until, most_pages))

    def _by_time(self, since: dt.datetime | None, until: dt.datetime | None, most_pages: int | None) -> Pages:
        at, trail, count = since, _Trail(self._operation), 0
        while True:
            try:
                page = self._crowded_page(at, until, trail)
            except _CursorFailed:
                return (yield from self._after_failure(at, until))
            count += 1
            self._note_order(page)
            last = None if self._unsorted.is_set() else page.last_time
            if not page.next:
                yield page.rows
                return None
            if last is None or (at is not None and last <= at):
                yield page.rows
                trail.note(page)
            elif most_pages is not None and count >= most_pages:
                yield [row for row in page.rows if row.time is not None and row.time < last]
                return last
            else:
                yield page.rows
                at, trail = last, _Trail(self._operation)

    def _crowded_page(self, at: dt.datetime | None, until: dt.datetime | None, trail: _Trail) -> ListPage:
        query = self._query(at, until)
        if not trail.token:
            return self._fetch(query)
        if self._cursor_failed.is_set():
            raise _CursorFailed
        return self._next_page(query, trail)

    def _after_failure(self, at: dt.datetime | None, until: dt.datetime | None) -> Pages:
        self._cursor_failed.set()
        return (yield from self._slices(at or BEGINNING, until or _tomorrow()))

    def _note_order(self, page: ListPage) -> None:
        """Once a page comes in another order than asked for, no later page is trusted to be in order."""
        if page.rows and page.last_time is None:
            self._unsorted.set()

    def _follow(self, first: t.Mapping[str, str], later: t.Mapping[str, str]) -> Pages:
        trail = _Trail(self._operation)
        page = self._fetch(first)
        while True:
            yield page.rows
            if not page.next:
                return None
            # Without the filters of the first page the second may rightly begin with rows of the first.
            trail.note(page, rows=bool(trail.token) or later == first)
            try:
                page = self._next_page(later, trail)
            except _CursorFailed as failure:
                raise self._incomplete(
                    "its cursor gives the same rows again" if failure.repeats else "it refuses its own cursor"
                ) from failure

    def _next_page(self, query: t.Mapping[str, str], trail: _Trail) -> ListPage:
        try:
            page = self._fetch({**query, "page": trail.token})
        except Rejected as refusal:
            raise _CursorFailed(repeats=False) from refusal
        trail.check(page)
        return page

    def _slices(self, since: dt.datetime, until: dt.datetime) -> Pages:
        ahead = [(since, until)]
        while ahead:
            start, end = ahead.pop()
            page = self._fetch(self._query(start, end))
            if len(page.rows) < self.page_size and not page.next:
                yield page.rows
            elif end - start <= SMALLEST_WINDOW:
                raise self._incomplete(
                    f"more than a page of rows was edited in the one second from {format_time(start)} on, "
                    "too many to tell apart by time"
                )
            else:
                middle = _floor(start + (end - start) / 2)
                ahead += [(middle, end), (start, middle)]
        return None

    def _query(self, since: dt.datetime | None, until: dt.datetime | None) -> dict[str, str]:
        terms = []
        if since is not None:
            terms.append(f'updatedTime:gte:"{format_time(since)}"')
        if until is not None:
            terms.append(f'updatedTime:lt:"{format_time(until)}"')
        query = {**self._params, "max": str(self.page_size), "sort": "updatedTime:asc"}
        if terms:
            query["filters"] = ",".join(terms)
        return query

    def _incomplete(self, why: str) -> Rejected:
        return Rejected(
            SYSTEM,
            self._operation,
            f"the list cannot be read completely: {why}. pagination_mode is {self.mode}; try another one",
        )


class _CursorFailed(Exception):
    def __init__(self, *, repeats: bool = True) -> None:
        self.repeats = repeats
        super().__init__()


class _Trail:
    """The pages a cursor has led along: the same token or only known rows again, and it is stuck."""

    def __init__(self, operation: str) -> None:
        self.token = ""
        self._operation = operation
        self._tokens: set[str] = set()
        self._ids: set[str] = set()

    def note(self, page: ListPage, *, rows: bool = True) -> None:
        if rows:
            self._ids.update(row.id for row in page.rows)
        self.token = page.next
        self._tokens.add(page.next)

    def check(self, page: ListPage) -> None:
        if page.next in self._tokens or (page.rows and all(row.id in self._ids for row in page.rows)):
            raise _CursorFailed


def _within(row: Row, since: dt.datetime | None, until: dt.datetime | None) -> bool:
    if row.time is None:
        return True
    return (since is None or row.time >= since) and (until is None or row.time < until)


def _is_news(row: Row, seen: dict[str, dt.datetime | None]) -> bool:
    if not row.id:  # what has no id is not known again: whoever takes it says so
        return True
    if row.id in seen:
        known = seen[row.id]
        if known is None or row.time is None or row.time <= known:
            return False
    seen[row.id] = row.time
    return True


def _tomorrow() -> dt.datetime:
    return dt.datetime.now(dt.UTC) + dt.timedelta(days=1)


def _floor(moment: dt.datetime) -> dt.datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
