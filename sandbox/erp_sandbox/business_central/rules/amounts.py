"""What documents and lines come to: the service calculates tax itself (sheet 4)."""

from __future__ import annotations

from decimal import Decimal

from erp_sandbox.business_central.company import Company, Rounding
from erp_sandbox.business_central.rules.kinds import DocumentKind
from erp_sandbox.business_central.values import Record

__all__ = ["recalculate", "tax_percent"]

_HUNDRED = Decimal(100)


def tax_percent(company: Company, header: Record, line: Record) -> Decimal:
    """The rate of a line: of its VAT group, or of its sales tax group if the vendor is liable (sheet 8.11)."""
    group = company.table("taxGroups").one("code", line["taxCode"])
    vendor = company.table("vendors").get(header["vendorId"])
    if group is None or vendor is None or not (company.setup.vat or vendor["taxLiable"]):
        return Decimal(0)
    return Decimal(group["_percent"])


def recalculate(company: Company, kind: DocumentKind, header_id: str) -> Record:
    """Work out the lines and totals of a document and keep them."""
    header = company.table(kind.headers).get(header_id)
    if header is None:
        raise KeyError(header_id)
    rounding = company.rounding(header["currencyCode"])
    lines = [_calculated(company, kind, header, line) for line in company.lines_of(kind.lines, header_id)]
    _share_discount(header, lines, rounding)
    for line in lines:
        _finish(line, rounding, included=header["pricesIncludeTax"])
        if line != company.table(kind.lines).get(line["id"]):
            company.save(kind.lines, line)
    totals = {
        "totalAmountExcludingTax": sum((line["netAmount"] for line in lines), Decimal(0)),
        "totalTaxAmount": sum((line["netTaxAmount"] for line in lines), Decimal(0)),
        "totalAmountIncludingTax": sum((line["netAmountIncludingTax"] for line in lines), Decimal(0)),
    }
    return company.save(kind.headers, {**header, **totals})


def gross_of(kind: DocumentKind, line: Record, rounding: Rounding) -> Decimal:
    """Quantity times price, before any discount."""
    return rounding.exact(Decimal(line["quantity"]) * Decimal(line[kind.cost]))


def _calculated(company: Company, kind: DocumentKind, header: Record, line: Record) -> Record:
    rounding = company.rounding(header["currencyCode"])
    amount = gross_of(kind, line, rounding) - Decimal(line["discountAmount"])
    percent = tax_percent(company, header, line)
    excluding = rounding.exact(amount / (1 + percent / _HUNDRED)) if header["pricesIncludeTax"] else amount
    tax = amount - excluding if header["pricesIncludeTax"] else rounding.exact(excluding * percent / _HUNDRED)
    return {
        **line,
        "taxPercent": percent,
        "amountExcludingTax": excluding,
        "totalTaxAmount": tax,
        "amountIncludingTax": excluding + tax,
        "invoiceDiscountAllocation": Decimal(0),
    }


def _share_discount(header: Record, lines: list[Record], rounding: Rounding) -> None:
    """Spread the discount of the whole document over its lines by their amounts; the last one takes the rest."""
    discount = Decimal(header["discountAmount"])
    payable = [line for line in lines if line["amountExcludingTax"]]
    total = sum((line["amountExcludingTax"] for line in payable), Decimal(0))
    left = discount
    for line in payable:
        share = left if line is payable[-1] else rounding.exact(discount * line["amountExcludingTax"] / total)
        line["invoiceDiscountAllocation"] = share
        left -= share


def _finish(line: Record, rounding: Rounding, *, included: bool) -> None:
    net = line["amountExcludingTax"] - line["invoiceDiscountAllocation"]
    untouched = included or not line["invoiceDiscountAllocation"]
    tax = line["totalTaxAmount"] if untouched else rounding.exact(net * line["taxPercent"] / _HUNDRED)
    line.update(netAmount=net, netTaxAmount=tax, netAmountIncludingTax=net + tax)
