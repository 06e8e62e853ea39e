"""The audit chain notices every tampering."""

from __future__ import annotations

import contextlib
import datetime as dt
import sqlite3
from decimal import Decimal

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet
from ledger_doubles import bill

from ml_connector.errors import AuditKeyMissing, LedgerDamaged
from ml_connector.ledger import audit, proof, queries
from ml_connector.ledger.audit_key import AuditKeys
from ml_connector.ledger.schema import audit as table
from ml_connector.ledger.schema import audit_head, entries, meta
from ml_connector.ledger.store import Ledger
from ml_connector.vault.keys import EnvironmentKeys


def fill(ledger, count=5):
    for number in range(count):
        step = audit.Step("posted", f"Workday {number}", number, f"BILL-{number}", {"n": number})
        ledger.write(lambda connection, step=step: audit.append(connection, [step], run="R", actor="tester"))


def test_untouched_chain_verifies(bench):
    """A chain nobody touched is intact and ends with the head's hash."""
    fill(bench.ledger)
    with bench.ledger.read() as connection:
        assert proof.verify(connection).entries == 5


@pytest.mark.parametrize(
    ("tampering", "entry", "why"),
    [
        (sa.update(table).where(table.c.seq == 3).values(outcome="Workday 99"), 3, "was changed"),
        (sa.update(table).where(table.c.seq == 3).values(actor="somebody else"), 3, "was changed"),
        (sa.update(table).where(table.c.seq == 3).values(detail="{}"), 3, "was changed"),
        (sa.update(table).where(table.c.seq == 3).values(hash="f" * 64), 3, "was changed"),
        (sa.delete(table).where(table.c.seq == 3), 3, "is missing"),
        (sa.delete(table).where(table.c.seq == 1), 1, "is missing"),
        (sa.delete(table).where(table.c.seq == 5), 5, "5 entries were written, 4 are there"),
        (sa.update(table).where(table.c.seq == 4).values(previous="0" * 64), 4, "does not follow"),
    ],
)
def test_tampering_is_found_where_it_is(bench, tampering, entry, why):
    """A changed, removed or cut entry is named by its number."""
    fill(bench.ledger)
    bench.ledger.write(lambda connection: connection.execute(tampering))
    with bench.ledger.read() as connection, pytest.raises(proof.ChainBroken) as broken:
        proof.verify(connection)
    assert broken.value.seq == entry
    assert why in str(broken.value)


def test_several_steps_of_a_transaction_are_chained(bench):
    """Steps appended together follow each other."""
    steps = [audit.Step("posted", str(n)) for n in range(3)]
    bench.ledger.write(lambda connection: audit.append(connection, steps, run=None, actor="tester"))
    with bench.ledger.read() as connection:
        assert proof.verify(connection).entries == 3


def prove(ledger, **options):
    """Walk the chain."""
    with ledger.read() as connection:
        return proof.verify(connection, **options)


def anchor(ledger):
    """The end of the chain as it would be kept elsewhere."""
    with ledger.read() as connection:
        return proof.Anchor.parse(f"{proof.anchor_of(connection, ledger.id)} 2026-11-30T03:00:00Z")


def rewritten(ledger, *, key=None, seal=None):
    """Let somebody who has the database alone write entry 3, and all that follow, anew; right hashes and all."""
    with contextlib.closing(sqlite3.connect(ledger.engine.url.database)) as database:
        database.row_factory = sqlite3.Row
        previous = audit.GENESIS
        for found in database.execute("SELECT * FROM audit ORDER BY seq").fetchall():
            row = dict(found) | {"previous": previous, "at": dt.datetime.fromisoformat(found["at"])}
            if row["seq"] == 3:
                row["outcome"] = "Workday 99"
            previous = audit.hash_of(row)
            fresh = previous != found["hash"]
            database.execute(
                "UPDATE audit SET outcome = ?, previous = ?, hash = ?, key = ?, seal = ? WHERE seq = ?",
                (
                    row["outcome"],
                    row["previous"],
                    previous,
                    key(found) if key and fresh else found["key"],
                    seal(previous) if seal and fresh else found["seal"],
                    row["seq"],
                ),
            )
        database.execute("UPDATE audit_head SET hash = ?", (previous,))
        database.commit()


def test_a_chain_written_anew_without_the_key_is_found(bench):
    """Right hashes are not enough: entries are sealed with a key the database has not."""
    fill(bench.ledger)
    rewritten(bench.ledger)
    with pytest.raises(proof.ChainBroken, match="not written by anybody who has the key") as broken:
        prove(bench.ledger)
    assert broken.value.seq == 3


def test_a_chain_written_anew_as_one_without_seals_is_found(bench):
    """Leaving the seals out is no way round them, whether from some entry on or from the first."""
    fill(bench.ledger)
    rewritten(bench.ledger, key=lambda _: None, seal=lambda _: None)
    with pytest.raises(proof.ChainBroken, match="is not sealed"):
        prove(bench.ledger)
    bench.ledger.write(lambda connection: connection.execute(sa.update(table).values(key=None, seal=None)))
    with pytest.raises(proof.ChainBroken, match="is not sealed, nor is any other"):
        prove(bench.ledger)


def test_a_chain_written_anew_with_a_key_of_ones_own_is_not_proved(bench):
    """Seals of a key that is not here prove nothing, and that is said."""
    fill(bench.ledger)
    own = AuditKeys(EnvironmentKeys(Fernet.generate_key().decode()))
    rewritten(bench.ledger, key=lambda _: own.first(), seal=lambda hash_: own.seal(own.first(), hash_))
    found = prove(bench.ledger)
    assert found.unproved == {own.first(): 3}
    assert not found.holds


def cut(connection):
    """Take the last two entries away, and the head with them."""
    connection.execute(sa.delete(table).where(table.c.seq > 3))
    last = connection.execute(sa.select(table.c.hash).where(table.c.seq == 3)).scalar_one()
    connection.execute(sa.update(audit_head).values(seq=3, hash=last))


def wipe(connection):
    """Take all entries away, the head and the note of a key with them."""
    connection.execute(sa.delete(table))
    connection.execute(sa.delete(meta).where(meta.c.key == "audit_key"))
    connection.execute(sa.update(audit_head).values(seq=0, hash=audit.GENESIS))


@pytest.mark.parametrize(("tampering", "entry"), [(cut, 4), (wipe, 1)])
def test_a_chain_cut_or_wiped_with_its_head_is_found_by_an_anchor(bench, tampering, entry):
    """Against whoever has ledger and key nothing in the ledger helps; what was kept elsewhere does."""
    fill(bench.ledger)
    kept = anchor(bench.ledger)
    bench.ledger.write(tampering)
    prove(bench.ledger)
    with pytest.raises(proof.ChainBroken, match="the anchor was taken at entry 5") as broken:
        prove(bench.ledger, anchors=[kept])
    assert broken.value.seq == entry
    with pytest.raises(proof.ChainBroken, match="no entry has the hash"):
        prove(bench.ledger, anchors=[proof.Anchor(None, None, kept.hash)])


def test_a_chain_that_was_cut_and_has_grown_again_is_found_by_an_anchor(bench):
    """With the key new entries are written in the place of old ones; the anchor is not of these."""
    fill(bench.ledger)
    kept = anchor(bench.ledger)
    bench.ledger.write(cut)
    fill(bench.ledger, 4)
    prove(bench.ledger)
    with pytest.raises(proof.ChainBroken, match="was written anew") as broken:
        prove(bench.ledger, anchors=[kept])
    assert broken.value.seq == 5


def test_anchors_of_earlier_times_hold_while_the_chain_grows(bench):
    """Each of them is still in the chain."""
    kept = []
    for _ in range(3):
        fill(bench.ledger, 2)
        kept.append(anchor(bench.ledger))
    assert prove(bench.ledger, anchors=kept).holds


def test_entries_from_before_there_was_a_key_stay_verifiable(bench):
    """They are proved by their hashes, are counted apart, and the change to a key is an entry itself."""
    bench.ledger.engine.update_execution_options(**{audit.KEYS: None})
    fill(bench.ledger, 3)
    bench.ledger.engine.update_execution_options(**{audit.KEYS: bench.ledger.keys})
    fill(bench.ledger, 2)
    found = prove(bench.ledger)
    assert (found.entries, found.plain, found.sealed) == (6, 3, 3)
    assert found.holds
    bench.ledger.write(lambda connection: connection.execute(TAMPER))
    with pytest.raises(proof.ChainBroken, match="was changed"):
        prove(bench.ledger)


TAMPER = sa.update(table).where(table.c.seq == 2).values(outcome="Workday 99")


def test_a_ledger_is_not_written_without_its_key(bench, monkeypatch, tmp_path):
    """On another machine, or with the key gone, nothing is done that could not be proved; the way out is named."""
    fill(bench.ledger)
    monkeypatch.setenv("ML_CONNECTOR_AUDIT_KEY_FILE", str(tmp_path / "other.key"))
    bench.reopen()
    with pytest.raises(AuditKeyMissing, match=r"audit\.key(.|\n)*new-key"):
        bench.ledger.require_key()
    with pytest.raises(AuditKeyMissing):
        fill(bench.ledger)
    bench.ledger.write(lambda connection: audit.new_key(connection, actor="tester"))
    fill(bench.ledger)
    found = prove(bench.ledger)
    assert list(found.unproved.values()) == [5]
    assert found.sealed == 6


def test_the_key_is_a_file_only_its_owner_may_read(bench, tmp_path, monkeypatch):
    """It lies beside the ledger and not in it, and is made with the first entry."""
    monkeypatch.delenv("ML_CONNECTOR_AUDIT_KEY_FILE")
    bench.reopen()
    path = tmp_path / "audit.key"
    assert not path.exists()
    fill(bench.ledger)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_bytes().strip() not in (tmp_path / "ledger.db").read_bytes()


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"amount": Decimal(999)}, "amount is 999, was 100"),
        ({"state": "ignored"}, "state is ignored, was posted"),
        ({"state": "anything"}, "state is anything, was posted"),
        ({"kind": "payments"}, "kind is payments, was supplier_invoices"),
        ({"state": "received", "source": "bill:other"}, "source is bill:other"),
        ({"target_id": "WID-9"}, "target_id is WID-9"),
        ({"currency": "EUR"}, "currency is EUR, was USD"),
        ({"number": "INV-9"}, "number is INV-9, was INV-1"),
        ({"party": "Somebody Else"}, "party is Somebody Else"),
        ({"booking_date": dt.date(2020, 1, 1)}, "booking_date is 2020-01-01, was 2026-09-01"),
        ({"sent": "{}"}, "sent is"),
        ({"record": "{}"}, "its record was changed"),
        ({"amount": Decimal(999), "changed_at": dt.datetime(2030, 1, 1, tzinfo=dt.UTC)}, "amount is 999, was 100"),
        *(
            ({"state": state, **also}, f"state is {state}, was posted")
            for state in ("received", "retry", "posting", "held")
            for also in ({}, {"changed_at": dt.datetime(2030, 1, 1, tzinfo=dt.UTC)})
        ),
    ],
)
def test_a_settled_document_that_was_changed_in_the_database_is_found(bench, change, what):
    """State, amounts, numbers and what was sent are part of the entries about a document."""
    bench.take(bill("1"), bill("2"))
    bench.deliver()
    assert prove(bench.ledger).differing == ()
    assert prove(bench.ledger).documents == 2
    bench.tamper("1", **change)
    (line,) = prove(bench.ledger).differing
    assert what in line


def test_a_document_that_was_deleted_is_found(bench):
    """The audit knows of it; its row is gone."""
    bench.take(bill("1"), bill("2"))
    bench.deliver()
    bench.ledger.write(lambda connection: connection.execute(sa.delete(entries).where(entries.c.source_id == "1")))
    (line,) = prove(bench.ledger).differing
    assert "is gone" in line


@pytest.mark.parametrize("state", ["posted", "ignored"])
def test_a_settled_document_that_was_put_in_is_found(bench, state):
    """No document is posted or ignored without an entry; a held one may have been held as it came in."""
    bench.take(bill("1"))
    bench.deliver()
    bench.take(bill("2"))
    assert prove(bench.ledger).differing == ()
    bench.tamper("2", state=state, target_id="WID-2")
    (line,) = prove(bench.ledger).differing
    assert f"is {state}, and no entry of the audit made it so" in line


def test_a_wiped_audit_is_found_by_the_documents_it_leaves(bench):
    """Documents that are posted tell that there was an audit."""
    bench.take(bill("1"))
    bench.deliver()
    bench.ledger.write(wipe)
    assert not prove(bench.ledger).holds


@pytest.mark.parametrize("table_", [audit_head, meta], ids=["the end of the audit", "notes"])
def test_a_ledger_whose_own_notes_are_gone_is_called_damaged(bench, table_):
    """Opening, proving and writing it tell a person what to do."""
    fill(bench.ledger)
    bench.ledger.write(lambda connection: connection.execute(sa.delete(table_)))
    with pytest.raises(LedgerDamaged), Ledger(bench.ledger.url) as again:
        prove(again)
    with pytest.raises(LedgerDamaged), Ledger(bench.ledger.url) as again:
        fill(again, 1)


def opened(bench):
    """Return which documents the audit says were opened again."""
    query = sa.select(table.c.external_id).where(table.c.action == "reopened").order_by(table.c.seq)
    with bench.ledger.read() as connection:
        return list(connection.execute(query).scalars())


@pytest.mark.parametrize("posted", [True, False])
def test_a_newer_record_opens_what_is_settled_with_an_entry(bench, posted):
    """Posted or left out; before anything is delivered again the audit says why it is open."""
    bench.take(bill("1"))
    if not posted:
        bench.take(bill("1", paid=True, version="2"))
    bench.deliver()
    state = bench.entry("1").state
    bench.take(bill("1", "120.00", version="3"))
    assert (state, bench.entry("1").state) == ("posted" if posted else "ignored", "received")
    assert opened(bench) == ["BILL-1"]
    assert prove(bench.ledger).differing == ()


def test_drafts_are_opened_with_an_entry(bench, monkeypatch):
    """Though the run breaks off before it comes to them."""
    bench.target.draft = True
    bench.take(bill("1"))
    bench.deliver()
    bench.target.draft = False

    def break_off():
        raise RuntimeError

    monkeypatch.setattr(bench.invoices, "prepare", break_off)
    bench.deliver()
    assert bench.entry("1").state == "received"
    assert opened(bench) == ["BILL-1"]
    assert prove(bench.ledger).differing == ()


def test_lives_of_documents_leave_nothing_that_differs(bench):
    """Held, changed, paid, ignored, replayed, verified: each change of a row is in the entry that goes with it."""
    bench.take(bill("1"), bill("2"), bill("3", vendor="V9"), bill("4", "10", line="9"))
    bench.deliver()
    assert prove(bench.ledger).differing == ()
    bench.take(bill("1", paid=True, version="2"), bill("2", "120.00", version="2"), bill("4", "10", version="2"))
    assert prove(bench.ledger).differing == ()
    bench.deliver()
    assert prove(bench.ledger).differing == ()
    held = [bench.entry("2"), bench.entry("3")]
    queries.ignore(bench.ledger, held, reason="by hand", actor="tester")
    assert prove(bench.ledger).differing == ()
    bench.take(bill("3", vendor="V9", version="3"))
    queries.replay(bench.ledger, held[1:], actor="tester")
    bench.map.suppliers["V9"] = "S-9"
    bench.deliver()
    bench.deliver()
    found = prove(bench.ledger)
    assert found.differing == ()
    assert found.documents == 4


def test_a_damaged_page_of_the_ledger_is_found(bench, tmp_path):
    """SQLite looks at every page; the chain alone would be read around it."""
    bench.take(*(bill(str(number)) for number in range(300)))
    fill(bench.ledger)
    with bench.ledger.read() as connection:
        proof.check_pages(connection)
        page = connection.exec_driver_sql(
            "SELECT rootpage FROM sqlite_master WHERE name = 'ix_entries_number'"
        ).scalar_one()
        size = connection.exec_driver_sql("PRAGMA page_size").scalar_one()
    bench.ledger.close()
    path = tmp_path / "ledger.db"
    content = bytearray(path.read_bytes())
    content[(page - 1) * size : page * size] = b"\xa5" * size
    path.write_bytes(content)
    with (
        Ledger(f"sqlite:///{path}") as ledger,
        ledger.read() as connection,
        pytest.raises(LedgerDamaged, match=r"damaged: (.|\n)*backup"),
    ):
        proof.check_pages(connection)


@pytest.mark.parametrize(
    ("text", "anchor"),
    [
        (f"ml-connector-audit 01ABC 7 {'a' * 64}", proof.Anchor("01ABC", 7, "a" * 64)),
        (f"ml-connector-audit 01ABC 7 {'a' * 64} 2026-11-30T03:00:00Z\n", proof.Anchor("01ABC", 7, "a" * 64)),
        ("b" * 64, proof.Anchor(None, None, "b" * 64)),
        ("anchors.txt", None),
        ("", None),
    ],
)
def test_an_anchor_is_read_from_its_line(text, anchor):
    """What was printed, with a time behind it or not, or the bare hash."""
    assert proof.Anchor.parse(text) == anchor
