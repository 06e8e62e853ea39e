"""What the ledger knows about things on both sides: native records seen, and which is which."""

from __future__ import annotations

import threading
import typing as t

import sqlalchemy as sa

from ml_connector import exact_json
from ml_connector.crosswalk.tables import AmbiguousLink
from ml_connector.ledger.schema import entries, source_records
from ml_connector.ledger.store import Ledger
from ml_connector.ledger.upsert import upsert

__all__ = ["LedgerLinks", "LedgerReferences"]

_Key = tuple[str, str, str]
_CACHE = 50_000  # records; a vendor is about a kilobyte
_SHOWN = 5


class LedgerReferences:
    """Native reference records (vendors, departments, accounts), kept across runs.

    Args:
        ledger: Where they are kept.
        system: Tells the source system, which is known once the map is loaded; an instance's records are filed
            under ``system:instance``.
    """

    def __init__(self, ledger: Ledger, system: t.Callable[[], str]) -> None:
        self._ledger = ledger
        self._system = system
        self._cache: dict[_Key, t.Mapping[str, t.Any] | None] = {}
        self._lock = threading.Lock()

    def get(self, instance: str, stream: str, id: str) -> t.Mapping[str, t.Any] | None:  # noqa: A002
        """Return the newest record seen, or None."""
        key = (f"{self._system()}:{instance}", stream, id)
        with self._lock:
            if key in self._cache:
                return self._cache[key]
        query = sa.select(source_records.c.record).where(
            source_records.c.source == key[0], source_records.c.stream == stream, source_records.c.id == id
        )
        text = self._ledger.ask(lambda connection: connection.execute(query).scalar())
        record = None if text is None else exact_json.loads(text)
        self._remember({key: record})
        return record

    def put(self, instance: str, stream: str, records: t.Mapping[str, t.Mapping[str, t.Any]]) -> None:
        """Keep records, durably, replacing older ones."""
        if not records:
            return
        source = f"{self._system()}:{instance}"
        rows = [
            {"source": source, "stream": stream, "id": id_, "record": exact_json.dumps(record)}
            for id_, record in records.items()
        ]
        self._ledger.write(lambda connection: upsert(connection, source_records, rows))
        self._remember({(source, stream, row["id"]): exact_json.loads(row["record"]) for row in rows})

    def _remember(self, records: dict[_Key, t.Mapping[str, t.Any] | None]) -> None:
        with self._lock:
            if len(self._cache) > _CACHE:
                self._cache.clear()
            self._cache.update(records)


class LedgerLinks:
    """Which of the target's things a source's thing is, as deliveries and matches have shown.

    Args:
        ledger: Where it is known.
        target: The target instance (``workday:acme``).
        system: Tells the source system, which is known once the map is loaded.
    """

    def __init__(self, ledger: Ledger, target: str, system: t.Callable[[], str]) -> None:
        self._ledger = ledger
        self._target = target
        self._system = system

    def linked(self, kind: str, source_instance: str, source_id: str) -> str | None:
        """Return the target's id of a ``kind`` (``suppliers``), or None when none is known.

        A link learned in one direction holds in the other: what this source got from the target is the target's.

        Args:
            kind: Kind of document.
            source_instance: Instance of the source.
            source_id: Its id at the source, or its external id: not everything that names a document has its own.

        Raises:
            AmbiguousLink: Several of the target's things became this one, and it never went the other way itself.
        """
        source = f"{self._system()}:{source_instance}"
        forth = sa.select(sa.func.coalesce(entries.c.target_number, entries.c.target_id)).where(
            entries.c.target == self._target,
            entries.c.kind == kind,
            entries.c.source == source,
            sa.or_(entries.c.source_id == source_id, entries.c.external_id == source_id),
            entries.c.target_id.is_not(None),
        )
        back = sa.select(entries.c.source_id).where(
            entries.c.target == source,
            entries.c.kind == kind,
            entries.c.source == self._target,
            sa.or_(entries.c.target_id == source_id, entries.c.target_number == source_id),
        )
        found: str | None = self._ledger.ask(lambda connection: connection.execute(forth.limit(1)).scalar())
        if found is not None:
            return found
        ids: list[str] = sorted(
            self._ledger.ask(lambda connection: connection.execute(back.distinct().limit(_SHOWN)).scalars().all())
        )
        if len(ids) > 1:
            raise AmbiguousLink(ids)
        return next(iter(ids), None)
