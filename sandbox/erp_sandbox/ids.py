"""Ids that are the same for the same seed and number, whatever else the world holds."""

from __future__ import annotations

from hashlib import blake2b
from types import MappingProxyType

PREFIXES = MappingProxyType(
    {
        "user": "006",
        "vendor": "009",
        "bill": "00n",
        "line": "bli",
        "payment": "stp",
        "bill_payment": "blp",
        "vendor_credit": "vcr",
        "account": "0ca",
        "accounting_class": "cls",
        "department": "0de",
        "location": "loc",
        "bank_account": "bac",
        "customer": "0cu",
        "document": "00h",
        "payment_term": "00p",
        "item": "0ii",
        "employee": "0em",
        "job": "0cj",
        "recurring_bill": "rbl",
        "policy": "bap",
        "void": "vpr",
    }
)
"""BILL's id prefixes by kind (sheet bill 1; from item on they are invented)."""

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def bill_id(kind: str, seed: object, number: int) -> str:
    """A BILL id: 20 characters, the kind's prefix first (sheet bill 1)."""
    digest = int.from_bytes(blake2b(f"{seed}:{kind}:{number}".encode(), digest_size=12).digest())
    letters = []
    for _ in range(15):
        digest, place = divmod(digest, 36)
        letters.append(_ALPHABET[place])
    return f"{PREFIXES[kind]}01{''.join(letters)}"
