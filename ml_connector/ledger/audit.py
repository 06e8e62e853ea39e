"""The audit chain: who did what to which document, when, and what came of it; provably complete."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import json
import typing as t

import sqlalchemy as sa

from ml_connector.documents import canonical_json
from ml_connector.ledger.schema import audit, audit_head

__all__ = ["GENESIS", "ChainBroken", "Step", "append", "verify"]

GENESIS: t.Final = "0" * 64
"""The hash before the first row."""


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """One thing that was done.

    Attributes:
        action: ``received``, ``intent``, ``posted``, ``updated``, ``looked_up``, ``adopted``, ``linked``, ``held``,
            ``failed``, ``ignored``, ``replayed``, ``verified``.
        outcome: One line for people.
        entry_id: The ledger entry concerned.
        external_id: Its id in the target.
        detail: Request, response, warnings, version ...: free of secrets and bank details.
    """

    action: str
    outcome: str
    entry_id: int | None = None
    external_id: str | None = None
    detail: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class ChainBroken(Exception):
    """The chain does not hold together.

    Attributes:
        seq: First row that is wrong.
        why: What is wrong with it.
    """

    seq: int
    why: str

    def __str__(self) -> str:
        return f"audit entry {self.seq}: {self.why}"


def append(connection: sa.Connection, steps: t.Sequence[Step], *, run: str | None, actor: str) -> None:
    """Append steps inside the caller's transaction, so that they are durable exactly when their effect is."""
    if not steps:
        return
    # Locks the head until commit: several writers on PostgreSQL append one after the other.
    head = connection.execute(sa.select(audit_head).with_for_update()).one()
    seq, previous = head.seq, head.hash
    now = dt.datetime.now(dt.UTC)
    rows = []
    for step in steps:
        seq += 1
        row: dict[str, t.Any] = {
            "seq": seq,
            "at": now,
            "run": run,
            "actor": actor,
            "entry_id": step.entry_id,
            "external_id": step.external_id,
            "action": step.action,
            "outcome": step.outcome,
            "detail": canonical_json(step.detail),
            "previous": previous,
        }
        previous = row["hash"] = _hash(row)
        rows.append(row)
    connection.execute(sa.insert(audit), rows)
    connection.execute(sa.update(audit_head).values(seq=seq, hash=previous))


def verify(connection: sa.Connection) -> tuple[int, str]:
    """Walk the whole chain.

    Returns:
        Number of rows and the last hash.

    Raises:
        ChainBroken: A row was changed, removed or put in.
    """
    seq, previous = 0, GENESIS
    for row in connection.execution_options(yield_per=2000).execute(sa.select(audit).order_by(audit.c.seq)):
        if row.seq != seq + 1:
            raise ChainBroken(seq + 1, f"is missing (the next one there is {row.seq})")
        if row.previous != previous:
            raise ChainBroken(row.seq, "does not follow from the one before it")
        if row.hash != _hash(dict(row._mapping)):  # noqa: SLF001 - SQLAlchemy's public name for a row as a mapping
            raise ChainBroken(row.seq, "was changed after it was written")
        seq, previous = row.seq, row.hash
    head = connection.execute(sa.select(audit_head)).one()
    if (head.seq, head.hash) != (seq, previous):
        raise ChainBroken(seq + 1, f"is missing: {head.seq} entries were written, {seq} are there")
    return seq, previous


def _hash(row: t.Mapping[str, t.Any]) -> str:
    content = [
        row["seq"],
        row["at"].astimezone(dt.UTC).isoformat(timespec="microseconds"),
        *(row[name] for name in ("run", "actor", "entry_id", "external_id", "action", "outcome", "detail", "previous")),
    ]
    return hashlib.sha256(json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()
