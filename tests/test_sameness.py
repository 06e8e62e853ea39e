"""One comparison of names, numbers and ids, for everybody."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from same_texts import ALIKE

from ml_connector.sameness import plain_tax_id, same_country, same_id, same_name, same_number, telling_tax_id

UNLIKE = {
    "accents": ("Café", "Cafe"),
    "letters": ("Acme AG", "Acne AG"),
    "blank between": ("Acme AG", "AcmeAG"),
    "punctuation": ("Acme, AG", "Acme AG"),
}


@pytest.mark.parametrize(("one", "other"), ALIKE.values(), ids=ALIKE)
@pytest.mark.parametrize("same", [same_name, same_number])
def test_what_looks_the_same_is_the_same(same, one, other):
    """Names and numbers that people cannot tell apart, or tell apart by case alone, are one."""
    assert same(one) == same(other)


@pytest.mark.parametrize(("one", "other"), UNLIKE.values(), ids=UNLIKE)
@pytest.mark.parametrize("same", [same_name, same_number, same_id])
def test_what_looks_different_is_different(same, one, other):
    """What people can tell apart stays apart."""
    assert same(one) != same(other)


@pytest.mark.parametrize("name", [name for name in ALIKE if name not in ("case", "sharp s", "final sigma")])
def test_ids_are_the_same_but_for_what_nobody_sees(name):
    """An id pasted with something invisible is the id."""
    one, other = ALIKE[name]
    assert same_id(one) == same_id(other)


def test_case_tells_ids_apart():
    """A system's ids may differ in case alone."""
    assert same_id("00n01AbC") != same_id("00n01aBc")


def test_trade_mark_signs_are_no_part_of_a_name():
    """The sign behind a name is typed by some and not by others."""
    assert same_name("Acme\u00ae Tools\u2122") == same_name("Acme Tools")


def test_a_number_keeps_its_punctuation():
    """``77-1`` and ``771`` are two invoices."""
    assert len({same_number(number) for number in ("77-1", "771", "77/1", "77 1", "077-1")}) == 5


@given(st.text(max_size=30))
def test_a_key_is_its_own_key(text):
    """Comparing keys is comparing texts, however often they are folded."""
    for same in (same_id, same_number, same_name):
        assert same(same(text)) == same(text)


@given(st.text(max_size=30), st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"]))
def test_a_unicode_form_makes_no_other_text(text, form):
    """Whatever form a system normalizes to, a text stays itself."""
    for same in (same_id, same_number, same_name):
        assert same(unicodedata.normalize(form, text)) == same(text)


@given(st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "Zs"]), max_size=20), st.integers(0, 20))
def test_something_unseen_makes_no_other_text(text, at):
    """A zero-width character anywhere changes nothing."""
    for unseen in "\u200b\u00ad\u200e\ufeff\u2060":
        assert same_name(text[:at] + unseen + text[at:]) == same_name(text)


@pytest.mark.parametrize(
    ("text", "plain", "telling"),
    [
        ("94-3456781", "943456781", "943456781"),
        ("\uff19\uff14-3456781", "943456781", "943456781"),
        ("94\u200b-3456781", "943456781", "943456781"),
        ("de 294 776 378", "DE294776378", "DE294776378"),
        ("***-**-6789", None, None),
        ("XX-XXX6789", "XXXXX6789", None),
        ("000000000", "000000000", None),
        ("123456789", "123456789", None),
        ("77", "77", None),
        ("", None, None),
        (None, None, None),
    ],
)
def test_a_tax_number_is_its_letters_and_digits(text, plain, telling):
    """Punctuation is left out; one that is masked, too short or a placeholder tells nobody apart."""
    assert plain_tax_id(text) == plain
    assert telling_tax_id(text) == telling


def test_a_country_that_is_not_known_contradicts_nothing():
    """Only two countries can differ."""
    assert same_country("us", "US") is True
    assert same_country("DE", "US") is False
    assert same_country(None, "US") is None
    assert same_country("US", " ") is None
