"""Records of one kind, kept as the bytes that leave the server and in order of their last change."""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Collection, Iterator, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from erp_sandbox.bill.times import parse_instant

Key = tuple[int, str]
"""Where a record stands: (milliseconds of ``updatedTime``, id)."""

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_DECODER = msgspec.json.Decoder(float_hook=Decimal)


class Row(NamedTuple):
    """A record as bytes; ``detail`` is the member shown only on request, with its leading comma, or empty."""

    updated: int
    body: bytes
    detail: bytes

    def whole(self) -> bytes:
        """The record including its detail."""
        return self.body[:-1] + self.detail + b"}" if self.detail else self.body


class Table:
    """Rows by id and by (updatedTime, id); safe to edit from one thread while another one serves.

    Args:
        detail: The name of the member that is shown only on request, if there is one.

    Attributes:
        watch: Told of every record that is put: what it was before, and what it is now.
    """

    def __init__(self, detail: str | None = None) -> None:
        self._detail = detail
        self._rows: dict[str, Row] = {}
        self._order: list[Key] = []
        self._in_order = True
        self._selections: dict[object, list[str]] = {}
        self._indexes: dict[str, _Index] = {}
        self.watch: Callable[[Row | None, Mapping[str, Any]], None] | None = None
        self._lock = threading.RLock()

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, identifier: object) -> bool:
        return identifier in self._rows

    def put(self, record: Mapping[str, Any]) -> None:
        """Add or replace a record; it needs an ``id``, and an ``updatedTime`` to take part in its order."""
        detail = b""
        if self._detail is not None and self._detail in record:
            detail = b',"' + self._detail.encode() + b'":' + _ENCODER.encode(record[self._detail])
            record = {name: value for name, value in record.items() if name != self._detail}
        updated = parse_instant(record["updatedTime"]) if "updatedTime" in record else 0
        old = self._rows.get(record["id"])
        self.put_row(record["id"], Row(updated, _ENCODER.encode(record), detail))
        if self.watch is not None:
            self.watch(old, record)

    def put_row(self, identifier: str, row: Row) -> None:
        """Add or replace a record that is bytes already."""
        with self._lock:
            old = self._rows.get(identifier)
            if old is not None:
                self._arrange()
                del self._order[bisect_left(self._order, (old.updated, identifier))]
            self._rows[identifier] = row
            for index in self._indexes.values():
                index.put(identifier, row)
            key = (row.updated, identifier)
            if not self._order or (self._in_order and key > self._order[-1]):
                self._order.append(key)
            elif old is None:
                self._order.append(key)
                self._in_order = False
            else:
                insort(self._order, key)
            self._selections.clear()

    def row(self, identifier: str) -> Row | None:
        """The row with that id."""
        return self._rows.get(identifier)

    def record(self, identifier: str) -> dict[str, Any]:
        """A copy of the record with that id, detail included, money as Decimal.

        Raises:
            KeyError: there is none.
        """
        return decode(self._rows[identifier].whole())

    def records(self) -> Iterator[dict[str, Any]]:
        """Copies of all records, oldest change first."""
        for _, identifier in self.positions():
            yield self.record(identifier)

    def positions(self) -> list[Key]:
        """All positions, oldest change first."""
        with self._lock:
            self._arrange()
            return list(self._order)

    def rows(self) -> Iterator[tuple[str, Row]]:
        """All rows with their ids, oldest change first."""
        for _, identifier in self.positions():
            yield identifier, self._rows[identifier]

    def newest(self) -> int:
        """Milliseconds of the latest change, 0 when empty."""
        with self._lock:
            self._arrange()
            return self._order[-1][0] if self._order else 0

    def walk(
        self,
        start: Key,
        end: Key,
        count: int,
        admits: Callable[[Row], bool] | None,
        *,
        backwards: bool = False,
        among: Collection[str] | None = None,
    ) -> list[Key]:
        """Up to ``count`` positions in ``start <= key < end`` whose rows are admitted, in order.

        The work grows with the rows looked at, not with the size of the table.

        Args:
            start: First position, not before it.
            end: Stop before this position.
            count: How many at most.
            admits: The condition; None admits all.
            backwards: Take the last ones of the range instead of the first ones.
            among: Ids outside of which nothing is admitted; None: any may be.
        """
        with self._lock:
            self._arrange()
            order = self._order if among is None else sorted((self._rows[each].updated, each) for each in among)
            low, high = bisect_left(order, start), bisect_left(order, end)
            if admits is None:
                return order[max(low, high - count) : high] if backwards else order[low : min(high, low + count)]
            found: list[Key] = []
            for position in range(high - 1, low - 1, -1) if backwards else range(low, high):
                key = order[position]
                if admits(self._rows[key[1]]):
                    found.append(key)
                    if len(found) == count:
                        break
            return found[::-1] if backwards else found

    def with_value(self, path: str, value: object) -> Collection[str]:
        """Ids of the records that have a value at a path (``invoice.invoiceNumber``), however many records there are.

        The first question for a path looks at all of them.
        """
        with self._lock:
            if path not in self._indexes:
                self._indexes[path] = index = _Index(path)
                for identifier, row in self._rows.items():
                    index.put(identifier, row)
            return self._indexes[path].ids(value)

    def after(self, key: Key) -> Key:
        """The smallest position greater than ``key``."""
        with self._lock:
            self._arrange()
            place = bisect_right(self._order, key)
            return self._order[place] if place < len(self._order) else END

    def selection(self, name: object, build: Callable[[], list[str]]) -> list[str]:
        """A list of ids that is built once and kept until the next edit."""
        with self._lock:
            if name not in self._selections:
                if len(self._selections) >= 16:
                    self._selections.clear()
                self._selections[name] = build()
            return self._selections[name]

    def _arrange(self) -> None:
        if not self._in_order:
            self._order.sort()
            self._in_order = True


class _Index:
    """Ids by the value at a path."""

    def __init__(self, path: str) -> None:
        self._path = path.split(".")
        self._values: dict[str, object] = {}
        self._ids: dict[object, dict[str, None]] = {}

    def put(self, identifier: str, row: Row) -> None:
        value: Any = decode(row.body)
        for part in self._path:
            value = value.get(part) if isinstance(value, Mapping) else None
        if isinstance(value, list | dict):
            value = None
        if identifier in self._values:
            del self._ids[self._values[identifier]][identifier]
        self._values[identifier] = value
        self._ids.setdefault(value, {})[identifier] = None

    def ids(self, value: object) -> Collection[str]:
        return list(self._ids.get(value, ()))


START: Key = (-1, "")
END: Key = (2**62, "")


def decode(body: bytes) -> dict[str, Any]:
    """A record from its bytes; numbers with a fraction become Decimal."""
    record: dict[str, Any] = _DECODER.decode(body)
    return record


def encode(value: object) -> bytes:
    """JSON bytes; Decimal becomes a number."""
    return _ENCODER.encode(value)
