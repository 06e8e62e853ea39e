"""Adding rows to a mapping table a person keeps, without touching what stands in it."""

from __future__ import annotations

import csv
import dataclasses
import io
import typing as t
from pathlib import Path

from ml_connector.crosswalk import DEFAULT_SOURCE, Crosswalk, Match
from ml_connector.errors import UserError
from ml_connector.files import replace_file

__all__ = ["Added", "NewRow", "add_rows"]

_SHOWN: t.Final = 20


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
    fresh: dict[str, NewRow] = {}
    present = 0
    problems = []
    for row in rows:
        problem = _problem(
            row, fresh.get(row.source), known.lookup(table, [row.source]), f"{source}-{target}/{table}.csv"
        )
        if problem:
            problems.append(problem)
        elif known.lookup(table, [row.source]) is not None:
            present += 1
        else:
            fresh.setdefault(row.source, row)
    if problems:
        more = f"\n  and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        raise UserError("\n  ".join(problems[:_SHOWN]) + more, "Nothing was written. Decide which is right.")
    if fresh:
        replace_file(path, _appended(path, list(fresh.values())))
    return Added(path, len(fresh), present)


def _problem(row: NewRow, earlier: NewRow | None, there: t.Any, label: str) -> str | None:
    if row.source == DEFAULT_SOURCE:
        return f'{row.where}: source "*" would stand for every party that is not listed.'
    if earlier is not None and earlier.target != row.target:
        return f'{row.where}: source "{row.source}" is {row.target} here and {earlier.target} in {earlier.where}.'
    if isinstance(there, Match) and there.target != row.target:
        return (
            f'{row.where}: source "{row.source}" is {row.target} here and {there.target} in {label} line {there.line}.'
        )
    return None


def _appended(path: Path, rows: t.Sequence[NewRow]) -> bytes:
    before = path.read_bytes() if path.exists() else b"source,target,name\n"
    text = before.removeprefix(b"\xef\xbb\xbf").decode()
    end = "\r\n" if "\r\n" in text else "\n"
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    header = [cell.strip().casefold() for cell in next(csv.reader(lines[:1]))]
    added = io.StringIO()
    for row in rows:
        cells = {"source": row.source, "target": row.target, "name": row.name}
        # A line that begins with # would be a comment.
        quoted = cells.get(header[0], "").startswith("#")
        writer = csv.writer(added, lineterminator=end, quoting=csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL)
        writer.writerow([cells.get(column, "") for column in header])
    gap = b"" if before.endswith((b"\n", b"\r")) else end.encode()
    return before + gap + added.getvalue().encode()
