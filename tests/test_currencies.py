"""Decimals of currencies: those of ISO 4217, for every currency there is, from the map to the ledger."""

from __future__ import annotations

from decimal import Decimal

import pytest

from ml_connector.currencies import MINOR_UNITS
from ml_connector.ledger.schema import keeps
from ml_connector.mapping.functions import Functions, ValueProblem
from ml_connector.money import minor_units

# ISO 4217 list one, by hand: what has not two decimals. Everything else has.
NONE = {
    "BIF",
    "CLP",
    "DJF",
    "GNF",
    "ISK",
    "JPY",
    "KMF",
    "KRW",
    "PYG",
    "RWF",
    "UGX",
    "UYI",
    "VND",
    "VUV",
    "XAF",
    "XOF",
    "XPF",
}
THREE = {"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"}
FOUR = {"CLF", "UYW"}
NOT_APPLICABLE = {"XAD", "XAG", "XAU", "XBA", "XBB", "XBC", "XBD", "XDR", "XPD", "XPT", "XSU", "XTS", "XUA", "XXX"}


def digits(code):
    """Return how many decimals ISO gives a currency."""
    return 0 if code in NONE else 3 if code in THREE else 4 if code in FOUR else 2


ACTIVE = sorted(set(MINOR_UNITS) - NOT_APPLICABLE)


def test_the_table_is_that_of_the_standard():
    """Nearly 170 currencies, gold and the like beside them."""
    assert len(ACTIVE) > 160
    assert {code for code, units in MINOR_UNITS.items() if units is None} <= NOT_APPLICABLE
    assert set(ACTIVE) > NONE | THREE | FOUR


@pytest.mark.parametrize("code", ACTIVE)
def test_an_amount_has_the_decimals_of_its_currency(code):
    """One more is refused; the last one is kept exactly, by map and ledger."""
    units = digits(code)
    smallest = Decimal(1).scaleb(-units)
    assert minor_units(code) == units
    assert Functions._money(f"1234{smallest}" if units == 0 else str(1234 + smallest), code) is not None
    assert keeps(smallest)
    with pytest.raises(ValueProblem, match=f"more decimals than {code} has \\({units}\\)"):
        Functions._money(str(1 + smallest / 10), code)


@pytest.mark.parametrize("code", ["RSD", "IQD", "ALL", "LBP", "MGA", "YER", "SOS", "AFN", "IRR", "LAK", "MMK", "SYP"])
def test_what_people_seldom_write_counts_all_the_same(code):
    """Two decimals of which CLDR knows nothing."""
    assert Functions._money("10.25", code) == Decimal("10.25")


def test_old_documents_may_be_in_currencies_that_are_no_more():
    """They keep the decimals they had."""
    assert (minor_units("DEM"), minor_units("ITL"), minor_units("HRK")) == (2, 0, 2)
