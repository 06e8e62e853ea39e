"""Amounts of money shared out exactly."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ml_connector.money import inexact, minor_units, rounded, shared_out

cents = st.integers(-(10**12), 10**12)


@given(
    currency=st.sampled_from(["USD", "JPY", "KWD", "CLF"]),
    amount=cents,
    weights=st.lists(cents, min_size=1, max_size=30),
)
def test_shares_are_exact_and_together_the_amount(currency, amount, weights):
    """Each share is exact to the minor unit and less than one unit from fair."""
    assume(sum(weights) != 0)
    unit = Decimal(1).scaleb(-minor_units(currency))
    whole, parts = amount * unit, [weight * unit for weight in weights]
    shares = shared_out(whole, parts, currency)
    assert sum(shares) == whole
    assert not any(inexact(share, minor_units(currency)) for share in shares)
    for share, part in zip(shares, parts, strict=True):
        assert abs(share - whole * part / sum(parts)) < unit * Decimal("1.0001")
        assert part != 0 or share == 0


@pytest.mark.parametrize(
    ("amount", "weights", "currency", "shares"),
    [
        ("100.00", ["1", "1", "1"], "USD", ["33.34", "33.33", "33.33"]),
        ("100", ["1", "1", "1"], "JPY", ["34", "33", "33"]),
        ("60.00", ["50.00", "50.00"], "USD", ["30.00", "30.00"]),
        ("0.01", ["1", "2"], "USD", ["0.00", "0.01"]),
        ("9.00", ["10.00", "-1.00"], "USD", ["10.00", "-1.00"]),
    ],
)
def test_units_that_are_left_over_fall_to_who_lost_most(amount, weights, currency, shares):
    """The first of equal ones before the others."""
    assert shared_out(Decimal(amount), list(map(Decimal, weights)), currency) == list(map(Decimal, shares))


@pytest.mark.parametrize(
    ("number", "digits", "expected"),
    [("2.345", 2, "2.34"), ("2.355", 2, "2.36"), ("1e40", 2, "1" + "0" * 40 + ".00"), ("1e-50", 6, "0.000000")],
)
def test_a_number_of_any_size_is_rounded(number, digits, expected):
    """The half to the even neighbour; nothing is too large for it."""
    assert str(rounded(Decimal(number), digits)) == expected
