"""Documents as target-bill gets them, and a BILL organization to deliver them to, run as the plugin would."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
from decimal import Decimal

from delivering import run_over

from erp_sandbox import credentials
from erp_sandbox.ids import bill_id
from ml_connector.documents import (
    Attachment,
    DimensionValue,
    DocumentSource,
    GlAccount,
    InvoiceLine,
    Payment,
    PaymentApplication,
    Reference,
    Supplier,
    SupplierInvoice,
)
from target_bill.target import TargetBill

DAY = dt.date(2026, 10, 1)
ORGANIZATION = credentials.BILL_ORGANIZATION_ID
ACCOUNT = "6100"
VENDOR = bill_id("vendor", 1, 1)


def config_for(box, **changes):
    """Return a config of the target for the sandbox."""
    return {
        "base_url": box.bill_base_url,
        "dev_key": credentials.BILL_DEV_KEY,
        "username": credentials.BILL_SYNC_TOKEN_NAME,
        "password": credentials.BILL_SYNC_TOKEN_VALUE,
        "organization_id": ORGANIZATION,
        "request_timeout": 20,
        **changes,
    }


def deliver(box, *documents, **changes):
    """Let the target take documents and deliver what is due; return counts by kind and outcome.

    Raises:
        SystemExit: The target says that something is held or down.
    """
    return run_over(TargetBill(config=config_for(box, **changes)), documents)


def source(id_, stream="invoices"):
    """Return where a document comes from."""
    return DocumentSource(system="sap_s4hana", instance="100", stream=stream, id=id_)


def invoice(id_="1", amounts=("60.25", "40.25"), *, line=None, **changes):
    """Return an invoice BILL takes, changed by the arguments."""
    lines = tuple(
        InvoiceLine(
            **{
                "id": f"{id_}-{order}",
                "order": order,
                "amount": Decimal(amount),
                "description": "Paper & pens",
                "gl_account": ACCOUNT,
                **(line or {}),
            }
        )
        for order, amount in enumerate(amounts, 1)
    )
    extra = Decimal(changes.get("tax_amount", 0)) + Decimal(changes.get("charges", 0))
    fields = {
        "source": source(id_),
        "external_id": f"SAP-{id_}",
        "number": f"51000{id_}",
        "supplier": VENDOR,
        "supplier_number": f"R-{id_}",
        "company": ORGANIZATION,
        "currency": "USD",
        "invoice_date": DAY,
        "due_date": dt.date(2026, 10, 31),
        "memo": "October",
        "total": sum((each.amount for each in lines), extra),
        "lines": lines,
    }
    return SupplierInvoice(**{**fields, **changes})


def supplier(id_="s1", **changes):
    """Return a supplier BILL takes as a vendor."""
    fields = {
        "source": source(id_, "suppliers"),
        "external_id": f"SAP-{id_}",
        "name": f"Harbor Lights {id_} LLC",
        "currency": "USD",
        "email": "ap@harbor.invalid",
        "address_line1": "10 Mill Street",
        "city": "Oakland",
        "region": "CA",
        "postal_code": "94607",
        "country": "US",
    }
    return Supplier(**{**fields, **changes})


def payment(id_="p1", *, bill, amount="100.50", **changes):
    """Return a payment of one bill."""
    fields = {
        "source": source(id_, "payments"),
        "external_id": f"SAP-{id_}",
        "supplier": VENDOR,
        "currency": "USD",
        "amount": Decimal(amount),
        "payment_date": dt.date(2026, 10, 20),
        "method": "CHECK",
        "reference": "4711",
        "applications": (PaymentApplication(invoice=bill, amount=Decimal(amount)),),
    }
    return Payment(**{**fields, **changes})


def attachment(id_="f1", *, bill="R-1", content=b"%PDF-1.7 scan", **changes):
    """Return a file of the first invoice."""
    fields = {
        "source": source(id_, "attachments"),
        "external_id": f"SAP-{id_}",
        "invoice": bill,
        "invoice_date": DAY,
        "supplier": VENDOR,
        "file_name": "Scan 1.pdf",
        "media_type": "application/pdf",
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "content": base64.b64encode(content).decode(),
    }
    return Attachment(**{**fields, **changes})


def account(number="7777", **changes):
    """Return a ledger account BILL lacks."""
    fields = {"source": source(number, "accounts"), "external_id": f"SAP-{number}", "name": f"Account {number}"}
    return GlAccount(**{**fields, "account_number": number, "account_type": "EXPENSE", **changes})


def dimension(name="Foundry", kind="department", **changes):
    """Return a dimension value BILL lacks."""
    fields = {"source": source(f"{kind}-{name}", "dimensions"), "external_id": f"SAP-{kind}-{name}"}
    return DimensionValue(**{**fields, "dimension": kind, "name": name, **changes})


def coded(kind, value):
    """Return the dimensions of a line."""
    return {"dimensions": (Reference(kind=kind, value=value),)}
