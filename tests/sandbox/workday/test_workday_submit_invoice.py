"""Submit_Supplier_Invoice: what is kept, what is refused, and in which words."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

ADD_ONLY = "The Web Service is set to Add Only; documents cannot be resubmitted."
DUPLICATE = "Enter a Supplier's Invoice Number that isn't already in use on another supplier invoice"
DATA = "/wd:Submit_Supplier_Invoice_Request[1]/wd:Supplier_Invoice_Data[1]"
LINE = f"{DATA}/wd:Invoice_Line_Replacement_Data[1]"


def test_an_invoice_is_kept_as_sent(tenant, xml):
    """An accepted invoice is in the store with its lines, worktags and exact money."""
    answer = tenant.submit(
        lines=[xml.line(Quantity="5", Unit_Cost="20", Memo="desk")],
        Memo="hello",
        External_PO_Number="PO-7",
        Payment_Terms_Reference=xml.ref("Payment_Terms_Reference", "Payment_Terms_ID", "NET_45"),
    )
    assert answer.status == 200, answer.text
    (invoice,) = tenant.store.invoices
    assert (invoice.supplier_invoice_id, invoice.supplier, invoice.company) == ("BILL-1", "S-1", "CO-100")
    assert (invoice.invoice_date, invoice.suppliers_invoice_number) == (date(2026, 2, 3), "INV-1")
    assert (invoice.status, invoice.submitted, invoice.locked) == ("IN_PROGRESS", True, False)
    assert (invoice.payment_terms, invoice.memo, invoice.external_po_number) == ("NET_45", "hello", "PO-7")
    (line,) = invoice.lines
    assert (line.quantity, line.unit_cost, line.extended_amount) == (5, 20, Decimal("100.00"))
    assert (line.spend_category, line.cost_center) == ("Office_Supplies", "CC-410")
    assert tenant.store.totals() == {"USD": Decimal("100.00")}


def test_the_answer_names_the_invoice(tenant):
    """The answer carries the WID, 32 hexadecimal digits, and the id that was sent."""
    answer = tenant.submit()
    (wid,) = answer.ids("Supplier_Invoice_Reference", "WID")
    assert len(wid) == 32
    assert int(wid, 16)
    assert tenant.store.invoice("BILL-1").wid == wid
    assert answer.ids("Supplier_Invoice_Reference", "Supplier_Invoice_Reference_ID") == ["BILL-1"]


def test_an_invoice_without_ids_gets_them_from_the_tenant(tenant):
    """Left out, reference id and invoice number come from the tenant's sequences."""
    tenant.submit(Supplier_Invoice_ID=None)
    (invoice,) = tenant.store.invoices
    assert (invoice.supplier_invoice_id, invoice.invoice_number) == ("SUPPLIER_INVOICE-3-1", "SUPIN-000001")


@pytest.mark.parametrize(
    "submit, auto_complete, status",
    [("false", "true", "DRAFT"), ("true", "false", "IN_PROGRESS"), ("true", "true", "APPROVED")],
)
def test_submit_and_auto_complete_decide_the_status(tenant, submit, auto_complete, status):
    """Without Submit it stays a draft; Auto_Complete approves what was submitted."""
    parameters = f"<wd:Auto_Complete>{auto_complete}</wd:Auto_Complete>"
    tenant.submit(
        request=f"<wd:Business_Process_Parameters>{parameters}</wd:Business_Process_Parameters>",
        Submit=submit,
    )
    assert tenant.store.invoice("BILL-1").status == status


@pytest.mark.parametrize("attributes", ['wd:Add_Only="true"', 'wd:Add_Only="false"', ""])
def test_a_second_submit_under_the_same_id_is_refused(tenant, attributes):
    """Whether Add_Only is set or not, an id that exists is never used again."""
    assert tenant.submit().status == 200
    answer = tenant.submit(attributes=attributes, Suppliers_Invoice_Number="INV-2")
    assert answer.status == 500
    assert answer.code == "SOAP-ENV:Client.validationError"
    assert tenant.store.count() == 1
    if "true" in attributes:
        assert answer.messages == [ADD_ONLY]


def test_add_only_does_not_go_with_a_reference(tenant, xml):
    """A request that is Add Only cannot update."""
    tenant.submit(Submit="false")
    answer = tenant.submit(request=_refer(xml, "BILL-1"))
    assert answer.code == "SOAP-ENV:Client.validationError"


def test_an_update_replaces_the_draft_and_its_lines(tenant, xml):
    """Lines left out of an update are removed; the WID stays."""
    tenant.submit(Submit="false", lines=[xml.line(), xml.line()], Control_Amount_Total="200")
    wid = tenant.store.invoice("BILL-1").wid
    answer = tenant.submit(
        attributes="",
        request=_refer(xml, "BILL-1"),
        lines=[xml.line(Extended_Amount="7")],
        Control_Amount_Total="7",
    )
    assert answer.status == 200, answer.text
    assert tenant.store.count() == 1
    assert tenant.store.invoice("BILL-1").wid == wid
    assert tenant.store.totals() == {"USD": Decimal(7)}
    assert len(tenant.store.invoice("BILL-1").lines) == 1


def test_only_drafts_can_be_updated(tenant, xml):
    """An invoice that has left draft status is never changed by the web service."""
    tenant.submit()
    answer = tenant.submit(attributes="", request=_refer(xml, "BILL-1"), Memo="changed")
    assert answer.code == "SOAP-ENV:Client.validationError"
    assert not tenant.store.invoice("BILL-1").memo


def test_a_suppliers_number_is_used_once(tenant):
    """The same supplier and number, letters of any case, is a duplicate, at the number's own place."""
    tenant.submit()
    answer = tenant.submit(Supplier_Invoice_ID="BILL-2", Suppliers_Invoice_Number="inv-1")
    assert answer.messages == [DUPLICATE]
    assert answer.texts("Xpath") == [f"{DATA}/wd:Suppliers_Invoice_Number[1]"]
    assert tenant.store.count() == 1


def test_the_place_of_a_problem_is_named_in_the_callers_dialect(tenant):
    """In old versions the same element has its old name."""
    tenant.submit("v30.0")
    answer = tenant.submit("v30.0", Supplier_Invoice_ID="BILL-2")
    assert answer.texts("Xpath") == [f"{DATA}/wd:Supplier_Reference_Number[1]"]


def test_another_supplier_may_use_the_number(tenant, xml):
    """The check compares supplier and number together."""
    tenant.submit()
    other = xml.ref("Supplier_Reference", "Supplier_ID", "S-2")
    assert tenant.submit(Supplier_Invoice_ID="BILL-2", Supplier_Reference=other).status == 200


def test_a_canceled_invoice_frees_its_number(tenant):
    """Canceled invoices do not count as duplicates."""
    tenant.submit()
    tenant.store.cancel_invoice("BILL-1")
    assert tenant.submit(Supplier_Invoice_ID="BILL-2").status == 200


def test_a_tenant_may_only_warn_of_a_duplicate(tenant):
    """Switched to warnings, the invoice is kept and the answer says so."""
    tenant.store.behaviour.duplicate_number = "warn"
    tenant.submit()
    answer = tenant.submit(Supplier_Invoice_ID="BILL-2")
    assert answer.status == 200
    assert (answer.texts("Classification"), answer.messages) == (["Warning"], [DUPLICATE])
    assert tenant.store.count() == 2


REFERENCES = [
    ("Company_Reference", "Company_Reference_ID", "CO-999"),
    ("Company_Reference", "WID", "0" * 32),
    ("Currency_Reference", "Currency_ID", "XXX"),
    ("Supplier_Reference", "Supplier_ID", "S-99"),
    ("Supplier_Reference", "Supplier_ID", "S-1 "),
    ("Supplier_Reference", "Supplier_Reference_ID", "s-1"),
    ("Default_Tax_Option_Reference", "Tax_Option_ID", "NOPE"),
    ("Payment_Terms_Reference", "Payment_Terms_ID", "NET_99"),
    ("Override_Payment_Type_Reference", "Payment_Type_ID", "BARTER"),
]


@pytest.mark.parametrize("element, id_type, value", REFERENCES)
def test_an_unknown_id_is_refused_by_its_type(tenant, xml, element, id_type, value):
    """The text names id and type with two blanks, and nothing is written."""
    answer = tenant.submit(**{element: xml.ref(element, id_type, value)})
    message = f"Invalid ID value.  '{value}' is not a valid ID value for type = '{id_type}'"
    assert answer.messages == [message]
    assert answer.string == f"Validation error occurred. {message}"
    assert answer.texts("Xpath") == [f"{DATA}/wd:{element}[1]"]
    assert tenant.store.count() == 0


GOOD_REFERENCES = [
    ("Company_Reference", "Organization_Reference_ID", "CO-100"),
    ("Currency_Reference", "Currency_Numeric_Code", "840"),
    ("Supplier_Reference", "Supplier_Reference_ID", "S-1"),
]


@pytest.mark.parametrize("element, id_type, value", GOOD_REFERENCES)
def test_an_instance_answers_to_all_its_id_types(tenant, xml, element, id_type, value):
    """References may use any id type of the instance."""
    assert tenant.submit(**{element: xml.ref(element, id_type, value)}).status == 200


def test_a_wid_is_a_reference_too(tenant, xml):
    """Every instance answers to its WID."""
    wid = tenant.store.suppliers["S-1"].wid
    assert tenant.submit(Supplier_Reference=xml.ref("Supplier_Reference", "WID", wid)).status == 200


def test_ids_of_one_reference_must_agree(tenant):
    """Two ids of different suppliers in one reference are refused."""
    both = (
        '<wd:Supplier_Reference><wd:ID wd:type="Supplier_ID">S-1</wd:ID>'
        '<wd:ID wd:type="Supplier_ID">S-2</wd:ID></wd:Supplier_Reference>'
    )
    assert tenant.submit(Supplier_Reference=both).code == "SOAP-ENV:Client.validationError"


def test_an_empty_reference_is_refused(tenant):
    """A reference must be left out rather than sent empty."""
    answer = tenant.submit(Payment_Terms_Reference="<wd:Payment_Terms_Reference/>")
    assert answer.texts("Xpath") == [f"{DATA}/wd:Payment_Terms_Reference[1]"]


@pytest.mark.parametrize("element", ["Company_Reference", "Currency_Reference", "Supplier_Reference", "Invoice_Date"])
def test_what_every_invoice_needs_is_required(tenant, element):
    """An invoice without company, currency, supplier or date is refused at that place."""
    answer = tenant.submit(**{element: None})
    assert f"{DATA}/wd:{element}[1]" in answer.texts("Xpath")
    assert tenant.store.count() == 0


def test_all_problems_come_in_one_fault(tenant, xml):
    """A caller learns everything that is wrong at once."""
    answer = tenant.submit(
        Supplier_Reference=xml.ref("Supplier_Reference", "Supplier_ID", "S-99"),
        Control_Amount_Total="1",
        lines=[xml.line(Spend_Category_Reference=None)],
    )
    assert len(answer.messages) == 3


@pytest.mark.parametrize("supplier", ["S-3", "S-4"])
def test_unusable_suppliers_are_refused(tenant, xml, supplier):
    """Neither an inactive supplier nor one that is a worktag only can be invoiced."""
    answer = tenant.submit(Supplier_Reference=xml.ref("Supplier_Reference", "Supplier_ID", supplier))
    assert answer.texts("Xpath") == [f"{DATA}/wd:Supplier_Reference[1]"]


def test_a_supplier_made_inactive_is_refused_from_then_on(tenant):
    """The status at the time of the submit counts."""
    tenant.store.inactivate_supplier("S-1")
    assert tenant.submit().code == "SOAP-ENV:Client.validationError"
    tenant.store.activate_supplier("S-1")
    assert tenant.submit().status == 200


LINES = [
    pytest.param({"Spend_Category_Reference": None}, "Spend_Category_Reference", id="no spend category"),
    pytest.param({"Extended_Amount": None}, "Extended_Amount", id="no amount"),
    pytest.param({"Quantity": "2", "Unit_Cost": "49"}, "Extended_Amount", id="product differs"),
    pytest.param({"Quantity": "2"}, "Unit_Cost", id="quantity alone"),
    pytest.param({"Unit_Cost": "100"}, "Quantity", id="unit cost alone"),
    pytest.param({"Extended_Amount": "100.001"}, "Extended_Amount", id="too many decimals"),
]


@pytest.mark.parametrize("changes, element", LINES)
def test_a_line_must_be_whole(tenant, xml, changes, element):
    """A line has a spend category, and amounts that agree with each other and their currency."""
    answer = tenant.submit(lines=[xml.line(**changes)], Control_Amount_Total=None)
    assert answer.texts("Xpath") == [f"{LINE}/wd:{element}[1]"], answer.text


def test_a_product_may_be_rounded_to_the_minor_unit(tenant, xml):
    """Quantity times unit cost is compared after rounding half up to the currency's decimals."""
    good = xml.line(Quantity="3", Unit_Cost="33.333333", Extended_Amount="100.00")
    assert tenant.submit(lines=[good]).status == 200


def test_an_invoice_needs_a_line(tenant):
    """An invoice without lines is refused."""
    assert tenant.submit(lines=[]).code == "SOAP-ENV:Client.validationError"


@pytest.mark.parametrize("currency, good, bad", [("JPY", "100", "100.5"), ("KWD", "1.125", "1.1255")])
def test_amounts_have_the_decimals_of_their_currency(tenant, xml, currency, good, bad):
    """A yen has no decimals, a dinar has three."""
    money = xml.ref("Currency_Reference", "Currency_ID", currency)
    refused = tenant.submit(Currency_Reference=money, Control_Amount_Total=None, lines=[xml.line(Extended_Amount=bad)])
    assert refused.texts("Xpath") == [f"{LINE}/wd:Extended_Amount[1]"]
    accepted = tenant.submit(
        Currency_Reference=money, Control_Amount_Total=None, lines=[xml.line(Extended_Amount=good)]
    )
    assert accepted.status == 200
    assert tenant.store.totals() == {currency: Decimal(good)}


@pytest.mark.parametrize(
    "header, fits",
    [
        ({"Control_Amount_Total": "100"}, True),
        ({"Control_Amount_Total": "0"}, True),
        ({"Control_Amount_Total": None}, True),
        ({"Control_Amount_Total": "99.99"}, False),
        ({"Control_Amount_Total": "110", "Tax_Amount": "10"}, True),
        ({"Control_Amount_Total": "100", "Tax_Amount": "10"}, False),
        (
            {"Control_Amount_Total": "116", "Tax_Amount": "10", "Freight_Amount": "5", "Other_Charges": "1"},
            True,
        ),
        ({"Control_Amount_Total": "110", "Tax_Amount": "10", "Freight_Amount": "5"}, False),
    ],
)
def test_the_control_total_is_lines_tax_freight_and_charges(tenant, header, fits):
    """A control total that is given and not zero must equal the document to the cent."""
    assert (tenant.submit(**header).status == 200) is fits
    assert tenant.store.count() == int(fits)


def test_a_negative_invoice_is_refused(tenant, xml):
    """A credit is an adjustment, not an invoice."""
    answer = tenant.submit(lines=[xml.line(Extended_Amount="-5")], Control_Amount_Total="-5")
    assert answer.code == "SOAP-ENV:Client.validationError"


@pytest.mark.parametrize(
    "id_type, value, accepted",
    [
        ("Cost_Center_Reference_ID", "CC-420", True),
        ("Organization_Reference_ID", "CC-420", True),
        ("Cost_Center_Reference_ID", "CC-900", False),
        ("Cost_Center_Reference_ID", "420", False),
        ("Project_ID", "PRJ-12", True),
        ("Project_ID", "PRJ-13", False),
        ("Favourite_Color_ID", "BLUE", False),
    ],
)
def test_worktags_must_exist_and_be_active(tenant, xml, id_type, value, accepted):
    """A worktag is a known, active instance, named by one of its id types."""
    tenant.store.add_worktag("Project_ID", "PRJ-12")
    answer = tenant.submit(lines=[xml.line(Worktags_Reference=xml.ref("Worktags_Reference", id_type, value))])
    assert (answer.status == 200) is accepted, answer.text


def test_a_line_has_one_worktag_of_each_type(tenant, xml):
    """Two cost centers on a line are refused, a cost center and a project are not."""
    tenant.store.add_worktag("Project_ID", "PRJ-12")
    first = xml.ref("Worktags_Reference", "Cost_Center_Reference_ID", "CC-410")
    second = xml.ref("Worktags_Reference", "Organization_Reference_ID", "CC-420")
    project = xml.ref("Worktags_Reference", "Project_ID", "PRJ-12")
    assert tenant.submit(lines=[xml.line(Worktags_Reference=first + second)]).status == 500
    assert tenant.submit(lines=[xml.line(Worktags_Reference=first + project)]).status == 200
    assert tenant.store.invoices[0].lines[0].worktags == {
        "Cost_Center_Reference_ID": "CC-410",
        "Project_ID": "PRJ-12",
    }


def test_inactive_reference_data_is_refused(tenant, xml):
    """An inactive spend category or cost center takes no new lines."""
    inactive = xml.ref("Spend_Category_Reference", "Spend_Category_ID", "Retired")
    assert tenant.submit(lines=[xml.line(Spend_Category_Reference=inactive)]).status == 500
    tenant.store.inactivate_cost_center("CC-410")
    assert tenant.submit().status == 500
    tenant.store.inactivate_spend_category("Office_Supplies")
    assert len(tenant.submit().messages) == 2


def test_splits_must_add_up_to_their_line(tenant, xml):
    """The splits of a line share its amount exactly."""

    def split(amount):
        worktag = xml.ref("Worktag_Reference", "Cost_Center_Reference_ID", "CC-420")
        return (
            f"<wd:Supplier_Invoice_Split_Line_Data><wd:Extended_Amount>{amount}</wd:Extended_Amount>{worktag}"
            "</wd:Supplier_Invoice_Split_Line_Data>"
        )

    short = xml.line(Supplier_Invoice_Split_Line_Data=split("60") + split("39.99"))
    exact = xml.line(Supplier_Invoice_Split_Line_Data=split("60") + split("40"))
    assert tenant.submit(lines=[short]).status == 500
    assert tenant.submit(lines=[exact]).status == 200
    assert [each.extended_amount for each in tenant.store.invoices[0].lines[0].splits] == [60, 40]


@pytest.mark.parametrize(
    "changes, refused",
    [
        ({}, True),
        ({"Accounting_Date_Override": "2026-03-01"}, False),
        ({"Submit": "false"}, False),
    ],
)
def test_a_closed_period_takes_no_submits(tenant, changes, refused):
    """The accounting date counts, else the invoice date; drafts may wait."""
    tenant.store.close_period(2026, 2)
    assert (tenant.submit(**changes).status == 500) is refused


def test_an_id_with_a_blank_around_it_is_refused(tenant):
    """A blank would become part of the id."""
    padded = "<wd:Supplier_Invoice_ID>BILL-1 </wd:Supplier_Invoice_ID>"
    assert tenant.submit(Supplier_Invoice_ID=padded).status == 500


def test_the_status_cannot_be_sent(tenant, xml):
    """A record sent back as it was read is refused."""
    status = xml.ref("Invoice_Document_Status_Reference", "Document_Status_ID", "APPROVED")
    assert tenant.submit(Invoice_Document_Status_Reference=status).status == 500


@pytest.mark.parametrize(
    "attachment, accepted",
    [
        ('wd:Filename="a.pdf" wd:Content_Type="application/pdf" wd:Encoding="base64"', True),
        ('wd:Filename="a.pdf"', False),
        ('wd:Content_Type="application/pdf"', False),
    ],
)
def test_an_attachment_has_name_type_and_content(tenant, attachment, accepted):
    """A file without name or type is refused; a whole one is kept."""
    body = f"<wd:Attachment_Data {attachment}><wd:File_Content>JVBERi0xLjQK</wd:File_Content></wd:Attachment_Data>"
    assert (tenant.submit(Attachment_Data=body).status == 200) is accepted
    if accepted:
        assert tenant.store.invoices[0].attachments[0].filename == "a.pdf"


@pytest.mark.parametrize(
    "trap, references, classifications",
    [("error_exception", 1, ["Error"]), ("not_written", 0, ["Error"]), ("no_reference", 0, [])],
)
def test_a_success_is_not_proof(tenant, trap, references, classifications):
    """Each trap answers HTTP 200 without a fault and writes nothing, once."""
    tenant.store.arm(trap)
    answer = tenant.submit()
    assert answer.status == 200
    assert len(answer.ids("Supplier_Invoice_Reference", "WID")) == references
    assert answer.texts("Classification") == classifications
    assert tenant.store.count() == 0
    assert tenant.submit().status == 200
    assert tenant.store.count() == 1


def test_unapproved_suppliers_may_be_unusable(tenant, xml):
    """A tenant may refuse invoices of suppliers that are still being approved."""
    tenant.store.behaviour.approved_suppliers_only = True
    tenant.send(xml.supplier())
    mine = xml.ref("Supplier_Reference", "Supplier_ID", "BILL-V1")
    assert tenant.submit(Supplier_Reference=mine).status == 500
    tenant.store.activate_supplier("BILL-V1")
    assert tenant.submit(Supplier_Reference=mine).status == 200


def test_a_locked_invoice_is_out_of_reach_inside_workday(tenant):
    """Only the web service can change or cancel an invoice that is locked in Workday."""
    tenant.submit(Locked_in_Workday="true")
    with pytest.raises(ValueError, match="locked"):
        tenant.store.cancel_invoice("BILL-1")


def test_cancel_makes_an_invoice_canceled_once(tenant, xml):
    """Cancel works by any id, even when locked, and a second time it is refused."""
    tenant.submit(Locked_in_Workday="true")
    body = f"<wd:Cancel_Supplier_Invoice_Request>{_refer(xml, 'BILL-1')}</wd:Cancel_Supplier_Invoice_Request>"
    answer = tenant.send(body)
    assert answer.ids("Supplier_Invoice_Reference", "Supplier_Invoice_Reference_ID") == ["BILL-1"]
    assert tenant.store.invoice("BILL-1").status == "CANCELED"
    assert (tenant.store.count(), tenant.store.totals()) == (0, {})
    assert tenant.send(body).code == "SOAP-ENV:Client.validationError"


@pytest.mark.parametrize("name", ["Tax_Data", "Retention_Amount"])
def test_elements_the_schema_does_not_have_are_refused(tenant, name):
    """An unknown element fails the schema, at its place."""
    changed = f"<wd:Memo>x</wd:Memo><wd:{name}>1</wd:{name}>"
    answer = tenant.submit(Memo=changed)
    assert answer.texts("Xpath") == [f"{DATA}/wd:{name}[1]"]


def _refer(xml, value):
    return xml.ref("Supplier_Invoice_Reference", "Supplier_Invoice_Reference_ID", value)
