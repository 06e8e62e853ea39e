"""Whether both sides say the same: every kind of difference planted into the sandbox is found."""

from __future__ import annotations

import csv
import dataclasses
import datetime as dt
import os
import shutil
import subprocess
from decimal import Decimal

import pytest

from erp_sandbox.environment import environment
from erp_sandbox.server import Sandbox
from erp_sandbox.world import World, supplier_id

pytestmark = pytest.mark.slow

SINCE = ("reconcile", "bill", "workday", "--since", "2026-06-01")
FAR = dt.date(2020, 1, 1)


@pytest.fixture(scope="module")
def delivered(tmp_path_factory, programs):
    """A sandbox whose twelve bills were delivered by the real tap and target, the project, and both stores as kept."""
    folder = tmp_path_factory.mktemp("delivered")
    world = World.plain(vendors=5, bills=12, lines=(1, 3))
    world.write_crosswalk(folder / "transforms" / "crosswalk")
    with Sandbox(world) as box:
        env = {
            **os.environ,
            **environment(box),
            "MELTANO_PROJECT_ROOT": str(folder),
            "ML_CONNECTOR_STATE_DIR": str(folder / "state"),
            "TARGET_WORKDAY_TRANSFORM": "tap-bill",
        }
        tap = subprocess.run([programs / "tap-bill", "--config=ENV"], env=env, capture_output=True, check=True)
        subprocess.run(
            [programs / "target-workday", "--config=ENV"], env=env, input=tap.stdout, capture_output=True, check=True
        )
        yield box, folder, (box.bill.to_json(), box.workday.to_json())


@pytest.fixture
def box(delivered, commands):
    """The sandbox just after the delivery, and commands in a copy of the project."""
    box, folder, (bill, workday) = delivered
    box.bill.from_json(bill)
    box.workday.from_json(workday)
    shutil.copytree(folder, commands.folder, dirs_exist_ok=True)
    commands.lead_to(box)
    return box


@pytest.fixture
def first(box):
    """One of the bills."""
    return box.bill.bills()[0]


def number_of(bill):
    """Return the number people know a bill by."""
    return bill["invoice"]["invoiceNumber"]


def posted(box, bill):
    """Return the invoice a bill became."""
    return box.workday.invoice(f"BILL-{bill['id']}")


def by_hand(box, like, id_="HAND-1", **changes):
    """Enter an invoice in Workday as an AP clerk would."""
    box.workday.add_invoice(dataclasses.replace(like, wid="", supplier_invoice_id=id_, invoice_number=id_, **changes))


def the_difference(commands, kind, number):
    """Return the one difference there is, after checking its class and document."""
    answer = commands.ask(*SINCE, code=3)
    (difference,) = answer["differences"]
    assert (difference["class"], difference["number"]) == (kind, number)
    assert answer["counts"][kind] == 1
    return difference


def test_after_a_delivery_both_sides_are_equal(box, commands):
    """Every bill is there, to the cent, and the exit code is 0."""
    answer = commands.ask(*SINCE)
    assert (answer["documents"], answer["counts"]["equal"], answer["differences"]) == (12, 12, [])
    totals = {each["currency"]: each for each in answer["totals"]}
    expected = box.bill.approved_unpaid_totals()
    assert {currency: Decimal(each["source"]) for currency, each in totals.items()} == {
        currency: each["amount"] for currency, each in expected.items()
    }
    assert all(each["source"] == each["target"] and Decimal(each["difference"]) == 0 for each in totals.values())


def test_the_screen_has_counts_totals_and_reasons(box, commands, first):
    """A person reads one line of counts, one per currency, and each difference with its reason."""
    box.bill.edit_bill(first["id"], amount=first["amount"] + 240)
    output = commands.run(*SINCE, code=3)
    assert (
        "12 documents · equal 11 · only in BILL 0 · only in Workday 0 · draft in Workday 0 · amount differs 1" in output
    )
    assert "240" in next(
        line for line in output.splitlines() if line.startswith(box.bill.vendor(first["vendorId"])["billCurrency"])
    )
    assert "changed in BILL after posting" in next(line for line in output.splitlines() if number_of(first) in line)


def test_a_bill_nobody_read_is_only_in_bill(box, commands, first):
    """A bill approved since the last run is missing, and no run has read it."""
    line = first["billLineItems"][0]["classifications"]
    bill = box.bill.add_bill(first["vendorId"], [(100, line["chartOfAccountId"], line["departmentId"])])
    assert the_difference(commands, "only_source", number_of(bill))["why"] == "no run has read it yet"


def test_an_invoice_that_vanished_is_only_in_bill(box, commands, first):
    """What the ledger posted and Workday does not show is found."""
    box.workday.edit_invoice(f"BILL-{first['id']}", invoice_date=FAR)
    why = the_difference(commands, "only_source", number_of(first))["why"]
    assert why.startswith("posted on")
    assert "Workday does not show it" in why


def test_a_bill_that_vanished_is_only_in_workday(box, commands, first):
    """What came from BILL and is not there any more is found by its external id."""
    box.bill.edit_bill(first["id"], invoice={**first["invoice"], "invoiceDate": FAR.isoformat()})
    assert "does not show any more" in the_difference(commands, "only_target", number_of(first))["why"]


def test_a_changed_bill_differs_in_its_amount(box, commands, first):
    """The ledger knows what was sent, so it is known which side changed."""
    box.bill.edit_bill(first["id"], amount=first["amount"] + 1)
    assert the_difference(commands, "amount", number_of(first))["why"] == "changed in BILL after posting"


def test_a_changed_invoice_differs_in_its_amount(box, commands, first):
    """A correction inside Workday is told as such."""
    box.workday.edit_invoice(f"BILL-{first['id']}", control_amount_total=Decimal(first["amount"]) + 1)
    assert the_difference(commands, "amount", number_of(first))["why"] == "changed in Workday after posting"


def test_a_vendor_in_another_currency_is_a_difference_of_its_bills(box, commands):
    """A bill's currency is its vendor's: the same number in another currency is another amount."""
    bill = box.bill.bills()[0]
    of_vendor = [each for each in box.bill.bills() if each["vendorId"] == bill["vendorId"]]
    before = box.bill.vendor(bill["vendorId"])["billCurrency"]
    box.bill.set_currency(bill["vendorId"], "CHF")
    answer = commands.ask(*SINCE, code=3)
    assert answer["counts"]["amount"] == len(of_vendor)
    assert {each["why"] for each in answer["differences"]} == {f"CHF in BILL, {before} in Workday"}


def test_an_archived_bill_differs_in_its_status(box, commands, first):
    """Archived in BILL, still owed in Workday."""
    box.bill.archive_bill(first["id"])
    assert the_difference(commands, "status", number_of(first))["why"] == "archived in BILL, in progress in Workday"


def test_a_cancelled_invoice_differs_in_its_status(box, commands, first):
    """Cancelled in Workday, still owed in BILL."""
    box.workday.cancel_invoice(f"BILL-{first['id']}")
    assert the_difference(commands, "status", number_of(first))["why"].startswith("canceled in Workday")


def test_what_was_also_entered_by_hand_is_posted_twice(box, commands, first):
    """The same supplier and number under another id is the same bill again."""
    by_hand(box, posted(box, first))
    difference = the_difference(commands, "twice", number_of(first))
    assert "HAND-1" in difference["why"]
    assert len(difference["target"]) == 2


def test_a_bill_entered_by_hand_is_equal_and_says_so(box, commands, first):
    """A bill that a clerk entered before any run is not missing."""
    line = first["billLineItems"][0]["classifications"]
    bill = box.bill.add_bill(first["vendorId"], [(100, line["chartOfAccountId"], line["departmentId"])])
    like = posted(box, first)
    lines = [dataclasses.replace(like.lines[0], extended_amount=Decimal(100))]
    by_hand(
        box,
        like,
        suppliers_invoice_number=number_of(bill),
        control_amount_total=Decimal(100),
        invoice_date=dt.date.fromisoformat(bill["invoice"]["invoiceDate"]),
        lines=lines,
    )
    file = commands.folder / "all.csv"
    assert commands.ask(*SINCE, "--csv", str(file))["counts"]["equal"] == 13
    with file.open(encoding="utf-8-sig", newline="") as rows:
        row = next(row for row in csv.DictReader(rows) if row["number"] == number_of(bill))
    assert (row["class"], row["why"]) == ("equal", "entered by hand in Workday as HAND-1")


def test_payment_makes_no_difference(box, commands, first):
    """A bill paid after it was posted is still expected, and equal."""
    box.bill.edit_bill(first["id"], paymentStatus="PAID", paidAmount=first["amount"], dueAmount=0)
    assert commands.ask(*SINCE)["counts"]["equal"] == 12


def test_what_the_filter_does_not_want_is_not_expected(box, commands, first):
    """A bill that waits for approval is counted, but is no difference; with other map settings it would be."""
    line = first["billLineItems"][0]["classifications"]
    box.bill.add_bill(
        first["vendorId"], [(1, line["chartOfAccountId"], line["departmentId"])], approvalStatus="ASSIGNED"
    )
    assert commands.ask(*SINCE)["not_expected"] == 1
    settings = '{"approval_status": ["APPROVED", "ASSIGNED"]}'
    assert commands.ask(*SINCE, code=3, TARGET_WORKDAY_MAP_SETTINGS=settings)["counts"]["only_source"] == 1


def test_what_others_post_into_workday_is_no_difference(box, commands, first):
    """Invoices that never were in BILL are counted and left alone."""
    by_hand(box, posted(box, first), supplier=supplier_id(5), suppliers_invoice_number="ELSEWHERE")
    answer = commands.ask(*SINCE)
    assert (answer["not_from_source"], answer["counts"]["only_target"]) == (1, 0)


def test_without_a_ledger_the_comparison_is_the_same(box, commands, first):
    """A lost ledger loses reasons, not findings."""
    shutil.rmtree(commands.folder / ".ml-connector")
    assert commands.ask(*SINCE)["counts"]["equal"] == 12
    box.bill.archive_bill(first["id"])
    the_difference(commands, "status", number_of(first))


def test_the_file_lists_every_document(box, commands, first):
    """With --csv the equal ones are written too, amounts as they are."""
    file = commands.folder / "month.csv"
    commands.run(*SINCE, "--csv", str(file))
    with file.open(encoding="utf-8-sig", newline="") as rows:
        found = {row["number"]: row for row in csv.DictReader(rows)}
    assert len(found) == 12
    row = found[number_of(first)]
    assert row["class"] == "equal"
    assert Decimal(row["source_amount"]) == Decimal(row["target_amount"]) == Decimal(first["amount"])
    assert row["ledger"] == "posted"


def test_only_the_dates_asked_for_are_compared(box, commands, first):
    """--since and --until narrow both sides by invoice date."""
    day = first["invoice"]["invoiceDate"]
    answer = commands.ask("reconcile", "bill", "workday", "--since", day, "--until", day)
    assert answer["documents"] == sum(bill["invoice"]["invoiceDate"] == day for bill in box.bill.bills())


def test_nothing_is_written_to_any_system(box, commands):
    """A comparison only reads."""
    before = dict(box.workday.requests)
    commands.run(*SINCE)
    asked = {name for name, number in box.workday.requests.items() if number != before.get(name)}
    assert asked == {"Get_Supplier_Invoices", "Get_Supplier_Invoice_Adjustments"}


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("reconcile", "bill", "bill"), "the same system"),
        (("reconcile", "bill", "workday", "--since", "2026-02-01", "--until", "2026-01-01"), "before --since"),
        (("reconcile", "bill", "nowhere"), "nowhere"),
    ],
)
def test_a_command_line_that_means_nothing_is_refused(commands, words, what):
    """A mistake on the command line is told as such."""
    assert what in commands.run(*words, code=2)


def test_map_settings_that_are_no_json_are_told(box, commands):
    """One line what, one line cure."""
    assert "map_settings" in commands.run(*SINCE, code=1, TARGET_WORKDAY_MAP_SETTINGS="{oops")
