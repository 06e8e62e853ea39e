"""What counts as posted is what was sent and stands over there: not what the source says now, nor what was undone."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from ledger_bench import Bench
from ledger_doubles import bill, timeout

from ml_connector.delivery import read_back
from ml_connector.ledger import migrations, proof, queries
from ml_connector.ledger.queries import posted_totals

DAY_AGO = dt.timedelta(days=1)


@pytest.fixture
def posted(bench, monkeypatch):
    """A bench that has posted a bill of 100.00, and watches what becomes of it."""
    monkeypatch.setattr(type(bench.invoices), "watched", dt.timedelta(days=90))
    bench.take(bill("1"))
    assert bench.deliver() == {"created": 1}
    return bench


def totals(bench):
    """Return amounts by what became of them."""
    with bench.ledger.read() as connection:
        proof.verify(connection)
        return [("gone" if each.gone else "stands", each.amount) for each in posted_totals(connection)]


def undo(bench, id_="1"):
    """Let somebody cancel a bill over there, and the next run be one of the day after."""
    bench.target.cancelled.add(f"BILL-{id_}")
    bench.tamper(id_, verified_at=dt.datetime.now(dt.UTC) - DAY_AGO)


def test_a_newer_amount_at_the_source_is_not_what_stands(posted):
    """It is held as changed after posting; what was sent counts."""
    posted.take(bill("1", "175.00", version="2"))
    assert posted.deliver() == {"held": 1}
    assert posted.entry("1").amount == Decimal(175)
    assert totals(posted) == [("stands", Decimal(100))]


def test_an_update_that_arrived_is_what_stands(bench):
    """Drafts may be changed over there as often as their source changes."""
    bench.target.draft = True
    bench.take(bill("1"))
    bench.deliver()
    bench.take(bill("1", "175.00", version="2"))
    bench.deliver()
    assert totals(bench) == [("stands", Decimal(175))]


def test_what_was_never_sent_stands_nowhere(bench):
    """Held, unbalanced, or refused."""
    bench.take(bill("1", line="99.00"), bill("2", vendor="V9"))
    bench.deliver()
    assert totals(bench) == []


def test_what_arrived_unheard_stands(bench):
    """Its answer was lost, and a look-up has found it."""
    bench.take(bill("1"))
    bench.target.fail_after(timeout())
    bench.deliver()
    assert totals(bench) == [("stands", Decimal(100))]


def test_what_was_cancelled_does_not_count(posted):
    """Neither while it is held, nor after a person has ignored it."""
    undo(posted)
    assert posted.deliver() == {"held": 1}
    assert totals(posted) == [("gone", Decimal(100))]
    queries.ignore(posted.ledger, [posted.entry("1")], reason="entered by hand", actor="clerk")
    posted.deliver()
    assert totals(posted) == [("gone", Decimal(100))]


@pytest.mark.parametrize("then", ["replay", "change", "unchanged"])
def test_what_was_cancelled_is_never_sent_again(posted, then):
    """Not when it is replayed, not when its source changes; what holds it stays what it was."""
    undo(posted)
    posted.deliver()
    writes = list(posted.target.writes)
    (reason,) = posted.entry("1").reasons
    if then == "replay":
        queries.replay(posted.ledger, [posted.entry("1")], actor="clerk")
    if then == "change":
        posted.take(bill("1", "175.00", version="2"))
    assert posted.deliver() == {"held": 1}
    assert (posted.entry("1").state, posted.entry("1").reasons) == ("held", (reason,))
    assert posted.target.writes == writes
    assert totals(posted) == [("gone", Decimal(100))]


def test_what_an_ignored_cancelled_one_says_when_it_is_replayed(posted):
    """The reason is told again, though the person's has taken its place."""
    undo(posted)
    posted.deliver()
    queries.ignore(posted.ledger, [posted.entry("1")], reason="entered by hand", actor="clerk")
    queries.replay(posted.ledger, [posted.entry("1")], actor="clerk")
    assert posted.deliver() == {"held": 1}
    assert "was cancelled" in posted.entry("1").reasons[0].what


def test_when_both_sides_undo_it_nothing_is_left_to_do(posted):
    """Its source archives what was cancelled over there."""
    undo(posted)
    posted.deliver()
    posted.take(bill("1", archived=True, version="2"))
    assert posted.deliver() == {"left_out": 1}
    assert posted.entry("1").state == "ignored"
    assert totals(posted) == [("gone", Decimal(100))]


def test_what_stands_again_counts_again(posted):
    """Somebody has put it back."""
    undo(posted)
    posted.deliver()
    posted.target.cancelled.clear()
    posted.deliver()
    assert (posted.entry("1").state, posted.entry("1").target_gone) == ("posted", False)
    assert totals(posted) == [("stands", Decimal(100))]


@pytest.mark.parametrize(("deletes", "counted"), [(True, "gone"), (False, "stands")])
def test_what_is_not_shown_counts_where_nothing_is_ever_deleted(posted, monkeypatch, deletes, counted):
    """Whoever reads has lost the sight of it; it is held either way."""
    monkeypatch.setattr(type(posted.invoices), "deletes", deletes)
    posted.target.forgets = True
    posted.tamper("1", verified_at=dt.datetime.now(dt.UTC) - DAY_AGO)
    assert posted.deliver() == {"held": 1}
    assert ("it was deleted there" in posted.entry("1").reasons[0].what) is deletes
    assert totals(posted) == [(counted, Decimal(100))]


def test_a_run_looks_at_no_more_than_so_many(posted, monkeypatch):
    """Those that were looked at longest ago first; the next run goes on."""
    monkeypatch.setattr(read_back, "_WATCHED_A_RUN", 2)
    monkeypatch.setattr(read_back, "_BATCH", 1)
    posted.take(*(bill(str(number)) for number in range(2, 6)))
    posted.deliver()
    now = dt.datetime.now(dt.UTC)
    for number in range(1, 6):
        posted.target.cancelled.add(f"BILL-{number}")
        posted.tamper(str(number), verified_at=now - number * DAY_AGO)
    assert posted.deliver() == {"held": 2}
    assert [posted.entry(str(number)).state for number in range(1, 6)] == ["posted"] * 3 + ["held"] * 2
    assert posted.deliver() == {"held": 4}
    assert posted.deliver() == {"held": 5}


def test_watching_never_walks_through_what_is_watched_no_more(posted, monkeypatch):
    """What was posted long ago is not even read."""
    asked = []
    execute = sa.Connection.execute

    def noting(connection, statement, *args, **kwargs):
        asked.append(statement)
        return execute(connection, statement, *args, **kwargs)

    monkeypatch.setattr(sa.Connection, "execute", noting)
    posted.deliver()
    (watching,) = [each for each in asked if "ORDER BY entries.verified_at" in str(each)]
    text = watching.compile(posted.ledger.engine, compile_kwargs={"literal_binds": True})
    with posted.ledger.read() as connection:
        plan = " ".join(row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}"))
    assert "ix_entries_watched (target=? AND kind=? AND posted_at>?)" in plan


@pytest.mark.parametrize(
    "values", [{"target_amount": Decimal(1)}, {"target_gone": True}, {"target_currency": "EUR"}], ids=str
)
def test_what_stands_is_covered_by_the_audit(posted, values):
    """Nobody changes it in the database unseen."""
    posted.tamper("1", **values)
    with posted.ledger.read() as connection:
        (told,) = proof.verify(connection).differing
    assert next(iter(values)) in told


class TestLedgersFromBefore:
    """What stands is taken over as far as a ledger knows it."""

    @pytest.fixture
    def before(self, posted):
        """A ledger of the version before, with one bill more that is not on its way yet."""
        posted.take(bill("2", vendor="V9"))
        posted.deliver()
        return posted

    def migrated(self, bench):
        """Put a ledger back to the version before, and bring it up to date."""
        bench.ledger.close()
        engine = sa.create_engine(bench.url)
        config = Config()
        config.set_main_option("script_location", str(migrations.__path__[0]))
        with engine.begin() as connection:
            connection.execute(sa.text("DROP INDEX ix_entries_watched"))
            for name in ("target_currency", "target_amount", "target_gone"):
                connection.execute(sa.text(f"ALTER TABLE entries DROP COLUMN {name}"))
            config.attributes["connection"] = connection
            command.stamp(config, "0008")
        engine.dispose()
        return Bench(bench.url)

    def test_what_was_sent_stands_whatever_the_source_says(self, before):
        """Of what changed after posting as of anything else."""
        before.take(bill("1", "175.00", version="2"))
        before.deliver()
        after = self.migrated(before)
        assert totals(after) == [("stands", Decimal(100))]
        assert after.entry("2").target_amount is None
        after.ledger.close()

    def test_what_was_found_cancelled_is_gone(self, before):
        """Even if a person has given another reason since."""
        undo(before)
        before.deliver()
        queries.ignore(before.ledger, [before.entry("1")], reason="entered by hand", actor="clerk")
        after = self.migrated(before)
        assert totals(after) == [("gone", Decimal(100))]
        after.ledger.close()

    def test_what_was_cancelled_and_put_back_stands(self, before):
        """The audit tells both."""
        undo(before)
        before.deliver()
        before.target.cancelled.clear()
        before.deliver()
        after = self.migrated(before)
        assert totals(after) == [("stands", Decimal(100))]
        after.ledger.close()
