"""What people call the systems, and how a name is made short without becoming another's."""

from __future__ import annotations

import base64
import hashlib
import typing as t

from ml_connector.descriptor import descriptors

__all__ = ["display_name", "shortened"]

_DIGEST: t.Final = 8


def display_name(system: str) -> str:
    """Return how messages name a system (``bill`` -> ``BILL``); unknown names are returned as they are."""
    known = descriptors().get(system)
    return known.label if known else system


def shortened(name: str, limit: int) -> str:
    """Return a name as it is when it fits, else its tail and a short hash of the whole: the same for ever.

    Cutting alone would make one name of two that begin or end alike.

    Args:
        name: The name or number.
        limit: Characters there is room for, at least 10.
    """
    if len(name) <= limit:
        return name
    digest = base64.b32encode(hashlib.sha256(name.encode()).digest())[:_DIGEST].decode()
    return f"{name[len(name) - (limit - _DIGEST - 1) :]}-{digest}"
