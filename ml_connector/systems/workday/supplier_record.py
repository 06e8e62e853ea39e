"""A supplier as it stands in a tenant, with everything a change of it has to keep."""

from __future__ import annotations

import dataclasses
import datetime as dt
import typing as t

from ml_connector.systems.workday.references import SupplierThing, read_supplier
from ml_connector.systems.workday.xml import Node, Ref, reference

__all__ = [
    "Address",
    "ContactPoint",
    "Email",
    "Phone",
    "SupplierRecord",
    "TaxId",
    "primary",
    "read_record",
    "same_again",
]

_KNOWN_IN_ADDRESS: t.Final = frozenset(
    {
        "Address_ID",
        "Address_Line_Data",
        "Address_Reference",
        "Country_Reference",
        "Country_Region_Descriptor",
        "Country_Region_Reference",
        "Last_Modified",
        "Municipality",
        "Postal_Code",
        "Usage_Data",
    }
)


@dataclasses.dataclass(frozen=True, slots=True)
class ContactPoint:
    """What all ways to reach a supplier share.

    Attributes:
        primary: Whether it is the first of its usage.
        reference: What it is called by in a change, where the tenant's version says so.
        usage: What it is used for, as it must be sent again.
    """

    primary: bool
    reference: Ref | None
    usage: tuple[dict[str, t.Any], ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Address(ContactPoint):
    """A postal address.

    Attributes:
        lines: Text by type of line (``ADDRESS_LINE_1``).
        city: Municipality.
        region: State or province.
        postal_code: Postal code.
        country: Country.
        since: Day from which it holds.
        more: Elements it has beside these, which a change would lose.
    """

    lines: t.Mapping[str, str]
    city: str | None
    region: Ref | None
    postal_code: str | None
    country: Ref | None
    since: dt.date
    more: tuple[str, ...]

    @property
    def country_code(self) -> str | None:
        """ISO 3166-1 code of two letters."""
        return self.country.pick("ISO_3166-1_Alpha-2_Code") if self.country else None


@dataclasses.dataclass(frozen=True, slots=True)
class Phone(ContactPoint):
    """A phone number in its parts; ``country`` has three letters, ``international`` is the country's number."""

    country: str | None
    international: str | None
    area: str | None
    number: str | None
    extension: str | None
    device: Ref | None


@dataclasses.dataclass(frozen=True, slots=True)
class Email(ContactPoint):
    """An e-mail address and what somebody noted beside it."""

    address: str | None
    comment: str | None


@dataclasses.dataclass(frozen=True, slots=True)
class TaxId:
    """A tax number; its type cannot be told from the number."""

    text: str | None
    type: Ref | None
    transaction: bool | None
    primary: bool | None


@dataclasses.dataclass(frozen=True, slots=True)
class SupplierRecord:
    """A supplier as read.

    Attributes:
        thing: What it is matched and referred to by.
        entity_name: Name of the business entity behind it.
        status_id: ``ACTIVE``, ``INACTIVE`` or a status of the tenant's own.
        settlement_accounts: How many bank accounts it has; nothing else is read of them.
    """

    thing: SupplierThing
    entity_name: str | None
    status_id: str | None
    tax_ids: tuple[TaxId, ...]
    addresses: tuple[Address, ...]
    phones: tuple[Phone, ...]
    emails: tuple[Email, ...]
    settlement_accounts: int


P = t.TypeVar("P", bound=ContactPoint)


def primary(points: t.Sequence[P]) -> P | None:
    """Return the primary one of several, else the first."""
    return next((point for point in points if point.primary), points[0] if points else None)


def same_again(ref: Ref, *types: str) -> dict[str, t.Any]:
    """Return a reference to send that means what was read: an id of the first of these types, else its WID."""
    kind = next((name for name in (*types, "WID") if name in ref.ids), None) or next(iter(ref.ids))
    return reference(kind, ref.ids[kind])


def read_record(node: Node) -> SupplierRecord | None:
    """Return a row of Get_Suppliers with its contact data; None when it has nothing to be called by."""
    thing, data = read_supplier(node), node.node("Supplier_Data")
    if thing is None or data is None:
        return None
    entity = data.node("Business_Entity_Data")
    contact = entity.node("Contact_Data") if entity is not None else None
    statuses = [ref for row in data.nodes("Supplier_Status_Data") for ref in row.refs("Status_Reference")]
    return SupplierRecord(
        thing,
        entity.text("Business_Entity_Name") if entity is not None else None,
        statuses[-1].pick("Business_Entity_Status_Value_ID") if statuses else None,
        tuple(_tax_id(row) for row in data.below("Tax_ID_Data")),
        tuple(sorted(map(_address, _all(contact, "Address_Data")), key=lambda each: each.since, reverse=True)),
        tuple(map(_phone, _all(contact, "Phone_Data"))),
        tuple(map(_email, _all(contact, "Email_Address_Data"))),
        # One level deeper from v40 on (docs/systems/workday.md#w3-3).
        len(data.below("Settlement_Account_Data")),
    )


def _all(contact: Node | None, name: str) -> list[Node]:
    return [] if contact is None else contact.nodes(name)


def _tax_id(node: Node) -> TaxId:
    return TaxId(
        node.text("Tax_ID_Text"),
        node.ref("Tax_ID_Type_Reference"),
        node.flag("Transaction_Tax_ID"),
        node.flag("Primary_Tax_ID"),
    )


def _address(node: Node) -> Address:
    since = node.attribute("Effective_Date")
    lines = [(line.attribute("Type") or "", line.own_text) for line in node.nodes("Address_Line_Data")]
    more = tuple(dict.fromkeys(child.name for child in node.children if child.name not in _KNOWN_IN_ADDRESS))
    return Address(
        **_point(node, "Address_Reference"),
        lines={kind: text for kind, text in lines if text},
        city=node.text("Municipality"),
        region=node.ref("Country_Region_Reference"),
        postal_code=node.text("Postal_Code"),
        country=node.ref("Country_Reference"),
        since=dt.date.fromisoformat(since[:10]) if since else dt.date.min,
        more=more,
    )


def _phone(node: Node) -> Phone:
    return Phone(
        **_point(node, "Phone_Reference"),
        country=node.text("Country_ISO_Code"),
        international=node.text("International_Phone_Code"),
        area=node.text("Area_Code"),
        number=node.text("Phone_Number"),
        extension=node.text("Phone_Extension"),
        device=node.ref("Phone_Device_Type_Reference"),
    )


def _email(node: Node) -> Email:
    return Email(
        **_point(node, "Email_Reference"), address=node.text("Email_Address"), comment=node.text("Email_Comment")
    )


def _point(node: Node, name: str) -> dict[str, t.Any]:
    usage = node.nodes("Usage_Data")
    kinds = [kind for each in usage for kind in each.nodes("Type_Data")]
    return {
        "primary": any(_truth(kind.attribute("Primary")) for kind in kinds),
        "reference": node.ref(name),
        "usage": tuple(filter(None, map(_usage, usage))),
    }


def _usage(node: Node) -> dict[str, t.Any] | None:
    kinds = []
    for kind in node.nodes("Type_Data"):
        ref = kind.ref("Type_Reference")
        if ref is not None:
            again = {"Type_Reference": same_again(ref, "Communication_Usage_Type_ID")}
            kinds.append(_with(again, "Primary", kind.attribute("Primary")))
    if not kinds:
        return None
    usage: dict[str, t.Any] = {"Type_Data": kinds}
    for name in ("Use_For_Reference", "Use_For_Tenanted_Reference"):
        if refs := node.refs(name):
            usage[name] = [same_again(ref) for ref in refs]
    if comments := node.text("Comments"):
        usage["Comments"] = comments
    return _with(usage, "Public", node.attribute("Public"))


def _with(data: dict[str, t.Any], name: str, flag: str | None) -> dict[str, t.Any]:
    return data if flag is None else {**data, name: _truth(flag)}


def _truth(text: str | None) -> bool:
    return text in ("true", "1")
