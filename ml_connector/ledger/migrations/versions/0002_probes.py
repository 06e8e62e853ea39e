"""Remember what each system allowed, so that a permission that is lost is noticed.

Revision ID: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_INSTANT = sa.String(32)


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "probes",
        *(sa.Column(name, sa.Text, nullable=False) for name in ("plugin", "instance", "operation", "outcome")),
        sa.Column("checked_at", _INSTANT, nullable=False),
        sa.Column("worked_at", _INSTANT),
        sa.Column("rows", sa.BigInteger),
        sa.PrimaryKeyConstraint("plugin", "instance", "operation", name="pk_probes"),
        sqlite_with_rowid=False,
    )
