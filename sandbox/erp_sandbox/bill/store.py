"""What the BILL stand-in knows, and ways for a test to change it as people and time would."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from erp_sandbox.bill.events import Events
from erp_sandbox.bill.limits import Limits
from erp_sandbox.bill.resources import BY_NAME
from erp_sandbox.bill.rules import BillRules
from erp_sandbox.bill.session import Sessions
from erp_sandbox.bill.table import Row, Table
from erp_sandbox.bill.times import instant_text
from erp_sandbox.clock import Clock
from erp_sandbox.ids import bill_id

Record = dict[str, Any]


class Organization:
    """One BILL organization: its own record, a table per resource, policies and documents."""

    def __init__(self, profile: Record) -> None:
        self.profile = dict(profile)
        self.tables = {name: Table(resource.detail) for name, resource in BY_NAME.items()}
        self.policies: list[Record] = []
        self.documents: dict[str, list[Record]] = {}

    @property
    def id(self) -> str:
        """The organization's id."""
        return str(self.profile["id"])


class BillStore:
    """All organizations, sessions and limits; the first organization is the one the helpers below work on.

    Args:
        clock: The sandbox's time; edits are stamped with it.
        rules: The switches.
    """

    def __init__(self, clock: Clock | None = None, rules: BillRules | None = None) -> None:
        self.clock = clock or Clock()
        self.rules = rules or BillRules()
        self.organizations: dict[str, Organization] = {}
        self.limits = Limits(self.rules, self.clock)
        self.sessions = Sessions(self.rules, self.clock, self.limits, self.organizations.__contains__)
        self.events = Events(self.clock, self.rules.events)
        self._added = 0

    def add_organization(
        self,
        profile: Record,
        records: Iterable[tuple[str, Record]],
        policies: Iterable[Record] = (),
        documents: Mapping[str, list[Record]] | None = None,
    ) -> Organization:
        """Fill in one organization from ``(resource name, record)`` pairs."""
        organization = Organization(profile)
        for resource, record in records:
            organization.tables[resource].put(record)
        organization.policies = list(policies)
        organization.documents = dict(documents or {})
        self.organizations[organization.id] = organization
        self._take_over_time(organization)
        self.events.watch(organization.id, organization.tables)
        return organization

    def new_id(self, kind: str) -> str:
        """An id nothing has yet."""
        self._added += 1
        return bill_id(kind, f"written:{self.main.id}", self._added)

    @property
    def main(self) -> Organization:
        """The first organization."""
        return next(iter(self.organizations.values()))

    def table(self, resource: str) -> Table:
        """The first organization's records of one kind, such as ``bills``."""
        return self.main.tables[resource]

    def bill(self, identifier: str) -> dict[str, Any]:
        """A copy of a bill with its approvers, money as Decimal or int."""
        return self.table("bills").record(identifier)

    def bills(self) -> list[dict[str, Any]]:
        """Copies of all bills."""
        return list(self.table("bills").records())

    def vendor(self, identifier: str) -> dict[str, Any]:
        """A copy of a vendor."""
        return self.table("vendors").record(identifier)

    def edit(self, resource: str, identifier: str, *, touch: bool = True, **changes: Any) -> dict[str, Any]:
        """Change fields of a record; None removes one.

        Args:
            resource: ``bills``, ``vendors``, ``payments``, ``departments`` ...
            identifier: Its id.
            touch: Whether ``updatedTime`` moves, as it does in BILL whenever an object is edited.
            changes: BILL's own field names with new values.

        Returns:
            The record as it is now.

        Raises:
            KeyError: there is no such record.
        """
        table = self.table(resource)
        record = {**table.record(identifier), **changes}
        record = {name: value for name, value in record.items() if value is not None}
        if touch:
            record["updatedTime"] = instant_text(self.clock.stamp())
        table.put(record)
        return record

    def edit_bill(self, identifier: str, *, touch: bool = True, **changes: Any) -> dict[str, Any]:
        """Change a bill; see :meth:`edit`."""
        return self.edit("bills", identifier, touch=touch, **changes)

    def edit_vendor(self, identifier: str, *, touch: bool = True, **changes: Any) -> dict[str, Any]:
        """Change a vendor; see :meth:`edit`."""
        return self.edit("vendors", identifier, touch=touch, **changes)

    def edit_payment(self, identifier: str, *, touch: bool = True, **changes: Any) -> dict[str, Any]:
        """Change a payment; see :meth:`edit`."""
        return self.edit("payments", identifier, touch=touch, **changes)

    def archive_bill(self, identifier: str) -> dict[str, Any]:
        """Archive a bill: ``recordStatus`` INACTIVE, ``archived`` true (sheet bill fact 11)."""
        return self.edit_bill(identifier, archived=True, recordStatus="INACTIVE")

    def restore_bill(self, identifier: str) -> dict[str, Any]:
        """Bring an archived bill back, or publish a draft."""
        return self.edit_bill(identifier, archived=False, recordStatus="ACTIVE")

    def approve_bill(self, identifier: str, *, touch: bool = True) -> dict[str, Any]:
        """Let every approver sign. Whether that moves ``updatedTime`` is not documented (sheet bill 3.4)."""
        return self._decide(identifier, "APPROVED", touch=touch)

    def deny_bill(self, identifier: str, *, touch: bool = True) -> dict[str, Any]:
        """Let the approvers refuse a bill."""
        return self._decide(identifier, "DENIED", touch=touch)

    def set_currency(self, vendor_id: str, currency: str) -> dict[str, Any]:
        """Let a vendor bill in another currency; its bills have none of their own (sheet bill 4.1)."""
        return self.edit_vendor(vendor_id, billCurrency=currency)

    def add_bill(
        self, vendor_id: str, lines: Sequence[tuple[Decimal | int, str, str | None]], **fields: Any
    ) -> dict[str, Any]:
        """Enter an approved, unpaid bill.

        Args:
            vendor_id: Whose bill it is.
            lines: (amount, chart of accounts id, department id) each.
            fields: Any other fields, or other values for the ones made up here.

        Returns:
            The new bill.
        """
        self._added += 1
        seed, number = f"added:{self.main.id}", len(self.table("bills")) + self._added
        now = instant_text(self.clock.stamp())
        total = sum((Decimal(amount) for amount, _, _ in lines), Decimal())
        record = {
            "id": bill_id("bill", seed, number),
            "archived": False,
            "vendorId": vendor_id,
            "vendorName": self.vendor(vendor_id)["name"],
            "amount": total,
            "paidAmount": 0,
            "dueAmount": total,
            "scheduledAmount": 0,
            "creditAmount": 0,
            "dueDate": now[:10],
            "invoice": {"invoiceNumber": f"ADD-{number}", "invoiceDate": now[:10]},
            "billLineItems": [
                {
                    "id": bill_id("line", seed, number * 100 + position),
                    "amount": amount,
                    "classifications": {"chartOfAccountId": account}
                    | ({"departmentId": department} if department else {}),
                }
                for position, (amount, account, department) in enumerate(lines)
            ],
            "paymentStatus": "UNPAID",
            "approvalStatus": "APPROVED",
            "recordStatus": "ACTIVE",
            "createdTime": now,
            "updatedTime": now,
            **fields,
        }
        self.table("bills").put(record)
        return record

    def approved_unpaid_totals(self) -> dict[str, dict[str, Any]]:
        """Count and amount of active, approved, not yet paid bills by the currency of their vendor."""
        currencies = {vendor["id"]: vendor.get("billCurrency", "USD") for vendor in self.table("vendors").records()}
        totals: dict[str, dict[str, Any]] = {}
        for bill in self.table("bills").records():
            if bill["archived"] or bill["approvalStatus"] != "APPROVED" or bill["paymentStatus"] == "PAID":
                continue
            total = totals.setdefault(currencies[bill["vendorId"]], {"count": 0, "amount": Decimal()})
            total["count"] += 1
            total["amount"] += Decimal(bill["amount"])
        return totals

    def to_json(self) -> bytes:
        """Everything that is data, as JSON; sessions, counters and switches are not."""
        kept = [
            _KeptOrganization(
                organization.profile,
                organization.policies,
                organization.documents,
                {name: list(table.rows()) for name, table in organization.tables.items()},
            )
            for organization in self.organizations.values()
        ]
        return msgspec.json.encode(_Kept(kept, self._added))

    def from_json(self, text: bytes) -> None:
        """Go on with what :meth:`to_json` kept, in place of everything known now.

        Raises:
            msgspec.ValidationError: the text is not of that form.
        """
        kept = msgspec.json.decode(text, type=_Kept)
        self.organizations.clear()
        for each in kept.organizations:
            organization = self.add_organization(each.profile, (), each.policies, each.documents)
            for name, rows in each.tables.items():
                for identifier, row in rows:
                    organization.tables[name].put_row(identifier, row)
            self._take_over_time(organization)
        self._added = kept.added

    def _take_over_time(self, organization: Organization) -> None:
        self.clock.not_before(max(table.newest() for table in organization.tables.values()))

    def _decide(self, identifier: str, verdict: str, *, touch: bool) -> dict[str, Any]:
        now = instant_text(self.clock.stamp())
        approvers = [
            {**approver, "status": verdict, "statusChangedTime": now}
            for approver in self.bill(identifier).get("approvers", [])
        ]
        return self.edit_bill(identifier, touch=touch, approvalStatus=verdict, approvers=approvers or None)


class _KeptOrganization(msgspec.Struct):
    profile: dict[str, Any]
    policies: list[dict[str, Any]]
    documents: dict[str, list[dict[str, Any]]]
    tables: dict[str, list[tuple[str, Row]]]


class _Kept(msgspec.Struct):
    organizations: list[_KeptOrganization]
    added: int
