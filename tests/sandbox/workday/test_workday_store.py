"""The tenant as an object: snapshots, indexes, currencies, seeds."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from erp_sandbox.workday.codec import amount_text, date_text, moment_text
from erp_sandbox.workday.currencies import minor_units
from erp_sandbox.workday.documents import Invoice, InvoiceLine
from erp_sandbox.workday.ledger import DocumentLedger
from erp_sandbox.workday.store import WorkdayStore

FIRST, LAST = datetime.fromisoformat("2020-01-01"), datetime.fromisoformat("2030-01-01")


def _invoice(number, day, supplier="S-1", amount="1"):
    now = datetime(2026, 3, 1, tzinfo=UTC)
    line = InvoiceLine("1", "1", "", "Services", Decimal(0), Decimal(0), Decimal(amount), "", {})
    return Invoice(
        wid=f"{number}",
        supplier_invoice_id=f"I-{number}",
        invoice_number=f"{number}",
        company="CO-100",
        currency="USD",
        supplier=supplier,
        suppliers_invoice_number=f"N-{number}",
        invoice_date=day,
        control_amount_total=Decimal(0),
        status="APPROVED",
        submitted=True,
        locked=False,
        created_at=now,
        updated_at=now,
        lines=[line],
    )


def test_a_snapshot_brings_everything_back(tenant, xml, seed):
    """Another store goes on where the first one stopped: documents, ids, sequences and duplicates."""
    tenant.store.add_worktag("Project_ID", "PRJ-12")
    tenant.submit()
    tenant.submit(Supplier_Invoice_ID=None, Suppliers_Invoice_Number="INV-2")
    tenant.send(xml.supplier())
    tenant.send(xml.adjustment())
    tenant.store.inactivate_cost_center("CC-420")
    tenant.store.close_period(2025, 12)
    other = WorkdayStore(seed)
    other.from_json(tenant.store.to_json())
    assert other.to_json() == tenant.store.to_json()
    assert other.totals() == tenant.store.totals()
    assert other.invoice("BILL-1") == tenant.store.invoice("BILL-1")
    assert other.adjustments == tenant.store.adjustments
    assert [each.supplier_id for each in other.suppliers_created] == ["BILL-V1"]
    assert other.invoice_ledger.using_number("S-1", "INV-1") == [other.invoice("BILL-1")]
    assert other.next_number("SUPPLIER_INVOICE-3") == 2
    assert not other.cost_centers["CC-420"].active
    assert other.instances.find(("Project",), "Project_ID", "PRJ-12") is not None


def test_a_restored_tenant_still_refuses_what_it_has(tenant, xml, seed):
    """After a restart a known id is still refused."""
    tenant.submit()
    tenant.store.from_json(tenant.store.to_json())
    assert tenant.submit().status == 500
    assert tenant.store.count() == 1


@given(
    st.lists(st.dates(date(2026, 1, 1), date(2026, 1, 20)), max_size=30),
    st.none() | st.dates(date(2026, 1, 1), date(2026, 1, 20)),
    st.none() | st.dates(date(2026, 1, 1), date(2026, 1, 20)),
)
def test_the_date_index_finds_what_a_scan_finds(days, first, last):
    """A window over the index equals a scan over all documents."""
    ledger = DocumentLedger([_invoice(number, day) for number, day in enumerate(days)])
    found = {each.wid for each in ledger.between(first, last)}
    scanned = {
        each.wid
        for each in ledger.all
        if (first is None or first <= each.invoice_date) and (last is None or each.invoice_date <= last)
    }
    assert found == scanned


def test_a_changed_document_is_indexed_anew():
    """After a change of date and number only the new ones find it."""
    ledger = DocumentLedger([_invoice(1, date(2026, 1, 1)), _invoice(2, date(2026, 1, 1))])
    ledger.change(ledger.by_wid("1"), {"invoice_date": date(2026, 2, 1), "suppliers_invoice_number": "X"})
    assert [each.wid for each in ledger.between(date(2026, 1, 1), date(2026, 1, 31))] == ["2"]
    assert ledger.using_number("S-1", "N-1") == []
    assert [each.wid for each in ledger.using_number("S-1", "x")] == ["1"]


def test_an_unknown_field_cannot_be_edited(tenant):
    """A misspelled field is an error, not a silent new attribute."""
    tenant.submit()
    with pytest.raises(AttributeError, match="no memmo"):
        tenant.store.edit_invoice("BILL-1", memmo="x")


def test_a_seed_may_use_a_currency_that_is_not_listed(seed):
    """A company in an unlisted currency makes that currency known, with two decimals."""
    company = replace(seed.companies[0], currency="EGP")
    store = WorkdayStore(replace(seed, companies=(company,)))
    assert store.instances.get("Currency", "EGP").id == "EGP"
    assert (minor_units("EGP"), minor_units("JPY")) == (2, 0)


def test_wids_differ_between_tenants(seed):
    """The same supplier has another WID in another tenant."""
    other = replace(seed, tenant="acme")
    assert WorkdayStore(seed).suppliers["S-1"].wid != WorkdayStore(other).suppliers["S-1"].wid
    assert WorkdayStore(seed).suppliers["S-1"].wid == WorkdayStore(seed).suppliers["S-1"].wid


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**12), max_value=10**12))
def test_amounts_are_printed_exactly(value):
    """The printed amount is the same number, plain and without trailing zeros."""
    text = amount_text(value)
    assert Decimal(text) == value
    assert "E" not in text.upper()
    assert not ("." in text and text.endswith("0"))


@pytest.mark.parametrize(
    "day, text",
    [
        (date(2026, 3, 8), "2026-03-08-08:00"),
        (date(2026, 3, 9), "2026-03-09-07:00"),
        (date(2026, 11, 1), "2026-11-01-07:00"),
        (date(2026, 11, 2), "2026-11-02-08:00"),
    ],
)
def test_dates_carry_the_offset_of_their_midnight(day, text):
    """The offset follows daylight saving time."""
    assert date_text(day) == text


@given(st.datetimes(FIRST, LAST, timezones=st.just(UTC)))
def test_moments_are_printed_without_changing_them(moment):
    """A printed moment is the same instant, to the millisecond."""
    read = datetime.fromisoformat(moment_text(moment))
    assert timedelta() <= moment - read < timedelta(milliseconds=1)
