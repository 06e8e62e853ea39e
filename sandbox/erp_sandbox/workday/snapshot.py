"""What a tenant keeps between two runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from erp_sandbox.workday.documents import AdHocPayment, Adjustment, Invoice, SupplierRecord
from erp_sandbox.workday.orders import Employee, Journal, Payment, Project, PurchaseOrder
from erp_sandbox.workday.records import Company, CostCenter, LedgerAccount, PaymentTerms, SpendCategory


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The whole content of a tenant. ``created`` are the ids of suppliers that were not seeded."""

    companies: list[Company]
    cost_centers: list[CostCenter]
    spend_categories: list[SpendCategory]
    ledger_accounts: list[LedgerAccount]
    payment_terms: list[PaymentTerms]
    suppliers: list[SupplierRecord]
    created: list[str]
    invoices: list[Invoice]
    adjustments: list[Adjustment]
    closed_periods: list[tuple[int, int]]
    sequences: dict[str, int]
    changed: list[tuple[str, str, datetime]]
    added: list[tuple[str, str, str]]
    refresh_token: str
    projects: list[Project] = field(default_factory=list)
    employees: list[Employee] = field(default_factory=list)
    purchase_orders: list[PurchaseOrder] = field(default_factory=list)
    payments: list[Payment] = field(default_factory=list)
    journals: list[Journal] = field(default_factory=list)
    ad_hoc_payments: list[AdHocPayment] = field(default_factory=list)
