"""When a pipeline is woken: once things are quiet, one run at a time, again while something was not seen."""

from __future__ import annotations

import datetime as dt
import os
import platform
import threading
import time

import pytest
import sqlalchemy as sa
from rooms import NOON, event, see, states, webhooks
from waiting import PATIENCE, wait_until

from ml_connector.ledger.schema import wakes
from ml_connector.ledger.store import Ledger
from ml_connector.webhooks import dispatcher
from ml_connector.webhooks.dispatcher import Waker, due_at
from ml_connector.webhooks.store import Waiting, forget, keep

SECOND = dt.timedelta(seconds=1)
FAST = {"debounce_seconds": 0, "pause_seconds": 0.05, "longest_pause_seconds": 0.05, "most_wakes": 3}


class Row:
    """A row of ``wakes``."""

    def __init__(self, *, ended=None, failures=0):
        self.ended_at = ended
        self.failures = failures


class FakeRuns:
    """Runs that call a function; counts how many were under way at once."""

    def __init__(self, run=lambda _: 0):
        self._run = run
        self._lock = threading.Lock()
        self.words = []
        self.at_once = 0
        self.most_at_once = 0
        self.stopped = False

    def run(self, words):
        """Run."""
        with self._lock:
            self.words.append(tuple(words))
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            return self._run(words)
        finally:
            with self._lock:
                self.at_once -= 1

    def stop(self):
        """Stop."""
        self.stopped = True


def arrive(ledger, *arrived, pipeline="pipe"):
    """Keep events."""
    ledger.write(lambda connection: keep(connection, arrived, lambda _: (pipeline,)))


def leased_until(ledger):
    """When the lease of the one pipeline ends."""
    with ledger.read() as connection:
        return connection.execute(sa.select(wakes.c.leased_until)).scalar_one()


def waiting(*, fresh=1, first=NOON, last=NOON, wakes_=0):
    """Return what is open."""
    return Waiting("pipe", 1, fresh, first if fresh else None, last if fresh else None, wakes_)


@pytest.mark.parametrize(
    ("open_", "row", "seconds"),
    [
        (waiting(), None, 2),
        (waiting(last=NOON + SECOND), None, 3),
        (waiting(last=NOON + 60 * SECOND), None, 15),
        (waiting(fresh=0, wakes_=1), Row(ended=NOON), 15),
        (waiting(fresh=0, wakes_=3), Row(ended=NOON), 60),
        (waiting(fresh=0, wakes_=16), Row(ended=NOON), 900),
        (waiting(wakes_=3), Row(ended=NOON), 2),
        (waiting(), Row(ended=NOON, failures=1), 15),
        (waiting(), Row(ended=NOON, failures=4), 120),
    ],
    ids=["quiet", "one more", "never quiet", "in vain", "thrice", "the longest", "news beside", "failed", "four times"],
)
def test_when_a_pipeline_is_due(open_, row, seconds):
    """Debounced, but not for ever; pauses double after failures and runs in vain."""
    assert due_at(open_, row, webhooks()) == NOON + seconds * SECOND


def test_an_event_wakes_its_pipeline_and_is_closed(ledger):
    """The run sees the object; nothing is left to do."""

    def run(words):
        see(ledger, "x", NOON)
        return 0

    runs = FakeRuns(run)
    waker = Waker(ledger, webhooks(**FAST), runs)
    arrive(ledger, event())
    waker.start()
    wait_until(lambda: states(ledger) == {"event-1": "closed"})
    waker.stop(5)
    assert runs.words == [("pipe",)]
    assert runs.stopped


def test_what_was_seen_meanwhile_needs_no_run(ledger):
    """The scheduled run was faster; that ours failed before, perhaps since that one was under way, is over."""
    arrive(ledger, event())
    ledger.write(lambda connection: connection.execute(sa.insert(wakes).values(pipeline="pipe", failures=3)))
    see(ledger, "x", NOON)
    runs = FakeRuns()
    waker = Waker(ledger, webhooks(**FAST), runs)
    waker.start()
    wait_until(lambda: states(ledger) == {"event-1": "closed"})
    waker.stop(5)
    assert runs.words == []
    with ledger.read() as connection:
        assert connection.execute(sa.select(wakes.c.owner, wakes.c.failures)).one() == (None, 0)


def test_what_is_not_seen_is_woken_for_again_and_then_told(ledger, caplog):
    """So many runs in vain, then an alarm that names the object, and no run any more."""
    arrive(ledger, event())
    runs = FakeRuns()
    waker = Waker(ledger, webhooks(**FAST), runs)
    waker.start()
    wait_until(lambda: states(ledger) == {"event-1": "unseen"})
    wait_until(lambda: "ALARM" in caplog.text)
    waker.stop(5)
    assert len(runs.words) == FAST["most_wakes"]
    assert "bill.updated x" in caplog.text


def test_a_failed_run_is_tried_again(ledger):
    """Failures do not count as runs in vain; the event is closed by the run that works."""
    codes = iter([1, 1, 0])

    def run(words):
        code = next(codes)
        if code == 0:
            see(ledger, "x", NOON)
        return code

    arrive(ledger, event())
    runs = FakeRuns(run)
    waker = Waker(ledger, webhooks(**FAST), runs)
    waker.start()
    wait_until(lambda: states(ledger) == {"event-1": "closed"})
    waker.stop(5)
    assert len(runs.words) == 3


def test_a_run_that_cannot_even_be_started_is_a_failed_one(ledger):
    """Whatever the reason: its lease is given back, and it is tried again."""
    troubles = iter([OSError("no such program"), ValueError("embedded null byte"), None])

    def run(words):
        trouble = next(troubles)
        if trouble is not None:
            raise trouble
        see(ledger, "x", NOON)
        return 0

    arrive(ledger, event())
    waker = Waker(ledger, webhooks(**FAST), FakeRuns(run))
    waker.start()
    wait_until(lambda: states(ledger) == {"event-1": "closed"})
    waker.stop(5)
    with ledger.read() as connection:
        assert connection.execute(sa.select(wakes.c.owner, wakes.c.runs)).one() == (None, 3)


def test_a_look_that_fails_is_not_the_last_one(ledger, monkeypatch):
    """Whatever the reason: it looks again, and does not count as well meanwhile."""
    troubles = iter([sa.exc.OperationalError("SELECT", {}, Exception("disk I/O error")), RuntimeError("a surprise")])
    look = Waker._look
    looks = []

    def failing(waker):
        looks.append(waker.alive_at)
        trouble = next(troubles, None)
        if trouble is not None:
            raise trouble
        look(waker)

    monkeypatch.setattr(Waker, "_look", failing)
    arrive(ledger, event())
    see(ledger, "x", NOON)
    waker = Waker(ledger, webhooks(**FAST), FakeRuns())
    began = waker.alive_at
    waker.start()
    wait_until(lambda: waker.ring() or states(ledger) == {"event-1": "closed"})
    waker.stop(5)
    assert looks[:3] == [began] * 3


def test_a_run_that_was_told_to_end_has_not_failed(ledger):
    """The next receiver starts it again at once."""
    ended = threading.Event()

    class Stopped(FakeRuns):
        def stop(self):
            ended.set()

    arrive(ledger, event())
    runs = Stopped(lambda _: -15 if ended.wait(PATIENCE) else 0)
    waker = Waker(ledger, webhooks(**FAST), runs)
    waker.start()
    wait_until(lambda: runs.words)
    waker.stop(0)
    with ledger.read() as connection:
        row = connection.execute(sa.select(wakes)).one()
    assert (row.owner, row.failures, row.runs, row.exit_code) == (None, 0, 1, -15)
    assert states(ledger) == {"event-1": "open"}


def test_two_receivers_do_not_run_one_pipeline_at_once(ledger):
    """The lease in the ledger decides; events that come meanwhile make one more run."""
    going = threading.Event()

    def run(words):
        going.wait(PATIENCE)
        see(ledger, "x", NOON)
        see(ledger, "y", NOON)
        return 0

    runs = FakeRuns(run)
    wakers = [Waker(ledger, webhooks(**FAST), runs) for _ in range(2)]
    arrive(ledger, event(1))
    for each in wakers:
        each.start()
    wait_until(lambda: runs.words)
    arrive(ledger, event(2, source_id="y"))
    for each in wakers:
        each.ring()
    time.sleep(0.2)
    going.set()
    wait_until(lambda: set(states(ledger).values()) == {"closed"})
    for each in wakers:
        each.stop(5)
    assert runs.most_at_once == 1


def test_a_run_longer_than_a_lease_keeps_it(ledger, monkeypatch):
    """As long as who runs it is alive nobody else takes it over."""
    monkeypatch.setattr(dispatcher, "_BEAT", 0.01)
    over = threading.Event()

    def run(words):
        over.wait(PATIENCE)
        see(ledger, "x", NOON)
        return 0

    runs = FakeRuns(run)
    wakers = [Waker(ledger, webhooks(**FAST), runs) for _ in range(2)]
    arrive(ledger, event())
    for each in wakers:
        each.start()
    wait_until(lambda: runs.words)
    ends = leased_until(ledger)
    for _ in range(3):  # each beat moves the end of the lease, and nobody else takes the pipeline while it lasts
        before = ends
        wait_until(lambda: leased_until(ledger) > before)  # noqa: B023 - waited for within the round
        ends = leased_until(ledger)
        for each in wakers:
            each.ring()
    over.set()
    wait_until(lambda: states(ledger) == {"event-1": "closed"})
    for each in wakers:
        each.stop(5)
    assert len(runs.words) == 1


@pytest.mark.parametrize(
    ("owner", "taken_over"),
    [
        (f"{platform.node()}:999999999:x", True),
        (f"{platform.node()}:{os.getpid()}:of-a-container-before", True),
        (f"{platform.node()}:{os.getppid()}:x", False),
        ("another.host.invalid:1:x", False),
    ],
    ids=["dead", "our number", "alive", "elsewhere"],
)
def test_the_lease_of_a_dead_receiver_is_taken_over(ledger, owner, taken_over):
    """At once on this machine; of other machines only when it has run out."""
    until = dt.datetime.now(dt.UTC) + 60 * SECOND
    ledger.write(
        lambda connection: connection.execute(sa.insert(wakes).values(pipeline="pipe", owner=owner, leased_until=until))
    )
    runs = FakeRuns()
    waker = Waker(ledger, webhooks(**FAST), runs)
    waker.start()
    with ledger.read() as connection:
        assert (connection.execute(sa.select(wakes.c.owner)).scalar() is None) == taken_over
    waker.stop(5)


def test_a_lease_that_has_run_out_is_taken_over(ledger):
    """Whoever held it is gone, or has lost touch with the ledger."""
    past = NOON - SECOND
    ledger.write(
        lambda connection: connection.execute(
            sa.insert(wakes).values(pipeline="pipe", owner="another.host.invalid:1:x", leased_until=past)
        )
    )
    arrive(ledger, event())
    runs = FakeRuns()
    waker = Waker(ledger, webhooks(**FAST), runs)
    waker.start()
    wait_until(lambda: runs.words)
    waker.stop(5)


@pytest.mark.slow
def test_receivers_of_several_machines_share_a_postgresql_ledger(postgres_url):
    """Kept once, run by one of them at a time, closed, forgotten: the same as on SQLite."""

    def run(words):
        with Ledger(postgres_url) as seeing:
            see(seeing, "x", NOON)
        return 0

    runs = FakeRuns(run)
    with Ledger(postgres_url) as here, Ledger(postgres_url) as there:
        wakers = [Waker(each, webhooks(**FAST), runs) for each in (here, there)]
        for each in (here, there, here):
            arrive(each, event())
        for each in wakers:
            each.start()
        wait_until(lambda: states(here) == {"event-1": "closed"})
        for each in wakers:
            each.stop(5)
        assert runs.most_at_once == 1
        here.write(lambda connection: forget(connection, NOON + dt.timedelta(days=181)))
        assert states(there) == {}


def test_a_pipeline_that_is_not_configured_is_not_run(ledger):
    """Its events stay open, and health tells of them."""
    arrive(ledger, event(), pipeline="gone")
    runs = FakeRuns()
    waker = Waker(ledger, webhooks(**FAST), runs)
    waker.start()
    assert waker.healthy
    waker.stop(5)
    assert runs.words == []
    assert not waker.healthy
    assert states(ledger) == {"event-1": "open"}
