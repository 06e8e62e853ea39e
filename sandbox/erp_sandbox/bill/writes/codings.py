"""Creating, changing and archiving accounts and classifications (sheet bill 4.4)."""

from __future__ import annotations

from typing import Any

from erp_sandbox.bill.seed import Record
from erp_sandbox.bill.store import BillStore, Organization
from erp_sandbox.bill.writes.bodies import fields_of, invalid, referred, text
from erp_sandbox.bill.writes.objects import now_text, stored

KINDS = {
    "chart_of_accounts": "account",
    "departments": "department",
    "locations": "location",
    "jobs": "job",
    "accounting_classes": "accounting_class",
}
"""The lists that can be written, and the kind of their ids."""

ACCOUNT_TYPES = frozenset(
    {
        "UNSPECIFIED",
        "ACCOUNTS_PAYABLE",
        "ACCOUNTS_RECEIVABLE",
        "BANK",
        "COST_OF_GOODS_SOLD",
        "CREDIT_CARD",
        "EQUITY",
        "EXPENSE",
        "FIXED_ASSET",
        "INCOME",
        "LONG_TERM_LIABILITY",
        "OTHER_ASSET",
        "OTHER_CURRENT_ASSET",
        "OTHER_CURRENT_LIABILITY",
        "OTHER_EXPENSE",
        "OTHER_INCOME",
        "NON_POSTING",
    }
)


def create(store: BillStore, organization: Organization, resource: str, body: Any) -> Record:
    """A new account or classification; nothing hinders a second one of the same name."""
    fields = _checked(organization, resource, fields_of(body, ("name",), _optional(resource)))
    now = now_text(store)
    basics = {"id": store.new_id(KINDS[resource]), "archived": False}
    if resource == "chart_of_accounts":
        fields = {"account": {"type": "UNSPECIFIED"}, **fields}
    return stored(organization, resource, {**basics, **fields, "createdTime": now, "updatedTime": now})


def change(store: BillStore, organization: Organization, resource: str, record: Record, body: Any) -> Record:
    """Change the fields given."""
    fields = _checked(organization, resource, fields_of(body, (), ("name", *_optional(resource))))
    return stored(organization, resource, {**record, **fields, "updatedTime": now_text(store)})


def _optional(resource: str) -> tuple[str, ...]:
    return ("description", "parentId", "account" if resource == "chart_of_accounts" else "shortName")


def _checked(organization: Organization, resource: str, fields: Record) -> Record:
    for name in ("name", "description", "shortName"):
        if name in fields:
            text(fields[name], name)
    if "parentId" in fields:
        referred(organization, resource, "parent", fields["parentId"])
    if "account" in fields:
        account = fields_of(fields["account"], (), ("type", "number"), place="account.")
        if account.setdefault("type", "UNSPECIFIED") not in ACCOUNT_TYPES:
            raise invalid(f"account.type: {account['type']} is unknown")
        if "number" in account:
            text(account["number"], "account.number")
        fields["account"] = account
    return fields
