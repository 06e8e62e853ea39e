"""The ledger's tables. Migrations in ``migrations/versions`` lead here; a test compares the two."""

from __future__ import annotations

import datetime as dt
import typing as t
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator

from ml_connector.money import inexact

__all__ = [
    "Instant",
    "Money",
    "amount_of",
    "audit",
    "audit_head",
    "checkpoints",
    "entries",
    "event_unsettled",
    "events",
    "is_open",
    "keeps",
    "left_out",
    "meta",
    "metadata",
    "noticed",
    "owners",
    "probes",
    "runs",
    "sightings",
    "source_records",
    "subscriptions",
    "surveyed",
    "wakes",
]

_TOO_LARGE = Decimal(2**63).scaleb(-4)


class Money(TypeDecorator[Decimal]):
    """An exact amount, kept as an integer of ten-thousandths: no currency has more than four decimals."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: sa.Dialect) -> int | None:
        """Return ten-thousandths; refuses what would be rounded."""
        del dialect
        if value is None:
            return None
        if not keeps(value):
            raise ValueError(f"{value} has more than four decimals, or is too large")
        return int(value.scaleb(4))

    def process_result_value(self, value: int | None, dialect: sa.Dialect) -> Decimal | None:
        """Return the amount."""
        del dialect
        return None if value is None else amount_of(value)


def keeps(amount: Decimal) -> bool:
    """Whether an amount can be kept exactly: no more than four decimals, and less than some 922 million millions."""
    return amount.is_finite() and not inexact(amount, 4) and amount.copy_abs() < _TOO_LARGE


def amount_of(ten_thousandths: int | str) -> Decimal:
    """Return the amount a stored number means, without trailing zeros."""
    amount = Decimal(int(ten_thousandths)).scaleb(-4)
    whole = amount.to_integral_value()
    return whole if amount == whole else amount.normalize()


class Instant(TypeDecorator[dt.datetime]):
    """A moment in UTC, aware on both ways, sortable as text on every database."""

    impl = sa.String(32)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: sa.Dialect) -> str | None:
        """Return ISO text in UTC with microseconds."""
        del dialect
        return None if value is None else value.astimezone(dt.UTC).isoformat(timespec="microseconds")

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> dt.datetime | None:
        """Return the aware moment."""
        del dialect
        return None if value is None else dt.datetime.fromisoformat(value)


metadata: t.Final = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")

entries: t.Final = sa.Table(
    "entries",
    metadata,
    sa.Column("id", _Id, primary_key=True, autoincrement=True),
    # Identity: which document
    sa.Column("target", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("source_id", sa.Text, nullable=False),
    # Version: what the source says now
    sa.Column("stream", sa.Text, nullable=False),
    sa.Column("record", sa.Text, nullable=False),
    sa.Column("record_hash", sa.Text, nullable=False),
    sa.Column("version", sa.Text),
    sa.Column("source_created_at", Instant),
    # State
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("reasons", sa.Text, nullable=False, server_default="[]"),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("uncertain", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("next_attempt_at", Instant),
    sa.Column("last_run", sa.Text),
    sa.Column("lease_owner", sa.Text),
    sa.Column("lease_until", Instant),
    # What was sent, and what the target made of it
    sa.Column("external_id", sa.Text),
    sa.Column("sent", sa.Text),
    sa.Column("fingerprint", sa.Text),
    sa.Column("refused", sa.Text),
    sa.Column("target_id", sa.Text),
    sa.Column("target_number", sa.Text),
    sa.Column("target_draft", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("target_open", sa.Boolean, nullable=False, server_default=sa.false()),
    # What stands over there: not what the source says now, and not what was cancelled since
    sa.Column("target_currency", sa.Text),
    sa.Column("target_amount", Money),
    sa.Column("target_gone", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("origin", sa.Text),
    # For people
    sa.Column("number", sa.Text),
    sa.Column("party", sa.Text),
    sa.Column("currency", sa.Text),
    sa.Column("amount", Money),
    sa.Column("booking_date", sa.Date),
    sa.Column("first_seen_at", Instant, nullable=False),
    sa.Column("changed_at", Instant, nullable=False),
    sa.Column("held_since", Instant),
    sa.Column("posted_at", Instant),
    sa.Column("verified_at", Instant),
    sa.UniqueConstraint("target", "kind", "source", "source_id"),
    sa.Index(None, "target", "state", "kind", "id"),
    sa.Index(None, "target", "external_id"),
    sa.Index(None, "number"),
    sa.Index(None, "source_id"),
    sa.Index(None, "target_id"),
    sa.Index(None, "target_number"),
    sa.Index("ix_entries_watched", "target", "kind", "posted_at"),
    sqlite_autoincrement=True,
)
is_open: t.Final = entries.c.state.in_(
    # In the statement itself: a partial index is of use only to who repeats its condition word by word.
    [sa.literal(state, literal_execute=True) for state in ("received", "held", "posting", "retry")]
)
"""Whether something may still be done with a document."""

# Partial, so that neither delivery nor read-back ever walks through what was posted long ago.
sa.Index(
    "ix_entries_open",
    entries.c.target,
    entries.c.kind,
    entries.c.id,
    sqlite_where=is_open,
    postgresql_where=is_open,
)
sa.Index(
    "ix_entries_leased",
    entries.c.target,
    entries.c.lease_owner,
    sqlite_where=entries.c.lease_owner.is_not(None),
    postgresql_where=entries.c.lease_owner.is_not(None),
)
sa.Index(
    "ix_entries_drafts",
    entries.c.target,
    entries.c.kind,
    entries.c.id,
    sqlite_where=entries.c.target_draft.is_(sa.true()),
    postgresql_where=entries.c.target_draft.is_(sa.true()),
)
sa.Index(
    "ix_entries_unverified",
    entries.c.target,
    entries.c.kind,
    entries.c.id,
    sqlite_where=sa.and_(entries.c.verified_at.is_(None), entries.c.target_id.is_not(None)),
    postgresql_where=sa.and_(entries.c.verified_at.is_(None), entries.c.target_id.is_not(None)),
)
"""One row per document and target. States: received, posting, posted, held, retry, ignored (design section 6)."""

owners: t.Final = sa.Table(
    "owners",
    metadata,
    sa.Column("target", sa.Text, primary_key=True),
    sa.Column("source", sa.Text, primary_key=True),
    sa.Column("plugin", sa.Text, nullable=False),
    sa.Column("map", sa.Text),
    sa.Column("tables", sa.Text),
    sa.Column("place", sa.Text),
    sa.Column("settings", sa.Text),
    sa.Column("since", Instant, nullable=False),
    sa.Column("ran_at", Instant),
    sqlite_with_rowid=False,
)
"""The pipeline (``pipelines.Pipeline``) that brings in a source instance for a target, and alone delivers of it.

Map, tables, place and settings are null where a ledger from before tells the plugin only."""

source_records: t.Final = sa.Table(
    "source_records",
    metadata,
    sa.Column("source", sa.Text, primary_key=True),
    sa.Column("stream", sa.Text, primary_key=True),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("record", sa.Text, nullable=False),
    sqlite_with_rowid=False,
)
"""Native reference records seen so far (vendors, departments ...), for look-ups and for naming things to people."""

sightings: t.Final = sa.Table(
    "sightings",
    metadata,
    sa.Column("target", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("external_id", sa.Text, primary_key=True),
    sa.Column("found", sa.Text, nullable=False),
    sqlite_with_rowid=False,
)
"""Things of ours that a bulk read found in the target though this ledger had not posted them."""

surveyed: t.Final = sa.Table(
    "surveyed",
    metadata,
    sa.Column("target", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("month", sa.Text, primary_key=True),
    sqlite_with_rowid=False,
)
"""Booking months (``2026-09``) of the target that have been read in bulk since this ledger began."""

runs: t.Final = sa.Table(
    "runs",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("target", sa.Text, nullable=False),
    sa.Column("transform", sa.Text),
    sa.Column("started_at", Instant, nullable=False),
    sa.Column("finished_at", Instant),
    sa.Column("summary", sa.Text),
    sa.Index(None, "started_at"),
)

audit: t.Final = sa.Table(
    "audit",
    metadata,
    sa.Column("seq", _Id, primary_key=True, autoincrement=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("run", sa.Text),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("entry_id", _Id),
    sa.Column("external_id", sa.Text),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("previous", sa.Text, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
    sa.Column("key", sa.Text),
    sa.Column("seal", sa.Text),
    sa.Index(None, "entry_id"),
)
"""Append-only; each row carries the hash of the one before it, and that hash sealed with a key (HMAC)."""

audit_head: t.Final = sa.Table(
    "audit_head",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("seq", _Id, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
)
"""One row: the end of the chain, so that a cut tail is noticed and writers on several machines queue up."""

noticed: t.Final = sa.Table(
    "noticed",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("content", sa.Text, nullable=False),
    sqlite_with_rowid=False,
)
"""Mapping tables, maps and settings as the last run that used them found them, see ``noticed.py``; no secret."""

meta: t.Final = sa.Table(
    "meta",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)

checkpoints: t.Final = sa.Table(
    "checkpoints",
    metadata,
    sa.Column("run", sa.Text, primary_key=True),
    sa.Column("sequence", _Id, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sqlite_with_rowid=False,
)
"""How many states each run has acknowledged: what the bookmarks' mark is compared with, see ``checkpoints.py``."""

probes: t.Final = sa.Table(
    "probes",
    metadata,
    sa.Column("plugin", sa.Text, primary_key=True),
    sa.Column("instance", sa.Text, primary_key=True),
    sa.Column("operation", sa.Text, primary_key=True),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("checked_at", Instant, nullable=False),
    sa.Column("worked_at", Instant),
    sa.Column("rows", sa.BigInteger),
    sqlite_with_rowid=False,
)
"""What ``doctor`` found allowed: how each operation ended last, when it worked last, and how much it showed then."""

events: t.Final = sa.Table(
    "events",
    metadata,
    sa.Column("source", sa.Text, primary_key=True),
    sa.Column("event_id", sa.Text, primary_key=True),
    sa.Column("pipeline", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("stream", sa.Text),
    sa.Column("source_id", sa.Text),
    sa.Column("version", Instant),
    sa.Column("received_at", Instant, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("wakes", sa.Integer, nullable=False, server_default="0"),
    sa.Column("why", sa.Text),
    sa.Column("closed_at", Instant),
    sqlite_with_rowid=False,
)
"""One row per notification and pipeline it wakes; never what it said of the object. States: ``open``; ``closed``;
``unseen``: woken for in vain; ``ignored``: no pipeline wants it (pipeline is empty then)."""

event_unsettled: t.Final = events.c.state.in_([sa.literal(state, literal_execute=True) for state in ("open", "unseen")])
"""Whether the object of an event has yet to be seen by its pipeline."""

sa.Index(
    "ix_events_unsettled",
    events.c.pipeline,
    events.c.received_at,
    sqlite_where=event_unsettled,
    postgresql_where=event_unsettled,
)

wakes: t.Final = sa.Table(
    "wakes",
    metadata,
    sa.Column("pipeline", sa.Text, primary_key=True),
    sa.Column("owner", sa.Text),
    sa.Column("leased_until", Instant),
    sa.Column("started_at", Instant),
    sa.Column("ended_at", Instant),
    sa.Column("exit_code", sa.Integer),
    sa.Column("failures", sa.Integer, nullable=False, server_default="0"),
    sa.Column("runs", sa.Integer, nullable=False, server_default="0"),
    sqlite_with_rowid=False,
)
"""The last run each pipeline was woken for, and who is at it: one receiver at a time, on however many machines."""

subscriptions: t.Final = sa.Table(
    "subscriptions",
    metadata,
    sa.Column("source", sa.Text, primary_key=True),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("checked_at", Instant, nullable=False),
    sa.Column("complete_until", Instant, nullable=False),
    sa.Column("enabled", sa.Boolean, nullable=False),
    sa.Column("alarm", sa.Text),
    sa.Column("alarm_at", Instant),
    sqlite_with_rowid=False,
)
"""How each subscription was when it was looked at last, and until when nothing it sent is missing; no key."""

left_out: t.Final = sa.Table(
    "left_out",
    metadata,
    sa.Column("target", sa.Text, primary_key=True),
    sa.Column("source", sa.Text, primary_key=True),
    sa.Column("stream", sa.Text, primary_key=True),
    sa.Column("source_id", sa.Text, primary_key=True),
    sa.Column("version", sa.Text),
    sa.Column("kind", sa.Text, nullable=False, server_default=""),
    sa.Column("why", sa.Text, nullable=False, server_default=""),
    sa.Column("digest", sa.Text, nullable=False, server_default=""),
    sa.Column("number", sa.Text),
    sa.Column("party", sa.Text),
    sa.Column("currency", sa.Text),
    sa.Column("amount", Money),
    sa.Column("changed_at", Instant),
    sqlite_with_rowid=False,
)
"""Records the map's filter did not want, with the condition: the trace of what was never a document here.

There may be far more of them than documents (all that was paid before the first run), so a row has neither the record
nor an index of its own, and is written only when the record (``digest``) or the condition has changed.
"""
