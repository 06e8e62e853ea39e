from __future__ import annotations

import json
import logging
import os
import threading

import httpx
import pytest
import stamina
from bill_doubles import CONFIG, EMPTY, ORGANIZATION, Bill, error, settings

from ml_connector.errors import (
    CredentialsRefused,
    PermissionDenied,
    Rejected,
    SettingInvalid,
    Throttled,
    Unavailable,
)
from ml_connector.systems.bill import client as client_module
from ml_connector.systems.bill import session as session_module
from ml_connector.systems.bill.settings import BillSettings


@pytest.fixture(autouse=True)
def own_state(tmp_path, monkeypatch):
    """A state directory of its own, and no waiting between attempts."""
    monkeypatch.setenv("ML_CONNECTOR_STATE_DIR", str(tmp_path))
    with stamina.set_testing(True, attempts=100, cap=True):
        yield tmp_path


@pytest.fixture
def bill():
    """BILL, scripted."""
    return Bill()


def test_the_developer_key_goes_in_the_body_of_the_login_and_the_header_of_calls(bill):
    """Login and calls have the form BILL wants."""
    bill.client().get("/v3/bills", {"max": "1"})
    login, call = bill.requests
    assert json.loads(login.content) == {
        "username": "sync-token",
        "password": "secret-password",
        "organizationId": ORGANIZATION,
        "devKey": "01SECRETDEVKEY",
    }
    assert "devkey" not in login.headers
    assert (call.headers["sessionId"], call.headers["devKey"]) == ("session-1", "01SECRETDEVKEY")
    assert call.headers["accept"] == "application/json"
    assert call.url.path == "/connect/v3/bills"


def test_a_remembered_device_is_passed_with_the_login(bill):
    """Both parts go together."""
    bill.client(remember_me_id="r", device="d").get("/v3/bills")
    assert json.loads(bill.requests[0].content) | {"rememberMeId": "r", "device": "d"} == json.loads(
        bill.requests[0].content
    )


def test_one_login_serves_all_clients_of_the_machine(bill):
    """The second client finds the session of the first."""
    bill.client().get("/v3/bills")
    bill.client().get("/v3/vendors")
    assert len(bill.sent("/v3/login")) == 1


@pytest.mark.parametrize(
    "refusal", [error(401, "BDC_1109"), error(401, None), error(403, "BDC_1361", "The session has expired.")]
)
def test_a_dead_session_is_replaced_once(bill, refusal):
    """The call is repeated with a new session."""
    bill.answers = [refusal]
    assert bill.client().get("/v3/bills") == EMPTY
    assert [call.headers["sessionId"] for call in bill.sent("/v3/bills")] == ["session-1", "session-2"]


def test_a_second_refusal_is_final(bill):
    """No loop of logins."""
    bill.answers = [error(401, "BDC_1109"), error(401, "BDC_1109")]
    with pytest.raises(CredentialsRefused):
        bill.client().get("/v3/bills")
    assert len(bill.sent("/v3/login")) == 2


def test_an_untrusted_session_is_never_renewed(bill):
    """An operation that needs MFA fails with BILL's words."""
    bill.answers = [error(403, "BDC_1361", "The session is untrusted.")]
    with pytest.raises(PermissionDenied, match="untrusted"):
        bill.client().get("/v3/bills")
    assert len(bill.sent("/v3/login")) == 1


def test_many_threads_share_one_new_login(bill):
    """When a session dies under several calls, one logs in."""
    client = bill.client(max_concurrency=3)
    client.get("/v3/bills")
    bill.dead.add("session-1")
    threads = [threading.Thread(target=client.get, args=("/v3/bills",)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(bill.sent("/v3/login")) == 2
    assert sum(call.headers["sessionId"] == "session-2" for call in bill.sent("/v3/bills")) == 6


@pytest.mark.parametrize("code", ["BDC_1101", "BDC_1102", "BDC_1103", "BDC_1104", "BDC_1107", "BDC_1110"])
def test_a_refused_login_is_not_repeated(bill, code):
    """Not even by later calls of the same client: it could lock the account."""
    bill.logins = [error(401, code)]
    client = bill.client()
    for _ in range(3):
        with pytest.raises(CredentialsRefused) as refused:
            client.get("/v3/bills")
    assert len(bill.requests) == 1
    assert refused.value.cure
    assert "secret-password" not in str(refused.value)


def test_a_throttled_login_is_not_repeated(bill):
    """The hourly limit of logins is left alone, even when waiting for quota is allowed."""
    bill.logins = [error(429, "BDC_1144")]
    with pytest.raises(Throttled):
        bill.client(wait_for_quota=True).get("/v3/bills")
    assert len(bill.requests) == 1


def test_the_session_of_another_organization_is_refused(bill):
    """Nothing is read when BILL opens another organization than asked for."""
    other = {"sessionId": "s", "organizationId": "00801OTHER", "userId": "u"}
    bill.logins = [httpx.Response(200, json=other)]
    with pytest.raises(SettingInvalid, match="organization"):
        bill.client().get("/v3/bills")
    assert len(bill.requests) == 1


@pytest.mark.parametrize(
    ("user", "idle", "logins"), [("00601USER", 26 * 60, 2), ("00601USER", 20 * 60, 1), ("syu01", 26 * 60, 1)]
)
def test_an_idle_session_of_a_user_is_replaced_beforehand(bill, own_state, user, idle, logins):
    """Users idle out after 35 minutes, sync tokens after 48 hours; other processes' calls count as use."""
    bill.logins = [
        httpx.Response(200, json={"sessionId": "s", "organizationId": ORGANIZATION, "userId": user}),
    ]
    bill.client().get("/v3/bills")
    for path in (own_state / "sessions").iterdir():
        os.utime(path, (path.stat().st_atime - idle, path.stat().st_mtime - idle))
    bill.client().get("/v3/bills")
    assert len(bill.sent("/v3/login")) == logins


@pytest.mark.parametrize(
    "trouble",
    [
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("slow"),
        httpx.RemoteProtocolError("cut"),
        httpx.Response(500),
        httpx.Response(502, text="<html>"),
        httpx.Response(503, json=[{"code": "BDC_1001", "severity": "ERROR", "message": "down"}]),
        httpx.Response(200, text="<html>login</html>"),
        httpx.Response(200, content=b'{"results": [{"id":'),
        error(422, "BDC_1322"),
        error(429, "BDC_1322"),
        error(429, None),
    ],
)
def test_a_read_is_tried_again_after_a_passing_trouble(bill, trouble):
    """Network errors, 5xx, broken answers and crowding pass."""
    bill.answers = [trouble]
    assert bill.client().get_page("/v3/bills", {"max": "1"}).rows == []
    assert len(bill.sent("/v3/bills")) == 2


def test_a_lasting_trouble_is_reported(bill):
    """Patience ends with the last fault."""
    bill.answers = [httpx.ConnectError("refused")] * 50
    with pytest.raises(Unavailable, match="ConnectError"):
        bill.client().get("/v3/bills")


@pytest.mark.parametrize("refusal", [error(400, "BDC_1130"), error(403, "BDC_1145"), error(404, "BDC_1121")])
def test_a_refusal_is_not_repeated(bill, refusal):
    """What BILL refuses for its content is final."""
    bill.answers = [refusal]
    with pytest.raises((Rejected, PermissionDenied, client_module.SystemFault)):
        bill.client().get("/v3/bills")
    assert len(bill.sent("/v3/bills")) == 1


def test_crowding_lowers_the_number_of_calls_at_once(bill):
    """After BDC_1322 this process makes one call fewer at once."""
    bill.answers = [error(429, "BDC_1322")]
    client = bill.client()
    client.get("/v3/bills")
    assert client._permits.limit == 1


def test_a_used_up_quota_ends_the_run_with_the_time_to_come_back(bill):
    """Without the setting nobody waits for an hour."""
    bill.answers = [error(422, "BDC_1144")]
    with pytest.raises(Throttled) as throttled:
        bill.client().get("/v3/bills")
    assert 0 < throttled.value.retry_after <= 3600
    assert len(bill.sent("/v3/bills")) == 1


def test_a_used_up_quota_is_waited_for_when_asked_to(bill):
    """With wait_for_quota the call is repeated in the next hour."""
    bill.answers = [error(422, "BDC_1144")]
    assert bill.client(wait_for_quota=True).get("/v3/bills") == EMPTY


def test_our_own_count_stops_before_bill_does(bill, monkeypatch):
    """All processes of this machine together stay below the hourly limits."""
    monkeypatch.setattr(client_module, "CALLS_PER_HOUR", 2)
    client = bill.client()
    client.get("/v3/bills")
    client.get("/v3/bills")
    with pytest.raises(Throttled, match="this hour"):
        bill.client().get("/v3/bills")
    assert len(bill.sent("/v3/bills")) == 2


def test_logins_are_counted_too(bill, monkeypatch):
    """The limit of logins is kept without asking BILL."""
    monkeypatch.setattr(session_module, "LOGINS_PER_HOUR", 1)
    client = bill.client()
    client.get("/v3/bills")
    bill.answers = [error(401, "BDC_1109")]
    with pytest.raises(Throttled, match="logins"):
        client.get("/v3/bills")
    assert len(bill.sent("/v3/login")) == 1


def test_nothing_secret_is_logged(bill, caplog):
    """Neither keys nor sessions are in any log line, also in trouble."""
    caplog.set_level(logging.DEBUG)
    bill.answers = [
        error(401, "BDC_1109", "session-1 is invalid"),
        error(429, "BDC_1322", "01SECRETDEVKEY"),
        httpx.Response(500),
    ]
    client = bill.client()
    client.get("/v3/bills")
    for secret in ("01SECRETDEVKEY", "secret-password", "session-1", "session-2"):
        assert secret not in caplog.text
        assert secret not in repr(client.settings)


@pytest.mark.parametrize("name", ["dev_key", "username", "password", "organization_id"])
def test_a_missing_setting_is_named_with_its_variable(name):
    """The message says which, and where to put it."""
    with pytest.raises(SettingInvalid, match=f'"{name}" is missing') as missing:
        BillSettings.from_config({**CONFIG, name: ""}, plugin="tap-bill")
    assert f"TAP_BILL_{name.upper()}" in missing.value.cure


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("page_size", 0),
        ("page_size", 101),
        ("max_concurrency", 0),
        ("max_concurrency", 4),
        ("request_timeout", 0),
        ("pagination_mode", "guess"),
        ("base_url", "http://gateway.host.invalid"),
        ("events_base_url", "nonsense"),
        ("device", "only one of a pair"),
    ],
)
def test_a_setting_out_of_bounds_is_named(name, value):
    """What BILL would refuse is refused before."""
    with pytest.raises(SettingInvalid, match=name):
        settings(**{name: value})


def test_the_events_address_is_the_sibling_of_the_base_address():
    """It is derived unless given."""
    assert settings().events_base_url == "https://gateway.stage.host.invalid/connect-events"
    assert settings(events_base_url="https://other.invalid").events_base_url == "https://other.invalid"


def test_numbers_are_exact(bill):
    """Money keeps its digits."""
    bill.answers = [httpx.Response(200, content=b'{"amount": 100.10, "at": "x"}')]
    assert str(bill.client().get("/v3/bills/1")["amount"]) == "100.10"
