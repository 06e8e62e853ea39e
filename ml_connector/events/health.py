"""Looking after subscriptions: switching on what was switched off, fetching what was missed, telling people."""

from __future__ import annotations

import datetime as dt
import functools
import logging
import threading
import typing as t

import sqlalchemy as sa
from ulid import ULID

from ml_connector.errors import ConnectorError
from ml_connector.events.doorbell import CATCH_UP, Checked, Event, Subscriber
from ml_connector.events.store import Wanted, keep
from ml_connector.ledger.schema import subscriptions
from ml_connector.ledger.store import Ledger
from ml_connector.ledger.upsert import upsert

__all__ = ["HealthLoop", "look_after"]

_FIRST_LOOK_BACK: t.Final = dt.timedelta(minutes=10)
_LOG = logging.getLogger(__name__)


class HealthLoop:
    """Looks after subscriptions at the start and every few minutes, in a thread of its own.

    Args:
        ledger: Where the findings are kept.
        subscribers: Whose subscriptions, each with what wakes pipelines for its events.
        every: Seconds between looks.
        ring: Called when something missed was found.
    """

    def __init__(
        self,
        ledger: Ledger,
        subscribers: t.Sequence[tuple[Subscriber, Wanted]],
        *,
        every: float,
        ring: t.Callable[[], None],
    ) -> None:
        self._ledger = ledger
        self._subscribers = subscribers
        self._every = every
        self._ring = ring
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="subscriptions", daemon=True)

    def start(self) -> None:
        """Begin with a look at once."""
        self._thread.start()

    def stop(self, patience: float = 5.0) -> None:
        """Begin no other look."""
        self._stopping.set()
        self._thread.join(patience)

    def _watch(self) -> None:
        while True:
            for subscriber, wanted in self._subscribers:
                if self._stopping.is_set():
                    return
                try:
                    if look_after(self._ledger, subscriber, wanted):
                        self._ring()
                except (ConnectorError, sa.exc.SQLAlchemyError) as error:
                    first = str(error).splitlines()[0]
                    _LOG.error("%s: the subscription could not be looked at: %s", subscriber.source, first)
            if self._stopping.wait(self._every):
                return


def look_after(ledger: Ledger, subscriber: Subscriber, wanted: Wanted) -> int:
    """Check the subscriptions of an instance once; returns how many missed events were fetched.

    After an outage every pipeline is woken, whether or not the system's history tells of anything: what it did not
    send it may not have noted either.
    """
    source = subscriber.source
    now = dt.datetime.now(dt.UTC)
    with ledger.read() as connection:
        rows = connection.execute(sa.select(subscriptions).where(subscriptions.c.source == source)).all()
    since = min((row.complete_until for row in rows), default=now - _FIRST_LOOK_BACK)
    checked = subscriber.check(since)
    fetched = 0
    for each in checked:
        missed = [*each.missed, *([_catch_up(source, now)] if each.outage else [])]
        if each.alarm:
            _LOG.error("ALARM %s: %s", source, each.alarm)
        fetched += ledger.write(functools.partial(_note, source=source, checked=each, missed=missed, wanted=wanted))
    if fetched:
        _LOG.warning("%s: %d events were missed and fetched", source, fetched)
    gone = [row.id for row in rows if row.id not in {each.standing.id for each in checked if each.standing}]
    if gone and not any(each.standing is None for each in checked):
        ledger.write(lambda connection: _forget(connection, source, gone))
    return fetched


def _note(
    connection: sa.Connection, *, source: str, checked: Checked, missed: t.Sequence[Event], wanted: Wanted
) -> int:
    now = dt.datetime.now(dt.UTC)
    fetched = keep(connection, missed, wanted)
    if checked.standing is None:
        lost = {"enabled": False, "checked_at": now, "alarm": checked.alarm, "alarm_at": now}
        connection.execute(sa.update(subscriptions).where(subscriptions.c.source == source).values(**lost))
        return fetched
    row = connection.execute(
        sa.select(subscriptions).where(subscriptions.c.source == source, subscriptions.c.id == checked.standing.id)
    ).one_or_none()
    upsert(
        connection,
        subscriptions,
        [
            {
                "source": source,
                "id": checked.standing.id,
                "url": checked.standing.url,
                "enabled": checked.standing.enabled,
                "checked_at": now,
                "complete_until": now,
                "alarm": checked.alarm or (row.alarm if row else None),
                "alarm_at": now if checked.alarm else (row.alarm_at if row else None),
            }
        ],
    )
    return fetched


def _forget(connection: sa.Connection, source: str, ids: t.Collection[str]) -> None:
    connection.execute(sa.delete(subscriptions).where(subscriptions.c.source == source, subscriptions.c.id.in_(ids)))


def _catch_up(source: str, now: dt.datetime) -> Event:
    system, _, instance = source.partition(":")
    return Event(system, instance, f"catch-up-{ULID()}", CATCH_UP, None, None, None, now)
