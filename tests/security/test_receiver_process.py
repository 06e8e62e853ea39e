"""The real receiver, as it is started by hand: ten thousand events beside two thousand hostile connections."""

from __future__ import annotations

import collections
import contextlib
import resource
import sqlite3
import sys
from pathlib import Path

import pytest
from bill_events import burst_of, post_all
from strangers import Strangers
from waiting import wait_until

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

from harness import Project
from receiving import Receiver, fake_meltano, make_vault, webhooks_yml

from erp_sandbox.server import Sandbox
from erp_sandbox.world import World

pytestmark = [pytest.mark.long, pytest.mark.e2e]

HOSTILE = 2_000


@pytest.fixture
def many_files():
    """Let this process have a connection for each stranger."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    if before[1] != resource.RLIM_INFINITY and before[1] < 2 * HOSTILE:
        pytest.skip(f"this machine lets a process have {before[1]} files: too few for {HOSTILE} connections")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(before[0], 2 * HOSTILE), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.usefixtures("many_files")
@pytest.mark.parametrize(
    ("count", "anew"), [(10_000, False), (1_000, True)], ids=["on open connections", "each on its own"]
)
def test_a_burst_is_answered_beside_two_thousand_hostile_connections(tmp_path, monkeypatch, programs, count, anew):
    """Every genuine one gets its 200 at once and is on disk; the log tells of the strangers in a few lines.

    The strangers come from the address the burst comes from, as behind a proxy that carries no limits, and know the
    subscription, so that each forged request is looked at by all documented ways.
    """
    with Sandbox(World.plain(vendors=1, bills=1, lines=(1, 1))) as box:
        project = Project(tmp_path, box, programs)
        make_vault(project, monkeypatch)
        fake_meltano(project)
        webhooks_yml(project, debounce_seconds=5, longest_wait_seconds=300, check_seconds=600)
        with Receiver(project) as receiver:
            wait_until(lambda: "go to us" in receiver.said(), receiver.process)
            subscription = next(iter(box.bill.events.subscriptions.values()))
            ids, requests = burst_of(count, subscription.security_key, seed=9, subscription=subscription.id)
            with Strangers(receiver.port, HOSTILE, subscription=subscription.id, pause=2) as crowd:
                statuses = post_all(receiver.door, requests, anew=anew)
        with contextlib.closing(sqlite3.connect(project.ledger_path, timeout=60)) as ledger:
            kept = {row[0] for row in ledger.execute("SELECT event_id FROM events")}
        said = receiver.said()
    assert collections.Counter(statuses) == {200: len(requests)}
    assert set(ids) <= kept
    assert set(crowd.answers) <= {401, 429}
    assert min(crowd.connected[kind] for kind in Strangers.KINDS) >= HOSTILE // len(Strangers.KINDS)
    assert len(said.splitlines()) < 200
