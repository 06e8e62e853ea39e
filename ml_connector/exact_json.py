"""JSON that keeps money exact: numbers with decimals are ``Decimal`` on the way in and numbers on the way out."""

from __future__ import annotations

import typing as t
from decimal import Decimal

import msgspec

__all__ = ["dumps", "loads"]

_encoder = msgspec.json.Encoder(decimal_format="number", order="sorted")
_decoder = msgspec.json.Decoder(float_hook=Decimal)


def dumps(value: t.Any) -> str:
    """Return compact JSON with sorted keys; ``Decimal`` is written as a number with its digits as they are."""
    return _encoder.encode(value).decode()


def loads(text: str | bytes) -> t.Any:
    """Return the value; numbers with a fraction or exponent as ``Decimal``."""
    return _decoder.decode(text)
