"""Values as they are kept and as they stand on the wire: sentinels instead of null (sheet 8.2), decimals exact.

Kept are: text, codes and ids as str, numbers as Decimal or int, dates as ISO text, times as milliseconds since
1970, enums by their captions.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

import msgspec

from erp_sandbox.business_central import errors
from erp_sandbox.business_central.fields import Field
from erp_sandbox.business_central.names import decoded, encoded
from erp_sandbox.clock import from_milliseconds, to_milliseconds

__all__ = ["NEVER", "NO_DAY", "NO_GUID", "accepted", "default_of", "instant_text", "on_the_wire", "parse_instant"]

Record = dict[str, Any]

NO_GUID = "00000000-0000-0000-0000-000000000000"
NO_DAY = "0001-01-01"
NEVER = to_milliseconds(datetime(1, 1, 1, tzinfo=UTC))
GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,7})?Z")
_EDM = {
    "guid": "Edm.Guid",
    "code": "Edm.String",
    "text": "Edm.String",
    "number": "Edm.Decimal",
    "integer": "Edm.Int32",
    "flag": "Edm.Boolean",
    "day": "Edm.Date",
    "instant": "Edm.DateTimeOffset",
    "choice": "Edm.String",
}
_DEFAULTS: dict[str, Any] = {
    "guid": NO_GUID,
    "code": "",
    "text": "",
    "number": 0,
    "integer": 0,
    "flag": False,
    "day": NO_DAY,
    "instant": NEVER,
}
_ENCODER = msgspec.json.Encoder(decimal_format="number")


def edm_type(field: Field) -> str:
    """The field's type in OData's own words."""
    return _EDM[field.kind]


def default_of(field: Field) -> Any:
    """What a field holds that nobody has filled in."""
    return field.options[0] if field.kind == "choice" else _DEFAULTS[field.kind]


def accepted(field: Field, value: Any) -> Any:
    """A value of a body as it is kept.

    Raises:
        BusinessCentralRefusalError: another JSON type, no date, too long, no option of the enum. Null is refused:
            the service does not use it.
    """
    if isinstance(value, str) and field.kind in ("text", "code"):
        return _short_enough(field, value if field.kind == "text" else value.strip().upper())
    if not _is_of_kind(field, value):
        raise errors.wrong_type(value, _EDM[field.kind])
    match field.kind:
        case "guid":
            return value.lower()
        case "number":
            return Decimal(value)
        case "choice":
            return decoded(value)
    return value


def on_the_wire(field: Field, value: Any) -> Any:
    """A kept value as JSON shows it."""
    if field.kind == "instant":
        return instant_text(value)
    if field.kind == "choice":
        return encoded(value)
    return value


@lru_cache(maxsize=4096)
def instant_text(milliseconds: int) -> str:
    """A time as the service writes it: trailing zeros of the fraction are left out (recorded)."""
    moment = from_milliseconds(milliseconds)
    fraction = f".{milliseconds % 1000:03d}".rstrip("0").rstrip(".")
    return f"{moment.replace(microsecond=0, tzinfo=None).isoformat()}{fraction}Z"


def parse_instant(text: str) -> int:
    """Milliseconds of a UTC time.

    Raises:
        ValueError: no UTC time.
    """
    if not _INSTANT.fullmatch(text):
        raise ValueError(f"no UTC time: {text}")
    return to_milliseconds(datetime.fromisoformat(text))


def encode(value: object) -> bytes:
    """JSON bytes; Decimal becomes a number with all its digits."""
    return _ENCODER.encode(value)


def decode(body: bytes) -> Any:
    """JSON with exact numbers.

    Raises:
        BusinessCentralRefusalError: no JSON.
    """
    try:
        return _DECODER.decode(body)
    except msgspec.DecodeError:
        raise errors.bad_request("Invalid JSON. The request body could not be read.") from None


_DECODER = msgspec.json.Decoder(float_hook=Decimal)


def _short_enough(field: Field, value: str) -> str:
    if field.length is not None and len(value) > field.length:
        raise errors.too_long(value, field.length)
    return value


def _is_of_kind(field: Field, value: Any) -> bool:
    a_number = isinstance(value, int | Decimal) and not isinstance(value, bool)
    a_text = value if isinstance(value, str) else None
    checks: dict[str, bool] = {
        "guid": a_text is not None and GUID.fullmatch(a_text) is not None,
        "number": a_number,
        "integer": a_number and isinstance(value, int) and abs(value) < 2**31,
        "flag": isinstance(value, bool),
        "day": a_text is not None and _is_day(a_text),
        "choice": a_text is not None and decoded(a_text) in field.options,
    }
    return checks.get(field.kind, False)


def _is_day(text: str) -> bool:
    if not _DAY.fullmatch(text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
