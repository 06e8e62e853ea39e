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

from ml_connector.ledger.entries import Claims
from ml_connector.ledger.owners import LeftAlone
from ml_connector.ledger.schema import runs
from ml_connector.ledger.store import Ledger

__all__ = ["OUTCOMES", "AutomaticLink", "Run", "Summary", "latest"]

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
    "unwanted",
]

OUTCOMES: t.Final[tuple[Outcome, ...]] = t.get_args(Outcome)
"""What can become of a document in a run.

``drafted``: it was left as a draft, which counts for nothing yet. ``submitted``: a draft of an earlier run is more than
a draft now. ``withdrawn``: it was taken back. ``found``: it was there already under our id. ``linked``: the target had
it from elsewhere. ``waiting``: the cap on documents was reached or the run stopped early. ``unwanted``: the map's
filter left it out.
"""


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
    """Counts and totals of one run, by document kind.

    Attributes:
        counts: ``counts[kind][outcome]``.
        totals: ``totals[kind][outcome][currency]`` = (documents, amount).
        reasons: ``reasons[(kind, code, what, cure)]`` = documents held for it.
        links: What was linked to something the target had, without a person or an earlier delivery saying so.
        stopped: Why the run ended before its work was done, if it did.
        claimed: What other runs had claimed, and so was left to them; counted as waiting.
        left_alone: What is open for the target and was not this run's to deliver.
        defects: Numbers of the faults of ml-connector itself that came up, see ``defects``.
    """

    counts: dict[str, collections.Counter[str]] = dataclasses.field(
        default_factory=lambda: collections.defaultdict(collections.Counter)
    )
    totals: dict[str, dict[str, dict[str, tuple[int, Decimal]]]] = dataclasses.field(default_factory=dict)
    reasons: collections.Counter[tuple[str, str, str, str]] = dataclasses.field(default_factory=collections.Counter)
    links: list[AutomaticLink] = dataclasses.field(default_factory=list)
    stopped: str | None = None
    claimed: list[Claims] = dataclasses.field(default_factory=list)
    left_alone: list[LeftAlone] = dataclasses.field(default_factory=list)
    defects: set[str] = dataclasses.field(default_factory=set)
    _lock: threading.Lock = dataclasses.field(default_factory=threading.Lock, repr=False)

    def count(
        self,
        kind: str,
        outcome: Outcome,
        *,
        currency: str | None = None,
        amount: Decimal | None = None,
        times: int = 1,
    ) -> None:
        """Count a document, or ``times`` of them without amounts; safe from several threads."""
        with self._lock:
            self.counts[kind][outcome] += times
            if currency is not None and amount is not None:
                by_currency = self.totals.setdefault(kind, {}).setdefault(outcome, {})
                documents, total = by_currency.get(currency, (0, Decimal(0)))
                by_currency[currency] = (documents + 1, total + amount)

    def hold(self, kind: str, reasons: t.Iterable[tuple[str, str, str]]) -> None:
        """Count why a document is held: (code, what, cure) of each reason."""
        with self._lock:
            self.reasons.update((kind, *reason) for reason in reasons)

    def leave_to(self, claims: Claims) -> None:
        """Count documents another run has claimed."""
        self.claimed.append(claims)
        self.count(claims.kind, "waiting", times=claims.documents)

    def link(self, link: AutomaticLink) -> None:
        """Note what was linked by itself, for a person to look at."""
        with self._lock:
            self.links.append(link)

    def of(self, outcome: Outcome) -> int:
        """Return how many documents of all kinds came to an outcome."""
        return sum(counter[outcome] for counter in self.counts.values())

    def to_dict(self) -> dict[str, t.Any]:
        """Return the plain form: what ``--json`` prints and the ledger keeps."""
        return {
            "counts": {
                kind: {outcome: counter[outcome] for outcome in OUTCOMES if counter[outcome]}
                for kind, counter in self.counts.items()
            },
            "totals": {
                kind: {
                    outcome: {
                        currency: {"documents": documents, "amount": format(amount, "f")}
                        for currency, (documents, amount) in sorted(by_currency.items())
                    }
                    for outcome, by_currency in outcomes.items()
                }
                for kind, outcomes in self.totals.items()
            },
            "held": [
                {"kind": kind, "code": code, "what": what, "cure": cure, "documents": documents}
                for (kind, code, what, cure), documents in self.reasons.most_common()
            ],
            "links": [dataclasses.asdict(link) for link in self.links],
            "stopped": self.stopped,
            "claimed": [
                {"kind": each.kind, "run": each.run, "documents": each.documents, "until": _iso(each.until)}
                for each in self.claimed
            ],
            "left_alone": [dataclasses.asdict(each) for each in self.left_alone],
            "defects": sorted(self.defects),
        }


class Run:
    """One execution of a target, on record from its first moment.

    Args:
        ledger: Where it is recorded.
        target: The target instance.
        transform: The map applied, if any.
        actor: Who or what runs it, for the audit.
    """

    def __init__(self, ledger: Ledger, target: str, transform: str | None, actor: str) -> None:
        self.id = str(ULID())
        self.actor = actor
        self.summary = Summary()
        self.started_at = dt.datetime.now(dt.UTC)
        self._ledger = ledger
        row = {"id": self.id, "target": target, "transform": transform, "started_at": self.started_at}
        ledger.write(lambda connection: connection.execute(sa.insert(runs).values(**row)))

    def finish(self) -> None:
        """Record the end and the summary."""
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
