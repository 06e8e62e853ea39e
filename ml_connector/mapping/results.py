"""What both engines say about a document: its fingerprint, and what is wrong with it."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping
from decimal import Decimal

import pydantic

from ml_connector.documents import content_hash
from ml_connector.errors import Reason
from ml_connector.mapping.expressions import UNRESOLVED
from ml_connector.mapping.words import words

__all__ = ["fingerprint_of", "validation_reasons"]

_NOT_COMPARED: t.Final = frozenset({"freight", "number", "source", "supplier_name"})
"""Fields that are there for people, say which version this is, or are a part of another that is compared (freight)."""


def fingerprint_of(fields: t.Mapping[str, t.Any]) -> str:
    """Return the hash of what a document's fields say; equal values written differently hash alike."""
    return content_hash(
        {
            name: plain
            for name, value in fields.items()
            if name not in _NOT_COMPARED and (plain := _plain(value)) is not None
        }
    )


def validation_reasons(error: pydantic.ValidationError, label: str, system: str) -> list[Reason]:
    """Return one reason per malformed field; what is absent, a list's elements too, is the caller's to report."""
    reasons = []
    for fault in error.errors():
        if fault["type"] in ("missing", "too_short"):
            continue
        field = _field(fault["loc"])
        message = fault["msg"].removeprefix("Value error, ")
        reasons.append(
            Reason(
                "malformed",
                f"{label}: {field}: {message}",
                f"correct it in {system}",
                kind="field",
                value=field,
            )
        )
    return reasons


def _field(location: tuple[int | str, ...]) -> str:
    parts = list(location)
    if len(parts) > 1 and parts[0] == "lines" and isinstance(parts[1], int):
        return " ".join([f"line {parts[1] + 1}", *(words(str(part)) for part in parts[2:])])
    return " ".join(words(str(part)) for part in parts)


def _plain(value: t.Any) -> t.Any:
    if isinstance(value, Mapping):
        return {key: plain for key, element in value.items() if (plain := _plain(element)) is not None} or None
    if isinstance(value, list | tuple):
        return [_plain(element) for element in value]
    if value is UNRESOLVED or value == "":
        return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Decimal(str(value))
    return value
