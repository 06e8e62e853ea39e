"""Making a subscription for a door, and trying it out."""

from __future__ import annotations

import datetime as dt
import fnmatch
import functools
import logging
import typing as t

import sqlalchemy as sa

from ml_connector.errors import SettingInvalid
from ml_connector.ledger.schema import subscriptions
from ml_connector.ledger.store import Ledger
from ml_connector.webhooks.addresses import notification_url
from ml_connector.webhooks.endpoints import Door
from ml_connector.webhooks.provider import Event, Standing, Subscriber, catch_up
from ml_connector.webhooks.settings import FILE, WebhookSettings
from ml_connector.webhooks.store import Wanted, dismiss, keep

__all__ = ["subscribe", "try_out"]

TEST: t.Final = "ml-connector.test"
_LOG = logging.getLogger(__name__)


def subscribe(
    ledger: Ledger,
    door: Door,
    subscriber: Subscriber,
    webhooks: WebhookSettings,
    *,
    address: str,
    kinds: t.Collection[str] = (),
) -> list[Standing]:
    """Subscribe a door to what its pipelines want and its system offers; from now on nothing may go missing.

    Args:
        ledger: Where that is noted.
        door: The door.
        subscriber: Its subscriber.
        webhooks: What pipelines want.
        address: Where systems reach us.
        kinds: Only these kinds.

    Raises:
        SettingInvalid: Nothing of it is offered.
    """
    offered = subscriber.offered()
    wanted = webhooks.wanted_of(door.name, offered)
    chosen = wanted & frozenset(kinds) if kinds else wanted
    for pipeline, each in webhooks.pipelines.items():
        for pattern in each.events.get(door.name, ()):
            if not fnmatch.filter(offered, pattern):
                _LOG.warning("%s: %s wants %s, which the system does not offer", door.name, pipeline, pattern)
    if not chosen:
        raise SettingInvalid(
            f"door {door.name}: nothing that {FILE} wants is offered.",
            f"The system offers {', '.join(sorted(offered)) or 'nothing'}.",
        )
    now = dt.datetime.now(dt.UTC)
    standing = subscriber.subscribe(notification_url(address, door.bell().path), chosen)
    for made in standing:
        ledger.write(functools.partial(_note, source=subscriber.source, standing=made, wanted=door.wanted, now=now))
    return standing


def try_out(ledger: Ledger, door: Door, subscriber: Subscriber) -> str | None:
    """Have a test notification sent; returns its event id, None where the system has none."""
    event_id = subscriber.test()
    if event_id is not None:
        system, _, instance = subscriber.source.partition(":")
        event = Event(system, instance, event_id, TEST, None, None, None, dt.datetime.now(dt.UTC))
        # Its object does not exist; whatever pipelines it may have woken are not to wait for it.
        every = door.pipelines
        ledger.write(lambda connection: dismiss(connection, event, lambda _: every, why="test"))
    return event_id


def _note(connection: sa.Connection, *, source: str, standing: Standing, wanted: Wanted, now: dt.datetime) -> None:
    """Know the subscription from now on; alarms of one that is known, and what it may have missed, stay.

    One that takes the place of another that was lost has everything read once: nobody rang in between.
    """
    seen = {"url": standing.url, "enabled": standing.enabled, "checked_at": now}
    of_source = subscriptions.c.source == source
    known = sa.and_(of_source, subscriptions.c.id == standing.id)
    if connection.execute(sa.update(subscriptions).where(known).values(**seen)).rowcount == 0:
        if connection.execute(sa.select(subscriptions.c.id).where(of_source, ~subscriptions.c.enabled)).first():
            keep(connection, [catch_up(source, now)], wanted)
        new = sa.insert(subscriptions).values(source=source, id=standing.id, complete_until=now, **seen)
        connection.execute(new)
