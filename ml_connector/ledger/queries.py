"""What people ask the ledger, and the few things they may tell it."""

from __future__ import annotations

import dataclasses
import datetime as dt
import typing as t
from decimal import Decimal, InvalidOperation

import sqlalchemy as sa

from ml_connector import exact_json
from ml_connector.documents import Supplier
from ml_connector.errors import Reason, UserError
from ml_connector.ledger import audit, leftout
from ml_connector.ledger.entries import Entry, read
from ml_connector.ledger.leftout import LeftOut
from ml_connector.ledger.schema import amount_of, entries, keeps, runs
from ml_connector.ledger.schema import audit as audit_table
from ml_connector.ledger.schema import left_out as table_left_out
from ml_connector.ledger.store import Ledger

__all__ = [
    "Posted",
    "find",
    "held",
    "history",
    "ignore",
    "left_out",
    "left_out_as",
    "named",
    "newest_runs",
    "posted_totals",
    "replay",
    "states",
]

_MANY = 50
_LINKED_SUPPLIER = sa.and_(
    entries.c.kind == Supplier.kind, entries.c.target_id.is_not(None), entries.c.uncertain == sa.false()
)


@dataclasses.dataclass(frozen=True, slots=True)
class Posted:
    """What a target holds of ours in one currency, as drafts or as more than that, or held once and has not any more.

    Attributes:
        target: The target instance.
        kind: Kind of document.
        draft: Whether they are drafts, which count for nothing yet.
        gone: Whether they were cancelled or deleted over there, and count for nothing any more.
        currency: Currency.
        documents: How many.
        amount: What they amount to, as they were sent, or as they were read back since.
    """

    target: str
    kind: str
    draft: bool
    gone: bool
    currency: str
    documents: int
    amount: Decimal


def states(connection: sa.Connection) -> list[sa.Row[t.Any]]:
    """Return (target, kind, state, documents), of all documents; drafts are none that are posted."""
    left = sa.and_(entries.c.state == "posted", entries.c.target_draft.is_(sa.true()))
    state = sa.case((left, "draft"), else_=entries.c.state).label("state")
    query = (
        sa.select(entries.c.target, entries.c.kind, state, sa.func.count().label("documents"))
        .group_by(entries.c.target, entries.c.kind, state)
        .order_by(entries.c.target, entries.c.kind, state)
    )
    return list(connection.execute(query))


def posted_totals(connection: sa.Connection) -> list[Posted]:
    """Return what targets hold of ours, exactly, per kind and currency: what stands there, whatever the source says."""
    columns = entries.c
    groups = (columns.target, columns.kind, columns.target_draft, columns.target_gone, columns.target_currency)
    total = sa.cast(sa.func.sum(sa.type_coerce(columns.target_amount, sa.BigInteger)), sa.Text)
    query = (
        sa.select(*groups, sa.func.count(), total)
        .where(columns.target_id.is_not(None), columns.target_amount.is_not(None))
        .group_by(*groups)
        .order_by(columns.target, columns.kind, columns.target_gone, columns.target_draft, columns.target_currency)
    )
    return [
        Posted(target, kind, draft, gone, currency, documents, amount_of(total))
        for target, kind, draft, gone, currency, documents, total in connection.execute(query)
    ]


def newest_runs(connection: sa.Connection, *, limit: int) -> list[sa.Row[t.Any]]:
    """Return the newest runs, newest first."""
    return list(connection.execute(sa.select(runs).order_by(runs.c.id.desc()).limit(limit)))


def held(connection: sa.Connection, *, held_by: str | None = None, target: str | None = None) -> list[Entry]:
    """Return documents that are held, longest first.

    Args:
        connection: The ledger.
        held_by: Only those held by this (``supplier:S-00031``, or a code such as ``unbalanced``).
        target: Only those for this target.
    """
    mine = sa.and_(entries.c.state == "held", _for(entries, target))
    query = sa.select(entries).where(mine).order_by(entries.c.held_since, entries.c.id)
    found = read(connection, query)
    return [entry for entry in found if held_by is None or _held_by(entry, held_by)]


def find(connection: sa.Connection, term: str, *, target: str | None = None) -> list[Entry]:
    """Return documents by human number, id on either side, vendor name or amount, best first.

    Args:
        connection: The ledger.
        term: What a person typed; nothing is called by an empty text.
        target: Only documents for this target.
    """
    found = named(connection, term, target=target)
    if not found and (amount := _amount(term)) is not None:
        found = _entries(connection, entries.c.amount == amount, target)
    if not found and term.strip():
        pattern = f"%{_escaped(term.lower())}%"
        found = _entries(connection, sa.func.lower(entries.c.party).like(pattern, escape="\\"), target)
    return found


def named(connection: sa.Connection, term: str, *, target: str | None = None) -> list[Entry]:
    """Return documents by human number or id on either side."""
    columns = entries.c
    ways = (columns.number, columns.source_id, columns.external_id, columns.target_id, columns.target_number)
    return _entries(connection, sa.or_(*(column == term for column in ways)), target)


def left_out_as(connection: sa.Connection, term: str, *, target: str | None = None) -> list[LeftOut]:
    """Return what the map's filter left out by amount or vendor name, best first."""
    return leftout.called(connection, f"%{_escaped(term.lower())}%", _amount(term), target=target)


def left_out(connection: sa.Connection) -> list[sa.Row[t.Any]]:
    """Return (target, kind, why, records) of all that the map's filter left out, most frequent condition first."""
    columns = table_left_out.c
    query = (
        sa.select(columns.target, columns.kind, columns.why, sa.func.count().label("records"))
        .group_by(columns.target, columns.kind, columns.why)
        .order_by(columns.target, columns.kind, sa.desc("records"), columns.why)
    )
    return list(connection.execute(query))


def history(connection: sa.Connection, entry: Entry) -> list[sa.Row[t.Any]]:
    """Return what was done with a document, oldest first."""
    query = sa.select(audit_table).where(audit_table.c.entry_id == entry.id).order_by(audit_table.c.seq)
    return list(connection.execute(query))


def ignore(ledger: Ledger, chosen: t.Sequence[Entry], *, reason: str, actor: str) -> None:
    """Note that documents were dealt with elsewhere; nothing is done with them any more."""
    why = Reason("done_elsewhere", reason, "`ml-connector replay` takes it up again")
    stored = exact_json.dumps([why.to_dict()])
    values = {"state": "ignored", "reasons": stored, "held_since": None, "next_attempt_at": None}
    steps = [audit.Step("ignored", reason, entry.id, entry.external_id) for entry in chosen]
    _act(ledger, chosen, steps, actor, values)


def replay(ledger: Ledger, chosen: t.Sequence[Entry], *, actor: str) -> None:
    """Let the next run try documents again from the start; uncertain ones are looked up first, as always."""
    values = {
        "state": "received",
        "attempts": 0,
        "next_attempt_at": None,
        "last_run": None,
        "refused": None,
        # What a supplier said when it was sent last keeps back what would overwrite others' changes; now it need not.
        "sent": sa.case((_LINKED_SUPPLIER, sa.null()), else_=entries.c.sent),
    }
    outcome = "to be tried again by the next run"
    steps = [audit.Step("replayed", outcome, entry.id, entry.external_id) for entry in chosen]
    _act(ledger, chosen, steps, actor, values)


def _act(
    ledger: Ledger, chosen: t.Sequence[Entry], steps: list[audit.Step], actor: str, values: dict[str, t.Any]
) -> None:
    ids = [entry.id for entry in chosen]
    busy = [
        entry.label for entry in chosen if entry.state == "posting" and entry.lease_until and entry.lease_until > _now()
    ]
    if busy:
        raise UserError(f"{', '.join(busy)} is being posted at this moment.", "Try again when the run has ended.")

    def work(connection: sa.Connection) -> None:
        connection.execute(sa.update(entries).where(entries.c.id.in_(ids)).values(**values))
        audit.append(connection, steps, run=None, actor=actor)

    ledger.write(work)


def _for(table: sa.Table, target: str | None) -> sa.ColumnElement[bool]:
    return sa.true() if target is None else table.c.target == target


def _entries(connection: sa.Connection, condition: sa.ColumnElement[bool], target: str | None) -> list[Entry]:
    meant = sa.and_(condition, _for(entries, target))
    query = sa.select(entries).where(meant).order_by(entries.c.changed_at.desc()).limit(_MANY)
    return read(connection, query)


def _held_by(entry: Entry, held_by: str) -> bool:
    return any(held_by in (reason.key, reason.code) for reason in entry.reasons)


def _amount(term: str) -> Decimal | None:
    try:
        amount = Decimal(term.replace(",", ""))
    except InvalidOperation:
        return None
    return amount if keeps(amount) else None


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
