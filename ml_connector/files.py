"""Writing files so that a reader finds the old or the new content, whole."""

from __future__ import annotations

import contextlib
import csv
import glob
import io
import os
import re
import stat
import tempfile
import typing as t
from pathlib import Path

from ml_connector.errors import UserError
from ml_connector.private import make_folder

__all__ = ["plain_cell", "replace_file", "replace_private_file", "spreadsheet_cell", "sweep", "table_bytes"]

_SCRATCH: t.Final = ".tmp"
_BEGINS: t.Final = r"""(^|[;,\t\r\n|"])(\s*)"""
"""Where a cell begins: at the start, or behind what a spreadsheet of another country may take for a separator."""
_OF_FORMULAS: t.Final = r"(?=[=+\-@\uff1d\uff0b\uff0d\uff20])"
_FORMULA: t.Final = re.compile(f"{_BEGINS}('*){_OF_FORMULAS}")
_MARKED: t.Final = re.compile(f"{_BEGINS}('*)'{_OF_FORMULAS}")


def replace_file(path: Path, content: bytes, *, keep_mode: bool = True) -> None:
    """Put content into a file at once, for its owner alone; folders are made.

    Args:
        path: The file.
        content: What it holds from then on.
        keep_mode: Whether one that is there keeps its mode: a table that people share. Else it is its owner's alone.

    Raises:
        UserError: It cannot be written; what was there is untouched.
    """
    try:
        make_folder(path.parent)
        _replace(path, content, mode=stat.S_IMODE(path.stat().st_mode) if keep_mode and path.exists() else None)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror or error}.", "Choose another place.") from None


def replace_private_file(path: Path, content: bytes) -> None:
    """Put content into a file that its owner alone may read (0600), at once and durably: folder entry included.

    Raises:
        OSError: It cannot be written; what was there is untouched.
    """
    _replace(path, content)


def sweep(path: Path) -> None:
    """Remove what writers of a private file left beside it when they were killed; for who holds its lock."""
    for left in path.parent.glob(f".{glob.escape(path.name)}-{'?' * 8}{_SCRATCH}"):
        with contextlib.suppress(OSError):
            left.unlink()


def table_bytes(columns: t.Sequence[str], rows: t.Iterable[t.Mapping[str, t.Any]]) -> bytes:
    """Return rows as a CSV file that spreadsheets read as UTF-8."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode("utf-8-sig")


def spreadsheet_cell(text: str) -> str:
    """Return a name that no spreadsheet takes for a formula: it comes from another system, from whoever typed it.

    An apostrophe goes before each place where a formula would begin.
    """
    return _FORMULA.sub(r"\1\2\3'", text)


def plain_cell(text: str) -> str:
    """Return what ``spreadsheet_cell`` was given."""
    return _MARKED.sub(r"\1\2\3", text)


def _replace(path: Path, content: bytes, *, mode: int | None = None) -> None:
    file, name = tempfile.mkstemp(prefix=f".{path.name}-", suffix=_SCRATCH, dir=path.parent)  # makes it 0600
    try:
        with os.fdopen(file, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        if mode is not None:
            Path(name).chmod(mode)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    if not hasattr(os, "O_DIRECTORY"):  # Windows knows no such thing
        return
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
