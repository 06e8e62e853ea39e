"""The Business Central stand-in answers nothing the derived OpenAPI and the recorded traffic do not know (contract)."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import httpx
import pytest
import yaml
from jsonschema import Draft202012Validator, FormatChecker

sys.path.insert(0, str(Path(__file__).parents[1] / "sandbox" / "business_central"))

from central_client import CentralClient, line, told

from erp_sandbox.business_central.entities import COMPANIES, FINANCE_SETS, SETS
from erp_sandbox.server import Sandbox
from erp_sandbox.world import World

pytestmark = pytest.mark.contract

NOT_DERIVED = {"documentAttachments"}
"""Sets Microsoft documents which the derived document left out."""
READ_HERE = {"dimensionSetLines", "defaultDimensions", "applyVendorEntries", *NOT_DERIVED}
LINES = {
    "purchaseInvoiceLines": "purchaseInvoices",
    "purchaseCreditMemoLines": "purchaseCreditMemos",
    "purchaseOrderLines": "purchaseOrders",
    "journalLines": "journals",
    "vendorPayments": "vendorPaymentJournals",
}
CALCULATED = {
    # Fields the derived document lets a body hold, though the service works them out: here they are read-only.
    "vendors": {"balance"},
    "items": {"inventory"},
    "purchaseInvoiceLines": {
        "amountExcludingTax",
        "amountIncludingTax",
        "invoiceDiscountAllocation",
        "netAmount",
        "netTaxAmount",
        "netAmountIncludingTax",
    },
    "purchaseOrders": {"fullyReceived"},
    "purchaseOrderLines": {"receivedQuantity", "invoicedQuantity"},
}
KINDS = {
    "guid": {"type": "string", "format": "uuid"},
    "day": {"type": "string", "format": "date"},
    "instant": {"type": "string", "format": "date-time"},
    "flag": {"type": "boolean"},
    "integer": {"type": "integer"},
    "number": {"type": "number"},
}
NUMBER_AS_TEXT = ("purchaseOrder", "totalTaxAmount")
"""A known defect of the derived document: it says text, the page returns a number."""

formats = FormatChecker()


@formats.checks("date-time")
def is_utc_time(value):
    """A UTC time with at most milliseconds."""
    return re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z", value) is not None


@pytest.fixture(scope="module")
def contract(contracts_dir):
    """The derived document, with its known defect mended."""
    path = contracts_dir / "business-central" / "bc-api-v2.0-ap-subset.derived.openapi.yaml"
    document = yaml.load(path.read_text("utf-8"), yaml.CSafeLoader)
    kind, field = NUMBER_AS_TEXT
    document["components"]["schemas"][kind]["properties"][field] = {"type": "number"}
    return document


@pytest.fixture(scope="module")
def recorded(contracts_dir):
    """The transcribed traffic of the live service."""
    path = contracts_dir / "business-central" / "samples-recorded" / "exchanges.transcribed.json"
    return json.loads(path.read_text("utf-8"))


@pytest.fixture(scope="module")
def central():
    """A client of the demo world."""
    with Sandbox(World.build(vendors=40, bills=1, payments=0)) as box:
        client = CentralClient(box)
        yield client
        client.http.close()


def faults(contract, kind, row):
    """What of an entity is not as the document says, expanded collections included."""
    schema = contract["components"]["schemas"][kind]
    known = schema["properties"]
    strange = [name for name in row if name not in known and "@odata." not in name]
    whole = {"$ref": f"#/components/schemas/{kind}", "components": contract["components"]}
    broken = [error.message for error in Draft202012Validator(whole, format_checker=formats).iter_errors(row)]
    missing = [name for name, field in known.items() if name not in row and field.get("type") != "array"]
    return (
        strange + broken + [f"{name} is missing" for name in missing if not name.startswith("@") and name != "picture"]
    )


@pytest.mark.parametrize("name", [name for name in SETS if name not in READ_HERE | set(LINES)])
def test_every_row_of_every_list_is_of_the_contracts_shape(central, contract, name):
    """Fields, types, lengths, enums and formats of all rows, expanded as far as the set can be."""
    entity = SETS[name]
    navs = [nav for nav in entity.navs if nav not in NOT_DERIVED]
    expand = ",".join(
        f"{nav}($expand=dimensionSetLines)" if "dimensionSetLines" in SETS[nav].navs else nav for nav in navs
    )
    options = {"expand": expand} if expand else {}
    rows = told(central.get(name, **options), 200)["value"]
    for row in rows:
        assert faults(contract, entity.kind, json.loads(json.dumps(row, default=float))) == []
    assert rows or name == "postedApprovalEntries"


@pytest.mark.parametrize("name", list(LINES))
def test_every_row_below_its_parent_is_of_the_contracts_shape(central, contract, name):
    """Lines, each also by its own id."""
    seen = 0
    if name == "vendorPayments":
        central.pay(central.rows("purchaseInvoices", filter="status eq 'Open'")[0], 5)
    for parent in central.rows(LINES[name]):
        for row in central.get(f"{LINES[name]}({parent['id']})/{name}").json()["value"]:
            single = central.get(f"{name}({row['id']})").json()
            assert faults(contract, SETS[name].kind, row) == []
            assert {key: value for key, value in single.items() if key != "@odata.context"} == row
            seen += 1
    assert seen > 0


def test_dimensions_and_applications_are_of_the_contracts_shape(central, contract):
    """Collections that are worked out from their parent."""
    invoice = central.rows("purchaseInvoices", filter="status eq 'Open'")[-1]
    payment = told(central.pay(invoice, 1), 201)
    entries = central.get(f"vendorPayments({payment['id']})/applyVendorEntries").json()["value"]
    (first, *_) = central.get(f"purchaseInvoices({invoice['id']})/purchaseInvoiceLines").json()["value"]
    dimensions = central.get(f"purchaseInvoiceLines({first['id']})/dimensionSetLines").json()["value"]
    assert entries
    assert dimensions
    assert [fault for row in entries for fault in faults(contract, "applyVendorEntry", row)] == []
    assert [fault for row in dimensions for fault in faults(contract, "dimensionSetLine", row)] == []


def test_companies_and_ledger_entries_of_vendors_are_of_the_contracts_shape(central, contract):
    """What stands outside a company, and the beta API of the finance reports."""
    for row in central.get_root("companies").json()["value"]:
        assert faults(contract, "company", row) == []
    root = central.root.replace("/api/v2.0", "/api/microsoft/reportsFinance/beta")
    rows = central.http.get(f"{root}/companies({central.company})/vendorLedgerEntries").json()["value"]
    assert rows
    assert [fault for row in rows for fault in faults(contract, "vendorLedgerEntry", row)] == []


@pytest.mark.parametrize(
    "entity", [each for each in SETS.values() if each.name not in NOT_DERIVED], ids=lambda each: each.name
)
def test_the_facts_are_those_of_the_contract(contract, entity):
    """Names, order, types, lengths, enums, and which fields a body may hold."""
    schemas = contract["components"]["schemas"]
    known = {name: field for name, field in schemas[entity.kind]["properties"].items() if field.get("type") != "array"}
    known.pop("@odata.etag", None)
    known.pop("picture", None)
    assert [field.name for field in entity.fields] == list(known)
    writable = schemas.get(f"{entity.kind}Create") or schemas.get(f"{entity.kind}Update") or {"properties": {}}
    for field in entity.fields:
        said = known[field.name]
        assert said.get("maxLength") == field.length, field
        kind = KINDS.get(field.kind, {"type": "string"})
        assert {key: said.get(key) for key in kind} == kind, field
        expected = field.name in writable["properties"] and field.name not in CALCULATED.get(entity.name, ())
        assert field.write == expected, field


@pytest.mark.parametrize("entity", [COMPANIES, *FINANCE_SETS.values()], ids=lambda each: each.name)
def test_the_facts_of_the_other_sets_are_those_of_the_contract(contract, entity):
    """Names in their order."""
    assert [field.name for field in entity.fields] == list(contract["components"]["schemas"][entity.kind]["properties"])


def test_every_path_of_the_contract_is_offered(central, contract):
    """No address of the document is unknown to the stand-in, whatever it then says about an invented id."""
    unknown = []
    for template, entry in contract["paths"].items():
        if "servers" in entry or template == "/$batch":
            continue
        path = template.lstrip("/").replace("{companyId}", central.company)
        path = re.sub(r"\{subscriptionId\}", "abc", path)
        path = re.sub(r"\{\w+\}", "11111111-2222-4333-8444-555555555555", path)
        for verb in (verb for verb in entry if verb in ("get", "post", "patch", "delete")):
            answer = central.http.request(verb, f"{central.root}/{path}")
            if answer.status_code in (404, 405, 501) and "does not exist" not in answer.text:
                unknown.append(f"{verb} {template}: {answer.text}")
    assert unknown == []


@pytest.mark.parametrize("name", ["vendor_create", "purchase_invoice_read_after_post", "vendor_payment_create"])
def test_an_answer_has_the_properties_of_the_recorded_one_in_their_order(central, recorded, name):
    """The live service's own answers, property by property."""
    body = recorded[name]["response"]["body"]
    expected = list(body.get("value", [body])[0])
    answers = {
        "vendor_create": lambda: told(central.post("vendors", {"displayName": "Recorded"}), 201),
        "purchase_invoice_read_after_post": lambda: central.rows("purchaseInvoices", filter="status eq 'Open'")[0],
        "vendor_payment_create": lambda: told(
            central.pay(central.rows("purchaseInvoices", filter="status eq 'Open'")[2], 1), 201
        ),
    }
    assert list(answers[name]()) == expected


def test_a_line_answers_like_the_recorded_one(central, recorded):
    """The same body: the discount's percent, amounts not yet worked out, the net amount there already."""
    sent = recorded["purchase_invoice_line_create"]["request"]["body"]
    said = recorded["purchase_invoice_line_create"]["response"]["body"]
    draft = central.draft()
    location = central.rows("locations")[0]["id"]
    body = {**sent, "accountId": central.account(), "locationId": location, "sequence": 20, "taxCode": "NONTAXABLE"}
    row = told(central.post(f"purchaseInvoices({draft['id']})/purchaseInvoiceLines", body), 201)
    row.pop("@odata.context")
    assert list(row) == list(said)
    same = ("sequence", "lineType", "description", "unitCost", "quantity", "discountAmount", "discountPercent")
    amounts = ("amountExcludingTax", "totalTaxAmount", "amountIncludingTax", "netAmount", "netAmountIncludingTax")
    assert {name: float(row[name]) if name in amounts else row[name] for name in (*same, *amounts)} == {
        name: said[name] for name in (*same, *amounts)
    }


def test_a_journal_is_created_as_it_was_recorded(central, recorded):
    """A deep insert over three levels; the code comes back in upper case."""
    sent = recorded["journal_deep_insert"]["request"]["body"]
    said = recorded["journal_deep_insert"]["response"]["body"]
    dimension = central.rows("dimensions")[0]
    value = central.rows("dimensionValues", filter=f"dimensionId eq {dimension['id']}")[0]
    lines = [
        {
            **item,
            "accountId": central.account(),
            "dimensionSetLines": [{"id": dimension["id"], "valueId": value["id"]}],
        }
        for item in sent["journalLines"]
    ]
    answer = told(central.post("journals", {**sent, "journalLines": lines}), 201)
    answer.pop("@odata.context")
    assert list(answer) == list(said)
    assert (answer["code"], answer["templateDisplayName"]) == (said["code"], said["templateDisplayName"])


@pytest.mark.parametrize(
    ("path", "sample"),
    [
        ("vendors?$filter=colour eq 'red'", "error.400-unknown-filter-property.json"),
        ("contact", "error.404-resource-not-found.json"),
    ],
)
def test_refusals_are_worded_like_the_recorded_ones(central, contracts_dir, path, sample):
    """Code, sentence, two spaces before the correlation id, a dot behind it."""
    recorded = json.loads((contracts_dir / "business-central" / "samples-recorded" / sample).read_text("utf-8"))[
        "error"
    ]
    error = central.http.get(central.url(path)).json()["error"]
    form = re.sub(r"'[^']*'", "'[^']*'", re.escape(recorded["message"]).replace("\\'", "'"))
    form = re.sub(r"[0-9a-f]{8}.*?(?=\\\.$)", "[0-9a-f-]{36}", form)
    assert error["code"] == recorded["code"]
    assert re.fullmatch(form, error["message"]), (form, error["message"])


def test_an_unknown_environment_is_answered_in_xml(central, contracts_dir):
    """The words of the recorded answer."""
    recorded = (contracts_dir / "business-central" / "samples-recorded" / "error.no-environment.xml").read_text("utf-8")
    answer = central.http.get(central.root.replace("/production/", "/nowhere/") + "/companies")
    assert re.sub(r"\s*\n\s*", "", answer.text) == re.sub(r"\s*\n\s*", "", recorded.strip())
    assert "xml" in answer.headers["content-type"]


def test_a_page_goes_on_like_the_recorded_one(central, contracts_dir):
    """The link's form, and a last page that is empty."""
    folder = contracts_dir / "business-central" / "samples-recorded"
    recorded = json.loads((folder / "paging.customers.page1.json").read_text("utf-8"))
    last = json.loads((folder / "paging.customers.page2-empty.json").read_text("utf-8"))
    first = central.get("paymentMethods", page=3).json()
    assert list(first) == list(recorded)
    link = httpx.URL(first["@odata.nextLink"])
    assert sorted(link.params) == sorted(httpx.URL(recorded["@odata.nextLink"]).params)
    assert link.params["$skiptoken"] == first["value"][-1]["id"]
    second = central.http.get(link, headers={"Prefer": "odata.maxpagesize=3"}).json()
    assert list(second) == list(last)
    assert second["value"] == []


def test_what_conforms_to_the_contract_is_taken(central, contract):
    """A body with every field the document lets a new invoice line hold is not refused for its names."""
    fields = contract["components"]["schemas"]["purchaseInvoiceCreate"]["properties"]
    assert {"vendorNumber", "vendorInvoiceNumber", "purchaseInvoiceLines"} <= set(fields)
    assert {field.name for field in SETS["purchaseInvoices"].fields if field.write} | set(
        SETS["purchaseInvoices"].navs
    ) >= set(fields)
    told(central.post("purchaseInvoices", {"vendorNumber": "V00001", "purchaseInvoiceLines": [line()]}), 201)


def test_a_fault_of_shape_is_seen(contract):
    """The comparison itself finds what it is for."""
    row = {"id": "x", "code": "BILL-JOURNAL", "colour": "red"}
    found = faults(contract, "paymentMethod", row)
    assert "colour" in found
    assert any("is missing" in fault for fault in found)
    assert any("uuid" in fault for fault in found)
