"""When two names, two numbers or two tax numbers are the same, whoever typed them and whatever with.

One comparison for everybody: matching, mapping tables, look-ups in a target, and the guards against a second supplier
of a name and a second invoice of a number. Texts are compared by their keys:

- ``same_id``: compatibility forms are one (NFKC: composed and decomposed, full width, no-break blanks), what nobody
  sees is left out (zero-width characters, soft hyphens, direction marks, variation selectors), blanks are collapsed,
  hyphens and apostrophes are one kind each. Case stays: ids that differ in it alone are different ids.
- ``same_number``: the same without case: ``abc-77`` is ``ABC-77``.
- ``same_name``: the same without case and trade-mark signs. Accents stay: they tell names apart.

A key is only for comparing. What is sent or shown is the text as it was written.
"""

from __future__ import annotations

import functools
import re
import typing as t
import unicodedata

__all__ = ["plain_tax_id", "same_country", "same_id", "same_name", "same_number", "telling_tax_id", "visible"]

_UNSEEN: t.Final = re.compile(
    # Default_Ignorable_Code_Point beyond the category Cf: joiners, Hangul fillers, Khmer vowels, variation selectors.
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\uffa0\ufe00-\ufe0f\U000e0000-\U000e0fff]"
)
_HYPHENS: t.Final = re.compile("[\u2010-\u2015\u2212\u2043\ufe58\ufe63\uff0d]")
_APOSTROPHES: t.Final = re.compile("[\u2018\u2019\u201a\u201b\u02bc\u02b9\u00b4`]")
_QUOTES: t.Final = re.compile("[\u201c-\u201f\u00ab\u00bb]")
_TRADE_MARKS: t.Final = re.compile("[\u00ae\u2122\u2120\u00a9]")
_SHORTEST_TAX_ID: t.Final = 5
_COUNTRIES: t.Final = {"EL": "GR", "UK": "GB"}  # what tax offices and people write
_SPELT_OUT: t.Final = "01234567890"


@functools.lru_cache(maxsize=65_536)
def same_id(text: str) -> str:
    """Return the key under which ids are the same; case tells them apart."""
    return _plain(text)


@functools.lru_cache(maxsize=65_536)
def same_number(text: str) -> str:
    """Return the key under which numbers and codes are the same."""
    return _without_case(_plain(text))


@functools.lru_cache(maxsize=65_536)
def same_name(text: str) -> str:
    """Return the key under which names of companies and people are the same."""
    return _without_case(_plain(_TRADE_MARKS.sub(" ", text)))


def visible(text: str) -> str:
    """Return a text without what nobody sees, otherwise as it was written."""
    if text.isascii():
        return _without_controls(text).strip()
    shown = "".join(char for char in text if unicodedata.category(char) != "Cf")
    return _without_controls(_UNSEEN.sub("", shown)).strip()


def plain_tax_id(text: t.Any) -> str | None:
    """Return letters and digits of a tax number; None for none, or one of which a part is masked."""
    if not isinstance(text, str) or "*" in text:
        return None
    return "".join(char for char in unicodedata.normalize("NFKC", text) if char.isalnum()).upper() or None


def telling_tax_id(text: t.Any) -> str | None:
    """Return a tax number that tells its owner from others: none that is masked, too short or a placeholder."""
    plain = plain_tax_id(text)
    if plain is None:
        return None
    digits = "".join(char for char in plain if char.isdigit())
    if "XX" in plain or len(digits) < _SHORTEST_TAX_ID or len(set(digits)) == 1 or digits in _SPELT_OUT:
        return None
    return plain


def same_country(one: str | None, other: str | None) -> bool | None:
    """Return whether two ISO 3166-1 alpha-2 codes are the same; None where one is not known."""
    if not (one or "").strip() or not (other or "").strip():
        return None
    first, second = (_COUNTRIES.get(code := (each or "").strip().upper(), code) for each in (one, other))
    return first == second


def _plain(text: str) -> str:
    if text.isascii():
        return " ".join(_without_controls(text).split())
    text = unicodedata.normalize("NFKC", text)
    text = _UNSEEN.sub("", "".join(char for char in text if unicodedata.category(char) != "Cf"))
    text = _QUOTES.sub('"', _APOSTROPHES.sub("'", _HYPHENS.sub("-", text)))
    # What was left out may have stood between a letter and its accent.
    return " ".join(_without_controls(unicodedata.normalize("NFKC", text)).split())


def _without_controls(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(char for char in text if char.isspace() or unicodedata.category(char) != "Cc")


def _without_case(text: str) -> str:
    if text.isascii():
        return text.lower()
    # Folding can decompose (U+0390) and composing can fold anew; from the second time on nothing changes any more.
    for _ in range(2):
        text = unicodedata.normalize("NFKC", text.casefold())
    return text
