"""Supplier invoices and their lines."""

from __future__ import annotations

import datetime as dt
import typing as t
from decimal import Decimal

import pydantic
from pydantic import Field

from ml_connector.decimals import exact_decimal
from ml_connector.documents.base import UNKNOWN, Currency, Document, Frozen, Number, Text, inexact_of
from ml_connector.money import shared_out

__all__ = ["InvoiceLine", "Reference", "SupplierInvoice"]

_DATES: t.Final = ("invoice_date", "due_date", "accounting_date")
_SOME_DAY: t.Final = dt.date(2000, 1, 1)


class Reference(Frozen):
    """A kind of ledger dimension and the target's value for it (``cost_center`` = ``CC-410``)."""

    kind: Text
    value: Text


class InvoiceLine(Frozen):
    """One line of a supplier invoice; amounts in the invoice's currency.

    Attributes:
        id: The source's line id.
        order: Position, from 1.
        amount: Extended amount without tax.
        gl_account: The ledger account expected to be hit, where a target derives it (docs/systems/workday.md#w0-1).
        spend_category: What was bought, for targets that code by it.
        dimensions: Cost center, project and other worktags; at most one of a kind.
        purchase_order_line: The target's id of the order line this invoices.
    """

    id: Text
    order: t.Annotated[int, Field(ge=1)]
    amount: Number
    description: str | None = None
    quantity: Number | None = None
    unit_price: Number | None = None
    gl_account: str | None = None
    spend_category: str | None = None
    dimensions: tuple[Reference, ...] = ()
    purchase_order_line: str | None = None
    tax_code: str | None = None

    @pydantic.field_validator("dimensions")
    @classmethod
    def _one_of_a_kind(cls, value: tuple[Reference, ...]) -> tuple[Reference, ...]:
        kinds = [reference.kind for reference in value]
        if len(kinds) != len(set(kinds)):
            raise ValueError("a line can carry one value per dimension")
        return value


class SupplierInvoice(Document):
    """A supplier's invoice (negative total: a credit).

    Attributes:
        supplier: The target's supplier id.
        supplier_name: The supplier's name in the source, for people.
        supplier_number: The supplier's own invoice number.
        company: The target's company (legal entity) that owes the money.
        total: What is owed, tax and charges included.
        tax_amount: Tax contained in the total that stands on no line.
        charges: Freight and other charges contained in the total that stand on no line.
        freight: The part of the charges that is freight, for targets that keep it apart.
    """

    kind: t.ClassVar[str] = "supplier_invoices"
    checked_in_part: t.ClassVar[bool] = True
    can_be_reduced: t.ClassVar[bool] = True

    supplier: Text
    supplier_name: str | None = None
    supplier_number: str | None = None
    company: Text
    currency: Currency
    invoice_date: dt.date
    due_date: dt.date | None = None
    accounting_date: dt.date | None = None
    total: Number
    tax_amount: Number = Decimal(0)
    charges: Number = Decimal(0)
    freight: Number = Decimal(0)
    memo: str | None = None
    purchase_order_number: str | None = None
    payment_terms: str | None = None
    on_hold: bool = False
    lines: t.Annotated[tuple[InvoiceLine, ...], Field(min_length=1)]

    @classmethod
    def reckoned(cls, fields: t.Mapping[str, t.Any]) -> dict[str, t.Any] | None:
        """Return the fields with amounts that add up, and quantities that divide them, for those that are not known."""
        values, given = dict(fields), fields.get("lines")
        if not isinstance(given, list) or not all(isinstance(line, dict) for line in given):
            return None
        lines = [dict(line) for line in given]
        unknown = [line for line in lines if UNKNOWN in line.values()]
        open_ = [line for line in unknown if line["amount"] is UNKNOWN]
        values |= {name: Decimal(0) for name in ("tax_amount", "charges", "freight") if values.get(name) is UNKNOWN}
        values |= {name: _SOME_DAY for name in _DATES if values.get(name) is UNKNOWN}
        for line in open_:
            line["amount"] = Decimal(1)
        parts = [values.get("tax_amount", 0), values.get("charges", 0), *(line["amount"] for line in lines)]
        try:
            added = sum(map(exact_decimal, parts), Decimal(0))
            if values["total"] is UNKNOWN:
                values["total"] = added
            elif open_:
                open_[0]["amount"] += exact_decimal(values["total"]) - added
        except ValueError:
            return None
        for line in unknown:
            line |= {"quantity": Decimal(1), "unit_price": line["amount"]}
        return {**values, "lines": lines}

    def reduced(self, left: Decimal, memo: str) -> t.Self:
        """Return the invoice for what is left of it to be paid: each amount in proportion, together exactly the rest.

        What a line was of, by quantity and price, it is not any more; what a cent is short of falls to the amounts that
        rounding took most from.
        """
        if self.lines_total != self.total or self.inexact_amounts:
            return self  # it is held for that, which a smaller sum must not hide
        if inexact_of((left,), self.currency) or self.total == 0 or not 0 < left / self.total <= 1:
            raise ValueError(f"cannot be {left:f} of {self.total:f} {self.currency}")
        whole = (self.tax_amount, self.freight, self.charges - self.freight, *(line.amount for line in self.lines))
        tax, freight, further, *amounts = shared_out(left, whole, self.currency)
        lines = (
            line.model_copy(update={"amount": amount, "quantity": None, "unit_price": None})
            for line, amount in zip(self.lines, amounts, strict=True)
        )
        sums = {"total": left, "tax_amount": tax, "freight": freight, "charges": freight + further}
        note = " - ".join(filter(None, (self.memo, memo)))
        return self.model_copy(update={**sums, "memo": note, "lines": tuple(lines)})

    @property
    def lines_total(self) -> Decimal:
        """Sum of the lines, tax and charges: must equal ``total``."""
        return sum((line.amount for line in self.lines), self.tax_amount + self.charges)

    @property
    def amounts(self) -> tuple[Decimal, ...]:
        """All amounts of money it states."""
        return (self.total, self.tax_amount, self.charges, self.freight, *(line.amount for line in self.lines))

    @property
    def inexact_amounts(self) -> tuple[Decimal, ...]:
        """Amounts with more decimals than the currency has."""
        return inexact_of(self.amounts, self.currency)

    @property
    def currency_code(self) -> str | None:
        """Currency of the invoice."""
        return self.currency

    @property
    def total_amount(self) -> Decimal | None:
        """What is owed."""
        return self.total

    @property
    def party(self) -> str | None:
        """The supplier's name in the source."""
        return self.supplier_name

    @property
    def booking_date(self) -> dt.date | None:
        """The invoice date."""
        return self.invoice_date
