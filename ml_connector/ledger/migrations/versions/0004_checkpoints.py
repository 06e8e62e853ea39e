"""Tie bookmarks to the ledger: its id, and what each run has acknowledged.

Revision ID: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from ulid import ULID

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the table, and give the ledger its id."""
    op.create_table(
        "checkpoints",
        sa.Column("run", sa.Text, nullable=False),
        sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("run", name="pk_checkpoints"),
        sqlite_with_rowid=False,
    )
    meta = sa.table("meta", sa.column("key", sa.Text), sa.column("value", sa.Text))
    op.bulk_insert(meta, [{"key": "ledger_id", "value": str(ULID())}])
