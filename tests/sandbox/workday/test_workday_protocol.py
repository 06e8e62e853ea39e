"""Envelopes, credentials, versions, WSDLs, tokens and overload."""

from __future__ import annotations

import base64
from datetime import timedelta

import pytest
from lxml import etree

from erp_sandbox import credentials
from erp_sandbox.workday import wsdl

ISU = f"{credentials.WORKDAY_ISU_USERNAME}@{credentials.WORKDAY_TENANT}"
XSD = "{http://www.w3.org/2001/XMLSchema}"
BASIC = base64.b64encode(f"{credentials.WORKDAY_CLIENT_ID}:{credentials.WORKDAY_CLIENT_SECRET}".encode()).decode()


def _token(tenant, *, refresh=credentials.WORKDAY_REFRESH_TOKEN, basic=BASIC, name=credentials.WORKDAY_TENANT, **more):
    headers = {"Authorization": f"Basic {basic}"} if basic else {}
    form = {"grant_type": "refresh_token", "refresh_token": refresh, **more}
    return tenant.http.post(f"/workday/ccx/oauth2/{name}/token", data=form, headers=headers)


def _bearer(token):
    return {"Authorization": f"Bearer {token}"}


def _suppliers(tenant, xml, **kwargs):
    return tenant.send(xml.get("Get_Suppliers"), **kwargs)


@pytest.mark.parametrize(
    "username, password, kind",
    [
        (ISU, "wrong", None),
        (credentials.WORKDAY_ISU_USERNAME, None, None),
        (f"{credentials.WORKDAY_ISU_USERNAME}@other", None, None),
        (f"{ISU}@{credentials.WORKDAY_TENANT}", None, None),
        ("nobody@acme_dpt1", None, None),
        (ISU, None, "urn:PasswordDigest"),
    ],
)
def test_wrong_credentials_are_one_fault(tenant, xml, username, password, kind):
    """Whatever is wrong with a user name or password, the words and the HTTP 500 are the same."""
    given = {"password": password} if password else {}
    given |= {"kind": kind} if kind else {}
    answer = _suppliers(tenant, xml, header=tenant.security(username, **given))
    assert (answer.status, answer.code, answer.string) == (
        500,
        "SOAP-ENV:Client.authenticationError",
        "invalid username or password",
    )


def test_no_credentials_are_wrong_credentials(tenant, xml):
    """A request without a header is not let in; a tenant may answer 401 as well."""
    assert _suppliers(tenant, xml, header="").status == 500
    tenant.store.behaviour.authentication_status = 401
    assert _suppliers(tenant, xml, header="").status == 401


def test_a_bearer_token_opens_soap(tenant, xml):
    """A token from the token endpoint replaces the WS-Security header."""
    granted = _token(tenant).json()
    assert granted["token_type"] == "Bearer"
    assert granted["expires_in"] == 3600
    assert _suppliers(tenant, xml, header="", headers=_bearer(granted["access_token"])).status == 200


@pytest.mark.parametrize("end", ["expire", "revoke"])
def test_a_dead_token_is_an_authentication_fault(tenant, xml, clock, end):
    """After its time, or when sessions are expired, a token opens nothing; the refresh token still works."""
    token = _token(tenant).json()["access_token"]
    if end == "expire":
        clock.advance(timedelta(seconds=3601))
    else:
        tenant.faults.next("workday", "expire_session")
    answer = _suppliers(tenant, xml, header="", headers=_bearer(token))
    assert answer.code == "SOAP-ENV:Client.authenticationError"
    fresh = _token(tenant).json()["access_token"]
    assert _suppliers(tenant, xml, header="", headers=_bearer(fresh)).status == 200


@pytest.mark.parametrize(
    "wrong, status, error",
    [
        ({"refresh": "stolen"}, 400, "invalid_grant"),
        ({"basic": None}, 401, "invalid_client"),
        ({"basic": "nonsense"}, 401, "invalid_client"),
        ({"basic": base64.b64encode(b"someone:else").decode()}, 401, "invalid_client"),
        ({"basic": None, "client_id": credentials.WORKDAY_CLIENT_ID}, 401, "invalid_client"),
        ({"grant_type": "client_credentials"}, 400, "unsupported_grant_type"),
    ],
)
def test_a_refused_token_request_says_why(tenant, wrong, status, error):
    """Token errors are JSON with an error code."""
    answer = _token(tenant, **wrong)
    assert (answer.status_code, answer.json()["error"]) == (status, error)


def test_the_token_endpoint_of_another_tenant_is_not_there(tenant):
    """A wrong tenant in the URL is 404."""
    assert _token(tenant, name="acme").status_code == 404


def test_client_credentials_may_have_to_stand_in_the_body(tenant):
    """Switched to body, the Basic header alone does not identify the client."""
    tenant.store.api_client.client_auth = "body"
    assert _token(tenant).status_code == 401
    body = {"client_id": credentials.WORKDAY_CLIENT_ID, "client_secret": credentials.WORKDAY_CLIENT_SECRET}
    assert _token(tenant, basic=None, **body).status_code == 200


def test_a_rotated_refresh_token_kills_the_old_one(tenant):
    """With rotation only the newest refresh token works."""
    tenant.store.api_client.rotate = True
    second = _token(tenant).json()["refresh_token"]
    assert _token(tenant).json()["error"] == "invalid_grant"
    assert _token(tenant, refresh=second).status_code == 200


def test_a_lifetime_may_come_as_text(tenant):
    """Some endpoints print expires_in as a JSON string."""
    tenant.store.api_client.expires_in_as_text = True
    assert _token(tenant).json()["expires_in"] == "3600"


def test_a_forbidden_operation_is_not_authorized(tenant, xml):
    """Permission is per operation: reading may work while submitting does not."""
    tenant.store.forbid("Submit_Supplier_Invoice")
    answer = tenant.submit()
    assert (answer.status, answer.code) == (500, "SOAP-ENV:Server.processingError")
    assert answer.string == "Processing error occurred. The task submitted is not authorized."
    assert answer.texts("Detail_Message") == ["The task submitted is not authorized."]
    assert tenant.send(xml.get("Get_Supplier_Invoices")).status == 200
    tenant.store.allow("Submit_Supplier_Invoice")
    assert tenant.submit().status == 200


def test_a_blind_user_sees_nothing_without_a_fault(tenant, xml):
    """Until a security change is activated a Get answers an empty result."""
    tenant.store.blind("Get_Suppliers")
    answer = _suppliers(tenant, xml)
    assert (answer.status, answer.texts("Total_Results")) == (200, ["0"])


@pytest.mark.parametrize(
    "service, version, status",
    [
        ("Resource_Management", "v28.0", 200),
        ("Resource_Management", "v46.1", 200),
        ("Resource_Management", "v46.2", 410),
        ("Resource_Management", "v27.1", 410),
        ("Resource_Management", "v99.0", 410),
        ("Resource_Management", "42.2", 410),
        ("Human_Resources", "v42.2", 410),
    ],
)
def test_versions_and_services_not_served_are_gone(tenant, xml, service, version, status):
    """A call to an unknown service or version is 410; its WSDL is HTTP 500."""
    assert _suppliers(tenant, xml, service=service, version=version).status == status
    described = tenant.http.get(f"{tenant.endpoint(service, version)}?wsdl")
    assert described.status_code == (200 if status == 200 else 500)


@pytest.mark.parametrize("service", ["Resource_Management", "Financial_Management"])
def test_every_version_has_a_schema_that_compiles(service):
    """The description makes a valid schema in all versions."""
    for major in range(28, 47):
        assert wsdl.schema(service, (major, 0)) is not None


def test_the_body_may_not_name_another_version(tenant, xml):
    """A wd:version that differs from the URL is the version fault."""
    body = xml.get("Get_Suppliers").replace("_Request>", '_Request wd:version="v40.0">', 1)
    assert _suppliers(tenant, xml).status == 200
    answer = tenant.send(body)
    assert "The web service or version is invalid for the requested operation" in answer.string
    assert tenant.send(body, version="v40.0").status == 200


def test_an_operation_of_another_service_is_unknown(tenant, xml):
    """Each service serves its own operations only."""
    answer = tenant.send(xml.get("Get_Cost_Centers"))
    assert (answer.status, answer.code) == (500, "SOAP-ENV:Client.validationError")
    assert tenant.finance(xml.get("Get_Cost_Centers")).status == 200


@pytest.mark.parametrize(
    "content",
    [
        "not xml",
        '<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>',
        "<x/>",
        '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body/></e:Envelope>',
        '<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Body><x/></e:Body></e:Envelope>',
    ],
)
def test_what_is_no_envelope_is_refused(tenant, content):
    """Broken XML, entities, SOAP 1.2 and empty bodies are faults, never a crash."""
    answer = tenant.send_text(content)
    assert answer.status == 500
    assert answer.code.startswith("SOAP-ENV:Client")


def test_soap_travels_as_text_xml(tenant, xml):
    """Another content type is not accepted."""
    assert _suppliers(tenant, xml, headers={"Content-Type": "application/soap+xml"}).status == 415


SCHEMA = [
    pytest.param(lambda x: x.replace("<wd:Submit>true</wd:Submit>", "<wd:Submit>yes</wd:Submit>"), id="wrong type"),
    pytest.param(lambda x: x.replace("wd:type=", "type="), id="unqualified attribute"),
    pytest.param(lambda x: x.replace("Invoice_Date>", "Date_Of_Invoice>"), id="unknown element"),
    pytest.param(
        lambda x: x.replace("<wd:Submit>true</wd:Submit>", "").replace(
            "</wd:Supplier_Invoice_Data>", "<wd:Submit>true</wd:Submit></wd:Supplier_Invoice_Data>"
        ),
        id="wrong order",
    ),
    pytest.param(lambda x: x.replace("100.00", "100.0000001"), id="too many digits"),
    pytest.param(lambda x: x.replace("2026-02-03", "03.02.2026"), id="no date"),
    pytest.param(lambda x: x.replace("2026-02-03", "12026-02-03"), id="no date of this calendar"),
]


@pytest.mark.parametrize("spoil", SCHEMA)
def test_a_request_must_fit_the_schema(tenant, xml, spoil):
    """Order, names, types and qualification are enforced."""
    answer = tenant.send(spoil(xml.invoice()))
    assert (answer.status, answer.code) == (500, "SOAP-ENV:Client.validationError")
    assert tenant.store.count() == 0


@pytest.mark.parametrize("version, old", [("v30.0", True), ("v32.1", True), ("v33.0", False), ("v44.2", False)])
def test_the_suppliers_number_has_its_name_of_the_version(tenant, version, old):
    """The rename happened once; the other name does not exist in a version."""
    right, wrong = ("Supplier_Reference_Number", "Suppliers_Invoice_Number")[:: 1 if old else -1]
    described = tenant.http.get(f"{tenant.endpoint(version=version)}?wsdl").content
    names = {element.get("name") for element in etree.fromstring(described).iter(f"{XSD}element")}
    assert right in names
    assert wrong not in names
    assert tenant.submit(version).status == 200
    assert tenant.store.invoices[0].suppliers_invoice_number == "INV-1"


def test_the_wsdl_is_served_to_anyone_and_names_the_tenants_own_host(tenant):
    """Fetching needs no credentials; the address inside is the data center's, not the one asked."""
    answer = tenant.http.get(f"{tenant.endpoint()}?wsdl")
    assert answer.status_code == 200
    (address,) = etree.fromstring(answer.content).iter("{http://schemas.xmlsoap.org/wsdl/soap/}address")
    assert address.get("location") == (
        "https://wd5-impl-services1.workday.com/ccx/service/acme_dpt1/Resource_Management/v42.2"
    )
    assert tenant.http.get(tenant.endpoint()).status_code == 405
    assert tenant.http.get(f"{tenant.endpoint(tenant='other')}?wsdl").status_code == 404


def test_overload_is_html_without_a_fault(tenant, xml):
    """An overloaded tenant answers 500 or 429 with a page, no Retry-After, and does nothing."""
    for kind, status in (("error_500", 500), ("throttle", 429)):
        tenant.faults.next("workday", kind, side="writes")
        assert _suppliers(tenant, xml).status == 200
        answer = tenant.submit()
        assert (answer.status, "<html>" in answer.text, "Fault" in answer.text) == (status, True, False)
    assert tenant.store.count() == 0


def test_many_invalid_requests_get_a_client_throttled(tenant, xml, clock):
    """After so many validation faults in a minute everything is 429 for a while."""
    tenant.store.behaviour.invalid_requests_per_minute = 3
    for _ in range(3):
        assert tenant.submit(Company_Reference=None).status == 500
    assert _suppliers(tenant, xml).status == 429
    clock.advance(timedelta(seconds=61))
    assert _suppliers(tenant, xml).status == 200
