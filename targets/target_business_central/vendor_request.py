"""From a supplier to the vendor Business Central is to have (sheet business-central 3, 4)."""

from __future__ import annotations

import typing as t

from ml_connector.documents import Supplier
from ml_connector.sameness import plain_tax_id
from ml_connector.systems.business_central.numbers import code_number
from ml_connector.systems.business_central.vendors import Vendor

__all__ = ["FIELDS", "too_long", "vendor_body", "vendor_changes", "vendor_key", "vendor_value"]

FIELDS: t.Final[t.Mapping[str, tuple[str, int]]] = {
    "name": ("displayName", 100),
    "address_line1": ("addressLine1", 100),
    "address_line2": ("addressLine2", 50),
    "city": ("city", 30),
    "region": ("state", 30),
    "country": ("country", 10),
    "postal_code": ("postalCode", 20),
    "phone": ("phoneNumber", 30),
    "email": ("email", 80),
    "tax_id": ("taxRegistrationNumber", 50),
}
"""Field of a supplier to field of a vendor, and how many characters that takes."""

_LONGEST_NUMBER: t.Final = 20
_FREE: t.Final = " "


def vendor_key(document: Supplier) -> str:
    """Return the number a vendor of ours gets, by which we find it again: there is no other field for our id."""
    return code_number(document.external_id, _LONGEST_NUMBER)


def too_long(document: Supplier, names: t.Iterable[str] = FIELDS) -> list[str]:
    """Return in words which fields have more characters than Business Central takes."""
    return [
        f"the {name.replace('_', ' ')} has more than {FIELDS[name][1]} characters"
        for name in names
        if name in FIELDS and len(getattr(document, name) or "") > FIELDS[name][1]
    ]


def vendor_body(document: Supplier, *, numbered: bool) -> dict[str, t.Any]:
    """Return the request that creates a vendor; every field we know, since a template fills in the others.

    Args:
        document: The supplier.
        numbered: Whether it gets our number, or the next one of Business Central's series.
    """
    body: dict[str, t.Any] = {"number": vendor_key(document)} if numbered else {}
    body |= {theirs: getattr(document, ours) for ours, (theirs, _) in FIELDS.items() if getattr(document, ours)}
    if document.currency:
        body["currencyCode"] = document.currency
    return body | {"blocked": _FREE}


def vendor_value(vendor: Vendor, name: str) -> t.Any:
    """Return what a vendor says in a field of a supplier."""
    if name == "active":
        return vendor.blocked != "All"
    if name == "tax_id":
        return vendor.tax_id
    return vendor.fields.get(FIELDS[name][0]) or None


def vendor_changes(fields: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return the request that makes a vendor say what the fields say.

    Args:
        fields: Fields of a supplier and the values they are to have; None clears one.
    """
    body: dict[str, t.Any] = {FIELDS[name][0]: value or "" for name, value in fields.items() if name in FIELDS}
    if fields.get("tax_id"):
        body[FIELDS["tax_id"][0]] = plain_tax_id(fields["tax_id"])
    if "active" in fields:
        body["blocked"] = _FREE if fields["active"] else "All"
    return body
