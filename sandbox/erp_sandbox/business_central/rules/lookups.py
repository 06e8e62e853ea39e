"""Finding what a value names, or refusing it in the service's words."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from erp_sandbox.business_central import errors
from erp_sandbox.business_central.company import Company
from erp_sandbox.business_central.rules.bodies import Draft
from erp_sandbox.business_central.values import NO_DAY, NO_GUID, Record

__all__ = ["currency_setters", "due_date", "existing", "reference_setter", "vendor_named"]

_CAPTIONS = {
    "paymentTerms": "Payment Terms",
    "paymentMethods": "Payment Method",
    "locations": "Location",
    "unitsOfMeasure": "Unit of Measure",
    "taxGroups": "Tax Group",
    "currencies": "Currency",
}


def existing(company: Company, table: str, identifier: str, message: str) -> Record:
    """The record with an id.

    Raises:
        BusinessCentralRefusalError: there is none, in the words of ``message``.
    """
    record = company.table(table).get(identifier)
    if record is None:
        raise errors.dialog(message)
    return record


def vendor_named(draft: Draft, id_name: str, number_name: str) -> Record:
    """The vendor a body names by id, number or both.

    Raises:
        BusinessCentralRefusalError: there is none, or the two name different ones.
    """
    identifier, number = draft.given.get(id_name), draft.given.get(number_name)
    vendors = draft.company.table("vendors")
    by_id = vendors.get(identifier) if identifier else None
    by_number = vendors.one("number", number) if number else None
    if (identifier and by_id is None) or (number and by_number is None):
        raise errors.dialog("The vendor cannot be found.")
    if by_id is not None and by_number is not None and by_id["id"] != by_number["id"]:
        raise errors.dialog("The vendor values do not match to a specific Vendor.")
    found = by_id or by_number
    if found is None:
        raise errors.dialog('A "vendorNumber" or a "vendorId" must be provided.')
    return found


def currency_setters() -> dict[str, Any]:
    """Setters of currencyId and currencyCode, which have to agree; the local currency has no id of its own."""

    def by_id(draft: Draft, value: str) -> None:
        if value == NO_GUID:
            _set_currency(draft, "")
            return
        found = existing(draft.company, "currencies", value, 'The "currencyId" does not match to a specific Currency.')
        _set_currency(draft, found["code"])

    def by_code(draft: Draft, value: str) -> None:
        local = value in ("", draft.company.local_currency)
        if not local and draft.company.table("currencies").one("code", value) is None:
            raise errors.not_in_related_table("Currency Code", draft.entity.caption, value, "Currency")
        _set_currency(draft, value)

    return {"currencyId": by_id, "currencyCode": by_code}


def _set_currency(draft: Draft, code: str) -> None:
    identifier, shown = draft.company.currency_of(code)
    given_id, given_code = draft.given.get("currencyId"), draft.given.get("currencyCode")
    if (given_id and given_id != identifier) or (given_code and given_code != shown):
        raise errors.dialog("The currency values do not match to a specific Currency.")
    draft.record["currencyId"], draft.record["currencyCode"] = identifier, shown


def reference_setter(name: str, table: str) -> Any:
    """A setter of an id that has to name a record; zeros name none."""

    def by_id(draft: Draft, value: str) -> None:
        if value != NO_GUID:
            existing(draft.company, table, value, f'The "{name}" does not match to a specific {_CAPTIONS[table]}.')
        draft.record[name] = value

    return by_id


def due_date(company: Company, terms: str, day: str) -> str:
    """A day plus the span of payment terms; without terms the day itself."""
    record = company.table("paymentTerms").get(terms)
    if day == NO_DAY or record is None:
        return day
    return (date.fromisoformat(day) + days_of(record["dueDateCalculation"])).isoformat()


def days_of(formula: str) -> timedelta:
    """The days of a date formula such as ``30D``; only days are used here."""
    return timedelta(days=int(formula.removesuffix("D") or 0))
