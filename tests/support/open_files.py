"""Which files and folders others of the machine may use."""

from __future__ import annotations

import contextlib
import os
import stat


def open_to_others(*folders):
    """Return what lies in folders, and they themselves, that others may use: relative path and mode."""
    found = {}
    for folder in folders:
        for path in (folder, *sorted(folder.rglob("*"))):
            mode = stat.S_IMODE(path.lstat().st_mode)
            if mode & 0o077 and not path.is_symlink():
                found[str(path.relative_to(folder.parent))] = f"{mode:04o}"
    return found


@contextlib.contextmanager
def umask(mask):
    """Let new files have the modes a umask leaves them."""
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)
