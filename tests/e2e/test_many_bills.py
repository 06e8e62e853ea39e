"""The promise of the project at its ordinary size: every bill arrives once, exact, whatever is lost afterwards."""

from __future__ import annotations

import pytest
from harness import assert_posted_once, billed_per_currency, totals_per_currency, writes

from erp_sandbox.world import World

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@pytest.mark.parametrize(("bills", "lengths"), [(120, 35), pytest.param(1000, 40, marks=pytest.mark.long)])
def test_all_bills_arrive_once_and_exactly(project, bills, lengths):
    """Bills of 1 to 40 lines in four currencies arrive to the cent; nothing that is lost later posts one twice."""
    here = project(World.plain(bills=bills, lines=(1, 40)))
    assert len({len(bill["billLineItems"]) for bill in here.box.bill.bills()}) >= lengths

    first = here.deliver()
    assert first.code == 0, first.err
    assert first.invoices == {"created": bills}
    assert_posted_once(here)
    totals = totals_per_currency(here.box)
    assert set(totals) == {"USD", "EUR", "JPY", "KWD"}
    assert totals == billed_per_currency(here.box)
    assert {row["currency"]: row["documents"] for row in here.ask("status")["posted"]} == {
        currency: documents for currency, (documents, _) in totals.items()
    }
    assert writes(here.box) == bills

    second = here.deliver()
    assert second.code == 0, second.err
    assert "created" not in second.invoices
    assert writes(here.box) == bills

    here.forget_ledger()
    here.reset_state()
    third = here.deliver()
    assert third.code == 0, third.err
    assert third.invoices == {"found": bills}
    assert writes(here.box) == bills
    assert_posted_once(here)
    assert here.states() == {"posted": bills}
