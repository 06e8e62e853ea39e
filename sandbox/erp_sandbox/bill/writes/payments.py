"""Noting payments that were made elsewhere; no money moves (sheet bill 4.5)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from erp_sandbox.bill.errors import BillRefusalError
from erp_sandbox.bill.seed import Record
from erp_sandbox.bill.store import BillStore, Organization
from erp_sandbox.bill.writes.bodies import amount, codings, day, fields_of, flag, invalid, items, plain, referred, text
from erp_sandbox.bill.writes.objects import now_text, stored

_OPTIONAL = ("description", "syncReference", "allowExport", "classifications")


def record(store: BillStore, organization: Organization, body: Any) -> Record:
    """Note a payment; nothing hinders noting it twice but what the bills still owe.

    Raises:
        BillRefusalError: BDC_1159 when a bill would be overpaid; nothing is noted then.
    """
    fields = fields_of(body, ("vendorId", "processDate", "toPrintCheck", "payments"), _OPTIONAL)
    vendor = referred(organization, "vendors", "vendor", fields["vendorId"])
    flags: Record = {name: flag(fields[name], name) for name in ("toPrintCheck", "allowExport") if name in fields}
    texts: Record = {name: text(fields[name], name) for name in ("description", "syncReference") if name in fields}
    if "classifications" in fields:
        texts["classifications"] = codings(organization, fields["classifications"], ("chartOfAccountId",))
    parts = [_part(organization, vendor["id"], each) for each in items(fields["payments"], "payments")]
    bills = _paid_bills(organization, parts)
    now = now_text(store)
    total = sum((paid for _, paid in parts), Decimal())
    payment: Record = {
        "id": store.new_id("payment"),
        "vendorId": vendor["id"],
        "vendorName": vendor["name"],
        "billPayments": [
            {"id": store.new_id("bill_payment"), "billId": bill, "amount": plain(paid)} for bill, paid in parts
        ],
        "processDate": day(fields["processDate"], "processDate"),
        "amount": plain(total),
        "transactionNumber": store.new_id("payment")[5:],
        "status": "PAID",
        "singleStatus": "PROCESSED",
        "onlinePayment": False,
        "disbursementType": "OFFLINE",
        "createdTime": now,
        "updatedTime": now,
        **flags,
        **texts,
    }
    if len(parts) == 1:
        payment["billId"] = parts[0][0]
    for bill in bills:
        stored(organization, "bills", {**bill, "updatedTime": now_text(store)})
    return stored(organization, "payments", payment)


def _part(organization: Organization, vendor_id: str, value: Any) -> tuple[str, Decimal]:
    part = fields_of(value, ("billId", "amount"), (), place="payments.")
    bill = referred(organization, "bills", "bill", part["billId"])
    if bill["vendorId"] != vendor_id:
        raise invalid(f"The bill {bill['id']} is not of this vendor.")
    if bill["approvalStatus"] in ("DENIED", "ASSIGNED"):
        raise invalid(f"The bill {bill['id']} cannot be paid before its approvals are complete.")
    paid = amount(part["amount"], "payments.amount")
    if paid <= 0:
        raise invalid("payments.amount: must be positive")
    return bill["id"], paid


def _paid_bills(organization: Organization, parts: list[tuple[str, Decimal]]) -> list[Record]:
    sums: dict[str, Decimal] = {}
    for identifier, paid in parts:
        sums[identifier] = sums.get(identifier, Decimal()) + paid
    bills = []
    for identifier, paid in sums.items():
        bill = organization.tables["bills"].record(identifier)
        due = Decimal(bill["dueAmount"]) - paid
        if due < 0:
            raise BillRefusalError(400, "BDC_1159", f"The bill {identifier} would be overpaid.", category="APPLICATION")
        bill["paidAmount"] = plain(Decimal(bill["paidAmount"]) + paid)
        bill["dueAmount"] = plain(due)
        bill["paymentStatus"] = "PARTIALLY_PAID" if due else "PAID"
        bills.append(bill)
    return bills
