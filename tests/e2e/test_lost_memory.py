"""Neither a lost ledger nor a lost bookmark posts anything twice or forgets anything."""

from __future__ import annotations

import pytest
from harness import assert_posted_once, writes

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def test_a_lost_ledger_is_learned_anew_by_a_full_refresh(project):
    """With the ledger gone and the bookmark kept, a full refresh finds in Workday what was posted, and posts the rest."""
    here = project()
    assert here.deliver().code == 0
    assert writes(here.box) == 12
    here.forget_ledger()
    vendor = here.world.vendor_id(1)
    line = here.box.bill.bills()[0]["billLineItems"][0]["classifications"]
    new = here.box.bill.add_bill(vendor, [(125, line["chartOfAccountId"], line["departmentId"])])

    refreshed = here.deliver("--full-refresh")
    assert refreshed.code == 0, refreshed.err
    assert refreshed.invoices == {"created": 1, "found": 12}
    assert writes(here.box) == 13
    assert here.box.workday.invoices[-1].supplier_invoice_id == f"BILL-{new['id']}"
    assert_posted_once(here)


def test_a_lost_bookmark_costs_reading_only(project):
    """With the bookmark gone and the ledger kept, everything is read again and nothing is sent."""
    here = project()
    assert here.deliver().code == 0
    here.reset_state()
    again = here.deliver()
    assert again.code == 0, again.err
    assert again.invoices == {"unchanged": 12}
    assert writes(here.box) == 12
    assert_posted_once(here)


def test_a_bill_changed_while_the_ledger_was_lost_is_not_posted_again(project):
    """What is in Workday under a bill's id is never doubled, even when the bill was edited and all memory is gone."""
    here = project()
    assert here.deliver().code == 0
    here.forget_ledger()
    here.reset_state()
    bill = here.box.bill.bills()[0]
    here.box.bill.edit_bill(bill["id"], description="as agreed on the phone")
    again = here.deliver()
    assert again.code == 0, again.err
    assert writes(here.box) == 12
    assert len(here.box.workday.invoices) == 12
