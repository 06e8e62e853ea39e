"""Every request of tap-workday is valid under the tenant's description: the real contract, and a newer dialect."""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import io

import pytest
import requests_mock as requests_mock_module
from lxml import etree

from erp_sandbox.workday.wsdl import wsdl
from tap_workday.streams import STREAM_CLASSES
from tap_workday.tap import TapWorkday

pytestmark = pytest.mark.contract

SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}"
XSD = "{http://www.w3.org/2001/XMLSchema}"
WD = "{urn:com.workday/bsvc}"
FILES = {
    "Resource_Management": "Resource_Management.reconstructed.wsdl",
    "Financial_Management": "Financial_Management.wsdl",
    "Integrations": "Integrations.reconstructed.wsdl",
}
SAMPLES = {
    "Get_Cost_Centers": "Financial_Management__get_cost_centers.response.xml",
    "Get_Account_Sets": "Financial_Management__get_account_sets.response.xml",
    "Get_Payments": "Financial_Management__get_payments.response.xml",
    "Get_Suppliers": "Resource_Management__get_suppliers.response.xml",
    "Get_Purchase_Orders": "Resource_Management__get_purchase_orders.response.xml",
    "Get_Supplier_Invoices": "Resource_Management__get_supplier_invoices.response.xml",
}
ENVELOPE = '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns:wd="urn:com.workday/bsvc"><e:Body>{}</e:Body></e:Envelope>'
CONFIG = {"base_url": "https://host.invalid", "tenant": "acme", "isu_username": "ISU", "isu_password": "pw"}
SOAP_STREAMS = [stream.name for stream in STREAM_CLASSES if stream.name != "custom_reports"]
BOOKMARK = (dt.datetime.now(dt.UTC) - dt.timedelta(days=2)).isoformat()


class Tenant:
    """Answers samples, and validates every request."""

    def __init__(self, descriptions, samples):
        self.descriptions = descriptions
        self.samples = samples
        self.requests = []

    def answer(self, request, _context):
        """Validate a request and answer it."""
        service = request.url.split("/")[-2]
        body = etree.fromstring(request.body).find(f"{SOAP}Body")[0]
        schema_of(self.descriptions[service]).assertValid(etree.fromstring(etree.tostring(body)))
        self.requests.append(body)
        operation = etree.QName(body).localname.removesuffix("_Request")
        if operation in SAMPLES:
            return (self.samples / SAMPLES[operation]).read_text("utf-8")
        return ENVELOPE.format(f"<wd:{operation}_Response/>")

    def sent(self, operation):
        """The requests of one operation."""
        return [body for body in self.requests if etree.QName(body).localname == f"{operation}_Request"]


@functools.cache
def schema_of(text):
    """The schema in a WSDL, compiled."""
    (schema,) = etree.fromstring(text).iter(f"{XSD}schema")
    return etree.XMLSchema(etree.fromstring(etree.tostring(schema)))


@pytest.fixture(params=["contract", "newer"])
def tenant(request, contracts_dir):
    """A tenant that speaks v28 to v30, and one with the names known from v40 on."""
    folder = contracts_dir / "workday"
    if request.param == "contract":
        descriptions = {name: (folder / file).read_bytes() for name, file in FILES.items()}
    else:
        descriptions = {name: wsdl(name, (42, 2), "acme").encode() for name in FILES}
    made = Tenant(descriptions, folder / "samples")
    with requests_mock_module.Mocker() as mock:
        mock.get(requests_mock_module.ANY, status_code=410)
        for name, text in descriptions.items():
            url = f"https://host.invalid/ccx/service/acme/{name}/v42.2"
            mock.get(f"{url}?wsdl", content=text)
            mock.post(url, text=made.answer)
        yield made


def read(*streams, state=None, **changes):
    """Run the tap for some streams."""
    config = {**CONFIG, **changes}
    catalog = TapWorkday(config=config).catalog_dict
    for entry in catalog["streams"]:
        for item in entry["metadata"]:
            if not item["breadcrumb"]:
                item["metadata"]["selected"] = entry["stream"] in streams
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    with contextlib.redirect_stdout(out):
        TapWorkday(config=config, catalog=catalog, state=state).sync_all()
        out.flush()
    return out.buffer.getvalue().decode()


def bookmarks(*streams):
    """A state in which streams have been read two days ago."""
    entry = {"replication_key": "window_end", "replication_key_value": BOOKMARK, "has_rows": True, "rows": 1}
    return {"bookmarks": {stream: dict(entry) for stream in streams}}


@pytest.mark.parametrize("changes", [{}, {"start_date": "2026-01-01T00:00:00Z"}, {"include_bank_details": True}])
@pytest.mark.parametrize("state", [None, bookmarks(*SOAP_STREAMS)], ids=["first", "later"])
def test_every_request_is_valid(tenant, state, changes):
    """At first and later, with and without a start date."""
    read(*SOAP_STREAMS, state=state, **changes)
    operations = {etree.QName(body).localname for body in tenant.requests}
    assert len(operations) == len(SOAP_STREAMS) - 1  # invoices and their files come from the same one


@pytest.mark.parametrize(
    "stream, operation", [("suppliers", "Get_Suppliers"), ("purchase_orders", "Get_Purchase_Orders")]
)
def test_a_window_has_both_ends_in_utc(tenant, stream, operation):
    """Never one alone, never without a zone, which would be read as Pacific time; at first none at all."""
    read(stream)
    assert tenant.sent(operation)[0].find(f"{WD}Request_Criteria") is None
    read(stream, state=bookmarks(stream))
    criteria = tenant.sent(operation)[1].find(f"{WD}Request_Criteria")
    first, last = (criteria.findtext(f"{WD}Updated_{end}_Date") for end in ("From", "To"))
    assert first.endswith(("Z", "+00:00"))
    assert dt.datetime.fromisoformat(first) == pytest.approx(
        dt.datetime.fromisoformat(BOOKMARK) - dt.timedelta(hours=24), abs=dt.timedelta(milliseconds=1)
    )
    assert dt.datetime.fromisoformat(last) <= dt.datetime.now(dt.UTC) - dt.timedelta(minutes=2)


def test_every_page_shows_one_moment_and_no_attachments(tenant):
    """The moment is captured once; file contents would make answers huge."""
    read("supplier_invoices", state=bookmarks("supplier_invoices"))
    (body,) = tenant.sent("Get_Supplier_Invoices")
    assert body.findtext(f"{WD}Response_Filter/{WD}As_Of_Entry_DateTime").endswith("Z")
    assert body.findtext(f"{WD}Response_Group/{WD}Include_Attachment_Data") == "false"
    assert body.findtext(f"{WD}Response_Group/{WD}Include_Reference") == "true"


def test_files_are_asked_for_invoice_by_invoice(tenant):
    """Only of those that changed, a few at a time: each may have several of up to 30 MB."""
    read("supplier_invoice_attachments", state=bookmarks("supplier_invoice_attachments"))
    listing, files = tenant.sent("Get_Supplier_Invoices")
    asked = [body.findtext(f"{WD}Response_Group/{WD}Include_Attachment_Data") for body in (listing, files)]
    assert asked == ["false", "true"]
    assert files.find(f"{WD}Request_Criteria") is None
    assert 1 <= len(files.findall(f"{WD}Request_References/{WD}Supplier_Invoice_Reference")) <= 5


def test_payments_never_ask_for_pay_slips(tenant):
    """Nor for our own bank accounts, unless told to."""
    read("payments")
    group = tenant.sent("Get_Payments")[0].find(f"{WD}Response_Group")
    assert group.findtext(f"{WD}Include_Payroll_Remittance_Data") == "false"
    assert group.findtext(f"{WD}Include_Originating_Bank_Data") == "false"
    assert group.findtext(f"{WD}Include_Payment_Group_Data") == "true"


def test_the_samples_become_records(tenant):
    """What the contract gives as an answer is read as it is."""
    text = read("suppliers", "purchase_orders", "supplier_invoices", "payments", "cost_centers", "ledger_accounts")
    for value in ("Northwind LLC", "Rebar 12mm", "Crane hire", "INV-7781", "1000234"):
        assert value in text
