"""Custom reports and the query language: who may ask, what is answered, what is refused."""

from __future__ import annotations

import base64
import datetime as dt
from decimal import Decimal

import pytest

from erp_sandbox import credentials
from erp_sandbox.workday.documents import Invoice, InvoiceLine

REPORT = "/workday/ccx/service/customreport2/acme_dpt1/ap_admin/Active_Suppliers"
WQL = "/workday/api/wql/v1/acme_dpt1/data"
PAID = (
    "SELECT workdayID FROM supplierInvoices (dataSourceFilter = supplierInvoicesFilter) "
    "WHERE {field} = true AND invoiceDate >= '2026-01-01'"
)
LINES = (
    "SELECT supplierInvoiceDocument, lastUpdated FROM supplierInvoiceLines "
    "(dataSourceFilter = supplierInvoiceLinesForHeaderCompanyFilter, company = {company}) WHERE lastUpdated >= '{since}'"
)


def basic(
    user=f"{credentials.WORKDAY_ISU_USERNAME}@{credentials.WORKDAY_TENANT}", password=credentials.WORKDAY_ISU_PASSWORD
):
    """A Basic header."""
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


@pytest.fixture
def bearer(tenant):
    """A Bearer header of a live token."""
    form = {"grant_type": "refresh_token", "refresh_token": credentials.WORKDAY_REFRESH_TOKEN}
    login = (credentials.WORKDAY_CLIENT_ID, credentials.WORKDAY_CLIENT_SECRET)
    token = tenant.http.post("/workday/ccx/oauth2/acme_dpt1/token", data=form, auth=login).json()["access_token"]
    return {"Authorization": f"Bearer {token}"}


def add_invoice(store, number, updated_at):
    """Keep an invoice of two lines."""
    lines = [InvoiceLine(f"L{n}", str(n), "x", "Services", Decimal(1), Decimal(5), Decimal(5), "", {}) for n in (1, 2)]
    store.add_invoice(
        Invoice(
            "", f"B-{number}", f"B-{number}", "CO-100", "USD", "S-1", f"N-{number}", dt.date(2026, 1, number),
            Decimal(10), "APPROVED", submitted=True, locked=False, created_at=updated_at, updated_at=updated_at,
            lines=lines,
        )
    )  # fmt: skip


def test_a_report_is_served_to_the_isu_and_to_an_api_client(tenant, bearer):
    """Either kind of credentials will do."""
    for headers in (basic(), bearer):
        answer = tenant.http.get(REPORT, params={"format": "json"}, headers=headers)
        assert [row["Supplier_ID"] for row in answer.json()["Report_Entry"]] == ["S-1", "S-2", "S-4"]


@pytest.mark.parametrize(
    "headers",
    [{}, basic(password="wrong"), basic("ISU_AP"), {"Authorization": "Basic !"}, {"Authorization": "Bearer x"}],
)
def test_nobody_else_is_served(tenant, headers):
    """A wrong login, a login without its tenant, a dead token."""
    assert tenant.http.get(REPORT, params={"format": "json"}, headers=headers).status_code == 401


def test_prompts_choose_rows(tenant):
    """By the value of a column; a prompt the report does not have is refused."""
    chosen = tenant.http.get(REPORT, params={"format": "json", "Supplier_ID": "S-2"}, headers=basic())
    assert len(chosen.json()["Report_Entry"]) == 1
    refused = tenant.http.get(REPORT, params={"format": "json", "Nonsense": "1"}, headers=basic())
    assert refused.status_code == 400


def test_an_unknown_report_is_not_found(tenant):
    """As is one of another owner."""
    for path in (REPORT.replace("Active", "No"), REPORT.replace("ap_admin", "nobody")):
        assert tenant.http.get(path, params={"format": "json"}, headers=basic()).status_code == 404


def test_a_query_finds_the_lines_that_changed(tenant, bearer):
    """With the document of each, as id and descriptor."""
    early, late = (dt.datetime(2026, 1, day, tzinfo=dt.UTC) for day in (1, 10))
    add_invoice(tenant.store, 1, early)
    add_invoice(tenant.store, 2, late)
    company = tenant.store.instances.get("Company", "CO-100").wid
    query = LINES.format(company=company, since="2026-01-05T00:00:00Z")
    answer = tenant.http.get(WQL, params={"query": query}, headers=bearer).json()
    assert answer["total"] == 2
    assert {row["supplierInvoiceDocument"]["descriptor"] for row in answer["data"]} == {"B-2"}


def test_a_query_is_answered_in_parts(tenant, bearer):
    """By limit and offset; the total is that of all."""
    for number in range(1, 4):
        add_invoice(tenant.store, number, dt.datetime(2026, 1, number, tzinfo=dt.UTC))
    query = (
        "SELECT workdayID, invoiceNumber FROM supplierInvoices (dataSourceFilter = supplierInvoicesFilter) "
        "WHERE isCanceled = false AND invoiceDate >= '2026-01-01'"
    )
    parts = [
        tenant.http.get(WQL, params={"query": query, "limit": 2, "offset": offset}, headers=bearer).json()
        for offset in (0, 2)
    ]
    assert [(part["total"], len(part["data"])) for part in parts] == [(3, 2), (3, 1)]


def test_a_query_needs_an_api_client(tenant):
    """The ISU's password is not taken."""
    assert tenant.http.get(WQL, params={"query": "x"}, headers=basic()).status_code == 401


@pytest.mark.parametrize(
    "query, words",
    [
        ("nonsense", "cannot be read"),
        ("SELECT a FROM nothing", "no data source"),
        ("SELECT a FROM supplierInvoices (dataSourceFilter = supplierInvoicesFilter)", "no field a"),
        ("SELECT workdayID FROM supplierInvoices", "needs the filter"),
        (LINES.format(company="x", since="2026-01-01"), "not a valid value of the prompt"),
        (
            "SELECT workdayID FROM supplierInvoices (dataSourceFilter = supplierInvoicesFilter) WHERE paid LIKE 'x'",
            "cannot be read",
        ),
    ],
)
def test_a_query_that_makes_no_sense_is_refused(tenant, bearer, query, words):
    """In words that say what is wrong."""
    answer = tenant.http.get(WQL, params={"query": query}, headers=bearer)
    assert answer.status_code == 400
    assert words in answer.json()["error"]


@pytest.mark.parametrize("limit", ["0", "10001", "many"])
def test_the_limit_has_limits(tenant, bearer, limit):
    """From 1 to 10,000."""
    assert tenant.http.get(WQL, params={"query": "x", "limit": limit}, headers=bearer).status_code == 400


def test_faults_meet_reports_and_queries_too(tenant):
    """An overloaded tenant answers 429 without a word on when to come back."""
    tenant.faults.next("workday", "throttle")
    answer = tenant.http.get(REPORT, params={"format": "json"}, headers=basic())
    assert answer.status_code == 429
    assert "retry-after" not in answer.headers


@pytest.mark.parametrize(
    ("amount", "status", "expected"),
    [("4", "Complete", "invoiceIsPartiallyPaid"), ("10", "Complete", "invoiceIsPaid"), ("10", "Voided", None)],
)
def test_a_query_tells_what_is_paid(tenant, bearer, amount, status, expected):
    """In part, or wholly; a voided payment pays nothing."""
    add_invoice(tenant.store, 1, dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    tenant.store.pay_invoice("B-1", Decimal(amount), status=status)
    for field in ("invoiceIsPartiallyPaid", "invoiceIsPaid"):
        query = PAID.format(field=field)
        answer = tenant.http.get(WQL, params={"query": query}, headers=bearer)
        assert answer.json()["total"] == int(field == expected), answer.text
