"""Leaving the end of the audit chain where whoever can write the ledger cannot."""

from __future__ import annotations

import datetime as dt
import os
import shlex
import subprocess
import typing as t
from pathlib import Path

from ml_connector.errors import SettingInvalid
from ml_connector.ledger.proof import Anchor
from ml_connector.project import project_root

__all__ = ["AnchorNotLeft", "check_place", "leave"]

_PATIENCE: t.Final = 60


class AnchorNotLeft(Exception):
    """The place for anchors did not take one."""


def check_place(place: str) -> None:
    """See that a place can be one.

    Raises:
        SettingInvalid: It cannot.
    """
    how, _, rest = place.partition(":")
    if place != "log" and not (how in ("file", "command") and rest.strip()):
        raise SettingInvalid(
            f'setting "audit_anchor" cannot be {place!r}.',
            "Use file:/path/to/file, command:program with its words, or log.",
        )


def leave(anchor: Anchor, place: str) -> str:
    """Write an anchor to its place; return the line.

    Args:
        anchor: The end of the chain.
        place: ``file:PATH``: a line is added to the file. ``command:WORDS``: a program gets the line on its standard
            input, without a shell. ``log``: the caller logs what is returned.

    Raises:
        AnchorNotLeft: The place did not take it.
    """
    line = f"{anchor} {dt.datetime.now(dt.UTC):%Y-%m-%dT%H:%M:%SZ}"
    how, _, rest = place.partition(":")
    try:
        if how == "file":
            path = project_root() / Path(rest.strip()).expanduser()
            opened = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            with os.fdopen(opened, "a", encoding="utf-8") as file:
                file.write(f"{line}\n")
        elif how == "command":
            done = subprocess.run(  # noqa: S603 - the program is the one its owner has set
                shlex.split(rest), input=f"{line}\n", text=True, capture_output=True, timeout=_PATIENCE, check=False
            )
            if done.returncode:
                said = done.stderr.strip().splitlines()
                raise AnchorNotLeft(f"it ended with {done.returncode}{': ' + said[-1] if said else ''}")
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise AnchorNotLeft(str(getattr(error, "strerror", None) or error)) from None
    return line
