"""Lines of journals and vendor payments, which are lines of document type Payment (sheet 4)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from erp_sandbox.business_central import errors
from erp_sandbox.business_central.company import Company
from erp_sandbox.business_central.entities import SETS, EntitySet
from erp_sandbox.business_central.rules.bodies import Draft, Setter, read_body
from erp_sandbox.business_central.rules.dimensions import DimensionLineRules, defaults_of
from erp_sandbox.business_central.rules.lookups import existing, vendor_named
from erp_sandbox.business_central.values import NO_DAY, NO_GUID, Record, default_of

__all__ = ["JournalLineRules", "PaymentRules", "batch_currency", "fresh_line"]

POSTED_STATES = ("Open", "Paid", "Corrective", "Canceled")


class _LineRules:
    """What both kinds of lines share."""

    entity: EntitySet
    setters: Mapping[str, Setter]

    def insert(self, company: Company, _entity: EntitySet | None, parent: Record | None, body: object) -> Record:
        """Add a line to its batch."""
        given = read_body(self.entity, body, creating=True)
        batch = self._batch(company, parent, given.values)
        line = self._fresh(company, batch)
        draft = Draft(company, self.entity, line, given.values, creating=True)
        draft.assign(self.setters)
        self._finish(draft)
        lines = company.table("lines").find("journalId", batch["id"])
        if any(other["lineNumber"] == line["lineNumber"] for other in lines):
            raise errors.same_key(
                "Gen. Journal Line",
                f"Journal Batch Name='{batch['code']}',Line No.='{line['lineNumber']}'",
            )
        self._restrict(company, line)
        company.save("lines", line)
        for name, items in given.nested.items():
            for item in items:
                if name != "dimensionSetLines":
                    raise errors.bad_request(f"The navigation property '{name}' cannot be inserted.")
                owner = company.table("lines").get(line["id"])
                DimensionLineRules().insert(company, self.entity, owner or line, item)
        return company.table("lines").get(line["id"]) or line

    def modify(self, company: Company, record: Record, body: object) -> Record:
        """Change a line."""
        given = read_body(self.entity, body, creating=False).values
        for name in ("journalId", "journalDisplayName"):
            if given.get(name, record[name]) != record[name]:
                raise errors.dialog("The journal of a line cannot be changed.")
        draft = Draft(company, self.entity, dict(record), given, creating=False)
        draft.assign(self.setters)
        self._finish(draft)
        self._restrict(company, draft.record)
        return company.save("lines", draft.record)

    def delete(self, company: Company, record: Record) -> None:
        """Take a line out of its batch."""
        company.table("lines").delete(record["id"])

    def _restrict(self, company: Company, line: Record) -> None:
        """With an approval workflow every line that is made or changed has to be approved (anew)."""
        if company.setup.journal_approval:
            company.setup.restricted.add(line["id"])

    def _batch(self, company: Company, parent: Record | None, given: Mapping[str, Any]) -> Record:
        batches = company.table("batches")
        identifier, code = given.get("journalId"), given.get("journalDisplayName")
        if parent is not None:
            if (identifier and identifier != parent["id"]) or (code and code != parent["code"]):
                raise errors.dialog("The journal values do not match the journal of the path.")
            return parent
        found = batches.get(identifier) if identifier else batches.one("code", code) if code else None
        if found is None or (code and found["code"] != code):
            raise errors.dialog('A "journalId" of an existing journal must be provided.')
        return found

    def _fresh(self, company: Company, batch: Record) -> Record:
        return fresh_line(company, batch)

    def _finish(self, draft: Draft) -> None:
        """What is left to do when all properties are set."""


class JournalLineRules(_LineRules):
    """Lines of general journals: the amount is signed, the document type always blank."""

    def __init__(self) -> None:
        self.entity = SETS["journalLines"]
        self.setters = {
            "accountType": _set_account_type,
            "accountId": _set_account,
            "accountNumber": _set_account,
            "balancingAccountId": _set_balancing,
            "balancingAccountNumber": _set_balancing,
            "amount": _set_amount,
            "taxCode": _set_tax_code,
        }


class PaymentRules(_LineRules):
    """Vendor payments."""

    def __init__(self) -> None:
        self.entity = SETS["vendorPayments"]
        self.setters = {
            "vendorId": _set_vendor,
            "vendorNumber": _set_vendor,
            "amount": _set_amount,
            "appliesToInvoiceId": _set_invoice,
            "appliesToInvoiceNumber": _set_invoice_number,
            "postingDate": _set_posting_date,
        }

    def _fresh(self, company: Company, batch: Record) -> Record:
        return {**fresh_line(company, batch), "_documentType": "Payment", "accountType": "Vendor"}

    def _finish(self, draft: Draft) -> None:
        """Without a vendor of its own the line takes the one who is paid for the invoice."""
        record = draft.record
        if record["vendorId"] == NO_GUID and record["appliesToInvoiceId"] != NO_GUID:
            invoice = draft.company.table("purchaseInvoices").get(record["appliesToInvoiceId"])
            vendor = draft.company.table("vendors").get(invoice["payToVendorId"]) if invoice else None
            if vendor is not None:
                _take_vendor(draft, vendor)


def fresh_line(company: Company, batch: Record) -> Record:
    """A new line with the defaults a batch gives it: day and number of the last line (sheet 4)."""
    lines = company.table("lines").find("journalId", batch["id"])
    last = lines[-1] if lines else None
    line = company.blank("journalLines")
    line.update({field.name: default_of(field) for field in SETS["vendorPayments"].fields if field.name not in line})
    line.update(
        journalId=batch["id"],
        journalDisplayName=batch["code"],
        lineNumber=(last["lineNumber"] if last else 0) + 10_000,
        postingDate=last["postingDate"] if last else company.today(),
        documentNumber=_next_document_number(company, batch, lines),
        amount=Decimal(0),
        balanceAccountType=batch["_balancingType"],
        balancingAccountId=batch["balancingAccountId"],
        balancingAccountNumber=batch["balancingAccountNumber"],
        _documentType=" ",
        _currency=batch_currency(company, batch),
        _applied=[],
    )
    return line


def batch_currency(company: Company, batch: Record) -> str:
    """The currency of the bank account that balances a batch; empty if it says none."""
    if batch["_balancingType"] != "Bank Account":
        return ""
    bank = company.table("bankAccounts").get(batch["balancingAccountId"])
    return str(bank["currencyCode"]) if bank else ""


def _next_document_number(company: Company, batch: Record, lines: list[Record]) -> str:
    if batch["_series"]:
        return f"{batch['_series']}{company.next_number('journal:' + batch['_series']):05d}"
    if not lines:
        return ""
    number = str(lines[-1]["documentNumber"])
    own = [line for line in lines if line["documentNumber"] == number]
    balanced = not sum(line["amount"] for line in own) or lines[-1]["balancingAccountNumber"]
    return _counted_up(number) if balanced else number


def _counted_up(number: str) -> str:
    digits = len(number) - len(number.rstrip("0123456789"))
    return f"{number[:-digits]}{int(number[-digits:]) + 1:0{digits}d}" if digits else number


def _set_vendor(draft: Draft, _value: str) -> None:
    vendor = vendor_named(draft, "vendorId", "vendorNumber")
    if draft.record["vendorId"] != vendor["id"]:
        _take_vendor(draft, vendor)


def _take_vendor(draft: Draft, vendor: Record) -> None:
    if vendor["blocked"] != " ":
        raise errors.dialog(
            "You cannot create this type of document when Vendor "
            f"{vendor['number']} is blocked with type {vendor['blocked']}"
        )
    record = draft.record
    record.update(
        vendorId=vendor["id"],
        vendorNumber=vendor["number"],
        accountType="Vendor",
        accountId=vendor["id"],
        accountNumber=vendor["number"],
        description=vendor["displayName"],
        _dimensions=defaults_of(draft.company, vendor["id"]),
    )
    batch = draft.company.table("batches").get(record["journalId"])
    own = batch_currency(draft.company, batch) if batch else ""
    record["_currency"] = own or vendor["currencyCode"]


def _set_amount(draft: Draft, value: Decimal) -> None:
    digits = draft.company.rounding(draft.record["_currency"]).digits
    if value != value.quantize(Decimal(1).scaleb(-digits)):
        raise errors.field_validation(f"Amount must have at most {digits} decimal places.")
    draft.record["amount"] = value


def _set_posting_date(draft: Draft, value: str) -> None:
    """Only a later change is held against the invoice, not the insert (sheet 4)."""
    invoice = draft.company.table("purchaseInvoices").get(draft.record["appliesToInvoiceId"])
    if not draft.creating and invoice is not None and value < invoice["postingDate"]:
        raise errors.dialog("You are not allowed to apply and post an entry to an entry with an earlier posting date.")
    draft.record["postingDate"] = value


def _set_invoice(draft: Draft, value: str) -> None:
    if value == NO_GUID:
        draft.record.update(appliesToInvoiceId=NO_GUID, appliesToInvoiceNumber="")
        return
    invoice = existing(
        draft.company, "purchaseInvoices", value, 'The "appliesToInvoiceId" does not match to an Invoice.'
    )
    if invoice["status"] not in POSTED_STATES:
        raise errors.dialog(
            'The "appliesToInvoiceId" should be the ID of an Open, Paid, Corrective, or Canceled Invoice.'
        )
    if draft.given.get("appliesToInvoiceNumber") not in (None, "", invoice["number"]):
        raise errors.dialog("The invoice values do not match to a specific Invoice.")
    draft.record.update(appliesToInvoiceId=value, appliesToInvoiceNumber=invoice["number"])


def _set_invoice_number(draft: Draft, value: str) -> None:
    """A number alone is taken as it is: only posting looks for it (sheet 4)."""
    if draft.given.get("appliesToInvoiceId", NO_GUID) != NO_GUID:
        return
    invoice = draft.company.table("purchaseInvoices").one("number", value) if value else None
    known = invoice is not None and invoice["status"] in POSTED_STATES
    draft.record["appliesToInvoiceNumber"] = value
    draft.record["appliesToInvoiceId"] = invoice["id"] if invoice is not None and known else NO_GUID


def _set_account_type(draft: Draft, value: str) -> None:
    if draft.record["accountType"] != value:
        draft.record.update(accountType=value, accountId=NO_GUID, accountNumber="", vendorId=NO_GUID, vendorNumber="")


def _set_account(draft: Draft, _value: str) -> None:
    kind, found = _account_named(draft, "account", draft.record["accountType"])
    if found is None or draft.record["accountId"] == found["id"]:
        return
    if kind == "Vendor":
        description = draft.record["description"]
        _take_vendor(draft, found)
        draft.record["description"] = description or found["displayName"]
        return
    draft.record.update(
        accountType=kind,
        accountId=found["id"],
        accountNumber=found["number"],
        description=found["displayName"],
        _dimensions={**draft.record["_dimensions"], **defaults_of(draft.company, found["id"])},
    )


def _set_balancing(draft: Draft, _value: str) -> None:
    kind, found = _account_named(draft, "balancingAccount", draft.record["balanceAccountType"])
    draft.record.update(
        balanceAccountType=kind,
        balancingAccountId=found["id"] if found else NO_GUID,
        balancingAccountNumber=found["number"] if found else "",
    )


def _account_named(draft: Draft, prefix: str, kind: str) -> tuple[str, Record | None]:
    """The account a line names: ids only of G/L and bank accounts, numbers of any kind (sheet 4)."""
    company = draft.company
    identifier = draft.given.get(f"{prefix}Id", NO_GUID)
    number = draft.given.get(f"{prefix}Number", "")
    if identifier != NO_GUID:
        for name, table in (("G/L Account", "accounts"), ("Bank Account", "bankAccounts")):
            found = company.table(table).get(identifier)
            if found is not None:
                if number and number != found["number"]:
                    raise errors.dialog("The account values do not match to a specific Account.")
                return name, found
        raise errors.dialog(f'The "{prefix}Id" does not match to a specific Account.')
    tables = {"G/L Account": "accounts", "Bank Account": "bankAccounts", "Vendor": "vendors"}
    if not number:
        return kind, None
    found = company.table(tables[kind]).one("number", number) if kind in tables else None
    if found is None:
        raise errors.not_in_related_table("Account No.", "Gen. Journal Line", number, kind)
    return kind, found


def _set_tax_code(draft: Draft, value: str) -> None:
    if value and draft.company.table("taxGroups").one("code", value) is None:
        raise errors.not_in_related_table("Tax Group Code", "Gen. Journal Line", value, "Tax Group")
    draft.record["taxCode"] = value


def has_day(line: Record) -> bool:
    """Whether a line has a posting date."""
    return bool(line["postingDate"] != NO_DAY)
