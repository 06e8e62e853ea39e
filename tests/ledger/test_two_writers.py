"""Two machines on one PostgreSQL ledger, and a ledger of the future."""

from __future__ import annotations

import pathlib
import sqlite3
import threading

import pytest
import sqlalchemy as sa
from waiting import PATIENCE

from ml_connector.errors import SettingInvalid
from ml_connector.ledger.schema import meta
from ml_connector.ledger.store import Ledger

ROUNDS = 20


@pytest.mark.slow
def test_both_may_write_the_same_row_first(postgres_url):
    """When both find that a row is not there and insert it, the one that comes second looks again and finds it."""
    found = []
    turn = threading.Barrier(2)

    def insert_if_absent(name, tries):
        def work(connection):
            tries.append(1)
            known = connection.execute(sa.select(meta.c.value).where(meta.c.key == name)).scalar()
            if len(tries) == 1:
                turn.wait(PATIENCE)  # both have looked before either inserts
            if known is None:
                connection.execute(sa.insert(meta).values(key=name, value="mine"))
            return known

        return work

    def machine():
        with Ledger(postgres_url) as ledger:
            found.extend((number, ledger.write(insert_if_absent(f"row {number}", []))) for number in range(ROUNDS))

    machines = [threading.Thread(target=machine) for _ in range(2)]
    for each in machines:
        each.start()
    for each in machines:
        each.join()
    assert sorted(found, key=str) == sorted(
        [(number, value) for number in range(ROUNDS) for value in (None, "mine")], key=str
    )


@pytest.mark.slow
def test_two_that_wait_for_each_other_both_succeed(postgres_url):
    """When each holds what the other wants, PostgreSQL stops one of them, which then tries again."""
    with Ledger(postgres_url) as one, Ledger(postgres_url) as two:
        for key in ("a", "b"):
            one.write(lambda connection, key=key: connection.execute(sa.insert(meta).values(key=key, value="0")))
        turn = threading.Barrier(2)

        def crossing(keys, tries):
            def work(connection):
                tries.append(1)
                for key in keys:
                    connection.execute(sa.update(meta).where(meta.c.key == key).values(value=meta.c.value + "x"))
                    if len(tries) == 1 and key == keys[0]:
                        turn.wait(PATIENCE)

            return work

        futures = [one.submit(crossing(("a", "b"), [])), two.submit(crossing(("b", "a"), []))]
        for future in futures:
            future.result(PATIENCE)
        with one.read() as connection:
            values = connection.execute(
                sa.select(meta.c.value).where(meta.c.key.in_(("a", "b"))).order_by(meta.c.key)
            ).scalars()
            assert list(values) == ["0xx", "0xx"]


def test_a_ledger_of_a_newer_version_is_left_alone(tmp_path):
    """A ledger that a newer version has changed is not opened, and says what to install."""
    path = pathlib.Path(tmp_path, "ledger.db")
    Ledger(f"sqlite:///{path}").close()
    with sqlite3.connect(path) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    with pytest.raises(SettingInvalid, match="was written by a newer version of ml-connector"):
        Ledger(f"sqlite:///{path}")


def test_no_record_stands_in_an_error(tmp_path):
    """A statement that fails tells nothing of the values it was given."""
    with Ledger(f"sqlite:///{tmp_path}/ledger.db") as ledger, pytest.raises(sa.exc.DBAPIError) as failure:
        ledger.write(lambda connection: connection.execute(sa.text("INSERT INTO nowhere VALUES (:x)"), {"x": "4711"}))
    assert "4711" not in str(failure.value)
