"""Tokens, reads and writes of Business Central: what is asked how often, and what a failure means."""

from __future__ import annotations

import json
import threading
import urllib.parse
from decimal import Decimal

import httpx
import pytest
import stamina
from business_central_doubles import CONFIG, SERVICE, BusinessCentral, entra_error, error, page, settings

from ml_connector.errors import (
    Conflict,
    CredentialsRefused,
    NotFound,
    OutcomeUnknown,
    PermissionDenied,
    Rejected,
    SettingInvalid,
    Throttled,
    Unavailable,
)
from ml_connector.systems.business_central.batch import BatchRequest
from ml_connector.systems.business_central.client import REPORTS_FINANCE
from ml_connector.systems.business_central.errors import EntityChanged
from ml_connector.systems.business_central.settings import BusinessCentralSettings


@pytest.fixture(autouse=True)
def own_state(tmp_path, monkeypatch):
    """A state directory of its own, and no waiting between attempts."""
    monkeypatch.setenv("ML_CONNECTOR_STATE_DIR", str(tmp_path))
    with stamina.set_testing(True, attempts=100, cap=True):
        yield tmp_path


@pytest.fixture
def central():
    """Business Central, scripted."""
    return BusinessCentral()


@pytest.fixture
def recorded(contracts_dir):
    """Reads a recorded answer."""
    return lambda name: (contracts_dir / "business-central" / "samples-recorded" / name).read_bytes()


# Tokens


def test_a_token_is_asked_for_with_the_credentials_of_the_app(central):
    """Form, scope and address are those of Entra's endpoint for services."""
    central.client().get("companies")
    login, call = central.requests
    assert str(login.url) == "https://login.host.invalid/acme.invalid/oauth2/v2.0/token"
    assert dict(urllib.parse.parse_qsl(login.content.decode())) == {
        "grant_type": "client_credentials",
        "client_id": "app-1",
        "client_secret": "secret-of-the-app",
        "scope": "https://api.businesscentral.dynamics.com/.default",
    }
    assert call.headers["authorization"] == "Bearer token-1"
    assert call.headers["accept-language"] == "en-US"


def test_one_token_serves_all_clients_of_the_machine(central):
    """The second client finds the token of the first."""
    central.client().get("companies")
    central.client().get("companies")
    assert len(central.logins) == 1


@pytest.mark.parametrize(("life", "logins"), [(3599, 1), ("3644", 1), (1, 2), (None, 1)])
def test_a_token_is_renewed_before_it_ends(central, monkeypatch, life, logins):
    """Five minutes before, or when half of a short life is over; lifetimes come as numbers or as text."""
    central.tokens = [httpx.Response(200, json={"access_token": f"t{n}", "expires_in": life}) for n in range(2)]
    client = central.client()
    client.get("companies")
    if life == 1:
        threading.Event().wait(0.6)
    client.get("companies")
    assert len(central.logins) == logins


def test_a_refused_token_is_replaced_once(central):
    """The call is repeated with another token."""
    central.answers = [error(401, "Authentication_InvalidCredentials")]
    central.client().get("companies")
    assert [call.headers["authorization"] for call in central.calls] == ["Bearer token-1", "Bearer token-2"]


def test_a_second_refusal_is_final(central):
    """No loop: whoever is not known to the environment stays so, and is told where to look."""
    central.answers = [error(401, "Authentication_InvalidCredentials")] * 2
    with pytest.raises(CredentialsRefused) as refused:
        central.client().get("companies")
    assert (len(central.calls), len(central.logins)) == (2, 2)
    assert "Microsoft Entra applications" in refused.value.cure


@pytest.mark.parametrize(
    ("number", "cure"),
    [(7000215, "value of the secret"), (90002, "tenant_id"), (700016, "client_id"), (1, "client_id")],
)
def test_a_refusal_of_entra_is_not_repeated(central, number, cure):
    """Not even by later calls; its words are quoted without traces, and no secret is in them."""
    central.tokens = [entra_error(number)]
    client = central.client()
    for _ in range(3):
        with pytest.raises(CredentialsRefused, match=f"AADSTS{number}: said Entra.$") as refused:
            client.get("companies")
    assert len(central.requests) == 1
    assert cure in refused.value.cure
    assert "secret-of-the-app" not in str(refused.value)


def test_entra_being_down_is_waited_for(central):
    """A technical failure is not a refusal."""
    central.tokens = [httpx.Response(503, text="<html><title>busy</title></html>"), httpx.ReadTimeout("slow")]
    central.client().get("companies")
    assert len(central.logins) == 3


# Reads


def test_a_path_is_below_the_service_root_or_the_environment(central):
    """The form of address that names the tenant; other APIs are siblings."""
    client = central.client()
    client.get("companies(1)/vendors", {"$filter": "displayName eq 'A & B''s + 1'", "$top": "1"})
    client.get(f"{REPORTS_FINANCE}/companies(1)/vendorLedgerEntries")
    first, second = central.calls
    assert str(first.url).startswith(f"{SERVICE}/companies(1)/vendors?$filter=displayName%20eq%20")
    assert first.url.params["$filter"] == "displayName eq 'A & B''s + 1'"
    assert second.url.path == (
        "/v2.0/acme.invalid/production/api/microsoft/reportsFinance/beta/companies(1)/vendorLedgerEntries"
    )


@pytest.mark.parametrize(
    ("replica", "fresh", "intent"),
    [(True, False, "ReadOnly"), (True, True, "ReadWrite"), (False, False, "ReadWrite")],
)
def test_reads_say_which_copy_may_answer(central, replica, fresh, intent):
    """A copy only where it is allowed, and never when a write depends on it."""
    central.client(read_replica=replica).get("companies", fresh=fresh)
    assert central.calls[0].headers["data-access-intent"] == intent


def test_values_are_decoded_and_exact(central):
    """Enum names are spelt out, sentinels are None, amounts keep their decimals, people's text stays."""
    row = {
        "@odata.etag": 'W/"1"',
        "blocked": "_x0020_",
        "status": "In_x0020_Review",
        "accountType": "G_x002F_L_x0020_Account",
        "description": "_x0020_",
        "dueDate": "0001-01-01",
        "lastModifiedDateTime": "0001-01-01T00:00:00Z",
        "currencyId": "00000000-0000-0000-0000-000000000000",
        "city": "",
        "lines": [{"documentType": "Credit_x0020_Memo", "itemId": "00000000-0000-0000-0000-000000000000"}],
    }
    body = json.dumps(row)[:-1] + ', "amount": 101.10, "whole": 101}'
    central.answers = [httpx.Response(200, text=body)]
    found = central.client().get("companies(1)/vendors(2)")
    assert (found["amount"], str(found["amount"]), found["whole"]) == (Decimal("101.10"), "101.10", 101)
    assert {name: found[name] for name in row if name not in ("@odata.etag", "lines")} == {
        "blocked": None,
        "status": "In Review",
        "accountType": "G/L Account",
        "description": "_x0020_",
        "dueDate": None,
        "lastModifiedDateTime": None,
        "currencyId": None,
        "city": None,
    }
    assert found["lines"] == [{"documentType": "Credit Memo", "itemId": None}]


def test_ids_and_times_read_alike_however_they_are_written(central):
    """A GUID in upper case is the same one, and the year 1 is no time with decimals either; people's text stays."""
    guid = "ABCDEF01-2345-4678-9ABC-DEF012345678"
    row = {"id": guid, "payToVendorId": guid, "description": guid, "lastModifiedDateTime": "0001-01-01T00:00:00.000Z"}
    central.answers = [httpx.Response(200, json=row)]
    assert central.client().get("companies(1)/vendors(2)") == {
        "id": guid.lower(),
        "payToVendorId": guid.lower(),
        "description": guid,
        "lastModifiedDateTime": None,
    }


@pytest.mark.parametrize(
    "failure",
    [
        error(429, "Application_TooManyRequests"),
        error(503, "Internal_TenantUnavailable", **{"retry-after": "1"}),
        error(500, "Internal_ServerError"),
        error(502, "Unknown"),
        error(409, "Request_EntityChanged"),
        error(400, "Unknown", "The table is locked. Please try again later."),
        httpx.Response(200, text="<html>gateway</html>"),
        httpx.Response(504, text="<html><title>Gateway Timeout</title></html>"),
        httpx.ReadError("dropped"),
        httpx.ReadTimeout("slow"),
    ],
)
def test_a_read_that_failed_for_a_while_is_tried_again(central, failure):
    """Whatever is technical passes."""
    central.answers = [failure]
    assert central.client().get("companies")["value"] == []
    assert len(central.calls) == 2


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (error(403, "Authorization_RequestDenied"), PermissionDenied),
        (error(404, "BadRequest_ResourceNotFound"), NotFound),
        (error(404, "Internal_RecordNotFound"), NotFound),
        (error(400, "Internal_CompanyNotFound"), NotFound),
        (error(400, "BadRequest"), Rejected),
        (error(405, "BadRequest_MethodNotAllowed"), Rejected),
        (error(501, "BadRequest_MethodNotImplemented"), Rejected),
        (error(413, "Unknown"), Rejected),
    ],
)
def test_a_read_that_is_refused_is_not_repeated(central, failure, kind):
    """Its words are quoted without the id of the call."""
    central.answers = [failure]
    with pytest.raises(kind, match=r"said Business Central$") as refused:
        central.client().get("companies(1)/vendors")
    assert len(central.calls) == 1
    assert refused.value.operation == "GET vendors"


def test_recorded_refusals_are_understood(central, recorded):
    """JSON and XML as the live service sent them."""
    central.answers = [
        httpx.Response(400, content=recorded("error.400-unknown-filter-property.json")),
        httpx.Response(404, content=recorded("error.404-resource-not-found.json")),
        httpx.Response(404, content=recorded("error.no-environment.xml")),
    ]
    client = central.client()
    with pytest.raises(Rejected, match=r"type 'Microsoft.NAV.balanceSheet'\.$"):
        client.get("companies")
    with pytest.raises(NotFound, match=r"segment 'contact'\.$"):
        client.get("companies")
    with pytest.raises(SettingInvalid, match='no environment "production"'):
        client.get("companies")


def test_recorded_pages_are_read_to_their_empty_end(central, recorded):
    """The link is followed as it is, when it leads to the host of the settings."""
    first = recorded("paging.customers.page1.json").replace(b"api.businesscentral.dynamics.com", b"api.host.invalid")
    link = json.loads(first)["@odata.nextLink"]
    central.answers = [
        httpx.Response(200, content=first),
        httpx.Response(200, content=recorded("paging.customers.page2-empty.json")),
    ]
    rows = list(central.client().rows("companies(1)/customers"))
    assert [row["number"] for row in rows] == ["10000", "20000"]
    assert rows[0]["blocked"] is None
    assert str(central.calls[1].url) == link


# Writes


@pytest.mark.parametrize(
    "failure",
    [
        error(408, "Unknown"),
        error(500, "Internal_ServerError"),
        error(503, "Unknown"),
        error(504, "Unknown"),
        error(400, "Unknown", "The table is locked. Please try again later."),
        error(409, "Request_EntityChanged"),
        httpx.Response(201, text="<html>"),
        httpx.ReadTimeout("slow"),
        httpx.RemoteProtocolError("dropped"),
    ],
)
def test_a_write_that_may_have_been_done_is_not_repeated(central, failure):
    """Whoever sent it has to look first."""
    central.answers = [failure]
    with pytest.raises(OutcomeUnknown):
        central.client().post("companies(1)/vendors", {"displayName": "A"})
    assert len(central.calls) == 1


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (error(429, "Application_TooManyRequests"), Throttled),
        (httpx.ConnectError("refused"), Unavailable),
        (error(409, "Request_EntityChanged"), EntityChanged),
        (error(412, "Unknown"), EntityChanged),
        (error(400, "Internal_EntityWithSameKeyExists"), Conflict),
        (error(400, "Application_DialogException", "Purchase Invoice X already exists for this vendor."), Conflict),
        (error(400, "Application_DialogException"), Rejected),
        (error(400, "BadRequest_InvalidToken"), Rejected),
    ],
)
def test_a_write_that_certainly_was_not_done_is_told_as_such(central, failure, kind):
    """None of them is repeated by the client."""
    central.answers = [failure]
    with pytest.raises(kind) as refused:
        central.client().patch("companies(1)/vendors(2)", {"displayName": "A"}, 'W/"1"')
    assert type(refused.value) is kind
    assert len(central.calls) == 1


def test_writes_carry_what_they_must(central):
    """Order of properties and exact amounts, etags, empty bodies of actions, no word of a copy of the database."""
    central.answers = [httpx.Response(201, json={"id": "v"}), httpx.Response(200, json={"id": "v"})]
    central.answers += [httpx.Response(204)] * 2
    client = central.client(read_replica=True)
    assert client.post("companies(1)/x", {"quantity": 1, "amount": Decimal("12.50"), "a": "b"}) == {"id": "v"}
    client.patch("companies(1)/x(2)", {"a": "b"}, 'W/"e"')
    client.delete("companies(1)/x(2)", 'W/"e"')
    client.action("companies(1)/x(2)/Microsoft.NAV.post")
    post, patch, delete, action = central.calls
    assert post.content == b'{"quantity":1,"amount":12.50,"a":"b"}'
    assert [call.headers.get("if-match") for call in central.calls] == [None, 'W/"e"', 'W/"e"', None]
    assert (patch.method, delete.method, action.method, action.content) == ("PATCH", "DELETE", "POST", b"")
    assert not any("data-access-intent" in call.headers for call in central.calls)


def test_a_write_is_repeated_for_a_token_that_has_ended(central):
    """Nothing is processed for whoever is not known."""
    central.answers = [error(401, "Authentication_InvalidCredentials"), httpx.Response(201, json={"id": "v"})]
    assert central.client().post("companies(1)/vendors", {"displayName": "A"}) == {"id": "v"}


# Batches


def test_each_part_of_a_batch_is_judged_by_itself(central):
    """With ids, in any order; a part without an answer may have been done."""
    central.answers = [
        httpx.Response(
            200,
            json={
                "responses": [
                    {"id": "1", "status": 409, "body": {"error": {"code": "Request_EntityChanged", "message": "no"}}},
                    {"id": "0", "status": 200, "body": {"value": [{"blocked": "_x0020_"}]}},
                ]
            },
        )
    ]
    read, changed, lost = central.client().batch(
        [
            BatchRequest("GET", "companies(1)/vendors"),
            BatchRequest("PATCH", "companies(1)/vendors(2)", {"displayName": "A"}, 'W/"e"'),
            BatchRequest("POST", "companies(1)/vendors", {"displayName": "B"}),
        ],
        isolated=True,
        goes_on=False,
    )
    assert (read.fault, read.body) == (None, {"value": [{"blocked": None}]})
    assert (type(changed.fault), changed.fault.operation) == (EntityChanged, "PATCH vendors(2)")
    assert type(lost.fault) is OutcomeUnknown
    call = central.calls[0]
    assert (call.headers["isolation"], call.headers["prefer"]) == ("snapshot", "odata.continue-on-error=false")
    parts = json.loads(call.content)["requests"]
    assert [part["id"] for part in parts] == ["0", "1", "2"]
    assert parts[1]["headers"]["If-Match"] == 'W/"e"'
    assert "body" not in parts[0]


def test_parts_without_ids_come_in_the_order_of_the_requests(central, contracts_dir):
    """As recorded of the live service."""
    path = contracts_dir / "business-central" / "samples-recorded" / "exchanges.transcribed.json"
    recorded = json.loads(path.read_text("utf-8"))["batch_envelope"]["response"]["body"]
    central.answers = [httpx.Response(200, json=recorded)]
    (answer,) = central.client().batch([BatchRequest("GET", "companies")])
    assert (answer.status, answer.body["value"][0]["displayName"]) == (200, None)


@pytest.mark.parametrize("text", [True, False])
def test_bodies_of_parts_may_come_as_text(central, text):
    """JSON as it is or in quotes, and the page of a gateway: the words of a refusal are told all the same."""
    row, refusal = {"id": "1"}, {"error": {"code": "BadRequest", "message": "said Business Central"}}
    as_sent = json.dumps if text else (lambda value: value)
    parts = [
        {"status": 200, "body": as_sent(row)},
        {"status": 400, "body": as_sent(refusal)},
        {"status": 403, "body": "<html><title>Forbidden here</title></html>"},
    ]
    central.answers = [httpx.Response(200, json={"responses": parts})]
    found, refused, denied = central.client().batch([BatchRequest("GET", "companies")] * 3)
    assert (found.fault, found.body) == (None, row)
    assert (type(refused.fault), refused.fault.message) == (Rejected, "said Business Central")
    assert (type(denied.fault), denied.fault.message) == (PermissionDenied, "Forbidden here")


@pytest.mark.parametrize("part", [{"id": "0"}, {"id": "0", "status": 200}, {"id": "0", "status": 429}])
def test_reads_of_a_batch_that_failed_for_a_while_are_tried_again(central, part):
    """A part that was turned away, or answered with nothing, is no row that is missing."""
    good = {"id": "0", "status": 200, "body": {"id": "1"}}
    central.answers = [httpx.Response(200, json={"responses": [each]}) for each in (part, good)]
    (answer,) = central.client().batch([BatchRequest("GET", "companies(1)/vendors(1)")])
    assert answer.body == {"id": "1"}
    assert len(central.calls) == 2


def test_a_batch_of_reads_is_tried_again_and_one_with_a_write_is_not(central):
    """One write makes the whole of it a write."""
    central.answers = [error(503, "Unknown"), httpx.Response(200, json={"responses": [{"status": 200, "body": {}}]})]
    central.client().batch([BatchRequest("GET", "companies")])
    central.answers = [error(503, "Unknown")]
    with pytest.raises(OutcomeUnknown):
        central.client().batch([BatchRequest("GET", "companies"), BatchRequest("DELETE", "x", etag="e")])
    assert len(central.calls) == 3


def test_a_batch_has_at_most_a_hundred_parts(central):
    """Nothing is sent otherwise."""
    with pytest.raises(ValueError, match="101"):
        central.client().batch([BatchRequest("GET", "companies")] * 101)
    assert not central.requests


# Companies and settings


@pytest.mark.parametrize("text", ["id-1", "ID-1", "acme services, inc.", "Acme", None])
def test_a_company_is_found_by_id_or_name(central, text):
    """In upper or lower case; unsaid where there is only one."""
    only = {"id": "id-1", "name": "Acme Services, Inc.", "displayName": "Acme"}
    other = {"id": "id-2", "name": "Other", "displayName": ""}
    central.answers = [page(only, other) if text else page(only)]
    client = central.client()
    assert client.company(text).id == "id-1"
    assert client.company(text).path == "companies(id-1)"
    assert len(central.calls) == 1


@pytest.mark.parametrize("text", [None, "nobody", "Twin"])
def test_a_company_that_is_not_certain_is_a_wrong_setting(central, text):
    """All names are listed."""
    central.answers = [page({"id": "1", "name": "A", "displayName": "Twin"}, {"id": "2", "name": "Twin"})]
    with pytest.raises(SettingInvalid, match='"A", "Twin"'):
        central.client().company(text)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"tenant_id": ""}, "tenant_id"),
        ({"environment": ""}, "environment"),
        ({"client_id": None}, "client_id"),
        ({"client_secret": None}, "CLIENT_SECRET"),
        ({"environment": "a/b"}, "environment"),
        ({"base_url": "https://host.invalid/v2.0/x"}, "already names a service"),
        ({"auth_url": "http://host.invalid"}, "auth_url"),
        ({"page_size": 20_001}, "page_size"),
        ({"max_concurrency": 6}, "max_concurrency"),
        ({"requests_per_minute": 0}, "requests_per_minute"),
        ({"request_timeout": 0}, "request_timeout"),
    ],
)
def test_a_wrong_setting_is_told_by_its_name(change, words):
    """Before any call."""
    with pytest.raises(SettingInvalid, match=words):
        settings(**change)


def test_the_secret_is_in_no_repr():
    """Settings may be logged."""
    assert "secret-of-the-app" not in repr(BusinessCentralSettings.from_config(CONFIG, plugin="tap"))
