"""The orders, payments, projects and journals a tenant starts with: invented, and the same for the same arguments.

All of it lies before :data:`erp_sandbox.workday.store.SEEDED_AT`, so that a run at any time can read it.
"""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from erp_sandbox import catalogue
from erp_sandbox.workday.currencies import minor_units
from erp_sandbox.workday.documents import BankAccount, Split
from erp_sandbox.workday.orders import (
    Employee,
    GoodsLine,
    Journal,
    JournalLine,
    Payment,
    Project,
    PurchaseOrder,
    Remittance,
    ServiceLine,
)

if TYPE_CHECKING:
    from erp_sandbox.workday.records import Supplier

ENTERED = datetime(2026, 1, 1, tzinfo=UTC)
_FIRST_DAY = date(2025, 9, 1)
_GOODS = (("Toner cartridge", "Office_Supplies"), ("Steel bracket", "Materials"), ("Field laptop", "Equipment"))
_SERVICES = (("Crane hire", "Subcontractors"), ("Site survey", "Professional_Services"), ("Cleaning", "Maintenance"))
_COST_CENTERS = tuple(item.cost_center_code for item in catalogue.DEPARTMENTS if item.cost_center_code)


def projects() -> tuple[Project, ...]:
    """The projects; the last one is closed."""
    last = len(catalogue.JOBS)
    return tuple(
        Project(
            f"PRJ-{number:03d}",
            name,
            catalogue.WORKDAY_COMPANY_ID,
            "USD",
            inactive=number == last,
            start=date(2025, number, 1),
            end=date(2025, 12, 31) if number == last else None,
        )
        for number, name in enumerate(catalogue.JOBS, start=1)
    )


def employees() -> tuple[Employee, ...]:
    """The workers expenses are paid to."""
    return tuple(Employee(f"E-{n:03d}", " ".join(name)) for n, name in enumerate(catalogue.EMPLOYEES, start=1))


def bank_account(number: int, country: str = "US") -> BankAccount:
    """The bank account of supplier ``number``."""
    return BankAccount(
        f"SUPPLIER_BANK-{number:05d}",
        "Main",
        "Bank of Nowhere",
        country,
        number=f"9{number:011d}",
        routing_number=f"0{number:08d}",
    )


def purchase_order(seed: int, number: int, supplier: Supplier) -> PurchaseOrder:
    """Purchase order ``number``: goods, a service, or both; every third line is split over two projects."""
    chance = random.Random(f"{seed}:order:{number}")
    goods = [] if number % 4 == 2 else [_goods_line(chance, number, n) for n in range(1, 1 + chance.randint(1, 3))]
    first = len(goods) + 1
    services = [] if number % 4 == 1 else [_service_line(chance, number, first, supplier.currency)]
    ordered = _FIRST_DAY + timedelta(days=number)
    return PurchaseOrder(
        purchase_order_id=f"PURCHASE_ORDER-3-{100 + number}",
        document_number=f"PO-{2000 + number}",
        status="CLOSED" if number % 7 == 0 else "ISSUED",
        company=catalogue.WORKDAY_COMPANY_ID,
        supplier=supplier.supplier_id,
        currency=supplier.currency,
        document_date=ordered,
        updated_at=ENTERED,
        goods=goods,
        services=services,
        memo=f"Order {number}",
        payment_terms="NET_30",
        due_date=ordered + timedelta(days=30),
    )


def payment(seed: int, number: int, supplier: Supplier) -> Payment:
    """Payment ``number`` to a supplier: one or two invoices, every fifth with a discount, every ninth voided."""
    chance = random.Random(f"{seed}:payment:{number}")
    paid_on = _FIRST_DAY + timedelta(days=60 + number)
    remittances = []
    for part in range(1, 1 + chance.randint(1, 2)):
        total = _amount(chance, supplier.currency)
        discount = _rounded(total / 50, supplier.currency) if number % 5 == 0 else Decimal(0)
        remittances.append(
            Remittance(
                f"SUPIN-{9000 + 10 * number + part}",
                f"INV-{number}-{part}",
                paid_on - timedelta(days=30),
                total,
                total - discount,
                discount,
            )
        )
    return Payment(
        payment_id=f"SUPPLIER_PAYMENT-6-{number}",
        reference_number=str(1_000_000 + number),
        date=paid_on,
        status="Voided" if number % 9 == 0 else "Complete",
        category="SUPPLIER_PAYMENT",
        payment_type=("ACH", "CHECK", "WIRE")[number % 3],
        company=catalogue.WORKDAY_COMPANY_ID,
        currency=supplier.currency,
        payee_kind="Supplier",
        payee=supplier.supplier_id,
        account_number=bank_account(number).number,
        remittances=remittances,
        memo=f"Payment {number}",
    )


def expense_payment(employee: Employee) -> Payment:
    """A payment of expenses to a worker."""
    return Payment(
        payment_id=f"EXPENSE_PAYMENT-6-{employee.employee_id}",
        reference_number=f"EXP-{employee.employee_id}",
        date=date(2025, 11, 28),
        status="Complete",
        category="EXPENSE_PAYMENT",
        payment_type="ACH",
        company=catalogue.WORKDAY_COMPANY_ID,
        currency="USD",
        payee_kind="Employee",
        payee=employee.employee_id,
        account_number="900000000999",
        remittances=[Remittance("EXP-1", "", date(2025, 11, 20), Decimal("84.20"), Decimal("84.20"))],
    )


def journals() -> tuple[Journal, ...]:
    """Three accounting journals, each balanced."""
    return tuple(
        Journal(
            journal_id=f"ACCOUNTING_JOURNAL-3-{number}",
            number=f"JRN-{number:05d}",
            status="POSTED" if number < 3 else "UNPOSTED",
            company=catalogue.WORKDAY_COMPANY_ID,
            currency="USD",
            source="MANUAL_JOURNAL",
            accounting_date=date(2025, 9 + number, 28),
            memo=f"Accrual {number}",
            updated_at=ENTERED,
            lines=[
                JournalLine(
                    "6200",
                    Decimal(1000 * number),
                    Decimal(0),
                    "Accrued fees",
                    {"Cost_Center_Reference_ID": f"CC-{_COST_CENTERS[number]}"},
                ),
                JournalLine("2000", Decimal(0), Decimal(1000 * number), "", {}),
            ],
        )
        for number in range(1, 4)
    )


def _goods_line(chance: random.Random, order: int, number: int) -> GoodsLine:
    description, category = chance.choice(_GOODS)
    line = GoodsLine(
        line_id=f"PURCHASE_ORDER_LINE-3-{order * 10 + number}",
        number=number,
        description=description,
        spend_category=category,
        quantity=Decimal(2 * chance.randint(1, 20)),
        unit_of_measure="EA",
        unit_cost=Decimal(chance.randint(1, 500)),
        worktags=_worktags(chance),
    )
    if (order + number) % 3 == 0:
        half = line.extended_amount / 2
        line.worktags, line.splits = {}, _splits(chance, line.line_id, half, line.quantity / 2)
    return line


def _service_line(chance: random.Random, order: int, number: int, currency: str) -> ServiceLine:
    description, category = chance.choice(_SERVICES)
    start = _FIRST_DAY + timedelta(days=order)
    return ServiceLine(
        line_id=f"PURCHASE_ORDER_LINE-3-{order * 10 + number}",
        number=number,
        description=description,
        spend_category=category,
        extended_amount=_amount(chance, currency),
        start=start,
        end=start + timedelta(days=90),
        worktags=_worktags(chance),
    )


def _splits(chance: random.Random, line_id: str, amount: Decimal, quantity: Decimal) -> list[Split]:
    return [
        Split(f"{line_id}-{n}", amount, quantity, f"Part {n}", _worktags(chance) | {"Project_ID": f"PRJ-{n:03d}"})
        for n in (1, 2)
    ]


def _worktags(chance: random.Random) -> dict[str, str]:
    return {"Cost_Center_Reference_ID": f"CC-{chance.choice(_COST_CENTERS)}"}


def _amount(chance: random.Random, currency: str) -> Decimal:
    return _rounded(Decimal(chance.randint(10_000, 900_000)) / 100, currency)


def _rounded(amount: Decimal, currency: str) -> Decimal:
    return round(amount, minor_units(currency))
