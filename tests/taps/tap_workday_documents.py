"""Invoices and adjustments as a sandbox tenant keeps them."""

from __future__ import annotations

import base64
import datetime as dt
from decimal import Decimal

from erp_sandbox.workday.documents import Adjustment, Attachment, Invoice, InvoiceLine, Split

ENTERED = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
DAY = dt.date(2025, 12, 3)


def lines():
    """A line with a quantity and a cost center, and one that is split over two projects."""
    return [
        InvoiceLine(
            "L1", "1", "Toner & paper", "Office_Supplies", Decimal(2), Decimal("50.25"), Decimal("100.50"), "",
            {"Cost_Center_Reference_ID": "CC-110"}, tax_code="TAX_STANDARD", unit_of_measure="EA",
        ),
        InvoiceLine(
            "L2", "2", "Rent", "Facilities_Rent", Decimal(0), Decimal(0), Decimal("1000.00"), "January", {},
            splits=[
                Split("L2-1", Decimal("600.00"), None, "", {"Project_ID": "PRJ-001"}),
                Split("L2-2", Decimal("400.00"), None, "", {"Project_ID": "PRJ-002"}),
            ],
        ),
    ]  # fmt: skip


def _fields(document_id, **changes):
    return {
        "wid": "",
        "supplier_invoice_id": document_id,
        "invoice_number": document_id,
        "company": "CO-100",
        "currency": "USD",
        "supplier": "S-00001",
        "suppliers_invoice_number": f"INV-{document_id}",
        "invoice_date": DAY,
        "control_amount_total": Decimal("1120.50"),
        "status": "APPROVED",
        "submitted": True,
        "locked": False,
        "created_at": ENTERED,
        "updated_at": ENTERED,
        "lines": lines(),
        "tax_amount": Decimal("20.00"),
        "tax_option": "ENTER_TAX_DUE",
        "payment_terms": "NET_30",
        **changes,
    }


def attachment(name="scan.pdf", content=b"%PDF-1.7", **changes):
    """A file on an invoice."""
    fields = {"content_type": "application/pdf", "encoding": "base64", "comment": "Scan", **changes}
    return Attachment(filename=name, content=base64.b64encode(content).decode(), **fields)


def invoice(document_id, **changes):
    """An approved invoice."""
    return Invoice(**_fields(document_id, **changes))


def adjustment(document_id, of=None, **changes):
    """A credit."""
    return Adjustment(**_fields(document_id, **changes), adjustment_reason="OTHER_TERMS", original_invoice=of)
