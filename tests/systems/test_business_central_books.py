"""What the books of Business Central share: numbers that know no case, and writing to rows others change."""

from __future__ import annotations

from decimal import Decimal

import httpx
import pytest
import stamina
from business_central_doubles import SERVICE, BusinessCentral, page
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_connector.errors import Conflict, OutcomeUnknown
from ml_connector.systems.business_central.errors import EntityChanged
from ml_connector.systems.business_central.numbers import code_number, mark_of, marked
from ml_connector.systems.business_central.vendor_payments import Journal, PaymentBook, PaymentLine
from ml_connector.systems.business_central.writes import Written, on_fresh_data

IDS = st.text("abcABC019-", min_size=1, max_size=45)


@given(st.sets(IDS.map(str.strip), min_size=2, max_size=8), st.sampled_from([20, 35]))
@settings(max_examples=60)
def test_no_two_ids_get_one_number(ids, limit):
    """Not even those that differ in case alone, or beyond the length."""
    numbers = [code_number(each, limit) for each in ids]
    assert len({number.upper() for number in numbers}) == len(ids)
    assert all(len(number) <= limit and number == number.upper() for number in numbers)


@pytest.mark.parametrize("text", ["V-10021", "BILL-00901NEW"])
def test_what_a_code_field_keeps_is_kept(text):
    """People recognize it."""
    assert code_number(text, 20) == text


@given(st.text(max_size=150), st.text("abcXYZ09-", min_size=1, max_size=60), st.sampled_from([100, 250]))
@settings(max_examples=60)
def test_a_mark_is_found_again_whatever_stands_before_it(text, mark, limit):
    """And the whole fits."""
    whole = marked(text, mark, limit)
    assert mark_of(whole) == mark
    assert len(whole) <= limit


@pytest.mark.parametrize("text", [None, "", 7, "paid", "[ref ", "[ref A] and more"])
def test_other_texts_carry_no_mark(text):
    """A mark stands at the end."""
    assert mark_of(text) is None


@pytest.mark.parametrize(("times", "readings"), [(0, 1), (1, 2), (3, 4)])
def test_who_was_faster_is_read_again(times, readings):
    """Each attempt begins with reading."""
    seen = []

    def step():
        seen.append(1)
        if len(seen) <= times:
            raise EntityChanged("business_central", "PATCH vendors", "changed")
        return "done"

    assert on_fresh_data(step) == "done"
    assert len(seen) == readings


@pytest.mark.parametrize(("kind", "readings"), [(EntityChanged, 4), (Conflict, 1)])
def test_what_does_not_pass_is_told(kind, readings):
    """Somebody who is faster every time, and a conflict that reading cannot settle."""
    seen = []

    def step():
        seen.append(1)
        raise kind("business_central", "PATCH vendors", "no")

    with pytest.raises(kind):
        on_fresh_data(step)
    assert len(seen) == readings


def test_the_audit_keeps_no_tax_numbers():
    """At whatever depth."""
    written = Written.of(
        {"taxRegistrationNumber": "12-3456789", "displayName": "Acme"},
        {"value": [{"taxRegistrationNumber": "12-3456789", "id": "1"}]},
    )
    assert (written.request, written.response) == ('{"displayName":"Acme"}', '{"value":[{"id":"1"}]}')


@pytest.fixture
def central(tmp_path, monkeypatch):
    """Business Central, scripted."""
    monkeypatch.setenv("ML_CONNECTOR_STATE_DIR", str(tmp_path))
    with stamina.set_testing(True, attempts=3, cap=True):
        yield BusinessCentral()


JOURNAL = Journal("j", "BILL", None)


def parts(*bodies, status=200):
    """Return the answer to a batch."""
    return httpx.Response(200, json={"responses": [{"status": status, "body": body} for body in bodies]})


def test_what_an_invoice_owes_is_read_to_the_end(central):
    """A list in a batch answers its first page only: what stands on the others is asked for."""
    line = PaymentLine("l", "K", "D", "V1", "2026-10-20", Decimal(5), "i", "108001", None, "e")
    entry = {"documentType": "Invoice", "documentNumber": "108001", "remainingAmount": -7}
    first = {"value": [], "@odata.nextLink": f"{SERVICE}/companies(1)/next"}
    owed = [parts(first), page(following=first["@odata.nextLink"]), page(entry)]
    central.answers = [*owed, parts({"value": [{"amount": 5}]})]
    standing = PaymentBook(central.client(), "companies(1)").standing(JOURNAL, [line])
    assert standing == {"l": (Decimal(7), Decimal(5))}


@pytest.mark.parametrize("count", [1, 2])
def test_lines_without_ids_have_to_be_looked_up(central, count):
    """They may be there, and nothing is known of them."""
    central.answers = [parts(*[{}] * count, status=201) if count > 1 else httpx.Response(201, json={})]
    with pytest.raises(OutcomeUnknown):
        PaymentBook(central.client(), "companies(1)").add(JOURNAL, [{"amount": 1}] * count)
    assert len(central.calls) == 1
