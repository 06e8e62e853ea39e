"""Business Central's room: no signature, no record, no patience (sheet business-central 5)."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import json
import threading

import httpx
import pytest
import sqlalchemy as sa
import uvicorn
from hypothesis import given, settings
from hypothesis import strategies as st
from listening import Listener
from rooms import NOON, Book, ring, states
from waiting import wait_until

from erp_sandbox import credentials
from erp_sandbox.server import Sandbox
from erp_sandbox.world import World
from ml_connector.errors import Rejected, UserError
from ml_connector.ledger.schema import events, subscriptions
from ml_connector.systems.business_central.client import BusinessCentralClient
from ml_connector.systems.business_central.settings import BusinessCentralSettings
from ml_connector.systems.business_central.subscriptions import BusinessCentralSubscriptions, Place
from ml_connector.webhooks.business_central import (
    STATE,
    BusinessCentralDoorbell,
    BusinessCentralSubscriber,
    secret_path,
)
from ml_connector.webhooks.health import look_after
from ml_connector.webhooks.keys import SigningKeys
from ml_connector.webhooks.provider import CATCH_UP, Forged, Malformed, Misdirected, Refused
from ml_connector.webhooks.receiver import receiver
from ml_connector.webhooks.store import EventStore

COMPANY = "dec6ac9f-b438-ef11-8e52-6045bde9cac0"
RECORD = "3a572639-0f2c-f011-9a4a-002248a82edc"
SETTLES = dt.timedelta(seconds=30)
SECRET = "a client state that nobody can guess"
KINDS = ("vendors.updated", "purchaseInvoices.created", "purchaseInvoices.updated")


def item(**changes):
    """Return one notification as it is sent."""
    return {
        "subscriptionId": "s-1",
        "clientState": SECRET,
        "expirationDateTime": "2026-11-23T12:00:00Z",
        "resource": f"api/v2.0/companies({COMPANY})/purchaseInvoices({RECORD})",
        "changeType": "updated",
        "lastModifiedDateTime": "2026-11-20T11:59:30Z",
        **changes,
    }


def bell(**held):
    """Return the door of an environment."""
    book = Book(**{STATE: SECRET, "companies": [COMPANY], **held})
    return BusinessCentralDoorbell("acme/production", SigningKeys(book, STATE), path="bc/x", settles=SETTLES)


def heard(*items, door=None):
    """Return what the door makes of notifications."""
    return (door or bell()).hear(ring(json.dumps({"value": list(items)}).encode()))


def test_a_notification_names_a_record_and_when_it_can_be_seen():
    """The tap leaves alone what is younger than half a minute; a run before that would not see it."""
    (event,) = heard(item())
    assert event.source == f"business_central:acme/production/{COMPANY}"
    assert (event.kind, event.stream, event.source_id) == ("purchaseInvoices.updated", "purchase_invoices", RECORD)
    assert event.version is None
    assert event.received_at > NOON + SETTLES


@pytest.mark.parametrize(
    ("resource", "change", "stream"),
    [
        (f"/api/v2.0/companies({COMPANY})/vendors({RECORD})", "deleted", "vendors"),
        (f"https://host.invalid/v2.0/t/e/api/v2.0/companies({COMPANY})/vendors({RECORD})", "created", "vendors"),
        (f"api/v2.0/companies({COMPANY.upper()})/vendors", "collection", None),
        (f"api/v2.0/companies({COMPANY})/vendors?$filter=lastModifiedDateTime%20gt%202026-01-01", "collection", None),
    ],
    ids=["a slash", "a whole address", "a list", "a filter"],
)
def test_the_resource_is_parsed_not_compared(resource, change, stream):
    """Its spelling differs between versions (sheet 5)."""
    (event,) = heard(item(resource=resource, changeType=change))
    assert (event.kind, event.stream) == (f"vendors.{change}", stream)
    assert event.instance == f"acme/production/{COMPANY}"


def test_several_come_at_once_and_a_repetition_is_known():
    """Each is an event of its own; the same one again has the same id."""
    first = heard(item(), item(changeType="created"), item(subscriptionId="s-2"))
    again = heard(item(), item(lastModifiedDateTime="2026-11-20T12:30:00Z"))
    assert len({event.event_id for event in first}) == 3
    assert again[0].event_id == first[0].event_id != again[1].event_id


def test_a_notification_without_the_client_state_is_forged():
    """Nothing proves it; among genuine ones it is left out, for refusing would end their subscription."""
    for state in ("", "wrong", SECRET[:-1]):
        with pytest.raises(Forged):
            heard(item(clientState=state))
    assert len(heard(item(), item(clientState="wrong"))) == 1
    with pytest.raises(Forged):
        heard(item(), door=bell(client_state=None))


def test_two_client_states_are_valid_while_one_replaces_the_other():
    """Until the time of the one before is over."""
    held = {STATE: "new", "previous_client_state": SECRET, "previous_until": "2999-01-01T00:00:00+00:00"}
    assert heard(item(), door=bell(**held))
    assert heard(item(clientState="new"), door=bell(**held))
    with pytest.raises(Forged):
        heard(item(), door=bell(**held | {"previous_until": "2026-01-01T00:00:00+00:00"}))


def test_a_company_nobody_subscribed_to_is_refused():
    """However genuine."""
    other = item(resource=f"api/v2.0/companies({COMPANY[::-1].replace('-', '0')[:8]}{COMPANY[8:]})/vendors({RECORD})")
    with pytest.raises(Misdirected):
        heard(other)
    assert len(heard(other, item())) == 1


ODD = [
    {"resource": "somewhere"},
    {"resource": None},
    {"resource": 7},
    {"changeType": "exploded"},
    {"changeType": None},
    {"changeType": ["updated"]},
]


@pytest.mark.parametrize("change", ODD, ids=repr)
def test_what_is_genuine_and_not_understood_takes_nothing_with_it(change, caplog):
    """It is told and left out, alone or among others: a refusal would end the subscription (sheet 5)."""
    assert heard(item(**change)) == []
    assert [event.source_id for event in heard(item(**change), item(), item(**change))] == [RECORD]
    assert "is not understood and left out" in caplog.text


@pytest.mark.parametrize("odd", [None, "text", 7, [], {}, item(clientState=None), item(clientState={"a": 1})], ids=repr)
def test_what_is_no_notification_at_all_takes_nothing_with_it(odd):
    """Nothing proves it; what comes with it is heard, and alone it is refused."""
    assert len(heard(odd, item())) == 1
    with pytest.raises(Forged):
        heard(odd)


@pytest.mark.parametrize("name", ["subscriptionId", "lastModifiedDateTime", "expirationDateTime"])
def test_what_only_tells_repetitions_apart_may_be_missing_or_odd(name):
    """The event is the same."""
    for odd in (None, 5):
        assert [event.source_id for event in heard(item(**{name: odd}))] == [RECORD]


@pytest.mark.parametrize("token", ["a b", "x" * 513, "é", ""])
def test_a_handshake_says_back_a_token_and_nothing_else(token):
    """Printable, without spaces, of a sensible length."""
    door = bell()
    request = ring(b"")._replace(query={"validationToken": "to-ken_1"})
    assert door.handshake(request) == b"to-ken_1"
    assert door.handshake(ring(b"")) is None
    with pytest.raises(Malformed):
        door.handshake(request._replace(query={"validationToken": token}))


@settings(max_examples=100, deadline=None)
@given(
    body=st.binary(max_size=200)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=9),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*item(), "value", "x"]), inner, max_size=6)
        ),
        max_leaves=12,
    ).map(lambda value: json.dumps(value).encode())
)
def test_whatever_is_sent_without_the_state_is_forged(body):
    """Any bytes, any JSON: refused, and no other error."""
    with pytest.raises(Refused):
        bell().hear(ring(body))


# Subscriptions, against the stand-in


@pytest.fixture(scope="module")
def box():
    """A sandbox that notifies soon."""
    with Sandbox(World.plain(vendors=2, bills=2, lines=(1, 1))) as running:
        running.business_central.behaviour.notification_delay = 0.05
        running.business_central.behaviour.notification_retry_seconds = (0.1, 0.1)
        yield running


@pytest.fixture
def made(box):
    """A maker of subscribers of the first company, which has no subscription yet."""
    box.business_central.main.subscriptions.clear()
    client = BusinessCentralClient(
        BusinessCentralSettings.from_config(
            {
                "base_url": box.business_central_base_url,
                "auth_url": box.business_central_auth_url,
                "tenant_id": credentials.BUSINESS_CENTRAL_TENANT,
                "environment": credentials.BUSINESS_CENTRAL_ENVIRONMENT,
                "client_id": credentials.BUSINESS_CENTRAL_CLIENT_ID,
                "client_secret": credentials.BUSINESS_CENTRAL_CLIENT_SECRET,
                "company": credentials.BUSINESS_CENTRAL_COMPANY,
            },
            plugin="tap-business-central",
        )
    )

    def make(book):
        return BusinessCentralSubscriber(
            BusinessCentralSubscriptions(client),
            book,
            "acme/production",
            companies=lambda: [client.company(credentials.BUSINESS_CENTRAL_COMPANY).id],
            key_overlap=dt.timedelta(hours=24),
            close=client.close,
        )

    yield make
    client.close()


def at_central(box):
    """Return the subscriptions the stand-in has."""
    return list(box.business_central.main.subscriptions.values())


def wanted(event):
    """Wake one pipeline for everything."""
    return ("pipe",)


def test_a_subscription_per_list_is_made_once(made, box):
    """With a client state that was kept before; doing it again renews them, and the secret address is not shown."""
    book = Book()
    with Listener() as listener:
        standing = made(book).subscribe(listener.url, KINDS)
        again = made(book).subscribe(listener.url, KINDS)
    assert book.history[0][STATE]
    assert {each["clientState"] for each in at_central(box)} == {book.held[STATE]}
    assert sorted(Place.read(each["resource"]).list for each in at_central(box)) == ["purchaseInvoices", "vendors"]
    assert {each.id for each in standing} == {each.id for each in again} == set(box.business_central.main.subscriptions)
    assert all(each.ours and each.url.endswith("/***") for each in standing)
    assert all(each.expires - dt.datetime.now(dt.UTC) > dt.timedelta(days=2) for each in again)


def test_a_receiver_that_does_not_shake_hands_gets_no_subscription(made, box):
    """Told in Business Central's words."""
    with Listener() as listener:
        listener.answers = [500] * 2
        with pytest.raises(Rejected, match="validation token"):
            made(Book()).subscribe(listener.url, KINDS)
    assert at_central(box) == []


def test_what_is_offered_comes_from_the_environment(made):
    """Payments are not (sheet 5)."""
    offered = made(Book()).offered()
    assert "purchaseInvoices.updated" in offered
    assert not any(kind.startswith("vendorPayments.") for kind in offered)


def test_a_subscription_is_renewed_well_before_its_end(made, box, ledger):
    """And left alone before that."""
    book = Book()
    with Listener() as listener:
        made(book).subscribe(listener.url, KINDS)
        before = {each["subscriptionId"]: each["expirationDateTime"] for each in at_central(box)}
        assert look_after(ledger, made(book), wanted) == 0
        assert {each["subscriptionId"]: each["expirationDateTime"] for each in at_central(box)} == before
        soon = box.clock.stamp() + 20 * 3_600_000
        for each in at_central(box):
            each["expirationDateTime"] = soon
        assert look_after(ledger, made(book), wanted) == 0
    assert all(each["expirationDateTime"] > soon for each in at_central(box))
    assert {each["subscriptionId"] for each in at_central(box)} == set(before)


def test_a_deleted_subscription_is_made_again(made, box, ledger, caplog):
    """One wrong answer deletes it: it is made anew, everything is read once, and a person is told."""
    book = Book()
    with Listener() as listener:
        made(book).subscribe(listener.url, KINDS)
        look_after(ledger, made(book), wanted)
        listener.answers = [404]
        vendor = box.business_central.records("vendors")[0]["id"]
        box.business_central.edit("vendors", vendor, phoneNumber="1")
        wait_until(lambda: len(at_central(box)) < 2)
        assert look_after(ledger, made(book), wanted) == 1
    assert len(at_central(box)) == 2
    assert "no subscription to vendors any more" in caplog.text
    with ledger.read() as connection:
        assert connection.execute(sa.select(events.c.kind)).scalars().all() == [CATCH_UP]
        rows = connection.execute(sa.select(subscriptions)).all()
    assert {row.id for row in rows} == {each["subscriptionId"] for each in at_central(box)}


def test_what_cannot_be_renewed_is_told(made, box, ledger):
    """Nobody answers: when it ends, and why it was not renewed."""
    book = Book()
    with Listener() as listener:
        made(book).subscribe(listener.url, KINDS)
    for each in at_central(box):
        each["expirationDateTime"] = box.clock.stamp() + 3_600_000
    look_after(ledger, made(book), wanted)
    box.business_central.main.subscriptions.clear()
    look_after(ledger, made(book), wanted)
    with ledger.read() as connection:
        alarms = connection.execute(sa.select(subscriptions.c.alarm, subscriptions.c.enabled)).all()
    assert all(not enabled and "none can be made" in alarm for alarm, enabled in alarms)


def test_another_client_state_leaves_the_old_one_valid(made, box):
    """Every subscription gets the new one."""
    book = Book()
    with pytest.raises(UserError):
        made(book).rotate()
    with Listener() as listener:
        made(book).subscribe(listener.url, KINDS)
        first = book.held[STATE]
        made(book).rotate()
        assert {each["clientState"] for each in at_central(box)} == {book.held[STATE]} != {first}
        assert book.held["previous_client_state"] == first
        assert len(made(book).unsubscribe()) == 2
    assert (book.held, at_central(box), made(book).test()) == ({}, [], None)


@contextlib.contextmanager
def answering(app):
    """Serve an application on loopback; yields its address."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, lifespan="off"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    server.capture_signals = contextlib.nullcontext
    thread.start()
    wait_until(lambda: server.started)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


def test_the_whole_way_from_a_change_to_an_event(made, box, ledger, caplog):
    """Subscribed by handshake through the real receiver; a change rings, is proven, and is on disk when it is answered."""
    book = Book()
    path = secret_path(book, "business_central")
    assert path == secret_path(book, "business_central")
    door = BusinessCentralDoorbell("acme/production", SigningKeys(book, STATE), path=path, settles=SETTLES)
    store = EventStore(ledger, wanted)
    with answering(receiver([(door, store.keep)], healthy=lambda: True)) as url:
        made(book).subscribe(f"{url}/webhooks/{path}", KINDS)
        door._keys._read_at = float("-inf")
        vendor = box.business_central.records("vendors")[0]["id"]
        box.business_central.edit("vendors", vendor, phoneNumber="2")
        wait_until(lambda: states(ledger))
        assert httpx.post(f"{url}/webhooks/business_central/guess", trust_env=False).status_code == 404
        assert httpx.post(f"{url}/webhooks/{path}", trust_env=False).status_code == 401
    assert "refused a request" in caplog.text
    assert path not in caplog.text
    with ledger.read() as connection:
        (row,) = connection.execute(sa.select(events.c.kind, events.c.source_id, events.c.state)).all()
    assert tuple(row) == ("vendors.updated", vendor, "open")
    assert len(at_central(box)) == 2
