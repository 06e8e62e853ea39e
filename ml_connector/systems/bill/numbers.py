"""Invoice numbers that fit into BILL, the same for the same number for ever (sheet bill 0.6, 4.1)."""

from __future__ import annotations

import typing as t

from ml_connector.names import shortened

__all__ = ["LONGEST_NUMBER", "short_number"]

LONGEST_NUMBER: t.Final = 21
"""Characters BILL takes at most; more are refused with BDC_1143."""


def short_number(number: str, limit: int = LONGEST_NUMBER) -> str:
    """Return a number as it is when it fits, else its tail and a short hash of the whole.

    BILL would take the second of two that are merely cut alike for a duplicate.

    Args:
        number: The supplier's own number.
        limit: Characters there is room for, at least 10.
    """
    return shortened(number, limit)
