"""Adding rows to a mapping table a person keeps, without touching what stands in it."""

from __future__ import annotations

import csv
import dataclasses
import io
import typing as t
from pathlib import Path

from ml_connector.crosswalk.table_files import read_table_file
from ml_connector.crosswalk.tables import COLUMNS, DEFAULT_SOURCE, Crosswalk, Match
from ml_connector.errors import UserError
from ml_connector.files import replace_file, spreadsheet_cell
from ml_connector.sameness import same_id, same_name

__all__ = ["Added", "NewRow", "add_rows"]

_SHOWN: t.Final = 20
_NEW_HEADER: t.Final = ("source", "target", "name")


class NewRow(t.NamedTuple):
    """A row to be added.

    Attributes:
        source: The source's id.
        target: The target's.
        name: What both are called, for the column ``name`` where the table has one.
        where: Where the row comes from, for messages (``review.csv line 7``).
    """

    source: str
    target: str
    name: str
    where: str


@dataclasses.dataclass(frozen=True, slots=True)
class Added:
    """What came of it.

    Attributes:
        path: The table.
        added: Rows added.
        present: Rows that stood there already.
    """

    path: Path
    added: int
    present: int


def add_rows(directory: Path, source: str, target: str, table: str, rows: t.Sequence[NewRow]) -> Added:
    """Add rows to ``directory/<source>-<target>/<table>.csv`` at once, all or none.

    Rows, comments, columns, their order and the line ends that are there stay as they are.

    Raises:
        UserError: A row contradicts another one or the table; every such row is named, and nothing is written.
    """
    known = Crosswalk.load(directory, source, target)
    path = known.path(table)
    label = f"{source}-{target}/{table}.csv"
    fresh: dict[str, NewRow] = {}
    present = 0
    problems = []
    for row in rows:
        problem = _problem(row, fresh.get(same_id(row.source)), known.lookup(table, [row.source]), label)
        if problem:
            problems.append(problem)
        elif known.lookup(table, [row.source]) is not None:
            present += 1
        else:
            fresh.setdefault(same_id(row.source), row)
    if problems:
        more = f"\n  and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        raise UserError("\n  ".join(problems[:_SHOWN]) + more, "Nothing was written. Decide which is right.")
    if fresh:
        replace_file(path, _appended(path, f"crosswalk {label}", list(fresh.values())))
    return Added(path, len(fresh), present)


def _problem(row: NewRow, earlier: NewRow | None, there: t.Any, label: str) -> str | None:
    if same_id(row.source) == DEFAULT_SOURCE:
        return f'{row.where}: source "*" would stand for every party that is not listed.'
    if earlier is not None and same_id(earlier.target) != same_id(row.target):
        return f'{row.where}: source "{row.source}" is {row.target} here and {earlier.target} in {earlier.where}.'
    if isinstance(there, Match) and same_id(there.target) != same_id(row.target):
        return (
            f'{row.where}: source "{row.source}" is {row.target} here and {there.target} in {label} line {there.line}.'
        )
    return None


def _appended(path: Path, label: str, rows: t.Sequence[NewRow]) -> bytes:
    """Return the table with more rows, in the encoding, columns and separators it has."""
    if not path.exists():
        return (",".join(_NEW_HEADER) + "\n" + _written(_NEW_HEADER, rows, ",", "\n")).encode()
    there = read_table_file(path, label, columns=COLUMNS, comments=True)
    header = [same_name(cell) for cell in next(cells for _, cells in there.rows(label))]
    text = ("" if there.closed else there.end) + _written(header, rows, there.separator, there.end)
    return path.read_bytes() + text.encode(there.encoding)


def _written(header: t.Sequence[str], rows: t.Iterable[NewRow], separator: str, end: str) -> str:
    added = io.StringIO()
    for row in rows:
        cells = {"source": row.source, "target": row.target, "name": spreadsheet_cell(row.name)}
        # A line that begins with # would be a comment.
        quoted = cells.get(header[0], "").startswith("#")
        writer = csv.writer(
            added,
            delimiter=separator,
            lineterminator=end,
            quoting=csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL,
        )
        writer.writerow([cells.get(column, "") for column in header])
    return added.getvalue()
