"""From a supplier to the request that creates it (docs/systems/workday.md#w4-2). Bank details are never part of it."""

from __future__ import annotations

import datetime as dt
import functools
import re
import typing as t

from babel.core import get_global

from ml_connector.documents import Supplier
from ml_connector.systems.workday.services import Shape
from ml_connector.systems.workday.xml import reference
from target_workday.options import WorkdayPosting

__all__ = ["BUSINESS", "NEEDS_REGION", "region_reference", "supplier_body", "three_letters"]

NEEDS_REGION: t.Final = ("US", "CA", "AU", "BR", "IN", "MX")
"""Countries whose addresses are refused without a region and a postal code."""

BUSINESS: t.Final = {
    "Public": True,
    "Type_Data": [{"Primary": True, "Type_Reference": reference("Communication_Usage_Type_ID", "BUSINESS")}],
}


def supplier_body(document: Supplier, shape: Shape, options: WorkdayPosting, today: dt.date) -> dict[str, t.Any]:
    """Return the body of Submit_Supplier for a supplier that must not exist yet.

    Args:
        document: The supplier.
        shape: What the tenant's request may contain.
        options: Category, payment terms and type of new suppliers.
        today: Date from which the address is valid.
    """
    body: dict[str, t.Any] = {}
    shape.put(body, True, "Add_Only")
    source = document.source
    process = {
        "Auto_Complete": options.auto_complete,
        "Comment_Data": {"Comment": f"Created from {source.system} {source.stream} {source.id}"},
    }
    shape.put(body, process, "Business_Process_Parameters")
    part = shape.part("Supplier_Data")
    data: dict[str, t.Any] = {}
    put = part.put
    put(data, document.external_id, "Supplier_ID")
    put(data, document.name, "Supplier_Name")
    put(data, True, "Submit")
    put(data, _optional("Supplier_Category_ID", options.supplier_category), "Supplier_Category_Reference")
    put(data, _optional("Payment_Terms_ID", options.supplier_payment_terms), "Payment_Terms_Reference")
    payment_type = _optional("Payment_Type_ID", options.supplier_payment_type)
    put(data, [payment_type] if payment_type else None, "Payment_Types_Accepted_Reference")
    put(data, payment_type, "Default_Payment_Type_Reference")
    put(data, _optional("Currency_ID", document.currency), "Currency_Reference")
    put(data, _entity(document, part.part("Business_Entity_Data"), options, today), "Business_Entity_Data")
    shape.put(body, data, "Supplier_Data")
    return body


def _entity(document: Supplier, shape: Shape, options: WorkdayPosting, today: dt.date) -> dict[str, t.Any]:
    entity: dict[str, t.Any] = {}
    shape.put(entity, document.name, "Business_Entity_Name")
    shape.put(entity, document.source.id, "External_Entity_ID")
    contact: dict[str, t.Any] = {}
    address, phone = _address(document, today), _phone(document, options)
    if address:
        contact["Address_Data"] = [address]
    if phone:
        contact["Phone_Data"] = [phone]
    if document.email:
        contact["Email_Address_Data"] = [{"Email_Address": document.email, "Usage_Data": [BUSINESS]}]
    shape.put(entity, contact, "Contact_Data")
    return entity


def _address(document: Supplier, today: dt.date) -> dict[str, t.Any] | None:
    """Return the address when it is complete: half an address gets the whole supplier refused."""
    country = (document.country or "").upper()
    long_country = three_letters().get(country)
    if not (document.address_line1 and document.city and long_country):
        return None
    region = region_reference(country, document.region)
    if country in NEEDS_REGION and not (region and document.postal_code):
        return None
    lines = [document.address_line1, document.address_line2]
    address: dict[str, t.Any] = {
        "Effective_Date": today,
        "Country_Reference": reference("ISO_3166-1_Alpha-2_Code", country),
        "Address_Line_Data": [
            {"_value_1": line, "Type": f"ADDRESS_LINE_{number}"} for number, line in enumerate(lines, 1) if line
        ],
        "Municipality": document.city,
        "Usage_Data": [BUSINESS],
    }
    if region:
        address["Country_Region_Reference"] = region
    if document.postal_code:
        address["Postal_Code"] = document.postal_code
    return address


def region_reference(country: str, region: str | None) -> dict[str, t.Any] | None:
    """Return the reference to a region given by its code, in countries where addresses have one."""
    if country not in NEEDS_REGION or not re.fullmatch(r"[A-Za-z0-9]{1,3}", region or ""):
        return None
    return reference("Country_Region_ID", f"{three_letters()[country]}-{(region or '').upper()}")


def _phone(document: Supplier, options: WorkdayPosting) -> dict[str, t.Any] | None:
    """Return the phone if written nationally: where a country code ends cannot be told from the digits."""
    country = three_letters().get((document.country or "").upper())
    number = re.sub(r"[^0-9+]", "", document.phone or "")
    if not (number and country and options.supplier_phone_device_type) or number.startswith("+"):
        return None
    return {
        "Country_ISO_Code": country,
        "Phone_Number": number,
        "Phone_Device_Type_Reference": reference("Phone_Device_Type_ID", options.supplier_phone_device_type),
        "Usage_Data": [BUSINESS],
    }


@functools.cache
def three_letters() -> dict[str, str]:
    """Return the ISO 3166-1 codes of three letters by those of two."""
    aliases: t.Mapping[str, t.Sequence[str]] = get_global("territory_aliases")
    return {
        two[0]: three
        for three, two in aliases.items()
        if len(two) == 1 and re.fullmatch("[A-Z]{3}", three) and re.fullmatch("[A-Z]{2}", two[0])
    }


def _optional(kind: str, value: str | None) -> dict[str, t.Any] | None:
    return reference(kind, value) if value else None
