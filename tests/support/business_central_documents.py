"""Documents as target-business-central gets them, and a company to deliver them to, run as the plugin would."""

from __future__ import annotations

import datetime as dt
import functools
from decimal import Decimal

from delivering import run_over

from erp_sandbox import credentials, world
from erp_sandbox.business_central.rules.headers import HeaderRules
from erp_sandbox.business_central.rules.journal_lines import PaymentRules
from erp_sandbox.business_central.rules.kinds import INVOICE
from erp_sandbox.business_central.seed import BooksPlan
from ml_connector.documents import (
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
from ml_connector.systems.business_central.client import BusinessCentralClient
from ml_connector.systems.business_central.settings import BusinessCentralSettings
from target_business_central.target import TargetBusinessCentral

DAY = dt.date(2026, 10, 1)
PAID_ON = dt.date(2026, 10, 20)
COMPANY = credentials.BUSINESS_CENTRAL_COMPANY
ACCOUNT = "6100"
VENDOR = "V00001"


def config_for(box, **changes):
    """Return a config of the target for the sandbox."""
    return {
        "base_url": box.business_central_base_url,
        "auth_url": box.business_central_auth_url,
        "tenant_id": credentials.BUSINESS_CENTRAL_TENANT,
        "environment": credentials.BUSINESS_CENTRAL_ENVIRONMENT,
        "company": COMPANY,
        "client_id": credentials.BUSINESS_CENTRAL_CLIENT_ID,
        "client_secret": credentials.BUSINESS_CENTRAL_CLIENT_SECRET,
        "request_timeout": 20,
        "requests_per_minute": 60_000,
        **changes,
    }


def without_documents(monkeypatch):
    """Let companies begin without purchase invoices of their own, which takes a tenth of the time."""
    monkeypatch.setattr(world, "BooksPlan", functools.partial(BooksPlan, invoices=0))


def client_for(box, **changes):
    """Return a client for the sandbox."""
    settings = BusinessCentralSettings.from_config(config_for(box, **changes), plugin="target-business-central")
    return BusinessCentralClient(settings)


def deliver(box, *documents, **changes):
    """Let the target take documents and deliver what is due; return counts by kind and outcome.

    Raises:
        SystemExit: The target says that something is held or down.
    """
    return run_over(TargetBusinessCentral(config=config_for(box, **changes)), documents)


def entered(box, vendor=VENDOR, cost="1000.00", *, number="NW-1", day=DAY, post=True, **fields):
    """Enter a purchase invoice as a person would, posted unless told otherwise; return it."""
    store = box.business_central
    line = {"lineType": "Account", "lineObjectNumber": ACCOUNT, "quantity": Decimal(1), "unitCost": Decimal(cost)}
    with store.lock, store.main.unit():
        body = {
            "vendorNumber": vendor,
            "vendorInvoiceNumber": number,
            "invoiceDate": day.isoformat(),
            "postingDate": day.isoformat(),
            "purchaseInvoiceLines": [line],
            **fields,
        }
        made = HeaderRules(INVOICE).insert(store.company(), None, None, body)
    return store.post_invoice(made["id"]) if post else store.record("purchaseInvoices", made["id"])


def pay_by_hand(box, owed, amount, code="GENERAL"):
    """Let somebody enter a payment line of their own."""
    store = box.business_central
    with store.lock, store.main.unit():
        journal = next(each for each in store.company().table("batches") if each["code"] == code)
        body = {
            "vendorNumber": owed["payToVendorNumber"] or owed["vendorNumber"],
            "postingDate": "2026-10-15",
            "documentNumber": "HAND1",
            "amount": Decimal(amount),
            "appliesToInvoiceId": owed["id"],
        }
        PaymentRules().insert(store.company(), None, journal, body)


def source(id_, stream="bills"):
    """Return where a document comes from."""
    return DocumentSource(system="bill", instance="00801ACMESERVICES001", stream=stream, id=id_)


def invoice(id_="1", amounts=("60.25", "40.25"), *, line=None, **changes):
    """Return an invoice Business Central takes, changed by the arguments."""
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
        "external_id": f"BILL-00n01{id_}",
        "number": f"R-{id_}",
        "supplier": VENDOR,
        "supplier_number": f"R-{id_}",
        "company": COMPANY,
        "currency": "USD",
        "invoice_date": DAY,
        "due_date": dt.date(2026, 10, 31),
        "memo": "October",
        "total": sum((each.amount for each in lines), extra),
        "lines": lines,
    }
    return SupplierInvoice(**{**fields, **changes})


def supplier(id_="00901NEW", **changes):
    """Return a supplier Business Central takes as a vendor."""
    fields = {
        "source": source(id_, "vendors"),
        "external_id": f"BILL-{id_}",
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


def payment(id_="stp01AbCdEfGhIjKlMnOp", *, of, amount="1000.00", **changes):
    """Return a payment of one invoice, or of several: ``of`` is an id, or a mapping of ids to amounts."""
    parts = of if isinstance(of, dict) else {of: amount}
    fields = {
        "source": source(id_, "payments"),
        "external_id": f"BILLPAY-{id_}",
        "number": "P-4711",
        "supplier": VENDOR,
        "company": COMPANY,
        "currency": "USD",
        "amount": sum(map(Decimal, parts.values()), Decimal(0)),
        "payment_date": PAID_ON,
        "method": "ACH",
        "reference": "4711",
        "applications": tuple(PaymentApplication(invoice=each, amount=Decimal(part)) for each, part in parts.items()),
    }
    return Payment(**{**fields, **changes})


def account(number="6100", **changes):
    """Return a ledger account Business Central has, unless it is another number."""
    fields = {"source": source(number, "accounts"), "external_id": f"BILL-{number}", "name": f"Account {number}"}
    return GlAccount(**{**fields, "account_number": number, "account_type": "EXPENSE", **changes})


def dimension(code="120", kind="department", **changes):
    """Return a dimension value Business Central has, unless it is another code."""
    fields = {"source": source(f"{kind}-{code}", "departments"), "external_id": f"BILL-{kind}-{code}"}
    return DimensionValue(**{**fields, "dimension": kind, "code": code, "name": f"Value {code}", **changes})


def coded(kind, value):
    """Return the dimensions of a line."""
    return {"dimensions": (Reference(kind=kind, value=value),)}


def lines_of(box, code="BILL"):
    """Return the lines of a payment journal."""
    store = box.business_central
    journal = next(each["id"] for each in store.records("batches") if each["code"] == code)
    return [line for line in store.records("lines") if line["journalId"] == journal]


def entries_of(box, key):
    """Return the vendor entries with an external document number."""
    return [
        each for each in box.business_central.records("vendorLedgerEntries") if each["externalDocumentNumber"] == key
    ]
