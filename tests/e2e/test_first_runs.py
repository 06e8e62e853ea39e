"""How a careful company begins: a dry run, a cap, vendor lists compared before any supplier is created."""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3

import pytest
import sqlalchemy as sa
from harness import assert_posted_once, writes

from erp_sandbox.world import World
from ml_connector.ledger.schema import metadata
from ml_connector.ledger.store import Ledger

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def fingerprint(url):
    """A hash of all rows of the ledger."""
    with Ledger(url) as ledger, ledger.read() as connection:
        rows = [list(map(str, connection.execute(sa.select(table)))) for table in metadata.sorted_tables]
    return hashlib.sha256(repr(rows).encode()).hexdigest()


def state(here):
    """Meltano's bookmarks of the pipeline, as its database has them."""
    with contextlib.closing(sqlite3.connect(here.folder / ".meltano" / "meltano.db")) as database:
        rows = database.execute("SELECT completed_state, partial_state FROM state").fetchall()
    return [text for row in rows for text in row if text not in (None, "{}")]


def test_a_dry_run_tells_and_changes_nothing(project):
    """A dry run counts what it would do, writes nothing in Workday, moves no state and leaves the ledger as it was."""
    here = project()
    dry = here.deliver(TARGET_WORKDAY_DRY_RUN="true")
    assert dry.code == 0, dry.err
    assert dry.invoices == {"created": 12}
    assert "dry run, nothing was written" in dry.err
    assert here.box.workday.invoices == []
    assert writes(here.box) == 0
    assert state(here) == []
    assert here.states() == {}

    real = here.deliver()
    assert real.code == 0, real.err
    assert real.invoices == {"created": 12}
    assert "bills" in state(here)[0]
    assert_posted_once(here)

    known, before = fingerprint(here.ledger_url), state(here)
    bill = here.box.bill.bills()[0]
    here.box.bill.add_bill(
        bill["vendorId"], [(100, *(bill["billLineItems"][0]["classifications"][name] for name in
                                   ("chartOfAccountId", "departmentId")))]
    )  # fmt: skip
    later = here.deliver(TARGET_WORKDAY_DRY_RUN="true")
    assert later.invoices["created"] == 1
    assert fingerprint(here.ledger_url) == known
    assert state(here) == before
    assert writes(here.box) == 12


def test_a_dry_run_tells_why_documents_would_be_held(project):
    """A dry run names what is missing, so that tables can be filled before the first real run."""
    here = project(World.demo())
    dry = here.pipe(TARGET_WORKDAY_DRY_RUN="true")
    assert dry.target.code == 0, dry.target.err
    reasons = {reason["what"] for reason in dry.target.summary["held"]}
    assert any('department "Field Ops"' in what for what in reasons)
    assert any("S-00031" in what and "inactive" in what for what in reasons)
    assert any("lines add up to" in what for what in reasons)
    assert here.box.workday.invoices == []
    assert not here.state_path.exists()


def test_a_cap_is_kept_and_the_rest_follows(project):
    """With max_documents=5 three runs post 5, 5 and 2 of 12 bills."""
    here = project(TARGET_WORKDAY_MAX_DOCUMENTS="5")
    counts = []
    for _ in range(3):
        done = here.pipe()
        assert done.target.code == 0, done.target.err
        counts.append(len(here.box.workday.invoices))
    assert counts == [5, 10, 12]
    assert writes(here.box) == 12
    assert_posted_once(here)


def test_missing_suppliers_are_listed_first_and_created_when_told_to(project):
    """By default vendors without a supplier are held and their bills wait; told to create them, all go out, once."""
    here = project(World.demo())
    absent = here.world.absent_in_workday
    first = here.pipe()
    assert first.target.code == 0, first.target.err
    held = here.ask("held")
    assert {row["source_id"] for row in held if row["kind"] == "suppliers"} == {
        here.world.vendor_id(number) for number in absent
    }
    assert here.box.workday.suppliers_created == []
    posted = {invoice.supplier_invoice_id for invoice in here.box.workday.invoices}

    second = here.pipe(TARGET_WORKDAY_MISSING_SUPPLIERS="create")
    assert second.target.code == 0, second.target.err
    assert second.target.summary["counts"]["suppliers"]["created"] == len(absent)
    assert len(here.box.workday.suppliers_created) == len(absent)
    assert len(here.box.workday.invoices) == 171
    assert posted < {invoice.supplier_invoice_id for invoice in here.box.workday.invoices}
    assert len([row for row in here.ask("held") if row["kind"] == "supplier_invoices"]) == 7

    third = here.pipe(TARGET_WORKDAY_MISSING_SUPPLIERS="create")
    assert third.target.code == 0, third.target.err
    assert len(here.box.workday.suppliers_created) == len(absent)
    assert len(here.box.workday.invoices) == 171
