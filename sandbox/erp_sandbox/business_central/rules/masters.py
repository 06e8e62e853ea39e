"""Vendors, items, bank accounts and the tables of codes."""

from __future__ import annotations

from collections.abc import Mapping

from erp_sandbox.business_central import errors
from erp_sandbox.business_central.company import Company
from erp_sandbox.business_central.entities import SETS, EntitySet
from erp_sandbox.business_central.rules.bodies import Draft, Setter, read_body
from erp_sandbox.business_central.rules.dimensions import DefaultDimensionRules
from erp_sandbox.business_central.rules.lookups import currency_setters, reference_setter
from erp_sandbox.business_central.values import Record

__all__ = ["CodedRules", "CompanyInformationRules", "VendorRules"]


class CodedRules:
    """A table of things with a code or number of their own."""

    def __init__(self, name: str, setters: Mapping[str, Setter] | None = None) -> None:
        self.entity: EntitySet = SETS[name]
        self._setters: Mapping[str, Setter] = setters or {}
        self.key = "number" if "number" in self.entity.by_name else "code"

    def insert(self, company: Company, _entity: EntitySet | None, _parent: Record | None, body: object) -> Record:
        """Add one; its key must be new."""
        given = read_body(self.entity, body, creating=True)
        draft = Draft(company, self.entity, self.fresh(company), given.values, creating=True)
        draft.assign(self._setters)
        self._number(company, draft.record)
        self._check_key(company, draft.record)
        saved = company.save(self.entity.table, draft.record)
        for item in given.nested.get("defaultDimensions", ()):
            DefaultDimensionRules().insert(company, self.entity, saved, item)
        return saved

    def modify(self, company: Company, record: Record, body: object) -> Record:
        """Change one; its key stays, since everything else refers to it."""
        given = read_body(self.entity, body, creating=False)
        draft = Draft(company, self.entity, dict(record), given.values, creating=False)
        draft.assign(self._setters)
        if draft.record[self.key] != record[self.key]:
            raise errors.dialog(f"The {self.key} of {self.entity.caption} {record[self.key]} cannot be changed here.")
        return company.save(self.entity.table, draft.record)

    def delete(self, company: Company, record: Record) -> None:
        """Take one out."""
        for child in company.table("defaultDimensions").find("parentId", record["id"]):
            company.table("defaultDimensions").delete(child["id"])
        company.table(self.entity.table).delete(record["id"])

    def fresh(self, company: Company) -> Record:
        """What a new one holds before its body."""
        return company.blank(self.entity.name)

    def _number(self, _company: Company, record: Record) -> None:
        if not record[self.key]:
            raise errors.field_validation(f"{self.key} must have a value in {self.entity.caption}.")

    def _check_key(self, company: Company, record: Record) -> None:
        if company.table(self.entity.table).one(self.key, record[self.key]) is not None:
            label = "No." if self.key == "number" else "Code"
            raise errors.same_key(self.entity.caption, f"{label}='{record[self.key]}'")


class VendorRules(CodedRules):
    """Vendors: numbers of a series, defaults of a template (sheet 4, 8.3)."""

    def __init__(self) -> None:
        super().__init__(
            "vendors",
            {
                **currency_setters(),
                "paymentTermsId": reference_setter("paymentTermsId", "paymentTerms"),
                "paymentMethodId": reference_setter("paymentMethodId", "paymentMethods"),
            },
        )

    def fresh(self, company: Company) -> Record:
        """The template's values; posting groups come from it as well."""
        identifier, code = company.currency_of("")
        blank = company.blank("vendors", currencyId=identifier, currencyCode=code, **VENDOR_INTERNALS)
        if not company.setup.vendor_template:
            return {**blank, "_postingGroups": False}
        terms = company.table("paymentTerms").one("code", "30 DAYS")
        method = company.table("paymentMethods").one("code", "BANK")
        return {
            **blank,
            "addressLine1": "To be completed",
            "country": "US" if company.local_currency == "USD" else "NL",
            "taxLiable": True,
            "paymentTermsId": terms["id"] if terms else blank["paymentTermsId"],
            "paymentMethodId": method["id"] if method else blank["paymentMethodId"],
        }

    def delete(self, company: Company, record: Record) -> None:
        """Vendors with entries or open documents stay."""
        number = record["number"]
        if company.table("vendorLedgerEntries").find("vendorNumber", number) or any(
            company.table(name).find("vendorNumber", number) for name in ("purchaseInvoices", "purchaseCreditMemos")
        ):
            raise errors.dialog(f"You cannot delete Vendor {number} because there is at least one entry for it.")
        super().delete(company, record)

    def _number(self, company: Company, record: Record) -> None:
        if record["number"] and not company.setup.manual_vendor_numbers:
            raise errors.dialog(
                "You may not enter numbers manually. If you want to enter numbers manually, please activate "
                "Manual Nos. in No. Series VEND."
            )
        while not record["number"]:
            number = f"V{company.next_number('vendors', 70001):05d}"
            if company.table("vendors").one("number", number) is None:
                record["number"] = number


VENDOR_INTERNALS = {"_postingGroups": True, "_applyToOldest": False}
"""What a vendor has that the API does not show: posting groups, and whether payments close the oldest invoices."""


class CompanyInformationRules:
    """The one row of a company about itself."""

    def modify(self, company: Company, record: Record, body: object) -> Record:
        """Change it."""
        given = read_body(SETS["companyInformation"], body, creating=False).values
        return company.save("companyInformation", {**record, **given})
