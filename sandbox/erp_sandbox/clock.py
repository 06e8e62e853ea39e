"""The time the sandbox lives in."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

_MILLISECOND = timedelta(milliseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Clock:
    """UTC now, which a test may move forward, and stamps for edits that never repeat.

    Args:
        frozen_at: Stand still at this instant (only ``advance`` moves it); None follows the real time.
    """

    def __init__(self, frozen_at: datetime | None = None) -> None:
        self._frozen_at = frozen_at
        self._shift = timedelta()
        self._last_stamp = 0
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """The current instant in UTC, whole milliseconds."""
        real = self._frozen_at or datetime.now(UTC)
        return from_milliseconds(to_milliseconds(real + self._shift))

    def advance(self, span: timedelta) -> None:
        """Move the time forward, so that sessions idle out and hourly quotas start anew."""
        if span < timedelta():
            raise ValueError("time only moves forward")
        self._shift += span

    def stamp(self) -> int:
        """Milliseconds since 1970 for an edit, each greater than every stamp before it."""
        with self._lock:
            self._last_stamp = max(to_milliseconds(self.now()), self._last_stamp + 1)
            return self._last_stamp

    def not_before(self, milliseconds: int) -> None:
        """Let every later stamp be greater than ``milliseconds``, the newest one already in the data."""
        with self._lock:
            self._last_stamp = max(self._last_stamp, milliseconds)


def to_milliseconds(instant: datetime) -> int:
    """Whole milliseconds since 1970 of an aware instant."""
    return (instant - _EPOCH) // _MILLISECOND


def from_milliseconds(milliseconds: int) -> datetime:
    """The UTC instant of a count of milliseconds since 1970."""
    return _EPOCH + milliseconds * _MILLISECOND
