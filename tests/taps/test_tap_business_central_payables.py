"""What purchase invoices still owe: noted with each, told again when a part is paid, never guessed."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from business_central_documents import entered, pay_by_hand, without_documents
from tap_business_central_runs import last_state, records, run

from erp_sandbox.world import World
from ml_connector.errors import NotFound
from ml_connector.systems.business_central.companies import Company
from ml_connector.systems.business_central.payables import Owed, Payables

STREAMS = ["purchase_invoices"]


@pytest.fixture
def box(sandbox, tmp_path, monkeypatch):
    """A running company without invoices of its own."""
    monkeypatch.setenv("ML_CONNECTOR_STATE_DIR", str(tmp_path))
    without_documents(monkeypatch)
    return sandbox(World.plain(vendors=20, bills=1, lines=(1, 1)))


def standing(messages):
    """Return what each invoice owes, by the vendor's number for it."""
    names = ("remainingAmount", "remainingAmountLocal", "paidInPart")
    return {
        row["vendorInvoiceNumber"]: tuple(row.get(name) for name in names)
        for row in records(messages, "purchase_invoices")
    }


def paid(box, owed, amount):
    """Pay a part by hand."""
    pay_by_hand(box, owed, amount)
    box.business_central.post_batch("GENERAL")


@pytest.mark.parametrize("versions", [("v1.0", "v0.5"), ("v0.5",)], ids=["new", "old"])
def test_what_is_left_is_noted_with_each_invoice(box, versions):
    """Where the analytics API is there, in whichever version; drafts owe nothing yet."""
    box.business_central.behaviour.analytics_versions = versions
    paid(box, entered(box, number="PART"), "400.00")
    entered(box, number="OPEN")
    entered(box, number="DRAFT", post=False)
    assert standing(run(box, streams=STREAMS)) == {
        "PART": (Decimal(600), Decimal(600), True),
        "OPEN": (Decimal(1000), Decimal(1000), False),
        "DRAFT": (None, None, None),
    }


def test_of_a_foreign_invoice_only_the_local_amount_is_known(box):
    """That a part is paid is known all the same."""
    owed = entered(box, "V00013", "99.95", number="FOREIGN")
    assert owed["currencyCode"] != "USD"
    box.business_central.company().setup.application_between_currencies = True
    paid(box, owed, "40.00")
    amount, local, part = standing(run(box, streams=STREAMS))["FOREIGN"]
    assert (amount, local > 0, part) == (None, True, True)


def test_a_part_payment_is_told_though_the_invoice_is_untouched(box):
    """No stamp tells of it; invoices that nothing was paid of are not read again."""
    owed = entered(box, number="PART")
    entered(box, number="OPEN")
    state = last_state(run(box, streams=STREAMS))
    box.clock.advance(dt.timedelta(hours=1))
    paid(box, owed, "400.00")
    assert standing(run(box, streams=STREAMS, state=state, lookback_seconds=0)) == {
        "PART": (Decimal(600), Decimal(600), True)
    }


def test_without_either_place_nothing_is_claimed(box, caplog):
    """Told once, with what it means."""
    box.business_central.behaviour.analytics_versions = ()
    paid(box, entered(box, number="PART"), "400.00")
    assert standing(run(box, streams=STREAMS)) == {"PART": (None, None, None)}
    assert caplog.text.count("still owe cannot be read") == 1


class Client:
    """Answers lists by their address."""

    def __init__(self, answers):
        self.answers = answers
        self.asked = []

    def rows(self, path, params=None, **_):
        """Return the rows of a list."""
        self.asked.append((path, params))
        if path not in self.answers:
            raise NotFound("business_central", path, "no such resource")
        return iter(self.answers[path])


def test_a_published_page_tells_it_in_the_invoices_currency():
    """Entries stand in the vendor's books with a negative sign; a quote in a company's name is doubled."""
    page = "/ODataV4/Company('O''Hara')/Entries"
    rows = [
        {
            "Document_No": "108001",
            "Remaining_Amount": Decimal("-60.00"),
            "Remaining_Amt_LCY": Decimal("-66.00"),
            "Original_Amount": Decimal("-100.00"),
        },
        {"Document_No": "108002", "Remaining_Amount": Decimal("-5.00"), "Remaining_Amt_LCY": Decimal("-5.50")},
    ]
    client = Client({page: rows})
    owed = Payables(client, Company("c1", "O'Hara", "O'Hara"), "Entries").open()
    assert owed == {
        "108001": Owed(Decimal("66.00"), Decimal("60.00"), touched=True),
        "108002": Owed(Decimal("5.50"), Decimal("5.00")),
    }
    invoice = {"totalAmountIncludingTax": Decimal(100), "currencyId": "eur"}
    owed["108001"].noted(invoice)
    assert (invoice["remainingAmount"], invoice["paidInPart"]) == (Decimal("60.00"), True)
    assert client.asked == [(page, {"$filter": "Document_Type eq 'Invoice' and Open eq true"})]


def test_an_application_that_was_taken_back_leaves_it_whole():
    """Rows that come to nothing together; a rate that was adjusted is no payment either."""
    path = "/api/microsoft/analytics/v1.0/companies(c1)/vendorLedgerEntries"
    kinds = [("Initial Entry", -100), ("Application", 40), ("Application", -40), ("Unrealized Loss", -3)]
    rows = [
        {"vleEntryNo": 7, "dvleEntryType": kind, "dvleAmountLCY": amount, "purchInvHeaderDocumentNo": "1" * (n == 0)}
        for n, (kind, amount) in enumerate(kinds)
    ]
    owed = Payables(Client({path: rows}), Company("c1", "C", "C")).open()
    assert owed == {"1": Owed(Decimal(103), settled=False, touched=True)}
