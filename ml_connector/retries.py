"""Trying a read again, with pauses that spread out callers who were turned away together."""

from __future__ import annotations

import logging
import random
import typing as t

import stamina
from stamina.instrumentation import set_on_retry_hooks

from ml_connector.errors import SystemFault

__all__ = ["attempts", "full_jitter"]

ATTEMPTS = 8
LONGEST_PAUSE = 8.0

_random = random.SystemRandom()
_log = logging.getLogger("ml_connector.read_retries")

set_on_retry_hooks(())  # the default hook of stamina may print to stdout, which carries Singer messages


def attempts(pause: t.Callable[[SystemFault, int], float | None]) -> t.Iterator[stamina.Attempt]:
    """Yield attempts until one succeeds or ``pause`` says that waiting cannot help.

    Args:
        pause: Seconds to wait after the fault of the n-th attempt (from 1); None: give up and raise it.
    """
    count = 0

    def wait(error: Exception) -> bool | float:
        nonlocal count
        if not isinstance(error, SystemFault):
            return False
        count += 1
        seconds = pause(error, count)
        if seconds is None:
            return False
        if count < ATTEMPTS:
            _log.warning("%s Trying again in %.1f s (attempt %d of %d).", error, seconds, count + 1, ATTEMPTS)
        return max(seconds, 0.01)

    yield from stamina.retry_context(on=wait, attempts=ATTEMPTS, timeout=None)


def full_jitter(attempt: int, asked: float | None = None) -> float:
    """Return a random pause below 1, 2, 4, 8 s; at least what the system asked for, at most a minute."""
    computed = _random.uniform(0, min(LONGEST_PAUSE, 2.0 ** (attempt - 1)))
    return max(computed, min(asked or 0.0, 60.0))
