"""What can be written to the tenant: invoices, adjustments, suppliers."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

Status = Literal["DRAFT", "IN_PROGRESS", "APPROVED", "CANCELED"]
ZERO = Decimal(0)


@dataclass(slots=True)
class Attachment:
    """A file on a document; ``content`` is base64 as it was sent."""

    filename: str
    content_type: str
    encoding: str
    content: str
    comment: str
    compressed: bool | None = None


@dataclass(slots=True)
class Split:
    """A part of a line with worktags of its own."""

    split_id: str
    extended_amount: Decimal
    quantity: Decimal | None
    memo: str
    worktags: dict[str, str]


@dataclass(slots=True)
class InvoiceLine:
    """A line; ``worktags`` maps preferred id type to id: ``Cost_Center_Reference_ID`` to ``CC-410``."""

    line_id: str
    line_order: str
    description: str
    spend_category: str | None
    quantity: Decimal
    unit_cost: Decimal
    extended_amount: Decimal
    memo: str
    worktags: dict[str, str]
    order_line: str | None = None
    tax_code: str | None = None
    tax_applicability: str | None = None
    intercompany_affiliate: str | None = None
    unit_of_measure: str | None = None
    packaging: str | None = None
    budget_date: date | None = None
    billable: bool | None = None
    splits: list[Split] = field(default_factory=list)

    @property
    def cost_center(self) -> str | None:
        """The line's cost center, when it has one."""
        return self.worktags.get("Cost_Center_Reference_ID")


@dataclass(slots=True)
class Invoice:
    """A supplier invoice as the tenant keeps it. Ids are reference ids; money is in ``currency``."""

    wid: str
    supplier_invoice_id: str
    invoice_number: str
    company: str
    currency: str
    supplier: str
    suppliers_invoice_number: str
    invoice_date: date
    control_amount_total: Decimal
    status: Status
    submitted: bool
    locked: bool
    created_at: datetime
    updated_at: datetime
    lines: list[InvoiceLine]
    due_date: date | None = None
    accounting_date: date | None = None
    budget_date: date | None = None
    received_date: date | None = None
    on_hold: bool = False
    tax_amount: Decimal = ZERO
    withholding_tax_amount: Decimal = ZERO
    freight_amount: Decimal = ZERO
    other_charges: Decimal = ZERO
    supplier_document_received: bool | None = None
    external_po_number: str = ""
    document_link: str = ""
    memo: str = ""
    comment: str = ""
    payment_terms: str | None = None
    override_payment_type: str | None = None
    tax_option: str | None = None
    tax_code: str | None = None
    attachments: list[Attachment] = field(default_factory=list)

    @property
    def total(self) -> Decimal:
        """Lines, tax, freight and other charges."""
        return (
            sum((line.extended_amount for line in self.lines), ZERO)
            + self.tax_amount
            + self.freight_amount
            + self.other_charges
        )

    @property
    def canceled(self) -> bool:
        """Whether the invoice was canceled."""
        return self.status == "CANCELED"


@dataclass(slots=True)
class Adjustment(Invoice):
    """A supplier invoice adjustment; with ``increase_liability`` false a credit, its amounts positive."""

    increase_liability: bool = False
    adjustment_reason: str = ""
    original_invoice: str | None = None


@dataclass(slots=True)
class AdHocPayment:
    """A payment recorded by hand or by a web service. It settles no invoice.

    ``status`` is told by Get_Payments alone: what Get_Ad_Hoc_Payments answers has no place for it (contract).
    """

    wid: str
    payment_id: str
    submitted: bool
    company: str
    bank_account: str
    payee: str
    payee_kind: str
    currency: str
    payment_date: date
    payment_type: str | None
    memo: str
    control_total: Decimal
    external_reference: str
    lines: list[InvoiceLine]
    created_at: datetime
    status: str = "Complete"


@dataclass(slots=True)
class Address:
    """A postal address; ``lines`` maps ``ADDRESS_LINE_1`` to its text."""

    country: str
    lines: dict[str, str]
    municipality: str = ""
    region: str = ""
    postal_code: str = ""


@dataclass(slots=True)
class Phone:
    """A phone number in its parts."""

    number: str
    country: str = ""
    international_code: str = ""
    area_code: str = ""
    extension: str = ""
    device_type: str | None = None


@dataclass(slots=True)
class TaxId:
    """A tax id and its type."""

    text: str
    type: str
    transaction: bool | None = None
    primary: bool | None = None


@dataclass(frozen=True, slots=True)
class BankAccount:
    """A bank account of a supplier, invented."""

    account_id: str
    nickname: str
    bank: str
    country: str
    number: str = ""
    routing_number: str = ""
    iban: str = ""


@dataclass(slots=True)
class SupplierRecord:
    """A supplier as the tenant keeps it."""

    wid: str
    supplier_id: str
    name: str
    status: Literal["ACTIVE", "INACTIVE"]
    approval: Status
    external_entity_id: str | None
    currency: str | None
    worktag_only: bool
    created_at: datetime
    updated_at: datetime
    tax_ids: list[TaxId] = field(default_factory=list)
    category: str | None = None
    payment_terms: str | None = None
    payment_types: list[str] = field(default_factory=list)
    default_payment_type: str | None = None
    accepted_currencies: list[str] = field(default_factory=list)
    business_entity_name: str = ""
    customer_account_number: str = ""
    duns_number: str = ""
    addresses: list[Address] = field(default_factory=list)
    phones: list[Phone] = field(default_factory=list)
    emails: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    bank_accounts: list[BankAccount] = field(default_factory=list)

    @property
    def tax_id(self) -> str | None:
        """The primary tax id, else the first one."""
        primary = [each for each in self.tax_ids if each.primary] or self.tax_ids
        return primary[0].text if primary else None
