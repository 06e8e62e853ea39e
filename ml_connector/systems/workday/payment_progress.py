"""How far supplier invoices are paid, which their own records do not tell (docs/systems/workday.md#w3-3).

Payments do: each names the documents it pays, with amounts. Where there is an API client WQL tells of every invoice
whether it is paid, wholly or in part, also where a credit has settled it.
"""

from __future__ import annotations

import logging
import typing as t
from decimal import Decimal

from ml_connector.errors import NotFound, PermissionDenied, Rejected, SettingInvalid
from ml_connector.systems.workday.client import FINANCE, WorkdayClient
from ml_connector.systems.workday.reads import DatesBetween, Reader, Source
from ml_connector.systems.workday.windows import DateWindow
from ml_connector.systems.workday.wql import paid_invoices

__all__ = ["PAYMENTS", "PaymentProgress"]

_LOG = logging.getLogger(__name__)

PAYMENTS: t.Final = Source(
    ((FINANCE, "Get_Payments"), ("Cash_Management", "Get_Payments"), ("Settlement_Services", "Get_Payments")),
    "Payment",
    "Payment_Reference",
    {"Include_Payment_Group_Data": True, "Include_Payroll_Remittance_Data": False},
    dates=DatesBetween(
        ("Payment_Date_on_Date_Or_After",), ("Payment_Date_on_Date_Or_Before",), within="General_Payment_Criteria"
    ),
)
_NO_MONEY: t.Final = ("void", "cancel", "denied", "return", "draft", "reject")
"""How states of payments that pay nothing, or no longer, are called."""
_CHARGES: t.Final = ("tax_amount", "freight_amount", "other_charges")

Record = dict[str, t.Any]


class PaymentProgress:
    """What a tenant tells of how far invoices are paid.

    Args:
        client: The tenant's client.
        window: Dates of the invoices that are looked at: earlier payments pay none of them.
    """

    def __init__(self, client: WorkdayClient, window: DateWindow) -> None:
        self._window = window
        self._settled = self._payments(client)
        self.states: dict[str, str] | None = self._states(client)
        if self._settled is None and self.states is None:
            _LOG.warning(
                "How far invoices are paid cannot be read: neither payments nor WQL tell. Those that are paid cannot "
                "be told from others (map setting unknown_payments)."
            )

    def note(self, invoice: Record) -> Record:
        """Add to the record of an invoice how far it is paid."""
        settled = self._settled_of(invoice)
        state = None if self.states is None else self.states.get(invoice["wid"])
        if state is None and self.states is not None and self._is_inside(invoice):
            state = "UNPAID"
        total = _total(invoice)
        if settled is not None and state in (None, "UNPAID"):
            state = "PAID" if 0 < total <= settled else "PARTIALLY_PAID" if settled > 0 else "UNPAID"
        told = settled if settled is not None and (settled > 0 or state == "UNPAID") else None
        invoice["payment_status"] = state
        invoice["paid_amount"] = told
        invoice["remaining_amount"] = None if told is None else max(total - told, Decimal(0))
        return invoice

    def _settled_of(self, invoice: Record) -> Decimal | None:
        """Return what payments have settled of an invoice; None where an earlier one may have."""
        if self._settled is None:
            return None
        names = {str(invoice[key]) for key in ("invoice_number", "supplier_invoice_id") if invoice.get(key)}
        found = sum((self._settled.get(name, Decimal(0)) for name in names), Decimal(0))
        return found if found or self._is_inside(invoice) else None

    def _is_inside(self, invoice: Record) -> bool:
        """Return whether all payments of an invoice were looked at: those of its own date and later."""
        first = self._window.first
        return first is None or str(invoice.get("invoice_date") or "") >= first.isoformat()

    def _payments(self, client: WorkdayClient) -> dict[str, Decimal] | None:
        settled: dict[str, Decimal] = {}
        try:
            reader = Reader(client, PAYMENTS)
            for row in reader.rows(reader.dated(self._window)):
                for payment in row.nodes("Payment_Data"):
                    if any(word in (payment.text("Payment_Status") or "").casefold() for word in _NO_MONEY):
                        continue
                    for paid in payment.nodes("Remittance_Data", "Document_Remittance_Data"):
                        name = paid.text("Document_ID")
                        if name:
                            amounts = (paid.amount("Amount_Paid"), paid.amount("Discount_Taken"))
                            settled[name] = settled.get(name, Decimal(0)) + sum(
                                (each for each in amounts if each is not None), Decimal(0)
                            )
        except (NotFound, PermissionDenied, Rejected, SettingInvalid) as fault:
            _LOG.info("Payments cannot be read (%s).", str(fault).splitlines()[0])
            return None
        return settled

    def _states(self, client: WorkdayClient) -> dict[str, str] | None:
        if not client.settings.uses_oauth:
            return None
        try:
            return paid_invoices(client, self._window.first)
        except (NotFound, PermissionDenied, Rejected, SettingInvalid) as fault:
            _LOG.info("WQL does not tell which invoices are paid (%s).", str(fault).splitlines()[0])
            return None


def _total(invoice: Record) -> Decimal:
    control = _decimal(invoice.get("control_amount_total"))
    if control:
        return control
    lines = invoice.get("invoice_line_replacement_data") or ()
    parts = [line.get("extended_amount") for line in lines] + [invoice.get(name) for name in _CHARGES]
    return sum(map(_decimal, parts), Decimal(0))


def _decimal(value: t.Any) -> Decimal:
    return Decimal(0) if value is None else Decimal(str(value))
