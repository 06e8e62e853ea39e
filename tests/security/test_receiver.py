"""The receiver under attack: strangers hold connections, dawdle and forge, and what is genuine is answered all the same."""

from __future__ import annotations

import collections

import pytest
from bill_events import burst_of, post_all
from rooms import states
from served import KEY, serving
from strangers import Strangers

from ml_connector.events import serving as serving_module
from ml_connector.ledger.store import Ledger


@pytest.fixture
def ledger(tmp_path):
    """An empty ledger."""
    with Ledger(f"sqlite:///{tmp_path}/ledger.db") as opened:
        yield opened


@pytest.mark.parametrize("anew", [False, True], ids=["on open connections", "each on its own"])
def test_a_burst_is_answered_while_strangers_want_every_place(ledger, monkeypatch, anew):
    """Three strangers for each place, of every kind, from the address the burst comes from: each event gets its 200."""
    monkeypatch.setattr(serving_module, "_MOST_AT_ONCE", 48)
    ids, requests = burst_of(60, KEY, seed=3)
    with serving(ledger) as (port, _), Strangers(port, 150) as crowd:
        statuses = post_all(f"http://127.0.0.1:{port}/webhooks/bill", requests, connections=8, anew=anew)
    assert collections.Counter(statuses) == {200: len(requests)}
    assert set(states(ledger)) == set(ids)
    assert set(crowd.connected) == set(Strangers.KINDS)
    assert set(crowd.answers) <= {401, 429}
