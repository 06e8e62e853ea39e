"""What stands against a payment line: Business Central looks at most of it only when it posts (sheet 4)."""

from __future__ import annotations

import typing as t
from decimal import Decimal

from ml_connector.documents import Payment, PaymentApplication
from ml_connector.errors import Reason
from ml_connector.systems.business_central.purchase_invoices import PurchaseInvoice
from ml_connector.systems.business_central.vendor_payments import PaymentLine
from ml_connector.systems.business_central.vendors import Vendor
from target_business_central.references import References

__all__ = ["amount_reasons", "currency_reasons", "invoice_reasons", "line_problems", "overpaid"]

_STATES: t.Final[t.Mapping[str, tuple[str, str]]] = {
    "Draft": ("unposted", "post it in Business Central; the payment goes out by itself then"),
    "Paid": ("overpaid", "see in Business Central what paid it; `ml-connector ignore` the payment if it is there"),
    "Canceled": ("cancelled", "compare it with what was paid at the source"),
    "Corrective": ("cancelled", "compare it with what was paid at the source"),
}


def amount_reasons(document: Payment) -> t.Iterator[Reason]:
    """Say why its amounts are none of a payment that settles invoices with cash."""
    parts = document.applications
    if document.amount <= 0 or any(part.amount <= 0 for part in parts) or document.applied != document.amount:
        what = f"its parts do not add up to a positive {document.amount:f}"
        yield Reason("unbalanced", what, "correct the payment at its source")
    if any(part.credit for part in parts):
        yield Reason(
            "credit",
            "a vendor credit is part of it, and a payment line carries cash only",
            "apply the credit in Business Central by hand and enter the payment there; then `ml-connector ignore` it",
        )


def currency_reasons(document: Payment, vendor: Vendor, references: References) -> t.Iterator[Reason]:
    """Say whether its lines would have another currency: they take that of the vendor's card (sheet 4)."""
    card = references.currency(vendor.currency)
    if card != document.currency:
        yield Reason(
            "currency",
            f"it is in {document.currency}, but payments to Business Central vendor {vendor.label} are in {card}",
            f"map the supplier to a vendor whose card says {document.currency}",
            "supplier",
            vendor.number,
        )


def invoice_reasons(
    document: Payment, part: PaymentApplication, invoice: PurchaseInvoice | None, vendor: Vendor, own: str | None
) -> t.Iterator[Reason]:
    """Say why a part of the payment cannot be applied to its invoice.

    Args:
        document: The payment.
        part: What it pays of the invoice.
        invoice: The invoice, None when there is none.
        vendor: Who was paid.
        own: Currency of the company, which invoices leave out.
    """
    name = part.invoice_number or part.invoice
    if invoice is None:
        what, cure = f"Business Central has no invoice {name}", "nothing to do if it is on its way; else enter it there"
        yield Reason("missing_invoice", what, cure, "supplier_invoice", part.invoice)
        return
    name = f"{invoice.supplier_number or name} ({invoice.number})"
    if invoice.status in _STATES:
        code, cure = _STATES[invoice.status]
        yield Reason(code, f"invoice {name} is {invoice.status.lower()}", cure, "supplier_invoice", invoice.id)
    if invoice.pay_to_number != vendor.number:
        what = f"invoice {name} is owed to vendor {invoice.pay_to_number}, the payment is to {vendor.number}"
        yield Reason("wrong_vendor", what, "correct the mapping of the supplier", "supplier_invoice", invoice.id)
    if (invoice.currency or own) != document.currency:
        what = f"invoice {name} is in {invoice.currency or own}, the payment in {document.currency}"
        cure = "enter the payment in Business Central by hand; then `ml-connector ignore` it"
        yield Reason("currency", what, cure, "supplier_invoice", invoice.id)
    if invoice.posting_date and document.payment_date.isoformat() < invoice.posting_date:
        what = f"it was made on {document.payment_date}, before invoice {name} was booked ({invoice.posting_date})"
        cure = "enter the payment in Business Central by hand; then `ml-connector ignore` it"
        yield Reason("too_early", what, cure, "supplier_invoice", invoice.id)
    if part.amount > invoice.total:
        yield overpaid(name, invoice.total, part.amount, invoice.id)


def overpaid(name: str, owed: Decimal, paid: Decimal, value: str) -> Reason:
    """Return that an invoice owes less than is paid of it."""
    what = f"invoice {name} owes {owed:f}, less than the {paid:f} paid"
    cure = "see in Business Central what was paid already; `ml-connector ignore` the payment if it is there"
    return Reason("overpaid", what, cure, "supplier_invoice", value)


def line_problems(line: PaymentLine, invoice: PurchaseInvoice | None, vendor: Vendor | None) -> t.Iterator[str]:
    """Say why a line of ours would not be posted as it is meant: things change between entering and posting.

    Args:
        line: The line.
        invoice: What it is applied to, None when that is not there.
        vendor: Who was paid, None when that is not there.
    """
    name = f"payment {line.document_number}"
    if invoice is None or invoice.status != "Open":
        state = "not there" if invoice is None else invoice.status.lower()
        yield f"{name} pays invoice {line.invoice_number or line.invoice_id}, which is {state}"
    elif invoice.pay_to_number != line.vendor_number:
        yield f"{name} to vendor {line.vendor_number} pays an invoice that is owed to {invoice.pay_to_number}"
    elif invoice.posting_date and (line.date or "") < invoice.posting_date:
        yield f"{name} is dated {line.date}, before invoice {invoice.number} ({invoice.posting_date})"
    if vendor is None or vendor.blocked in ("Payment", "All"):
        yield f"{name} is to vendor {line.vendor_number}, which is {'blocked' if vendor else 'not there'}"
    if line.amount <= 0:
        yield f"{name} has the amount {line.amount:f}"
