"""What the tenant does with a valid request, per operation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from erp_sandbox.workday.rules.books import BOOKS
from erp_sandbox.workday.rules.cancel import cancel_invoice
from erp_sandbox.workday.rules.documents import ADJUSTMENTS, INVOICES, submit_document
from erp_sandbox.workday.rules.orders import ORDERS
from erp_sandbox.workday.rules.payments import get_payments, submit_payment
from erp_sandbox.workday.rules.reads import READS
from erp_sandbox.workday.rules.suppliers import submit_supplier

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from erp_sandbox.workday.rules.call import Call

    Handler = Callable[[Call], Mapping[str, Any]]

__all__ = ["HANDLERS", "WRITES"]

WRITES: dict[str, Handler] = {
    "Submit_Supplier_Invoice": lambda call: submit_document(call, INVOICES),
    "Submit_Supplier_Invoice_Adjustment": lambda call: submit_document(call, ADJUSTMENTS),
    "Cancel_Supplier_Invoice": cancel_invoice,
    "Submit_Supplier": submit_supplier,
    "Submit_Ad_Hoc_Payment": submit_payment,
}
"""The operations that change something."""

HANDLERS: dict[str, Handler] = {
    **READS,
    **ORDERS,
    **BOOKS,
    "Get_Ad_Hoc_Payments": get_payments,
    **WRITES,
}
"""Every operation: it takes a call and returns the values of its answer."""
