"""Purchase invoices, credit memos and orders: their headers."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from erp_sandbox.business_central import errors
from erp_sandbox.business_central.company import Company
from erp_sandbox.business_central.entities import SETS, EntitySet
from erp_sandbox.business_central.rules.amounts import recalculate
from erp_sandbox.business_central.rules.bodies import Draft, Setter, read_body
from erp_sandbox.business_central.rules.dimensions import (
    DimensionLineRules,
    defaults_of,
    shortcuts,
    value_coded,
)
from erp_sandbox.business_central.rules.kinds import DocumentKind
from erp_sandbox.business_central.rules.lines import LineRules
from erp_sandbox.business_central.rules.lookups import (
    currency_setters,
    due_date,
    reference_setter,
    vendor_named,
)
from erp_sandbox.business_central.values import NO_GUID, Record

__all__ = ["HeaderRules"]


class HeaderRules:
    """The headers of one kind of document."""

    def __init__(self, kind: DocumentKind) -> None:
        self.kind = kind
        self.entity: EntitySet = SETS[kind.headers]
        self._lines = LineRules(kind)
        self._setters = self._known_setters()

    def insert(self, company: Company, _entity: EntitySet | None, _parent: Record | None, body: object) -> Record:
        """Create a draft with its lines and dimensions; totals are shown only by the next read (sheet 4)."""
        given = read_body(self.entity, body, creating=True)
        draft = Draft(company, self.entity, self._fresh(company), given.values, creating=True)
        if not {"vendorId", "vendorNumber"} & set(given.values):
            raise errors.dialog('A "vendorNumber" or a "vendorId" must be provided.')
        draft.assign(self._setters)
        if "dueDate" in draft.record:
            self._keep_due_date(draft)
        header = company.save(self.entity.table, draft.record)
        for name, items in given.nested.items():
            for item in items:
                self._insert_nested(company, name, header["id"], item)
        return self._as_answered(recalculate(company, self.kind, header["id"]))

    def modify(self, company: Company, record: Record, body: object) -> Record:
        """Change a draft."""
        if record["_posted"]:
            raise errors.dialog("You cannot modify posted invoices.")
        given = read_body(self.entity, body, creating=False)
        draft = Draft(company, self.entity, dict(record), given.values, creating=False)
        draft.assign(self._setters)
        if "dueDate" in given.values:
            draft.record["dueDate"] = given.values["dueDate"]
        company.save(self.entity.table, draft.record)
        return recalculate(company, self.kind, record["id"])

    def delete(self, company: Company, record: Record) -> None:
        """Delete a draft with its lines; a posted document only if the set-up allows (sheet 4)."""
        if record["_posted"] and not company.setup.deletes_posted:
            raise errors.dialog(
                "You cannot delete posted purchase documents: Allow Document Deletion Before must have a value."
            )
        for line in company.lines_of(self.kind.lines, record["id"]):
            company.table(self.kind.lines).delete(line["id"])
        company.table(self.entity.table).delete(record["id"])

    def _insert_nested(self, company: Company, name: str, header_id: str, item: Mapping[str, Any]) -> None:
        header = company.table(self.entity.table).get(header_id)
        if header is None:
            raise KeyError(header_id)
        if name == "dimensionSetLines":
            DimensionLineRules().insert(company, self.entity, header, item)
        elif name == self.kind.lines:
            self._lines.insert(company, self.entity, header, item)
        else:
            raise errors.bad_request(f"The navigation property '{name}' cannot be inserted together with its parent.")

    def _fresh(self, company: Company) -> Record:
        identifier, code = company.currency_of("")
        today = company.today()
        return company.blank(
            self.entity.name,
            number=str(company.next_number(self.kind.headers, self.kind.first_number)),
            postingDate=today,
            currencyId=identifier,
            currencyCode=code,
            discountAppliedBeforeTax=not company.setup.vat,
            status="Draft",
            _posted=False,
            **{self.kind.day: today},
        )

    def _keep_due_date(self, draft: Draft) -> None:
        """A due date in the body counts wherever it stands (sheet 4)."""
        if "dueDate" in draft.given:
            draft.record["dueDate"] = draft.given["dueDate"]

    def _as_answered(self, header: Record) -> Record:
        return {
            **header,
            "totalAmountExcludingTax": Decimal(0),
            "totalTaxAmount": Decimal(0),
            "totalAmountIncludingTax": Decimal(0),
        }

    def _known_setters(self) -> dict[str, Setter]:
        setters: dict[str, Setter] = {
            **currency_setters(),
            "vendorId": self._set_vendor,
            "vendorNumber": self._set_vendor,
            "payToVendorId": _set_pay_to,
            "payToVendorNumber": _set_pay_to,
            "shortcutDimension1Code": _shortcut(0),
            "shortcutDimension2Code": _shortcut(1),
            "paymentTermsId": reference_setter("paymentTermsId", "paymentTerms"),
            "invoiceId": _set_invoice,
            "invoiceNumber": _set_invoice,
            self.kind.day: self._set_day,
        }
        return {name: setter for name, setter in setters.items() if name in self.entity.by_name}

    def _set_vendor(self, draft: Draft, _value: str) -> None:
        vendor = vendor_named(draft, "vendorId", "vendorNumber")
        if draft.record["vendorId"] == vendor["id"]:
            return
        if vendor["blocked"] == "All":
            raise errors.dialog(
                f"You cannot create this type of document when Vendor {vendor['number']} is blocked with type All"
            )
        if not draft.creating and draft.company.lines_of(self.kind.lines, draft.record["id"]):
            raise errors.dialog("You cannot change the vendor because the document has lines.")
        record = draft.record
        record.update(vendorId=vendor["id"], vendorNumber=vendor["number"], vendorName=vendor["displayName"])
        _take_over(record, "buyFrom", vendor)
        record["_dimensions"] = defaults_of(draft.company, vendor["id"])
        record.update(shortcuts(draft.company, record["_dimensions"]))
        _pay(record, vendor)
        self._set_day(draft, record[self.kind.day])

    def _set_day(self, draft: Draft, value: str) -> None:
        record = draft.record
        record[self.kind.day] = value
        if "dueDate" in record:
            record["dueDate"] = due_date(draft.company, record["_terms"], value) if "_terms" in record else value


def _set_pay_to(draft: Draft, _value: str) -> None:
    vendor = vendor_named(draft, "payToVendorId", "payToVendorNumber")
    if draft.record["payToVendorId"] != vendor["id"]:
        if vendor["blocked"] == "All":
            raise errors.dialog(
                f"You cannot create this type of document when Vendor {vendor['number']} is blocked with type All"
            )
        _pay(draft.record, vendor)


def _pay(record: Record, vendor: Record) -> None:
    record.update(
        payToVendorId=vendor["id"],
        payToVendorNumber=vendor["number"],
        payToName=vendor["displayName"],
        currencyId=vendor["currencyId"],
        currencyCode=vendor["currencyCode"],
        _terms=vendor["paymentTermsId"],
    )
    if "paymentTermsId" in record:
        record["paymentTermsId"] = vendor["paymentTermsId"]
    _take_over(record, "payTo", vendor)


def _take_over(record: Record, prefix: str, vendor: Record) -> None:
    for own, theirs in (
        ("AddressLine1", "addressLine1"),
        ("AddressLine2", "addressLine2"),
        ("City", "city"),
        ("Country", "country"),
        ("State", "state"),
        ("PostCode", "postalCode"),
    ):
        record[f"{prefix}{own}"] = vendor[theirs]


def _shortcut(place: int) -> Setter:
    def by_code(draft: Draft, value: str) -> None:
        company = draft.company
        name = company.global_dimensions[place]
        dimension = company.table("dimensions").one("code", name)
        if dimension is None:
            raise errors.not_in_related_table(f"Shortcut Dimension {place + 1} Code", "", value, "Dimension")
        dimensions = {key: kept for key, kept in draft.record["_dimensions"].items() if key != dimension["id"]}
        if value:
            found = value_coded(company, dimension, value)
            if found is None:
                raise errors.not_in_related_table(
                    f"Shortcut Dimension {place + 1} Code", draft.entity.caption, value, "Dimension Value"
                )
            dimensions[dimension["id"]] = found["id"]
        draft.record["_dimensions"] = dimensions
        draft.record.update(shortcuts(company, dimensions))

    return by_code


def _set_invoice(draft: Draft, _value: str) -> None:
    """A credit memo names the posted invoice it goes against."""
    identifier, number = draft.given.get("invoiceId", NO_GUID), draft.given.get("invoiceNumber", "")
    if identifier == NO_GUID and not number:
        draft.record.update(invoiceId=NO_GUID, invoiceNumber="")
        return
    invoices = draft.company.table("purchaseInvoices")
    invoice = invoices.get(identifier) if identifier != NO_GUID else invoices.one("number", number)
    if invoice is None:
        raise errors.dialog("The invoice values do not match to a specific Invoice.")
    if not invoice["_posted"]:
        raise errors.dialog('The "invoiceId" should be the ID of a posted Invoice.')
    if number not in ("", invoice["number"]):
        raise errors.dialog("The invoice values do not match to a specific Invoice.")
    draft.record.update(invoiceId=invoice["id"], invoiceNumber=invoice["number"])
