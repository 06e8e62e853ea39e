"""The sandbox as one server on loopback, to be used inside a test or from the command line."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, cast

import uvicorn
from starlette.routing import Router
from uvicorn.protocols.http.h11_impl import H11Protocol

from erp_sandbox.bill.app import BASE_PATH, bill_routes
from erp_sandbox.bill.events_app import event_routes
from erp_sandbox.bill.rules import BillRules
from erp_sandbox.bill.store import BillStore
from erp_sandbox.business_central.app import AUTH_PATH as BUSINESS_CENTRAL_AUTH_PATH
from erp_sandbox.business_central.app import BASE_PATH as BUSINESS_CENTRAL_PATH
from erp_sandbox.business_central.app import business_central_routes
from erp_sandbox.business_central.store import BusinessCentralStore
from erp_sandbox.clock import Clock
from erp_sandbox.control import control_routes
from erp_sandbox.faults import ABORT, ConnectionCutError, Faults, Latency
from erp_sandbox.stats import Stats
from erp_sandbox.workday.app import workday_routes
from erp_sandbox.workday.store import WorkdayStore

if TYPE_CHECKING:
    from asyncio import BaseTransport
    from collections.abc import Awaitable

    from starlette.types import Message, Receive, Scope, Send

    from erp_sandbox.world import World

WORKDAY_PATH = "/workday"
HOST = "127.0.0.1"
"""The only address the sandbox ever listens on."""

_START_SECONDS = 10.0
_STOP_SECONDS = 10.0
_GRACE_SECONDS = 1.0
"""How long calls in flight may take when it ends."""


class Sandbox:
    """BILL, Workday and Business Central on loopback, running in a thread while the ``with`` block lasts.

    Args:
        world: The data all systems start with.
        port: 0 takes a free one.
        latency: Seconds each API call takes.
        jitter: Up to so many more.
        faults: What goes wrong; none by default.
        rules: The switches of BILL.
        clock: The time they live in; the real one by default.
        other_organizations: Further BILL organizations, each a world of its own.

    Attributes:
        bill: BILL's data and helpers to change it.
        workday: Workday's data.
        business_central: Business Central's data and helpers to change it.
        faults: Change them at any time.
        stats: What was asked.
        latency: Change it at any time.
    """

    def __init__(
        self,
        world: World,
        *,
        port: int = 0,
        latency: float = 0.0,
        jitter: float = 0.0,
        faults: Faults | None = None,
        rules: BillRules | None = None,
        clock: Clock | None = None,
        other_organizations: Sequence[World] = (),
    ) -> None:
        self._worlds = (world, *other_organizations)
        self._port = port
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None
        self.clock = clock or Clock()
        self.faults = faults or Faults()
        self.latency = Latency(latency, jitter)
        self.stats = Stats()
        self._rules = rules
        self._load()

    @property
    def url(self) -> str:
        """Where the running sandbox listens."""
        return f"http://{HOST}:{self._port}"

    @property
    def bill_base_url(self) -> str:
        """BILL's base URL, the one that ends in /connect."""
        return f"{self.url}{BASE_PATH}"

    @property
    def workday_base_url(self) -> str:
        """Workday's host, below which /ccx stands."""
        return f"{self.url}{WORKDAY_PATH}"

    @property
    def business_central_base_url(self) -> str:
        """Business Central's host, below which /v2.0 stands."""
        return f"{self.url}{BUSINESS_CENTRAL_PATH}"

    @property
    def business_central_auth_url(self) -> str:
        """The host of the token endpoint that Business Central trusts."""
        return f"{self.url}{BUSINESS_CENTRAL_AUTH_PATH}"

    def start(self) -> None:
        """Listen and serve in a thread; returns when calls are answered.

        Raises:
            OSError: the port is taken.
            RuntimeError: the server did not come up.
        """
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, self._port))
        except OSError:
            listener.close()
            raise
        self._port = listener.getsockname()[1]
        config = uvicorn.Config(
            cast("Any", self.app),
            http=cast("Any", _CuttableProtocol),
            interface="asgi3",
            proxy_headers=False,
            access_log=False,
            log_config=None,
            log_level="warning",
            lifespan="off",
            timeout_keep_alive=60,
            backlog=512,
        )
        self._server = _Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([listener],), name="erp-sandbox", daemon=True)
        self._thread.start()
        if not self._server.up.wait(_START_SECONDS):
            raise RuntimeError("the sandbox did not start")

    def stop(self) -> None:
        """Finish the calls in flight, for a second at most, and close."""
        if self._server is None or self._thread is None:
            return
        self.bill.events.stop()
        self.business_central.stop()
        self._server.end()
        self._thread.join(_STOP_SECONDS)
        self._server = self._thread = None

    def reset(self) -> None:
        """Start over with the data of the first moment; ``bill``, ``workday`` and ``business_central`` are new then."""
        self.faults.clear()
        self.stats.clear()
        self.bill.events.stop()
        self.business_central.stop()
        self._load()

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application; a call whose connection was cut ends without an answer."""
        try:
            if scope["path"].startswith(f"{WORKDAY_PATH}/"):
                await self._count_workday(scope, receive, send)
            else:
                await self._router(scope, receive, send)
        except ConnectionCutError:
            while (await receive())["type"] != "http.disconnect":
                pass

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    async def _count_workday(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count paths and statuses; operations stand in the body, Workday's own store counts them."""
        with self.stats.call("workday", f"{scope['method']} {scope['path'].removeprefix(WORKDAY_PATH)}") as call:

            async def note(message: Message) -> None:
                call.status = message.get("status", call.status)
                await send(message)

            await self._router(scope, receive, note)

    def _load(self) -> None:
        self.bill = BillStore(self.clock, self._rules)
        for world in self._worlds:
            self.bill.add_organization(world.organization(), world.bill_records(), world.policies(), world.documents())
        self.workday = WorkdayStore(self._worlds[0].workday_seed(), clock=self.clock)
        self.business_central = BusinessCentralStore(self._worlds[0].business_central_seed(), self.clock)
        self._router = Router(
            [
                *bill_routes(self.bill, faults=self.faults, latency=self.latency, stats=self.stats),
                *event_routes(self.bill, faults=self.faults, latency=self.latency, stats=self.stats),
                *workday_routes(self.workday, faults=self.faults, latency=self.latency),
                *business_central_routes(
                    self.business_central, faults=self.faults, latency=self.latency, stats=self.stats
                ),
                *control_routes(self),
            ],
            redirect_slashes=False,
        )


class _Server(uvicorn.Server):
    """Tells when it is up, and ends as soon as it is told to: uvicorn looks for that ten times a second only."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = threading.Event()
        self._over: asyncio.Event | None = None

    def end(self) -> None:
        """End, from another thread."""
        self.should_exit = True
        if self._over is not None:
            with contextlib.suppress(RuntimeError):  # it has ended already
                self._loop.call_soon_threadsafe(self._over.set)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        await super().startup(sockets)
        self.up.set()

    async def main_loop(self) -> None:
        over = cast("asyncio.Event", self._over)
        ticks = 0
        while not await self.on_tick(ticks):
            ticks += 1
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), 0.1)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for each in sockets or []:
            each.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        until = time.monotonic() + _GRACE_SECONDS
        while (self.server_state.connections or self.server_state.tasks) and time.monotonic() < until:  # noqa: ASYNC110
            await asyncio.sleep(0.002)
        for task in self.server_state.tasks:
            task.cancel()


class _CuttableProtocol(H11Protocol):
    """Hands each call the means to close its own connection without an answer."""

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(cast("Any", transport))
        self.app = cast("Any", partial(_with_abort, self.app, cast("Any", transport).abort))


async def _with_abort(
    app: Callable[[Any, Any, Any], Awaitable[None]],
    abort: Callable[[], None],
    scope: Scope,
    receive: Receive,
    send: Send,
) -> None:
    scope.setdefault("extensions", {})[ABORT] = abort
    await app(scope, receive, send)
