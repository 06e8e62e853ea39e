"""How far invoices are paid: told with each invoice, by payments and, where there is an API client, by WQL."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from tap_workday_documents import invoice
from tap_workday_runs import last_state, oauth, records, run

from erp_sandbox.world import World

WORLD = World.build(vendors=4, bills=1, payments=0)
STREAM = "supplier_invoices"
DAY = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=3)


@pytest.fixture
def box(sandbox):
    """A tenant with three invoices."""
    box = sandbox(WORLD)
    for number in range(1, 4):
        name = f"BILL-{number}"
        box.workday.add_invoice(invoice(name, suppliers_invoice_number=f"R-{number}", invoice_date=DAY))
    return box


def told(messages):
    """What each invoice says of its payment."""
    found = {record["supplier_invoice_id"]: record for record in records(messages, STREAM)}
    return {
        name: (record["payment_status"], record["paid_amount"], record["remaining_amount"])
        for name, record in sorted(found.items())
    }


def total(box, name):
    """What an invoice owes altogether."""
    return box.workday.invoice(name).total


@pytest.mark.parametrize("login", [{}, "oauth"], ids=["password", "api client"])
def test_invoices_tell_what_is_paid_and_what_is_left(box, login):
    """Payments that were voided paid nothing, several add up, a discount counts as paid."""
    whole = total(box, "BILL-3")
    box.workday.pay_invoice("BILL-1", Decimal("1.50"))
    box.workday.pay_invoice("BILL-1", Decimal("2.50"))
    box.workday.pay_invoice("BILL-2", Decimal("1.00"), status="Voided")
    box.workday.pay_invoice("BILL-3", whole)
    assert told(run(box, STREAM, **(oauth() if login else {}))) == {
        "BILL-1": ("PARTIALLY_PAID", Decimal("4.00"), total(box, "BILL-1") - 4),
        "BILL-2": ("UNPAID", 0, total(box, "BILL-2")),
        "BILL-3": ("PAID", whole, 0),
    }


def test_an_invoice_comes_again_when_a_part_of_it_is_paid(box):
    """Nothing else in it has changed; one that stayed the same does not come."""
    first = run(box, STREAM)
    box.workday.pay_invoice("BILL-2", Decimal("1.00"))
    again = run(box, STREAM, state=last_state(first))
    assert list(told(again)) == ["BILL-2"]
    assert told(run(box, STREAM, state=last_state(again))) == {}


@pytest.mark.parametrize("amount", ["1.00", None], ids=["in part", "whole"])
def test_wql_finds_invoices_that_were_paid_though_no_line_changed(box, amount):
    """Where changed lines say which invoices are read, payments say so too."""
    settings = {**oauth(), "invoice_change_source": "wql"}
    first = run(box, STREAM, **settings)
    second = run(box, STREAM, state=last_state(first), **settings)
    paid = total(box, "BILL-2") if amount is None else Decimal(amount)
    box.workday.pay_invoice("BILL-2", paid)
    third = run(box, STREAM, state=last_state(second), **settings)
    status = "PAID" if amount is None else "PARTIALLY_PAID"
    assert told(third) == {"BILL-2": (status, paid, total(box, "BILL-2") - paid)}


def test_without_permission_nothing_is_claimed(box, caplog):
    """Not paid and not known are two things; the invoices are read all the same."""
    box.workday.pay_invoice("BILL-1", Decimal("1.00"))
    box.workday.forbid("Get_Payments")
    assert set(told(run(box, STREAM)).values()) == {(None, None, None)}
    assert "How far invoices are paid cannot be read" in caplog.text


def test_wql_tells_the_state_where_payments_may_not_be_read(box):
    """Then the amounts are not known."""
    box.workday.pay_invoice("BILL-1", Decimal("1.00"))
    box.workday.forbid("Get_Payments")
    assert told(run(box, STREAM, **oauth()))["BILL-1"] == ("PARTIALLY_PAID", None, None)
    assert told(run(box, STREAM, **oauth()))["BILL-2"] == ("UNPAID", None, None)


def test_who_does_not_want_it_asks_for_no_payments(box):
    """The setting switches it off."""
    box.workday.forbid("Get_Payments")
    messages = run(box, STREAM, include_payment_status=False)
    assert all(record.get("payment_status") is None for record in records(messages, STREAM))
