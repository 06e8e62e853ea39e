"""Values as Business Central writes them, and as everybody else does (sheet business-central 8.1, 8.2)."""

from __future__ import annotations

import datetime as dt
import re
import typing as t

import msgspec

from ml_connector.transport.http import decode_json

__all__ = ["LONG_AGO", "NO_ID", "decoded", "decoded_row", "format_time", "quoted_text"]

NO_ID: t.Final = "00000000-0000-0000-0000-000000000000"
LONG_AGO: t.Final = "0001-01-01"
"""A date that is not there; as a time it has ``T00:00:00Z`` behind it."""

_NOTHING: t.Final = frozenset({"", " ", NO_ID, LONG_AGO})
_NEVER = re.compile(rf"{LONG_AGO}T00:00:00(\.0+)?Z")
_ENUMS: t.Final = frozenset(
    {
        "accountType",
        "approvalType",
        "balanceAccountType",
        "balancingAccountType",
        "blocked",
        "category",
        "consolidationTranslationMethod",
        "documentType",
        "limitType",
        "lineType",
        "parentType",
        "postingValidation",
        "status",
        "taxType",
        "type",
    }
)
"""Fields whose values are XML names; in a text of a person's ``_x0020_`` would mean itself."""
_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")
_GUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


def decoded_row(raw: msgspec.Raw | bytes) -> dict[str, t.Any]:
    """Return an object from its JSON text, decoded and exact."""
    row: dict[str, t.Any] = decoded(decode_json(raw))
    return row


def decoded(value: t.Any, field: str = "") -> t.Any:
    """Return a JSON value with its enum values spelt out, and None for what stands for nothing.

    GUIDs come in lower case: they know none, and whoever compares them does.

    Args:
        value: As Business Central writes it.
        field: Name of the field it is the value of.
    """
    if isinstance(value, str):
        if field in _ENUMS and "_x" in value:
            value = _ESCAPE.sub(lambda match: chr(int(match[1], 16)), value)
        elif field.endswith(("id", "Id")) and _GUID.fullmatch(value):
            value = value.lower()
        return None if value in _NOTHING or _NEVER.fullmatch(value) else value
    if isinstance(value, dict):
        return {name: decoded(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [decoded(item) for item in value]
    return value


def format_time(moment: dt.datetime) -> str:
    """Return an instant as filters take it: UTC, whole milliseconds, ``Z``, no quotes (sheet 3)."""
    return moment.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def quoted_text(text: str) -> str:
    """Return text as a filter takes it, between quotes, its own quotes doubled (sheet 3)."""
    return "'" + text.replace("'", "''") + "'"
