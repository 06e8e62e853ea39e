"""What tests share: the real contracts, and sandboxes that stop when the test ends."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from erp_sandbox.server import Sandbox
from erp_sandbox.world import World

CONTRACTS_VARIABLE = "CONTRACTS_DIR"

_BESIDE_THE_PROJECT = Path(__file__).resolve().parents[1].parent / "shared" / "contracts"


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
