"""Purchase documents: drafts, lines, tax, dimensions and posting (sheet 4)."""

from __future__ import annotations

from decimal import Decimal

import pytest
from central_client import line, moment, refused, told
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

NO_GUID = "00000000-0000-0000-0000-000000000000"


def lines_of(central, invoice, **options):
    """The lines of an invoice."""
    return central.rows(f"purchaseInvoices({invoice['id']})/purchaseInvoiceLines", **options)


def test_a_draft_takes_what_its_vendor_says(central):
    """Name, address, currency, due date by the payment terms; a number of the series of drafts."""
    draft = central.draft(vendor="V00013")
    assert (draft["status"], draft["currencyCode"], draft["number"][:3]) == ("Draft", "EUR", "107")
    assert (draft["invoiceDate"], draft["dueDate"]) == ("2026-11-02", "2026-12-02")
    assert draft["payToVendorNumber"] == draft["vendorNumber"] == "V00013"


def test_the_answer_to_a_new_draft_has_no_totals_yet(central):
    """Only the next read has (sheet 4)."""
    body = {"vendorNumber": "V00001", "vendorInvoiceNumber": "T-1", "purchaseInvoiceLines": [line(250)]}
    created = told(central.post("purchaseInvoices", body), 201)
    assert created["totalAmountIncludingTax"] == 0
    assert told(central.get(f"purchaseInvoices({created['id']})"), 200)["totalAmountIncludingTax"] == 250


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        ({}, "Application_DialogException", '"vendorNumber" or a "vendorId"'),
        ({"vendorNumber": "V99999"}, "Application_DialogException", "vendor cannot be found"),
        ({"vendorNumber": "V00001", "status": "Open"}, "BadRequest", "Control 'status' is read-only"),
        ({"vendorNumber": "V00001", "totalAmountIncludingTax": 5}, "BadRequest", "read-only"),
        ({"vendorNumber": "V00001", "description": "x"}, "BadRequest", "'description' does not exist"),
        ({"vendorNumber": "V00001", "invoiceDate": "2026-02-30"}, "BadRequest", "Edm.Date"),
        ({"vendorNumber": "V00001", "invoiceDate": "2026-01-01T00:00:00Z"}, "BadRequest", "Edm.Date"),
        ({"vendorNumber": "V00001", "vendorInvoiceNumber": "x" * 36}, "Application_StringExceededLength", "36"),
        ({"vendorNumber": "V00001", "shortcutDimension1Code": "NO"}, "Internal_InvalidTableRelation", "NO"),
    ],
)
def test_a_bad_draft_is_refused(central, body, code, words):
    """Nothing of it is kept."""
    before = len(central.rows("purchaseInvoices"))
    assert words in refused(central.post("purchaseInvoices", body), 400, code)
    assert len(central.rows("purchaseInvoices")) == before


def test_one_bad_line_undoes_the_whole_draft(central):
    """A deep insert is one transaction."""
    before = len(central.rows("purchaseInvoices"))
    body = {"vendorNumber": "V00001", "purchaseInvoiceLines": [line(), line(lineObjectNumber="NOPE")]}
    refused(central.post("purchaseInvoices", body), 400, "Internal_InvalidTableRelation")
    assert len(central.rows("purchaseInvoices")) == before


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (
            {"lineObjectNumber": "6100", "lineType": "Account", "quantity": 1, "unitCost": 5},
            "Internal_InvalidTableRelation",
        ),
        ({"quantity": 1, "lineType": "Account", "lineObjectNumber": "6100"}, "Application_FieldValidationException"),
        (
            {"lineType": "Account", "lineObjectNumber": "6100", "unitCost": 5, "discountAmount": 1, "quantity": 1},
            "Application_FieldValidationException",
        ),
        ({"lineType": "Account", "lineObjectNumber": "6000", "quantity": 1}, "Application_FieldValidationException"),
        ({"lineType": "Account", "lineObjectNumber": "6990", "quantity": 1}, "Application_FieldValidationException"),
        ({"lineType": "Account", "lineObjectNumber": "2000", "quantity": 1}, "Application_FieldValidationException"),
        ({"lineType": "Item", "lineObjectNumber": "6100"}, "Internal_InvalidTableRelation"),
        (line(taxCode="FANTASY"), "Internal_InvalidTableRelation"),
        (line(amountExcludingTax=5), "BadRequest"),
        (line("5"), "BadRequest"),
        (line(discountAmount=101), "Application_FieldValidationException"),
    ],
)
def test_properties_of_a_line_are_validated_in_their_order(central, body, code):
    """Type before number, quantity before discount; headings, blocked accounts and control accounts take nothing."""
    draft = central.draft()
    refused(central.post(f"purchaseInvoices({draft['id']})/purchaseInvoiceLines", body), 400, code)


def test_an_account_named_by_id_makes_the_line_one_of_an_account(central):
    """Wherever the type stands (recorded)."""
    draft = central.draft()
    body = {"accountId": central.account("6200"), "lineType": "Account", "quantity": 2, "unitCost": 5}
    row = told(central.post(f"purchaseInvoices({draft['id']})/purchaseInvoiceLines", body), 201)
    assert (row["lineObjectNumber"], row["description"], row["sequence"]) == ("6200", "Professional Fees", 20000)
    assert told(central.get(f"purchaseInvoices({draft['id']})"), 200)["totalAmountIncludingTax"] == 110


def test_an_items_price_comes_from_its_card_until_it_is_changed_afterwards(central):
    """A location fetches it anew; a later PATCH stays (recorded)."""
    draft = central.draft()
    location = central.rows("locations")[0]["id"]
    path = f"purchaseInvoices({draft['id']})/purchaseInvoiceLines"
    body = {"lineType": "Item", "lineObjectNumber": "ITEM-002", "quantity": 1, "unitCost": 190, "locationId": location}
    row = told(central.post(path, body), 201)
    assert row["unitCost"] == Decimal("50.03")
    changed = told(central.patch(f"{path}({row['id']})", {"unitCost": 190}, row["@odata.etag"]), 200)
    assert changed["unitCost"] == 190


def test_sales_tax_follows_the_vendor_and_the_group(box, central):
    """Nobody but the service works it out."""
    vendor = box.business_central.vendor("V00001")
    draft = central.draft(purchaseInvoiceLines=[line(100, taxCode="TAXABLE"), line(50, taxCode="NONTAXABLE")])
    assert (draft["totalTaxAmount"], draft["totalAmountIncludingTax"]) == (0, 150)
    box.business_central.edit("vendors", vendor["id"], taxLiable=True)
    draft = central.draft(
        number="X-2", purchaseInvoiceLines=[line(100, taxCode="TAXABLE"), line(50, taxCode="NONTAXABLE")]
    )
    assert (draft["totalTaxAmount"], draft["totalAmountIncludingTax"]) == (8, 158)


def test_value_added_tax_is_added_whether_or_not_a_code_is_sent(europe):
    """The account's group counts, unless the line names another."""
    vendor = europe.one("vendors", filter="number eq 'V00001'")["number"]
    assert europe.draft(vendor=vendor)["totalAmountIncludingTax"] == 121
    assert (
        europe.draft(vendor=vendor, purchaseInvoiceLines=[line(100, taxCode="ZERO")])["totalAmountIncludingTax"] == 100
    )
    included = europe.draft(vendor=vendor, pricesIncludeTax=True, purchaseInvoiceLines=[line(121)])
    assert (included["totalAmountExcludingTax"], included["totalAmountIncludingTax"]) == (100, 121)


@given(
    lines=st.lists(
        st.tuples(st.integers(1, 9), st.decimals("0.01", "9999.99", places=2), st.integers(0, 50)),
        min_size=1,
        max_size=4,
    ),
    discount=st.decimals("0", "1", places=2),
)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_totals_are_the_sums_of_the_lines(europe, lines, discount):
    """To the cent, with line discounts, a discount on the whole, and tax."""
    body = [line(float(cost), quantity=quantity, discountPercent=percent) for quantity, cost, percent in lines]
    draft = europe.draft(
        vendor="V00001", discountAmount=float(discount if discount < lines[0][1] / 2 else 0), purchaseInvoiceLines=body
    )
    rows = lines_of(europe, draft)
    for total, share in (
        ("totalAmountExcludingTax", "netAmount"),
        ("totalTaxAmount", "netTaxAmount"),
        ("totalAmountIncludingTax", "netAmountIncludingTax"),
    ):
        assert draft[total] == sum(row[share] for row in rows)
    assert draft["discountAmount"] == sum(row["invoiceDiscountAllocation"] for row in rows)


def test_lines_inherit_dimensions_and_refuse_them_twice(central):
    """A default of the vendor is there before the body says anything: change it, do not add it (sheet 4)."""
    vendor = "V00005"
    body = [line(dimensionSetLines=[{"code": "DEPARTMENT", "valueCode": "110"}])]
    answer = central.post("purchaseInvoices", {"vendorNumber": vendor, "purchaseInvoiceLines": body})
    refused(answer, 400, "Internal_EntityWithSameKeyExists")
    draft = central.draft(vendor=vendor)
    assert draft["shortcutDimension1Code"] != ""
    (row,) = lines_of(central, draft, expand="dimensionSetLines")
    (inherited,) = row["dimensionSetLines"]
    path = f"purchaseInvoiceLines({row['id']})/dimensionSetLines"
    changed = told(central.patch(f"{path}({inherited['id']})", {"valueCode": "130"}), 200)
    assert (changed["valueCode"], changed["valueDisplayName"]) == ("130", "People")
    told(central.post(path, {"code": "LOCATION", "valueCode": "LOC2"}), 201)
    assert [each["code"] for each in central.rows(path)] == ["DEPARTMENT", "LOCATION"]
    told(central.delete(f"{path}({inherited['id']})"), 204)
    assert [each["code"] for each in central.rows(path)] == ["LOCATION"]


@pytest.mark.parametrize(
    "body",
    [
        {"code": "NOTHING", "valueCode": "110"},
        {"code": "DEPARTMENT", "valueCode": "LOC1"},
        {"code": "DEPARTMENT"},
        {"valueCode": "110"},
    ],
)
def test_a_dimension_that_is_none_is_refused(central, body):
    """Unknown, of another dimension, or half said."""
    draft = central.draft()
    answer = central.post(f"purchaseInvoices({draft['id']})/dimensionSetLines", body)
    refused(answer, 400, "Application_DialogException")


def test_lines_follow_a_dimension_of_their_header(central):
    """And the header shows the two global ones in fields of its own."""
    draft = central.draft()
    told(
        central.post(f"purchaseInvoices({draft['id']})/dimensionSetLines", {"code": "PROJECT", "valueCode": "PRJ01"}),
        201,
    )
    (row,) = lines_of(central, draft, expand="dimensionSetLines")
    assert [each["valueCode"] for each in row["dimensionSetLines"]] == ["PRJ01"]
    header = told(central.get(f"purchaseInvoices({draft['id']})"), 200)
    assert header["shortcutDimension2Code"] == "PRJ01"


@pytest.mark.parametrize(
    ("how", "status", "code"),
    [
        ("404", 404, "BadRequest_NotFound"),
        ("400", 400, "Application_DialogException"),
        ("translated", 404, "BadRequest_NotFound"),
    ],
)
def test_a_value_that_was_deleted_fails_the_whole_page(box, central, how, status, code):
    """As soon as dimensions are expanded (sheet 8.8), with a status and in words nobody can rely on."""
    box.business_central.company().setup.broken_dimension = how
    draft = central.draft(shortcutDimension1Code="140")
    value = central.one("dimensionValues", filter="code eq '140'")["id"]
    told(central.get("purchaseInvoices", expand="dimensionSetLines"), 200)
    box.business_central.delete("dimensionValues", value)
    refused(central.get("purchaseInvoices", expand="dimensionSetLines"), status, code)
    told(central.get(f"purchaseInvoices({draft['id']})"), 200)


def test_posting_keeps_the_id_and_gives_another_number(central):
    """204 without a body; the status is Open, and the ledgers have it."""
    draft = central.draft(number="p-1", amount=125.5)
    answer = central.act(f"purchaseInvoices({draft['id']})")
    assert (answer.status_code, answer.content) == (204, b"")
    posted = told(central.get(f"purchaseInvoices({draft['id']})"), 200)
    assert (posted["status"], posted["vendorInvoiceNumber"]) == ("Open", "P-1")
    assert posted["number"] != draft["number"]
    assert posted["@odata.etag"] != draft["@odata.etag"]
    entries = central.rows("generalLedgerEntries", filter=f"documentNumber eq '{posted['number']}'")
    assert sum(each["debitAmount"] - each["creditAmount"] for each in entries) == 0
    assert {each["accountNumber"] for each in entries} == {"6100", "2000"}
    assert {each["documentType"] for each in entries} == {"Invoice"}


def test_drafts_with_the_same_number_are_taken_but_only_one_is_posted(central):
    """The rule counts at posting only, per vendor (sheet 4)."""
    first, second, other = (central.draft(number="D-1", vendor=vendor) for vendor in ("V00001", "V00001", "V00002"))
    told(central.act(f"purchaseInvoices({first['id']})"), 204)
    words = refused(central.act(f"purchaseInvoices({second['id']})"), 400, "Application_DialogException")
    assert words == "Purchase Invoice D-1 already exists for this vendor."
    assert told(central.get(f"purchaseInvoices({second['id']})"), 200)["status"] == "Draft"
    told(central.act(f"purchaseInvoices({other['id']})"), 204)


@pytest.mark.parametrize(
    ("fields", "setup", "words"),
    [
        ({"number": ""}, {}, "Vendor Invoice No."),
        ({"purchaseInvoiceLines": []}, {}, "nothing to post"),
        ({"purchaseInvoiceLines": [line(), line(quantity=0)]}, {}, "Quantity must have a value"),
        ({}, {"posting_to": "2026-10-31"}, "range of allowed posting dates"),
        ({}, {"invoice_approval": True}, "requires approval"),
        ({}, {"post_with_job_queue": True}, "background"),
    ],
)
def test_posting_has_its_reasons_to_refuse(box, central, fields, setup, words):
    """The draft stays as it was."""
    draft = central.draft(**fields)
    for name, value in setup.items():
        setattr(box.business_central.company().setup, name, value)
    code = "Application_FieldValidationException" if "must have a value" in words else "Application_DialogException"
    assert words in refused(central.act(f"purchaseInvoices({draft['id']})"), 400, code)
    assert told(central.get(f"purchaseInvoices({draft['id']})"), 200)["status"] == "Draft"


def test_an_approved_draft_can_be_posted(box, central):
    """As soon as a person has approved it."""
    box.business_central.company().setup.invoice_approval = True
    draft = central.draft()
    refused(central.act(f"purchaseInvoices({draft['id']})"), 400, "Application_DialogException")
    box.business_central.approve(draft["id"])
    told(central.act(f"purchaseInvoices({draft['id']})"), 204)


def test_approvals_are_filed_with_the_posted_document(central):
    """Under its new number."""
    before = central.rows("approvalEntries")
    assert {row["status"] for row in before} == {"Approved", "Open"}
    draft = central.one("purchaseInvoices", filter=f"number eq '{before[0]['documentNumber']}'")
    told(central.act(f"purchaseInvoices({draft['id']})"), 204)
    posted = told(central.get(f"purchaseInvoices({draft['id']})"), 200)
    assert central.rows("approvalEntries") == before[1:]
    (filed,) = central.rows("postedApprovalEntries")
    assert (filed["documentNumber"], filed["status"], filed["amount"]) == (
        posted["number"],
        "Approved",
        before[0]["amount"],
    )


def test_a_vendor_without_posting_groups_cannot_be_posted(box, central):
    """Made by the API without a template (sheet 4)."""
    box.business_central.company().setup.vendor_template = False
    told(central.post("vendors", {"number": "BARE", "displayName": "Bare"}), 201)
    draft = central.draft(vendor="BARE")
    words = refused(central.act(f"purchaseInvoices({draft['id']})"), 400, "Application_FieldValidationException")
    assert "Vendor Posting Group" in words


@pytest.mark.parametrize(("blocked", "taken"), [("Payment", True), ("All", False)])
def test_a_blocked_vendor_takes_no_invoices(box, central, blocked, taken):
    """Unless only payments are blocked."""
    vendor = box.business_central.vendor("V00001")
    box.business_central.edit("vendors", vendor["id"], blocked=blocked)
    answer = central.post("purchaseInvoices", {"vendorNumber": "V00001"})
    assert (answer.status_code == 201) == taken


def test_dimensions_a_vendor_insists_on_are_checked_at_posting(central):
    """Code Mandatory: any value will do."""
    vendor = central.one("vendors", filter="number eq 'V00001'")["id"]
    department = central.one("dimensions", filter="code eq 'DEPARTMENT'")["id"]
    rule = {"dimensionId": department, "postingValidation": "Code Mandatory"}
    told(central.post(f"vendors({vendor})/defaultDimensions", rule), 201)
    draft = central.draft()
    words = refused(central.act(f"purchaseInvoices({draft['id']})"), 400, "Application_DialogException")
    assert "DEPARTMENT" in words
    told(
        central.patch(f"purchaseInvoices({draft['id']})", {"shortcutDimension1Code": "110"}, draft["@odata.etag"]), 200
    )
    (row,) = lines_of(central, draft)
    told(
        central.post(
            f"purchaseInvoiceLines({row['id']})/dimensionSetLines", {"code": "DEPARTMENT", "valueCode": "110"}
        ),
        201,
    )
    told(central.act(f"purchaseInvoices({draft['id']})"), 204)


def test_a_posted_invoice_stays_as_it_is(central):
    """No change of header, line or dimension, no second posting, and by default no deletion."""
    posted = central.posted()
    (row,) = lines_of(central, posted)
    path = f"purchaseInvoices({posted['id']})"
    attempts = [
        central.patch(path, {"dueDate": "2027-01-01"}),
        central.patch(f"purchaseInvoiceLines({row['id']})", {"unitCost": 1}),
        central.post(f"{path}/purchaseInvoiceLines", line()),
        central.post(f"{path}/dimensionSetLines", {"code": "LOCATION", "valueCode": "LOC1"}),
        central.post(f"purchaseInvoiceLines({row['id']})/dimensionSetLines", {"code": "LOCATION", "valueCode": "LOC1"}),
        central.act(path),
        central.delete(path),
    ]
    for answer in attempts:
        refused(answer, 400, "Application_DialogException")
    assert told(central.get(path), 200) == posted


def test_where_the_set_up_allows_it_a_posted_invoice_is_deleted(box, central):
    """The trap: nothing but the set-up stops a DELETE (sheet 4)."""
    posted = central.posted()
    box.business_central.company().setup.deletes_posted = True
    told(central.delete(f"purchaseInvoices({posted['id']})"), 204)


def test_reading_drafts_may_change_their_etags(box, central):
    """For an app that can write (sheet 8.5); the time of the last change stays."""
    draft = central.draft()
    box.business_central.behaviour.reads_touch_drafts = True
    central.rows("purchaseInvoices")
    now = told(central.get(f"purchaseInvoices({draft['id']})"), 200)
    assert now["@odata.etag"] != draft["@odata.etag"]
    assert now["lastModifiedDateTime"] == draft["lastModifiedDateTime"]


def test_a_draft_is_deleted_with_its_lines(central):
    """Nothing of it can be read any more."""
    draft = central.draft()
    (row,) = lines_of(central, draft)
    told(central.delete(f"purchaseInvoices({draft['id']})", draft["@odata.etag"]), 204)
    refused(central.get(f"purchaseInvoiceLines({row['id']})"), 404, "Internal_RecordNotFound")


def test_a_change_of_a_line_changes_its_header(central):
    """Totals, etag and the time of the last change."""
    draft = central.draft()
    (row,) = lines_of(central, draft)
    told(central.patch(f"purchaseInvoiceLines({row['id']})", {"unitCost": 33.25}, row["@odata.etag"]), 200)
    now = told(central.get(f"purchaseInvoices({draft['id']})"), 200)
    assert now["totalAmountIncludingTax"] == Decimal("33.25")
    assert moment(now) > moment(draft)


def test_a_credit_memo_reduces_what_is_owed(central):
    """Posted against an invoice it leaves the rest open; what was not applied can be cancelled."""
    invoice = central.posted(amount=100)
    memo = {
        "vendorNumber": "V00001",
        "vendorCreditMemoNumber": "CM-1",
        "postingDate": "2026-11-05",
        "invoiceId": invoice["id"],
        "purchaseCreditMemoLines": [line(30)],
    }
    made = told(central.post("purchaseCreditMemos", memo), 201)
    told(central.act(f"purchaseCreditMemos({made['id']})"), 204)
    assert told(central.get(f"purchaseCreditMemos({made['id']})"), 200)["status"] == "Paid"
    (entry,) = [
        each
        for each in central.box.business_central.records("vendorLedgerEntries")
        if each["_invoiceId"] == invoice["id"]
    ]
    assert entry["_remaining"] == -70
    refused(central.act(f"purchaseCreditMemos({made['id']})", "cancel"), 400, "Application_DialogException")
    loose = told(
        central.post("purchaseCreditMemos", {**memo, "vendorCreditMemoNumber": "CM-2", "invoiceId": NO_GUID}), 201
    )
    told(central.act(f"purchaseCreditMemos({loose['id']})"), 204)
    told(central.act(f"purchaseCreditMemos({loose['id']})", "cancel"), 204)
    assert told(central.get(f"purchaseCreditMemos({loose['id']})"), 200)["status"] == "Canceled"


def test_an_order_becomes_an_invoice_once_somebody_entered_the_vendors_number(box, central):
    """The API has no field for it, so posting refuses until then."""
    order = central.rows("purchaseOrders")[0]
    path = f"purchaseOrders({order['id']})"
    refused(central.act(path, "receiveAndInvoice"), 400, "Application_DialogException")
    told(central.get(path), 200)
    box.business_central.edit("purchaseOrders", order["id"], _vendorInvoiceNumber="ORD-1")
    told(central.act(path, "receiveAndInvoice"), 204)
    refused(central.get(path), 404, "Internal_RecordNotFound")
    invoice = central.one("purchaseInvoices", filter="vendorInvoiceNumber eq 'ORD-1'")
    assert (invoice["status"], invoice["orderNumber"]) == ("Open", order["number"])
    assert invoice["totalAmountIncludingTax"] == order["totalAmountIncludingTax"]
