"""Changing the BILL stand-in's data as people and time would."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from erp_sandbox.bill.store import BillStore
from erp_sandbox.clock import Clock
from erp_sandbox.world import World

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def store():
    """Twelve plain bills, in a store whose clock stands still in the past."""
    world = World.plain(vendors=5, bills=12, lines=(1, 3))
    store = BillStore(Clock(LONG_AGO))
    store.add_organization(world.organization(), world.bill_records(), world.policies(), world.documents())
    return store


def test_an_edit_is_the_newest_change_of_all(store):
    """UpdatedTime grows with every edit, also when the clock stands still or is behind the data."""
    first, second = store.bills()[0]["id"], store.bills()[1]["id"]
    for identifier in (first, second, first):
        before = store.bills()[-1]["updatedTime"]
        assert store.edit_bill(identifier, description="edited")["updatedTime"] > before
        assert store.bills()[-1]["id"] == identifier


def test_an_edit_changes_what_it_names_and_nothing_else(store):
    """Other fields, approvers and exact amounts stay; None takes a field away."""
    old = store.bills()[0]
    new = store.edit_bill(old["id"], description="edited", purchaseOrderNumber=None)
    assert new == store.bill(old["id"])
    changed = {name for name in old | new if old.get(name) != new.get(name)}
    assert changed <= {"description", "purchaseOrderNumber", "updatedTime"}
    assert new["description"] == "edited"
    assert "purchaseOrderNumber" not in new


def test_an_edit_may_leave_the_time_alone(store):
    """For trying what happens when BILL does not move updatedTime."""
    old = store.bills()[3]
    assert store.approve_bill(old["id"], touch=False)["updatedTime"] == old["updatedTime"]


def test_archiving_and_restoring_go_with_the_record_status(store):
    """Archived is true for every record status except ACTIVE (sheet bill fact 11)."""
    identifier = store.bills()[0]["id"]
    archived = store.archive_bill(identifier)
    assert (archived["archived"], archived["recordStatus"]) == (True, "INACTIVE")
    restored = store.restore_bill(identifier)
    assert (restored["archived"], restored["recordStatus"]) == (False, "ACTIVE")


@pytest.mark.parametrize(("decide", "status"), [("approve_bill", "APPROVED"), ("deny_bill", "DENIED")])
def test_a_decision_is_signed_by_every_approver(store, decide, status):
    """The bill and each approver carry it."""
    bill = getattr(store, decide)(store.bills()[1]["id"])
    assert bill["approvalStatus"] == status
    assert {approver["status"] for approver in bill["approvers"]} == {status}


def test_the_currency_is_the_vendors(store):
    """Changing it changes the vendor's record alone, and the totals follow."""
    before = store.approved_unpaid_totals()["USD"]
    for vendor in list(store.table("vendors").records()):
        store.set_currency(vendor["id"], "JPY")
    assert store.approved_unpaid_totals() == {"JPY": before}


def test_a_new_bill_is_approved_unpaid_and_adds_up(store):
    """It counts in the totals at once and has an id of its own."""
    vendor = next(store.table("vendors").records())
    account = next(store.table("chart_of_accounts").records())
    before = store.approved_unpaid_totals()[vendor["billCurrency"]]
    bills = [
        store.add_bill(vendor["id"], [(Decimal("10.10"), account["id"], None), (5, account["id"], None)])
        for _ in range(2)
    ]
    after = store.approved_unpaid_totals()[vendor["billCurrency"]]
    assert after["amount"] - before["amount"] == Decimal("30.20")
    assert after["count"] - before["count"] == 2
    assert len({bill["id"] for bill in store.bills()}) == 14
    assert store.bill(bills[0]["id"])["amount"] == Decimal("15.10")


def test_an_unknown_id_is_an_error(store):
    """A test that edits nothing shall fail."""
    with pytest.raises(KeyError):
        store.edit_bill("00n01NOSUCHBILL00001", description="x")


def test_what_is_kept_comes_back(store):
    """Records, approvers, documents and policies survive, and later edits are still the newest."""
    store.edit_bill(store.bills()[0]["id"], description="edited")
    copy = BillStore(Clock(LONG_AGO))
    copy.from_json(store.to_json())
    assert copy.bills() == store.bills()
    assert copy.main.documents == store.main.documents
    assert copy.main.policies == store.main.policies
    assert copy.to_json() == store.to_json()
    newest = copy.bills()[-1]["updatedTime"]
    assert copy.edit_bill(copy.bills()[0]["id"], description="again")["updatedTime"] > newest
