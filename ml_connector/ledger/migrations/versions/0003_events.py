"""Keep what systems ring about, until the pipeline has seen it.

Revision ID: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_INSTANT = sa.String(32)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "events",
        *(sa.Column(name, sa.Text, nullable=False) for name in ("source", "event_id", "pipeline", "kind")),
        sa.Column("stream", sa.Text),
        sa.Column("source_id", sa.Text),
        sa.Column("version", _INSTANT),
        sa.Column("received_at", _INSTANT, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("wakes", sa.Integer, nullable=False, server_default="0"),
        sa.Column("why", sa.Text),
        sa.Column("closed_at", _INSTANT),
        sa.PrimaryKeyConstraint("source", "event_id", "pipeline", name="pk_events"),
        sqlite_with_rowid=False,
    )
    unsettled = sa.text("state IN ('open', 'unseen')")
    op.create_index(
        "ix_events_unsettled",
        "events",
        ["pipeline", "received_at"],
        sqlite_where=unsettled,
        postgresql_where=unsettled,
    )
    op.create_table(
        "wakes",
        sa.Column("pipeline", sa.Text, nullable=False),
        sa.Column("owner", sa.Text),
        *(sa.Column(name, _INSTANT) for name in ("leased_until", "started_at", "ended_at")),
        sa.Column("exit_code", sa.Integer),
        sa.Column("failures", sa.Integer, nullable=False, server_default="0"),
        sa.Column("runs", sa.Integer, nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("pipeline", name="pk_wakes"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "subscriptions",
        *(sa.Column(name, sa.Text, nullable=False) for name in ("source", "id", "url")),
        *(sa.Column(name, _INSTANT, nullable=False) for name in ("checked_at", "complete_until")),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("alarm", sa.Text),
        sa.Column("alarm_at", _INSTANT),
        sa.PrimaryKeyConstraint("source", "id", name="pk_subscriptions"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "passed_over",
        *(sa.Column(name, sa.Text, nullable=False) for name in ("target", "source", "stream", "source_id")),
        sa.Column("version", sa.Text),
        sa.PrimaryKeyConstraint("target", "source", "stream", "source_id", name="pk_passed_over"),
        sqlite_with_rowid=False,
    )
