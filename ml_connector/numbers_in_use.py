"""Which of a supplier's invoices has which number, however it is written, where a system compares numbers exactly.

All of a supplier's numbers are read once a run, when the first is asked for; after that the system is asked for the
very number, and what was read tells those that are written in another way. What somebody types in another way while a
run goes on is seen by the next.
"""

from __future__ import annotations

import collections
import threading
import typing as t

from ml_connector.sameness import same_number

__all__ = ["NumbersInUse"]


class NumbersInUse:
    """The numbers of invoices by supplier; thread-safe.

    Args:
        read: Returns the number and the id of each invoice of a supplier, as they are now.
    """

    def __init__(self, read: t.Callable[[str], t.Iterable[tuple[str | None, str]]]) -> None:
        self._read = read
        self._lock = threading.Lock()
        self._locks: dict[str, threading.Lock] = collections.defaultdict(threading.Lock)
        self._ids: dict[str, dict[str, dict[str, None]]] = {}

    def ids(self, supplier: str, number: str) -> tuple[list[str], bool]:
        """Return the ids of a supplier's invoices of a number, and whether they were read just now."""
        with self._lock:
            lock = self._locks[supplier]
        with lock:
            fresh = supplier not in self._ids
            if fresh:
                numbers: dict[str, dict[str, None]] = collections.defaultdict(dict)
                for there, identifier in self._read(supplier):
                    numbers[same_number(there or "")][identifier] = None
                self._ids[supplier] = numbers
            return list(self._ids[supplier].get(same_number(number), ())), fresh

    def add(self, supplier: str, number: str | None, identifier: str) -> None:
        """Add an invoice that was made or changed meanwhile."""
        with self._lock:
            lock = self._locks[supplier]
        with lock:
            if supplier in self._ids:
                self._ids[supplier].setdefault(same_number(number or ""), {})[identifier] = None
