"""What a system allowed before, compared with what it allows now.

A permission that is taken away is not always an error: until a change of security policy is activated an answer may
simply be empty (docs/systems/workday.md#w2-4). So an operation that shows nothing any more, or far less, is
suspected too.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import typing as t

import sqlalchemy as sa

from ml_connector.ledger.schema import probes
from ml_connector.ledger.store import Ledger
from ml_connector.ledger.upsert import upsert
from ml_connector.system.access import Health, Probe

__all__ = ["Event", "remember"]

SHARE_LEFT: t.Final = 0.5
"""Fewer rows than this share of those seen before are suspicious."""


@dataclasses.dataclass(frozen=True, slots=True)
class Event:
    """A change for the worse.

    Attributes:
        name: ``workday_permission_lost`` or ``workday_permission_suspected``.
        system: Whose operation it is.
        instance: Which tenant or organization.
        plugin: With whose credentials.
        operation: The operation.
        what: One sentence.
        cure: What to do about it.
        since: When it worked last; None when it never did.
    """

    name: str
    system: str
    instance: str
    plugin: str
    operation: str
    what: str
    cure: str
    since: dt.datetime | None


def remember(ledger: Ledger, plugin: str, health: Health, *, now: dt.datetime, accept: bool = False) -> list[Event]:
    """Note what a system allows now and return what it no longer does.

    An event comes back with every check until the permission does, or until the new state is accepted.

    Args:
        ledger: Where it is noted.
        plugin: Whose credentials were used.
        health: What the system answered.
        now: When.
        accept: Take what is found as it should be, whatever was found before.
    """

    def work(connection: sa.Connection) -> list[Event]:
        known = {} if accept else _known(connection, plugin, health.instance)
        events, rows = [], []
        for probe in health.probes:
            before = known.get(probe.operation)
            event = None if accept else _event(plugin, health.instance, probe, before)
            if event is not None:
                events.append(event)
            works = probe.outcome == "ok" and event is None
            rows.append(
                {
                    "plugin": plugin,
                    "instance": health.instance,
                    "operation": probe.operation,
                    "outcome": probe.outcome,
                    "checked_at": now,
                    "worked_at": now if works else before.worked_at if before else None,
                    "rows": probe.rows if works else before.rows if before else None,
                }
            )
        upsert(connection, probes, rows)
        return events

    return ledger.write(work)


def _known(connection: sa.Connection, plugin: str, instance: str) -> dict[str, sa.Row[t.Any]]:
    query = sa.select(probes).where(probes.c.plugin == plugin, probes.c.instance == instance)
    return {row.operation: row for row in connection.execute(query)}


def _event(plugin: str, instance: str, probe: Probe, before: sa.Row[t.Any] | None) -> Event | None:
    system = instance.partition(":")[0]
    worked_at, rows = (before.worked_at, before.rows) if before is not None else (None, None)

    def event(kind: str, what: str, cure: str) -> Event:
        return Event(f"{system}_{kind}", system, instance, plugin, probe.operation, what, cure, worked_at)

    if probe.outcome == "denied" and worked_at is not None:
        what = f"{probe.operation} is no longer allowed; it worked on {worked_at:%Y-%m-%d %H:%M} UTC"
        return event("permission_lost", what, f"Grant {probe.permission} again; {probe.without} until then.")
    if probe.outcome != "ok" or probe.rows is None:
        return None
    if probe.never_empty and probe.rows == 0:
        seen = f", {rows:,} before" if rows else ""
        return event("permission_suspected", f"{probe.operation} shows no rows at all{seen}", _suspect(probe))
    if rows and probe.rows < SHARE_LEFT * rows:
        what = f"{probe.operation} shows {probe.rows:,} rows, {rows:,} before"
        return event("permission_suspected", what, _suspect(probe) + " If it is right, run doctor --accept.")
    return None


def _suspect(probe: Probe) -> str:
    return f"Check {probe.permission or 'the permissions'}, and whether a security change waits to be activated."
