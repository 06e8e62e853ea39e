"""The mark that ties a pipeline's bookmarks to the ledger: a ledger that ends before them loses in silence.

Bookmarks and ledger are kept apart. When the ledger comes back from a backup, or is lost while the bookmarks stay,
nobody reads again what only the newer ledger held. So each state that is printed carries the id of the ledger, the run
that took the records in and how many checkpoints of it were durable; the next run compares before it takes anything.

The mark lies among the bookmarks, under a name no stream has: taps of the Singer SDK carry all bookmarks they are given
into every state they write, and so do those of ``singer-python``. Of a state without bookmarks it is a key of its own.
"""

from __future__ import annotations

import datetime as dt
import typing as t

import sqlalchemy as sa
from ulid import ULID

from ml_connector.errors import LedgerBehind
from ml_connector.ledger import audit
from ml_connector.ledger.schema import checkpoints, meta, sightings, surveyed
from ml_connector.ledger.store import Ledger
from ml_connector.ledger.upsert import upsert

__all__ = ["MARK", "Checkpoints", "Mark", "forget_surveys", "mark_of", "marked"]

MARK: t.Final = "ml_connector"
"""What the mark is called in a state."""

_CURE: t.Final = (
    "Run it once with `meltano run --full-refresh ...`: all from start_date on is read again, and what the target has "
    "is found there, not posted twice."
)


class Mark(t.NamedTuple):
    """How far a ledger had come when a state was printed.

    Attributes:
        ledger: Id of the ledger.
        run: Id of the run that took the records in; tells when it began.
        sequence: Number of its checkpoints that were durable.
        sources: Source instances the pipeline has read last: whose bookmarks these are.
    """

    ledger: str
    run: str
    sequence: int
    sources: tuple[str, ...] = ()


def mark_of(state: t.Mapping[str, t.Any]) -> Mark | None:
    """Return the mark a state carries; None when it carries none that can be read."""
    bookmarks = state.get("bookmarks")
    found: t.Any = bookmarks.get(MARK) if isinstance(bookmarks, dict) else state.get(MARK)
    try:
        sources = tuple(map(str, found.get("sources", ())))
        mark = Mark(str(found["ledger"]), str(found["run"]), int(found["sequence"]), sources)
        ULID.from_str(mark.run)
    except (AttributeError, TypeError, KeyError, ValueError):
        return None
    return mark


def marked(state: t.Mapping[str, t.Any], mark: Mark) -> dict[str, t.Any]:
    """Return a state that carries the mark."""
    bookmarks = state.get("bookmarks")
    if isinstance(bookmarks, dict):
        return {**state, "bookmarks": {**bookmarks, MARK: mark._asdict()}}
    return {**state, MARK: mark._asdict()}


class Checkpoints:
    """The checkpoints of one run.

    Args:
        ledger: What is durable.
        actor: Who runs it, for the audit.

    Attributes:
        sources: The source instances whose bookmarks these are, as far as a mark has told or something was read.
    """

    def __init__(self, ledger: Ledger, actor: str) -> None:
        self.sources: tuple[str, ...] = ()
        self._ledger = ledger
        self._actor = actor
        self._run = str(ULID())
        self._sequence = 0
        self._expected: Mark | None = None

    def expect(self, mark: Mark) -> None:
        """See that the ledger holds all that was durable when a state was printed.

        Raises:
            LedgerBehind: It does not. What the target has is asked for anew before anything else is posted.
        """
        if mark == self._expected:
            return
        with self._ledger.read() as connection:
            has = connection.execute(
                sa.select(checkpoints.c.sequence).where(checkpoints.c.run == mark.run)
            ).scalar_one_or_none()
            last = connection.execute(sa.select(sa.func.max(checkpoints.c.at))).scalar_one()
        if mark.ledger != self._ledger.id:
            raise LedgerBehind(
                f"the bookmarks of this pipeline were set with another ledger than {self._ledger.name} (by a run of "
                f"{_moment(mark)}): what came in until then would never be read again.",
                f"If there is one, put it back or name it in ledger_url. If it is lost: {_CURE}",
            )
        if has is None or has < mark.sequence:
            forget_surveys(self._ledger, actor=self._actor, why=f"it lacks what a run of {_moment(mark)} took in")
            ends = f"ends {last:%Y-%m-%d %H:%M} UTC" if last else "is empty"
            raise LedgerBehind(
                f"the ledger {self._ledger.name} {ends}, before the bookmarks of this pipeline (set by a run of "
                f"{_moment(mark)}): it was put back from a backup, and what came in since would never be read again.",
                _CURE,
            )
        self._expected, self.sources = mark, mark.sources

    def advance(self, sources: t.Collection[str] = ()) -> Mark:
        """Note that all that was taken in so far is durable; return the mark to print, once that is durable itself.

        Args:
            sources: The source instances something was read of; where there are none, those of the mark that came in.
        """
        if sources:
            self.sources = tuple(sorted(sources))
        self._sequence += 1
        row = {"run": self._run, "sequence": self._sequence, "at": dt.datetime.now(dt.UTC)}
        self._ledger.write(lambda connection: upsert(connection, checkpoints, [row]))
        return Mark(self._ledger.id, self._run, self._sequence, self.sources)


def forget_surveys(ledger: Ledger, *, actor: str, why: str) -> None:
    """Take a ledger for one that may have missed something: the target is read again before anything is posted.

    Args:
        ledger: The ledger.
        actor: Who found out.
        why: What speaks for it, for the audit.
    """
    now = dt.datetime.now(dt.UTC)

    def work(connection: sa.Connection) -> None:
        connection.execute(sa.delete(surveyed))
        connection.execute(sa.delete(sightings))
        connection.execute(sa.update(meta).where(meta.c.key == "began_at").values(value=now.isoformat()))
        step = audit.Step("restored", f"the ledger may have missed something: {why}")
        audit.append(connection, [step], run=None, actor=actor)

    ledger.write(work)
    ledger.began_at = now


def _moment(mark: Mark) -> str:
    return f"{ULID.from_str(mark.run).datetime:%Y-%m-%d %H:%M} UTC"
