"""Reading a long span of time fast: consecutive windows side by side, given out in their order.

One list can only be walked page after page, so a span with many rows is cut into windows that are read at the
same time, as many as calls are permitted. Rows come out in the order of the windows, so that whoever stops in
between knows up to which instant everything has been seen, and a row edited while the span is read comes
last, as it is now.
"""

from __future__ import annotations

import collections
import concurrent.futures
import contextlib
import datetime as dt
import itertools
import queue
import threading
import typing as t

from ml_connector.systems.bill.paging import SMALLEST_WINDOW, ListReader
from ml_connector.systems.bill.rows import ListPage, Row

__all__ = ["Batch", "read_since"]

PAGES_PER_WINDOW: t.Final = 9
SLACK: t.Final = 0.1
"""Share of a page by which a window is planned smaller, so that few need a page more than planned."""

FEWEST_PAGES: t.Final = 3
MOST_PAGES: t.Final = 2 * PAGES_PER_WINDOW
PAGES_AHEAD: t.Final = 24
ROWS_PER_SLICE: t.Final = 0.5
"""Share of a page a window holds that must not fill one (``pagination_mode`` windows)."""

_TICK: t.Final = dt.timedelta(milliseconds=1)


class Batch(t.NamedTuple):
    """Rows, and what is certain once they are dealt with.

    Attributes:
        rows: Rows not given out before.
        complete_until: The newest time given out so far, if every row edited up to it has been given out.
    """

    rows: list[Row]
    complete_until: dt.datetime | None


def read_since(reader: ListReader, since: dt.datetime | None, *, concurrency: int) -> t.Generator[Batch, None, None]:
    """Yield every row edited at or after ``since``, in the order of time windows.

    Args:
        reader: Of the list.
        since: First instant; None: from the beginning.
        concurrency: How many windows are read at the same time.
    """
    newest = _Newest()
    if reader.mode == "cursor_without_filters":
        for rows in reader.pages(since, None):
            yield Batch(newest.of(rows), None)
        yield Batch([], newest.time)
        return
    probe, newest_time = _ends(reader, since, concurrency)
    if not probe.next and not (reader.mode == "windows" and len(probe.rows) >= reader.page_size):
        yield Batch(newest.of(probe.rows), newest.time)
        return
    span = _span(probe, newest_time)
    if span is None:
        for rows in reader.pages(since, None):
            yield Batch(newest.of(rows), None)
        yield Batch([], newest.time)
        return
    yield Batch(newest.of(span.known), newest.time if span.known else None)
    with contextlib.closing(_SideBySide(reader, span, concurrency).batches()) as batches:
        for batch in batches:
            newest.of(batch.rows)
            yield Batch(batch.rows, newest.time if batch.complete_until else None)


def _ends(
    reader: ListReader, since: dt.datetime | None, concurrency: int
) -> tuple[ListPage, t.Callable[[], dt.datetime | None]]:
    """Return the first page, and how to learn when a row was edited last.

    The first time a list is read it may well be long: then both ends are asked for at once.
    """
    if since is not None or concurrency < 2:
        return reader.first_page(since), reader.newest_time
    with concurrent.futures.ThreadPoolExecutor(1, "bill-newest") as pool:
        newest = pool.submit(reader.newest_time)
        return reader.first_page(since), newest.result


class _Span(t.NamedTuple):
    """What is still to be read after the first page, and how many rows a second are to be expected."""

    known: list[Row]
    start: dt.datetime
    end: dt.datetime
    rate: float


def _span(probe: ListPage, newest_time: t.Callable[[], dt.datetime | None]) -> _Span | None:
    """Plan on the first page: its rows but those of its last instant are known, the rest begins there.

    Returns:
        The plan; None when the list does not come in the order of time, so that its end is not known.
    """
    last, first = probe.last_time, probe.rows[0].time if probe.rows else None
    newest = newest_time() if last else None
    if last is None or first is None or newest is None:
        return None
    known = [row for row in probe.rows if row.time is not None and row.time < last]
    return _Span(known, last, max(newest, last) + _TICK, max(1, len(known)) / _seconds(last - first))


class _Newest:
    """The newest time among the rows so far."""

    def __init__(self) -> None:
        self.time: dt.datetime | None = None

    def of(self, rows: list[Row]) -> list[Row]:
        for row in rows:
            if row.time is not None and (self.time is None or row.time > self.time):
                self.time = row.time
        return rows


class _Plan:
    """Cuts a span into windows that hold about as many rows as wished, learning from those that were read."""

    def __init__(self, span: _Span, page_size: int, concurrency: int, *, slices: bool) -> None:
        self._at = span.start
        self._end = span.end
        self._rate = span.rate
        self._concurrency = concurrency
        fresh = max(1, page_size - 1)  # the last row of a page is the first of the next
        self._most = ROWS_PER_SLICE * page_size if slices else (PAGES_PER_WINDOW - SLACK) * fresh
        self._fewest = self._most if slices else (FEWEST_PAGES - SLACK) * fresh

    def next(self) -> tuple[dt.datetime, dt.datetime] | None:
        if self._at >= self._end:
            return None
        start, left = self._at, self._end - self._at
        expected = self._rate * _seconds(left)
        rows = min(self._most, max(self._fewest, expected / self._concurrency))
        seconds = max(SMALLEST_WINDOW.total_seconds(), rows / self._rate)
        ends = seconds * 1.2 >= left.total_seconds()
        self._at = self._end if ends else start + dt.timedelta(milliseconds=int(seconds * 1000))
        return start, self._at

    def learn(self, start: dt.datetime, end: dt.datetime, count: int) -> None:
        """Note how many rows a window held; the expectation moves by a factor of 4 at most."""
        measured = count / _seconds(end - start)
        self._rate = min(max(measured, self._rate / 4), self._rate * 4)


class _Reading:
    """One window under way: a thread reads pages ahead, the consumer takes them when it is its turn."""

    def __init__(self, start: dt.datetime, end: dt.datetime) -> None:
        self.start = start
        self.end = end
        self.future: concurrent.futures.Future[None] | None = None
        self.pages: queue.Queue[list[Row] | _End] = queue.Queue(PAGES_AHEAD)


class _End(t.NamedTuple):
    rest: dt.datetime | None
    error: BaseException | None


class _SideBySide:
    def __init__(self, reader: ListReader, span: _Span, concurrency: int) -> None:
        self._reader = reader
        self._plan = _Plan(span, reader.page_size, concurrency, slices=reader.mode == "windows")
        self._ahead = 2 * concurrency
        self._threads = concurrent.futures.ThreadPoolExecutor(concurrency, thread_name_prefix="bill-window")
        self._order: collections.deque[_Reading] = collections.deque()
        self._stopped = threading.Event()

    def batches(self) -> t.Generator[Batch, None, None]:
        """Yield rows window by window; ``complete_until`` is the end of each window that is through."""
        try:
            self._look_ahead()
            while self._order:
                yield from self._finish(self._order[0])
                self._look_ahead()
        finally:
            self._stop()

    def _finish(self, reading: _Reading) -> t.Generator[Batch, None, None]:
        count = 0
        pages = self._taken(reading)
        while True:
            try:
                rows = next(pages)
            except StopIteration as end:
                rest: dt.datetime | None = end.value
                break
            count += len(rows)
            yield Batch(rows, None)
        self._plan.learn(reading.start, rest or reading.end, count)
        self._order.popleft()
        if rest is not None:
            self._insert(rest, reading.end)
        yield Batch([], rest or reading.end)

    def _taken(self, reading: _Reading) -> t.Generator[list[Row], None, dt.datetime | None]:
        """Take the pages of the window whose turn it is, reading it here when no thread has begun to."""
        if reading.future is None or reading.future.cancel():
            return (yield from self._reader.pages(reading.start, reading.end, most_pages=MOST_PAGES))
        while True:
            page = reading.pages.get()
            if isinstance(page, _End):
                if page.error is not None:
                    raise page.error
                return page.rest
            yield page

    def _look_ahead(self) -> None:
        while len(self._order) < self._ahead:
            window = self._plan.next()
            if window is None:
                return
            reading = _Reading(*window)
            self._submit(reading)
            self._order.append(reading)

    def _insert(self, start: dt.datetime, end: dt.datetime) -> None:
        """Put what a dense window left over first, in two halves."""
        middle = start + dt.timedelta(milliseconds=int((end - start).total_seconds() * 500))
        bounds = [start, middle, end] if end - start > 2 * SMALLEST_WINDOW else [start, end]
        readings = [_Reading(*pair) for pair in itertools.pairwise(bounds)]
        for reading in readings:
            self._submit(reading)
        self._order.extendleft(reversed(readings))

    def _submit(self, reading: _Reading) -> None:
        reading.future = self._threads.submit(self._read, reading)

    def _read(self, reading: _Reading) -> None:
        pages = self._reader.pages(reading.start, reading.end, most_pages=MOST_PAGES)
        try:
            while not self._stopped.is_set():
                try:
                    reading.pages.put(next(pages))
                except StopIteration as end:
                    reading.pages.put(_End(end.value, None))
                    return
        except BaseException as error:  # noqa: BLE001 - raised again by the consumer, when it is its turn
            reading.pages.put(_End(None, error))

    def _stop(self) -> None:
        self._stopped.set()
        self._threads.shutdown(wait=False, cancel_futures=True)
        for reading in self._order:
            while not reading.pages.empty():
                reading.pages.get_nowait()
        self._threads.shutdown(wait=True)


def _seconds(span: dt.timedelta) -> float:
    return max(span.total_seconds(), 0.001)
