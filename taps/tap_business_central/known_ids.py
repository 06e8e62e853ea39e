"""The ids a list had when they were all read last, small enough for a Singer state: 16 bytes each, and less packed."""

from __future__ import annotations

import base64
import binascii
import typing as t
import uuid
import zlib

__all__ = ["KnownIds"]

_SIZE: t.Final = 16
_ENOUGH_TO_COMPARE: t.Final = 20


class KnownIds:
    """What was there before, and what is there now.

    Args:
        before: What :meth:`text` gave after an earlier run; what cannot be read counts as nothing.
    """

    def __init__(self, before: str | None = None) -> None:
        self._before = _unpacked(before or "")
        self._now: set[bytes] = set()

    def meet(self, identifier: str) -> None:
        """Take note of a GUID that is there."""
        self._now.add(uuid.UUID(identifier).bytes)

    @property
    def before(self) -> int:
        """How many there were."""
        return len(self._before)

    @property
    def gone(self) -> list[str]:
        """What was there before and is not any more."""
        return sorted(str(uuid.UUID(bytes=each)) for each in self._before - self._now)

    @property
    def is_suspicious(self) -> bool:
        """Whether so many are gone that another cause is likelier than deletion."""
        lost = len(self._before - self._now)
        return (self.before > 0 and not self._now) or (self.before >= _ENOUGH_TO_COMPARE and 2 * lost > self.before)

    def text(self) -> str:
        """Return what is there now, for the state."""
        return base64.b64encode(zlib.compress(b"".join(sorted(self._now)), 9)).decode()


def _unpacked(text: str) -> set[bytes]:
    try:
        raw = zlib.decompress(base64.b64decode(text, validate=True)) if text else b""
    except (binascii.Error, ValueError, zlib.error):
        return set()
    return {raw[at : at + _SIZE] for at in range(0, len(raw) - _SIZE + 1, _SIZE)}
