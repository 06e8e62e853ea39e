"""The round trip: invoices posted in Business Central are paid in BILL, and the payments go back."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType

from erp_sandbox.bill.writes.payments import record
from erp_sandbox.business_central.crosswalk import write_crosswalk
from erp_sandbox.business_central.values import Record
from erp_sandbox.demo.stage import Stage, money, say
from erp_sandbox.server import Sandbox
from erp_sandbox.world import World

__all__ = ["SETTINGS", "SYSTEMS", "prepare", "show", "world"]

SYSTEMS = "Business Central and BILL"
SETTINGS = MappingProxyType(
    {
        "TARGET_BILL_MISSING_SUPPLIERS": "create",
        "TARGET_BILL_MAP_SETTINGS": json.dumps({"account_numbers": "same", "location_dimension": "LOCATION"}),
    }
)

_PAID_ON = "2026-12-31"
_MARK = "[ref BC-"


def world() -> World:
    """Return what the sandbox holds: hardly any bills of BILL's own."""
    return World.plain(vendors=20, bills=1, lines=(1, 1))


def prepare(world: World, crosswalk: Path) -> None:
    """Write the mapping tables."""
    write_crosswalk(world, crosswalk)


def show(stage: Stage, keep: Callable[[], object]) -> int:
    """Bring invoices to BILL, let them be paid there, bring the payments back, and tell what came of it."""
    box = stage.box
    code = stage.run("business-central-to-bill")
    paid = _pay(box)
    say(f"in BILL, people approve {paid} bills and pay them; the money arrives")
    code = code or stage.run("payments-to-business-central")
    keep()
    stage.tell_runs(2)
    _tell_totals(box)
    stage.tell_held()
    stage.tell_next("make demo-again PAIR=business-central-bill")
    return code


def _pay(box: Sandbox) -> int:
    """Let people approve and pay what came from Business Central and is still owed there: every seventh by half."""
    owed = _owed(box)
    # Bills are made side by side: in which order differs from run to run.
    fresh = sorted((bill for bill in _bills(box) if bill["paymentStatus"] == "UNPAID"), key=_invoice_of)
    for place, bill in enumerate(fresh, start=1):
        box.bill.approve_bill(bill["id"])
        amount = min(Decimal(bill["amount"]), owed[_invoice_of(bill)])
        if place % 7 == 0:
            amount = (amount / 2).quantize(Decimal(1) if amount == int(amount) else Decimal("0.01"))
        part = {"billId": bill["id"], "amount": amount}
        body = {"vendorId": bill["vendorId"], "processDate": _PAID_ON, "toPrintCheck": False, "payments": [part]}
        made = record(box.bill, box.bill.main, body)
        box.bill.edit_payment(made["id"], singleStatus="CLEARED", onlinePayment=True, disbursementType="ACH")
    return len(fresh)


def _tell_totals(box: Sandbox) -> None:
    """Tell, per currency, what both systems say of the same invoices and payments."""
    central = box.business_central
    bills = list(_bills(box))
    ids = {_invoice_of(bill) for bill in bills}
    invoices = [invoice for invoice in central.invoices() if invoice["id"] in ids]
    currencies = {invoice["id"]: invoice["currencyCode"] for invoice in invoices}
    lines = [line for line in central.records("lines") if line["appliesToInvoiceId"] in currencies]
    say("")
    say(f"{len(invoices)} invoices of Business Central stand in BILL; {len(lines)} payment lines wait in journal BILL")
    owed = _sums((each["currencyCode"], each["totalAmountIncludingTax"]) for each in invoices)
    billed = _sums((_currency(box, bill), bill["amount"]) for bill in bills)
    paid = _sums((_currency(box, bill), bill["paidAmount"]) for bill in bills)
    applied = _sums((currencies[line["appliesToInvoiceId"]], line["amount"]) for line in lines)
    for currency in sorted(owed):
        verdict = "= the bills' total" if owed[currency] == billed[currency] else f"BUT BILL SAYS {billed[currency]}"
        say(f"  {money(currency, owed[currency]):>24}  {verdict}")
        both = (applied.get(currency, Decimal(0)), paid.get(currency, Decimal(0)))
        verdict = "= paid in BILL" if both[0] == both[1] else f"BUT BILL SAYS {both[1]}"
        say(f"  {money(currency, both[0]):>24}  {verdict}")


def _owed(box: Sandbox) -> dict[str, Decimal]:
    """What invoices still owe in Business Central, by their id: some were paid in part by people."""
    central = box.business_central
    left = {
        entry["documentNumber"]: abs(Decimal(entry["_remaining"]))
        for entry in central.records("vendorLedgerEntries")
        if entry["documentType"] == "Invoice"
    }
    return {invoice["id"]: left[invoice["number"]] for invoice in central.invoices() if invoice["number"] in left}


def _invoice_of(bill: Record) -> str:
    return str(bill["description"]).rpartition(_MARK)[2].rstrip("]")


def _bills(box: Sandbox) -> Iterable[Record]:
    return (bill for bill in box.bill.bills() if _MARK in bill.get("description", ""))


def _currency(box: Sandbox, bill: Record) -> str:
    return str(box.bill.vendor(bill["vendorId"])["billCurrency"])


def _sums(pairs: Iterable[tuple[str, Decimal]]) -> dict[str, Decimal]:
    totals: dict[str, Decimal] = defaultdict(Decimal)
    for currency, amount in pairs:
        totals[currency] += Decimal(amount)
    return dict(totals)
