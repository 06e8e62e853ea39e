"""Writing files so that a reader finds the old or the new content, whole."""

from __future__ import annotations

import contextlib
import csv
import glob
import io
import os
import shutil
import tempfile
import typing as t
from pathlib import Path

from ml_connector.errors import UserError

__all__ = ["plain_cell", "replace_file", "replace_private_file", "spreadsheet_cell", "sweep", "table_bytes"]

_SCRATCH: t.Final = ".tmp"
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


def replace_private_file(path: Path, content: bytes) -> None:
    """Put content into a file that its owner alone may read (0600), at once and durably: folder entry included.

    Raises:
        OSError: It cannot be written; what was there is untouched.
    """
    file, name = tempfile.mkstemp(prefix=f".{path.name}-", suffix=_SCRATCH, dir=path.parent)
    try:
        with os.fdopen(file, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


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
    """Return a name that no spreadsheet takes for a formula: it comes from another system, from whoever typed it."""
    return f"'{text}" if text.startswith((*_FORMULA, "'")) else text


def plain_cell(text: str) -> str:
    """Return what ``spreadsheet_cell`` was given."""
    return text[1:] if text.startswith("'") and text[1:].startswith((*_FORMULA, "'")) else text


def _sync_folder(folder: Path) -> None:
    if not hasattr(os, "O_DIRECTORY"):  # Windows knows no such thing
        return
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
