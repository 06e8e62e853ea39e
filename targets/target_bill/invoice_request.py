"""From a supplier invoice to the bill or vendor credit that stands for it (sheet bill 4.1, 4.7)."""

from __future__ import annotations

import typing as t
from decimal import Decimal

from ml_connector.documents import InvoiceLine, SupplierInvoice
from ml_connector.money import inexact
from ml_connector.systems.bill.bills import Invoice
from ml_connector.systems.bill.codings import LINE_FIELDS, CodingList
from ml_connector.systems.bill.marks import marked
from ml_connector.systems.bill.numbers import short_number
from target_bill.options import BillPosting
from target_bill.references import References

__all__ = ["bill_body", "bill_changes", "credit_body", "invoice_number", "is_shortened", "line_count"]

_CENT: t.Final = Decimal("0.01")

Body = dict[str, t.Any]


def invoice_number(document: SupplierInvoice) -> str:
    """Return the number the bill has in BILL: the supplier's own, shortened if need be, else made of our id."""
    return short_number(document.supplier_number or document.external_id)


def is_shortened(document: SupplierInvoice) -> bool:
    """Whether BILL shows another number than the supplier's own."""
    return bool(document.supplier_number) and invoice_number(document) != document.supplier_number


def bill_body(document: SupplierInvoice, references: References, options: BillPosting, vendor_id: str) -> Body:
    """Return the request that creates a bill, or what replaces one."""
    body: Body = {
        "vendorId": vendor_id,
        "dueDate": document.due_date.isoformat() if document.due_date else None,
        "invoice": {"invoiceNumber": invoice_number(document), "invoiceDate": document.invoice_date.isoformat()},
        "allowDuplicateInvoiceNumber": False,
        "description": _description(document),
        "billLineItems": _lines(document, references, options, sign=1),
    }
    if document.purchase_order_number:
        body["purchaseOrderNumber"] = document.purchase_order_number
    return body


def credit_body(document: SupplierInvoice, references: References, options: BillPosting, vendor_id: str) -> Body:
    """Return the request that creates a vendor credit, whose amounts are positive, or what replaces one."""
    return {
        "vendorId": vendor_id,
        "referenceNumber": invoice_number(document),
        "creditDate": document.invoice_date.isoformat(),
        "description": _description(document),
        "vendorCreditLineItems": _lines(document, references, options, sign=-1),
    }


def bill_changes(body: Body, now: Invoice, lines: str = "billLineItems") -> tuple[Body, bool]:
    """Return what makes a bill say what ``body`` says, and whether it replaces the bill as a whole.

    Every line is sent with all of its coding, ours over what people have added in BILL: a line without it would lose
    it (sheet bill 0.10). As long as there are as many lines as before only what differs is sent.
    """
    merged = [_over(line, old) for line, old in zip(body[lines], now.lines, strict=False)]
    if len(body[lines]) != len(now.lines):
        kept = {
            name: now.fields[name] for name in ("classifications", "payFromChartOfAccountId") if now.fields.get(name)
        }
        rest = body[lines][len(merged) :]
        return {**kept, **body, lines: [*merged, *rest]}, True
    changes = {
        name: value
        for name, value in body.items()
        if name not in (lines, "allowDuplicateInvoiceNumber") and now.fields.get(name) != value
    }
    changed = [line for line, old in zip(merged, now.lines, strict=True) if not _says(old, line)]
    return changes | ({lines: changed} if changed else {}), False


def line_count(document: SupplierInvoice) -> int:
    """Return how many lines the bill has: tax and charges stand on lines of their own."""
    return len(document.lines) + bool(document.tax_amount) + bool(document.charges)


def _description(document: SupplierInvoice) -> str:
    words = [document.memo] if document.memo else []
    if is_shortened(document):
        words.append(f"invoice number {document.supplier_number}")
    return marked("; ".join(words), document.external_id)


def _lines(document: SupplierInvoice, references: References, options: BillPosting, *, sign: int) -> list[Body]:
    lines = [_line(line, references, options, sign) for line in document.lines]
    for amount, account, word in (
        (document.tax_amount, options.tax_account, "Tax"),
        (document.charges, options.charges_account, "Charges"),
    ):
        if amount:
            coding = _coding(references, "chart_of_accounts", account or "")
            lines.append({"amount": _money(amount * sign), "description": word, "classifications": coding})
    return lines


def _line(line: InvoiceLine, references: References, options: BillPosting, sign: int) -> Body:
    coding = _coding(references, "chart_of_accounts", line.gl_account or line.spend_category or "")
    for dimension in line.dimensions:
        which = options.list_of(dimension.kind)
        if which is not None:
            coding |= _coding(references, which, dimension.value)
    body: Body = {"amount": _money(line.amount * sign)}
    if sign > 0 and line.quantity and line.unit_price and _exact(line.quantity, line.unit_price, line.amount):
        body |= {"quantity": line.quantity, "price": line.unit_price}
    if line.description:
        body["description"] = line.description
    return body | {"classifications": coding}


def _coding(references: References, which: CodingList, value: str) -> Body:
    coding = references.coding(which, value)
    return {} if coding is None else {LINE_FIELDS[which]: coding.id}


def _over(line: Body, old: t.Mapping[str, t.Any]) -> Body:
    coding = {**(old.get("classifications") or {}), **line["classifications"]}
    return {"id": old["id"], **line, "classifications": coding}


def _says(old: t.Mapping[str, t.Any], line: Body) -> bool:
    return all(old.get(name) == value for name, value in line.items())


def _exact(quantity: Decimal, price: Decimal, amount: Decimal) -> bool:
    """Whether BILL comes to the same amount when it multiplies (sheet bill 8)."""
    return quantity * price == amount and not any(inexact(value, 2) for value in (quantity, price))


def _money(amount: Decimal) -> Decimal:
    return amount.quantize(_CENT)
