"""What ``doctor`` tells of the files on this machine: which are open to others, and what killed runs have left."""

from __future__ import annotations

import contextlib
import dataclasses
import sys
import typing as t
from pathlib import Path

import click
import sqlalchemy as sa

from ml_connector.errors import ConnectorError, UserError
from ml_connector.ledger.engine import located
from ml_connector.leftovers import left_over, remove
from ml_connector.private import OWN_FOLDER, open_mode
from ml_connector.project import project_root
from ml_connector.state_directory import state_directory
from ml_connector.text import legible
from ml_connector.vault.file import backup_of
from ml_connector.vault.vault import vault_path

__all__ = ["FilesAtRest", "examined"]

_OF_A_LEDGER: t.Final = ("", "-wal", "-shm", "-journal")
_SHOWN: t.Final = 3


@dataclasses.dataclass(frozen=True, slots=True)
class FilesAtRest:
    """What was found.

    Attributes:
        open: Files and folders others of this machine may use, with their modes.
        left: What killed runs have left.
        why: Why the state directory cannot be used, if it cannot.
    """

    open: t.Mapping[Path, int]
    left: t.Sequence[Path]
    why: str = ""

    def to_dict(self) -> dict[str, t.Any]:
        """Return what programs get."""
        return {
            "open": [{"path": path, "mode": f"{mode:04o}"} for path, mode in self.open.items()],
            "left": list(self.left),
            "error": self.why or None,
        }

    def lines(self) -> t.Iterator[str]:
        """Return what people read; nothing where all is well."""
        if self.why:
            yield from _warning(*self.why.splitlines())
        for path, mode in self.open.items():
            yield from _warning(f"others of this machine may use {path} (mode {mode:04o})", f"chmod go= {path}")
        if self.left:
            more = f" and {len(self.left) - _SHOWN} more" if len(self.left) > _SHOWN else ""
            yield from _warning(
                f"killed runs have left {', '.join(map(str, self.left[:_SHOWN]))}{more}; credentials may stand in them",
                "ml-connector doctor --remove-leftovers removes them",
            )

    def removed(self, *, wanted: bool, yes: bool) -> bool:
        """Remove what was left, if whoever asked agrees; at a terminal it is offered.

        Args:
            wanted: Whether it was asked for.
            yes: Whether nobody is to be asked.

        Returns:
            Whether it was removed.

        Raises:
            UserError: It cannot be.
        """
        if not self.left or not (wanted or (sys.stdin.isatty() and sys.stderr.isatty())):
            return False
        for path in self.left:
            click.echo(f"  {legible(str(path))}", err=True)
        if not yes and not click.confirm("Remove what killed runs have left?", abort=wanted, err=True):
            return False
        try:
            remove(self.left)
        except OSError as error:
            raise UserError(
                f"{error.filename} cannot be removed: {error.strerror or error}.", "Give this user the right to."
            ) from None
        return True


def examined(ledger_url: str) -> FilesAtRest:
    """Return what is found of the project's files, before anything is opened that would close them.

    Args:
        ledger_url: The ledger in use.
    """
    root = project_root()
    places = [root / ".env", root / OWN_FOLDER, root / ".meltano"]
    why = ""
    with contextlib.suppress(ConnectorError):  # told where they are opened
        places += [vault_path(), backup_of(vault_path())]
        places += _ledger(ledger_url)
    try:
        state_directory()
    except UserError as error:
        why = str(error)
    modes = {place: open_mode(place) for place in places}
    closed = {place for place, mode in modes.items() if mode is None}
    return FilesAtRest(
        # What lies in a folder nobody else may enter is out of reach.
        {
            place: mode
            for place, mode in modes.items()
            if mode is not None and not any(place.is_relative_to(folder) for folder in closed if folder.is_dir())
        },
        left_over(),
        why,
    )


def _ledger(url: str) -> list[Path]:
    place = located(url)
    if not place.startswith("sqlite:///"):
        return []
    file = sa.make_url(place).database or ""
    return [Path(f"{file}{ending}") for ending in _OF_A_LEDGER]


def _warning(what: str, *cure: str) -> t.Iterator[str]:
    yield f"{'files ':<9}{'warn':<6}{what}"
    yield from (f"{'':<15}{line.strip()}" for line in cure)
