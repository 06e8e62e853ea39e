"""Submit_Supplier (docs/systems/workday.md#w4-2).

A change replaces the repeated blocks it carries; single values it leaves out stay. What becomes of repeated blocks it
leaves out is a switch of the tenant.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from erp_sandbox.workday.documents import Address, Phone, SupplierRecord, TaxId
from erp_sandbox.workday.rules.call import exceptions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from erp_sandbox.workday.codec import Record
    from erp_sandbox.workday.documents import Status
    from erp_sandbox.workday.instances import Instance
    from erp_sandbox.workday.rules.call import Call

_ADD_ONLY = "The Web Service is set to Add Only; but the Supplier already exists."
_SEQUENCE = "SUPPLIER-3"
_LINE_TYPE = re.compile(r"ADDRESS_LINE_[1-9]")
_REQUIRED = (
    "Supplier_Name",
    "Supplier_Category_Reference",
    "Payment_Terms_Reference",
    "Payment_Types_Accepted_Reference",
    "Default_Payment_Type_Reference",
    "Business_Entity_Data",
)


_VALUES = {
    "external_entity_id": ("External_Entity_ID",),
    "currency": ("Currency_Reference",),
    "worktag_only": ("Worktag_Only",),
    "category": ("Supplier_Category_Reference",),
    "payment_terms": ("Payment_Terms_Reference",),
    "default_payment_type": ("Default_Payment_Type_Reference",),
    "business_entity_name": ("Business_Entity_Name",),
    "customer_account_number": ("Customer_Account_Number",),
    "duns_number": ("DUNS_Number",),
}
"""Fields of a supplier with the element of a request that sets each."""

_BLOCKS = {
    "tax_ids": ("Tax_ID_Data", "Tax_ID_Widget_Data"),
    "payment_types": ("Payment_Types_Accepted_Reference",),
    "accepted_currencies": ("Accepted_Currencies_Reference",),
    "addresses": ("Address_Data",),
    "phones": ("Phone_Data",),
    "emails": ("Email_Address_Data",),
    "bank_accounts": ("Settlement_Account_Data", "Settlement_Account_Widget_Data"),
    "groups": ("Supplier_Group_Reference",),
}
"""The same for what repeats."""


def submit_supplier(call: Call) -> Mapping[str, Any]:
    """Create a supplier, or change the one the request refers to.

    Raises:
        ValidationRefusalError: with everything that is wrong with it.
    """
    data = call.request.record("Document_Data")
    if data is None:
        call.require(call.request, "Document_Data")
        call.settle()
        raise AssertionError  # settle has raised
    call.refuse_unknown(call.request)
    existing = _existing(call, data)
    call.settle()
    supplier = _read(call, data, existing)
    call.settle()
    trap = call.store.next_trap()
    if trap is not None:
        failed = exceptions("Error", "The supplier could not be saved.")
        ghost = call.store.instances.unknown("Supplier", supplier.supplier_id or "UNSAVED")
        return {
            "Document_Reference": ghost if trap == "error_exception" else None,
            "Exceptions_Response_Data": None if trap == "no_reference" else failed,
        }
    return {"Document_Reference": _keep(call, supplier, existing)}


def _existing(call: Call, data: Record) -> SupplierRecord | None:
    add_only = (call.request.attribute("Add_Only") or "false").strip() in {"true", "1"}
    own_id = data.text("Supplier_ID")
    if not call.request.has("Document_Reference"):
        if own_id and call.store.instances.has("Supplier", own_id):
            message = _ADD_ONLY if add_only else f"Supplier {own_id} exists already; refer to it to update it."
            call.note(message, data.xpath("Supplier_ID"))
        return None
    where = call.request.xpath("Document_Reference")
    instance = call.refer(call.request, "Document_Reference", "Supplier")
    if add_only:
        call.note(_ADD_ONLY, where)
    if instance is None:
        return None
    if own_id and own_id != instance.id:
        call.note("The ID of an existing supplier cannot be changed.", data.xpath("Supplier_ID"))
    return call.store.suppliers[instance.id]


def _read(call: Call, data: Record, existing: SupplierRecord | None) -> SupplierRecord:
    call.refuse_unknown(data)
    call.require(data, *(_REQUIRED if existing is None else _REQUIRED[:1]))
    own_id = data.text("Supplier_ID")
    if own_id is not None and (own_id != own_id.strip() or own_id == ""):
        call.note("The ID must not be empty, and not start or end with a blank.", data.xpath("Supplier_ID"))
    name = data.text("Supplier_Name") or ""
    if data.has("Supplier_Name") and not name.strip():
        call.note("Supplier Name is required.", data.xpath("Supplier_Name"))
    for key in ("Settlement_Account_Data", "Settlement_Account_Widget_Data"):
        if data.has(key):
            call.note("Bank accounts cannot be changed through this integration.", data.xpath(key))
    for key in ("Approval_Status_Reference", "Supplier_Reference_ID"):
        if data.has(key):
            call.note("This value is set by Workday.", data.xpath(key))
    entity = data.record("Business_Entity_Data")
    business_process = call.request.record("Business_Process_Parameters")
    now = call.store.clock.now()
    category = call.refer(data, "Supplier_Category_Reference", "Supplier_Category")
    terms = call.refer(data, "Payment_Terms_Reference", "Payment_Terms")
    accepted = [each.id for each in call.refer_all(data, "Payment_Types_Accepted_Reference", "Payment_Type")]
    default = call.refer(data, "Default_Payment_Type_Reference", "Payment_Type")
    if default is not None and accepted and default.id not in accepted:
        call.note(
            "The default payment type must be one of the accepted payment types.",
            data.xpath("Default_Payment_Type_Reference"),
        )
    currency = call.refer(data, "Currency_Reference", "Currency")
    submitted = data.flag("Submit") or False
    addresses, phones, emails = _contact(call, entity)
    contact = entity.record("Contact_Data") if entity else None
    supplier = SupplierRecord(
        wid="",
        supplier_id=own_id or "",
        name=name,
        status=_active(call, data, existing),
        approval=_approval(
            submitted=submitted,
            auto_complete=bool(business_process and business_process.flag("Auto_Complete")),
        ),
        external_entity_id=_external_id(call, entity),
        tax_ids=_tax_ids(call, data),
        currency=currency.id if currency else None,
        worktag_only=data.flag("Worktag_Only") or False,
        created_at=now,
        updated_at=now,
        category=category.id if category else None,
        payment_terms=terms.id if terms else None,
        payment_types=accepted,
        default_payment_type=default.id if default else None,
        accepted_currencies=[each.id for each in call.refer_all(data, "Accepted_Currencies_Reference", "Currency")],
        business_entity_name=(entity.text("Business_Entity_Name") or "") if entity else "",
        customer_account_number=data.text("Customer_Account_Number") or "",
        duns_number=data.text("DUNS_Number") or "",
        addresses=addresses,
        phones=phones,
        emails=emails,
        groups=[each.id for each in call.refer_all(data, "Supplier_Group_Reference", "Supplier_Group")],
    )
    if existing is None:
        return supplier
    given = [data, *(part for part in (entity, contact) if part is not None)]
    return _changed(existing, supplier, given, cleared=call.store.behaviour.omitted_blocks == "cleared")


def _changed(existing: SupplierRecord, new: SupplierRecord, given: list[Record], *, cleared: bool) -> SupplierRecord:
    """The supplier after a change: what was not given stays, unless it is a block and blocks are cleared."""
    kept: dict[str, Any] = {"wid": existing.wid, "supplier_id": existing.supplier_id, "created_at": existing.created_at}
    for name, keys in {**_VALUES, **({} if cleared else _BLOCKS)}.items():
        if not any(part.has(key) for part in given for key in keys):
            kept[name] = getattr(existing, name)
    return replace(new, **kept)


def _active(call: Call, data: Record, existing: SupplierRecord | None) -> Any:
    records = data.records("Supplier_Status_Data")
    if not records:
        return existing.status if existing else "ACTIVE"
    status = call.refer(records[-1], "Status_Reference", "Business_Entity_Status_Value")
    return status.id if status else "ACTIVE"


def _approval(*, submitted: bool, auto_complete: bool) -> Status:
    if not submitted:
        return "DRAFT"
    return "APPROVED" if auto_complete else "IN_PROGRESS"


def _external_id(call: Call, entity: Record | None) -> str | None:
    if entity is None:
        return None
    call.refuse_unknown(entity)
    if not (entity.text("Business_Entity_Name") or "").strip():
        call.note("Business Entity Name is required.", entity.xpath("Business_Entity_Name"))
    if entity.has("Business_Entity_Tax_ID"):
        call.note("Send the tax ID as tax ID data.", entity.xpath("Business_Entity_Tax_ID"))
    return entity.text("External_Entity_ID") or None


def _tax_ids(call: Call, data: Record) -> list[TaxId]:
    """The tax ids, wherever the version puts them; each needs its type."""
    widget = data.record("Tax_ID_Widget_Data")
    found: list[TaxId] = []
    for record in [*data.records("Tax_ID_Data"), *(widget.records("Tax_ID_Data") if widget else [])]:
        call.refuse_unknown(record)
        call.require(record, "Tax_ID_Text", "Tax_ID_Type_Reference")
        kind = call.refer(record, "Tax_ID_Type_Reference", "Tax_ID_Type")
        found.append(
            TaxId(
                text=record.text("Tax_ID_Text") or "",
                type=kind.id if kind else "",
                transaction=record.flag("Transaction_Tax_ID"),
                primary=record.flag("Primary_Tax_ID"),
            )
        )
    return found


def _contact(call: Call, entity: Record | None) -> tuple[list[Address], list[Phone], list[str]]:
    contact = entity.record("Contact_Data") if entity else None
    if contact is None:
        return [], [], []
    call.refuse_unknown(contact)
    emails = contact.records("Email_Address_Data")
    for record in emails:
        _check_usage(call, record)
    return (
        [_address(call, record) for record in contact.records("Address_Data")],
        [_phone(call, record) for record in contact.records("Phone_Data")],
        [record.text("Email_Address") or "" for record in emails],
    )


def _check_usage(call: Call, record: Record) -> None:
    """Check the usage of an address, phone or e-mail address; this tenant has business usage only."""
    call.refuse_unknown(record)
    call.require(record, "Usage_Data")
    for usage in record.records("Usage_Data"):
        call.refuse_unknown(usage)
        for kind in usage.records("Type_Data"):
            call.refer(kind, "Type_Reference", "Communication_Usage_Type")


def _phone(call: Call, record: Record) -> Phone:
    _check_usage(call, record)
    call.require(record, "Phone_Number")
    device = call.refer(record, "Phone_Device_Type_Reference", "Phone_Device_Type")
    return Phone(
        number=record.text("Phone_Number") or "",
        country=record.text("Country_ISO_Code") or "",
        international_code=record.text("International_Phone_Code") or "",
        area_code=record.text("Area_Code") or "",
        extension=record.text("Phone_Extension") or "",
        device_type=device.id if device else None,
    )


def _address(call: Call, record: Record) -> Address:
    _check_usage(call, record)
    call.require(record, "Country_Reference")
    country = call.refer(record, "Country_Reference", "Country")
    lines: dict[str, str] = {}
    for line in record.records("Address_Line_Data"):
        kind = line.attribute("Type") or ""
        if not _LINE_TYPE.fullmatch(kind):
            call.note(f"'{kind}' is not an address line type.", line.xpath())
        lines[kind] = line.element.text or ""
    region = record.reference("Country_Region_Reference")
    return Address(
        country=country.id if country else "",
        lines=lines,
        municipality=record.text("Municipality") or "",
        region=region.ids[0].value if region and region.ids else "",
        postal_code=record.text("Postal_Code") or "",
    )


def _keep(call: Call, supplier: SupplierRecord, existing: SupplierRecord | None) -> Instance:
    store = call.store
    if existing is None:
        if not supplier.supplier_id:
            supplier.supplier_id = f"{_SEQUENCE}-{store.next_number(_SEQUENCE)}"
        store.suppliers_created.append(supplier)
    return store.add_supplier(supplier)
