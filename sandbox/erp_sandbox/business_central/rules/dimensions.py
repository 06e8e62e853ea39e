"""Dimensions of documents, lines and entries, and the defaults of vendors and items."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from erp_sandbox.business_central import errors
from erp_sandbox.business_central.company import Company
from erp_sandbox.business_central.entities import SETS, EntitySet
from erp_sandbox.business_central.rules.bodies import Draft, read_body
from erp_sandbox.business_central.values import NO_GUID, Record, default_of

__all__ = ["DefaultDimensionRules", "DimensionLineRules", "defaults_of", "dimension_rows", "shortcuts"]

PARENT_TYPES = {
    "purchaseInvoice": "Purchase Invoice",
    "purchaseInvoiceLine": "Purchase Invoice Line",
    "purchaseCreditMemo": "Purchase Credit Memo",
    "purchaseCreditMemoLine": "Purchase Credit Memo Line",
    "purchaseOrder": "Purchase Order",
    "purchaseOrderLine": "Purchase Order Line",
    "journalLine": "Journal Line",
    "vendorPayment": "Journal Line",
    "generalLedgerEntry": "General Ledger Entry",
}
_HEADERS = {
    "purchaseInvoices": "purchaseInvoiceLines",
    "purchaseCreditMemos": "purchaseCreditMemoLines",
    "purchaseOrders": "purchaseOrderLines",
}


def dimension_rows(company: Company, entity: EntitySet, parent: Record) -> list[Record]:
    """The dimensionSetLines of a record.

    Raises:
        BusinessCentralRefusalError: one of its values was deleted since, which fails the whole page (sheet 8.8).
    """
    rows = []
    for dimension_id, value_id in parent["_dimensions"].items():
        dimension = company.table("dimensions").get(dimension_id)
        value = company.table("dimensionValues").get(value_id)
        if dimension is None or value is None:
            raise errors.no_parent(parent["id"], company.setup.broken_dimension)
        row: Record = {field.name: default_of(field) for field in SETS["dimensionSetLines"].fields}
        row.update(
            id=dimension_id,
            code=dimension["code"],
            consolidationCode=dimension["consolidationCode"],
            parentId=parent["id"],
            parentType=PARENT_TYPES[entity.kind],
            displayName=dimension["displayName"],
            valueId=value_id,
            valueCode=value["code"],
            valueConsolidationCode=value["consolidationCode"],
            valueDisplayName=value["displayName"],
            _version=parent["_version"],
            _created=parent["_created"],
        )
        rows.append(row)
    return sorted(rows, key=lambda row: str(row["code"]))


def defaults_of(company: Company, owner: str) -> dict[str, str]:
    """The default dimensions of a vendor, item or account: dimension id to value id."""
    return {
        record["dimensionId"]: record["dimensionValueId"]
        for record in company.table("defaultDimensions").find("parentId", owner)
        if record["dimensionValueId"] != NO_GUID
    }


def shortcuts(company: Company, dimensions: Mapping[str, str]) -> dict[str, str]:
    """The codes of the two global dimensions among some dimensions."""
    codes = []
    for name in company.global_dimensions:
        dimension = company.table("dimensions").one("code", name)
        value = company.table("dimensionValues").get(dimensions.get(dimension["id"], "")) if dimension else None
        codes.append(value["code"] if value else "")
    return {"shortcutDimension1Code": codes[0], "shortcutDimension2Code": codes[1]}


def value_coded(company: Company, dimension: Record, code: str) -> Record | None:
    """The value of a dimension with a code."""
    values = company.table("dimensionValues").find("dimensionId", dimension["id"])
    return next((value for value in values if value["code"] == code), None)


def check_rules(company: Company, owner: Record, what: str, dimensions: Mapping[str, str]) -> None:
    """Hold the dimensions of a posting against what a vendor or account demands.

    Raises:
        BusinessCentralRefusalError: a mandatory one is missing, or a fixed one is another.
    """
    for rule in company.table("defaultDimensions").find("parentId", owner["id"]):
        given = dimensions.get(rule["dimensionId"])
        demand = rule["postingValidation"]
        name = f"{rule['dimensionCode']} for {what} {owner['number']}"
        if demand == "Code Mandatory" and given is None:
            raise errors.dialog(f"Select a Dimension Value Code for the Dimension Code {name}.")
        if demand == "Same Code" and given != rule["dimensionValueId"]:
            raise errors.dialog(
                f"The Dimension Value Code must be {rule['dimensionValueCode']} for the Dimension Code {name}."
            )
        if demand == "No Code" and given is not None:
            raise errors.dialog(f"The Dimension Value Code must be blank for the Dimension Code {name}.")


def check_open(company: Company, values: Iterable[str]) -> None:
    """Refuse dimension values that are blocked.

    Raises:
        BusinessCentralRefusalError: one is.
    """
    for identifier in values:
        value = company.table("dimensionValues").get(identifier)
        if value is not None and value.get("_blocked"):
            raise errors.dialog(f"Dimension Value {value['code']} is blocked.")


class DimensionLineRules:
    """dimensionSetLines below a document, line or payment."""

    def insert(self, company: Company, parent_entity: EntitySet, parent: Record, body: object) -> Record:
        """Add a dimension; one that is there already is refused, inherited or not (sheet 4)."""
        refuse_posted(company, parent_entity, parent)
        dimension, value = self._named(company, body, None)
        if dimension["id"] in parent["_dimensions"]:
            raise errors.same_key(
                "Dimension Set Entry", f"Dimension Set ID='{parent['id']}',Dimension Code='{dimension['code']}'"
            )
        return self._put(company, parent_entity, parent, dimension, value)

    def modify(self, company: Company, parent_entity: EntitySet, parent: Record, row: Record, body: object) -> Record:
        """Give a dimension another value."""
        refuse_posted(company, parent_entity, parent)
        dimension, value = self._named(company, body, row["id"])
        if dimension["id"] != row["id"]:
            raise errors.dialog("You cannot change the dimension of a dimension set line.")
        return self._put(company, parent_entity, parent, dimension, value)

    def delete(self, company: Company, parent_entity: EntitySet, parent: Record, row: Record) -> None:
        """Take a dimension away."""
        refuse_posted(company, parent_entity, parent)
        rest = {name: value for name, value in parent["_dimensions"].items() if name != row["id"]}
        _keep(company, parent_entity, parent, rest)

    def _named(self, company: Company, body: object, dimension_id: str | None) -> tuple[Record, Record]:
        given = read_body(SETS["dimensionSetLines"], body, creating=dimension_id is None).values
        dimensions = company.table("dimensions")
        identifier, code = given.get("id", dimension_id), given.get("code")
        dimension = dimensions.get(identifier) if identifier else dimensions.one("code", code) if code else None
        if dimension is None or (code and dimension["code"] != code):
            raise errors.dialog("The dimension values do not match to a specific Dimension.")
        value = self._value(company, dimension, given)
        check_open(company, [value["id"]])
        return dimension, value

    def _value(self, company: Company, dimension: Record, given: Mapping[str, Any]) -> Record:
        by_id = company.table("dimensionValues").get(given["valueId"]) if "valueId" in given else None
        by_code = value_coded(company, dimension, given["valueCode"]) if "valueCode" in given else None
        value = by_id or by_code
        if value is None or value["dimensionId"] != dimension["id"] or (by_id and by_code and by_id != by_code):
            raise errors.dialog("The dimension value does not match to a specific Dimension Value.")
        if ("valueId" in given and by_id is None) or ("valueCode" in given and by_code is None):
            raise errors.dialog("The dimension value does not match to a specific Dimension Value.")
        return value

    def _put(self, company: Company, entity: EntitySet, parent: Record, dimension: Record, value: Record) -> Record:
        saved = _keep(company, entity, parent, {**parent["_dimensions"], dimension["id"]: value["id"]})
        return next(row for row in dimension_rows(company, entity, saved) if row["id"] == dimension["id"])


def _keep(company: Company, entity: EntitySet, parent: Record, dimensions: dict[str, str]) -> Record:
    changed = {**parent, "_dimensions": dimensions}
    if "shortcutDimension1Code" in parent:
        changed.update(shortcuts(company, dimensions))
    saved = company.save(entity.table, changed)
    lines = _HEADERS.get(entity.name)
    if lines is not None:
        _pass_on(company, lines, parent, dimensions)
    return saved


def _pass_on(company: Company, lines: str, parent: Record, dimensions: dict[str, str]) -> None:
    """Lines follow what changes at their header."""
    before = parent["_dimensions"]
    for line in company.lines_of(lines, parent["id"]):
        own = {name: value for name, value in line["_dimensions"].items() if name in dimensions or name not in before}
        own.update({name: value for name, value in dimensions.items() if before.get(name) != value})
        if own != line["_dimensions"]:
            company.save(lines, {**line, "_dimensions": own})


def refuse_posted(company: Company, entity: EntitySet, parent: Record) -> None:
    """Posted documents stay as they are, with their lines."""
    headers = next((name for name, lines in _HEADERS.items() if lines == entity.name), None)
    document = company.table(headers).get(parent["documentId"]) if headers else parent
    if document is not None and document.get("_posted"):
        raise errors.dialog("You cannot modify posted invoices.")


_OWNERS = {"Vendor": "vendors", "Item": "items"}


class DefaultDimensionRules:
    """defaultDimensions of vendors and items."""

    def insert(self, company: Company, parent_entity: EntitySet | None, parent: Record | None, body: object) -> Record:
        """Add a default; each dimension once."""
        entity = SETS["defaultDimensions"]
        given = dict(read_body(entity, body, creating=True).values)
        if parent is not None and parent_entity is not None:
            given.setdefault("parentId", parent["id"])
            given.setdefault("parentType", parent_entity.caption)
        table = _OWNERS.get(given.get("parentType", ""))
        owner = company.table(table).get(given.get("parentId", "")) if table else None
        if owner is None or (parent is not None and owner["id"] != parent["id"]):
            raise errors.dialog("The parent of a default dimension must be an existing vendor or item.")
        draft = Draft(company, entity, company.blank("defaultDimensions"), given, creating=True)
        draft.assign(_DEFAULT_SETTERS)
        record = draft.record
        if record["dimensionId"] == NO_GUID:
            raise errors.dialog('A "dimensionId" must be provided.')
        self._check_pair(company, record)
        rules = company.table("defaultDimensions").find("parentId", owner["id"])
        if any(rule["dimensionId"] == record["dimensionId"] for rule in rules):
            raise errors.same_key(
                "Default Dimension", f"No.='{owner['number']}',Dimension Code='{record['dimensionCode']}'"
            )
        return company.save("defaultDimensions", record)

    def modify(self, company: Company, record: Record, body: object) -> Record:
        """Give a default another value or rule."""
        entity = SETS["defaultDimensions"]
        given = read_body(entity, body, creating=False).values
        for name in ("parentType", "parentId", "dimensionId"):
            if given.get(name, record[name]) != record[name]:
                raise errors.dialog(f'The "{name}" cannot be changed.')
        draft = Draft(company, entity, dict(record), given, creating=False)
        draft.assign(_DEFAULT_SETTERS)
        self._check_pair(company, draft.record)
        return company.save("defaultDimensions", draft.record)

    def delete(self, company: Company, record: Record) -> None:
        """Take a default away."""
        company.table("defaultDimensions").delete(record["id"])

    def _check_pair(self, company: Company, record: Record) -> None:
        value = company.table("dimensionValues").get(record["dimensionValueId"])
        if value is not None and value["dimensionId"] != record["dimensionId"]:
            raise errors.dialog("The dimension value does not match to a specific Dimension Value.")


def _set_dimension(draft: Draft, value: str) -> None:
    dimension = draft.company.table("dimensions").get(value)
    if dimension is None:
        raise errors.dialog("The dimension values do not match to a specific Dimension.")
    draft.record["dimensionId"], draft.record["dimensionCode"] = value, dimension["code"]


def _set_value(draft: Draft, value: str) -> None:
    found = draft.company.table("dimensionValues").get(value)
    if found is None and value != NO_GUID:
        raise errors.dialog("The dimension value does not match to a specific Dimension Value.")
    draft.record["dimensionValueId"] = value
    draft.record["dimensionValueCode"] = found["code"] if found else ""


_DEFAULT_SETTERS = {"dimensionId": _set_dimension, "dimensionValueId": _set_value}
