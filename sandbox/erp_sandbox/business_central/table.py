"""Records of one kind in the order of their key, with indexes; every change can be undone."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterator
from typing import Any

from erp_sandbox.business_central.values import Record

__all__ = ["Key", "Note", "Table"]

Key = tuple[Any, ...]
Note = Callable[["Table", str, Record | None, Record | None], None]
"""Told of each change: the table, the id, the record before (None: new) and after (None: deleted)."""


class Table:
    """Records by id. A record that is in here is never changed in place: it is replaced.

    Args:
        name: What it is called.
        order: The fields of its key; the id comes last.
        indexes: Fields by which records are found quickly.
        note: Told of each change before it is made.
    """

    def __init__(self, name: str, order: tuple[str, ...], indexes: tuple[str, ...], note: Note) -> None:
        self.name = name
        self._fields = order
        self._note = note
        self._rows: dict[str, Record] = {}
        self._order: list[Key] = []
        self._indexes: dict[str, dict[Any, dict[str, None]]] = {field: {} for field in indexes}

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, identifier: object) -> bool:
        return identifier in self._rows

    def __iter__(self) -> Iterator[Record]:
        """All records in key order."""
        for key in list(self._order):
            record = self._rows.get(key[-1])
            if record is not None:
                yield record

    def get(self, identifier: str) -> Record | None:
        """The record with that id."""
        return self._rows.get(identifier)

    def key(self, record: Record) -> Key:
        """Where a record stands."""
        return (*(record[field] for field in self._fields), record["id"])

    def put(self, record: Record) -> None:
        """Add or replace a record."""
        self._note(self, record["id"], self._rows.get(record["id"]), record)
        self._place(record)

    def delete(self, identifier: str) -> None:
        """Take a record out."""
        self._note(self, identifier, self._rows[identifier], None)
        self._remove(identifier)

    def restore(self, identifier: str, before: Record | None) -> None:
        """Undo a change."""
        if before is None:
            self._remove(identifier)
        else:
            self._place(before)

    def is_indexed(self, field: str) -> bool:
        """Whether records are found quickly by a field."""
        return field in self._indexes

    def find(self, field: str, value: Any) -> list[Record]:
        """All records with that value of an indexed field, in key order."""
        found = [self._rows[identifier] for identifier in self._indexes[field].get(value, ())]
        return sorted(found, key=self.key)

    def one(self, field: str, value: Any) -> Record | None:
        """The first record with that value of an indexed field."""
        found = self.find(field, value)
        return found[0] if found else None

    def after(self, key: Key | None) -> Iterator[Record]:
        """All records behind a key, in order."""
        start = 0 if key is None else bisect_right(self._order, key)
        for each in self._order[start:]:
            yield self._rows[each[-1]]

    def _place(self, record: Record) -> None:
        identifier = record["id"]
        key = self.key(record)
        old = self._rows.get(identifier)
        if old is not None:
            self._leave_indexes(old)
        if old is None or self.key(old) != key:
            if old is not None:
                del self._order[bisect_left(self._order, self.key(old))]
            if self._order and key < self._order[-1]:
                insort(self._order, key)
            else:
                self._order.append(key)
        self._rows[identifier] = record
        for field, index in self._indexes.items():
            index.setdefault(record[field], {})[identifier] = None

    def _remove(self, identifier: str) -> None:
        record = self._rows.pop(identifier)
        del self._order[bisect_left(self._order, self.key(record))]
        self._leave_indexes(record)

    def _leave_indexes(self, record: Record) -> None:
        for field, index in self._indexes.items():
            members = index[record[field]]
            del members[record["id"]]
            if not members:
                del index[record[field]]
