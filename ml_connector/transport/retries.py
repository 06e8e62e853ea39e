"""Trying again, with pauses that spread out callers who were turned away together.

Only for what may be repeated: reads, and deliveries that begin by asking what became of the try before.
"""

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
_log = logging.getLogger(__name__)

set_on_retry_hooks(())  # the default hook of stamina may print to stdout, which carries Singer messages


def attempts(
    pause: t.Callable[[SystemFault, int], float | None], *, tries: int = ATTEMPTS
) -> t.Iterator[stamina.Attempt]:
    """Yield attempts until one succeeds or ``pause`` says that waiting cannot help.

    Args:
        pause: Seconds to wait after the fault of the n-th attempt (from 1); None: give up and raise it.
        tries: How many attempts at most.
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
        if count < tries:
            _log.warning("%s Trying again in %.1f s (attempt %d of %d).", error, seconds, count + 1, tries)
        return max(seconds, 0.001)

    yield from stamina.retry_context(on=wait, attempts=tries, timeout=None)


def full_jitter(
    attempt: int, asked: float | None = None, *, first: float = 1.0, longest: float = LONGEST_PAUSE
) -> float:
    """Return a random pause below 1, 2, 4, 8 s; at least what the system asked for, at most a minute.

    Args:
        attempt: Which attempt has failed, from 1.
        asked: What the system asked for, in seconds.
        first: Longest pause after the first attempt; it doubles from there.
        longest: Where it stops doubling; a system that asks for more than a minute is waited for up to this.
    """
    computed = _random.uniform(0, min(longest, first * 2.0 ** (attempt - 1)))
    return max(computed, min(asked or 0.0, max(longest, 60.0)))
