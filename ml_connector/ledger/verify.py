"""Reading back what was posted: an answer without a fault is not proof (sheet workday 4.1)."""

from __future__ import annotations

import datetime as dt
import logging
import typing as t

import pydantic
import sqlalchemy as sa

from ml_connector import defects, exact_json
from ml_connector.errors import ConnectorError, Reason, SystemFault
from ml_connector.ledger import audit
from ml_connector.ledger.comparing import disagreement
from ml_connector.ledger.entries import Entry, damaged, read
from ml_connector.ledger.runs import Outcome, Run
from ml_connector.ledger.schema import entries
from ml_connector.ledger.store import Ledger
from ml_connector.singer.sink import DocumentSink, Found

__all__ = ["verify_posted"]

_logger = logging.getLogger(__name__)

_BATCH = 100
_WATCH_EVERY = dt.timedelta(hours=20)


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
    """Compare what is posted and not yet verified, or still watched, with what the target holds; hold what differs.

    Drafts are looked at once a day: whether they are still there, and still drafts. What people do to a draft before
    they post it themselves is theirs to decide.

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
    after = 0
    due = ours & _to_look_at(sink, drafts_too=drafts_too)
    while batch := _unverified(ledger, target, sink, after, due):
        after = batch[-1].id
        try:
            found = sink.read_back([entry.target_id for entry in batch if entry.target_id])
        except SystemFault as fault:
            _logger.warning("posted documents could not be read back now, the next run will: %s", fault)
            return
        verdicts = [
            (entry, there, None if _is_left(entry, there) else _judged(sink, entry, there, target_name))
            for entry in batch
            for there in (found.get(entry.target_id or ""),)
        ]
        ledger.write(lambda connection, verdicts=verdicts: _store(connection, verdicts, run))  # type: ignore[misc]
        for entry, _, reason in verdicts:
            if reason is not None:
                _count(run, entry, "held", (reason,))
                if reason.code == defects.CODE:
                    run.summary.defects.add(reason.value or "")
            elif any(known.code == "differs_in_target" for known in entry.reasons):
                _count(run, entry, "unchanged")


def _count(run: Run, entry: Entry, outcome: Outcome, reasons: tuple[Reason, ...] = ()) -> None:
    run.summary.settle(
        entry.id,
        entry.kind,
        outcome,
        currency=entry.currency,
        amount=entry.amount,
        reasons=reasons,
    )


def _is_left(entry: Entry, there: Found | None) -> bool:
    """Whether it is a draft that was found equal once, and that nobody has undone."""
    return entry.target_draft and entry.verified_at is not None and there is not None and not there.cancelled


def _to_look_at(sink: DocumentSink[t.Any], *, drafts_too: bool) -> sa.ColumnElement[bool]:
    now = dt.datetime.now(dt.UTC)
    drafts = entries.c.target_draft.is_(sa.true())
    looked_at = sa.true() if drafts_too else entries.c.verified_at < now - _WATCH_EVERY
    due: sa.ColumnElement[bool] = sa.or_(entries.c.verified_at.is_(None), sa.and_(drafts, looked_at))
    if not (sink.leaves_drafts or drafts_too):
        due = sa.and_(entries.c.verified_at.is_(None), sa.not_(drafts))  # delivery itself looks at drafts
    if sink.watched:
        recent = entries.c.posted_at > now - sink.watched
        due = sa.or_(due, sa.and_(entries.c.verified_at < now - _WATCH_EVERY, recent))
    return due


def _unverified(
    ledger: Ledger, target: str, sink: DocumentSink[t.Any], after: int, due: sa.ColumnElement[bool]
) -> list[Entry]:
    query = (
        sa.select(entries)
        .where(entries.c.target == target, entries.c.kind == sink.kind, entries.c.id > after)
        .where(entries.c.state.in_(("posted", "held")), entries.c.target_id.is_not(None))
        .where(due, entries.c.uncertain.is_(sa.false()))
        .where(entries.c.origin.in_(("delivered", "found")), entries.c.sent.is_not(None))
        .order_by(entries.c.id)
        .limit(_BATCH)
    )
    return ledger.ask(lambda connection: read(connection, query))


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


def _store(connection: sa.Connection, verdicts: list[tuple[Entry, Found | None, Reason | None]], run: Run) -> None:
    now = dt.datetime.now(dt.UTC)
    good = [entry.id for entry, _, reason in verdicts if reason is None]
    steps = []
    for entry, there, reason in verdicts:
        if entry.target_draft and there is not None and not there.draft and not there.cancelled:
            steps.append(_became_more(connection, entry, there, now))
        if reason is None:
            continue
        news = entry.reasons != (reason,)
        if news:
            steps.append(audit.Step("held", reason.what, entry.id, entry.external_id))
        connection.execute(
            sa.update(entries)
            .where(entries.c.id == entry.id)
            .values(
                state="held",
                reasons=exact_json.dumps([reason.to_dict()]),
                held_since=entry.held_since or now,
            )
        )
    if good:
        connection.execute(
            sa.update(entries).where(entries.c.id.in_(good), entries.c.state == "posted").values(verified_at=now)
        )
        connection.execute(
            sa.update(entries)
            .where(entries.c.id.in_(good), entries.c.reasons.contains('"differs_in_target"'))
            .values(verified_at=now, state="posted", reasons="[]", held_since=None)
        )
        steps += [
            audit.Step("verified", "read back, equal again", entry.id, entry.external_id)
            for entry, _, reason in verdicts
            if reason is None and entry.state == "held"
        ]
        external = [entry.external_id for entry, _, reason in verdicts if reason is None]
        steps.append(
            audit.Step("verified", f"{len(good)} documents read back, equal", detail={"external_ids": external})
        )
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
