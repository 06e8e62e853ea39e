"""Creating, changing and archiving vendors (sheet bill 4.3)."""

from __future__ import annotations

from typing import Any

from erp_sandbox.bill.seed import Record
from erp_sandbox.bill.store import BillStore, Organization
from erp_sandbox.bill.writes.bodies import fields_of, invalid, text
from erp_sandbox.bill.writes.objects import now_text, stored

LONGEST_NAME = 100
ACCOUNT_TYPES = ("BUSINESS", "PERSON", "NONE", "UNDEFINED")

_TEXTS = ("shortName", "accountNumber", "email", "phone")
_OPTIONAL = (*_TEXTS, "accountType", "paymentInformation", "additionalInfo", "billCurrency", "autoPay")
_ADDRESS = ("line1", "city", "zipOrPostalCode", "country")
_ADDRESS_OPTIONAL = ("line2", "stateOrProvince", "countryName")


def create(store: BillStore, organization: Organization, body: Any) -> Record:
    """A new vendor; nothing hinders a second one of the same name."""
    fields = fields_of(body, ("name", "address"), _OPTIONAL)
    record: Record = {"accountType": "BUSINESS", "billCurrency": "USD", **_checked(fields)}
    now = now_text(store)
    return stored(
        organization,
        "vendors",
        {
            "id": store.new_id("vendor"),
            "archived": False,
            **record,
            "bankAccountStatus": "NO_ACCOUNT",
            "recurringPayments": False,
            "autoPay": {"enabled": False},
            "networkStatus": "NOT_CONNECTED",
            "createdTime": now,
            "updatedTime": now,
        },
    )


def change(store: BillStore, organization: Organization, record: Record, body: Any) -> Record:
    """The fields given replace the ones there were; an address is replaced as a whole."""
    fields = _checked(fields_of(body, (), ("name", "address", *_OPTIONAL)))
    return stored(organization, "vendors", {**record, **fields, "updatedTime": now_text(store)})


def _checked(fields: Record) -> Record:
    if "name" in fields:
        text(fields["name"], "name", LONGEST_NAME)
    for name in _TEXTS:
        if name in fields:
            text(fields[name], name)
    if fields.get("accountType", "NONE") not in ACCOUNT_TYPES:
        raise invalid(f"accountType: must be one of {', '.join(ACCOUNT_TYPES)}")
    if "address" in fields:
        address = fields_of(fields["address"], _ADDRESS, _ADDRESS_OPTIONAL, place="address.")
        if len(address["country"]) != 2 or (address["country"] == "US" and not address.get("stateOrProvince")):
            raise invalid("address: needs a country of two letters, and a stateOrProvince in the US")
    if isinstance(fields.get("autoPay"), dict) and fields["autoPay"].get("enabled"):
        raise invalid("autoPay: needs a trusted session")
    return fields
