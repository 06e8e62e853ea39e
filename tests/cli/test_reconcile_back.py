"""The other direction: what Workday says is owed, compared with the bills it became."""

from __future__ import annotations

import os
import shutil
import subprocess
from decimal import Decimal

import pytest
from workday_invoices import credited, entered

from erp_sandbox.environment import environment
from erp_sandbox.server import Sandbox
from erp_sandbox.world import World

pytestmark = pytest.mark.slow

SINCE = ("reconcile", "workday", "bill", "--since", "2026-06-01")
AMOUNTS = ("100.00", "20.50", "7.99", "1200.01")


@pytest.fixture(scope="module")
def delivered(tmp_path_factory, programs):
    """A sandbox whose four approved invoices were delivered by the real tap and target, the project, both stores."""
    folder = tmp_path_factory.mktemp("delivered")
    world = World.plain(vendors=2, bills=0)
    world.write_crosswalk(folder / "transforms" / "crosswalk")
    with Sandbox(world) as box:
        for number, amount in enumerate(AMOUNTS, 1):
            box.workday.add_invoice(entered(number, amount))
        settings = {
            **environment(box),
            "MELTANO_PROJECT_ROOT": str(folder),
            "TARGET_BILL_TRANSFORM": "tap-workday",
            "TARGET_BILL_MAP_SETTINGS": '{"send_invoices": true}',
        }
        env = {**os.environ, **settings, "ML_CONNECTOR_STATE_DIR": str(folder / "state")}
        tap = subprocess.run([programs / "tap-workday", "--config=ENV"], env=env, capture_output=True, check=True)
        subprocess.run(
            [programs / "target-bill", "--config=ENV"], env=env, input=tap.stdout, capture_output=True, check=True
        )
        yield box, folder, settings, (box.bill.to_json(), box.workday.to_json())


@pytest.fixture
def box(delivered, commands):
    """The sandbox just after the delivery, and commands in a copy of the project."""
    box, folder, settings, (bill, workday) = delivered
    box.bill.from_json(bill)
    box.workday.from_json(workday)
    shutil.copytree(folder, commands.folder, dirs_exist_ok=True)
    commands.env |= {name: value for name, value in settings.items() if name != "MELTANO_PROJECT_ROOT"}
    return box


def bill_of(box, number):
    """The bill an invoice became."""
    (found,) = [each for each in box.bill.bills() if each["invoice"]["invoiceNumber"] == f"R-{number}"]
    return found


def test_after_a_delivery_both_sides_are_equal(box, commands):
    """To the cent; what the map does not send is counted, and no difference."""
    box.workday.add_invoice(entered(8, "50.00", status="IN_PROGRESS"))
    box.workday.add_invoice(entered(9, "50.00", supplier_invoice_id="BILL-00n01AAAAAAAAAAAA0001"))
    box.workday.add_adjustment(credited(7))
    answer = commands.ask(*SINCE)
    assert (answer["documents"], answer["counts"]["equal"], answer["differences"]) == (4, 4, [])
    assert answer["not_expected"] == 3
    (total,) = answer["totals"]
    assert Decimal(total["source"]) == Decimal(total["target"]) == sum(map(Decimal, AMOUNTS))


def change_bill(box):
    """A clerk corrects an amount in BILL."""
    box.bill.edit_bill(bill_of(box, 1)["id"], amount=101)


def change_invoice(box):
    """Workday says another amount than what was sent."""
    box.workday.edit_invoice("SUPPLIER_INVOICE-3-1", control_amount_total=Decimal("99.00"))


def archive_bill(box):
    """The bill counts no more."""
    box.bill.archive_bill(bill_of(box, 1)["id"])


def cancel_invoice(box):
    """The invoice counts no more."""
    box.workday.cancel_invoice("SUPPLIER_INVOICE-3-1")


def enter_again(box):
    """A clerk enters the same number by hand."""
    bill = bill_of(box, 1)
    line = bill["billLineItems"][0]["classifications"]
    coding = [(100, line["chartOfAccountId"], line.get("departmentId"))]
    box.bill.add_bill(bill["vendorId"], coding, invoice=bill["invoice"])


def lose_bill(box):
    """The bill is dated years ago, where nobody looks."""
    bill = bill_of(box, 1)
    box.bill.edit_bill(bill["id"], invoice={**bill["invoice"], "invoiceDate": "2020-01-01"})


@pytest.mark.parametrize(
    ("plant", "kind", "why"),
    [
        (change_bill, "amount", "changed in BILL after posting"),
        (change_invoice, "amount", "changed in Workday after posting"),
        (archive_bill, "status", "archived in BILL"),
        (cancel_invoice, "status", "canceled in Workday"),
        (enter_again, "twice", ""),
        (lose_bill, "only_source", "BILL does not show it"),
    ],
)
def test_a_planted_difference_is_found_and_explained(box, commands, plant, kind, why):
    """One, in its class, under the number people know."""
    plant(box)
    answer = commands.ask(*SINCE, code=3)
    (difference,) = answer["differences"]
    assert (difference["class"], difference["number"]) == (kind, "R-1")
    assert why in difference["why"]


def test_what_no_run_has_read_and_what_others_entered(box, commands):
    """An invoice approved since is missing in BILL; bills that never were in Workday are counted and left alone."""
    box.workday.add_invoice(entered(5, "3.00"))
    line = bill_of(box, 1)["billLineItems"][0]["classifications"]
    box.bill.add_bill(bill_of(box, 1)["vendorId"], [(1, line["chartOfAccountId"], None)])
    answer = commands.ask(*SINCE, code=3)
    (difference,) = answer["differences"]
    assert (difference["class"], difference["number"], difference["why"]) == (
        "only_source",
        "R-5",
        "no run has read it yet",
    )
    assert answer["not_from_source"] == 1
