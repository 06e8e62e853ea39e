"""Payments in the map of BILL: only what a vendor has got is taken, and only for bills that are in the target."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

ORGANIZATION = "00801ORGAAAAAAAA0001"
BILL_ID = "00n01BILLAAAAAAA0001"
OTHER = "00n01BILLAAAAAAA0002"
PAYMENT_FIELDS = {  # sheet bill 3.8, and the organization the tap adds
    "amount", "billId", "billPayments", "confirmationNumber", "createdTime", "disbursementType", "fundingAccount", "id",
    "onlinePayment", "organizationId", "processDate", "singleStatus", "status", "syncReference", "transactionNumber",
    "updatedTime", "vendorId", "vendorName", "voidInfo",
}  # fmt: skip


def linked(*bills):
    """Links of a ledger that has delivered these bills."""
    return {("supplier_invoices", ORGANIZATION, bill): f"BILL-{bill}" for bill in bills or (BILL_ID,)}


def test_a_settled_payment_becomes_a_payment(engine, payment):
    """Cash, day, reference and the invoice it settles, as the ledger knows it."""
    mapped = engine(links=linked()).map("payments", payment())
    assert (mapped.reasons, mapped.unwanted) == ((), None)
    assert mapped.document.model_dump(exclude={"source"}) == {
        "external_id": "BILLPAY-stp01PAYMAAAAAAA0001",
        "number": "EPKZLNTSTYSEUWVALISV",
        "withdrawn": None,
        "supplier": "S-00012",
        "supplier_name": "Northwind Paper LLC",
        "company": "CO-100",
        "currency": "USD",
        "amount": Decimal("228.99"),
        "payment_date": dt.date(2026, 12, 20),
        "method": "ACH",
        "reference": "EPKZLNTSTYSEUWVALISV",
        "bank_account": None,
        "applications": (
            {
                "invoice": f"BILL-{BILL_ID}",
                "invoice_number": None,
                "amount": Decimal("228.99"),
                "credit": Decimal(0),
            },
        ),
    }


def test_a_mapped_payment_can_be_listed_and_found(engine, payment):
    """What lists show comes with it, also while it is held."""
    for links in (linked(), {}):
        mapped = engine(links=links).map("payments", payment())
        assert (mapped.kind, mapped.number, mapped.party) == (
            "payments",
            "EPKZLNTSTYSEUWVALISV",
            "Northwind Paper LLC",
        )
        assert (mapped.currency, mapped.amount, mapped.date) == ("USD", Decimal("228.99"), dt.date(2026, 12, 20))


def test_cash_and_credits_stand_apart(engine, payment):
    """What vendor credits cover is no part of the cash, per bill and in all."""
    parts = [
        {"billId": BILL_ID, "amount": Decimal(200), "vendorCredits": [{"id": "c1", "amount": Decimal("10.50")}]},
        {
            "billId": OTHER,
            "amount": Decimal("28.99"),
            "vendorCredits": [{"id": "c2", "amount": 1}, {"id": "c3", "amount": 2}],
        },
    ]
    mapped = engine(links=linked(BILL_ID, OTHER)).map("payments", payment(billPayments=parts))
    assert mapped.document.amount == mapped.document.applied == Decimal("228.99")
    assert [(each.amount, each.credit) for each in mapped.document.applications] == [
        (Decimal(200), Decimal("10.50")),
        (Decimal("28.99"), Decimal(3)),
    ]


@pytest.mark.parametrize("parts", [None, []])
def test_a_payment_of_a_single_bill_names_it(engine, payment, parts):
    """Where BILL gives no parts the payment is for the one bill it names."""
    record = payment(billPayments=parts, billId=BILL_ID)
    (part,) = engine(links=linked()).map("payments", record).document.applications
    assert (part.invoice, part.amount) == (f"BILL-{BILL_ID}", Decimal("228.99"))


def test_a_payment_waits_for_its_bills(engine, payment):
    """Until every bill is in the target the payment is held, saying which is missing and what to do."""
    parts = [{"billId": bill, "amount": amount} for bill, amount in ((BILL_ID, 200), (OTHER, Decimal("28.99")))]
    mapped = engine(links=linked()).map("payments", payment(billPayments=parts))
    assert mapped.document is None
    assert [reason.to_dict() for reason in mapped.reasons] == [
        {
            "code": "missing_invoice",
            "what": f'BILL bill "{OTHER}" is not in Workday yet',
            "cure": "nothing to do if it is on its way; else deliver it, or add a row to "
            "transforms/crosswalk/bill-workday/supplier_invoices.csv",
            "kind": "supplier_invoice",
            "value": OTHER,
        }
    ]


@pytest.mark.parametrize(
    ("table", "invoice"), [(f"{BILL_ID},SUPIN-7", "SUPIN-7"), ("*,SUPIN-7", None), (f"{OTHER},SUPIN-7", None)]
)
def test_a_bill_that_was_entered_by_hand_may_be_named(engine, payment, table, invoice):
    """By its id only: a row for everything else would settle a stranger's invoice."""
    mapped = engine(supplier_invoices=f"source,target\n{table}\n").map("payments", payment())
    assert (mapped.document.applications[0].invoice if mapped.document else None) == invoice


@pytest.mark.parametrize(
    ("changes", "given", "unwanted"),
    [
        ({}, {}, None),
        ({"singleStatus": "SENT"}, {}, "not settled (SENT)"),
        ({"singleStatus": "SENT"}, {"payment_states": ["CLEARED", "SENT"]}, None),
        ({"singleStatus": None}, {}, "not settled (not given)"),
        ({"singleStatus": "PARTIALLY_CLAIMED"}, {}, "not settled (PARTIALLY_CLAIMED)"),
        ({"singleStatus": "VOIDED", "status": "VOID"}, {}, "not settled (VOIDED)"),
        ({"singleStatus": "FUNDING_FAILED_ACTION_NEEDED"}, {}, "not settled (FUNDING_FAILED_ACTION_NEEDED)"),
        (
            {"onlinePayment": False, "syncReference": "WORKDAY-1"},
            {},
            "recorded in BILL by another system (WORKDAY-1)",
        ),
        ({"onlinePayment": False}, {}, None),
    ],
)
def test_only_settled_payments_are_wanted(engine, payment, changes, given, unwanted):
    """And none that another system has noted in BILL, or it would be recorded there a second time."""
    engine = engine(settings=given, links=linked())
    assert engine.unwanted("payments", payment(**changes)) == unwanted
    assert engine.map("payments", payment(**changes)).unwanted == unwanted


@pytest.mark.parametrize(
    ("changes", "withdrawn"),
    [
        ({}, None),
        ({"singleStatus": "SENT"}, None),
        ({"singleStatus": "FUNDING_FAILED_ACTION_NEEDED"}, None),
        ({"voidInfo": [{"status": "TO_BE_PROCESSED"}]}, None),
        ({"singleStatus": "VOIDED", "status": "VOID"}, "payment is VOIDED"),
        ({"singleStatus": "CANCELED"}, "payment is CANCELED"),
        ({"singleStatus": "FUNDING_FAILED_VOIDED"}, "payment is FUNDING_FAILED_VOIDED"),
        ({"singleStatus": "FUNDS_ESCHEATED"}, "payment is FUNDS_ESCHEATED"),
        ({"singleStatus": "PARTIALLY_CLAIMED"}, "payment is PARTIALLY_CLAIMED"),
        (
            {"singleStatus": "DISBURSEMENT_FAILED_VENDOR_BANK_REJECTED"},
            "payment is DISBURSEMENT_FAILED_VENDOR_BANK_REJECTED",
        ),
        ({"status": "VOID"}, "payment is VOID"),
    ],
)
def test_a_payment_the_vendor_does_not_have_is_withdrawn(engine, payment, changes, withdrawn):
    """Void, return and partial claim show as a change; the wish for a void does not."""
    engine = engine(links=linked())
    mapped = engine.map("payments", payment(**changes))
    assert mapped.document.withdrawn == withdrawn
    assert (mapped.fingerprint != engine.map("payments", payment()).fingerprint) is (withdrawn is not None)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"amount": None}, "has no amount"),
        ({"amount": Decimal("1.005")}, ": amount 1.005 has more decimals than USD has (2)"),
        ({"processDate": None}, "has no payment date"),
        ({"billPayments": None}, "has no bill on line 1"),
        (
            {"billPayments": [{"billId": BILL_ID, "amount": 1, "vendorCredits": "none"}]},
            ": line 1 credit is not a list of records: 'none'",
        ),
        (
            {"billPayments": [{"billId": BILL_ID, "amount": 1, "vendorCredits": [{"amount": "x"}]}]},
            ": line 1 credit is not a number: 'x'",
        ),
    ],
)
def test_bad_content_holds_the_payment(engine, payment, changes, reason):
    """What is missing or malformed is a reason that names the payment."""
    mapped = engine(links=linked()).map("payments", payment(**changes))
    assert mapped.document is None
    whats = [each.what for each in mapped.reasons]
    said = "" if reason.startswith(":") else " "
    assert f"BILL payment EPKZLNTSTYSEUWVALISV{said}{reason}" in whats


def test_the_map_reads_only_fields_payments_have(engine):
    """Nothing in the map of payments is misspelt."""
    assert engine().unknown_fields("payments", PAYMENT_FIELDS) == []
