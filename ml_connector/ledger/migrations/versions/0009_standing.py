"""Keep what stands in the target: what was sent, and whether it was cancelled or deleted over there since.

What stands is taken from what was sent last; where that was not kept (its arrival was being looked up), from what the
source said last. What was cancelled is known as far as read-back has noticed it, which the audit tells.

Revision ID: 0009
"""

from __future__ import annotations

import json
import typing as t
from decimal import Decimal, InvalidOperation

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

_SOME: t.Final = 1000
_ENTRIES: t.Final = sa.table(
    "entries",
    *(sa.column(name) for name in ("id", "target_id", "sent", "currency", "amount")),
    *(sa.column(name) for name in ("target_currency", "target_amount")),
    sa.column("target_gone", sa.Boolean),
)
_AUDIT: t.Final = sa.table("audit", *(sa.column(name) for name in ("seq", "entry_id", "action", "outcome")))


def upgrade() -> None:
    """Add the columns and fill them."""
    op.add_column("entries", sa.Column("target_currency", sa.Text))
    op.add_column("entries", sa.Column("target_amount", sa.BigInteger))
    op.add_column("entries", sa.Column("target_gone", sa.Boolean, nullable=False, server_default=sa.false()))
    op.create_index("ix_entries_watched", "entries", ["target", "kind", "posted_at"])
    connection = op.get_bind()
    _fill_amounts(connection)
    _mark_gone(connection)


def _fill_amounts(connection: sa.Connection) -> None:
    columns = _ENTRIES.c
    delivered = sa.select(columns.id, columns.sent, columns.currency, columns.amount).where(
        columns.target_id.is_not(None), columns.amount.is_not(None)
    )
    fill = (
        sa.update(_ENTRIES)
        .where(columns.id == sa.bindparam("row"))
        .values(target_currency=sa.bindparam("of"), target_amount=sa.bindparam("stands"))
    )
    after = 0
    while rows := connection.execute(delivered.where(columns.id > after).order_by(columns.id).limit(_SOME)).all():
        after = rows[-1].id
        known = [(row.id, *(_sent(row.sent) or (row.currency, row.amount))) for row in rows]
        connection.execute(fill, [{"row": row, "of": currency, "stands": amount} for row, currency, amount in known])


def _sent(text: str | None) -> tuple[str, int] | None:
    """Return currency and ten-thousandths of what was sent, None where that cannot be told."""
    try:
        document = json.loads(text or "", parse_float=Decimal)
        amount = Decimal(document.get("total") or document["amount"]).scaleb(4)
        return (document["currency"], int(amount)) if amount == int(amount) else None
    except (ValueError, TypeError, LookupError, AttributeError, InvalidOperation, OverflowError):
        return None


def _mark_gone(connection: sa.Connection) -> None:
    """Mark what read-back has found cancelled, and has not found standing, nor sent again, after that."""
    steps = _AUDIT.c
    cancelled = sa.and_(steps.action == "held", steps.outcome.like("% was cancelled in %"))
    stood = sa.or_(
        steps.action.in_(("posted", "updated", "submitted", "found")),
        sa.and_(steps.action == "verified", steps.outcome == "read back, equal again"),
    )
    newest = (
        sa.select(steps.entry_id, sa.func.max(sa.case((cancelled, steps.seq), else_=0)).label("undone"))
        .add_columns(sa.func.max(sa.case((stood, steps.seq), else_=0)).label("stood"))
        .where(steps.entry_id.is_not(None), sa.or_(cancelled, stood))
        .group_by(steps.entry_id)
        .subquery()
    )
    gone = sa.select(newest.c.entry_id).where(newest.c.undone > newest.c.stood)
    connection.execute(
        sa.update(_ENTRIES)
        .where(_ENTRIES.c.id.in_(gone), _ENTRIES.c.target_id.is_not(None))
        .values(target_gone=sa.true())
    )
