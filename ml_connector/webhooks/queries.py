"""What people ask about events."""

from __future__ import annotations

import dataclasses
import datetime as dt
import typing as t

import sqlalchemy as sa

from ml_connector.ledger.schema import events, subscriptions, wakes
from ml_connector.webhooks.settings import FILE
from ml_connector.webhooks.store import states

__all__ = ["Health", "accept", "health"]

_LATE: t.Final = dt.timedelta(hours=1)
_MANY = 20


@dataclasses.dataclass(frozen=True, slots=True)
class Health:
    """How events fare.

    Attributes:
        subscriptions: Each as it was when it was looked at last.
        pipelines: Each with its events by state and its last run.
        unseen: The first of those that were never seen.
        last_received: When something came last, by source.
    """

    subscriptions: list[dict[str, t.Any]]
    pipelines: list[dict[str, t.Any]]
    unseen: list[dict[str, t.Any]]
    last_received: dict[str, dt.datetime]

    def troubles(self, now: dt.datetime, pipelines: t.Collection[str]) -> list[str]:
        """Return what a person should look at, one line each.

        Args:
            now: The time.
            pipelines: Those there are.
        """
        found = [f"{each['source']}: {each['alarm']}" for each in self.subscriptions if each["alarm"]]
        found += [
            f"{each['source']}: the subscription {each['id']} is off"
            for each in self.subscriptions
            if not each["enabled"] and not each["alarm"]
        ]
        for each in self.pipelines:
            if each["unseen"]:
                examples = ", ".join(
                    f"{one['kind']} {one['source_id'] or one['event_id']}"
                    for one in self.unseen
                    if one["pipeline"] == each["pipeline"]
                )
                found.append(f"{each['pipeline']}: {each['unseen']} events were never seen by a run: {examples}")
            if each["failures"] and each["open"]:
                found.append(f"{each['pipeline']}: failed {each['failures']} times in a row (code {each['exit_code']})")
            if each["oldest_open"] and now - each["oldest_open"] > _LATE:
                known = each["pipeline"] in pipelines
                ask = "is a receiver running?" if known else f"{FILE} has no such pipeline, --accept gives them up"
                found.append(f"{each['pipeline']}: events have been open for more than an hour; {ask}")
        return found

    def to_dict(self) -> dict[str, t.Any]:
        """Return the plain form."""
        return dataclasses.asdict(self)


def health(connection: sa.Connection) -> Health:
    """Return how events fare."""
    counted = states(connection)
    runs = {row.pipeline: row for row in connection.execute(sa.select(wakes))}
    first = sa.select(events.c.pipeline, sa.func.min(events.c.received_at)).group_by(events.c.pipeline)
    oldest = dict(connection.execute(first.where(events.c.state == "open")).tuples().all())
    names = sorted({pipeline for pipeline, _ in counted if pipeline} | set(runs))
    unseen = sa.select(events).where(events.c.state == "unseen").order_by(events.c.received_at).limit(_MANY)
    last = sa.select(events.c.source, sa.func.max(events.c.received_at)).group_by(events.c.source)
    return Health(
        subscriptions=[dict(row) for row in connection.execute(sa.select(subscriptions)).mappings()],
        pipelines=[
            {
                "pipeline": name,
                **{state: counted.get((name, state), 0) for state in ("open", "unseen", "closed")},
                "oldest_open": oldest.get(name),
                "ended_at": runs[name].ended_at if name in runs else None,
                "exit_code": runs[name].exit_code if name in runs else None,
                "failures": runs[name].failures if name in runs else 0,
                "runs": runs[name].runs if name in runs else 0,
            }
            for name in names
        ],
        unseen=[dict(row) for row in connection.execute(unseen).mappings()],
        last_received=dict(connection.execute(last).tuples().all()),
    )


def accept(connection: sa.Connection, pipelines: t.Collection[str]) -> None:
    """Take alarms as read; give up what was never seen, and what has waited long for a pipeline that is no more.

    Args:
        connection: The ledger, in a transaction.
        pipelines: Those there are.
    """
    now = dt.datetime.now(dt.UTC)
    connection.execute(sa.update(subscriptions).values(alarm=None, alarm_at=None))
    orphaned = sa.and_(
        events.c.state == "open", events.c.pipeline.not_in(pipelines), events.c.received_at < now - _LATE
    )
    given_up = sa.or_(events.c.state == "unseen", orphaned)
    connection.execute(sa.update(events).where(given_up).values(state="closed", why="accepted", closed_at=now))
