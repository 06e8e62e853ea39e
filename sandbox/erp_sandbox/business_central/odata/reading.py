"""Lists, pages and single entities as the service answers them (sheet 3)."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cmp_to_key
from itertools import islice
from typing import Any

from erp_sandbox.business_central import errors
from erp_sandbox.business_central.company import Company
from erp_sandbox.business_central.entities import ANALYTICS_SETS, FINANCE_SETS, GENERAL, SETS, EntitySet
from erp_sandbox.business_central.odata.query import Query
from erp_sandbox.business_central.rules.applications import application_rows
from erp_sandbox.business_central.rules.dimensions import dimension_rows
from erp_sandbox.business_central.rules.ledger import detail_rows
from erp_sandbox.business_central.table import Key
from erp_sandbox.business_central.values import Record, on_the_wire

__all__ = ["Page", "Reader", "behind", "etag_of", "sorted_rows"]

_QUERIES = frozenset(FINANCE_SETS)
_SUMS = frozenset({"balance", "netChange"})


def etag_of(record: Record) -> str:
    """The etag of a record; it changes with every change."""
    text = f"'19;{1_000_000_000_000_000_000 + record['_version'] * 1_000_003};00;'"
    return f'W/"{base64.b64encode(text.encode()).decode()}"'


@dataclass(frozen=True, slots=True)
class Parent:
    """The entity a collection stands below."""

    entity: EntitySet
    record: Record


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows, and how to go on.

    Attributes:
        rows: As the service shows them.
        token: The row behind which the next page begins; empty: this was the last one.
        left: How many of ``$top`` are left.
        count: How many rows there are altogether, if that was asked.
    """

    rows: list[dict[str, Any]]
    token: str
    left: int | None
    count: int | None


@dataclass(slots=True)
class Reader:
    """Reads one company for one call.

    Attributes:
        company: Which.
        url: Where the company stands, for links to streams.
        newest: Rows made after this version are not on the replica; None: all are seen.
        positions: Where the last rows of pages stood when they were given out.
        hide_unapplied: Whether payments that apply to nothing are hidden (sheet 3).
    """

    company: Company
    url: str
    newest: int | None
    positions: dict[tuple[str, str], Key]
    hide_unapplied: bool = False
    _computed: dict[str, dict[str, Any]] = field(default_factory=dict)

    def page(self, entity: EntitySet, parent: Parent | None, query: Query, size: int) -> Page:
        """One page of a list.

        Raises:
            BusinessCentralRefusalError: the list needs a parent, or the token is unknown.
        """
        most = size if query.top is None else min(size, query.top)
        rows = self._ordered(entity, parent, query)
        start = 0 if query.token else query.skip
        picked = list(islice(rows, start, start + most))
        left = None if query.top is None else query.top - len(picked)
        goes_on = len(picked) == size and left != 0
        if goes_on:
            self.positions[entity.name, picked[-1]["id"]] = self._key(entity, picked[-1])
        count = sum(1 for _ in self._rows(entity, parent, query)) if query.count else None
        return Page(
            [self.shown(entity, record, query) for record in picked],
            picked[-1]["id"] if goes_on else "",
            left,
            count,
        )

    def find(self, entity: EntitySet, parent: Parent | None, identifier: str) -> Record:
        """One entity by its id.

        Raises:
            BusinessCentralRefusalError: there is none, or not below that parent.
        """
        if entity.table == "":
            found = next((row for row in self._derived(entity, parent) if row["id"] == identifier), None)
        else:
            found = self.company.table(entity.table).get(identifier)
            if found is not None and entity.admits is not None and not entity.admits(found):
                found = None
            if found is not None and parent is not None:
                link = parent.entity.navs[entity.name]
                found = found if found[link] == parent.record["id"] else None
        if found is None:
            raise errors.no_record(entity.caption, identifier)
        return found

    def shown(self, entity: EntitySet, record: Record, query: Query) -> dict[str, Any]:
        """An entity as JSON shows it: only what was selected, with what was expanded."""
        row: dict[str, Any] = {}
        if entity.name not in _QUERIES:
            row["@odata.etag"] = etag_of(record)
        for name, coded in entity.plan:
            if query.select is None or name in query.select:
                row[name] = record[name] if coded is None else on_the_wire(coded, record[name])
        for name, value in self._worked_out(entity, record).items():
            if name in row:
                row[name] = value
        if entity.name == "documentAttachments" and query.select is None:
            link = f"{self.url}/documentAttachments({record['id']})/attachmentContent"
            row["attachmentContent@odata.mediaEditLink"] = row["attachmentContent@odata.mediaReadLink"] = link
        for name, nested in query.expand.items():
            child = SETS[name]
            rows = self._ordered(child, Parent(entity, record), nested)
            row[name] = [self.shown(child, each, nested) for each in rows]
        return row

    def _ordered(self, entity: EntitySet, parent: Parent | None, query: Query) -> Iterable[Record]:
        if query.order:
            rows = sorted_rows(list(self._rows(entity, parent, query)), query.order)
            return behind(rows, query.token) if query.token else rows
        return self._rows(entity, parent, query, self._start(entity, query.token) if query.token else None)

    def _start(self, entity: EntitySet, token: str) -> Key:
        key = self.positions.get((entity.name, token))
        record = self.company.table(entity.table).get(token) if entity.table else None
        if key is not None:
            return key
        if record is None:
            raise errors.bad_request(f"The skip token '{token}' is not valid.")
        return self._key(entity, record)

    def _key(self, entity: EntitySet, record: Record) -> Key:
        return self.company.table(entity.table).key(record) if entity.table else (record["id"],)

    def _rows(
        self, entity: EntitySet, parent: Parent | None, query: Query, after: Key | None = None
    ) -> Iterator[Record]:
        admits = query.filter.admits if query.filter is not None else None
        asks_sums = query.filter is not None and query.filter.fields & _SUMS
        for record in self._candidates(entity, parent, query, after):
            if not self._is_visible(entity, query, record):
                continue
            asked = {**record, **self._worked_out(entity, record)} if asks_sums else record
            if admits is None or admits(asked):
                yield record

    def _is_visible(self, entity: EntitySet, query: Query, record: Record) -> bool:
        if self.newest is not None and record["_created"] > self.newest:
            return False
        if entity.admits is not None and not entity.admits(record):
            return False
        if entity.name == "journals" and not (query.filter and "templateDisplayName" in query.filter.fields):
            return bool(record["templateDisplayName"] == GENERAL)
        if entity.name == "vendorPayments" and self.hide_unapplied:
            return bool(record["appliesToInvoiceNumber"] or record["_applied"])
        return True

    def _candidates(
        self, entity: EntitySet, parent: Parent | None, query: Query, after: Key | None
    ) -> Iterable[Record]:
        if entity.table == "":
            rows = self._derived(entity, parent)
            return rows if after is None else [row for row in rows if (row["id"],) > after]
        table = self.company.table(entity.table)
        equals = query.filter.equals if query.filter is not None else {}
        if parent is not None:
            found: Iterable[Record] = table.find(parent.entity.navs[entity.name], parent.record["id"])
        else:
            _need_filter(entity, equals)
            indexed = next((name for name in equals if table.is_indexed(name)), None)
            if indexed is None:
                return table.after(after)
            found = table.find(indexed, equals[indexed])
        return found if after is None else (record for record in found if table.key(record) > after)

    def _derived(self, entity: EntitySet, parent: Parent | None) -> list[Record]:
        if entity is ANALYTICS_SETS["vendorLedgerEntries"]:
            return detail_rows(self.company)
        if parent is None:
            _need_filter(entity, {})
            return []
        if entity.name == "dimensionSetLines":
            return dimension_rows(self.company, parent.entity, parent.record)
        return application_rows(self.company, parent.record)

    def _worked_out(self, entity: EntitySet, record: Record) -> dict[str, Any]:
        """Balances follow the ledgers, without touching the time of the last change (sheet 8.6)."""
        if entity.name == "vendors":
            return {"balance": self._sums("vendors", self.company.balances).get(record["number"], 0)}
        if entity.name == "accounts":
            return {"netChange": self._sums("accounts", self.company.net_changes).get(record["number"], 0)}
        return {}

    def _sums(self, name: str, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        if name not in self._computed:
            self._computed[name] = work()
        return self._computed[name]


def _need_filter(entity: EntitySet, equals: dict[str, Any]) -> None:
    """Some sets cannot be read without their parent (sheet 3)."""
    if not entity.needs or any(name in equals for name in entity.needs):
        return
    raise errors.dialog(
        f"The {entity.name} can only be read through their parent."
        if entity.needs == ("parent",)
        else f"You must specify a filter on {' or '.join(entity.needs)} to get the {entity.name}."
    )


def sorted_rows(rows: list[Record], order: tuple[tuple[str, bool], ...]) -> list[Record]:
    """Rows as ``$orderby`` wants them."""
    return sorted(rows, key=cmp_to_key(_by(order))) if order else rows


def _by(order: tuple[tuple[str, bool], ...]) -> Callable[[Record, Record], int]:
    def compare(one: Record, other: Record) -> int:
        for name, descending in order:
            if one[name] != other[name]:
                return (-1 if one[name] < other[name] else 1) * (-1 if descending else 1)
        return 0

    return compare


def behind(rows: list[Record], token: str) -> list[Record]:
    """The rows behind the one a page ended with.

    Raises:
        BusinessCentralRefusalError: it is not among them.
    """
    for place, record in enumerate(rows):
        if record["id"] == token:
            return rows[place + 1 :]
    raise errors.bad_request(f"The skip token '{token}' is not valid.")
