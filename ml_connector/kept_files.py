"""Files people keep: read so that a mistake with one is a line and a cure, never a traceback or a wait without end."""

from __future__ import annotations

import errno
import typing as t
from pathlib import Path

import yaml

from ml_connector.errors import SettingInvalid

__all__ = ["read_bytes", "read_text", "read_yaml"]

_UTF_16: t.Final = (b"\xff\xfe", b"\xfe\xff")


def read_bytes(path: Path, most: int = -1) -> bytes:
    """Return the content of a file.

    Args:
        path: The file.
        most: Bytes to read at most.

    Raises:
        OSError: It cannot be read, or is a pipe: nobody may ever write into that.
    """
    if path.is_fifo():
        raise OSError(errno.EINVAL, "it is a pipe, not a file", str(path))
    with path.open("rb") as file:
        return file.read(most)


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
