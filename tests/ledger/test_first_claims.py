"""Two pipelines that read a source nobody has read before, at the same moment: one owns it, the other is refused."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import threading

import pytest
import sqlalchemy as sa
from ledger_doubles import TestMap, bill
from waiting import PATIENCE

from ml_connector.ledger import owners, proof
from ml_connector.ledger.binder import LedgerReferences
from ml_connector.ledger.intake import Intake
from ml_connector.ledger.owners import OtherPipeline
from ml_connector.ledger.runs import Run
from ml_connector.ledger.schema import audit, entries
from ml_connector.ledger.store import Ledger
from ml_connector.pipelines import Pipeline

FIRST = Pipeline("tap-test", "tap_test.yml", "tables", "/project/tables", "{}")
SECOND = dataclasses.replace(FIRST, plugin="tap-test--b", map="tap_test__b.yml")
ROUNDS = 6


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def url(request, tmp_path):
    """A ledger on either database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/ledger.db"
    return request.getfixturevalue("postgres_url")


def meeting(engine, turn):
    """Have a machine wait, the first time, until the other one is about to claim as well.

    On PostgreSQL both have looked by then, and neither has found the other. SQLite lets one begin at a time.
    """
    met = []
    about = "INSERT INTO owners" if engine.dialect.name == "postgresql" else "BEGIN IMMEDIATE"

    def wait(connection, cursor, statement, *_):
        if statement.startswith(about) and not met:
            met.append(1)
            turn.wait(PATIENCE)

    sa.event.listen(engine, "before_cursor_execute", wait)
    return lambda: sa.event.remove(engine, "before_cursor_execute", wait)


def read_of(url, pipeline, number, turn):
    """Let a machine of its own read something of a source; return its pipeline's plugin, or the refusal."""
    with Ledger(url) as ledger:
        map_ = TestMap()
        map_.instance, map_.pipeline = f"org-{number}", pipeline
        run = Run(ledger, "test:one", pipeline.plugin, f"{pipeline.plugin} as tester")
        intake = Intake(ledger, "test:one", map_, LedgerReferences(ledger, system=lambda: "bill"), run=run)
        intake.add("bills", bill(f"{pipeline.plugin} {number}"))
        done = meeting(ledger.engine, turn)
        try:
            intake.flush()
        except OtherPipeline as refused:
            return refused
        finally:
            done()
        return pipeline


def test_exactly_one_owns_a_new_source(url):
    """Whichever was first; the other's records are not kept, and it is told whose the source is and what to do."""
    with Ledger(url):
        pass  # the tables are there
    for number in range(ROUNDS):
        turn = threading.Barrier(2)
        with concurrent.futures.ThreadPoolExecutor(2) as machines:
            ended = list(machines.map(lambda each, at=(number, turn): read_of(url, each, *at), (FIRST, SECOND)))
        (owner,) = (each for each in ended if isinstance(each, Pipeline))
        (refused,) = (each for each in ended if isinstance(each, OtherPipeline))
        assert f"bill:org-{number} is brought in for test:one by map {owner.map}" in str(refused)
        assert f"ml-connector hand-over bill:org-{number} --target test:one" in str(refused)
        source = f"bill:org-{number}"
        with Ledger(url) as ledger, ledger.read() as connection:
            assert owners.holding_of(connection, "test:one", source).map == owner.map
            kept = connection.execute(sa.select(entries.c.source_id).where(entries.c.source == source)).scalars()
            assert list(kept) == [f"{owner.plugin} {number}"]
    with Ledger(url) as ledger, ledger.read() as connection:
        assert proof.verify(connection).differing == ()


def test_a_first_claim_is_on_record(url):
    """Who brought in what, for which target, with which map and tables."""
    turn = threading.Barrier(1)
    read_of(url, FIRST, 1, turn)
    read_of(url, FIRST, 1, turn)
    moved = dataclasses.replace(FIRST, place="/elsewhere/tables")
    read_of(url, moved, 1, turn)
    with Ledger(url) as ledger, ledger.read() as connection:
        first, second = connection.execute(sa.select(audit).where(audit.c.action == "brought_in")).all()
    assert (
        first.outcome
        == "bill:org-1 is brought in for test:one by map tap_test.yml with the tables in tables from now on"
    )
    assert (first.actor, first.run is not None) == ("tap-test as tester", True)
    assert '"place":"/project/tables"' in first.detail
    assert second.outcome == "the mapping tables for bill:org-1 are at /elsewhere/tables now"
