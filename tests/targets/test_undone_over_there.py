"""What people cancel, archive, void or delete in a target is noticed, counts no more, and is never sent again by itself."""

from __future__ import annotations

import datetime as dt
import functools

import bill_documents
import business_central_documents
import pytest
import sqlalchemy as sa
from delivering import run_over

from erp_sandbox import credentials
from erp_sandbox.world import World
from ml_connector.ledger import queries
from ml_connector.ledger.entries import Entry
from ml_connector.ledger.schema import entries
from ml_connector.ledger.store import DEFAULT_URL, Ledger
from target_bill import sinks as sinks_of_bill
from target_business_central import sinks as sinks_of_business_central
from target_workday import sinks as sinks_of_workday
from target_workday.target import TargetWorkday


def to_workday(box, *documents):
    """Deliver to the tenant; return counts by kind and outcome."""
    config = {
        "base_url": box.workday_base_url,
        "tenant": credentials.WORKDAY_TENANT,
        "isu_username": credentials.WORKDAY_ISU_USERNAME,
        "isu_password": credentials.WORKDAY_ISU_PASSWORD,
    }
    return run_over(TargetWorkday(config=config), documents)


def of_workday(box):
    """Return an invoice the tenant takes."""
    seed = box._worlds[0].workday_seed()
    spend = seed.spend_categories[0]
    return bill_documents.invoice(
        line={"spend_category": spend.spend_category_id, "gl_account": spend.ledger_account_id},
        supplier=seed.suppliers[0].supplier_id,
        company=seed.companies[0].company_id,
    )


def cancelled_in_workday(box, wid):
    """Cancel an invoice."""
    box.workday.cancel_invoice(box.workday.invoice_ledger.by_wid(wid).supplier_invoice_id)


def cancelled_in_business_central(box, identifier):
    """Cancel a posted invoice, which sets its status and enters a corrective credit memo."""
    box.business_central.edit("purchaseInvoices", identifier, status="Canceled")


POSTING = functools.partial(business_central_documents.deliver, post_invoices=True)
SYSTEMS = {
    "BILL, archived": (
        bill_documents.deliver,
        lambda _: bill_documents.invoice(),
        lambda box, identifier: box.bill.archive_bill(identifier),
        "was cancelled in BILL",
    ),
    "Workday, canceled": (to_workday, of_workday, cancelled_in_workday, "was cancelled in Workday (Canceled)"),
    "Business Central, canceled": (
        POSTING,
        lambda _: business_central_documents.invoice(),
        cancelled_in_business_central,
        "was cancelled in Business Central (Canceled)",
    ),
    "Business Central, deleted": (
        POSTING,
        lambda _: business_central_documents.invoice(),
        lambda box, identifier: box.business_central.delete("purchaseInvoices", identifier),
        "but Business Central does not show it: it was deleted there",
    ),
}


MONEY = [
    sinks_of_bill.SupplierInvoiceSink,
    sinks_of_bill.PaymentSink,
    sinks_of_business_central.SupplierInvoiceSink,
    sinks_of_business_central.PaymentSink,
    sinks_of_workday.SupplierInvoiceSink,
    sinks_of_workday.PaymentSink,
]


@pytest.mark.parametrize("sink", MONEY, ids=lambda sink: f"{sink.__module__}.{sink.__name__}")
def test_whatever_carries_money_is_watched(sink):
    """Invoices, credits and payments of every target, for as long as most of them can be undone."""
    assert (sink.reads_back, sink.watched >= dt.timedelta(days=30)) == (True, True)


@pytest.fixture
def box(sandbox, tmp_path, monkeypatch):
    """The systems; the ledger of the test is in a folder of its own."""
    business_central_documents.without_documents(monkeypatch)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MELTANO_PROJECT_ROOT", raising=False)
    return sandbox(World.plain(vendors=3, bills=0, lines=(1, 1)))


def known():
    """Return the ledger's row of the invoice, and what stands of it, and what is gone."""
    with Ledger(DEFAULT_URL) as ledger, ledger.read() as connection:
        row = connection.execute(sa.select(entries).where(entries.c.kind == "supplier_invoices")).one()
        totals = queries.posted_totals(connection)
    return Entry.from_row(row), *([each.amount for each in totals if each.gone is gone] for gone in (False, True))


def a_day_passes():
    """Let the next run be one of the day after."""
    day_ago = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
    with Ledger(DEFAULT_URL) as ledger:
        ledger.write(lambda connection: connection.execute(sa.update(entries).values(verified_at=day_ago)))


@pytest.mark.parametrize("system", SYSTEMS)
def test_what_is_undone_is_held_and_counts_no_more(box, system):
    """By the next day's run, with what to do; nothing is entered for it."""
    deliver, document, undo, words = SYSTEMS[system]
    invoice = document(box)
    assert deliver(box, invoice)["supplier_invoices"] == {"created": 1}
    entry, standing, gone = known()
    assert (entry.state, standing, gone) == ("posted", [invoice.total], [])
    undo(box, entry.target_id)
    a_day_passes()
    assert deliver(box, invoice)["supplier_invoices"] == {"held": 1, "unchanged": 1}  # its record is as it was
    entry, standing, gone = known()
    assert (entry.state, entry.target_gone, standing, gone) == ("held", True, [], [invoice.total])
    (reason,) = entry.reasons
    assert words in reason.what
    assert "not posted again by itself" in reason.cure
    a_day_passes()
    assert deliver(box, invoice)["supplier_invoices"] == {"held": 1}
    assert known()[0].target_id == entry.target_id


def test_what_is_put_back_counts_again(box):
    """A bill that is restored was never gone."""
    invoice = bill_documents.invoice()
    bill_documents.deliver(box, invoice)
    identifier = known()[0].target_id
    box.bill.archive_bill(identifier)
    a_day_passes()
    bill_documents.deliver(box, invoice)
    box.bill.restore_bill(identifier)
    bill_documents.deliver(box, invoice)
    entry, standing, gone = known()
    assert (entry.state, entry.reasons, standing, gone) == ("posted", (), [invoice.total], [])


def test_what_approvers_code_anew_is_theirs(box):
    """An invoice that once was what was sent is not held because its lines were split over there, or its date mended."""
    invoice = bill_documents.invoice()
    bill_documents.deliver(box, invoice)
    bill = known()[0].target_id
    (now,) = (each for each in box.bill.bills() if each["id"] == bill)
    box.bill.edit_bill(
        bill,
        billLineItems=[*now["billLineItems"], {**now["billLineItems"][0], "id": "00p01NEW", "amount": 0}],
        invoice={**now["invoice"], "invoiceDate": "2026-10-02"},
    )
    a_day_passes()
    assert bill_documents.deliver(box, invoice)["supplier_invoices"] == {"unchanged": 1}
    assert known()[0].state == "posted"


def test_what_was_changed_over_there_stands_as_it_is(box):
    """Another amount holds it, and is what counts until somebody puts it back."""
    invoice = bill_documents.invoice()
    bill_documents.deliver(box, invoice)
    bill = known()[0].target_id
    box.bill.edit_bill(bill, amount=90)
    a_day_passes()
    assert bill_documents.deliver(box, invoice)["supplier_invoices"] == {"held": 1, "unchanged": 1}
    entry, standing, _ = known()
    assert (entry.state, standing) == ("held", [90])
    assert "total is 90, sent was 100.50" in entry.reasons[0].what
    assert bill_documents.deliver(box, invoice)["supplier_invoices"] == {"held": 1}
    box.bill.edit_bill(bill, amount=100.5)
    bill_documents.deliver(box, invoice)
    entry, standing, _ = known()
    assert (entry.state, standing) == ("posted", [invoice.total])
