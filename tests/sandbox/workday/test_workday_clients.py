"""A real SOAP library, the whole sandbox, and a WSDL served from a file."""

from __future__ import annotations

import concurrent.futures
from datetime import date
from decimal import Decimal

import httpx
import pytest
import zeep
from zeep.wsse.username import UsernameToken

from erp_sandbox import credentials
from erp_sandbox.server import Sandbox
from erp_sandbox.workday.contract import parse_version
from erp_sandbox.workday.wsdl import wsdl
from erp_sandbox.world import World

USER = f"{credentials.WORKDAY_ISU_USERNAME}@{credentials.WORKDAY_TENANT}"


def _zeep(tenant, service="Resource_Management", version="v42.2"):
    url = f"{tenant.url}{tenant.endpoint(service, version)}"
    client = zeep.Client(f"{url}?wsdl", wsse=UsernameToken(USER, credentials.WORKDAY_ISU_PASSWORD))
    bound = client.create_service(f"{{urn:com.workday/bsvc/{service}}}{service}Binding", url)
    return client, bound


def _given(id_type, value):
    return {"ID": [{"type": id_type, "_value_1": value}]}


@pytest.mark.parametrize(
    "version, number", [("v30.0", "Supplier_Reference_Number"), ("v44.2", "Suppliers_Invoice_Number")]
)
def test_zeep_posts_and_reads_an_invoice(tenant, version, number):
    """A client that builds from the served WSDL speaks the version's dialect without knowing it."""
    _, service = _zeep(tenant, version=version)
    data = {
        "Supplier_Invoice_ID": "BILL-1",
        "Submit": True,
        "Company_Reference": _given("Company_Reference_ID", "CO-100"),
        "Currency_Reference": _given("Currency_ID", "USD"),
        "Supplier_Reference": _given("Supplier_ID", "S-1"),
        "Invoice_Date": date(2026, 2, 3),
        "Control_Amount_Total": Decimal("100.00"),
        number: "INV-1",
        "Invoice_Line_Replacement_Data": [
            {
                "Line_Order": "1",
                "Spend_Category_Reference": _given("Spend_Category_ID", "Services"),
                "Extended_Amount": Decimal("100.00"),
                "Worktags_Reference": [_given("Cost_Center_Reference_ID", "CC-410")],
            }
        ],
    }
    answer = service.Submit_Supplier_Invoice(Add_Only=True, Supplier_Invoice_Data=data)
    assert {each["type"] for each in answer["Supplier_Invoice_Reference"]["ID"]} == {
        "WID",
        "Supplier_Invoice_Reference_ID",
    }
    read = service.Get_Supplier_Invoices(Response_Filter={"Page": 1, "Count": 10})
    (found,) = read["Response_Data"]["Supplier_Invoice"]
    assert found["Supplier_Invoice_Data"][0][number] == "INV-1"
    assert found["Supplier_Invoice_Data"][0]["Control_Amount_Total"] == 100


def test_zeep_sees_the_faults(tenant):
    """A refusal arrives as a fault with code and detail."""
    _, service = _zeep(tenant)
    with pytest.raises(zeep.exceptions.Fault) as caught:
        service.Submit_Supplier_Invoice(Supplier_Invoice_Data={"Submit": True})
    assert caught.value.code == "SOAP-ENV:Client.validationError"
    assert caught.value.detail is not None


def test_a_wsdl_can_be_served_from_a_file(tenant, xml, tmp_path):
    """Requests are checked against the file's schema, and both dialects of names are understood."""
    text = wsdl("Resource_Management", parse_version("v30.0"), credentials.WORKDAY_TENANT)
    path = tmp_path / "Resource_Management.wsdl"
    path.write_text(text)
    tenant.store.serve_wsdl(tmp_path)
    assert tenant.http.get(f"{tenant.endpoint()}?wsdl").text == text
    assert tenant.send(xml.invoice("v30.0"), version="v42.2").status == 200
    assert tenant.send(xml.invoice("v42.2"), version="v42.2").status == 500
    read = tenant.send(xml.get("Get_Supplier_Invoices"))
    assert read.texts("Supplier_Reference_Number") == ["INV-1"]


def test_a_missing_wsdl_file_is_said(tenant, tmp_path):
    """Naming a file that is not there fails at once."""
    with pytest.raises(FileNotFoundError):
        tenant.store.serve_wsdl(tmp_path, {"Resource_Management": "none.wsdl"})


def test_many_writers_lose_nothing(tenant):
    """Submits from many threads are all kept, each once."""

    def post(number):
        return tenant.submit(Supplier_Invoice_ID=f"B-{number % 20}", Suppliers_Invoice_Number=f"N-{number % 20}").status

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        statuses = list(pool.map(post, range(40)))
    assert sorted(statuses) == [200] * 20 + [500] * 20
    assert tenant.store.totals() == {"USD": Decimal(2000)}


@pytest.fixture
def box():
    """The whole sandbox."""
    with Sandbox(World.plain(vendors=2, bills=2)) as sandbox:
        yield sandbox


def _submit(box, xml):
    """Post an invoice to the whole sandbox; the world's own supplier, category and cost center are used."""
    store = box.workday
    supplier, category = next(iter(store.suppliers)), next(iter(store.spend_categories))
    center = next(iter(store.cost_centers))
    line = xml.line(
        Spend_Category_Reference=xml.ref("Spend_Category_Reference", "Spend_Category_ID", category),
        Worktags_Reference=xml.ref("Worktags_Reference", "Cost_Center_Reference_ID", center),
    )
    body = xml.invoice(
        Company_Reference=xml.ref("Company_Reference", "Company_Reference_ID", next(iter(store.companies))),
        Supplier_Reference=xml.ref("Supplier_Reference", "Supplier_ID", supplier),
        lines=[line],
    )
    envelope = (
        '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns:wd="urn:com.workday/bsvc">'
        f"<e:Body>{body}</e:Body></e:Envelope>"
    )
    token = httpx.post(
        f"{box.workday_base_url}/ccx/oauth2/{store.tenant}/token",
        data={"grant_type": "refresh_token", "refresh_token": credentials.WORKDAY_REFRESH_TOKEN},
        auth=(credentials.WORKDAY_CLIENT_ID, credentials.WORKDAY_CLIENT_SECRET),
    ).json()["access_token"]
    return httpx.post(
        f"{box.workday_base_url}/ccx/service/{store.tenant}/Resource_Management/v42.2",
        content=envelope,
        headers={"Content-Type": "text/xml", "Authorization": f"Bearer {token}"},
    )


@pytest.mark.parametrize("kind, written", [("drop_before", 0), ("drop_after", 1)])
def test_a_dropped_connection_leaves_the_outcome_open(box, xml, kind, written):
    """The caller sees the same cut connection whether the invoice was written or not."""
    box.faults.next("workday", kind, side="writes")
    with pytest.raises(httpx.TransportError):
        _submit(box, xml)
    assert box.workday.count() == written


def test_the_whole_sandbox_serves_workday(box, xml):
    """The tenant stands below /workday of the sandbox."""
    answer = _submit(box, xml)
    assert answer.status_code == 200, answer.text
    assert box.workday.count() == 1
