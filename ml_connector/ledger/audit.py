"""The audit chain: who did what to which document, when, and what came of it; provably complete.

Three things prove it, each against somebody else. Every entry carries the hash of the one before it: nobody changes one
by accident or half. Every entry is sealed with a key that is not in the database: nobody who has only the database
writes one that is believed. An anchor, the newest hash kept elsewhere, shows that the end was not cut off: against
whoever has the key as well.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import json
import typing as t

import sqlalchemy as sa

from ml_connector.documents import canonical_json
from ml_connector.errors import LedgerDamaged
from ml_connector.ledger.audit_key import AuditKeys
from ml_connector.ledger.schema import amount_of, audit, audit_head, entries, meta
from ml_connector.redaction import without_secrets

__all__ = [
    "COVERED",
    "GENESIS",
    "KEPT_WITH",
    "KEYS",
    "Step",
    "append",
    "as_kept",
    "facts_of",
    "hash_of",
    "head_of",
    "new_key",
]

DAMAGED: t.Final = "Restore it from your backup (docs/operating.md)."
GENESIS: t.Final = "0" * 64
"""The hash before the first row."""
KEYS: t.Final = "audit_keys"
"""Execution option that hands a ledger's ``AuditKeys`` to whoever appends."""
_AUDIT_KEY: t.Final = "audit_key"
KEPT_WITH: t.Final = sa.select(meta.c.value).where(meta.c.key == _AUDIT_KEY)
"""Asks for the id of the key a ledger is kept with."""

COVERED: t.Final = (
    "target",
    "kind",
    "source",
    "source_id",
    "state",
    "external_id",
    "target_id",
    "target_number",
    "target_draft",
    "target_currency",
    "target_amount",
    "target_gone",
    "origin",
    "number",
    "party",
    "currency",
    "amount",
    "booking_date",
    "record_hash",
    "sent",
)
"""What an entry about a document says of its row, so that the row cannot be changed without it."""
_AS_KEPT: t.Final[t.Mapping[str, sa.types.TypeEngine[t.Any]]] = {
    "amount": sa.BigInteger(),
    "target_amount": sa.BigInteger(),
    "booking_date": sa.String(),
    "changed_at": sa.String(),
}


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """One thing that was done.

    Attributes:
        action: ``intent``, ``posted``, ``updated``, ``looked_up``, ``adopted``, ``linked``, ``held``,
            ``failed``, ``ignored``, ``reopened``, ``replayed``, ``verified``; of the ledger itself ``keyed``,
            ``restored``; of what decides over documents ``brought_in``, ``handed_over``, ``noticed``, ``matched``,
            ``accepted``, ``vault``.
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


def append(connection: sa.Connection, steps: t.Sequence[Step], *, run: str | None, actor: str) -> None:
    """Append steps inside the caller's transaction, so that they are durable exactly when their effect is.

    Call it after the effect: what the rows of the documents concerned say by then becomes part of the entries.
    """
    if not steps:
        return
    # Locks the head until commit: several writers on PostgreSQL append one after the other.
    head = head_of(connection, locked=True)
    keys: AuditKeys | None = connection.get_execution_options().get(KEYS)
    key, opening = _key(connection, keys, head.seq)
    seq, previous = head.seq, head.hash
    now = dt.datetime.now(dt.UTC)
    settled = _facts(connection, [step.entry_id for step in steps if step.entry_id is not None])
    rows = []
    for step in (*opening, *steps):
        seq += 1
        detail = dict(_told(step.detail))
        if step.entry_id in settled:
            detail["settled"] = settled[step.entry_id]
        row: dict[str, t.Any] = {
            "seq": seq,
            "at": now,
            "run": run,
            "actor": actor,
            "entry_id": step.entry_id,
            "external_id": step.external_id,
            "action": step.action,
            "outcome": without_secrets(step.outcome),
            "detail": canonical_json(detail),
            "previous": previous,
        }
        previous = row["hash"] = hash_of(row)
        row["key"] = key
        row["seal"] = keys.seal(key, previous) if keys is not None and key is not None else None
        rows.append(row)
    connection.execute(sa.insert(audit), rows)
    connection.execute(sa.update(audit_head).values(seq=seq, hash=previous))


def _told(value: t.Any) -> t.Any:
    """Return what a step tells, without secrets; what its rows say is compared with them, and so left as it is."""
    if isinstance(value, str):
        return without_secrets(value)
    if isinstance(value, t.Mapping):
        return {name: _told(item) for name, item in value.items()}
    return [_told(item) for item in value] if isinstance(value, list | tuple) else value


def head_of(connection: sa.Connection, *, locked: bool = False) -> sa.Row[t.Any]:
    """Return number and hash of the newest entry.

    Args:
        connection: The ledger.
        locked: Keep others from appending until the transaction ends.

    Raises:
        LedgerDamaged: Somebody has removed the note of it.
    """
    query = sa.select(audit_head)
    head = connection.execute(query.with_for_update() if locked else query).one_or_none()
    if head is None:
        raise LedgerDamaged("the ledger is damaged: the note of the audit's end is gone.", DAMAGED)
    return head


def new_key(connection: sa.Connection, *, actor: str) -> str:
    """Keep the audit with the first of the keys that are here from now on; return its id.

    What was sealed with a key that is lost can be proved by its hashes only.
    """
    keys: AuditKeys = connection.get_execution_options()[KEYS]
    key = keys.first()
    connection.execute(sa.delete(meta).where(meta.c.key == _AUDIT_KEY))
    connection.execute(sa.insert(meta).values(key=_AUDIT_KEY, value=key))
    append(connection, [Step("keyed", f"kept with key {key} from now on")], run=None, actor=actor)
    return key


def _facts(connection: sa.Connection, ids: t.Sequence[int]) -> dict[int, dict[str, t.Any]]:
    """Return what the rows of documents say, by entry id; what was sent as its hash."""
    if not ids:
        return {}
    query = sa.select(entries.c.id, *map(as_kept, COVERED)).where(entries.c.id.in_(ids))
    return {row.id: facts_of(row) for row in connection.execute(query)}


def as_kept(name: str) -> sa.ColumnElement[t.Any]:
    """Return a column of documents as the database has it: a damaged value can be read like any other."""
    column = entries.c[name]
    return sa.type_coerce(column, _AS_KEPT[name]).label(name) if name in _AS_KEPT else column


def facts_of(row: sa.Row[t.Any]) -> dict[str, t.Any]:
    """Return what one row, read by :func:`as_kept`, says, as an entry of the audit keeps it."""
    found = {name: getattr(row, name) for name in COVERED}
    found["sent"] = hashlib.sha256(str(found["sent"]).encode()).hexdigest() if found["sent"] is not None else None
    for name in ("amount", "target_amount"):
        amount = found[name]
        found[name] = format(amount_of(amount), "f") if isinstance(amount, int) else amount
    found["booking_date"] = None if found["booking_date"] is None else str(found["booking_date"])
    return found


def hash_of(row: t.Mapping[str, t.Any]) -> str:
    """Return the hash of an entry, which that of the one before it is part of."""
    content = [
        row["seq"],
        row["at"].astimezone(dt.UTC).isoformat(timespec="microseconds"),
        *(row[name] for name in ("run", "actor", "entry_id", "external_id", "action", "outcome", "detail", "previous")),
    ]
    return hashlib.sha256(json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()


def _key(connection: sa.Connection, keys: AuditKeys | None, seq: int) -> tuple[str | None, tuple[Step, ...]]:
    """Return the key entries are sealed with, and what is to be said before the first of them.

    Only a throw-away copy of a ledger has no keys.
    """
    if keys is None:
        return None, ()
    key = connection.execute(KEPT_WITH).scalar()
    if key is not None:
        keys.require(key)
        return key, ()
    key = keys.first()
    connection.execute(sa.insert(meta).values(key=_AUDIT_KEY, value=key))
    if not seq:
        return key, ()
    return key, (Step("keyed", f"kept with key {key} from now on; what stands before is proved by its hashes only"),)
