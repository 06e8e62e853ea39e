"""The first ledger: entries, source records, sightings, runs, audit.

Revision ID: 0001
"""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_INSTANT = sa.String(32)


def upgrade() -> None:
    """Make the tables, the start of the audit chain, and the note when this ledger began."""
    op.create_table(
        "entries",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("target", "kind", "source", "source_id", "stream")),
        sa.Column("record", sa.Text, nullable=False),
        sa.Column("record_hash", sa.Text, nullable=False),
        sa.Column("version", sa.Text),
        sa.Column("source_created_at", _INSTANT),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reasons", sa.Text, nullable=False, server_default="[]"),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("uncertain", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("next_attempt_at", _INSTANT),
        sa.Column("last_run", sa.Text),
        sa.Column("lease_owner", sa.Text),
        sa.Column("lease_until", _INSTANT),
        *(
            sa.Column(name, sa.Text)
            for name in ("external_id", "sent", "fingerprint", "refused", "target_id", "target_number")
        ),
        sa.Column("target_draft", sa.Boolean, nullable=False, server_default=sa.false()),
        *(sa.Column(name, sa.Text) for name in ("origin", "number", "party", "currency")),
        sa.Column("amount", sa.BigInteger),
        sa.Column("booking_date", sa.Date),
        sa.Column("first_seen_at", _INSTANT, nullable=False),
        sa.Column("changed_at", _INSTANT, nullable=False),
        *(sa.Column(name, _INSTANT) for name in ("held_since", "posted_at", "verified_at")),
        sa.PrimaryKeyConstraint("id", name="pk_entries"),
        sa.UniqueConstraint("target", "kind", "source", "source_id", name="uq_entries_target_kind_source_source_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_entries_target_state_kind_id", "entries", ["target", "state", "kind", "id"])
    op.create_index("ix_entries_target_external_id", "entries", ["target", "external_id"])
    for column in ("number", "source_id", "target_id", "target_number"):
        op.create_index(f"ix_entries_{column}", "entries", [column])
    unfinished = sa.text("state IN ('received', 'held', 'posting', 'retry')")
    op.create_index(
        "ix_entries_open",
        "entries",
        ["target", "kind", "id"],
        sqlite_where=unfinished,
        postgresql_where=unfinished,
    )
    leased = sa.text("lease_owner IS NOT NULL")
    op.create_index(
        "ix_entries_leased", "entries", ["target", "lease_owner"], sqlite_where=leased, postgresql_where=leased
    )
    unverified = sa.text("verified_at IS NULL AND target_id IS NOT NULL")
    op.create_index(
        "ix_entries_unverified",
        "entries",
        ["target", "kind", "id"],
        sqlite_where=unverified,
        postgresql_where=unverified,
    )
    op.create_table(
        "source_records",
        *(sa.Column(name, sa.Text, nullable=False) for name in ("source", "stream", "id", "record")),
        sa.PrimaryKeyConstraint("source", "stream", "id", name="pk_source_records"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "sightings",
        *(sa.Column(name, sa.Text, nullable=False) for name in ("target", "kind", "external_id", "found")),
        sa.PrimaryKeyConstraint("target", "kind", "external_id", name="pk_sightings"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "surveyed",
        *(sa.Column(name, sa.Text, nullable=False) for name in ("target", "kind", "month")),
        sa.PrimaryKeyConstraint("target", "kind", "month", name="pk_surveyed"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "runs",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("transform", sa.Text),
        sa.Column("started_at", _INSTANT, nullable=False),
        sa.Column("finished_at", _INSTANT),
        sa.Column("summary", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
    )
    op.create_index("ix_runs_started_at", "runs", ["started_at"])
    op.create_table(
        "audit",
        sa.Column("seq", _ID, autoincrement=False, nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("run", sa.Text),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("entry_id", _ID),
        sa.Column("external_id", sa.Text),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("action", "outcome", "detail", "previous", "hash")),
        sa.PrimaryKeyConstraint("seq", name="pk_audit"),
    )
    op.create_index("ix_audit_entry_id", "audit", ["entry_id"])
    head = op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("seq", _ID, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_head"),
    )
    meta = op.create_table(
        "meta",
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_meta"),
    )
    op.bulk_insert(head, [{"id": 1, "seq": 0, "hash": "0" * 64}])
    op.bulk_insert(meta, [{"key": "began_at", "value": dt.datetime.now(dt.UTC).isoformat()}])
