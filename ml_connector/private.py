"""Files and folders that their owner alone may use, 0600 and 0700: everything this program writes, under any umask.

What was left open by an earlier version, or by another program that writes for us, is closed where it is ours. Windows
has other rights, which a folder hands down; there nothing is looked at.
"""

from __future__ import annotations

import contextlib
import logging
import os
import stat
import typing as t
from pathlib import Path

import filelock

from ml_connector.errors import SettingInvalid

__all__ = [
    "OWN_FOLDER",
    "close_to_others",
    "file_lock",
    "make_file",
    "make_folder",
    "open_file",
    "open_mode",
    "replaceable_by_others",
]

OWN_FOLDER: t.Final = ".ml-connector"
"""What the folder of a project is called that holds nothing but ours."""

_FILE: t.Final = 0o600
_FOLDER: t.Final = 0o700
_OTHERS: t.Final = 0o077
_CHANGERS: t.Final = 0o022
_ROOT: t.Final = 0
_LOG = logging.getLogger(__name__)


def make_folder(path: Path) -> None:
    """Make a folder, with those above it that are missing, for its owner alone.

    One that is there is left as it is, unless it is the project's own (``.ml-connector``): that is closed.

    Raises:
        OSError: It cannot be made.
    """
    missing = [each for each in (path, *path.parents) if not each.exists()]
    for each in reversed(missing):
        with contextlib.suppress(FileExistsError):
            each.mkdir(mode=_FOLDER)
            each.chmod(_FOLDER)  # a umask may have taken away what the owner needs
    if not path.is_dir():
        raise NotADirectoryError(20, "it is not a folder", str(path))
    if path.name == OWN_FOLDER:
        close_to_others(path)


def make_file(path: Path) -> None:
    """Make an empty file for its owner alone where there is none; one that is there is closed.

    For files that are opened by others: SQLite gives its journals the mode of the database. What is there is not
    opened, since a process that closes a file loses all locks it has on it.

    Raises:
        OSError: It cannot be made.
    """
    try:
        made = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE)
    except FileExistsError:
        close_to_others(path)
        return
    try:
        _set_mode(made)
    finally:
        os.close(made)


def open_file(path: Path, flags: int) -> int:
    """Open a file of ours, made for its owner alone where there is none, and never one a link leads to.

    Args:
        path: The file.
        flags: As ``os.open`` takes them (``os.O_RDWR | os.O_CREAT``).

    Returns:
        What ``os.open`` returns.

    Raises:
        FileNotFoundError: There is none, and ``O_CREAT`` is not among the flags.
        OSError: It cannot be opened.
        SettingInvalid: A link, a pipe or a device stands in its place.
    """
    careful = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
    if path.is_symlink():
        raise _planted(path)
    opened = os.open(path, flags | careful, _FILE)
    if not stat.S_ISREG(os.fstat(opened).st_mode):
        os.close(opened)
        raise _planted(path)
    _set_mode(opened)
    return opened


def file_lock(path: Path, *, timeout: float = -1) -> filelock.FileLock:
    """Return a lock on a file for its owner alone, shared by all threads of a process.

    Raises:
        SettingInvalid: A link, a pipe or a device stands in the file's place.
    """
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise _planted(path)
    close_to_others(path)
    return filelock.FileLock(path, timeout=timeout, thread_local=False, mode=_FILE)


def close_to_others(path: Path) -> None:
    """Take a file or folder from others where it is ours and they may use it; tells once, since it then is closed."""
    if os.name == "nt":
        return
    try:
        found = path.stat()
        mode = stat.S_IMODE(found.st_mode)
        kept = stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)
        if not (kept and mode & _OTHERS and found.st_uid == os.getuid()):
            return
        path.chmod(mode & ~_OTHERS)
    except OSError:  # there is none, or a disk that knows no modes
        return
    _LOG.warning("%s was open to others of this machine (mode %04o); its owner alone may use it now.", path, mode)


def open_mode(path: Path) -> int | None:
    """Return the mode of a file or folder that others than its owner may use; None where they may not."""
    if os.name == "nt":
        return None
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return None
    return mode if mode & _OTHERS else None


def replaceable_by_others(folder: Path) -> str | None:
    """Return why somebody else could put another file in the place of one in a folder, None where nobody could.

    The folder's owner can, unless it is this user or root; and whoever may write it, unless each may only replace
    what is his own (the sticky bit).
    """
    if os.name == "nt":
        return None
    try:
        found = folder.stat()
    except OSError:
        return None
    if found.st_uid not in (os.getuid(), _ROOT):
        return "belongs to another user"
    if found.st_mode & _CHANGERS and not found.st_mode & stat.S_ISVTX:
        return f"can be changed by others (mode {stat.S_IMODE(found.st_mode):04o})"
    return None


def _set_mode(opened: int) -> None:
    """Close an open file to others where it is ours."""
    if os.name == "nt":
        return
    found = os.fstat(opened)
    if found.st_uid == os.getuid() and stat.S_IMODE(found.st_mode) != _FILE:
        with contextlib.suppress(OSError):
            os.fchmod(opened, _FILE)


def _planted(path: Path) -> SettingInvalid:
    return SettingInvalid(f"{path} is no file: something else was put in its place.", "Look who did, and remove it.")
