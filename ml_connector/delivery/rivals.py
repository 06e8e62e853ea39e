"""Who else of a source may be the supplier that one of it is about to be linked to.

A target's sink sees one supplier at a time. That another one of the source was linked or mapped to the same supplier of
the target, or has the same tax number, only the ledger can tell; then a person has to say who it is.
"""

from __future__ import annotations

import collections
import threading
import typing as t

import sqlalchemy as sa

from ml_connector import exact_json
from ml_connector.delivery.sink import DocumentSink, Found
from ml_connector.documents import Mapped, Supplier
from ml_connector.errors import Reason
from ml_connector.ledger.entries import Entry
from ml_connector.ledger.schema import entries
from ml_connector.ledger.store import Ledger
from ml_connector.sameness import telling_tax_id

__all__ = ["Rivals"]

_SHOWN: t.Final = 3


class _Mapper(t.Protocol):
    def map(self, stream: str, record: t.Mapping[str, t.Any]) -> Mapped: ...


class Rivals:
    """The other suppliers of a source, as far as the ledger has them; thread-safe, for one run.

    Args:
        ledger: The ledger.
        sink: The target's side.
        mapper: The map.
        target_name: How people call the target.
    """

    def __init__(self, ledger: Ledger, sink: DocumentSink[t.Any], mapper: _Mapper, target_name: str) -> None:
        self._ledger = ledger
        self._sink = sink
        self._mapper = mapper
        self._name = target_name
        self._lock = threading.Lock()
        self._known: dict[tuple[str, str], _Others] = {}

    def of(self, entry: Entry, document: Supplier, found: Found) -> Reason | None:
        """Return why a supplier cannot be linked by itself, None when nobody else lays claim to it.

        Args:
            entry: Its row in the ledger.
            document: The supplier.
            found: What of the target it seems to be.
        """
        others = self._others(entry)
        mapped = {**self._linked(entry, found.target_id), **others.mapped.get(found.target_id, {})}
        kin = others.with_tax_id.get(telling_tax_id(document.tax_id) or "", {})
        for rivals, verb in ((mapped, "is linked to it already"), (kin, "has the same tax number")):
            names = [f'"{name}" ({id_})' for id_, name in rivals.items() if id_ != entry.source_id]
            if names:
                more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
                shown = f"{self._name} {found.number or found.target_id}"
                return Reason(
                    "ambiguous",
                    f'supplier "{document.name}" ({entry.source_id}) may be {shown} ({found.rests_on}), but '
                    f"{', '.join(names[:_SHOWN])}{more} {verb}",
                    "add a row to the mapping table suppliers.csv that says which supplier it is",
                    "supplier",
                    entry.source_id,
                )
        return None

    def _linked(self, entry: Entry, target_id: str) -> dict[str, str]:
        query = sa.select(entries.c.source_id, entries.c.party).where(
            *_of_the_same(entry), entries.c.target_id == target_id, entries.c.source_id != entry.source_id
        )
        with self._ledger.read() as connection:
            return {row.source_id: row.party or row.source_id for row in connection.execute(query)}

    def _others(self, entry: Entry) -> _Others:
        """Return what the source's suppliers that are not linked yet say, read once a run."""
        key = (entry.target, entry.source)
        with self._lock:
            if key not in self._known:
                self._known[key] = self._read(entry)
            return self._known[key]

    def _read(self, entry: Entry) -> _Others:
        query = sa.select(entries.c.stream, entries.c.source_id, entries.c.record).where(
            *_of_the_same(entry), entries.c.target_id.is_(None), entries.c.state != "ignored"
        )
        with self._ledger.read() as connection:
            rows = connection.execute(query).all()
        others = _Others()
        for row in rows:
            try:
                document = self._mapper.map(row.stream, exact_json.loads(row.record)).document
            except Exception:  # noqa: BLE001, S112 - whatever is wrong with another one is told when its turn comes
                continue
            if not isinstance(document, Supplier) or not document.active:
                continue
            if document.target_id:
                found = self._sink.match(document)
                if found is not None:
                    others.mapped[found.target_id][row.source_id] = document.name
            elif tax_id := telling_tax_id(document.tax_id):
                others.with_tax_id[tax_id][row.source_id] = document.name
        return others


class _Others:
    """Names by source id: of those a person has mapped, by what they are; of the rest, by tax number."""

    def __init__(self) -> None:
        self.mapped: dict[str, dict[str, str]] = collections.defaultdict(dict)
        self.with_tax_id: dict[str, dict[str, str]] = collections.defaultdict(dict)


def _of_the_same(entry: Entry) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        entries.c.target == entry.target,
        entries.c.source == entry.source,
        entries.c.kind == entry.kind,
    )
