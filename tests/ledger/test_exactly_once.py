"""Whatever happens in whatever order, each document is created once and none is lost."""

from __future__ import annotations

import itertools
import pathlib
import shutil
import tempfile
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from ledger_bench import FAST, Bench
from ledger_doubles import bill, timeout

from ml_connector.errors import OutcomeUnknown, Rejected, Throttled, Unavailable
from ml_connector.ledger import proof

pytestmark = pytest.mark.slow


class Killed(BaseException):
    """The process dies here."""


FAULTS = {
    "throttled": lambda: Throttled("test", "create", "busy"),
    "unavailable": lambda: Unavailable("test", "create", "503"),
    "timeout": timeout,
    "dropped": lambda: OutcomeUnknown("test", "create", "connection reset"),
    "killed": Killed,
}


class Life(RuleBasedStateMachine):
    """A source that changes, a target that fails, a process that dies and a ledger that gets lost."""

    @initialize()
    def begin(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.ledgers = itertools.count()
        self.bench = Bench(f"sqlite:///{self.folder}/{next(self.ledgers)}.db")
        self.bench.map.suppliers = {"V1": "S-1"}
        self.source: dict[str, dict] = {}
        self.numbers = itertools.count(1)

    @rule(count=st.integers(1, 4), vendor=st.sampled_from(["V1", "V1", "V2"]))
    def new_bills(self, count, vendor):
        for _ in range(count):
            number = str(next(self.numbers))
            self.source[number] = bill(number, vendor=vendor)
        self.bench.take(*self.source.values())

    @rule(data=st.data())
    def change_a_bill(self, data):
        if not self.source:
            return
        number = data.draw(st.sampled_from(sorted(self.source)))
        old = self.source[number]
        amount = str(Decimal(old["amount"]) + 1)
        version = str(min(int(old["updated"][9]) + 1, 9))
        self.source[number] = bill(number, amount, vendor=old["vendor"], version=version)
        self.bench.take(self.source[number])

    @rule(
        before=st.lists(st.sampled_from(sorted(FAULTS)), max_size=4),
        after=st.lists(st.sampled_from(sorted(FAULTS)), max_size=4),
    )
    def deliver_in_trouble(self, before, after):
        self.bench.target.fail_before(*(FAULTS[name]() for name in before))
        self.bench.target.fail_after(*(FAULTS[name]() for name in after))
        try:
            self.bench.deliver()
        except Killed:
            self.bench.reopen()
        self.bench.target.before.clear()
        self.bench.target.after.clear()

    @rule()
    def lose_the_ledger(self):
        self.bench.reopen(f"sqlite:///{self.folder}/{next(self.ledgers)}.db")
        self.bench.take(*self.source.values())

    @rule()
    def map_the_other_vendor(self):
        self.bench.map.suppliers["V2"] = "S-2"

    @invariant()
    def nothing_was_created_twice(self):
        if hasattr(self, "bench"):
            created = [external_id for what, external_id in self.bench.target.writes if what == "create"]
            assert len(created) == len(set(created))

    def teardown(self):
        if not hasattr(self, "bench"):
            return
        self.bench.map.suppliers["V2"] = "S-2"
        self.bench.take(*self.source.values())
        for number in self.source:
            self.bench.tamper(number, next_attempt_at=None, state=self._awake(number))
        self.bench.deliver()
        posted = set(self.bench.target.documents)
        assert posted == {f"BILL-{number}" for number in self.source}
        with self.bench.ledger.read() as connection:
            proof.verify(connection)
        self.bench.ledger.close()
        shutil.rmtree(self.folder)

    def _awake(self, number):
        state = self.bench.entry(number).state
        return "received" if state == "retry" else state


Life.TestCase.settings = settings(
    max_examples=40, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck)
)
TestLife = Life.TestCase
TestLife.__doc__ = "Random lives of source, target, process and ledger end with every document there once."


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("concurrency", [1, 4])
def test_death_in_the_middle_of_many(bench, moment, concurrency):
    """A process that dies while several documents are under way loses and repeats none of them."""
    import dataclasses

    policy = dataclasses.replace(FAST, max_concurrency=concurrency)
    bench.take(*(bill(str(n)) for n in range(12)))
    getattr(bench.target, f"fail_{moment}")(Killed(), Killed())
    while True:
        try:
            bench.deliver(policy)
            break
        except Killed:
            bench.reopen()
    assert sorted(bench.target.documents) == sorted(f"BILL-{n}" for n in range(12))
    assert len(bench.target.writes) == 12


def test_refusal_is_no_loss(bench):
    """A refused document stays in the ledger with its reason until it can go out."""
    bench.take(bill("1"))
    bench.target.fail_before(Rejected("test", "create", "no"))
    bench.deliver()
    assert bench.entry("1").state == "held"
