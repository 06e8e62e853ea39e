"""Faults of ml-connector itself: a number to quote, and the way it came about in a file that only the user may read.

The same fault has the same number wherever and however often it occurs, so that documents held by it stand together.
"""

from __future__ import annotations

import builtins
import contextlib
import errno
import hashlib
import logging
import os
import pathlib
import traceback

from ml_connector.errors import Reason
from ml_connector.private import open_file
from ml_connector.redaction import without_secrets
from ml_connector.state_directory import state_directory

__all__ = ["CODE", "folder", "is_of_the_machine", "note", "reason"]

CODE = "defect"
"""Code of the reason that holds a document because of one."""

_LOG = logging.getLogger(__name__)
_PACKAGES = ("ml_connector", "map_finance", "target_", "tap_")
_MACHINE = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.EACCES, errno.EPERM, errno.EIO}
)
_LONGEST = 200


def note(error: BaseException) -> str:
    """Keep how a fault came about, once for each number; return the number.

    Nothing of a document and no secret gets into the file: of the exception's own words only those of the language's
    own exceptions are kept, cut short.
    """
    frames = traceback.extract_tb(error.__traceback__)
    steps = [(frame.filename, frame.lineno or 0, frame.name, frame.line or "") for frame in frames]
    ours = [step for step in steps if any(part.startswith(_PACKAGES) for part in pathlib.Path(step[0]).parts)]
    kind = f"{type(error).__module__}.{type(error).__qualname__}"
    identity = [kind, *(f"{pathlib.Path(file).name}:{line}:{name}" for file, line, name, _ in ours or steps)]
    digest = hashlib.sha256("\n".join(identity).encode()).hexdigest()[:8].upper()
    number = f"{digest[:4]}-{digest[4:]}"
    told = hasattr(builtins, type(error).__name__) or type(error).__module__ == "decimal"
    words = f": {str(error)[:_LONGEST]}" if told else ""
    text = "".join(f"{file}:{line} in {name}\n    {code}\n" for file, line, name, code in steps) + f"{kind}{words}\n"
    _LOG.debug("defect %s\n%s", number, text)
    with contextlib.suppress(Exception):  # where it cannot be kept, the number still tells it from others
        path = folder() / f"{number}.txt"
        with contextlib.suppress(FileExistsError):
            handle = open_file(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
            with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
                file.write(without_secrets(text))
    return number


def folder() -> pathlib.Path:
    """Return the folder in which it is kept how faults came about."""
    return state_directory("defects")


def reason(number: str, *, during: str, cure: str) -> Reason:
    """Return the reason that holds a document because of a fault.

    Args:
        number: The fault's number.
        during: What was being done, and what is known of the outcome.
        cure: What a person can do.
    """
    what = f"a defect of ml-connector, number {number}, {during}"
    return Reason(CODE, what, cure, kind=CODE, value=number)


def is_of_the_machine(error: BaseException) -> bool:
    """Whether an error is one of this machine, such as a full disk, that no other document fares better with."""
    return isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno in _MACHINE)
