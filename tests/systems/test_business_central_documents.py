"""One row of Business Central that cannot be read whole hides no other, and "not found" alone proves nothing."""

from __future__ import annotations

import pytest
import stamina
from business_central_doubles import COMPANY, BusinessCentral, error, page

from erp_sandbox import credentials
from erp_sandbox.world import World
from ml_connector.errors import NotFound, Rejected
from ml_connector.systems.business_central.client import BusinessCentralClient
from ml_connector.systems.business_central.documents import document_rows, with_lines
from ml_connector.systems.business_central.lists import read_ids, read_one
from ml_connector.systems.business_central.purchase_invoices import PurchaseInvoiceBook
from ml_connector.systems.business_central.settings import BusinessCentralSettings

ROWS = [{"id": f"{number:08d}-0000-4000-8000-000000000000", "number": str(number)} for number in range(230)]
UNKNOWN = "99999999-0000-4000-8000-000000000000"
PATH = f"companies({COMPANY})/purchaseInvoices"
REFUSALS = [
    error(404, "BadRequest_NotFound", f"Parent with ID {ROWS[0]['id']} does not exist."),
    error(404, "Internal_RecordNotFound", "The Dimension Value does not exist."),
    error(400, "Application_DialogException", "Dimension set lines are read only for parent type Purchase Invoice."),
    error(404, "BadRequest_NotFound", "Une ligne parente n'existe pas."),
    error(400, "Unknown", "\u5b58\u5728\u3057\u307e\u305b\u3093"),
    error(404, "", ""),
]
"""What a deleted dimension value is answered with: the words of sheet 8.8, and others (texts are translated)."""


@pytest.fixture(autouse=True)
def own_state(tmp_path, monkeypatch):
    """A state directory of its own, and no waiting between attempts."""
    monkeypatch.setenv("ML_CONNECTOR_STATE_DIR", str(tmp_path))
    with stamina.set_testing(True, attempts=100, cap=True):
        yield tmp_path


class Documents(BusinessCentral):
    """A list of documents, some of which cannot be expanded, or not at all beyond their ids."""

    def __init__(self, *broken, refusal=REFUSALS[0], without_lines=()):
        super().__init__()
        self.broken = {ROWS[number]["id"] for number in broken}
        self.without_lines = {ROWS[number]["id"] for number in without_lines}
        self.refusal = refusal

    def _answer(self, request):
        if request.url.host != "api.host.invalid":
            return super()._answer(request)
        self.requests.append(request)
        query = request.url.params
        expand = query.get("$expand", "")
        wanted = [row for row in ROWS if "$filter" not in query or row["id"] in query["$filter"]]
        if query.get("$select") == "id":
            return page(*({"id": row["id"]} for row in wanted))
        refused = self.broken if "dimensionSetLines" in expand else self.without_lines if expand else ()
        return self.refusal if any(row["id"] in refused for row in wanted) else page(*wanted)


def read(central):
    """Return by number whether a document came without its dimensions."""
    rows = document_rows(central.client(), PATH, with_lines("purchaseInvoiceLines"))
    return {row["number"]: row.get("dimensionsUnreadable", False) for row in rows}


@pytest.mark.parametrize("refusal", REFUSALS)
@pytest.mark.parametrize("broken", [(0,), (229,), (3, 4, 117)])
def test_documents_come_although_the_dimensions_of_some_cannot_be_read(refusal, broken):
    """Those to blame come without dimensions, and say so; whatever the refusal's status, code and language."""
    central = Documents(*broken, refusal=refusal)
    assert read(central) == {row["number"]: int(row["number"]) in broken for row in ROWS}
    assert len(central.calls) <= 5 + 18 * len(broken)
    expanded = [call.url.params.get("$expand") for call in central.calls]
    assert expanded.count("purchaseInvoiceLines") == len(broken)


def test_nothing_is_asked_twice_where_everything_can_be_read():
    """One call a page."""
    central = Documents()
    assert not any(read(central).values())
    assert len(central.calls) == 1


def test_a_document_whose_lines_cannot_be_read_either_comes_alone():
    """It is held further on, and hides no other."""
    central = Documents(5, without_lines=(5,))
    assert read(central) == {row["number"]: row["number"] == "5" for row in ROWS}


@pytest.mark.parametrize(
    "refusal",
    [
        error(400, "BadRequest", "Could not find a property named 'dimensionSetLines'."),
        error(404, "BadRequest_ResourceNotFound", "Resource not found for the segment 'purchaseInvoices'."),
        error(404, "Internal_CompanyNotFound", "Cannot find the company. The dimension is unknown."),
    ],
)
def test_what_is_refused_for_no_document_too_is_an_error(refusal):
    """The query is to blame then, not a document; it is told in the words it was first refused with."""
    central = BusinessCentral()
    central.answers = [refusal, refusal, refusal]
    with pytest.raises((Rejected, NotFound), match=r"Could not find|Resource not found|Cannot find"):
        list(document_rows(central.client(), PATH, with_lines("purchaseInvoiceLines")))
    assert len(central.calls) == 2


# Rows by id


@pytest.fixture
def box(sandbox):
    """A company with a few invoices."""
    return sandbox(World.build(vendors=3, bills=12, payments=4, lines=(1, 2)))


@pytest.fixture
def client(box):
    """A client of the sandbox."""
    config = {
        "base_url": box.business_central_base_url,
        "auth_url": box.business_central_auth_url,
        "tenant_id": credentials.BUSINESS_CENTRAL_TENANT,
        "environment": credentials.BUSINESS_CENTRAL_ENVIRONMENT,
        "client_id": credentials.BUSINESS_CENTRAL_CLIENT_ID,
        "client_secret": credentials.BUSINESS_CENTRAL_CLIENT_SECRET,
        "requests_per_minute": 60_000,
    }
    made = BusinessCentralClient(BusinessCentralSettings.from_config(config, plugin="target-business-central"))
    yield made
    made.close()


@pytest.fixture
def company(client):
    """Path of the company."""
    return client.company(credentials.BUSINESS_CENTRAL_COMPANY).path


@pytest.mark.parametrize("how", ["404", "400", "translated"])
def test_an_invoice_with_a_deleted_dimension_value_is_there(box, client, company, how):
    """It is read without its dimensions, the others with theirs; only what the list does not have is not there."""
    central = box.business_central
    central.company().setup.broken_dimension = how
    book = PurchaseInvoiceBook(client, company)
    ids = [each["id"] for each in central.records("purchaseInvoices")]
    before = book.by_ids(ids)
    coded = next(each for each in before.values() for line in each.lines if line["dimensionSetLines"])
    value = next(each["valueId"] for line in coded.lines for each in line["dimensionSetLines"])
    central.delete("dimensionValues", value)
    after = book.by_ids([UNKNOWN, *ids])
    assert set(after) == set(ids)
    for key, invoice in after.items():
        touched = any(each["valueId"] == value for line in before[key].lines for each in line["dimensionSetLines"])
        assert [line["id"] for line in invoice.lines] == [line["id"] for line in before[key].lines]
        assert all(("dimensionSetLines" in line) is not touched for line in invoice.lines)


def test_what_the_list_does_not_have_is_not_there(client, company):
    """Singly and among others."""
    assert read_one(client, f"{company}/vendors", UNKNOWN) is None
    assert read_ids(client, f"{company}/vendors", [UNKNOWN]) == {}


@pytest.mark.parametrize("path", ["companies({unknown})/vendors", "{company}/vendorz"])
def test_a_company_or_list_that_is_gone_is_no_proof(client, company, path):
    """Else all that was ever posted would count as deleted."""
    path = path.format(unknown=UNKNOWN, company=company)
    with pytest.raises(NotFound):
        read_ids(client, path, [UNKNOWN])
    with pytest.raises(NotFound):
        read_one(client, path, UNKNOWN)
