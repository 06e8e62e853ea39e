"""Submit_Supplier: what is kept and what is refused."""

from __future__ import annotations

import pytest

from erp_sandbox.workday.documents import BankAccount

DATA = "/wd:Submit_Supplier_Request[1]/wd:Supplier_Data[1]"
REFERENCE = '<wd:Supplier_Reference><wd:ID wd:type="Supplier_ID">{}</wd:ID></wd:Supplier_Reference>'


def test_a_supplier_is_kept_with_its_external_id(tenant, xml):
    """A created supplier keeps the source's id, can be read back and invoiced."""
    answer = tenant.send(xml.supplier())
    assert answer.ids("Supplier_Reference", "Supplier_ID") == ["BILL-V1"]
    (created,) = tenant.store.suppliers_created
    assert (created.supplier_id, created.external_entity_id, created.status) == (
        "BILL-V1",
        "BILL-V1",
        "ACTIVE",
    )
    read = tenant.send(xml.get("Get_Suppliers", references=xml.ref("Supplier_Reference", "Supplier_ID", "BILL-V1")))
    assert read.texts("External_Entity_ID") == ["BILL-V1"]
    mine = xml.ref("Supplier_Reference", "Supplier_ID", "BILL-V1")
    assert tenant.submit(Supplier_Reference=mine).status == 200


def test_a_second_supplier_under_the_same_id_is_refused(tenant, xml):
    """With Add_Only the tenant says that it already exists; without, it is refused as well."""
    assert tenant.send(xml.supplier()).status == 200
    answer = tenant.send(xml.supplier())
    assert answer.messages == ["The Web Service is set to Add Only; but the Supplier already exists."]
    assert tenant.send(xml.supplier(attributes="")).code == "SOAP-ENV:Client.validationError"
    assert len(tenant.store.suppliers_created) == 1


def test_a_supplier_without_id_gets_one(tenant, xml):
    """Left out, the id comes from the tenant's sequence."""
    tenant.send(xml.supplier(Supplier_ID=None))
    assert [each.supplier_id for each in tenant.store.suppliers_created] == ["SUPPLIER-3-1"]


@pytest.mark.parametrize(
    "element",
    [
        "Supplier_Name",
        "Supplier_Category_Reference",
        "Payment_Terms_Reference",
        "Payment_Types_Accepted_Reference",
        "Default_Payment_Type_Reference",
        "Business_Entity_Data",
    ],
)
def test_what_every_supplier_needs_is_required(tenant, xml, element):
    """A supplier without one of these is refused at that place."""
    answer = tenant.send(xml.supplier(**{element: None}))
    assert f"{DATA}/wd:{element}[1]" in answer.texts("Xpath")
    assert tenant.store.suppliers_created == []


def test_the_default_payment_type_must_be_accepted(tenant, xml):
    """The default is one of the accepted payment types."""
    wire = xml.ref("Default_Payment_Type_Reference", "Payment_Type_ID", "WIRE")
    answer = tenant.send(xml.supplier(Default_Payment_Type_Reference=wire))
    assert answer.texts("Xpath") == [f"{DATA}/wd:Default_Payment_Type_Reference[1]"]


def test_bank_data_is_refused(tenant, xml):
    """No bank account ever enters through this integration."""
    account = "<wd:Settlement_Account_Data><wd:Bank_Name>Any</wd:Bank_Name></wd:Settlement_Account_Data>"
    answer = tenant.send(xml.supplier(Settlement_Account_Data=account))
    assert answer.code == "SOAP-ENV:Client.validationError"
    assert tenant.store.suppliers_created == []


@pytest.mark.parametrize(
    "auto_complete, approval, status_text",
    [("true", "APPROVED", "APPROVED"), ("false", "IN_PROGRESS", "IN_PROGRESS")],
)
def test_auto_complete_approves_a_supplier(tenant, xml, auto_complete, approval, status_text):
    """Without Auto_Complete a new supplier is still being approved, and reads so."""
    parameters = (
        f"<wd:Business_Process_Parameters><wd:Auto_Complete>{auto_complete}</wd:Auto_Complete>"
        "</wd:Business_Process_Parameters>"
    )
    tenant.send(xml.supplier(request=parameters))
    assert tenant.store.suppliers["BILL-V1"].approval == approval
    read = tenant.send(xml.get("Get_Suppliers", references=xml.ref("Supplier_Reference", "Supplier_ID", "BILL-V1")))
    assert read.ids("Approval_Status_Reference", "Document_Status_ID") == [status_text]


def test_an_update_changes_the_supplier_in_place(tenant, xml):
    """With a reference the supplier is replaced, its WID stays and nothing is created."""
    wid = tenant.store.suppliers["S-1"].wid
    answer = tenant.send(
        xml.supplier(attributes="", request=REFERENCE.format("S-1"), Supplier_ID=None, Supplier_Name="Northwind LLC")
    )
    assert answer.ids("Supplier_Reference", "WID") == [wid]
    assert tenant.store.suppliers["S-1"].name == "Northwind LLC"
    assert tenant.store.suppliers_created == []


def test_a_change_keeps_what_it_leaves_out(tenant, xml):
    """Single values stay in any case; whether blocks stay is a switch, since nobody has shown it."""
    account = BankAccount("BA-1", "Main", "Any Bank", "US")
    tenant.store.edit_supplier("S-1", emails=["ap@northwind.invalid"], bank_accounts=[account], payment_terms="NET_45")
    left_out = dict.fromkeys(
        (
            "Supplier_ID",
            "Supplier_Category_Reference",
            "Payment_Terms_Reference",
            "Payment_Types_Accepted_Reference",
            "Default_Payment_Type_Reference",
            "Business_Entity_Data",
            "Currency_Reference",
        )
    )
    change = xml.supplier(attributes="", request=REFERENCE.format("S-1"), Supplier_Name="Northwind LLC", **left_out)
    assert tenant.send(change).status == 200
    kept = tenant.store.suppliers["S-1"]
    assert (kept.name, kept.payment_terms, kept.currency, kept.tax_id) == (
        "Northwind LLC",
        "NET_45",
        "USD",
        "12-3456789",
    )
    assert (kept.external_entity_id, kept.emails, kept.bank_accounts) == ("BILL-1", ["ap@northwind.invalid"], [account])
    tenant.store.behaviour.omitted_blocks = "cleared"
    tenant.send(change)
    kept = tenant.store.suppliers["S-1"]
    assert (kept.payment_terms, kept.emails, kept.bank_accounts, kept.tax_ids) == ("NET_45", [], [], [])


def test_a_clerk_changes_fields_there_are(tenant):
    """A misspelt field is no new one."""
    with pytest.raises(AttributeError):
        tenant.store.edit_supplier("S-1", e_mail="x")


def _entity(contact):
    return (
        "<wd:Business_Entity_Data><wd:Business_Entity_Name>Adventure Works</wd:Business_Entity_Name>"
        f"<wd:Contact_Data>{contact}</wd:Contact_Data></wd:Business_Entity_Data>"
    )


def _usage(xml, value="BUSINESS"):
    reference = xml.ref("Type_Reference", "Communication_Usage_Type_ID", value)
    return f'<wd:Usage_Data wd:Public="true"><wd:Type_Data wd:Primary="true">{reference}</wd:Type_Data></wd:Usage_Data>'


def test_tax_id_and_contact_data_are_kept(tenant, xml):
    """Tax id, address, phone and e-mail address come back as they were sent."""
    tax = (
        "<wd:Tax_ID_Widget_Data><wd:Tax_ID_Data><wd:Tax_ID_Text>98-7654321</wd:Tax_ID_Text>"
        + xml.ref("Tax_ID_Type_Reference", "Tax_ID_Type", "USA-EIN")
        + "</wd:Tax_ID_Data></wd:Tax_ID_Widget_Data>"
    )
    address = (
        '<wd:Address_Data wd:Effective_Date="2026-02-03">'
        + xml.ref("Country_Reference", "ISO_3166-1_Alpha-2_Code", "US")
        + '<wd:Address_Line_Data wd:Type="ADDRESS_LINE_1">1 Main St</wd:Address_Line_Data>'
        + "<wd:Municipality>Portland</wd:Municipality>"
        + xml.ref("Country_Region_Reference", "Country_Region_ID", "USA-OR")
        + f"<wd:Postal_Code>97201</wd:Postal_Code>{_usage(xml)}</wd:Address_Data>"
    )
    phone = (
        "<wd:Phone_Data><wd:Country_ISO_Code>US</wd:Country_ISO_Code><wd:Phone_Number>555-0100</wd:Phone_Number>"
        + xml.ref("Phone_Device_Type_Reference", "Phone_Device_Type_ID", "Landline")
        + f"{_usage(xml)}</wd:Phone_Data>"
    )
    email = f"<wd:Email_Address_Data><wd:Email_Address>ap@adventure.invalid</wd:Email_Address>{_usage(xml)}</wd:Email_Address_Data>"
    sent = xml.supplier(Tax_ID_Widget_Data=tax, Business_Entity_Data=_entity(address + phone + email))
    assert tenant.send(sent).status == 200
    read = tenant.send(xml.get("Get_Suppliers", references=xml.ref("Supplier_Reference", "Supplier_ID", "BILL-V1")))
    assert read.texts("Tax_ID_Text") == ["98-7654321"]
    assert read.texts("Address_Line_Data") == ["1 Main St"]
    assert read.texts("Municipality") == ["Portland"]
    assert read.ids("Country_Region_Reference", "Country_Region_ID") == ["USA-OR"]
    assert read.texts("Phone_Number") == ["555-0100"]
    assert read.ids("Phone_Device_Type_Reference", "Phone_Device_Type_ID") == ["Landline"]
    assert read.texts("Email_Address") == ["ap@adventure.invalid"]
    assert 'wd:Formatted_Address="1 Main St' in read.text


@pytest.mark.parametrize("usage, accepted", [("BUSINESS", True), ("HOLIDAY", False)])
def test_contact_data_has_a_known_usage(tenant, xml, usage, accepted):
    """An unknown communication usage type is refused."""
    email = (
        "<wd:Email_Address_Data><wd:Email_Address>ap@adventure.invalid</wd:Email_Address>"
        f"{_usage(xml, usage)}</wd:Email_Address_Data>"
    )
    assert (tenant.send(xml.supplier(Business_Entity_Data=_entity(email))).status == 200) is accepted


def test_contact_data_needs_a_usage(tenant, xml):
    """Nobody could tell what it is for."""
    email = "<wd:Email_Address_Data><wd:Email_Address>ap@adventure.invalid</wd:Email_Address></wd:Email_Address_Data>"
    answer = tenant.send(xml.supplier(Business_Entity_Data=_entity(email)))
    assert answer.texts("Xpath")[0].endswith("/wd:Email_Address_Data[1]/wd:Usage_Data[1]")


@pytest.mark.parametrize("country, line", [("XX", "ADDRESS_LINE_1"), ("US", "LINE_1")])
def test_an_address_has_a_known_country_and_line_type(tenant, xml, country, line):
    """An unknown country or line type is refused."""
    entity = (
        "<wd:Business_Entity_Data><wd:Business_Entity_Name>A</wd:Business_Entity_Name><wd:Contact_Data><wd:Address_Data>"
        + xml.ref("Country_Reference", "ISO_3166-1_Alpha-2_Code", country)
        + f'<wd:Address_Line_Data wd:Type="{line}">1 Main St</wd:Address_Line_Data></wd:Address_Data>'
        "</wd:Contact_Data></wd:Business_Entity_Data>"
    )
    assert tenant.send(xml.supplier(Business_Entity_Data=entity)).code == "SOAP-ENV:Client.validationError"


@pytest.mark.parametrize("trap, references", [("error_exception", 1), ("not_written", 0), ("no_reference", 0)])
def test_a_supplier_may_silently_not_be_written(tenant, xml, trap, references):
    """Each trap answers HTTP 200 and creates nothing."""
    tenant.store.arm(trap)
    answer = tenant.send(xml.supplier())
    assert (answer.status, len(answer.ids("Supplier_Reference", "WID"))) == (200, references)
    assert tenant.store.suppliers_created == []
