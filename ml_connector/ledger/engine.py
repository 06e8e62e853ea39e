"""The engine behind a ledger: SQLite or PostgreSQL, its errors told as situations."""

from __future__ import annotations

import contextlib
import functools
import os
import pathlib
import sqlite3
import typing as t
import urllib.parse

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from ml_connector.errors import LedgerReadOnly, SettingInvalid
from ml_connector.ledger.faults import as_fault
from ml_connector.private import close_to_others, make_file, make_folder
from ml_connector.project import project_root
from ml_connector.redaction import remember
from ml_connector.vault import Vault

__all__ = ["READ_ONLY", "located", "make_engine", "make_place", "shown"]

READ_ONLY: t.Final = "read_only"
"""Execution option of an engine whose file can be read only."""

_IN_VAULT: t.Final = "vault:"
_CONNECT_TIMEOUT: t.Final = 10
"""Seconds to wait for a server that does not even refuse."""


def make_engine(url: str) -> sa.Engine:
    """Return an engine whose connections raise ``LedgerFault`` where the database fails.

    Args:
        url: SQLAlchemy URL, a SQLite file with its whole path or PostgreSQL.

    Raises:
        SettingInvalid: It is neither.
    """
    try:
        parsed = sa.make_url(url)
        if parsed.get_backend_name() == "postgresql" and parsed.drivername == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
        if parsed.get_backend_name() not in ("sqlite", "postgresql") or not parsed.database:
            raise SettingInvalid(
                f"ledger_url {shown(url)} is neither a SQLite file nor PostgreSQL.",
                "Use sqlite:///path/to/ledger.db or postgresql://user@host/database.",
            )
        engine = _postgresql(parsed) if parsed.get_backend_name() == "postgresql" else _sqlite(parsed)
    except (ArgumentError, NoSuchModuleError):
        raise SettingInvalid(
            "ledger_url is not a database URL.",
            "Use sqlite:///path/to/ledger.db or postgresql://user@host/database.",
        ) from None
    except ModuleNotFoundError:
        raise SettingInvalid(
            "ledger_url names PostgreSQL, whose driver is not installed.",
            "pip install 'ml-connector[postgres]'",
        ) from None

    @sa.event.listens_for(engine, "handle_error")
    def _on_error(context: t.Any) -> BaseException | None:
        # Whether a pooled connection still lives is the pool's own question.
        return None if context.is_pre_ping else as_fault(context.original_exception, shown(url))

    return engine


def located(url: str) -> str:
    """Return the URL a setting means: ``vault:NAME`` is what entry NAME of the vault has.

    A relative SQLite file is made absolute, starting at the project's folder.

    Raises:
        UserError: The vault cannot be opened, or has no such URL.
    """
    if url.startswith(_IN_VAULT):
        name = url.removeprefix(_IN_VAULT)
        kept = Vault.open().settings(name).get("ledger_url")
        if not isinstance(kept, str) or kept.startswith(_IN_VAULT):
            raise SettingInvalid(
                f'entry "{name}" of the vault has no ledger_url.',
                f"ml-connector vault set {name} ledger_url --system ledger",
            )
        url = kept
    remember(_password_of(url))
    prefix = "sqlite:///"
    if not url.startswith(prefix) or url in (prefix, f"{prefix}:memory:"):
        return url
    path = pathlib.Path(url.removeprefix(prefix)).expanduser()
    return f"{prefix}{path if path.is_absolute() else project_root() / path}"


def _password_of(url: str) -> str | None:
    try:
        return sa.make_url(url).password
    except (ArgumentError, ValueError):  # it is no URL, which is told when it is to be used
        return None


def make_place(url: sa.URL) -> None:
    """Make the folder and the file of a ledger in a file, for their owner alone; close a file that is there to others.

    SQLite gives its journals the mode the file has.

    Raises:
        SettingInvalid: The folder cannot be made, or something other than a file stands where the ledger should.
    """
    if url.get_backend_name() != "sqlite" or str(url.database).startswith((":memory:", "file:")):
        return
    path = pathlib.Path(url.database or "")
    if path.exists() and not path.is_file():
        what = "a folder" if path.is_dir() else "no file"
        raise SettingInvalid(f"the ledger {path} is {what}.", "Name the file of the ledger: ledger_url, --ledger-url.")
    folder = path.parent
    try:
        make_folder(folder)
    except OSError as error:
        raise SettingInvalid(
            f"the ledger's folder {folder} cannot be made: {error.strerror}.", "Choose another ledger_url."
        ) from None
    with contextlib.suppress(OSError):  # what cannot be made cannot be opened either, which is told then
        make_file(path.resolve())
    for journal in ("-wal", "-shm", "-journal"):
        close_to_others(path.with_name(f"{path.name}{journal}"))


def shown(url: str) -> str:
    """Return what people are told: the file, else the URL without its password."""
    if url.startswith("sqlite:///"):
        return url.removeprefix("sqlite:///")
    try:
        return sa.make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return "(not a URL)"


def _postgresql(url: sa.URL) -> sa.Engine:
    patience = {} if "connect_timeout" in url.query else {"connect_timeout": _CONNECT_TIMEOUT}
    return sa.create_engine(
        url, pool_pre_ping=True, pool_size=4, max_overflow=8, hide_parameters=True, connect_args=patience
    )


def _sqlite(url: sa.URL) -> sa.Engine:
    path = pathlib.Path(url.database or "")
    if path.exists() and not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)):
        creator = functools.partial(_read_only, path)
        return sa.create_engine(url, creator=creator, hide_parameters=True, execution_options={READ_ONLY: True})
    # Parameters are whole records; they belong into no message.
    engine = sa.create_engine(url, connect_args={"timeout": 60, "check_same_thread": False}, hide_parameters=True)

    @sa.event.listens_for(engine, "connect")
    def _on_connect(connection: sqlite3.Connection, _: object) -> None:
        connection.isolation_level = None  # we begin transactions ourselves, see below
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "cache_size=-32000"):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def _on_begin(connection: sa.Connection) -> None:
        # A transaction that starts as a reader and turns writer can fail with "locked" at any statement.
        mode = "" if connection.get_execution_options().get("reading") else " IMMEDIATE"
        connection.exec_driver_sql(f"BEGIN{mode}")

    return engine


def _read_only(path: pathlib.Path) -> sqlite3.Connection:
    """Connect to a ledger that cannot be written.

    SQLite reads a write-ahead log only where it can make or find the index of it (``-shm``). Without a log the file
    holds everything and can be read as one that nobody changes.
    """
    log = path.with_name(f"{path.name}-wal")
    empty = not log.exists() or log.stat().st_size == 0
    for options in ("mode=ro", "mode=ro&immutable=1") if empty else ("mode=ro",):
        connection = sqlite3.connect(
            f"file:{urllib.parse.quote(str(path))}?{options}", uri=True, timeout=60, check_same_thread=False
        )
        try:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.OperationalError:
            connection.close()
            continue
        return connection
    raise LedgerReadOnly(
        f"the ledger {path} can neither be written nor read: what was written last is still in {log.name}.",
        "Give this user the right to write the folder, or look into a copy of both files.",
    )
