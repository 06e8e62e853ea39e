"""The map of BILL: which bills are wanted, what becomes of them, and what a clerk reads when one is held."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ml_connector.crosswalk.tables import MemoryReferences, NoLinks
from ml_connector.errors import MalformedRecord
from ml_connector.mapping.engine import MapEngine

ORGANIZATION = "00801ORGAAAAAAAA0001"
VENDOR = "00901VNDRAAAAAAA0001"
ACCOUNT = "0ca01ACCTAAAAAAA0001"
FIELD_OPS = "0de01DEPTAAAAAAA0002"
ROW = "add a row to transforms/crosswalk/bill-workday"
READ_VENDORS = "select the stream vendors and run tap-bill once with --full-refresh"
BILL_FIELDS = {  # sheet bill 3.6, and the organization the tap adds
    "amount", "approvalStatus", "approvers", "archived", "billLineItems", "classifications", "createdBy", "createdTime",
    "creditAmount", "description", "dueAmount", "dueDate", "exchangeRate", "fundingAmount", "id", "invoice",
    "organizationId", "paidAmount", "payFromChartOfAccountId", "paymentStatus", "paymentTermId", "purchaseOrderNumber",
    "recordStatus", "scheduledAmount", "updatedTime", "vendorId", "vendorName",
}  # fmt: skip


def line(**changes):
    """Return a line coded to the known account."""
    return {"id": "bli1", "amount": Decimal(10), "classifications": {"chartOfAccountId": ACCOUNT}, **changes}


def whats(mapped):
    """Return what stands against a document."""
    return [reason.what for reason in mapped.reasons]


def test_a_bill_becomes_a_supplier_invoice(engine, bill):
    """Everything a bill says is in the invoice, references as the tables map them."""
    mapped = engine().map("bills", bill())
    invoice = mapped.document
    assert mapped.reasons == ()
    assert mapped.unwanted is None
    assert invoice.model_dump(exclude={"lines", "source"}) == {
        "external_id": "BILL-00n01BILLAAAAAAA0001",
        "number": "INV-20391",
        "withdrawn": None,
        "supplier": "S-00012",
        "supplier_name": "Northwind Paper LLC",
        "supplier_number": "INV-20391",
        "company": "CO-100",
        "currency": "USD",
        "invoice_date": dt.date(2026, 12, 1),
        "due_date": dt.date(2026, 12, 31),
        "accounting_date": None,
        "total": Decimal("228.99"),
        "tax_amount": 0,
        "charges": 0,
        "freight": 0,
        "memo": "Paper and toner",
        "purchase_order_number": "4500001234",
        "payment_terms": None,
        "on_hold": False,
    }
    assert invoice.lines_total == invoice.total
    assert [each.model_dump(exclude_none=True) for each in invoice.lines] == [
        {
            "id": "bli01LINEAAAAAAA0001",
            "order": 1,
            "amount": Decimal(149),
            "description": "Toner",
            "gl_account": "61000",
            "spend_category": "SC-OFFICE",
            "dimensions": ({"kind": "cost_center", "value": "CC-410"},),
        },
        {
            "id": "bli01LINEAAAAAAA0002",
            "order": 2,
            "amount": Decimal("79.99"),
            "quantity": 1,
            "unit_price": Decimal("79.99"),
            "gl_account": "61000",
            "spend_category": "SC-OFFICE",
            "dimensions": ({"kind": "cost_center", "value": "CC-410"},),
        },
    ]


def test_a_mapped_bill_can_be_listed_and_found(engine, bill):
    """Identity, version and what lists show come with the document."""
    mapped = engine().map("bills", bill())
    assert mapped.source.model_dump() == {
        "system": "bill",
        "instance": ORGANIZATION,
        "stream": "bills",
        "id": "00n01BILLAAAAAAA0001",
        "version": "2026-12-02T10:00:00.310+00:00",
        "created_at": dt.datetime(2026, 12, 1, 23, 15, 23, 127000, dt.UTC),
    }
    assert (mapped.kind, mapped.number, mapped.party) == (
        "supplier_invoices",
        "INV-20391",
        "Northwind Paper LLC",
    )
    assert (mapped.currency, mapped.amount, mapped.date) == ("USD", Decimal("228.99"), dt.date(2026, 12, 1))


@pytest.mark.parametrize(
    ("changes", "given", "unwanted"),
    [
        ({}, {}, None),
        ({"approvalStatus": "ASSIGNED"}, {}, "not approved (ASSIGNED)"),
        ({"approvalStatus": None}, {}, "not approved (not given)"),
        ({"approvalStatus": "UNASSIGNED"}, {}, "not approved (UNASSIGNED)"),
        ({"approvalStatus": "UNASSIGNED"}, {"unassigned_is_approved": True}, None),
        ({"approvalStatus": "UNASSIGNED"}, {"unassigned_is_approved": True, "strict_approval": True}, None),
        ({"approvalStatus": "ASSIGNED"}, {"approval_status": ["APPROVED", "ASSIGNED"]}, None),
        ({}, {"strict_approval": True}, None),
        ({"approvers": None}, {"strict_approval": True}, "not approved by every approver"),
        ({"approvers": []}, {"strict_approval": True}, "not approved by every approver"),
        (
            {"approvers": [{"status": "APPROVED"}, {"status": "WAITING"}]},
            {"strict_approval": True},
            "not approved by every approver",
        ),
        ({"approvers": [{"status": "APPROVED"}, {"status": "WAITING"}]}, {}, None),
        ({"paymentStatus": "PARTIALLY_PAID"}, {}, None),
        ({"paymentStatus": "PAID"}, {}, "payment status is PAID"),
        ({"paymentStatus": "SCHEDULED"}, {}, "payment status is SCHEDULED"),
        ({"paymentStatus": "SCHEDULED"}, {"payment_status": ["UNPAID", "SCHEDULED"]}, None),
        ({"description": "Rent [ref WORKDAY-1]"}, {}, "made from a document of the target"),
        ({"description": "Rent [ref SAP-1]"}, {}, None),
        ({"description": "Rent [ref BC-1]"}, {"came_from_target": ["BC-"]}, "made from a document of the target"),
        ({"recordStatus": "ACTIVE"}, {}, None),
        ({"recordStatus": "ACTIVE", "archived": True}, {}, None),
        ({"recordStatus": "DRAFT", "archived": True}, {}, "not an active bill (DRAFT)"),
        ({"recordStatus": "INACTIVE"}, {}, "not an active bill (INACTIVE)"),
        ({"archived": True}, {}, "not an active bill (archived)"),
        ({"archived": None}, {}, None),
        (
            {"archived": True, "approvalStatus": "DENIED", "paymentStatus": "PAID"},
            {},
            "not an active bill (archived); not approved (DENIED); payment status is PAID",
        ),
    ],
)
def test_only_approved_unpaid_active_bills_are_wanted(engine, bill, changes, given, unwanted):
    """The filter says in words which of its conditions a bill does not meet, at intake as when it is mapped."""
    engine = engine(settings=given)
    assert engine.unwanted("bills", bill(**changes)) == unwanted
    assert engine.map("bills", bill(**changes)).unwanted == unwanted


@pytest.mark.parametrize(
    ("changes", "withdrawn"),
    [
        ({}, None),
        ({"archived": True}, "archived"),
        ({"recordStatus": "ACTIVE"}, None),
        ({"recordStatus": "INACTIVE", "archived": True}, "record status INACTIVE"),
        ({"approvalStatus": "DENIED"}, "approval denied"),
        ({"recordStatus": "ACTIVE", "approvalStatus": "DENIED"}, "approval denied"),
        ({"approvalStatus": "ASSIGNED"}, None),
        ({"paymentStatus": "PAID"}, None),
    ],
)
def test_a_bill_the_source_no_longer_stands_by_is_withdrawn(engine, bill, changes, withdrawn):
    """Archiving and denial withdraw a bill and show as a change; approval pending and payment do not."""
    engine = engine()
    mapped = engine.map("bills", bill(**changes))
    assert mapped.document.withdrawn == withdrawn
    assert (mapped.fingerprint != engine.map("bills", bill()).fingerprint) is (withdrawn is not None)


def test_what_is_missing_is_told_all_at_once_in_a_clerks_words(engine, bill):
    """Unmapped references name kind, name, id and the file to edit."""
    lines = [
        line(classifications={"chartOfAccountId": "0ca9", "departmentId": FIELD_OPS}),
        line(id="b2", amount=1),
    ]
    mapped = engine().map("bills", bill(vendorId="0099", billLineItems=lines, classifications=None))
    assert mapped.document is None
    assert [reason.to_dict() for reason in mapped.reasons] == [
        {
            "code": "missing_supplier",
            "what": "BILL vendor 0099 has no supplier in Workday (it was never read)",
            "cure": f"{ROW}/suppliers.csv, or set missing_suppliers to create; before that, {READ_VENDORS}",
            "kind": "supplier",
            "value": "0099",
        },
        {
            "code": "unread",
            "what": "BILL vendor 0099 was never read",
            "cure": "select the stream vendors and run tap-bill once with --full-refresh",
            "kind": "vendors",
            "value": "0099",
        },
        {
            "code": "unmapped",
            "what": "no spend category is mapped for BILL account 0ca9 (it was never read)",
            "cure": f"{ROW}/spend_categories.csv, or {READ_VENDORS.replace('vendors', 'chart_of_accounts')}",
            "kind": "spend_category",
            "value": "0ca9",
        },
        {
            "code": "unmapped",
            "what": f'no cost center is mapped for BILL department "Field Ops" ({FIELD_OPS})',
            "cure": "add a row to transforms/crosswalk/bill-workday/cost_centers.csv",
            "kind": "cost_center",
            "value": FIELD_OPS,
        },
    ]


def test_the_same_gap_on_many_lines_is_one_reason(engine, bill):
    """Twenty lines of one unmapped department are one thing to mend."""
    coding = {"chartOfAccountId": ACCOUNT, "departmentId": FIELD_OPS}
    lines = [line(id=f"b{number}", classifications=coding) for number in range(20)]
    assert len(engine().map("bills", bill(billLineItems=lines)).reasons) == 1


def test_a_known_vendor_without_supplier_is_named(engine, bill):
    """The clerk reads the vendor's name and both ways out."""
    reason = engine(suppliers=None).map("bills", bill()).reasons[0]
    assert reason.what == f'BILL vendor "Northwind Paper LLC" ({VENDOR}) has no supplier in Workday'
    assert reason.cure == (
        "add a row to transforms/crosswalk/bill-workday/suppliers.csv, or set missing_suppliers to create"
    )


@pytest.mark.parametrize(
    ("table", "links", "supplier"),
    [
        (f"{VENDOR},BY-ID\nNWP,BY-NAME\n*,ALL", {"linked": True}, "BY-ID"),
        ("northwind  paper llc,BY-NAME\n*,ALL", {"linked": True}, "BY-NAME"),
        ("*,ALL", {"linked": True}, "LEARNED"),
        ("*,ALL", {}, "ALL"),
    ],
)
def test_references_are_looked_up_in_one_order(engine, bill, table, links, supplier):
    """A row for the id, then one for a name, then what was learned, then the default row."""
    learned = {("suppliers", ORGANIZATION, VENDOR): "LEARNED"} if links else {}
    mapped = engine(links=learned, suppliers=f"source,target\n{table}\n").map("bills", bill())
    assert mapped.document.supplier == supplier


def test_an_ambiguous_name_is_held_not_guessed(engine, bill):
    """Number and name of an account in different rows: the rows are told, and the id to add."""
    tables = {"spend_categories": "source,target\n6100,SC-1\nOffice Supplies,SC-2\n"}
    mapped = engine(**tables).map("bills", bill())
    assert [reason.code for reason in mapped.reasons] == ["ambiguous"]
    assert mapped.reasons[0].what == (
        f'BILL account "6100 Office Supplies" ({ACCOUNT}) matches different rows for its spend category: '
        'line 2 "6100" is SC-1, line 3 "Office Supplies" is SC-2'
    )
    assert mapped.reasons[0].cure == (
        f"add a row with the id {ACCOUNT} to transforms/crosswalk/bill-workday/spend_categories.csv"
    )


def test_a_repaired_table_repairs_the_document(engine, bill):
    """The same bill, held before, is whole once the row is there."""
    held = engine(cost_centers=None).map("bills", bill())
    assert [reason.kind for reason in held.reasons] == ["cost_center"]
    assert engine().map("bills", bill()).document is not None


@pytest.mark.parametrize(
    ("currency", "given", "expected", "reasons"),
    [
        ("EUR", {}, "EUR", []),
        ("EUR", {"default_currency": "USD"}, "EUR", []),
        (None, {"default_currency": "USD"}, "USD", []),
        (None, {}, None, ["BILL bill INV-20391 has no currency"]),
        ("XYZ", {}, "XYZ", ["BILL bill INV-20391: currency: 'XYZ' is not an ISO 4217 currency code"]),
    ],
)
def test_the_currency_is_the_vendors(engine, bill, vendor, references, *, currency, given, expected, reasons):
    """BILL gives a bill no currency: it is the vendor's, or the setting's, never assumed."""
    references.put(ORGANIZATION, "vendors", {VENDOR: vendor(billCurrency=currency)})
    mapped = engine(settings=given).map("bills", bill(amount=Decimal(20), billLineItems=[line(amount=20)]))
    assert (mapped.currency, whats(mapped)) == (expected, reasons)


def test_the_default_currency_is_not_for_vendors_never_read(engine, bill):
    """A vendor nobody has read may bill in any currency: the bill waits, whatever the default."""
    mapped = engine(settings={"default_currency": "USD"}, known=MemoryReferences()).map("bills", bill())
    assert (mapped.document, mapped.currency) == (None, None)
    assert f"BILL vendor {VENDOR} was never read" in whats(mapped)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"amount": Decimal("1.005")}, "BILL bill INV-20391: total 1.005 has more decimals than USD has (2)"),
        ({"amount": "ten"}, "BILL bill INV-20391: total is not a number: 'ten'"),
        ({"amount": None}, "BILL bill INV-20391 has no total"),
        ({"dueDate": "soon"}, "BILL bill INV-20391: due date is not a date: 'soon'"),
        ({"invoice": {"invoiceNumber": "INV-20391"}}, "BILL bill INV-20391 has no invoice date"),
        ({"billLineItems": None}, "BILL bill INV-20391 has no lines"),
        ({"billLineItems": "none"}, "BILL bill INV-20391: lines is not a list"),
        ({"billLineItems": ["x"]}, "BILL bill INV-20391: line 1 is not an object"),
        ({"billLineItems": [line(), line(amount=None)]}, "BILL bill INV-20391 has no amount on line 2"),
        ({"billLineItems": [line(id=None)]}, "BILL bill INV-20391 has no id on line 1"),
        (
            {"billLineItems": [line(), line(amount=Decimal("0.001"))]},
            "BILL bill INV-20391: line 2 amount 0.001 has more decimals than USD has (2)",
        ),
        (
            {"billLineItems": [line(classifications=None)], "classifications": None},
            "BILL bill INV-20391 has no account on line 1",
        ),
        ({"description": {"not": "text"}}, "BILL bill INV-20391: memo: Input should be a valid string"),
        ({"vendorId": None}, "BILL bill INV-20391 has no supplier"),
    ],
)
def test_bad_content_holds_the_bill(engine, bill, changes, reason):
    """What is missing or malformed is a reason that names bill and field; nothing is raised or rounded."""
    mapped = engine().map("bills", bill(**changes))
    assert mapped.document is None
    assert reason in whats(mapped)


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"id": None}, "a record has no id (id)"), ({"organizationId": None}, "a record has no instance")],
)
def test_a_record_that_does_not_say_who_it_is_is_malformed(engine, bill, changes, message):
    """Without identity nothing can be delivered once: that stops the run, naming the stream."""
    with pytest.raises(MalformedRecord, match="stream bills"):
        engine().map("bills", bill(**changes))
    with pytest.raises(MalformedRecord) as error:
        engine().identify("bills", bill(**changes))
    assert message in error.value.what


def test_the_organization_can_be_a_setting(engine, bill):
    """Records of a tap that does not add the organization take it from the settings."""
    mapped = engine(settings={"organization_id": ORGANIZATION}).map("bills", bill(organizationId=None))
    assert (mapped.source.instance, mapped.document.company) == (ORGANIZATION, "CO-100")


@pytest.mark.parametrize(
    ("lines", "given", "amounts"),
    [
        ([line(amount=None, quantity=3, price=Decimal("1.10"))], {}, ["3.30"]),
        ([line(amount=Decimal(5), quantity=3, price=Decimal("1.10"))], {}, ["5"]),
        ([line(amount=0), line(amount=7)], {}, ["0", "7"]),
        ([line(amount=0), line(amount=7)], {"zero_lines": "drop"}, ["7"]),
        ([line(amount=None, quantity=0, price=9), line(amount=7)], {"zero_lines": "drop"}, ["7"]),
        ([line(amount=-3)], {}, ["-3"]),
    ],
)
def test_lines_have_their_amounts(engine, bill, lines, given, amounts):
    """A line's amount is BILL's, or quantity times price; empty lines go only when asked."""
    invoice = engine(settings=given).map("bills", bill(billLineItems=lines)).document
    assert [each.amount for each in invoice.lines] == [Decimal(amount) for amount in amounts]
    assert [each.order for each in invoice.lines] == list(range(1, len(amounts) + 1))


@pytest.mark.parametrize(
    ("given", "kind", "line_coding", "header", "expected"),
    [
        ("department", "departments", {"departmentId": "L"}, {"departmentId": "H"}, "CC-L"),
        ("department", "departments", {}, {"departmentId": "H"}, "CC-H"),
        ("location", "locations", {"locationId": "L"}, {"departmentId": "H"}, "CC-L"),
        ("class", "accounting_classes", {"accountingClassId": "L"}, {}, "CC-L"),
        ("job", "jobs", {"jobId": "L"}, {}, "CC-L"),
        ("job", "jobs", {}, {"departmentId": "H"}, None),
        ("none", "jobs", {"departmentId": "L"}, {"departmentId": "H"}, None),
    ],
)
def test_the_cost_center_comes_from_where_the_setting_says(
    engine, bill, references, *, given, kind, line_coding, header, expected
):
    """Department, location, class or job can become the cost center, found by its name as well."""
    references.put(ORGANIZATION, kind, {key: {"id": key, "name": f"name of {key}"} for key in "LH"})
    tables = {"cost_centers": "source,target\nname of L,CC-L\nname of H,CC-H\n"}
    lines = [line(classifications={"chartOfAccountId": ACCOUNT, **line_coding})]
    mapped = engine(settings={"cost_center_from": given}, **tables).map(
        "bills", bill(billLineItems=lines, classifications=header)
    )
    assert [each.value for each in mapped.document.lines[0].dimensions] == ([expected] if expected else [])


def test_the_headers_coding_can_be_left_alone(engine, bill):
    """Without header_coding a line without account is held rather than coded by the header."""
    mapped = engine(settings={"header_coding": False}).map("bills", bill())
    assert whats(mapped) == ["BILL bill INV-20391 has no account on line 2"]


def test_a_cost_center_can_be_required(engine, bill):
    """Asked to, the map holds a line without a cost center; the default row counts as one."""
    changes = {"billLineItems": [line()], "classifications": None}
    given = {"require_cost_center": True}
    assert whats(engine(settings=given).map("bills", bill(**changes))) == [
        "BILL bill INV-20391 has no cost center on line 1"
    ]
    with_default = engine(settings=given, cost_centers="source,target\n*,CC-ALL\n").map("bills", bill(**changes))
    assert with_default.document.lines[0].dimensions[0].value == "CC-ALL"


def test_the_expected_account_may_stand_in_its_own_table(engine, bill):
    """Where the spend category's row names no account, gl_accounts does; neither is needed."""
    plain = "source,target\n6100,SC-OFFICE\n"
    with_table = engine(spend_categories=plain, gl_accounts="source,target\n6100,61999\n").map("bills", bill())
    assert with_table.document.lines[0].gl_account == "61999"


def test_the_expected_account_is_optional(engine, bill):
    """Without any expected account the invoice is whole."""
    mapped = engine(spend_categories="source,target\n6100,SC-OFFICE\n").map("bills", bill())
    assert mapped.document.lines[0].gl_account is None


def test_accounts_can_have_the_same_numbers_in_the_target(engine, bill):
    """Then no table is looked into; the header's account stands for a line without one, and none is held."""
    engine = engine(settings={"account_numbers": "same"})
    assert [line.spend_category for line in engine.map("bills", bill()).document.lines] == ["6100", "6100"]
    mapped = engine.map("bills", bill(classifications=None))
    assert whats(mapped) == ["BILL bill INV-20391 has no account on line 2"]


def test_the_accounting_date_is_the_invoice_date_when_asked(engine, bill):
    """BILL knows no posting date; the map leaves it open or takes the invoice's."""
    mapped = engine(settings={"accounting_date": "invoice_date"}).map("bills", bill())
    assert mapped.document.accounting_date == dt.date(2026, 12, 1)


def test_a_vendor_becomes_a_supplier(engine, vendor):
    """Name, address and tax number are taken over; bank details are not even read."""
    record = vendor(
        email="ap@northwind.invalid",
        phone="4155550100",
        address={
            "line1": "10 Mill St",
            "city": "Oakland",
            "stateOrProvince": "CA",
            "zipOrPostalCode": "94607",
            "country": "US",
        },
        additionalInfo={"taxId": "12-3456789", "taxIdType": "EIN"},
        paymentInformation={"bankAccount": {"accountNumber": "000123"}},
    )
    mapped = engine().map("vendors", record)
    assert mapped.document.model_dump(exclude={"source"}, exclude_none=True) == {
        "external_id": f"BILL-{VENDOR}",
        "number": "NWP",
        "name": "Northwind Paper LLC",
        "target_id": "S-00012",
        "currency": "USD",
        "tax_id": "12-3456789",
        "email": "ap@northwind.invalid",
        "phone": "4155550100",
        "address_line1": "10 Mill St",
        "city": "Oakland",
        "region": "CA",
        "postal_code": "94607",
        "country": "US",
        "active": True,
        "known_as": (),
        "owned": (),
    }


@pytest.mark.parametrize(
    ("table", "links", "target_id"),
    [
        ("*,S-ALL", {}, None),
        ("other,S-1", {}, None),
        ("other,S-1", {("suppliers", ORGANIZATION, VENDOR): "S-7"}, "S-7"),
    ],
)
def test_an_unknown_vendor_is_nobody_not_the_default(engine, vendor, table, links, target_id):
    """A supplier's own identity never comes from the default row, or all vendors would be one supplier."""
    mapped = engine(links=links, suppliers=f"source,target\n{table}\n").map("vendors", vendor())
    assert mapped.document.target_id == target_id


def test_archived_vendors_are_left_out_unless_asked_for(engine, vendor):
    """An archived vendor is not wanted; with the setting it is an inactive supplier."""
    assert engine().unwanted("vendors", vendor(archived=True)) == "archived in BILL"
    mapped = engine(settings={"archived_vendors": True}).map("vendors", vendor(archived=True))
    assert (mapped.unwanted, mapped.document.active) == (None, False)


def test_streams_have_their_parts(engine):
    """Bills, vendors and payments are documents, vendors and all coding is remembered, users are unknown."""
    engine = engine()
    assert engine.kind_of("bills") == "supplier_invoices"
    assert engine.kind_of("vendors") == "suppliers"
    assert engine.kind_of("departments") is None
    assert engine.kind_of("payments") == "payments"
    assert engine.kind_of("users") is None
    assert {stream for stream in engine.streams if engine.is_reference(stream)} == {
        "vendors",
        "chart_of_accounts",
        "departments",
        "locations",
        "jobs",
        "accounting_classes",
        "items",
        "employees",
    }
    record = {"id": "0de1", "organizationId": ORGANIZATION}
    assert engine.reference_id("departments", record) == (ORGANIZATION, "0de1")


def test_the_map_reads_only_fields_bill_has(engine):
    """Nothing in the map of bills is misspelt."""
    assert engine().unknown_fields("bills", BILL_FIELDS) == []


def test_threads_do_not_mix_bills_up(engine, bill):
    """Bills mapped at the same time by several threads come out as those mapped one after the other."""
    engine = engine()
    bills = [bill(id=f"00n{number}", amount=Decimal(number), description=f"no {number}") for number in range(200)]
    one_by_one = [engine.map("bills", each) for each in bills]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda each: engine.map("bills", each), bills)) == one_by_one


VALUES = st.sampled_from(
    [
        None,
        "",
        "x",
        0,
        -1,
        1.5,
        True,
        [],
        {},
        [None],
        ["x"],
        {"id": 1},
        [{"id": None}],
        Decimal("1.999"),
        "2026-12-01",
    ]
)


@pytest.fixture(scope="module")
def unmapped(tmp_path_factory):
    """An engine without tables and without anything read."""
    return MapEngine.load(
        "tap-bill",
        target="workday",
        crosswalk_dir=tmp_path_factory.mktemp("crosswalk"),
        references=MemoryReferences(),
        links=NoLinks(),
    )


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    record=st.fixed_dictionaries(
        {"id": st.just("00n1"), "organizationId": st.just("008")},
        optional=dict.fromkeys(sorted(BILL_FIELDS - {"id", "organizationId"}), VALUES),
    )
)
def test_no_content_ever_raises(record, unmapped):
    """Whatever stands in a bill, or does not, mapping it ends in a document or in reasons."""
    mapped = unmapped.map("bills", record)
    assert (mapped.document is None) is bool(mapped.reasons)
    assert len(mapped.fingerprint) == 64


@pytest.mark.parametrize("odd", [[{"id": None}], ["x"], [[]]], ids=["objects", "texts", "lists"])
@pytest.mark.parametrize("field", ["vendorName", "description", "payFromChartOfAccountId"])
def test_a_list_where_a_text_belongs_holds_the_bill(engine, bill, field, odd):
    """It is held with its reasons, also when a part of it is handed on to be checked."""
    record = bill(vendorId="unmapped", **{field: odd})
    mapped = engine().map("bills", record)
    assert (mapped.document, bool(mapped.reasons)) == (None, True)


def test_the_master_of_a_field_is_a_setting(engine):
    """The fields BILL is master of go with each vendor; none by default."""
    record = {"id": VENDOR, "organizationId": ORGANIZATION, "name": "Northwind Paper LLC", "archived": False}
    mapped = engine(settings={"vendor_master": ["email", "active"]}).map("vendors", record)
    assert mapped.document.owned == ("email", "active")


@pytest.mark.parametrize(
    ("short", "known_as"),
    [
        ("NWP", ()),
        (None, ()),
        ("WORKDAY-S-00012", ("S-00012",)),
        ("104711-EMEA1-ABCDEFGH", ("104711-EMEA1-ABCDEFGH",)),
    ],
)
def test_a_vendor_made_from_a_supplier_knows_it(engine, vendor, short, known_as):
    """Even when ledger and tables are gone, the short name we gave it leads back."""
    assert engine(suppliers=None).map("vendors", vendor(shortName=short)).document.known_as == known_as


def test_where_the_target_pays_a_bill_paid_in_part_is_held(engine, bill):
    """With what is paid and what is left; by default BILL pays, and its payments follow the whole bill."""
    record = bill(paymentStatus="PARTIALLY_PAID", paidAmount=Decimal(100), dueAmount=Decimal("128.99"))
    assert engine().map("bills", record).reasons == ()
    (reason,) = engine(settings={"part_payments": "hold"}).map("bills", record).reasons
    assert (reason.code, "USD 100.00 of USD 228.99 is paid, USD 128.99 is left" in reason.what) == ("part_paid", True)
    assert engine(settings={"part_payments": "hold"}).map("bills", bill()).reasons == ()
