"""Opening a ledger, and writing to it: many threads, one transaction, one fsync (group commit)."""

from __future__ import annotations

import concurrent.futures
import contextlib
import datetime as dt
import itertools
import logging
import pathlib
import queue
import sqlite3
import threading
import time
import typing as t

import sqlalchemy as sa
import stamina
from sqlalchemy.exc import DBAPIError

from ml_connector.errors import LedgerDamaged, LedgerReadOnly, LedgerUnavailable, SettingInvalid
from ml_connector.ledger import migrations
from ml_connector.ledger.audit import KEPT_WITH, KEYS
from ml_connector.ledger.audit_key import AuditKeys, key_source
from ml_connector.ledger.engine import READ_ONLY, located, make_engine, make_place, shown
from ml_connector.ledger.faults import passing
from ml_connector.ledger.schema import meta, metadata
from ml_connector.private import file_lock
from ml_connector.transport.retries import full_jitter

__all__ = ["DEFAULT_URL", "Ledger", "located"]

DEFAULT_URL: t.Final = "sqlite:///.ml-connector/ledger.db"
"""Where targets keep their ledger when nothing else is said; relative to the Meltano project or working directory."""

R = t.TypeVar("R")
Work = t.Callable[[sa.Connection], t.Any]

_OVERTAKEN: t.Final = frozenset({"23505", "40001", "40P01"})
"""unique_violation (both wanted to insert a document), serialization_failure, deadlock_detected."""
_TRIES = 10

PATIENCE: t.Final = 60.0
"""Seconds a database may be away in the middle of a run; less than a claim lives."""
OPENING_PATIENCE: t.Final = 10.0
"""Seconds it may be away at the start, where the reason may as well be a wrong URL."""
_CANNOT_OPEN: t.Final = (
    "Check ledger_url (or ML_CONNECTOR_LEDGER_URL) and that the database is there and may be written."
)
_logger = logging.getLogger(__name__)

_GROUP = 256  # works taken into one transaction at most, so that none waits long


class Ledger:
    """An open ledger. Close it, or use it as a context manager.

    Reads take their own connection. Writes go through one thread that puts whatever has gathered into one
    transaction: a delivery with many workers pays one fsync for all of them.

    Args:
        url: SQLAlchemy URL, SQLite or PostgreSQL.

    Attributes:
        id: What it is called in the bookmarks of pipelines; stays when the ledger is moved.
        keys: What its audit is sealed with.
        began_at: Since when it can be expected to know what was posted.
    """

    def __init__(self, url: str) -> None:
        self.url = located(url)
        self.engine = make_engine(self.url)
        make_place(self.engine.url)
        self._queue: queue.SimpleQueue[tuple[Work, concurrent.futures.Future[t.Any]] | None] = queue.SimpleQueue()
        self._writer: threading.Thread | None = None
        self._starting = threading.Lock()
        self._closed = False
        self._given_up = self._told = False
        self.keys = AuditKeys(key_source(self.engine.url))
        self.engine.update_execution_options(**{KEYS: self.keys})
        self._open()
        self._read_notes()

    def __enter__(self) -> t.Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def name(self) -> str:
        """Where it is, for people: the file, or the URL without its password."""
        return shown(self.url)

    @property
    def shared(self) -> bool:
        """Whether several machines may deliver from this ledger at once."""
        return self.engine.dialect.name != "sqlite"

    @contextlib.contextmanager
    def read(self) -> t.Iterator[sa.Connection]:
        """Yield a connection for reading; waits for a database that is away for seconds."""
        with self._patiently(self.engine.connect) as connection:
            yield connection.execution_options(reading=True)

    def ask(self, work: t.Callable[[sa.Connection], R]) -> R:
        """Return what ``work`` reads. Unlike in ``read``, it is begun again where the database goes away meanwhile."""

        def asked() -> R:
            with self.engine.connect() as connection:
                return work(connection.execution_options(reading=True))

        return self._patiently(asked)

    def write(self, work: t.Callable[[sa.Connection], R]) -> R:
        """Run ``work`` in a transaction shared with other callers' works; return its result once it is durable.

        ``work`` may be run a second time, alone, when another work of the group fails.
        """
        return self.submit(work).result()

    def submit(self, work: t.Callable[[sa.Connection], R]) -> concurrent.futures.Future[R]:
        """Queue ``work`` like ``write`` and return at once."""
        if self._closed:
            raise RuntimeError("the ledger is closed")
        future: concurrent.futures.Future[R] = concurrent.futures.Future()
        self._queue.put((work, future))
        if self._writer is None:
            with self._starting:
                if self._writer is None:
                    self._writer = threading.Thread(target=self._write_groups, name="ledger-writer", daemon=True)
                    self._writer.start()
        return future

    def require_key(self) -> None:
        """See that the audit's key is here, before anything is done that must be on record.

        Raises:
            AuditKeyMissing: It is not.
        """
        kept_with = self.ask(lambda connection: connection.execute(KEPT_WITH).scalar())
        if kept_with is not None:
            self.keys.require(kept_with)

    @contextlib.contextmanager
    def delivering(self, target: str, *, on_wait: t.Callable[[], None]) -> t.Iterator[bool]:
        """Hold the right to deliver to ``target``.

        On SQLite one process delivers at a time, which makes every lease found on entry a dead process's. On
        PostgreSQL any number may, and leases decide.

        Yields:
            Whether leases of other owners are certainly dead.
        """
        if self.shared:
            yield False
            return
        lock = file_lock(self._beside(f".{_slug(target)}.lock"))
        try:
            lock.acquire(timeout=0)
        except TimeoutError:
            on_wait()
            lock.acquire()
        try:
            yield True
        finally:
            lock.release()

    def scratch_copy(self, path: pathlib.Path) -> Ledger:
        """Return a throw-away SQLite copy of this ledger at ``path``, for a dry run."""
        copy = Ledger(f"sqlite:///{path}")
        copy.engine.update_execution_options(**{KEYS: None})  # what it says of itself nobody has to believe
        if self.shared:
            copy._copy_rows_from(self)
        else:
            with (
                contextlib.closing(sqlite3.connect(str(self.engine.url.database))) as source,
                contextlib.closing(sqlite3.connect(path)) as target,
            ):
                source.backup(target)
        copy._read_notes()
        return copy

    def close(self) -> None:
        """Finish what is queued and let go of the database."""
        if self._closed:
            return
        self._closed = True
        if self._writer is not None:
            self._queue.put(None)
            self._writer.join()
        self.engine.dispose()

    def _open(self) -> None:
        """Bring the tables up to date, and see that it is a ledger.

        Raises:
            SettingInvalid: It is none, or cannot be reached.
            LedgerFault: Its database says that it will be there later, is full, damaged ...
        """
        try:
            self._patiently(self._brought_up_to_date, OPENING_PATIENCE)
        except LedgerUnavailable as fault:
            if passing(fault) or not fault.again:
                raise
            raise SettingInvalid(f"the ledger cannot be opened: {fault.what}", _CANNOT_OPEN) from None
        except DBAPIError as error:
            what = str(error.orig).strip().splitlines()[0].rstrip(".")
            raise SettingInvalid(f"the ledger at {self.name} cannot be opened: {what}.", _CANNOT_OPEN) from None
        except OSError as error:
            what = error.strerror or type(error).__name__
            raise SettingInvalid(f"the ledger at {self.name} cannot be opened: {what}.", _CANNOT_OPEN) from None
        except migrations.NewerLedger:
            raise SettingInvalid(
                f"the ledger at {self.name} was written by a newer version of ml-connector.",
                "Install that version or a later one here as well.",
            ) from None

    def _brought_up_to_date(self) -> None:
        if migrations.is_current(self.engine):  # before the lock, which a ledger that is only read cannot have
            return
        if self.engine.get_execution_options().get(READ_ONLY):
            raise LedgerReadOnly(
                f"the ledger {self.name} is of an older version and cannot be written.",
                "Open it once where it can be written, with this version.",
            )
        if not self.shared and migrations.is_of_another_program(self.engine):
            raise SettingInvalid(
                f"{self.name} is the database of another program, not a ledger.", "Choose another ledger_url."
            )
        with self._migration_lock():
            migrations.upgrade(self.engine)

    def _read_notes(self) -> None:
        with self.read() as connection:
            notes = {row.key: row.value for row in connection.execute(sa.select(meta))}
        try:
            self.began_at = dt.datetime.fromisoformat(notes["began_at"])
            self.id = notes["ledger_id"]
        except (LookupError, ValueError, TypeError) as error:
            raise LedgerDamaged(
                f"the ledger {self.name} is damaged: its own notes are gone or changed ({error}).",
                "Restore it from your backup (docs/operating.md).",
            ) from None

    def _write_groups(self) -> None:
        closing = False
        while not closing:
            group = []
            item = self._queue.get()
            while item is not None:
                group.append(item)
                if len(group) == _GROUP:
                    break
                try:
                    item = self._queue.get_nowait()
                except queue.Empty:
                    break
            closing = item is None
            if group:
                self._write_group(group)

    def _write_group(self, group: list[tuple[Work, concurrent.futures.Future[t.Any]]]) -> None:
        try:
            results = self._committed([work for work, _ in group])
        except BaseException as error:  # noqa: BLE001 - handed to whoever waits for it
            if len(group) == 1:
                group[0][1].set_exception(error)
                return
            for single in group:
                self._write_group([single])
            return
        for (_, future), result in zip(group, results, strict=True):
            future.set_result(result)

    def _committed(self, works: t.Sequence[Work]) -> list[t.Any]:
        """Run works in a transaction; once more when another machine's came first and now can be seen."""
        for attempt in stamina.retry_context(on=_overtaken, attempts=_TRIES, timeout=None):
            with attempt:
                return self._patiently(lambda: self._transacted(works))
        raise AssertionError("the last attempt returns or raises")

    def _transacted(self, works: t.Sequence[Work]) -> list[t.Any]:
        """Run works in a transaction; where the connection breaks as it ends, the server is asked whether it did."""
        results: list[t.Any] = []
        number = None
        try:
            with self.engine.begin() as connection:
                results = [work(connection) for work in works]
                if self.shared:
                    number = connection.execute(sa.select(sa.func.txid_current())).scalar_one()
        except LedgerUnavailable:
            if number is None or not self._patiently(lambda: self._went_through(number)):
                raise
        return results

    def _went_through(self, number: int) -> bool:
        """Whether PostgreSQL committed a transaction; raises ``LedgerUnavailable`` while it is at it."""
        with self.engine.connect() as connection:
            try:
                # As text: the number of a transaction that a crash forgot altogether is refused as being in the future.
                state = connection.execute(sa.select(sa.func.txid_status(number))).scalar()
            except DBAPIError:
                return False
        if state == "in progress":
            raise LedgerUnavailable(f"the ledger {self.name} has not ended a transaction yet.")
        return state == "committed"

    def _patiently(self, work: t.Callable[[], R], patience: float | None = None) -> R:
        """Return what ``work`` returns, trying again while the database is away; without patience once that was long.

        Raises:
            LedgerFault: The database does not come back, or fails in a way that waiting does not mend.
        """
        if patience is None:
            patience = 0.0 if self._given_up else PATIENCE
        until = time.monotonic() + patience
        for number in itertools.count(1):
            try:
                result = work()
            except LedgerUnavailable as fault:
                pause = min(full_jitter(number, first=0.2), 2.0)
                if not fault.again or time.monotonic() + pause > until:
                    self._given_up = True
                    raise
                if not self._told:
                    self._told = True
                    _logger.warning("%s Trying again for up to %.0f seconds", fault.what, patience)
                time.sleep(pause)
            else:
                self._given_up = self._told = False
                return result
        raise AssertionError("the last try returns or raises")

    def _copy_rows_from(self, other: Ledger) -> None:
        with other.read() as source, self.engine.begin() as target:
            for table in metadata.sorted_tables:
                target.execute(sa.delete(table))
                rows = source.execution_options(yield_per=1000).execute(sa.select(table))
                for block in rows.mappings().partitions(1000):
                    target.execute(sa.insert(table), [dict(row) for row in block])

    def _beside(self, ending: str) -> pathlib.Path:
        return pathlib.Path(f"{self.engine.url.database}{ending}")

    @contextlib.contextmanager
    def _migration_lock(self) -> t.Iterator[None]:
        if self.shared:
            yield  # on PostgreSQL the migration's own transaction takes a lock, see migrations
        else:
            with file_lock(self._beside(".lock")):
                yield


def _overtaken(error: Exception) -> bool | float:
    """How long to wait when PostgreSQL undid a transaction only because another one was in its way, else False."""
    if isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) in _OVERTAKEN:
        return full_jitter(1, first=0.1)
    return False


def _slug(text: str) -> str:
    return "".join(character if character.isalnum() else "-" for character in text)
