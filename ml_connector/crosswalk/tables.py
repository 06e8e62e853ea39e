"""Mapping tables a person keeps, and what was learned: how a source's reference becomes the target's.

A table is a CSV file ``<dir>/<source>-<target>/<table>.csv`` with the columns ``source`` and ``target``, as people or
spreadsheets save it (``table_files``); further columns are kept as extras. A source cell may hold an id or a human
number or name; ``*`` stands for everything that is not listed. Looking up never guesses: names that lead to
different targets are ``Ambiguous``.

A row says the same thing in both directions: what ``<source>-<target>`` does not answer is looked for in
``<target>-<source>``, read backwards.
"""

from __future__ import annotations

import dataclasses
import os
import typing as t
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from ml_connector import exact_json
from ml_connector.crosswalk.table_files import read_table_file
from ml_connector.errors import UserError
from ml_connector.private import make_file, make_folder
from ml_connector.sameness import same_id, same_name, visible

__all__ = [
    "Ambiguous",
    "AmbiguousLink",
    "Crosswalk",
    "Links",
    "Match",
    "MemoryReferences",
    "NoLinks",
    "References",
    "SqliteReferences",
    "table_name",
]

Record = t.Mapping[str, t.Any]

DEFAULT_SOURCE: t.Final = "*"
COLUMNS: t.Final = ("source", "target")
"""What every table has; names are compared as people read them."""

_HEADER_CURE: t.Final = "The first line must be: source,target (or separated by semicolons or tabs; more may follow)."
_IRREGULAR: t.Final = {"company": "companies", "spend_category": "spend_categories", "currency": "currencies"}


@dataclasses.dataclass(frozen=True, slots=True)
class Match:
    """One row of a mapping table that answers a look-up.

    Attributes:
        target: The target's id or human number.
        source: The cell that matched, as written.
        extras: The other columns of the row that are filled in.
        path: The file the row stands in.
        line: Its line number, from 1.
    """

    target: str
    source: str
    extras: t.Mapping[str, str]
    path: Path
    line: int


@dataclasses.dataclass(frozen=True, slots=True)
class Ambiguous:
    """One thing leads to rows with different targets; a person has to decide.

    Its names stand in different rows, or several rows lead to it in a table that is read backwards.

    Attributes:
        matches: The rows, in the order of the file.
    """

    matches: tuple[Match, ...]


class AmbiguousLink(LookupError):
    """Several of the target's things were made of, or matched with, one of the source's.

    Args:
        ids: The target's ids.
    """

    def __init__(self, ids: t.Sequence[str]) -> None:
        self.ids = tuple(ids)
        super().__init__(", ".join(ids))


class Links(t.Protocol):
    """What the ledger learned when it delivered or matched documents."""

    def linked(self, kind: str, source_instance: str, source_id: str) -> str | None:
        """Return the target's id of a source's thing; ``kind`` is the table's name (``suppliers``).

        Raises:
            AmbiguousLink: Several are known.
        """
        ...


class References(t.Protocol):
    """Native reference records (vendors, departments, accounts) read so far."""

    def get(self, instance: str, stream: str, record_id: str, /) -> Record | None:
        """Return the record, None when it was never read."""
        ...

    def put(self, instance: str, stream: str, records: t.Mapping[str, Record], /) -> None:
        """Remember records by id; a newer one replaces an older one."""
        ...


class NoLinks:
    """Links of somebody who has no ledger: nothing was learned."""

    def linked(self, kind: str, source_instance: str, source_id: str) -> str | None:
        """Return None."""
        del kind, source_instance, source_id
        return None


def table_name(kind: str) -> str:
    """Return the table of a kind of reference: ``cost_center`` -> ``cost_centers``."""
    if kind in _IRREGULAR:
        return _IRREGULAR[kind]
    return kind if kind.endswith("s") else f"{kind}s"


class Crosswalk:
    """All mapping tables between one source and one target.

    Args:
        tables: The tables by name (``cost_centers``).
        mirrored: Those of the other direction, read backwards.
        directory: Where a table that does not exist yet would be made.
    """

    def __init__(self, tables: t.Mapping[str, _Table], mirrored: t.Mapping[str, _Table], directory: Path) -> None:
        self._tables = tables
        self._mirrored = mirrored
        self._directory = directory

    @classmethod
    def load(
        cls,
        directory: str | os.PathLike[str],
        source: str,
        target: str,
        fallback_dirs: t.Sequence[str | os.PathLike[str]] = (),
    ) -> Crosswalk:
        """Read all tables of a pair, in both directions.

        A file in an earlier directory replaces its namesake in a later one.

        Raises:
            UserError: A file is not what it should be; names file and line.
        """
        roots = [Path(root) for root in (directory, *fallback_dirs)]
        pair = f"{source}-{target}"
        mirrored = {name: table.mirrored() for name, table in _read_tables(roots, f"{target}-{source}").items()}
        return cls(_read_tables(roots, pair), mirrored, Path(directory) / pair)

    def lookup(self, table: str, keys: t.Sequence[str]) -> Match | Ambiguous | None:
        """Look one thing up by its id and its human names; the default row is not considered.

        Args:
            table: Name of the table (``cost_centers``).
            keys: The id first, which must be written the same, case included; then human numbers and names, compared
                as people do (``same_name``). A row for the id decides, whatever the names say.
        """
        if not keys:
            return None
        for rows in (self._tables.get(table), self._mirrored.get(table)):
            found = rows.lookup(keys[0], keys[1:]) if rows is not None else None
            if found is not None:
                return found
        return None

    def default(self, table: str) -> Match | None:
        """Return the table's ``*`` row."""
        rows = self._tables.get(table)
        return rows.default if rows is not None else None

    def path(self, table: str) -> Path:
        """Return the file a row of this table belongs in, whether it exists yet or not."""
        rows = self._tables.get(table)
        return rows.path if rows is not None else self._directory / f"{table}.csv"


class MemoryReferences:
    """References kept in memory, for tests and short runs."""

    def __init__(self) -> None:
        self._records: dict[tuple[str, str, str], Record] = {}

    def get(self, instance: str, stream: str, record_id: str, /) -> Record | None:
        """Return the record, None when it was never read."""
        return self._records.get((instance, stream, record_id))

    def put(self, instance: str, stream: str, records: t.Mapping[str, Record], /) -> None:
        """Remember records by id."""
        self._records.update(((instance, stream, record_id), record) for record_id, record in records.items())


class SqliteReferences:
    """References in a small SQLite file of their own, for the mapper that runs without a ledger.

    Records are written in bulk; ``flush`` must be called before anybody is told that they were taken.

    Args:
        url: SQLAlchemy URL (``sqlite:///...``) or the path of the file, which is made if necessary.

    Raises:
        UserError: The file cannot be opened.
    """

    _BUFFERED: t.Final = 500
    _CACHED: t.Final = 20_000

    def __init__(self, url: str) -> None:
        if "://" not in url:
            url = f"sqlite:///{url}"
        if url.startswith("sqlite:///"):
            path = Path(url.removeprefix("sqlite:///"))
            try:
                make_folder(path.parent)
                make_file(path)
            except OSError as error:
                raise UserError(f"cannot make {path}: {error.strerror or error}.", "Check references_path.") from None
        self._pending: dict[tuple[str, str, str], Record] = {}
        self._cache: dict[tuple[str, str, str], Record] = {}
        self._engine = sa.create_engine(url, connect_args={"timeout": 30})
        try:
            with self._engine.begin() as connection:
                connection.exec_driver_sql("PRAGMA journal_mode=WAL")
                _METADATA.create_all(connection)
        except sa.exc.DatabaseError as error:
            raise UserError(
                f"cannot use {url} to remember reference records: {error.orig}",
                "Check references_path; the file is only a memory and may be deleted.",
            ) from error

    def get(self, instance: str, stream: str, record_id: str, /) -> Record | None:
        """Return the record, None when it was never read."""
        key = (instance, stream, record_id)
        known = self._pending.get(key) or self._cache.get(key)
        if known is not None:
            return known
        columns = _REFERENCES.c
        query = sa.select(columns.record).where(
            columns.instance == instance, columns.stream == stream, columns.id == record_id
        )
        with self._engine.connect() as connection:
            stored = connection.scalar(query)
        if stored is None:
            return None
        record = t.cast("Record", exact_json.loads(stored))
        self._remember({key: record})
        return record

    def put(self, instance: str, stream: str, records: t.Mapping[str, Record], /) -> None:
        """Remember records by id; written when enough have come together, or by ``flush``."""
        self._pending.update(((instance, stream, record_id), record) for record_id, record in records.items())
        if len(self._pending) >= self._BUFFERED:
            self.flush()

    def flush(self) -> None:
        """Write what is remembered so far."""
        if not self._pending:
            return
        statement = sqlite_insert(_REFERENCES)
        statement = statement.on_conflict_do_update(
            index_elements=list(_REFERENCES.primary_key), set_={"record": statement.excluded.record}
        )
        rows = [
            {"instance": instance, "stream": stream, "id": record_id, "record": exact_json.dumps(record)}
            for (instance, stream, record_id), record in self._pending.items()
        ]
        with self._engine.begin() as connection:
            connection.execute(statement, rows)
        self._remember(self._pending)
        self._pending = {}

    def close(self) -> None:
        """Write what is left and close the file."""
        self.flush()
        self._engine.dispose()

    def _remember(self, records: t.Mapping[tuple[str, str, str], Record]) -> None:
        if len(self._cache) + len(records) > self._CACHED:
            self._cache.clear()
        self._cache.update(records)


_METADATA: t.Final = sa.MetaData()
_REFERENCES: t.Final = sa.Table(
    "references",
    _METADATA,
    sa.Column("instance", sa.Text, primary_key=True),
    sa.Column("stream", sa.Text, primary_key=True),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("record", sa.Text, nullable=False),
)


class _Table:
    """The rows of one file, by exact cell and by what people take for the same."""

    def __init__(self, path: Path, rows: t.Sequence[Match]) -> None:
        self.path = path
        self.default = next((row for row in rows if _is_default(row)), None)
        self._exact: dict[str, list[Match]] = {}
        self._named: dict[str, list[Match]] = {}
        for row in rows:
            if not _is_default(row):
                self._exact.setdefault(same_id(row.source), []).append(row)
                self._named.setdefault(same_name(row.source), []).append(row)

    def lookup(self, record_id: str, names: t.Iterable[str]) -> Match | Ambiguous | None:
        rows = self._exact.get(same_id(record_id)) or [
            row for name in names for row in self._named.get(same_name(name), ())
        ]
        ordered = tuple({row.line: row for row in sorted(rows, key=lambda row: row.line)}.values())
        if len({(same_id(row.target), tuple(sorted(row.extras.items()))) for row in ordered}) > 1:
            return Ambiguous(ordered)
        return ordered[0] if ordered else None

    def mirrored(self) -> _Table:
        """Return the table from target to source; "everything else" and further columns say nothing backwards."""
        rows = [row for rows in self._exact.values() for row in rows]
        return _Table(self.path, [Match(row.source, row.target, {}, row.path, row.line) for row in rows])


def _is_default(row: Match) -> bool:
    return same_id(row.source) == DEFAULT_SOURCE


def _read_tables(roots: t.Sequence[Path], pair: str) -> dict[str, _Table]:
    tables: dict[str, _Table] = {}
    for root in reversed(roots):
        for path in _table_files(root, pair):
            tables[path.stem.casefold()] = _read_table(path, f"crosswalk {pair}/{path.name}")
    return tables


def _table_files(root: Path, pair: str) -> list[Path]:
    """Return the tables in the folder of a pair, none when there is no such folder."""
    for folder in (root, root / pair):
        if folder.exists() and not folder.is_dir():
            cure = "Remove the file, or point crosswalk_dir to the folder with the mapping tables."
            raise UserError(f"{folder} is a file, but mapping tables stand in a folder.", cure)
    try:
        found = sorted((root / pair).iterdir()) if (root / pair).exists() else []
    except OSError as error:
        cure = "Let the user who runs this read the folder."
        raise UserError(f"mapping tables in {root / pair} cannot be read: {error.strerror}.", cure) from None
    return [path for path in found if path.suffix.casefold() == ".csv" and not path.name.startswith(".")]


def _read_table(path: Path, label: str) -> _Table:
    header: list[str] = []
    rows: dict[str, Match] = {}
    for number, cells in read_table_file(path, label, columns=COLUMNS, comments=True).rows(label):
        where = f"{label} line {number}"
        if not header:
            header = _header(cells, where)
            continue
        row = _row(header, cells, where, path, number)
        earlier = rows.setdefault(same_id(row.source), row)
        if same_id(earlier.target) != same_id(row.target):
            raise UserError(
                f'{where}: source "{row.source}" appears twice with different targets '
                f"({earlier.target}, {row.target}).",
                f"Keep one of line {earlier.line} and line {row.line}.",
            )
        if earlier.extras != row.extras:
            raise UserError(
                f'{where}: source "{row.source}" appears twice and the rows differ.',
                f"Keep one of line {earlier.line} and line {row.line}.",
            )
    if not header:
        raise UserError(f"{label} line 1: the header is missing.", _HEADER_CURE)
    return _Table(path, list(rows.values()))


def _header(cells: t.Sequence[str], where: str) -> list[str]:
    header = [same_name(cell) for cell in cells]
    if not set(COLUMNS) <= set(header):
        raise UserError(f"{where}: the header is missing.", _HEADER_CURE)
    twice = sorted({name for name in header if name and header.count(name) > 1})
    if twice:
        raise UserError(f'{where}: column "{twice[0]}" appears twice.', "Keep one of the two columns.")
    return header


def _row(header: t.Sequence[str], cells: t.Sequence[str], where: str, path: Path, line: int) -> Match:
    if any(cells[len(header) :]):
        raise UserError(
            f"{where}: {len(cells)} values, but the header names {len(header)} columns.",
            "Put quotes around values that contain what separates the columns.",
        )
    values = dict(zip(header, map(visible, cells), strict=False))
    source, target = values.pop("source", ""), values.pop("target", "")
    if not source:
        raise UserError(f'{where}: source is empty (target "{target}").', "Fill it in or remove the line.")
    if not target:
        raise UserError(f'{where}: source "{source}" has no target.', "Fill it in or remove the line.")
    extras = {name: value for name, value in values.items() if name and value}
    return Match(target, source, extras, path, line)
