"""Lines of purchase documents. Their properties are validated in the order of the body (sheet 4)."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from erp_sandbox.business_central import errors
from erp_sandbox.business_central.company import Company
from erp_sandbox.business_central.entities import SETS, EntitySet
from erp_sandbox.business_central.rules.amounts import gross_of, recalculate
from erp_sandbox.business_central.rules.bodies import Draft, Setter, read_body
from erp_sandbox.business_central.rules.dimensions import DimensionLineRules, defaults_of
from erp_sandbox.business_central.rules.kinds import DocumentKind
from erp_sandbox.business_central.rules.lookups import existing, reference_setter
from erp_sandbox.business_central.values import NO_GUID, Record

__all__ = ["LineRules", "check_account"]

_RELATED = {
    "Comment": "Standard Text",
    "Resource": "Resource",
    "Fixed Asset": "Fixed Asset",
    "Charge": "Item Charge",
    "Allocation Account": "Allocation Account",
}
"""Line types without master data here: every number of theirs is unknown."""


class LineRules:
    """The lines of one kind of document."""

    def __init__(self, kind: DocumentKind) -> None:
        self.kind = kind
        self.entity: EntitySet = SETS[kind.lines]
        self._setters = self._known_setters()

    def insert(self, company: Company, _entity: EntitySet | None, parent: Record | None, body: object) -> Record:
        """Add a line; the amounts it answers are not worked out yet (recorded)."""
        given = read_body(self.entity, body, creating=True)
        header = self._header(company, parent, given.values)
        line = company.blank(
            self.entity.name,
            documentId=header["id"],
            sequence=self._next_sequence(company, header["id"]),
            expectedReceiptDate=header["postingDate"],
            discountPercent=Decimal(0),
            discountAmount=Decimal(0),
            quantity=Decimal(0),
            _dimensions=dict(header["_dimensions"]),
            **{self.kind.cost: Decimal(0)},
        )
        if "expectedReceiptDate" not in self.entity.by_name:
            del line["expectedReceiptDate"]
        draft = Draft(company, self.entity, line, given.values, creating=True)
        draft.assign(self._setters)
        self._check_discount(draft)
        lines = company.lines_of(self.kind.lines, header["id"])
        if any(other["sequence"] == line["sequence"] for other in lines):
            raise errors.same_key("Purchase Line", f"Document No.='{header['number']}',Line No.='{line['sequence']}'")
        company.save(self.entity.table, line)
        for name, items in given.nested.items():
            for item in items:
                owner = company.table(self.entity.table).get(line["id"])
                if name != "dimensionSetLines" or owner is None:
                    raise errors.bad_request(f"The navigation property '{name}' cannot be inserted here.")
                DimensionLineRules().insert(company, self.entity, owner, item)
        recalculate(company, self.kind, header["id"])
        return self._as_answered(company, line["id"])

    def modify(self, company: Company, record: Record, body: object) -> Record:
        """Change a line of a draft."""
        self._header(company, None, {"documentId": record["documentId"]})
        given = read_body(self.entity, body, creating=False)
        for name in ("documentId", "sequence"):
            if given.values.get(name, record[name]) != record[name]:
                raise errors.dialog(f'The "{name}" of a line cannot be changed.')
        draft = Draft(company, self.entity, dict(record), given.values, creating=False)
        draft.assign(self._setters)
        self._check_discount(draft)
        company.save(self.entity.table, draft.record)
        recalculate(company, self.kind, record["documentId"])
        return company.table(self.entity.table).get(record["id"]) or record

    def delete(self, company: Company, record: Record) -> None:
        """Take a line out of a draft."""
        self._header(company, None, {"documentId": record["documentId"]})
        company.table(self.entity.table).delete(record["id"])
        recalculate(company, self.kind, record["documentId"])

    def _as_answered(self, company: Company, identifier: str) -> Record:
        line = company.table(self.entity.table).get(identifier)
        if line is None:
            raise KeyError(identifier)
        zero = Decimal(0)
        return {**line, "amountExcludingTax": zero, "totalTaxAmount": zero, "amountIncludingTax": zero}

    def _header(self, company: Company, parent: Record | None, given: dict[str, Any]) -> Record:
        identifier = parent["id"] if parent is not None else given.get("documentId")
        if identifier is None:
            raise errors.dialog("You must specify a Document Id to create a line.")
        if given.get("documentId", identifier) != identifier:
            raise errors.dialog('The "documentId" does not match the document of the path.')
        header = company.table(self.kind.headers).get(identifier)
        if header is None:
            raise errors.dialog("The document of this line cannot be found.")
        if header["_posted"]:
            raise errors.dialog("You cannot modify posted invoices.")
        return header

    def _next_sequence(self, company: Company, header_id: str) -> int:
        lines = company.lines_of(self.kind.lines, header_id)
        return (max(line["sequence"] for line in lines) if lines else 0) + 10_000

    def _known_setters(self) -> dict[str, Setter]:
        return {
            "lineType": self._set_type,
            "accountId": self._set_account,
            "itemId": self._set_item,
            "lineObjectNumber": self._set_object,
            "quantity": self._set_quantity,
            self.kind.cost: self._set_cost,
            "discountAmount": self._set_discount,
            "discountPercent": self._set_discount_percent,
            "taxCode": _set_tax_code,
            "unitOfMeasureId": _set_unit_id,
            "unitOfMeasureCode": _set_unit_code,
            "locationId": self._set_location,
        }

    def _set_type(self, draft: Draft, value: str) -> None:
        if draft.record["lineType"] != value:
            draft.record.update(lineType=value, lineObjectNumber="", accountId=NO_GUID, itemId=NO_GUID)
            draft.record.update(
                quantity=Decimal(0),
                discountAmount=Decimal(0),
                discountPercent=Decimal(0),
                **{self.kind.cost: Decimal(0)},
            )

    def _set_account(self, draft: Draft, value: str) -> None:
        if value != NO_GUID:
            account = existing(
                draft.company, "accounts", value, 'The "accountId" does not match to a specific Account.'
            )
            self._take_account(draft, account)

    def _set_item(self, draft: Draft, value: str) -> None:
        if value != NO_GUID:
            item = existing(draft.company, "items", value, 'The "itemId" does not match to a specific Item.')
            self._take_item(draft, item)

    def _set_object(self, draft: Draft, value: str) -> None:
        kind = draft.record["lineType"]
        if kind not in ("Account", "Item"):
            if value:
                raise errors.not_in_related_table("No.", "Purchase Line", value, _RELATED[kind])
            return
        table, related = ("accounts", "G/L Account") if kind == "Account" else ("items", "Item")
        found = draft.company.table(table).one("number", value)
        if found is None:
            raise errors.not_in_related_table("No.", "Purchase Line", value, related)
        take = self._take_account if kind == "Account" else self._take_item
        take(draft, found)

    def _take_account(self, draft: Draft, account: Record) -> None:
        if draft.record["lineType"] == "Account" and draft.record["accountId"] == account["id"]:
            return
        check_account(account)
        self._set_type(draft, "Account")
        draft.record.update(
            accountId=account["id"],
            lineObjectNumber=account["number"],
            description=account["displayName"],
            taxCode=account["_taxCode"],
        )
        self._add_defaults(draft, account)

    def _take_item(self, draft: Draft, item: Record) -> None:
        if draft.record["lineType"] == "Item" and draft.record["itemId"] == item["id"]:
            return
        if item["blocked"]:
            raise errors.field_validation(f"Blocked must be equal to 'No' in Item: No.={item['number']}.")
        self._set_type(draft, "Item")
        draft.record.update(
            itemId=item["id"],
            lineObjectNumber=item["number"],
            description=item["displayName"],
            taxCode=item["taxGroupCode"],
            unitOfMeasureId=item["baseUnitOfMeasureId"],
            unitOfMeasureCode=item["baseUnitOfMeasureCode"],
            **{self.kind.cost: item["unitCost"]},
        )
        self._add_defaults(draft, item)

    def _add_defaults(self, draft: Draft, owner: Record) -> None:
        draft.record["_dimensions"] = {
            **defaults_of(draft.company, owner["id"]),
            **draft.record["_dimensions"],
        }

    def _set_quantity(self, draft: Draft, value: Decimal) -> None:
        self._need_type(draft, value)
        draft.record["quantity"] = value
        self._discount(draft)

    def _set_cost(self, draft: Draft, value: Decimal) -> None:
        self._need_type(draft, value)
        draft.record[self.kind.cost] = value
        self._discount(draft)

    def _set_discount(self, draft: Draft, value: Decimal) -> None:
        """An amount is kept whatever the price becomes within this body (recorded); quantity has to come first."""
        if value and not draft.record["quantity"]:
            raise errors.field_validation("Quantity must have a value in Purchase Line. It cannot be zero or empty.")
        draft.record["discountAmount"] = value
        self._discount(draft)

    def _set_discount_percent(self, draft: Draft, value: Decimal) -> None:
        if not 0 <= value <= 100:
            raise errors.field_validation("The line discount percent must be between 0 and 100.")
        draft.record["discountPercent"] = value
        self._discount(draft)

    def _discount(self, draft: Draft) -> None:
        """Work out the percent from an amount that was given, else the amount from the percent."""
        rounding = self._rounding(draft)
        gross = gross_of(self.kind, draft.record, rounding)
        if draft.given.get("discountAmount"):
            percent = draft.record["discountAmount"] / gross * 100 if gross else Decimal(0)
            draft.record["discountPercent"] = percent.quantize(Decimal("0.00001"), ROUND_HALF_UP)
        else:
            draft.record["discountAmount"] = rounding.exact(gross * Decimal(draft.record["discountPercent"]) / 100)

    def _check_discount(self, draft: Draft) -> None:
        if abs(draft.record["discountAmount"]) > abs(gross_of(self.kind, draft.record, self._rounding(draft))):
            raise errors.field_validation("The line discount amount must not be greater than the line amount.")

    def _set_location(self, draft: Draft, value: str) -> None:
        """A location fetches an item's price anew (recorded); accounts keep theirs."""
        reference_setter("locationId", "locations")(draft, value)
        if draft.record["lineType"] == "Item":
            item = draft.company.table("items").get(draft.record["itemId"])
            if item is not None:
                draft.record[self.kind.cost] = item["unitCost"]
                self._discount(draft)

    def _need_type(self, draft: Draft, value: Decimal) -> None:
        if value and draft.record["lineType"] == "Comment":
            raise errors.field_validation("Type must have a value in Purchase Line. It cannot be zero or empty.")

    def _rounding(self, draft: Draft) -> Any:
        header = draft.company.table(self.kind.headers).get(draft.record["documentId"])
        return draft.company.rounding(header["currencyCode"] if header else "")


def check_account(account: Record) -> None:
    """Refuse an account that takes no postings of people (sheet 8.10).

    Raises:
        BusinessCentralRefusalError: it is a heading, blocked, or only the system posts to it.
    """
    for field, wanted, shown in (
        ("accountType", "Posting", "Account Type"),
        ("blocked", False, "Blocked"),
        ("directPosting", True, "Direct Posting"),
    ):
        if account[field] != wanted:
            needed = {True: "Yes", False: "No"}.get(wanted, wanted) if isinstance(wanted, bool) else wanted
            raise errors.field_validation(
                f"{shown} must be equal to '{needed}' in G/L Account: No.={account['number']}."
            )


def _set_tax_code(draft: Draft, value: str) -> None:
    if value and draft.company.table("taxGroups").one("code", value) is None:
        raise errors.not_in_related_table("Tax Group Code", "Purchase Line", value, "Tax Group")
    draft.record["taxCode"] = value


def _set_unit_id(draft: Draft, value: str) -> None:
    if value != NO_GUID:
        unit = existing(
            draft.company,
            "unitsOfMeasure",
            value,
            'The "unitOfMeasureId" does not match to a specific Unit of Measure.',
        )
        draft.record.update(unitOfMeasureId=unit["id"], unitOfMeasureCode=unit["code"])


def _set_unit_code(draft: Draft, value: str) -> None:
    unit = draft.company.table("unitsOfMeasure").one("code", value)
    if value and unit is None:
        raise errors.not_in_related_table("Unit of Measure Code", "Purchase Line", value, "Unit of Measure")
    draft.record.update(unitOfMeasureId=unit["id"] if unit else NO_GUID, unitOfMeasureCode=value)
