"""Invoice lines that invoice a line of a purchase order (docs/systems/workday.md#w4-1).

It tells that quantities on service lines, closed orders and foreign suppliers are refused, not in which words:
those here are the stand-in's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from erp_sandbox.workday.errors import Issue
from erp_sandbox.workday.orders import GoodsLine

if TYPE_CHECKING:
    from erp_sandbox.workday.codec import Record
    from erp_sandbox.workday.orders import PurchaseOrder, ServiceLine
    from erp_sandbox.workday.rules.call import Call

REFERENCE = "Purchase_Order_Line_Reference"
_FROM_THE_ORDER = ("Spend_Category_Reference", "Item_Reference", "Worktags_Reference")
_BY_QUANTITY = ("Quantity", "Unit_Cost")


@dataclass(frozen=True, slots=True)
class Ordered:
    """The order line an invoice line refers to."""

    order: PurchaseOrder
    line: GoodsLine | ServiceLine


def ordered_by(call: Call, record: Record) -> Ordered | None:
    """The order line a line refers to; notes what stands against invoicing it like this."""
    instance = call.refer(record, REFERENCE, "Purchase_Order_Line")
    if instance is None:
        return None
    found = next(
        Ordered(order, line)
        for order in call.store.purchase_orders.values()
        for line in order.lines
        if line.line_id == instance.id
    )
    if found.order.status != "ISSUED":
        word = found.order.status.capitalize()
        call.note(f"Purchase order {found.order.document_number} is {word}.", record.xpath(REFERENCE))
    for key in _FROM_THE_ORDER:
        if record.has(key):
            name = record.xpath(key).rsplit(":", 1)[-1].removesuffix("[1]").replace("_", " ")
            call.note(f"{name} comes from the purchase order line and must be left out.", record.xpath(key))
    if isinstance(found.line, GoodsLine):
        for key in _BY_QUANTITY:
            if not record.has(key):
                call.note("A goods line is invoiced by quantity and unit cost.", record.xpath(key))
    else:
        for key in _BY_QUANTITY:
            if record.has(key):
                call.note("A service line is invoiced by extended amount alone.", record.xpath(key))
    return found


def check_orders(call: Call, data: Record, supplier_id: str) -> None:
    """Note order lines of other suppliers, and those that are invoiced twice."""
    seen: set[str] = set()
    for record in data.records("Invoice_Line_Replacement_Data"):
        reference = record.reference(REFERENCE)
        found = None if reference is None else call.store.instances.resolve(reference, "Purchase_Order_Line")
        if found is None or isinstance(found, Issue):
            continue
        if found.id in seen:
            call.note("A purchase order line can be invoiced by one line only.", record.xpath(REFERENCE))
        seen.add(found.id)
        order = next(
            each for each in call.store.purchase_orders.values() if any(line.line_id == found.id for line in each.lines)
        )
        if order.supplier != supplier_id:
            call.note(f"Purchase order {order.document_number} is of another supplier.", record.xpath(REFERENCE))
