"""When an event is closed, and when somebody has to look."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from ledger_bench import Bench
from ledger_doubles import bill
from rooms import NOON, event, see, states

from ml_connector.ledger.schema import events
from ml_connector.ledger.store import Ledger
from ml_connector.webhooks.acknowledgement import Ended, close
from ml_connector.webhooks.store import dismiss, forget, keep, waiting

SECOND = dt.timedelta(seconds=1)
MADE_FOR = {("bill:org", "event-1")}
RUN = Ended(MADE_FOR, well=True)
FAILED = Ended(MADE_FOR, well=False)


def take(ledger, *arrived, pipelines=("pipe",)):
    """Keep events."""
    return ledger.write(lambda connection: keep(connection, arrived, lambda _: pipelines))


def settle(ledger, ended=None, *, targets=("workday",), most_wakes=3):
    """Close what can be closed."""
    return ledger.write(
        lambda connection: close(connection, "pipe", targets, ended=ended, most_wakes=most_wakes, now=NOON + 2 * SECOND)
    )


def test_an_event_is_closed_when_its_object_was_seen_at_that_version(ledger):
    """Without any run: a poll may have been faster."""
    take(ledger, event())
    assert settle(ledger).open == 1
    see(ledger, "x", NOON)
    assert settle(ledger).closed == 1
    assert states(ledger) == {"event-1": "closed"}


@pytest.mark.parametrize(("seen", "closed"), [(-SECOND, 0), (dt.timedelta(), 1), (SECOND, 1)])
def test_an_older_version_does_not_count(ledger, seen, closed):
    """The same version or a later one does."""
    take(ledger, event())
    see(ledger, "x", NOON + seen)
    assert settle(ledger).closed == closed


def test_another_target_or_stream_does_not_count(ledger):
    """What matters is what has come in for the systems the pipeline serves, in the stream of the object."""
    take(ledger, event())
    see(ledger, "x", NOON, target="workday2:acme")
    see(ledger, "x", NOON, stream="vendors")
    assert settle(ledger).closed == 0
    assert settle(ledger, targets=()).closed == 1


def test_two_tenants_of_one_system_are_told_apart(ledger):
    """A pipeline whose target is named as the ledger names it does not take what another tenant has seen."""
    take(ledger, event())
    see(ledger, "x", NOON, target="workday:acme")
    assert settle(ledger, targets=("workday:acme2",)).closed == 0
    assert settle(ledger, targets=("workday:acm",)).closed == 0
    assert settle(ledger, targets=("workday:acme",)).closed == 1


def test_what_intake_took_in_counts_as_seen(tmp_path):
    """A document in the ledger closes its events, whatever became of it; so does one the map did not want."""
    bench = Bench(f"sqlite:///{tmp_path}/ledger.db")
    wanted, unwanted = bill("B1"), bill("B2", paid=True)
    moment = dt.datetime.fromisoformat(wanted["updated"])
    arrived = [
        event(1, source_id="B1", version=moment),
        event(2, source_id="B2", version=moment),
        event(3, source_id="B3", version=moment),
    ]
    take(bench.ledger, *arrived)
    bench.take(wanted, unwanted)
    settle(bench.ledger, targets=("test",))
    assert states(bench.ledger) == {"event-1": "closed", "event-2": "closed", "event-3": "open"}
    bench.ledger.close()


def test_a_run_in_vain_is_counted_and_the_last_one_is_an_alarm(ledger):
    """After so many runs the event is unseen, with an example for the message; it is still closed when it turns up."""
    take(ledger, event())
    assert [settle(ledger, RUN).unseen for _ in range(3)] == [0, 0, 1]
    assert states(ledger) == {"event-1": "unseen"}
    see(ledger, "x", NOON)
    assert settle(ledger).closed == 1


def test_a_run_that_began_before_or_failed_is_not_counted(ledger):
    """It cannot have seen the event, or did not come to its end."""
    take(ledger, event())
    settle(ledger, Ended(set(), well=True))
    settle(ledger, FAILED)
    with ledger.read() as connection:
        assert connection.execute(sa.select(events.c.wakes)).scalar_one() == 0


@pytest.mark.parametrize("nameless", [{"source_id": None}, {"version": None}])
def test_an_event_that_names_no_version_is_closed_by_a_run(ledger, nameless):
    """A run that began after it and ended well has read whatever there was."""
    take(ledger, event(**nameless))
    assert settle(ledger).closed == 0
    assert settle(ledger, FAILED).closed == 0
    assert settle(ledger, RUN).closed == 1


def test_a_run_is_made_for_what_was_due_when_it_began(ledger):
    """By name and not by time: what another receiver keeps meanwhile may bear an earlier one, its clock being slow."""
    nameless = {"source_id": None}
    take(ledger, event(1, **nameless), event(2, received=NOON + 60 * SECOND, **nameless), event(3))
    begun = settle(ledger)
    assert begun.due == {("bill:org", "event-1"), ("bill:org", "event-3")}
    take(ledger, event(4, received=NOON - 60 * SECOND, **nameless))
    assert settle(ledger, Ended(begun.due, well=True)).closed == 1
    assert states(ledger) == {"event-1": "closed", "event-2": "open", "event-3": "open", "event-4": "open"}


def test_a_known_event_changes_nothing(ledger):
    """Repeated, replayed, out of the history: the same id is the same event."""
    assert take(ledger, event()) == 1
    see(ledger, "x", NOON)
    settle(ledger)
    assert take(ledger, event(), event(version=NOON + SECOND)) == 0
    assert states(ledger) == {"event-1": "closed"}


def test_an_event_nobody_wants_is_kept_and_left_alone(ledger):
    """It is known, so that it is known again, and wakes nothing."""
    take(ledger, event(), pipelines=())
    assert states(ledger) == {"event-1": "ignored"}
    with ledger.read() as connection:
        assert waiting(connection) == []


def test_a_test_notification_is_dismissed_before_or_after_it_arrives(ledger):
    """Its object does not exist; no run is made for it again and again."""
    take(ledger, event(1))
    for number in (1, 2):
        ledger.write(lambda connection, n=number: dismiss(connection, event(n), lambda _: ("pipe",), why="test"))
    take(ledger, event(2))
    assert states(ledger) == {"event-1": "closed", "event-2": "closed"}


def test_what_was_settled_long_ago_is_forgotten(ledger):
    """After half a year; what is open never is."""
    old = NOON - dt.timedelta(days=181)
    take(ledger, event(1, received=old), event(2, received=old, source_id="y"), event(3))
    see(ledger, "x", NOON)
    settle(ledger)
    ledger.write(lambda connection: forget(connection, NOON))
    assert states(ledger) == {"event-2": "open", "event-3": "closed"}


@settings(max_examples=25, deadline=None)
@given(
    arrivals=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5)), min_size=1, max_size=25),
    read_at=st.integers(0, 5),
    order=st.randoms(use_true_random=False),
)
def test_order_and_repetition_do_not_matter(tmp_path_factory, arrivals, read_at, order):
    """Whatever order events of an object come in, and however often: open are those newer than what was read."""
    folder = tmp_path_factory.mktemp("ledger")
    again = arrivals * 2
    order.shuffle(again)
    with Ledger(f"sqlite:///{folder}/ledger.db") as ledger:
        for thing, version in again:
            made = event(f"{thing}-{version}", source_id=str(thing), version=NOON + version * SECOND)
            take(ledger, made)
        for thing in range(4):
            see(ledger, str(thing), NOON + read_at * SECOND)
        settle(ledger)
        expected = {f"event-{t}-{v}": "closed" if v <= read_at else "open" for t, v in arrivals}
        assert states(ledger) == expected
