"""One sink per kind of document."""

from __future__ import annotations

from target_bill.sinks.attachments import AttachmentSink
from target_bill.sinks.codings import AccountSink, DimensionSink
from target_bill.sinks.invoices import SupplierInvoiceSink
from target_bill.sinks.payments import PaymentSink
from target_bill.sinks.suppliers import SupplierSink

__all__ = ["AccountSink", "AttachmentSink", "DimensionSink", "PaymentSink", "SupplierInvoiceSink", "SupplierSink"]
