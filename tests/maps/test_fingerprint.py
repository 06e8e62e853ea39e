"""The fingerprint: what the source says, and nothing else."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ml_connector.crosswalk.tables import MemoryReferences, NoLinks
from ml_connector.mapping.engine import MapEngine
from ml_connector.mapping.results import fingerprint_of

ORGANIZATION = "00801ORGAAAAAAAA0001"
VENDOR = "00901VNDRAAAAAAA0001"
ACCOUNT = "0ca01ACCTAAAAAAA0001"


def changed(record, **line_changes):
    """Return a bill whose first line differs."""
    first, *others = record["billLineItems"]
    return {**record, "billLineItems": [{**first, **line_changes}, *others]}


@pytest.mark.parametrize(
    "changes",
    [
        {"paymentStatus": "PAID", "paidAmount": Decimal("228.99"), "dueAmount": 0, "scheduledAmount": 1},
        {"paymentStatus": "PARTIALLY_PAID"},
        {"updatedTime": "2027-01-01T00:00:00.000+00:00", "createdTime": "2020-01-01T00:00:00.000+00:00"},
        {"vendorName": "Northwind Paper Limited"},
        {"approvalStatus": "ASSIGNED"},
        {"approvers": []},
        {"amount": Decimal("228.990")},
        {"amount": "228.99"},
        {"amount": 228.99},
        {"dueDate": "2026-12-31T00:00:00.000Z"},
        {"somethingNew": 1},
        {"recordStatus": "ACTIVE"},
        {"archived": None},
        {"exchangeRate": 1.1},
    ],
)
def test_what_is_not_the_invoice_leaves_it_alone(engine, bill, changes):
    """Payment, approval pending, version, names for people and other spellings of a value are no change."""
    engine = engine()
    assert engine.map("bills", bill(**changes)).fingerprint == engine.map("bills", bill()).fingerprint


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": Decimal("229.00")},
        {"vendorId": "00901VNDRAAAAAAA0002"},
        {"dueDate": "2027-01-31"},
        {"invoice": {"invoiceNumber": "INV-20391A", "invoiceDate": "2026-12-01"}},
        {"description": "Paper"},
        {"purchaseOrderNumber": None},
        {"archived": True},
        {"approvalStatus": "DENIED"},
        {"billLineItems": []},
        {"classifications": {"chartOfAccountId": "0ca01ACCTAAAAAAA0002"}},
    ],
)
def test_what_is_the_invoice_changes_it(engine, bill, changes):
    """Amount, vendor, dates, coding and withdrawal are changes."""
    engine = engine()
    assert engine.map("bills", bill(**changes)).fingerprint != engine.map("bills", bill()).fingerprint


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": Decimal("149.01")},
        {"description": "toner"},
        {
            "classifications": {
                "chartOfAccountId": "0ca01ACCTAAAAAAA0002",
                "departmentId": "0de01DEPTAAAAAAA0001",
            }
        },
        {"classifications": {"chartOfAccountId": ACCOUNT, "departmentId": "0de01DEPTAAAAAAA0002"}},
    ],
)
def test_a_changed_line_changes_it(engine, bill, changes):
    """A line's amount, text, account and department are changes."""
    engine = engine()
    assert engine.map("bills", changed(bill(), **changes)).fingerprint != engine.map("bills", bill()).fingerprint


@pytest.mark.parametrize("number", [Decimal(1), Decimal("1.00"), 1.0])
def test_a_number_is_its_value(number):
    """Integer, float and decimal of one value hash alike, also inside lists and objects."""
    assert fingerprint_of({"a": [{"b": number}]}) == fingerprint_of({"a": [{"b": 1}]})
    assert fingerprint_of({"a": number}) != fingerprint_of({"a": True})


def test_it_is_there_when_the_document_is_not(engine, bill):
    """A held bill has the fingerprint it will have once it can be mapped."""
    whole = engine().map("bills", bill())
    held = engine(suppliers=None, companies=None, cost_centers="source,target\nx,y\n").map(
        "bills", bill(vendorName=None)
    )
    assert held.reasons
    assert held.fingerprint == whole.fingerprint


def test_learned_links_do_not_change_it(engine, vendor):
    """A supplier that got its target id is not another supplier."""
    known = engine().map("vendors", vendor())
    unknown = engine(suppliers="source,target\n").map("vendors", vendor())
    linked = engine(suppliers="source,target\n", links={("suppliers", ORGANIZATION, VENDOR): "S-9"})
    assert linked.map("vendors", vendor()).document.target_id == "S-9"
    assert linked.map("vendors", vendor()).fingerprint == known.fingerprint == unknown.fingerprint


KEYS = {
    "suppliers": (VENDOR, "NWP", "Northwind Paper LLC", "*"),
    "companies": (ORGANIZATION, "*"),
    "spend_categories": (ACCOUNT, "6100", "Office Supplies", "*"),
    "cost_centers": ("Operations", "0de01DEPTAAAAAAA0001", "*"),
    "gl_accounts": (ACCOUNT, "6100"),
}
TABLES = st.fixed_dictionaries(
    {name: st.dictionaries(st.sampled_from(keys), st.sampled_from(["T-1", "T-2"])) for name, keys in KEYS.items()}
)


@settings(
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    max_examples=40,
)
@given(tables=TABLES)
def test_no_edit_of_a_mapping_table_changes_it(tables, bill, references, tmp_path_factory):
    """Whatever the tables say, a bill that did not change has the same fingerprint."""
    folder = tmp_path_factory.mktemp("crosswalk")
    (folder / "bill-workday").mkdir()
    for name, rows in tables.items():
        text = "".join(f"{source},{target}\n" for source, target in rows.items())
        (folder / "bill-workday" / f"{name}.csv").write_text(f"source,target\n{text}", "utf-8")
    found = {
        MapEngine.load("tap-bill", target="workday", crosswalk_dir=at, references=references, links=NoLinks())
        .map("bills", bill())
        .fingerprint
        for at in (folder, tmp_path_factory.getbasetemp() / "no-tables")
    }
    assert len(found) == 1


def test_a_choice_made_by_a_lookup_does_not_change_it(own_map):
    """Fields that follow from another field's look-up keep the source's form as well."""
    text = """
source: try
instance: "'one'"
streams:
  vendors:
    __document__: suppliers
    external_id: id
    target_id: known_supplier(id)
    name: join(' ', name, document.target_id)
    region: "'known' if document.target_id else 'new'"
"""
    record = {"id": "7", "name": "Acme"}
    tables = {"suppliers": "source,target\n7,S-7\n"}
    (known, unknown) = (
        own_map(text).map("vendors", record),
        own_map(text.replace("source: try", "source: bill"), **tables).map("vendors", record),
    )
    assert (known.document.name, unknown.document.name) == ("Acme", "Acme S-7")
    assert known.fingerprint == unknown.fingerprint


def test_a_vendors_change_of_currency_is_a_change(engine, bill, vendor, references):
    """The currency is the bill's, though BILL keeps it on the vendor."""
    engine = engine()
    before = engine.map("bills", bill()).fingerprint
    references.put(ORGANIZATION, "vendors", {VENDOR: vendor(billCurrency="EUR")})
    assert engine.map("bills", bill()).fingerprint != before


def test_without_references_it_is_still_a_fingerprint():
    """A bill whose vendor was never read can be told from a changed one by its reasons, not by a crash."""
    engine = MapEngine.load(
        "tap-bill", target="workday", crosswalk_dir="none", references=MemoryReferences(), links=NoLinks()
    )
    mapped = engine.map("bills", {"id": "1", "organizationId": "8", "vendorId": "9", "amount": 1})
    assert mapped.reasons
    assert len(mapped.fingerprint) == 64
