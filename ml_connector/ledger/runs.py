"""One run's account of itself: what was created, held, left, with exact totals per currency."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import json
import threading
import typing as t
from decimal import Decimal

import sqlalchemy as sa
from ulid import ULID

from ml_connector.errors import Reason
from ml_connector.ledger.entries import Claims
from ml_connector.ledger.owners import LeftAlone
from ml_connector.ledger.schema import runs
from ml_connector.ledger.store import Ledger
from ml_connector.money import exact

__all__ = ["ENDS", "OUTCOMES", "AutomaticLink", "Outcome", "Run", "Summary", "latest"]

Outcome = t.Literal[
    "created",
    "drafted",
    "submitted",
    "updated",
    "withdrawn",
    "found",
    "linked",
    "unchanged",
    "held",
    "retry",
    "ignored",
    "waiting",
    "left_out",
]

OUTCOMES: t.Final[tuple[Outcome, ...]] = t.get_args(Outcome)
"""What can become of a document in a run.

``drafted``: it was left as a draft, which counts for nothing yet. ``submitted``: a draft of an earlier run is more than
a draft now. ``withdrawn``: it was taken back. ``found``: it was there already under our id. ``linked``: the target had
it from elsewhere. ``retry``: technical trouble outlasted the run. ``waiting``: the run did not come to it (the cap on
documents was reached, it stopped early, its next attempt is not due). ``ignored``: a person said so. ``left_out``: by
the map's filter.
"""

ENDS: t.Final[t.Mapping[str, tuple[Outcome, ...]]] = {
    "delivered": ("created", "drafted", "submitted", "updated", "withdrawn", "found", "linked"),
    "unchanged": ("unchanged",),
    "held": ("held",),
    "waiting": ("retry", "waiting"),
    "ignored": ("ignored",),
    "left_out": ("left_out",),
}
"""The six ways a record that was read can end; each is counted in exactly one."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Settled:
    """How one document was counted, so that it can be counted otherwise instead of once more."""

    kind: str
    outcome: Outcome
    currency: str | None
    amount: Decimal | None
    earlier: bool
    reasons: tuple[Reason, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class AutomaticLink:
    """Something of the source that was linked to something of the target by what they share.

    Attributes:
        kind: Kind of document.
        source: Name and id at the source.
        target: Name and number in the target.
        rests_on: What says that they are one.
    """

    kind: str
    source: str
    target: str
    rests_on: str


@dataclasses.dataclass(slots=True)
class Summary:
    """Counts and totals of one run, by document kind. Every document is counted once, under its last outcome.

    Attributes:
        read: How many records of each kind were read. They are what ``counts`` says less what ``earlier`` says.
        read_rows: Rows of the ledger whose records this run has read and delivery has to settle.
        counts: ``counts[kind][outcome]``, of what was read and of what earlier runs had left open.
        earlier: ``earlier[kind][outcome]``, of the latter alone.
        totals: ``totals[kind][outcome][currency]`` = (documents, amount).
        reasons: ``reasons[(kind, code, what, cure)]`` = documents held for it.
        left_out: ``left_out[(kind, condition)]`` = records the map's filter left out.
        other: ``other[(stream, why)]`` = records that are no documents for this target.
        links: What was linked to something the target had, without a person or an earlier delivery saying so.
        stopped: Why the run ended before its work was done, if it did.
        left_alone: What is open for the target and was not this run's to deliver.
        defects: Numbers of the faults of ml-connector itself that came up, see ``defects``.
        failed: What ended the run with an error, if anything did.
        claimed: What other runs had claimed, and so was left to them; it is among what waits.
    """

    counts: dict[str, collections.Counter[str]] = dataclasses.field(
        default_factory=lambda: collections.defaultdict(collections.Counter)
    )
    earlier: dict[str, collections.Counter[str]] = dataclasses.field(
        default_factory=lambda: collections.defaultdict(collections.Counter)
    )
    read: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    read_rows: set[int] = dataclasses.field(default_factory=set, repr=False)
    totals: dict[str, dict[str, dict[str, tuple[int, Decimal]]]] = dataclasses.field(default_factory=dict)
    reasons: collections.Counter[tuple[str, str, str, str]] = dataclasses.field(default_factory=collections.Counter)
    left_out: collections.Counter[tuple[str, str]] = dataclasses.field(default_factory=collections.Counter)
    other: collections.Counter[tuple[str, str]] = dataclasses.field(default_factory=collections.Counter)
    links: list[AutomaticLink] = dataclasses.field(default_factory=list)
    stopped: str | None = None
    failed: str | None = None
    claimed: list[Claims] = dataclasses.field(default_factory=list)
    left_alone: list[LeftAlone] = dataclasses.field(default_factory=list)
    defects: set[str] = dataclasses.field(default_factory=set)
    _settled: dict[int, _Settled] = dataclasses.field(default_factory=dict, repr=False)
    _lock: threading.Lock = dataclasses.field(default_factory=threading.Lock, repr=False)

    def count(self, kind: str, outcome: Outcome, times: int) -> None:
        """Count records that were settled when they were read, and have not become work."""
        with self._lock:
            self.counts[kind][outcome] += times

    def leave_out(self, kind: str, why: str, times: int) -> None:
        """Count records the map's filter left out when they were read."""
        with self._lock:
            self.counts[kind]["left_out"] += times
            self.left_out[(kind, why)] += times

    def hold_lines(self, kind: str, lines: collections.Counter[tuple[str, str, str]]) -> None:
        """Count lines of which no record could be made: (code, what, cure) of each; after what was read is known."""
        held = lines.total()
        if not held:
            return
        with self._lock:
            self.read[kind] = min(self.read[kind], held)  # the same line read twice is held once
            self.counts[kind]["held"] += held
            self.earlier[kind]["held"] += held - self.read[kind]
            self.reasons.update({(kind, *why): times for why, times in lines.items()})

    def settle(
        self,
        document: int,
        kind: str,
        outcome: Outcome,
        *,
        currency: str | None = None,
        amount: Decimal | None = None,
        reasons: tuple[Reason, ...] = (),
    ) -> None:
        """Count a document, in place of what was counted for it before; safe from several threads.

        Args:
            document: Its row in the ledger.
            kind: Kind of document.
            outcome: What became of it.
            currency: Currency of its amount.
            amount: Its amount.
            reasons: Why it is held, or the condition that left it out.
        """
        with self._lock:
            before = self._settled.get(document)
            if before is not None:
                if before.outcome == "linked" and outcome == "unchanged":
                    return  # compared after it was linked, and found equal: it is still the link that is news
                self._add(before, -1)
            earlier = document not in self.read_rows
            self._settled[document] = _Settled(kind, outcome, currency, amount, earlier, reasons)
            self._add(self._settled[document], 1)

    def held_rows(self) -> list[int]:
        """Return the rows of the documents that came out held."""
        return sorted(row for row, settled in self._settled.items() if settled.outcome == "held")

    def has_settled(self, document: int) -> bool:
        """Return whether a document has been counted."""
        return document in self._settled

    def _add(self, one: _Settled, sign: t.Literal[1, -1]) -> None:
        self.counts[one.kind][one.outcome] += sign
        if one.earlier:
            self.earlier[one.kind][one.outcome] += sign
        if one.currency is not None and one.amount is not None:
            by_currency = self.totals.setdefault(one.kind, {}).setdefault(one.outcome, {})
            documents, total = by_currency.get(one.currency, (0, Decimal(0)))
            by_currency[one.currency] = (documents + sign, total + sign * one.amount)
            if not by_currency[one.currency][0]:
                del by_currency[one.currency]
        for reason in one.reasons:
            if one.outcome == "left_out":
                self.left_out[(one.kind, reason.what)] += sign
            else:
                self.reasons[(one.kind, reason.code, reason.what, reason.cure)] += sign

    def leave_to(self, claims: Claims) -> None:
        """Note documents another run has claimed."""
        self.claimed.append(claims)

    def link(self, link: AutomaticLink) -> None:
        """Note what was linked by itself, for a person to look at."""
        with self._lock:
            self.links.append(link)

    def of(self, outcome: Outcome) -> int:
        """Return how many documents of all kinds came to an outcome."""
        return sum(counter[outcome] for counter in self.counts.values())

    def kinds(self) -> list[str]:
        """Return the kinds of documents the run had to do with."""
        return list(dict.fromkeys([*self.read, *self.counts]))

    def of_read(self, kind: str) -> dict[str, int]:
        """Return how many of the records that were read came to each outcome."""
        return {outcome: self.counts[kind][outcome] - self.earlier[kind][outcome] for outcome in OUTCOMES}

    def to_dict(self) -> dict[str, t.Any]:
        """Return the plain form: what ``--json`` prints and the ledger keeps."""
        return {
            "counts": {kind: _some(self.counts[kind]) for kind in self.kinds()},
            "read": {kind: {"records": self.read[kind], **_ends(self.of_read(kind))} for kind in self.kinds()},
            "earlier": {kind: _ends(counter) for kind, counter in self.earlier.items() if counter.total()},
            "totals": {
                kind: {
                    outcome: {
                        currency: {"documents": documents, "amount": format(exact(amount, currency), "f")}
                        for currency, (documents, amount) in sorted(by_currency.items())
                    }
                    for outcome, by_currency in outcomes.items()
                    if by_currency
                }
                for kind, outcomes in self.totals.items()
            },
            "held": [
                {"kind": kind, "code": code, "what": what, "cure": cure, "documents": documents}
                for (kind, code, what, cure), documents in self.reasons.most_common()
                if documents
            ],
            "left_out": [
                {"kind": kind, "why": why, "records": records}
                for (kind, why), records in self.left_out.most_common()
                if records
            ],
            "other": [
                {"stream": stream, "why": why, "records": records}
                for (stream, why), records in self.other.most_common()
            ],
            "links": [dataclasses.asdict(link) for link in self.links],
            "stopped": self.stopped,
            "failed": self.failed,
            "claimed": [
                {"kind": each.kind, "run": each.run, "documents": each.documents, "until": _iso(each.until)}
                for each in self.claimed
            ],
            "left_alone": [dataclasses.asdict(each) for each in self.left_alone],
            "defects": sorted(self.defects),
        }


def _some(counter: t.Mapping[str, int]) -> dict[str, int]:
    return {outcome: counter[outcome] for outcome in OUTCOMES if counter[outcome]}


def _ends(counter: t.Mapping[str, int]) -> dict[str, int]:
    return {end: sum(counter[outcome] for outcome in outcomes) for end, outcomes in ENDS.items()}


class Run:
    """One execution of a target, on record from its first moment.

    Args:
        ledger: Where it is recorded.
        target: The target instance.
        transform: The map applied, if any.
        actor: Who or what runs it, for the audit.

    Attributes:
        id: Its id; later ones are greater.
        summary: Its account so far.
        ended: Whether its end is on record.
    """

    def __init__(self, ledger: Ledger, target: str, transform: str | None, actor: str) -> None:
        self.id = str(ULID())
        self.actor = actor
        self.summary = Summary()
        self.started_at = dt.datetime.now(dt.UTC)
        self.ended = False
        self._ledger = ledger
        row = {"id": self.id, "target": target, "transform": transform, "started_at": self.started_at}
        ledger.write(lambda connection: connection.execute(sa.insert(runs).values(**row)))

    def finish(self) -> None:
        """Record the end and the summary."""
        self.ended = True
        summary = json.dumps(self.summary.to_dict(), ensure_ascii=False)
        now = dt.datetime.now(dt.UTC)
        self._ledger.write(
            lambda connection: connection.execute(
                sa.update(runs).where(runs.c.id == self.id).values(finished_at=now, summary=summary)
            )
        )


def _iso(moment: dt.datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def latest(connection: sa.Connection, *, target: str | None = None) -> sa.Row[t.Any] | None:
    """Return the newest finished run."""
    query = sa.select(runs).where(runs.c.finished_at.is_not(None)).order_by(runs.c.id.desc()).limit(1)
    if target is not None:
        query = query.where(runs.c.target == target)
    return connection.execute(query).one_or_none()
