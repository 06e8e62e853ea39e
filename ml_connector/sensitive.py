"""Numbers of bank accounts, cards and taxpayers, told by what a field means: one place for all systems.

What a number means is told by its field's name, and where that name is used for other things too (``accountNumber`` is
as often an account of the ledger, or ours at a vendor), by what it stands in or beside. IBANs are told in any text by
country, length and check digits, so that an invoice's number is not taken for one.
"""

from __future__ import annotations

import functools
import re
import typing as t

__all__ = ["is_bank_number", "is_tax_number", "mask", "masked"]

_MASK: t.Final = "*"
_SHOWN: t.Final = 4

_ALWAYS: t.Final = re.compile(
    r"iban(number|code)?"
    r"|(bank|beneficiary|payee)(account|acct)(number|no|num)"
    r"|(bank)?(routing(transit)?|aba|transit)(number|no|code|num)"
    r"|(bank)?sortcode|bankidnumber|bankbranch(number|no|code)|bsb(number|code)?"
    r"|(bank)?(bic|swift)(bic)?(code)?|bankidentificationcode|swiftbic(code)?"
    r"|rollnumber|checkdigit"
    r"|(credit|debit|virtual|payment)?card(number|no|num)|(primary|card)accountnumber|pan"
    r"|paymenttoken|cvv|cvc"
)
_IN_A_BANK: t.Final = re.compile(r"(account|acct)(number|no|num)")
_OF_A_BANK: t.Final = re.compile(r"bank|iban|settlementaccount|creditcard|debitcard")
_OF_THE_LEDGER: t.Final = re.compile(r"chart|ledger|posting|^gl|generalledger")
_BESIDE: t.Final = re.compile(r"iban|bic|swift(code)?|routing(transit)?(number|no)|nameonaccount|bankname|sortcode")
_TAX: t.Final = re.compile(
    r"(business(entity)?|vendor|supplier|federal|national|payee|company)?tax(payer)?id(entification|entity)?(number|no|text)?"
    r"|tax(registration)?(number|no)|vat(registration)?(number|no|id)|federalid(number|no)?"
    r"|ssn|socialsecurity(number|no)|tin|itin|ein|nationalid(number|no)?"
)
_HIDDEN_ALREADY: t.Final = re.compile(r"[*xX#•.\s-]*[*xX#•][*xX#•.\s-]*[A-Za-z0-9]{0,4}")
_IBAN: t.Final = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}[0-9]{2}(?=[ .\-\xa0]?[A-Za-z0-9])")
_BETWEEN: t.Final = frozenset(" .-\xa0")
_LENGTHS: t.Final = {
    country: length
    for length, countries in (
        (15, "NO"),
        (16, "BE"),
        (18, "DK FI FO GL NL SD FK"),
        (19, "MK SI"),
        (20, "AT BA EE KZ LT LU MN XK"),
        (21, "CH CR HR LI LV"),
        (22, "BG BH DE GB GE IE ME RS VA"),
        (23, "AE GI IL IQ OM TL SO"),
        (24, "AD CZ ES MD PK RO SA SE SK TN VG"),
        (25, "PT LY ST"),
        (26, "IS TR"),
        (27, "BI DJ FR GR IT MC MR SM"),
        (28, "AL AZ BY CY DO GT HU LB NI PL SV"),
        (29, "BR EG PS QA UA"),
        (30, "JO KW MU YE"),
        (31, "MT SC"),
        (32, "LC"),
        (33, "RU"),
    )
    for country in countries.split()
}
"""How long an IBAN of a country is (ISO 13616, the register of SWIFT)."""
_SHORTEST_IBAN: t.Final = min(_LENGTHS.values())


@functools.lru_cache(maxsize=10_000)
def _plain(name: str) -> str:
    return "".join(char for char in name.lower() if char.isalnum())


@functools.lru_cache(maxsize=10_000)
def _always(name: str) -> bool:
    return _ALWAYS.fullmatch(_plain(name)) is not None


@functools.lru_cache(maxsize=10_000)
def _perhaps(name: str) -> bool:
    return _IN_A_BANK.fullmatch(_plain(name)) is not None


@functools.lru_cache(maxsize=10_000)
def _of_a_bank(name: str) -> bool:
    return _OF_A_BANK.search(_plain(name)) is not None and not _of_the_ledger(name)


@functools.lru_cache(maxsize=10_000)
def _of_the_ledger(name: str) -> bool:
    return _OF_THE_LEDGER.search(_plain(name)) is not None


@functools.lru_cache(maxsize=10_000)
def _beside(name: str) -> bool:
    return _BESIDE.fullmatch(_plain(name)) is not None


def is_bank_number(name: str, *, inside: t.Iterable[str] = (), beside: t.Iterable[str] = ()) -> bool:
    """Return whether a field is the number of a bank account or card, or leads to one.

    Args:
        name: Of the field, in any spelling (``bankAccountNumber``, ``Bank_Account_Number``).
        inside: Names of what it stands in.
        beside: Names of the fields beside it.
    """
    return _always(name) or (_perhaps(name) and (any(map(_of_a_bank, inside)) or any(map(_beside, beside))))


@functools.lru_cache(maxsize=10_000)
def is_tax_number(name: str) -> bool:
    """Return whether a field is a number that an authority knows a taxpayer by (EIN, SSN, VAT number)."""
    return _TAX.fullmatch(_plain(name)) is not None


def mask(number: t.Any) -> str:
    """Return a number of which the last four characters can be read at most; one that is masked stays as it is."""
    text = str(number).strip()
    if _HIDDEN_ALREADY.fullmatch(text):
        return text
    kept = "".join(char for char in text if char.isalnum())
    shown = kept[-_SHOWN:] if len(kept) > _SHOWN else ""
    return shown.rjust(len(kept), _MASK)


def masked(value: t.Any, *, inside: str = "", tax: bool = False) -> t.Any:
    """Return a record, or a request, without numbers of bank accounts and cards; the same object where it has none.

    Args:
        value: As JSON has it.
        inside: What it is one of (``funding_bank_accounts``).
        tax: Also without tax numbers.
    """
    return _walked(value, bank=_of_a_bank(inside), tax=tax)


def _walked(value: t.Any, *, bank: bool, tax: bool) -> t.Any:
    if isinstance(value, str):
        return _without_ibans(value) if len(value) >= _SHORTEST_IBAN else value
    if isinstance(value, dict):
        changed = {}
        for name, item in value.items():
            if item is None or item is True or item is False:
                continue
            if not isinstance(name, str):
                new = item
            elif _always(name) or (tax and is_tax_number(name)) or (_perhaps(name) and (bank or _has_a_bank(value))):
                new = _hidden(item, tax=tax)
            elif isinstance(item, (str, dict, list)):
                new = _walked(item, bank=_of_a_bank(name) or (bank and not _of_the_ledger(name)), tax=tax)
            else:
                new = item
            if new is not item:
                changed[name] = new
        return {**value, **changed} if changed else value
    if isinstance(value, list):
        new_items = [_walked(item, bank=bank, tax=tax) for item in value]
        return new_items if any(new is not old for new, old in zip(new_items, value, strict=True)) else value
    return value


def _hidden(value: t.Any, *, tax: bool) -> t.Any:
    """Mask everything in what a sensitive name leads to."""
    if isinstance(value, dict):
        return _walked({name: _hidden(item, tax=tax) for name, item in value.items()}, bank=True, tax=tax)
    if isinstance(value, list):
        return [_hidden(item, tax=tax) for item in value]
    if value is None or isinstance(value, bool):
        return value
    new = mask(value)
    return value if new == value else new


def _has_a_bank(fields: t.Mapping[t.Any, t.Any]) -> bool:
    return any(isinstance(name, str) and item and _beside(name) for name, item in fields.items())


def _without_ibans(text: str) -> str:
    parts, done = [], 0
    for found in _IBAN.finditer(text):
        end = _end_of_iban(text, found.start())
        if end is not None and found.start() >= done:
            parts += [text[done : found.start()], mask(text[found.start() : end])]
            done = end
    return "".join([*parts, text[done:]]) if parts else text


def _end_of_iban(text: str, start: int) -> int | None:
    """Return where the IBAN ends that begins there; None where there is none."""
    length = _LENGTHS.get(text[start : start + 2].upper())
    number, end = "", start
    while length is not None and end < len(text) and len(number) < length:
        if text[end].isascii() and text[end].isalnum():
            number += text[end].upper()
        elif text[end] not in _BETWEEN:
            return None
        end += 1
    if len(number) != length or text[end : end + 1].isalnum():
        return None
    return end if int("".join(str(int(char, 36)) for char in number[4:] + number[:4])) % 97 == 1 else None
