"""A BILL organization, a Workday tenant and a Business Central that fit, and the mapping tables between them."""

from __future__ import annotations

import csv
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, Self

from erp_sandbox import catalogue, credentials
from erp_sandbox.bill import seed as bill_seed
from erp_sandbox.bill.seed import BillPlan, Record, Settlement
from erp_sandbox.business_central.environment import Environment
from erp_sandbox.business_central.seed import BooksPlan, fill
from erp_sandbox.clock import to_milliseconds
from erp_sandbox.ids import bill_id
from erp_sandbox.workday import seed as workday_seed
from erp_sandbox.workday.records import (
    Company,
    CostCenter,
    LedgerAccount,
    PaymentTerms,
    Seed,
    SpendCategory,
    Supplier,
)

Link = Literal["table", "external_id", "none"]

START = datetime(2026, 7, 1, 8, tzinfo=UTC)
SPAN = timedelta(days=120)

_PURCHASE_ORDERS = 24
_PAYMENTS = 18

_DEMO_SUPPLIERS_TO_CREATE = range(113, 131)
_DEMO_ARCHIVED = frozenset({45, 90})


@dataclass(frozen=True)
class World:
    """What the sandbox starts with. The same arguments give the same data, on every machine.

    Ids follow from ``seed`` and the number of a thing alone: vendor 7 has the same id in a world of ten
    vendors and in one of ten thousand, so a mapping table stays right.

    Attributes:
        seed: Varies ids and amounts.
        vendor_count: Vendors are numbered from 1.
        bill_count: Bills are numbered from 1.
        plan: What bill ``number`` shall be.
        organization_id: The BILL organization.
        organization_name: Its name.
        absent_in_workday: Vendors that no supplier stands for.
        archived_vendors: Vendors that are archived in BILL.
        inactive_suppliers: Vendors whose supplier is inactive in Workday.
    """

    seed: int
    vendor_count: int
    bill_count: int
    plan: Callable[[int], BillPlan]
    organization_id: str = credentials.BILL_ORGANIZATION_ID
    organization_name: str = catalogue.COMPANY_NAME
    absent_in_workday: frozenset[int] = frozenset()
    archived_vendors: frozenset[int] = frozenset()
    inactive_suppliers: frozenset[int] = frozenset()

    @classmethod
    def build(
        cls,
        seed: int = 1,
        *,
        vendors: int = 130,
        bills: int = 212,
        payments: int = 97,
        lines: tuple[int, int] = (1, 40),
        start: datetime = START,
        span: timedelta = SPAN,
        organization_id: str = credentials.BILL_ORGANIZATION_ID,
        organization_name: str = catalogue.COMPANY_NAME,
    ) -> Self:
        """A mixed world: most bills approved, some waiting, denied, archived or drafts.

        ``payments`` bills have a payment, in any state. Everything is mapped, every vendor has a supplier.

        Raises:
            ValueError: more payments than bills, or another impossible count.
        """
        _check_counts(vendors=vendors, bills=bills, lines=lines)
        if not 0 <= payments <= bills:
            raise ValueError(f"{payments} payments need as many bills, but there are {bills}")
        paid = frozenset(random.Random(seed).sample(range(1, bills + 1), payments))
        times = _Spread(bills, start, span)

        def plan(number: int) -> BillPlan:
            chance = random.Random(seed * 7_919_000_003 + number)
            basics = BillPlan(
                number, 1 + (number - 1) % vendors, chance.randint(*lines), times.of(number - number % 7 % 2)
            )
            if number in paid:
                return _with(basics, settlement=_pick_settlement(chance))
            return _with(basics, **_pick_standing(chance))

        return cls(seed, vendors, bills, plan, organization_id, organization_name)

    @classmethod
    def plain(
        cls,
        seed: int = 1,
        *,
        vendors: int = 112,
        bills: int = 1000,
        lines: tuple[int, int] = (1, 40),
        start: datetime = START,
        span: timedelta = SPAN,
        organization_id: str = credentials.BILL_ORGANIZATION_ID,
    ) -> Self:
        """A world where every bill is active, approved, unpaid and mapped; ``updatedTime`` is spread evenly.

        Raises:
            ValueError: an impossible count.
        """
        _check_counts(vendors=vendors, bills=bills, lines=lines)
        times = _Spread(bills, start, span)

        def plan(number: int) -> BillPlan:
            count = random.Random(seed * 7_919_000_003 + number).randint(*lines)
            return BillPlan(number, 1 + (number - 1) % vendors, count, times.of(number))

        return cls(seed, vendors, bills, plan, organization_id)

    @classmethod
    def demo(cls, *, lines: tuple[int, int] = (1, 5), start: datetime = START, span: timedelta = SPAN) -> Self:
        """The world of ``make demo``: 130 vendors, 212 bills, 97 payments.

        Of 178 bills that are approved and not paid, 171 can be posted once the 18 vendors without a supplier
        are created; four name an unmapped department, two belong to an inactive supplier, one does not add
        up.
        """
        plans = _demo_plans(lines, _Spread(212, start, span))
        return cls(
            seed=1,
            vendor_count=130,
            bill_count=len(plans),
            plan=lambda number: plans[number - 1],
            absent_in_workday=frozenset(_DEMO_SUPPLIERS_TO_CREATE),
            archived_vendors=_DEMO_ARCHIVED,
            inactive_suppliers=frozenset({catalogue.HARTLEY}),
        )

    def plans(self) -> Iterator[BillPlan]:
        """What each bill shall be, in the order of their numbers."""
        return (self.plan(number) for number in range(1, self.bill_count + 1))

    def organization(self) -> Record:
        """The BILL organization's own record."""
        return bill_seed.organization_record(self.organization_id, self.organization_name)

    def bill_records(self) -> Iterator[tuple[str, Record]]:
        """Everything BILL lists, as ``(resource name, record)``, made one at a time."""
        yield from bill_seed.reference_records(self.seed)
        yield from bill_seed.recurring_records(self.seed, self.vendor_count)
        for number in range(1, self.vendor_count + 1):
            yield (
                "vendors",
                bill_seed.vendor_record(self.seed, number, archived=number in self.archived_vendors),
            )
        for plan in self.plans():
            yield ("bills", bill_seed.bill_record(self.seed, plan))
            if plan.settlement != "NONE":
                yield ("payments", bill_seed.payment_record(self.seed, plan))

    def policies(self) -> list[Record]:
        """BILL's approval policies."""
        return bill_seed.policy_records(self.seed)

    def documents(self) -> dict[str, list[Record]]:
        """Scanned invoices by bill id; the first fifty bills have one."""
        return {
            bill_id("bill", self.seed, number): bill_seed.document_records(self.seed, self.plan(number))
            for number in range(1, min(50, self.bill_count) + 1)
        }

    def vendor_id(self, number: int) -> str:
        """The BILL id of a vendor."""
        return bill_id("vendor", self.seed, number)

    def link(self, number: int) -> Link:
        """How a vendor is tied to a supplier: in the mapping table, by the supplier's external id, or not."""
        if number in self.absent_in_workday:
            return "none"
        return "external_id" if number % 10 == 7 else "table"

    def workday_seed(self) -> Seed:
        """The Workday tenant that fits."""
        accounts = [account for account in catalogue.ACCOUNTS if account.spend_category is not None]
        suppliers = tuple(self._suppliers())
        payable = [each for each in suppliers if each.status == "ACTIVE" and not each.worktag_only]
        employees = workday_seed.employees()
        return Seed(
            tenant=credentials.WORKDAY_TENANT,
            companies=(Company(catalogue.WORKDAY_COMPANY_ID, self.organization_name, "USD"),),
            suppliers=suppliers,
            spend_categories=tuple(
                SpendCategory(str(account.spend_category), _spaced(account.spend_category), False, account.number)
                for account in accounts
            ),
            cost_centers=tuple(
                CostCenter(f"CC-{item.cost_center_code}", item.cost_center_code, item.name, True)
                for item in catalogue.DEPARTMENTS
                if item.cost_center_code is not None
            ),
            ledger_accounts=tuple(
                LedgerAccount(catalogue.ACCOUNT_SET, account.number, account.name, False)
                for account in catalogue.ACCOUNTS
            ),
            payment_terms=tuple(
                PaymentTerms(name.upper().replace(" ", "_"), name, days) for name, days in catalogue.PAYMENT_TERMS
            ),
            projects=workday_seed.projects(),
            employees=employees,
            purchase_orders=tuple(
                workday_seed.purchase_order(self.seed, number, payable[number % len(payable)])
                for number in range(1, _PURCHASE_ORDERS + 1)
            ),
            payments=(
                *(
                    workday_seed.payment(self.seed, number, payable[number % len(payable)])
                    for number in range(1, _PAYMENTS + 1)
                ),
                workday_seed.expense_payment(employees[0]),
            ),
            journals=workday_seed.journals(),
        )

    def business_central_seed(self) -> dict[str, Callable[[Environment], None]]:
        """The Business Central tenant that fits: its vendors have BILL's short names as numbers, and the same tax ids.

        Its second environment is a smaller copy, as people make one to try things.
        """
        shared = tuple(number for number in range(1, self.vendor_count + 1) if number not in self.absent_in_workday)
        main = BooksPlan(self.seed, self.organization_name, shared)
        copy = BooksPlan(self.seed, self.organization_name, shared[:5], invoices=6)
        return {
            credentials.BUSINESS_CENTRAL_ENVIRONMENT: lambda environment: fill(environment, main),
            "sandbox": lambda environment: fill(environment, copy),
        }

    def crosswalk(self) -> dict[str, list[dict[str, str]]]:
        """The mapping tables by kind, each sorted by ``source``.

        Sources and targets are ids in some rows, human numbers or names in others, as in a grown table.
        """
        tables = {
            "suppliers": [
                {
                    "source": self.vendor_id(number),
                    "target": supplier_id(number),
                    "name": catalogue.vendor_name(number),
                }
                for number in range(1, self.vendor_count + 1)
                if self.link(number) == "table"
            ],
            "spend_categories": [
                {
                    "source": account.number if n % 2 == 0 else bill_id("account", self.seed, n),
                    "target": account.spend_category,
                    "expected_ledger_account": account.number,
                    "name": account.name,
                }
                for n, account in enumerate(catalogue.ACCOUNTS)
                if account.spend_category is not None
            ],
            "cost_centers": [
                {
                    "source": item.name if n % 2 == 0 else bill_id("department", self.seed, n),
                    "target": item.cost_center_code if n % 3 == 0 else f"CC-{item.cost_center_code}",
                    "name": item.name,
                }
                for n, item in enumerate(catalogue.DEPARTMENTS)
                if item.cost_center_code is not None
            ],
            "companies": [
                {
                    "source": self.organization_id,
                    "target": catalogue.WORKDAY_COMPANY_ID,
                    "name": self.organization_name,
                }
            ],
        }
        return {kind: sorted(rows, key=lambda row: row["source"]) for kind, rows in tables.items()}

    def write_crosswalk(self, directory: Path) -> list[Path]:
        """Write the mapping tables to ``directory/bill-workday/<kind>.csv``.

        Returns:
            The files written.
        """
        folder = directory / "bill-workday"
        folder.mkdir(parents=True, exist_ok=True)
        written = []
        for kind, rows in self.crosswalk().items():
            path = folder / f"{kind}.csv"
            with path.open("w", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
                writer.writeheader()
                writer.writerows(rows)
            written.append(path)
        return written

    def _suppliers(self) -> Iterator[Supplier]:
        for number in range(1, self.vendor_count + 1):
            link = self.link(number)
            if link == "none":
                continue
            yield Supplier(
                supplier_id(number),
                catalogue.vendor_name(number),
                "INACTIVE" if number in self.inactive_suppliers else "ACTIVE",
                self.vendor_id(number) if link == "external_id" else None,
                f"00-{number:07d}",
                catalogue.vendor_currency(number),
                bank_account=workday_seed.bank_account(number) if number % 3 == 0 else None,
            )
        yield Supplier("S-90001", "Quarterly Tax Authority", "ACTIVE", None, None, "USD", worktag_only=True)
        yield Supplier("S-90002", "Tidewater Couriers LLC", "ACTIVE", None, "00-9000002", "USD")


def supplier_id(number: int) -> str:
    """The Workday reference id of the supplier that stands for BILL vendor ``number``."""
    return f"S-{number:05d}"


@dataclass(frozen=True, slots=True)
class _Spread:
    """``count`` instants, evenly over ``span`` from ``start``."""

    count: int
    start: datetime
    span: timedelta

    def of(self, number: int) -> int:
        """Milliseconds of instant ``number``, from 1."""
        span = self.span // timedelta(milliseconds=1)
        return to_milliseconds(self.start) + max(0, number - 1) * span // self.count


def _with(plan: BillPlan, **changes: Any) -> BillPlan:
    values = {name: getattr(plan, name) for name in BillPlan.__slots__}
    return BillPlan(**{**values, **changes})


def _pick_settlement(chance: random.Random) -> Settlement:
    choices: tuple[Settlement, ...] = ("PAID", "SCHEDULED", "PARTIALLY_PAID", "IN_PROCESS", "VOIDED")
    return chance.choices(choices, (40, 30, 15, 8, 7))[0]


def _pick_standing(chance: random.Random) -> dict[str, str]:
    standings: tuple[dict[str, str], ...] = (
        {},
        {"approval": "ASSIGNED"},
        {"approval": "DENIED"},
        {"approval": "UNASSIGNED"},
        {"record_status": "INACTIVE"},
        {"record_status": "DRAFT", "approval": "UNASSIGNED"},
    )
    return chance.choices(standings, (78, 10, 3, 4, 3, 2))[0]


def _demo_plans(lines: tuple[int, int], times: _Spread) -> list[BillPlan]:
    roles: list[tuple[str, dict[str, Any]]] = []
    for currency, count in (("USD", 143), ("EUR", 19), ("JPY", 6), ("KWD", 3)):
        roles += [(currency, {})] * count
    settlements = ["PARTIALLY_PAID"] * 68 + ["VOIDED"] * 18
    random.Random(1).shuffle(roles)
    roles = [
        (currency, {"settlement": settlements[n]} if n < len(settlements) else {})
        for n, (currency, _) in enumerate(roles)
    ]
    roles += [("USD", {"flaw": "unmapped_department"})] * 4
    roles += [("USD", {"vendor": catalogue.HARTLEY})] * 2
    roles += [("USD", {"flaw": "unbalanced", "lines": 3})]
    roles += [("USD", {"settlement": "PAID"})] * 11
    roles += [("USD", {"approval": "ASSIGNED"})] * 10
    roles += [("USD", {"approval": "DENIED"})] * 4
    roles += [("USD", {"approval": "UNASSIGNED"})] * 3
    roles += [("USD", {"record_status": "INACTIVE"})] * 4
    roles += [("USD", {"record_status": status, "approval": "UNASSIGNED"}) for status in ("DRAFT", "DRAFT_DELETED")]
    pools = {currency: _demo_vendors(currency) for currency in catalogue.CURRENCIES}
    # Dealt before they are shuffled: each vendor without a supplier gets a payable bill.
    dealt = [(role.pop("vendor", None) or next(pools[currency]), role) for currency, role in map(_copy, roles)]
    random.Random(2).shuffle(dealt)
    plans = []
    for number, (vendor, role) in enumerate(dealt, start=1):
        count = random.Random(number).randint(*lines)
        plans.append(_with(BillPlan(number, vendor, count, times.of(number)), **role))
    return _number_two_alike(plans)


def _number_two_alike(plans: list[BillPlan]) -> list[BillPlan]:
    """Let two vendors use the same invoice number, as it happens: the last payable bill and the first one."""
    first, *_, last = (plan for plan in plans if plan.is_payable and plan.flaw is None)
    if first.vendor == last.vendor:
        raise ValueError("the first and the last payable bill are of the same vendor")
    return [_with(plan, numbered_like=first.number) if plan is last else plan for plan in plans]


def _copy(role: tuple[str, dict[str, Any]]) -> tuple[str, dict[str, Any]]:
    return (role[0], dict(role[1]))


def _demo_vendors(currency: str) -> Iterator[int]:
    """The vendors of a currency over and over, the ones that Workday does not know first."""
    numbers = [
        number
        for number in range(130, 0, -1)
        if catalogue.vendor_currency(number) == currency
        and number != catalogue.HARTLEY
        and number not in _DEMO_ARCHIVED
    ]
    while True:
        yield from numbers


def _check_counts(*, vendors: int, bills: int, lines: tuple[int, int]) -> None:
    if vendors < 1 or bills < 0 or not 1 <= lines[0] <= lines[1] <= 99:
        raise ValueError(f"impossible counts: {vendors} vendors, {bills} bills, {lines} lines")


def _spaced(name: str | None) -> str:
    return (name or "").replace("_", " ")
