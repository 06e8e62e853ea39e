"""What a document says against itself, before anything is asked of a target."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from ml_connector.delivery.decisions import inconsistencies
from ml_connector.documents import DocumentSource, Payment, PaymentApplication


def payment(amount, *parts, currency="USD"):
    """A payment of invoices: (cash, credit) each."""
    return Payment(
        source=DocumentSource(system="bill", instance="org", stream="payments", id="p1"),
        external_id="BILLPAY-p1",
        supplier="S-1",
        currency=currency,
        amount=Decimal(amount),
        payment_date=dt.date(2026, 10, 1),
        applications=tuple(
            PaymentApplication(invoice=f"BILL-b{number}", amount=Decimal(cash), credit=Decimal(credit))
            for number, (cash, credit) in enumerate(parts, 1)
        ),
    )


@pytest.mark.parametrize(
    ("document", "told"),
    [
        (payment("100.00", ("100.00", "0")), []),
        (payment("100.00", ("60.00", "0"), ("40.00", "7.50")), []),
        (
            payment("100.00", ("60.00", "40.00")),
            ["what it pays of each invoice adds up to 60.00, the total says 100.00"],
        ),
        (
            payment("100.00", ("60.00", "0"), ("50.00", "0")),
            ["what it pays of each invoice adds up to 110.00, the total says 100.00"],
        ),
        (payment("1.005", ("1.005", "0")), ["1.005, 1.005 has more decimals than USD allows"]),
        (payment("1.5", ("1.5", "0"), currency="JPY"), ["1.5, 1.5 has more decimals than JPY allows"]),
        (payment("1", ("1", "0.001")), ["0.001 has more decimals than USD allows"]),
    ],
)
def test_a_payment_adds_up(document, told):
    """Cash per invoice adds up to the cash paid, credits beside it, all in the currency's own decimals."""
    assert [reason.what for reason in inconsistencies(document)] == told
