"""Enum values on the wire are XML names: what no name may contain is written ``_xHHHH_`` (sheet 8.1)."""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = ["decoded", "encoded"]

_FOREIGN = re.compile(r"[^A-Za-z0-9_.-]")
_CODED = re.compile(r"_x([0-9A-Fa-f]{4})_")


@lru_cache(maxsize=512)
def encoded(caption: str) -> str:
    """``In Review`` as ``In_x0020_Review``; blank is ``_x0020_``."""
    return _FOREIGN.sub(lambda found: f"_x{ord(found[0]):04X}_", caption)


def decoded(name: str) -> str:
    """``Credit_x0020_Memo`` as ``Credit Memo``."""
    return _CODED.sub(lambda found: chr(int(found[1], 16)), name)
