"""The receiver under attack: strangers hold connections, dawdle and forge, and what is genuine is answered all the same."""

from __future__ import annotations

import base64
import collections
import contextlib
import gzip
import random
import socket

import pytest
from bill_events import ORGANIZATION, burst_of, compact, headers, payload, post_all, signed
from rooms import bell, ring, states
from served import KEY, serving
from strangers import Strangers
from waiting import PATIENCE

from ml_connector.ledger.store import Ledger
from ml_connector.webhooks import serving as serving_module
from ml_connector.webhooks.provider import Refused

GOOD = compact(payload(event_id="e-1"))
FORGED = signed("another key", GOOD)


@pytest.fixture
def ledger(tmp_path):
    """An empty ledger."""
    with Ledger(f"sqlite:///{tmp_path}/ledger.db") as opened:
        yield opened


@pytest.mark.parametrize("anew", [False, True], ids=["on open connections", "each on its own"])
def test_a_burst_is_answered_while_strangers_want_every_place(ledger, monkeypatch, anew):
    """Three strangers for each place, of every kind, from the address the burst comes from: each event gets its 200."""
    monkeypatch.setattr(serving_module, "_MOST_AT_ONCE", 48)
    ids, requests = burst_of(60, KEY, seed=3)
    with serving(ledger) as (port, _), Strangers(port, 150) as crowd:
        statuses = post_all(f"http://127.0.0.1:{port}/webhooks/bill", requests, connections=8, anew=anew)
    assert collections.Counter(statuses) == {200: len(requests)}
    assert set(states(ledger)) == set(ids)
    assert set(crowd.connected) == set(Strangers.KINDS)
    assert set(crowd.answers) <= {401, 429}


def forgeries(chance, count):
    """Yield (body, headers) each: genuine notifications that were tampered with, and signatures that are none."""
    right = signed(KEY, GOOD)
    raw = base64.b64decode(right)
    signatures = [
        "",
        right.lower(),
        right.rstrip("="),
        f"sha256={right}",
        raw.hex(),
        base64.urlsafe_b64encode(raw).decode() + "=",
        base64.b64encode(raw[:16]).decode(),
        signed(KEY, b""),
        signed("", GOOD),
        signed(KEY + "=", GOOD),
        KEY,
        f"{right}, {right}",
        "\N{FULLWIDTH LATIN CAPITAL LETTER A}" + right[1:],
    ]
    for number in range(count):
        body = bytearray(GOOD)
        match number % 4:
            case 0:  # a byte changed, its signature kept
                place = chance.randrange(len(body))
                body[place] ^= 1 << chance.randrange(8)
                yield bytes(body), {"x-bill-sha-signature": right}
            case 1:  # members put in or written twice, the first ones kept
                more = f',"bill":{{"id":"00n{chance.getrandbits(40)}"}}}}'.encode()
                yield GOOD[:-1] + more, {"x-bill-sha-signature": right}
            case 2:  # cut off, or with something behind it that is more than blank
                cut = chance.randrange(1, len(body))
                yield (
                    bytes(body[:cut]) if chance.random() < 0.5 else GOOD + bytes(body[:cut]),
                    {"x-bill-sha-signature": right},
                )
            case _:
                yield GOOD, {"x-bill-sha-signature": chance.choice(signatures)}


def test_six_thousand_forged_notifications_open_nothing():
    """Whatever was changed, and whatever the signature is made of, each is refused."""
    door = bell(KEY, organization=ORGANIZATION)
    let_in = []
    for body, given in forgeries(random.Random(11), 6_000):
        with contextlib.suppress(Refused):
            let_in.append((door.hear(ring(body, given)), body, given))
    assert let_in == []
    assert door.hear(ring(GOOD, headers(KEY, GOOD)))


def request(*lines, body=GOOD, start="POST /webhooks/bill HTTP/1.1", host="Host: r", end="\r\n"):
    """Return a request with a forged signature, and whatever else its head shall say."""
    said = [start, *([host] if host else []), f"x-bill-sha-signature: {FORGED}", *lines]
    return end.join([*said, "", ""]).encode("latin-1") + body


LENGTH = f"Content-Length: {len(GOOD)}"
SIGNED = f"x-bill-sha-signature: {signed(KEY, GOOD)}"
CHUNKED = b"%x\r\n%s\r\n0\r\n\r\n" % (len(GOOD), GOOD)
TRICKS = {
    "plain": request(LENGTH),
    "signature in the address": request(LENGTH, start=f"POST /webhooks/bill?{SIGNED.replace(': ', '=')} HTTP/1.1"),
    "second signature": request(LENGTH, SIGNED),
    "folded signature": request(LENGTH, "x-a: b", " " + SIGNED),
    "signature with a blank name": request(LENGTH, SIGNED.replace(":", " :")),
    "signature in another header": request(LENGTH, SIGNED.replace("x-bill", "bill")),
    "signature in a cookie": request(LENGTH, f"Cookie: {SIGNED.replace(': ', '=')}"),
    "signature in a trailer": request("Transfer-Encoding: chunked", body=CHUNKED[:-2] + SIGNED.encode() + b"\r\n\r\n"),
    "signature behind a zero byte": request(LENGTH, "x-a: b\0" + SIGNED),
    "signature behind a bare return": request(LENGTH, "x-a: b\r" + SIGNED),
    "signature behind a bare newline": request(LENGTH, "x-a: b\n" + SIGNED),
    "underscores": request(LENGTH, SIGNED.replace("-", "_", 3)),
    "two lengths": request(LENGTH, "Content-Length: 0"),
    "two lengths in one": request(f"{LENGTH}, 0"),
    "length and chunks": request("Content-Length: 0", "Transfer-Encoding: chunked", body=CHUNKED),
    "chunks and length": request("Transfer-Encoding: chunked", LENGTH, body=CHUNKED),
    "chunks twice": request("Transfer-Encoding: chunked, chunked", body=CHUNKED),
    "unknown encoding": request("Transfer-Encoding: xchunked", body=CHUNKED),
    "identity": request("Transfer-Encoding: identity", LENGTH),
    "encoding with a tab": request("Transfer-Encoding:\tchunked", body=CHUNKED),
    "endless chunk": request("Transfer-Encoding: chunked", body=b"f" * 32 + b"\r\n"),
    "negative chunk": request("Transfer-Encoding: chunked", body=b"-1\r\n\r\n"),
    "chunk with a word": request("Transfer-Encoding: chunked", body=b"5;a=b\r\nhello\r\n0\r\n\r\n"),
    "chunk without its end": request("Transfer-Encoding: chunked", body=b"2\r\n{}XX0\r\n\r\n"),
    "plus": request(LENGTH.replace(": ", ": +")),
    "underscore in the length": request("Content-Length: 1_0"),
    "hexadecimal length": request("Content-Length: 0x10"),
    "no length": request(body=b""),
    "compressed": request(
        f"Content-Length: {len(gzip.compress(GOOD))}", "Content-Encoding: gzip", body=gzip.compress(GOOD)
    ),
    "a form": request(LENGTH, "Content-Type: multipart/form-data; boundary=x"),
    "no host": request(LENGTH, host=""),
    "two hosts": request(LENGTH, "Host: s"),
    "a host with a path": request(LENGTH, host="Host: r/webhooks/bill?"),
    "whole address": request(LENGTH, start="POST http://r/webhooks/bill HTTP/1.1"),
    "written with percent": request(LENGTH, start="POST /webhooks/%62ill HTTP/1.1"),
    "written with percent and slash": request(LENGTH, start="POST /webhooks%2fbill HTTP/1.1"),
    "semicolon": request(LENGTH, start="POST /webhooks/bill;a=b HTTP/1.1"),
    "capitals": request(LENGTH, start="POST /webhooks/BILL HTTP/1.1"),
    "zero in the address": request(LENGTH, start="POST /webhooks/bill%00 HTTP/1.1"),
    "dots": request(LENGTH, start="POST /x/../webhooks/bill HTTP/1.1"),
    "star": request(LENGTH, start="OPTIONS * HTTP/1.1"),
    "CONNECT": request(start="CONNECT r:80 HTTP/1.1", body=b""),
    "TRACE": request(start="TRACE /webhooks/bill HTTP/1.1", body=b""),
    "another method": request(LENGTH, "X-HTTP-Method-Override: POST", start="PUT /webhooks/bill HTTP/1.1"),
    "HTTP/1.0": request(LENGTH, start="POST /webhooks/bill HTTP/1.0"),
    "HTTP/0.9": b"POST /webhooks/bill\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9),
    "HTTP/2 by upgrade": request(
        LENGTH, "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk"
    ),
    "newlines alone": request(LENGTH, end="\n"),
    "go on, please": request(LENGTH, "Expect: 100-continue"),
    "somebody else's address": request(LENGTH, "X-Forwarded-For: 127.0.0.1", "Forwarded: for=127.0.0.1"),
    "a genuine one in its body": request(
        f"Content-Length: {len(GOOD) * 3}", body=request(LENGTH, SIGNED)[: len(GOOD) * 3]
    ),
    "a genuine one behind it": request(LENGTH)
    + request(LENGTH, SIGNED).replace(FORGED.encode(), signed(KEY, GOOD).encode()),
}


@pytest.fixture(scope="module")
def tricked(tmp_path_factory):
    """What was answered to each trick, and what the ledger holds afterwards; a genuine event comes last."""
    answers = {}
    place = tmp_path_factory.mktemp("tricked") / "ledger.db"
    with Ledger(f"sqlite:///{place}") as ledger, serving(ledger) as (port, _):
        for name, trick in TRICKS.items():
            with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as caller:
                answers[name] = b""
                with contextlib.suppress(OSError):
                    caller.sendall(trick)
                    caller.shutdown(socket.SHUT_WR)
                    while part := caller.recv(4096):
                        answers[name] += part
        kept = states(ledger)
        last = compact(payload(event_id="last"))
        url = f"http://127.0.0.1:{port}/webhooks/bill"
        assert post_all(url, [(last, signed(KEY, last))], connections=1) == [200]
    return answers, kept


@pytest.mark.parametrize("name", TRICKS)
def test_a_trick_with_http_opens_nothing(tricked, name):
    """However a forged request is framed or spelled, it is refused with a status, and nothing behind it is taken."""
    answers, kept = tricked
    statuses = [line.split(b" ")[1] for line in answers[name].split(b"\r\n") if line.startswith(b"HTTP/1.1 ")]
    assert [each for each in statuses if each.startswith((b"2", b"3", b"5"))] == []
    assert len([each for each in statuses if each != b"100"]) <= 1
    assert kept == {}
    assert not any(word in answers[name].lower() for word in (b"uvicorn", b"starlette", b"traceback", b"python"))
