"""Subscriptions at BILL: made once, their key never lost, mended when BILL gives up on us (sheet bill 5)."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa
from bill_events import ORGANIZATION
from listening import Listener
from rooms import Book, bell, states, webhooks
from waiting import wait_until

from erp_sandbox import credentials
from erp_sandbox.bill.events import EventRules
from erp_sandbox.bill.rules import BillRules
from erp_sandbox.server import Sandbox
from erp_sandbox.world import World
from ml_connector.errors import Rejected, Unavailable, UserError
from ml_connector.ledger.schema import events, subscriptions
from ml_connector.systems.bill.client import BillClient
from ml_connector.systems.bill.settings import BillSettings
from ml_connector.systems.bill.subscriptions import BillSubscriptions
from ml_connector.webhooks.bill import KEY, BillSubscriber
from ml_connector.webhooks.endpoints import ROOMS, Door
from ml_connector.webhooks.health import look_after
from ml_connector.webhooks.provider import CATCH_UP
from ml_connector.webhooks.settings import DoorSettings
from ml_connector.webhooks.subscribing import subscribe

URL = "https://hooks.host.invalid/webhooks/bill"
KINDS = frozenset({"bill.created", "bill.updated"})
SOURCE = f"bill:{ORGANIZATION}"


@pytest.fixture(scope="module")
def box():
    """A sandbox that gives up soon."""
    rules = BillRules(events=EventRules(time_scale=0.01))
    with Sandbox(World.plain(vendors=2, bills=3, lines=(1, 1)), rules=rules) as running:
        yield running


@pytest.fixture
def made(box):
    """A maker of subscribers of one organization, which has no subscription yet."""
    box.bill.events.subscriptions.clear()
    box.bill.events.history.clear()
    settings = BillSettings.from_config(
        {
            "base_url": box.bill_base_url,
            "dev_key": credentials.BILL_DEV_KEY,
            "username": credentials.BILL_USERNAME,
            "password": credentials.BILL_PASSWORD,
            "organization_id": credentials.BILL_ORGANIZATION_ID,
        },
        plugin="tap-bill",
    )
    client = BillClient(settings)

    def make(book=None):
        return BillSubscriber(
            BillSubscriptions(client),
            book or Book(),
            ORGANIZATION,
            key_overlap=dt.timedelta(hours=24),
            close=client.close,
        )

    yield make
    client.close()


def wanted(event):
    """Wake one pipeline for everything."""
    return ("pipe",)


def test_the_key_is_kept_before_anything_else_is_done(made, box):
    """The idempotent key before it is used, the security key as soon as it is there."""
    book = Book()
    (standing,) = made(book).subscribe(URL, KINDS)
    asked, answered = book.history
    assert asked["asked_subscription"]["key"]
    assert KEY not in asked
    (at_bill,) = box.bill.events.subscriptions.values()
    assert answered[KEY] == at_bill.security_key
    assert answered["subscription_id"] == standing.id == at_bill.id
    assert answered["asked_subscription"] is None
    assert (standing.ours, standing.enabled, standing.kinds, standing.url) == (True, True, KINDS, URL)


def test_doing_it_again_changes_nothing(made, box):
    """One subscription, the same key."""
    book = Book()
    first = made(book).subscribe(URL, KINDS)
    key = book.held[KEY]
    assert made(book).subscribe(URL, KINDS) == first
    assert book.held[KEY] == key
    assert len(box.bill.events.subscriptions) == 1


@pytest.mark.parametrize("kind", ["drop_after", "drop_before", "error_500"])
def test_a_lost_answer_is_asked_for_again(made, box, kind):
    """Under the same idempotent key: there is one subscription, and we hold its key."""
    box.faults.next("bill", kind, 1, side="writes")
    book = Book()
    made(book).subscribe(URL, KINDS)
    (at_bill,) = box.bill.events.subscriptions.values()
    assert book.held[KEY] == at_bill.security_key


def test_a_crash_after_the_request_loses_no_key(made, box):
    """The next try finds the idempotent key of the one before, or takes over what it finds at BILL."""

    class Crashing(Book):
        def put(self, **values):
            if KEY in values:
                raise OSError("killed")
            super().put(**values)

    crashed = Crashing()
    with pytest.raises(OSError, match="killed"):
        made(crashed).subscribe(URL, KINDS)
    book = Book(**crashed.held)
    made(book).subscribe(URL, KINDS)
    (at_bill,) = box.bill.events.subscriptions.values()
    assert book.held[KEY] == at_bill.security_key


def test_a_subscription_of_somebody_before_us_is_taken_over(made, box):
    """Same address, key unknown: a new key is made; events are replaced, and it is switched on."""
    old = box.bill.events.subscribe(ORGANIZATION, "theirs", [("vendor.created", "1")], URL)
    old.enabled = False
    book = Book()
    (standing,) = made(book).subscribe(URL, KINDS)
    assert standing.id == old.id
    assert (old.enabled, {kind for kind, _ in old.events}) == (True, KINDS)
    assert book.held[KEY] == old.security_key


def test_a_new_key_leaves_the_old_one_valid_for_a_day(made, box):
    """Both are kept; a further rotation forgets the oldest."""
    book = Book()
    made(book).subscribe(URL, KINDS)
    first = book.held[KEY]
    made(book).rotate()
    (at_bill,) = box.bill.events.subscriptions.values()
    assert book.held[KEY] == at_bill.security_key != first
    assert book.held["previous_security_key"] == first
    left = dt.datetime.fromisoformat(book.held["previous_until"]) - dt.datetime.now(dt.UTC)
    assert dt.timedelta(hours=23) < left <= dt.timedelta(hours=24)
    second = book.held[KEY]
    made(book).rotate()
    assert book.held["previous_security_key"] == second


def test_without_a_subscription_there_is_no_key_to_replace(made):
    """One line what, one line cure."""
    with pytest.raises(UserError, match="webhooks subscribe"):
        made().rotate()
    assert made().test() is None
    assert made().unsubscribe() == []


def test_unsubscribing_ends_ours_only(made, box):
    """And forgets its key."""
    theirs = box.bill.events.subscribe(ORGANIZATION, "theirs", [("vendor.created", "1")], f"{URL}/other")
    book = Book()
    (ours,) = made(book).subscribe(URL, KINDS)
    assert [each.ours for each in made(book).standing()] == [False, True]
    assert made(book).unsubscribe() == [ours.id]
    assert book.held == {}
    assert list(box.bill.events.subscriptions) == [theirs.id]


def test_the_catalog_is_asked(made):
    """What there is to subscribe to comes from BILL."""
    offered = made().offered()
    assert "bill.updated" in offered
    assert "bill.approved" not in offered


def test_what_bill_refuses_is_told_in_its_words(made):
    """Such as an eleventh subscription."""
    for number in range(10):
        made(Book()).subscribe(f"{URL}/{number}", KINDS)
    with pytest.raises(Rejected, match="10 subscriptions"):
        made(Book()).subscribe(f"{URL}/more", KINDS)


def switched_off(box, book, made, *, status=500):
    """Subscribe a receiver that fails, ring, and wait until BILL gives up; returns the subscription."""
    with Listener() as listener:
        listener.answers = [status] * 5
        made(book).subscribe(listener.url, KINDS)
        (at_bill,) = box.bill.events.subscriptions.values()
        box.bill.edit_bill(box.bill.bills()[0]["id"], description=str(dt.datetime.now(dt.UTC)))
        wait_until(lambda: not at_bill.enabled)
        return at_bill


def test_a_subscription_that_was_switched_off_is_mended(made, box, ledger, caplog):
    """Switched on, its history fetched, every pipeline woken once, and a person told."""
    book = Book()
    at_bill = switched_off(box, book, made)
    assert look_after(ledger, made(book), wanted) == 2
    assert at_bill.enabled
    assert "ALARM" in caplog.text
    (sent,) = box.bill.events.history.values()
    with ledger.read() as connection:
        kept = connection.execute(sa.select(events.c.event_id, events.c.kind)).all()
        row = connection.execute(sa.select(subscriptions)).one()
    assert {kind for _, kind in kept} == {"bill.updated", CATCH_UP}
    assert sent.id in {event for event, _ in kept}
    assert (row.source, row.enabled) == (SOURCE, True)
    assert "switched the subscription" in row.alarm
    assert look_after(ledger, made(book), wanted) == 0, "the second look finds nothing new"
    with ledger.read() as connection:
        assert connection.execute(sa.select(subscriptions.c.alarm)).scalar() == row.alarm


@pytest.mark.parametrize(("status", "hint"), [(401, "webhooks rotate-key"), (503, "(it was answered 503)")])
def test_why_bill_gave_up_is_told(made, box, ledger, status, hint):
    """A key that somebody has replaced elsewhere shows in nothing but our own 401."""
    book = Book()
    switched_off(box, book, made, status=status)
    look_after(ledger, made(book), wanted)
    with ledger.read() as connection:
        assert hint in connection.execute(sa.select(subscriptions.c.alarm)).scalar_one()


@pytest.mark.parametrize("killed_in", ["get", "history"])
def test_a_look_that_ends_after_switching_on_leaves_no_gap(made, box, ledger, monkeypatch, killed_in):
    """What happened while nothing was sent is in no history: the next look has everything read, though all is on."""
    book = Book()
    at_bill = switched_off(box, book, made)

    def killed(*_):
        assert at_bill.enabled
        raise Unavailable("bill", "GET", "killed")

    with monkeypatch.context() as broken:
        enable = BillSubscriptions.enable
        broken.setattr(
            BillSubscriptions,
            "enable",
            lambda api, id_: enable(api, id_) or broken.setattr(BillSubscriptions, killed_in, killed),
        )
        with pytest.raises(Unavailable, match="killed"):
            look_after(ledger, made(book), wanted)
    assert look_after(ledger, made(book), wanted) == 2
    with ledger.read() as connection:
        kinds = connection.execute(sa.select(events.c.kind)).scalars().all()
        row = connection.execute(sa.select(subscriptions)).one()
    assert sorted(kinds) == ["bill.updated", CATCH_UP]
    assert (row.enabled, "switched the subscription" in row.alarm) == (True, True)
    assert look_after(ledger, made(book), wanted) == 0


def test_a_subscription_that_replaces_a_lost_one_has_everything_read(made, box, ledger):
    """Nobody rang in between. The first one ever does not."""
    book = Book()
    door = Door("bill", DoorSettings(system="bill", plugin="tap-bill"), {}, wanted, ("pipe",))
    room = ROOMS["bill"]._replace(bell=lambda *_: bell("key", organization=ORGANIZATION))
    with pytest.MonkeyPatch.context() as rooms:
        rooms.setitem(ROOMS, "bill", room)
        for number in range(2):
            subscribe(ledger, door, made(book), webhooks(), address="https://hooks.host.invalid")
            assert len(states(ledger)) == number
            look_after(ledger, made(book), wanted)
            box.bill.events.subscriptions.clear()
            look_after(ledger, made(book), wanted)


def test_a_subscription_that_is_gone_is_told(made, box, ledger):
    """Somebody has deleted it: an alarm, and no new one behind their back."""
    book = Book()
    made(book).subscribe(URL, KINDS)
    look_after(ledger, made(book), wanted)
    box.bill.events.subscriptions.clear()
    look_after(ledger, made(book), wanted)
    with ledger.read() as connection:
        row = connection.execute(sa.select(subscriptions)).one()
    assert not row.enabled
    assert "any more" in row.alarm
    assert box.bill.events.subscriptions == {}


def test_a_long_history_is_read_to_its_end(made, box, ledger):
    """Page after page; what is in the ledger already is not counted again."""
    book = Book()
    made(book).subscribe(URL, KINDS)
    (at_bill,) = box.bill.events.subscriptions.values()
    for number in range(230):
        box.bill.events._make(at_bill, "bill.updated", "1", {"id": f"00n{number}"})
    assert look_after(ledger, made(book), wanted) == 230
    assert set(states(ledger)) == set(box.bill.events.history)
    assert look_after(ledger, made(book), wanted) == 0


def test_a_history_that_is_not_understood_still_wakes(made, box, ledger):
    """Whatever BILL keeps of a payload: that something was sent is enough to read again."""
    book = Book()
    made(book).subscribe(URL, KINDS)
    (at_bill,) = box.bill.events.subscriptions.values()
    sent = box.bill.events._make(at_bill, "bill.updated", "1", {"id": "00n1"})
    sent.payload = b"masked"
    assert look_after(ledger, made(book), wanted) == 1
    with ledger.read() as connection:
        (row,) = connection.execute(sa.select(events.c.event_id, events.c.kind, events.c.source_id)).all()
    assert tuple(row) == (sent.id, "bill.updated", None)


def test_a_system_that_is_down_is_an_error_and_changes_nothing(made, ledger):
    """The next look tries again; nothing counts as complete meanwhile."""

    class Down:
        source = SOURCE

        def check(self, since):
            raise Unavailable("bill", "GET /v3/subscriptions", "no answer")

    book = Book()
    made(book).subscribe(URL, KINDS)
    look_after(ledger, made(book), wanted)
    with ledger.read() as connection:
        before = connection.execute(sa.select(subscriptions)).all()
    with pytest.raises(Unavailable):
        look_after(ledger, Down(), wanted)
    with ledger.read() as connection:
        assert connection.execute(sa.select(subscriptions)).all() == before
