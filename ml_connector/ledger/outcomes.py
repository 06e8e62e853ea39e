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
from ml_connector.ledger.entries import State
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
    columns = entries.c
    query = sa.select(
        columns.source_id,
        columns.number,
        columns.state,
        columns.reasons,
        columns.external_id,
        columns.target_id,
        columns.target_number,
        columns.sent,
        columns.posted_at,
        columns.next_attempt_at,
    ).where(columns.target == target, columns.source == source, columns.kind == kind)
    found = {}
    for row in connection.execution_options(yield_per=1000).execute(query):
        found[row.source_id] = Outcome(
            source_id=row.source_id,
            number=row.number,
            state=row.state,
            reasons=tuple(Reason(**reason) for reason in json.loads(row.reasons)),
            external_id=row.external_id,
            target_id=row.target_id,
            target_number=row.target_number,
            sent_total=_total(row.sent),
            posted_at=row.posted_at,
            next_attempt_at=row.next_attempt_at,
        )
    return found


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
