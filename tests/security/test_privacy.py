"""Numbers of bank accounts, cards and taxpayers are nowhere in clear; numbers that only look like them are left alone."""

from __future__ import annotations

import json
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from ml_connector.ledger.aside import shown
from ml_connector.sensitive import mask, masked
from ml_connector.systems.bill import writes as bill
from ml_connector.systems.business_central import writes as business_central
from ml_connector.systems.workday.xml import NS, compact

ACCOUNT = "004-417 731 9026"
IBAN = "DE89 3704 0044 0532 0130 00"
TAX = "12-3456789"

BANK_NUMBERS: t.Final[list[tuple[str, dict[str, t.Any]]]] = [
    ("in BILL's bank account, with blanks", {"paymentInformation": {"bankAccount": {"accountNumber": ACCOUNT}}}),
    ("in a block nobody knows yet", {"internationalBankDetails": {"payee": [{"account_no": ACCOUNT}]}}),
    ("beside the name of a bank", {"bankName": "First", "accountNumber": ACCOUNT}),
    ("as Business Central names it", {"bankAccountNumber": ACCOUNT}),
    ("as Workday names it", {"settlement_account_data": [{"bank_account_number": ACCOUNT}]}),
    ("of a payment in Workday", {"originating_bank_data": [{"account_number": ACCOUNT}]}),
    ("as a number", {"bankAccountNumber": 44177319026}),
    ("in a list", {"routingNumber": [ACCOUNT]}),
    ("of a card", {"card_number": "4111-1111-1111 1111"}),
    ("a token of a payment", {"Payment_Token": "tok 44177319026"}),
    ("an IBAN by its name", {"IBAN": IBAN}),
    ("an IBAN in a text", {"memo": f"please pay to {IBAN} by May"}),
    ("an IBAN behind something alike", {"memo": f"GB12 {IBAN}, thanks"}),
    ("an IBAN in small letters with hyphens", {"note": [IBAN.lower().replace(" ", "-")]}),
]
NO_BANK_NUMBERS: t.Final[list[tuple[str, dict[str, t.Any]]]] = [
    ("our account at a vendor", {"accountNumber": "ACC-4417731", "bankAccountStatus": "NO_ACCOUNT"}),
    ("our account at a Workday supplier", {"customer_account_number": "44177319026"}),
    ("an account of the chart", {"account": {"number": "6100100", "type": "BANK"}, "name": "Bank charges"}),
    ("an account of the ledger", {"accountNumber": "6100100", "balancingAccountNumber": "1010200"}),
    ("an account of the ledger within a bank's", {"bankAccount": {"generalLedger": {"accountNumber": "1010200"}}}),
    ("an account a document names", {"account_number": "6100100", "gl_account": "6100"}),
    ("a bank account's id", {"bankAccountId": "bac01ABCDEFGHIJK", "bank_account": "BANK-440117"}),
    ("a branch that is a dimension", {"branchCode": "NORTH-4401"}),
    ("an invoice's number of the form of an IBAN", {"invoiceNumber": "DE88370400440532013000"}),
    ("an id", {"id": "00n01DE893704004405", "wid": "de893704004405320130001234567890"}),
]


@pytest.mark.parametrize(("where", "record"), BANK_NUMBERS, ids=[name for name, _ in BANK_NUMBERS])
def test_the_number_of_a_bank_account_is_masked_wherever_it_stands(where: str, record: dict[str, t.Any]) -> None:
    """Of a number of a bank account or card four characters are left."""
    digits = _digits(json.dumps(masked(record)))

    left = [number for number in ("4417731", "11111111", "370400440532") if number in digits]
    assert not left, where
    assert masked(record) != record


@pytest.mark.parametrize(("what", "record"), NO_BANK_NUMBERS, ids=[name for name, _ in NO_BANK_NUMBERS])
def test_what_only_looks_like_a_bank_account_is_left_alone(what: str, record: dict[str, t.Any]) -> None:
    """A mapping depends on numbers of accounts, so none of them is masked."""
    assert masked(record) is record, what


def test_a_list_of_bank_accounts_is_known_by_its_name() -> None:
    """A row of which only the stream says that it is a bank account is masked too."""
    assert masked({"accountNumber": "44177319026"}, inside="funding_bank_accounts") == {"accountNumber": "*******9026"}


@given(st.text(alphabet="0123456789ABCx*# .-", max_size=24))
def test_what_is_masked_stays_as_it_is(number: str) -> None:
    """A target that masks what its tap has masked changes nothing, so that nothing looks changed."""
    assert mask(mask(number)) == mask(number)


@pytest.mark.parametrize("audit_text", [bill.audit_text, business_central.audit_text], ids=["bill", "business central"])
@pytest.mark.parametrize(
    "body",
    [
        {"additionalInfo": {"taxId": TAX}},
        {"taxRegistrationNumber": TAX},
        {"vendor": [{"SSN": TAX}]},
        {"paymentInformation": {"bankAccount": {"accountNumber": "12 345-6789", "type": "CHECKING"}}},
    ],
)
def test_the_audit_of_a_request_has_no_tax_number_and_no_account(
    audit_text: t.Callable[[t.Any], str], body: dict[str, t.Any]
) -> None:
    """What was sent is kept without the numbers of banks and taxpayers."""
    assert "2345" not in _digits(audit_text(body))


@pytest.mark.parametrize(
    "element",
    [
        "Tax_ID_Text",
        "Business_Entity_Tax_ID",
        "Account_Number",
        "Bank_Account_Number",
        "Card_Number",
        "Payment_Token",
        "Routing_Transit_Number",
        "IBAN",
    ],
)
def test_the_audit_of_a_workday_request_has_no_number_of_a_bank_or_taxpayer(element: str) -> None:
    """The XML of a request is kept without them, whatever they stand in."""
    data = f'<Data xmlns="{NS}"><Part><{element}>12 345-6789</{element}><Memo>{IBAN}</Memo></Part></Data>'

    kept = _digits(compact(etree.fromstring(data)))

    assert "2345" not in kept
    assert "3704" not in kept


def test_our_account_at_a_supplier_stays_in_the_audit_of_workday() -> None:
    """It is no bank account, and people look for it."""
    data = f'<Data xmlns="{NS}"><Customer_Account_Number>123456789</Customer_Account_Number></Data>'

    assert "123456789" in compact(etree.fromstring(data))


@pytest.mark.parametrize("end", ["", '}, "cut off'])
def test_a_line_that_is_set_aside_shows_no_number_of_a_bank_or_taxpayer(end: str) -> None:
    """Not even one that is no JSON."""
    line = json.dumps({"taxId": TAX, "routingNumber": "12 345-6789", "ssn": TAX, "memo": IBAN}) + end

    kept = _digits(shown(line))

    assert "2345" not in kept
    assert "3704" not in kept


def _digits(text: str) -> str:
    return "".join(char for char in text if char.isalnum())
