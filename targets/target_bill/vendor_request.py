"""From a supplier to the vendor BILL is to have (sheet bill 3.7, 4.3)."""

from __future__ import annotations

import typing as t

from ml_connector.documents import Supplier
from ml_connector.sameness import plain_tax_id
from ml_connector.systems.bill.numbers import short_number
from ml_connector.systems.bill.vendors import Vendor

__all__ = [
    "ADDRESS",
    "LONGEST_NAME",
    "missing_of_address",
    "vendor_body",
    "vendor_changes",
    "vendor_key",
    "vendor_value",
]

LONGEST_NAME: t.Final = 100

ADDRESS: t.Final[t.Mapping[str, str]] = {
    "address_line1": "line1",
    "address_line2": "line2",
    "city": "city",
    "region": "stateOrProvince",
    "postal_code": "zipOrPostalCode",
    "country": "country",
}
"""Field of a supplier to field of a vendor's address."""

_PLAIN: t.Final[t.Mapping[str, str]] = {"name": "name", "email": "email", "phone": "phone"}
_REQUIRED: t.Final[t.Mapping[str, str]] = {
    "address_line1": "street",
    "city": "city",
    "postal_code": "postal code",
    "country": "country",
}


def vendor_key(document: Supplier) -> str:
    """Return what is kept as the vendor's short name, by which we find it again: BILL has no field for our id."""
    return short_number(document.external_id)


def missing_of_address(document: Supplier) -> list[str]:
    """Return in words what of the address BILL wants and the supplier lacks."""
    wanted = dict(_REQUIRED)
    if document.country == "US":
        wanted["region"] = "state"
    return [word for name, word in wanted.items() if not getattr(document, name)]


def vendor_body(document: Supplier) -> dict[str, t.Any]:
    """Return the request that creates a vendor. No bank details, and no tax number: BILL wants to know whose kind."""
    body: dict[str, t.Any] = {
        "name": document.name,
        "shortName": vendor_key(document),
        "accountType": "BUSINESS",
        "address": {theirs: getattr(document, ours) for ours, theirs in ADDRESS.items() if getattr(document, ours)},
    }
    optional = {"email": document.email, "phone": document.phone, "billCurrency": document.currency}
    return body | {name: value for name, value in optional.items() if value}


def vendor_value(vendor: Vendor, name: str) -> t.Any:
    """Return what a vendor says in a field of a supplier."""
    if name == "active":
        return not vendor.archived
    if name == "tax_id":
        return vendor.tax_id
    if name in ADDRESS:
        return (vendor.fields.get("address") or {}).get(ADDRESS[name]) or None
    return vendor.fields.get(_PLAIN[name]) or None


def vendor_changes(vendor: Vendor, fields: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return the request that makes a vendor say what the fields say; what else its address says stays.

    Args:
        vendor: As it is.
        fields: Fields of a supplier and the values they are to have; None clears one.
    """
    body: dict[str, t.Any] = {_PLAIN[name]: value or "" for name, value in fields.items() if name in _PLAIN}
    address = {ADDRESS[name]: value for name, value in fields.items() if name in ADDRESS}
    if address:
        whole = {**(vendor.fields.get("address") or {}), **address}
        whole.pop("countryName", None)  # BILL's own word for the country
        body["address"] = {name: value for name, value in whole.items() if value}
    if fields.get("tax_id"):
        kind = (vendor.fields.get("additionalInfo") or {}).get("taxIdType")
        body["additionalInfo"] = {"taxId": plain_tax_id(fields["tax_id"])} | ({"taxIdType": kind} if kind else {})
    return body
