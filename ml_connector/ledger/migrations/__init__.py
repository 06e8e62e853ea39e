"""Bringing a ledger's tables up to date (Alembic)."""

from __future__ import annotations

import logging
import pathlib
import typing as t

import sqlalchemy as sa

__all__ = ["HEAD", "NewerLedger", "is_current", "is_of_another_program", "upgrade"]

HEAD: t.Final = "0009"
"""The newest revision in ``versions``; a test keeps it true."""

_LOCK = 0x6D6C63  # any constant of our own, for PostgreSQL's advisory lock


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
    if is_current(engine):
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
        if engine.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise NewerLedger from error


def _revision(engine: sa.Engine) -> str | None:
    with engine.connect() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
