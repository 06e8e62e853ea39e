"""Looking after subscriptions: switching on what was switched off, fetching what was missed, telling people."""

from __future__ import annotations

import datetime as dt
import functools
import logging
import threading
import typing as t

import sqlalchemy as sa

from ml_connector.errors import ConnectorError, CredentialsRefused
from ml_connector.ledger.schema import subscriptions
from ml_connector.ledger.store import Ledger
from ml_connector.ledger.upsert import upsert
from ml_connector.webhooks.endpoints import Door
from ml_connector.webhooks.provider import Checked, Event, Subscriber, catch_up
from ml_connector.webhooks.settings import WebhookSettings
from ml_connector.webhooks.store import Wanted, keep
from ml_connector.webhooks.subscribing import subscribe

__all__ = ["Cared", "HealthLoop", "look_after"]

_FIRST_LOOK_BACK: t.Final = dt.timedelta(minutes=10)
_LOG = logging.getLogger(__name__)


class Cared(t.NamedTuple):
    """A door and what looks after its subscription."""

    door: Door
    subscriber: Subscriber


class HealthLoop:
    """Looks after subscriptions at the start and every few minutes, in a thread of its own.

    Args:
        ledger: Where the findings are kept.
        cared_for: Whose subscriptions.
        webhooks: What pipelines want, and how often to look.
        address: Where systems reach us; with it subscriptions are made that are not there.
        ring: Called when something missed was found.
        reopen: Returns a door as it would be opened now, with the credentials there are now.
    """

    def __init__(
        self,
        ledger: Ledger,
        cared_for: t.Sequence[Cared],
        webhooks: WebhookSettings,
        *,
        address: str | None,
        ring: t.Callable[[], None],
        reopen: t.Callable[[Door], Door],
    ) -> None:
        self._ledger = ledger
        self._cared_for = list(cared_for)
        self._webhooks = webhooks
        self._address = address
        self._unsubscribed = {each.door.name for each in cared_for if each.door.pipelines} if address else set()
        self._ring = ring
        self._reopen = reopen
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="subscriptions", daemon=True)

    def start(self) -> None:
        """Begin with a look at once."""
        self._thread.start()

    def stop(self, patience: float = 5.0) -> None:
        """Begin no other look, and close the connections."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(patience)
        for each in self._cared_for:
            each.subscriber.close()

    def _watch(self) -> None:
        while True:
            for number, each in enumerate(self._cared_for):
                if self._stopping.is_set():
                    return
                try:
                    self._look_as_of_now(number)
                except (ConnectorError, sa.exc.SQLAlchemyError) as error:
                    first = str(error).splitlines()[0]
                    _LOG.error("%s: the subscription could not be looked after: %s", each.door.name, first)
                except Exception:  # noqa: BLE001 - whatever it is, the next look is worth a try
                    if self._stopping.is_set():  # the connection was closed under its hands
                        return
                    _LOG.exception("%s: the subscription could not be looked after", each.door.name)
            if self._stopping.wait(self._webhooks.check_seconds):
                return

    def _look_as_of_now(self, number: int) -> None:
        """Look; where credentials are refused and there are others by now, once more with those."""
        try:
            self._look(self._cared_for[number])
        except CredentialsRefused:
            before = self._cared_for[number]
            door = self._reopen(before.door)
            if door.config == before.door.config:
                raise
            self._cared_for[number] = Cared(door, door.subscriber(self._webhooks))
            before.subscriber.close()
            self._look(self._cared_for[number])

    def _look(self, each: Cared) -> None:
        fetched = look_after(self._ledger, each.subscriber, each.door.wanted)
        if self._address and each.door.name in self._unsubscribed:
            for standing in subscribe(self._ledger, each.door, each.subscriber, self._webhooks, address=self._address):
                _LOG.info("%s: %d kinds of events go to us (%s)", each.door.name, len(standing.kinds), standing.id)
            self._unsubscribed.discard(each.door.name)
        if fetched:
            self._ring()


def look_after(ledger: Ledger, subscriber: Subscriber, wanted: Wanted) -> int:
    """Check the subscriptions of an instance once; returns how many missed events were fetched.

    After an outage every pipeline is woken, whether or not the system's history tells of anything: what it did not
    send it may not have noted either. Also when it was mended by a look that did not come to its end.
    """
    source = subscriber.source
    now = dt.datetime.now(dt.UTC)
    with ledger.read() as connection:
        rows = connection.execute(sa.select(subscriptions).where(subscriptions.c.source == source)).all()
    since = min((row.complete_until for row in rows), default=now - _FIRST_LOOK_BACK)
    was_off = {row.id for row in rows if not row.enabled}
    seen: list[Checked] = []
    fetched = 0
    for each in subscriber.check(since):
        seen.append(each)
        mended = each.standing is not None and each.standing.enabled and each.standing.id in was_off
        missed = [*each.missed, *([catch_up(source, now)] if each.outage or mended else [])]
        if each.alarm:
            _LOG.error("ALARM %s: %s", source, each.alarm)
        fetched += ledger.write(
            functools.partial(_note, source=source, checked=each, missed=missed, wanted=wanted, now=now)
        )
    if fetched:
        _LOG.warning("%s: %d events were missed and fetched", source, fetched)
    there = {each.standing.id for each in seen if each.standing}
    gone = [row.id for row in rows if row.id not in there]
    lost = next((each for each in seen if each.standing is None), None)
    ledger.write(functools.partial(_note_gone, source=source, ids=gone, lost=lost, now=now))
    return fetched


def _note(
    connection: sa.Connection,
    *,
    source: str,
    checked: Checked,
    missed: t.Sequence[Event],
    wanted: Wanted,
    now: dt.datetime,
) -> int:
    fetched = keep(connection, missed, wanted)
    if checked.standing is None:
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
                "complete_until": now if checked.standing.enabled or row is None else row.complete_until,
                "alarm": checked.alarm or (row.alarm if row else None),
                "alarm_at": now if checked.alarm else (row.alarm_at if row else None),
            }
        ],
    )
    return fetched


def _note_gone(
    connection: sa.Connection, *, source: str, ids: t.Collection[str], lost: Checked | None, now: dt.datetime
) -> None:
    """Forget what another one has replaced; what nothing replaces stays, as off."""
    which = sa.and_(subscriptions.c.source == source, subscriptions.c.id.in_(ids))
    if lost is None:
        connection.execute(sa.delete(subscriptions).where(which))
    else:
        values = {"enabled": False, "checked_at": now, "alarm": lost.alarm, "alarm_at": now}
        connection.execute(sa.update(subscriptions).where(which).values(**values))
