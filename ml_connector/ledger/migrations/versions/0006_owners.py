"""Remember which pipeline the documents of a source instance belong to.

What was delivered before is given to the pipeline that alone can have brought it in, as far as the recorded runs tell:
they name the tap, not its tables, which the next run that reads something of the source fills in. Where several could
have, nothing is guessed: the documents belong to no pipeline until a run reads something of their source.

Revision ID: 0006
"""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_INSTANT = sa.String(32)


def upgrade() -> None:
    """Make the table, and fill it as far as is certain."""
    owners = op.create_table(
        "owners",
        *(sa.Column(name, sa.Text, nullable=False) for name in ("target", "source", "plugin")),
        *(sa.Column(name, sa.Text) for name in ("map", "tables", "place", "settings")),
        sa.Column("since", _INSTANT, nullable=False),
        sa.Column("ran_at", _INSTANT),
        sa.PrimaryKeyConstraint("target", "source", name="pk_owners"),
        sqlite_with_rowid=False,
    )
    connection = op.get_bind()
    taps: dict[str, set[str]] = {}
    for target, transform in connection.execute(sa.text("SELECT DISTINCT target, transform FROM runs")):
        taps.setdefault(target, set()).add((transform or "").partition("--")[0])
    now = dt.datetime.now(dt.UTC).isoformat(timespec="microseconds")
    rows = []
    for target, source in connection.execute(sa.text("SELECT DISTINCT target, source FROM entries")):
        known = taps.get(target, set())
        # By the naming of taps; what none is named after came from one of another name, or was mapped before.
        able = known & {f"tap-{source.partition(':')[0].replace('_', '-')}"} or known
        if len(able) == 1:
            (tap,) = able
            rows.append(
                {
                    "target": target,
                    "source": source,
                    "plugin": tap,
                    **({} if tap else {"map": "", "tables": "", "place": "", "settings": "{}"}),
                    "since": now,
                }
            )
    for row in rows:
        connection.execute(sa.insert(owners).values(**row))
