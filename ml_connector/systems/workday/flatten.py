"""Records out of Workday's XML, by the shapes of :mod:`ml_connector.systems.workday.fields`.

What a shape does not know, because the tenant's version is newer, is kept under its own name in snake_case.
"""

from __future__ import annotations

import datetime as dt
import re
import typing as t

from lxml import etree

from ml_connector.decimals import json_number
from ml_connector.moments import parse_moment
from ml_connector.sensitive import mask
from ml_connector.systems.workday.fields import Field, Kind, Shape, snake
from ml_connector.systems.workday.xml import NS, Node, is_account_number

__all__ = ["ID_TYPES", "Flattener"]

ID_TYPES: t.Final = (
    "Supplier_Invoice_Reference_ID",
    "Supplier_Invoice_Adjustment_Reference_ID",
    "Purchase_Order_Reference_ID",
    "Purchase_Order_Line_ID",
    "Supplier_ID",
    "Supplier_Reference_ID",
    "Company_Reference_ID",
    "Cost_Center_Reference_ID",
    "Region_Reference_ID",
    "Custom_Organization_Reference_ID",
    "Organization_Reference_ID",
    "Spend_Category_ID",
    "Currency_ID",
    "Employee_ID",
    "Contingent_Worker_ID",
    "Accounting_Journal_ID",
    "Ledger_Account_ID",
    "ISO_3166-1_Alpha-2_Code",
)
"""Which of several ids a reference is called by, first match; else the WID (docs/systems/workday.md#w8)."""

_TAG = f"{{{NS}}}"
_DATE_WITH_ZONE = re.compile(r"\d{4}-\d\d-\d\d(Z|[+-]\d\d:\d\d)")


class Flattener:
    """Turns elements into records.

    Args:
        show_bank_numbers: Whether numbers of bank accounts and cards are given in full, not just their last digits.
    """

    def __init__(self, *, show_bank_numbers: bool = False) -> None:
        self._masks = not show_bank_numbers

    def record(self, element: etree._Element, shape: Shape) -> dict[str, t.Any]:
        """Return what an element holds; what it does not hold is left out."""
        record = {snake(etree.QName(name).localname): value for name, value in element.attrib.items()}
        for name, found in _children(element, shape).items():
            field = shape.by_element.get(name)
            if field is None:
                record |= self._unknown(name, found)
            elif field.kind == "ref":
                record |= _reference_fields(field.name, found[0])
            elif field.kind != "left_out":
                value = self._value(field, found)
                if value is not None:
                    record[field.name] = value
        content = (element.text or "").strip()
        if content and not len(element):
            record["value"] = self._shown(element, content)
        return record

    def row(self, row: Node, *, reference: str, data: str, shape: Shape) -> dict[str, t.Any]:
        """Return a row of a Get: what it is known by (``wid``, ``id``, ``descriptor``, ``refs``) and what it holds.

        Args:
            row: The row.
            reference: Element in which it says what it is.
            data: Element that holds its data; what comes beyond a first one is kept as ``further_data``.
            shape: What that consists of.
        """
        own = row.node(reference)
        record = {} if own is None else _reference(own.element)
        record.pop("type", None)
        blocks = [self.record(block.element, shape) for block in row.nodes(data)]
        for block in blocks[:1]:
            record |= block
        if blocks[1:]:
            record["further_data"] = blocks[1:]  # the contract allows several; one is what comes
        return record

    def _value(self, field: Field, found: list[etree._Element]) -> t.Any:
        if field.kind == "refs":
            return [_reference(one) for one in found]
        if field.kind == "parts":
            return [self.record(one, field.inside or _NOTHING) for one in found]
        if field.kind == "part":
            return self.record(found[0], field.inside or _NOTHING)
        values = [self._plain(field.kind, one) for one in found]
        if field.kind == "texts":
            return values
        return next((value for value in values if value is not None), None)

    def _plain(self, kind: Kind, element: etree._Element) -> t.Any:
        text = (element.text or "").strip()
        if not text:
            return None
        if kind == "amount":
            return json_number(text)
        if kind == "flag":
            return text in ("true", "1")
        if kind == "date":
            return text[:10]
        if kind == "time":
            return _in_utc(text)
        return self._shown(element, text)

    def _unknown(self, name: str, found: list[etree._Element]) -> dict[str, t.Any]:
        if all(_is_reference(one) for one in found):
            base = snake(name.removesuffix("_Reference"))
            return _reference_fields(base, found[0]) if len(found) == 1 else {base: [_reference(one) for one in found]}
        if any(len(one) for one in found):
            values: list[t.Any] = [self.record(one, _NOTHING) for one in found]
            return {snake(name): values if len(found) > 1 or name.endswith("_Data") else values[0]}
        values = [self._shown(one, _without_zone(text)) for one in found if (text := (one.text or "").strip())]
        if not values:
            return {}
        return {snake(name): values if len(values) > 1 else values[0]}

    def _shown(self, element: etree._Element, text: str) -> str:
        """Return a text, of a bank account's number its last digits only."""
        if not self._masks or not is_account_number(element):
            return text
        return mask(text)


_NOTHING = Shape(())


def _children(element: etree._Element, shape: Shape) -> dict[str, list[etree._Element]]:
    """Group children by name; those of wrappers count as children, and all names of a field as its newest."""
    found: dict[str, list[etree._Element]] = {}
    for child in element:
        if not isinstance(child.tag, str):
            continue
        name = etree.QName(child).localname
        field = shape.by_element.get(name)
        if field is not None and field.kind == "wrapper":
            for inner, elements in _children(child, shape).items():
                found.setdefault(inner, []).extend(elements)
        else:
            found.setdefault(field.names[0] if field else name, []).append(child)
    return found


def _reference(element: etree._Element) -> dict[str, t.Any]:
    ids = [_id(one) for one in element.iterchildren(f"{_TAG}ID") if (one.text or "").strip()]
    by_type = {one["type"]: one["id"] for one in reversed(ids)}
    kind = _called_by(by_type)
    found = {
        "wid": by_type.get("WID"),
        "id": by_type.get(kind) if kind else None,
        "type": kind,
        "descriptor": element.get(f"{_TAG}Descriptor"),
        "refs": ids,
    }
    return {name: value for name, value in found.items() if value is not None}


def _reference_fields(name: str, element: etree._Element) -> dict[str, t.Any]:
    found = _reference(element)
    return {f"{name}_{key}": value for key, value in found.items() if key != "type"}


def _id(element: etree._Element) -> dict[str, str]:
    values = {
        "type": element.get(f"{_TAG}type") or "",
        "id": (element.text or "").strip(),
        "parent_type": element.get(f"{_TAG}parent_type"),
        "parent_id": element.get(f"{_TAG}parent_id"),
    }
    return {name: value for name, value in values.items() if value is not None}


def _called_by(ids: t.Mapping[str, str]) -> str | None:
    """Choose the type a thing is called by: never by position, and never one of several nobody ranked."""
    for kind in ID_TYPES:
        if kind in ids:
            return kind
    others = sorted(kind for kind in ids if kind != "WID")
    return others[0] if others else ("WID" if "WID" in ids else None)


def _is_reference(element: etree._Element) -> bool:
    return len(element) > 0 and all(child.tag == f"{_TAG}ID" and f"{_TAG}type" in child.attrib for child in element)


def _in_utc(text: str) -> str:
    try:
        if dt.datetime.fromisoformat(text).tzinfo is None:
            return text
        moment = parse_moment(text)
    except ValueError:
        return text
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _without_zone(text: str) -> str:
    return text[:10] if _DATE_WITH_ZONE.fullmatch(text) else text
