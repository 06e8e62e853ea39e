"""Our id in a text people may write in: bills, credits and classifications have no field for it (sheet bill 0.10)."""

from __future__ import annotations

import re
import typing as t

__all__ = ["mark_of", "marked"]

LONGEST_TEXT: t.Final = 4000

_MARK = re.compile(r"\[ref ([^\[\]]+)\]\s*$")


def marked(text: str | None, mark: str) -> str:
    """Return a description that ends with ``[ref <mark>]``; the text before it is cut if need be."""
    ending = f"[ref {mark}]"
    room = LONGEST_TEXT - len(ending) - 1
    return f"{text.strip()[:room]} {ending}" if text and text.strip() else ending


def mark_of(text: t.Any) -> str | None:
    """Return the mark a description ends with, None when it has none."""
    match = _MARK.search(text) if isinstance(text, str) else None
    return match[1] if match else None
