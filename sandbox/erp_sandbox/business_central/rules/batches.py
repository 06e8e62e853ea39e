"""Journal batches: general ones and those for vendor payments are the same table (sheet 4)."""

from __future__ import annotations

from erp_sandbox.business_central import errors
from erp_sandbox.business_central.company import Company
from erp_sandbox.business_central.entities import GENERAL, PAYMENT, SETS, EntitySet
from erp_sandbox.business_central.rules.bodies import Draft, read_body
from erp_sandbox.business_central.rules.journal_lines import JournalLineRules, PaymentRules
from erp_sandbox.business_central.values import NO_GUID, Record

__all__ = ["BATCH_INTERNALS", "BatchRules"]

BATCH_INTERNALS = {"_balancingType": "G/L Account", "_series": "", "_postingSeries": ""}
"""What a batch has that the API does not show: what balances it, and its number series if people set one."""

TEMPLATES = (GENERAL, PAYMENT)


class BatchRules:
    """``journals`` or ``vendorPaymentJournals``."""

    def __init__(self, name: str) -> None:
        self.entity: EntitySet = SETS[name]
        self._template = PAYMENT if name == "vendorPaymentJournals" else GENERAL
        self._lines = PaymentRules() if name == "vendorPaymentJournals" else JournalLineRules()

    def insert(self, company: Company, _entity: EntitySet | None, _parent: Record | None, body: object) -> Record:
        """Create a batch, with its lines if the body has some."""
        given = read_body(self.entity, body, creating=True)
        blank = company.blank(
            "journals", templateDisplayName=self._template, balancingAccountNumber="", **BATCH_INTERNALS
        )
        draft = Draft(company, self.entity, blank, given.values, creating=True)
        draft.assign({"balancingAccountId": _set_balancing, "templateDisplayName": _set_template})
        batch = draft.record
        if not batch["code"]:
            raise errors.field_validation("Name must have a value in Gen. Journal Batch. It cannot be zero or empty.")
        self._check_code(company, batch)
        company.save("batches", batch)
        for items in given.nested.values():
            for item in items:
                self._lines.insert(company, self.entity, batch, item)
        return batch

    def modify(self, company: Company, record: Record, body: object) -> Record:
        """Change a batch."""
        given = read_body(self.entity, body, creating=False)
        draft = Draft(company, self.entity, dict(record), given.values, creating=False)
        draft.assign({"balancingAccountId": _set_balancing, "templateDisplayName": _set_template})
        if draft.record["code"] != record["code"]:
            self._check_code(company, draft.record)
            for line in company.table("lines").find("journalId", record["id"]):
                company.save("lines", {**line, "journalDisplayName": draft.record["code"]})
        return company.save("batches", draft.record)

    def delete(self, company: Company, record: Record) -> None:
        """Delete a batch with the lines in it."""
        for line in company.table("lines").find("journalId", record["id"]):
            company.table("lines").delete(line["id"])
        company.table("batches").delete(record["id"])

    def _check_code(self, company: Company, batch: Record) -> None:
        for other in company.table("batches").find("code", batch["code"]):
            if other["templateDisplayName"] == batch["templateDisplayName"] and other["id"] != batch["id"]:
                raise errors.same_key(
                    "Gen. Journal Batch",
                    f"Journal Template Name='{batch['templateDisplayName']}',Name='{batch['code']}'",
                )


def _set_balancing(draft: Draft, value: str) -> None:
    """Only a G/L account can be set here; a bank account is set by people (sheet 4)."""
    account = draft.company.table("accounts").get(value)
    if account is None and value != NO_GUID:
        raise errors.dialog('The "balancingAccountId" does not match to a specific Account.')
    draft.record["balancingAccountId"] = value
    draft.record["balancingAccountNumber"] = account["number"] if account else ""
    draft.record["_balancingType"] = "G/L Account"


def _set_template(draft: Draft, value: str) -> None:
    if value not in TEMPLATES:
        raise errors.not_in_related_table("Journal Template Name", "Gen. Journal Batch", value, "Gen. Journal Template")
    if not draft.creating and value != draft.record["templateDisplayName"]:
        raise errors.dialog("The template of a journal cannot be changed.")
    draft.record["templateDisplayName"] = value
