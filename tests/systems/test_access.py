"""What commands are told of each system, by the real clients against the sandbox."""

from __future__ import annotations

import dataclasses
import datetime as dt
import logging
from decimal import Decimal

import pytest

from erp_sandbox.environment import environment
from erp_sandbox.workday.documents import Adjustment, Invoice, InvoiceLine
from erp_sandbox.world import supplier_id
from ml_connector.errors import SettingInvalid
from ml_connector.system.access import typed
from ml_connector.systems.bill.access import BillAccess
from ml_connector.systems.bill.settings import BillSettings
from ml_connector.systems.workday.access import WorkdayAccess
from ml_connector.systems.workday.settings import WorkdaySettings

DAY = dt.date(2026, 9, 15)


@pytest.fixture
def box(sandbox):
    """A running sandbox."""
    return sandbox()


@pytest.fixture
def settings(box):
    """The settings of a plugin that lead to the sandbox."""

    def of(plugin):
        prefix = f"{plugin}_".upper().replace("-", "_")
        return {
            name.removeprefix(prefix).lower(): value
            for name, value in environment(box).items()
            if name.startswith(prefix)
        }

    return of


@pytest.fixture
def bill(settings):
    """Access to the sandbox's BILL."""
    access = BillAccess.connect(settings("tap-bill"), plugin="tap-bill")
    yield access
    access.close()


@pytest.fixture
def workday(settings):
    """Access to the sandbox's Workday."""
    access = WorkdayAccess.connect(settings("target-workday"), plugin="target-workday")
    yield access
    access.close()


def all_bills(bill):
    """Return all bills by id."""
    return {view.id: view for view in bill.invoices(dt.date(2026, 1, 1), dt.date(2027, 1, 1))}


def document(kind=Invoice, **changes):
    """Return an invoice or adjustment as Workday would keep it."""
    line = InvoiceLine("L-1", "1", "Paper", "Office_Supplies", Decimal(1), Decimal(80), Decimal(80), "", {})
    basics = kind(
        wid="",
        supplier_invoice_id="BILL-1",
        invoice_number="BILL-1",
        company="CO-100",
        currency="USD",
        supplier=supplier_id(1),
        suppliers_invoice_number="INV-1",
        invoice_date=DAY,
        control_amount_total=Decimal("80.00"),
        status="APPROVED",
        submitted=True,
        locked=False,
        created_at=dt.datetime(2026, 9, 16, tzinfo=dt.UTC),
        updated_at=dt.datetime(2026, 9, 16, tzinfo=dt.UTC),
        lines=[line],
    )
    return dataclasses.replace(basics, **changes)


def test_a_bill_carries_its_vendors_currency_and_its_record(box, bill):
    """BILL keeps no currency on the bill; the record is what the tap would give the map."""
    one = box.bill.bills()[0]
    box.bill.set_currency(one["vendorId"], "CHF")
    view = all_bills(bill)[one["id"]]
    assert (view.currency, view.total, view.number) == ("CHF", one["amount"], one["invoice"]["invoiceNumber"])
    assert view.supplier_ids == {one["vendorId"]}
    assert view.record["organizationId"] == box.bill.main.id
    assert "approvers" in view.record


@pytest.mark.parametrize(
    ("changes", "stands", "status"),
    [
        ({}, True, "approved, unpaid"),
        ({"paymentStatus": "PAID"}, True, "approved, paid"),
        ({"approvalStatus": "ASSIGNED"}, True, "assigned, unpaid"),
        ({"approvalStatus": "DENIED"}, False, "denied, unpaid"),
        ({"archived": True, "recordStatus": "INACTIVE"}, False, "archived"),
        ({"archived": True, "recordStatus": None}, False, "archived"),
        ({"archived": True, "recordStatus": "DRAFT"}, False, "draft"),
    ],
)
def test_a_bill_stands_unless_archived_denied_or_a_draft(box, bill, changes, stands, status):
    """Where there is a recordStatus it decides: a draft reads archived, too (sheet bill 0, fact 11)."""
    one = box.bill.bills()[0]
    box.bill.edit_bill(one["id"], **changes)
    view = all_bills(bill)[one["id"]]
    assert (view.stands, view.status) == (stands, status)


def test_bills_are_chosen_by_invoice_date(box, bill):
    """Only the dates asked for come, both ends included."""
    days = sorted(each["invoice"]["invoiceDate"] for each in box.bill.bills())
    first, last = dt.date.fromisoformat(days[2]), dt.date.fromisoformat(days[5])
    assert sorted(view.date.isoformat() for view in bill.invoices(first, last)) == [
        day for day in days if days[2] <= day <= days[5]
    ]


def test_a_bill_made_by_us_shows_its_mark(box, bill):
    """BILL has no field for our id; target-bill leaves it at the end of the description."""
    one = box.bill.bills()[0]
    box.bill.edit_bill(one["id"], description="Paper [ref WORKDAY-4711]")
    assert all_bills(bill)[one["id"]].external_id == "WORKDAY-4711"


def test_vendors_come_once_and_archived_ones_as_inactive(box, bill):
    """Every vendor, with its short name as number, its tax number and country."""
    one = box.bill.main.tables["vendors"].records()
    vendor = next(one)
    box.bill.edit_vendor(vendor["id"], archived=True, shortName="ACME", additionalInfo={"taxId": "12-3456780"})
    parties = {party.id: party for party in bill.suppliers()}
    assert len(parties) == 5
    party = parties[vendor["id"]]
    assert (party.active, party.number, party.tax_ids) == (False, "ACME", {"12-3456780"})
    assert party.country == vendor["address"]["country"]


def test_a_list_the_user_may_not_read_is_denied_and_the_rest_still_tried(box, bill):
    """Permission is per operation; the organization's name is a courtesy."""
    box.bill.rules.denied |= {"payments.list", "organizations.get"}
    health = bill.ping()
    outcomes = {probe.operation: probe.outcome for probe in health.probes}
    assert outcomes.pop("GET /v3/payments") == "denied"
    assert set(outcomes.values()) == {"ok"}
    assert health.ok


def test_an_invoice_carries_all_ids_of_its_supplier(box, workday):
    """Mapping tables may name a supplier by any of its ids."""
    box.workday.add_invoice(document())
    (view,) = workday.invoices(DAY, DAY)
    assert supplier_id(1) in view.supplier_ids
    assert any(len(each) == 32 for each in view.supplier_ids)
    assert (view.external_id, view.supplier_number, view.total, view.currency) == ("BILL-1", "INV-1", 80, "USD")
    assert (view.stands, view.status) == (True, "approved")


def test_a_credit_counts_negative(box, workday):
    """Adjustments that lower the liability are part of what is held, with their sign."""
    box.workday.add_adjustment(document(Adjustment, adjustment_reason="OTHER_TERMS"))
    (view,) = workday.invoices(DAY, DAY)
    assert view.total == -80


def test_a_cancelled_invoice_does_not_stand(box, workday):
    """What was cancelled is still shown, and owes nothing."""
    box.workday.add_invoice(document(status="CANCELED"))
    (view,) = workday.invoices(DAY, DAY)
    assert not view.stands


def test_adjustments_that_may_not_be_read_are_left_out_with_a_warning(box, workday, caplog):
    """Invoices are compared all the same; invoices that may not be read would stop it."""
    box.workday.add_invoice(document())
    box.workday.forbid("Get_Supplier_Invoice_Adjustments")
    with caplog.at_level(logging.WARNING):
        assert len(list(workday.invoices(DAY, DAY))) == 1
    assert "credits are left out" in caplog.text


def test_suppliers_come_without_worktags_and_with_what_they_are_matched_by(box, workday):
    """Ids, tax numbers, external id and state."""
    box.workday.inactivate_supplier(supplier_id(2))
    parties = {party.id: party for party in workday.suppliers()}
    assert "S-90001" not in parties
    assert parties[supplier_id(1)].tax_ids == {"000000001"}
    assert parties[supplier_id(2)].active is False
    assert parties[supplier_id(1)].aliases


@pytest.mark.parametrize(
    ("settings_class", "given", "wanted"),
    [
        (
            BillSettings,
            {"max_concurrency": "3", "wait_for_quota": "true"},
            {"max_concurrency": 3, "wait_for_quota": True},
        ),
        (BillSettings, {"request_timeout": "2.5", "dev_key": "123"}, {"request_timeout": 2.5, "dev_key": "123"}),
        (
            WorkdaySettings,
            {"requests_per_minute": "60", "tenant": "acme", "fail_on": "any"},
            {"requests_per_minute": 60, "tenant": "acme"},
        ),
        (WorkdaySettings, {"page_size": "", "tenant": None}, {}),
    ],
)
def test_text_becomes_what_the_setting_is(settings_class, given, wanted):
    """Variables are text; settings have types, and what is no setting of the system is left alone."""
    assert typed(settings_class, given, plugin="tap-bill") == wanted


def test_a_value_of_the_wrong_kind_names_its_variable():
    """One line what, one line cure; the value is not repeated, it may be a secret."""
    with pytest.raises(SettingInvalid, match="TAP_BILL_PAGE_SIZE") as error:
        typed(BillSettings, {"page_size": "secret-word"}, plugin="tap-bill")
    assert "secret-word" not in str(error.value)


def test_a_tenant_that_cannot_be_written_to_is_told(workday, monkeypatch):
    """Reading is no use where the version has no operation to post with."""
    offering = type(workday._client).offering

    def without_submit(client, *candidates):
        if candidates[0][1] == "Submit_Supplier_Invoice":
            raise SettingInvalid("Workday has no operation Submit_Supplier_Invoice.", "")
        return offering(client, *candidates)

    monkeypatch.setattr(type(workday._client), "offering", without_submit)
    (probe,) = [each for each in workday.ping().probes if each.operation == "Get_Supplier_Invoices"]
    assert (probe.outcome, "Submit_Supplier_Invoice" in probe.detail) == ("absent", True)


@pytest.mark.contract
def test_every_probe_fits_the_real_contract(contracts_dir, box, settings):
    """The tenant serves the WSDLs of the contract folder and checks every request against their schemas."""
    box.workday.serve_wsdl(contracts_dir / "workday")
    config = {**settings("tap-workday"), "_select": ["*.*"], "payment_recording": "ad_hoc_payment"}
    access = WorkdayAccess.connect(config, plugin="tap-workday")
    probes = access.ping().probes
    access.close()
    assert {probe.outcome for probe in probes} == {"ok"}
    assert len(probes) == 17
