"""Which faults may be tried again, and after how long: for reads, and for writes whose outcome is asked for first."""

from __future__ import annotations

import typing as t

from ml_connector.errors import Throttled

__all__ = ["on_faults"]


def on_faults(*faults: type[Exception], longest: float) -> t.Callable[[Exception], bool | float]:
    """Return stamina's ``on=`` for these faults, honouring what a system says about when to come back.

    Args:
        faults: What may be tried again.
        longest: Seconds; a system that wants more than this is not waited for.
    """

    def decide(error: Exception) -> bool | float:
        if not isinstance(error, faults):
            return False
        wait = error.retry_after if isinstance(error, Throttled) else None
        if wait is None:
            return True
        return wait if wait <= longest else False

    return decide
