"""Creating, changing and archiving bills, one or up to a hundred at once (sheet bill 4.1, 4.2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from erp_sandbox.bill.errors import BillRefusalError
from erp_sandbox.bill.seed import Record
from erp_sandbox.bill.store import BillStore, Organization
from erp_sandbox.bill.writes.bodies import (
    HEADER_CODINGS,
    codings,
    day,
    fields_of,
    flag,
    invalid,
    items,
    plain,
    referred,
    text,
)
from erp_sandbox.bill.writes.lines import new_lines, patched_lines, total_of
from erp_sandbox.bill.writes.objects import now_text, stored

LONGEST_NUMBER = 21
MOST_AT_ONCE = 100

_REQUIRED = ("vendorId", "dueDate", "invoice", "billLineItems")
_OPTIONAL = (
    "description",
    "classifications",
    "payFromChartOfAccountId",
    "purchaseOrderNumber",
    "allowDuplicateInvoiceNumber",
)


def create(store: BillStore, organization: Organization, body: Any) -> Record:
    """A new bill; the approval policies assign its approvers."""
    return stored(organization, "bills", _made(store, organization, body, ()))


def create_many(store: BillStore, organization: Organization, body: Any) -> list[Record]:
    """Up to a hundred new bills, or none at all.

    Raises:
        BillRefusalError: BDC_1246, all were rolled back because of one.
    """
    bodies = items(body, "The request body")
    if not 1 <= len(bodies) <= MOST_AT_ONCE:
        raise invalid(f"A bulk request takes 1 to {MOST_AT_ONCE} bills.")
    made: list[Record] = []
    for number, each in enumerate(bodies):
        try:
            made.append(_made(store, organization, each, made))
        except BillRefusalError as refusal:
            why = "; ".join(refusal.messages)
            raise BillRefusalError(
                400, "BDC_1246", f"Rolled back: no bill was created because of the one at index {number}.", why
            ) from None
    return [stored(organization, "bills", record) for record in made]


def replace(store: BillStore, organization: Organization, record: Record, body: Any) -> Record:
    """Replace a bill: lines with an id are changed, others added, those left out removed."""
    _refuse_settled(record)
    fields = fields_of(body, _REQUIRED, _optional(store))
    lines = new_lines(store, organization, fields["billLineItems"], "billLineItems", record["billLineItems"])
    kept: Record = {name: record[name] for name in ("id", "createdTime", "createdBy", "vendorName") if name in record}
    return _changed(store, organization, {**kept, **_header(organization, fields)}, lines)


def change(store: BillStore, organization: Organization, record: Record, body: Any) -> Record:
    """Change the fields and lines given."""
    _refuse_settled(record)
    fields = fields_of(body, (), (*_REQUIRED, *_optional(store)))
    lines = record["billLineItems"]
    if "billLineItems" in fields:
        clear = store.rules.patch_clears_coding
        lines = patched_lines(organization, fields["billLineItems"], "billLineItems", lines, clear_coding=clear)
    if "invoice" in fields:
        fields["invoice"] = {**record["invoice"], **fields["invoice"]}
    return _changed(store, organization, {**record, **_header(organization, fields)}, lines)


def _made(store: BillStore, organization: Organization, body: Any, pending: Sequence[Record]) -> Record:
    fields = fields_of(body, _REQUIRED, _optional(store))
    header = _header(organization, fields)
    lines = new_lines(store, organization, fields["billLineItems"], "billLineItems")
    allowed = flag(fields.get("allowDuplicateInvoiceNumber", False), "allowDuplicateInvoiceNumber")
    if store.rules.duplicate_numbers == "refused" and not allowed:
        _refuse_duplicate(organization, header, pending)
    now = now_text(store)
    return {
        "id": store.new_id("bill"),
        "archived": False,
        "recordStatus": "ACTIVE",
        **header,
        "vendorName": organization.tables["vendors"].record(header["vendorId"])["name"],
        **_amounts(total_of(lines)),
        "billLineItems": lines,
        "paymentStatus": "UNPAID",
        **_approval(organization, header["vendorId"], total_of(lines)),
        "createdTime": now,
        "updatedTime": now,
    }


def _optional(store: BillStore) -> tuple[str, ...]:
    return tuple(name for name in _OPTIONAL if name not in store.rules.unknown_fields)


def _header(organization: Organization, fields: Mapping[str, Any]) -> Record:
    """The checked fields beside the lines, of those that are given."""
    header = {name: fields[name] for name in fields if name not in ("billLineItems", "allowDuplicateInvoiceNumber")}
    if "vendorId" in header:
        referred(organization, "vendors", "vendor", header["vendorId"])
    if "dueDate" in header:
        header["dueDate"] = day(header["dueDate"], "dueDate")
    if "invoice" in header:
        invoice = fields_of(header["invoice"], ("invoiceNumber", "invoiceDate"), (), place="invoice.")
        text(invoice["invoiceNumber"], "invoice.invoiceNumber", LONGEST_NUMBER)
        header["invoice"] = {**invoice, "invoiceDate": day(invoice["invoiceDate"], "invoice.invoiceDate")}
    for name in ("description", "purchaseOrderNumber"):
        if name in header:
            text(header[name], name)
    if "classifications" in header:
        header["classifications"] = codings(organization, header["classifications"], HEADER_CODINGS)
    if "payFromChartOfAccountId" in header:
        referred(organization, "chart_of_accounts", "chart of accounts", header["payFromChartOfAccountId"])
    return header


def _changed(store: BillStore, organization: Organization, record: Record, lines: list[Record]) -> Record:
    """A bill after an edit, which begins its approval anew (the stricter reading of sheet bill 4.1)."""
    record = {name: value for name, value in record.items() if name != "approvers"}
    return stored(
        organization,
        "bills",
        {
            "archived": False,
            "recordStatus": "ACTIVE",
            **record,
            **_amounts(total_of(lines)),
            "billLineItems": lines,
            "paymentStatus": "UNPAID",
            **_approval(organization, record["vendorId"], total_of(lines)),
            "updatedTime": now_text(store),
        },
    )


def _amounts(total: Decimal) -> Record:
    if total < 0:
        raise invalid("amount: must not be negative; use a vendor credit")
    return {
        "amount": plain(total),
        "paidAmount": 0,
        "dueAmount": plain(total),
        "scheduledAmount": 0,
        "creditAmount": 0,
    }


def _approval(organization: Organization, vendor_id: str, total: Decimal) -> Record:
    for policy in organization.policies:
        if policy.get("status") == "ACTIVE" and all(_fits(rule, vendor_id, total) for rule in policy["rules"]):
            users = [user["userId"] for user in policy["approvers"]["users"]]
            approvers = [
                {"userId": user, "status": "WAITING", "approverOrder": order} for order, user in enumerate(users)
            ]
            return {"approvalStatus": "ASSIGNED", "approvers": approvers}
    return {"approvalStatus": "UNASSIGNED"}


def _fits(rule: Mapping[str, Any], vendor_id: str, total: Decimal) -> bool:
    values = [each["value"] for each in rule["values"]]
    if rule["key"] == "BILL_AMOUNT":
        return total >= Decimal(values[0]) if rule["op"] == "gte" else total > Decimal(values[0])
    return rule["key"] == "VENDOR_ID" and vendor_id in values


def _refuse_duplicate(organization: Organization, header: Mapping[str, Any], pending: Sequence[Record]) -> None:
    """Refuse a number the vendor has used (scope and code: sheet bill 4.1, seen for other invoices only)."""
    number = header["invoice"]["invoiceNumber"]
    bills = organization.tables["bills"]
    for bill in (*map(bills.record, bills.with_value("invoice.invoiceNumber", number)), *pending):
        if bill["vendorId"] == header["vendorId"] and bill["invoice"]["invoiceNumber"] == number:
            raise BillRefusalError(
                422, "BDC_1171", f"An invoice with the number {number} already exists.", category="APPLICATION"
            )


def _refuse_settled(record: Mapping[str, Any]) -> None:
    if record["paymentStatus"] != "UNPAID" or record["paidAmount"] or record["scheduledAmount"]:
        raise invalid("A bill with payments cannot be changed.")
    if record["archived"]:
        raise invalid("An archived bill cannot be changed.")
