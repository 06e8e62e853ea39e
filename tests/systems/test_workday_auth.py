"""OAuth and UsernameToken: one renewal, durable rotation, and never a loop that locks an account."""

from __future__ import annotations

import datetime as dt
import json
import threading

import pytest
import requests_mock as requests_mock_module
from lxml import etree

from ml_connector.errors import CredentialsRefused, OutcomeUnknown, SettingInvalid, Throttled, Unavailable
from ml_connector.systems.workday.auth import BearerAuth, UsernameTokenAuth
from ml_connector.systems.workday.settings import WorkdaySettings
from ml_connector.transport.soap import SoapTransport, envelope
from ml_connector.transport.token_cache import SharedSession

HOST = {"base_url": "https://host.invalid", "tenant": "acme"}
OAUTH = {**HOST, "client_id": "cid", "client_secret": "s3cret", "refresh_token": "first-token"}
TOKEN_URL = "https://host.invalid/ccx/oauth2/acme/token"


@pytest.fixture
def http():
    """Every HTTP request of the test."""
    with requests_mock_module.Mocker() as mock:
        yield mock


def bearer(folder, **config):
    """A fresh Bearer authentication on sessions kept in a folder, as another process would make it."""
    settings = WorkdaySettings.from_config({**OAUTH, **config})
    credentials = {"refresh_token": settings.refresh_token}
    session = SharedSession("workday", credentials, leeway=0.0, directory=folder)
    return BearerAuth(settings, SoapTransport(user_agent="test"), session)


def answers(mock, *bodies):
    """Let the token endpoint answer these, one after the other."""
    mock.post(
        TOKEN_URL, [body if isinstance(body, dict) and "status_code" in body else {"json": body} for body in bodies]
    )


def form(request):
    """The form fields of a request."""
    return dict(pair.split("=") for pair in request.text.split("&"))


def test_the_isu_signs_with_a_username_token():
    """The login carries the tenant once, the password is PasswordText."""
    settings = WorkdaySettings.from_config({**HOST, "isu_username": "ISU", "isu_password": "p&w"})
    message = envelope([], etree.Element("{urn:com.workday/bsvc}X"), {})
    auth = UsernameTokenAuth(settings)
    assert auth.apply(message, None) == {}
    text = etree.tostring(message).decode()
    assert "Username>ISU@acme<" in text
    assert "#PasswordText" in text
    assert "p&amp;w" in text


def test_a_refused_isu_is_never_tried_again():
    """A repeat can lock the account."""
    settings = WorkdaySettings.from_config({**HOST, "isu_username": "ISU", "isu_password": "pw"})
    assert UsernameTokenAuth(settings).renew(None) is False


def test_a_token_is_got_with_basic_authentication(http, tmp_path):
    """The client identifies itself in the header, the refresh token travels in the form."""
    answers(http, {"access_token": "a1", "expires_in": 3600})
    auth = bearer(tmp_path)
    assert auth.http_headers(auth.current()) == {"Authorization": "Bearer a1"}
    request = http.last_request
    assert request.headers["Authorization"].startswith("Basic ")
    assert form(request) == {"grant_type": "refresh_token", "refresh_token": "first-token"}


def test_a_client_may_identify_itself_in_the_body(http, tmp_path):
    """Some hosts answer a Basic-only request with "Invalid request" (docs/systems/workday.md#w2-2)."""
    answers(http, {"access_token": "a1"})
    bearer(tmp_path, client_auth="body").current()
    assert "Authorization" not in http.last_request.headers
    assert form(http.last_request)["client_secret"] == "s3cret"


def test_a_token_is_shared_with_the_next_process(http, tmp_path):
    """One logs in, the others use what it got."""
    answers(http, {"access_token": "a1", "expires_in": 3600})
    bearer(tmp_path).current()
    assert bearer(tmp_path).current().value == "a1"
    assert http.call_count == 1


@pytest.mark.parametrize(
    "expires_in, seconds",
    [(3600, 3300), pytest.param("3600", 3300, id="a string"), (None, 2400), ("soon", 2400), (0, 2400), (100, 50)],
)
def test_a_token_is_renewed_before_it_ends(http, tmp_path, expires_in, seconds):
    """Five minutes early, sooner for short lives; 45 minutes are assumed when nothing is said."""
    answers(http, {"access_token": "a1", "expires_in": expires_in})
    left = bearer(tmp_path).current().expires_at - dt.datetime.now(dt.UTC)
    assert left.total_seconds() == pytest.approx(seconds, abs=5)


def test_a_rotated_refresh_token_is_durable_before_it_is_used(http, tmp_path):
    """The next process continues with the new token; the configured one is dead by then."""
    answers(http, {"access_token": "a1", "refresh_token": "second-token"}, {"access_token": "a2"})
    first = bearer(tmp_path)
    first.current()
    second = bearer(tmp_path)
    assert second.renew(second.current())
    assert form(http.last_request)["refresh_token"] == "second-token"
    assert b"second-token" not in b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file())


def test_a_stale_token_is_renewed_once_for_all_threads(http, tmp_path):
    """Whoever comes later uses what the first one got."""
    answers(http, {"access_token": "a1"}, {"access_token": "a2"}, {"access_token": "a3"})
    auth = bearer(tmp_path)
    stale = auth.current()
    threads = [threading.Thread(target=auth.renew, args=(stale,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert auth.current().value == "a2"
    assert http.call_count == 2


@pytest.mark.parametrize(
    "answer, expected",
    [
        ({"status_code": 400, "json": {"error": "invalid_grant", "error_description": "expired"}}, CredentialsRefused),
        ({"status_code": 401, "json": {"error": "invalid_client"}}, CredentialsRefused),
        ({"status_code": 400, "text": "<html><body>Invalid request</body></html>"}, CredentialsRefused),
        ({"status_code": 404, "text": ""}, SettingInvalid),
        ({"status_code": 429, "text": ""}, Throttled),
        ({"status_code": 503, "text": ""}, Unavailable),
        ({"status_code": 200, "text": "<html>maintenance</html>"}, Unavailable),
    ],
)
def test_a_refused_token_request_is_told_apart(http, tmp_path, answer, expected):
    """invalid_grant is final; overload is not."""
    answers(http, answer)
    with pytest.raises(expected):
        bearer(tmp_path).current()
    assert http.call_count == 1


def test_the_words_of_a_refusal_carry_no_secret(http, tmp_path):
    """Some servers quote the token they refuse."""
    answers(
        http,
        {"status_code": 400, "json": {"error": "invalid_grant", "error_description": "first-token is dead, s3cret"}},
    )
    with pytest.raises(CredentialsRefused) as caught:
        bearer(tmp_path).current()
    assert "first-token" not in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_json_that_is_no_object_is_no_token(http, tmp_path):
    """Whatever comes, it is told and not guessed at."""
    http.post(TOKEN_URL, text=json.dumps(["a1"]))
    with pytest.raises(Unavailable):
        bearer(tmp_path).current()


def test_no_outcome_of_a_write_is_open_because_of_a_token(http, tmp_path):
    """A login that fails never leaves the outcome of the write behind it open."""
    http.post(TOKEN_URL, status_code=500)
    with pytest.raises(Unavailable) as caught:
        bearer(tmp_path).current()
    assert not isinstance(caught.value, OutcomeUnknown)
