"""A Workday tenant on loopback, and raw XML to send to it."""

from __future__ import annotations

import socket
import threading
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import uvicorn
from lxml import etree
from starlette.routing import Router
from waiting import PATIENCE, wait_until

from erp_sandbox import credentials
from erp_sandbox.clock import Clock
from erp_sandbox.faults import Faults, Latency
from erp_sandbox.workday.app import workday_routes
from erp_sandbox.workday.records import (
    Company,
    CostCenter,
    LedgerAccount,
    PaymentTerms,
    Seed,
    SpendCategory,
    Supplier,
)
from erp_sandbox.workday.store import WorkdayStore

WD = "urn:com.workday/bsvc"
WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
PASSWORD_TEXT = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordText"
ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"

SEED = Seed(
    tenant=credentials.WORKDAY_TENANT,
    companies=(Company("CO-100", "Fabrikam Inc.", "USD"), Company("CO-200", "Fabrikam KK", "JPY")),
    suppliers=(
        Supplier("S-1", "Northwind", "ACTIVE", "BILL-1", "12-3456789", "USD"),
        Supplier("S-2", "Contoso", "ACTIVE", None, None, "USD"),
        Supplier("S-3", "Closed Shop", "INACTIVE", None, None, "USD"),
        Supplier("S-4", "Only a Tag", "ACTIVE", None, None, "USD", worktag_only=True),
    ),
    spend_categories=(
        SpendCategory("Office_Supplies", "Office Supplies", False, "6100"),
        SpendCategory("Services", "Services", False, "6000"),
        SpendCategory("Retired", "Retired", True, "6900"),
    ),
    cost_centers=(
        CostCenter("CC-410", "410", "Delivery", True),
        CostCenter("CC-420", "420", "Operations", True),
        CostCenter("CC-900", "900", "Closed", False),
    ),
    ledger_accounts=(
        LedgerAccount("Standard", "6000", "Services", False),
        LedgerAccount("Standard", "6100", "Office Supplies", False),
        LedgerAccount("Standard", "6900", "Retired", True),
    ),
    payment_terms=(PaymentTerms("NET_30", "Net 30", 30), PaymentTerms("NET_45", "Net 45", 45)),
)


@dataclass
class Answer:
    """What came back."""

    status: int
    text: str

    @property
    def root(self):
        """The parsed envelope."""
        return etree.fromstring(self.text.encode())

    def texts(self, name):
        """The texts of all elements of this name, in order."""
        return [element.text for element in self.root.iter(f"{{{WD}}}{name}")]

    @property
    def code(self):
        """The fault code."""
        return self.root.findtext(".//faultcode")

    @property
    def string(self):
        """The fault string."""
        return self.root.findtext(".//faultstring")

    @property
    def messages(self):
        """The messages of all validation errors."""
        return self.texts("Message")

    def ids(self, element, id_type):
        """The ids of one type in all references of this name."""
        return [
            each.text
            for reference in self.root.iter(f"{{{WD}}}{element}")
            for each in reference
            if each.get(f"{{{WD}}}type") == id_type
        ]


class Tenant:
    """A tenant and the means to talk to it in raw XML."""

    def __init__(self, url, store, faults):
        self.url = url
        self.store = store
        self.faults = faults
        self.http = httpx.Client(base_url=url, timeout=PATIENCE)

    def endpoint(self, service="Resource_Management", version="v42.2", tenant=SEED.tenant):
        """The path of a service."""
        return f"/workday/ccx/service/{tenant}/{service}/{version}"

    def security(self, username=None, password=credentials.WORKDAY_ISU_PASSWORD, kind=PASSWORD_TEXT):
        """A WS-Security header."""
        name = f"{credentials.WORKDAY_ISU_USERNAME}@{SEED.tenant}" if username is None else username
        return (
            f'<wsse:Security xmlns:wsse="{WSSE}"><wsse:UsernameToken><wsse:Username>{name}</wsse:Username>'
            f'<wsse:Password Type="{kind}">{password}</wsse:Password></wsse:UsernameToken></wsse:Security>'
        )

    def send(self, body, *, header=None, headers=None, descriptors=False, **where):
        """Post a body and return the answer."""
        security = self.security() if header is None else header
        common = (
            "<wd:Workday_Common_Header><wd:Include_Reference_Descriptors_In_Response>true"
            "</wd:Include_Reference_Descriptors_In_Response></wd:Workday_Common_Header>"
            if descriptors
            else ""
        )
        content = (
            f'<env:Envelope xmlns:env="{ENVELOPE}" xmlns:wd="{WD}"><env:Header>{security}{common}</env:Header>'
            f"<env:Body>{body}</env:Body></env:Envelope>"
        )
        return self.send_text(content, headers=headers, **where)

    def send_text(self, content, *, headers=None, **where):
        """Post a whole envelope."""
        answer = self.http.post(
            self.endpoint(**where),
            content=content.encode(),
            headers={"Content-Type": "text/xml; charset=utf-8", **(headers or {})},
        )
        return Answer(answer.status_code, answer.text)

    def submit(self, version="v42.2", *, request="", attributes='wd:Add_Only="true"', lines=None, **changes):
        """Submit an invoice; ``changes`` replace (or with None remove) header elements by name."""
        body = invoice(version, request=request, attributes=attributes, lines=lines, **changes)
        return self.send(body, version=version)

    def finance(self, body, **where):
        """Ask Financial_Management."""
        return self.send(body, service="Financial_Management", **where)


def ref(name, id_type, value):
    """A reference element."""
    return f'<wd:{name}><wd:ID wd:type="{id_type}">{value}</wd:ID></wd:{name}>'


def line(**changes):
    """A line; ``changes`` replace (or with None remove) elements by name."""
    elements = {
        "Line_Order": "<wd:Line_Order>1</wd:Line_Order>",
        "Item_Description": "<wd:Item_Description>Paper</wd:Item_Description>",
        "Spend_Category_Reference": ref("Spend_Category_Reference", "Spend_Category_ID", "Office_Supplies"),
        "Quantity": None,
        "Unit_Cost": None,
        "Extended_Amount": "<wd:Extended_Amount>100.00</wd:Extended_Amount>",
        "Memo": None,
        "Worktags_Reference": ref("Worktags_Reference", "Cost_Center_Reference_ID", "CC-410"),
        "Supplier_Invoice_Split_Line_Data": None,
    }
    return _element("Invoice_Line_Replacement_Data", elements, changes)


def invoice(version="v42.2", *, request="", attributes='wd:Add_Only="true"', lines=None, **changes):
    """A Submit_Supplier_Invoice_Request in the dialect of a version."""
    number = "Suppliers_Invoice_Number" if int(version[1:3]) >= 33 else "Supplier_Reference_Number"
    elements = {
        "Supplier_Invoice_ID": "<wd:Supplier_Invoice_ID>BILL-1</wd:Supplier_Invoice_ID>",
        "Submit": "<wd:Submit>true</wd:Submit>",
        "Locked_in_Workday": None,
        "Invoice_Number": None,
        "Invoice_Document_Status_Reference": None,
        "Company_Reference": ref("Company_Reference", "Company_Reference_ID", "CO-100"),
        "Currency_Reference": ref("Currency_Reference", "Currency_ID", "USD"),
        "Supplier_Reference": ref("Supplier_Reference", "Supplier_ID", "S-1"),
        "Default_Tax_Option_Reference": None,
        "Invoice_Date": "<wd:Invoice_Date>2026-02-03</wd:Invoice_Date>",
        "Due_Date_Override": None,
        "Accounting_Date_Override": None,
        "On_Hold": None,
        "Control_Amount_Total": "<wd:Control_Amount_Total>100.00</wd:Control_Amount_Total>",
        "Tax_Amount": None,
        "Freight_Amount": None,
        "Other_Charges": None,
        number: f"<wd:{number}>INV-1</wd:{number}>",
        "External_PO_Number": None,
        "Memo": None,
        "Payment_Terms_Reference": None,
        "Override_Payment_Type_Reference": None,
        "Attachment_Data": None,
        "Lines": "".join([line()] if lines is None else lines),
    }
    data = _element("Supplier_Invoice_Data", elements, changes)
    return f"<wd:Submit_Supplier_Invoice_Request {attributes}>{request}{data}</wd:Submit_Supplier_Invoice_Request>"


def adjustment(*, attributes='wd:Add_Only="true"', lines=None, **changes):
    """A Submit_Supplier_Invoice_Adjustment_Request."""
    elements = {
        "Supplier_Invoice_Adjustment_ID": "<wd:Supplier_Invoice_Adjustment_ID>BILL-C1</wd:Supplier_Invoice_Adjustment_ID>",
        "Submit": "<wd:Submit>true</wd:Submit>",
        "Company_Reference": ref("Company_Reference", "Company_Reference_ID", "CO-100"),
        "Currency_Reference": ref("Currency_Reference", "Currency_ID", "USD"),
        "Supplier_Reference": ref("Supplier_Reference", "Supplier_ID", "S-1"),
        "Increase_Liability": "<wd:Increase_Liability>false</wd:Increase_Liability>",
        "Adjustment_Reason_Reference": ref("Adjustment_Reason_Reference", "Adjustment_Reason_ID", "OTHER_TERMS"),
        "Adjustment_Date": "<wd:Adjustment_Date>2026-02-05</wd:Adjustment_Date>",
        "Control_Total_Amount": "<wd:Control_Total_Amount>100</wd:Control_Total_Amount>",
        "Original_Invoice_Reference": None,
        "Suppliers_Invoice_Number": "<wd:Suppliers_Invoice_Number>CR-1</wd:Suppliers_Invoice_Number>",
        "Document_Memo": None,
        "Lines": "".join([line()] if lines is None else lines),
    }
    data = _element("Supplier_Invoice_Adjustment_Data", elements, changes)
    return (
        f"<wd:Submit_Supplier_Invoice_Adjustment_Request {attributes}>{data}"
        "</wd:Submit_Supplier_Invoice_Adjustment_Request>"
    )


def supplier(*, attributes='wd:Add_Only="true"', request="", **changes):
    """A Submit_Supplier_Request."""
    elements = {
        "Supplier_ID": "<wd:Supplier_ID>BILL-V1</wd:Supplier_ID>",
        "Supplier_Name": "<wd:Supplier_Name>Adventure Works</wd:Supplier_Name>",
        "Submit": "<wd:Submit>true</wd:Submit>",
        "Tax_ID_Widget_Data": None,
        "Supplier_Category_Reference": ref("Supplier_Category_Reference", "Supplier_Category_ID", "SERVICES"),
        "Payment_Terms_Reference": ref("Payment_Terms_Reference", "Payment_Terms_ID", "NET_30"),
        "Payment_Types_Accepted_Reference": ref("Payment_Types_Accepted_Reference", "Payment_Type_ID", "CHECK"),
        "Default_Payment_Type_Reference": ref("Default_Payment_Type_Reference", "Payment_Type_ID", "CHECK"),
        "Business_Entity_Data": (
            "<wd:Business_Entity_Data><wd:Business_Entity_Name>Adventure Works</wd:Business_Entity_Name>"
            "<wd:External_Entity_ID>BILL-V1</wd:External_Entity_ID></wd:Business_Entity_Data>"
        ),
        "Settlement_Account_Data": None,
        "Currency_Reference": ref("Currency_Reference", "Currency_ID", "USD"),
    }
    data = _element("Supplier_Data", elements, changes)
    return f"<wd:Submit_Supplier_Request {attributes}>{request}{data}</wd:Submit_Supplier_Request>"


def get(operation, *, references="", criteria=None, page=None, count=None, as_of=None, group=""):
    """A Get request."""
    parts = [f"<wd:Request_References>{references}</wd:Request_References>"] if references else []
    if criteria is not None:
        parts.append(f"<wd:Request_Criteria>{criteria}</wd:Request_Criteria>")
    filters = {"As_Of_Entry_DateTime": as_of, "Page": page, "Count": count}
    given = "".join(f"<wd:{name}>{value}</wd:{name}>" for name, value in filters.items() if value is not None)
    if given:
        parts.append(f"<wd:Response_Filter>{given}</wd:Response_Filter>")
    if group:
        parts.append(f"<wd:Response_Group>{group}</wd:Response_Group>")
    return f"<wd:{operation}_Request>{''.join(parts)}</wd:{operation}_Request>"


def _element(name, elements, changes):
    unknown = set(changes) - set(elements)
    assert not unknown, f"no such element: {unknown}"
    chosen = {**elements, **changes}
    inner = "".join(
        value if value.startswith("<") or key == "Lines" else f"<wd:{key}>{value}</wd:{key}>"
        for key, value in ((key, chosen[key]) for key in elements)
        if value is not None
    )
    return f"<wd:{name}>{inner}</wd:{name}>"


class Xml:
    """The request builders, for tests."""

    ref = staticmethod(ref)
    line = staticmethod(line)
    invoice = staticmethod(invoice)
    adjustment = staticmethod(adjustment)
    supplier = staticmethod(supplier)
    get = staticmethod(get)


class _Exchangeable:
    """An application whose tenant is exchanged from test to test."""

    router: Any = None

    async def __call__(self, scope, receive, send):
        await self.router(scope, receive, send)


@pytest.fixture(scope="session")
def _server():
    app = _Exchangeable()
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    wait_until(lambda: server.started)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}", app
    server.should_exit = True
    thread.join()


@pytest.fixture
def xml():
    """Builders of raw requests."""
    return Xml


@pytest.fixture
def seed():
    """The master data of the tenant."""
    return SEED


@pytest.fixture
def clock():
    """The tenant's time."""
    return Clock()


@pytest.fixture
def tenant(_server, clock):
    """A fresh tenant on a running server."""
    url, app = _server
    faults = Faults()
    store = WorkdayStore(SEED, clock=clock)
    app.router = Router(list(workday_routes(store, faults=faults, latency=Latency())))
    tenant = Tenant(url, store, faults)
    yield tenant
    tenant.http.close()
