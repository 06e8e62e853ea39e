from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_connector.systems.bill.marks import LONGEST_TEXT, mark_of, marked
from ml_connector.systems.bill.numbers import LONGEST_NUMBER, short_number

NUMBERS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=60)


@given(NUMBERS)
def test_a_number_that_fits_is_left_alone_and_no_other_is_too_long(number):
    """At most 21 characters, the same for the same number."""
    short = short_number(number)
    assert len(short) <= LONGEST_NUMBER
    assert short == short_number(number)
    assert (short == number) == (len(number) <= LONGEST_NUMBER)


@given(st.sets(NUMBERS, max_size=200))
def test_different_numbers_stay_different(numbers):
    """Even where they begin and end alike."""
    alike = {f"2026-INVOICE-{number}-0000000000000000" for number in numbers} | numbers
    assert len({short_number(number) for number in alike}) == len(alike)


def test_a_hundred_thousand_consecutive_numbers_stay_different():
    """Long numbers as an ERP counts them."""
    numbers = [f"DE-2026-ROTTERDAM-{number:09d}-A" for number in range(100_000)]
    assert len({short_number(number) for number in numbers}) == len(numbers)


@pytest.mark.parametrize(
    ("number", "short"),
    [
        ("INV-20391", "INV-20391"),
        ("123456789012345678901", "123456789012345678901"),
        ("1234567890123456789012", "123456789012-L5P32MMS"),
    ],
)
def test_the_tail_stays_readable(number, short):
    """The short form is the same in every release: bills in BILL are found again by it."""
    assert short_number(number) == short


@given(st.none() | st.text(max_size=5000), st.from_regex(r"[A-Za-z0-9_:./ -]{1,60}", fullmatch=True))
def test_a_mark_is_read_back_whatever_stands_before_it(text, mark):
    """And the description never becomes longer than BILL takes."""
    whole = marked(text, mark)
    assert mark_of(whole) == mark
    assert len(whole) <= LONGEST_TEXT


@pytest.mark.parametrize("text", [None, "", "October", "[ref A] and more", 7])
def test_a_text_without_a_mark_at_its_end_has_none(text):
    """What people have typed is never taken for our id."""
    assert mark_of(text) is None
