"""Every request target-business-central sends, in batches too, is one the derived OpenAPI knows, body and all."""

from __future__ import annotations

import json
import re
import urllib.parse
from decimal import Decimal

import pytest
import yaml
from business_central_documents import (
    account,
    coded,
    deliver,
    dimension,
    entered,
    invoice,
    lines_of,
    payment,
    supplier,
)
from jsonschema import Draft202012Validator

from erp_sandbox.server import Sandbox
from erp_sandbox.world import World
from ml_connector.systems.business_central.client import BusinessCentralClient

pytestmark = pytest.mark.contract

OF_THE_PROTOCOL = {
    "accept",
    "accept-encoding",
    "accept-language",
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "data-access-intent",
    "host",
    "user-agent",
}
SERVICES = ("/api/v2.0/", "/api/microsoft/reportsFinance/beta/")
GUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


class Sent:
    """A request, by itself or inside a batch."""

    def __init__(self, method, address, headers, body, *, inside=False):
        path, _, query = address.partition("?")
        self.method = method
        self.path = f"/{path}"
        self.query = dict(urllib.parse.parse_qsl(query))
        self.headers = {name.lower(): value for name, value in headers.items()}
        self.body = body
        self.inside = inside

    @property
    def name(self):
        """What is asked, without ids."""
        return f"{self.method} {re.sub(r'[(].*?[)]', '', self.path).removeprefix('/companies/')}"


@pytest.fixture(scope="module")
def contract(contracts_dir):
    """The whole document."""
    path = contracts_dir / "business-central" / "bc-api-v2.0-ap-subset.derived.openapi.yaml"
    return yaml.load(path.read_text("utf-8"), yaml.CSafeLoader)


@pytest.fixture(scope="module")
def requests(tmp_path_factory):
    """Everything a target sends while it links, creates, changes, posts, looks up, takes back and reads back."""
    found = []
    opened = BusinessCentralClient.__init__

    def recording(self, *args, **kwargs):
        opened(self, *args, **kwargs, on_request=found.append)

    settings = {
        "missing_suppliers": "create",
        "payment_journal": "NEW",
        "create_payment_journal": True,
        "balancing_account": "2990",
    }
    world = World.plain(vendors=5, bills=2, lines=(1, 1))
    with pytest.MonkeyPatch.context() as patch, Sandbox(world) as box:
        patch.setenv("ML_CONNECTOR_STATE_DIR", str(tmp_path_factory.mktemp("state")))
        patch.chdir(tmp_path_factory.mktemp("project"))
        patch.setattr(BusinessCentralClient, "__init__", recording)
        first, second = entered(box), entered(box, cost="70.00", number="NW-2")
        owned = {"target_id": "V00002", "owned": ("email", "active")}
        both = payment("both", of={first["id"]: "400.00", second["id"]: "70.00"})
        deliver(
            box,
            account(),
            dimension(),
            supplier(phone="5550100", tax_id="12-3456789"),
            supplier("m", **owned),
            invoice(line=coded("department", "120")),
            invoice("2", ("9.00", "-1.00"), line={"quantity": Decimal(3), "unit_price": Decimal("3.00")}),
            invoice("3", line=coded("department", "120"), supplier="V00005"),
            invoice("4", ("3.00",), line=coded("department", "120")),
            both,
            payment("one", of=first["id"], amount="100.00"),
            **settings,
        )
        deliver(
            box,
            supplier("m", **owned, active=False, email="new@harbor.invalid"),
            invoice(amounts=("61.25", "40.25", "5.00"), line=coded("department", "110"), due_date="2026-11-30"),
            invoice("4", ("3.00",), line=coded("location", "LOC1")),
            invoice("2", ("8.00",)),
            both.model_copy(update={"withdrawn": "payment is VOIDED"}),
            **settings,
        )
        deliver(box, payment("two", of=second["id"], amount="7.00"), **settings, post_payments=True)
        assert lines_of(box, "NEW") == []
        deliver(box, invoice("5"), invoice("6", supplier_number="R-1"), post_invoices=True, **settings)
        box.business_central.behaviour.finance_reports = False
        deliver(box, payment("three", of=second["id"], amount="7.00"), **settings)
    return [sent for request in found for sent in unfolded(request)]


def unfolded(request):
    """Yield a request and, for a batch, those inside it."""
    text = str(request.url)
    service = next(each for each in SERVICES if each in text)
    body = json.loads(request.content) if request.content else None
    yield Sent(request.method, text.partition(service)[2], dict(request.headers), body)
    if text.endswith("$batch"):
        for part in body["requests"]:
            yield Sent(part["method"], part["url"], part.get("headers", {}), part.get("body"), inside=True)


def operation_of(contract, sent):
    """Return what the document says about a request; None when it does not know it."""
    for template, entry in contract["paths"].items():
        pattern = re.sub(r"\\\{\w+\\\}", GUID, re.escape(template))
        if re.fullmatch(pattern, sent.path):
            return entry.get(sent.method.lower())
    return None


def parameters(contract, operation, place):
    """Return the parameters of an operation: name to whether it is required."""
    found = [
        contract["components"]["parameters"][each["$ref"].rpartition("/")[2]] if "$ref" in each else each
        for each in operation.get("parameters", ())
    ]
    return {each["name"].lower(): each.get("required", False) for each in found if each["in"] == place}


def faults_of(contract, operation, body):
    """Return what the schema of an operation has against a body."""
    content = (operation.get("requestBody") or {}).get("content", {}).get("application/json", {})
    if not content:
        return [] if body is None else ["takes no body"]
    schema = {**content["schema"], "components": contract["components"]}
    return [f"{error.json_path}: {error.message[:200]}" for error in Draft202012Validator(schema).iter_errors(body)]


def test_the_run_has_written_everything_there_is_to_write(requests):
    """What follows would prove little without."""
    assert {
        "POST vendors",
        "PATCH vendors",
        "POST purchaseInvoices",
        "PATCH purchaseInvoices",
        "POST purchaseInvoices/Microsoft.NAV.post",
        "PATCH purchaseInvoices/purchaseInvoiceLines",
        "POST purchaseInvoices/purchaseInvoiceLines",
        "DELETE purchaseInvoices/purchaseInvoiceLines",
        "POST purchaseInvoices/purchaseInvoiceLines/dimensionSetLines",
        "PATCH purchaseInvoices/purchaseInvoiceLines/dimensionSetLines",
        "POST vendorPaymentJournals",
        "POST vendorPaymentJournals/vendorPayments",
        "DELETE vendorPaymentJournals/vendorPayments",
        "GET vendorPaymentJournals/vendorPayments/applyVendorEntries",
        "POST journals/Microsoft.NAV.post",
        "GET vendorLedgerEntries",
        "GET generalLedgerEntries",
        "POST /$batch",
    } <= {sent.name for sent in requests}


def test_nothing_that_is_read_only_is_written(requests):
    """Accounts, dimensions, their values and the general ledger."""
    read_only = re.compile(r"(POST|PATCH|DELETE) (accounts|dimensions|dimensionValues|generalLedgerEntries|journals)\b")
    written = {sent.name for sent in requests if read_only.match(sent.name)}
    assert written == {"POST journals/Microsoft.NAV.post"}


def test_every_request_is_in_the_contract(contract, requests):
    """Verb, path, query names and headers."""
    for sent in requests:
        operation = operation_of(contract, sent)
        assert operation is not None, f"{sent.method} {sent.path}"
        known = parameters(contract, operation, "query")
        assert {name.lower() for name in sent.query} <= set(known), (sent.name, sent.query)
        headers = parameters(contract, operation, "header")
        assert set(sent.headers) - OF_THE_PROTOCOL <= set(headers), (sent.name, sent.headers)
        for name in (name for name, required in headers.items() if required):
            assert name in sent.headers, (sent.name, name)
        assert sent.headers["accept-language"] == "en-US"


def test_every_body_is_of_the_contracts_schema(contract, requests):
    """Names, types and lengths, down to the dimensions of a line."""
    bodies = 0
    for sent in requests:
        if sent.method != "GET":
            assert faults_of(contract, operation_of(contract, sent), sent.body) == [], (sent.name, sent.body)
            bodies += sent.body is not None
    assert bodies > 20


def test_no_write_disregards_what_it_was_decided_on(requests):
    """Each change and removal names the very version that was read; look-ups ask the primary."""
    for sent in requests:
        if sent.method in ("PATCH", "DELETE"):
            assert re.fullmatch(r'W/".+"', sent.headers["if-match"]), sent.name
        else:
            assert "if-match" not in sent.headers
        if sent.method != "GET":
            assert "data-access-intent" not in sent.headers
        elif not sent.inside:
            assert sent.headers["data-access-intent"] == "ReadWrite", sent.name


def test_batches_are_as_the_service_takes_them(requests):
    """A hundred at most, relative addresses, lines of one payment in one transaction."""
    batches = [sent for sent in requests if sent.path == "/$batch"]
    for sent in batches:
        parts = sent.body["requests"]
        assert 0 < len(parts) <= 100
        assert not [part for part in parts if part["url"].startswith("/")]
        writes = any(part["method"] != "GET" for part in parts)
        assert (sent.headers.get("isolation") == "snapshot") is writes
        assert sent.headers["prefer"] == f"odata.continue-on-error={'false' if writes else 'true'}"
    assert {sent.headers.get("isolation") for sent in batches} == {None, "snapshot"}


def test_properties_stand_in_the_order_they_are_validated_in(requests):
    """The vendor before the dates, the type of a line before its number, the quantity before the cost."""
    orders = (("vendorNumber", "invoiceDate"), ("lineType", "lineObjectNumber"), ("quantity", "unitCost"))
    seen = set()
    for sent in requests:
        bodies = [sent.body or {}, *((sent.body or {}).get("purchaseInvoiceLines") or ())]
        for first, second in orders:
            for names in (list(body) for body in bodies if first in body and second in body):
                assert names.index(first) < names.index(second), sent.name
                seen.add(first)
    assert len(seen) == len(orders)


def test_filters_compare_fields_that_exist_with_values_of_their_type(contract, requests):
    """Dates and GUIDs bare, texts in quotes, one field per or."""
    filters = set()
    for sent in requests:
        if "$filter" not in sent.query:
            continue
        operation, text = operation_of(contract, sent), sent.query["$filter"]
        row = operation["responses"]["200"]["content"]["application/json"]["schema"]["properties"]["value"]["items"]
        fields = contract["components"]["schemas"][row["$ref"].rpartition("/")[2]]["properties"]
        terms = [term.split(" ", 2) for term in re.split(r" and | or ", text)]
        assert not (" or " in text and len({field for field, *_ in terms}) > 1), text
        for field, operator, value in terms:
            assert operator in ("eq", "ge", "le"), text
            kinds = {"date": r"\d{4}-\d\d-\d\d", "uuid": GUID}
            assert re.fullmatch(kinds.get(fields[field].get("format"), r"'([^']|'')*'"), value), text
            filters.add(field)
    assert {"vendorInvoiceNumber", "externalDocumentNumber", "appliesToInvoiceId", "invoiceDate", "code"} <= filters


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({"displayName": "Acme"}, None),
        ({"displayName": 7}, "$.displayName"),
        ({"city": "C" * 31}, "$.city"),
        ({"nickname": "A"}, "nickname"),
    ],
)
def test_a_foreign_field_type_or_length_is_seen(contract, body, fault):
    """The comparison itself finds what it is for."""
    company = "companies(11111111-1111-4111-8111-111111111111)"
    faults = faults_of(contract, operation_of(contract, Sent("POST", f"{company}/vendors", {}, body)), body)
    assert (fault is None) == (faults == [])
    assert fault is None or fault in faults[0]
    assert operation_of(contract, Sent("DELETE", f"{company}/accounts", {}, None)) is None
