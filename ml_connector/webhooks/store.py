"""Events on disk: kept before they are answered, once each, many in one transaction."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import datetime as dt
import functools
import typing as t

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from ml_connector.ledger.schema import event_unsettled, events
from ml_connector.ledger.store import Ledger
from ml_connector.webhooks.provider import Event

__all__ = ["KEPT_FOR", "EventStore", "Waiting", "dismiss", "forget", "keep", "states", "waiting"]

KEPT_FOR: t.Final = dt.timedelta(days=180)
"""How long settled events are remembered: as long as BILL can send one again."""

_BATCH = 2_000

Wanted = t.Callable[[Event], t.Collection[str]]


@dataclasses.dataclass(frozen=True, slots=True)
class Waiting:
    """The open events of a pipeline.

    Attributes:
        pipeline: Its name.
        events: How many are open.
        fresh: How many of them no run has been made for.
        first_fresh: When the first of those came.
        last_fresh: When the last of those came.
        wakes: How often the most-tried of the others were woken for.
    """

    pipeline: str
    events: int
    fresh: int
    first_fresh: dt.datetime | None
    last_fresh: dt.datetime | None
    wakes: int


class EventStore:
    """Keeps events for the receiver: those that arrive together share a transaction.

    Args:
        ledger: Where they are kept.
        wanted: Which pipelines an event wakes.
    """

    def __init__(self, ledger: Ledger, wanted: Wanted) -> None:
        self._ledger = ledger
        self._wanted = wanted
        self._arrived: list[tuple[t.Sequence[Event], asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def keep(self, arrived: t.Sequence[Event]) -> None:
        """Return when the events are durable; those that are known already change nothing."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._arrived.append((arrived, future))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        await future

    async def _write(self) -> None:
        while self._arrived:
            group, self._arrived = self._arrived[:_BATCH], self._arrived[_BATCH:]
            rows = [event for each, _ in group for event in each]
            try:
                work = functools.partial(keep, arrived=rows, wanted=self._wanted)
                await asyncio.wrap_future(self._ledger.submit(work))
            except Exception as error:  # noqa: BLE001 - told to everyone who waits for it
                for _, future in group:
                    with contextlib.suppress(asyncio.InvalidStateError):
                        future.set_exception(error)
                continue
            for _, future in group:
                if not future.done():
                    future.set_result(None)


def keep(connection: sa.Connection, arrived: t.Iterable[Event], wanted: Wanted) -> int:
    """Write events down, one row for each pipeline they wake; known ones stay as they are.

    Returns:
        How many rows are new, as far as the database tells.
    """
    rows = [_row(event, pipeline) for event in arrived for pipeline in (wanted(event) or ("",))]
    if not rows:
        return 0
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    return max(0, connection.execute(dialect.insert(events).on_conflict_do_nothing(), rows).rowcount)


def waiting(connection: sa.Connection) -> list[Waiting]:
    """Return what is open, by pipeline."""
    fresh = events.c.wakes == 0
    query = (
        sa.select(
            events.c.pipeline,
            sa.func.count(),
            sa.func.sum(sa.case((fresh, 1), else_=0)),
            sa.func.min(sa.case((fresh, events.c.received_at))),
            sa.func.max(sa.case((fresh, events.c.received_at))),
            sa.func.max(events.c.wakes),
        )
        .where(event_unsettled, events.c.state == "open")
        .group_by(events.c.pipeline)
    )
    return [Waiting(*row) for row in connection.execute(query)]


def states(connection: sa.Connection, source: str | None = None) -> dict[tuple[str, str], int]:
    """Return how many events there are, by (pipeline, state)."""
    query = sa.select(events.c.pipeline, events.c.state, sa.func.count()).group_by(events.c.pipeline, events.c.state)
    if source is not None:
        query = query.where(events.c.source == source)
    return {(pipeline, state): count for pipeline, state, count in connection.execute(query)}


def dismiss(connection: sa.Connection, event: Event, wanted: Wanted, *, why: str) -> None:
    """Close an event that no run can see, such as a test notification, whether or not it has arrived yet."""
    keep(connection, [event], wanted)
    connection.execute(
        sa.update(events)
        .where(events.c.source == event.source, events.c.event_id == event.event_id, event_unsettled)
        .values(state="closed", why=why, closed_at=dt.datetime.now(dt.UTC))
    )


def forget(connection: sa.Connection, now: dt.datetime) -> None:
    """Drop what was settled long ago."""
    settled = events.c.state.in_(("closed", "ignored"))
    connection.execute(sa.delete(events).where(settled, events.c.received_at < now - KEPT_FOR))


def _row(event: Event, pipeline: str) -> dict[str, t.Any]:
    return {
        "source": event.source,
        "event_id": event.event_id,
        "pipeline": pipeline,
        "kind": event.kind,
        "stream": event.stream,
        "source_id": event.source_id,
        "version": event.version,
        "received_at": event.received_at,
        "state": "open" if pipeline else "ignored",
        "closed_at": None if pipeline else event.received_at,
    }
