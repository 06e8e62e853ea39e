"""What target-workday can deliver, one sink per kind of document."""

from __future__ import annotations

from target_workday.sinks.invoices import SupplierInvoiceSink
from target_workday.sinks.payments import PaymentSink
from target_workday.sinks.suppliers import SupplierSink

__all__ = ["PaymentSink", "SupplierInvoiceSink", "SupplierSink"]
