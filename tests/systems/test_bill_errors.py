from __future__ import annotations

import datetime as dt

import httpx
import pytest
from bill_doubles import error

from ml_connector.errors import (
    Conflict,
    CredentialsRefused,
    NotFound,
    PermissionDenied,
    Rejected,
    Throttled,
    Unavailable,
)
from ml_connector.systems.bill.errors import is_bad_query, is_stale_session, read_fault, seconds_to_next_hour


def fault_of(answer, **more):
    """Return what an answer stands for."""
    return read_fault(answer, "GET /v3/bills", **{"base_url": "https://gateway.stage.host.invalid/connect", **more})


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (401, "BDC_1101", CredentialsRefused),
        (401, "BDC_1102", CredentialsRefused),
        (403, "BDC_1103", CredentialsRefused),
        (400, "BDC_1104", CredentialsRefused),
        (423, "BDC_1107", CredentialsRefused),
        (400, "BDC_1110", CredentialsRefused),
        (401, "BDC_1109", CredentialsRefused),
        (401, None, CredentialsRefused),
        (422, "BDC_1144", Throttled),
        (429, "BDC_1144", Throttled),
        (422, "BDC_1322", Throttled),
        (429, "BDC_1322", Throttled),
        (400, "BDC_1322", Throttled),
        (429, None, Throttled),
        (403, "BDC_1145", PermissionDenied),
        (400, "BDC_1302", PermissionDenied),
        (403, None, PermissionDenied),
        (404, "BDC_1120", NotFound),
        (404, "BDC_1205", NotFound),
        (404, "BDC_1121", NotFound),
        (404, None, NotFound),
        (422, "BDC_1171", Conflict),
        (400, "BDC_1130", Rejected),
        (400, "BDC_1143", Rejected),
        (400, "BDC_1002", Rejected),
        (400, None, Rejected),
        (500, "BDC_1001", Unavailable),
        (503, None, Unavailable),
        (408, None, Unavailable),
    ],
)
def test_the_code_decides_then_the_status(status, code, kind):
    """Each refusal is of one kind, whatever status a throttled call has."""
    fault = fault_of(error(status, code))
    assert type(fault) is kind
    assert (fault.system, fault.code, fault.status) == ("bill", code, status)
    assert "said BILL" in str(fault)


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (httpx.Response(502, text="<html><body>Bad gateway</body></html>"), Unavailable, "Bad gateway"),
        (httpx.Response(500), Unavailable, "HTTP 500"),
        (httpx.Response(301, headers={"Location": "https://other.invalid"}), Rejected, "HTTP 301"),
        (httpx.Response(400, json={"message": "one object"}), Rejected, "one object"),
        (
            httpx.Response(
                400,
                json=[
                    {"severity": "ERROR", "message": "address: must not be null"},
                    {"severity": "ERROR", "message": "name: must not be null"},
                ],
            ),
            Rejected,
            "address: must not be null; name: must not be null",
        ),
        (httpx.Response(200, text="<html>Sign in</html>"), Unavailable, "not JSON"),
        (error(200, "BDC_1109"), CredentialsRefused, "said BILL"),
        (error(200, "BDC_1322"), Throttled, "said BILL"),
        (error(200, "BDC_1001"), Unavailable, "said BILL"),
        (httpx.Response(400, json={"message": "among others", "status": 400, "id": "e-1"}), Rejected, "among others"),
        (httpx.Response(200, json=[{"severity": "ERROR", "message": "strange"}]), Unavailable, "strange"),
    ],
)
def test_every_shape_of_an_error_is_read(answer, kind, words):
    """Arrays, single objects, HTML, empty bodies, and errors that come with status 200."""
    fault = fault_of(answer)
    assert type(fault) is kind
    assert words in fault.message


@pytest.mark.parametrize(
    ("answer", "cure"),
    [
        (error(403, "BDC_1145"), "role"),
        (error(403, None), "role"),
        (error(403, "BDC_1361", "Session is untrusted"), "remember_me_id"),
    ],
)
def test_what_may_not_be_done_comes_with_a_cure(answer, cure):
    """Which is another one where the session is not trusted."""
    assert cure in fault_of(answer).cure


@pytest.mark.parametrize(
    "answer", [error(400, "BDC_1119"), error(403, "BDC_1361", "untrusted"), error(404, "BDC_1121")]
)
def test_a_login_that_is_refused_for_any_reason_is_not_repeated(answer):
    """Another one would fare no better; only refused credentials are remembered for the run."""
    assert isinstance(fault_of(answer, login=True), CredentialsRefused)


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, json={"results": []}),
        httpx.Response(200, json=[]),
        httpx.Response(200, json=[{"id": "1", "policyName": "All", "status": "ACTIVE"}]),
        httpx.Response(200),
    ],
)
def test_good_answers_are_no_faults(answer):
    """Lists, bare arrays of objects and empty answers are what they are."""
    assert fault_of(answer) is None


@pytest.mark.parametrize(
    ("answer", "stale"),
    [
        (error(401, "BDC_1109"), True),
        (error(401, None), True),
        (error(403, "BDC_1361", "The session has expired."), True),
        (error(403, "BDC_1361", "The session is untrusted."), False),
        (error(403, "BDC_1361", "Session is UNTRUSTED"), False),
        (error(401, "BDC_1102"), False),
        (error(401, "BDC_1101"), False),
        (error(423, "BDC_1107"), False),
        (error(403, "BDC_1145"), False),
        (error(429, "BDC_1144"), False),
    ],
)
def test_a_new_login_is_worth_trying_only_for_a_dead_session(answer, stale):
    """Never for an untrusted session, wrong credentials or a locked login."""
    assert is_stale_session(fault_of(answer)) is stale


def test_no_fault_is_no_stale_session():
    """A good answer needs no login."""
    assert not is_stale_session(None)


@pytest.mark.parametrize(
    ("base_url", "words"),
    [
        ("https://gateway.stage.bill.com/connect", "sandbox gateway; production keys"),
        ("https://gateway.prod.bill.com/connect", "production gateway; sandbox keys"),
        ("http://127.0.0.1:8700/connect", "belong to the environment"),
    ],
)
def test_wrong_credentials_hint_at_the_environment(base_url, words):
    """The most common cause, keys of the other environment, is named."""
    assert words in fault_of(error(401, "BDC_1101"), base_url=base_url, login=True).cure


def test_a_locked_login_asks_for_patience():
    """More attempts make it worse."""
    assert "Wait 15 minutes" in fault_of(error(423, "BDC_1107"), login=True).cure


def test_secrets_are_not_quoted():
    """A key that BILL repeats in its message is hidden."""
    fault = fault_of(error(400, "BDC_1119", "bad devKey 01SECRET"), secrets=["01SECRET"])
    assert "01SECRET" not in str(fault)


def test_throttling_says_when_to_come_back():
    """The hourly quota ends with the clock hour; otherwise Retry-After counts when it is there."""
    assert 0 < fault_of(error(429, "BDC_1144")).retry_after <= 3600
    assert fault_of(error(429, None, **{"Retry-After": "3"})).retry_after == 3
    assert fault_of(error(429, "BDC_1322")).retry_after is None
    assert seconds_to_next_hour(dt.datetime(2026, 11, 20, 12, 59, 30, tzinfo=dt.UTC)) == 30


@pytest.mark.parametrize(
    ("answer", "bad"),
    [
        (error(400, "BDC_1130"), True),
        (error(422, "BDC_1131"), True),
        (error(400, None), True),
        (error(422, "BDC_1143"), False),
        (error(403, "BDC_1145"), False),
    ],
)
def test_a_refused_filter_is_told_apart(answer, bad):
    """Only a refusal of the query lets a list be read without its filter."""
    assert is_bad_query(fault_of(answer)) is bad
