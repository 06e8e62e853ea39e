"""What to change in a supplier, so that it says what the source is master of (docs/systems/workday.md#w4-2).

Only blocks that differ are sent: whether Workday keeps a block that is left out is not known for certain, so as little
as possible is put at risk, and bank accounts never are part of it.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
import typing as t

from ml_connector.documents import Supplier
from ml_connector.errors import ConflictFound
from ml_connector.names import display_name
from ml_connector.sameness import plain_tax_id
from ml_connector.systems.workday.errors import SYSTEM
from ml_connector.systems.workday.services import Shape
from ml_connector.systems.workday.supplier_record import (
    ContactPoint,
    SupplierRecord,
    TaxId,
    primary,
    same_again,
)
from ml_connector.systems.workday.xml import reference
from target_workday.options import WorkdayPosting
from target_workday.supplier_request import BUSINESS, NEEDS_REGION, region_reference, three_letters

__all__ = ["SupplierChange", "supplier_change"]

_ADDRESS: t.Final = ("address_line1", "address_line2", "city", "region", "postal_code", "country")
_LINES: t.Final = {"address_line1": "ADDRESS_LINE_1", "address_line2": "ADDRESS_LINE_2"}


@dataclasses.dataclass(frozen=True, slots=True)
class SupplierChange:
    """What is to be done.

    Attributes:
        fields: The fields that are changed; none: nothing is to be sent.
        body: The request.
        warnings: What differs and cannot be sent safely, and why.
    """

    fields: tuple[str, ...]
    body: dict[str, t.Any]
    warnings: tuple[str, ...]


def supplier_change(
    document: Supplier,
    record: SupplierRecord,
    previous: Supplier | None,
    *,
    shape: Shape,
    options: WorkdayPosting,
    today: dt.date,
) -> SupplierChange:
    """Compare a supplier with what the source is master of, and return the request that makes it equal.

    Args:
        document: What it should say, as far as fields are owned.
        record: What it says now.
        previous: What was sent last; None when that is not known, and the source then has its way.
        shape: What the tenant's request may contain.
        options: How phones are sent, and whether approvals are skipped.
        today: Day from which a new address holds.

    Raises:
        Conflict: A field to be changed says neither what was sent last nor what is to be sent.
    """
    plan = _Plan(document, record, shape.part("Supplier_Data"), options, today)
    _refuse_conflicts(document, plan, previous)
    if not plan.fields:
        return SupplierChange((), {}, tuple(plan.warnings))
    source = document.source
    told = ", ".join(_words(name) for name in plan.fields)
    body: dict[str, t.Any] = {}
    shape.put(body, reference("WID", record.thing.ids["WID"]), "Supplier_Reference")
    process = {
        "Auto_Complete": options.auto_complete,
        "Comment_Data": {"Comment": f"Changed by {source.system} {source.stream} {source.id}: {told}"},
    }
    shape.put(body, process, "Business_Process_Parameters")
    shape.put(body, plan.data(), "Supplier_Data")
    return SupplierChange(plan.fields, body, tuple(plan.warnings))


class _Plan:
    """The fields that differ, and the blocks that carry them."""

    def __init__(
        self, document: Supplier, record: SupplierRecord, shape: Shape, options: WorkdayPosting, today: dt.date
    ) -> None:
        self._document = document
        self._record = record
        self._shape = shape
        self._entity_shape = shape.part("Business_Entity_Data")
        self._contact_shape = self._entity_shape.part("Contact_Data")
        self._options = options
        self._today = today
        self.current = _current(record)
        self.warnings: list[str] = []
        self._wanted = {name: value for name, value in document.owned_values.items() if self._differs(name, value)}
        self._status = self._new_status()
        self._tax_ids = self._new_tax_ids()
        self._contact: dict[str, t.Any] = {}
        self._put_contact("Address_Data", self._address())
        self._put_contact("Phone_Data", self._phone())
        self._put_contact("Email_Address_Data", self._email())
        self.fields = tuple(self._wanted)

    def data(self) -> dict[str, t.Any]:
        """Return Supplier_Data with nothing but what changes, and the names without which it is refused."""
        data: dict[str, t.Any] = {}
        put = self._shape.put
        put(data, self._wanted.get("name", self._record.thing.name), "Supplier_Name")
        put(data, True, "Submit")
        if self._tax_ids:
            widget = self._shape.has("Tax_ID_Widget_Data")
            put(data, {"Tax_ID_Data": self._tax_ids} if widget else self._tax_ids, "Tax_ID_Widget_Data", "Tax_ID_Data")
        if "name" in self._wanted or self._contact:
            put(data, self._entity(), "Business_Entity_Data")
        put(data, self._status, "Supplier_Status_Data")
        return data

    def _entity(self) -> dict[str, t.Any]:
        entity: dict[str, t.Any] = {}
        put = self._entity_shape.put
        name = self._wanted.get("name") or self._record.entity_name or self._record.thing.name
        put(entity, name, "Business_Entity_Name")
        put(entity, self._record.thing.external_id, "External_Entity_ID")
        put(entity, self._contact, "Contact_Data")
        return entity

    def _differs(self, name: str, wanted: t.Any) -> bool:
        current = self.current[name]
        if _same(name, current, wanted):
            return False
        if wanted is None and name != "address_line2":
            self._warn((name,), f"{self._origin} has none; Workday keeps {_shown(name, current)}")
            return False
        return True

    @property
    def _origin(self) -> str:
        return display_name(self._document.source.system)

    def _warn(self, names: t.Iterable[str], why: str) -> None:
        self.warnings.append(f"{', '.join(map(_words, names))} left as it is in Workday: {why}")

    def _leave(self, names: t.Iterable[str], why: str) -> None:
        """Take fields out of what is sent."""
        left = [name for name in names if name in self._wanted]
        for name in left:
            del self._wanted[name]
        self._warn(left, why)

    def _new_status(self) -> list[dict[str, t.Any]]:
        if "active" not in self._wanted:
            return []
        status = (self._record.status_id or "ACTIVE").upper()
        if status not in ("ACTIVE", "INACTIVE"):
            self._leave(["active"], f"its status {self._record.status_id} is neither active nor inactive")
            return []
        wanted = "ACTIVE" if self._wanted["active"] else "INACTIVE"
        return [{"Status_Reference": reference("Business_Entity_Status_Value_ID", wanted)}]

    def _new_tax_ids(self) -> list[dict[str, t.Any]]:
        """Return all tax numbers, one of them changed: only that number's type is known to be right."""
        if "tax_id" not in self._wanted:
            return []
        main = _main_tax_id(self._record.tax_ids)
        if main is None or any(each.type is None for each in self._record.tax_ids):
            self._leave(["tax_id"], "which type of tax number it is cannot be told")
            return []
        return [
            {
                name: value
                for name, value in (
                    ("Tax_ID_Text", self._wanted["tax_id"] if each is main else each.text),
                    ("Tax_ID_Type_Reference", same_again(each.type, "Tax_ID_Type") if each.type else None),
                    ("Transaction_Tax_ID", each.transaction),
                    ("Primary_Tax_ID", each.primary),
                )
                if value is not None
            }
            for each in self._record.tax_ids
        ]

    def _address(self) -> dict[str, t.Any] | None:
        names: list[str] = [name for name in _ADDRESS if name in self._wanted]
        if not names:
            return None
        address = primary(self._record.addresses)
        place = self._place(names, "Address", self._record.addresses)
        if place is None:
            return None
        if address is not None and address.more:
            self._leave(names, f"it has {', '.join(address.more)}, which would be lost")
            return None
        values = {name: self._wanted.get(name, self.current[name]) for name in _ADDRESS}
        country = str(values["country"] or "").upper()
        region = region_reference(country, values["region"])
        if "region" in self._wanted and region is None:
            self._leave(["region"], "it is not the code of a region there")
            names.remove("region")
        if region is None and address is not None and address.region and "country" not in self._wanted:
            region = same_again(address.region, "Country_Region_ID")
        complete = values["address_line1"] and values["city"] and country in three_letters()
        if not complete or (country in NEEDS_REGION and not (region and values["postal_code"])):
            self._leave(names, "the address would be incomplete")
            return None
        if not names:
            return None
        lines = dict(address.lines) if address else {}
        lines |= {kind: values[name] or "" for name, kind in _LINES.items()}
        return {
            "Effective_Date": self._today,
            **place,
            "Country_Reference": reference("ISO_3166-1_Alpha-2_Code", country),
            "Address_Line_Data": [{"_value_1": lines[kind], "Type": kind} for kind in sorted(lines) if lines[kind]],
            "Municipality": values["city"],
            **({"Country_Region_Reference": region} if region else {}),
            **({"Postal_Code": values["postal_code"]} if values["postal_code"] else {}),
            "Usage_Data": _usage(address),
        }

    def _phone(self) -> dict[str, t.Any] | None:
        if "phone" not in self._wanted:
            return None
        phone = primary(self._record.phones)
        place = self._place(["phone"], "Phone", self._record.phones)
        if place is None:
            return None
        wanted = str(self._wanted["phone"])
        number = re.sub(r"\D", "", wanted)
        code = None if phone is None else phone.international
        if wanted.startswith("+") and code and number.startswith(code):
            number = number.removeprefix(code)
        elif wanted.startswith("+"):
            self._leave(["phone"], "where its country code ends cannot be told")
            return None
        country = (phone.country if phone else None) or three_letters().get(str(self._document.country or "").upper())
        device = same_again(phone.device, "Phone_Device_Type_ID") if phone and phone.device else None
        if device is None and self._options.supplier_phone_device_type:
            device = reference("Phone_Device_Type_ID", self._options.supplier_phone_device_type)
        if device is None or not (country or code):
            self._leave(["phone"], 'its country, or a device type ("supplier_phone_device_type"), is missing')
            return None
        return {
            **place,
            **({"Country_ISO_Code": country} if country else {"International_Phone_Code": code}),
            "Phone_Number": number,
            "Phone_Device_Type_Reference": device,
            "Usage_Data": _usage(phone),
        }

    def _email(self) -> dict[str, t.Any] | None:
        if "email" not in self._wanted:
            return None
        place = self._place(["email"], "Email", self._record.emails, "Email_Address_Data")
        if place is None:
            return None
        return {**place, "Email_Address": self._wanted["email"], "Usage_Data": _usage(primary(self._record.emails))}

    def _place(
        self, names: list[str], stem: str, points: t.Sequence[ContactPoint], block: str = ""
    ) -> dict[str, t.Any] | None:
        """Return what makes Workday change this one of several, {} for the only one, None where it cannot be told."""
        if len(points) <= 1:
            return {}
        shape = self._contact_shape.part(block or f"{stem}_Data")
        point = primary(points)
        known = shape.has("Do_Not_Replace_All") and shape.has(f"{stem}_Reference")
        if point is None or point.reference is None or not known:
            self._leave(names, "there are several, and the others would be replaced")
            return None
        return {"Do_Not_Replace_All": True, f"{stem}_Reference": same_again(point.reference, f"{stem}_ID")}

    def _put_contact(self, block: str, value: dict[str, t.Any] | None) -> None:
        self._contact_shape.put(self._contact, [value] if value else None, block)


def _refuse_conflicts(document: Supplier, plan: _Plan, previous: Supplier | None) -> None:
    """Refuse to overwrite what somebody has changed in Workday since it was sent."""
    if previous is None:
        return
    told = []
    for name in plan.fields:
        before = previous.owned_values.get(name)
        if before is None or _same(name, plan.current[name], before):
            continue
        new = getattr(document, name)
        told.append(
            f"{_words(name)} is {_shown(name, plan.current[name])} in Workday, sent last was {_shown(name, before)}, "
            f"now it should be {_shown(name, new)}"
        )
    if told:
        words = f"{'; '.join(told)}: somebody changed it there, or the last change still waits for approval"
        raise ConflictFound(SYSTEM, "Submit_Supplier", f"{document.name}: {words}")


def _current(record: SupplierRecord) -> dict[str, t.Any]:
    """Return what a supplier says now, by the names of a document's fields."""
    address, phone, email = primary(record.addresses), primary(record.phones), primary(record.emails)
    tax_id = _main_tax_id(record.tax_ids)
    region = address.region.pick("Country_Region_ID") if address and address.region else None
    return {
        "name": record.thing.name,
        "tax_id": tax_id.text if tax_id else None,
        "email": email.address if email else None,
        "phone": "".join(filter(None, (phone.international, phone.area, phone.number))) if phone else None,
        "address_line1": address.lines.get("ADDRESS_LINE_1") if address else None,
        "address_line2": address.lines.get("ADDRESS_LINE_2") if address else None,
        "city": address.city if address else None,
        "region": region.rpartition("-")[2] if region else None,
        "postal_code": address.postal_code if address else None,
        "country": address.country_code if address else None,
        "active": record.thing.active,
    }


def _main_tax_id(tax_ids: t.Sequence[TaxId]) -> TaxId | None:
    primaries = [each for each in tax_ids if each.primary]
    candidates = primaries or list(tax_ids)
    return candidates[0] if len(candidates) == 1 else None


def _same(name: str, current: t.Any, wanted: t.Any) -> bool:
    """Whether two values mean the same, however they are written."""
    if current is None or wanted is None or name == "active":
        return bool((current or None) == (wanted or None))
    if name == "phone":
        here, there = (re.sub(r"\D", "", str(value)) for value in (current, wanted))
        # One of the two may come with the country's number.
        return here == there or (min(len(here), len(there)) >= 7 and (here.endswith(there) or there.endswith(here)))
    if name == "tax_id":
        return plain_tax_id(current) == plain_tax_id(wanted)
    if name in ("email", "region", "country"):
        return str(current).casefold() == str(wanted).casefold()
    return " ".join(str(current).split()) == " ".join(str(wanted).split())


def _shown(name: str, value: t.Any) -> str:
    if name == "tax_id":
        return f'"...{str(value)[-4:]}"'
    if name == "active":
        return "active" if value else "inactive"
    return f'"{value}"' if value is not None else "empty"


def _usage(point: ContactPoint | None) -> list[dict[str, t.Any]]:
    return list(point.usage) if point and point.usage else [BUSINESS]


def _words(name: str) -> str:
    return name.replace("_", " ").replace("line1", "line 1").replace("line2", "line 2").replace("tax id", "tax number")
