"""What the newest dry run to each target would hold, kept beside the ledger: a dry run alters nothing in it.

A dry run works on a copy of the ledger that is thrown away, so what it would hold is kept in a file of the project
(``.ml-connector/dry-runs``), one for each target, which the next dry run to it replaces.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import typing as t
from pathlib import Path

import sqlalchemy as sa

from ml_connector.errors import UserError
from ml_connector.files import replace_file
from ml_connector.ledger.aside import UNREADABLE
from ml_connector.ledger.entries import Entry, read
from ml_connector.ledger.runs import Run
from ml_connector.ledger.schema import entries
from ml_connector.ledger.store import Ledger
from ml_connector.money import exact
from ml_connector.private import OWN_FOLDER
from ml_connector.project import project_root
from ml_connector.state_directory import hashed

__all__ = ["DryRun", "keep", "kept"]

_SOME: t.Final = 500


@dataclasses.dataclass(frozen=True, slots=True)
class DryRun:
    """The newest dry run to a target.

    Attributes:
        run: Its id.
        target: The target instance.
        transform: The map applied, if any.
        at: When it ended.
        ended_early: What kept it from coming to everything, if anything did.
        held: Documents it would hold, as ``held`` tells them to programs, longest held first.
    """

    run: str
    target: str
    transform: str | None
    at: dt.datetime
    ended_early: str | None
    held: tuple[dict[str, t.Any], ...]


def keep(ledger: Ledger, run: Run, *, target: str, transform: str | None) -> None:
    """Keep what a dry run would hold, in place of what the one before it to this target would have.

    Args:
        ledger: The throw-away copy it has worked on.
        run: The dry run.
        target: The target instance.
        transform: The map applied, if any.

    Raises:
        UserError: The file cannot be written.
    """
    found = [_row(entry) for entry in _held(ledger, run, target)]
    account = {
        "run": run.id,
        "target": target,
        "transform": transform,
        "at": dt.datetime.now(dt.UTC).isoformat(),
        "ended_early": run.summary.failed or run.summary.stopped,
        "held": found,
    }
    text = json.dumps(account, ensure_ascii=False, indent=1)
    replace_file(_folder() / f"{hashed(target)}.json", text.encode(), keep_mode=False)


def kept() -> list[DryRun]:
    """Return the newest dry run to each target, newest first.

    Raises:
        UserError: What was kept cannot be read.
    """
    found = []
    for path in _folder().glob("*.json"):
        try:
            account = json.loads(path.read_bytes())
            moment = dt.datetime.fromisoformat(account.pop("at"))
            found.append(DryRun(**{**account, "at": moment, "held": tuple(map(_read, account["held"]))}))
        except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
            raise UserError(
                f"{path} cannot be read: {getattr(error, 'strerror', None) or type(error).__name__}.",
                "Remove it; the next dry run makes another.",
            ) from None
    return sorted(found, key=lambda each: each.at, reverse=True)


def _held(ledger: Ledger, run: Run, target: str) -> list[Entry]:
    rows = run.summary.held_rows()
    lines = sa.and_(entries.c.target == target, entries.c.kind == UNREADABLE, entries.c.state == "held")
    conditions = [lines, *(entries.c.id.in_(rows[at : at + _SOME]) for at in range(0, len(rows), _SOME))]
    found = [
        entry
        for condition in conditions
        for entry in ledger.ask(lambda connection, of=condition: read(connection, sa.select(entries).where(of)))  # type: ignore[misc]
    ]
    return sorted(found, key=lambda entry: (entry.held_since is None, entry.held_since, entry.id))


def _row(entry: Entry) -> dict[str, t.Any]:
    amount = entry.amount
    if amount is not None and entry.currency:
        amount = exact(amount, entry.currency)
    return {
        "kind": entry.kind,
        "number": entry.number,
        "source": entry.source,
        "source_id": entry.source_id,
        "version": entry.version,
        "vendor": entry.party,
        "currency": entry.currency,
        "amount": None if amount is None else format(amount, "f"),
        "date": entry.booking_date.isoformat() if entry.booking_date else None,
        "target": entry.target,
        "external_id": entry.external_id,
        "held_since": entry.held_since.isoformat() if entry.held_since else None,
        "reasons": [reason.to_dict() | {"held_by": reason.key} for reason in entry.reasons],
    }


def _read(row: dict[str, t.Any]) -> dict[str, t.Any]:
    since = row["held_since"]
    return {**row, "held_since": dt.datetime.fromisoformat(since) if since else None}


def _folder() -> Path:
    return project_root() / OWN_FOLDER / "dry-runs"
