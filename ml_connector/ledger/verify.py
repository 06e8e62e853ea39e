"""Reading back what was posted: an answer without a fault is not proof (sheet workday 4.1)."""

from __future__ import annotations

import datetime as dt
import logging
import typing as t

import sqlalchemy as sa

from ml_connector import exact_json
from ml_connector.errors import Reason, SystemFault
from ml_connector.ledger import audit
from ml_connector.ledger.entries import Entry
from ml_connector.ledger.runs import Run
from ml_connector.ledger.schema import entries
from ml_connector.ledger.store import Ledger
from ml_connector.singer.sink import DocumentSink, Found, differences

__all__ = ["verify_posted"]

_logger = logging.getLogger(__name__)

_BATCH = 100
_WATCH_EVERY = dt.timedelta(hours=20)


def verify_posted(ledger: Ledger, target: str, sink: DocumentSink[t.Any], run: Run, target_name: str) -> None:
    """Compare what is posted and not yet verified, or still watched, with what the target holds; hold what differs."""
    if not sink.reads_back:
        return
    after = 0
    while batch := _unverified(ledger, target, sink, after):
        after = batch[-1].id
        try:
            found = sink.read_back([t.cast("str", entry.target_id) for entry in batch])
        except SystemFault as fault:
            _logger.warning("posted documents could not be read back now, the next run will: %s", fault)
            return
        verdicts = [
            (entry, _disagreement(sink, entry, found.get(entry.target_id or ""), target_name)) for entry in batch
        ]
        ledger.write(lambda connection, verdicts=verdicts: _store(connection, verdicts, run))  # type: ignore[misc]
        for entry, reason in verdicts:
            if reason is not None:
                run.summary.count(entry.kind, "held", currency=entry.currency, amount=entry.amount)
                run.summary.hold(entry.kind, [(reason.code, reason.what, reason.cure)])


def _unverified(ledger: Ledger, target: str, sink: DocumentSink[t.Any], after: int) -> list[Entry]:
    now = dt.datetime.now(dt.UTC)
    due: sa.ColumnElement[bool] = entries.c.verified_at.is_(None)
    if sink.watched:
        recent = entries.c.posted_at > now - sink.watched
        due = sa.or_(due, sa.and_(entries.c.verified_at < now - _WATCH_EVERY, recent))
    query = (
        sa.select(entries)
        .where(entries.c.target == target, entries.c.kind == sink.kind, entries.c.id > after)
        .where(entries.c.state.in_(("posted", "held")), entries.c.target_id.is_not(None))
        .where(due, entries.c.uncertain.is_(sa.false()))
        .where(entries.c.origin.in_(("delivered", "found")), entries.c.sent.is_not(None))
        .order_by(entries.c.id)
        .limit(_BATCH)
    )
    with ledger.read() as connection:
        return [Entry.from_row(row) for row in connection.execute(query)]


def _disagreement(sink: DocumentSink[t.Any], entry: Entry, found: Found | None, target_name: str) -> Reason | None:
    where = entry.target_number or entry.target_id
    cure = f"correct it in {target_name}, or `ml-connector ignore {entry.label}` to leave it so"
    if found is None:
        what = f"was posted as {where}, but {target_name} does not show it"
    elif found.cancelled:
        status = f" ({found.status})" if found.status else ""
        what = f"{where} was cancelled in {target_name}{status}"
        cure = (
            f"it is not posted again by itself: enter it in {target_name} by hand if it still stands, "
            f"then `ml-connector ignore {entry.label}`"
        )
    else:
        sent = sink.document_class.model_validate_json(t.cast("str", entry.sent))
        differing = differences(sink.facts(sent), found)
        if not differing:
            return None
        what = f"{target_name} {where} differs from what was sent: {'; '.join(differing)}"
    return Reason("differs_in_target", what, cure)


def _store(connection: sa.Connection, verdicts: list[tuple[Entry, Reason | None]], run: Run) -> None:
    now = dt.datetime.now(dt.UTC)
    good = [entry.id for entry, reason in verdicts if reason is None]
    steps = []
    for entry, reason in verdicts:
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
        external = [entry.external_id for entry, reason in verdicts if reason is None]
        steps.append(
            audit.Step("verified", f"{len(good)} documents read back, equal", detail={"external_ids": external})
        )
    audit.append(connection, steps, run=run.id, actor=run.actor)
