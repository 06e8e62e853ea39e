"""The seeded data: the same everywhere, consistent, and what the demo promises."""

from __future__ import annotations

import csv
import itertools
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from erp_sandbox import catalogue
from erp_sandbox.bill.times import parse_instant
from erp_sandbox.world import World, supplier_id

COMMITTED = Path(__file__).resolve().parents[2] / "transforms" / "crosswalk"
DIGITS = {"USD": 2, "EUR": 2, "JPY": 0, "KWD": 3}


def records(world, resource):
    """All records of one kind."""
    return [record for name, record in world.bill_records() if name == resource]


def by_id(world, resource):
    """The same by id."""
    return {record["id"]: record for record in records(world, resource)}


worlds = st.builds(
    lambda seed, vendors, bills, paid: World.build(
        seed, vendors=vendors, bills=bills, payments=min(paid, bills), lines=(1, 6)
    ),
    seed=st.integers(0, 5),
    vendors=st.integers(1, 40),
    bills=st.integers(1, 40),
    paid=st.integers(0, 40),
)


# Repeatable


def test_the_same_arguments_give_the_same_world():
    """Data and mapping tables are equal, record by record."""
    assert list(World.demo().bill_records()) == list(World.demo().bill_records())
    assert World.demo().crosswalk() == World.demo().crosswalk()
    assert World.demo().workday_seed() == World.demo().workday_seed()


def test_ids_do_not_depend_on_how_much_there_is():
    """A vendor and a bill have the same id in a small world and in a large one."""
    small, large = World.plain(vendors=3, bills=4), World.plain(vendors=30, bills=40)
    for resource in ("vendors", "bills"):
        assert set(by_id(small, resource)) < set(by_id(large, resource))


def test_another_seed_gives_other_ids():
    """Two seeds share no vendor and no bill."""
    one, two = World.plain(1, vendors=20, bills=20), World.plain(2, vendors=20, bills=20)
    for resource in ("vendors", "bills", "departments"):
        assert set(by_id(one, resource)).isdisjoint(by_id(two, resource))


def test_ids_are_twenty_characters_with_their_prefix_and_unique():
    """As the sheet has them (bill 1)."""
    prefixes = {
        "vendors": "009",
        "bills": "00n",
        "payments": "stp",
        "chart_of_accounts": "0ca",
        "users": "006",
    }
    world = World.demo()
    for resource, prefix in prefixes.items():
        ids = [record["id"] for record in records(world, resource)]
        assert {(len(each), each[:3]) for each in ids} == {(20, prefix)}
        assert len(set(ids)) == len(ids)


# Consistent


@settings(max_examples=40, deadline=None)
@given(worlds)
def test_money_is_exact_and_adds_up(world):
    """Lines make the bill, quantity times price the line, and nothing is finer than the minor unit."""
    vendors = by_id(world, "vendors")
    for bill in records(world, "bills"):
        unit = Decimal(1).scaleb(-DIGITS[vendors[bill["vendorId"]]["billCurrency"]])
        lines = bill["billLineItems"]
        for amount in [bill["amount"], *(line["amount"] for line in lines)]:
            assert Decimal(amount) % unit == 0
            assert amount > 0
        assert sum(Decimal(line["amount"]) for line in lines) == bill["amount"]
        for line in lines:
            assert line.get("quantity", 1) * line.get("price", line["amount"]) == line["amount"]
        assert bill["paidAmount"] + bill["dueAmount"] == bill["amount"]


@settings(max_examples=40, deadline=None)
@given(worlds)
def test_payments_and_bills_agree(world):
    """Each payment names its bill, vendor and amount; paid and scheduled amounts are what payments say."""
    bills, payments = by_id(world, "bills"), records(world, "payments")
    for payment in payments:
        bill = bills[payment["billId"]]
        assert payment["vendorId"] == bill["vendorId"]
        assert sum(part["amount"] for part in payment["billPayments"]) == payment["amount"]
        if payment["singleStatus"] == "CLEARED":
            assert payment["amount"] == bill["paidAmount"]
        elif payment["singleStatus"] != "VOIDED":
            assert payment["amount"] == bill["scheduledAmount"]
    settled = {bill["id"] for bill in bills.values() if bill["paymentStatus"] != "UNPAID"}
    assert settled <= {payment["billId"] for payment in payments}


@settings(max_examples=40, deadline=None)
@given(worlds)
def test_every_reference_leads_somewhere(world):
    """Vendors, accounts, departments, users and bank accounts exist; times are in order."""
    known = {record["id"] for _, record in world.bill_records()}
    for bill in records(world, "bills"):
        wanted = {bill["vendorId"], bill["payFromChartOfAccountId"], bill["createdBy"]}
        wanted |= {approver["userId"] for approver in bill.get("approvers", [])}
        for line in bill["billLineItems"]:
            wanted |= set(line["classifications"].values())
        assert wanted <= known
        assert parse_instant(bill["createdTime"]) < parse_instant(bill["updatedTime"])
        assert len(bill["invoice"]["invoiceNumber"]) <= 21
        assert bill["archived"] == (bill["recordStatus"] != "ACTIVE")


@pytest.mark.parametrize(
    "world", [World.demo(), World.plain(vendors=40), World.build()], ids=["demo", "plain", "build"]
)
def test_every_mapping_row_leads_from_something_to_something(world):
    """Sources exist in BILL and targets in Workday, by id or by what people call them."""
    seed, tables = world.workday_seed(), world.crosswalk()
    accounts = records(world, "chart_of_accounts")
    departments = records(world, "departments")
    sources = {
        "suppliers": set(by_id(world, "vendors")),
        "spend_categories": {row["id"] for row in accounts} | {row["account"]["number"] for row in accounts},
        "cost_centers": {row["id"] for row in departments} | {row["name"] for row in departments},
        "companies": {world.organization_id},
    }
    targets = {
        "suppliers": {row.supplier_id for row in seed.suppliers},
        "spend_categories": {row.spend_category_id for row in seed.spend_categories},
        "cost_centers": {row.cost_center_id for row in seed.cost_centers} | {row.code for row in seed.cost_centers},
        "companies": {row.company_id for row in seed.companies},
    }
    for kind, rows in tables.items():
        found = [row["source"] for row in rows]
        assert found == sorted(set(found))
        assert set(found) <= sources[kind]
        assert {row["target"] for row in rows} <= targets[kind]
    derived = {row.spend_category_id: row.ledger_account_id for row in seed.spend_categories}
    for row in tables["spend_categories"]:
        assert row["expected_ledger_account"] == derived[row["target"]]
    assert set(derived.values()) <= {row.ledger_account_id for row in seed.ledger_accounts}


def test_names_are_all_different():
    """So that matching by name is at least possible."""
    names = [catalogue.vendor_name(number) for number in range(1, 5001)]
    assert len(set(names)) == 5000


def test_a_large_world_is_made_one_record_at_a_time():
    """Asking for the first records of ten million bills does not make the others."""
    world = World.plain(bills=10_000_000, lines=(1, 3))
    bills = (record for name, record in world.bill_records() if name == "bills")
    first, second = next(bills), next(bills)
    assert parse_instant(first["updatedTime"]) < parse_instant(second["updatedTime"])


@pytest.mark.parametrize("wishes", [{"vendors": 0}, {"bills": 5, "payments": 6}, {"lines": (0, 1)}, {"lines": (3, 2)}])
def test_an_impossible_world_is_refused(wishes):
    """Counts must make sense."""
    with pytest.raises(ValueError, match=r"\d"):
        World.build(**wishes)


# Plain


def test_every_plain_bill_can_be_posted():
    """Active, approved by all, unpaid, evenly spread in time, and of a vendor the committed table maps."""
    world = World.plain(bills=500, lines=(1, 2))
    bills = records(world, "bills")
    times = [parse_instant(bill["updatedTime"]) for bill in bills]
    assert {b - a for a, b in itertools.pairwise(times)} <= {20_736_000}
    linked = {row["source"] for row in World.demo().crosswalk()["suppliers"]}
    external = {supplier.external_entity_id for supplier in world.workday_seed().suppliers}
    for bill in bills:
        assert (bill["recordStatus"], bill["approvalStatus"], bill["paymentStatus"]) == (
            "ACTIVE",
            "APPROVED",
            "UNPAID",
        )
        assert {approver["status"] for approver in bill["approvers"]} == {"APPROVED"}
        assert bill["vendorId"] in linked | external
    assert {supplier.status for supplier in world.workday_seed().suppliers} == {"ACTIVE"}


# Demo


def test_the_demo_has_the_counts_it_shows():
    """130 vendors, 212 bills, 97 payments; 178 bills approved and not paid, in four currencies."""
    world = World.demo()
    counts = Counter(name for name, _ in world.bill_records())
    assert (counts["vendors"], counts["bills"], counts["payments"]) == (130, 212, 97)
    payable = [plan for plan in world.plans() if plan.is_payable]
    assert Counter(catalogue.vendor_currency(plan.vendor) for plan in payable) == {
        "USD": 150,
        "EUR": 19,
        "JPY": 6,
        "KWD": 3,
    }


def test_seven_demo_bills_cannot_be_posted():
    """Four name the unmapped department, two have an inactive supplier, one does not add up; all are payable."""
    world = World.demo()
    mapped = {row["source"] for row in world.crosswalk()["cost_centers"]}
    field_ops = next(row for row in records(world, "departments") if row["name"] == "Field Ops")
    assert mapped.isdisjoint({field_ops["id"], field_ops["name"]})
    hartley = world.vendor_id(catalogue.HARTLEY)
    reasons = Counter()
    for bill in records(world, "bills"):
        if bill["recordStatus"] != "ACTIVE" or bill["approvalStatus"] != "APPROVED" or bill["paymentStatus"] == "PAID":
            continue
        reasons["department"] += any(
            line["classifications"]["departmentId"] == field_ops["id"] for line in bill["billLineItems"]
        )
        reasons["inactive"] += bill["vendorId"] == hartley
        total = sum(Decimal(line["amount"]) for line in bill["billLineItems"])
        if total != bill["amount"]:
            assert (total, bill["amount"]) == (1200, 1250)
            reasons["unbalanced"] += 1
    assert reasons == {"department": 4, "inactive": 2, "unbalanced": 1}


def test_hartley_and_sons_is_inactive_in_workday():
    """Supplier S-00031, mapped by the table, and the only inactive one."""
    world = World.demo()
    inactive = [supplier for supplier in world.workday_seed().suppliers if supplier.status == "INACTIVE"]
    assert [(supplier.supplier_id, supplier.name) for supplier in inactive] == [("S-00031", "Hartley & Sons")]
    rows = {row["source"]: row["target"] for row in world.crosswalk()["suppliers"]}
    assert rows[world.vendor_id(catalogue.HARTLEY)] == "S-00031"


def test_eighteen_demo_vendors_are_unknown_to_workday_and_have_something_to_post():
    """Neither the table nor an external id nor a supplier stands for them; each has a postable bill."""
    world = World.demo()
    seed = world.workday_seed()
    linked = {row["source"] for row in world.crosswalk()["suppliers"]}
    external = {supplier.external_entity_id for supplier in seed.suppliers} - {None}
    assert linked.isdisjoint(external)
    unknown = [n for n in range(1, 131) if world.vendor_id(n) not in linked | external]
    assert len(unknown) == 18
    assert external
    names = {supplier.name for supplier in seed.suppliers}
    known = {supplier.supplier_id for supplier in seed.suppliers}
    postable = {plan.vendor for plan in world.plans() if plan.is_payable and plan.flaw is None}
    for number in unknown:
        assert catalogue.vendor_name(number) not in names
        assert supplier_id(number) not in known
        assert number in postable


def test_two_demo_vendors_use_the_same_invoice_number():
    """As it happens: numbers are unique per vendor at most."""
    bills = records(World.demo(), "bills")
    numbers = Counter(bill["invoice"]["invoiceNumber"] for bill in bills)
    assert sorted(numbers.values())[-2:] == [1, 2]
    assert len({(bill["vendorId"], bill["invoice"]["invoiceNumber"]) for bill in bills}) == 212


def test_the_committed_mapping_tables_are_the_demos(tmp_path):
    """What stands in the project is what the demo's world writes, byte for byte."""
    written = World.demo().write_crosswalk(tmp_path)
    assert {path.name for path in written} == {path.name for path in (COMMITTED / "bill-workday").glob("*.csv")}
    for path in written:
        assert path.read_bytes() == (COMMITTED / "bill-workday" / path.name).read_bytes()
        with path.open(encoding="utf-8", newline="") as file:
            assert next(csv.reader(file))[:2] == ["source", "target"]
