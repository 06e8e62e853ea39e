"""The same promises on PostgreSQL, where several deliveries run at once."""

from __future__ import annotations

import concurrent.futures
import datetime as dt
from decimal import Decimal

import pytest
from ledger_bench import FAST, Bench
from ledger_doubles import bill, timeout

from ml_connector.delivery.delivery import Delivery
from ml_connector.ledger import proof, queries
from ml_connector.ledger.runs import Run
from ml_connector.ledger.store import Ledger

pytestmark = pytest.mark.slow


@pytest.fixture
def bench(postgres_url):
    """A bench on PostgreSQL."""
    bench = Bench(postgres_url)
    yield bench
    bench.ledger.close()


def test_documents_are_delivered_and_verified(bench):
    """A document goes the whole way, exact amounts included."""
    bench.take(bill("1", "0.10"), bill("2", "0.20"), bill("3", vendor="V2"))
    assert bench.deliver() == {"created": 2, "held": 1}
    with bench.ledger.read() as connection:
        (posted,) = queries.posted_totals(connection)
        proof.verify(connection)
    assert (posted.documents, posted.amount) == (2, Decimal("0.3"))


def test_lost_answers_are_looked_up(bench):
    """After a lost answer nothing is sent twice."""
    bench.take(bill("1"))
    bench.target.fail_after(timeout())
    assert bench.deliver() == {"created": 1}
    assert bench.target.writes == [("create", "BILL-1")]


def test_two_deliveries_at_once_share_the_work(bench):
    """Two deliveries with connections of their own post each document once between them."""
    bench.take(*(bill(str(number)) for number in range(200)))

    def deliver(_):
        with Ledger(bench.url) as ledger:
            run = Run(ledger, "test:one", "tap-test", "tester")
            Delivery(
                ledger,
                target="test:one",
                target_name="Test",
                mapper=bench.map,
                sinks=[bench.invoices],
                run=run,
                policy=FAST,
            ).run()
            return run.summary.of("created")

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        shares = list(pool.map(deliver, range(2)))
    assert sum(shares) == 200
    assert len(bench.target.writes) == 200
    with bench.ledger.read() as connection:
        proof.verify(connection)


def test_living_claim_of_another_delivery_is_respected_and_a_dead_one_is_not(bench):
    """A document claimed elsewhere is left alone until the claim has run out, and then looked up first."""
    bench.take(bill("1"))
    now = dt.datetime.now(dt.UTC)
    bench.deliver()
    claim = {"state": "posting", "uncertain": True, "target_id": None, "lease_owner": "another"}
    bench.tamper("1", **claim, lease_until=now + dt.timedelta(minutes=1))
    assert bench.deliver() == {"waiting": 1}
    bench.tamper("1", **claim, lease_until=now - dt.timedelta(seconds=1))
    assert bench.deliver() == {"created": 1}
    assert bench.target.finds == ["BILL-1"]
    assert bench.target.writes == [("create", "BILL-1")]


def test_taken_over_document_is_let_go(bench):
    """A delivery that lost its claim in the middle writes nothing over the other one's outcome."""
    bench.take(bill("1"))
    check = bench.invoices.check

    def stolen_meanwhile(document):
        bench.tamper("1", lease_owner="another")
        return check(document)

    bench.invoices.check = stolen_meanwhile
    assert bench.deliver() == {"waiting": 1}, "it is the other one's to deliver, and this run says so"
    assert bench.target.writes == []


def test_dry_run_copy_is_a_file_of_its_own(bench, tmp_path):
    """A dry run on PostgreSQL works on a copy in a file."""
    bench.take(bill("1"))
    bench.deliver()
    copy = bench.ledger.scratch_copy(tmp_path / "copy.db")
    with copy.read() as connection:
        assert len(queries.posted_totals(connection)) == 1
        proof.verify(connection)
    copy.close()
