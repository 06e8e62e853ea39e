"""What BILL and its reference data have against an invoice, in words a clerk can act on."""

from __future__ import annotations

import typing as t
from decimal import Decimal

from ml_connector.documents import GAP, InvoiceLine, SupplierInvoice
from ml_connector.errors import Reason
from ml_connector.money import inexact
from ml_connector.sameness import same_id
from ml_connector.systems.bill.codings import CodingList
from target_bill.options import BillPosting
from target_bill.references import Ambiguous, References

__all__ = ["amount_reasons", "check_invoice", "vendor_reasons"]

_TABLES: t.Final[dict[CodingList, str]] = {
    "chart_of_accounts": "gl_accounts",
    "departments": "departments",
    "locations": "locations",
    "jobs": "jobs",
    "accounting_classes": "accounting_classes",
}


def check_invoice(
    document: SupplierInvoice, references: References, options: BillPosting, organization_id: str
) -> list[Reason]:
    """Return everything that stands against posting the invoice, each cause once."""
    reasons = [*_company_reasons(document, organization_id), *vendor_reasons(document, references)]
    amounts = (document.total, document.tax_amount, document.charges, *(line.amount for line in document.lines))
    reasons += amount_reasons(amounts)
    if document.due_date is None and document.total >= 0:
        reasons.append(
            Reason("missing", "it has no due date, and BILL takes no bill without one", "give it one at its source")
        )
    if document.on_hold:
        reasons.append(
            Reason(
                "on_hold",
                "it is on hold at its source, and a bill in BILL cannot be",
                "release it at its source; it goes out by itself then",
            )
        )
    for line in document.lines:
        reasons += _line_reasons(line, references, options)
    for amount, setting, word in (
        (document.tax_amount, "tax_account", "tax"),
        (document.charges, "charges_account", "charges"),
    ):
        if amount:
            reasons += _extra_line_reasons(getattr(options, setting), setting, word, references)
    return list(dict.fromkeys(reasons))


def vendor_reasons(document: t.Any, references: References) -> list[Reason]:
    """Return what stands against owing a vendor money, or having paid it, in the document's currency.

    Args:
        document: An invoice or a payment.
        references: The organization's reference data.
    """
    if document.supplier == GAP:
        return []
    try:
        vendor = references.vendor(document.supplier)
    except Ambiguous as error:
        return [_ambiguous("vendor", "suppliers", document.supplier, error)]
    if vendor is None:
        return [_unknown("vendor", "suppliers", document.supplier)]
    reasons = []
    if vendor.archived:
        what, cure = f"BILL vendor {vendor.label} is archived", "restore it in BILL, or map the supplier elsewhere"
        reasons.append(Reason("inactive", what, cure, "supplier", vendor.id))
    if vendor.currency != document.currency:
        reasons.append(
            Reason(
                "currency",
                f"it is in {document.currency}, but BILL vendor {vendor.label} bills in {vendor.currency}",
                f"map the supplier to a vendor that bills in {document.currency}",
                "supplier",
                vendor.id,
            )
        )
    return reasons


def amount_reasons(amounts: t.Iterable[Decimal]) -> list[Reason]:
    """Return what stands against amounts: BILL keeps two decimals of every currency (sheet bill 4.1)."""
    odd = [format(amount, "f") for amount in amounts if inexact(amount, 2)]
    if not odd:
        return []
    what = f"{', '.join(dict.fromkeys(odd))} has more than the 2 decimals BILL keeps"
    return [Reason("inexact", what, "enter it in BILL by hand, rounded as you agree with the supplier")]


def _company_reasons(document: SupplierInvoice, organization_id: str) -> t.Iterator[Reason]:
    if document.company != GAP and same_id(document.company) != same_id(organization_id):
        yield Reason(
            "company",
            f'it belongs to company "{document.company}", this target delivers to organization {organization_id}',
            "correct the row in the companies mapping, or deliver it with a target of its own",
            "company",
            document.company,
        )


def _line_reasons(line: InvoiceLine, references: References, options: BillPosting) -> t.Iterator[Reason]:
    account = line.gl_account or line.spend_category
    if account is None:
        yield Reason("unmapped", f"line {line.order} has no account", "add a row to the gl_accounts mapping")
    else:
        yield from _coding_reasons("chart_of_accounts", account, references)
    lists: dict[CodingList, str] = {}
    for dimension in line.dimensions:
        which = options.list_of(dimension.kind)
        if which is None:
            yield Reason(
                "unmapped",
                f"a {dimension.kind.replace('_', ' ')} cannot be sent: no list of BILL is set for it",
                f'add {dimension.kind} and a list to the setting "dimension_lists"',
                "dimension",
                dimension.kind,
            )
            continue
        if which in lists:
            yield Reason(
                "ambiguous",
                f"line {line.order} has both a {lists[which]} and a {dimension.kind}, which share BILL's {which}",
                'give one of them another list in the setting "dimension_lists"',
                "dimension",
                dimension.kind,
            )
        lists[which] = dimension.kind
        yield from _coding_reasons(which, dimension.value, references)


def _extra_line_reasons(account: str | None, setting: str, word: str, references: References) -> t.Iterator[Reason]:
    if account is None:
        yield Reason(
            "unmapped",
            f"it has {word} on no line, and a bill in BILL carries it on a line with an account",
            f'set "{setting}" to an account of BILL',
        )
    else:
        yield from _coding_reasons("chart_of_accounts", account, references)


def _coding_reasons(which: CodingList, value: str, references: References) -> t.Iterator[Reason]:
    word, table = which.rstrip("s").replace("_", " ").replace("classe", "class"), _TABLES[which]
    word = "account" if which == "chart_of_accounts" else word
    if value == GAP:
        return
    try:
        coding = references.coding(which, value)
    except Ambiguous as error:
        yield _ambiguous(word, table, value, error)
        return
    if coding is None:
        yield _unknown(word, table, value)
    elif coding.archived:
        what, cure = f"BILL {word} {coding.label} is archived", f"restore it, or correct the row in the {table} mapping"
        yield Reason("inactive", what, cure, table.removesuffix("s"), coding.id)


def _unknown(word: str, table: str, value: str) -> Reason:
    cure = f"correct the row in the {table} mapping, or create it in BILL"
    return Reason("unknown", f'BILL has no {word} "{value}"', cure, table.removesuffix("s"), value)


def _ambiguous(word: str, table: str, value: str, error: Ambiguous) -> Reason:
    what = f'several BILL {word}s go by "{value}": {error}'
    return Reason("ambiguous", what, f"use one of these ids in the {table} mapping", table.removesuffix("s"), value)
