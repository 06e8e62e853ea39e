"""Posting a journal batch: all its lines in one transaction, or none (sheet 4)."""

from __future__ import annotations

from decimal import Decimal

from erp_sandbox.business_central import errors
from erp_sandbox.business_central.company import Company
from erp_sandbox.business_central.errors import BusinessCentralRefusalError
from erp_sandbox.business_central.rules.dimensions import check_open, check_rules
from erp_sandbox.business_central.rules.journal_lines import has_day
from erp_sandbox.business_central.rules.ledger import close_with, general_entry, vendor_entry
from erp_sandbox.business_central.values import Record

__all__ = ["post_batch"]


def post_batch(company: Company, batch: Record) -> None:
    """Post every line of a batch, whoever made it; the lines are gone afterwards.

    Raises:
        BusinessCentralRefusalError: one line cannot be posted, so none is.
    """
    if company.setup.force_posting_report:
        raise BusinessCentralRefusalError(
            400,
            "Application_CallbackNotAllowed",
            "Microsoft Dynamics 365 Business Central attempted to issue a client callback to run a report.",
        )
    lines = [line for line in company.table("lines").find("journalId", batch["id"]) if not _is_empty(line)]
    if not lines:
        raise errors.dialog("There is nothing to post.")
    for line in lines:
        _check(company, line)
    _check_balance(company, lines)
    for line in lines:
        _book(company, batch, line)
    for line in company.table("lines").find("journalId", batch["id"]):
        company.table("lines").delete(line["id"])
    if company.setup.increment_batch_name and any(letter.isdigit() for letter in batch["code"]):
        _replace(company, batch)
    company.environment.commit()


def _is_empty(line: Record) -> bool:
    return not line["accountNumber"] and not line["amount"]


def _check(company: Company, line: Record) -> None:
    where = f"Journal Batch Name={line['journalDisplayName']}, Line No.={line['lineNumber']}"
    if line["id"] in company.setup.restricted:
        raise errors.dialog(
            f"You cannot use Gen. Journal Line: {where} for this action. The restriction was imposed because the "
            "record requires approval."
        )
    for field, label in (("documentNumber", "Document No."), ("accountNumber", "Account No."), ("amount", "Amount")):
        if not line[field]:
            raise errors.field_validation(
                f"{label} must have a value in Gen. Journal Line: {where}. It cannot be zero or empty."
            )
    if not has_day(line):
        raise errors.field_validation(f"Posting Date must have a value in Gen. Journal Line: {where}.")
    if not company.may_be_posted_on(line["postingDate"]):
        raise errors.dialog(f"Posting Date {line['postingDate']} is not within your range of allowed posting dates.")
    if line["_documentType"] == "Payment" and line["accountType"] == "Vendor" and line["amount"] < 0:
        raise errors.field_validation(f"Amount must be positive in Gen. Journal Line: {where}.")
    check_open(company, line["_dimensions"].values())
    _check_accounts(company, line)


def _check_accounts(company: Company, line: Record) -> None:
    vendor = company.table("vendors").get(line["vendorId"])
    if line["accountType"] == "Vendor" and vendor is not None:
        if vendor["blocked"] != " ":
            raise errors.dialog(
                f"You cannot post this type of document when Vendor {vendor['number']} is blocked with type "
                f"{vendor['blocked']}"
            )
        if not vendor["_postingGroups"]:
            raise errors.field_validation(f"Vendor Posting Group must have a value in Vendor: No.={vendor['number']}.")
        check_rules(company, vendor, "Vendor", line["_dimensions"])
    for identifier in (line["accountId"], line["balancingAccountId"]):
        account = company.table("accounts").get(identifier)
        if account is None:
            continue
        if account["blocked"]:
            raise errors.field_validation(f"Blocked must be equal to 'No' in G/L Account: No.={account['number']}.")
        if account["accountType"] != "Posting":
            raise errors.field_validation(
                f"Account Type must be equal to 'Posting' in G/L Account: No.={account['number']}."
            )
        if identifier == line["accountId"]:
            check_rules(company, account, "G/L Account", line["_dimensions"])


def _check_balance(company: Company, lines: list[Record]) -> None:
    sums: dict[tuple[str, str, str], Decimal] = {}
    for line in lines:
        if not line["balancingAccountNumber"]:
            key = (line["postingDate"], line["_documentType"], line["documentNumber"])
            sums[key] = sums.get(key, Decimal(0)) + _local(company, line)
    for (day, _, document), amount in sums.items():
        if amount:
            raise errors.dialog(
                f"Document No. {document} is out of balance by {amount}. Please check that Posting Date {day}, "
                "Document Type, Document No. and Amount are correct for each line."
            )


def _local(company: Company, line: Record) -> Decimal:
    return company.rounding("").exact(line["amount"] * company.rounding(line["_currency"]).rate)


def _book(company: Company, batch: Record, line: Record) -> None:
    document = line["documentNumber"]
    if batch["_postingSeries"]:
        document = f"{batch['_postingSeries']}{company.next_number('journal:' + batch['_postingSeries']):05d}"
    amount = _local(company, line)
    if line["accountType"] == "Vendor":
        _book_vendor(company, line, document)
        account = _payables(company)
    else:
        account = _general_account(company, line["accountType"], line["accountId"])
    bookings = [(account, amount)]
    if line["balancingAccountNumber"]:
        other = _general_account(company, line["balanceAccountType"], line["balancingAccountId"])
        bookings.append((other, -amount))
    for each, share in bookings:
        general_entry(
            company,
            each,
            share,
            day=line["postingDate"],
            document=document,
            kind=line["_documentType"],
            text=line["description"],
            dimensions=line["_dimensions"],
        )


def _book_vendor(company: Company, line: Record, document: str) -> None:
    vendor = company.table("vendors").get(line["vendorId"])
    if vendor is None:
        raise errors.dialog("The vendor cannot be found.")
    targets = _entries_to_close(company, line, vendor)
    paying = vendor_entry(
        company,
        vendor,
        line["amount"],
        currency=line["_currency"],
        day=line["postingDate"],
        document=document,
        external=line["externalDocumentNumber"],
        kind=line["_documentType"],
        text=line["description"],
        due=line["postingDate"],
        balancing=(line["balanceAccountType"], line["balancingAccountNumber"]),
    )
    for owed in targets:
        if paying["open"]:
            _, paying = close_with(company, owed, paying)


def _entries_to_close(company: Company, line: Record, vendor: Record) -> list[Record]:
    """The open invoices a line applies to: the one it names, those marked, or the oldest."""
    entries = company.table("vendorLedgerEntries").find("vendorNumber", vendor["number"])
    number = line["appliesToInvoiceNumber"]
    if number:
        found = [
            entry
            for entry in entries
            if entry["documentNumber"] == number and entry["documentType"] == "Invoice" and entry["open"]
        ]
        if not found:
            raise BusinessCentralRefusalError(
                404,
                "Internal_DataNotFoundFilter",
                "There is no Vendor Ledger Entry within the filter. Filters: Document No.: "
                f"{number}, Document Type: Invoice, Vendor No.: {vendor['number']}, Open: Yes",
            )
    elif line["_applied"]:
        found = [entry for entry in entries if entry["id"] in line["_applied"] and entry["open"]]
    elif vendor["_applyToOldest"] and line["_documentType"] == "Payment":
        found = sorted(
            (entry for entry in entries if entry["open"] and entry["documentType"] == "Invoice"),
            key=lambda entry: (entry["_dueDate"], entry["entryNumber"]),
        )
    else:
        return []
    own = "" if line["_currency"] == company.local_currency else line["_currency"]
    for entry in found:
        if entry["currencyCode"] != own and not company.setup.application_between_currencies:
            raise errors.dialog(
                f"All entries in one application must be in the same currency: the payment is in {own or 'LCY'}, "
                f"{entry['documentNumber']} in {entry['currencyCode'] or 'LCY'}."
            )
    return found


def _general_account(company: Company, kind: str, identifier: str) -> Record:
    if kind == "Bank Account":
        return next(account for account in company.table("accounts") if account["_role"] == "Bank")
    account = company.table("accounts").get(identifier)
    if account is None:
        raise errors.dialog("The G/L account of a journal line cannot be found.")
    return account


def _payables(company: Company) -> Record:
    return next(account for account in company.table("accounts") if account["_role"] == "Payables")


def _replace(company: Company, batch: Record) -> None:
    """The emptied batch goes, the next one comes with an id of its own (sheet 4)."""
    head = batch["code"].rstrip("0123456789")
    digits = batch["code"][len(head) :]
    code = f"{head}{int(digits) + 1:0{len(digits)}d}" if digits else batch["code"]
    fresh = {**batch, "id": company.new_id("journal"), "code": code[:10]}
    fresh.pop("_created", None)
    company.table("batches").delete(batch["id"])
    company.save("batches", fresh)
