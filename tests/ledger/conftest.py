"""A bench to deliver from."""

from __future__ import annotations

import pytest
from ledger_bench import Bench


@pytest.fixture
def bench(tmp_path):
    """A bench on SQLite."""
    bench = Bench(f"sqlite:///{tmp_path}/ledger.db")
    yield bench
    bench.ledger.close()
