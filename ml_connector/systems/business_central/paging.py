"""Reading a list completely, page after page, along the links the server gives (sheet business-central 3).

A page that takes too long is asked for again at half its size, and so are all that follow it. While the rows of a page
are used the next page is read, never more than that one.
"""

from __future__ import annotations

import concurrent.futures
import logging
import threading
import typing as t

import httpx
import msgspec

from ml_connector.errors import Rejected
from ml_connector.systems.business_central.errors import SYSTEM, TooSlow
from ml_connector.transport.http import decode_as

__all__ = ["SMALLEST_PAGE", "Fetch", "Page", "PageReader", "decode_page"]

SMALLEST_PAGE: t.Final = 20

_log = logging.getLogger(__name__)


class Page(t.NamedTuple):
    """One page of a list.

    Attributes:
        rows: Its objects, still as JSON text.
        next: Address of the next page; empty on the last.
    """

    rows: list[msgspec.Raw]
    next: str


Fetch = t.Callable[[str, int], Page]
"""Gets the page at an address, with so many rows at most."""


class PageReader:
    """Reads one list.

    Args:
        fetch: Gets one page.
        operation: What is read, for messages (``GET vendors``).
        page_size: Rows per page to begin with.
    """

    def __init__(self, fetch: Fetch, operation: str, page_size: int) -> None:
        self.page_size = page_size
        self._fetch = fetch
        self._operation = operation

    def pages(self, address: str) -> t.Iterator[list[msgspec.Raw]]:
        """Yield the rows of each page; the last one may be empty.

        Args:
            address: Of the first page.

        Raises:
            Rejected: A link leads to another host, or back.
            SystemFault: A page is refused, or does not come even when it is small.
        """
        origin, seen = _origin(address), {address}
        page = self._page(address)
        while page.next:
            if page.next in seen or _origin(page.next) != origin:
                where = "to a page that was read before" if page.next in seen else "to another host"
                raise Rejected(SYSTEM, self._operation, f"the list cannot be read completely: its link leads {where}")
            seen.add(page.next)
            ahead = self._ahead(page.next)
            yield page.rows
            page = ahead.result()
        yield page.rows

    def _ahead(self, address: str) -> concurrent.futures.Future[Page]:
        """Begin to read a page; what goes wrong is raised when it is wanted.

        Nobody waits for its thread: when the list is not read to its end, nor the process's, nothing is lost with it.
        """
        page: concurrent.futures.Future[Page] = concurrent.futures.Future()

        def read() -> None:
            try:
                page.set_result(self._page(address))
            except BaseException as error:  # noqa: BLE001 - it belongs to whoever wants the page
                page.set_exception(error)

        threading.Thread(target=read, name="business-central-page", daemon=True).start()
        return page

    def _page(self, address: str) -> Page:
        while True:
            try:
                return self._fetch(address, self.page_size)
            except TooSlow as fault:
                if self.page_size <= SMALLEST_PAGE:
                    raise
                self.page_size = max(SMALLEST_PAGE, self.page_size // 2)
                _log.warning("%s Going on with %d rows per page.", fault, self.page_size)


def decode_page(body: bytes) -> Page:
    """Return a page of the envelope ``{"value": [...], "@odata.nextLink": "..."}``.

    Raises:
        ValueError: It is something else.
    """
    envelope = decode_as(_envelopes, body)
    return Page(envelope.value, envelope.next_link)


def _origin(address: str) -> tuple[str, str, int | None]:
    url = httpx.URL(address)
    return url.scheme, url.host, url.port


class _Envelope(msgspec.Struct, rename={"next_link": "@odata.nextLink"}):
    value: list[msgspec.Raw]
    next_link: str = ""


_envelopes = msgspec.json.Decoder(_Envelope)
