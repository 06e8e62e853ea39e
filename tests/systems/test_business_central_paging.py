"""Lists of Business Central are read completely, each row once, whatever the sizes of pages and however slow they are."""

from __future__ import annotations

import json
import threading

import msgspec
import pytest
import stamina
from business_central_doubles import BusinessCentral, error, page
from hypothesis import given, settings
from hypothesis import strategies as st
from waiting import PATIENCE

from ml_connector.errors import Rejected, Unavailable
from ml_connector.systems.business_central.errors import TooSlow
from ml_connector.systems.business_central.paging import SMALLEST_PAGE, Page, PageReader, decode_page

HOST = "https://api.host.invalid"
START = f"{HOST}/vendors"


@pytest.fixture
def own_state(tmp_path, monkeypatch):
    """A state directory of its own, and no waiting between attempts."""
    monkeypatch.setenv("ML_CONNECTOR_STATE_DIR", str(tmp_path))
    with stamina.set_testing(True, attempts=100, cap=True):
        yield tmp_path


class List:
    """A list whose pages above a size take too long.

    Attributes:
        sizes: The sizes that were asked for.
    """

    def __init__(self, count, *, bearable=10**9, empty_end=False):
        self.ids = [str(number) for number in range(count)]
        self.bearable = bearable
        self.empty_end = empty_end
        self.sizes = []

    def fetch(self, address, size):
        """Return one page."""
        self.sizes.append(size)
        if size > self.bearable:
            raise TooSlow("business_central", "GET vendors", "no answer")
        start = int(address.partition("$skiptoken=")[2] or 0)
        end = start + size
        rows = [msgspec.Raw(json.dumps({"id": each}).encode()) for each in self.ids[start:end]]
        more = end < len(self.ids) or (self.empty_end and rows and end == len(self.ids))
        return Page(rows, f"{START}?aid=FIN&$skiptoken={end}" if more else "")


def read(source, size):
    """Return the ids a reader gives."""
    reader = PageReader(source.fetch, "GET vendors", size)
    return [json.loads(bytes(row))["id"] for rows in reader.pages(START) for row in rows]


@settings(max_examples=60, deadline=None)
@given(
    count=st.integers(0, 300),
    size=st.integers(1, 200),
    bearable=st.integers(SMALLEST_PAGE, 200),
    empty_end=st.booleans(),
)
def test_every_row_comes_once_and_in_order(count, size, bearable, empty_end):
    """Pages shrink while they take too long and stay so; the last one may be empty."""
    source = List(count, bearable=bearable, empty_end=empty_end)
    assert read(source, size) == source.ids
    assert source.sizes == sorted(source.sizes, reverse=True)
    assert all(size >= SMALLEST_PAGE for size in source.sizes) or source.sizes[0] < SMALLEST_PAGE


@settings(max_examples=30, deadline=None)
@given(count=st.integers(1, 300), size=st.integers(1, 100))
def test_no_more_calls_are_made_than_there_are_pages(count, size):
    """One call per page, and none to see that there is no other."""
    source = List(count)
    read(source, size)
    assert len(source.sizes) == -(-count // size)


def test_a_page_that_is_too_slow_even_when_small_is_an_error():
    """Nothing is left out silently."""
    source = List(100, bearable=1)
    with pytest.raises(TooSlow):
        read(source, 160)
    assert source.sizes == [160, 80, 40, 20]


@pytest.mark.parametrize(
    "link",
    [
        "https://elsewhere.invalid/vendors?$skiptoken=1",
        "http://api.host.invalid/vendors?$skiptoken=1",
        "https://api.host.invalid:444/vendors?$skiptoken=1",
        START,
    ],
)
def test_a_link_that_leads_elsewhere_or_back_is_not_followed(link):
    """Neither is a token sent to strangers, nor is a list read for ever."""
    asked = []

    def fetch(address, _size):
        asked.append(address)
        return Page([], link)

    with pytest.raises(Rejected, match="cannot be read completely"):
        list(PageReader(fetch, "GET vendors", 10).pages(START))
    assert asked == [START]


def test_a_link_to_any_page_read_before_is_not_followed():
    """A circle may have any length."""
    links = {START: f"{START}?2", f"{START}?2": f"{START}?3", f"{START}?3": f"{START}?2"}
    with pytest.raises(Rejected, match="read before"):
        list(PageReader(lambda address, _size: Page([], links[address]), "GET vendors", 10).pages(START))


def test_one_page_is_read_ahead_and_no_more():
    """While the rows of one are used the next one comes."""
    asked, came = [], threading.Event()

    def fetch(address, _size):
        asked.append(address)
        number = len(asked)
        if number == 2:
            came.set()
        return Page([msgspec.Raw(str(number).encode())], f"{START}?{number}" if number < 4 else "")

    pages = PageReader(fetch, "GET vendors", 10).pages(START)
    assert [bytes(row) for row in next(pages)] == [b"1"]
    assert came.wait(PATIENCE)
    assert asked == [START, f"{START}?1"]
    assert [bytes(row) for rows in pages for row in rows] == [b"2", b"3", b"4"]
    assert len(asked) == 4


def test_what_goes_wrong_ahead_is_told_when_its_rows_are_wanted():
    """Not before the rows that came, and not at all to whoever stops there."""

    def fetch(address, _size):
        if address != START:
            raise Unavailable("business_central", "GET vendors", "down")
        return Page([msgspec.Raw(b"1")], f"{START}?1")

    pages = PageReader(fetch, "GET vendors", 10).pages(START)
    assert len(next(pages)) == 1
    with pytest.raises(Unavailable, match="down"):
        next(pages)
    stopped = PageReader(fetch, "GET vendors", 10).pages(START)
    next(stopped)
    stopped.close()


@pytest.mark.parametrize("body", [b"{}", b"[]", b"<html>", b'{"value": {}}', b'{"error": {}}'])
def test_what_is_no_page_is_told_apart_from_an_empty_one(body):
    """A gateway's answer is not the end of a list."""
    with pytest.raises(ValueError, match=r"Object|Expect|JSON"):
        decode_page(body)


def test_a_page_is_asked_for_at_half_its_size_rather_than_again(own_state):
    """A timeout of the service or of its gateway, or of ours."""
    central = BusinessCentral()
    link = f"{HOST}/x?aid=FIN&$skiptoken=1"
    central.answers = [error(504, "Unknown"), error(408, "Unknown"), page({"id": "1"}, following=link), page()]
    assert [row["id"] for row in central.client().rows("companies", page_size=4000)] == ["1"]
    asked = [call.headers["prefer"] for call in central.calls]
    assert asked == [f"odata.maxpagesize={size}" for size in (4000, 2000, 1000, 1000)]


def test_other_failures_of_a_page_leave_its_size(own_state):
    """It is asked for again."""
    central = BusinessCentral()
    central.answers = [error(429, "Unknown"), error(502, "Unknown")]
    assert list(central.client().rows("companies", page_size=4000)) == []
    assert {call.headers["prefer"] for call in central.calls} == {"odata.maxpagesize=4000"}


def test_the_smallest_page_is_tried_again_for_a_while(own_state):
    """And then it is an error."""
    central = BusinessCentral()
    central.answers = [error(504, "Unknown")] * 8
    with pytest.raises(Unavailable):
        list(central.client().rows("companies", page_size=SMALLEST_PAGE))
    assert len(central.calls) == 8
