"""Reading what a client sends, and refusing what BILL refuses (sheet bill 4, 7)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec

from erp_sandbox.bill.errors import BillRefusalError
from erp_sandbox.bill.seed import Record
from erp_sandbox.bill.store import Organization

LONGEST_TEXT = 4000
CODINGS: Mapping[str, str] = {
    "chartOfAccountId": "chart_of_accounts",
    "accountingClassId": "accounting_classes",
    "departmentId": "departments",
    "locationId": "locations",
    "jobId": "jobs",
    "itemId": "items",
    "employeeId": "employees",
}
HEADER_CODINGS = frozenset({"chartOfAccountId", "accountingClassId", "departmentId", "locationId", "itemId"})

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_DECODER = msgspec.json.Decoder(float_hook=Decimal)


def read_json(content: bytes, content_type: str) -> Any:
    """The JSON of a request.

    Raises:
        BillRefusalError: BDC_1119, it is none.
    """
    if content_type.partition(";")[0].strip() != "application/json":
        raise invalid("Content-Type must be application/json.")
    try:
        return _DECODER.decode(content)
    except msgspec.DecodeError:
        raise invalid("The request body is not valid JSON.") from None


def fields_of(body: Any, required: Iterable[str], optional: Iterable[str], *, place: str = "") -> Record:
    """An object with nothing missing that is required, and nothing BILL does not know.

    Raises:
        BillRefusalError: messages without a code for what is missing, BDC_1002 for what is unknown.
    """
    if not isinstance(body, dict):
        raise invalid(f"{place or 'The request body'} must be a JSON object.")
    required = tuple(required)
    missing = [f"{place}{name}: must not be null" for name in required if body.get(name) in (None, "", [])]
    if missing:
        raise BillRefusalError(400, None, *missing)
    if unknown := sorted(set(body) - set(required) - set(optional)):
        raise BillRefusalError(400, "BDC_1002", *(f"Unrecognized field: {place}{name}" for name in unknown))
    return dict(body)


def text(value: Any, name: str, limit: int = LONGEST_TEXT) -> str:
    """A text that is not too long.

    Raises:
        BillRefusalError: BDC_1119 when it is no text, BDC_1143 when it is too long.
    """
    if not isinstance(value, str):
        raise invalid(f"{name}: must be a string")
    if len(value) > limit:
        raise BillRefusalError(400, "BDC_1143", f"{name}: must not be longer than {limit} characters")
    return value


def day(value: Any, name: str) -> str:
    """A calendar date.

    Raises:
        BillRefusalError: BDC_1119.
    """
    try:
        if _DAY.fullmatch(value):
            return date.fromisoformat(value).isoformat()
    except (TypeError, ValueError):
        pass
    raise invalid(f"{name}: must be a date, yyyy-MM-dd")


def amount(value: Any, name: str) -> Decimal:
    """An amount of at most two decimals.

    Raises:
        BillRefusalError: BDC_1119.
    """
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise invalid(f"{name}: must be a number")
    exact = Decimal(value)
    if exact != round(exact, 2):
        raise invalid(f"{name}: must not have more than 2 decimals")
    return exact


def flag(value: Any, name: str) -> bool:
    """A boolean.

    Raises:
        BillRefusalError: BDC_1119.
    """
    if not isinstance(value, bool):
        raise invalid(f"{name}: must be a boolean")
    return value


def items(value: Any, name: str) -> list[Any]:
    """A list.

    Raises:
        BillRefusalError: BDC_1119.
    """
    if not isinstance(value, list):
        raise invalid(f"{name}: must be an array")
    return value


def referred(organization: Organization, resource: str, label: str, identifier: Any) -> Record:
    """What an id refers to; archived things may not be referred to (sheet bill 4.3, the stricter reading).

    Raises:
        BillRefusalError: BDC_1205 when there is none, BDC_1119 when it is archived.
    """
    if not isinstance(identifier, str) or identifier not in organization.tables[resource]:
        raise BillRefusalError(400, "BDC_1205", f"No {label} found with id {identifier}.", category="APPLICATION")
    record = organization.tables[resource].record(identifier)
    if record.get("archived"):
        raise invalid(f"The {label} {record.get('name') or identifier} is archived.")
    return record


def codings(organization: Organization, value: Any, allowed: Iterable[str] = CODINGS) -> Record:
    """The ids a line or a header is coded with.

    Raises:
        BillRefusalError: an id is unknown or archived.
    """
    coding = fields_of(value, (), allowed, place="classifications.")
    coding = {name: identifier for name, identifier in coding.items() if identifier is not None}
    for name, identifier in coding.items():
        referred(organization, CODINGS[name], name.removesuffix("Id"), identifier)
    return coding


def plain(value: Decimal) -> Decimal | int:
    """An amount as BILL answers it; a whole one is an integer (sheet bill 11)."""
    return int(value) if value == value.to_integral_value() else value.normalize()


def invalid(message: str) -> BillRefusalError:
    """A field with a value BILL does not take (sheet bill 7)."""
    return BillRefusalError(400, "BDC_1119", message)
