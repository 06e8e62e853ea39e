"""A ledger for events, and keys without a vault."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ml_connector.ledger.store import Ledger

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def ledger(tmp_path):
    """An empty ledger."""
    with Ledger(f"sqlite:///{tmp_path}/ledger.db") as opened:
        yield opened
