"""A running sandbox, and clients of its Business Central."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from central_client import CentralClient

from erp_sandbox.server import Sandbox
from erp_sandbox.world import World

WORLD = World.plain(vendors=20, bills=1, lines=(1, 1))


@pytest.fixture(scope="session")
def _first_day():
    """What Business Central holds on the first day: read back for each test, which is faster than to make it anew."""
    store = Sandbox(WORLD).business_central
    store.company()
    return store.to_json()


@pytest.fixture(scope="module")
def _running():
    with Sandbox(WORLD) as running:
        yield running


@pytest.fixture
def box(_running, _first_day):
    """A sandbox with twenty vendors that BILL has as well, as it was on the first day."""
    _running.reset()
    _running.business_central.from_json(_first_day)
    return _running


@pytest.fixture
def another(box):
    """A maker of further clients: ``another(company=..., environment=...)``."""
    opened = []

    def make(**where):
        opened.append(CentralClient(box, **where))
        return opened[-1]

    yield make
    for client in opened:
        client.http.close()


@pytest.fixture
def central(another):
    """A client of the main company."""
    return another()


@pytest.fixture
def europe(another):
    """A client of the company that keeps its books in euros."""
    return another(company="Acme Services Europe")
