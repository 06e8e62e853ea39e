"""Where this machine keeps what several processes share: permits, budgets, sessions."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

import platformdirs

from ml_connector.errors import SettingInvalid
from ml_connector.private import make_folder, open_mode

__all__ = ["hashed", "state_directory"]

VARIABLE = "ML_CONNECTOR_STATE_DIR"


def state_directory(*parts: str) -> Path:
    """Return a directory below the state directory, made (0700) when it does not exist.

    ``ML_CONNECTOR_STATE_DIR`` wins, then the user's own state directory. Without a home, as in many
    containers, it is a private directory among the temporary files.

    Args:
        parts: Names of the directories below it.

    Raises:
        SettingInvalid: It cannot be made or written to, belongs to somebody else, or is open to others.
    """
    base = _base()
    path = base.joinpath(*parts)
    try:
        make_folder(base)
        _refuse_strangers(base)
        make_folder(path)
    except OSError as error:
        raise SettingInvalid(
            f"cannot make the state directory {path}: {error.strerror or error}.",
            f"Set {VARIABLE} to a directory this user may write to.",
        ) from error
    _refuse_strangers(path)
    if not os.access(path, os.W_OK | os.X_OK):
        raise SettingInvalid(
            f"the state directory {path} cannot be written to.",
            f"Set {VARIABLE} to a directory this user may write to.",
        )
    return path


def hashed(name: str) -> str:
    """Return a file name for a name that may contain keys, from which they cannot be read."""
    return hashlib.sha256(name.encode()).hexdigest()[:32]


def _base() -> Path:
    chosen = os.environ.get(VARIABLE)
    if chosen:
        return Path(chosen)
    if os.environ.get("HOME") or os.environ.get("XDG_STATE_HOME") or os.name == "nt":
        home = Path(platformdirs.user_state_dir("ml-connector", appauthor=False))
        if _writable(home):
            return home
    return Path(tempfile.gettempdir()) / f"ml-connector-{_user()}"


def _writable(path: Path) -> bool:
    nearest = next(parent for parent in (path, *path.parents) if parent.exists())
    return os.access(nearest, os.W_OK | os.X_OK)


def _user() -> int:
    return os.getuid() if hasattr(os, "getuid") else 0


def _refuse_strangers(place: Path) -> None:
    if hasattr(os, "getuid") and place.stat().st_uid != os.getuid():
        raise SettingInvalid(
            f"the state directory {place} belongs to another user.",
            f"Set {VARIABLE} to a directory of your own.",
        )
    if mode := open_mode(place):
        raise SettingInvalid(
            f"the state directory {place} is open to others (mode {mode:04o}).",
            f"chmod 700 {place}, or set {VARIABLE} to a directory of your own.",
        )
