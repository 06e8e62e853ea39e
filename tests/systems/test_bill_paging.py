from __future__ import annotations

import datetime as dt

import pytest
from bill_lists import FakeList, instant, row
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ml_connector.errors import Rejected
from ml_connector.moments import parse_moment
from ml_connector.systems.bill.paging import ListReader
from ml_connector.systems.bill.rows import ListPage, decode_page, format_time
from ml_connector.systems.bill.windows import read_since

SECOND = 1000
CURSORS = ("works", "offset", "stuck", "no_filters", "refuses_filters")
FORGIVING = {
    "auto": CURSORS,
    "cursor": ("works", "offset"),
    "cursor_without_filters": ("works", "offset", "no_filters", "refuses_filters"),
    "windows": CURSORS,
}
PAIRS = [(mode, cursor) for mode, cursors in FORGIVING.items() for cursor in cursors]

times_apart = st.lists(st.integers(0, 400), max_size=60, unique=True).map(
    lambda steps: [step * 2 * SECOND for step in steps]
)
any_times = st.lists(st.integers(0, 40_000) | st.sampled_from([0, 5_000, 5_001, 30_000]), max_size=60)


def reader(source, mode="auto", page_size=10):
    """Return a reader of a list in memory."""
    return ListReader(source.fetch, "GET /v3/bills", page_size=page_size, mode=mode)


def versions(pages):
    """Return what pages hold, as (id, time) in order."""
    return [(item.id, item.time) for page in pages for item in page]


def read(source, mode="auto", page_size=10, since=None, concurrency=2):
    """Return the versions one run reads, and the bookmark it ends with."""
    found, bookmark = [], since
    for batch in read_since(reader(source, mode, page_size), since, concurrency=concurrency):
        found += versions([batch.rows])
        bookmark = batch.complete_until or bookmark
    return found, bookmark


@pytest.mark.parametrize(("mode", "cursor"), PAIRS)
@settings(deadline=None, max_examples=25)
@given(times=times_apart, page_size=st.integers(2, 12), start=st.none() | st.integers(0, 800))
def test_every_row_is_read_once(mode, cursor, times, page_size, start):
    """Whatever the cursor does, each way that can bear it yields every row of the span, and none twice."""
    source = FakeList(times, cursor=cursor)
    since = None if start is None else instant(start * SECOND)
    found, bookmark = read(source, mode, page_size, since)
    assert sorted(found) == sorted(item for item in source.rows() if since is None or item[1] >= since)
    assert bookmark == max((time for _, time in found), default=since)


@settings(deadline=None, max_examples=60)
@given(times=any_times, page_size=st.integers(1, 12), cursor=st.sampled_from(["works", "offset"]))
def test_rows_that_share_an_instant_are_all_read(times, page_size, cursor):
    """More rows than a page at one instant are no obstacle where the cursor moves on."""
    source = FakeList(times, cursor=cursor)
    found, _ = read(source, "auto", page_size)
    assert sorted(found) == sorted(source.rows())


@settings(deadline=None, max_examples=60)
@given(
    times=any_times,
    page_size=st.integers(1, 12),
    cursor=st.sampled_from(CURSORS),
    mode=st.sampled_from(list(FORGIVING)),
)
def test_whatever_happens_nothing_is_cut_off_silently(times, page_size, cursor, mode):
    """Any list with any cursor is read completely or ends in an error, also when many rows share an instant."""
    source = FakeList(times, cursor=cursor)
    try:
        found, _ = read(source, mode, page_size)
    except Rejected:
        return
    assert sorted(found) == sorted(source.rows())


@settings(deadline=None, max_examples=60)
@given(
    times=times_apart,
    edits=st.lists(st.integers(0, 59), max_size=40),
    page_size=st.integers(2, 12),
    cursor=st.sampled_from(["works", "offset", "stuck"]),
    cut=st.integers(0, 30),
)
def test_edits_meanwhile_and_a_cut_lose_nothing(times, edits, page_size, cursor, cut):
    """A run that is cut anywhere while rows are edited, and the next one from its bookmark, see each row as it is."""
    source = FakeList(times, cursor=cursor, edits=edits)
    seen, bookmark = set(), None
    for number, batch in enumerate(read_since(reader(source, "auto", page_size), None, concurrency=2)):
        if number == cut:
            break
        seen.update(versions([batch.rows]))
        bookmark = batch.complete_until or bookmark
    source.edits = []
    again, _ = read(source, "auto", page_size, bookmark)
    assert seen.union(again) >= source.rows()


@settings(deadline=None, max_examples=40)
@given(times=times_apart, page_size=st.integers(5, 12), cursor=st.sampled_from(["works", "offset"]))
def test_a_list_that_does_not_sort_is_read_completely(times, page_size, cursor):
    """When pages come in no order of time, the cursor is followed instead."""
    source = FakeList(times, cursor=cursor, sorts=False)
    assume(source.fetch({"max": str(page_size)}).last_time is None)
    found, _ = read(source, "auto", page_size, instant(0))
    assert sorted(found) == sorted(source.rows())


@settings(deadline=None, max_examples=40)
@given(
    times=times_apart,
    page_size=st.integers(2, 12),
    bounds=st.tuples(st.integers(0, 800), st.integers(0, 800)),
)
def test_a_window_yields_what_lies_within(times, page_size, bounds):
    """Bounds are inclusive below and exclusive above."""
    source = FakeList(times)
    low, high = (instant(bound * SECOND) for bound in bounds)
    found = versions(reader(source, page_size=page_size).pages(low, high))
    assert sorted(found) == sorted(item for item in source.rows() if low <= item[1] < high)


def test_a_window_may_stop_early_and_say_where():
    """After so many pages the rest is named; both parts together are whole."""
    source = FakeList([step * SECOND for step in range(50)])
    pages = reader(source).pages(instant(0), instant(50 * SECOND), most_pages=2)
    first = []
    while True:
        try:
            first += versions([next(pages)])
        except StopIteration as end:
            rest = end.value
            break
    assert {time for _, time in first} == {instant(step * SECOND) for step in range(18)}
    assert rest == instant(18 * SECOND)


def test_a_short_list_costs_one_call():
    """A page without a next one is all there is."""
    source = FakeList([1, 2, 3])
    found, _ = read(source, since=instant(0))
    assert (len(found), len(source.queries)) == (3, 1)
    assert source.queries[0] == {
        "max": "10",
        "sort": "updatedTime:asc",
        "filters": 'updatedTime:gte:"2026-07-01T00:00:00.000Z"',
    }


@pytest.mark.parametrize("mode", ["cursor", "cursor_without_filters"])
def test_a_stuck_cursor_is_an_error_where_no_other_way_is_allowed(mode):
    """A chosen way that cannot read the list completely says so; nothing is cut off silently."""
    source = FakeList([step * SECOND for step in range(200)], cursor="stuck")
    with pytest.raises(Rejected, match="same rows again.*pagination_mode is " + mode):
        read(source, mode)


def test_a_cursor_that_is_refused_is_an_error_in_cursor_mode():
    """A 400 for page and filters together names the way that failed."""
    source = FakeList([step * SECOND for step in range(200)], cursor="refuses_filters")
    with pytest.raises(Rejected, match="refuses its own cursor"):
        read(source, "cursor")


@pytest.mark.parametrize("mode", ["auto", "windows"])
def test_more_rows_in_a_second_than_fit_are_an_error(mode):
    """Windows are not cut below one second: the list then cannot be read and the instant is named."""
    source = FakeList([5_000] * 30 + [60_000], cursor="stuck")
    with pytest.raises(Rejected, match=r"one second from 2026-07-01T00:00:0"):
        read(source, mode)


def test_only_the_first_page_carries_filters_when_asked_so():
    """In cursor_without_filters mode later pages carry page and max alone, and what all pages carry."""
    source = FakeList([step * SECOND for step in range(30)], cursor="refuses_filters")
    listing = ListReader(
        source.fetch, "GET", page_size=10, mode="cursor_without_filters", params={"billApprovals": "true"}
    )
    list(read_since(listing, instant(5 * SECOND), concurrency=2))
    assert [sorted(query) for query in source.queries] == [
        ["billApprovals", "filters", "max", "sort"],
        ["billApprovals", "max", "page"],
        ["billApprovals", "max", "page"],
    ]


def test_a_list_without_time_filter_is_read_by_its_cursor():
    """Everything is read in an order that edits do not change."""
    source = FakeList([step * SECOND for step in range(25)], cursor="offset")
    found = versions(reader(source).everything("createdTime:asc"))
    assert sorted(found) == sorted(source.rows())
    assert all("filters" not in query for query in source.queries)
    with pytest.raises(Rejected, match="same rows again"):
        list(reader(FakeList([0] * 25, cursor="stuck")).everything())


def test_a_newer_version_of_a_row_comes_again_and_an_older_does_not():
    """A row that was edited between two pages is news; the same or an older version is not."""
    pages = iter(
        [
            ListPage([row("a", 0), row("b", 1)], "x"),
            ListPage([row("b", 1), row("a", 5), row("b", 0)], ""),
        ]
    )
    listing = ListReader(lambda _query: next(pages), "GET", page_size=2)
    assert versions(listing.pages(None, None)) == [("a", instant(0)), ("b", instant(1)), ("a", instant(5))]


@pytest.mark.parametrize(
    "text",
    [
        "2026-12-15T23:15:23.127Z",
        "2026-12-15T23:15:23.127+00:00",
        "2026-12-15T23:15:23.127+0000",
        "2026-12-16T00:15:23.127+01:00",
    ],
)
def test_all_spellings_of_a_time_are_read(text):
    """Every form seen is the same instant, and filters get one form."""
    assert parse_moment(text) == dt.datetime(2026, 12, 15, 23, 15, 23, 127000, tzinfo=dt.UTC)
    assert format_time(parse_moment(text)) == "2026-12-15T23:15:23.127Z"


def test_a_page_keeps_its_rows_as_text():
    """Rows are cut out of the answer, not rebuilt."""
    page = decode_page(b'{"nextPage":"n","prevPage":"","results":[{"id":"a","amount":100.00}, {"id":"b"}]}')
    assert [bytes(item.raw) for item in page.rows] == [b'{"id":"a","amount":100.00}', b'{"id":"b"}']
    assert (page.next, page.rows[0].time) == ("n", None)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"results":[7]}', b'{"rows":[]}'])
def test_anything_else_is_no_page(body):
    """What is not the envelope of a list raises."""
    with pytest.raises(ValueError):  # noqa: PT011 - the words are those of the parser
        decode_page(body)


@pytest.mark.parametrize("alone", ["sort", "page"], ids=["sort refused", "sort refused beside a cursor"])
def test_a_list_that_refuses_the_order_is_read_in_its_own(alone):
    """A cursor may go with nothing but max: the list is read again from the start, and no row comes twice."""
    source = FakeList([step * SECOND for step in range(25)])

    def fetch(query):
        if "sort" in query and alone in query:
            raise Rejected("bill", "GET /v3/jobs", "not with a sort", status=400, code="BDC_1129")
        return source.fetch(query)

    found = versions(ListReader(fetch, "GET /v3/jobs", page_size=10).everything("createdTime:asc"))
    assert sorted(found) == sorted(source.rows())
