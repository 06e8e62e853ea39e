"""One sink per kind of document."""

from __future__ import annotations

from target_business_central.sinks.codings import AccountSink, DimensionSink
from target_business_central.sinks.invoices import SupplierInvoiceSink
from target_business_central.sinks.payments import PaymentSink
from target_business_central.sinks.suppliers import SupplierSink

__all__ = ["AccountSink", "DimensionSink", "PaymentSink", "SupplierInvoiceSink", "SupplierSink"]
