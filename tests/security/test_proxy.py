"""The nginx example of the webhooks page, word for word, before a real receiver."""

from __future__ import annotations

import collections
import contextlib
import re
import shutil
import socket
import subprocess
from pathlib import Path

import httpx
import pytest
from bill_events import burst_of, compact, headers, payload, post_all
from rooms import states
from served import KEY, serving
from strangers import Strangers
from waiting import wait_until

from ml_connector.ledger.store import Ledger

ROOT = Path(__file__).resolve().parents[2]
NGINX = next(filter(None, map(shutil.which, ("nginx", "/usr/sbin/nginx", str(ROOT / ".nginx/usr/sbin/nginx")))), None)
GOOD = compact(payload(event_id="e-1"))

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(NGINX is None, reason="no nginx on this machine: `sh .ci/nginx` fetches Debian's"),
]


def example(port, receiver):
    """Return the example, listening on a port of loopback without TLS, before a receiver."""
    (block,) = re.findall(r"```nginx\n(.*?)```", (ROOT / "docs" / "webhooks.md").read_text("utf-8"), re.DOTALL)
    block = re.sub(r"\n *ssl_certificate.*", "", block)
    return block.replace("listen 443 ssl", f"listen 127.0.0.1:{port}").replace(
        "127.0.0.1:8088", f"127.0.0.1:{receiver}"
    )


@contextlib.contextmanager
def nginx(folder, receiver):
    """Run nginx with the example; yields its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    paths = "".join(
        f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    written = folder / "nginx.conf"
    written.write_text(
        f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log warn;\n"
        f"events {{ worker_connections 4096; }}\nhttp {{ access_log off; {paths}\n{example(port, receiver)}}}\n",
        "utf-8",
    )
    words = [NGINX, "-p", folder, "-c", written, "-e", folder / "error.log"]
    with subprocess.Popen(words, stdin=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: _answers(port), process)
            yield port
        finally:
            process.terminate()


def _answers(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False


@pytest.fixture
def ledger(tmp_path):
    """An empty ledger."""
    with Ledger(f"sqlite:///{tmp_path}/ledger.db") as opened:
        yield opened


@pytest.fixture
def port(tmp_path, ledger):
    """The port of an nginx before a receiver that believes it."""
    with serving(ledger, "127.0.0.1") as (receiver, _), nginx(tmp_path, receiver) as number:
        yield number


def calling(port, source="127.0.0.1"):
    """Return what calls from an address."""
    transport = httpx.HTTPTransport(local_address=source)
    return httpx.Client(base_url=f"http://127.0.0.1:{port}", transport=transport, trust_env=False)


def test_only_notifications_come_through(port, ledger):
    """POST below /webhooks/, in a size that systems send; the signature fits what arrives."""
    with calling(port) as http:
        given = headers(KEY, GOOD)
        assert http.post("/webhooks/bill", content=GOOD, headers=given).status_code == 200
        assert http.post("/webhooks/bill/", content=GOOD, headers=given).status_code == 200
        assert http.post("/webhooks/bill", content=b" " * 2_000_000, headers=given).status_code == 413
        assert http.get("/webhooks/bill").status_code == 403
        assert http.get("/health").status_code == 404
    assert states(ledger) == {"e-1": "open"}


def test_strangers_are_told_apart_behind_it(port):
    """Who has used up its refusals is told so, whatever it says of where it comes from; others are not."""
    with calling(port, "127.0.0.2") as one, calling(port, "127.0.0.3") as other:
        forged = [
            one.post("/webhooks/bill", content=GOOD, headers={"X-Forwarded-For": f"192.0.2.{number}"}).status_code
            for number in range(31)
        ]
        assert forged == [401] * 30 + [429]
        assert other.post("/webhooks/bill", content=GOOD).status_code == 401
        assert one.post("/webhooks/bill", content=GOOD, headers=headers(KEY, GOOD)).status_code == 200


def test_an_address_has_only_so_many_connections(port):
    """Requests beyond them are answered 503, and those of others go through."""
    crowd = [socket.create_connection(("127.0.0.1", port), source_address=("127.0.0.2", 0)) for _ in range(70)]
    try:
        for each in crowd:
            each.sendall(b"POST /webhooks/bill HTTP/1.1\r\nHost: r\r\nContent-Length: 1000\r\n\r\n{")
        with calling(port, "127.0.0.2") as http, calling(port, "127.0.0.3") as other:
            wait_until(lambda: http.post("/webhooks/bill", content=GOOD).status_code == 503)
            assert other.post("/webhooks/bill", content=GOOD, headers=headers(KEY, GOOD)).status_code == 200
    finally:
        for each in crowd:
            each.close()


def test_a_burst_comes_through_beside_a_crowd(port, ledger):
    """Every genuine event is answered 200 while strangers at other addresses do their worst at the proxy."""
    ids, requests = burst_of(100, KEY, seed=5)
    with Strangers(port, 300, sources=20):
        statuses = post_all(f"http://127.0.0.1:{port}/webhooks/bill", requests, connections=8, anew=True)
    assert collections.Counter(statuses) == {200: len(requests)}
    assert set(states(ledger)) == set(ids)
