"""Writing vendors and what belongs to them (sheet 4)."""

from __future__ import annotations

import pytest
from central_client import moment, refused, told

NO_GUID = "00000000-0000-0000-0000-000000000000"


def dimension(central, code="DEPARTMENT", value="110"):
    """Ids of a dimension and of one of its values."""
    found = central.one("dimensions", filter=f"code eq '{code}'")
    values = central.rows(f"dimensions({found['id']})/dimensionValues", filter=f"code eq '{value}'")
    return found["id"], values[0]["id"]


def test_a_vendor_is_created_with_the_defaults_of_its_template(central):
    """201, the address of the new vendor, and values nobody sent (sheet 8.3)."""
    answer = central.post("vendors", {"displayName": "New Paper Co"})
    row = told(answer, 201)
    assert answer.headers["Location"] == central.url(f"vendors({row['id']})")
    assert row["addressLine1"] != ""
    assert row["paymentTermsId"] != NO_GUID
    assert (row["number"], row["currencyCode"], row["currencyId"]) == ("V70001", "USD", NO_GUID)
    assert told(central.get(f"vendors({row['id']})"), 200)["@odata.etag"] == row["@odata.etag"]


def test_codes_are_trimmed_and_in_upper_case(central):
    """Text is not (recorded)."""
    row = told(central.post("vendors", {"number": " ext-1 ", "displayName": " Mixed Case "}), 201)
    assert (row["number"], row["displayName"]) == ("EXT-1", " Mixed Case ")


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        ({"number": "V00001"}, "Internal_EntityWithSameKeyExists", "already exists"),
        ({"number": "v00001"}, "Internal_EntityWithSameKeyExists", "already exists"),
        ({"colour": "red"}, "BadRequest", "'colour' does not exist"),
        ({"balance": 1}, "BadRequest", "Control 'balance' is read-only"),
        ({"id": "11111111-2222-4333-8444-555555555555"}, "BadRequest", "Control 'id' is read-only"),
        ({"number": "V" * 21}, "Application_StringExceededLength", "21"),
        ({"displayName": "x" * 101}, "Application_StringExceededLength", "101"),
        ({"displayName": None}, "BadRequest", "Edm.String"),
        ({"taxLiable": "true"}, "BadRequest", "Edm.Boolean"),
        ({"blocked": "Nothing"}, "BadRequest", "Edm.String"),
        ({"currencyId": "EUR"}, "BadRequest", "Edm.Guid"),
        ({"currencyCode": "XYZ"}, "Internal_InvalidTableRelation", "XYZ"),
        ({"paymentTermsId": "11111111-2222-4333-8444-555555555555"}, "Application_DialogException", "paymentTermsId"),
    ],
)
def test_a_bad_vendor_is_refused(central, body, code, words):
    """Unknown and read-only properties, wrong types, long text, codes that name nothing; nothing is kept."""
    before = len(central.rows("vendors"))
    assert words in refused(central.post("vendors", {"displayName": "New", **body}), 400, code)
    assert len(central.rows("vendors")) == before


def test_id_and_code_of_a_currency_have_to_agree(central):
    """Either alone is enough; the local one has a code only."""
    euro = central.one("currencies", filter="code eq 'EUR'")["id"]
    words = refused(
        central.post("vendors", {"currencyId": euro, "currencyCode": "JPY"}), 400, "Application_DialogException"
    )
    assert "currency values do not match" in words
    assert told(central.post("vendors", {"currencyId": euro}), 201)["currencyCode"] == "EUR"
    assert told(central.post("vendors", {"currencyCode": "usd"}), 201)["currencyId"] == NO_GUID


def test_numbers_may_have_to_come_from_the_series(box, central):
    """Then one that is given is refused."""
    box.business_central.company().setup.manual_vendor_numbers = False
    assert "manually" in refused(central.post("vendors", {"number": "MINE"}), 400, "Application_DialogException")
    told(central.post("vendors", {"displayName": "Theirs"}), 201)


@pytest.mark.parametrize("blank", [" ", "_x0020_"])
def test_a_blank_enum_is_written_either_way(central, blank):
    """And read as its name."""
    assert told(central.post("vendors", {"blocked": blank}), 201)["blocked"] == "_x0020_"


def test_a_change_needs_the_etag_of_what_was_read(box, central):
    """Missing: 400; stale: 409, or 412 where a tenant says so; the star takes anything."""
    row = central.one("vendors", filter="number eq 'V00001'")
    path = f"vendors({row['id']})"
    refused(central.patch(path, {"city": "Here"}, etag=None), 400, "BadRequest_InvalidToken")
    refused(central.patch(path, {"city": "Here"}, etag="nonsense"), 400, "BadRequest_InvalidToken")
    changed = told(central.patch(path, {"city": "Here"}, etag=row["@odata.etag"]), 200)
    assert (changed["city"], changed["@odata.etag"] != row["@odata.etag"]) == ("Here", True)
    assert moment(changed) > moment(row)
    refused(central.patch(path, {"city": "There"}, etag=row["@odata.etag"]), 409, "Request_EntityChanged")
    box.business_central.behaviour.stale_status = 412
    refused(central.patch(path, {"city": "There"}, etag=row["@odata.etag"]), 412, "Request_EntityChanged")
    told(central.patch(path, {"city": "There"}, etag="*"), 200)


def test_somebody_in_the_client_makes_an_etag_stale(box, central):
    """Their edit moves the time of the last change as well."""
    row = central.one("vendors", filter="number eq 'V00001'")
    box.business_central.edit("vendors", row["id"], city="Edited")
    refused(
        central.patch(f"vendors({row['id']})", {"city": "Mine"}, etag=row["@odata.etag"]), 409, "Request_EntityChanged"
    )
    now = central.one("vendors", filter="number eq 'V00001'")
    assert (now["city"], moment(now) > moment(row)) == ("Edited", True)


def test_a_vendor_without_entries_can_be_deleted(central):
    """One with entries stays; a deleted one leaves no trace."""
    row = told(central.post("vendors", {"displayName": "Short-lived"}), 201)
    refused(central.delete(f"vendors({row['id']})", etag=None), 400, "BadRequest_InvalidToken")
    told(central.delete(f"vendors({row['id']})", etag=row["@odata.etag"]), 204)
    refused(central.get(f"vendors({row['id']})"), 404, "Internal_RecordNotFound")
    invoice = central.rows("purchaseInvoices")[0]
    refused(central.delete(f"vendors({invoice['vendorId']})"), 400, "Application_DialogException")


def test_default_dimensions_come_with_a_new_vendor(central):
    """A deep insert; a second one of the same dimension is refused, and undoes the whole vendor."""
    department, admin = dimension(central)
    one = {"dimensionId": department, "dimensionValueId": admin, "postingValidation": "Same Code"}
    row = told(central.post("vendors", {"displayName": "Coded", "defaultDimensions": [one]}), 201)
    (default,) = central.rows(f"vendors({row['id']})/defaultDimensions")
    assert (default["dimensionCode"], default["dimensionValueCode"]) == ("DEPARTMENT", "110")
    assert (default["parentType"], default["postingValidation"]) == ("Vendor", "Same_x0020_Code")
    before = len(central.rows("vendors"))
    refused(central.post("vendors", {"defaultDimensions": [one, one]}), 400, "Internal_EntityWithSameKeyExists")
    assert len(central.rows("vendors")) == before


def test_default_dimensions_are_changed_below_their_vendor(central):
    """POST, PATCH and DELETE; a change together with the vendor is refused: there is no deep PATCH."""
    department, admin = dimension(central)
    _, finance = dimension(central, value="120")
    row = told(central.post("vendors", {"displayName": "Coded"}), 201)
    path = f"vendors({row['id']})/defaultDimensions"
    made = told(central.post(path, {"dimensionId": department, "dimensionValueId": admin}), 201)
    changed = told(central.patch(f"{path}({made['id']})", {"dimensionValueId": finance}, made["@odata.etag"]), 200)
    assert changed["dimensionValueCode"] == "120"
    deep = central.patch(f"vendors({row['id']})", {"defaultDimensions": [{"dimensionValueId": admin}]})
    assert "cannot be updated" in refused(deep, 400, "BadRequest")
    told(central.delete(f"{path}({made['id']})"), 204)
    assert central.rows(path) == []


def test_a_value_belongs_to_its_dimension(central):
    """A location is no department."""
    department, _ = dimension(central)
    _, place = dimension(central, "LOCATION", "LOC1")
    body = {"displayName": "Lost", "defaultDimensions": [{"dimensionId": department, "dimensionValueId": place}]}
    assert "dimension value does not match" in refused(
        central.post("vendors", body), 400, "Application_DialogException"
    )


@pytest.mark.parametrize("path", ["accounts", "dimensions", "dimensionValues", "generalLedgerEntries"])
def test_some_sets_are_only_read(central, path):
    """A POST is not allowed, nor a PATCH."""
    refused(central.post(path, {"displayName": "New"}), 405, "BadRequest_MethodNotAllowed")
    row = central.rows(path)[0]
    refused(central.patch(f"{path}({row['id']})", {"displayName": "New"}), 405, "BadRequest_MethodNotAllowed")


def test_tables_of_codes_can_be_written(central):
    """A code is needed, and new."""
    made = told(
        central.post("paymentTerms", {"code": "net 7", "displayName": "A week", "dueDateCalculation": "7D"}), 201
    )
    assert made["code"] == "NET 7"
    refused(central.post("paymentTerms", {"code": "NET 7"}), 400, "Internal_EntityWithSameKeyExists")
    refused(central.post("paymentTerms", {"displayName": "No code"}), 400, "Application_FieldValidationException")
    told(central.delete(f"paymentTerms({made['id']})"), 204)


@pytest.mark.parametrize(("path", "field"), [("vendors", "number"), ("paymentTerms", "code")])
def test_a_key_stays_what_it_is(central, path, field):
    """Stricter than the service, which would rename whatever refers to it."""
    row = central.rows(path)[0]
    refused(central.patch(f"{path}({row['id']})", {field: "RENAMED"}), 400, "Application_DialogException")
    told(central.patch(f"{path}({row['id']})", {field: row[field].lower()}), 200)


def test_a_currency_needs_a_rate_that_people_enter(central):
    """One made by the API has none, so nothing can be written in it."""
    told(central.post("currencies", {"code": "CHF", "displayName": "Swiss franc"}), 201)
    words = refused(
        central.post("purchaseInvoices", {"vendorNumber": "V00001", "currencyCode": "CHF", "purchaseInvoiceLines": []}),
        400,
        "Application_DialogException",
    )
    assert "Currency Exchange Rate" in words


def test_refusals_are_in_the_tenants_language_unless_english_is_asked_for(box, central):
    """Status and code are the same (sheet 3)."""
    box.business_central.behaviour.language = "de-DE"
    german = refused(central.post("vendors", {"colour": "red"}), 400, "BadRequest")
    assert "colour" not in german
    english = refused(central.post("vendors", {"colour": "red"}, **{"Accept-Language": "en-US"}), 400, "BadRequest")
    assert "colour" in english


def test_a_body_that_is_no_json_is_refused(central):
    """As is one that does not say it is JSON, and one that is no object."""
    url = central.url("vendors")
    json_type = {"Content-Type": "application/json"}
    refused(central.http.post(url, content=b"{", headers=json_type), 400, "BadRequest")
    refused(central.http.post(url, content=b"[]", headers=json_type), 400, "BadRequest")
    refused(central.http.post(url, content=b"{}", headers={"Content-Type": "text/plain"}), 415, "BadRequest")


def test_a_write_must_not_speak_of_replicas(central):
    """The header is for reading only (sheet 3)."""
    answer = central.post("vendors", {"displayName": "New"}, **{"Data-Access-Intent": "ReadWrite"})
    refused(answer, 400, "BadRequest")


def test_a_locked_table_asks_to_try_again_later(box, central):
    """A refusal that is none: the same call succeeds afterwards (sheet 7)."""
    box.business_central.behaviour.locked = 1
    words = refused(central.post("vendors", {"displayName": "Patient"}), 400, "Application_DialogException")
    assert "try again later" in words
    told(central.post("vendors", {"displayName": "Patient"}), 201)


def test_a_file_is_announced_then_filled(central):
    """First its name, then the bytes with the etag of what was announced."""
    vendor = central.rows("vendors")[0]["id"]
    path = f"vendors({vendor})/documentAttachments"
    body = {"fileName": "contract.pdf", "parentType": "Vendor", "parentId": vendor}
    made = told(central.post(path, body), 201)
    content = central.url(f"documentAttachments({made['id']})/attachmentContent")
    stale = central.http.patch(content, content=b"%PDF", headers={"Content-Type": "application/octet-stream"})
    refused(stale, 400, "BadRequest_InvalidToken")
    headers = {"Content-Type": "application/octet-stream", "If-Match": made["@odata.etag"]}
    told(central.http.patch(content, content=b"%PDF", headers=headers), 204)
    assert central.http.get(content).content == b"%PDF"
    assert central.one(path)["byteSize"] == 4
    refused(central.post(path, {"fileName": "x"}), 400, "Application_DialogException")
