"""A ledger for events."""

from __future__ import annotations

import pytest

from ml_connector.ledger.store import Ledger


@pytest.fixture
def ledger(tmp_path):
    """An empty ledger."""
    with Ledger(f"sqlite:///{tmp_path}/ledger.db") as opened:
        yield opened
