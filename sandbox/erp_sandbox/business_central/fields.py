"""Fields of the API's entities: names, types, lengths and who may write them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Field", "Kind", "choice", "code", "day", "flag", "guid", "instant", "integer", "number", "text"]

Kind = Literal["guid", "code", "text", "number", "integer", "flag", "day", "instant", "choice"]


@dataclass(frozen=True, slots=True)
class Field:
    """One property of an entity.

    Attributes:
        name: As on the wire.
        kind: ``code`` is upper-cased, trimmed text; ``number`` a decimal; ``instant`` a UTC time.
        length: The most characters it takes; None is no limit.
        write: Whether a body may hold it.
        options: The captions of an enum, as a person reads them; their wire form is encoded.
    """

    name: str
    kind: Kind
    length: int | None = None
    write: bool = False
    options: tuple[str, ...] = ()


def guid(name: str, *, write: bool = False) -> Field:
    """An id; all zeros stand for none."""
    return Field(name, "guid", None, write)


def code(name: str, length: int | None = None, *, write: bool = False) -> Field:
    """A code: compared and stored in upper case."""
    return Field(name, "code", length, write)


def text(name: str, length: int | None = None, *, write: bool = False) -> Field:
    """Text as it was written; an empty one stands for none."""
    return Field(name, "text", length, write)


def number(name: str, *, write: bool = False) -> Field:
    """A decimal: money, quantity or percent."""
    return Field(name, "number", None, write)


def integer(name: str, *, write: bool = False) -> Field:
    """A whole number."""
    return Field(name, "integer", None, write)


def flag(name: str, *, write: bool = False) -> Field:
    """True or false."""
    return Field(name, "flag", None, write)


def day(name: str, *, write: bool = False) -> Field:
    """A date without a zone; 0001-01-01 stands for none."""
    return Field(name, "day", None, write)


def instant(name: str, *, write: bool = False) -> Field:
    """A UTC time in milliseconds; 0001-01-01T00:00:00Z stands for never."""
    return Field(name, "instant", None, write)


def choice(name: str, options: tuple[str, ...], *, write: bool = False) -> Field:
    """An enum."""
    return Field(name, "choice", None, write, options)
