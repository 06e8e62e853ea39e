"""The audit chain notices every tampering."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from ml_connector.ledger import audit
from ml_connector.ledger.schema import audit as table


def fill(ledger, count=5):
    for number in range(count):
        step = audit.Step("posted", f"Workday {number}", number, f"BILL-{number}", {"n": number})
        ledger.write(lambda connection, step=step: audit.append(connection, [step], run="R", actor="tester"))


def test_untouched_chain_verifies(bench):
    """A chain nobody touched is intact and ends with the head's hash."""
    fill(bench.ledger)
    with bench.ledger.read() as connection:
        assert audit.verify(connection)[0] == 5


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
    with bench.ledger.read() as connection, pytest.raises(audit.ChainBroken) as broken:
        audit.verify(connection)
    assert broken.value.seq == entry
    assert why in str(broken.value)


def test_several_steps_of_a_transaction_are_chained(bench):
    """Steps appended together follow each other."""
    steps = [audit.Step("posted", str(n)) for n in range(3)]
    bench.ledger.write(lambda connection: audit.append(connection, steps, run=None, actor="tester"))
    with bench.ledger.read() as connection:
        assert audit.verify(connection)[0] == 3
