"""A cable between the ledger and PostgreSQL that can be pulled out, at the worst moment too."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from typing import Self
from urllib.parse import parse_qs, urlsplit


class Cable:
    """Passes on what goes to a PostgreSQL server that listens on a socket in a folder.

    Args:
        url: URL of the database.

    Attributes:
        url: The same database by way of this cable.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._server = f"{parse_qs(parts.query)['host'][0]}/.s.PGSQL.5432"
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._port = self._listener.getsockname()[1]
        self.url = f"postgresql://postgres@127.0.0.1:{self._port}{parts.path}?sslmode=disable&gssencmode=disable"
        self._lines: list[tuple[socket.socket, socket.socket]] = []
        self._out = False
        self._word: bytes | None = None
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.pull()
        self._listener.close()

    def pull(self) -> None:
        """Break all connections; new ones are broken as soon as they are made."""
        self._out = True
        for line in list(self._lines):
            self._break(line)

    def plug(self) -> None:
        """Let connections through again."""
        self._out = False

    def break_at(self, word: bytes, *, answered: bool) -> None:
        """Break the next connection over which this word is sent: before it arrives, or before its answer does."""
        self._word, self._answered = word, answered

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self._out:
                client.close()
                continue
            server = socket.socket(socket.AF_UNIX)
            server.connect(self._server)
            line = (client, server)
            self._lines.append(line)
            threading.Thread(target=self._pass_on, args=(line,), daemon=True).start()

    def _pass_on(self, line: tuple[socket.socket, socket.socket]) -> None:
        client, server = line
        swallow = False
        with contextlib.suppress(OSError, ValueError):
            while True:
                for end in select.select(line, [], [])[0]:
                    data = end.recv(65536)
                    if not data:
                        self._break(line)
                        return
                    if end is client and self._word is not None and self._word in data:
                        self._word = None
                        if not self._answered:
                            self._break(line)
                            return
                        swallow = True
                    if end is server and swallow:
                        self._break(line)
                        return
                    (server if end is client else client).sendall(data)

    @staticmethod
    def _break(line: tuple[socket.socket, socket.socket]) -> None:
        for end in line:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
