"""Our ids where Business Central has room for them: in ``Code`` fields, which know no case, and in texts (sheet 4)."""

from __future__ import annotations

import base64
import hashlib
import re
import typing as t

from ml_connector.names import shortened

__all__ = ["code_number", "digest", "mark_of", "marked"]

_DIGEST: t.Final = 8
_MARK = re.compile(r"\[ref ([^\[\]]+)\]\s*$")


def digest(text: str) -> str:
    """Return eight letters and digits that stand for a text, its case included."""
    return base64.b32encode(hashlib.sha256(text.encode()).digest())[:_DIGEST].decode()


def code_number(text: str, limit: int) -> str:
    """Return a text as a ``Code`` field keeps it, the same for ever and another one's never.

    Such a field is upper-cased; what that or its length would change carries a digest of the exact text.

    Args:
        text: The text.
        limit: Characters there is room for, at least 10.
    """
    plain = text.strip()
    if plain == plain.upper():
        return shortened(plain, limit)
    return f"{plain.upper()[-(limit - _DIGEST - 1) :]}-{digest(plain)}"


def marked(text: str | None, mark: str, limit: int) -> str:
    """Return a text that ends with ``[ref <mark>]``; what stands before it is cut if need be."""
    ending = f"[ref {mark}]"
    room = limit - len(ending) - 1
    words = (text or "").strip()[: max(room, 0)].strip()
    return f"{words} {ending}" if words else ending


def mark_of(text: t.Any) -> str | None:
    """Return the mark a text ends with, None when it has none."""
    match = _MARK.search(text) if isinstance(text, str) else None
    return match[1] if match else None
