from __future__ import annotations

import datetime as dt
from decimal import Decimal

import httpx
import pytest

from ml_connector.errors import SettingInvalid
from ml_connector.transport.http import (
    check_base_url,
    decode_json,
    open_client,
    quoted,
    redacted,
    redacted_headers,
    retry_after,
)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://gateway.host.invalid/connect", "https://gateway.host.invalid/connect"),
        ("https://gateway.host.invalid/connect/", "https://gateway.host.invalid/connect"),
        ("http://127.0.0.1:8700/bill/connect", "http://127.0.0.1:8700/bill/connect"),
        ("http://localhost:8700", "http://localhost:8700"),
        ("http://[::1]:8700", "http://[::1]:8700"),
    ],
)
def test_https_anywhere_and_http_on_this_machine_are_accepted(given, kept):
    """A base address is kept without its last slash."""
    assert check_base_url(given) == kept


@pytest.mark.parametrize(
    "given",
    [
        "http://gateway.host.invalid/connect",
        "http://127.0.0.1.host.invalid",
        "http://localhost.host.invalid",
        "ftp://host.invalid",
        "gateway.host.invalid",
        "https://",
        "https://user:secret@host.invalid",
        "https://host.invalid/?key=1",
        "https://host.invalid:port/",
        "",
    ],
)
def test_other_addresses_are_refused_without_quoting_a_login(given):
    """An address that would send secrets in clear, carry a login or is none at all names its setting."""
    with pytest.raises(SettingInvalid, match='"base_url"') as refused:
        check_base_url(given)
    assert "secret@" not in str(refused.value)


def test_the_client_introduces_itself_and_may_be_told_otherwise():
    """The user agent names package, version and plugin."""
    with open_client("https://host.invalid", product="tap-bill", timeout=5) as client:
        assert client.headers["user-agent"].startswith("ml-connector/")
        assert client.headers["user-agent"].endswith("(+tap-bill)")
    with open_client("https://host.invalid", product="tap-bill", timeout=5, agent="acme") as client:
        assert client.headers["user-agent"] == "acme"


def test_paths_are_appended_to_the_base_address():
    """A path in the base address is kept when calls name theirs with a leading slash."""
    seen = []

    def answer(request):
        seen.append(str(request.url))
        return httpx.Response(200)

    transport = httpx.MockTransport(answer)
    with open_client("https://host.invalid/connect/", product="p", timeout=5, transport=transport) as client:
        client.get("/v3/bills", params={"max": "1"})
    assert seen == ["https://host.invalid/connect/v3/bills?max=1"]


@pytest.mark.parametrize("text", ["0.1", "100.00", "12345678901234567.89", "1E-7", "-0.005"])
def test_numbers_with_a_point_are_exact(text):
    """A number is the decimal that was written, digits and all."""
    assert str(decode_json(text.encode())) == str(Decimal(text))


def test_whole_numbers_stay_whole():
    """Numbers without a point are int, however long."""
    assert decode_json(b"[7, 123456789012345678901234567890]") == [7, 123456789012345678901234567890]


def test_secret_keys_are_hidden_at_any_depth():
    """Values of secret and bank keys are hidden, in whatever spelling, and nothing else is changed."""
    value = {
        "devKey": "k",
        "items": [{"access_token": "t", "amount": Decimal("1.10")}],
        "bankAccount": {"accountNumber": "111222333", "routingNumber": "1", "nameOnAccount": "Acme"},
    }
    assert redacted(value) == {
        "devKey": "***",
        "items": [{"access_token": "***", "amount": Decimal("1.10")}],
        "bankAccount": {"accountNumber": "***", "routingNumber": "***", "nameOnAccount": "Acme"},
    }
    assert value["devKey"] == "k"


def test_secret_headers_are_hidden():
    """Session, key and authorization headers are hidden."""
    headers = {"sessionId": "s", "devKey": "k", "Authorization": "Bearer x", "Accept": "application/json"}
    assert redacted_headers(headers) == {
        "sessionId": "***",
        "devKey": "***",
        "Authorization": "***",
        "Accept": "application/json",
    }


def test_quoted_words_are_one_short_line_without_secrets():
    """Foreign words lose line breaks, known secrets and whatever is too long."""
    assert quoted("no\n  such key: abc", ["abc", ""]) == "no such key: ***"
    assert len(quoted("x" * 2000)) == 500


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("7", 7.0),
        ("1.5", 1.5),
        ("Fri, 20 Nov 2026 12:00:30 GMT", 30.0),
        ("Fri, 20 Nov 2026 11:00:00 GMT", 0.0),
    ],
)
def test_retry_after_is_read_as_seconds_or_date(value, seconds):
    """Both forms of the header are understood; nonsense is as if absent."""
    headers = httpx.Headers({} if value is None else {"Retry-After": value})
    assert retry_after(headers, now=dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)) == seconds
