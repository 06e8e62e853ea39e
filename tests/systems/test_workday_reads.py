"""Windows of a run, smaller pages where big ones take too long, reports and queries."""

from __future__ import annotations

import datetime as dt

import hypothesis.strategies as st
import pytest
import requests
import requests_mock as requests_mock_module
from hypothesis import given
from lxml import etree

from erp_sandbox.workday.wsdl import wsdl
from ml_connector.errors import (
    CredentialsRefused,
    PermissionDenied,
    Rejected,
    SettingInvalid,
    Throttled,
    Unavailable,
)
from ml_connector.systems.workday import client as client_module
from ml_connector.systems.workday.client import RESOURCES, WorkdayClient
from ml_connector.systems.workday.errors import TooSlow
from ml_connector.systems.workday.paging import Pages
from ml_connector.systems.workday.raas import report_rows
from ml_connector.systems.workday.reads import Reader, Source
from ml_connector.systems.workday.settings import WorkdaySettings
from ml_connector.systems.workday.windows import DateWindow, UpdatedWindow
from ml_connector.systems.workday.wql import changed_invoices, query
from ml_connector.systems.workday.xml import Node

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
HOST = {"base_url": "https://host.invalid", "tenant": "acme"}
ISU = {**HOST, "isu_username": "ISU", "isu_password": "hidden-word"}
OAUTH = {**HOST, "client_id": "c", "client_secret": "s", "refresh_token": "r"}
TOKEN_URL = "https://host.invalid/ccx/oauth2/acme/token"
REPORT_URL = "https://host.invalid/ccx/service/customreport2/acme/lena/Open%20Items"
WQL_URL = "https://host.invalid/api/wql/v1/acme/data"
INVOICES = Source(((RESOURCES, "Get_Supplier_Invoices"),), "Supplier_Invoice", "Supplier_Invoice_Reference")
moments = st.integers(0, 10 * 365 * 86_400).map(
    lambda seconds: dt.datetime(2020, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=seconds)
)


@given(bookmark=st.none() | moments, first=st.none() | moments, now=moments, hours=st.integers(0, 100))
def test_a_window_of_changes_is_in_order_and_ends_behind_the_clock(bookmark, first, now, hours):
    """And begins no later than the bookmark, nor before what is of interest."""
    window = UpdatedWindow.since(bookmark, first, now=now, overlap=dt.timedelta(hours=hours))
    assert window.end == now - dt.timedelta(minutes=2)
    if window.start is None:
        assert bookmark is None
        assert first is None
        return
    assert window.start <= window.end
    if bookmark is not None and (first is None or first <= bookmark):
        assert window.start <= bookmark
    if first is not None and first <= window.end:
        assert window.start >= first


@given(bookmark=moments, pause=st.timedeltas(dt.timedelta(0), dt.timedelta(days=900)), days=st.integers(1, 400))
def test_consecutive_windows_of_dates_leave_no_gap(bookmark, pause, days):
    """What the next run still looks at is what this run is told to remember."""
    first = DateWindow.since(None, None, now=bookmark, days=days)
    second = DateWindow.since(first.end, None, now=bookmark + pause, days=days)
    assert second.first == first.oldest_of_next(days)
    assert second.last >= (bookmark + pause).date() + 365 * DAY


class Result:
    """A result of numbered rows, whose pages may be too slow to get when they are big, or smaller than asked for."""

    def __init__(self, total, most, *, largest=999, told=("Total_Pages", "Total_Results")):
        self.total = total
        self.most = most
        self.largest = largest
        self.told = told
        self.asked = []

    def __call__(self, response_filter, *, patient):
        size, number = response_filter["Count"], response_filter.get("Page", 1)
        self.asked.append((number, size))
        if size > self.most:
            assert not patient or size == 1
            raise TooSlow("workday", "Get", "no answer")
        size = min(size, self.largest)
        rows = "".join(f"<wd:R>{row}</wd:R>" for row in range((number - 1) * size, min(number * size, self.total)))
        data = f"<wd:Response_Data>{rows}</wd:Response_Data>" if rows else ""
        totals = {"Total_Results": self.total, "Total_Pages": -(-self.total // size)}
        told = "".join(f"<wd:{name}>{totals[name]}</wd:{name}>" for name in self.told)
        results = f"<wd:Response_Results>{told}</wd:Response_Results>"
        return Node(etree.fromstring(f'<wd:X xmlns:wd="urn:com.workday/bsvc">{results}{data}</wd:X>'))


class SlowLater(Result):
    """Slow from some page on."""

    def __init__(self, total, most, slow_from, **limits):
        super().__init__(total, most, **limits)
        self.slow_from = slow_from

    def __call__(self, response_filter, *, patient):
        most, self.most = self.most, self.most
        if (response_filter.get("Page", 1) - 1) * min(response_filter["Count"], self.largest) < self.slow_from:
            self.most = 10_000
        try:
            return super().__call__(response_filter, patient=patient)
        finally:
            self.most = most


def rows_of(pages):
    """The numbers of all rows, in order."""
    return [int(row.element.text) for data in pages for row in data.nodes("R")]


@given(
    total=st.integers(0, 80),
    count=st.integers(1, 40),
    most=st.integers(1, 40),
    ahead=st.integers(1, 3),
    limits=st.fixed_dictionaries(
        {
            "slow_from": st.integers(0, 80),
            "largest": st.integers(1, 50),
            "told": st.sampled_from([("Total_Pages", "Total_Results"), ("Total_Results",)]),
        }
    ),
)
def test_smaller_pages_leave_nothing_out_and_give_nothing_twice(total, count, most, ahead, limits):
    """Wherever a page takes too long, however often pages are halved, and however small Workday's own pages are."""
    result = SlowLater(total, most, **limits)
    assert rows_of(Pages(result, count=count, moment="now", ahead=ahead)) == list(range(total))


def test_a_page_is_halved_until_it_is_answered():
    """From 200 to 50 in two steps."""
    result = Result(60, most=50)
    rows_of(Pages(result, count=200, moment="now", ahead=1))
    assert result.asked == [(1, 200), (1, 100), (1, 50), (2, 50)]


def test_one_record_that_takes_too_long_is_an_error():
    """There is nothing to halve."""
    with pytest.raises(TooSlow):
        list(Pages(Result(5, most=0), count=4, moment="now", ahead=1))


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    """Reads are repeated at once."""
    monkeypatch.setattr(client_module, "_LONGEST_PAUSE", 0.0)


@pytest.fixture
def http():
    """Every HTTP request of the test."""
    with requests_mock_module.Mocker() as mock:
        mock.get(f"https://host.invalid/ccx/service/acme/{RESOURCES}/v42.2", text=wsdl(RESOURCES, (42, 2), "acme"))
        mock.post(TOKEN_URL, json={"access_token": "token", "expires_in": 3600})
        yield mock


@pytest.fixture
def make(tmp_path):
    """A maker of clients whose state is in the test's folder."""
    made = []

    def client(config=ISU, **changes):
        made.append(WorkdayClient(WorkdaySettings.from_config({**config, **changes}), state_dir=tmp_path))
        return made[-1]

    yield client
    for each in made:
        each.close()


def test_a_slow_page_is_not_repeated_as_it_is(http, make):
    """Five times 300 seconds would be lost before anything smaller was tried."""
    url = f"https://host.invalid/ccx/service/acme/{RESOURCES}/v42.2"
    empty = '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><x/></e:Body></e:Envelope>'
    http.post(url, [{"exc": requests.ReadTimeout}, {"text": empty}])
    list(make().pages(RESOURCES, "Get_Suppliers", {}, count=200))
    counts = [
        etree.fromstring(request.body).findtext(".//{*}Count") for request in http.request_history if request.url == url
    ]
    assert [count for count in counts if count] == ["200", "100"]


def test_a_report_is_asked_for_with_basic_authentication(http, make):
    """By the ISU with its tenant; prompts are parameters."""
    http.get(REPORT_URL, json={"Report_Entry": [{"A": 1}]})
    assert report_rows(make(), "lena", "Open Items", {"Company!WID": "ab"}) == [{"A": 1}]
    request = http.last_request
    assert request.headers["Authorization"].startswith("Basic ")
    assert request.qs == {"company!wid": ["ab"], "format": ["json"]}


@pytest.mark.parametrize("entry, expected", [([], []), ({"A": 1}, [{"A": 1}])])
def test_a_report_of_one_or_no_row_is_a_list(http, make, entry, expected):
    """Some stacks give a single row without its list."""
    http.get(REPORT_URL, json={"Report_Entry": entry})
    assert report_rows(make(), "lena", "Open Items") == expected


@pytest.mark.parametrize(
    "answer, expected, words",
    [
        ({"status_code": 401, "json": {"error": "invalid"}}, CredentialsRefused, "invalid"),
        ({"status_code": 403, "json": {"error": "no"}}, PermissionDenied, "no"),
        ({"status_code": 404}, SettingInvalid, "report Open Items of lena"),
        ({"status_code": 400, "json": {"error": "bad", "errors": [{"error": "worse"}]}}, Rejected, "bad | worse"),
        ({"status_code": 429}, Throttled, "429"),
        ({"status_code": 500, "text": "<html/>"}, Unavailable, "500"),
        ({"text": "<html/>"}, Unavailable, "no report"),
        ({"json": []}, Unavailable, "no report"),
    ],
)
def test_a_refusal_is_classified_in_the_systems_words(http, make, answer, expected, words):
    """The class alone decides what happens."""
    http.get(REPORT_URL, **answer)
    with pytest.raises(expected) as caught:
        report_rows(make(), "lena", "Open Items")
    assert words in str(caught.value)


def test_a_dead_token_is_renewed_once(http, make):
    """Then the read is repeated."""
    http.get(REPORT_URL, [{"status_code": 401}, {"json": {"Report_Entry": []}}])
    assert report_rows(make(OAUTH), "lena", "Open Items") == []


def test_a_query_is_read_to_its_end(http, make):
    """By offset, as often as it takes."""
    http.get(WQL_URL, [{"json": {"total": 3, "data": [1, 2]}}, {"json": {"total": 3, "data": [3]}}])
    assert list(query(make(OAUTH), "SELECT a FROM b", "WQL")) == [1, 2, 3]
    assert [request.qs.get("offset") for request in http.request_history if "/wql/" in request.url] == [["0"], ["2"]]


def test_changed_invoices_are_named_once(http, make):
    """Several lines of an invoice, in several companies."""
    rows = [{"supplierInvoiceDocument": {"id": wid}} for wid in ("a", "b", "a")]
    http.get(WQL_URL, json={"total": 3, "data": rows})
    assert changed_invoices(make(OAUTH), ["c1", "c2"], NOW) == ["a", "b"]
    asked = [request.qs["query"][0] for request in http.request_history if "/wql/" in request.url]
    assert ["company = c1" in asked[0], "company = c2" in asked[1]] == [True, True]
    assert "lastupdated >= '2026-03-01t12:00:00z'" in asked[0]


def test_addresses_of_reports_and_queries_can_be_set(http, make):
    """Tenants differ in where WQL stands."""
    http.get("https://host.invalid/ccx/api/wql/v1/acme/data", json={"total": 0, "data": []})
    client = make(OAUTH, wql_url="https://host.invalid/ccx/api/wql/v1/acme/data")
    assert list(query(client, "SELECT a FROM b", "WQL")) == []


FAULT = (
    '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><e:Fault>'
    "<faultcode>SOAP-ENV:Client.validationError</faultcode><faultstring>Validation error occurred. Invalid ID value.  "
    "'{0}' is not a valid ID value for type = 'WID'</faultstring></e:Fault></e:Body></e:Envelope>"
)
FOUND = (
    '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns:wd="urn:com.workday/bsvc"><e:Body>'
    "<wd:Get_Supplier_Invoices_Response><wd:Response_Data><wd:Supplier_Invoice/></wd:Response_Data>"
    "</wd:Get_Supplier_Invoices_Response></e:Body></e:Envelope>"
)


def test_an_unknown_id_does_not_hide_the_others(http, make):
    """One unknown reference fails a whole call, so each is asked for by itself; what is unknown is left out."""
    good, bad = "a" * 32, "b" * 32

    def answer(request, context):
        if bad in request.text:
            context.status_code = 500
            return FAULT.format(bad)
        return FOUND

    http.post(f"https://host.invalid/ccx/service/acme/{RESOURCES}/v42.2", text=answer)
    assert len(list(Reader(make(), INVOICES).by_wids([good, bad, good]))) == 2


def test_another_refusal_of_a_single_id_is_an_error(http, make):
    """Only "not a valid ID" of exactly this id says that there is none."""
    http.post(
        f"https://host.invalid/ccx/service/acme/{RESOURCES}/v42.2", status_code=500, text=FAULT.format("something else")
    )
    with pytest.raises(Rejected):
        list(Reader(make(), INVOICES).by_wids(["a" * 32]))
