"""Every request of target-workday is valid under the tenant's description: the real contract, and a newer dialect."""

from __future__ import annotations

import datetime as dt
import functools
from decimal import Decimal

import pytest
import requests_mock as requests_mock_module
from lxml import etree

from erp_sandbox.workday.wsdl import wsdl
from ml_connector.documents import (
    DocumentSource,
    InvoiceLine,
    Payment,
    PaymentApplication,
    Reference,
    Supplier,
    SupplierInvoice,
)
from ml_connector.errors import NotFound
from ml_connector.systems.workday.ad_hoc_payments import CASH
from ml_connector.systems.workday.client import FINANCE, RESOURCES, WorkdayClient
from ml_connector.systems.workday.references import References
from ml_connector.systems.workday.settings import WorkdaySettings
from target_workday.options import WorkdayPosting
from target_workday.sinks import PaymentSink, SupplierInvoiceSink, SupplierSink

pytestmark = pytest.mark.contract

SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}"
XSD = "{http://www.w3.org/2001/XMLSchema}"
WID = "0627e00a601c1001085f64bd33e20000"
DAY = dt.date(2026, 2, 3)
FILES = {
    RESOURCES: "Resource_Management.reconstructed.wsdl",
    FINANCE: "Financial_Management.wsdl",
    CASH: "Cash_Management.reconstructed.wsdl",
}
SAMPLES = {
    "Get_Cost_Centers": "Financial_Management__get_cost_centers.response.xml",
    "Get_Account_Sets": "Financial_Management__get_account_sets.response.xml",
    "Get_Purchase_Orders": "Resource_Management__get_purchase_orders.response.xml",
    "Get_Suppliers": "Resource_Management__get_suppliers.response.xml",
    "Get_Supplier_Invoices": "Resource_Management__get_supplier_invoices.response.xml",
    "Submit_Supplier_Invoice": "Resource_Management__submit_supplier_invoice.response.xml",
}
WRITTEN_HERE = {
    "Get_Workday_Companies": '<wd:Response_Data><wd:Company><wd:Company_Reference><wd:ID wd:type="Company_Reference_ID">CO-100</wd:ID>'
    "</wd:Company_Reference></wd:Company></wd:Response_Data>",
    "Get_Resource_Categories": "<wd:Response_Data><wd:Resource_Category><wd:Resource_Category_Reference>"
    '<wd:ID wd:type="Spend_Category_ID">Professional_Services</wd:ID></wd:Resource_Category_Reference></wd:Resource_Category></wd:Response_Data>',
    "Submit_Ad_hoc_Payment": f'<wd:Ad_hoc_Payment_Reference><wd:ID wd:type="WID">{WID}</wd:ID></wd:Ad_hoc_Payment_Reference>',
    "Submit_Supplier": f'<wd:Supplier_Reference><wd:ID wd:type="WID">{WID}</wd:ID></wd:Supplier_Reference>',
    "Submit_Supplier_Invoice_Adjustment": '<wd:Supplier_Invoice_Adjustment_Reference><wd:ID wd:type="WID">'
    f"{WID}</wd:ID></wd:Supplier_Invoice_Adjustment_Reference>",
}
ENVELOPE = '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns:wd="urn:com.workday/bsvc"><e:Body>{}</e:Body></e:Envelope>'


class Tenant:
    """Answers samples, and keeps every request together with what the schema says of it."""

    def __init__(self, descriptions, samples):
        self.descriptions = descriptions
        self.samples = samples
        self.schemas = {name: schema_of(text) for name, text in descriptions.items()}
        self.requests = []
        self.status = "Approved"
        self.contact = ""

    def answer(self, request, _context):
        """Validate a request and answer it."""
        service = request.url.split("/")[-2]
        envelope = etree.fromstring(request.body)
        body = envelope.find(f"{SOAP}Body")[0]
        self.schemas[service].assertValid(etree.fromstring(etree.tostring(body)))
        for part in envelope.find(f"{SOAP}Header"):
            if part.tag.startswith("{urn:com.workday"):
                self.schemas[service].assertValid(etree.fromstring(etree.tostring(part)))
        self.requests.append(body)
        operation = etree.QName(body).localname.removesuffix("_Request")
        if operation in SAMPLES:
            text = (self.samples / SAMPLES[operation]).read_text("utf-8")
            text = text.replace("</wd:External_Entity_ID>", f"</wd:External_Entity_ID>{self.contact}")
            return text.replace("Approved", self.status).replace("APPROVED", self.status.upper())
        return ENVELOPE.format(f"<wd:{operation}_Response>{WRITTEN_HERE.get(operation, '')}</wd:{operation}_Response>")

    def sent(self, operation):
        """The requests of one operation."""
        return [body for body in self.requests if etree.QName(body).localname == f"{operation}_Request"]


@functools.cache
def schema_of(text):
    """The schema in a WSDL, compiled."""
    definitions = etree.fromstring(text)
    (schema,) = definitions.iter(f"{XSD}schema")
    return etree.XMLSchema(etree.fromstring(etree.tostring(schema)))


@pytest.fixture(scope="module")
def contracts(contracts_dir):
    """The WSDLs of the contract folder."""
    return {name: (contracts_dir / "workday" / file).read_bytes() for name, file in FILES.items()}


@pytest.fixture(params=["contract", "newer"])
def tenant(request, contracts, contracts_dir):
    """A tenant that speaks v28 to v30, and one with the names known from v40 on."""
    if request.param == "contract":
        made = Tenant(contracts, contracts_dir / "workday" / "samples")
    else:
        made = Tenant(
            {name: wsdl(name, (42, 2), "acme").encode() for name in FILES}, contracts_dir / "workday" / "samples"
        )
    with requests_mock_module.Mocker() as mock:
        for name, text in made.descriptions.items():
            url = f"https://host.invalid/ccx/service/acme/{name}/v42.2"
            mock.get(url, content=text)
            mock.post(url, text=made.answer)
        yield made


@pytest.fixture
def client(tenant, tmp_path):
    """A client of the tenant."""
    config = {"base_url": "https://host.invalid", "tenant": "acme", "isu_username": "ISU", "isu_password": "pw"}
    made = WorkdayClient(WorkdaySettings.from_config(config), state_dir=tmp_path)
    yield made
    made.close()


@pytest.fixture
def sink(client):
    """A maker of prepared invoice sinks."""

    def make(**options):
        made = SupplierInvoiceSink(client, References(client), WorkdayPosting.from_config(options))
        made.prepare()
        return made

    return make


def line(order, amount, **changes):
    """An invoice line with everything a line can carry, changed by the arguments."""
    fields = {
        "id": f"l{order}",
        "order": order,
        "amount": Decimal(amount),
        "description": "Consulting & <travel>",
        "quantity": Decimal(2),
        "unit_price": Decimal(amount) / 2,
        "spend_category": "Professional_Services",
        "tax_code": "TAX_STANDARD",
        "dimensions": (Reference(kind="cost_center", value="CC-410"), Reference(kind="project", value="PRJ-12")),
    }
    return InvoiceLine(**{**fields, **changes})


def invoice(*lines, **changes):
    """An invoice with everything an invoice can carry, changed by the arguments."""
    lines = lines or (line(1, "1000.00"), line(2, "250.00"))
    fields = {
        "source": DocumentSource(system="bill", instance="o", stream="bills", id="00n01"),
        "external_id": "BILL-00n01ABCDEF",
        "supplier": "S-00042",
        "supplier_number": "INV|7781",
        "company": "CO-100",
        "currency": "USD",
        "invoice_date": DAY,
        "due_date": dt.date(2026, 3, 5),
        "accounting_date": DAY,
        "total": sum(each.amount for each in lines) + Decimal("15.00"),
        "tax_amount": Decimal("10.00"),
        "charges": Decimal("5.00"),
        "freight": Decimal("2.00"),
        "memo": "February",
        "purchase_order_number": "PO-2291",
        "payment_terms": "NET_30",
        "lines": lines,
    }
    return SupplierInvoice(**{**fields, **changes})


CREDIT = {
    "total": Decimal("-1015.00"),
    "tax_amount": Decimal("-10.00"),
    "charges": Decimal("-5.00"),
    "freight": Decimal("-2.00"),
}
SERVICE = "PURCHASE_ORDER_LINE-3-902"


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(invoice(), id="full"),
        pytest.param(
            invoice(
                line(1, "5.00", quantity=None, unit_price=None, description=None, dimensions=(), tax_code=None),
                supplier_number=None,
                due_date=None,
                accounting_date=None,
                memo=None,
                purchase_order_number=None,
                payment_terms=None,
                tax_amount=Decimal(0),
                charges=Decimal(0),
                freight=Decimal(0),
                total=Decimal("5.00"),
            ),
            id="smallest",
        ),
        pytest.param(
            invoice(line(1, "10.00", purchase_order_line="PO-2291#1"), line(2, "10.00", purchase_order_line=SERVICE)),
            id="order lines",
        ),
        pytest.param(invoice(line(1, "-1000.00"), **CREDIT), id="credit"),
        pytest.param(invoice(*(line(n, "1.00") for n in range(1, 101))), id="hundred lines"),
        pytest.param(invoice(supplier=WID, company=WID), id="WIDs"),
    ],
)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"submit": False},
        {"tax_option": "ENTER_TAX_DUE", "on_hold": True, "invoice_number_from": "workday"},
        {"override_payment_type": "PAID_OUTSIDE"},
    ],
    ids=["default", "draft", "options", "paid elsewhere"],
)
def test_a_posting_is_valid(tenant, sink, document, options):
    """Whatever the document carries and however it is to be posted."""
    sink(**options).create(document)
    assert len(tenant.sent("Submit_Supplier_Invoice") + tenant.sent("Submit_Supplier_Invoice_Adjustment")) == 1


def test_no_reference_is_ever_empty(tenant, sink):
    """Workday refuses an empty reference element, so what is unknown is left out."""
    sink().create(invoice(payment_terms=None, supplier_number=None))
    (body,) = tenant.sent("Submit_Supplier_Invoice")
    assert [node.tag for node in body.iter() if len(node) == 0 and not (node.text or "").strip()] == []


def test_a_posting_is_create_only_and_an_update_is_not(tenant, sink):
    """Some operations refuse Add_Only together with a reference: never both."""
    made = sink(submit=False)
    made.create(invoice())
    tenant.status = "Draft"
    made.update(invoice(), WID, None)
    created, updated = tenant.sent("Submit_Supplier_Invoice")
    assert created.get("{urn:com.workday/bsvc}Add_Only") == "true"
    assert created.find("{urn:com.workday/bsvc}Supplier_Invoice_Reference") is None
    assert updated.get("{urn:com.workday/bsvc}Add_Only") is None
    assert updated.findtext("{*}Supplier_Invoice_Reference/{*}ID") == WID


def test_order_lines_carry_no_coding_of_their_own(tenant, sink):
    """It comes from the order; the line is named within it."""
    sink().create(invoice(line(1, "10.00", purchase_order_line="PO-2291#2")))
    (data,) = tenant.requests[-1].iter("{*}Invoice_Line_Replacement_Data")
    identifier = data.find("{*}Purchase_Order_Line_Reference/{*}ID")
    assert dict(identifier.attrib) == {
        "{urn:com.workday/bsvc}type": "Line_Number",
        "{urn:com.workday/bsvc}parent_type": "Document_Number",
        "{urn:com.workday/bsvc}parent_id": "PO-2291",
    }
    assert data.find("{*}Spend_Category_Reference") is None
    assert data.find("{*}Worktags_Reference") is None


def test_texts_lose_what_xml_cannot_carry(tenant, sink):
    """A line break of a word processor in a remark is no reason to hold a bill."""
    lines = (line(1, "-5.00", description="Toner\x0bblack"), line(2, "-5.00", description="\x00"))
    for changes in (
        {},
        {
            "total": Decimal("-10.00"),
            "tax_amount": Decimal(0),
            "charges": Decimal(0),
            "freight": Decimal(0),
            "lines": lines,
        },
    ):
        sink().create(invoice(memo="two\x0blines \U0001f600\ufffe", supplier_number="A\x07|1", **changes))
    posted, credit = tenant.sent("Submit_Supplier_Invoice") + tenant.sent("Submit_Supplier_Invoice_Adjustment")
    assert posted.findtext(".//{*}Supplier_Invoice_Data/{*}Memo") == "two lines \U0001f600"
    assert credit.findtext(".//{*}Document_Memo") == "two lines \U0001f600"
    assert [node.text for node in credit.iter("{*}Item_Description")] == ["Toner black"]
    numbers = {node.text for node in posted.iter("{*}Suppliers_Invoice_Number", "{*}Supplier_Reference_Number")}
    assert numbers == {"A-1"}


@pytest.mark.parametrize(
    "changes, expected",
    [
        ({"quantity": Decimal(2), "unit_price": Decimal("5.00")}, ("2", "5.00")),
        ({"quantity": Decimal(3), "unit_price": Decimal("3.33")}, (None, None)),
        ({"quantity": Decimal(3), "unit_price": None}, (None, None)),
        ({"quantity": Decimal(7), "unit_price": Decimal("1.4285714")}, (None, None)),
        ({"quantity": None, "unit_price": Decimal(10)}, (None, None)),
        ({"quantity": Decimal(0), "unit_price": Decimal(10)}, (None, None)),
        (
            {"quantity": Decimal(3), "unit_price": Decimal("3.33"), "purchase_order_line": "PO-2291#1"},
            ("3", "3.333333"),
        ),
        ({"quantity": Decimal(2), "unit_price": Decimal("5.00"), "purchase_order_line": "PO-2291#2"}, (None, None)),
        ({"quantity": Decimal(2), "unit_price": Decimal("5.00"), "purchase_order_line": SERVICE}, (None, None)),
    ],
)
def test_quantity_times_unit_cost_is_the_amount(tenant, sink, changes, expected):
    """A mismatch is refused, so they are left out, or on goods of orders made to fit; services have neither."""
    sink().create(invoice(line(1, "10.00", **changes)))
    (data,) = tenant.requests[-1].iter("{*}Invoice_Line_Replacement_Data")
    assert (data.findtext("{*}Quantity"), data.findtext("{*}Unit_Cost")) == expected


@pytest.mark.parametrize("quantity, unit", [("2", "-500.00"), ("-2", "500.00")])
def test_a_credit_has_positive_quantity_and_cost(tenant, sink, quantity, unit):
    """However the source writes a negative line."""
    sink().create(invoice(line(1, "-1000.00", quantity=Decimal(quantity), unit_price=Decimal(unit)), **CREDIT))
    (body,) = tenant.sent("Submit_Supplier_Invoice_Adjustment")
    (data,) = body.iter("{*}Invoice_Line_Replacement_Data")
    values = [data.findtext(f"{{*}}{name}") for name in ("Quantity", "Unit_Cost", "Extended_Amount")]
    assert values == ["2", "500.00", "1000.00"]
    (header,) = body.iter("{*}Supplier_Invoice_Adjustment_Data")
    assert header.findtext("{*}Control_Total_Amount") == "1015.00"
    assert header.findtext("{*}Increase_Liability") == "false"
    assert header.findtext("{*}Tax_Amount") == "10.00"


def test_reads_are_valid(tenant, sink):
    """Reference data, look-ups by id, windows and bulk reads, for invoices and adjustments; nothing is sent empty."""
    made = sink()
    made.find(invoice())
    made.find(invoice(line(1, "-1000.00"), **CREDIT))
    list(made.survey(DAY, DAY))
    made.read_back([WID, "a" * 32])
    made.check(
        invoice(line(1, "10.00", purchase_order_line="PO-2291#1"), line(2, "10.00", purchase_order_line=SERVICE))
    )
    assert {etree.QName(body).localname for body in tenant.requests} == {
        "Get_Workday_Companies_Request",
        "Get_Suppliers_Request",
        "Get_Resource_Categories_Request",
        "Get_Cost_Centers_Request",
        "Get_Account_Sets_Request",
        "Get_Payment_Terms_Request",
        "Get_Purchase_Orders_Request",
        "Get_Supplier_Invoices_Request",
        "Get_Supplier_Invoice_Adjustments_Request",
    }
    assert [node.tag for body in tenant.requests for node in body.iter() if len(node) == 0 and not node.text] == []


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {
            "address_line1": "1 Main St",
            "address_line2": "Suite 2",
            "city": "Portland",
            "region": "OR",
            "postal_code": "97201",
            "country": "US",
        },
        {
            "address_line1": "Weg 1",
            "city": "Bern",
            "country": "CH",
            "postal_code": "3000",
            "email": "ap@vendor.invalid",
        },
        {"country": "US", "phone": "(503) 555-0100"},
        {"address_line1": "half", "country": "US"},
        {"currency": None, "tax_id": "12-3456789"},
    ],
)
def test_a_new_supplier_is_valid(tenant, client, changes):
    """With as much of the address as is complete, and never a bank account."""
    options = WorkdayPosting(
        supplier_category="SERVICES",
        supplier_payment_terms="NET_30",
        supplier_payment_type="CHECK",
        supplier_phone_device_type="Landline",
    )
    sink = SupplierSink(client, References(client), options)
    sink.prepare()
    fields = {
        "source": DocumentSource(system="bill", instance="o", stream="vendors", id="009X"),
        "external_id": "BILL-009X",
        "name": "Harbor Lights LLC",
        "currency": "USD",
    }
    sink.create(Supplier(**{**fields, **changes}))
    (body,) = tenant.sent("Submit_Supplier")
    assert body.get("{urn:com.workday/bsvc}Add_Only") == "true"
    assert body.findtext(".//{*}External_Entity_ID") == "009X"
    assert [node.tag for node in body.iter() if "Settlement" in node.tag or "Bank" in node.tag] == []
    assert (body.find(".//{*}Address_Data") is not None) == ("city" in changes)
    assert (body.find(".//{*}Phone_Data") is not None) == ("phone" in changes)


TWO_ADDRESSES = "".join(
    '<wd:Address_Data wd:Effective_Date="2026-01-01-08:00"><wd:Country_Reference>'
    '<wd:ID wd:type="ISO_3166-1_Alpha-2_Code">CH</wd:ID></wd:Country_Reference>'
    f'<wd:Address_Line_Data wd:Type="ADDRESS_LINE_1">Weg {number}</wd:Address_Line_Data>'
    '<wd:Municipality>Bern</wd:Municipality><wd:Usage_Data wd:Public="1"><wd:Type_Data wd:Primary="1">'
    '<wd:Type_Reference><wd:ID wd:type="Communication_Usage_Type_ID">BUSINESS</wd:ID></wd:Type_Reference>'
    '</wd:Type_Data></wd:Usage_Data><wd:Address_Reference><wd:ID wd:type="Address_ID">A-'
    f"{number}</wd:ID></wd:Address_Reference></wd:Address_Data>"
    for number in (1, 2)
)


@pytest.mark.parametrize(
    "contact, changes, sent",
    [
        ("", {"name": "Northwind Inc"}, "Supplier_Name"),
        ("", {"email": "ap@vendor.invalid"}, "Email_Address_Data"),
        ("", {"phone": "(503) 555-0100", "country": "US"}, "Phone_Data"),
        ("", {"address_line1": "Weg 1", "city": "Bern", "country": "CH", "postal_code": "3000"}, "Address_Data"),
        ("", {"active": False}, "Supplier_Status_Data"),
        ("", {"tax_id": "98-7654321"}, "Tax_ID_Data"),
        (f"<wd:Contact_Data>{TWO_ADDRESSES}</wd:Contact_Data>", {"address_line1": "Gasse 9"}, "Address_Reference"),
    ],
)
def test_a_change_of_a_supplier_is_valid(tenant, client, contact, changes, sent):
    """It names the supplier, is not create-only, and carries no bank account."""
    sink = SupplierSink(client, References(client), WorkdayPosting(supplier_phone_device_type="Landline"))
    sink.prepare()
    tenant.contact = contact
    (found,) = sink._references._index("supplier").things
    source = DocumentSource(system="bill", instance="o", stream="vendors", id="009X")
    fields = {"source": source, "external_id": "BILL-009X", "name": "Northwind LLC", "owned": tuple(changes)}
    delivered = sink.update(Supplier(**{**fields, **changes}), found.ids["WID"], None)
    if sent == "Address_Reference" and delivered.unchanged:
        assert "there are several" in delivered.warnings[0]  # this description has no reference to an address
        return
    (body,) = tenant.sent("Submit_Supplier")
    assert body.get("{urn:com.workday/bsvc}Add_Only") is None
    assert body.findtext("{*}Supplier_Reference/{*}ID") == found.ids["WID"]
    assert body.find(f".//{{*}}{sent}") is not None
    assert [node.tag for node in body.iter() if "Settlement" in node.tag or "Bank" in node.tag] == []
    assert [node.tag for node in body.iter() if len(node) == 0 and not (node.text or "").strip()] == []


def test_supplier_look_ups_are_valid(tenant, client):
    """By our own id, and in bulk by WID."""
    sink = SupplierSink(client, References(client), WorkdayPosting())
    sink.prepare()
    sink.find(
        Supplier(source=DocumentSource(system="b", instance="o", stream="v", id="1"), external_id="S-00042", name="N")
    )
    sink.read_back([WID])
    assert len(tenant.sent("Get_Suppliers")) == 4


@pytest.mark.parametrize("options", [{}, {"submit": False, "payment_type": "MANUAL"}])
def test_recording_a_payment_is_valid(tenant, client, options):
    """What records it, and all that looks for it; create-only, nothing sent empty, no bank data."""
    recording = {
        "payment_recording": "ad_hoc_payment",
        "payment_bank_account": "BA-BILL-CLEARING",
        "payment_clearing_category": "Professional_Services",
        "on_hold": True,
    }
    made = PaymentSink(client, References(client), WorkdayPosting.from_config({**recording, **options}))
    made.prepare()
    document = Payment(
        source=DocumentSource(system="bill", instance="o", stream="payments", id="stp01XYZ"),
        external_id="BILLPAY-stp01XYZ",
        supplier="S-00042",
        company="CO-100",
        currency="USD",
        amount=Decimal("1250.00"),
        payment_date=DAY,
        applications=(
            PaymentApplication(invoice="BILL-00n01ABCDEF", amount=Decimal("1000.00")),
            PaymentApplication(invoice=WID, amount=Decimal("250.00")),
        ),
    )
    assert made.find(document) is None
    assert list(made.survey(DAY, DAY)) == []
    assert made.create(document).target_id == WID
    assert made.read_back([WID]) == {}
    (body,) = tenant.sent("Submit_Ad_hoc_Payment")
    assert body.get("{urn:com.workday/bsvc}Add_Only") == "true"
    assert body.findtext(".//{*}Ad_hoc_Payment_ID") == "BILLPAY-stp01XYZ"
    assert body.find(".//{*}Bank_Data") is None
    sent = [node for request in tenant.requests for node in request.iter()]
    assert [node.tag for node in sent if len(node) == 0 and not (node.text or "").strip()] == []
    assert len(tenant.sent("Get_Ad_hoc_Payments")) == 3


def test_the_sample_answer_is_read_whole(tenant, sink):
    """Amounts, references and warnings of the contract folder's samples."""
    made = sink()
    (found,) = (each for each in made.survey(DAY, DAY))
    assert (found.external_id, found.number, found.status) == ("BILL-00n01ABCDEF", "SUPIN-000123", "Approved")
    assert found.facts == {
        "company": "CO-100",
        "supplier": "S-00042",
        "currency": "USD",
        "supplier_number": "INV-7781",
        "total": Decimal(1250),
        "charges": Decimal(0),
        "lines": 1,
        "amount_of_line_1": Decimal(1000),
        "spend_category_of_line_1": "Professional_Services",
        "cost_center_of_line_1": "CC-410",
    }
    assert made.create(invoice()).warnings == ("Sample warning from a custom validation.",)
    with pytest.raises(NotFound):
        made.update(invoice(), "b" * 32, None)
