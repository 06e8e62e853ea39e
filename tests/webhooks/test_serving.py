"""The receiver as a server: who dawdles, says too much or asks for something else gets nothing and takes no place."""

from __future__ import annotations

import contextlib
import socket
import time

import httpx
import pytest
from bill_events import compact, headers, payload
from rooms import states
from served import KEY, serving
from waiting import PATIENCE

from ml_connector.webhooks.header_timeout import PromptHttp
from ml_connector.webhooks.serving import _places

GOOD = compact(payload(event_id="e-1"))


@pytest.fixture
def port(ledger):
    """The port of a receiver."""
    with serving(ledger) as (number, _):
        yield number


@pytest.fixture
def hasty(monkeypatch):
    """Have the head of a request waited for two seconds."""
    monkeypatch.setattr(PromptHttp, "head_seconds", 2.0)


def head(body, *lines, path="/webhooks/bill", method="POST", length=None):
    """Return a signed request's head."""
    said = [
        f"{method} {path} HTTP/1.1",
        "Host: receiver.invalid",
        *(f"{k}: {v}" for k, v in headers(KEY, body).items()),
    ]
    said += [f"Content-Length: {len(body) if length is None else length}", *lines]
    return "\r\n".join([*said, "", ""]).encode()


def talk(port, *parts, pause=0.0):
    """Send parts one after the other; return what was answered until the other side closed, b"" for nothing."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as caller:
        for part in parts:
            with contextlib.suppress(OSError):  # it may be closed already
                caller.sendall(part)
            time.sleep(pause)
        answer = b""
        with contextlib.suppress(ConnectionError):
            while part := caller.recv(4096):
                answer += part
        return answer


@pytest.mark.parametrize(
    "parts",
    [[], [b"POST /webhooks/bill HTTP/1.1\r\nX-Slow: "], [b"P", *[b"O"] * 12]],
    ids=["nothing", "half a head", "a byte now and then"],
)
@pytest.mark.usefixtures("hasty")
def test_who_never_ends_the_head_of_a_request_is_left(port, parts):
    """A server of its own accord would keep the connection, and with it a place, for ever."""
    assert talk(port, *parts, pause=0.1) == b""


@pytest.mark.usefixtures("hasty")
def test_who_dawdles_with_a_second_request_is_left(port, ledger):
    """The first one was answered, and is kept."""
    answer = talk(port, head(GOOD) + GOOD, b"POST /webhooks/bill HT", pause=0.1)
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.count(b"HTTP/1.1") == 1
    assert states(ledger) == {"e-1": "open"}


@pytest.mark.usefixtures("hasty")
def test_a_body_may_come_after_the_time_for_the_head(port, ledger):
    """It has a time of its own."""
    answer = talk(port, head(GOOD, "Connection: close"), GOOD[:10], GOOD[10:], pause=1.1)
    assert answer.startswith(b"HTTP/1.1 200")
    assert states(ledger) == {"e-1": "open"}


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (head(GOOD, "X-Long: " + "x" * 400_000) + GOOD, b"400"),
        (head(GOOD, *[f"X-{number}: {'x' * 100}" for number in range(4_000)]) + GOOD, b"400"),
        (head(GOOD, length="1e9"), b"400"),
        (head(GOOD, length=-1), b"400"),
        (head(GOOD, "Connection: close", length=10**15), b"413"),
        (head(GOOD, "Connection: close", length=10**30), b"400"),
        (head(GOOD, "Upgrade: websocket", "Connection: upgrade, close") + GOOD, b"200"),
        (head(b"", "Connection: close", method="OPTIONS"), b"405"),
        (head(b"", "Connection: close", method="HEAD"), b"405"),
        (head(GOOD, "Connection: close", path="/webhooks/../webhooks/bill") + GOOD, b"404"),
        (head(GOOD, "Connection: close", path="//webhooks/bill") + GOOD, b"404"),
        (head(GOOD, "Connection: close", path="/webhooks/bill/") + GOOD, b"200"),
        (head(GOOD, "Connection: close", path="/webhooks/bill//") + GOOD, b"404"),
        (head(b"", "Connection: close", path="/health/", method="GET"), b"404"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", b"400"),
    ],
    ids=[
        *("long header", "many headers", "no length", "negative", "huge", "absurd", "upgrade", "OPTIONS", "HEAD"),
        *("dots", "slashes", "a slash at the end", "two of them", "health with a slash", "TLS"),
    ],
)
def test_what_is_no_notification_is_answered_by_a_status(port, request_, status):
    """Nothing of the program or the request is in the answer."""
    answer = talk(port, request_)
    assert answer.split(b" ", 2)[1] == status
    assert not any(word in answer.lower() for word in (b"uvicorn", b"starlette", b"traceback", b"x-long", b"python"))


def test_a_request_that_is_refused_is_the_last_on_its_connection(port):
    """Whoever forges pays a connection for each; what was sent behind it is not looked at."""
    answer = talk(port, (head(GOOD).replace(b"sha-signature: ", b"sha-signature: A") + GOOD) * 5)
    assert answer.startswith(b"HTTP/1.1 401")
    assert answer.count(b"HTTP/1.1") == 1


def test_a_request_that_is_genuine_keeps_its_connection(port, ledger):
    """A system or proxy that sends one after the other need not connect anew."""
    answer = talk(port, head(GOOD) + GOOD, head(GOOD, "Connection: close") + GOOD, pause=0.1)
    assert answer.count(b"HTTP/1.1 200") == 2


def test_a_request_that_does_not_come_to_its_end_is_left(port, monkeypatch):
    """Whatever it is that takes so long: its body, or its answer that nobody takes."""
    monkeypatch.setattr(PromptHttp, "request_seconds", 0.2)
    assert talk(port, head(GOOD), GOOD[:10]) == b""


def test_bad_requests_do_not_fill_the_log(ledger, caplog):
    """Some lines, and at the end a count; nothing of what was sent."""
    with serving(ledger) as (number, server):
        for _ in range(30):
            talk(number, b"\x16\x03\x01 evil\r\n\r\n")
        server.refusals.close()
    assert len(caplog.messages) == 11
    assert caplog.messages[-1] == "refused 20 more requests within a minute, from 1 address (400: 20)"
    assert "evil" not in caplog.text


@pytest.mark.parametrize(("files", "places"), [(-1, 512), (20_000, 512), (256, 128)])
def test_there_are_fewer_places_than_files_that_may_be_open(monkeypatch, files, places):
    """So strangers cannot use up what the ledger and the runs need; no limit at all is none."""
    resource = pytest.importorskip("resource")
    monkeypatch.setattr(resource, "getrlimit", lambda _: (files, files))
    assert _places() == places


def test_a_second_signature_does_not_help(port, ledger):
    """Whichever of two is looked at, it is one of them, and a joined one is none."""
    wrong = f"x-bill-sha-signature: {headers('another', GOOD)['x-bill-sha-signature']}"
    joined = head(GOOD, "Connection: close").replace(b"\r\nContent-Length", b", x\r\nContent-Length")
    assert b" 401 " in talk(port, joined + GOOD)
    first = head(GOOD, "Connection: close").replace(b"\r\nx-bill", f"\r\n{wrong}\r\nx-bill".encode())
    assert b" 401 " in talk(port, first + GOOD)
    assert states(ledger) == {}


@pytest.mark.parametrize(("proxies", "last"), [((), 429), (("127.0.0.0/8",), 401), (("10.0.0.1",), 429)])
def test_only_a_trusted_proxy_is_believed_whose_request_it_is(ledger, proxies, last):
    """Else a stranger could be somebody else with every request; whoever signs is let in all the same."""
    with (
        serving(ledger, *proxies) as (port, _),
        httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http,
    ):
        for number in range(31):
            answer = http.post("/webhooks/bill", content=GOOD, headers={"X-Forwarded-For": f"192.0.2.{number}"})
        assert answer.status_code == last
        assert http.post("/webhooks/bill", content=GOOD, headers=headers(KEY, GOOD)).status_code == 200


def test_a_request_under_way_is_answered_when_the_receiver_is_told_to_stop(ledger):
    """Its event is kept; nobody else is let in."""
    with serving(ledger) as (port, server), socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as caller:
        caller.sendall(head(GOOD) + GOOD[:10])
        while not server.server_state.tasks:
            time.sleep(0.01)
        server.should_exit = True
        while server.servers[0].sockets:
            time.sleep(0.01)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        caller.sendall(GOOD[10:])
        assert caller.recv(4096).startswith(b"HTTP/1.1 200")
    assert states(ledger) == {"e-1": "open"}
