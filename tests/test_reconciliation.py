"""Comparing both sides: each document in one class, with its reason, and totals that add up."""

from __future__ import annotations

import collections
import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_connector.errors import Reason
from ml_connector.ledger.outcomes import Outcome
from ml_connector.reconciliation import DIFFERENCES, Expected, Names, reconcile
from ml_connector.system.access import InvoiceView

NAMES = Names("BILL", "Workday")
DAY = dt.date(2026, 10, 15)
POSTED_AT = dt.datetime(2026, 10, 16, tzinfo=dt.UTC)


def bill(id_="1", total="100.00", *, stands=True, status="approved, unpaid", currency="USD", number=None, day=DAY):
    """Return a bill."""
    number = number or f"INV-{id_}"
    return InvoiceView(
        id_, number, number, frozenset({"V1"}), "Hartley & Sons", None, day, Decimal(total), currency, status, stands
    )


def invoice(
    id_="1",
    total="100.00",
    *,
    stands=True,
    draft=False,
    currency="USD",
    ours=True,
    supplier="S-1",
    number=None,
    wid=None,
    day=DAY,
):
    """Return a supplier invoice, the one posted for bill ``id_`` unless it is not ours."""
    external_id = f"BILL-{id_}" if ours else f"HAND-{id_}"
    return InvoiceView(
        id=wid or f"wid-{external_id}",
        number=external_id,
        supplier_number=number or f"INV-{id_}",
        supplier_ids=frozenset({supplier, f"wid-{supplier}"}),
        supplier_name="Hartley & Sons",
        external_id=external_id,
        date=day,
        total=Decimal(total),
        currency=currency,
        status="approved" if stands else "canceled",
        stands=stands,
        draft=draft,
    )


def expected(view, *, unwanted=None, supplier=None):
    """Return what is expected of a bill."""
    return Expected(view, unwanted, f"BILL-{view.id}", supplier)


def outcome(id_="1", state="posted", *, sent="100.00", reasons=(), posted=True, **more):
    """Return what the ledger says of a bill."""
    target = {"target_id": f"wid-BILL-{id_}", "target_number": f"BILL-{id_}", "posted_at": POSTED_AT} if posted else {}
    return Outcome(
        id_, f"INV-{id_}", state, tuple(reasons), f"BILL-{id_}", sent_total=sent and Decimal(sent), **target, **more
    )


def compare(sources, targets, *known, **window):
    """Return the reconciliation of bills (wanted unless told otherwise) and invoices."""
    wanted = [each if isinstance(each, Expected) else expected(each) for each in sources]
    return reconcile(wanted, targets, {each.source_id: each for each in known}, names=NAMES, **window)


def only(answer):
    """Return class and reason of the one document there is."""
    (document,) = answer.documents
    return document.kind, document.why


UNMAPPED = Reason("unmapped", "no cost center is mapped for Field Ops", "add a row")

CASES = [
    pytest.param([bill()], [invoice()], [outcome()], "equal", "", id="equal"),
    pytest.param([bill()], [invoice()], [], "equal", "", id="ledger lost"),
    pytest.param([bill()], [invoice(draft=True)], [outcome()], "draft", "left as a draft in Workday", id="draft"),
    pytest.param(
        [bill()],
        [invoice(total="99.00", draft=True)],
        [outcome()],
        "draft",
        "left as a draft in Workday, of USD 99.00",
        id="draft of another amount",
    ),
    pytest.param([bill(currency=None)], [invoice()], [outcome()], "equal", "", id="currency not known"),
    pytest.param([bill()], [], [], "only_source", "no run has read it yet", id="never read"),
    pytest.param(
        [bill()], [], [outcome(state="received", posted=False)], "only_source", "read, not delivered yet", id="received"
    ),
    pytest.param(
        [bill()],
        [],
        [outcome(state="held", posted=False, reasons=[UNMAPPED])],
        "only_source",
        "held: no cost center is mapped for Field Ops",
        id="held",
    ),
    pytest.param(
        [bill()],
        [],
        [outcome(state="ignored", posted=False, reasons=[Reason("done_elsewhere", "entered by hand", "replay")])],
        "only_source",
        "ignored: entered by hand",
        id="ignored",
    ),
    pytest.param(
        [bill()],
        [],
        [outcome(state="retry", posted=False, next_attempt_at=POSTED_AT)],
        "only_source",
        "waits for another attempt from 2026-10-16 00:00 UTC",
        id="retry",
    ),
    pytest.param([bill()], [], [outcome(state="posting", posted=False)], "only_source", "being posted", id="posting"),
    pytest.param(
        [bill()],
        [],
        [outcome()],
        "only_source",
        "posted on 2026-10-16 as BILL-1, but Workday does not show it",
        id="vanished",
    ),
    pytest.param(
        [expected(bill(status="approved, paid"), unwanted="payment status is PAID")],
        [],
        [outcome()],
        "only_source",
        "Workday does not show it",
        id="paid, posted and vanished",
    ),
    pytest.param(
        [expected(bill(status="approved, paid"), unwanted="payment status is PAID")],
        [invoice()],
        [outcome()],
        "equal",
        "",
        id="paid after posting",
    ),
    pytest.param(
        [bill("1", "90")], [invoice()], [outcome()], "amount", "changed in BILL after posting", id="bill changed"
    ),
    pytest.param(
        [bill()], [invoice(total="90")], [outcome()], "amount", "changed in Workday after posting", id="invoice changed"
    ),
    pytest.param(
        [bill("1", "80")], [invoice(total="90")], [outcome()], "amount", "changed on both sides", id="both changed"
    ),
    pytest.param([bill("1", "80")], [invoice(total="90")], [], "amount", "the ledger does not say", id="nobody knows"),
    pytest.param(
        [bill(currency="EUR")], [invoice()], [outcome()], "amount", "EUR in BILL, USD in Workday", id="currency"
    ),
    pytest.param(
        [bill(stands=False, status="archived")],
        [invoice()],
        [outcome()],
        "status",
        "archived in BILL, approved in Workday",
        id="archived",
    ),
    pytest.param(
        [bill()], [invoice(stands=False)], [outcome()], "status", "canceled in Workday, approved", id="cancelled"
    ),
    pytest.param([bill()], [invoice(), invoice(ours=False)], [outcome()], "twice", "BILL-1; HAND-1", id="by number"),
    pytest.param(
        [bill()], [invoice(), invoice(wid="other")], [outcome()], "twice", "BILL-1; BILL-1", id="by external id"
    ),
    pytest.param(
        [expected(bill(), supplier="S-1")],
        [invoice(ours=False), invoice(ours=False, wid="other")],
        [],
        "twice",
        "HAND-1; HAND-1",
        id="by hand, twice",
    ),
    pytest.param(
        [bill()],
        [invoice(stands=False), invoice(wid="again")],
        [outcome()],
        "equal",
        "",
        id="cancelled and posted anew",
    ),
    pytest.param(
        [expected(bill(), supplier="S-1")],
        [invoice(ours=False)],
        [],
        "equal",
        "entered by hand in Workday as HAND-1",
        id="by hand",
    ),
    pytest.param(
        [expected(bill(), supplier="wid-S-1")],
        [invoice(ours=False, number=" inv-1 ")],
        [],
        "equal",
        "entered by hand",
        id="any id",
    ),
    pytest.param(
        [],
        [invoice()],
        [outcome()],
        "only_target",
        "posted from BILL INV-1, which it does not show any more",
        id="gone",
    ),
    pytest.param(
        [expected(bill(), unwanted="not approved (ASSIGNED)")], [], [], "not_expected", "not approved", id="unwanted"
    ),
    pytest.param(
        [bill(stands=False, status="archived")],
        [invoice(stands=False)],
        [outcome()],
        "not_expected",
        "archived",
        id="gone on both",
    ),
]


@pytest.mark.parametrize(("sources", "targets", "known", "kind", "why"), CASES)
def test_each_situation_has_its_class_and_reason(sources, targets, known, kind, why):
    """What differs is classed by what a person has to do about it, and says why."""
    found, reason = only(compare(sources, targets, *known))
    assert found == kind
    assert why in reason
    assert bool(reason) or kind == "equal"


def test_invoices_from_elsewhere_are_counted_only():
    """A target holds more than what came from this source; that is no difference."""
    answer = compare([bill()], [invoice(), invoice("7", ours=False, supplier="S-9")])
    assert (answer.counts["equal"], answer.foreign, answer.differences) == (1, 1, [])
    assert [(total.currency, total.source, total.target) for total in answer.totals] == [("USD", 100, 100)]


def test_what_the_ledger_says_it_became_belongs_together_without_any_external_id():
    """Where a target keeps no id of ours, the ledger's link pairs both sides."""
    plain = invoice(ours=False, supplier="S-9", wid="wid-BILL-1")
    assert only(compare([bill()], [plain], outcome())) == ("equal", "")


def test_two_bills_of_one_number_do_not_share_an_invoice():
    """The invoice is the first bill's; the second is missing, whatever its number."""
    answer = compare(
        [expected(bill("1", number="INV-9"), supplier="S-1"), expected(bill("2", number="INV-9"), supplier="S-1")],
        [invoice("1", number="INV-9")],
        outcome("1"),
        outcome("2", "held", posted=False, reasons=[Reason("duplicate", "number in use", "look")]),
    )
    assert {document.source.id: document.kind for document in answer.documents} == {"1": "equal", "2": "only_source"}


def test_a_hand_made_invoice_goes_to_the_bill_that_lacks_one():
    """Of two bills with one number the one without an invoice gets what was entered by hand."""
    answer = compare(
        [expected(bill("1", number="INV-9"), supplier="S-1"), expected(bill("2", number="INV-9"), supplier="S-1")],
        [invoice("1", number="INV-9"), invoice("x", ours=False, number="INV-9")],
        outcome("1"),
    )
    assert {document.source.id: document.kind for document in answer.documents} == {"1": "equal", "2": "equal"}


def test_what_was_entered_by_hand_and_cancelled_is_nobodys():
    """A cancelled entry by hand neither replaces the bill's invoice nor counts as its cancellation."""
    cancelled = invoice(ours=False, stands=False)
    answer = compare([expected(bill(), supplier="S-1")], [cancelled])
    assert (only(answer), answer.foreign) == (("only_source", "no run has read it yet"), 0)


def test_a_bill_without_currency_counts_in_that_of_the_invoice_that_stands():
    """A cancelled attempt in another currency moves no total."""
    answer = compare(
        [bill(currency=None)], [invoice(stands=False, currency="USD"), invoice(currency="EUR", wid="wid-2")], outcome()
    )
    assert [(total.currency, total.difference) for total in answer.totals] == [("EUR", 0)]


def test_an_invoice_without_currency_counts_where_its_bill_does():
    """Where neither names one, both count in that of a cancelled attempt."""
    answer = compare(
        [bill(currency=None)], [invoice(stands=False, currency="USD"), invoice(currency=None, wid="wid-2")], outcome()
    )
    assert [(total.currency, total.source, total.target) for total in answer.totals] == [("USD", 100, 100)]


@pytest.mark.parametrize(
    ("here", "there", "counted"),
    [(DAY, DAY, 1), (DAY, DAY + dt.timedelta(days=30), 1), (DAY - dt.timedelta(days=30), DAY, 1), (None, DAY, 1)],
)
def test_a_document_counts_when_either_date_lies_within(here, there, counted):
    """A date corrected on one side does not make a document look missing."""
    answer = compare([bill(day=here)], [invoice(day=there)], outcome(), since=DAY, until=DAY)
    assert answer.counts["equal"] == counted


def test_what_lies_outside_on_both_sides_is_left_out():
    """Only the dates asked for are reported."""
    late = DAY + dt.timedelta(days=1)
    answer = compare([bill(day=late)], [invoice(day=late), invoice("7", ours=False, day=late)], since=DAY, until=DAY)
    assert (answer.documents, answer.foreign) == ((), 0)


amounts = st.sampled_from(["100.00", "100.01", "-5", "0"])
currencies = st.sampled_from(["USD", "EUR", None])
few = st.integers(1, 5).map(str)
sources = st.lists(
    st.builds(
        expected,
        st.builds(bill, few, amounts, stands=st.booleans(), currency=currencies, number=st.sampled_from(["A", "B"])),
        unwanted=st.sampled_from([None, "not approved"]),
        supplier=st.sampled_from([None, "S-1", "S-2"]),
    ),
    unique_by=lambda each: each.view.id,
    max_size=5,
)
targets = st.lists(
    st.builds(
        invoice,
        few,
        amounts,
        stands=st.booleans(),
        draft=st.booleans(),
        currency=currencies,
        ours=st.booleans(),
        supplier=st.sampled_from(["S-1", "S-2"]),
        number=st.sampled_from(["A", "B"]),
    ),
    max_size=7,
).map(lambda found: [InvoiceView(**{**_fields(each), "id": f"wid-{n}"}) for n, each in enumerate(found)])
ledgers = st.lists(
    st.builds(
        outcome,
        few,
        st.sampled_from(["received", "posting", "posted", "held", "retry", "ignored"]),
        sent=st.sampled_from([None, "100.00"]),
        posted=st.booleans(),
    ),
    unique_by=lambda each: each.source_id,
    max_size=5,
)


def _fields(view):
    return {name: getattr(view, name) for name in InvoiceView.__slots__}


@settings(max_examples=500)
@given(sources, targets, ledgers)
def test_every_document_falls_into_exactly_one_class(owed, held, known):
    """Each bill once; each invoice once or counted as foreign or, cancelled and foreign, not at all."""
    answer = compare(owed, held, *known)
    assert sorted(each.source.id for each in answer.documents if each.source) == sorted(each.view.id for each in owed)
    shown = collections.Counter(target.id for each in answer.documents for target in each.targets)
    assert set(shown.values()) <= {1}
    left = [each for each in held if each.id not in shown]
    assert answer.foreign == sum(each.stands for each in left)
    assert sum(answer.counts.values()) == len(answer.documents)


@settings(max_examples=500)
@given(sources, targets, ledgers)
def test_the_differences_explain_the_totals(owed, held, known):
    """Per currency the totals differ by exactly what the differing documents differ by; equal ones by nothing."""
    answer = compare(owed, held, *known)
    explained = collections.defaultdict(Decimal)
    for each in answer.differences:
        currency, amount = each.owed
        explained[currency] += amount
        for currency_held, amount_held in each.held.items():
            explained[currency_held] -= amount_held
    differing = {total.currency: total.difference for total in answer.totals if total.difference}
    assert differing == {currency: amount for currency, amount in explained.items() if amount}


@settings(max_examples=300)
@given(sources, targets, ledgers)
def test_every_difference_has_a_reason(owed, held, known):
    """Nothing is reported without saying why."""
    assert all(each.why for each in compare(owed, held, *known).documents if each.kind in DIFFERENCES)
