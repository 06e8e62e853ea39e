"""Posting purchase documents (sheet 4): the id survives, the number changes, entries are made."""

from __future__ import annotations

from decimal import Decimal

from erp_sandbox.business_central import errors
from erp_sandbox.business_central.company import Company
from erp_sandbox.business_central.rules.amounts import recalculate
from erp_sandbox.business_central.rules.dimensions import check_open, check_rules
from erp_sandbox.business_central.rules.kinds import CREDIT_MEMO, INVOICE, DocumentKind
from erp_sandbox.business_central.rules.ledger import close_with, discount_of, general_entry, vendor_entry
from erp_sandbox.business_central.rules.lines import check_account
from erp_sandbox.business_central.rules.lookups import existing
from erp_sandbox.business_central.values import NO_GUID, Record

__all__ = ["cancel_credit_memo", "post_document", "receive_and_invoice"]


def post_document(company: Company, kind: DocumentKind, header_id: str) -> Record:
    """Post a draft.

    Raises:
        BusinessCentralRefusalError: one of posting's many reasons.
    """
    header = company.table(kind.headers).get(header_id)
    if header is None:
        raise KeyError(header_id)
    if header["_posted"]:
        raise errors.dialog(f"The action can only be performed on a draft {kind.label.lower()}.")
    header = recalculate(company, kind, header_id)
    lines = [line for line in company.lines_of(kind.lines, header_id) if line["lineType"] != "Comment"]
    vendor = _checked_vendor(company, header)
    _check_header(company, kind, header, vendor)
    _check_lines(company, kind, header, lines)
    posted = _booked(company, kind, header, lines, vendor)
    company.environment.commit()
    return posted


def receive_and_invoice(company: Company, order: Record) -> Record:
    """Turn an order into a posted invoice.

    The API shows no vendor invoice number at orders: unless somebody entered it in the client, posting refuses.
    """
    fresh = company.blank("purchaseInvoices")
    invoice: Record = {name: order.get(name, value) for name, value in fresh.items()}
    invoice.update(
        id=fresh["id"],
        invoiceDate=order["postingDate"],
        dueDate=order["postingDate"],
        vendorInvoiceNumber=order.get("_vendorInvoiceNumber", ""),
        orderId=order["id"],
        orderNumber=order["number"],
        status="Draft",
        _posted=False,
        _dimensions=dict(order["_dimensions"]),
        _terms=order["paymentTermsId"],
    )
    invoice.pop("_version", None)
    invoice.pop("_created", None)
    company.save("purchaseInvoices", invoice)
    for line in company.lines_of("purchaseOrderLines", order["id"]):
        copy = company.blank("purchaseInvoiceLines")
        copy.update({name: line[name] for name in copy if name in line and name != "id"})
        copy.update(documentId=invoice["id"], unitCost=line["directUnitCost"])
        company.save("purchaseInvoiceLines", copy)
        company.table("purchaseOrderLines").delete(line["id"])
    company.table("purchaseOrders").delete(order["id"])
    return post_document(company, INVOICE, invoice["id"])


def cancel_credit_memo(company: Company, memo: Record) -> Record:
    """Cancel a posted credit memo that nothing was applied to."""
    entry = _entry_of(company, memo["id"])
    if memo["status"] != "Open" or entry is None or entry["_remaining"] != entry["amount"]:
        raise errors.dialog("You cannot cancel this posted purchase credit memo because it is applied or not open.")
    company.save("vendorLedgerEntries", {**entry, "open": False, "_remaining": Decimal(0), "_reversed": True})
    vendor = company.table("vendors").get(entry["_vendorId"])
    if vendor is not None:
        vendor_entry(
            company,
            vendor,
            -entry["amount"],
            currency=entry["currencyCode"],
            day=company.today(),
            document=memo["number"],
            external=memo["vendorCreditMemoNumber"],
            kind="Invoice",
            text=f"Canceled {memo['number']}",
            due=company.today(),
            internals={"open": False, "_remaining": Decimal(0), "_reversed": True},
        )
    return company.save("purchaseCreditMemos", {**memo, "status": "Canceled"})


def _checked_vendor(company: Company, header: Record) -> Record:
    vendor = company.table("vendors").get(header["payToVendorId"])
    if vendor is None:
        raise errors.dialog("The vendor cannot be found.")
    if vendor["blocked"] == "All":
        raise errors.dialog(
            f"You cannot post this type of document when Vendor {vendor['number']} is blocked with type All"
        )
    if not vendor["_postingGroups"]:
        raise errors.field_validation(
            f"Vendor Posting Group must have a value in Vendor: No.={vendor['number']}. It cannot be zero or empty."
        )
    return vendor


def _check_header(company: Company, kind: DocumentKind, header: Record, vendor: Record) -> None:
    if company.setup.invoice_approval and header["id"] not in company.setup.approved:
        raise errors.dialog(
            f"You cannot use Purchase Header: {kind.label},{header['number']} for this action. "
            "The restriction was imposed because the record requires approval."
        )
    if company.setup.post_with_job_queue:
        raise errors.dialog("The posted document cannot be found because it is posted in the background.")
    if not company.may_be_posted_on(header["postingDate"]):
        raise errors.dialog(f"Posting Date {header['postingDate']} is not within your range of allowed posting dates.")
    external = header[kind.external] if kind.external else ""
    if not external and company.setup.external_number_mandatory:
        label = "Vendor Invoice No." if kind is INVOICE else "Vendor Cr. Memo No."
        raise errors.dialog(
            f"You need to enter the document number of the document from the vendor in the {label} field, so that "
            "this document stays linked to the original."
        )
    for entry in company.table("vendorLedgerEntries").find("externalDocumentNumber", external):
        if (
            external
            and entry["vendorNumber"] == vendor["number"]
            and entry["documentType"] == kind.label
            and not entry["_reversed"]
        ):
            raise errors.dialog(f"Purchase {kind.label} {external} already exists for this vendor.")
    check_open(company, header["_dimensions"].values())


def _check_lines(company: Company, kind: DocumentKind, header: Record, lines: list[Record]) -> None:
    if not any(line["quantity"] for line in lines):
        raise errors.dialog("There is nothing to post.")
    owner = company.table("vendors").get(header["vendorId"])
    for line in lines:
        if not line["quantity"]:
            raise errors.field_validation(
                f"Quantity must have a value in Purchase Line: Document Type={kind.label}, Document "
                f"No.={header['number']}, Line No.={line['sequence']}. It cannot be zero or empty."
            )
        if not line["lineObjectNumber"]:
            raise errors.field_validation(
                f"No. must have a value in Purchase Line: Line No.={line['sequence']}. It cannot be zero or empty."
            )
        if line["lineType"] == "Account":
            account = existing(company, "accounts", line["accountId"], "The G/L Account of a line does not exist.")
            check_account(account)
            check_rules(company, account, "G/L Account", line["_dimensions"])
        check_open(company, line["_dimensions"].values())
        if owner is not None:
            check_rules(company, owner, "Vendor", line["_dimensions"])
    if header["totalAmountIncludingTax"] < 0:
        raise errors.dialog("The total amount for the invoice must be 0 or greater.")


def _booked(company: Company, kind: DocumentKind, header: Record, lines: list[Record], vendor: Record) -> Record:
    number = str(company.next_number(f"posted:{kind.headers}", kind.first_posted))
    day = header["postingDate"]
    sign = -1 if kind is CREDIT_MEMO else 1
    total = header["totalAmountIncludingTax"]
    entry = vendor_entry(
        company,
        vendor,
        -sign * total,
        currency=header["currencyCode"],
        day=day,
        document=number,
        external=header[kind.external],
        kind=kind.label,
        text=f"{kind.label} {header['number']}",
        due=header["dueDate"],
        internals={
            "_invoiceId": header["id"],
            **discount_of(company, header.get("_terms", NO_GUID), header[kind.day], total),
        },
    )
    _book_accounts(company, header, lines, sign, entry)
    posted = company.save(
        kind.headers, {**header, "number": number, "status": "Open" if total else "Paid", "_posted": True}
    )
    _file_approvals(company, header["number"], number)
    if not total:
        company.save("vendorLedgerEntries", {**entry, "open": False})
    if kind is CREDIT_MEMO and header["invoiceId"] != NO_GUID:
        _apply_credit(company, header["invoiceId"], entry)
    return company.table(kind.headers).get(posted["id"]) or posted


def _book_accounts(company: Company, header: Record, lines: list[Record], sign: int, entry: Record) -> None:
    """Cost and tax on one side, payables on the other; a rounding difference goes to the last cost line."""
    number, owed = entry["documentNumber"], entry["amountLocalCurrency"]
    rate = company.rounding(header["currencyCode"]).rate
    local = company.rounding("")
    kind = "Invoice" if sign > 0 else "Credit Memo"
    bookings: list[tuple[Record, Decimal, str, dict[str, str]]] = []
    for line in lines:
        account = company.table("accounts").get(line["accountId"]) or _special(company, "Inventory")
        bookings.append(
            (account, local.exact(sign * line["netAmount"] * rate), line["description"], line["_dimensions"])
        )
    tax = local.exact(sign * header["totalTaxAmount"] * rate)
    if tax:
        bookings.append((_special(company, "Tax"), tax, "Tax", header["_dimensions"]))
    difference = -owed - sum((amount for _, amount, _, _ in bookings), Decimal(0))
    account, amount, text, dimensions = bookings[0]
    bookings[0] = (account, amount + difference, text, dimensions)
    bookings.append((_special(company, "Payables"), owed, header["vendorName"], header["_dimensions"]))
    for account, amount, text, dimensions in bookings:
        general_entry(
            company,
            account,
            amount,
            day=header["postingDate"],
            document=number,
            kind=kind,
            text=text,
            dimensions=dimensions,
        )


def _file_approvals(company: Company, draft: str, number: str) -> None:
    """Approvals of a draft are kept with the posted document, under its number."""
    for entry in company.table("approvalEntries").find("documentNumber", draft):
        filed = company.blank("postedApprovalEntries")
        filed.update({name: entry[name] for name in filed if name in entry and name != "id"})
        filed.update(tableId=122, documentNumber=number, lastDateTimeModified=entry["lastDateTimeModified"])
        for private in ("_version", "_created"):
            filed.pop(private, None)
        company.table("approvalEntries").delete(entry["id"])
        company.save("postedApprovalEntries", filed)


def _special(company: Company, role: str) -> Record:
    return next(account for account in company.table("accounts") if account["_role"] == role)


def _entry_of(company: Company, document_id: str) -> Record | None:
    return next((entry for entry in company.table("vendorLedgerEntries") if entry["_invoiceId"] == document_id), None)


def _apply_credit(company: Company, invoice_id: str, credit: Record) -> None:
    invoice = _entry_of(company, invoice_id)
    if invoice is not None and invoice["open"]:
        close_with(company, invoice, credit)
