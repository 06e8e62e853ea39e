"""What Business Central and its reference data have against an invoice, in words a clerk can act on."""

from __future__ import annotations

import typing as t

from ml_connector.documents import GAP, InvoiceLine, SupplierInvoice
from ml_connector.errors import Reason
from ml_connector.systems.business_central.vendors import Vendor
from target_business_central.options import BusinessCentralPosting
from target_business_central.references import Ambiguous, References

__all__ = ["check_invoice", "company_reasons", "vendor_reasons"]


def check_invoice(document: SupplierInvoice, references: References, options: BusinessCentralPosting) -> list[Reason]:
    """Return everything that stands against entering the invoice, each cause once."""
    reasons = [*company_reasons(document.company, references), *vendor_reasons(document.supplier, references)]
    if document.total < 0:
        reasons.append(
            Reason(
                "credit",
                "it is a credit, which Business Central keeps as a purchase credit memo",
                "enter it there by hand, applied to the invoice it is for; then `ml-connector ignore` it",
            )
        )
    if not references.knows_currency(document.currency):
        what = f"the company in Business Central has no currency {document.currency}"
        reasons.append(Reason("currency", what, f"enter {document.currency} in Business Central"))
    if document.on_hold:
        what, cure = "it is on hold at its source", "release it at its source; it goes out by itself then"
        reasons.append(Reason("on_hold", what, cure))
    for line in document.lines:
        reasons += _line_reasons(line, references, options)
    for amount, setting, word, needed in (
        (document.tax_amount, "tax_account", "tax", False),
        (document.charges, "charges_account", "charges", True),
    ):
        if amount:
            reasons += _extra_line_reasons(getattr(options, setting), setting, word, references, needed=needed)
    return list(dict.fromkeys(reasons))


def company_reasons(company: str | None, references: References) -> t.Iterator[Reason]:
    """Say whether a document is another company's."""
    if company not in (None, GAP) and not references.is_company(company):
        yield Reason(
            "company",
            f'it belongs to company "{company}", this target delivers to another one',
            "correct the row in the companies mapping, or deliver it with a target of its own",
            "company",
            company,
        )


def vendor_reasons(supplier: str, references: References, *, paying: bool = False) -> t.Iterator[Reason]:
    """Say what stands against owing a vendor money, or having paid it.

    Args:
        supplier: Id, number or name.
        references: The company's reference data.
        paying: Whether it is about a payment, which more vendors are blocked for.
    """
    if supplier == GAP:
        return
    try:
        vendor = references.vendor(supplier)
    except Ambiguous as error:
        yield _ambiguous("vendor", "suppliers", supplier, error)
        return
    if vendor is None:
        yield _unknown("vendor", "suppliers", supplier)
    elif vendor.blocked == "All" or (vendor.blocked == "Payment" and paying):
        yield _blocked(vendor)


def _blocked(vendor: Vendor) -> Reason:
    words = "everything" if vendor.blocked == "All" else "payments"
    what = f"Business Central vendor {vendor.label} is blocked for {words}"
    return Reason("inactive", what, "unblock it, or map the supplier elsewhere", "supplier", vendor.number)


def _line_reasons(line: InvoiceLine, references: References, options: BusinessCentralPosting) -> t.Iterator[Reason]:
    account = line.gl_account or line.spend_category
    if account is None:
        yield Reason("unmapped", f"line {line.order} has no account", "add a row to the gl_accounts mapping")
    else:
        yield from _account_reasons(account, references)
    codes: dict[str, str] = {}
    for dimension in line.dimensions:
        code = options.code_of(dimension.kind)
        if code is None or not references.has_dimension(code):
            what = f"a {dimension.kind.replace('_', ' ')} cannot be sent: " + (
                "no dimension is set for it" if code is None else f"Business Central has no dimension {code}"
            )
            cure = f'name its dimension in the setting "dimension_codes" ({dimension.kind})'
            yield Reason("unmapped", what, cure, "dimension", dimension.kind)
            continue
        if code in codes:
            yield Reason(
                "ambiguous",
                f"line {line.order} has both a {codes[code]} and a {dimension.kind}, which are one dimension, {code}",
                'give one of them another one in the setting "dimension_codes"',
                "dimension",
                dimension.kind,
            )
        codes[code] = dimension.kind
        yield from _value_reasons(code, dimension.kind, dimension.value, references)


def _extra_line_reasons(
    account: str | None, setting: str, word: str, references: References, *, needed: bool
) -> t.Iterator[Reason]:
    if account is not None:
        yield from _account_reasons(account, references)
    elif needed:
        yield Reason(
            "unmapped",
            f"it has {word} on no line, and an invoice in Business Central carries them on a line with an account",
            f'set "{setting}" to an account of Business Central',
        )


def _account_reasons(value: str, references: References) -> t.Iterator[Reason]:
    if value == GAP:
        return
    try:
        account = references.account(value)
    except Ambiguous as error:
        yield _ambiguous("account", "gl_accounts", value, error)
        return
    if account is None:
        yield _unknown("account", "gl_accounts", value)
    elif account.why_not is not None:
        what = f"Business Central account {account.label} {account.why_not}"
        cure = "correct the row in the gl_accounts mapping, or the account in Business Central"
        yield Reason("inactive", what, cure, "gl_account", account.number)


def _value_reasons(code: str, kind: str, value: str, references: References) -> t.Iterator[Reason]:
    table = f"{kind}s"
    try:
        if references.dimension_value(code, value) is None:
            yield _unknown(f"value of dimension {code}", table, value)
    except Ambiguous as error:
        yield _ambiguous(f"value of dimension {code}", table, value, error)


def _unknown(word: str, table: str, value: str) -> Reason:
    cure = f"correct the row in the {table} mapping, or enter it in Business Central"
    return Reason("unknown", f'Business Central has no {word} "{value}"', cure, table.removesuffix("s"), value)


def _ambiguous(word: str, table: str, value: str, error: Ambiguous) -> Reason:
    what = f'several in Business Central go by "{value}" as {word}: {error}'
    return Reason("ambiguous", what, f"use a number in the {table} mapping", table.removesuffix("s"), value)
