"""Cancel_Supplier_Invoice: nothing is deleted, the invoice becomes Canceled (docs/systems/workday.md#w3-5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from erp_sandbox.workday.rules.call import Call


def cancel_invoice(call: Call) -> Mapping[str, Any]:
    """Cancel an invoice; the web service may also cancel one that is locked in Workday.

    Raises:
        ValidationRefusalError: unknown or already canceled.
    """
    call.require(call.request, "Document_Reference")
    instance = call.refer(call.request, "Document_Reference", "Supplier_Invoice")
    call.settle()
    assert instance is not None  # noqa: S101  # required above
    invoice = call.store.invoice_ledger.by_wid(instance.wid)
    if invoice.canceled:
        call.note("The supplier invoice is already canceled.", call.request.xpath("Document_Reference"))
    call.settle()
    invoice.status = "CANCELED"
    invoice.updated_at = call.store.clock.now()
    call.store.touch()
    return {"Document_Reference": instance}
