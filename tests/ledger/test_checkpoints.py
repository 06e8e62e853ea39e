"""A ledger that ends before the bookmarks is noticed before anything is taken or posted."""

from __future__ import annotations

import copy

import pytest
import sqlalchemy as sa
from ledger_bench import Bench
from ledger_doubles import bill

from ml_connector.errors import LedgerBehind
from ml_connector.ledger.checkpoints import Checkpoints, Mark, forget_surveys, mark_of, marked
from ml_connector.ledger.schema import audit, metadata
from ml_connector.ledger.store import Ledger

MARK = Mark("01M0000000000000000000000A", "01M0000000000000000000000B", 7, ("bill:org",))


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def bench(request, tmp_path):
    """A bench on either kind of database."""
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else f"sqlite:///{tmp_path}/l.db"
    bench = Bench(url)
    yield bench
    bench.ledger.close()


def rows_of(ledger):
    """Everything a ledger holds."""
    with ledger.read() as connection:
        return {table: [dict(row) for row in connection.execute(sa.select(table)).mappings()] for table in ORDER}


def put_back(ledger, rows):
    """Bring a ledger back to what it held once."""

    def work(connection):
        for table in ORDER:
            connection.execute(sa.delete(table))
            if rows[table]:
                connection.execute(sa.insert(table), rows[table])

    ledger.write(work)


ORDER = metadata.sorted_tables


@pytest.mark.parametrize(
    "state",
    [
        {"bookmarks": {"bills": {"replication_key_value": "2026-09-01"}}},
        {"bookmarks": {}},
        {"bookmarks": {"bills": {}}, "currently_syncing": "bills"},
        {"at": 7},
    ],
)
def test_a_mark_is_read_as_it_was_written(state):
    """Whatever else a state says, it says still, and the mark comes back."""
    before = copy.deepcopy(state)
    after = marked(state, MARK)
    assert state == before
    assert mark_of(after) == MARK
    where = after.get("bookmarks", after)
    del where["ml_connector"]
    assert after == before


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"bookmarks": {"bills": {}}},
        {"bookmarks": []},
        {"bookmarks": {"ml_connector": "yes"}},
        {"bookmarks": {"ml_connector": {"ledger": "a", "run": "not an id", "sequence": 1}}},
        {"bookmarks": {"ml_connector": {"ledger": "a", "run": MARK.run, "sequence": "many"}}},
        {"bookmarks": {"ml_connector": {"ledger": "a", "run": MARK.run, "sequence": 1, "sources": 3}}},
        {"ml_connector": {"ledger": "a"}},
    ],
)
def test_a_state_without_a_legible_mark_has_none(state):
    """States from before there were marks, and edited ones, are taken as they were."""
    assert mark_of(state) is None


def test_a_ledger_that_holds_what_was_acknowledged_is_taken(bench):
    """Marks of this run and of earlier ones are all as expected."""
    first = Checkpoints(bench.ledger, "tester")
    marks = [first.advance(), first.advance()]
    bench.reopen()
    later = Checkpoints(bench.ledger, "tester")
    for mark in [*marks, later.advance()]:
        Checkpoints(bench.ledger, "tester").expect(mark)


def test_a_ledger_put_back_from_a_backup_is_noticed(bench):
    """The bookmarks are of a checkpoint the ledger does not know, though it is the same ledger."""
    Checkpoints(bench.ledger, "tester").advance()
    backup = rows_of(bench.ledger)
    mark = Checkpoints(bench.ledger, "tester").advance()
    put_back(bench.ledger, backup)
    with pytest.raises(LedgerBehind, match=r"put back from a backup(.|\n)*--full-refresh"):
        Checkpoints(bench.ledger, "tester").expect(mark)


def test_a_backup_from_the_middle_of_a_run_is_noticed(bench):
    """Of one run the ledger has an earlier checkpoint only."""
    run = Checkpoints(bench.ledger, "tester")
    run.advance()
    backup = rows_of(bench.ledger)
    mark = run.advance()
    put_back(bench.ledger, backup)
    with pytest.raises(LedgerBehind):
        Checkpoints(bench.ledger, "tester").expect(mark)


def test_a_ledger_put_back_is_noticed_though_other_pipelines_have_gone_on(bench):
    """That the ledger has grown past the mark since, by other runs, hides nothing."""
    backup = rows_of(bench.ledger)
    mark = Checkpoints(bench.ledger, "tester").advance()
    put_back(bench.ledger, backup)
    other = Checkpoints(bench.ledger, "tester")
    for _ in range(5):
        other.advance()
    with pytest.raises(LedgerBehind):
        Checkpoints(bench.ledger, "tester").expect(mark)


def test_another_ledger_is_noticed(bench, tmp_path):
    """A new ledger in the place of a lost one is told from one that was put back."""
    mark = Checkpoints(bench.ledger, "tester").advance()
    with Ledger(f"sqlite:///{tmp_path}/new.db") as new, pytest.raises(LedgerBehind, match="another ledger"):
        Checkpoints(new, "tester").expect(mark)


def test_a_moved_ledger_is_the_same_one(bench, tmp_path):
    """A copy elsewhere has the id and the checkpoints of the ledger it was made from."""
    mark = Checkpoints(bench.ledger, "tester").advance()
    copy_ = bench.ledger.scratch_copy(tmp_path / "copy.db")
    Checkpoints(copy_, "tester").expect(mark)
    copy_.close()
    with Ledger(f"sqlite:///{tmp_path}/copy.db") as moved:
        Checkpoints(moved, "tester").expect(mark)


def test_after_a_restore_the_target_is_asked_before_anything_is_posted(bench):
    """What was posted after the backup is found in the target, though the ledger is older than the document."""
    bench.take(bill("1"))
    backup = rows_of(bench.ledger)
    mark = Checkpoints(bench.ledger, "tester").advance()
    assert bench.deliver() == {"created": 1}
    put_back(bench.ledger, backup)
    bench.reopen()
    with pytest.raises(LedgerBehind):
        Checkpoints(bench.ledger, "tester").expect(mark)
    bench.reopen()
    assert bench.deliver() == {"found": 1}
    assert bench.target.writes == [("create", "BILL-1")]


def test_a_restore_is_on_record(bench):
    """Who said so, or what showed it, stands in the audit."""
    forget_surveys(bench.ledger, actor="tester", why="it was put back from a backup")
    with bench.ledger.read() as connection:
        row = connection.execute(sa.select(audit).order_by(audit.c.seq.desc()).limit(1)).one()
    assert (row.action, row.actor) == ("restored", "tester")
