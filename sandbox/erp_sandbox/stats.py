"""What the sandbox was asked: calls, statuses and how many at once."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(slots=True)
class Call:
    """One call being answered; ``status`` 0 means the connection was cut without an answer."""

    status: int = 0


class Stats:
    """Counts per system; read it from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: Counter[tuple[str, str]] = Counter()
        self._statuses: Counter[tuple[str, int]] = Counter()
        self._now: Counter[str] = Counter()
        self._most: Counter[str] = Counter()

    @contextmanager
    def call(self, system: str, endpoint: str) -> Iterator[Call]:
        """Count one call to ``endpoint`` ("GET /v3/bills", "Submit_Supplier_Invoice") from begin to end."""
        call = Call()
        with self._lock:
            self._calls[system, endpoint] += 1
            self._now[system] += 1
            self._most[system] = max(self._most[system], self._now[system])
        try:
            yield call
        finally:
            with self._lock:
                self._now[system] -= 1
                self._statuses[system, call.status] += 1

    def calls(self, system: str, endpoint: str | None = None) -> int:
        """How many calls to a system, or to one of its endpoints."""
        with self._lock:
            return sum(
                count for (known, name), count in self._calls.items() if known == system and endpoint in (None, name)
            )

    def max_concurrency(self, system: str) -> int:
        """The most calls to a system that were ever answered at the same time."""
        return self._most[system]

    def clear(self) -> None:
        """Start counting anew."""
        with self._lock:
            self._calls.clear()
            self._statuses.clear()
            self._most.clear()

    def as_json(self) -> dict[str, object]:
        """Everything, by system."""
        with self._lock:
            systems = sorted({system for system, _ in self._calls})
            return {
                system: {
                    "calls": sum(count for (known, _), count in self._calls.items() if known == system),
                    "endpoints": {
                        name: count for (known, name), count in sorted(self._calls.items()) if known == system
                    },
                    "statuses": {
                        str(status): count
                        for (known, status), count in sorted(self._statuses.items())
                        if known == system
                    },
                    "max_concurrency": self._most[system],
                }
                for system in systems
            }
