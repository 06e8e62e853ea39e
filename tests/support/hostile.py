"""A server between us and a sandbox that passes everything on, but answers some requests as an attacker would."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import http.server
import threading
import time
from typing import Self
from urllib.parse import urlsplit

DEEP_JSON = b'{"results":' + b"[" * 5000 + b"]" * 5000 + b"}"
DEEP_XML = (
    b'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>'
    + b"<a>" * 5000
    + b"</a>" * 5000
    + b"</e:Body></e:Envelope>"
)


def plain(body, status=200, **headers):
    """Return an answer: how it is written to a connection."""

    def answer(handler):
        handler.send_response(status)
        for name, value in {"Content-Length": str(len(body)), "Connection": "close", **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        with contextlib.suppress(OSError):
            handler.wfile.write(body)
        handler.close_connection = True

    return answer


def deep(handler):
    """Nest without end, in whatever is spoken here."""
    soap = "xml" in handler.headers.get("content-type", "") or handler.path.endswith("wsdl")
    plain(DEEP_XML if soap else DEEP_JSON)(handler)


def dripping_body(handler):
    """Send a byte now and then, without end and without saying how many there will be."""
    handler.close_connection = True
    with contextlib.suppress(OSError):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n[")
        _drip(handler)


def dripping_long_body(handler):
    """The same of a body whose length was told."""
    handler.close_connection = True
    with contextlib.suppress(OSError):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n[")
        _drip(handler)


def dripping_chunks(handler):
    """The same of a body in chunks."""
    handler.close_connection = True
    with contextlib.suppress(OSError):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n[")
        _drip(handler)


def dripping_headers(handler):
    """Never come to the end of the headers."""
    handler.close_connection = True
    with contextlib.suppress(OSError):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        _drip(handler)


def _drip(handler):
    while not handler.server.over.is_set():
        handler.wfile.write(b" ")
        handler.wfile.flush()
        time.sleep(0.02)


DRIPS = {each.__name__: each for each in (dripping_body, dripping_long_body, dripping_chunks, dripping_headers)}
TOO_MUCH = {
    "large": plain(b" " * 3_000_000),
    "bomb": plain(gzip.compress(b" " * 30_000_000), Content_Encoding="gzip"),
    "packed twice": plain(gzip.compress(gzip.compress(b" " * 30_000_000)), Content_Encoding="gzip, gzip"),
    "deep": deep,
}
"""Answers that are more than is read, where one megabyte is."""


class Front:
    """Passes on what is asked of a sandbox, and answers what it is told to itself.

    Args:
        box: The sandbox; None: everything is answered by the attacker.

    Attributes:
        url: Where it is.
        attack: How it answers what ``strikes`` says; None: not at all.
        strikes: Whether a request is answered by the attacker: of method, path and body.
        afterwards: Whether the sandbox carries out what is answered by the attacker.
        asked: Methods, paths and bodies of the requests, in order.
        passed: Those that the sandbox has carried out.
    """

    def __init__(self, box=None):
        self.attack = None
        self.strikes = lambda *_: True
        self.afterwards = False
        self.asked, self.passed = [], []
        self._to = urlsplit(box.url) if box is not None else None
        front = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self):
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                front._answer(self, (self.command, self.path, body))

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815 - as the library calls them

            def log_message(self, *args):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.over = threading.Event()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.over.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def instead_of(self, box, config):
        """Return a plugin's configuration that leads here rather than to the sandbox."""
        return {
            name: value.replace(box.url, self.url) if isinstance(value, str) else value
            for name, value in config.items()
        }

    def _answer(self, handler, request):
        self.asked.append(request)
        struck = self.attack is not None and self.strikes(*request)
        if self._to is not None and (not struck or self.afterwards):
            answer = self._pass_on(handler, request)
        if struck or self._to is None:
            (self.attack or plain(b"{}"))(handler)
        else:
            answer(handler)

    def _pass_on(self, handler, request):
        method, path, body = request
        connection = http.client.HTTPConnection(self._to.hostname, self._to.port)
        headers = {name: value for name, value in handler.headers.items() if name.lower() != "accept-encoding"}
        connection.request(method, path, body or None, headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        self.passed.append(request)
        kept = ("content-type", "retry-after")
        return plain(content, answer.status, **{k: v for k, v in answer.headers.items() if k.lower() in kept})
