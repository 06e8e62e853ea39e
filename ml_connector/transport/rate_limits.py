"""Limits that hold across all processes of one machine: calls at once, calls per clock hour, calls per second.

The operating system releases what a killed process held, so nothing has to be cleaned up.
"""

from __future__ import annotations

import contextlib
import os
import random
import threading
import time
import typing as t
from pathlib import Path

import filelock

from ml_connector.private import file_lock, open_file
from ml_connector.state_directory import hashed, state_directory

__all__ = ["HourlyBudget", "Pace", "Permits"]

GROW_AFTER = 25
"""Undisturbed calls after which a shrunken number of permits grows by one."""

_HOUR = 3600
_LONGEST_QUEUE = 60.0
_LONGEST_NOTE = 100
_random = random.SystemRandom()


class Permits:
    """A number of calls that may be under way at once, counted over all processes that use the same name.

    Each permit is a locked file. Whoever finds none free tries again after a short random pause.

    Args:
        name: What is limited; may contain keys, it is hashed.
        slots: How many calls at once.
        directory: Where the files lie; None: the state directory.
    """

    def __init__(self, name: str, slots: int, *, directory: Path | None = None) -> None:
        place = directory or state_directory("permits")
        stem = hashed(name)
        self._locks = [file_lock(place / f"{stem}.{number}") for number in range(slots)]
        self._limit = slots
        self._undisturbed = 0
        self._ours: set[int] = set()
        self._freed = threading.Condition()

    @property
    def limit(self) -> int:
        """How many calls this process makes at once at present."""
        return self._limit

    @contextlib.contextmanager
    def hold(self) -> t.Iterator[None]:
        """Hold one permit, waiting until one is free."""
        number = self._take()
        try:
            yield
        finally:
            self._give_back(number)

    def shrink(self) -> None:
        """Make one call fewer at once from now on: the system saw too many. Never below one."""
        with self._freed:
            self._limit = max(1, self._limit - 1)
            self._undisturbed = 0

    def _take(self) -> int:
        with self._freed:
            while True:
                for number in range(self._limit):
                    if number not in self._ours and self._lock(number):
                        self._ours.add(number)
                        return number
                self._freed.wait(_random.uniform(0.004, 0.02))

    def _lock(self, number: int) -> bool:
        try:
            self._locks[number].acquire(blocking=False)
        except filelock.Timeout:
            return False
        return True

    def _give_back(self, number: int) -> None:
        with self._freed:
            self._locks[number].release()
            self._ours.discard(number)
            self._undisturbed += 1
            if self._limit < len(self._locks) and self._undisturbed >= GROW_AFTER:
                self._limit += 1
                self._undisturbed = 0
            self._freed.notify()


class HourlyBudget:
    """A number of calls per clock hour, counted over all processes that use the same name.

    Args:
        name: What is limited; may contain keys, it is hashed.
        calls: How many calls in a clock hour (UTC).
        directory: Where the count lies; None: the state directory.
        clock: Seconds since 1970.
    """

    def __init__(
        self,
        name: str,
        calls: int,
        *,
        directory: Path | None = None,
        clock: t.Callable[[], float] = time.time,
    ) -> None:
        place = directory or state_directory("permits")
        stem = hashed(name)
        self._path = place / f"{stem}.hour"
        self._across_processes = file_lock(place / f"{stem}.hour.lock")
        self._across_threads = threading.Lock()
        self._calls = calls
        self._clock = clock

    def spend(self) -> float:
        """Count one call.

        Returns:
            0.0 when it may be made, else the seconds until the next hour begins; then nothing was counted.
        """
        with self._across_threads, self._across_processes:
            now = self._clock()
            hour = int(now // _HOUR)
            spent = self._read(hour)
            if spent >= self._calls:
                return (hour + 1) * _HOUR - now
            self._write(hour, spent + 1)
            return 0.0

    def _read(self, hour: int) -> int:
        try:
            kept_hour, spent = _content(self._path).split()
            return int(spent) if int(kept_hour) == hour else 0
        except (OSError, ValueError):
            return 0

    def _write(self, hour: int, spent: int) -> None:
        _note(self._path, b"%d %d" % (hour, spent))


class Pace:
    """A number of calls per second, counted over all processes that use the same name.

    A second's worth of calls may be made at once; after that each waits for its turn.

    Args:
        name: What is limited; may contain keys, it is hashed.
        per_second: How many calls a second.
        directory: Where the turn of the next call is noted; None: the state directory.
        clock: Seconds since 1970.
        sleep: Waits.
    """

    def __init__(
        self,
        name: str,
        per_second: float,
        *,
        directory: Path | None = None,
        clock: t.Callable[[], float] = time.time,
        sleep: t.Callable[[float], None] = time.sleep,
    ) -> None:
        place = directory or state_directory("permits")
        stem = hashed(name)
        self._path = place / f"{stem}.pace"
        self._across_processes = file_lock(place / f"{stem}.pace.lock")
        self._across_threads = threading.Lock()
        self._between = 1.0 / per_second
        self._clock = clock
        self._sleep = sleep

    def wait(self) -> None:
        """Wait until it is the turn of one more call."""
        with self._across_threads, self._across_processes:
            now = self._clock()
            turn = max(self._read(now), now - max(0.0, 1.0 - self._between))
            self._write(turn + self._between)
        if turn > now:
            self._sleep(turn - now)

    def _read(self, now: float) -> float:
        try:
            turn = float(_content(self._path))
        except (OSError, ValueError):
            return 0.0
        return turn if turn - now < _LONGEST_QUEUE + self._between else 0.0  # the clock was set back

    def _write(self, turn: float) -> None:
        _note(self._path, b"%.6f" % turn)


def _content(path: Path) -> str:
    with os.fdopen(open_file(path, os.O_RDONLY), "r", encoding="ascii") as file:
        return file.read(_LONGEST_NOTE)


def _note(path: Path, content: bytes) -> None:
    with os.fdopen(open_file(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), "wb", buffering=0) as file:
        file.write(content)
