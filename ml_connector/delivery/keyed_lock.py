"""One at a time for what must not be looked up and created side by side, where the system hinders no second one."""

from __future__ import annotations

import contextlib
import threading
import typing as t

__all__ = ["SingleFlight"]


class SingleFlight:
    """Lets one thread at a time look up and create what goes by the same key."""

    def __init__(self) -> None:
        self._busy: set[t.Hashable] = set()
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def of(self, key: t.Hashable) -> t.Iterator[None]:
        """Hold a key, waiting until whoever holds it is done."""
        with self._changed:
            self._changed.wait_for(lambda: key not in self._busy)
            self._busy.add(key)
        try:
            yield
        finally:
            with self._changed:
                self._busy.discard(key)
                self._changed.notify_all()
