"""Numbers as sources write them: read exactly, and only within what a number of a document can be.

``1e-9999999999`` is short to write and takes gigabytes to write out. So nothing is calculated with, compared or kept as
a number before it has come through here.
"""

from __future__ import annotations

import decimal
import re
import typing as t
from decimal import Decimal

__all__ = ["FURTHEST", "exact_decimal", "json_number"]

FURTHEST: t.Final = 60
"""Digits a number may have, and the power of ten its first digit may stand away from the point."""

_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,9})?")
_SHOWN = 40


def exact_decimal(value: t.Any) -> Decimal:
    """Return a number, or a text that is one, as the exact decimal it shows.

    Args:
        value: A ``Decimal``, ``int``, ``float`` (read by its shortest text: 0.1 is one tenth) or ``str``, of ASCII
            digits without any grouping.

    Raises:
        ValueError: It is no finite number, or none a document can be about; the message continues a sentence.
    """
    if isinstance(value, bool) or not isinstance(value, Decimal | int | float | str):
        raise ValueError(f"is not a number: {_shown(value)}")  # noqa: TRY004 - the caller words it for a clerk
    if isinstance(value, int) and abs(value) >= 10**FURTHEST:
        raise ValueError(f"is a number of more than {FURTHEST} digits")
    if isinstance(value, Decimal):
        number = value
    else:
        text = str(value).strip()
        if len(text) > 4 * FURTHEST or not _NUMBER.fullmatch(text):
            raise ValueError(f"is not a number: {_shown(value)}")
        try:
            number = Decimal(text)
        except decimal.InvalidOperation:
            raise ValueError(f"is not a number: {_shown(value)}") from None
    if not number.is_finite():
        raise ValueError(f"is not a number: {_shown(value)}")
    _, digits, exponent = number.as_tuple()
    if len(digits) > FURTHEST or abs(int(exponent)) > FURTHEST or abs(number.adjusted()) > FURTHEST:
        raise ValueError(f"is a number no amount can be: {_shown(value)}")
    return number


def json_number(text: str) -> Decimal | str:
    """Return a number of a JSON text; one that no amount can be stays the text it is, as which it counts nowhere."""
    try:
        return exact_decimal(text)
    except ValueError:
        return text


def _shown(value: t.Any) -> str:
    shown = str(value) if isinstance(value, Decimal) else repr(value)
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}..."
