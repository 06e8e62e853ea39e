"""Business Central and BILL, both ways: invoices become bills, bills invoices, payments come back, to the last cent."""

from __future__ import annotations

import collections
import contextlib
import io
import itertools
import json
import logging
import os
import random
import secrets
import signal
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa
from harness import BIN, Project
from waiting import PATIENCE, wait_until

from erp_sandbox import credentials
from erp_sandbox.bill.writes.payments import record
from erp_sandbox.business_central.crosswalk import write_crosswalk
from erp_sandbox.environment import environment
from erp_sandbox.world import World
from ml_connector.ledger.entries import Entry
from ml_connector.ledger.schema import entries
from ml_connector.ledger.store import Ledger
from tap_bill.streams import Bills, ChartOfAccounts, Departments, Payments, Vendors
from tap_bill.tap import TapBill
from tap_business_central.streams import Vendors as CentralVendors
from tap_business_central.tap import TapBusinessCentral
from target_bill.target import TargetBill
from target_business_central.target import TargetBusinessCentral

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
from business_central_documents import entered, entries_of, lines_of

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

KILLS = 8
PAID_ON = "2026-12-31"
TO_BILL = {"account_numbers": "same", "location_dimension": "LOCATION"}
EVERY_BILL = {
    "account_numbers": "same",
    "payment_status": ["UNPAID", "PARTIALLY_PAID", "SCHEDULED", "IN_PROCESS", "PAID"],
}


@pytest.fixture
def project(tmp_path, sandbox, programs):
    """A maker of projects with the tables between BILL and Business Central."""

    def make(world, **settings):
        here = Project(tmp_path, sandbox(world), programs, **settings)
        write_crosswalk(world, here.crosswalk.parent)
        return here

    return make


def pay(box, parts, day=PAID_ON):
    """Let BILL pay bills, and the money arrive; return the payment's id."""
    vendor = box.bill.bill(next(iter(parts)))["vendorId"]
    body = {
        "vendorId": vendor,
        "processDate": day,
        "toPrintCheck": False,
        "payments": [{"billId": bill, "amount": amount} for bill, amount in parts.items()],
    }
    paid = record(box.bill, box.bill.main, body)["id"]
    box.bill.edit_payment(paid, singleStatus="CLEARED", onlinePayment=True, disbursementType="ACH")
    return paid


def sums(pairs):
    """Add up amounts by currency."""
    totals = collections.defaultdict(Decimal)
    for currency, amount in pairs:
        totals[currency] += Decimal(amount)
    return dict(totals)


def kept(here, kind):
    """What the ledger knows of a kind."""
    with Ledger(here.ledger_url) as ledger, ledger.read() as connection:
        found = connection.execute(sa.select(entries).where(entries.c.kind == kind))
        return [Entry.from_row(row) for row in found]


def currency_of(box, bill):
    """The currency of a bill."""
    return box.bill.vendor(bill["vendorId"])["billCurrency"]


def test_invoices_become_bills_and_their_payments_come_back(project):
    """Two jobs, as the schedules run them; both systems agree invoice by invoice, and in four currencies to the cent."""
    world = World.plain(vendors=20, bills=2, lines=(1, 1))
    here = project(
        world,
        TARGET_BILL_MAP_SETTINGS=json.dumps(TO_BILL),
        TARGET_BILL_MISSING_SUPPLIERS="create",
        TAP_BUSINESS_CENTRAL_SETTLE_SECONDS="0",
    )
    box, central = here.box, here.box.business_central
    parted = {entry["documentNumber"] for entry in central.records("vendorLedgerEntries") if is_parted(entry)}
    for odd in [each for each in central.invoices() if each["currencyCode"] == "KWD" or each["number"] in parted]:
        # Three decimals, which BILL does not keep; and what was paid in part before.
        central.edit("purchaseInvoices", odd["id"], status="Paid")
    entered(box, "V00019", "1250.50", number="NW-19")
    owed = [each for each in central.invoices() if each["status"] == "Open"]

    done = here.meltano("run", "business-central-to-bill")
    assert done.code == 0, done.err
    by_invoice = {entry.source_id: entry.target_id for entry in kept(here, "supplier_invoices")}
    assert set(by_invoice) == {each["id"] for each in owed}
    bills = {invoice: box.bill.bill(bill) for invoice, bill in by_invoice.items()}
    for each in owed:
        bill = bills[each["id"]]
        assert (bill["invoice"]["invoiceNumber"], bill["amount"]) == (
            each["vendorInvoiceNumber"],
            each["totalAmountIncludingTax"],
        )
        assert (currency_of(box, bill), len(bill["billLineItems"])) == (
            each["currencyCode"],
            sum(line["lineType"] != "Comment" for line in each["lines"]),
        )
    totals = sums((each["currencyCode"], each["totalAmountIncludingTax"]) for each in owed)
    assert sums((currency_of(box, bill), bill["amount"]) for bill in bills.values()) == totals
    assert set(totals) == {"USD", "EUR", "JPY", "KWD"}
    located = [line["classifications"].get("locationId") for bill in bills.values() for line in bill["billLineItems"]]
    assert any(located)

    payments = pay_all_but_a_part(box, bills)
    done = here.meltano("run", "payments-to-business-central")
    assert done.code == 0, done.err
    lines = lines_of(box)
    assert {line["appliesToInvoiceId"]: line["amount"] for line in lines} == payments
    assert len({line["documentNumber"] for line in lines}) == len(kept(here, "payments")) < len(lines)

    central.post_batch("BILL")
    status = {each["id"]: each["status"] for each in central.invoices()}
    parted = {each["id"] for each in owed if payments[each["id"]] != each["totalAmountIncludingTax"]}
    assert len(parted) == 1
    assert {status[each["id"]] for each in owed if each["id"] not in parted} == {"Paid"}
    assert {status[identifier] for identifier in parted} == {"Open"}
    for first, second in (("business_central", "bill"),):
        compared = here.connector("reconcile", first, second, "--since", "2026-01-01", "--json")
        assert compared.code == 0, compared.out + compared.err


def is_parted(entry):
    """Whether somebody has paid a part of an invoice."""
    return entry["documentType"] == "Invoice" and entry["open"] and entry["_remaining"] != entry["amount"]


def pay_all_but_a_part(box, bills):
    """Let BILL pay every bill: one by half, those of one vendor together; return what was paid by invoice."""
    paid = {invoice: Decimal(bill["amount"]) for invoice, bill in bills.items()}
    by_vendor = collections.defaultdict(dict)
    for invoice, bill in bills.items():
        box.bill.approve_bill(bill["id"])
        by_vendor[bill["vendorId"]][invoice] = bill["id"]
    together = max(by_vendor.values(), key=len)
    assert len(together) > 1
    part = next(
        invoice for invoice, bill in bills.items() if currency_of(box, bill) == "USD" and invoice not in together
    )
    paid[part] = (paid[part] / 2).quantize(Decimal("0.01"))
    pay(box, {bill: paid[invoice] for invoice, bill in together.items()})
    for invoice, bill in bills.items():
        if invoice not in together:
            pay(box, {bill["id"]: paid[invoice]})
    return paid


# Without Meltano: both directions in this process, or the target as a process of its own.


def config_of(box, plugin):
    """The settings of a plugin for the sandbox."""
    prefix = plugin.name.upper().replace("-", "_") + "_"
    return {
        name.removeprefix(prefix).lower(): each for name, each in environment(box).items() if name.startswith(prefix)
    }


def of_central(box):
    """The settings of tap-business-central, which reads what was changed a moment ago."""
    return {**config_of(box, TapBusinessCentral), "settle_seconds": 0}


def read(tap):
    """Return the messages of a tap; checking the schemas themselves would take most of a run's time."""
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    with contextlib.redirect_stdout(out):
        tap.sync_all()
        out.flush()
    lines = [json.loads(line) for line in out.buffer.getvalue().decode().splitlines()]
    for line in lines:
        if line["type"] == "SCHEMA":
            line["schema"] = {"properties": {}}
    return "".join(f"{json.dumps(line)}\n" for line in lines)


def deliver(plugin, messages, **config):
    """Let a target take messages and deliver; return the counts by kind."""
    target = plugin(config=config)
    with contextlib.redirect_stdout(io.StringIO()):
        target.listen(io.StringIO(messages))
    counts = target._delivery._run.summary.counts
    return {kind: {outcome: count for outcome, count in each.items() if count} for kind, each in counts.items()}


class PayablesTap(TapBill):
    """tap-bill with what the target takes."""

    stream_classes = (Vendors, ChartOfAccounts, Departments, Bills, Payments)


class TestKilled:
    """The target is killed at random moments while requests fail around it."""

    pytestmark = pytest.mark.chaos

    def test_eight_kills_enter_each_bill_and_each_payment_once(self, project):
        """Invoices posted, payments applied: in four currencies equal to BILL's, whatever happened on the way."""
        seed = int(os.environ.get("CHAOS_SEED") or secrets.randbelow(1_000_000))
        print(f"CHAOS_SEED={seed}")  # noqa: T201 - shown on failure only
        chance = random.Random(seed)
        here = project(World.plain(vendors=20, bills=24, lines=(1, 2)))
        box = here.box
        paid = {}
        for bill in box.bill.bills()[:14]:
            whole = Decimal(bill["amount"])
            part = whole if chance.random() < 0.7 and whole == round(whole, 2) else Decimal(1)
            paid[bill["id"]] = part
            pay(box, {bill["id"]: part})
        messages = here.folder / "messages.jsonl"
        messages.write_text(read(PayablesTap(config=config_of(box, TapBill))), "utf-8")
        for kind, rate in {"throttle": 0.02, "error_500": 0.02, "drop_before": 0.02, "drop_after": 0.06}.items():
            box.faults.set(kind, rate, system="business_central")
        box.faults._random.seed(chance.random())
        for _ in range(KILLS):
            run_target(here, messages, after=chance.randint(3, 25))
        assert {"business_central.drop_after"} <= set(box.faults.happened())
        box.faults.clear()
        let_time_pass(here)
        for _ in range(2):
            ended = run_target(here, messages)
            assert ended.returncode == 0, ended.stderr
        self.is_entered_once(here, paid)

    def is_entered_once(self, here, paid):
        """Hold what Business Central has against what BILL has."""
        box, central = here.box, here.box.business_central
        known = kept(here, "supplier_invoices") + kept(here, "payments")
        assert [(entry.state, entry.reasons) for entry in known if entry.state != "posted"] == []
        made = collections.defaultdict(list)
        for invoice in central.invoices():
            marks = [line["description"] for line in invoice["lines"] if "[ref BILL-" in line["description"]]
            for mark in marks:
                made[mark.partition("[ref BILL-")[2].rstrip("]")].append(invoice)
        bills = box.bill.bills()
        assert {identifier: len(each) for identifier, each in made.items()} == {bill["id"]: 1 for bill in bills}
        totals = sums((currency_of(box, bill), bill["amount"]) for bill in bills)
        entered_ = [each for (each,) in made.values()]
        assert sums((each["currencyCode"], each["totalAmountIncludingTax"]) for each in entered_) == totals
        assert len(totals) == 4
        assert {each["status"] for each in entered_} == {"Open"}
        lines = {line["appliesToInvoiceId"]: line["amount"] for line in lines_of(box)}
        assert len(lines) == len(lines_of(box)) == len(paid)
        assert lines == {made[bill][0]["id"]: amount for bill, amount in paid.items()}
        assert here.ask("audit", "verify")["intact"] is True


def run_target(here, messages, after=None):
    """Run target-business-central over the messages, killed after so many calls if that is said."""
    settings = {
        "TARGET_BUSINESS_CENTRAL_TRANSFORM": "tap-bill",
        "TARGET_BUSINESS_CENTRAL_MAP_SETTINGS": json.dumps(EVERY_BILL),
        "TARGET_BUSINESS_CENTRAL_POST_INVOICES": "true",
        "TARGET_BUSINESS_CENTRAL_REQUESTS_PER_MINUTE": "60000",
    }
    box = here.box
    goal = box.stats.calls("business_central") + (after or 0)
    with messages.open("rb") as stdin, (here.outside / "target.txt").open("w") as errors:
        process = subprocess.Popen(
            [BIN / "target-business-central", "--config=ENV"],
            cwd=here.folder,
            env=here.environment(**settings),
            stdin=stdin,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
        )
    if after is not None:
        wait_until(lambda: box.stats.calls("business_central") >= goal, process)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
    process.wait(PATIENCE)
    return subprocess.CompletedProcess([], process.returncode, "", (here.outside / "target.txt").read_text("utf-8"))


def let_time_pass(here):
    """Let waits and leases run out, as they do in a few minutes."""
    with Ledger(here.ledger_url) as ledger:
        ledger.write(lambda connection: connection.execute(sa.update(entries).values(next_attempt_at=None)))
        ledger.write(
            lambda connection: connection.execute(
                sa.update(entries).where(entries.c.state == "retry").values(state="received")
            )
        )


class TestVendorsBothWays:
    """Vendors of both systems stay aligned, whoever changes what, and nothing echoes."""

    OF_BILL = ("name", "email")
    OF_CENTRAL = ("city", "active")

    @pytest.fixture
    def both(self, tmp_path, sandbox, monkeypatch):
        """Both systems, with two vendors a table links, and one that only Business Central has."""
        monkeypatch.chdir(tmp_path)
        monkeypatch.delenv("MELTANO_PROJECT_ROOT", raising=False)
        logging.disable(logging.WARNING)
        world = World.plain(vendors=2, bills=1, lines=(1, 1))
        box = sandbox(world)
        write_crosswalk(world, tmp_path / "transforms" / "crosswalk")
        for number in ("V90002", "V90003"):
            box.business_central.delete("vendors", box.business_central.vendor(number)["id"])
        yield box
        logging.disable(logging.NOTSET)

    def round(self, box, *, central_first=False):
        """Run both directions."""
        common = {"missing_suppliers": "create"}

        def to_central():
            class Tap(TapBill):
                stream_classes = (Vendors,)

            settings = {"vendor_master": list(self.OF_BILL), "archived_vendors": True}
            config = (
                config_of(box, TargetBusinessCentral) | common | {"transform": "tap-bill", "map_settings": settings}
            )
            deliver(TargetBusinessCentral, read(Tap(config=config_of(box, TapBill))), **config)

        def to_bill():
            class Tap(TapBusinessCentral):
                stream_classes = (CentralVendors,)

            settings = {"vendor_master": list(self.OF_CENTRAL), "blocked_vendors": True}
            config = (
                config_of(box, TargetBill) | common | {"transform": "tap-business-central", "map_settings": settings}
            )
            deliver(TargetBill, read(Tap(config=of_central(box))), **config)

        for step in (to_bill, to_central) if central_first else (to_central, to_bill):
            step()

    def bill_vendors(self, box):
        """BILL's vendors by name, in the words of both."""
        return {
            each["name"]: (each.get("email"), (each.get("address") or {}).get("city"), not each["archived"])
            for each in box.bill.table("vendors").records()
        }

    def central_vendors(self, box):
        """Business Central's vendors likewise."""
        return {
            each["displayName"]: (each["email"], each["city"], each["blocked"] != "All")
            for each in box.business_central.records("vendors")
        }

    def writes(self, box):
        """How often either system was asked to write a vendor."""
        counts = itertools.chain.from_iterable(
            box.stats.as_json()[system]["endpoints"].items() for system in ("bill", "business_central")
        )
        return sum(count for name, count in counts if "vendors" in name and name.startswith(("POST", "PATCH")))

    def new_vendor(self, box, name):
        """Enter a vendor in BILL."""
        known = box.bill.table("vendors").records()
        template = dict(next(iter(known)))
        identifier = box.bill.new_id("vendor")
        fields = {"id": identifier, "name": name, "email": "ap@new.invalid", "additionalInfo": {}, "shortName": ""}
        box.bill.table("vendors").put({**template, **fields})
        return identifier

    @pytest.mark.parametrize("central_first", [False, True])
    def test_rounds_converge_and_then_all_is_still(self, both, central_first):
        """Each side gets what it lacks; each field follows its master; a third round writes nothing."""
        box, central = both, both.business_central
        new = self.new_vendor(box, "Harbor Lights LLC")
        for _ in range(2):
            self.round(box, central_first=central_first)
        assert len(self.bill_vendors(box)) == len(self.central_vendors(box)) == 4
        first = central.vendor("V00001")
        central.edit("vendors", first["id"], city="Alameda")
        central.edit("vendors", central.vendor("V00002")["id"], blocked="All")
        box.bill.edit_vendor(new, email="billing@harbor.invalid")
        for _ in range(2):
            self.round(box, central_first=central_first)
        assert self.bill_vendors(box)[first["displayName"]][1] == "Alameda"
        assert self.central_vendors(box)["Harbor Lights LLC"][0] == "billing@harbor.invalid"
        assert [each["archived"] for each in box.bill.table("vendors").records()].count(True) == 1
        before = self.writes(box)
        self.round(box, central_first=not central_first)
        assert self.writes(box) == before

    @pytest.mark.parametrize("central_first", [False, True])
    def test_a_lost_ledger_makes_nothing_twice(self, both, tmp_path, central_first):
        """What was made on one side is known by our ids on both, without ledger and without tables."""
        box = both
        self.new_vendor(box, "Harbor Lights LLC")
        self.round(box)
        for path in (tmp_path / ".ml-connector").glob("ledger.db*"):
            path.unlink()
        (tmp_path / "transforms" / "crosswalk" / "bill-business_central" / "suppliers.csv").unlink()
        for number in range(2):
            self.round(box, central_first=central_first is (number == 0))
        assert len(self.bill_vendors(box)) == len(self.central_vendors(box)) == 4
        assert len(list(box.bill.table("vendors").records())) == len(box.business_central.records("vendors")) == 4


def test_a_payment_that_fails_later_is_taken_back(project):
    """The line of one is removed, the other one, which somebody has posted, becomes a task."""
    world = World.plain(vendors=3, bills=1, lines=(1, 1))
    here = project(world)
    box = here.box
    ledger = f"sqlite:///{here.ledger_path}"
    common = {"ledger_url": ledger, "crosswalk_dir": str(here.crosswalk.parent)}
    to_bill = config_of(box, TargetBill) | common | {"transform": "tap-business-central", "map_settings": TO_BILL}
    to_central = config_of(box, TargetBusinessCentral) | common | {"transform": "tap-bill", "max_concurrency": 1}
    for number in ("NW-1", "NW-2"):
        entered(box, "V00001", number=number)
    deliver(TargetBill, read(TapBusinessCentral(config=of_central(box))), **to_bill)
    bills = {bill["invoice"]["invoiceNumber"]: bill["id"] for bill in box.bill.bills()}
    paid = {}
    for number in ("NW-1", "NW-2"):
        box.bill.approve_bill(bills[number])
        paid[number] = pay(box, {bills[number]: Decimal("1000.00")})
        deliver(TargetBusinessCentral, read(PayablesTap(config=config_of(box, TapBill))), **to_central)
        if number == "NW-1":
            box.business_central.post_batch("BILL")
    for identifier in paid.values():
        box.bill.edit_payment(identifier, status="VOID", singleStatus="VOIDED")
    done = deliver(TargetBusinessCentral, read(PayablesTap(config=config_of(box, TapBill))), **to_central)
    assert done["payments"] == {"withdrawn": 1, "held": 1}
    assert lines_of(box) == []
    (entry,) = [each for each in kept(here, "payments") if each.state == "held"]
    assert "unapply and reverse payment" in entry.reasons[0].cure
    assert len(entries_of(box, entry.target_id)) == 1
    assert credentials.BILL_ORGANIZATION_ID in entry.source
