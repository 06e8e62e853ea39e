"""One document's row: reading it, claiming it for a delivery, and writing what became of it."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import typing as t
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from ml_connector.errors import Reason
from ml_connector.ledger import audit
from ml_connector.ledger.schema import entries, is_open, runs

__all__ = [
    "UNREADABLE",
    "Claims",
    "Entry",
    "State",
    "claim",
    "claims_of_others",
    "damaged",
    "drop_claims_of_the_dead",
    "left_open",
    "load",
    "pending",
    "read",
    "reopen_drafts",
    "settle",
    "states",
    "waiting",
]

_BATCH: t.Final = 500

UNREADABLE: t.Final = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, OperationalError)
"""What reading a row raises whose values are not what was written there."""

State = t.Literal["received", "posting", "posted", "held", "retry", "ignored"]


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """A row of the ledger as it was read; see ``schema.entries`` for the columns.

    Attributes:
        uncertain: A request may have reached the target without our learning the outcome.
        fingerprint: Of the version last sent, whether or not its arrival is certain.
        sent: The document last sent, as JSON.
        refused: Hash of the document the target refused last; it is not sent again before it differs.
        target_draft: Whether it is a draft over there, which counts for nothing yet.
        target_open: Whether it may still be changed over there.
        target_currency: Currency of what stands over there.
        target_amount: What stands over there, as it was sent or was read back since.
        target_gone: Whether it was cancelled or deleted over there.
        origin: How the target's thing came to be: ``delivered`` by us, ``found`` under our id, ``matched``.
        damage: Columns that cannot be read, and so are empty here; None when all can.
    """

    id: int
    target: str
    kind: str
    source: str
    source_id: str
    stream: str
    record: str
    record_hash: str
    version: str | None
    source_created_at: dt.datetime | None
    state: State
    reasons: tuple[Reason, ...]
    attempts: int
    uncertain: bool
    next_attempt_at: dt.datetime | None
    last_run: str | None
    lease_owner: str | None
    lease_until: dt.datetime | None
    external_id: str | None
    sent: str | None
    fingerprint: str | None
    refused: str | None
    target_id: str | None
    target_number: str | None
    target_draft: bool
    target_open: bool
    target_currency: str | None
    target_amount: Decimal | None
    target_gone: bool
    origin: str | None
    number: str | None
    party: str | None
    currency: str | None
    amount: Decimal | None
    booking_date: dt.date | None
    first_seen_at: dt.datetime
    changed_at: dt.datetime
    held_since: dt.datetime | None
    posted_at: dt.datetime | None
    verified_at: dt.datetime | None
    damage: str | None = None

    @classmethod
    def from_row(cls, row: sa.Row[t.Any]) -> Entry:
        """Return the entry a row of ``select(entries)`` holds."""
        values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for a row as a mapping
        values["reasons"] = tuple(Reason(**reason) for reason in json.loads(values["reasons"]))
        return cls(**values)

    @property
    def label(self) -> str:
        """How people call it: the human number, else the source's id."""
        return self.number or self.source_id


def load(connection: sa.Connection, entry_id: int) -> Entry:
    """Return one entry, whatever its row is like."""
    try:
        return Entry.from_row(connection.execute(sa.select(entries).where(entries.c.id == entry_id)).one())
    except UNREADABLE as error:
        if not _is_about_a_value(error):
            raise
        return _damaged(connection, entry_id)


def read(connection: sa.Connection, query: sa.Select[t.Any]) -> list[Entry]:
    """Return the entries a ``select(entries)`` finds; a damaged row among them hides none of the others."""
    try:
        return [Entry.from_row(row) for row in connection.execute(query)]
    except UNREADABLE as error:
        if not _is_about_a_value(error):
            raise
    ids = connection.execute(query.with_only_columns(entries.c.id)).scalars().all()
    return [load(connection, entry_id) for entry_id in ids]


def damaged(columns: str) -> Reason:
    """Return why a document whose row cannot be read is held."""
    return Reason(
        "damaged",
        f"its row in the ledger is damaged: {columns} cannot be read",
        "run `ml-connector audit verify`, and restore the ledger from a backup",
    )


def _damaged(connection: sa.Connection, entry_id: int) -> Entry:
    """Return what can be read of a row, column by column."""
    values: dict[str, t.Any] = {}
    broken = []
    for column in entries.columns:
        try:
            value = connection.execute(sa.select(column).where(entries.c.id == entry_id)).scalar_one()
            if column is entries.c.reasons:
                value = tuple(Reason(**reason) for reason in json.loads(value))
        except UNREADABLE as error:
            if not _is_about_a_value(error):
                raise
            broken.append(column.name)
            value = None
        values[column.name] = value
    columns = ", ".join(broken)
    for name in ("kind", "source", "source_id", "stream", "record", "record_hash"):
        values[name] = values[name] if isinstance(values[name], str) else ""
    if values["reasons"] is None:
        values["reasons"] = (damaged(columns),) if values["state"] == "held" else ()
    return Entry(**values, damage=columns or "something")


def _is_about_a_value(error: Exception) -> bool:
    """Whether a value cannot be read, rather than the database; SQLite tells of text that is no UTF-8 in this way."""
    return not isinstance(error, OperationalError) or "decode to UTF-8" in str(error.orig)


def claim(
    connection: sa.Connection,
    *,
    ours: sa.ColumnElement[bool],
    run: str,
    after: int,
    limit: int,
    now: dt.datetime,
    lease: dt.timedelta,
) -> list[int]:
    """Reserve the next documents for a run, each at most once.

    Args:
        connection: The ledger.
        ours: Which documents are the run's to deliver, see ``owners.Reach``.
        run: The run.
        after: Only documents with higher ids.
        limit: How many.
        now: The moment it is.
        lease: How long they are reserved without a sign of life.

    Returns:
        Ids in order; rows another delivery holds a living lease on are left out (SKIP LOCKED on PostgreSQL).
    """
    ids = list(
        connection.execute(
            sa.select(entries.c.id)
            .where(ours, _due(now), entries.c.id > after)
            .where(sa.or_(entries.c.last_run.is_(None), entries.c.last_run != run))
            .where(sa.or_(entries.c.lease_until.is_(None), entries.c.lease_until < now))
            .order_by(entries.c.id)
            .limit(limit)
            .with_for_update(skip_locked=True, of=entries)
        ).scalars()
    )
    if ids:
        connection.execute(
            sa.update(entries)
            .where(entries.c.id.in_(ids))
            .values(last_run=run, lease_owner=run, lease_until=now + lease)
        )
    return ids


def reopen_drafts(connection: sa.Connection, *, ours: sa.ColumnElement[bool], run: str, actor: str) -> None:
    """Have drafts of a run's documents that were left as such looked at again, those that we made."""
    reopened = connection.execute(
        sa.update(entries)
        .where(ours, entries.c.target_draft.is_(sa.true()))
        .where(entries.c.state == "posted", entries.c.origin.in_(("delivered", "found")))
        .values(state="received")
        .returning(entries.c.id, entries.c.external_id)
    )
    what = "a draft, which is not to stay one"
    steps = [audit.Step("reopened", what, row.id, row.external_id) for row in reopened]
    audit.append(connection, steps, run=run, actor=actor)


def settle(connection: sa.Connection, entry_id: int, owner: str, **values: t.Any) -> bool:
    """Write what became of a claimed document.

    Returns:
        False when the lease was lost meanwhile: nothing was written and the caller must not go on.
    """
    if "reasons" in values:
        values["reasons"] = json.dumps([reason.to_dict() for reason in values["reasons"]], ensure_ascii=False)
    result = connection.execute(
        sa.update(entries).where(entries.c.id == entry_id, entries.c.lease_owner == owner).values(**values)
    )
    return result.rowcount == 1


def pending(connection: sa.Connection, *, ours: sa.ColumnElement[bool], now: dt.datetime) -> int:
    """Return how many of a run's documents a delivery that starts now would look at."""
    query = sa.select(sa.func.count()).select_from(entries).where(ours, _due(now))
    return connection.execute(query).scalar_one()


@dataclasses.dataclass(frozen=True, slots=True)
class Claims:
    """Open documents that a run has claimed.

    Attributes:
        target: The target instance.
        kind: Kind of the documents.
        run: The run; it is at them, or was killed.
        documents: How many.
        until: When its last sign of life runs out; from then on another run takes them up.
    """

    target: str
    kind: str
    run: str
    documents: int
    until: dt.datetime | None


def claims_of_others(
    connection: sa.Connection, *, ours: sa.ColumnElement[bool] | None = None, run: str | None = None
) -> list[Claims]:
    """Return what other runs than this one have claimed, of this one's documents or of all."""
    columns = (entries.c.target, entries.c.kind, entries.c.lease_owner)
    query = (
        sa.select(*columns, sa.func.count(), sa.func.max(entries.c.lease_until))
        .where(is_open, entries.c.lease_owner.is_not(None))
        .group_by(*columns)
        .order_by(*columns)
    )
    if ours is not None:
        query = query.where(ours)
    if run is not None:
        query = query.where(entries.c.lease_owner != run)
    return [Claims(*row) for row in connection.execute(query)]


def drop_claims_of_the_dead(connection: sa.Connection, *, target: str) -> None:
    """Give back what runs have claimed that are on record as finished."""
    finished = sa.select(runs.c.id).where(runs.c.finished_at.is_not(None))
    connection.execute(
        sa.update(entries)
        .where(entries.c.target == target, entries.c.lease_owner.in_(finished))
        .values(lease_owner=None, lease_until=None)
    )


def waiting(connection: sa.Connection, *, ours: sa.ColumnElement[bool]) -> tuple[int, dt.datetime | None]:
    """Return how many of a run's documents wait for another attempt, and when the first is due."""
    query = sa.select(sa.func.count(), sa.func.min(entries.c.next_attempt_at)).where(
        ours, is_open, entries.c.state == "retry"
    )
    count, first = connection.execute(query).one()
    return count, first


def left_open(connection: sa.Connection, *, ours: sa.ColumnElement[bool]) -> list[sa.Row[t.Any]]:
    """Return (id, kind) of all with which something may still be done; no more, since a row may be damaged."""
    query = sa.select(entries.c.id, entries.c.kind).where(ours, is_open).order_by(entries.c.id)
    return list(connection.execute(query))


def states(connection: sa.Connection, ids: t.Sequence[int]) -> list[sa.Row[t.Any]]:
    """Return (id, kind, state) of some rows."""
    query = sa.select(entries.c.id, entries.c.kind, entries.c.state)
    found: list[sa.Row[t.Any]] = []
    for start in range(0, len(ids), _BATCH):
        found += connection.execute(query.where(entries.c.id.in_(ids[start : start + _BATCH])))
    return found


def _due(now: dt.datetime) -> sa.ColumnElement[bool]:
    return sa.and_(is_open, sa.or_(entries.c.state != "retry", entries.c.next_attempt_at <= now))
