"""Every call that writes: verb, path, the permission it needs, and what it does (contract)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from starlette.requests import Request

from erp_sandbox.bill.seed import Record
from erp_sandbox.bill.store import BillStore, Organization
from erp_sandbox.bill.writes import bills, codings, payments, vendor_credits, vendors
from erp_sandbox.bill.writes.objects import archived, existing

Carry = Callable[[BillStore, Organization, Request, Any], Any]

_Create = Callable[[BillStore, Organization, Any], Any]
_Change = Callable[[BillStore, Organization, Record, Any], Record]


@dataclass(frozen=True, slots=True)
class Write:
    """One call.

    Attributes:
        verb: POST, PUT or PATCH.
        path: Below the base URL.
        operation: The permission, such as ``bills.create``.
        status: Of a good answer.
        takes_body: Whether it has one.
        carry: Does it; returns what is answered.
        hidden: Fields of the stored object that this call does not show.
    """

    verb: str
    path: str
    operation: str
    status: int
    takes_body: bool
    carry: Carry
    hidden: frozenset[str] = frozenset()


def _creating(path: str, operation: str, create: _Create, *, status: int = 201, hidden: str = "") -> Write:
    def carry(store: BillStore, organization: Organization, _request: Request, body: Any) -> Any:
        return create(store, organization, body)

    return Write("POST", path, operation, status, True, carry, frozenset(hidden.split()))


def _changing(verb: str, path: str, resource: str, change: _Change, hidden: str = "") -> Write:
    def carry(store: BillStore, organization: Organization, request: Request, body: Any) -> Any:
        return change(store, organization, existing(organization, resource, request.path_params["id"]), body)

    return Write(verb, f"{path}/{{id}}", f"{resource}.update", 200, True, carry, frozenset(hidden.split()))


def _archiving(path: str, resource: str, *actions: str, hidden: str = "") -> Iterator[Write]:
    for action in actions:

        def carry(
            store: BillStore, organization: Organization, request: Request, _body: Any, action: str = action
        ) -> Any:
            record = existing(organization, resource, request.path_params["id"])
            return archived(store, organization, resource, record, to=action == "archive")

        operation = f"{resource}.archive"
        yield Write("POST", f"{path}/{{id}}/{action}", operation, 200, False, carry, frozenset(hidden.split()))


def _codings() -> Iterator[Write]:
    for resource in codings.KINDS:
        path = f"/v3/classifications/{resource.replace('_', '-')}"

        def create(store: BillStore, organization: Organization, body: Any, resource: str = resource) -> Record:
            return codings.create(store, organization, resource, body)

        def change(
            store: BillStore, organization: Organization, record: Record, body: Any, resource: str = resource
        ) -> Record:
            return codings.change(store, organization, resource, record, body)

        yield _creating(path, f"{resource}.create", create)
        yield _changing("PATCH", path, resource, partial(change))
        yield from _archiving(path, resource, "archive", "restore")


_BILLS, _CREDITS, _VENDORS = "/v3/bills", "/v3/vendor-credits", "/v3/vendors"

WRITES: tuple[Write, ...] = (
    _creating(_VENDORS, "vendors.create", vendors.create),
    _changing("PATCH", _VENDORS, "vendors", vendors.change),
    *_archiving(_VENDORS, "vendors", "archive", "restore"),
    _creating(_BILLS, "bills.create", bills.create, hidden="vendorName"),
    _creating(f"{_BILLS}/bulk", "bills.create", bills.create_many, hidden="vendorName approvers"),
    _creating(f"{_BILLS}/record-payment", "payments.record", payments.record, status=200, hidden="vendorName"),
    _changing("PUT", _BILLS, "bills", bills.replace, hidden="vendorName approvers"),
    _changing("PATCH", _BILLS, "bills", bills.change, hidden="vendorName approvers"),
    *_archiving(_BILLS, "bills", "archive", "restore", hidden="vendorName approvers"),
    _creating(_CREDITS, "vendor_credits.create", vendor_credits.create, hidden="usage"),
    _changing("PUT", _CREDITS, "vendor_credits", vendor_credits.replace, hidden="usage"),
    _changing("PATCH", _CREDITS, "vendor_credits", vendor_credits.change, hidden="usage"),
    *_archiving(_CREDITS, "vendor_credits", "archive", hidden="usage"),
    *_codings(),
)
"""All calls that write (sheet bill 4)."""
