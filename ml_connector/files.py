"""Writing files so that a reader finds the old or the new content, whole."""

from __future__ import annotations

import csv
import io
import os
import shutil
import tempfile
import typing as t
from pathlib import Path

from ml_connector.errors import UserError

__all__ = ["plain_cell", "replace_file", "spreadsheet_cell", "table_bytes"]

_FORMULA: t.Final = ("=", "+", "-", "@", "\t", "\r")


def replace_file(path: Path, content: bytes) -> None:
    """Put content into a file at once; folders are made, the mode of a file that is there stays.

    Raises:
        UserError: It cannot be written; what was there is untouched.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("wb", dir=path.parent, prefix=f".{path.name}.", delete=False) as scratch:
            try:
                scratch.write(content)
                scratch.flush()
                os.fsync(scratch.fileno())
                if path.exists():
                    shutil.copymode(path, scratch.name)
                else:
                    Path(scratch.name).chmod(0o666 & ~_umask())
                Path(scratch.name).replace(path)
            except BaseException:
                Path(scratch.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror or error}.", "Choose another place.") from None


def table_bytes(columns: t.Sequence[str], rows: t.Iterable[t.Mapping[str, t.Any]]) -> bytes:
    """Return rows as a CSV file that spreadsheets read as UTF-8."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode("utf-8-sig")


def spreadsheet_cell(text: str) -> str:
    """Return a name that no spreadsheet takes for a formula: it comes from another system, from whoever typed it."""
    return f"'{text}" if text.startswith((*_FORMULA, "'")) else text


def plain_cell(text: str) -> str:
    """Return what ``spreadsheet_cell`` was given."""
    return text[1:] if text.startswith("'") and text[1:].startswith((*_FORMULA, "'")) else text


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
