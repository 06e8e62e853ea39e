"""Whether a bill takes longer the more the ledger holds: from a thousand to a million documents posted before.

Ledgers are filled through the schema with documents as a delivery leaves them: record, document, two audit rows (short
ones, nothing reads them). Then the intake takes new and unchanged bills, and the delivery posts the new ones to a
target that answers at once, so that what is measured is ours: map, ledger, durable commits.
"""

from __future__ import annotations

import collections
import datetime as dt
import itertools
import math
import os
import tempfile
import time
import typing as t
from pathlib import Path

import click
import sqlalchemy as sa
from measure import BenchmarkFailed, Result, reported

from erp_sandbox.bill import seed as bill_seed
from erp_sandbox.ids import bill_id
from erp_sandbox.world import World
from ml_connector import exact_json
from ml_connector.delivery.attempt import Policy
from ml_connector.delivery.delivery import Delivery
from ml_connector.delivery.sink import Delivered, DocumentSink, Found
from ml_connector.documents import SupplierInvoice, content_hash
from ml_connector.errors import Reason
from ml_connector.ledger.binder import LedgerLinks, LedgerReferences
from ml_connector.ledger.intake import Intake
from ml_connector.ledger.runs import Run
from ml_connector.ledger.schema import audit, audit_head, entries
from ml_connector.ledger.store import Ledger
from ml_connector.mapping.engine import MapEngine

TARGET = "workday:bench"
GOAL = 1.3
TEMPLATES = 200
MADE = 1_000
"""Documents made from scratch at a time; those between are multiplied from the first of them inside the database."""
BLOCK = 20_000
SEED = 1

_ID = "'00n01' || printf('%015d', n.i * 2654435761 % 1000000000000000)"
"""A new id of 20 characters, in no order."""
_CHANGED: t.Final = {
    "id": "n.i",
    "source_id": _ID,
    "record": f"replace(e.record, e.source_id, {_ID})",
    "record_hash": "e.record_hash || n.i",
    "external_id": f"'BILL-' || {_ID}",
    "sent": f"replace(e.sent, e.source_id, {_ID})",
    "target_id": f"'wid-' || {_ID}",
    "target_number": f"'BILL-' || {_ID}",
    "number": "'INV-' || n.i",
}
_COLUMNS: t.Final = [column.name for column in entries.columns]
_MULTIPLY: t.Final = sa.text(
    f"INSERT INTO entries ({', '.join(_COLUMNS)}) "  # noqa: S608 - names of our own schema
    "WITH RECURSIVE n(i) AS (SELECT :first UNION ALL SELECT i + 1 FROM n WHERE i < :last) "
    f"SELECT {', '.join(_CHANGED.get(name, f'e.{name}') for name in _COLUMNS)} "
    "FROM n JOIN entries e ON e.id = 1 + n.i % :made"
)
_STEPS: t.Final = sa.text(
    "INSERT INTO audit (seq, at, run, actor, entry_id, external_id, action, outcome, detail, previous, hash) "
    "SELECT 10 * id + :place, posted_at, 'bench', 'bench', id, external_id, :action, 'Workday ' || target_number, "
    "'{}', record_hash, fingerprint FROM entries WHERE id > :after"
)
"""The audit rows of documents posted before; their chain is not proved here."""


@click.command(help=__doc__)
@click.option("--rows", multiple=True, type=int, default=(1_000, 10_000, 100_000, 1_000_000), show_default=True)
@click.option("--new", default=500, show_default=True, help="How many new bills arrive each time.")
@click.option("--unchanged", default=500, show_default=True, help="How many known ones arrive with them.")
@click.option("--tries", default=3, show_default=True, help="The fastest of so many counts.")
@reported
def main(rows: tuple[int, ...], new: int, unchanged: int, tries: int) -> list[Result]:
    """Taking in and delivering bills with ever larger ledgers: time per bill."""
    seconds: dict[int, float] = {}
    with tempfile.TemporaryDirectory(prefix="ml-connector-bench-") as name:
        benches = {count: _Bench(Path(name) / str(count)) for count in sorted(rows)}
        for count, bench in benches.items():
            bench.fill(count)
        os.sync()  # or writing out what was filled in would slow down what is measured
        load = os.getloadavg()[0]
        # In turns, so that whatever else this machine does meets all sizes alike.
        for _ in range(tries):
            for count, bench in benches.items():
                seconds[count] = min(seconds.get(count, math.inf), bench.measure(new, unchanged))
        for bench in benches.values():
            bench.close()
    each = {count: 1000 * fastest / (new + unchanged) for count, fastest in seconds.items()}
    fewest, *others = each
    what = "per bill, {:,} documents in the ledger"
    results = [Result(what.format(fewest), each[fewest], "ms", load=load)]
    results += [
        Result(what.format(count), each[count], "ms", f"{fewest:,} documents", each[fewest], GOAL, load)
        for count in others
    ]
    return results


class InstantSink(DocumentSink[SupplierInvoice]):
    """A target that takes everything at once."""

    document_class = SupplierInvoice
    reads_back = True

    def prepare(self) -> None:
        """Nothing to read."""

    def check(self, document: SupplierInvoice) -> list[Reason]:
        """Have nothing against it."""
        del document
        return []

    def find(self, document: SupplierInvoice) -> Found | None:
        """Have none."""
        del document
        return None

    def create(self, document: SupplierInvoice) -> Delivered:
        """Take it."""
        return Delivered(f"wid-{document.external_id}", document.external_id)

    def update(self, document: SupplierInvoice, target_id: str, previous: SupplierInvoice | None) -> Delivered:
        """Take it again."""
        del previous
        return Delivered(target_id, document.external_id)

    def read_back(self, target_ids: t.Sequence[str]) -> dict[str, Found]:
        """Have all of them."""
        return {target_id: Found(target_id) for target_id in target_ids}


class _Bench:
    """A ledger, what fills it, and what is measured with it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._world = World.plain(SEED, bills=TEMPLATES, lines=(1, 3))
        self._world.write_crosswalk(folder)
        self._ledger = Ledger(f"sqlite:///{folder / 'ledger.db'}")
        self._references = LedgerReferences(self._ledger, system=lambda: "bill")
        self._engine = MapEngine.load(
            "tap-bill",
            target="workday",
            crosswalk_dir=folder,
            references=self._references,
            links=LedgerLinks(self._ledger, TARGET, system=lambda: "bill"),
        )
        # Suppliers that are found by their external id in the target are not here to be found.
        plans = [plan for plan in self._world.plans() if self._world.link(plan.vendor) == "table"]
        self._bills = [bill_seed.bill_record(SEED, plan) for plan in plans]
        for bill in self._bills:
            bill["organizationId"] = self._world.organization_id
        self._templates = [exact_json.dumps(bill) for bill in self._bills]
        self._remember_references()
        self._documents = [self._document(bill) for bill in self._bills]
        self._made: list[int] = []
        self._arrived = itertools.count(1)

    def fill(self, count: int) -> None:
        """Bring the number of documents posted before up to ``count``."""
        if not self._made:
            self._make(range(min(MADE, count)))
        held = self._number_of_rows()
        if count <= held + MADE:
            return
        for first in range(held + 1, count - MADE, BLOCK):
            last = min(first + BLOCK - 1, count - MADE)
            with self._ledger.engine.begin() as connection:
                connection.execute(_MULTIPLY, {"first": first, "last": last, "made": MADE})
                _add_steps(connection)
        self._make(range(count - MADE, count))

    def measure(self, new: int, unchanged: int) -> float:
        """Return how many seconds it takes to deal with new and unchanged bills."""
        known = [self._record(number) for number in self._made[:: max(1, len(self._made) // unchanged)][:unchanged]]
        fresh = [self._record(-next(self._arrived)) for _ in range(new)]
        began = time.perf_counter()
        intake = Intake(self._ledger, TARGET, self._engine, self._references)
        for record in (*known, *fresh):
            intake.add("bills", record)
        intake.flush()
        run = Run(self._ledger, TARGET, "tap-bill", "benchmark")
        Delivery(
            self._ledger,
            target=TARGET,
            target_name="Workday",
            mapper=self._engine,
            sinks=[InstantSink()],
            run=run,
            policy=Policy(),
        ).run()
        run.finish()
        seconds = time.perf_counter() - began
        counts = collections.Counter({outcome: count for (_, outcome), count in intake.counts.items()})
        if (counts["new"], counts["unchanged"], run.summary.of("created")) != (new, unchanged, new):
            raise BenchmarkFailed(f"not what was to be measured: {counts}, {run.summary.to_dict()}")
        return seconds

    def close(self) -> None:
        """Let go of the ledger."""
        self._ledger.close()

    def _remember_references(self) -> None:
        intake = Intake(self._ledger, TARGET, self._engine, self._references)
        for stream, record in self._world.bill_records():
            if self._engine.is_reference(stream):
                organization = {"organizationId": self._world.organization_id}
                instance, id_ = self._engine.reference_id(stream, {**record, **organization})
                self._references.put(instance, stream, {id_: {**record, **organization}})
        intake.flush()

    def _document(self, bill: dict[str, t.Any]) -> str:
        mapped = self._engine.map("bills", bill)
        if mapped.document is None:
            raise BenchmarkFailed(f"a bill of the sandbox cannot be mapped: {mapped.reasons}")
        return mapped.document.model_dump_json()

    def _text(self, number: int) -> tuple[str, str, int]:
        """Return record, id and template of bill ``number``; negative ones have not been seen before."""
        template = number % len(self._templates)
        id_ = bill_id("bill", "bench", number)
        return self._templates[template].replace(str(self._bills[template]["id"]), id_), id_, template

    def _record(self, number: int) -> t.Any:
        return exact_json.loads(self._text(number)[0])

    def _make(self, numbers: range) -> None:
        with self._ledger.engine.begin() as connection:
            connection.execute(sa.insert(entries), [self._row(number) for number in numbers])
            _add_steps(connection)
        self._made += numbers

    def _number_of_rows(self) -> int:
        with self._ledger.read() as connection:
            return int(connection.execute(sa.select(sa.func.max(entries.c.id))).scalar_one())

    def _row(self, number: int) -> dict[str, t.Any]:
        record, id_, template = self._text(number)
        bill = self._bills[template]
        now = dt.datetime.now(dt.UTC)
        document = self._documents[template].replace(str(bill["id"]), id_)
        return {
            "target": TARGET,
            "kind": "supplier_invoices",
            "source": f"bill:{self._world.organization_id}",
            "source_id": id_,
            "stream": "bills",
            "record": record,
            "record_hash": content_hash(record),
            "version": bill["updatedTime"],
            "source_created_at": now,
            "state": "posted",
            "external_id": f"BILL-{id_}",
            "sent": document,
            "fingerprint": content_hash(document),
            "target_id": f"wid-{id_}",
            "target_number": f"BILL-{id_}",
            "origin": "delivered",
            "number": f"INV-{number}",
            "party": bill["vendorName"],
            "currency": "USD",
            "booking_date": now.date(),
            "first_seen_at": now,
            "changed_at": now,
            "posted_at": now,
            "verified_at": now,
        }


def _add_steps(connection: sa.Connection) -> None:
    """Give all new rows the audit entries of a delivery."""
    after = connection.execute(sa.select(sa.func.max(audit.c.entry_id))).scalar_one() or 0
    for place, action in enumerate(("intent", "posted")):
        connection.execute(_STEPS, {"after": after, "place": place, "action": action})
    newest = connection.execute(sa.select(sa.func.max(audit.c.seq))).scalar_one()
    connection.execute(sa.update(audit_head).values(seq=newest))


if __name__ == "__main__":
    main()
