"""Records become durable, and only news becomes work."""

from __future__ import annotations

from decimal import Decimal

import pytest
import sqlalchemy as sa
from ledger_doubles import bill

from ml_connector.ledger import leftout
from ml_connector.ledger.binder import LedgerLinks, LedgerReferences
from ml_connector.ledger.entries import read
from ml_connector.ledger.intake import Intake
from ml_connector.ledger.schema import entries, source_records


def test_new_and_changed_and_unchanged_records_are_told_apart(bench):
    """A record counts as new once, as changed when its content differs, else as unchanged."""
    assert bench.take(bill("1"), bill("2"))["new"] == 2
    bench.deliver()
    counts = bench.take(bill("1"), bill("2", "200.00", version="2"))
    assert (counts["unchanged"], counts["changed"]) == (1, 1)


def test_a_record_the_filter_leaves_out_leaves_a_trace(bench):
    """It is counted each time with the condition, and found by number, id, vendor and amount."""
    for _ in range(2):
        assert bench.take(bill("1", "7.50", vendor="V9", paid=True)) == {"read": 1, "left_out": 1}
    with bench.ledger.read() as connection:
        for found in (
            leftout.named(connection, "INV-1"),
            leftout.named(connection, "1"),
            leftout.called(connection, "%v9%", None),
            leftout.called(connection, "", Decimal("7.50")),
        ):
            (one,) = found
            assert (one.kind, one.why, one.label, one.party) == ("supplier_invoices", "paid", "INV-1", "V9")


def test_the_trace_is_one_row_that_is_written_when_there_is_news(bench):
    """A record read again unchanged costs no write; one that changed replaces its row; one that is wanted ends it."""
    written = []
    sa.event.listen(
        bench.ledger.engine, "before_cursor_execute", lambda *given: written.append(given[2].split(maxsplit=1)[0])
    )
    bench.take(bill("1", paid=True))
    written.clear()
    bench.take(bill("1", paid=True))
    assert "INSERT" not in written
    bench.take(bill("1", "200.00", paid=True, version="2"))
    with bench.ledger.read() as connection:
        assert [row.version[:10] for row in leftout.named(connection, "1")] == ["2026-09-02"]
    bench.take(bill("1", "200.00", version="3"))
    with bench.ledger.read() as connection:
        assert leftout.named(connection, "1") == []


def test_an_older_version_does_not_change_the_trace(bench):
    """What arrives out of order says nothing new of a record that was left out either."""
    bench.take(bill("1", "200.00", paid=True, version="5"))
    bench.take(bill("1", "100.00", paid=True, version="4"))
    with bench.ledger.read() as connection:
        assert leftout.named(connection, "1")[0].amount == Decimal("200.00")


def test_held_document_that_is_no_longer_wanted_is_dropped_and_comes_back(bench):
    """A held bill that gets paid is left alone, and is delivered if the payment is undone."""
    bench.take(bill("1", vendor="V2"))
    bench.deliver()
    bench.take(bill("1", vendor="V2", paid=True, version="2"))
    assert bench.deliver() == {"left_out": 1}
    bench.map.suppliers["V2"] = "S-2"
    bench.take(bill("1", vendor="V2", version="3"))
    assert bench.deliver() == {"created": 1}


def test_what_a_person_ignored_stays_ignored(bench):
    """A change of the source does not take up again what a person has settled."""
    from ml_connector.ledger.queries import ignore

    bench.take(bill("1", vendor="V2"))
    bench.deliver()
    ignore(bench.ledger, [bench.entry("1")], reason="entered by hand", actor="tester")
    bench.take(bill("1", "300.00", version="2"))
    assert bench.deliver() == {}
    assert bench.entry("1").state == "ignored"


def test_older_version_does_not_replace_a_newer_one(bench):
    """Records that arrive out of order leave the newest version in place."""
    bench.take(bill("1", "200.00", version="5"))
    bench.take(bill("1", "100.00", version="4"))
    assert '"amount":200.00' in bench.entry("1").record


def test_change_during_an_uncertain_posting_is_not_lost(bench):
    """A new version that arrives while the outcome of the old one is unknown is compared once that is known."""
    bench.take(bill("1"))
    bench.deliver()
    bench.tamper("1", state="posting", uncertain=True, target_id=None)
    bench.take(bill("1", "150.00", version="2"))
    assert bench.entry("1").state == "posting"
    assert bench.deliver() == {"held": 1}
    assert bench.entry("1").reasons[0].code == "changed_after_posting"


def test_amounts_survive_the_ledger_exactly(bench):
    """Digits of an amount come out of the ledger as they went in."""
    bench.take(bill("1", "0.10"))
    assert '"amount":0.10' in bench.entry("1").record


def test_references_are_remembered_across_runs(bench):
    """A reference record is found again by another process, in its newest version."""
    bench.take({"id": "V1", "name": "Old"}, {"id": "V1", "name": "New"}, stream="vendors")
    bench.reopen()
    references = LedgerReferences(bench.ledger, system=lambda: "bill")
    assert references.get("org", "vendors", "V1")["name"] == "New"
    assert references.get("org", "vendors", "V9") is None


def test_delivered_supplier_is_a_link(bench):
    """Once a supplier is in the target, the source's vendor leads to it."""
    bench.suppliers.known["Acme"] = "S-77"
    bench.take({"id": "V7", "name": "Acme"}, stream="vendors")
    bench.deliver()
    links = LedgerLinks(bench.ledger, "test:one", system=lambda: "bill")
    assert links.linked("suppliers", "org", "V7") == "S-77"
    assert links.linked("suppliers", "org", "BILL-V7") == "S-77"
    assert links.linked("suppliers", "org", "V8") is None


@pytest.mark.parametrize("count", [499, 500, 501, 1203])
def test_batches_of_any_size_are_taken_whole(bench, count):
    """Every record is kept, whatever the size of the last batch."""
    assert bench.take(*(bill(str(n)) for n in range(count)))["new"] == count


@pytest.mark.parametrize("what", ["document", "reference"])
def test_a_record_that_cannot_be_written_is_set_aside_and_the_others_are_kept(bench, monkeypatch, what):
    """A defect of ours in writing one record of a batch holds that record, with a number; the others are durable."""
    intake = Intake(bench.ledger, "test:one", bench.map, LedgerReferences(bench.ledger, system=lambda: "bill"))
    if what == "document":
        store = intake._store
        monkeypatch.setattr(
            intake, "_store", lambda connection, items: fails_on("3", items) or store(connection, items)
        )
        stream, records = "bills", [bill(str(number)) for number in range(6)]
    else:
        put = intake._references.put
        monkeypatch.setattr(
            intake._references, "put", lambda i, s, records: fails_on("3", records) or put(i, s, records)
        )
        stream, records = "vendors", [{"id": str(number), "org": "o1", "name": "A"} for number in range(6)]
    for record in records:
        intake.add(stream, record)
    intake.flush()
    (number,) = intake.defects
    with bench.ledger.read() as connection:
        kept = read(connection, sa.select(entries))
        remembered = set(connection.execute(sa.select(source_records.c.id)).scalars())
    aside = [entry for entry in kept if entry.kind == "unreadable_lines"]
    assert [number in reason.what for entry in aside for reason in entry.reasons] == [True]
    there = (
        {entry.source_id for entry in kept if entry.kind != "unreadable_lines"} if what == "document" else remembered
    )
    assert there == {"0", "1", "2", "4", "5"}


def fails_on(id_, items):
    """Raise where a record is among others, as a defect would."""
    if id_ in {key[-1] if isinstance(key, tuple) else key for key in items}:
        raise OverflowError("date value out of range")
