"""The receiver as a process: doors, waking and subscriptions together, from start to a graceful end."""

from __future__ import annotations

import contextlib
import logging
import signal
import socket
import sys
import typing as t

import uvicorn

from ml_connector.errors import SettingInvalid
from ml_connector.ledger.store import Ledger
from ml_connector.webhooks.callers import Callers, Network
from ml_connector.webhooks.connections import Connections
from ml_connector.webhooks.dispatcher import Waker
from ml_connector.webhooks.endpoints import Door
from ml_connector.webhooks.header_timeout import prompt_http
from ml_connector.webhooks.health import Cared, HealthLoop
from ml_connector.webhooks.meltano_run import Runs
from ml_connector.webhooks.receiver import Limits, receiver
from ml_connector.webhooks.refusals import Refusals
from ml_connector.webhooks.settings import WebhookSettings
from ml_connector.webhooks.store import EventStore

__all__ = ["Serving", "serve"]

_GRACE_FOR_REQUESTS: t.Final = 10
_MOST_AT_ONCE: t.Final = 512
_MOST_OF_ONE: t.Final = 64
"""Connections of one address, where that is not a proxy's."""

_WAITING: t.Final = 2048
"""Connections that may wait to be accepted."""

_ACCEPTED_TOGETHER: t.Final = 8
"""At once, before the first of them is looked at: few, so that a rush of strangers is shown the door as it comes."""

_LOG = logging.getLogger(__name__)


class Serving(t.NamedTuple):
    """How to serve.

    Attributes:
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.
        proxies: Where the proxies are whose word about the caller is believed.
        patience: Seconds a running pipeline may go on when we are told to stop.
        address: Where systems reach us; with it subscriptions are made once calls are answered.
    """

    host: str
    port: int
    proxies: tuple[Network, ...] = ()
    patience: float = 20.0
    address: str | None = None


def serve(
    ledger: Ledger,
    doors: t.Sequence[Door],
    webhooks: WebhookSettings,
    runs: Runs,
    how: Serving,
    *,
    reopen: t.Callable[[Door], Door],
    up: t.Callable[[str], None],
) -> None:
    """Answer until SIGTERM or SIGINT; then finish the requests under way, give pipelines a while, and return.

    Args:
        ledger: Where events are kept.
        doors: Where systems ring.
        webhooks: What wakes what.
        runs: What runs pipelines.
        how: How to serve.
        reopen: Returns a door as it would be opened now.
        up: Called with our address when calls are answered.

    Raises:
        SettingInvalid: Something else listens there.
    """
    waker = Waker(ledger, webhooks, runs)
    bells = [(door, door.bell()) for door in doors]
    stores = {bell.path: EventStore(ledger, door.wanted) for door, bell in bells}
    cared_for = [Cared(door, door.subscriber(webhooks)) for door, _ in bells]
    health = HealthLoop(ledger, cared_for, webhooks, address=how.address, ring=waker.ring, reopen=reopen)

    def keeper(store: EventStore) -> t.Callable[[t.Any], t.Awaitable[None]]:
        async def keep(events: t.Any) -> None:
            await store.keep(events)
            waker.ring()

        return keep

    callers, refusals = Callers(how.proxies), Refusals(Limits().refusals_per_minute)
    app = receiver(
        [(bell, keeper(stores[bell.path])) for _, bell in bells],
        healthy=lambda: waker.healthy,
        callers=callers,
        refusals=refusals,
    )

    def begin(url: str) -> None:
        health.start()  # not before calls are answered: some systems ask whether we are there
        up(url)

    server = _Server(_config(app, callers, refusals), begin)
    listening = _listening(how)
    waker.start()
    try:
        server.run([listening])
    finally:
        health.stop()
        waker.stop(how.patience)
        refusals.close()
        _LOG.info("stopped; events that are open stay open")


def _listening(how: Serving) -> socket.socket:
    """Return a socket that listens; before anything else is begun, since the place may be taken."""
    family = socket.AF_INET6 if ":" in how.host else socket.AF_INET
    try:
        return socket.create_server((how.host, how.port), family=family, backlog=_WAITING)
    except OSError as error:
        raise SettingInvalid(
            f"nothing can listen on {how.host} port {how.port}: {error.strerror or error}.",
            "See whether another receiver is running, or give --host and --port.",
        ) from None


def _config(app: t.Any, callers: Callers, refusals: Refusals) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        interface="asgi3",
        http=prompt_http(Connections(_places(), _MOST_OF_ONE), callers, refusals),
        ws="none",
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_config=None,
        log_level="warning",
        lifespan="off",
        backlog=_ACCEPTED_TOGETHER,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=_GRACE_FOR_REQUESTS,
        h11_max_incomplete_event_size=16 * 1024,
    )


def _places() -> int:
    """Return how many connections there may be: no more than half of the files we may open."""
    if sys.platform == "win32":
        return _MOST_AT_ONCE
    import resource  # noqa: PLC0415 - there is none on Windows

    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return _MOST_AT_ONCE if files == resource.RLIM_INFINITY else min(_MOST_AT_ONCE, files // 2)


class _Server(uvicorn.Server):
    """Tells when it is up, and where."""

    def __init__(self, config: uvicorn.Config, up: t.Callable[[str], None]) -> None:
        super().__init__(config)
        self._up = up

    @contextlib.contextmanager
    def capture_signals(self) -> t.Iterator[None]:
        """Stop on a signal, and leave it at that: uvicorn would raise it again before pipelines have ended."""
        before = {each: signal.signal(each, self.handle_exit) for each in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)

    async def startup(self, sockets: t.Any = None) -> None:
        await super().startup(sockets)
        for each in sockets or ():
            each.listen(_WAITING)  # the number uvicorn was given is also how many are accepted together
        if self.started:
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            self._up(f"http://{f'[{host}]' if ':' in host else host}:{port}")
