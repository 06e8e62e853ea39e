"""Thousands of records made bad at random, really delivered: nothing ends, good ones go out, bad ones are held.

A few in the suite; ``make fuzz`` gives each target 20,000 and prints the seed, with which a run can be repeated.
"""

from __future__ import annotations

import collections
import json
import os
import random
import time

import bill_documents
import business_central_documents
import pytest
from mutations import Mutations, Shape
from streaming import STATE, TARGETS, line, record, run, schema, settings_for

from erp_sandbox.world import World
from ml_connector.delivery.attempt import Attempt

pytestmark = pytest.mark.slow

RECORDS = int(os.environ.get("FUZZ_RECORDS") or 120)
SEED = int(os.environ.get("FUZZ_SEED") or (random.randrange(10**6) if "FUZZ_RECORDS" in os.environ else 1))
LONGEST = 5
"""Seconds of computing after which one record counts as hanging."""

DOCUMENTS = Shape(
    stream="supplier_invoices",
    ids=(("source",), ("source", "id"), ("source", "instance"), ("source", "system")),
    needed=(("supplier",), ("company",), ("currency",), ("lines",), ("lines", 0), ("external_id",)),
    days=(("invoice_date",), ("due_date",)),
    numbers=(("total",), ("lines", 0, "amount"), ("lines", 0, "quantity"), ("lines", 0, "unit_price")),
    texts=(("memo",), ("lines", 0, "description"), ("supplier_name",)),
)
BILLS = Shape(
    stream="bills",
    ids=(("id",), ("organizationId",)),
    needed=(("vendorId",), ("billLineItems",), ("amount",)),
    days=(("invoice", "invoiceDate"), ("dueDate",)),
    numbers=(("amount",), ("billLineItems", 0, "amount"), ("billLineItems", 0, "quantity")),
    texts=(("description",), ("billLineItems", 0, "description"), ("vendorName",)),
)


def invoices_of(documents):
    """Return a maker of good records from a maker of documents."""

    def make(number):
        return documents.invoice(f"{number:07d}", supplier_number=f"R-{number}").model_dump(mode="json")

    return make


def bills_of(box, world, folder):
    """Write mapping tables; return the vendor they need and a maker of good bills."""
    world.write_crosswalk(folder)
    for table, value in {"spend_categories": "Office_Supplies", "cost_centers": "CC-110"}.items():
        (folder / "bill-workday" / f"{table}.csv").write_text(f"source,target\n*,{value}\n", "utf-8")
    own = {"organizationId": world.organization_id}
    bill = json.loads(json.dumps(box.bill.bills()[0] | own, default=float))
    bill["billLineItems"][0] |= {"quantity": None, "price": None, "amount": 10}
    bill |= {"amount": 10, "billLineItems": bill["billLineItems"][:1]}
    vendor = json.loads(json.dumps(box.bill.vendor(bill["vendorId"]) | own, default=float))

    def make(number):
        made = json.loads(json.dumps(bill)) | {"id": f"00nFUZZ{number:013d}"}
        made["invoice"]["invoiceNumber"] = f"R-{number}"
        return made

    return [schema("vendors"), record("vendors", **vendor)], make


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_every_good_record_goes_out_and_every_bad_one_is_held(sandbox, tmp_path, monkeypatch, caplog, name):
    """No traceback, no hang, no record lost, whatever is made of it; ``FUZZ_SEED`` repeats a run."""
    print(f"{name}: {RECORDS} records, FUZZ_SEED={SEED}")  # noqa: T201 - without it no run can be repeated
    monkeypatch.setenv("MELTANO_PROJECT_ROOT", str(tmp_path))
    business_central_documents.without_documents(monkeypatch)
    world = World.plain(vendors=3, bills=2, lines=(1, 1))
    box = sandbox(world)
    head, shape, settings = [], DOCUMENTS, settings_for(box, name)
    if name == "target-workday":
        head, make = bills_of(box, world, tmp_path / "transforms" / "crosswalk")
        shape, settings = BILLS, settings | {"transform": "tap-bill"}
    else:
        make = invoices_of(bill_documents if name == "target-bill" else business_central_documents)
    made = Mutations(shape, SEED)
    mutants = [
        (number, made.whole(make(number)) if number % 5 == 0 else made.of(make(number))) for number in range(RECORDS)
    ]
    longest = watched(monkeypatch)
    lines = [line(each) for each in [*head, schema(shape.stream)]]
    ran = run(
        TARGETS[name](config=settings), b"".join([*lines, *(each.line + b"\n" for _, each in mutants), line(STATE)])
    )

    assert (ran.error, ran.code, ran.states) == (None, 0, [STATE["value"]])
    assert ran.summary.defects == set()
    assert "Traceback" not in caplog.text
    assert max(longest.values()) < LONGEST
    state = {entry.source_id: entry.state for entry in ran.entries if entry.kind == "supplier_invoices"}
    key = "id" if shape is BILLS else "source"
    ids = {number: make(number)[key] if shape is BILLS else make(number)[key]["id"] for number, _ in mutants}
    for fate in ("posted", "held"):
        wrong = {number: (each.line[:300], state.get(ids[number])) for number, each in mutants if each.fate == fate and state.get(ids[number]) != fate}  # fmt: skip
        assert wrong == {}
    aside = [each.line for _, each in mutants if each.fate == "aside"]
    kept = [entry for entry in ran.entries if entry.kind == "unreadable_lines"]
    assert len(kept) >= len(aside)
    assert {entry.state for entry in kept} == {"held"}
    assert [entry for entry in ran.entries if entry.uncertain] == []


def watched(monkeypatch):
    """Note how long each record and document was computed with, by its thread's own clock."""
    longest = collections.Counter()

    def watch(owner, name):
        original = getattr(owner, name)

        def timed(*arguments):
            began = time.thread_time()
            try:
                return original(*arguments)
            finally:
                longest[name] = max(longest[name], time.thread_time() - began)

        monkeypatch.setattr(owner, name, timed)

    from ml_connector.singer.reader import MessageReader

    watch(Attempt, "carry")
    watch(MessageReader, "_message")
    return longest
