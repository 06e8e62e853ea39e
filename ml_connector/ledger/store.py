"""Opening a ledger, and writing to it: many threads, one transaction, one fsync (group commit)."""

from __future__ import annotations

import concurrent.futures
import contextlib
import datetime as dt
import pathlib
import queue
import sqlite3
import threading
import typing as t

import sqlalchemy as sa
import stamina
from filelock import FileLock
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from ml_connector.errors import SettingInvalid
from ml_connector.ledger import migrations
from ml_connector.ledger.schema import meta, metadata
from ml_connector.project import project_root
from ml_connector.retries import full_jitter

__all__ = ["DEFAULT_URL", "Ledger", "located"]

DEFAULT_URL: t.Final = "sqlite:///.ml-connector/ledger.db"
"""Where targets keep their ledger when nothing else is said; relative to the Meltano project or working directory."""

R = t.TypeVar("R")
Work = t.Callable[[sa.Connection], t.Any]

_OVERTAKEN: t.Final = frozenset({"23505", "40001", "40P01"})
"""unique_violation (both wanted to insert a document), serialization_failure, deadlock_detected."""
_TRIES = 10

_GROUP = 256  # works taken into one transaction at most, so that none waits long


class Ledger:
    """An open ledger. Close it, or use it as a context manager.

    Reads take their own connection. Writes go through one thread that puts whatever has gathered into one
    transaction: a delivery with many workers pays one fsync for all of them.

    Args:
        url: SQLAlchemy URL, SQLite or PostgreSQL.

    Attributes:
        id: What it is called in the bookmarks of pipelines; stays when the ledger is moved.
        began_at: Since when it can be expected to know what was posted.
    """

    def __init__(self, url: str) -> None:
        self.url = located(url)
        self.engine = _engine(self.url)
        _make_folder(self.engine.url)
        self._queue: queue.SimpleQueue[tuple[Work, concurrent.futures.Future[t.Any]] | None] = queue.SimpleQueue()
        self._writer: threading.Thread | None = None
        self._starting = threading.Lock()
        self._closed = False
        try:
            with self._migration_lock():
                migrations.upgrade(self.engine)
        except DBAPIError as error:
            raise SettingInvalid(
                f"the ledger at {_shown(self.url)} cannot be opened: {str(error.orig).strip().splitlines()[0]}",
                "Check ledger_url (or ML_CONNECTOR_LEDGER_URL) and that the database is there and may be written.",
            ) from None
        except migrations.NewerLedger:
            raise SettingInvalid(
                f"the ledger at {_shown(self.url)} was written by a newer version of ml-connector.",
                "Install that version or a later one here as well.",
            ) from None
        self._read_notes()

    def __enter__(self) -> t.Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def name(self) -> str:
        """Where it is, for people: the file, or the URL without its password."""
        return str(self.engine.url.database) if not self.shared else _shown(self.url)

    @property
    def shared(self) -> bool:
        """Whether several machines may deliver from this ledger at once."""
        return self.engine.dialect.name != "sqlite"

    @contextlib.contextmanager
    def read(self) -> t.Iterator[sa.Connection]:
        """Yield a connection for reading."""
        with self.engine.connect() as connection:
            yield connection.execution_options(reading=True)

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
        lock = FileLock(f"{self.engine.url.database}.{_slug(target)}.lock")
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

    def _read_notes(self) -> None:
        with self.read() as connection:
            notes = {row.key: row.value for row in connection.execute(sa.select(meta))}
        self.began_at = dt.datetime.fromisoformat(notes["began_at"])
        self.id = notes["ledger_id"]

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
            with attempt, self.engine.begin() as connection:
                return [work(connection) for work in works]
        raise AssertionError("the last attempt returns or raises")

    def _copy_rows_from(self, other: Ledger) -> None:
        with other.read() as source, self.engine.begin() as target:
            for table in metadata.sorted_tables:
                target.execute(sa.delete(table))
                rows = source.execution_options(yield_per=1000).execute(sa.select(table))
                for block in rows.mappings().partitions(1000):
                    target.execute(sa.insert(table), [dict(row) for row in block])

    @contextlib.contextmanager
    def _migration_lock(self) -> t.Iterator[None]:
        if self.shared:
            yield  # on PostgreSQL the migration's own transaction takes a lock, see migrations
        else:
            with FileLock(f"{self.engine.url.database}.lock"):
                yield


def located(url: str) -> str:
    """Return the URL with a relative SQLite file made absolute, starting at the project's folder."""
    prefix = "sqlite:///"
    if not url.startswith(prefix) or url in (prefix, f"{prefix}:memory:"):
        return url
    path = pathlib.Path(url.removeprefix(prefix)).expanduser()
    return f"{prefix}{path if path.is_absolute() else project_root() / path}"


def _overtaken(error: Exception) -> bool | float:
    """How long to wait when PostgreSQL undid a transaction only because another one was in its way, else False."""
    if isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) in _OVERTAKEN:
        return full_jitter(1, first=0.1)
    return False


def _engine(url: str) -> sa.Engine:
    try:
        parsed = sa.make_url(url)
        if parsed.get_backend_name() == "postgresql" and parsed.drivername == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
        if parsed.get_backend_name() not in ("sqlite", "postgresql") or not parsed.database:
            raise SettingInvalid(
                f"ledger_url {_shown(url)} is neither a SQLite file nor PostgreSQL.",
                "Use sqlite:///path/to/ledger.db or postgresql://user@host/database.",
            )
        if parsed.get_backend_name() == "postgresql":
            return sa.create_engine(parsed, pool_pre_ping=True, pool_size=4, max_overflow=8, hide_parameters=True)
        # Parameters are whole records; they belong into no message.
        engine = sa.create_engine(
            parsed, connect_args={"timeout": 60, "check_same_thread": False}, hide_parameters=True
        )
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


def _make_folder(url: sa.URL) -> None:
    if url.get_backend_name() != "sqlite":
        return
    folder = pathlib.Path(url.database or "").parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingInvalid(
            f"the ledger's folder {folder} cannot be made: {error.strerror}.", "Choose another ledger_url."
        ) from None


def _shown(url: str) -> str:
    try:
        return sa.make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return "(not a URL)"


def _slug(text: str) -> str:
    return "".join(character if character.isalnum() else "-" for character in text)
