"""What the tenant's reference data has against an invoice, in words a clerk can act on."""

from __future__ import annotations

import collections
import typing as t

from ml_connector.documents import GAP, InvoiceLine, SupplierInvoice
from ml_connector.errors import PermissionDenied, Reason, Rejected
from ml_connector.systems.workday.orders import OrderLine, Orders, order_and_line
from ml_connector.systems.workday.references import Ambiguous, Kind, References, SupplierThing, Thing
from target_workday.invoice_request import order_line, quantity_of
from target_workday.options import WorkdayPosting

__all__ = ["check_invoice", "supplier_reasons", "thing_reasons"]

_WORDS: t.Final[dict[Kind, str]] = {
    "company": "company",
    "supplier": "supplier",
    "spend_category": "spend category",
    "cost_center": "cost center",
    "gl_account": "ledger account",
    "payment_terms": "payment terms",
}
_TABLES: t.Final[dict[Kind, str]] = {
    "company": "companies",
    "supplier": "suppliers",
    "spend_category": "spend_categories",
    "cost_center": "cost_centers",
    "gl_account": "gl_accounts",
    "payment_terms": "payment_terms",
}


def check_invoice(
    document: SupplierInvoice, references: References, orders: Orders, options: WorkdayPosting
) -> list[Reason]:
    """Return everything that stands against posting the invoice, each cause once."""
    reasons = [*thing_reasons("company", document.company, references)]
    reasons += supplier_reasons(document.supplier, references)
    if document.payment_terms and references.readable("payment_terms"):
        reasons += thing_reasons("payment_terms", document.payment_terms, references)
    for line in document.lines:
        reasons += _line_reasons(line, references, options)
    reasons += _order_line_reasons(document)
    for line in document.lines:
        if line.purchase_order_line and GAP not in (line.purchase_order_line, document.supplier):
            reasons += _ordered_reasons(document, line, references, orders)
    return list(dict.fromkeys(reasons))


def supplier_reasons(value: str, references: References) -> list[Reason]:
    """Return what stands against owing money to a supplier."""
    if value == GAP:
        return []
    try:
        supplier = references.supplier(value)
    except Ambiguous as error:
        return [_ambiguous("supplier", value, error)]
    if supplier is None:
        return [_unknown("supplier", value)]
    if supplier.worktag_only:
        return [
            Reason(
                "worktag_only",
                f"Workday supplier {supplier.label} can only be a worktag, not be owed money",
                "map the vendor to a supplier that can be invoiced",
                "supplier",
                supplier.id,
            )
        ]
    if not supplier.active:
        return [_inactive_supplier(supplier)]
    return []


def _line_reasons(line: InvoiceLine, references: References, options: WorkdayPosting) -> t.Iterator[Reason]:
    if line.gl_account and references.readable("gl_account"):
        yield from thing_reasons("gl_account", line.gl_account, references)
    if line.purchase_order_line:
        return
    if line.spend_category:
        yield from thing_reasons("spend_category", line.spend_category, references)
    else:
        account = f" (GL account {line.gl_account})" if line.gl_account else ""
        yield Reason(
            "unmapped",
            f"line {line.order}{account} has no Workday spend category",
            "add a row to the spend_categories mapping",
            "gl_account" if line.gl_account else None,
            line.gl_account,
        )
    for dimension in line.dimensions:
        if dimension.kind == "cost_center":
            yield from thing_reasons("cost_center", dimension.value, references)
        elif options.worktag_type(dimension.kind) is None:
            yield Reason(
                "unmapped",
                f"a {dimension.kind.replace('_', ' ')} cannot be sent: no worktag type is set for it",
                f'add {dimension.kind} and its ID type to the setting "worktag_types"',
                "worktag_type",
                dimension.kind,
            )


def _order_line_reasons(document: SupplierInvoice) -> t.Iterator[Reason]:
    counts = collections.Counter(line.purchase_order_line for line in document.lines if line.purchase_order_line)
    for value, count in counts.items():
        if count > 1 and value != GAP:
            yield Reason(
                "duplicate_order_line",
                f"{count} lines invoice the same purchase order line {value}",
                "join them in the source, Workday takes one invoice line per order line",
                "purchase_order_line",
                value,
            )


def _ordered_reasons(
    document: SupplierInvoice, line: InvoiceLine, references: References, orders: Orders
) -> t.Iterator[Reason]:
    """Yield what the order has against being invoiced by a line."""
    value = line.purchase_order_line or ""
    try:
        if order_and_line(value) is None and references.supplier(document.supplier) is None:
            return  # the orders of an unknown supplier cannot be asked for; that it is unknown is told already
        ordered = order_line(document, line, orders, references)
    except (PermissionDenied, Rejected) as fault:
        yield Reason(
            "orders_unreadable",
            f"Workday shows no purchase orders, by which order lines have to be checked ({fault.message})",
            'let the ISU read the domain "Reports: Purchase Order", then run again',
            "purchase_orders",
            "unreadable",
        )
        return
    except Ambiguous:
        return  # which supplier is meant is told already
    if ordered is None:
        yield Reason(
            "unknown",
            f'Workday has no purchase order line "{value}" of this supplier',
            "name it by order number and line number (PO-2291#3), or take it off the line",
            "purchase_order_line",
            value,
        )
        return
    if ordered.over:
        yield Reason(
            "order_over",
            f"purchase order {ordered.order} is {ordered.over} in Workday and takes no more invoices",
            "reopen the order in Workday, or enter the invoice without it",
            "purchase_order",
            ordered.order,
        )
    owner = references.canonical("supplier", ordered.supplier)
    if owner is not None and owner != references.canonical("supplier", document.supplier):
        yield Reason(
            "other_supplier",
            f"purchase order {ordered.order} is of supplier {owner}, the invoice of {document.supplier}",
            "correct the order line in the source, or the row in the suppliers mapping",
            "purchase_order",
            ordered.order,
        )
    if ordered.by_quantity:
        yield from _quantity_reasons(document, line, ordered)


def _quantity_reasons(document: SupplierInvoice, line: InvoiceLine, ordered: OrderLine) -> t.Iterator[Reason]:
    """Goods of an order are invoiced by quantity and unit cost; by amount alone they are refused or misposted."""
    if quantity_of(document, line)[0] is not None:
        return
    said = f"{line.quantity} does not divide its amount {line.amount}" if line.quantity else "is missing"
    yield Reason(
        "order_quantity",
        f"line {line.order} invoices goods of purchase order {ordered.order}, and its quantity {said}",
        "correct quantity and price in the source, or enter the invoice in Workday by hand",
        "purchase_order_line",
        line.purchase_order_line,
    )


def thing_reasons(kind: Kind, value: str, references: References) -> list[Reason]:
    """Return what stands against referring to something."""
    if value == GAP:
        return []
    try:
        thing = references.find(kind, value)
    except Ambiguous as error:
        return [_ambiguous(kind, value, error)]
    if thing is None:
        return [_unknown(kind, value)]
    return [] if thing.active else [_inactive(thing)]


def _unknown(kind: Kind, value: str) -> Reason:
    return Reason(
        "unknown",
        f'Workday has no {_WORDS[kind]} "{value}"',
        f"correct the row in the {_TABLES[kind]} mapping, or create it in Workday",
        kind,
        value,
    )


def _ambiguous(kind: Kind, value: str, error: Ambiguous) -> Reason:
    choices = ", ".join(thing.label for thing in error.things)
    return Reason(
        "ambiguous",
        f'several Workday {_WORDS[kind]}s go by "{value}": {choices}',
        f"use one of these ids in the {_TABLES[kind]} mapping",
        kind,
        value,
    )


def _inactive(thing: Thing) -> Reason:
    word = "retired" if thing.kind == "gl_account" else "inactive"
    return Reason(
        "inactive",
        f"Workday {_WORDS[thing.kind]} {thing.label} is {word}",
        f"reactivate it, or correct the row in the {_TABLES[thing.kind]} mapping",
        thing.kind,
        thing.id,
    )


def _inactive_supplier(supplier: SupplierThing) -> Reason:
    said = (supplier.status or "inactive").casefold()
    state = "inactive" if said == "inactive" else f'in status "{supplier.status}"'
    return Reason(
        "inactive",
        f"Workday supplier {supplier.label} is {state}",
        "reactivate it, or map the vendor elsewhere",
        "supplier",
        supplier.id,
    )
