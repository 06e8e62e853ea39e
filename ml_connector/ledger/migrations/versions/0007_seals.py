"""Seal the audit with a key, and remember tables and settings so that a change is noticed.

Entries from before stay as they are: they are proved by their hashes, as they were.

Revision ID: 0007
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the columns and the table."""
    op.add_column("audit", sa.Column("key", sa.Text))
    op.add_column("audit", sa.Column("seal", sa.Text))
    op.create_table(
        "noticed",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_noticed"),
        sqlite_with_rowid=False,
    )
