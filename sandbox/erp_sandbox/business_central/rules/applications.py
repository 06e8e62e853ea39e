"""applyVendorEntries: the open entries of a payment's vendor, and which of them it closes."""

from __future__ import annotations

from erp_sandbox.business_central import errors
from erp_sandbox.business_central.company import Company
from erp_sandbox.business_central.entities import SETS
from erp_sandbox.business_central.rules.bodies import read_body
from erp_sandbox.business_central.values import Record, default_of

__all__ = ["ApplicationRules", "application_rows"]


def application_rows(company: Company, line: Record) -> list[Record]:
    """The open entries of the vendor of a payment line."""
    rows = []
    vendor = company.table("vendors").get(line["vendorId"])
    for entry in company.table("vendorLedgerEntries").find("vendorNumber", line["vendorNumber"]):
        if not entry["open"]:
            continue
        row: Record = {field.name: default_of(field) for field in SETS["applyVendorEntries"].fields}
        row.update(
            id=entry["id"],
            applied=entry["id"] in line["_applied"],
            appliesToId=line["documentNumber"] if entry["id"] in line["_applied"] else "",
            postingDate=entry["postingDate"],
            documentType=entry["documentType"],
            documentNumber=entry["documentNumber"],
            externalDocumentNumber=entry["externalDocumentNumber"],
            vendorNumber=entry["vendorNumber"],
            vendorName=vendor["displayName"] if vendor else "",
            description=entry["description"],
            remainingAmount=entry["_remaining"],
            lastModifiedDateTime=entry["lastModifiedDateTime"],
            _version=entry["_version"],
            _created=entry["_created"],
        )
        rows.append(row)
    return rows


class ApplicationRules:
    """Marking entries as applied by a payment line."""

    def modify(self, company: Company, line: Record, row: Record, body: object) -> Record:
        """Mark an entry, or take the mark away."""
        given = read_body(SETS["applyVendorEntries"], body, creating=False).values
        if line["appliesToInvoiceNumber"]:
            raise errors.dialog("The payment applies to an invoice already.")
        rest = [identifier for identifier in line["_applied"] if identifier != row["id"]]
        applied = [*rest, row["id"]] if given.get("applied", row["applied"]) else rest
        saved = company.save("lines", {**line, "_applied": applied})
        return next(each for each in application_rows(company, saved) if each["id"] == row["id"])
