"""A ledger, a map and a target, run as a target plugin would run them."""

from __future__ import annotations

import sqlalchemy as sa
from ledger_doubles import InvoiceSink, SupplierSink, TestMap, TestTarget

from ml_connector.delivery.attempt import Policy
from ml_connector.delivery.delivery import Delivery
from ml_connector.ledger.binder import LedgerReferences
from ml_connector.ledger.entries import Entry
from ml_connector.ledger.intake import Intake
from ml_connector.ledger.runs import Run
from ml_connector.ledger.schema import entries
from ml_connector.ledger.store import Ledger

FAST = Policy(wait_initial=0.001, wait_longest=0.01)


class Bench:
    """A ledger, a map and a target, run as a target plugin would run them."""

    def __init__(self, url):
        self.url = url
        self.ledger = Ledger(url)
        self.map = TestMap()
        self.target = TestTarget()
        self.invoices = InvoiceSink(self.target)
        self.suppliers = SupplierSink(self.target)

    def reopen(self, url=None):
        """Start over with another ledger, or the same one as after a crash."""
        self.ledger.close()
        self.ledger = Ledger(url or self.url)

    def take(self, *records, stream="bills", malformed=()):
        """Let intake have records; return its counts."""
        intake = Intake(self.ledger, "test:one", self.map, LedgerReferences(self.ledger, system=lambda: "bill"))
        for record in records:
            intake.add(stream, record, malformed=malformed)
        intake.flush()
        return {outcome: count for (_, outcome), count in intake.counts.items()}

    def go_on(self, source, *records, stream="bills"):
        """Let intake have records of a run whose bookmarks were set when a source was read."""
        intake = Intake(self.ledger, "test:one", self.map, LedgerReferences(self.ledger, system=lambda: "bill"))
        for record in records:
            intake.add(stream, record)
        intake.flush()
        intake.go_on([source])

    def run(self, *records, stream="bills", policy=FAST):
        """Read records and deliver, as one run of a target does; return its account."""
        run = Run(self.ledger, "test:one", "tap-test", "tester")
        references = LedgerReferences(self.ledger, system=lambda: "bill")
        intake = Intake(self.ledger, "test:one", self.map, references, run=run)
        for record in records:
            intake.add(stream, record)
        intake.flush()
        intake.tell(run.summary)
        self.deliver(policy, run)
        return run.summary

    def deliver(self, policy=FAST, run=None):
        """Deliver; return the invoices' counts by outcome."""
        run = run or Run(self.ledger, "test:one", "tap-test", "tester")
        self.last = run
        delivery = Delivery(
            self.ledger,
            target="test:one",
            target_name="Test",
            mapper=self.map,
            sinks=[self.invoices, self.suppliers],
            run=run,
            policy=policy,
        )
        try:
            delivery.run()
        finally:
            run.finish()
        return {key: count for key, count in run.summary.counts["supplier_invoices"].items() if count}

    def entry(self, source_id):
        """Return the ledger's row of a document."""
        with self.ledger.read() as connection:
            return Entry.from_row(connection.execute(sa.select(entries).where(entries.c.source_id == source_id)).one())

    def tamper(self, source_id, **values):
        """Change a row as a crash would leave it."""
        self.ledger.write(
            lambda connection: connection.execute(
                sa.update(entries).where(entries.c.source_id == source_id).values(**values)
            )
        )
