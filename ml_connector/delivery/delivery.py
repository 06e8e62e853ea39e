"""Delivering what the ledger holds: kind after kind, several documents side by side, to one target.

The request's identity is durable before the request leaves, and a request is never repeated before the target has
been asked whether the earlier one arrived (``attempt``). Deliveries that die leave nothing that the next one cannot
pick up: claims run out, uncertain documents are looked up first.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import datetime as dt
import logging
import threading
import time
import typing as t

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from ml_connector import defects
from ml_connector.delivery.adoption import Survey
from ml_connector.delivery.attempt import Attempt, Cap, Mapper, Policy
from ml_connector.delivery.outcome import LEASE, Settlement
from ml_connector.delivery.read_back import verify_posted
from ml_connector.delivery.sink import DocumentSink
from ml_connector.documents import DELIVERY_ORDER
from ml_connector.errors import LedgerFault, Throttled, Unavailable
from ml_connector.ledger.entries import (
    claim,
    claims_of_others,
    drop_claims_of_the_dead,
    left_open,
    pending,
    reopen_drafts,
    states,
    waiting,
)
from ml_connector.ledger.faults import LeaseLost, ends_the_run
from ml_connector.ledger.owners import Reach
from ml_connector.ledger.runs import Outcome, Run, Summary
from ml_connector.ledger.schema import entries
from ml_connector.ledger.store import Ledger

__all__ = ["Delivery", "Policy", "account_for_rest"]

_logger = logging.getLogger(__name__)

_HEARTBEAT = LEASE.total_seconds() / 3
_PROGRESS_EVERY = 5.0
_SETTLED_ELSEWHERE: t.Final[t.Mapping[str, Outcome]] = {"posted": "unchanged", "ignored": "ignored"}


class Delivery:
    """One delivery to one target instance, of the documents of one pipeline.

    Args:
        ledger: What is to be delivered, and where outcomes go.
        target: The target instance (``workday:acme``).
        target_name: How people call the system (``Workday``).
        mapper: The map, which also says which pipeline this is: what belongs to another one is left alone.
        sinks: One per document kind.
        run: The run it belongs to.
        policy: Choices.
    """

    def __init__(
        self,
        ledger: Ledger,
        *,
        target: str,
        target_name: str,
        mapper: Mapper,
        sinks: t.Sequence[DocumentSink[t.Any]],
        run: Run,
        policy: Policy,
    ) -> None:
        self._ledger = ledger
        self._target = target
        self._name = target_name
        self._mapper = mapper
        self._sinks = {sink.kind: sink for sink in sinks}
        self._run = run
        self._policy = policy
        self._reach = Reach(target, mapper.pipeline, _streams_by_kind(mapper, self._sinks))
        self._cap = Cap(policy.max_documents)
        self._planned: set[str] = set()
        self._stop = threading.Event()
        self._failing = 0

    def stop(self) -> None:
        """Finish the documents in flight, begin no others."""
        self._stop.set()

    def run(self) -> Summary:
        """Deliver everything of the pipeline that is due.

        Raises:
            CredentialsRefused, PermissionDenied: Nothing can be delivered until a person acts.
        """
        self._reach.begin(self._ledger)
        try:
            with self._ledger.delivering(self._target, on_wait=self._say_waiting) as others_dead:
                if others_dead:
                    self._ledger.write(self._drop_leases)
                else:
                    self._ledger.write(lambda connection: drop_claims_of_the_dead(connection, target=self._target))
                with _Heartbeat(self._ledger, self._target, self._run.id):
                    for kind in DELIVERY_ORDER:
                        if kind in self._sinks and not self._stop.is_set():
                            self._deliver_unless_down(self._sinks[kind])
            self._say_what_waits()
            with self._ledger.read() as connection:
                self._run.summary.left_alone = self._reach.left_alone(connection)
        finally:
            with contextlib.suppress(LedgerFault):  # told by whoever met it first
                account_for_rest(self._ledger, self._run, self._reach.all)
        return self._run.summary

    def _deliver_unless_down(self, sink: DocumentSink[t.Any]) -> None:
        try:
            self._deliver_kind(sink)
        except (Throttled, Unavailable) as fault:  # what a sink needs before its first document, after all patience
            self._run.summary.stopped = str(fault)
            self._stop.set()
        except Exception as error:
            if ends_the_run(error):
                raise
            self._cannot_deliver(sink.kind, error)

    def _not_even_held(self, entry_id: int, error: Exception) -> None:
        """Go on without a document whose row does not even take that it is held."""
        number = defects.note(error)
        self._run.summary.defects.add(number)
        _logger.error("ledger entry %d cannot be held: a defect of ml-connector, number %s", entry_id, number)

    def _cannot_deliver(self, kind: str, error: Exception) -> None:
        """Leave a kind alone for this run: what it needs as a whole fails, which the other kinds do not need."""
        number = defects.note(error)
        self._run.summary.defects.add(number)
        what = kind.replace("_", " ")
        _logger.error("%s cannot be delivered now: a defect of ml-connector, number %s", what, number)

    def _deliver_kind(self, sink: DocumentSink[t.Any]) -> None:
        if not sink.leaves_drafts:
            run, ours = self._run, self._reach.of(sink.kind)
            self._ledger.write(lambda connection: reopen_drafts(connection, ours=ours, run=run.id, actor=run.actor))
        due = self._ledger.ask(lambda connection: pending(connection, ours=self._reach.of(sink.kind), now=_now()))
        if due:
            sink.prepare()
            attempt = Attempt(
                ledger=self._ledger,
                sink=sink,
                mapper=self._mapper,
                settlement=Settlement(self._ledger, self._run, self._name, aloud=self._policy.dry_run),
                survey=Survey(self._ledger, self._target, sink),
                policy=self._policy,
                cap=self._cap,
                planned=self._planned,
                target_name=self._name,
            )
            width = max(self._policy.max_concurrency, sink.side_by_side)
            self._deliver_due(sink.kind, attempt, _Progress(sink.kind, due), width)
        if not self._policy.dry_run and not self._stop.is_set():
            submitted = sink.finish()
            verify_posted(
                self._ledger,
                self._target,
                sink,
                self._run,
                self._name,
                ours=self._reach.owned,
                drafts_too=submitted,
            )

    def _deliver_due(self, kind: str, attempt: Attempt, progress: _Progress, width: int) -> None:
        claimed: list[int] = []
        flying: dict[concurrent.futures.Future[bool], int] = {}
        after = 0
        exhausted = False
        with concurrent.futures.ThreadPoolExecutor(width, "delivery") as pool:
            try:
                while True:
                    if not claimed and not exhausted and not self._stop.is_set():
                        claimed = self._claim(kind, after, limit=width * 8)
                        exhausted = not claimed
                        after = claimed[-1] if claimed else after
                    while claimed and len(flying) < width and not self._stop.is_set():
                        entry_id = claimed.pop(0)
                        flying[pool.submit(attempt.carry, entry_id)] = entry_id
                    if not flying:
                        break
                    done, _ = concurrent.futures.wait(flying, return_when=concurrent.futures.FIRST_COMPLETED)
                    for future in done:
                        self._landed(future, flying.pop(future))
                        progress.step()
            except BaseException:
                self._stop.set()
                concurrent.futures.wait(flying)
                raise
            finally:
                self._release()
        progress.say()

    def _landed(self, future: concurrent.futures.Future[bool], entry_id: int) -> None:
        try:
            succeeded = future.result()
        except LeaseLost:
            _logger.warning("another delivery has taken over ledger entry %d; leaving it to that", entry_id)
            return
        except Exception as error:
            if ends_the_run(error):
                raise
            self._not_even_held(entry_id, error)
            return
        self._failing = 0 if succeeded else self._failing + 1
        if self._failing >= self._policy.down_after:
            self._run.summary.stopped = f"{self._name} did not take {self._failing} documents in a row"
            self._stop.set()

    def _claim(self, kind: str, after: int, limit: int) -> list[int]:
        return self._ledger.write(
            lambda connection: claim(
                connection,
                ours=self._reach.of(kind),
                run=self._run.id,
                after=after,
                limit=limit,
                now=_now(),
                lease=LEASE,
            )
        )

    def _release(self) -> None:
        """Give back what is claimed; what could not be begun counts as not looked at by this run."""
        ours = sa.and_(entries.c.target == self._target, entries.c.lease_owner == self._run.id)
        self._ledger.write(
            lambda connection: connection.execute(
                sa.update(entries).where(ours).values(lease_owner=None, lease_until=None)
            )
        )

    def _drop_leases(self, connection: sa.Connection) -> None:
        connection.execute(
            sa.update(entries)
            .where(entries.c.target == self._target, entries.c.lease_owner.is_not(None))
            .values(lease_owner=None, lease_until=None)
        )

    def _say_what_waits(self) -> None:
        with self._ledger.read() as connection:
            count, first = waiting(connection, ours=self._reach.all)
            left = pending(connection, ours=self._reach.all, now=_now()) if self._stop.is_set() else 0
            claimed = claims_of_others(connection, ours=self._reach.all, run=self._run.id)
        summary = self._run.summary
        for claims in claimed:
            summary.leave_to(claims)
        if summary.stopped and (count or left):
            again = f" and will be tried again from {first.astimezone():%H:%M}" if first else ""
            summary.stopped += f"; {count + left} documents wait{again}"

    def _say_waiting(self) -> None:
        _logger.info("another delivery to %s is running; waiting for it to finish", self._target)


def account_for_rest(ledger: Ledger, run: Run, ours: sa.ColumnElement[bool] | None = None) -> None:
    """Count what a run has read, or found open, and has not settled: nothing of it may be missing from its account.

    What is no longer open was settled meanwhile by another run, or by a person.

    Args:
        ledger: The ledger.
        run: The run.
        ours: What it might have delivered of what is open; None when it was not to deliver anything.
    """
    summary = run.summary
    with ledger.read() as connection:
        read = states(connection, [row for row in summary.read_rows if not summary.has_settled(row)])
        rest = left_open(connection, ours=ours) if ours is not None else []
    for row in read:
        summary.settle(row.id, row.kind, _SETTLED_ELSEWHERE.get(row.state, "waiting"))
    for row in rest:
        if not summary.has_settled(row.id):
            summary.settle(row.id, row.kind, "waiting")


class _Heartbeat:
    """Keeps the claims of a living delivery alive."""

    def __init__(self, ledger: Ledger, target: str, owner: str) -> None:
        self._ledger = ledger
        self._target = target
        self._owner = owner
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="ledger-heartbeat", daemon=True)

    def __enter__(self) -> t.Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._done.wait(_HEARTBEAT):
            try:
                self._ledger.write(self._give_sign)
            except (LedgerFault, DBAPIError) as error:
                # The next may get through; a claim that runs out meanwhile is noticed by whoever settles.
                what = error.what if isinstance(error, LedgerFault) else type(error.orig).__name__
                _logger.warning("the claims of this run could not be renewed: %s", what)

    def _give_sign(self, connection: sa.Connection) -> None:
        connection.execute(
            sa.update(entries)
            .where(entries.c.target == self._target, entries.c.lease_owner == self._owner)
            .values(lease_until=_now() + LEASE)
        )


class _Progress:
    """Says how far a kind has come, every few seconds."""

    def __init__(self, kind: str, due: int) -> None:
        self._kind = kind.replace("_", " ")
        self._due = due
        self._done = 0
        self._began = self._said = time.monotonic()

    def step(self) -> None:
        self._done += 1
        if time.monotonic() - self._said >= _PROGRESS_EVERY:
            self.say()

    def say(self) -> None:
        self._said = time.monotonic()
        rate = self._done / max(self._said - self._began, 0.001)
        _logger.info("delivering %s: %d of %d (%.1f/s)", self._kind, self._done, self._due, rate)


def _streams_by_kind(mapper: Mapper, kinds: t.Collection[str]) -> dict[str, set[str]]:
    """Return the streams of a map by the kind of document that becomes of their records."""
    found: dict[str, set[str]] = {kind: set() for kind in kinds}
    for stream in mapper.streams:
        kind = mapper.kind_of(stream)
        if kind in found:
            found[kind].add(stream)
    return found


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
