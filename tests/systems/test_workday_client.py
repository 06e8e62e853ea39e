"""The Workday client: what is repeated, what never is, and how everything is read in pages."""

from __future__ import annotations

import threading
import time

import hypothesis.strategies as st
import pytest
import requests
import requests_mock as requests_mock_module
from hypothesis import given
from lxml import etree

from erp_sandbox.workday.wsdl import wsdl
from ml_connector.errors import (
    CannotBeSent,
    CredentialsRefused,
    OutcomeUnknown,
    PermissionDenied,
    Rejected,
    SettingInvalid,
    Throttled,
    Unavailable,
)
from ml_connector.systems.workday import client as client_module
from ml_connector.systems.workday.client import FINANCE, RESOURCES, Answer, WorkdayClient
from ml_connector.systems.workday.settings import WorkdaySettings
from ml_connector.systems.workday.xml import Node

ISU = {"base_url": "https://host.invalid", "tenant": "acme_dpt1", "isu_username": "ISU", "isu_password": "hidden-word"}
OAUTH = {
    "base_url": "https://host.invalid",
    "tenant": "acme_dpt1",
    "client_id": "c",
    "client_secret": "s",
    "refresh_token": "r",
}
SERVICE = "https://host.invalid/ccx/service/acme_dpt1/{}/v42.2"
ENVELOPE = '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns:wd="urn:com.workday/bsvc"><e:Body>{}</e:Body></e:Envelope>'
FAULT = "<e:Fault><faultcode>SOAP-ENV:{}</faultcode><faultstring>{}</faultstring></e:Fault>"
LOGIN = {
    "status_code": 500,
    "text": ENVELOPE.format(FAULT.format("Client.authenticationError", "invalid username or password")),
}
TASK = {
    "status_code": 500,
    "text": ENVELOPE.format(FAULT.format("Server.processingError", "The task submitted is not authorized.")),
}
BROKEN = {"status_code": 500, "text": ENVELOPE.format(FAULT.format("Server.processingError", "Something failed."))}
INVALID = {"status_code": 500, "text": ENVELOPE.format(FAULT.format("Client.validationError", "No."))}
EMPTY = {"text": ENVELOPE.format("<wd:Get_Suppliers_Response/>")}
POSTED = {"text": ENVELOPE.format("<wd:Submit_Supplier_Response/>")}
OVERLOAD = {"status_code": 500, "text": "<html>Internal Server Error</html>"}


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    """Reads are repeated at once."""
    monkeypatch.setattr(client_module, "_LONGEST_PAUSE", 0.0)


@pytest.fixture
def http():
    """Every HTTP request of the test; both services are described."""
    with requests_mock_module.Mocker() as mock:
        for service in (RESOURCES, FINANCE):
            mock.get(SERVICE.format(service), text=wsdl(service, (42, 2), "acme_dpt1"))
        yield mock


@pytest.fixture
def make(tmp_path):
    """A maker of clients whose state is in the test's folder."""
    made = []

    def client(config=ISU, **changes):
        settings = WorkdaySettings.from_config({**config, **changes})
        made.append(WorkdayClient(settings, state_dir=tmp_path))
        return made[-1]

    yield client
    for each in made:
        each.close()


def posts(mock):
    """The SOAP requests that were sent."""
    return [request for request in mock.request_history if request.method == "POST" and "/service/" in request.url]


def answer_with(mock, *responses):
    """Let Resource_Management answer these, one after the other."""
    mock.post(SERVICE.format(RESOURCES), list(responses))


def read(client):
    """Some read."""
    return client.call(RESOURCES, "Get_Suppliers", {})


def write(client):
    """Some write."""
    return client.call(RESOURCES, "Submit_Supplier", {"Supplier_Data": {"Supplier_Name": "x"}}, write=True)


def test_requests_go_to_the_configured_host_whatever_the_description_says(http, make):
    """A description may name another host; credentials only go to ours."""
    answer_with(http, EMPTY)
    read(make())
    assert posts(http)[0].url == SERVICE.format(RESOURCES)


def test_a_request_names_its_root_and_signs_itself(http, make):
    """UsernameToken, common header and the root element of the description."""
    answer_with(http, EMPTY)
    read(make())
    text = posts(http)[0].text
    assert "Get_Suppliers_Request" in text
    assert "ISU@acme_dpt1" in text
    assert "Include_Reference_Descriptors_In_Response>true<" in text


@pytest.mark.parametrize(
    "trouble",
    [
        OVERLOAD,
        {"status_code": 503},
        {"status_code": 429},
        {"exc": requests.ReadTimeout},
        {"exc": requests.ConnectionError},
        {"text": "<html/>"},
        {"text": "half"},
        BROKEN,
    ],
)
def test_a_read_is_repeated_when_that_can_help(http, make, trouble):
    """Overload, throttling and lost connections pass by themselves."""
    answer_with(http, trouble, trouble, EMPTY)
    assert read(make()).node.name == "Get_Suppliers_Response"


@pytest.mark.parametrize(
    "refusal, expected", [(LOGIN, CredentialsRefused), (TASK, PermissionDenied), (INVALID, Rejected)]
)
def test_a_refusal_is_never_repeated(http, make, refusal, expected):
    """A repeat changes nothing, locks accounts and gets the client throttled."""
    answer_with(http, refusal)
    with pytest.raises(expected):
        read(make())
    assert len(posts(http)) == 1


@pytest.mark.parametrize("trouble, tries", [({"status_code": 503}, 5), (BROKEN, 3)])
def test_repeats_end(http, make, trouble, tries):
    """Five tries, three where Workday says that processing failed."""
    answer_with(http, trouble)
    with pytest.raises(Unavailable):
        read(make())
    assert len(posts(http)) == tries


def test_a_system_that_asks_for_too_long_is_not_waited_for(http, make):
    """The run ends and a later one continues."""
    answer_with(http, {"status_code": 429, "headers": {"Retry-After": "3600"}})
    with pytest.raises(Throttled):
        read(make())
    assert len(posts(http)) == 1


@pytest.mark.parametrize(
    "trouble, expected",
    [
        (OVERLOAD, OutcomeUnknown),
        (BROKEN, OutcomeUnknown),
        ({"status_code": 503}, OutcomeUnknown),
        ({"text": "<html/>"}, OutcomeUnknown),
        ({"text": "half an answ"}, OutcomeUnknown),
        ({"exc": requests.ReadTimeout}, OutcomeUnknown),
        ({"exc": requests.ConnectionError("Connection aborted.")}, OutcomeUnknown),
        ({"exc": requests.ConnectTimeout}, Unavailable),
        ({"status_code": 429}, Throttled),
        (INVALID, Rejected),
        (LOGIN, CredentialsRefused),
    ],
)
def test_a_write_leaves_exactly_once(http, make, trouble, expected):
    """Whatever happens, nobody but the delivery decides on a second attempt."""
    answer_with(http, trouble, POSTED)
    with pytest.raises(expected):
        write(make())
    assert len(posts(http)) == 1


def test_a_body_that_does_not_fit_is_refused_before_anything_is_sent(http, make):
    """The tenant's description knows no such element."""
    with pytest.raises(CannotBeSent, match="does not fit"):
        make().call(RESOURCES, "Submit_Supplier", {"No_Such_Element": 1}, write=True)
    assert posts(http) == []


@pytest.mark.parametrize("call", [read, write])
@pytest.mark.parametrize("refusal", [LOGIN, {"status_code": 401}])
def test_a_dead_token_is_renewed_once(http, make, call, refusal):
    """A refused token is certain not to have been processed, so even a write goes out again, once."""
    http.post(
        "https://host.invalid/ccx/oauth2/acme_dpt1/token",
        [{"json": {"access_token": "a1"}}, {"json": {"access_token": "a2"}}],
    )
    answer_with(http, refusal, EMPTY)
    call(make(OAUTH))
    assert [request.headers["Authorization"] for request in posts(http)] == ["Bearer a1", "Bearer a2"]
    assert "UsernameToken" not in posts(http)[0].text


def test_a_second_refusal_stops(http, make):
    """One renewal, then a person."""
    http.post(
        "https://host.invalid/ccx/oauth2/acme_dpt1/token", [{"json": {"access_token": f"a{n}"}} for n in range(9)]
    )
    answer_with(http, LOGIN)
    with pytest.raises(CredentialsRefused):
        read(make(OAUTH))
    assert len(posts(http)) == 2


@pytest.mark.parametrize("status", [404, 410, 500])
def test_a_version_the_tenant_lacks_is_a_setting(http, make, status):
    """The message names the settings to look at."""
    http.get(SERVICE.format(RESOURCES), status_code=status)
    with pytest.raises(SettingInvalid, match="api_version"):
        make().service(RESOURCES)


@pytest.mark.parametrize("text", ["<html><p>log in", "<html/>", "<definitions/>"])
def test_a_description_that_is_none_is_told(http, make, text):
    """A login page at the address is not a description."""
    http.get(SERVICE.format(RESOURCES), text=text)
    with pytest.raises(SettingInvalid, match="something else"):
        make().service(RESOURCES)


def test_a_guarded_description_is_asked_for_with_credentials(http, make):
    """Descriptions are public as a rule; where they are not, we say who we are."""
    http.get(SERVICE.format(RESOURCES), [{"status_code": 401}, {"text": wsdl(RESOURCES, (42, 2), "acme_dpt1")}])
    assert make().service(RESOURCES).offers("Get_Suppliers")
    assert http.last_request.headers["Authorization"].startswith("Basic ")


def test_no_error_shows_a_credential(http, make):
    """Errors end up in logs and in the ledger."""
    answer_with(http, {"status_code": 500, "text": ENVELOPE.format(FAULT.format("Client.x", "No."))})
    with pytest.raises(Rejected) as caught:
        write(make())
    assert "hidden-word" not in repr(caught.value) + str(caught.value)


def test_the_audit_texts_carry_no_header(http, make):
    """Credentials are in the header, so the header is not kept."""
    answer_with(http, POSTED)
    answer = write(make())
    assert answer.request_text.startswith("<wd:Submit_Supplier_Request")
    assert "hidden-word" not in answer.request_text


def test_calls_at_once_are_limited_across_clients(http, make):
    """The limit is the tenant's, not a client's."""
    running, most = [], []

    def slow(request, context):
        running.append(1)
        most.append(len(running))
        time.sleep(0.02)
        running.pop()
        return EMPTY["text"]

    http.post(SERVICE.format(RESOURCES), text=slow)
    clients = [make(max_concurrency=2), make(max_concurrency=2)]
    for each in clients:
        each.service(RESOURCES)
    threads = [threading.Thread(target=read, args=(clients[n % 2],)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) <= 2


def test_a_wanted_rate_is_kept(http, make, monkeypatch):
    """Requests start an interval apart; without the setting nothing waits."""
    waited = []
    monkeypatch.setattr(client_module.time, "sleep", waited.append)
    http.post(SERVICE.format(RESOURCES), **EMPTY)
    client = make(requests_per_minute=60)
    for _ in range(3):
        read(client)
    assert [round(seconds) for seconds in waited] == [0, 1, 2]


def page(number, total, rows):
    """An answer of a Get operation, shaped like one page."""
    results = f"<wd:Response_Results><wd:Total_Pages>{total}</wd:Total_Pages><wd:Page>{number}</wd:Page></wd:Response_Results>"
    data = f"<wd:Response_Data>{''.join(f'<wd:R>{row}</wd:R>' for row in rows)}</wd:Response_Data>" if rows else ""
    moment = "<wd:Response_Filter><wd:As_Of_Entry_DateTime>SERVER-TIME</wd:As_Of_Entry_DateTime></wd:Response_Filter>"
    return Node(etree.fromstring(f'<wd:X xmlns:wd="urn:com.workday/bsvc">{moment}{results}{data}</wd:X>'))


def paged(client, total, size):
    """Let a client serve ``total`` rows in pages, and note the filters asked with."""
    asked = []

    def call(service, operation, body, **_):
        response_filter = body["Response_Filter"]
        asked.append(response_filter)
        number = response_filter.get("Page", 1)
        rows = range((number - 1) * size, min(number * size, total))
        pages = -(-total // size)
        return Answer(page(number, pages, rows), etree.Element("x"))

    client.call = call
    return asked


@given(total=st.integers(0, 60), size=st.integers(1, 9), width=st.integers(1, 4), pinned=st.booleans())
def test_every_record_is_read_once_and_in_order(tmp_path_factory, total, size, width, pinned):
    """Whatever the number of pages and of parallel requests."""
    settings = WorkdaySettings.from_config({**ISU, "max_concurrency": width, "page_size": size})
    client = WorkdayClient(settings, state_dir=tmp_path_factory.mktemp("state"))
    asked = paged(client, total, size)
    rows = [int(row.element.text) for data in client.pages("S", "O", {}, pinned=pinned) for row in data.nodes("R")]
    assert rows == list(range(total))
    assert len(asked) == max(1, -(-total // size))


def test_all_pages_show_one_moment(make):
    """The moment is captured once and sent with every page."""
    client = make()
    asked = paged(client, 9, 2)
    list(client.pages("S", "O", {}, count=2))
    assert len({each["As_Of_Entry_DateTime"] for each in asked}) == 1
    assert sorted(each["Page"] for each in asked) == [1, 2, 3, 4, 5]


def test_a_look_up_follows_the_servers_clock(make):
    """What was posted a second ago must be seen even when our clock is behind."""
    client = make()
    asked = paged(client, 5, 2)
    list(client.pages("S", "O", {}, count=2, pinned=False))
    assert asked[0] == {"Count": 2}
    assert {each["As_Of_Entry_DateTime"] for each in asked[1:]} == {"SERVER-TIME"}


def test_a_reader_that_stops_leaves_no_requests_behind(make):
    """Pages that nobody wants any more are not fetched."""
    client = make()
    asked = paged(client, 100, 1)
    reading = client.pages("S", "O", {}, count=1)
    next(reading)
    next(reading)
    reading.close()
    assert len(asked) < 10
