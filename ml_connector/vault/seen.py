"""What is remembered of a vault outside its file: the newest content seen, so that an older copy is told from it.

It lies in the state directory, by the vault's path. Where there is nothing, as on a new machine, what is there first is
taken for the newest.
"""

from __future__ import annotations

import json
import os
import typing as t
from pathlib import Path

from ml_connector.files import replace_private_file, sweep
from ml_connector.private import file_lock, open_file
from ml_connector.state_directory import hashed, state_directory

__all__ = ["Seen", "SeenBefore"]

_MOST: t.Final = 1000


class SeenBefore(t.NamedTuple):
    """The newest content seen.

    Attributes:
        changes: How many changes had been made.
        mark: What tells that content from any other.
    """

    changes: int
    mark: str


class Seen:
    """The memory of one vault, shared by all processes of a user.

    Args:
        vault: The vault's path.
    """

    def __init__(self, vault: Path) -> None:
        self._path = state_directory("vault") / f"{hashed(str(vault))}.seen"

    def read(self) -> SeenBefore | None:
        """Return the newest content seen; to be asked before the file is read, which others may change meanwhile."""
        try:
            with os.fdopen(open_file(self._path, os.O_RDONLY), "rb") as file:
                kept = json.loads(file.read(_MOST))
            return SeenBefore(int(kept["changes"]), str(kept["mark"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def note(self, found: SeenBefore) -> None:
        """Remember content, unless newer has been seen by another process meanwhile.

        Raises:
            OSError: It cannot be written.
        """
        with file_lock(self._path.with_name(f"{self._path.name}.lock")):
            before = self.read()
            if before is None or before.changes < found.changes:
                sweep(self._path)
                replace_private_file(self._path, json.dumps(found._asdict()).encode())
