"""The documents every tap maps into and every target posts from.

A document is what the accounts-payable field calls it: a supplier invoice, a supplier, a payment. It is frozen,
carries exact money, and knows where it came from. References (``supplier``, ``spend_category``, dimensions) hold
the *target's* ids or human numbers, as the crosswalk resolved them.
"""

from __future__ import annotations

import typing as t

from ml_connector.documents.attachments import Attachment
from ml_connector.documents.base import UNKNOWN, Document, DocumentSource
from ml_connector.documents.canonical import canonical_json, content_hash
from ml_connector.documents.coding import DimensionValue, GlAccount
from ml_connector.documents.invoices import InvoiceLine, Reference, SupplierInvoice
from ml_connector.documents.mapped import GAP, Mapped, Outline
from ml_connector.documents.payments import Payment, PaymentApplication
from ml_connector.documents.suppliers import OWNABLE_FIELDS, Supplier

__all__ = [
    "DELIVERY_ORDER",
    "DOCUMENT_CLASSES",
    "GAP",
    "OWNABLE_FIELDS",
    "UNKNOWN",
    "Attachment",
    "DimensionValue",
    "Document",
    "DocumentSource",
    "GlAccount",
    "InvoiceLine",
    "Mapped",
    "Outline",
    "Payment",
    "PaymentApplication",
    "Reference",
    "Supplier",
    "SupplierInvoice",
    "canonical_json",
    "content_hash",
]

DELIVERY_ORDER: t.Final = ("gl_accounts", "dimensions", "suppliers", "supplier_invoices", "attachments", "payments")
"""Kinds in the order they are delivered: what is referred to goes first."""

DOCUMENT_CLASSES: t.Final[dict[str, type[Document]]] = {
    "gl_accounts": GlAccount,
    "dimensions": DimensionValue,
    "suppliers": Supplier,
    "supplier_invoices": SupplierInvoice,
    "attachments": Attachment,
    "payments": Payment,
}
