"""Numbers as sources write them, bounded where they come in."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_connector import exact_json
from ml_connector.decimals import exact_decimal, json_number


@pytest.mark.parametrize(
    ("given_", "meant"),
    [
        ("10", "10"),
        (" 10.50 ", "10.50"),
        ("-.5", "-0.5"),
        ("5.", "5"),
        ("1e3", "1E+3"),
        (0.1, "0.1"),
        (7, "7"),
        (Decimal("1.10"), "1.10"),
        ("1e60", "1E+60"),
    ],
)
def test_a_number_is_read_as_it_shows(given_, meant):
    """Digits stay as they are, a float is read by its shortest text."""
    assert str(exact_decimal(given_)) == meant


@pytest.mark.parametrize(
    "given_",
    [
        "1_000", "1,000", "1 000", "\uff11\uff12", "", ".", "NaN", "Infinity", "1e", "0x10", True, None, [], {},
        float("nan"), float("inf"), Decimal("NaN"), Decimal("1e61"), "1e-9999999999", "1e1000000", "9" * 61, 10**60,
        "1e99999999999999999999", "0." + "0" * 70 + "1",
    ],
)  # fmt: skip
def test_what_no_amount_can_be_is_refused(given_):
    """Grouping, other alphabets' digits, and numbers that take gigabytes to write out are none."""
    with pytest.raises(ValueError, match="number"):
        exact_decimal(given_)


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20, places=6))
def test_every_amount_survives(amount):
    """Whatever an amount can be comes out of a JSON text as it went in."""
    assert exact_json.loads(exact_json.dumps({"amount": amount})) == {"amount": amount}


@given(st.integers(1, 10**6), st.integers(100, 10**11) | st.integers(-(10**11), -100))
def test_a_number_nobody_can_mean_stays_text(figures, power):
    """It counts nowhere, is short, and can be written again."""
    text = f"{figures}e{power}"
    assert json_number(text) == text
    assert exact_json.loads(exact_json.dumps(exact_json.loads(f"[{text}]"))) == [text]
