"""JSON that keeps money exact: numbers with decimals are ``Decimal`` on the way in and numbers on the way out."""

from __future__ import annotations

import json
import typing as t

import msgspec

from ml_connector.decimals import FURTHEST, json_number
from ml_connector.text import storable

__all__ = ["dumps", "loads", "loads_leniently"]

_encoder = msgspec.json.Encoder(decimal_format="number", order="sorted")
_decoder = msgspec.json.Decoder(float_hook=json_number)


def dumps(value: t.Any) -> str:
    """Return compact JSON with sorted keys; ``Decimal`` is written as a number with its digits as they are."""
    return _encoder.encode(value).decode()


def loads(text: str | bytes) -> t.Any:
    """Return the value; numbers with a fraction or exponent as ``Decimal``, as text where no amount can be meant.

    Raises:
        ValueError: It is not JSON.
        RecursionError: It is nested deeper than anything meant to be read.
    """
    return _decoder.decode(text)


def loads_leniently(text: str) -> tuple[t.Any, list[str]]:
    """Return the value of a text that ``loads`` refuses, and what is wrong with it in words.

    Half characters and numbers of thousands of digits are made harmless and count as nothing wrong: what they stand
    for is judged where it is read. ``NaN`` is none of JSON's values; it is read as text.

    Raises:
        ValueError: It is not JSON, however leniently it is read.
        RecursionError: It is nested deeper than anything meant to be read.
    """
    wrong: dict[str, None] = {}

    def constant(name: str) -> str:
        wrong[f"{name} is not a number"] = None
        return name

    def whole(digits: str) -> int | str:
        return int(digits) if len(digits) <= 4 * FURTHEST else digits

    value = json.loads(text, strict=False, parse_float=json_number, parse_int=whole, parse_constant=constant)
    return storable(value), list(wrong)
