"""Keep a trace of every record the filter left out.

Revision ID: 0008
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Turn the table of what was passed over, kept for events, into the trace of all that was left out."""
    op.rename_table("passed_over", "left_out")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE left_out RENAME CONSTRAINT pk_passed_over TO pk_left_out")
    for name in ("kind", "why", "digest"):
        op.add_column("left_out", sa.Column(name, sa.Text, nullable=False, server_default=""))
    for name in ("number", "party", "currency"):
        op.add_column("left_out", sa.Column(name, sa.Text))
    op.add_column("left_out", sa.Column("amount", sa.BigInteger))
    op.add_column("left_out", sa.Column("changed_at", sa.String(32)))
    op.execute("""UPDATE runs SET summary = replace(summary, '"unwanted":', '"left_out":') WHERE summary IS NOT NULL""")
