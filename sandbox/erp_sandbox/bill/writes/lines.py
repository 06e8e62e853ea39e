"""Lines of bills and vendor credits (sheet bill 4.1, 4.7, 8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from erp_sandbox.bill.errors import BillRefusalError
from erp_sandbox.bill.seed import Record
from erp_sandbox.bill.store import BillStore, Organization
from erp_sandbox.bill.writes.bodies import amount, codings, fields_of, invalid, items, plain, text

_FIELDS = ("id", "amount", "quantity", "price", "description", "classifications")


def new_lines(
    store: BillStore, organization: Organization, value: Any, name: str, known: Sequence[Record] = ()
) -> list[Record]:
    """The lines of a create or a replacement; ``known`` are those whose ids may be kept.

    Raises:
        BillRefusalError: a line is not what BILL takes.
    """
    ids = {line["id"] for line in known}
    lines = []
    for sent in items(value, name):
        line = _line(organization, sent, name)
        _check_id(line, ids)
        lines.append({**line, "id": line.get("id") or store.new_id("line")})
    return lines


def patched_lines(
    organization: Organization, value: Any, name: str, known: Sequence[Record], *, clear_coding: bool
) -> list[Record]:
    """The lines after a PATCH: a line that comes without its coding loses it (sheet bill 4.1, as reported).

    Raises:
        BillRefusalError: a line names no id, or one that is not of this bill.
    """
    lines: dict[str, Record] = {line["id"]: dict(line) for line in known}
    for sent in items(value, name):
        if not isinstance(sent, dict) or not sent.get("id"):
            raise BillRefusalError(400, None, f"{name}.id: must not be null")
        before = lines.get(sent["id"])
        if before is None:
            raise _no_line(sent["id"])
        merged = {**before, **sent}
        if clear_coding and "classifications" not in sent:
            merged.pop("classifications", None)
        if "amount" in sent and not {"quantity", "price"} & set(sent):
            merged.pop("quantity", None)
            merged.pop("price", None)
        lines[sent["id"]] = _line(organization, merged, name)
    return list(lines.values())


def total_of(lines: Sequence[Mapping[str, Any]]) -> Decimal:
    """What lines add up to."""
    return sum((Decimal(line["amount"]) for line in lines), Decimal())


def _line(organization: Organization, value: Any, name: str) -> Record:
    line = fields_of(value, (), _FIELDS, place=f"{name}.")
    line = {key: item for key, item in line.items() if item is not None}
    if "description" in line:
        text(line["description"], f"{name}.description")
    if "classifications" in line:
        line["classifications"] = codings(organization, line["classifications"])
    for key in ("amount", "quantity", "price"):
        if key in line:
            line[key] = amount(line[key], f"{name}.{key}")
    if "quantity" in line and "price" in line:
        product = round(line["quantity"] * line["price"], 2)
        if line.setdefault("amount", product) != product:
            raise invalid(f"{name}.amount: is not quantity times price")
    if "amount" not in line:
        raise BillRefusalError(400, None, f"{name}.amount: must not be null")
    return {key: plain(item) if isinstance(item, Decimal) else item for key, item in line.items()}


def _check_id(line: Mapping[str, Any], ids: set[str]) -> None:
    if "id" in line and line["id"] not in ids:
        raise _no_line(line["id"])


def _no_line(identifier: object) -> BillRefusalError:
    return BillRefusalError(400, "BDC_1205", f"No line item found with id {identifier}.", category="APPLICATION")
