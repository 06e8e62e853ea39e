"""Keeping the sandbox's data between two runs of the command."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from erp_sandbox.server import Sandbox

_FILE = "sandbox.json"


def save_snapshot(box: Sandbox, directory: Path) -> Path:
    """Write the data of both systems; a crash meanwhile leaves the earlier file as it was.

    Returns:
        The file.
    """
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / _FILE
    fresh = path.with_suffix(".new")
    fresh.write_bytes(msgspec.json.encode({"bill": box.bill.snapshot()}))
    os.replace(fresh, path)
    return path


def load_snapshot(box: Sandbox, directory: Path) -> bool:
    """Go on with the data of an earlier run.

    Returns:
        False if there is none.
    """
    path = directory / _FILE
    if not path.exists():
        return False
    saved = msgspec.json.decode(path.read_bytes())
    box.bill.restore(saved["bill"])
    return True
