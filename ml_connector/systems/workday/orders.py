"""What purchase orders say of the lines an invoice refers to: how these are invoiced, and whether they still can be."""

from __future__ import annotations

import dataclasses
import re
import threading
import typing as t

from ml_connector.errors import PermissionDenied, Rejected
from ml_connector.systems.workday.client import RESOURCES, WorkdayClient
from ml_connector.systems.workday.reads import Reader, Source
from ml_connector.systems.workday.xml import Node, Ref

__all__ = ["OrderLine", "Orders", "order_and_line"]

_ORDER_AND_LINE: t.Final = re.compile(r"(?P<order>.+)#(?P<line>\d+)")
_SOURCE: t.Final = Source(((RESOURCES, "Get_Purchase_Orders"),), "Purchase_Order", "Purchase_Order_Reference")
_OVER: t.Final = frozenset({"CLOSED", "CANCELED", "CANCELLED", "DENIED"})
_GOODS: t.Final = "Goods_Line_Data"
_LINES: t.Final[t.Mapping[str, str]] = {
    _GOODS: "Goods_Purchase_Order_Line_ID",
    "Service_Line_Data": "Service_Order_Line_ID",
    "Deliverables_Line_Data": "Deliverables_Order_Line_ID",
    "Contingent_Worker_Line_Data": "Contingent_Worker_Order_Line_ID",
}
"""The kinds of order lines, each with the element that has the id of one (docs/systems/workday.md#w3-3)."""


@dataclasses.dataclass(frozen=True, slots=True)
class OrderLine:
    """A line of a purchase order. Whether a line is closed is told of its order alone.

    Attributes:
        order: Number of the order.
        by_quantity: Whether it orders goods, which are invoiced by quantity and unit cost; all else by amount alone.
        over: Workday's word for the state of an order that takes no more invoices; None while it does.
        supplier: Who was ordered from.
    """

    order: str
    by_quantity: bool
    over: str | None
    supplier: Ref | None


class Orders:
    """The purchase orders of a tenant, each read when it is first asked for; thread-safe, for one run.

    Args:
        client: The tenant's client.
    """

    def __init__(self, client: WorkdayClient) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._read: dict[tuple[str, str], dict[str, OrderLine]] = {}
        self._refused: PermissionDenied | Rejected | None = None

    def line(self, value: str, supplier_id: str, supplier: t.Mapping[str, t.Any]) -> OrderLine | None:
        """Return the order line a value means; None where no order tells of one.

        Args:
            value: ``PO-2291#3`` (order and line), or the id of a line, which is looked for in the supplier's orders.
            supplier_id: The supplier's id.
            supplier: Reference to the supplier.

        Raises:
            PermissionDenied: The ISU may not read purchase orders.
            Rejected: Workday does not list them.
        """
        named = order_and_line(value)
        if named is not None:
            return self._lines("order", named[0], {"Purchase_Order_Number": named[0]}).get("#".join(named))
        return self._lines("supplier", supplier_id, {"Supplier_Reference": [supplier]}).get(value.strip())

    def _lines(self, kind: str, key: str, criteria: dict[str, t.Any]) -> dict[str, OrderLine]:
        with self._lock:
            if self._refused is not None:
                raise self._refused
            lines = self._read.get((kind, key))
            if lines is None:
                try:
                    lines = self._read[kind, key] = self._ask(criteria)
                except PermissionDenied as denied:
                    self._refused = denied
                    raise
            return lines

    def _ask(self, criteria: dict[str, t.Any]) -> dict[str, OrderLine]:
        shape = self._client.service(RESOURCES).shape("Get_Purchase_Orders").part("Request_Criteria")
        wanted: dict[str, t.Any] = {}
        for name, value in criteria.items():
            shape.put(wanted, value, name)
        found: dict[str, OrderLine] = {}
        for row in Reader(self._client, _SOURCE).rows(wanted):
            for data in row.nodes("Purchase_Order_Data"):
                found |= _lines_of(data)
        return found


def order_and_line(value: str) -> tuple[str, str] | None:
    """Return order and line of a value like ``PO-2291#3``; None for one that is the id of a line."""
    match = _ORDER_AND_LINE.fullmatch(value.strip())
    return (match["order"].strip(), str(int(match["line"]))) if match else None


def _lines_of(data: Node) -> dict[str, OrderLine]:
    """Return the lines of an order, by their ids and by their numbers within the order."""
    number = data.text("Document_Number") or data.text("Purchase_Order_ID") or ""
    found: dict[str, OrderLine] = {}
    for part, own in _LINES.items():
        for node in data.nodes(part):
            line = OrderLine(number, part == _GOODS, _over(data), data.ref("Supplier_Reference"))
            position = node.amount("Line_Number")
            names = (node.text(own), None if position is None else f"{number}#{int(position)}")
            found |= {name: line for name in names if name}
    return found


def _over(data: Node) -> str | None:
    status = data.ref("Purchase_Order_Document_Status_Reference")
    if status is None:
        return None
    word = status.pick("Document_Status_ID") or status.descriptor or ""
    return (status.descriptor or word).casefold() if word.strip().upper() in _OVER else None
