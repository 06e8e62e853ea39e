"""Learning what a lost or fresh ledger cannot know: what of ours the target has already.

One bulk read per booking month, once in a ledger's life and only for documents that an earlier ledger could have
posted. Cheaper and safer than asking for each document: to some targets an unknown id is a fault, and many faults
get a client throttled (docs/systems/workday.md#w6).
"""

from __future__ import annotations

import calendar
import dataclasses
import datetime as dt
import logging
import threading
import typing as t

import sqlalchemy as sa

from ml_connector import exact_json
from ml_connector.delivery.sink import DocumentSink, Found, LookupInconclusive
from ml_connector.documents import Document
from ml_connector.errors import Conflict, NotFound, Rejected, SystemFault
from ml_connector.ledger.entries import Entry
from ml_connector.ledger.schema import sightings, surveyed
from ml_connector.ledger.store import Ledger
from ml_connector.ledger.upsert import upsert

__all__ = ["Survey"]

_logger = logging.getLogger(__name__)

_CLOCK_SKEW = dt.timedelta(hours=1)


class Survey:
    """What of ours the target is known to have without this ledger having posted it.

    Args:
        ledger: Where findings are kept.
        target: The target instance.
        sink: Reads the target.
    """

    def __init__(self, ledger: Ledger, target: str, sink: DocumentSink[t.Any]) -> None:
        self._ledger = ledger
        self._target = target
        self._sink = sink
        self._lock = threading.Lock()
        self._refused: dict[str, SystemFault] = {}
        with ledger.read() as connection:
            self._months = set(
                connection.execute(
                    sa.select(surveyed.c.month).where(surveyed.c.target == target, surveyed.c.kind == sink.kind)
                ).scalars()
            )

    def sighting(self, entry: Entry, document: Document) -> Found | None:
        """Return what the target has under the document's id, reading its booking month first if need be.

        Raises:
            LookupInconclusive: The target refuses to list the month; it is not asked again in this run.
        """
        if not self._sink.surveyed_by_date or document.booking_date is None:
            return None
        if not self._could_be_posted(entry):
            return None
        month = document.booking_date.isoformat()[:7]
        with self._lock:  # one reader a time; the others wait for its findings
            if month not in self._months:
                self._read_once(month, document.booking_date)
        return self._seen(document.external_id)

    def _read_once(self, month: str, day: dt.date) -> None:
        if month not in self._refused:
            try:
                self._read(month, day)
            except (Conflict, NotFound, Rejected) as fault:
                self._refused[month] = fault
            else:
                self._months.add(month)
        if month in self._refused:
            raise LookupInconclusive(f"what it has for {month} cannot be listed ({self._refused[month]})")

    def _could_be_posted(self, entry: Entry) -> bool:
        created = entry.source_created_at
        return created is None or created <= self._ledger.began_at + _CLOCK_SKEW

    def _read(self, month: str, day: dt.date) -> None:
        first = day.replace(day=1)
        last = day.replace(day=calendar.monthrange(day.year, day.month)[1])
        _logger.info("reading what the target has for %s, so that nothing is posted twice", month)
        # Whatever has an id is kept, whichever source it may be of: the month is read once, for all of them.
        rows = [
            {
                "target": self._target,
                "kind": self._sink.kind,
                "external_id": found.external_id,
                "found": exact_json.dumps(dataclasses.asdict(found)),
            }
            for found in self._sink.survey(first, last)
            if found.external_id
        ]
        done = {"target": self._target, "kind": self._sink.kind, "month": month}

        def keep(connection: sa.Connection) -> None:
            # Another delivery may have read the same month at the same time.
            upsert(connection, sightings, rows)
            upsert(connection, surveyed, [done])

        self._ledger.write(keep)

    def _seen(self, external_id: str) -> Found | None:
        query = sa.select(sightings.c.found).where(
            sightings.c.target == self._target,
            sightings.c.kind == self._sink.kind,
            sightings.c.external_id == external_id,
        )
        text = self._ledger.ask(lambda connection: connection.execute(query).scalar())
        return None if text is None else Found(**exact_json.loads(text))
