"""Payments, and what they settle."""

from __future__ import annotations

import datetime as dt
import typing as t
from decimal import Decimal

from pydantic import Field

from ml_connector.documents.base import Currency, Document, Frozen, Number, Text, inexact_of

__all__ = ["Payment", "PaymentApplication"]


class PaymentApplication(Frozen):
    """What part of a payment settles which invoice.

    Attributes:
        invoice: The target's id of the invoice or bill.
        invoice_number: Its human number, for people.
        amount: Cash applied to it, in the payment's currency.
        credit: Part of the same settlement that a credit covers.
    """

    invoice: Text
    invoice_number: str | None = None
    amount: Number
    credit: Number = Decimal(0)


class Payment(Document):
    """Money that has left already. Recording it moves none.

    Attributes:
        supplier: The target's supplier id.
        supplier_name: The supplier's name in the source, for people.
        company: The target's company that paid, where the target has companies.
        amount: Cash paid.
        payment_date: When the money left.
        method: The source's word for how (``ACH``, ``CHECK``).
        reference: Cheque number, trace number or the like.
        bank_account: The target's id of the bank account paid from, where a target wants one.
        applications: What it settles; their amounts add up to ``amount``.
    """

    kind: t.ClassVar[str] = "payments"
    checked_in_part: t.ClassVar[bool] = True

    supplier: Text
    supplier_name: str | None = None
    company: str | None = None
    currency: Currency
    amount: Number
    payment_date: dt.date
    method: str | None = None
    reference: str | None = None
    bank_account: str | None = None
    applications: t.Annotated[tuple[PaymentApplication, ...], Field(min_length=1)]

    @property
    def applied(self) -> Decimal:
        """Cash applied to invoices: must equal ``amount``."""
        return sum((part.amount for part in self.applications), Decimal(0))

    @property
    def amounts(self) -> tuple[Decimal, ...]:
        """All amounts of money it states."""
        return (self.amount, *(amount for part in self.applications for amount in (part.amount, part.credit)))

    @property
    def inexact_amounts(self) -> tuple[Decimal, ...]:
        """Amounts with more decimals than the currency has."""
        return inexact_of(self.amounts, self.currency)

    @property
    def currency_code(self) -> str | None:
        """Currency of the payment."""
        return self.currency

    @property
    def total_amount(self) -> Decimal | None:
        """Cash paid."""
        return self.amount

    @property
    def party(self) -> str | None:
        """The supplier's name in the source."""
        return self.supplier_name

    @property
    def booking_date(self) -> dt.date | None:
        """When the money left."""
        return self.payment_date
