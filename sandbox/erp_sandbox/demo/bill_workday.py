"""Approved bills become supplier invoices in Workday."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any

from erp_sandbox.demo.stage import Stage, money, say
from erp_sandbox.server import Sandbox
from erp_sandbox.world import World

__all__ = ["SETTINGS", "SYSTEMS", "prepare", "show", "world"]

SYSTEMS = "BILL and Workday"
SETTINGS = MappingProxyType({"TARGET_WORKDAY_MISSING_SUPPLIERS": "create"})

_SHOWN = 5


def world() -> World:
    """Return what the sandbox holds."""
    return World.demo()


def prepare(world: World, crosswalk: Path) -> None:
    """Write the mapping tables."""
    world.write_crosswalk(crosswalk)


def show(stage: Stage, keep: Callable[[], object]) -> int:
    """Run the pipeline, keep the sandbox's data, and tell what came of it."""
    before = set(_invoices(stage.box))
    code = stage.run("tap-bill", "target-workday")
    keep()
    stage.tell_runs(1)
    _tell_posted(stage.box, before)
    stage.tell_held()
    stage.tell_next("make demo-again")
    return code


def _tell_posted(box: Sandbox, before: set[str]) -> None:
    invoices = _invoices(box)
    new = [invoice for key, invoice in invoices.items() if key not in before]
    say("")
    say(f"posted now: {len(new)} invoices; in Workday altogether: {len(invoices)}")
    for invoice in new[:_SHOWN]:
        amount = money(invoice.currency, invoice.control_amount_total)
        say(f"  {invoice.wid}  {invoice.supplier_invoice_id}  {invoice.suppliers_invoice_number:<12} {amount:>18}")
    if len(new) > _SHOWN:
        say(f"  ... and {len(new) - _SHOWN} more: ml-connector status, ml-connector show INV-...")
    posted: dict[str, Decimal] = {}
    billed: dict[str, Decimal] = {}
    for invoice in invoices.values():
        posted[invoice.currency] = posted.get(invoice.currency, Decimal(0)) + invoice.control_amount_total
        bill = box.bill.table("bills").record(invoice.supplier_invoice_id.removeprefix("BILL-"))
        billed[invoice.currency] = billed.get(invoice.currency, Decimal(0)) + Decimal(str(bill["amount"]))
    for currency in sorted(posted):
        verdict = "= the bills' total" if posted[currency] == billed[currency] else f"BUT BILL SAYS {billed[currency]}"
        say(f"  {money(currency, posted[currency]):>24}  {verdict}")


def _invoices(box: Sandbox) -> dict[str, Any]:
    return {invoice.wid: invoice for invoice in box.workday.invoices}
