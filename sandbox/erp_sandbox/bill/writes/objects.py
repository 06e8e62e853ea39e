"""Objects as they are stored and shown."""

from __future__ import annotations

from erp_sandbox.bill.errors import no_such_object
from erp_sandbox.bill.resources import BY_NAME
from erp_sandbox.bill.seed import Record
from erp_sandbox.bill.store import BillStore, Organization
from erp_sandbox.bill.times import instant_text


def now_text(store: BillStore) -> str:
    """The sandbox's time, never the same twice."""
    return instant_text(store.clock.stamp())


def stored(organization: Organization, resource: str, record: Record) -> Record:
    """Keep a record; returns it."""
    organization.tables[resource].put(record)
    return record


def existing(organization: Organization, resource: str, identifier: str) -> Record:
    """The record with that id.

    Raises:
        BillRefusalError: BDC_1205, there is none.
    """
    table = organization.tables[resource]
    if identifier not in table:
        raise no_such_object(BY_NAME[resource].label, identifier)
    return table.record(identifier)


def archived(store: BillStore, organization: Organization, resource: str, record: Record, *, to: bool) -> Record:
    """Archive or restore; repeating it changes nothing (sheet bill 4.1)."""
    if record.get("archived") == to:
        return record
    changes: Record = {"archived": to, "updatedTime": now_text(store)}
    if resource == "bills":
        changes["recordStatus"] = "INACTIVE" if to else "ACTIVE"
    return stored(organization, resource, {**record, **changes})
