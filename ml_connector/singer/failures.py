"""Taps that ended with an error, remembered until they come to their end again: a tap has no ledger to be on record in.

One small file for each tap and environment in the project's own folder (``.ml-connector/taps``). A tap that is used
elsewhere, outside Meltano and without such a folder, leaves nothing behind.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import logging
import os
import typing as t
from pathlib import Path

from ml_connector.actor import actor
from ml_connector.errors import UserError
from ml_connector.files import replace_file
from ml_connector.private import OWN_FOLDER
from ml_connector.project import project_root
from ml_connector.state_directory import hashed

__all__ = ["Failure", "forget", "known", "note"]

_LOG = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True)
class Failure:
    """A tap whose newest run ended with an error.

    Attributes:
        plugin: The tap, as Meltano has it (``tap-bill--vendors``).
        environment: Meltano's environment; empty outside Meltano.
        by: Who ran it.
        at: When it ended.
        since: When the first of the runs ended that have failed one after the other.
        times: How many these are.
        what: Why, in one line.
        cure: What to do, in one line; empty where nobody knows.
    """

    plugin: str
    environment: str
    by: str
    at: dt.datetime
    since: dt.datetime
    times: int
    what: str
    cure: str


def note(tap: str, what: str, cure: str) -> None:
    """Remember that a tap has ended with an error; that this cannot be written down is logged and stops nothing.

    Args:
        tap: The plugin.
        what: Why, in one line.
        cure: What to do, in one line.
    """
    path = _file(tap)
    if not (os.environ.get("MELTANO_PROJECT_ROOT") or path.parent.parent.is_dir()):
        return
    now = dt.datetime.now(dt.UTC)
    before = _read(path)
    failure = Failure(
        _name(tap),
        _environment(),
        actor(tap),
        now,
        before.since if before else now,
        before.times + 1 if before else 1,
        " ".join(what.split()),
        " ".join(cure.split()),
    )
    values = dataclasses.asdict(failure) | {name: getattr(failure, name).isoformat() for name in ("at", "since")}
    try:
        replace_file(path, json.dumps(values, ensure_ascii=False, indent=1).encode(), keep_mode=False)
    except UserError as error:
        _LOG.warning("that %s has failed cannot be remembered: %s", tap, error)


def forget(tap: str) -> None:
    """Forget what was noted of a tap, which has come to its end."""
    try:
        _file(tap).unlink(missing_ok=True)
    except OSError as error:
        _LOG.warning("that %s has failed before cannot be forgotten: %s", tap, error)


def known() -> list[Failure]:
    """Return the taps of this project whose newest run ended with an error, newest first."""
    found = (_read(path) for path in (project_root() / OWN_FOLDER / "taps").glob("*.json"))
    return sorted(filter(None, found), key=lambda each: each.at, reverse=True)


def _read(path: Path) -> Failure | None:
    """Return what is noted in a file; one that is damaged says nothing, and the next run of its tap mends it."""
    try:
        values: dict[str, t.Any] = json.loads(path.read_bytes())
        moments = {name: dt.datetime.fromisoformat(values[name]) for name in ("at", "since")}
        return Failure(**{**values, **moments})
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _file(tap: str) -> Path:
    return project_root() / OWN_FOLDER / "taps" / f"{hashed(f'{_name(tap)} {_environment()}')}.json"


def _name(tap: str) -> str:
    """Return how Meltano calls a tap that it runs, which one that inherits from it may be."""
    return os.environ.get("MELTANO_EXTRACTOR_NAME") or tap


def _environment() -> str:
    return os.environ.get("MELTANO_ENVIRONMENT") or ""
