"""How the command line shows things: tables for people, aligned text for pipes and logs, JSON for programs.

A command hands over plain data once; where it goes decides the form. Nothing is rounded, and text never loses
what a terminal would have shown.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import datetime as dt
import enum
import functools
import json
import pathlib
import sys
import typing as t
from decimal import Decimal

import pydantic
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ml_connector.money import exact
from ml_connector.text import in_json, legible

__all__ = ["Column", "Output", "age", "ago", "count", "plain", "to_json"]

Row = t.Mapping[str, t.Any]


def plain(amount: Decimal | None, currency: str | None) -> Decimal | None:
    """Return an amount as programs get it: with the decimals of its currency, ``5.00`` of USD 5."""
    return amount if amount is None or currency is None else exact(amount, currency)


def count(number: int) -> str:
    """Return a count with thousands separators: ``48,113``."""
    return f"{number:,}"


def age(since: dt.datetime, now: dt.datetime) -> str:
    """Return how long ago something was, in its largest unit: ``2 d``, ``5 h``, ``12 min``, ``now``.

    Args:
        since: The moment, aware of its time zone; one in the future counts as now.
        now: The moment to compare with, aware as well.
    """
    minutes = int((now - since).total_seconds() // 60)
    for unit, size in (("d", 24 * 60), ("h", 60), ("min", 1)):
        if minutes >= size:
            return f"{minutes // size} {unit}"
    return "now"


def ago(moment: dt.datetime, now: dt.datetime) -> str:
    """Return how long ago something was, as it reads in a sentence: ``5 min ago``, ``just now``."""
    words = age(moment, now)
    return "just now" if words == "now" else f"{words} ago"


def to_json(value: t.Any) -> str:
    """Return data as JSON text: amounts as exact strings, times in UTC with ``Z``, dates as dates.

    Raises:
        TypeError: The data holds something that has no one meaning in JSON, or a time without a time zone.
    """
    return json.dumps(value, default=_encode, ensure_ascii=False, indent=2)


@dataclasses.dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes:
        title: What stands above it.
        text: How a row's cell reads; without it the row's value named like the title.
        right: Whether it is aligned to the right, as numbers are.
        style: Colour or weight on a terminal, in rich's words.
    """

    title: str
    text: t.Callable[[Row], str] | None = None
    right: bool = False
    style: str = ""

    def cell(self, row: Row) -> str:
        """Return the text of this column in a row; nothing for a missing value."""
        if self.text is not None:
            return legible(self.text(row))
        value = row.get(self.title.replace(" ", "_"))
        return "" if value is None else legible(str(value))


class Output:
    """Where a command's answer goes.

    Args:
        as_json: Whether a program asked; then standard output carries one JSON value and nothing else.
        console: Where text goes, standard output unless given.
    """

    def __init__(self, *, as_json: bool = False, console: Console | None = None) -> None:
        self.as_json = as_json
        self._console = console or Console(file=sys.stdout, highlight=False, soft_wrap=True)

    def show(self, data: t.Any, text: str) -> None:
        """Show an answer that is not a table: the data to a program, the text to a person."""
        if self.as_json:
            self._plain(in_json(to_json(data)))
        else:
            self.say(text)

    def table(self, rows: t.Sequence[Row], columns: t.Sequence[Column], *, empty: str = "nothing") -> None:
        """Show rows: as a list of objects to a program, as a table to a person.

        Args:
            rows: The data, complete; a program gets it as it is.
            columns: What a person sees of it.
            empty: What a person reads when there are no rows.
        """
        if self.as_json:
            self._plain(in_json(to_json(list(rows))))
        elif not rows:
            self.say(empty)
        elif self._console.is_terminal:
            self._console.print(_rich_table(rows, columns), soft_wrap=False)
        else:
            self._plain(_aligned(rows, columns))

    def say(self, text: str, *, style: str = "") -> None:
        """Show a line to a person; a program does not hear it."""
        if not self.as_json:
            self._console.print(Text(legible(text), style=style))

    def _plain(self, text: str) -> None:
        self._console.out(text, highlight=False)


def _rich_table(rows: t.Sequence[Row], columns: t.Sequence[Column]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        table.add_column(
            column.title,
            justify="right" if column.right else "left",
            style=column.style,
            no_wrap=column.right,
            overflow="fold",
        )
    for row in rows:
        table.add_row(*(Text(column.cell(row)) for column in columns))
    return table


def _aligned(rows: t.Sequence[Row], columns: t.Sequence[Column]) -> str:
    """Return a table as lines of plain text, one per row whatever its length."""
    cells = [[column.title for column in columns]]
    cells += [[" ".join(column.cell(row).split()) for column in columns] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if column.right else cell.ljust(width)
            for cell, width, column in zip(line, widths, columns, strict=True)
        ).rstrip()
        for line in cells
    )


@functools.singledispatch
def _encode(value: t.Any) -> t.Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    raise TypeError(f"{type(value).__name__} has no form in JSON")


_encode.register(Decimal, lambda amount: format(amount, "f"))
_encode.register(dt.date, dt.date.isoformat)
_encode.register(dt.timedelta, dt.timedelta.total_seconds)
_encode.register(enum.Enum, lambda member: member.value)
_encode.register(pathlib.PurePath, str)
_encode.register(pydantic.BaseModel, dict)
_encode.register(collections.abc.Mapping, dict)
_encode.register(collections.abc.Set, sorted)


@_encode.register
def _moment(moment: dt.datetime) -> str:
    if moment.tzinfo is None:
        raise TypeError(f"{moment!r} has no time zone")
    return moment.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
