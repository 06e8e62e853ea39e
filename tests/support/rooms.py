"""Doubles for what surrounds a room: a vault's entry, events made by hand, the settings of one pipeline."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from ml_connector.ledger.schema import events, left_out
from ml_connector.ledger.upsert import upsert
from ml_connector.webhooks.bill import KEY, BillDoorbell
from ml_connector.webhooks.keys import KeyBook, SigningKeys
from ml_connector.webhooks.provider import Event, Ring
from ml_connector.webhooks.settings import WebhookSettings

NOON = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
SOURCE = "bill:org"


class Book(KeyBook):
    """An entry that is kept in memory; counts how often it was read."""

    def __init__(self, **held):
        super().__init__("webhooks-test", "bill")
        self.held = held
        self.reads = 0
        self.history = []

    def read(self):
        """Return what it holds."""
        self.reads += 1
        return dict(self.held)

    def put(self, **values):
        """Keep values."""
        self.held |= values
        self.history.append(dict(self.held))

    def once(self, name, value):
        """Keep a value unless there is one."""
        self.put(**{name: self.held.get(name) or value})
        return self.held[name]

    def forget(self):
        """Hold nothing."""
        self.held = {}


def bell(key="key", *, organization, subscription="", others=(), **held):
    """Return a BILL door whose key is this."""
    book = Book(**{KEY: key, "subscription_id": subscription, **held})
    return BillDoorbell(organization, SigningKeys(book, KEY), path="bill", others=others)


def ring(body, headers=None):
    """Return a request."""
    given = {name.lower(): value for name, value in (headers or {}).items()}
    return Ring(headers=given, query={}, body=body, received_at=NOON)


def event(number=1, *, version=NOON, source_id="x", stream="bills", kind="bill.updated", received=NOON):
    """Return an event."""
    return Event("bill", "org", f"event-{number}", kind, stream, source_id, version, received)


def webhooks(**settings):
    """Return settings with one door and one pipeline."""
    said = {
        "doors": {"bill": {"system": "bill", "plugin": "tap-bill"}},
        "pipelines": {"pipe": {"events": {"bill": ["bill.*"]}, "targets": ["workday"]}},
    }
    return WebhookSettings.model_validate({**said, **settings})


def see(ledger, source_id, version, *, target="workday:acme", stream="bills"):
    """Let the ledger have seen an object, as one the map did not want."""
    row = {"target": target, "source": SOURCE, "stream": stream, "source_id": source_id, "version": version.isoformat()}
    ledger.write(lambda connection: upsert(connection, left_out, [row]))


def states(ledger):
    """Return the states of all events by id."""
    with ledger.read() as connection:
        return dict(connection.execute(sa.select(events.c.event_id, events.c.state)).tuples().all())
