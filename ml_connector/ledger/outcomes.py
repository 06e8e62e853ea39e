"""What the ledger says about each document of a source, and which of the target's things each of the source's is."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import typing as t
from decimal import Decimal

import sqlalchemy as sa

from ml_connector import exact_json
from ml_connector.errors import Reason
from ml_connector.ledger.entries import UNREADABLE, Entry, State, damaged, read
from ml_connector.ledger.schema import entries

__all__ = ["Outcome", "linked", "outcomes"]


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """How far a document got.

    Attributes:
        source_id: The source's id.
        number: The number people know it by.
        state: Its state in the ledger.
        reasons: Why it is held or ignored.
        external_id: The id it was, or would be, created under.
        target_id: What the target calls it; None when it was never posted.
        target_number: The number people see in the target.
        sent_total: The total that was sent; None when nothing was.
        posted_at: When.
        next_attempt_at: When it is tried again.
    """

    source_id: str
    number: str | None
    state: State
    reasons: tuple[Reason, ...] = ()
    external_id: str | None = None
    target_id: str | None = None
    target_number: str | None = None
    sent_total: Decimal | None = None
    posted_at: dt.datetime | None = None
    next_attempt_at: dt.datetime | None = None


def outcomes(connection: sa.Connection, *, target: str, source: str, kind: str) -> dict[str, Outcome]:
    """Return what became of every document of a kind, by the source's id."""
    mine = sa.and_(entries.c.target == target, entries.c.source == source, entries.c.kind == kind)
    names = [field.name for field in dataclasses.fields(Outcome) if field.name != "sent_total"]
    query = sa.select(*(entries.c[name] for name in names), entries.c.sent).where(mine)
    try:
        rows = connection.execution_options(yield_per=1000).execute(query).mappings()
        return {row["source_id"]: _outcome(row, json.loads(row["reasons"])) for row in rows}
    except UNREADABLE:  # a damaged row hides none of the others
        found = read(connection, sa.select(entries).where(mine))
        return {entry.source_id: _of_entry(entry) for entry in found}


def _outcome(row: t.Any, reasons: t.Sequence[t.Mapping[str, t.Any]]) -> Outcome:
    values = {name: value for name, value in row.items() if name not in ("sent", "reasons")}
    return Outcome(**values, reasons=tuple(Reason(**reason) for reason in reasons), sent_total=_total(row["sent"]))


def _of_entry(entry: Entry) -> Outcome:
    names = [field.name for field in dataclasses.fields(Outcome) if field.name != "sent_total"]
    values = {name: getattr(entry, name) for name in names}
    try:
        total, damage = _total(entry.sent), entry.damage
    except UNREADABLE:
        total, damage = None, entry.damage or "sent"
    if damage is not None:
        values |= {"state": "held", "reasons": (damaged(damage),)}
    return Outcome(**values, sent_total=total)


def linked(connection: sa.Connection, *, target: str, source: str, kind: str) -> dict[str, str]:
    """Return the target's id of everything of a kind that deliveries in either direction have linked."""
    columns = entries.c
    forth = sa.select(columns.source_id, sa.func.coalesce(columns.target_number, columns.target_id)).where(
        columns.target == target,
        columns.source == source,
        columns.kind == kind,
        columns.target_id.is_not(None),
    )
    back = sa.select(columns.target_id, columns.source_id).where(
        columns.target == source,
        columns.source == target,
        columns.kind == kind,
        columns.target_id.is_not(None),
    )
    return {key: value for query in (back, forth) for key, value in connection.execute(query)}


def _total(sent: str | None) -> Decimal | None:
    total: t.Any = exact_json.loads(sent).get("total") if sent else None
    return Decimal(total) if total is not None else None
