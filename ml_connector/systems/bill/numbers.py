"""Invoice numbers that fit into BILL, the same for the same number for ever (sheet bill 0.6, 4.1)."""

from __future__ import annotations

import base64
import hashlib
import typing as t

__all__ = ["LONGEST_NUMBER", "short_number"]

LONGEST_NUMBER: t.Final = 21
"""Characters BILL takes at most; more are refused with BDC_1143."""

_DIGEST: t.Final = 8


def short_number(number: str, limit: int = LONGEST_NUMBER) -> str:
    """Return a number as it is when it fits, else its tail and a short hash of the whole.

    Cutting alone would make one number of two that begin or end alike, and BILL would take the second for a duplicate.

    Args:
        number: The supplier's own number.
        limit: Characters there is room for, at least 10.
    """
    if len(number) <= limit:
        return number
    digest = base64.b32encode(hashlib.sha256(number.encode()).digest())[:_DIGEST].decode()
    return f"{number[len(number) - (limit - _DIGEST - 1) :]}-{digest}"
