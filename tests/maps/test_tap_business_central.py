"""The map of Business Central: which invoices are approved, how lines are coded, and in which currency they are."""

from __future__ import annotations

import copy
from decimal import Decimal

import pytest

from ml_connector.crosswalk.tables import MemoryReferences
from ml_connector.mapping.engine import MapEngine
from tap_business_central.tap import TapBusinessCentral

COMPANY = "c0000000-0000-4000-8000-000000000001"
VENDOR = "a0000000-0000-4000-8000-000000000001"
PAY_TO = "a0000000-0000-4000-8000-000000000002"
ACCOUNT = "b0000000-0000-4000-8000-000000000001"
ITEM = "e0000000-0000-4000-8000-000000000001"
SALES = "d0000000-0000-4000-8000-000000000001"
ADMIN = "d0000000-0000-4000-8000-000000000002"
EAST = "d0000000-0000-4000-8000-000000000003"
INSTANCE = f"acme.invalid/production/{COMPANY}"
WHOSE = {"tenant_id": "acme.invalid", "environment": "Production", "company_id": COMPANY}
BILL_VENDOR = "00901VNDRAAAAAAA0001"

TABLES = {
    "suppliers": f"source,target\nV-10021,{BILL_VENDOR}\n",
    "companies": "source,target\nAcme Services,00801ACMESERVICES001\n",
    "gl_accounts": "source,target\n61100,6100\n",
    "item_accounts": "source,target\n1896-S,6200\nR-100,6300\n",
    "departments": "source,target\nSALES,Marketing\nAdministration,Finance\n",
    "locations": "source,target\nEAST,Boston\n",
}
REFERENCES = {
    "companies": [{"id": COMPANY, "name": "Acme Services", "displayName": None}],
    "company_information": [{"id": COMPANY, "currencyCode": "USD"}],
    "vendors": [
        {"id": VENDOR, "number": "V-10021", "displayName": "Northwind Paper Co", "blocked": None},
        {"id": PAY_TO, "number": "V-10022", "displayName": "Northwind Factoring", "blocked": "Payment"},
    ],
    "accounts": [{"id": ACCOUNT, "number": "61100", "displayName": "Office Supplies"}],
    "items": [{"id": ITEM, "number": "1896-S", "displayName": "Desk"}],
    "dimension_values": [
        {"id": SALES, "code": "SALES", "displayName": "Sales", "dimensionCode": "DEPARTMENT"},
        {"id": ADMIN, "code": "ADM", "displayName": "Administration", "dimensionCode": "DEPARTMENT"},
        {"id": EAST, "code": "EAST", "displayName": "East", "dimensionCode": "AREA"},
    ],
}


def dimension(code, value_id, value):
    """Return a dimension of a document or line."""
    return {"id": f"dim-{code}", "code": code, "valueId": value_id, "valueCode": value}


LINE = {
    "id": "11110000-0000-4000-8000-000000000001",
    "sequence": 10000,
    "lineType": "Account",
    "accountId": ACCOUNT,
    "lineObjectNumber": "61100",
    "description": "Paper, January",
    "quantity": Decimal(2),
    "unitCost": Decimal("625.00"),
    "amountExcludingTax": Decimal(1250),
    "netAmount": Decimal("1250.00"),
    "dimensionSetLines": [dimension("AREA", EAST, "EAST"), dimension("DEPARTMENT", SALES, "SALES")],
}
INVOICE = {
    **WHOSE,
    "id": "f0000000-0000-4000-8000-000000000001",
    "number": "108231",
    "vendorInvoiceNumber": "NW-7781",
    "vendorId": VENDOR,
    "vendorName": "Northwind Paper Co",
    "payToVendorId": VENDOR,
    "payToName": "Northwind Paper Co",
    "invoiceDate": "2026-01-15",
    "postingDate": "2026-01-17",
    "dueDate": "2026-02-14",
    "currencyId": None,
    "currencyCode": "USD",
    "orderNumber": "106001",
    "totalAmountExcludingTax": Decimal("1250.00"),
    "totalTaxAmount": Decimal("100.00"),
    "totalAmountIncludingTax": Decimal("1350.00"),
    "status": "Open",
    "lastModifiedDateTime": "2026-01-17T09:12:44.367Z",
    "dimensionSetLines": [dimension("DEPARTMENT", ADMIN, "ADM")],
    "purchaseInvoiceLines": [LINE],
}


@pytest.fixture
def engine(tmp_path, monkeypatch):
    """A maker of engines for Business Central and BILL: ``engine(settings={...}, departments="...")``."""
    monkeypatch.setenv("MELTANO_PROJECT_ROOT", str(tmp_path))

    class Learned:
        def linked(self, kind, source_instance, source_id):
            return None

    def load(*, settings=None, without=(), **tables):
        folder = tmp_path / "transforms" / "crosswalk" / "business_central-bill"
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in {**TABLES, **tables}.items():
            if name not in without:
                (folder / f"{name}.csv").write_text(text, "utf-8")
        memory = MemoryReferences()
        for stream, records in REFERENCES.items():
            memory.put(INSTANCE, stream, {record["id"]: {**WHOSE, **record} for record in records})
        return MapEngine.load(
            "tap-business-central", target="bill", settings=settings, references=memory, links=Learned()
        )

    return load


def invoice(*lines, **changes):
    """Return an invoice with changes; lines are changes of the line."""
    record = copy.deepcopy(INVOICE) | changes
    if lines:
        record["purchaseInvoiceLines"] = [LINE | {"id": f"line-{n}"} | line for n, line in enumerate(lines)]
    return record


def mapped(engine, record, stream="purchase_invoices"):
    """Return what becomes of a record; nothing may stand against it."""
    result = engine.map(stream, record)
    assert not result.reasons, [reason.what for reason in result.reasons]
    assert result.unwanted is None
    return result.document


PART = {"remainingAmount": Decimal("950.00"), "remainingAmountLocal": Decimal("950.00"), "paidInPart": True}


@pytest.mark.parametrize(
    ("standing", "words"),
    [
        (PART, "USD 400.00 of USD 1,350.00 is paid, USD 950.00 is left"),
        ({**PART, "remainingAmount": None}, "a part of USD 1,350.00 is paid, 950.00 in local currency is left"),
    ],
    ids=["in its currency", "in local currency"],
)
def test_what_is_paid_in_part_is_held_with_both_amounts(engine, standing, words):
    """Sent whole it would be paid twice in part; a setting sends it all the same."""
    result = engine().map("purchase_invoices", invoice(**standing))
    (reason,) = result.reasons
    assert (reason.code, words in reason.what, result.unwanted, result.document) == ("part_paid", True, None, None)
    assert mapped(engine(settings={"part_payments": "whole"}), invoice(**standing)).total == Decimal("1350.00")


def test_of_what_is_paid_in_part_the_rest_is_sent_where_the_setting_says_so(engine):
    """The bill says of what it is the rest; where what is left is known in local currency only it is held."""
    rest = engine(settings={"part_payments": "rest"})
    document = mapped(rest, invoice(**PART))
    assert (document.total, document.lines_total) == (Decimal("950.00"), Decimal("950.00"))
    assert document.memo == "what is left of USD 1,350.00, USD 400.00 was paid in Business Central"
    assert all(line.quantity is None for line in document.lines)
    (reason,) = rest.map("purchase_invoices", invoice(**{**PART, "remainingAmount": None})).reasons
    assert reason.code == "part_paid"


@pytest.mark.parametrize("left", [Decimal(0), Decimal("-1.00"), Decimal("1350.01"), Decimal("0.001")])
def test_a_rest_that_can_be_none_is_held(engine, left):
    """Nothing, less than nothing, more than all of it, a part of a cent."""
    (reason,) = engine(settings={"part_payments": "rest"}).map("purchase_invoices", invoice(**{**PART, "remainingAmount": left})).reasons  # fmt: skip
    assert reason.code == "malformed"


def test_a_rest_hides_no_sum_that_does_not_add_up(engine):
    """It is sent for what it is, and so held as unbalanced."""
    record = invoice(**{**PART, "totalAmountIncludingTax": Decimal("1360.00")})
    document = mapped(engine(settings={"part_payments": "rest"}), record)
    assert document.total != document.lines_total


def test_what_is_left_does_not_make_it_another_invoice(engine):
    """One that was sent before a part was paid stays as it was sent."""
    made = engine()
    before, after = (made.map("purchase_invoices", invoice(**each)) for each in ({}, PART))
    assert before.fingerprint == after.fingerprint


def test_where_it_cannot_be_known_people_may_prefer_to_look(engine):
    """By default such invoices go out, as those nothing was paid of."""
    assert mapped(engine(), invoice()).total == Decimal("1350.00")
    careful = engine(settings={"unknown_payments": "hold"})
    (reason,) = careful.map("purchase_invoices", invoice()).reasons
    assert reason.code == "payments_unknown"
    mapped(careful, invoice(**{**PART, "remainingAmount": Decimal("1350.00"), "paidInPart": False}))


def test_what_the_filter_does_not_want_is_not_held(engine):
    """It is left out for the filter's reason alone."""
    result = engine().map("purchase_invoices", invoice(**PART, status="Paid"))
    assert (result.reasons, result.unwanted) == ((), "not approved (Paid)")


def test_a_posted_invoice_becomes_a_supplier_invoice(engine):
    """Amounts without tax on the lines, tax and total on the document; ids of the target by the tables."""
    document = mapped(engine(), invoice())
    assert document.external_id == f"BC-{INVOICE['id']}"
    assert document.source.instance == INSTANCE
    assert (document.supplier, document.company) == (BILL_VENDOR, "00801ACMESERVICES001")
    assert (document.supplier_number, document.purchase_order_number) == ("NW-7781", "106001")
    assert [str(date) for date in (document.invoice_date, document.due_date, document.accounting_date)] == [
        "2026-01-15",
        "2026-02-14",
        "2026-01-17",
    ]
    assert (document.currency, document.total, document.tax_amount) == ("USD", Decimal("1350.00"), Decimal("100.00"))
    assert document.lines_total == document.total
    assert not document.on_hold
    (line,) = document.lines
    assert (line.amount, line.quantity, line.unit_price) == (Decimal("1250.00"), 2, Decimal("625.00"))
    assert (line.gl_account, line.description) == ("6100", "Paper, January")
    assert {each.kind: each.value for each in line.dimensions} == {"department": "Marketing"}


def test_a_line_without_a_dimension_takes_that_of_the_document(engine):
    """Lines carry their own first."""
    document = mapped(engine(), invoice({"dimensionSetLines": []}, {}))
    assert [[each.value for each in line.dimensions] for line in document.lines] == [["Finance"], ["Marketing"]]


def test_the_settings_name_the_dimensions(engine):
    """Each kind has the code of its dimension; kinds without one are left out."""
    document = mapped(engine(settings={"department_dimension": "", "location_dimension": "area"}), invoice())
    assert {each.kind: each.value for each in document.lines[0].dimensions} == {"location": "Boston"}


def test_numbers_and_codes_may_be_the_same_in_the_target(engine):
    """Then no table is needed."""
    settings = {"account_numbers": "same", "dimension_codes": "same"}
    document = mapped(engine(settings=settings, without=("gl_accounts", "departments")), invoice())
    assert document.lines[0].gl_account == "61100"
    assert [each.value for each in document.lines[0].dimensions] == ["SALES"]


@pytest.mark.parametrize(
    ("line", "account"),
    [
        ({"lineType": "Item", "accountId": None, "itemId": ITEM, "lineObjectNumber": "1896-S"}, "6200"),
        ({"lineType": "Resource", "accountId": None, "lineObjectNumber": "R-100"}, "6300"),
    ],
)
def test_a_line_that_has_no_account_gets_that_of_its_item(engine, line, account):
    """By a table of its own: the account is known to Business Central's posting groups only."""
    assert mapped(engine(), invoice(line)).lines[0].gl_account == account


def test_comments_are_no_lines(engine):
    """They carry no amount."""
    comment = {"lineType": "Comment", "accountId": None, "netAmount": 0, "lineObjectNumber": None}
    assert len(mapped(engine(), invoice(comment, {})).lines) == 1


@pytest.mark.parametrize(("mark", "wanted"), [("[ref BILL-00n01X]", False), ("[ref 7]", True), ("thanks", True)])
def test_an_invoice_that_was_made_from_a_bill_is_not_sent_back(engine, mark, wanted):
    """The target notes its id in a comment."""
    comment = {"lineType": "Comment", "accountId": None, "netAmount": 0, "description": f"July {mark}"}
    assert (engine().unwanted("purchase_invoices", invoice({}, comment)) is None) is wanted


@pytest.mark.parametrize("table", ["suppliers", "companies", "gl_accounts", "departments"])
def test_what_no_table_answers_is_held(engine, table):
    """Nothing is guessed."""
    result = engine(**{table: "source,target\nnobody,X\n"}).map("purchase_invoices", invoice())
    assert [reason.code for reason in result.reasons] == ["missing_supplier" if table == "suppliers" else "unmapped"]


def test_an_invoice_whose_dimensions_cannot_be_read_is_held(engine):
    """It would be coded as if it had none."""
    result = engine().map("purchase_invoices", invoice(dimensionsUnreadable=True))
    assert "dimensions that can be read" in result.reasons[0].what


@pytest.mark.parametrize(
    ("code", "currency"), [("USD", "USD"), ("EUR", "EUR"), (None, "USD")], ids=["local", "foreign", "unsaid"]
)
def test_an_invoice_without_a_currency_is_in_that_of_the_company(engine, code, currency):
    """Business Central says the local one's code, or nothing."""
    assert mapped(engine(), invoice(currencyCode=code)).currency == currency


@pytest.mark.parametrize(
    ("currency", "total", "words"), [("JPY", "1350.50", "JPY"), ("KWD", "1350.0005", "KWD"), ("USD", "1350.001", "USD")]
)
def test_more_decimals_than_the_currency_has_hold_an_invoice(engine, currency, total, words):
    """Nothing is rounded."""
    record = invoice(currencyCode=currency, totalAmountIncludingTax=Decimal(total))
    assert any(words in reason.what for reason in engine().map("purchase_invoices", record).reasons)


@pytest.mark.parametrize("status", ["Draft", "Paid", "Canceled", "Corrective", "In Review"])
def test_only_posted_unpaid_invoices_are_wanted(engine, status):
    """Posting is the act of approval."""
    assert status in engine().map("purchase_invoices", invoice(status=status)).unwanted


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"approvalStatus": "Approved", "approvedAmount": Decimal("1350.0")}, True),
        ({"approvalStatus": "Approved", "approvedAmount": Decimal(1250)}, True),
        ({"approvalStatus": "Approved", "approvedAmount": Decimal(1000)}, False),
        ({"approvalStatus": "Approved"}, False),
        ({"approvalStatus": "Pending", "approvedAmount": Decimal(1350)}, False),
        ({"approvalStatus": "Rejected", "approvedAmount": Decimal(1350)}, False),
        ({}, False),
        ({"status": "Open"}, True),
    ],
)
def test_approved_drafts_are_wanted_on_request(engine, changes, wanted):
    """As long as the amount is the approved one; posting one in between loses nothing."""
    load = engine(settings={"invoice_selection": "draft_with_approved_entry"})
    record = invoice(**{"status": "Draft", **changes})
    assert (load.map("purchase_invoices", record).unwanted is None) is wanted


def test_posting_a_delivered_draft_does_not_make_it_another_document(engine):
    """Number and status change, what is owed does not; nor does payment change anything."""
    load = engine(settings={"invoice_selection": "draft_with_approved_entry"})
    draft = invoice(status="Draft", number="107316", approvalStatus="Approved", approvedAmount=Decimal(1350))
    prints = {load.map("purchase_invoices", each).fingerprint for each in (draft, invoice(), invoice(status="Paid"))}
    assert len(prints) == 1


def test_a_canceled_invoice_is_withdrawn(engine):
    """Should it have been delivered before."""
    assert "canceled" in engine().map("purchase_invoices", invoice(status="Canceled")).document.withdrawn


def test_the_vendor_to_be_paid_is_the_supplier_and_its_block_holds_the_invoice(engine):
    """Whoever may not be paid there may not be paid here."""
    load = engine(suppliers=f"source,target\nV-10022,{BILL_VENDOR}\n")
    document = mapped(load, invoice(payToVendorId=PAY_TO, payToName="Northwind Factoring"))
    assert (document.supplier, document.supplier_name, document.on_hold) == (BILL_VENDOR, "Northwind Factoring", True)


@pytest.mark.parametrize("stream", ["purchase_invoices", "vendors"])
def test_a_deleted_row_is_not_wanted(engine, stream):
    """All that is left of it is its key."""
    record = {**WHOSE, "id": INVOICE["id"], "deleted": True}
    assert engine().unwanted(stream, record).startswith("deleted in Business Central")


VENDOR_ROW = {
    **WHOSE,
    "id": PAY_TO,
    "number": "V-10099",
    "displayName": "Northwind Factoring",
    "addressLine1": "10 Dock St",
    "city": "Atlanta",
    "state": "GA",
    "country": "US",
    "postalCode": "30303",
    "phoneNumber": "5550100",
    "email": "ap@northwind.invalid",
    "taxRegistrationNumber": "00-0000001",
    "currencyCode": "USD",
    "blocked": None,
}


def test_a_vendor_becomes_a_supplier(engine):
    """Fields of the target are changed only where the setting says so."""
    document = mapped(engine(settings={"vendor_master": ["email"]}), VENDOR_ROW, "vendors")
    assert (document.name, document.number, document.tax_id) == ("Northwind Factoring", "V-10099", "00-0000001")
    assert (document.region, document.country, document.owned) == ("GA", "US", ("email",))
    assert (document.external_id, document.target_id) == (f"BC-{PAY_TO}", None)


def test_a_vendor_that_a_table_knows_is_that_one(engine):
    """By its number here."""
    row = VENDOR_ROW | {"id": VENDOR, "number": "V-10021"}
    assert mapped(engine(), row, "vendors").target_id == BILL_VENDOR


@pytest.mark.parametrize(
    ("number", "known"),
    [
        ("V-10099", ()),
        (None, ()),
        ("BILL-0090", ("0090",)),
        ("AAAAAAA0001-ABCDEFGH", ("AAAAAAA0001-ABCDEFGH",)),
        ("AAAAAAA0001-ABCDEFG", ()),
    ],
)
def test_a_vendor_that_was_made_from_one_of_bill_says_so(engine, number, known):
    """In its number, shortened with a digest where it was too long."""
    assert mapped(engine(), VENDOR_ROW | {"number": number}, "vendors").known_as == known


@pytest.mark.parametrize(
    ("blocked", "settings", "wanted", "active"),
    [
        (None, {}, True, True),
        ("Payment", {}, True, True),
        ("All", {}, False, False),
        ("All", {"blocked_vendors": True}, True, False),
    ],
)
def test_vendors_blocked_altogether_are_inactive(engine, blocked, settings, wanted, active):
    """And taken on request only."""
    result = engine(settings=settings).map("vendors", VENDOR_ROW | {"blocked": blocked})
    assert (result.unwanted is None, result.document.active) == (wanted, active)


def test_accounts_and_dimension_values_are_sent_on_request(engine):
    """Accounts nothing is posted to are left out, and dimensions no setting names."""
    load = engine(settings={"send_accounts": True, "send_dimension_values": True, "class_dimension": "PROJECT"})
    account = {**WHOSE, "id": ACCOUNT, "number": "61100", "displayName": "Office Supplies", "category": "Expense"}
    account |= {"accountType": "Posting", "directPosting": True, "blocked": False}
    document = mapped(load, account, "accounts")
    assert (document.account_number, document.name, document.account_type) == ("61100", "Office Supplies", "Expense")
    assert (document.target_id, document.active) == ("6100", True)
    assert "Heading" in load.map("accounts", account | {"accountType": "Heading"}).unwanted
    value = {**WHOSE, **REFERENCES["dimension_values"][0]}
    document = mapped(load, value, "dimension_values")
    assert (document.dimension, document.code, document.target_id) == ("department", "SALES", "Marketing")
    assert mapped(load, value | {"dimensionCode": "PROJECT"}, "dimension_values").dimension == "class"
    assert "AREA" in load.map("dimension_values", value | {"dimensionCode": "AREA"}).unwanted
    assert "send_accounts" in engine().unwanted("accounts", account)
    assert "send_dimension_values" in engine().unwanted("dimension_values", value)


def test_the_map_reads_only_fields_the_tap_gives(engine):
    """A misspelt field would be missing for ever."""
    load = engine()
    for stream in TapBusinessCentral.stream_classes:
        properties = stream.object_schema["properties"]
        if vars(stream)["name"] in load.streams:
            assert load.unknown_fields(vars(stream)["name"], properties) == []
