"""What commands are told of Business Central, by the real client against the sandbox."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from erp_sandbox.environment import environment
from erp_sandbox.world import World
from ml_connector.errors import SettingInvalid
from ml_connector.systems.business_central.access import BusinessCentralAccess

ALWAYS = (dt.date(2000, 1, 1), dt.date(2100, 1, 1))


@pytest.fixture
def box(sandbox):
    """A running sandbox."""
    return sandbox(World.build(vendors=5, bills=6, payments=2, lines=(1, 2)))


@pytest.fixture
def connect(box, tmp_path, monkeypatch):
    """Gives access by the tap's settings, with changes."""
    monkeypatch.setenv("ML_CONNECTOR_STATE_DIR", str(tmp_path))
    opened = []

    def with_settings(**changes):
        prefix = "TAP_BUSINESS_CENTRAL_"
        given = {
            name.removeprefix(prefix).lower(): value
            for name, value in environment(box).items()
            if name.startswith(prefix)
        }
        config = {**given, "requests_per_minute": "60000", **changes}
        opened.append(BusinessCentralAccess.connect(config, plugin="tap-business-central"))
        return opened[-1]

    yield with_settings
    for access in opened:
        access.close()


def test_the_instance_names_tenant_environment_and_company(box, connect):
    """A copied environment has the same companies under the same ids."""
    access = connect()
    company = box.business_central.company()
    assert access.instance == f"business_central:{box.business_central.entra.tenant}/production/{company.id}".lower()


def test_all_lists_are_probed(connect):
    """And all of them are allowed in the sandbox."""
    health = connect().ping()
    assert {probe.outcome for probe in health.probes} == {"ok"}
    assert health.ok
    assert 'company "Acme Services"' in health.words
    assert health.facts["other_companies"] > 0


def test_what_an_environment_lacks_is_absent_and_not_essential(box, connect):
    """Older ones have no approvals, and the beta API may be switched off."""
    box.business_central.behaviour.finance_reports = False
    box.business_central.behaviour.approval_api = False
    health = connect().ping()
    absent = {probe.operation for probe in health.probes if probe.outcome == "absent"}
    assert absent == {"GET vendorLedgerEntries", "GET approvalEntries"}
    assert health.ok


@pytest.mark.parametrize(("versions", "outcome"), [(("v0.5",), "ok"), ((), "absent")])
def test_where_nothing_tells_what_invoices_owe_it_is_said(box, connect, versions, outcome):
    """Any one place is enough; without one, invoices paid in part go out whole, and doctor says so."""
    box.business_central.behaviour.analytics_versions = versions
    (probe,) = [each for each in connect().ping().probes if each.operation == "GET analytics vendorLedgerEntries"]
    assert (probe.outcome, probe.essential, "paid in part" in probe.without) == (outcome, False, True)


def test_one_of_several_companies_has_to_be_named(connect):
    """A command compares one with one."""
    with pytest.raises(SettingInvalid, match='setting "company" is missing'):
        connect(company="").ping()


def test_vendors_come_with_what_they_are_matched_by(box, connect):
    """Number, tax number and country; those blocked altogether are inactive."""
    first, second, *_ = box.business_central.records("vendors")
    box.business_central.edit("vendors", first["id"], blocked="All", taxRegistrationNumber="12-3456780", country="US")
    box.business_central.edit("vendors", second["id"], blocked="Payment")
    parties = {party.id: party for party in connect().suppliers()}
    assert set(parties) == {each["id"] for each in box.business_central.records("vendors")}
    party = parties[first["id"]]
    assert (party.number, party.name) == (first["number"], first["displayName"])
    assert (party.tax_ids, party.country, party.active) == ({"12-3456780"}, "US", False)
    assert parties[second["id"]].active


def test_invoices_come_with_the_record_the_tap_would_give(box, connect):
    """Drafts too; cancelled ones do not stand."""
    invoices = {each["id"]: each for each in box.business_central.invoices()}
    cancelled = next(each for each in invoices.values() if each["status"] == "Open")
    box.business_central.edit("purchaseInvoices", cancelled["id"], status="Canceled")
    views = {view.id: view for view in connect().invoices(*ALWAYS)}
    assert set(views) == set(invoices)
    for view in views.values():
        invoice = invoices[view.id]
        assert view.total == Decimal(invoice["totalAmountIncludingTax"])
        assert (view.number, view.currency) == (invoice["number"], invoice["currencyCode"])
        assert invoice["vendorNumber"] in view.supplier_ids
        assert view.record["purchaseInvoiceLines"] is not None
        assert view.stands is (view.id != cancelled["id"])
        assert view.record["company_id"] == box.business_central.company().id


def test_invoices_are_chosen_by_the_date_on_them(box, connect):
    """Both ends included, and those that have none."""
    invoices = sorted(box.business_central.invoices(), key=lambda each: each["invoiceDate"])
    undated = invoices.pop()
    box.business_central.edit("purchaseInvoices", undated["id"], invoiceDate="0001-01-01")
    first, last = invoices[2]["invoiceDate"], invoices[5]["invoiceDate"]
    found = connect().invoices(dt.date.fromisoformat(first), dt.date.fromisoformat(last))
    wanted = {each["id"] for each in invoices if first <= each["invoiceDate"] <= last}
    assert {view.id for view in found} == wanted | {undated["id"]}


def test_our_mark_is_read_from_the_comment_line(box, connect):
    """There is no field for it."""
    line = box.business_central.records("purchaseInvoiceLines")[0]
    box.business_central.edit("purchaseInvoiceLines", line["id"], lineType="Comment", description="July [ref BILL-7]")
    views = {view.id: view.external_id for view in connect().invoices(*ALWAYS)}
    assert views[line["documentId"]] == "BILL-7"
    assert set(views.values()) == {None, "BILL-7"}
