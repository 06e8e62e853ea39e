"""One form of a value for hashing and comparing."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import typing as t
from decimal import Decimal

__all__ = ["canonical_json", "content_hash"]


def canonical_json(value: t.Any) -> str:
    """Return JSON that is equal for equal values: sorted keys, exact decimals, ISO dates."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain)


def content_hash(value: t.Any) -> str:
    """Return the SHA-256 of a value's canonical JSON, as hexadecimal text."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def _plain(value: t.Any) -> str:
    if isinstance(value, Decimal):
        return format(value.normalize() + 0, "f")
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat()
    if isinstance(value, dt.date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no canonical form")
