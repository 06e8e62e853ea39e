"""The Get operations: paging, criteria, references, and how values are printed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from erp_sandbox.clock import Clock

FINANCE = "Financial_Management"


@pytest.fixture
def clock():
    """A fixed moment, so that windows and stamps are exact."""
    return Clock(datetime(2026, 3, 10, 17, 0, tzinfo=UTC))


def _fill(tenant, xml, count, **changes):
    for number in range(count):
        answer = tenant.submit(
            Supplier_Invoice_ID=f"BILL-{number}", Suppliers_Invoice_Number=f"INV-{number}", **changes
        )
        assert answer.status == 200, answer.text


def _invoices(tenant, xml, criteria=None, **kwargs):
    return tenant.send(xml.get("Get_Supplier_Invoices", criteria=criteria, **kwargs))


def _found(answer):
    assert answer.status == 200, answer.text
    return answer.texts("Supplier_Invoice_ID")


def _by_id(xml, value, id_type="Supplier_Invoice_Reference_ID"):
    return xml.ref("Supplier_Invoice_Reference", id_type, value)


def test_pages_are_disjoint_and_complete(tenant, xml):
    """Walking the pages shows every invoice once, in no particular order."""
    _fill(tenant, xml, 7)
    pages = [_invoices(tenant, xml, page=page, count=3) for page in (1, 2, 3)]
    assert [page.texts("Page_Results") for page in pages] == [["3"], ["3"], ["1"]]
    assert {text for page in pages for text in page.texts("Total_Pages")} == {"3"}
    seen = [each for page in pages for each in _found(page)]
    assert sorted(seen) == [f"BILL-{number}" for number in range(7)]
    assert seen != sorted(seen)


def test_a_result_as_of_a_moment_does_not_move(tenant, xml, clock):
    """With As_Of_Entry_DateTime later invoices and edits do not shift the pages of a run."""
    _fill(tenant, xml, 5)
    clock.advance(timedelta(seconds=5))
    as_of = clock.now().isoformat()
    clock.advance(timedelta(seconds=5))
    first = _found(_invoices(tenant, xml, as_of=as_of, page=1, count=3))
    tenant.submit(Supplier_Invoice_ID="BILL-late", Suppliers_Invoice_Number="late")
    second = _found(_invoices(tenant, xml, as_of=as_of, page=2, count=3))
    assert sorted(first + second) == [f"BILL-{number}" for number in range(5)]
    assert len(_found(_invoices(tenant, xml))) == 6


def test_a_moment_without_zone_is_pacific_time(tenant, xml, clock):
    """A zone-less As_Of_Entry_DateTime is read in Pacific time, seven hours behind in March."""
    _fill(tenant, xml, 1)
    assert _found(_invoices(tenant, xml, as_of="2026-03-10T09:59:59")) == []
    assert _found(_invoices(tenant, xml, as_of="2026-03-10T10:00:00")) == ["BILL-0"]


def test_an_empty_result_has_no_data(tenant, xml):
    """With no results there are counts, but no Response_Data."""
    answer = _invoices(tenant, xml)
    assert answer.texts("Total_Results") == ["0"]
    assert answer.texts("Response_Data") == []


def test_a_page_beyond_the_end_is_empty(tenant, xml):
    """Asking for more pages than there are gives no data."""
    _fill(tenant, xml, 1)
    answer = _invoices(tenant, xml, page=2)
    assert (answer.texts("Page_Results"), answer.texts("Response_Data")) == (["0"], [])


def test_the_default_page_has_a_hundred(tenant, xml):
    """Without a count a page holds 100."""
    _fill(tenant, xml, 101)
    assert len(_found(_invoices(tenant, xml))) == 100


@pytest.mark.parametrize("count, accepted", [(1, True), (999, True), (0, False), (1000, False), (-1, False)])
def test_the_count_is_between_1_and_999(tenant, xml, count, accepted):
    """Any other count is a validation fault."""
    answer = _invoices(tenant, xml, count=count)
    assert (answer.status == 200) is accepted


def test_the_first_page_is_1(tenant, xml):
    """Page 0 is refused."""
    assert _invoices(tenant, xml, page=0).code == "SOAP-ENV:Client.validationError"


def test_references_and_criteria_exclude_each_other(tenant, xml):
    """Sending both is a schema violation."""
    body = xml.get(
        "Get_Supplier_Invoices",
        references=_by_id(xml, "BILL-1"),
        criteria="<wd:Invoice_Date_On_or_After>2026-01-01</wd:Invoice_Date_On_or_After>",
    )
    assert tenant.send(body).code == "SOAP-ENV:Client.validationError"


@pytest.mark.parametrize(
    "operation, service",
    [
        ("Get_Suppliers", "Resource_Management"),
        ("Get_Supplier_Invoices", "Resource_Management"),
        ("Get_Resource_Categories", "Resource_Management"),
        ("Get_Cost_Centers", FINANCE),
        ("Get_Account_Sets", FINANCE),
    ],
)
def test_blank_criteria_are_refused(tenant, xml, operation, service):
    """An empty criteria element is a fault; leaving it out means all."""
    assert tenant.send(xml.get(operation, criteria=""), service=service).status == 500
    assert tenant.send(xml.get(operation), service=service).status == 200


def test_an_invoice_is_found_by_its_id_or_wid(tenant, xml):
    """A look-up works by reference id and by WID."""
    _fill(tenant, xml, 2)
    wid = tenant.store.invoice("BILL-1").wid
    for reference in (_by_id(xml, "BILL-1"), _by_id(xml, wid, "WID")):
        assert _found(_invoices(tenant, xml, references=reference)) == ["BILL-1"]


def test_one_unknown_reference_fails_the_whole_call(tenant, xml):
    """The fault names the id that does not exist."""
    _fill(tenant, xml, 1)
    answer = _invoices(tenant, xml, references=_by_id(xml, "BILL-0") + _by_id(xml, "BILL-x"))
    message = "Invalid ID value.  'BILL-x' is not a valid ID value for type = 'Supplier_Invoice_Reference_ID'"
    assert answer.messages == [message]


def test_a_printed_id_may_be_refused_as_a_key(tenant, xml):
    """The trap: an existing invoice answers "invalid id" by reference id while its WID works."""
    _fill(tenant, xml, 1)
    tenant.store.behaviour.refused_lookup_types.add("Supplier_Invoice_Reference_ID")
    assert "Invalid ID value.  'BILL-0'" in _invoices(tenant, xml, references=_by_id(xml, "BILL-0")).string
    wid = tenant.store.invoice("BILL-0").wid
    assert _found(_invoices(tenant, xml, references=_by_id(xml, wid, "WID"))) == ["BILL-0"]


def _dated(first=None, last=None, name="Invoice_Date"):
    text = f"<wd:{name}_On_or_After>{first}</wd:{name}_On_or_After>" if first else ""
    return text + (f"<wd:{name}_On_or_Before>{last}</wd:{name}_On_or_Before>" if last else "")


@pytest.mark.parametrize(
    "criteria, expected",
    [
        (_dated("2026-02-02", "2026-02-03"), {"B2", "B3"}),
        (_dated(first="2026-02-03"), {"B3"}),
        (_dated(last="2026-02-01"), {"B1"}),
        (_dated("2026-02-03", "2026-02-01"), set()),
        (_dated(first="2026-03-05", name="Invoice_Due_Date"), {"B3"}),
    ],
)
def test_invoices_are_found_by_their_dates(tenant, xml, criteria, expected):
    """Windows include both ends; the due date follows from the payment terms."""
    terms = xml.ref("Payment_Terms_Reference", "Payment_Terms_ID", "NET_30")
    for day in (1, 2, 3):
        tenant.submit(
            Supplier_Invoice_ID=f"B{day}",
            Suppliers_Invoice_Number=f"N{day}",
            Invoice_Date=f"2026-02-0{day}",
            Payment_Terms_Reference=terms,
        )
    assert set(_found(_invoices(tenant, xml, criteria=criteria))) == expected


def test_invoices_are_found_by_what_they_say(tenant, xml):
    """Company, supplier, status, hold and purchase order narrow the result, unknown values are faults."""
    tenant.submit(Supplier_Invoice_ID="A", Suppliers_Invoice_Number="1", External_PO_Number="PO-1")
    tenant.submit(
        Supplier_Invoice_ID="B",
        Suppliers_Invoice_Number="2",
        Submit="false",
        On_Hold="true",
        Supplier_Reference=xml.ref("Supplier_Reference", "Supplier_ID", "S-2"),
    )
    for criteria, expected in (
        (xml.ref("Company_Reference", "Company_Reference_ID", "CO-100"), {"A", "B"}),
        (xml.ref("Company_Reference", "Organization_Reference_ID", "CO-200"), set()),
        (xml.ref("Supplier_Reference", "Supplier_ID", "S-2"), {"B"}),
        (xml.ref("Invoice_Status_Reference", "Document_Status_ID", "IN_PROGRESS"), {"A"}),
        ("<wd:Invoice_On_Hold>true</wd:Invoice_On_Hold>", {"B"}),
        ("<wd:External_PO_Number>PO-1</wd:External_PO_Number>", {"A"}),
    ):
        assert set(_found(_invoices(tenant, xml, criteria=criteria))) == expected, criteria
    unknown = xml.ref("Supplier_Reference", "Supplier_ID", "S-77")
    assert "'S-77'" in _invoices(tenant, xml, criteria=unknown).string


def test_values_are_printed_as_workday_prints_them(tenant, xml):
    """Dates carry the Pacific offset of their day, amounts drop zeros, amount-only lines come with zeros."""
    tenant.submit(
        Due_Date_Override="2026-07-01",
        Control_Amount_Total="1250.50",
        lines=[xml.line(Extended_Amount="1250.50")],
    )
    answer = _invoices(tenant, xml)
    assert answer.texts("Invoice_Date") == ["2026-02-03-08:00"]
    assert answer.texts("Due_Date_Override") == ["2026-07-01-07:00"]
    assert answer.texts("Control_Amount_Total") == ["1250.5"]
    assert (answer.texts("Quantity"), answer.texts("Unit_Cost")) == (["0"], ["0"])
    assert answer.ids("Invoice_Document_Status_Reference", "Document_Status_ID") == ["IN_PROGRESS"]


def test_moments_come_back_in_pacific_time(tenant, xml):
    """The echoed As_Of_Entry_DateTime has milliseconds and the Pacific offset."""
    answer = _invoices(tenant, xml, as_of="2026-02-03T18:00:00Z")
    assert answer.texts("As_Of_Entry_DateTime") == ["2026-02-03T10:00:00.000-08:00"]


def test_a_reference_carries_all_ids(tenant, xml):
    """The same cost center value stands under two types, the WID comes first."""
    tenant.submit()
    answer = _invoices(tenant, xml)
    (reference,) = answer.root.iter("{urn:com.workday/bsvc}Worktags_Reference")
    types = [each.get("{urn:com.workday/bsvc}type") for each in reference]
    assert types == ["WID", "Cost_Center_Reference_ID", "Organization_Reference_ID"]
    assert [each.text for each in reference][1:] == ["CC-410", "CC-410"]


def test_descriptors_come_on_request(tenant, xml):
    """The header element adds descriptors to every reference; without it there are none."""
    tenant.submit()
    body = xml.get("Get_Supplier_Invoices")
    assert "wd:Descriptor" not in tenant.send(body).text
    assert 'wd:Descriptor="410 Delivery"' in tenant.send(body, descriptors=True).text


@pytest.mark.parametrize("group, attachments", [("", 0), ("true", 1), ("false", 0)])
def test_attachments_come_on_request(tenant, xml, group, attachments):
    """Files are part of the answer only when asked for."""
    content = "<wd:File_Content>JVBERi0xLjQK</wd:File_Content>"
    tenant.submit(
        Attachment_Data=f'<wd:Attachment_Data wd:Filename="a.pdf" wd:Content_Type="application/pdf">{content}</wd:Attachment_Data>'
    )
    asked = f"<wd:Include_Attachment_Data>{group}</wd:Include_Attachment_Data>" if group else ""
    assert len(_invoices(tenant, xml, group=asked).texts("File_Content")) == attachments


def test_the_reference_comes_on_request(tenant, xml):
    """A response group that does not ask for the reference does not get it."""
    without = tenant.send(
        xml.get("Get_Suppliers", group="<wd:Include_Attachment_Data>false</wd:Include_Attachment_Data>")
    )
    assert without.ids("Supplier_Reference", "Supplier_ID") == []
    assert len(without.texts("Supplier_ID")) == 4
    asked = xml.get("Get_Suppliers", group="<wd:Include_Reference>true</wd:Include_Reference>")
    assert len(tenant.send(asked).ids("Supplier_Reference", "Supplier_ID")) == 4


def _updated(first=None, last=None):
    text = f"<wd:Updated_From_Date>{first}</wd:Updated_From_Date>" if first else ""
    return text + (f"<wd:Updated_To_Date>{last}</wd:Updated_To_Date>" if last else "")


CHANGES = [
    ("Get_Suppliers", "Resource_Management", "Supplier_ID", "inactivate_supplier", "S-2"),
    ("Get_Cost_Centers", FINANCE, "ID", "inactivate_cost_center", "CC-420"),
    ("Get_Resource_Categories", FINANCE, "Resource_Category_ID", "inactivate_spend_category", "Services"),
    (
        "Get_Resource_Categories",
        "Resource_Management",
        "Resource_Category_ID",
        "inactivate_spend_category",
        "Services",
    ),
]


@pytest.mark.parametrize("case", CHANGES, ids=lambda case: f"{case[0]}-{case[1]}")
def test_a_changed_record_is_in_its_window(tenant, xml, case):
    """The changed-since window shows exactly what was changed inside it."""
    operation, service, element, change, value = case
    getattr(tenant.store, change)(value)
    inside = _updated("2026-03-10T16:59:00Z", "2026-03-10T17:00:00Z")
    before = _updated("2026-03-10T16:00:00Z", "2026-03-10T16:59:59Z")
    answer = tenant.send(xml.get(operation, criteria=inside), service=service)
    assert answer.texts("Total_Results") == ["1"], answer.text
    assert value in answer.texts(element)
    assert tenant.send(xml.get(operation, criteria=before), service=service).texts("Total_Results") == ["0"]


@pytest.mark.parametrize(
    "criteria",
    [
        _updated(first="2026-03-01T00:00:00Z"),
        _updated(last="2026-03-01T00:00:00Z"),
        _updated("2026-03-02T00:00:00Z", "2026-03-01T00:00:00Z"),
        _updated("2026-03-01T00:00:00Z", "2026-03-10T17:00:00.001Z"),
    ],
)
def test_a_window_has_two_ends_in_order_and_not_in_the_future(tenant, xml, criteria):
    """Half a window, a reversed one and one that ends after now are refused."""
    answer = tenant.send(xml.get("Get_Suppliers", criteria=criteria))
    assert answer.code == "SOAP-ENV:Client.validationError"


@pytest.mark.parametrize("version, widget", [("v30.0", False), ("v39.2", False), ("v40.0", True)])
def test_tax_ids_sit_deeper_since_v40(tenant, xml, version, widget):
    """The same supplier shows its tax id under a widget in newer versions."""
    answer = tenant.send(xml.get("Get_Suppliers"), version=version)
    assert answer.texts("Tax_ID_Text") == ["12-3456789"]
    assert bool(answer.texts("Tax_ID_Widget_Data")) is widget


def test_suppliers_are_found_by_status(tenant, xml):
    """A status criterion narrows the result."""
    criteria = xml.ref("Supplier_Status_Reference", "Business_Entity_Status_Value_ID", "INACTIVE")
    answer = tenant.send(xml.get("Get_Suppliers", criteria=criteria))
    assert answer.texts("Supplier_ID") == ["S-3"]


def test_cost_centers_show_code_and_state(tenant, xml):
    """A cost center has id, name, code and whether it is active."""
    reference = xml.ref("Cost_Center_Reference", "Cost_Center_Reference_ID", "CC-900")
    answer = tenant.finance(xml.get("Get_Cost_Centers", references=reference))
    assert answer.texts("Organization_Code") == ["900"]
    assert answer.texts("Organization_Active") == ["false"]


@pytest.mark.parametrize(
    "group, full, simple",
    [
        ("", 3, 0),
        ("<wd:Include_Simple_Cost_Center_Data>true</wd:Include_Simple_Cost_Center_Data>", 0, 3),
        ("<wd:Include_Cost_Center_Data>false</wd:Include_Cost_Center_Data>", 0, 0),
    ],
)
def test_cost_centers_come_whole_or_simple(tenant, xml, group, full, simple):
    """The response group chooses the form."""
    answer = tenant.finance(xml.get("Get_Cost_Centers", group=group))
    assert len(answer.texts("Cost_Center_Data")) == full
    assert len(answer.texts("Simple_Cost_Center_Data")) == simple


def test_account_sets_hold_their_ledger_accounts(tenant, xml):
    """Ledger accounts come inside their account set, retired ones included."""
    tenant.store.retire_ledger_account("Standard", "6100")
    answer = tenant.finance(xml.get("Get_Account_Sets"))
    assert answer.texts("Ledger_Account_Identifier") == ["6000", "6100", "6900"]
    assert answer.texts("Retired") == ["false", "true", "true"]


def test_companies_and_payment_terms_are_readable(tenant, xml):
    """Companies show their currency, payment terms their days; both can be asked for by name."""
    companies = tenant.finance(xml.get("Get_Workday_Companies"))
    assert sorted(companies.ids("Company_Reference", "Company_Reference_ID")) == ["CO-100", "CO-200"]
    assert sorted(companies.ids("Currency_Reference", "Currency_ID")) == ["JPY", "USD"]
    terms = tenant.finance(
        xml.get("Get_Payment_Terms", criteria="<wd:Payment_Terms_Name>Net 45</wd:Payment_Terms_Name>")
    )
    assert (terms.texts("Payment_Terms_ID"), terms.texts("Due_Days")) == (["NET_45"], ["45"])
    named = tenant.finance(xml.get("Get_Workday_Companies", criteria="<wd:Name>Fabrikam KK</wd:Name>"))
    assert named.ids("Company_Reference", "Company_Reference_ID") == ["CO-200"]


def test_an_edited_invoice_is_found_by_its_new_date(tenant, xml):
    """When a clerk edits an invoice the windows follow."""
    tenant.submit()
    tenant.store.edit_invoice("BILL-1", invoice_date=date(2026, 5, 1), memo="moved")
    assert _found(_invoices(tenant, xml, criteria=_dated("2026-02-01", "2026-02-28"))) == []
    assert _found(_invoices(tenant, xml, criteria=_dated("2026-05-01", "2026-05-01"))) == ["BILL-1"]
    assert tenant.store.totals() == {"USD": Decimal(100)}
