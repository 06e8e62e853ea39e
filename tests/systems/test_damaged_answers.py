"""An answer that is damaged in one place is read all the same, and one that is too much is refused in one line."""

from __future__ import annotations

import contextlib
import gzip
import http.server
import json
import threading
from decimal import Decimal

import httpx
import pytest
import requests_mock as requests_mock_module
import stamina
from bill_doubles import Bill
from business_central_doubles import BusinessCentral
from hypothesis import assume, given
from hypothesis import strategies as st
from lxml import etree

from erp_sandbox.workday.wsdl import wsdl
from ml_connector.errors import ConnectorError, OutcomeUnknown, Unavailable, Unreadable
from ml_connector.mending import TooMuch, mended_json, mended_xml
from ml_connector.systems.bill.rows import decode_page
from ml_connector.systems.workday.client import RESOURCES, WorkdayClient
from ml_connector.systems.workday.raas import report_rows
from ml_connector.systems.workday.settings import WorkdaySettings
from ml_connector.systems.workday.xml import Node
from ml_connector.transport.http import Bounds, decode_json, exchange, open_client
from ml_connector.transport.soap import AnswerTooLarge, SoapTransport, parse_xml

BAD = "\ufffd"
NAMES = {
    b"Caf\xe9 Acme": f"Caf{BAD} Acme",
    b"half \\ud83d of it": f"half {BAD} of it",
    b"\\udc00": BAD,
    b"bell \x07 rings": f"bell {BAD} rings",
    b"two\nlines": "two\nlines",
    b"\xed\xa0\x80": BAD * 3,
    b"whole \\ud83d\\ude00 one": "whole \U0001f600 one",
    b"kept \\u0001": "kept \x01",
}
"""Bytes between the quotes of a JSON text, and what they are read as."""
DEEP = b"[" * 100_000 + b"]" * 100_000


@pytest.fixture(autouse=True)
def own_state(tmp_path, monkeypatch):
    """A state directory of its own, and no waiting between attempts."""
    monkeypatch.setenv("ML_CONNECTOR_STATE_DIR", str(tmp_path))
    with stamina.set_testing(True, attempts=100, cap=True):
        yield tmp_path


# JSON


@pytest.mark.parametrize(("raw", "name"), NAMES.items())
def test_a_damaged_text_costs_its_characters_and_nothing_else(caplog, raw, name):
    """What is replaced is told with the record and the field."""
    body = b'{"rows":[{"id":"V1","name":"whole","total":1.10},{"id":"V2","address":{"line1":"' + raw + b'"}}]}'
    assert decode_json(body) == {
        "rows": [{"id": "V1", "name": "whole", "total": Decimal("1.10")}, {"id": "V2", "address": {"line1": name}}]
    }
    assert ("address.line1 of V2 is damaged" in caplog.text) is (BAD in name)
    assert "V1" not in caplog.text


@pytest.mark.parametrize("before", [b"\xef\xbb\xbf", b"\n\n", b"\xef\xbb\xbf\r\n  "])
def test_what_stands_before_and_behind_is_no_error(caplog, before):
    """A byte order mark, blank lines."""
    assert decode_json(before + b'{"a":1}\n\n') == {"a": 1}
    assert not caplog.records


@pytest.mark.parametrize("text", ["9" * 5000, "-" + "9" * 40, "1e-9999999999", "0.10", "NaN", "-Infinity"])
def test_a_number_nobody_expects_is_read_as_it_stands(text):
    """Exact, or as text where it is no number of JSON; whoever takes it refuses it by name."""
    (value,) = decode_json(f"[{text}]".encode())
    assert value == (Decimal(text) if text in ("-" + "9" * 40, "0.10") else text)


@pytest.mark.parametrize("body", [DEEP, b'{"a":' * 50_000 + b"1" + b"}" * 50_000, b"\xef\xbb\xbf" + DEEP])
def test_what_is_nested_without_end_is_refused(body):
    """It is no defect of ours, and asking again gives the same."""
    with pytest.raises(TooMuch, match="nested too deeply"):
        decode_json(body)


@given(st.binary(max_size=60))
def test_whatever_comes_is_read_or_refused_as_no_json(body):
    """No other error leaves the decoder, and what it gives can be written again."""
    try:
        value = decode_json(body)
    except ValueError:
        return
    json.dumps(value, default=str).encode()


@given(
    st.recursive(
        st.none() | st.booleans() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_mending_what_is_whole_changes_nothing(value):
    """Control characters apart, which the source may have escaped."""
    text = json.dumps(value)
    assume(not any(escape in text for escape in ("\\u00", "\\ufff", "\\f", "\\b")))
    assert mended_json(text.encode()) == decode_json(text.encode())


@pytest.mark.parametrize("raw", [raw for raw, name in NAMES.items() if BAD in name])
def test_a_page_of_bill_is_read_although_one_row_is_damaged(caplog, raw):
    """With the rows beside it; the damaged one is named."""
    body = b'{"results":[{"id":"A1","name":"a"},{"id":"B2","name":"' + raw + b'"},{"id":"C3","name":"c"}]}'
    records = [row.record() for row in decode_page(body).rows]
    assert [record["id"] for record in records] == ["A1", "B2", "C3"]
    assert BAD in records[1]["name"]
    assert "name of B2 is damaged" in caplog.text


@pytest.mark.parametrize("stamp", ['"9999-12-31T23:59:59-05:00"', '"soon"', "7", '"0001-01-01T00:00:00+09:00"', "null"])
def test_a_row_whose_stamp_is_no_time_is_read(stamp):
    """It has no place in the order of time, that is all."""
    (row,) = decode_page(b'{"results":[{"id":"A1","updatedTime":' + stamp.encode() + b"}]}").rows
    assert (row.id, row.time) == ("A1", None)


def test_a_row_without_an_id_is_read():
    """Whoever takes it says what is wrong with it."""
    (row,) = decode_page(b'{"results":[{"name":"no id"}]}').rows
    assert row.record() == {"name": "no id"}


def test_a_page_of_business_central_is_read_although_one_row_is_damaged(caplog):
    """With the rows beside it; the damaged one is named."""
    central = BusinessCentral()
    body = b'\xef\xbb\xbf{"value":[{"id":"A1","displayName":"a"},{"id":"B2","displayName":"\xe9\\ud800"}]}'
    central.answers = [httpx.Response(200, content=body)]
    names = [row["displayName"] for row in central.client().rows("vendors")]
    assert names == ["a", BAD * 2]
    assert "displayName of B2 is damaged" in caplog.text


@pytest.mark.parametrize("body", [b'{"results":' + DEEP + b"}", b'{"value":' + DEEP + b"}"])
def test_an_answer_nobody_can_read_is_not_asked_for_again(body):
    """Neither of BILL nor of Business Central; and it is not told as something that passes."""
    bill, central = Bill(), BusinessCentral()
    bill.answers = [httpx.Response(200, content=body)]
    central.answers = [httpx.Response(200, content=body)]
    with pytest.raises(Unreadable, match="nested too deeply") as first:
        bill.client().get_page("/v3/bills", {})
    with pytest.raises(Unreadable, match="nested too deeply"):
        list(central.client().rows("vendors"))
    assert "later" not in str(first.value)
    assert (len(bill.sent("/v3/bills")), len(central.calls)) == (1, 1)


# XML

SUPPLIER = (
    '<wd:Supplier xmlns:wd="urn:com.workday/bsvc"><wd:Supplier_Reference><wd:ID wd:type="Supplier_ID">S-7</wd:ID>'
    "</wd:Supplier_Reference><wd:Supplier_Data><wd:Supplier_Name>{}</wd:Supplier_Name></wd:Supplier_Data></wd:Supplier>"
)


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        (b"a&#x1;b", f"a{BAD}b"),
        (b"a&#0;b&#xD800;&#99999999999;", f"a{BAD}b{BAD}{BAD}"),
        (b"a&nbsp;b&eacute;", "a\xa0b\xe9"),
        (b"a&undefined;b &amp; c", f"a{BAD}b & c"),
        (b"Smith & Sons &lt;x&gt;", "Smith & Sons <x>"),
        (b"a\x01b\x0b", f"a{BAD}b{BAD}"),
        (b"Caf\xe9", f"Caf{BAD}"),
        (b"<![CDATA[a & b]]>&#x2;", f"a & b{BAD}"),
    ],
)
def test_a_damaged_element_costs_its_characters_and_nothing_else(caplog, raw, name):
    """What is replaced is told with the record and the element."""
    root = parse_xml(SUPPLIER.encode().replace(b"{}", raw))
    assert Node(root).text("Supplier_Data", "Supplier_Name") == name
    assert ("Supplier_Data/Supplier_Name of Supplier S-7 is damaged" in caplog.text) is (BAD in name)


@pytest.mark.parametrize("before", ["\n", "\ufeff", "\ufeff\r\n  ", " "])
def test_what_stands_before_the_declaration_is_no_error(before):
    """A newline, a byte order mark."""
    text = f'{before}<?xml version="1.0" encoding="utf-8"?>\n<a>\u00e9</a>'
    assert parse_xml(text.encode()).text == "\xe9"


def test_another_encoding_is_read_as_declared():
    """Also where a character of it is damaged."""
    text = '<?xml version="1.0" encoding="iso-8859-1"?><a>\xe9{}</a>'
    assert parse_xml(text.format("").encode("latin-1")).text == "\xe9"
    assert parse_xml(text.format("&#x1;").encode("latin-1")).text == f"\xe9{BAD}"


@pytest.mark.parametrize("depth", [101, 1500, 100_000])
def test_elements_without_end_are_refused(depth):
    """Long before anything of ours gives up on them."""
    with pytest.raises(TooMuch, match="nested"):
        parse_xml(b"<a>" * depth + b"</a>" * depth)


def test_definitions_of_its_own_are_refused():
    """SOAP forbids them, and what they stand for would be missing silently."""
    with pytest.raises(ValueError, match="document type"):
        parse_xml(b'<!DOCTYPE a [<!ENTITY x "y">]><a>1&x;2</a>')


@given(st.binary(max_size=60))
def test_whatever_comes_is_read_or_refused_as_no_xml(body):
    """No other error leaves the parser."""
    with contextlib.suppress(ValueError):
        parse_xml(b"<a>" + body + b"</a>")


@given(st.text())
def test_mended_xml_holds_no_character_xml_forbids(text):
    """Whatever it held before."""
    body = mended_xml(f"<a>{text.replace('<', '')}</a>".encode("utf-8", "surrogatepass"))
    assert isinstance(etree.fromstring(body).text or "", str)


# Answers without end, over real connections


@contextlib.contextmanager
def server(body, **headers):
    """A server on loopback that answers everything with one body."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.rfile.read(int(self.headers.get("content-length", 0)))
            self.send_response(200)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(body)

        def do_POST(self):
            self.do_GET()

        def log_message(self, *args):
            pass

    listening = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.server_address[1]}"
    finally:
        listening.shutdown()
        thread.join()
        listening.server_close()


BOMBS = [
    (gzip.compress(b" " * 30_000_000), {"Content-Encoding": "gzip"}),
    (gzip.compress(gzip.compress(b" " * 30_000_000)), {"Content-Encoding": "gzip, gzip"}),
    (b" " * 3_000_000, {}),
]
"""Small on the way, or not; all of them more than the 2 MB the tests allow."""


@pytest.mark.parametrize(("body", "headers"), BOMBS)
def test_what_unpacks_to_more_than_is_read_is_given_up(body, headers):
    """As soon as it is more, in one line that names the setting or what is wrong."""
    with server(body, **headers) as address:
        client = open_client(address, product="test", timeout=30)
        with client, pytest.raises(TooMuch, match=r"largest_answer_mb|more than once"):
            exchange(client, "GET", "/", bounds=Bounds(largest_answer_mb=2))
        transport = SoapTransport(user_agent="test", bounds=Bounds(largest_answer_mb=2))
        with pytest.raises(AnswerTooLarge, match=r"largest_answer_mb|more than once"):
            transport.get(address)
        transport.close()


def test_an_answer_that_is_packed_is_read():
    """Up to what is allowed."""
    with server(gzip.compress(b'{"a":"' + b"x" * 1_000_000 + b'"}'), **{"Content-Encoding": "gzip"}) as address:
        with open_client(address, product="test", timeout=30) as client:
            answer = exchange(client, "GET", "/", bounds=Bounds(largest_answer_mb=2))
        assert len(decode_json(answer.content)["a"]) == 1_000_000
        transport = SoapTransport(user_agent="test", bounds=Bounds(largest_answer_mb=2))
        assert transport.get(address).content == answer.content
        transport.close()


def test_a_read_that_is_too_large_is_not_repeated_and_a_write_is_looked_up():
    """A write may have been carried out, whatever it was answered with."""
    large = httpx.Response(200, content=b'{"id":"' + b"x" * 2_000_000 + b'"}')
    for system, path in ((Bill(), "/v3/bills"), (BusinessCentral(), "vendors")):
        system.answers = [large, large]
        client = system.client(largest_answer_mb=1)
        with pytest.raises(Unreadable, match="largest_answer_mb"):
            client.get(path)
        with pytest.raises(OutcomeUnknown, match="largest_answer_mb"):
            client.post(path, {})
        assert system.answers == []


# Workday

SERVICE = "https://host.invalid/ccx/service/acme_dpt1/Resource_Management/v42.2"
ENVELOPE = (
    '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns:wd="urn:com.workday/bsvc"><e:Body>'
    "<wd:Get_Suppliers_Response>{}</wd:Get_Suppliers_Response></e:Body></e:Envelope>"
)


INCLUDED = (
    '<wsdl:types><xsd:schema xmlns:xsd="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:x">'
    '<xsd:include schemaLocation="{}?wsdl"/></xsd:schema></wsdl:types>'
)


@pytest.fixture
def tenant(tmp_path):
    """A client of a tenant, and what its tenant answers."""
    config = {"base_url": "https://host.invalid", "tenant": "acme_dpt1", "isu_username": "I", "isu_password": "p"}
    client = WorkdayClient(WorkdaySettings.from_config(config), state_dir=tmp_path)
    with requests_mock_module.Mocker() as mock:
        mock.get(f"{SERVICE}?wsdl", text=wsdl("Resource_Management", (42, 2), "acme_dpt1"))
        yield client, mock
    client.close()


def test_a_damaged_answer_of_workday_is_read(tenant):
    """It is SOAP, although one character of it is not XML."""
    client, mock = tenant
    mock.post(SERVICE, text=ENVELOPE.format("<wd:Note>a&#x1;b</wd:Note>"))
    assert client.call(RESOURCES, "Get_Suppliers", {}).node.text("Note") == f"a{BAD}b"
    assert mock.call_count == 2


def test_an_answer_of_workday_that_is_nested_without_end_is_not_asked_for_again(tenant):
    """And a write with such an answer is looked up."""
    client, mock = tenant
    mock.post(SERVICE, text=ENVELOPE.format("<wd:A>" * 3000 + "</wd:A>" * 3000))
    with pytest.raises(Unreadable, match="nested"):
        client.call(RESOURCES, "Get_Suppliers", {})
    assert mock.call_count == 2
    with pytest.raises(OutcomeUnknown):
        client.call(RESOURCES, "Get_Suppliers", {}, write=True)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"Report_Entry":[' + DEEP + b"]}", Unreadable),
        (b'{"Report_Entry":["no row"]}', Unavailable),
        (b'{"Report_Entry":7}', Unavailable),
        (b"[]", Unavailable),
    ],
)
def test_a_report_that_is_none_is_one_error(tenant, monkeypatch, body, kind):
    """Whatever its rows are instead."""
    client, mock = tenant
    monkeypatch.setattr("ml_connector.systems.workday.client._LONGEST_PAUSE", 0.0)
    mock.get(f"{client.settings.raas_url}/lena/Items", content=body)
    with pytest.raises(kind):
        report_rows(client, "lena", "Items")


def test_a_report_is_read_although_one_row_is_damaged(tenant):
    """With the rows beside it."""
    client, mock = tenant
    mock.get(f"{client.settings.raas_url}/lena/Items", content=b'{"Report_Entry":[{"A":"\xe9"},{"A":"b"}]}')
    assert report_rows(client, "lena", "Items") == [{"A": BAD}, {"A": "b"}]


@pytest.mark.parametrize(
    "imported",
    [
        '<wsdl:import namespace="urn:com.workday/bsvc" location="{}?wsdl"/>',
        INCLUDED,
        '<wsdl:import namespace="urn:com.workday/bsvc" location="{}?more={}"/>',
    ],
)
def test_a_description_that_imports_itself_or_others_without_end_ends(tenant, imported):
    """It is read, or refused in one line; never a traceback, never for ever."""
    client, mock = tenant
    count = iter(range(100_000))

    def description(request, _):
        text = wsdl("Resource_Management", (42, 2), "acme_dpt1")
        at = text.index(">", text.index("definitions")) + 1
        return text[:at] + imported.format(SERVICE, next(count)) + text[at:]

    mock.get(requests_mock_module.ANY, text=description)
    with contextlib.suppress(ConnectorError):
        client.service("Resource_Management")
    assert mock.call_count < 300
