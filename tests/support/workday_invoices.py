"""Invoices people have entered and approved in Workday."""

from __future__ import annotations

import base64
import datetime as dt
from decimal import Decimal

from erp_sandbox.workday.documents import Adjustment, Attachment, Invoice, InvoiceLine

DAY = dt.date(2026, 10, 1)


def entered(number, amount="19.90", *files, kind=Invoice, **changes):
    """Return an approved invoice of one line, with files given as name and content."""
    at = dt.datetime(2026, 10, 1, tzinfo=dt.UTC)
    tags = {"Cost_Center_Reference_ID": "CC-110"}
    total = Decimal(amount)
    line = InvoiceLine(f"{number}-1", "1", "Paper", "Office_Supplies", Decimal(0), Decimal(0), total, "", tags)
    basics = {
        "wid": "",
        "supplier_invoice_id": f"SUPPLIER_INVOICE-3-{number}",
        "invoice_number": f"SI-{number}",
        "company": "CO-100",
        "currency": "USD",
        "supplier": "S-00001",
        "suppliers_invoice_number": f"R-{number}",
        "invoice_date": DAY,
        "due_date": DAY + dt.timedelta(days=30),
        "control_amount_total": total,
        "status": "APPROVED",
        "submitted": True,
        "locked": False,
        "created_at": at,
        "updated_at": at,
        "lines": [line],
        "attachments": [
            Attachment(name, "application/pdf", "base64", base64.b64encode(content).decode(), "")
            for name, content in files
        ],
    }
    return kind(**{**basics, **changes})


def credited(number, amount="5.00"):
    """Return an approved adjustment."""
    return entered(number, amount, kind=Adjustment, adjustment_reason="OTHER_TERMS", original_invoice=None)
