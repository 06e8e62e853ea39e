"""What runs leave behind when they are killed: configurations that Meltano renders, and copies of the ledger.

Before Meltano starts a plugin it writes all settings, credentials among them, into
``.meltano/run/<plugin>/*.config.json``, and removes the file afterwards. It does so with the mode the umask gives, so
the plugin closes file and folder to others as soon as it runs. A run that is killed leaves the file there.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
import typing as t
from pathlib import Path

import filelock

from ml_connector.private import close_to_others, file_lock
from ml_connector.project import project_root

__all__ = ["close_rendered", "left_copies", "left_over", "remove", "rendered_left", "scratch_folder"]

_RUNS: t.Final = (".meltano", "run")
_RENDERED: t.Final = "*.config.json"
_COPY: t.Final = "ml-connector-dry-run-"
_IN_USE: t.Final = "in-use"
_PROCESSES: t.Final = Path("/proc")
_STARTING: t.Final = 60.0
"""Seconds a plugin may take to start after its configuration was rendered."""


def close_rendered(path: Path) -> None:
    """Close a configuration that Meltano rendered, and the folder all of them lie in, to others; leave any other file.

    Args:
        path: The configuration a plugin was started with.
    """
    path = path.absolute()
    runs = next((each for each in path.parents if each.parts[-2:] == _RUNS), None)
    if runs is not None:
        close_to_others(runs)
        close_to_others(path)


def left_over() -> list[Path]:
    """Return what killed runs have left: rendered configurations of this project, copies of ledgers of this user."""
    return [*rendered_left(), *left_copies()]


def rendered_left() -> list[Path]:
    """Return the rendered configurations of this project that no process was started with, nor is about to be."""
    found = sorted(project_root().joinpath(*_RUNS).rglob(_RENDERED))
    told = _command_lines() if found else None
    if told is None:  # nobody can say what is in use
        return []
    return [path for path in found if path.name not in told and _age(path) > _STARTING]


def left_copies() -> list[Path]:
    """Return the throw-away copies of this user's ledgers that no dry run works on."""
    return [
        folder
        for folder in sorted(Path(tempfile.gettempdir()).glob(f"{_COPY}*"))
        if folder.is_dir() and not folder.is_symlink() and folder.stat().st_uid == _user() and not _in_use(folder)
    ]


def remove(left: t.Iterable[Path]) -> None:
    """Remove what was left.

    Raises:
        OSError: Something cannot be.
    """
    for path in left:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


@contextlib.contextmanager
def scratch_folder() -> t.Iterator[Path]:
    """Yield a folder for a throw-away copy, for this user alone; it is removed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix=_COPY))
    lock = file_lock(folder / _IN_USE)
    lock.acquire()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        lock.release()


def _in_use(folder: Path) -> bool:
    try:
        with file_lock(folder / _IN_USE, timeout=0):
            return False
    except (filelock.Timeout, OSError):
        return True


def _command_lines() -> str | None:
    """Return the command lines of the processes that can be seen, None where nobody tells."""
    lines = []
    for told in _PROCESSES.glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it has ended
            lines.append(told.read_text("utf-8", "replace"))
    ps = shutil.which("ps")
    if not lines and ps is not None:
        told_by_ps = subprocess.run([ps, "-A", "-ww", "-o", "args="], capture_output=True, text=True, check=False)  # noqa: S603
        lines = told_by_ps.stdout.splitlines()
    return "\n".join(lines) or None


def _age(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except OSError:  # removed meanwhile
        return 0.0


def _user() -> int:
    return os.getuid() if hasattr(os, "getuid") else 0
