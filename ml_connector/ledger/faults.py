"""What can go wrong with the database behind a ledger: its own error codes as situations a person can act on."""

from __future__ import annotations

import typing as t

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ml_connector import defects
from ml_connector.errors import (
    ConnectorError,
    LedgerDamaged,
    LedgerDiskFailed,
    LedgerFault,
    LedgerReadOnly,
    LedgerUnavailable,
)

__all__ = ["LeaseLost", "as_fault", "ends_the_run", "passing"]

_LATER: t.Final = "Nothing is lost. Run it again when the database answers; it goes on where it was."
_TOO_MANY: t.Final = "Nothing is lost. Allow more connections (max_connections), or lower max_concurrency."
_DISK: t.Final = "Nothing is lost. Make room on the disk and run it again; it goes on where it was."
_PASSING: t.Final = (
    "starting up",
    "shutting down",
    "recovery mode",
    "not yet accepting",
    "too many clients",
    "connection slots",
)
"""What PostgreSQL says to who comes too early or is one too many (postmaster.c, proc.c); a connection that is refused
carries no SQLSTATE to the driver."""


class LeaseLost(Exception):
    """The claim on a document ran out; nothing more may be done with it in this run."""


def ends_the_run(error: Exception) -> bool:
    """Whether an error concerns the run rather than one document: nothing would fare better after it."""
    if isinstance(error, DBAPIError):
        return not isinstance(error, DataError | IntegrityError)
    return isinstance(error, ConnectorError | LeaseLost | PoolTimeout) or defects.is_of_the_machine(error)


def as_fault(error: BaseException | None, name: str) -> LedgerFault | None:
    """Return the situation behind an error of the database's driver; None for what is none of these.

    Args:
        error: What ``sqlite3`` or ``psycopg`` raised.
        name: Where the ledger is, for people.
    """
    code = getattr(error, "sqlite_errorname", None)
    if code is not None:
        return _sqlite(str(code), error, name)
    if error is not None and type(error).__module__.startswith("psycopg"):
        return _postgresql(error, name)
    return None


def passing(fault: LedgerUnavailable) -> bool:
    """Whether a server that refused a connection said itself that it will take one later."""
    return any(words in fault.what for words in _PASSING)


def _sqlite(code: str, error: BaseException | None, name: str) -> LedgerFault | None:
    words = _first_line(error)
    if code == "SQLITE_FULL":
        return LedgerDiskFailed(f"the disk of the ledger {name} is full.", _DISK)
    if code.startswith("SQLITE_READONLY"):
        return _read_only(name, words)
    if code.startswith("SQLITE_CORRUPT"):
        return _damaged(name, words)
    if code.startswith("SQLITE_IOERR"):
        return LedgerDiskFailed(
            f"the disk of the ledger {name} does not read or write: {words}.",
            "Nothing is acknowledged that is not written. Look at the disk, and run it again.",
        )
    if code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return LedgerUnavailable(f"the ledger {name} is held by another process: {words}.", _LATER, again=False)
    return None


def _postgresql(error: BaseException, name: str) -> LedgerFault | None:
    state = getattr(error, "sqlstate", None) or ""
    words = _first_line(error)
    if state == "53100":  # disk_full
        return LedgerDiskFailed(f"the disk of the ledger {name} is full: {words}.", _DISK)
    if state in ("25006", "42501"):  # read_only_sql_transaction, insufficient_privilege
        return _read_only(name, words)
    if state in ("XX001", "XX002"):  # data_corrupted, index_corrupted
        return _damaged(name, words)
    if state == "53300" or "too many clients" in words or "connection slots" in words:
        return LedgerUnavailable(f"the ledger {name} has no connection left: {words}.", _TOO_MANY)
    lost = state.startswith(("08", "57P")) or (not state and type(error).__name__ == "OperationalError")
    if lost:
        return LedgerUnavailable(f"the ledger {name} does not answer: {words}.", _LATER)
    return None


def _read_only(name: str, words: str) -> LedgerFault:
    return LedgerReadOnly(
        f"the ledger {name} cannot be written: {words}.",
        "Give this user the right to write it (the file and its folder), or name another ledger_url.",
    )


def _damaged(name: str, words: str) -> LedgerFault:
    return LedgerDamaged(
        f"the ledger {name} is damaged: {words}.",
        "See `ml-connector audit verify`, and restore it from your backup (docs/operating.md).",
    )


def _first_line(error: BaseException | None) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__
