"""From a supplier invoice to the purchase invoice that stands for it (sheet business-central 4)."""

from __future__ import annotations

import dataclasses
import typing as t
from decimal import Decimal

from ml_connector.documents import InvoiceLine, SupplierInvoice
from ml_connector.money import inexact
from ml_connector.names import shortened
from ml_connector.systems.business_central.batch import BatchRequest
from ml_connector.systems.business_central.lists import etag_of
from ml_connector.systems.business_central.numbers import marked
from ml_connector.systems.business_central.purchase_invoices import PurchaseInvoice
from target_business_central.options import BusinessCentralPosting
from target_business_central.references import Ambiguous, References

__all__ = [
    "InvoiceRequest",
    "coding_changes",
    "header_changes",
    "invoice_number",
    "invoice_request",
    "is_shortened",
    "line_changes",
]

_LONGEST_NUMBER: t.Final = 35
_LONGEST_DESCRIPTION: t.Final = 100
_DECIMALS: t.Final = 5

Body = dict[str, t.Any]


@dataclasses.dataclass(frozen=True, slots=True)
class InvoiceRequest:
    """What a purchase invoice is to say.

    Attributes:
        header: Its own fields, in the order they have to be validated: the vendor first.
        lines: Its lines without their dimensions, likewise.
        coding: Dimension code to value code of each line.
        comment: The text of the comment line, which carries our id.
    """

    header: Body
    lines: list[Body]
    coding: list[dict[str, str]]
    comment: str

    def body(self, *, coded: bool = True) -> Body:
        """Return the request that creates it, with the dimensions of its lines or without."""
        lines = [
            line | {"dimensionSetLines": _set(coding)} if coding and coded else line
            for line, coding in zip(self.lines, self.coding, strict=True)
        ]
        comment = {"lineType": "Comment", "description": self.comment}
        return self.header | {"purchaseInvoiceLines": [*lines, comment]}


def invoice_number(document: SupplierInvoice) -> str:
    """Return the vendor's number as Business Central keeps it: the supplier's own, else one made of our id."""
    number = document.supplier_number or document.external_id
    return shortened(number.strip().upper(), _LONGEST_NUMBER)


def is_shortened(document: SupplierInvoice) -> bool:
    """Whether Business Central shows another number than the supplier's own."""
    return len((document.supplier_number or "").strip()) > _LONGEST_NUMBER


def invoice_request(
    document: SupplierInvoice, references: References, options: BusinessCentralPosting, vendor_number: str
) -> InvoiceRequest:
    """Return what the purchase invoice is to say."""
    header: Body = {
        "vendorNumber": vendor_number,
        "vendorInvoiceNumber": invoice_number(document),
        "invoiceDate": document.invoice_date.isoformat(),
        "postingDate": (document.accounting_date or document.invoice_date).isoformat(),
    }
    if document.due_date:
        header["dueDate"] = document.due_date.isoformat()
    # Always said, the company's own too: without it the invoice would take the currency of the vendor's card.
    header["currencyCode"] = document.currency
    extra = [
        (account, amount, word)
        for account, amount, word in (
            (options.tax_account, document.tax_amount, "Tax"),
            (options.charges_account, document.charges, "Charges"),
        )
        if amount and account
    ]
    return InvoiceRequest(
        header,
        [_line(line, references) for line in document.lines]
        + [_account_line(_account(references, account), word, *_split(amount)) for account, amount, word in extra],
        [_coding(line, references, options) for line in document.lines] + [{} for _ in extra],
        marked(_memo(document), document.external_id, _LONGEST_DESCRIPTION),
    )


def header_changes(wanted: InvoiceRequest, now: PurchaseInvoice, references: References) -> Body:
    """Return the fields of the header that say something else."""
    there = {**now.fields, "currencyCode": references.currency(now.currency)}
    return {name: value for name, value in wanted.header.items() if not _says(there, name, value)}


def line_changes(wanted: InvoiceRequest, now: PurchaseInvoice) -> list[BatchRequest]:
    """Return the requests that make the lines say what they should; what else they say stays.

    Line by line in their order: what is too much is removed, what is missing is added with its dimensions.
    """
    requests = []
    for line, old in zip(wanted.lines, now.lines, strict=False):
        changes = {name: value for name, value in line.items() if not _says(old, name, value)}
        if "lineObjectNumber" in changes:
            changes = line  # another account brings its own description
        if changes:
            requests.append(BatchRequest("PATCH", f"purchaseInvoiceLines({old['id']})", changes, etag_of(old)))
    count = len(wanted.lines)
    requests += [
        BatchRequest("DELETE", f"purchaseInvoiceLines({old['id']})", etag=etag_of(old)) for old in now.lines[count:]
    ]
    for line, coding in list(zip(wanted.lines, wanted.coding, strict=True))[len(now.lines) :]:
        body = line | {"dimensionSetLines": _set(coding)} if coding else line
        requests.append(BatchRequest("POST", "purchaseInvoiceLines", body))
    return requests


def coding_changes(wanted: InvoiceRequest, now: PurchaseInvoice, references: References) -> list[BatchRequest]:
    """Return the requests that make the dimensions of the lines say what they should.

    A line inherits dimensions from its vendor and account: one that is there is changed, never added again (sheet 4).
    """
    requests = []
    for coding, old in zip(wanted.coding, now.lines, strict=False):
        path = f"purchaseInvoiceLines({old['id']})/dimensionSetLines"
        there = {str(each.get("code") or "").upper(): each for each in old.get("dimensionSetLines") or ()}
        for code, value in coding.items():
            if code not in there:
                requests.append(BatchRequest("POST", path, _set({code: value})[0]))
            elif str(there[code].get("valueCode") or "").upper() != value.upper():
                found = references.dimension_value(code, value)
                body = {"valueId": found.id} if found else {"valueCode": value}
                requests.append(BatchRequest("PATCH", f"{path}({there[code]['id']})", body, etag_of(there[code])))
    return requests


def _line(line: InvoiceLine, references: References) -> Body:
    account = _account(references, line.gl_account or line.spend_category or "")
    quantity, cost = _split(line.amount)
    if _exact(line.quantity, line.unit_price, line.amount):
        quantity, cost = t.cast("Decimal", line.quantity), t.cast("Decimal", line.unit_price)
    body = _account_line(account, line.description or f"Line {line.order}", quantity, cost)
    return body | ({"taxCode": line.tax_code} if line.tax_code else {})


def _account_line(account: str, description: str, quantity: Decimal, cost: Decimal) -> Body:
    return {
        "lineType": "Account",
        "lineObjectNumber": account,
        "description": description[:_LONGEST_DESCRIPTION],
        "quantity": quantity,
        "unitCost": cost,
    }


def _account(references: References, value: str) -> str:
    try:
        account = references.account(value)
    except Ambiguous:
        account = None
    return value if account is None else account.number


def _split(amount: Decimal) -> tuple[Decimal, Decimal]:
    """Return quantity and cost of an amount: what lowers the invoice is a negative quantity."""
    return (Decimal(1), amount) if amount >= 0 else (Decimal(-1), -amount)


def _exact(quantity: Decimal | None, price: Decimal | None, amount: Decimal) -> bool:
    """Whether Business Central comes to the same amount when it multiplies; it keeps five decimals of each."""
    if not quantity or price is None or price < 0:
        return False
    return quantity * price == amount and not any(inexact(value, _DECIMALS) for value in (quantity, price))


def _coding(line: InvoiceLine, references: References, options: BusinessCentralPosting) -> dict[str, str]:
    coding = {}
    for dimension in line.dimensions:
        code = options.code_of(dimension.kind)
        value = references.dimension_value(code, dimension.value) if code else None
        if code and value is not None:
            coding[code] = value.code
    return coding


def _set(coding: t.Mapping[str, str]) -> list[Body]:
    return [{"code": code, "valueCode": value} for code, value in coding.items()]


def _memo(document: SupplierInvoice) -> str:
    words = [f"invoice number {document.supplier_number}"] if is_shortened(document) else []
    return "; ".join([*words, *([document.memo] if document.memo else [])])


def _says(old: t.Mapping[str, t.Any], name: str, value: t.Any) -> bool:
    there = old.get(name)
    if isinstance(value, Decimal):
        return there is not None and Decimal(there) == value
    return str(there or "") == str(value or "")
