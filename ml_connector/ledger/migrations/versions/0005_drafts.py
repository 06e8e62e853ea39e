"""Tell drafts, which count for nothing yet, from what counts and may still be changed.

Revision ID: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_ENTRIES = sa.table("entries", sa.column("target"), sa.column("target_draft"), sa.column("target_open"))


def upgrade() -> None:
    """Keep both; BILL has no drafts, what was noted as one there is a bill that may be changed."""
    op.add_column("entries", sa.Column("target_open", sa.Boolean, nullable=False, server_default=sa.false()))
    op.execute(sa.update(_ENTRIES).values(target_open=_ENTRIES.c.target_draft))
    op.execute(sa.update(_ENTRIES).where(_ENTRIES.c.target.like("bill:%")).values(target_draft=sa.false()))
    drafts = sa.column("target_draft").is_(sa.true())
    op.create_index(
        "ix_entries_drafts", "entries", ["target", "kind", "id"], sqlite_where=drafts, postgresql_where=drafts
    )
