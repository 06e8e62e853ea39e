"""A receiver of notifications that keeps what it is sent and answers what it is told to."""

from __future__ import annotations

import http.server
import threading
import urllib.parse


class Listener:
    """Listens on loopback while the ``with`` block lasts; says a ``validationToken`` back.

    Attributes:
        requests: (path, headers with lower-case names, body) of each request.
        answers: Statuses of the next answers; 200 when there is none left.
    """

    def __init__(self):
        self.requests = []
        self.answers = []
        listener = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                given = {name.lower(): value for name, value in self.headers.items()}
                listener.requests.append((self.path, given, body))
                status = listener.answers.pop(0) if listener.answers else 200
                query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
                said = query.get("validationToken", [""])[0].encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, *args):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/webhooks/bill"

    def __enter__(self):
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
