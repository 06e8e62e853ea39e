"""The three kinds of purchase documents, and what they call things."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CREDIT_MEMO", "INVOICE", "KINDS", "ORDER", "DocumentKind"]


@dataclass(frozen=True, slots=True)
class DocumentKind:
    """One kind.

    Attributes:
        headers: Its entity set.
        lines: The entity set of its lines.
        label: What messages call it.
        day: Its document date.
        external: The field with the vendor's number; empty: the API shows none.
        cost: What a line calls the price of one unit.
        first_number: Where drafts start counting.
        first_posted: Where posted documents do.
    """

    headers: str
    lines: str
    label: str
    day: str
    external: str
    cost: str
    first_number: int
    first_posted: int


INVOICE = DocumentKind(
    "purchaseInvoices",
    "purchaseInvoiceLines",
    "Invoice",
    "invoiceDate",
    "vendorInvoiceNumber",
    "unitCost",
    107_201,
    108_201,
)
CREDIT_MEMO = DocumentKind(
    "purchaseCreditMemos",
    "purchaseCreditMemoLines",
    "Credit Memo",
    "creditMemoDate",
    "vendorCreditMemoNumber",
    "unitCost",
    1_001,
    109_001,
)
ORDER = DocumentKind(
    "purchaseOrders", "purchaseOrderLines", "Order", "orderDate", "", "directUnitCost", 106_001, 106_001
)
KINDS = {kind.headers: kind for kind in (INVOICE, CREDIT_MEMO, ORDER)}
