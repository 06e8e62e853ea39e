"""A running sandbox and a client of its BILL half."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from bill_client import BillClient


@pytest.fixture
def client():
    """A maker of clients: ``client(box)`` is logged in, ``client(box, login=False)`` is not."""
    opened = []

    def make(box, *, login=True, **changes):
        one = BillClient(box.bill_base_url)
        opened.append(one)
        if login:
            one.log_in(**changes)
        return one

    yield make
    for one in opened:
        one.http.close()
