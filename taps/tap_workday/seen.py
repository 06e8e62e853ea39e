"""Which records of a sliding window were given out, and how they looked: small enough for a Singer state.

A record takes 12 bytes, 16 characters of the state: 6 bytes of its WID's hash and 6 of its content's. Only records
inside the window are kept, so 10,000 invoices in 90 days make 160 KB. Two records that share a key are both given out
each time; a change is missed when two contents share a hash, which is one chance in 280 million million.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import typing as t

from ml_connector import exact_json

__all__ = ["Seen", "content_key"]

_HALF: t.Final = 6
_ENTRY: t.Final = 2 * _HALF


class Seen:
    """What was seen before, and what is seen now.

    Args:
        before: What :meth:`text` gave after an earlier run; what cannot be read counts as nothing.
    """

    def __init__(self, before: str | None = None) -> None:
        self._before = _decoded(before or "")
        self._now: dict[bytes, bytes] = {}
        self._met: set[bytes] = set()

    def __len__(self) -> int:
        """How many records were seen before."""
        return len(self._before)

    @property
    def missing(self) -> int:
        """How many of the records seen before were not met again so far."""
        return len(self._before) - len(self._met)

    def meet(self, wid: str, record: t.Mapping[str, t.Any], *, keep: bool) -> bool:
        """Take note of a record and say whether it is new or looks different.

        Args:
            wid: Its key.
            record: The whole of it.
            keep: Whether the next run will meet it again.
        """
        key, content = _hash(wid), _hash(exact_json.dumps(record))
        if key in self._before:
            self._met.add(key)
        if keep:
            self._now[key] = content
        return self._before.get(key) != content

    def text(self) -> str:
        """Return what was seen now, for the state."""
        return base64.b64encode(b"".join(key + content for key, content in sorted(self._now.items()))).decode()


def content_key(row: t.Mapping[str, t.Any]) -> str:
    """Return a key for a row that has none: equal for equal rows."""
    return hashlib.blake2b(exact_json.dumps(row).encode(), digest_size=16).hexdigest()


def _hash(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=_HALF).digest()


def _decoded(text: str) -> dict[bytes, bytes]:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return {}
    return {raw[at : at + _HALF]: raw[at + _HALF : at + _ENTRY] for at in range(0, len(raw) - _ENTRY + 1, _ENTRY)}
