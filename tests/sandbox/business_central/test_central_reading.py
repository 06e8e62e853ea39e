"""Lists, filters, pages and single entities of the Business Central stand-in (sheet 3)."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from central_client import CentralClient, refused, told
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from erp_sandbox.business_central.names import decoded, encoded
from erp_sandbox.server import Sandbox
from erp_sandbox.world import World

NO_GUID = "00000000-0000-0000-0000-000000000000"


@pytest.fixture(scope="module")
def central():
    """One client for tests that only read."""
    with Sandbox(World.plain(vendors=20, bills=1, lines=(1, 1))) as running:
        client = CentralClient(running)
        yield client
        client.http.close()


def numbers(rows):
    """The numbers of rows in their order."""
    return [row["number"] for row in rows]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("number eq 'V00003'", ["V00003"]),
        ("number eq 'v00003'", ["V00003"]),
        ("number ge 'V90001' and number lt 'V90003'", ["V90001", "V90002"]),
        ("number eq 'V00001' or number eq 'V00002'", ["V00001", "V00002"]),
        ("(number eq 'V00001' or number eq 'V00002') and currencyCode eq 'USD'", ["V00001", "V00002"]),
        ("number ne 'V00001' and startswith(number,'V0000') and taxLiable eq false and number le 'V00002'", ["V00002"]),
        ("contains(email,'billing7@')", ["V00007"]),
        ("endswith(number,'020')", ["V00020"]),
        ("currencyId eq 00000000-0000-0000-0000-000000000000 and number gt 'V90002'", ["V90003"]),
        ("blocked eq '_x0020_' and number eq 'V00005'", ["V00005"]),
        (
            "lastModifiedDateTime lt 2025-02-02T00:00:01Z and lastModifiedDateTime gt 2025-02-01T00:00:00.000Z",
            ["V00001"],
        ),
        ("displayName eq 'O''Neill'", []),
        ("displayName eq 'birch freight inc.'", []),
        ("balance gt 100000000", []),
    ],
)
def test_a_filter_picks_rows(central, text, expected):
    """Codes without regard to case, text with it; ids, dates and flags without quotes."""
    assert numbers(central.rows("vendors", filter=text)) == expected


@pytest.mark.parametrize(
    ("path", "text", "words"),
    [
        ("vendors", "colour eq 'red'", "'colour' on type 'Microsoft.NAV.vendor'"),
        ("generalLedgerEntries", "vendorNumber eq 'V1'", "'vendorNumber' on type 'Microsoft.NAV.generalLedgerEntry'"),
        ("vendors", "number eq 'A' or city eq 'B'", "OR operator"),
        ("vendors", "number eq V1", "could not be read"),
        ("vendors", "currencyId eq '00000000-0000-0000-0000-000000000000'", "incompatible types"),
        ("vendors", "lastModifiedDateTime gt '2026-01-01T00:00:00Z'", "incompatible types"),
        ("vendors", "lastModifiedDateTime gt 2026-01-01", "incompatible types"),
        ("vendors", "lastModifiedDateTime gt 2026-01-01T00:00:00+02:00", "not a valid UTC"),
        ("vendors", "number", "could not be read"),
        ("vendors", "number eq 'A' and", "could not be read"),
        ("vendors", "not (number eq 'A')", "'not' on type"),
        ("vendors", "defaultDimensions/any(d: d/dimensionCode eq 'A')", "Syntax error"),
        ("vendors", "number eq 'it's'", "Syntax error"),
        ("vendors", "startswith(balance,'1')", "not supported for 'Edm.Decimal'"),
        ("vendors", "(number eq 'A'", "could not be read"),
    ],
)
def test_a_filter_the_service_cannot_take_is_a_bad_request(central, path, text, words):
    """Unknown properties, or over different fields, quotes where none belong, and plain nonsense."""
    assert words in refused(central.get(path, filter=text), 400, "BadRequest")


@pytest.mark.parametrize("text", ["status eq 'Posted'", "status eq 'In Review'"])
def test_an_enum_is_filtered_by_its_name_on_the_wire(central, text):
    """Neither a caption with a blank nor an option that is none."""
    refused(central.get("purchaseInvoices", filter=text), 400, "Application_FilterErrorException")


@pytest.mark.parametrize(
    "options", [{"search": "x"}, {"apply": "y"}, {"top": "-1"}, {"count": "maybe"}, {"orderby": "x"}]
)
def test_an_option_the_service_does_not_know_is_a_bad_request(central, options):
    """Unknown ones, and known ones with values they do not take."""
    refused(central.get("vendors", **options), 400, "BadRequest")


@pytest.mark.parametrize("query", ["tenant=x", "$filter=number eq 'A'&$filter=number eq 'B'", "company=Acme"])
def test_a_parameter_of_ones_own_is_a_bad_request(central, query):
    """Also one that is given twice."""
    refused(central.http.get(f"{central.url('vendors')}?{query}"), 400, "BadRequest")


def test_a_list_of_values_needs_the_newer_schema(central):
    """Version 2.1 has ``in``; the default has not."""
    url = f"{central.url('vendors')}?$filter=number in ('V00001','v00003','NOBODY')&$select=number"
    refused(central.http.get(url), 400, "BadRequest")
    assert numbers(told(central.http.get(f"{url}&$schemaversion=2.1"), 200)["value"]) == ["V00001", "V00003"]
    refused(central.http.get(f"{url}&$schemaversion=3.0"), 400, "BadRequest")


def test_a_selection_shows_only_what_was_asked(central):
    """The etag is always there."""
    (row,) = central.rows("vendors", select="id,number", filter="number eq 'V00001'")
    assert set(row) == {"@odata.etag", "id", "number"}
    refused(central.get("vendors", select="id,colour"), 400, "BadRequest")


def test_an_order_is_kept_over_pages(central):
    """Descending, and no row twice."""
    rows = central.rows("vendors", page=5, orderby="lastModifiedDateTime desc")
    stamps = [row["lastModifiedDateTime"] for row in rows]
    assert len({row["id"] for row in rows}) == len(rows) == 23
    assert stamps[0] > stamps[5]
    assert numbers(central.rows("vendors", page=7, orderby="number desc")) == sorted(numbers(rows), reverse=True)


def test_rows_come_by_key_not_by_date(central):
    """So a reader must not take the last row's date for the newest."""
    rows = central.rows("purchaseInvoices")
    assert numbers(rows) == sorted(numbers(rows))
    stamps = [row["lastModifiedDateTime"] for row in rows]
    assert stamps != sorted(stamps)


@pytest.mark.parametrize(
    ("options", "expected"), [({"top": 3}, 3), ({"skip": 20}, 3), ({"top": 4, "skip": 21}, 2), ({"top": 0}, 0)]
)
def test_top_and_skip_cut_a_piece_out(central, options, expected):
    """Over pages as well."""
    assert len(central.rows("vendors", **options)) == expected
    assert len(central.rows("vendors", page=2, **options)) == expected


def test_a_count_tells_how_many_there_are(central):
    """Of all rows that pass the filter, not of the page."""
    assert central.get("vendors", page=2, count="true").json()["@odata.count"] == 23
    assert central.get("vendors", count="true", filter="number gt 'V9'").json()["@odata.count"] == 3


@given(size=st.integers(1, 30), text=st.sampled_from([None, "number gt 'V00007'", "startswith(number,'V9')"]))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_pages_of_any_size_hold_every_row_once(central, size, text):
    """Whether or not the last one is empty."""
    options = {"filter": text} if text else {}
    rows = central.rows("vendors", page=size, **options)
    assert numbers(rows) == numbers(central.rows("vendors", **options))


def test_a_full_page_has_a_link_even_if_nothing_follows(central):
    """The page behind it is empty and has none (recorded)."""
    first = central.get("paymentTerms", page=4).json()
    assert len(first["value"]) == 4
    last = central.http.get(first["@odata.nextLink"], headers={"Prefer": "odata.maxpagesize=4"}).json()
    assert last["value"] == []
    assert "@odata.nextLink" not in last


def test_a_link_keeps_what_was_asked(central):
    """Filter and selection go on."""
    first = central.get("vendors", page=2, filter="number gt 'V00010'", select="number").json()
    assert re.search(
        r"\?aid=FIN&\$filter=number%20gt%20'V00010'&\$select=number&\$skiptoken=", first["@odata.nextLink"]
    )
    second = central.http.get(first["@odata.nextLink"], headers={"Prefer": "odata.maxpagesize=2"}).json()
    assert numbers(second["value"]) == ["V00013", "V00014"]


@pytest.mark.parametrize(("size", "status"), [("20001", 413), ("0", 400)])
def test_a_page_has_twenty_thousand_rows_at_most(central, size, status):
    """The largest page is also the one of whoever says nothing."""
    refused(central.get("vendors", headers={"Prefer": f"odata.maxpagesize={size}"}), status, "BadRequest")
    told(central.get("vendors", headers={"Prefer": "odata.maxpagesize=20000"}), 200)


def test_collections_are_expanded_over_two_levels(central):
    """Lines with their dimensions, and the header's own."""
    (row,) = central.rows(
        "purchaseInvoices",
        expand="dimensionSetLines,purchaseInvoiceLines($expand=dimensionSetLines;$select=id,sequence,lineObjectNumber)",
        filter="vendorInvoiceNumber eq 'BC-30001'",
    )
    line = row["purchaseInvoiceLines"][0]
    assert set(line) == {"@odata.etag", "id", "sequence", "lineObjectNumber", "dimensionSetLines"}
    assert line["dimensionSetLines"][0]["parentType"] == "Purchase_x0020_Invoice_x0020_Line"


@pytest.mark.parametrize("expand", ["colours", "purchaseInvoiceLines(", "purchaseInvoiceLines($top=1)", "vendor"])
def test_an_expansion_the_service_does_not_know_is_a_bad_request(central, expand):
    """Unknown collections, unknown options, open brackets."""
    refused(central.get("purchaseInvoices", expand=expand), 400, "BadRequest")


def test_nothing_is_null(central):
    """Missing dates, ids and text are sentinels; blank enums are encoded."""
    for row in central.rows("purchaseInvoices") + central.rows("vendors") + central.rows("approvalEntries"):
        assert None not in row.values()
    vendor = central.rows("vendors")[0]
    assert (vendor["currencyId"], vendor["website"], vendor["blocked"]) == (NO_GUID, "", "_x0020_")
    assert central.rows("approvalEntries")[0]["dueDate"] == "0001-01-01"


def test_the_local_currency_has_a_code_but_no_id(central):
    """Other currencies have both (sheet 8.3)."""
    by_currency = {row["currencyCode"]: row["currencyId"] for row in central.rows("vendors")}
    assert by_currency["USD"] == NO_GUID
    assert {"EUR", "JPY", "KWD"} <= set(by_currency)
    assert NO_GUID not in {by_currency["EUR"], by_currency["JPY"], by_currency["KWD"]}


def test_amounts_have_the_decimals_of_their_currency(central):
    """None in yen, three in Kuwaiti dinars."""
    decimals = {}
    for row in central.rows("purchaseInvoices"):
        amount = Decimal(row["totalAmountIncludingTax"])
        decimals.setdefault(row["currencyCode"], set()).add(-amount.as_tuple().exponent)
    assert decimals["JPY"] == {0}
    assert decimals["KWD"] == {3}


def test_rows_that_were_never_stamped_carry_the_first_day_of_all(central):
    """A filter by date loses them."""
    never = [row["number"] for row in central.rows("vendors") if row["lastModifiedDateTime"] == "0001-01-01T00:00:00Z"]
    assert never == ["V00011", "V90002"]
    found = central.rows("vendors", filter="lastModifiedDateTime gt 2020-01-01T00:00:00Z")
    assert len(found) == 21


@pytest.mark.parametrize(
    "path",
    [
        "purchaseInvoiceLines",
        "purchaseOrderLines",
        "purchaseCreditMemoLines",
        "vendorPayments",
        "journalLines",
        "dimensionSetLines",
        "defaultDimensions",
        "applyVendorEntries",
        "documentAttachments",
    ],
)
def test_some_sets_cannot_be_read_without_their_parent(central, path):
    """The service says so (sheet 3)."""
    refused(central.get(path), 400, "Application_DialogException")


def test_lines_can_be_read_when_their_document_is_named(central):
    """By a filter, below it, and one by one."""
    invoice = central.rows("purchaseInvoices")[-1]["id"]
    by_filter = central.rows("purchaseInvoiceLines", filter=f"documentId eq {invoice}")
    below = central.rows(f"purchaseInvoices({invoice})/purchaseInvoiceLines")
    single = told(central.get(f"purchaseInvoiceLines({below[0]['id']})"), 200)
    assert by_filter == below
    assert single["id"] == below[0]["id"]
    refused(central.get(f"purchaseInvoiceLines({invoice})"), 404, "Internal_RecordNotFound")


def test_journals_list_the_general_template_only(central):
    """A filter on the template shows the others; by id there is any batch (sheet 3)."""
    assert [row["code"] for row in central.rows("journals")] == ["DEFAULT", "MONTHEND"]
    payment = central.rows("journals", filter="templateDisplayName eq 'PAYMENT'")
    assert [row["code"] for row in payment] == ["BILL", "GENERAL"]
    assert told(central.get(f"journals({payment[0]['id']})"), 200)["code"] == "BILL"
    general = central.rows("journals")[0]["id"]
    refused(central.get(f"vendorPaymentJournals({general})"), 404, "Internal_RecordNotFound")


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("vendors(11111111-2222-4333-8444-555555555555)", 404, "Internal_RecordNotFound"),
        ("vendors('V00001')", 400, "BadRequest"),
        ("suppliers", 404, "BadRequest_ResourceNotFound"),
        ("vendors/purchaseInvoices", 404, "BadRequest_ResourceNotFound"),
    ],
)
def test_what_is_not_there_is_not_found(central, path, status, code):
    """An unknown id, a quoted key, an unknown segment."""
    refused(central.get(path), status, code)


def test_a_child_is_found_below_its_own_parent_only(central):
    """Even though its id exists."""
    first, second = central.rows("purchaseInvoices")[:2]
    line = central.rows(f"purchaseInvoices({first['id']})/purchaseInvoiceLines")[0]["id"]
    refused(
        central.get(f"purchaseInvoices({second['id']})/purchaseInvoiceLines({line})"), 404, "Internal_RecordNotFound"
    )


def test_companies_are_filtered_and_paged_as_other_lists(central):
    """The list that stands below no company."""
    everything = central.get_root("companies").json()["value"]
    named = central.get_root("companies", params={"$filter": "name eq 'Acme Services Europe'", "$select": "id"}).json()[
        "value"
    ]
    assert named == [{"id": everything[1]["id"]}]
    page = central.get_root("companies", headers={"Prefer": "odata.maxpagesize=1"}).json()
    assert central.http.get(page["@odata.nextLink"]).json()["value"] == everything[1:]
    assert told(central.get_root(f"companies({central.company})"), 200)["name"] == "Acme Services"


def test_the_metadata_name_every_set(central):
    """Types with their properties and collections."""
    text = central.get_root("$metadata").text
    assert '<EntitySet Name="purchaseInvoices" EntityType="Microsoft.NAV.purchaseInvoice"/>' in text
    assert '<Property Name="vendorInvoiceNumber" Type="Edm.String" MaxLength="35"/>' in text
    names = {row["entitySetName"] for row in central.get_root("entityDefinitions").json()["value"]}
    assert {"vendors", "journals"} <= names


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cs"], max_codepoint=0xFFFF), max_size=12))
@settings(max_examples=60)
def test_enum_names_are_encoded_without_loss(caption):
    """Unless a caption looks like a code itself, which none does."""
    name = encoded(caption)
    assert re.fullmatch(r"[A-Za-z0-9_.-]*", name)
    if not re.search(r"_x[0-9A-Fa-f]{4}_", caption):
        assert decoded(name) == caption
