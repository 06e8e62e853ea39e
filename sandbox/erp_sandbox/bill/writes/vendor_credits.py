"""Creating, changing and archiving vendor credits (sheet bill 4.7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from erp_sandbox.bill.seed import Record
from erp_sandbox.bill.store import BillStore, Organization
from erp_sandbox.bill.writes.bodies import day, fields_of, invalid, plain, referred, text
from erp_sandbox.bill.writes.lines import new_lines, patched_lines, total_of
from erp_sandbox.bill.writes.objects import now_text, stored

_LINES = "vendorCreditLineItems"
_REQUIRED = ("vendorId", "referenceNumber", "creditDate", _LINES)
_OPTIONAL = ("description", "applyToChartOfAccountId", "applyToBankAccountId")


def create(store: BillStore, organization: Organization, body: Any) -> Record:
    """A new credit; nothing hinders a second one of the same number."""
    fields = _header(organization, fields_of(body, _REQUIRED, _OPTIONAL))
    lines = new_lines(store, organization, fields.pop(_LINES), _LINES)
    now = now_text(store)
    basics = {"id": store.new_id("vendor_credit"), "archived": False, "createdTime": now, "usage": []}
    return _stored(store, organization, {**basics, **fields}, lines)


def replace(store: BillStore, organization: Organization, record: Record, body: Any) -> Record:
    """Replace a credit; lines that are left out are removed."""
    _refuse_applied(record)
    fields = _header(organization, fields_of(body, _REQUIRED, _OPTIONAL))
    lines = new_lines(store, organization, fields.pop(_LINES), _LINES, record[_LINES])
    kept: Record = {name: record[name] for name in ("id", "archived", "createdTime", "usage") if name in record}
    return _stored(store, organization, {**kept, **fields}, lines)


def change(store: BillStore, organization: Organization, record: Record, body: Any) -> Record:
    """Change the fields and lines given."""
    _refuse_applied(record)
    fields = _header(organization, fields_of(body, (), (*_REQUIRED, *_OPTIONAL)))
    lines = record[_LINES]
    if _LINES in fields:
        clear = store.rules.patch_clears_coding
        lines = patched_lines(organization, fields.pop(_LINES), _LINES, lines, clear_coding=clear)
    return _stored(store, organization, {**record, **fields}, lines)


def _header(organization: Organization, fields: Record) -> Record:
    if "vendorId" in fields:
        referred(organization, "vendors", "vendor", fields["vendorId"])
    if "creditDate" in fields:
        fields["creditDate"] = day(fields["creditDate"], "creditDate")
    for name, limit in (("referenceNumber", 21), ("description", 4000)):
        if name in fields:
            text(fields[name], name, limit)
    return fields


def _stored(store: BillStore, organization: Organization, record: Record, lines: list[Record]) -> Record:
    total = total_of(lines)
    if total <= 0:
        raise invalid("amount: must be positive")
    changes = {"amount": plain(total), "appliedAmount": 0, "status": "NOT_APPLIED", "updatedTime": now_text(store)}
    return stored(organization, "vendor_credits", {**record, _LINES: lines, **changes})


def _refuse_applied(record: Mapping[str, Any]) -> None:
    if record["status"] != "NOT_APPLIED" or record["archived"]:
        raise invalid("A vendor credit that is applied or archived cannot be changed.")
