"""Bringing a ledger's tables up to date (Alembic), and making those of a new one."""

from __future__ import annotations

import datetime as dt
import logging
import pathlib
import typing as t

import sqlalchemy as sa
from ulid import ULID

from ml_connector.ledger.schema import audit_head, meta, metadata

__all__ = ["HEAD", "NewerLedger", "is_current", "is_of_another_program", "upgrade"]

HEAD: t.Final = "0009"
"""The newest revision in ``versions``; a test keeps it true."""

_LOCK = 0x6D6C63  # any constant of our own, for PostgreSQL's advisory lock
_VERSION: t.Final = sa.Table(
    "alembic_version",
    sa.MetaData(),
    sa.Column("version_num", sa.String(32), nullable=False),
    sa.PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)
"""Where Alembic keeps what the tables are (``MigrationContext``), as it makes it itself."""


class NewerLedger(Exception):
    """The tables are of a newer version than this one knows."""


def is_current(engine: sa.Engine) -> bool:
    """Whether the tables are as this version has them; only reads."""
    return _revision(engine) == HEAD


def is_of_another_program(engine: sa.Engine) -> bool:
    """Whether there are tables, and none of them says which version of a ledger it is; only reads."""
    return _revision(engine) is None and bool(sa.inspect(engine).get_table_names())


def upgrade(engine: sa.Engine) -> None:
    """Bring the tables to ``HEAD``. Costs one query when they are there already.

    Raises:
        NewerLedger: They have been brought further already.
    """
    if is_current(engine) or _made_anew(engine):
        return
    # Before the import, which announces itself in the log.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    # Imported here: Alembic costs a tenth of a second that a run with an up-to-date ledger need not pay.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(pathlib.Path(__file__).parent))
    with engine.begin() as connection:
        _let_others_wait(connection)
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise NewerLedger from error


def _made_anew(engine: sa.Engine) -> bool:
    """Make the tables of a ledger where there are none at all, as the migrations would one after the other."""
    with engine.begin() as connection:
        _let_others_wait(connection)
        if sa.inspect(connection).get_table_names():
            return False
        metadata.create_all(connection, checkfirst=False)
        connection.execute(sa.insert(audit_head).values(id=1, seq=0, hash="0" * 64))
        notes = {"began_at": dt.datetime.now(dt.UTC).isoformat(), "ledger_id": str(ULID())}
        connection.execute(sa.insert(meta), [{"key": key, "value": value} for key, value in notes.items()])
        _VERSION.create(connection)
        connection.execute(sa.insert(_VERSION).values(version_num=HEAD))
    return True


def _let_others_wait(connection: sa.Connection) -> None:
    """Keep others from bringing the same tables up to date; on SQLite whoever opens the ledger holds a lock."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))


def _revision(engine: sa.Engine) -> str | None:
    with engine.connect() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
