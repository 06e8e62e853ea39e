"""Reading a result page by page, ahead of whoever consumes it, with smaller pages where big ones take too long."""

from __future__ import annotations

import collections
import concurrent.futures
import logging
import typing as t

from ml_connector.systems.workday.errors import TooSlow
from ml_connector.systems.workday.xml import Node

__all__ = ["Ask", "Pages"]

_LOG = logging.getLogger(__name__)


class Ask(t.Protocol):
    """Asks for one page."""

    def __call__(self, response_filter: t.Mapping[str, t.Any], *, patient: bool) -> Node:
        """Return the answer.

        Args:
            response_filter: Which page of the result.
            patient: Whether to ask again when no answer came in time, rather than raise ``TooSlow`` at once.
        """


class Pages:
    """One result, read once.

    When a page is not answered in time the rest is read in pages half as big (docs/systems/workday.md#w3-2), and
    when Workday gives smaller pages than it is asked for ("a maximum of 100 entries", contract) in pages of its size.
    Where it goes on is counted in records, so nothing is left out or given twice.

    Args:
        ask: Asks for one page.
        count: Records per page to begin with.
        moment: Moment all pages are to show; None: the one the server says its first page shows.
        ahead: How many pages are asked for before they are wanted.
    """

    def __init__(self, ask: Ask, *, count: int, moment: str | None, ahead: int) -> None:
        self._ask = ask
        self._size = count
        self._moment = moment
        self._ahead = ahead
        self._given = 0

    def __iter__(self) -> t.Iterator[Node]:
        """Yield the ``Response_Data`` of each page that has one, in order."""
        while True:
            try:
                yield from self._rest()
            except TooSlow as slow:
                if self._size == 1:
                    raise
                self._size //= 2
                _LOG.warning("%s. Going on with %d records a page.", slow, self._size)
            else:
                return

    def _rest(self) -> t.Iterator[Node]:
        before, known = divmod(self._given, self._size)
        page = self._read(before + 1)
        self._moment = self._moment or page.text("Response_Filter", "As_Of_Entry_DateTime")
        asked = self._size
        pages, self._size = _pages(page, asked)
        if self._size < asked and self._given:  # counted in pages of its own size this is another page
            yield from self._rest()
            return
        yield from self._give(before + 1, _without_first(page, known))
        for number, next_page in self._reading_ahead(before + 2, pages):
            yield from self._give(number, next_page)

    def _give(self, number: int, page: Node) -> t.Iterator[Node]:
        yield from page.nodes("Response_Data")
        self._given = number * self._size

    def _read(self, number: int) -> Node:
        asked: dict[str, t.Any] = {"Count": self._size}
        if self._moment is not None or number > 1:
            asked["Page"] = number
        if self._moment is not None:
            asked["As_Of_Entry_DateTime"] = self._moment
        return self._ask(asked, patient=self._size == 1)

    def _reading_ahead(self, first: int, last: int) -> t.Iterator[tuple[int, Node]]:
        if last < first:
            return
        with concurrent.futures.ThreadPoolExecutor(self._ahead, "workday-pages") as pool:
            waiting: collections.deque[tuple[int, concurrent.futures.Future[Node]]] = collections.deque()
            try:
                for number in range(first, last + 1):
                    waiting.append((number, pool.submit(self._read, number)))
                    if len(waiting) > self._ahead:
                        yield _answered(waiting.popleft())
                while waiting:
                    yield _answered(waiting.popleft())
            finally:
                for _, future in waiting:
                    future.cancel()


def _answered(asked: tuple[int, concurrent.futures.Future[Node]]) -> tuple[int, Node]:
    number, future = asked
    return number, future.result()


def _pages(page: Node, asked: int) -> tuple[int, int]:
    """Return how many pages there are, and how many records Workday puts on one; it may tell either total only."""
    results = page.node("Response_Results")
    if results is None:
        return 0, asked
    records, given = results.number("Total_Results"), len(_records(page))
    pages = results.number("Total_Pages") or -(-records // (given or asked))
    capped = given < asked and given < records and -(-records // (given or 1)) == pages
    return pages, given if capped else asked


def _records(page: Node) -> list[Node]:
    return [record for data in page.nodes("Response_Data") for record in data.children]


def _without_first(page: Node, count: int) -> Node:
    """Take records off the beginning of a page; they were given before, in bigger pages."""
    for data in page.nodes("Response_Data"):
        records = [record for record in data.element if isinstance(record.tag, str)]
        for record in records[:count]:
            data.element.remove(record)
        count = max(0, count - len(records))
    return page
