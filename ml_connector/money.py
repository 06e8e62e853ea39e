"""Amounts of money: how many decimals a currency has, and how people see an amount wherever one is told."""

from __future__ import annotations

import decimal
import typing as t
from decimal import Decimal

from babel.core import get_global

from ml_connector.currencies import MINOR_UNITS

__all__ = ["exact", "inexact", "minor_units", "money", "rounded", "shared_out"]

_PRECISION: t.Final = 60  # digits; no sum of money comes near


def money(amount: Decimal, currency: str) -> str:
    """Return an amount as people write it: ``USD 1,840.00``, ``JPY 4,410,000``, ``KWD 1,204.375``.

    At least the decimals of the currency are shown, and never fewer than the amount really has.
    """
    return f"{currency} {exact(amount, currency):,f}"


def minor_units(currency: str) -> int:
    """Return how many decimals amounts in an ISO 4217 currency have (JPY 0, USD 2, RSD 2, KWD 3, CLF 4).

    ISO's own list says it. CLDR says how many people usually write, which are fewer (RSD 0): it is asked only for
    currencies that are no more, of which old documents may still be.
    """
    exponent = MINOR_UNITS.get(currency)
    if exponent is not None:
        return exponent
    fractions: t.Mapping[str, tuple[int, int, int, int]] = get_global("currency_fractions")
    return fractions.get(currency, fractions["DEFAULT"])[0]


def inexact(amount: Decimal, digits: int) -> bool:
    """Return whether an amount has more decimals than ``digits``, zeros at its end not counted; of any size."""
    _, figures, exponent = amount.as_tuple()
    excess = -int(exponent) - digits
    return excess > 0 and any(figures[-excess:])


def exact(amount: Decimal, currency: str) -> Decimal:
    """Return an amount with at least its currency's decimals, ``USD 5`` is 5.00, and never fewer than it has."""
    digits = minor_units(currency)
    if inexact(amount, digits) or amount.adjusted() > _PRECISION - 10:
        return amount
    with decimal.localcontext(prec=_PRECISION):
        return amount.quantize(Decimal(1).scaleb(-digits))


def rounded(number: Decimal, digits: int) -> Decimal:
    """Return a number of any size with so many decimals, the half to the even neighbour."""
    with decimal.localcontext(prec=max(decimal.getcontext().prec, number.adjusted() + digits + 2)):
        return number.quantize(Decimal(1).scaleb(-digits))


def shared_out(amount: Decimal, weights: t.Sequence[Decimal], currency: str) -> list[Decimal]:
    """Return an amount shared out by weights: each share exact to the currency's minor unit, together the amount.

    Where rounding leaves units over, they fall to the shares it took most from, the first of equal ones before others.

    Args:
        amount: What is shared out, no more exact than the currency.
        weights: One per share, whose sum is not zero; a weight of zero gets nothing.
        currency: ISO 4217 code.
    """
    unit = Decimal(1).scaleb(-minor_units(currency))
    with decimal.localcontext(prec=2 * _PRECISION):
        whole = sum(weights, Decimal(0))
        fair = [amount * weight / whole for weight in weights]
        shares = [each.quantize(unit, decimal.ROUND_FLOOR) for each in fair]
        over = int((amount - sum(shares)) / unit)
        by_loss = sorted(range(len(fair)), key=lambda place: shares[place] - fair[place])
        for place in by_loss[:over]:
            shares[place] += unit
    return shares
