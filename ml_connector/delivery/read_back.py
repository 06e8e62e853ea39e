"""Reading back what was posted: an answer without a fault is not proof (docs/systems/workday.md#w4-1)."""

from __future__ import annotations

import dataclasses
import datetime as dt
import logging
import typing as t

import pydantic
import sqlalchemy as sa

from ml_connector import defects, exact_json
from ml_connector.delivery.comparing import DISPUTED, amount_found, disagreement, is_disputed, is_gone
from ml_connector.delivery.sink import DocumentSink, Found
from ml_connector.errors import ConnectorError, Reason, SystemFault
from ml_connector.ledger import audit
from ml_connector.ledger.entries import Entry, damaged, read
from ml_connector.ledger.runs import Outcome, Run
from ml_connector.ledger.schema import entries, is_open
from ml_connector.ledger.store import Ledger

__all__ = ["verify_posted"]

_logger = logging.getLogger(__name__)

_BATCH = 100
_WATCH_EVERY = dt.timedelta(hours=20)
_WATCHED_A_RUN = 5000
"""How many watched documents one run looks at: those first that were looked at longest ago."""


def verify_posted(
    ledger: Ledger,
    target: str,
    sink: DocumentSink[t.Any],
    run: Run,
    target_name: str,
    *,
    ours: sa.ColumnElement[bool],
    drafts_too: bool = False,
) -> None:
    """Compare what is posted and not yet verified, disputed, or still watched, with what the target holds.

    What differs is held. Drafts are looked at once a day: whether they are still there, and still drafts. What people
    do to a draft before they post it themselves is theirs to decide.

    Args:
        ledger: What was sent.
        target: The target instance.
        sink: The target's side.
        run: The run it belongs to.
        target_name: How people call the target.
        ours: Which documents are the run's, see ``owners.Reach``.
        drafts_too: Look at all drafts now, which something has just been done with.
    """
    if not sink.reads_back:
        return
    mine = sa.and_(
        ours,
        entries.c.target == target,
        entries.c.kind == sink.kind,
        entries.c.target_id.is_not(None),
        entries.c.uncertain.is_(sa.false()),
        entries.c.origin.in_(("delivered", "found")),
        entries.c.sent.is_not(None),
    )
    try:
        for batch in _to_look_at(ledger, sink, mine, drafts_too=drafts_too):
            _look_at(ledger, sink, run, target_name, batch)
    except SystemFault as fault:
        _logger.warning("posted documents could not be read back now, the next run will: %s", fault)


def _look_at(ledger: Ledger, sink: DocumentSink[t.Any], run: Run, target_name: str, batch: list[Entry]) -> None:
    found = sink.read_back([entry.target_id for entry in batch if entry.target_id])
    looks = [_Look.at(sink, entry, found.get(entry.target_id or ""), target_name) for entry in batch]
    ledger.write(lambda connection: _store(connection, looks, run))
    for look in looks:
        if look.reason is not None:
            _count(run, look.entry, "held", (look.reason,))
            if look.reason.code == defects.CODE:
                run.summary.defects.add(look.reason.value or "")
        elif is_disputed(look.entry):
            _count(run, look.entry, "unchanged")


def _count(run: Run, entry: Entry, outcome: Outcome, reasons: tuple[Reason, ...] = ()) -> None:
    run.summary.settle(
        entry.id,
        entry.kind,
        outcome,
        currency=entry.currency,
        amount=entry.amount,
        reasons=reasons,
    )


def _to_look_at(
    ledger: Ledger, sink: DocumentSink[t.Any], mine: sa.ColumnElement[bool], *, drafts_too: bool
) -> t.Iterator[list[Entry]]:
    """Yield documents to read back: those never found equal and drafts, then the disputed, then what is watched."""
    now = dt.datetime.now(dt.UTC)
    long_ago = entries.c.verified_at < now - _WATCH_EVERY
    draft = entries.c.target_draft.is_(sa.true())
    never: sa.ColumnElement[bool] = entries.c.verified_at.is_(None)
    if sink.leaves_drafts or drafts_too:
        never = sa.or_(never, sa.and_(draft, sa.true() if drafts_too else long_ago))
    else:
        never = sa.and_(never, sa.not_(draft))  # delivery itself looks at drafts
    yield from _in_order(ledger, mine & never & entries.c.state.in_(("posted", "held")))
    disputed = sa.and_(is_open, entries.c.state == "held", entries.c.reasons.contains(f'"{DISPUTED}"'))
    yield from _in_order(ledger, mine & disputed & sa.not_(draft) & (entries.c.verified_at < now))
    if sink.watched:
        recent = entries.c.posted_at > now - sink.watched
        watched = mine & (entries.c.state == "posted") & sa.not_(draft) & recent & long_ago
        query = sa.select(entries.c.id).where(watched).order_by(entries.c.verified_at).limit(_WATCHED_A_RUN)
        ids = ledger.ask(lambda connection: connection.execute(query).scalars().all())
        for start in range(0, len(ids), _BATCH):
            some = sa.select(entries).where(entries.c.id.in_(ids[start : start + _BATCH]), watched)
            if batch := ledger.ask(lambda connection, some=some: read(connection, some)):  # type: ignore[misc]
                yield batch


def _in_order(ledger: Ledger, due: sa.ColumnElement[bool]) -> t.Iterator[list[Entry]]:
    after = 0
    while True:
        query = sa.select(entries).where(due, entries.c.id > after).order_by(entries.c.id).limit(_BATCH)
        batch = ledger.ask(lambda connection, query=query: read(connection, query))  # type: ignore[misc]
        if not batch:
            return
        after = batch[-1].id
        yield batch


def _judged(sink: DocumentSink[t.Any], entry: Entry, found: Found | None, target_name: str) -> Reason | None:
    """Return what stands against a posted document; what cannot be compared holds that one only."""
    if entry.damage is not None:
        return damaged(entry.damage)
    try:
        return disagreement(sink, entry, found, target_name)
    except pydantic.ValidationError:
        return damaged("sent")
    except Exception as error:
        if isinstance(error, ConnectorError) or defects.is_of_the_machine(error):
            raise
        during = f"kept it from being compared with what {target_name} has; it was posted as {entry.target_id}"
        return defects.reason(defects.note(error), during=during, cure="quote the number when you report it")


@dataclasses.dataclass(frozen=True, slots=True)
class _Look:
    """What came of looking at one document.

    Attributes:
        entry: The document, as it was before.
        there: What the target shows of it.
        reason: Why it is held.
        gone: Whether it counts for nothing any more over there; None where that cannot be said.
    """

    entry: Entry
    there: Found | None
    reason: Reason | None
    gone: bool | None

    @classmethod
    def at(cls, sink: DocumentSink[t.Any], entry: Entry, there: Found | None, target_name: str) -> _Look:
        """Compare a document with what the target shows of it."""
        gone = is_gone(sink, entry, there)
        # A draft that was found equal once, and that nobody has undone, is its people's.
        left = entry.target_draft and entry.verified_at is not None and there is not None and not gone
        reason = None if left else _judged(sink, entry, there, target_name)
        return cls(entry, there, reason, gone if entry.damage is None and (there or gone) else None)

    @property
    def standing(self) -> dict[str, t.Any]:
        """What is news of what stands over there."""
        news: dict[str, t.Any] = {}
        if self.gone is not None and self.gone != self.entry.target_gone:
            news["target_gone"] = self.gone
        amount = amount_found(self.there) if self.there is not None and not self.gone else None
        if amount is not None and amount != self.entry.target_amount:
            news |= {"target_amount": amount, "target_currency": self.entry.target_currency or self.entry.currency}
        return news


def _store(connection: sa.Connection, looks: list[_Look], run: Run) -> None:
    now = dt.datetime.now(dt.UTC)
    good = [look.entry.id for look in looks if look.reason is None]
    steps = []
    for look in looks:
        entry, there, reason, standing = look.entry, look.there, look.reason, look.standing
        if entry.target_draft and there is not None and not there.draft and not there.cancelled:
            steps.append(_became_more(connection, entry, there, now))
        held = {
            "state": "held",
            "reasons": exact_json.dumps([reason.to_dict()]) if reason is not None else "",
            "held_since": entry.held_since or now,
        }
        values = {**standing, **(held if reason is not None else {})}
        if values:
            connection.execute(sa.update(entries).where(entries.c.id == entry.id).values(**values))
        if reason is not None and (standing or entry.reasons != (reason,) or entry.state != "held"):
            steps.append(audit.Step("held", reason.what, entry.id, entry.external_id))
    if good:
        connection.execute(
            sa.update(entries).where(entries.c.id.in_(good), entries.c.state == "posted").values(verified_at=now)
        )
        connection.execute(
            sa.update(entries)
            .where(entries.c.id.in_(good), entries.c.reasons.contains(f'"{DISPUTED}"'))
            .values(verified_at=now, state="posted", reasons="[]", held_since=None)
        )
        steps += [
            audit.Step("verified", "read back, equal again", look.entry.id, look.entry.external_id)
            for look in looks
            if look.reason is None and (look.entry.state == "held" or look.standing)
        ]
        # What is watched is looked at every day: its ids are not told each time.
        first = [look.entry.external_id for look in looks if look.reason is None and look.entry.verified_at is None]
        detail = {"external_ids": first} if first else {}
        steps.append(audit.Step("verified", f"{len(good)} documents read back, equal", detail=detail))
    audit.append(connection, steps, run=run.id, actor=run.actor)


def _became_more(connection: sa.Connection, entry: Entry, there: Found, now: dt.datetime) -> audit.Step:
    """Note that a draft was submitted or posted."""
    connection.execute(
        sa.update(entries)
        .where(entries.c.id == entry.id)
        .values(
            target_draft=False,
            target_open=bool(there.open),
            target_number=there.number or entry.target_number,
            posted_at=now,
        )
    )
    words = f"{there.number or there.target_id} is no draft any more ({there.status})"
    return audit.Step("looked_up", words, entry.id, entry.external_id)
