"""Characters that break what comes after them, made harmless in one place for all systems."""

from __future__ import annotations

import re
import typing as t

__all__ = ["in_json", "legible", "on_record", "sendable", "storable"]

_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_BREAK = re.compile("[\x0b\x0c\x1c-\x1f]")
_LINE_END = re.compile("\r\n?")
_COMMANDS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_NEXT_LINE = re.compile("\n(?! )")
_NOT_STORED = re.compile("[\0\ud800-\udfff]")
_MARK: t.Final = "\ufffd"


def sendable(text: str) -> str:
    """Return a text without what XML cannot carry: a blank for the breaks of word processors, nothing for the rest.

    Lines end in a line feed: XML reads every end of a line as one, so another would come back changed.
    """
    return _NOT_IN_XML.sub("", _BREAK.sub(" ", _LINE_END.sub("\n", text)))


def legible(text: str) -> str:
    """Return a text for a person's terminal, with the mark for what would command it, or turn the writing round.

    Names and ids are written by whoever sends invoices; one must not rewrite what is read about it.
    """
    return _COMMANDS.sub(_MARK, text)


def on_record(text: str) -> str:
    """Return a text for the log: legible, and each further line of it indented, so that none passes for an entry."""
    return _NEXT_LINE.sub("\n  ", legible(text))


def in_json(text: str) -> str:
    """Return JSON in which what would command a terminal is escaped; programs read the same from it."""
    return _COMMANDS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def storable(value: t.Any) -> t.Any:
    """Return a JSON value with the mark for what cannot be read in place of NUL and of halves of characters.

    PostgreSQL keeps no NUL in a text, and half a character (a lone surrogate) can be written in no encoding.
    """
    if isinstance(value, str):
        return _NOT_STORED.sub(_MARK, value)
    if isinstance(value, dict):
        return {storable(name): storable(item) for name, item in value.items()}
    return [storable(item) for item in value] if isinstance(value, list) else value
