"""Tokens, addresses and environments of the Business Central stand-in (sheet 1, 2)."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest
from central_client import TOKEN_FORM, refused, token_url, told

from erp_sandbox import credentials

NOBODY = "00000000-1111-4222-8333-444444444444"


@pytest.mark.parametrize(
    ("changes", "status", "error", "number"),
    [
        ({"grant_type": "password"}, 400, "unsupported_grant_type", 70003),
        ({"grant_type": ""}, 400, "invalid_request", 900144),
        ({"client_id": NOBODY}, 400, "unauthorized_client", 700016),
        ({"client_secret": "wrong"}, 401, "invalid_client", 7000215),
        ({"scope": "https://api.businesscentral.dynamics.com"}, 400, "invalid_scope", 70011),
        ({"scope": ""}, 400, "invalid_request", 900144),
    ],
)
def test_a_wrong_token_request_is_refused_in_entras_words(box, changes, status, error, number):
    """The error, its AADSTS number in the description and among the codes."""
    answer = httpx.post(token_url(box), data={**TOKEN_FORM, **changes})
    said = answer.json()
    assert (answer.status_code, said["error"], said["error_codes"]) == (status, error, [number])
    assert said["error_description"].startswith(f"AADSTS{number}: ")
    assert {"timestamp", "trace_id", "correlation_id"} <= set(said)


def test_a_token_request_for_another_tenant_is_refused(box):
    """Entra does not know it: 400, not 401."""
    answer = httpx.post(token_url(box, NOBODY), data=TOKEN_FORM)
    assert (answer.status_code, answer.json()["error_codes"]) == (400, [90002])


def test_a_token_request_in_json_is_refused(box):
    """The body is a form."""
    assert httpx.post(token_url(box), json=TOKEN_FORM).status_code == 400


def test_a_token_comes_with_its_lifetime_and_nothing_to_refresh_it(box):
    """There is no refresh token in this flow."""
    said = httpx.post(token_url(box), data=TOKEN_FORM).json()
    assert set(said) == {"token_type", "expires_in", "ext_expires_in", "access_token"}
    assert said["expires_in"] == 3599


def test_the_lifetime_may_be_printed_as_text(box):
    """As the older endpoint prints it."""
    box.business_central.behaviour.expires_in_as_text = True
    box.business_central.behaviour.token_seconds = 60
    assert httpx.post(token_url(box), data=TOKEN_FORM).json()["expires_in"] == "60"


def test_a_token_runs_out(box, central):
    """After its lifetime Business Central answers 401, and a new token is good again."""
    told(central.get("vendors"), 200)
    box.clock.advance(timedelta(seconds=3600))
    refused(central.get("vendors"), 401, "Authentication_InvalidCredentials")
    central.renew()
    told(central.get("vendors"), 200)


def test_a_fault_lets_a_token_run_out_early(box, central, another):
    """Only the token of the call that met it."""
    other = another()
    box.faults.next("business_central", "expire_session")
    refused(central.get("vendors"), 401, "Authentication_InvalidCredentials")
    refused(central.get("vendors"), 401, "Authentication_InvalidCredentials")
    told(other.get("vendors"), 200)


@pytest.mark.parametrize("header", [None, "Bearer nonsense", "Basic YTpi", "bearer"])
def test_without_a_good_token_nothing_is_told(box, central, header):
    """No header, an invented token, another scheme."""
    if header is None:
        del central.http.headers["Authorization"]
    else:
        central.http.headers["Authorization"] = header
    refused(central.get("vendors"), 401, "Authentication_InvalidCredentials")


def test_an_app_that_is_not_registered_is_refused_with_a_good_token(box, central):
    """Business Central has a list of its own (sheet 2)."""
    box.business_central.entra.registered = False
    refused(central.get("vendors"), 401, "Authentication_InvalidCredentials")


def test_both_forms_of_the_address_lead_to_the_same_place(box, central):
    """With the tenant in the path and without it; links keep the form that was asked."""
    short = f"{box.business_central_base_url}/v2.0/production/api/v2.0/companies"
    answer = central.http.get(short)
    assert told(answer, 200)["value"] == central.get_root("companies").json()["value"]
    assert answer.json()["@odata.context"].startswith(short.removesuffix("companies"))


@pytest.mark.parametrize("environment", ["nowhere", "Production"])
def test_an_unknown_environment_is_answered_in_xml(box, central, environment):
    """Names are compared with their case."""
    answer = central.http.get(central.root.replace("/production/", f"/{environment}/") + "/companies")
    assert answer.status_code == 404
    assert "<code>NoEnvironment</code>" in answer.text


def test_another_tenant_in_the_path_is_refused(box, central):
    """A token belongs to one tenant."""
    answer = central.http.get(f"{box.business_central_base_url}/v2.0/{NOBODY}/production/api/v2.0/companies")
    refused(answer, 401, "Authentication_InvalidCredentials")


def test_there_are_two_companies_with_currencies_of_their_own(central, europe, another):
    """One keeps its books in dollars, one in euros; ids hold in copies of the environment as well."""
    assert central.one("companyInformation")["currencyCode"] == "USD"
    assert europe.one("companyInformation")["currencyCode"] == "EUR"
    copy = another(environment="sandbox")
    assert copy.company == central.company
    assert len(copy.rows("vendors")) < len(central.rows("vendors"))


@pytest.mark.parametrize("key", ["companies({other})", "companies('{own}')", "companies(x)"])
def test_only_the_bare_id_of_a_company_leads_to_it(central, key):
    """An unknown id is not found; a quoted one is a bad request."""
    path = key.format(other=NOBODY, own=central.company)
    answer = central.get_root(f"{path}/vendors")
    expected = (404, "Internal_CompanyNotFound") if "other" in key else (400, "BadRequest")
    refused(answer, *expected)


def test_environments_are_listed_only_for_an_administrator(box, central):
    """The admin centre needs rights of its own."""
    address = f"{box.business_central_base_url}/environments/v1.2"
    assert central.http.get(address).status_code == 403
    box.business_central.behaviour.lists_environments = True
    names = [row["name"] for row in central.http.get(address).json()["value"]]
    assert names == [credentials.BUSINESS_CENTRAL_ENVIRONMENT, "sandbox"]


def test_every_answer_has_ids_to_ask_support_with(central):
    """The correlation id of a refusal is that of its header."""
    answer = central.get("contact")
    assert answer.headers["ms-correlation-x"] == answer.headers["request-id"]
    assert answer.json()["error"]["message"].endswith(f"  CorrelationId:  {answer.headers['request-id']}.")


@pytest.mark.parametrize("denied", ["vendors", "GET vendors"])
def test_a_missing_permission_is_a_403(box, central, denied):
    """Of a set, or of one verb of it."""
    box.business_central.behaviour.denied.add(denied)
    refused(central.get("vendors"), 403, "Authorization_RequestDenied")
    told(central.get("accounts"), 200)
