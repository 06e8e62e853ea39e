"""Keeping the sandbox's data between two runs of the command."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from pathlib import Path

    from erp_sandbox.server import Sandbox

_FILE = "sandbox.json"


class SnapshotUnreadableError(Exception):
    """The file is damaged or of another version of the sandbox."""


class _Snapshot(msgspec.Struct):
    bill: msgspec.Raw
    workday: msgspec.Raw
    business_central: msgspec.Raw


def save_snapshot(box: Sandbox, directory: Path) -> Path:
    """Write the data of all systems; a crash meanwhile leaves the earlier file as it was.

    Returns:
        The file.
    """
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / _FILE
    fresh = path.with_suffix(".new")
    fresh.write_bytes(
        msgspec.json.encode(
            _Snapshot(
                msgspec.Raw(box.bill.to_json()),
                msgspec.Raw(box.workday.to_json()),
                msgspec.Raw(box.business_central.to_json()),
            )
        )
    )
    fresh.replace(path)
    return path


def load_snapshot(box: Sandbox, directory: Path) -> bool:
    """Go on with the data of an earlier run, whatever world the sandbox was made with.

    Returns:
        False if there is none.

    Raises:
        SnapshotUnreadableError: there is one, but it cannot be used; the message says what to do.
    """
    path = directory / _FILE
    if not path.exists():
        return False
    try:
        saved = msgspec.json.decode(path.read_bytes(), type=_Snapshot)
        box.bill.from_json(bytes(saved.bill))
        box.workday.from_json(bytes(saved.workday))
        box.business_central.from_json(bytes(saved.business_central))
    except msgspec.DecodeError as error:
        raise SnapshotUnreadableError(f"{path} cannot be read ({error}). Remove it to start anew.") from None
    return True
