"""What this tenant shows but nobody writes through the web services: purchase orders, payments, projects, journals."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from erp_sandbox.workday.documents import Split


@dataclass(slots=True)
class GoodsLine:
    """A line that orders things; when it is split, the worktags are on the splits."""

    line_id: str
    number: int
    description: str
    spend_category: str
    quantity: Decimal
    unit_of_measure: str
    unit_cost: Decimal
    worktags: dict[str, str]
    splits: list[Split] = field(default_factory=list)

    @property
    def extended_amount(self) -> Decimal:
        """What the line costs."""
        return self.quantity * self.unit_cost


@dataclass(slots=True)
class ServiceLine:
    """A line that orders work for an amount."""

    line_id: str
    number: int
    description: str
    spend_category: str
    extended_amount: Decimal
    start: date
    end: date
    worktags: dict[str, str]
    splits: list[Split] = field(default_factory=list)


@dataclass(slots=True)
class PurchaseOrder:
    """A purchase order. ``status`` is ``ISSUED`` or ``CLOSED``; ids are reference ids."""

    purchase_order_id: str
    document_number: str
    status: str
    company: str
    supplier: str
    currency: str
    document_date: date
    updated_at: datetime
    goods: list[GoodsLine]
    services: list[ServiceLine]
    memo: str = ""
    payment_terms: str | None = None
    due_date: date | None = None
    tax_amount: Decimal = Decimal(0)

    @property
    def lines(self) -> list[GoodsLine | ServiceLine]:
        """All its lines, whatever they order."""
        return [*self.goods, *self.services]


@dataclass(frozen=True, slots=True)
class Remittance:
    """A document a payment pays."""

    document_id: str
    document_reference: str
    document_date: date
    total: Decimal
    paid: Decimal
    discount: Decimal = Decimal(0)


@dataclass(slots=True)
class Payment:
    """A payment to a supplier (``payee_kind`` Supplier) or a worker (Employee)."""

    payment_id: str
    reference_number: str
    date: date
    status: str
    category: str
    payment_type: str
    company: str
    currency: str
    payee_kind: str
    payee: str
    account_number: str
    remittances: list[Remittance]
    memo: str = ""

    @property
    def amount(self) -> Decimal:
        """What was paid."""
        return sum((each.paid for each in self.remittances), Decimal(0))


@dataclass(frozen=True, slots=True)
class Project:
    """A project, which is also a worktag."""

    project_id: str
    name: str
    company: str
    currency: str
    inactive: bool
    start: date
    end: date | None = None


@dataclass(frozen=True, slots=True)
class Employee:
    """A worker who is paid expenses."""

    employee_id: str
    name: str


@dataclass(frozen=True, slots=True)
class JournalLine:
    """A line of a journal: either a debit or a credit, in the company's currency."""

    ledger_account: str
    debit: Decimal
    credit: Decimal
    memo: str
    worktags: dict[str, str]


@dataclass(slots=True)
class Journal:
    """An accounting journal."""

    journal_id: str
    number: str
    status: str
    company: str
    currency: str
    source: str
    accounting_date: date
    memo: str
    updated_at: datetime
    lines: list[JournalLine]
