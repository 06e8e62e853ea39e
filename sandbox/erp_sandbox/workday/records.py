"""The master data a Workday tenant starts with.

A seed is plain data: who builds one decides which companies, suppliers and accounts exist, and
:class:`erp_sandbox.workday.store.WorkdayStore` turns it into a tenant that can be asked and written to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from erp_sandbox.workday.documents import BankAccount
from erp_sandbox.workday.orders import Employee, Journal, Payment, Project, PurchaseOrder

SupplierStatus = Literal["ACTIVE", "INACTIVE"]


@dataclass(frozen=True, slots=True)
class Company:
    """A company that buys; ``currency`` is its ISO 4217 default currency."""

    company_id: str
    name: str
    currency: str


@dataclass(frozen=True, slots=True)
class Supplier:
    """A supplier. One marked ``worktag_only`` can be a worktag but never be paid (docs/systems/workday.md#w4-2)."""

    supplier_id: str
    name: str
    status: SupplierStatus
    external_entity_id: str | None
    tax_id: str | None
    currency: str
    worktag_only: bool = False
    bank_account: BankAccount | None = None


@dataclass(frozen=True, slots=True)
class SpendCategory:
    """A spend category; ``ledger_account_id`` is what its posting rule derives (docs/systems/workday.md#w4-8)."""

    spend_category_id: str
    name: str
    inactive: bool
    ledger_account_id: str


@dataclass(frozen=True, slots=True)
class CostCenter:
    """A cost center, known by ``cost_center_id`` (its reference id) and ``code``."""

    cost_center_id: str
    code: str
    name: str
    active: bool


@dataclass(frozen=True, slots=True)
class LedgerAccount:
    """A ledger account inside an account set; a retired one takes no new postings."""

    account_set_id: str
    ledger_account_id: str
    name: str
    retired: bool


@dataclass(frozen=True, slots=True)
class PaymentTerms:
    """Payment terms: an invoice is due ``days`` after its date."""

    payment_terms_id: str
    name: str
    days: int


@dataclass(frozen=True, slots=True)
class Seed:
    """Everything a tenant knows on its first day."""

    tenant: str
    companies: tuple[Company, ...]
    suppliers: tuple[Supplier, ...]
    spend_categories: tuple[SpendCategory, ...]
    cost_centers: tuple[CostCenter, ...]
    ledger_accounts: tuple[LedgerAccount, ...]
    payment_terms: tuple[PaymentTerms, ...]
    projects: tuple[Project, ...] = ()
    employees: tuple[Employee, ...] = ()
    purchase_orders: tuple[PurchaseOrder, ...] = ()
    payments: tuple[Payment, ...] = ()
    journals: tuple[Journal, ...] = ()
