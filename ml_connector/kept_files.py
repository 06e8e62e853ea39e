"""Files people keep: read so that a mistake with one is a line and a cure, never a traceback or a wait without end."""

from __future__ import annotations

import errno
import os
import stat
import typing as t
from pathlib import Path

import yaml

from ml_connector.errors import SettingInvalid

__all__ = ["read_bytes", "read_text", "read_yaml"]

_NO_FILES: t.Final = (
    (stat.S_ISFIFO, "pipe"),
    (stat.S_ISSOCK, "socket"),
    (stat.S_ISCHR, "device"),
    (stat.S_ISBLK, "device"),
)
_UTF_16: t.Final = (b"\xff\xfe", b"\xfe\xff")


def read_bytes(path: Path, most: int = -1) -> bytes:
    """Return the content of a file.

    Args:
        path: The file.
        most: Bytes to read at most.

    Raises:
        OSError: It cannot be read, or is a pipe, a socket or a device: what reads it may wait, or read, without end.
    """
    # Opening a pipe waits for who writes into it, unless told not to; what is opened cannot be exchanged any more.
    opened = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        found = os.fstat(opened)
        for test, what in _NO_FILES:
            if test(found.st_mode) and not _is_empty(found):
                raise OSError(errno.EINVAL, f"it is a {what}, not a file", str(path))
        if stat.S_ISDIR(found.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        with os.fdopen(opened, "rb", closefd=False) as file:
            return file.read(most)
    finally:
        os.close(opened)


def _is_empty(found: os.stat_result) -> bool:
    """Whether it is what stands for an empty file (``/dev/null``)."""
    nothing = Path(os.devnull)
    return nothing.exists() and found.st_rdev == nothing.stat().st_rdev


def read_text(path: Path, what: str) -> str:
    """Return the text of a file, without a byte order mark.

    Args:
        path: The file.
        what: What messages call it.

    Raises:
        FileNotFoundError: There is none.
        SettingInvalid: It cannot be read, or is not UTF-8.
    """
    try:
        content = read_bytes(path)
        return content.decode("utf-8-sig")
    except FileNotFoundError:
        raise
    except IsADirectoryError:
        raise SettingInvalid(f"{what} is a folder, not a file.", "Put a file in its place, or remove it.") from None
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise SettingInvalid(f"{what} cannot be read: {why}.", "Give this user the right to, or remove it.") from None
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        wrong = "is UTF-16" if content.startswith(_UTF_16) else f"line {line} is not UTF-8"
        raise SettingInvalid(f"{what} cannot be read: {wrong}.", "Save it as UTF-8.") from None


def read_yaml(path: Path, what: str, *, loader: type[yaml.SafeLoader] = yaml.SafeLoader) -> t.Any:
    """Return what a YAML file holds, None where it is empty.

    Args:
        path: The file.
        what: What messages call it.
        loader: How YAML is read.

    Raises:
        FileNotFoundError: There is none.
        SettingInvalid: It cannot be read, or is no YAML; names the line.
    """
    text = read_text(path, what)
    try:
        return yaml.load(text, Loader=loader)  # noqa: S506 - a SafeLoader
    except yaml.MarkedYAMLError as error:
        line = f" line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise SettingInvalid(f"{what}{line}: {error.problem}.", "Mend the YAML there.") from None
    except RecursionError:
        raise SettingInvalid(f"{what} is nested too deeply.", "Mend the YAML.") from None
    except (yaml.YAMLError, ValueError) as error:
        why = " ".join(str(error).split())
        raise SettingInvalid(f"{what} is no YAML: {why}.", "Mend the YAML.") from None
