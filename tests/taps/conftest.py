"""What tests of taps share: a state directory of their own, and the helpers beside them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import stamina

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(autouse=True)
def own_state(tmp_path, monkeypatch):
    """No test meets the sessions of another; nobody waits between attempts."""
    monkeypatch.setenv("ML_CONNECTOR_STATE_DIR", str(tmp_path / "state"))
    with stamina.set_testing(True, attempts=100, cap=True):
        yield tmp_path / "state"
