"""Logging in to the BILL stand-in (sheet bill 2)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from bill_client import TOKEN, USER, refusal

from erp_sandbox import credentials
from erp_sandbox.bill.rules import BillRules
from erp_sandbox.clock import Clock
from erp_sandbox.world import World


@pytest.fixture
def clock():
    """A clock that stands at half past ten until it is moved."""
    return Clock(datetime(2026, 11, 20, 10, 30, tzinfo=UTC))


def test_a_login_answers_session_organization_and_user(sandbox, client):
    """The answer has the four documented fields, and the user's session is not trusted."""
    answer = client(sandbox(), login=False).log_in()
    assert set(answer) == {"sessionId", "organizationId", "userId", "trusted"}
    assert answer["organizationId"] == credentials.BILL_ORGANIZATION_ID
    assert answer["userId"] == credentials.BILL_USER_ID
    assert answer["trusted"] is False


def test_a_sync_token_logs_in_as_the_system_user(sandbox, client):
    """A token's name and value work as username and password, and the user id starts with syu."""
    assert client(sandbox(), login=False).log_in(**TOKEN)["userId"].startswith("syu")


def test_every_missing_login_field_is_reported_at_once(sandbox, client):
    """Field validation answers messages without a code, the developer key as a header counts for nothing."""
    http = client(sandbox(), login=False).http
    answer = http.post("/v3/login", json={"username": "x"}, headers={"devKey": credentials.BILL_DEV_KEY})
    assert answer.status_code == 400
    assert answer.json() == [
        {"message": f"{name}: must not be null", "severity": "ERROR"}
        for name in ("password", "organizationId", "devKey")
    ]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"password": "wrong"}, (401, "BDC_1101")),
        ({"username": "nobody@acme.invalid"}, (401, "BDC_1101")),
        ({"organizationId": "00801NOSUCHORG000001"}, (401, "BDC_1101")),
        ({"devKey": "unknown"}, (401, "BDC_1102")),
        ({"userName": "spelt as in v2"}, (400, "BDC_1002")),
        ({"password": 1}, (400, "BDC_1119")),
        ({"rememberMeId": "alone"}, (400, None)),
    ],
)
def test_a_wrong_login_is_refused(sandbox, client, changes, expected):
    """Each wrong field has its own status and code."""
    answer = client(sandbox(), login=False).http.post("/v3/login", json={**USER, **changes})
    assert refusal(answer) == expected


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain"])
def test_a_login_that_is_not_json_is_refused(sandbox, client, kind):
    """The content type must say JSON."""
    http = client(sandbox(), login=False).http
    answer = http.post("/v3/login", content=b"{}", headers={"Content-Type": kind})
    assert refusal(answer) == (400, "BDC_1119")


def test_a_remembered_device_gets_a_trusted_session(sandbox, client):
    """RememberMeId and device together make the session MFA-trusted."""
    remembered = {"rememberMeId": credentials.BILL_REMEMBER_ME_ID, "device": credentials.BILL_DEVICE}
    assert client(sandbox(), login=False).log_in(**remembered)["trusted"] is True


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, (401, "BDC_1102")),
        ({"devKey": "unknown", "sessionId": "any"}, (401, "BDC_1102")),
        ({"devKey": credentials.BILL_DEV_KEY}, (401, "BDC_1109")),
        ({"devKey": credentials.BILL_DEV_KEY, "sessionId": "unknown"}, (401, "BDC_1109")),
    ],
)
def test_a_call_without_session_or_key_is_refused(sandbox, client, headers, expected):
    """The developer key is judged first, then the session."""
    one = client(sandbox(), login=False)
    one.headers = headers
    assert refusal(one.get("/v3/bills")) == expected


def test_a_session_works_with_its_own_developer_key_only(sandbox, client):
    """A valid key of somebody else does not open the session."""
    one = client(sandbox())
    one.headers["devKey"] = credentials.BILL_OTHER_DEV_KEY
    assert refusal(one.get("/v3/bills")) == (401, "BDC_1109")


def test_a_session_reaches_one_organization(sandbox, client):
    """Two organizations are kept apart, and neither can read the other's record."""
    other = World.plain(2, vendors=2, bills=3, lines=(1, 1), organization_id=credentials.BILL_OTHER_ORGANIZATION_ID)
    box = sandbox(other_organizations=[other])
    first, second = client(box), client(box, organizationId=other.organization_id)
    ids = [{row["id"] for row in one.walk("/v3/bills", max=100)} for one in (first, second)]
    assert [len(found) for found in ids] == [12, 3]
    assert ids[0].isdisjoint(ids[1])
    assert refusal(first.get(f"/v3/organizations/{other.organization_id}")) == (404, "BDC_1205")


@pytest.mark.parametrize(
    ("login", "idle"), [(USER, timedelta(minutes=35)), (TOKEN, timedelta(hours=48))], ids=["user", "token"]
)
def test_a_session_ends_when_idle_and_not_before(sandbox, client, clock, login, idle):
    """Every call starts the idle time anew; after it the session is gone for good."""
    one = client(sandbox(clock=clock), **login)
    for _ in range(3):
        clock.advance(idle)
        assert one.get("/v3/login/session").status_code == 200
    clock.advance(idle + timedelta(milliseconds=1))
    assert refusal(one.get("/v3/login/session")) == (401, "BDC_1109")
    assert refusal(one.get("/v3/login/session")) == (401, "BDC_1109")


def test_expiry_can_be_told_the_other_way(sandbox, client):
    """A dead session can be answered 403 BDC_1361, in words that do not say untrusted."""
    box = sandbox(rules=BillRules(expiry_status=403))
    one = client(box)
    box.bill.sessions.expire_all()
    answer = one.get("/v3/bills")
    assert refusal(answer) == (403, "BDC_1361")
    assert "untrusted" not in answer.text


def test_logging_out_ends_the_session(sandbox, client):
    """The answer is empty and the session dead."""
    one = client(sandbox())
    answer = one.http.post("/v3/logout", headers=one.headers)
    assert (answer.status_code, answer.content) == (200, b"")
    assert refusal(one.get("/v3/bills")) == (401, "BDC_1109")


@pytest.mark.parametrize("path", ["/v3/payments", "/v3/payments/bulk"])
def test_moving_money_needs_a_trusted_session(sandbox, client, path):
    """An untrusted session is told so with 403 BDC_1361."""
    one = client(sandbox())
    answer = one.http.post(path, json={}, headers=one.headers)
    assert refusal(answer) == (403, "BDC_1361")
    assert "untrusted" in answer.text


def test_two_hundred_logins_an_hour_are_enough(sandbox, client, clock):
    """The next one is refused with BDC_1144 until the clock hour turns; failed ones count."""
    one = client(sandbox(clock=clock), login=False)
    for number in range(200):
        wrong = number % 4 == 0
        one.http.post("/v3/login", json={**USER, "password": "wrong"} if wrong else USER)
    assert refusal(one.http.post("/v3/login", json=USER)) == (429, "BDC_1144")
    clock.advance(timedelta(minutes=30))
    one.log_in()


def test_wrong_passwords_in_a_row_lock_the_login(sandbox, client, clock):
    """After five the right password is refused as well, for a quarter of an hour."""
    one = client(sandbox(clock=clock), login=False)
    for _ in range(5):
        one.http.post("/v3/login", json={**USER, "password": "wrong"})
    assert refusal(one.http.post("/v3/login", json=USER)) == (423, "BDC_1107")
    clock.advance(timedelta(minutes=15))
    one.log_in()
