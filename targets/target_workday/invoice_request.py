"""From a supplier invoice to the request that posts it (docs/systems/workday.md#w4-1)."""

from __future__ import annotations

import re
import typing as t
from decimal import Decimal

from ml_connector.documents import InvoiceLine, Reference, SupplierInvoice
from ml_connector.errors import CannotBeSent
from ml_connector.money import inexact, minor_units, rounded
from ml_connector.names import display_name
from ml_connector.systems.workday.invoices import ADJUSTMENT, INVOICE, Form
from ml_connector.systems.workday.orders import OrderLine, Orders, order_and_line
from ml_connector.systems.workday.references import References
from ml_connector.systems.workday.services import Shape
from ml_connector.systems.workday.xml import reference
from target_workday.options import WorkdayPosting

__all__ = [
    "form_of",
    "invoice_body",
    "order_line",
    "order_line_reference",
    "quantity_of",
    "supplier_number",
    "worktags",
]

_BREAKS_PAYMENT_FILES = re.compile(r"[|<>]")
_UNIT_COST_DECIMALS: t.Final = 6
"""Workday takes six decimals (docs/systems/workday.md#w4-4, #w8)."""


def form_of(document: SupplierInvoice) -> Form:
    """Return what Workday calls the document: credits are adjustments."""
    return ADJUSTMENT if document.total < 0 else INVOICE


def supplier_number(document: SupplierInvoice) -> str | None:
    """Return the supplier's own number without the characters that break payment files."""
    return _BREAKS_PAYMENT_FILES.sub("-", document.supplier_number or "") or None


def order_line_reference(value: str) -> dict[str, t.Any]:
    """Return the reference to an order line given as ``PO-2291#3`` (order and line) or as line id."""
    named = order_and_line(value)
    if named is not None:
        return reference("Line_Number", named[1], parent=("Document_Number", named[0]))
    return reference("Purchase_Order_Line_ID", value)


def order_line(
    document: SupplierInvoice, line: InvoiceLine, orders: Orders, references: References
) -> OrderLine | None:
    """Return what Workday says of the order line a line invoices; None where it tells of none."""
    supplier = references.canonical("supplier", document.supplier) or document.supplier
    reference_to = references.reference("supplier", document.supplier)
    return orders.line(line.purchase_order_line or "", supplier, reference_to)


def worktags(
    dimensions: t.Iterable[Reference], references: References, options: WorkdayPosting
) -> list[dict[str, t.Any]]:
    """Return a reference per dimension of a line; kinds without an ID type are left to the check."""
    tags = []
    for dimension in dimensions:
        kind = options.worktag_type(dimension.kind)
        if dimension.kind == "cost_center":
            tags.append(references.reference("cost_center", dimension.value))
        elif kind is not None:
            tags.append(reference(kind, dimension.value))
    return tags


def invoice_body(
    document: SupplierInvoice,
    shape: Shape,
    references: References,
    orders: Orders,
    options: WorkdayPosting,
    *,
    replaces: str | None = None,
) -> dict[str, t.Any]:
    """Return the body of Submit_Supplier_Invoice, or of Submit_Supplier_Invoice_Adjustment for a credit.

    A credit's amounts turn positive and lower the liability; lines that run against it become negative.

    Args:
        document: What to post.
        shape: What the tenant's request may contain.
        references: The tenant's reference data.
        orders: The tenant's purchase orders.
        options: How to post.
        replaces: WID of the draft to replace; None to create, and only to create.

    Raises:
        CannotBeSent: A line invoices an order line Workday does not tell of.
    """
    form = form_of(document)
    body: dict[str, t.Any] = {}
    if replaces is None:
        shape.put(body, True, "Add_Only")
    else:
        shape.put(body, reference("WID", replaces), form.reference)
    if options.submit:
        shape.put(body, _process(document, options), "Business_Process_Parameters")
    data = _header(document, form, shape.part(form.data), references, options)
    line_shape = shape.part(form.data).part("Invoice_Line_Replacement_Data")
    lines = [_line(document, line, line_shape, references, orders=orders, options=options) for line in document.lines]
    shape.part(form.data).put(data, lines, "Invoice_Line_Replacement_Data")
    shape.put(body, data, form.data)
    return body


def _process(document: SupplierInvoice, options: WorkdayPosting) -> dict[str, t.Any]:
    source = document.source
    return {
        "Auto_Complete": options.auto_complete,
        "Comment_Data": {"Comment": f"Posted from {display_name(source.system)} {source.stream} {source.id}"},
    }


def _header(
    document: SupplierInvoice, form: Form, shape: Shape, references: References, options: WorkdayPosting
) -> dict[str, t.Any]:
    data: dict[str, t.Any] = {}
    put = shape.put
    put(data, document.external_id, f"{form.name}_ID")
    put(data, options.submit, "Submit")
    put(data, options.locked_in_workday, "Locked_in_Workday")
    if options.invoice_number_from == "external_id":
        put(data, document.external_id, "Invoice_Number")
    put(data, references.reference("company", document.company), "Company_Reference")
    put(data, reference("Currency_ID", document.currency), "Currency_Reference")
    put(data, references.reference("supplier", document.supplier), "Supplier_Reference")
    if options.tax_option:
        tax_option = reference("Tax_Option_ID", options.tax_option)
        put(data, tax_option, "Default_Tax_Option_Reference", "Tax_Option_Reference")
    if options.override_payment_type:
        payment_type = reference("Payment_Type_ID", options.override_payment_type)
        put(data, payment_type, "Override_Payment_Type_Reference")
    put(data, document.due_date, "Due_Date_Override")
    put(data, document.accounting_date, "Accounting_Date_Override")
    put(data, options.on_hold or document.on_hold, "On_Hold")
    put(data, _nonzero(document.tax_amount * form.sign), "Tax_Amount")
    put(data, _nonzero(document.freight * form.sign), "Freight_Amount")
    put(data, _nonzero((document.charges - document.freight) * form.sign), "Other_Charges")
    put(data, supplier_number(document), "Suppliers_Invoice_Number", "Supplier_Reference_Number")
    put(data, document.purchase_order_number, "External_PO_Number")
    if document.payment_terms:
        put(data, references.reference("payment_terms", document.payment_terms), "Payment_Terms_Reference")
    if form is INVOICE:
        put(data, document.invoice_date, "Invoice_Date")
        put(data, document.total, "Control_Amount_Total")
        put(data, document.memo or None, "Memo")
    else:
        put(data, False, "Increase_Liability")
        put(data, reference("Adjustment_Reason_ID", options.adjustment_reason), "Adjustment_Reason_Reference")
        put(data, document.invoice_date, "Adjustment_Date")
        put(data, -document.total, "Control_Total_Amount", "Control_Amount_Total")
        put(data, document.memo or None, "Document_Memo", "Memo")
    return data


def _line(
    document: SupplierInvoice,
    line: InvoiceLine,
    shape: Shape,
    references: References,
    *,
    orders: Orders,
    options: WorkdayPosting,
) -> dict[str, t.Any]:
    form = form_of(document)
    data: dict[str, t.Any] = {}
    put = shape.put
    put(data, f"{document.external_id}-{line.order}", "Supplier_Invoice_Line_ID")
    put(data, str(line.order), "Line_Order")
    put(data, line.description or None, "Item_Description")
    if line.purchase_order_line:
        # The order line knows its spend category and worktags; sent again they contradict it.
        put(data, order_line_reference(line.purchase_order_line), "Purchase_Order_Line_Reference")
    else:
        if line.spend_category:
            put(data, references.reference("spend_category", line.spend_category), "Spend_Category_Reference")
        put(data, worktags(line.dimensions, references, options), "Worktags_Reference")
    if line.tax_code:
        put(data, reference("Tax_Code_ID", line.tax_code), "Tax_Code_Reference")
    quantity, unit_cost = _quantity(document, line, references, orders)
    put(data, quantity, "Quantity")
    put(data, unit_cost, "Unit_Cost")
    put(data, line.amount * form.sign, "Extended_Amount")
    return data


def quantity_of(document: SupplierInvoice, line: InvoiceLine) -> tuple[Decimal | None, Decimal | None]:
    """Return quantity and unit cost, both or neither, with the amount as product: else Workday refuses.

    On an order line the unit cost is made to fit with six decimals; elsewhere only what the document says is sent.
    """
    form, digits = form_of(document), minor_units(document.currency)
    amount, quantity, unit = line.amount * form.sign, line.quantity, line.unit_price
    if not quantity:
        return None, None
    if form.sign < 0 and quantity < 0:
        quantity = -quantity
    elif form.sign < 0 and unit is not None:
        unit = -unit
    if unit is not None and not inexact(unit, _UNIT_COST_DECIMALS) and rounded(quantity * unit, digits) == amount:
        return quantity, unit
    if not line.purchase_order_line:
        return None, None
    unit = rounded(amount / quantity, _UNIT_COST_DECIMALS)
    return (quantity, unit) if rounded(quantity * unit, digits) == amount else (None, None)


def _quantity(
    document: SupplierInvoice, line: InvoiceLine, references: References, orders: Orders
) -> tuple[Decimal | None, Decimal | None]:
    """Return what a line says of quantity and unit cost: goods of an order by both, services by neither."""
    if line.purchase_order_line:
        ordered = order_line(document, line, orders, references)
        if ordered is None:
            raise CannotBeSent(f"Workday tells of no purchase order line {line.purchase_order_line}")
        if not ordered.by_quantity:
            return None, None
    return quantity_of(document, line)


def _nonzero(amount: Decimal) -> Decimal | None:
    return amount or None
