"""Tables people keep, as whatever program saved them: encoding, separator, lines; and what is wrong, by file and line.

UTF-8 with or without a byte order mark, and UTF-16 with one, as spreadsheets save "Unicode text"; separated by commas,
semicolons or tabs, or by what a first line ``sep=;`` says.
"""

from __future__ import annotations

import codecs
import csv
import dataclasses
import io
import typing as t
from pathlib import Path

from ml_connector.errors import UserError
from ml_connector.kept_files import read_bytes

__all__ = ["TableText", "read_table_file"]

_SEPARATORS: t.Final = (",", ";", "\t")
_SAVE: t.Final = 'Save the file as "CSV UTF-8".'
_MARKS: t.Final = (  # the longer ones first: that of UTF-32 begins as that of UTF-16 does
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


@dataclasses.dataclass(frozen=True, slots=True)
class TableText:
    """The text of a table, and how it was written.

    Attributes:
        lines: The lines with their ends; what is no row of the table (comments, ``sep=``) is blank, so that the
            numbers of the others are those of the file.
        separator: What stands between cells.
        encoding: How text becomes bytes, without byte order mark.
        end: How lines end.
        closed: Whether the last line has an end.
    """

    lines: tuple[str, ...]
    separator: str
    encoding: str
    end: str
    closed: bool

    def rows(self, label: str) -> t.Iterator[tuple[int, list[str]]]:
        """Yield each row that is not empty with the number of its line, cells without blanks around them.

        Args:
            label: What messages call the file.

        Raises:
            UserError: The quotes of a row do not match.
        """
        reader = csv.reader(self.lines, strict=True, delimiter=self.separator)
        while True:
            try:
                cells = next(reader, None)
            except csv.Error as error:
                raise UserError(f"{label} line {reader.line_num}: {error}.", "Mend the quotes.") from error
            if cells is None:
                return
            row = [cell.strip() for cell in cells]
            if any(row):
                yield reader.line_num, row


def read_table_file(path: Path, label: str, *, columns: t.Collection[str], comments: bool = False) -> TableText:
    """Read a table.

    Args:
        path: The file.
        label: What messages call it.
        columns: Names its header must have; they tell what separates its cells.
        comments: Whether lines that begin with ``#`` are comments.

    Raises:
        UserError: It cannot be read or is no text; names the line.
    """
    try:
        content = read_bytes(path)
    except IsADirectoryError:
        raise UserError(f"{label}: is a folder, not a file.", "Put a table in its place, or remove it.") from None
    except OSError as error:
        cure = "Check that it is there and that its permissions let you read it."
        raise UserError(f"{label}: cannot be read: {error.strerror or error}.", cure) from error
    encoding, text = _decoded(content, label)
    lines = list(io.StringIO(text, newline=""))  # bytes 0x0b, 0x1c or U+2028 end no line of a table
    for number, line in enumerate(lines, start=1):
        if "\0" in line:
            raise UserError(f"{label} line {number}: there is a NUL character, so it is no text.", _SAVE)
    end = "\r\n" if "\r\n" in text else "\r" if "\r" in text and "\n" not in text else "\n"
    said = _said_separator(lines)
    rows = ["\n" if (comments and line.startswith("#")) or (said and not at) else line for at, line in enumerate(lines)]
    separator = said or _likely_separator(rows, {column.casefold() for column in columns})
    return TableText(tuple(rows), separator, encoding, end, not text or text.endswith(("\n", "\r")))


def _decoded(content: bytes, label: str) -> tuple[str, str]:
    mark, encoding = next((each for each in _MARKS if content.startswith(each[0])), (b"", "utf-8"))
    try:
        return encoding, content[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        before = content[len(mark) : len(mark) + error.start]
        good = before.decode(encoding, "ignore")
        line = good.count("\n") + (good.count("\r") if "\n" not in good else 0) + 1
        begin = max(good.rfind("\n"), good.rfind("\r")) + 1
        byte = len(good[begin:].encode(encoding)) + 1
        raise UserError(f"{label} line {line}: not {encoding[:6].rstrip('-').upper()} (byte {byte}).", _SAVE) from error


def _said_separator(lines: t.Sequence[str]) -> str | None:
    """Return the separator that the first line names for spreadsheets: ``sep=;``."""
    first = lines[0].rstrip("\r\n").strip('"') if lines else ""
    name, equals, separator = first.partition("=")
    return separator if equals and name.strip().casefold() == "sep" and len(separator) == 1 else None


def _likely_separator(lines: t.Sequence[str], columns: t.AbstractSet[str]) -> str:
    """Return what makes of the first line the header that is wanted, else what stands in it most."""
    header = next((line for line in lines if line.strip()), "")

    def fits(separator: str) -> tuple[int, int]:
        try:
            cells = next(csv.reader([header], delimiter=separator), [])
        except csv.Error:
            cells = []
        return len(columns & {cell.strip().casefold() for cell in cells}), header.count(separator)

    return max(_SEPARATORS, key=fits)
