"""Was it seen? An event is closed when the ledger knows its object at that version or a later one.

Known is what intake has taken in for the pipeline's targets, whatever became of it there, and what the map did not
want. An event that names no object, or no version, is closed by a run that was made for it and ended well. Which ones a
run was made for is noted when it begins: the clocks of two receivers may differ.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import typing as t

import sqlalchemy as sa

from ml_connector.ledger.schema import entries, event_unsettled, events, left_out

__all__ = ["Ended", "Outcome", "close"]

_CHUNK = 500


@dataclasses.dataclass(frozen=True, slots=True)
class Ended:
    """A run that has ended.

    Attributes:
        made_for: Events that were due when it began, by source and id; what came later it may have missed.
        well: Whether it ended without an error.
    """

    made_for: t.Container[tuple[str, str]]
    well: bool


@dataclasses.dataclass(slots=True)
class Outcome:
    """What became of a pipeline's events.

    Attributes:
        closed: How many were seen.
        unseen: How many have been woken for in vain for the last time just now.
        open: How many still wait.
        due: Those a run that begins now is made for, by source and id.
        examples: Objects of those that are unseen, for the message.
    """

    closed: int = 0
    unseen: int = 0
    open: int = 0
    due: set[tuple[str, str]] = dataclasses.field(default_factory=set)
    examples: list[str] = dataclasses.field(default_factory=list)


_Event = sa.Row[t.Any]
_Object = tuple[str, str | None, str]


def close(
    connection: sa.Connection,
    pipeline: str,
    targets: t.Collection[str],
    *,
    ended: Ended | None = None,
    most_wakes: int,
    now: dt.datetime,
) -> Outcome:
    """Close what was seen, and after a run count those it was made for in vain.

    Args:
        connection: The ledger, in a transaction.
        pipeline: Whose events.
        targets: Systems (``workday``) or single targets (``workday:acme``) in whose intake an object must have arrived;
            any when empty.
        ended: The run that has just ended, if there was one.
        most_wakes: After so many runs in vain an event is unseen: nobody runs for it any more, but it is still closed
            when it turns up.
        now: The time.
    """
    outcome = Outcome()
    query = (
        sa.select(events)
        .where(event_unsettled, events.c.pipeline == pipeline)
        .order_by(events.c.received_at, events.c.source, events.c.event_id)
    )
    found = connection.execute(query).all()
    for start in range(0, len(found), _CHUNK):
        chunk = found[start : start + _CHUNK]
        seen = _seen(connection, targets, chunk)
        _sort_out(connection, chunk, seen, ended=ended, most_wakes=most_wakes, now=now, outcome=outcome)
    return outcome


def _sort_out(
    connection: sa.Connection,
    chunk: t.Sequence[_Event],
    seen: t.Mapping[_Object, dt.datetime | None],
    *,
    ended: Ended | None,
    most_wakes: int,
    now: dt.datetime,
    outcome: Outcome,
) -> None:
    closed: dict[str, list[_Event]] = collections.defaultdict(list)
    in_vain: dict[str, list[_Event]] = collections.defaultdict(list)
    for event in chunk:
        made_for = ended is not None and ended.well and (event.source, event.event_id) in ended.made_for
        why = _why_closed(event, seen, made_for=made_for)
        if why is not None:
            closed[why].append(event)
            outcome.closed += 1
            continue
        if event.received_at <= now:
            outcome.due.add((event.source, event.event_id))
        if event.state == "open" and made_for:
            last = event.wakes + 1 >= most_wakes
            in_vain["unseen" if last else "open"].append(event)
            outcome.unseen += last
            outcome.open += not last
            if last:
                outcome.examples.append(f"{event.kind} {event.source_id or event.event_id}")
        elif event.state == "open":
            outcome.open += 1
    for why, group in closed.items():
        _update(connection, group, {"state": "closed", "why": why, "closed_at": now})
    for state, group in in_vain.items():
        _update(connection, group, {"state": state, "wakes": events.c.wakes + 1})


def _why_closed(event: _Event, seen: t.Mapping[_Object, dt.datetime | None], *, made_for: bool) -> str | None:
    if event.source_id is None or event.version is None:
        return "read" if made_for else None
    key = (event.source, event.stream, event.source_id)
    known = seen.get(key)
    return "seen" if known is not None and known >= event.version else None


def _seen(
    connection: sa.Connection, targets: t.Collection[str], chunk: t.Sequence[_Event]
) -> dict[_Object, dt.datetime | None]:
    """Return the newest version in which each object of these events has come in."""
    wanted: dict[tuple[str, str | None], set[str]] = collections.defaultdict(set)
    for event in chunk:
        if event.source_id is not None:
            wanted[(event.source, event.stream)].add(event.source_id)
    seen: dict[_Object, dt.datetime | None] = {}
    for (source, stream), ids in wanted.items():
        for table in (entries, left_out):
            query = sa.select(table.c.source_id, table.c.version).where(
                table.c.source == source, table.c.stream == stream, table.c.source_id.in_(ids)
            )
            if targets:
                systems = (each for each in targets if ":" not in each)
                of_systems = (table.c.target.startswith(f"{each}:", autoescape=True) for each in systems)
                query = query.where(sa.or_(table.c.target.in_(targets), *of_systems))
            for id_, version in connection.execute(query):
                moment, key = _moment(version), (source, stream, id_)
                known = seen.get(key)
                if moment is not None and (known is None or moment > known):
                    seen[key] = moment
    return seen


def _update(connection: sa.Connection, group: t.Sequence[_Event], values: dict[str, t.Any]) -> None:
    by_key: dict[tuple[str, str], list[str]] = collections.defaultdict(list)
    for event in group:
        by_key[(event.source, event.pipeline)].append(event.event_id)
    for (source, pipeline), ids in by_key.items():
        connection.execute(
            sa.update(events)
            .where(events.c.source == source, events.c.pipeline == pipeline, events.c.event_id.in_(ids))
            .values(**values)
        )


def _moment(version: str | None) -> dt.datetime | None:
    try:
        moment = dt.datetime.fromisoformat(version or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
