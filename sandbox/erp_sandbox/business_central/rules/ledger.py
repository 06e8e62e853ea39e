"""Entries of the general ledger and of vendors: only posting makes them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from erp_sandbox.business_central.company import Company
from erp_sandbox.business_central.rules.lookups import days_of
from erp_sandbox.business_central.values import Record

__all__ = ["close_with", "detail_rows", "general_entry", "vendor_entry"]


def general_entry(
    company: Company,
    account: Record,
    amount: Decimal,
    *,
    day: str,
    document: str,
    kind: str,
    text: str,
    dimensions: dict[str, str],
) -> Record:
    """Book an amount of local currency; a positive one is a debit."""
    entry = company.blank(
        "generalLedgerEntries",
        entryNumber=company.next_number("generalLedgerEntries"),
        postingDate=day,
        documentNumber=document,
        documentType=kind,
        accountId=account["id"],
        accountNumber=account["number"],
        description=text,
        debitAmount=max(amount, Decimal(0)),
        creditAmount=max(-amount, Decimal(0)),
        additionalCurrencyDebitAmount=Decimal(0),
        additionalCurrencyCreditAmount=Decimal(0),
        _dimensions=dict(dimensions),
    )
    return company.save("generalLedgerEntries", entry)


def vendor_entry(
    company: Company,
    vendor: Record,
    amount: Decimal,
    *,
    currency: str,
    day: str,
    document: str,
    external: str,
    kind: str,
    text: str,
    due: str,
    balancing: tuple[str, str] = ("G/L Account", ""),
    internals: dict[str, Any] | None = None,
) -> Record:
    """Book what is owed to a vendor (negative) or was paid (positive), in the document's currency."""
    rounding = company.rounding(currency)
    local = company.rounding("").exact(amount * rounding.rate)
    entry: Record = {
        "id": company.new_id("vendorLedgerEntry"),
        "entryNumber": company.next_number("vendorLedgerEntries"),
        "documentType": kind,
        "description": text,
        "postingDate": day,
        "documentNumber": document,
        "externalDocumentNumber": external,
        "balancingAccountNumber": balancing[1],
        "balancingAccountType": balancing[0],
        "vendorNumber": vendor["number"],
        "open": True,
        "amount": amount,
        "debitAmount": max(amount, Decimal(0)),
        "creditAmount": max(-amount, Decimal(0)),
        "amountLocalCurrency": local,
        "dimensionSetID": 0,
        "debitAmountLocalCurrency": max(local, Decimal(0)),
        "creditAmountLocalCurrency": max(-local, Decimal(0)),
        "currencyCode": "" if currency == company.local_currency else currency,
        "lastModifiedDateTime": 0,
        "_remaining": amount,
        "_vendorId": vendor["id"],
        "_dueDate": due,
        "_reversed": False,
        "_invoiceId": "",
        "_discount": Decimal(0),
        "_discountDay": "",
        "_details": [["Initial Entry", local, day]],
        **(internals or {}),
    }
    return company.save("vendorLedgerEntries", entry)


def detail_rows(company: Company) -> list[Record]:
    """The detailed entries of all vendor entries, as the analytics API shows them (sheet 1)."""
    rows = []
    for entry in company.table("vendorLedgerEntries"):
        for place, (kind, amount, day) in enumerate(entry["_details"]):
            initial, number = place == 0, entry["entryNumber"] * 1000 + place
            rows.append(
                {
                    "id": f"{number:012d}",
                    "_created": entry["_created"],
                    "vleEntryNo": entry["entryNumber"],
                    "vleOpen": entry["open"],
                    "vlePostingDate": entry["postingDate"],
                    "vleDueDate": entry["_dueDate"] or entry["postingDate"],
                    "dvleEntryNo": number,
                    "dvlePostingDate": day,
                    "dvleEntryType": kind,
                    "dvleLedgerEntryAmount": initial,
                    "dvleDocumentType": entry["documentType"],
                    "dvleDocumentNo": entry["documentNumber"],
                    "dvleAmountLCY": amount,
                    "dvleVendorNo": entry["vendorNumber"],
                    "purchInvHeaderDocumentNo": (
                        entry["documentNumber"] if initial and entry["documentType"] == "Invoice" else ""
                    ),
                }
            )
    return rows


def discount_of(company: Company, terms: str, day: str, amount: Decimal) -> dict[str, Any]:
    """The payment discount that payment terms grant, and until when."""
    record = company.table("paymentTerms").get(terms)
    if record is None or not record["discountPercent"]:
        return {}
    until = date.fromisoformat(day) + days_of(record["discountDateCalculation"])
    share = company.rounding("").exact(abs(amount) * Decimal(record["discountPercent"]) / 100)
    return {"_discount": share, "_discountDay": until.isoformat()}


def close_with(company: Company, owed: Record, paying: Record) -> tuple[Record, Record]:
    """Apply two entries of opposite sign to each other; what is left of either stays open.

    A payment that is short by no more than a discount that is still granted closes the invoice.
    """
    available, open_amount = paying["_remaining"], -owed["_remaining"]
    discounted = open_amount - owed["_discount"] if paying["postingDate"] <= owed["_discountDay"] else open_amount
    taken = min(available, open_amount)
    closes = available >= discounted
    before = owed["_remaining"], paying["_remaining"]
    owed = {**owed, "_remaining": Decimal(0) if closes else owed["_remaining"] + taken}
    owed["open"] = bool(owed["_remaining"])
    paying = {**paying, "_remaining": available - taken}
    paying["open"] = bool(paying["_remaining"])
    for entry, was in zip((owed, paying), before, strict=True):
        share = (entry["_remaining"] - was) * entry["amountLocalCurrency"] / entry["amount"]
        applied = ["Application", company.rounding("").exact(share), paying["postingDate"]]
        entry["_details"] = [*entry["_details"], applied]
    company.save("vendorLedgerEntries", owed)
    company.save("vendorLedgerEntries", paying)
    _settle_document(company, owed)
    _settle_document(company, paying)
    return owed, paying


def _settle_document(company: Company, entry: Record) -> None:
    """A document becomes Paid when its entry closes; part payments do not touch it (sheet 8.7)."""
    if entry["open"] or not entry["_invoiceId"]:
        return
    for name in ("purchaseInvoices", "purchaseCreditMemos"):
        document = company.table(name).get(entry["_invoiceId"])
        if document is not None and document["status"] == "Open":
            company.save(name, {**document, "status": "Paid"})
