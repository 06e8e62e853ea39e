"""The time a call may take as a whole: a peer that sends one byte a minute is not waited for without end.

What libraries call a timeout is the time without a byte. So ``httpx`` is given connections that wait no longer than the
call still has (``bounded``), and those of ``requests`` are shut down when its time is up (``watched``).
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
import typing as t

import httpcore
import httpx
import requests.adapters
import urllib3
import urllib3.connection

__all__ = ["BoundedAdapter", "Deadline", "bounded", "calling", "watched"]

_local = threading.local()


class Deadline:
    """When a call has to be over.

    Args:
        seconds: From now.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._ends = time.monotonic() + seconds
        self._connection: socket.socket | None = None
        self._lock = threading.Lock()

    @property
    def passed(self) -> bool:
        """Whether it has to be over by now."""
        return self.left <= 0.0

    @property
    def left(self) -> float:
        """Seconds it still has, less than none when its time is up."""
        return self._ends - time.monotonic()

    def __str__(self) -> str:
        return f"no complete answer within the {self.seconds:g} seconds a call may take (longest_call_seconds)"

    def use(self, connection: socket.socket) -> None:
        """Note what the call is made over."""
        with self._lock:
            self._connection = connection
            if self.passed:
                self._shut()

    def cut(self) -> None:
        """Shut down what the call is made over: whoever reads from it is woken and finds its end."""
        with self._lock:
            self._shut()

    def _shut(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(OSError):  # it is closed
                # The method of an encrypted one would take its encryption away from whoever reads.
                socket.socket.shutdown(self._connection, socket.SHUT_RDWR)


@contextlib.contextmanager
def calling(seconds: float) -> t.Iterator[Deadline]:
    """Give what this thread does in the block a time by which it has to be over, for connections of ``bounded``."""
    deadline = _local.deadline = Deadline(seconds)
    try:
        yield deadline
    finally:
        _local.deadline = None


@contextlib.contextmanager
def watched(seconds: float) -> t.Iterator[Deadline]:
    """Like ``calling``, for connections of a ``BoundedAdapter``: they are shut down when the time is up."""
    with calling(seconds) as deadline:
        watch = threading.Timer(seconds, deadline.cut)
        watch.daemon = True
        watch.start()
        try:
            yield deadline
        finally:
            watch.cancel()


def bounded(client: httpx.Client) -> httpx.Client:
    """Let a client's connections, proxies' too, wait no longer than the call they are used by still has."""
    # Neither library has a way to say it; tests over sockets show that it is heeded.
    for transport in (client._transport, *client._mounts.values()):  # noqa: SLF001
        if isinstance(transport, httpx.HTTPTransport):
            pool = transport._pool  # noqa: SLF001
            pool._network_backend = _Backend(pool._network_backend)  # noqa: SLF001
    return client


class BoundedAdapter(requests.adapters.HTTPAdapter):
    """Makes connections for ``requests`` that ``watched`` can shut down."""

    def init_poolmanager(self, *args: t.Any, **kwargs: t.Any) -> None:
        """Make the pools of connections."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, *args: t.Any, **kwargs: t.Any) -> t.Any:
        """Return the pools of connections through a proxy."""
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = _POOLS
        return manager


def _left(timeout: float | None) -> float | None:
    deadline: Deadline | None = getattr(_local, "deadline", None)
    if deadline is None:
        return timeout
    if deadline.passed:
        raise httpcore.ReadTimeout(str(deadline))
    return deadline.left if timeout is None else min(timeout, deadline.left)


class _Backend(httpcore.NetworkBackend):
    def __init__(self, inner: httpcore.NetworkBackend) -> None:
        self._inner = inner

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: t.Iterable[t.Any] | None = None,
    ) -> httpcore.NetworkStream:
        return _Stream(self._inner.connect_tcp(host, port, _left(timeout), local_address, socket_options))

    def sleep(self, seconds: float) -> None:
        self._inner.sleep(seconds)


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, _left(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: t.Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, _left(timeout)))

    def get_extra_info(self, info: str) -> t.Any:
        return self._inner.get_extra_info(info)


def _used(connection: urllib3.connection.HTTPConnection) -> None:
    """Note what a call is made over; the connection itself forgets it as soon as the headers of an answer are there."""
    deadline: Deadline | None = getattr(_local, "deadline", None)
    if deadline is not None and connection.sock is not None:
        deadline.use(connection.sock)


class _Http(urllib3.connection.HTTPConnection):
    def connect(self) -> None:
        super().connect()
        _used(self)

    def putrequest(self, *args: t.Any, **kwargs: t.Any) -> None:
        _used(self)
        super().putrequest(*args, **kwargs)


class _Https(urllib3.connection.HTTPSConnection):
    def connect(self) -> None:
        super().connect()
        _used(self)

    def putrequest(self, *args: t.Any, **kwargs: t.Any) -> None:
        _used(self)
        super().putrequest(*args, **kwargs)


class _HttpPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Http


class _HttpsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _Https


_POOLS: t.Final = {"http": _HttpPool, "https": _HttpsPool}
