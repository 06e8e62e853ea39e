"""Payments BILL has made: left out by default, recorded once where that is asked for."""

from __future__ import annotations

import datetime as dt
import json

import pytest
import sqlalchemy as sa

from erp_sandbox.world import World
from ml_connector.ledger.schema import entries
from ml_connector.ledger.store import Ledger

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

WORLD = World.build(vendors=6, bills=14, payments=10, lines=(1, 2))
ALL_BILLS = {"payment_status": ["UNPAID", "PARTIALLY_PAID", "SCHEDULED", "IN_PROCESS", "PAID"]}
RECORDING = {
    "TARGET_WORKDAY_PAYMENT_RECORDING": "ad_hoc_payment",
    "TARGET_WORKDAY_PAYMENT_BANK_ACCOUNT": "BA-BILL-CLEARING",
    "TARGET_WORKDAY_PAYMENT_CLEARING_CATEGORY": WORLD.workday_seed().spend_categories[0].spend_category_id,
    "TARGET_WORKDAY_OVERRIDE_PAYMENT_TYPE": "PAID_OUTSIDE",
    "TARGET_WORKDAY_MAP_SETTINGS": json.dumps(ALL_BILLS),
}


def settled(here):
    """BILL's settled payments of bills that Workday has, by their external id."""
    posted = {invoice.supplier_invoice_id for invoice in here.box.workday.invoices}
    return {
        f"BILLPAY-{payment['id']}": payment
        for kind, payment in here.world.bill_records()
        if kind == "payments" and payment["singleStatus"] == "CLEARED" and f"BILL-{payment['billId']}" in posted
    }


def kept(here):
    """The states of the payments in the ledger."""
    with Ledger(here.ledger_url) as ledger, ledger.read() as connection:
        return list(connection.execute(sa.select(entries.c.state).where(entries.c.kind == "payments")).scalars())


def test_by_default_nothing_is_kept_of_payments(project):
    """One line says so, and no document waits for ever."""
    here = project(WORLD)
    done = here.pipe().target
    assert done.code == 0, done.err
    assert "target-workday takes no payments" in done.err
    assert (kept(here), here.box.workday.ad_hoc_payments) == ([], {})


def test_settled_payments_are_recorded_once(project):
    """After their bills, in the same run; the next run does nothing, not even where one was cancelled: that is held."""
    here = project(WORLD, **RECORDING)
    done = here.pipe().target
    assert done.code == 0, done.err
    wanted = settled(here)
    assert wanted
    recorded = here.box.workday.ad_hoc_payments
    assert {name: payment.control_total for name, payment in recorded.items()} == {
        name: payment["amount"] for name, payment in wanted.items()
    }
    assert {invoice.override_payment_type for invoice in here.box.workday.invoices} == {"PAID_OUTSIDE"}
    requests = here.box.workday.requests["Submit_Ad_Hoc_Payment"]
    here.forget_ledger()
    here.state_path.unlink(missing_ok=True)
    again = here.pipe().target
    assert again.summary["counts"]["payments"]["found"] == len(wanted)
    cancelled = min(recorded)
    here.box.workday.cancel_ad_hoc_payment(cancelled)
    with Ledger(here.ledger_url) as ledger:
        a_day_ago = sa.update(entries).values(verified_at=dt.datetime.now(dt.UTC) - dt.timedelta(days=1))
        ledger.write(lambda connection: connection.execute(a_day_ago.where(entries.c.kind == "payments")))
    here.pipe()
    (held,) = [each for each in here.ask("held") if each["kind"] == "payments"]
    assert f"{cancelled} was cancelled in Workday (Canceled)" in json.dumps(held)
    assert here.box.workday.requests["Submit_Ad_Hoc_Payment"] == requests


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        ("TARGET_WORKDAY_PAYMENT_BANK_ACCOUNT", 'setting "payment_bank_account" is missing'),
        ("TARGET_WORKDAY_OVERRIDE_PAYMENT_TYPE", 'settings "on_hold" (false) and "override_payment_type" (not set)'),
    ],
)
def test_half_the_settings_are_refused_before_anything_is_taken(project, missing, words):
    """In one line, with the cure."""
    here = project(WORLD, **RECORDING)
    done = here.target(
        {"type": "SCHEMA", "stream": "payments", "schema": {"properties": {}}, "key_properties": ["id"]},
        {"type": "RECORD", "stream": "payments", "record": {"id": "p", "organizationId": "o"}},
        **{missing: None},
    )
    assert done.code == 1
    assert words in done.err
