"""Files at documents and vendors: first what they are called, then their content (sheet 4)."""

from __future__ import annotations

from collections.abc import Mapping

from erp_sandbox.business_central import errors
from erp_sandbox.business_central.company import Company
from erp_sandbox.business_central.entities import SETS, EntitySet
from erp_sandbox.business_central.rules.bodies import read_body
from erp_sandbox.business_central.values import Record

__all__ = ["AttachmentRules"]

_PARENTS: Mapping[str, str] = {
    "Purchase Invoice": "purchaseInvoices",
    "Purchase Credit Memo": "purchaseCreditMemos",
    "Purchase Order": "purchaseOrders",
    "Vendor": "vendors",
}


class AttachmentRules:
    """documentAttachments."""

    def insert(self, company: Company, _entity: EntitySet | None, parent: Record | None, body: object) -> Record:
        """Announce a file; ``parentType`` and ``parentId`` have to stand in the body."""
        given = read_body(SETS["documentAttachments"], body, creating=True).values
        if not given.get("fileName"):
            raise errors.field_validation("File Name must have a value in Document Attachment.")
        table = _PARENTS.get(given.get("parentType", ""))
        owner = company.table(table).get(given.get("parentId", "")) if table else None
        if owner is None or (parent is not None and owner["id"] != parent["id"]):
            raise errors.dialog("The parent of the attachment cannot be found.")
        others = company.table("documentAttachments").find("parentId", owner["id"])
        record = company.blank("documentAttachments", **given)
        record["lineNumber"] = max((other["lineNumber"] for other in others), default=0) + 10_000
        return company.save("documentAttachments", record)

    def modify(self, company: Company, record: Record, body: object) -> Record:
        """Rename a file."""
        given = read_body(SETS["documentAttachments"], body, creating=False).values
        if any(given.get(name, record[name]) != record[name] for name in ("parentType", "parentId")):
            raise errors.dialog("The parent of an attachment cannot be changed.")
        return company.save("documentAttachments", {**record, **given})

    def delete(self, company: Company, record: Record) -> None:
        """Take a file away."""
        company.files.pop(record["id"], None)
        company.table("documentAttachments").delete(record["id"])

    def fill(self, company: Company, record: Record, content: bytes) -> None:
        """Take the content."""
        company.files[record["id"]] = content
        company.save("documentAttachments", {**record, "byteSize": len(content)})
