"""The receiver with one door of BILL, served in a thread of this process."""

from __future__ import annotations

import asyncio
import contextlib
import threading

from bill_events import ORGANIZATION
from rooms import bell
from waiting import PATIENCE

from ml_connector.webhooks.callers import Callers, networks
from ml_connector.webhooks.receiver import receiver
from ml_connector.webhooks.refusals import Refusals
from ml_connector.webhooks.serving import Serving, _config, _listening, _Server
from ml_connector.webhooks.store import EventStore

KEY = "key"


@contextlib.contextmanager
def serving(ledger, *proxies):
    """Serve a door; yields the port and the server, which has the ``refusals`` it counts."""
    store = EventStore(ledger, lambda _: ("pipe",))
    callers, refusals = Callers(networks(proxies)), Refusals(30)
    doors = [(bell(KEY, organization=ORGANIZATION), store.keep)]
    app = receiver(doors, healthy=lambda: True, callers=callers, refusals=refusals)
    up = threading.Event()
    server = _Server(_config(app, callers, refusals), lambda _: up.set())
    server.refusals = refusals
    server.capture_signals = contextlib.nullcontext
    listening = _listening(Serving("127.0.0.1", 0))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([listening])), daemon=True)
    thread.start()
    assert up.wait(PATIENCE)
    try:
        yield listening.getsockname()[1], server
    finally:
        server.should_exit = True
        thread.join()
