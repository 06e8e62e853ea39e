"""Payments in a vendor payment journal: applied, checked, never twice, taken back, posted on request."""

from __future__ import annotations

import datetime as dt
import logging
from decimal import Decimal

import pytest
from business_central_documents import (
    ACCOUNT,
    VENDOR,
    client_for,
    deliver,
    entered,
    entries_of,
    invoice,
    lines_of,
    pay_by_hand,
    payment,
    without_documents,
)

from erp_sandbox.world import World
from ml_connector.delivery.sink import LookupInconclusive, differences
from ml_connector.documents import PaymentApplication
from ml_connector.errors import Conflict, NotFound, OutcomeUnknown, Rejected, SettingInvalid, Throttled, Unavailable
from ml_connector.ledger import queries
from ml_connector.ledger.store import Ledger
from target_business_central.options import BusinessCentralPosting
from target_business_central.payment_request import PaymentNumbers
from target_business_central.references import References
from target_business_central.sinks import PaymentSink

VOIDED = {"withdrawn": "payment is VOIDED"}


@pytest.fixture
def box(sandbox, tmp_path, monkeypatch):
    """A running company; the ledger of the test is in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MELTANO_PROJECT_ROOT", raising=False)
    without_documents(monkeypatch)
    return sandbox(World.plain(vendors=5, bills=1, lines=(1, 1)))


@pytest.fixture
def sink(box):
    """A maker of prepared sinks with the options given."""
    made = []

    def make(*, prepared=True, **options):
        made.append(client_for(box))
        references = References(made[-1], box.business_central.company().id)
        payments = PaymentSink(made[-1], references, BusinessCentralPosting.from_config(options))
        if prepared:
            payments.prepare()
        return payments

    yield make
    for each in made:
        each.close()


def codes(reasons):
    """What stands against a payment, by code."""
    return [reason.code for reason in reasons]


def journal_calls(box):
    """How often journals were written to."""
    counts = box.stats.as_json()["business_central"]["endpoints"]
    return sum(count for name, count in counts.items() if name.startswith(("POST", "DELETE")) and "token" not in name)


class TestLines:
    """What is entered for a payment."""

    def test_a_line_says_what_the_payment_says(self, box, sink):
        """Vendor, day, amount and invoice; our number in upper case, the exact id in the comment."""
        owed = entered(box)
        document = payment(of=owed["id"])
        done = sink().create(document)
        (line,) = lines_of(box)
        numbers = PaymentNumbers.of(document)
        assert (line["vendorNumber"], line["postingDate"], line["amount"]) == (VENDOR, "2026-10-20", Decimal("1000.00"))
        assert (line["appliesToInvoiceId"], line["appliesToInvoiceNumber"]) == (owed["id"], owed["number"])
        assert (line["externalDocumentNumber"], line["documentNumber"]) == (numbers.key, numbers.number)
        assert numbers.key.startswith("STP01ABCDEFGHIJKLMNOP-")
        assert (len(numbers.key) <= 35, len(numbers.number)) == (True, 20)
        assert line["comment"] == (
            "BILL payment ACH 4711, bill id stp01AbCdEfGhIjKlMnOp [ref BILLPAY-stp01AbCdEfGhIjKlMnOp]"
        )
        assert line["description"] == "BILL payment ACH 4711, invoice NW-1"
        assert (done.target_id, done.number) == (numbers.key, numbers.number)

    def test_ids_that_differ_in_case_alone_are_two_payments(self):
        """Business Central keeps codes in upper case."""
        numbers = {PaymentNumbers.of(payment(id_, of="x")).key for id_ in ("stp01ab", "stp01aB", "STP01AB")}
        assert len(numbers) == 3

    def test_several_invoices_are_several_lines_of_one_number(self, box, sink):
        """Sent together, all of them or none; parts of the same invoice are one line."""
        first, second = entered(box), entered(box, cost="70.00", number="NW-2")
        parts = (
            PaymentApplication(invoice=first["id"], amount=Decimal("600.00")),
            PaymentApplication(invoice=second["id"], amount=Decimal("70.00")),
            PaymentApplication(invoice=first["id"].upper(), amount=Decimal("100.00")),
        )
        sink().create(payment(of=first["id"], amount="770.00", applications=parts))
        lines = lines_of(box)
        assert {line["appliesToInvoiceId"]: line["amount"] for line in lines} == {
            first["id"]: Decimal("700.00"),
            second["id"]: Decimal("70.00"),
        }
        assert len({(line["documentNumber"], line["externalDocumentNumber"]) for line in lines}) == 1

    def test_one_line_that_is_refused_takes_the_others_back(self, box, sink, monkeypatch):
        """No payment is entered by half."""
        first, second = entered(box), entered(box, cost="70.00", number="NW-2")
        made = sink()
        add = made._payments.add

        def spoilt(journal, bodies):
            return add(journal, [bodies[0], {**bodies[1], "amount": Decimal("1.23456")}])

        monkeypatch.setattr(made._payments, "add", spoilt)
        with pytest.raises(Rejected, match="decimal places"):
            made.create(payment(of={first["id"]: "1000.00", second["id"]: "70.00"}))
        assert lines_of(box) == []

    @pytest.mark.parametrize("value", ["id", "number", "vendorInvoiceNumber"])
    def test_an_invoice_goes_by_id_or_number(self, box, sink, value):
        """As the mapping table writes it."""
        owed = entered(box)
        document = payment(of=owed[value])
        assert sink().check(document) == []
        sink().create(document)
        assert lines_of(box)[0]["appliesToInvoiceId"] == owed["id"]

    def test_what_was_entered_reads_back_as_sent(self, box, sink):
        """As lines and, once somebody has posted them, as entries."""
        first, second = entered(box), entered(box, cost="70.00", number="NW-2")
        document = payment(of={first["id"]: "1000.00", second["id"]: "70.00"})
        made = sink()
        done = made.create(document)
        for _ in range(2):
            (found,) = made.read_back([done.target_id]).values()
            assert differences(made.facts(document), found) == []
            box.business_central.post_batch("BILL") if lines_of(box) else None
        assert found.status == "posted"

    @pytest.mark.parametrize(("vendor", "cost"), [("V00013", "99.95"), ("V00018", "15000"), ("V00019", "7.125")])
    def test_foreign_vendors_are_paid_in_their_currency(self, sandbox, tmp_path, monkeypatch, vendor, cost):
        """To the last decimal it has; posting closes the invoice."""
        monkeypatch.chdir(tmp_path)
        monkeypatch.delenv("MELTANO_PROJECT_ROOT", raising=False)
        box = sandbox(World.plain(vendors=20, bills=2, lines=(1, 1)))
        owed = entered(box, vendor, cost)
        currency = owed["currencyCode"]
        document = payment(of=owed["id"], amount=cost, supplier=vendor, currency=currency)
        assert deliver(box, document, post_payments=True)["payments"] == {"created": 1}
        assert box.business_central.record("purchaseInvoices", owed["id"])["status"] == "Paid"
        (entry,) = entries_of(box, PaymentNumbers.of(document).key)
        assert (entry["amount"], entry["currencyCode"]) == (Decimal(cost), currency)


class TestChecks:
    """Business Central itself looks at most of it only when it posts."""

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"supplier": "V77777"}, "unknown"),
            ({"company": "Other Services"}, "company"),
            ({"currency": "EUR"}, "currency"),
            ({"supplier": "V00002"}, "wrong_vendor"),
            ({"payment_date": dt.date(2026, 9, 30)}, "too_early"),
            ({"amount": "0.00"}, "unbalanced"),
            ({"of": "11111111-2222-4333-8444-555555555555"}, "missing_invoice"),
            ({"of": "NOBODY-1"}, "missing_invoice"),
        ],
    )
    def test_what_stands_against_a_payment_is_told(self, box, sink, changes, code):
        """With a cure for each."""
        owed = entered(box)
        (reason,) = sink().check(payment(**{"of": owed["id"], **changes}))
        assert (reason.code, bool(reason.what), bool(reason.cure)) == (code, True, True)

    def test_more_than_the_invoice_is_told(self, box, sink):
        """Without asking what it still owes."""
        owed = entered(box)
        assert codes(sink().check(payment(of=owed["id"], amount="1000.01"))) == ["overpaid"]

    def test_a_credit_is_told(self, box, sink):
        """A line carries cash only."""
        part = PaymentApplication(invoice=entered(box)["id"], amount=Decimal(900), credit=Decimal(100))
        assert codes(sink().check(payment(of=part.invoice, amount="900.00", applications=(part,)))) == ["credit"]

    @pytest.mark.parametrize("blocked", ["All", "Payment"])
    def test_a_blocked_vendor_is_told(self, box, sink, blocked):
        """Before Business Central refuses the line."""
        owed = entered(box)
        box.business_central.edit("vendors", box.business_central.vendor(VENDOR)["id"], blocked=blocked)
        assert codes(sink().check(payment(of=owed["id"]))) == ["inactive"]

    def test_a_draft_waits_until_it_is_posted(self, box):
        """The payment goes out by itself then."""
        owed = entered(box, post=False)
        assert deliver(box, payment(of=owed["id"]))["payments"] == {"held": 1}
        box.business_central.post_invoice(owed["id"])
        assert deliver(box, payment(of=owed["id"]))["payments"]["drafted"] == 1

    def test_an_invoice_in_another_currency_than_its_vendor_is_told(self, box, sink):
        """A line takes the currency of the vendor's card, whatever the invoice says."""
        owed = entered(box, currencyCode="EUR")
        assert codes(sink().check(payment(of=owed["id"]))) == ["currency"]
        assert codes(sink().check(payment(of=owed["id"], currency="EUR"))) == ["currency"]

    @pytest.mark.parametrize(("paid", "taken"), [("400.00", True), ("400.01", False)])
    def test_what_an_invoice_still_owes_decides(self, box, sink, paid, taken):
        """Status and total do not tell of part payments; the lines are removed again."""
        owed = entered(box)
        pay_by_hand(box, owed, "600.00")
        box.business_central.post_batch("GENERAL")
        document = payment(of=owed["id"], amount=paid)
        made = sink()
        assert made.check(document) == []
        if taken:
            made.create(document)
        else:
            with pytest.raises(Rejected, match=r"owes 400(\.00)?, less than the 400.01 paid; the lines were removed"):
                made.create(document)
        assert len(lines_of(box)) == taken

    @pytest.mark.parametrize("kind", [Unavailable, Rejected, NotFound])
    @pytest.mark.parametrize("removable", [True, False])
    def test_no_line_stays_that_was_not_accepted(self, box, sink, monkeypatch, kind, removable):
        """Where what is owed cannot be looked at, it is taken out again; where not even that, it is looked up later."""
        made = sink()

        def fail(*_args):
            raise kind("business_central", "POST $batch", "no")

        document = payment(of=entered(box)["id"])
        with monkeypatch.context() as failing:
            failing.setattr(made._payments, "standing", fail)
            if not removable:
                failing.setattr(made._payments, "remove", fail)
            with pytest.raises(kind if removable else OutcomeUnknown, match="no"):
                made.create(document)
        assert len(lines_of(box)) == (0 if removable else 1)
        found = made.find(document)
        assert (None if found is None else found.status) == (None if removable else "in the journal")

    @pytest.mark.parametrize(("amount", "taken"), [("600.00", False), ("400.00", True)])
    def test_lines_that_cannot_be_filtered_by_invoice_are_compared_here(self, box, sink, caplog, amount, taken):
        """The journal is read, once it is known, without asking again."""
        box.business_central.behaviour.unfilterable = {"appliesToInvoiceId"}
        owed, made = entered(box), sink()
        made.create(payment("one", of=owed["id"], amount="600.00"))
        second = payment("two", of=owed["id"], amount=amount)
        if taken:
            made.create(second)
        else:
            with pytest.raises(Rejected, match=r"less than the 600\.00 paid"):
                made.create(second)
        assert len(lines_of(box)) == 1 + taken
        assert caplog.text.count("the whole journal is read instead") == 1

    def test_a_death_before_what_is_owed_was_looked_at_leaves_nothing_unsaid(self, box, sink, monkeypatch):
        """Lines that pay too much are not taken for delivered: the next run holds them, with the words."""
        owed = entered(box)
        pay_by_hand(box, owed, "600.00")
        box.business_central.post_batch("GENERAL")
        document, killed = payment(of=owed["id"], amount="400.01"), sink()
        monkeypatch.setattr(killed, "_overpaid", lambda *_: [])
        killed.create(document)
        words = r"journal BILL, and invoice .* owes 400(\.00)?, less than the 400.01 paid: remove them there"
        with pytest.raises(LookupInconclusive, match=words):
            sink().find(document)
        assert len(lines_of(box)) == 1

    def test_lines_that_wait_count_as_well(self, box, sink):
        """Two payments of one invoice: the second only for what is left."""
        owed = entered(box)
        made = sink()
        made.create(payment("one", of=owed["id"], amount="600.00"))
        with pytest.raises(Rejected, match=r"less than the 500\.00 paid"):
            made.create(payment("two", of=owed["id"], amount="500.00"))
        made.create(payment("three", of=owed["id"], amount="400.00"))
        assert sorted(line["amount"] for line in lines_of(box)) == [Decimal("400.00"), Decimal("600.00")]


class TestOnce:
    """Nothing in Business Central hinders a second payment."""

    def test_what_is_in_the_journal_is_not_entered_again(self, box, sink):
        """Whoever asks."""
        document = payment(of=entered(box)["id"])
        first = sink().create(document)
        calls = journal_calls(box)
        again = sink().create(document)
        assert (again.target_id, again.unchanged, first.unchanged) == (first.target_id, True, False)
        assert "had it already (in the journal" in again.warnings[0]
        assert (len(lines_of(box)), journal_calls(box)) == (1, calls)

    @pytest.mark.parametrize("reports", [True, False])
    def test_what_was_posted_is_not_entered_again(self, box, sink, reports):
        """Its line is gone; the vendor entries know it, or the general ledger where that API is absent."""
        owed = entered(box)
        document = payment(of=owed["id"], amount="400.00")
        sink().create(document)
        box.business_central.post_batch("BILL")
        box.business_central.behaviour.finance_reports = reports
        made = sink()
        assert made.find(document).status == "posted"
        assert "had it already (posted" in made.create(document).warnings[0]
        assert lines_of(box) == []

    def test_the_replica_is_never_asked(self, box, sink):
        """It may not know yet what was posted a moment ago."""
        box.business_central.freeze_replica()
        document = payment(of=entered(box)["id"], amount="400.00")
        sink().create(document)
        box.business_central.post_batch("BILL")
        assert sink().find(document).status == "posted"

    def test_a_payment_that_is_closed_is_no_reason_to_hold_it(self, box, sink):
        """Its own posting is why the invoice owes nothing."""
        document = payment(of=entered(box)["id"])
        sink().create(document)
        box.business_central.post_batch("BILL")
        assert sink().check(document) == []
        assert codes(sink().check(payment("other", of=document.applications[0].invoice))) == ["overpaid"]

    def test_another_amount_under_our_number_is_a_conflict(self, box, sink):
        """Somebody has edited the line."""
        document = payment(of=entered(box)["id"])
        sink().create(document)
        box.business_central.edit("lines", lines_of(box)[0]["id"], amount=Decimal("900.00"))
        with pytest.raises(Conflict, match=r"has 900\.00 of this payment of 1000\.00"):
            sink().create(document)

    def test_a_reversed_one_is_not_entered_again(self, box, sink):
        """Somebody meant it: its entries come to nothing together."""
        document = payment(of=entered(box)["id"])
        sink().create(document)
        box.business_central.post_batch("BILL")
        reverse(box, document)
        assert sink().find(document).cancelled
        with pytest.raises(Conflict, match="recorded and reversed"):
            sink().create(document)

    def test_find_proves_that_there_is_none(self, sink):
        """Neither as a line nor posted."""
        assert sink().find(payment(of="x")) is None

    def test_a_look_up_that_is_refused_is_no_proof(self, sink, monkeypatch):
        """The payment is held then."""
        made = sink()

        def refuse(*_args):
            raise Rejected("business_central", "GET vendorPayments", "no")

        monkeypatch.setattr(made._payments, "lines_with", refuse)
        with pytest.raises(LookupInconclusive):
            made.find(payment(of="x"))

    def test_what_was_entered_is_not_changed(self, sink):
        """A person corrects it."""
        with pytest.raises(Conflict, match="correct it by hand"):
            sink().update(payment(of="x"), "KEY", None)


def reverse(box, document):
    """Reverse a posted payment as a person would: Business Central books it once more with the other sign."""
    store = box.business_central
    (entry,) = entries_of(box, PaymentNumbers.of(document).key)
    with store.lock, store.main.unit():
        company = store.company()
        opposite = {
            **entry,
            "id": company.new_id("reversal"),
            "entryNumber": entry["entryNumber"] + 1000,
            "amount": -entry["amount"],
        }
        opposite.pop("_created")
        company.save("vendorLedgerEntries", opposite)


class TestJournal:
    """The batch the lines go into."""

    def test_without_a_journal_nothing_is_recorded(self, box, sink):
        """Its name and the cure are told."""
        with pytest.raises(SettingInvalid, match='no vendor payment journal "OTHER"'):
            sink(payment_journal="other")

    def test_a_journal_is_made_where_that_is_asked_for(self, box, sink):
        """Once, and balanced to the account named."""
        made = sink(payment_journal="other", create_payment_journal=True, balancing_account="2990")
        assert "OTHER" not in [each["code"] for each in box.business_central.records("batches")]
        made.create(payment(of=entered(box)["id"]))
        sink(payment_journal="other", create_payment_journal=True, balancing_account="2990").prepare()
        (journal,) = [each for each in box.business_central.records("batches") if each["code"] == "OTHER"]
        assert journal["balancingAccountNumber"] == "2990"
        assert len(lines_of(box, "OTHER")) == 1

    def test_an_account_that_is_not_there_is_told(self, box, sink):
        """When the first payment needs the journal."""
        made = sink(payment_journal="other", create_payment_journal=True, balancing_account="7777")
        with pytest.raises(SettingInvalid, match='no account "7777"'):
            made.create(payment(of=entered(box)["id"]))


class TestWithdrawals:
    """A payment that fails later in BILL."""

    def test_an_unposted_line_is_removed(self, box):
        """And the payment left alone from then on."""
        owed = entered(box)
        document = payment(of=owed["id"])
        deliver(box, document)
        assert deliver(box, document.model_copy(update=VOIDED))["payments"] == {"withdrawn": 1}
        assert lines_of(box) == []
        assert deliver(box, document.model_copy(update=VOIDED))["payments"] == {"left_out": 1}

    def test_all_lines_of_it_go_together(self, box, sink):
        """With the etags that were read, again where somebody was faster."""
        first, second = entered(box), entered(box, cost="70.00", number="NW-2")
        document = payment(of={first["id"]: "1000.00", second["id"]: "70.00"})
        made = sink()
        done = made.create(document)
        remove, left = made._payments.remove, [2]

        def faster(journal, lines):
            if left[0]:
                left[0] -= 1
                box.business_central.edit("lines", lines[0].id, description=f"typed {left[0]}")
            remove(journal, lines)

        made._payments.remove = faster
        assert made.withdraw(document, done.target_id).unchanged is False
        assert (lines_of(box), left) == ([], [0])
        assert made.withdraw(document, done.target_id).unchanged is True

    def test_a_posted_one_is_a_task_for_a_person(self, box, tmp_path):
        """With everything a person needs to find and reverse it."""
        document = payment(of=entered(box)["id"])
        deliver(box, document)
        box.business_central.post_batch("BILL")
        assert deliver(box, document.model_copy(update=VOIDED))["payments"] == {"held": 1}
        ledger = Ledger("sqlite:///.ml-connector/ledger.db")
        with ledger, ledger.read() as connection:
            (entry,) = queries.held(connection)
        numbers = PaymentNumbers.of(document)
        (reason,) = entry.reasons
        assert reason.code == "not_taken_back"
        assert reason.what == (
            "payment is VOIDED, and it was delivered before: Business Central has posted it as "
            f"{numbers.number}, and its API reverses nothing"
        )
        assert reason.cure == (
            f"open the vendor ledger entries of {VENDOR}, unapply and reverse payment {numbers.number} (external "
            f"document number {numbers.key}), then `ml-connector ignore P-4711`"
        )
        assert len(entries_of(box, numbers.key)) == 1

    def test_a_line_posted_at_this_moment_is_a_task_too(self, box, sink, monkeypatch):
        """What is gone when it is to be removed was posted or removed: it is asked again."""
        document = payment(of=entered(box)["id"])
        made = sink()
        done = made.create(document)
        remove = made._payments.remove

        def posted_first(journal, lines):
            box.business_central.post_batch("BILL")
            remove(journal, lines)

        monkeypatch.setattr(made._payments, "remove", posted_first)
        with pytest.raises(Conflict, match="has posted it"):
            made.withdraw(document, done.target_id)

    def test_one_that_was_reversed_is_settled(self, box, sink):
        """Nothing is left to do."""
        document = payment(of=entered(box)["id"])
        made = sink()
        done = made.create(document)
        box.business_central.post_batch("BILL")
        reverse(box, document)
        assert made.withdraw(document, done.target_id).unchanged is True

    def test_a_payment_that_failed_before_it_was_delivered_is_left(self, box):
        """There is nothing to take back."""
        document = payment(of=entered(box)["id"], **VOIDED)
        assert deliver(box, document)["payments"] == {"left_out": 1}
        assert lines_of(box) == []


class TestPosting:
    """Posting the journal, for those who ask for it."""

    def test_the_journal_is_posted_at_the_end_of_a_run(self, box, caplog):
        """All lines, the partly paid invoice stays open, the other one is paid."""
        caplog.set_level(logging.INFO)
        first, second = entered(box), entered(box, cost="70.00", number="NW-2")
        documents = [
            payment("one", of={first["id"]: "400.00", second["id"]: "70.00"}),
            payment("two", of=first["id"], amount="100.00"),
        ]
        assert deliver(box, *documents, post_payments=True)["payments"] == {"created": 2}
        assert lines_of(box) == []
        assert "Journal BILL is posted: 3 lines, USD 570.00 in all." in caplog.text
        status = {each["id"]: each["status"] for each in box.business_central.records("purchaseInvoices")}
        assert (status[first["id"]], status[second["id"]]) == ("Open", "Paid")
        assert set(deliver(box, *documents, post_payments=True)["payments"]) <= {"unchanged"}

    def test_what_is_posted_in_two_currencies_is_not_added_up(self, box, caplog):
        """Lines have the currency of their vendor's card."""
        caplog.set_level(logging.INFO)
        theirs = "V00002"
        vendor = next(each for each in box.business_central.records("vendors") if each["number"] == theirs)
        box.business_central.edit("vendors", vendor["id"], currencyCode="EUR")
        dollars, euros = entered(box), entered(box, theirs, cost="70.00", number="NW-2")
        documents = (
            payment("one", of=dollars["id"]),
            payment("two", of=euros["id"], amount="70", currency="EUR", supplier=theirs),
        )
        assert deliver(box, *documents, post_payments=True)["payments"] == {"created": 2}
        assert "2 lines, EUR 70.00, USD 1,000.00 in all." in caplog.text

    def test_lines_that_were_left_are_posted_by_the_next_run(self, box):
        """Even one that has nothing new to deliver."""
        document = payment(of=entered(box)["id"])
        deliver(box, document)
        assert len(lines_of(box)) == 1
        deliver(box, document, post_payments=True)
        assert lines_of(box) == []

    def test_a_line_of_somebody_else_keeps_it_from_being_posted(self, box, sink, caplog):
        """A journal is posted as a whole; the log says why it is not."""
        owed = entered(box)
        pay_by_hand(box, owed, "5.00", code="BILL")
        deliver(box, payment(of=owed["id"], amount="400.00"), post_payments=True)
        assert len(lines_of(box)) == 2
        assert "Journal BILL is not posted: 1 of its 2 lines were not made here (HAND1)" in caplog.text

    @pytest.mark.parametrize(
        ("spoil", "words"),
        [
            ("pay_all", "which is paid"),
            ("pay_part", "owes 700"),
            ("block", "which is blocked"),
            ("empty", "has the amount 0"),
            ("date_back", "is dated 2026-09-01, before invoice"),
        ],
    )
    def test_what_changed_meanwhile_keeps_it_from_being_posted(self, box, sink, caplog, spoil, words):
        """One line that cannot be posted keeps back all; it is told before Business Central is asked."""
        owed = entered(box)
        sink().create(payment(of=owed["id"], amount="800.00"))
        SPOILING[spoil](box, owed)
        calls = journal_calls(box)
        sink(post_payments=True).finish()
        assert words in caplog.text
        assert len(lines_of(box)) == 1
        assert not [name for name in box.stats.as_json()["business_central"]["endpoints"] if "journals" in name]
        assert journal_calls(box) >= calls

    def test_a_refusal_to_post_is_told_in_its_own_words(self, box, sink, caplog):
        """And left to the next run."""
        sink().create(payment(of=entered(box)["id"]))
        box.business_central.company().setup.posting_to = "2026-10-01"
        sink(post_payments=True).finish()
        assert "is not within your range of allowed posting dates" in caplog.text
        assert len(lines_of(box)) == 1

    @pytest.mark.parametrize("fault", ["drop_after", "error_500"])
    def test_a_lost_answer_to_posting_is_settled_by_what_is_left(self, box, sink, monkeypatch, caplog, fault):
        """Posting is one transaction: its lines are gone or all there."""
        caplog.set_level(logging.INFO)
        document = payment(of=entered(box)["id"])
        sink().create(document)
        made = sink(post_payments=True)
        post = made._payments.post

        def lost(journal):
            box.faults.next("business_central", fault, 1, side="writes")
            post(journal)

        monkeypatch.setattr(made._payments, "post", lost)
        made.finish()
        posted = fault == "drop_after"
        assert (lines_of(box) == [], len(entries_of(box, PaymentNumbers.of(document).key))) == (posted, int(posted))
        assert ("is posted" if posted else "is not posted") in caplog.text

    def test_a_journal_that_is_to_be_posted_later_is_not_told_to_be_posted(self, box, sink, monkeypatch, caplog):
        """Business Central may take the order and leave the work to its job queue."""
        sink().create(payment(of=entered(box)["id"]))
        made = sink(post_payments=True)
        monkeypatch.setattr(made._payments, "post", lambda _journal: None)
        made.finish()
        assert "not carried it out yet" in caplog.text
        assert len(lines_of(box)) == 1

    def test_without_being_asked_nothing_is_posted_or_read(self, box, sink):
        """By default the lines are left to people."""
        made = sink(prepared=False)
        before = box.stats.calls("business_central")
        made.finish()
        assert box.stats.calls("business_central") == before

    def test_a_busy_service_is_no_reason_to_fail(self, box, sink, monkeypatch, caplog):
        """Everything was delivered; the next run posts."""
        made = sink(post_payments=True)

        def busy(*_args):
            raise Throttled("business_central", "GET vendorPaymentJournals", "busy")

        monkeypatch.setattr(made._payments, "journal", busy)
        made.finish()
        assert "Journal BILL is not posted: Business Central answered GET vendorPaymentJournals: busy." in caplog.text

    def test_a_journal_that_changes_its_id_is_found_again(self, box, sink):
        """It is looked up by its code in each run, and after posting."""
        made = sink(post_payments=True)
        first, second = entered(box), entered(box, number="NW-2")
        made.create(payment("one", of=first["id"]))
        made.finish()
        old = next(each for each in box.business_central.records("batches") if each["code"] == "BILL")
        box.business_central.delete("batches", old["id"])
        replace_journal(box, old)
        made.create(payment("two", of=second["id"]))
        assert len(lines_of(box)) == 1


def replace_journal(box, old):
    """Let Business Central put a new journal in the place of an emptied one."""
    store = box.business_central
    with store.lock, store.main.unit():
        company = store.company()
        fresh = {**old, "id": company.new_id("journal")}
        fresh.pop("_created", None)
        company.save("batches", fresh)


def pay(box, owed, amount):
    """Somebody pays the invoice, or a part of it."""
    pay_by_hand(box, owed, amount)
    box.business_central.post_batch("GENERAL")


def edit_line(box, **changes):
    """Somebody edits the line."""
    box.business_central.edit("lines", lines_of(box)[0]["id"], **changes)


SPOILING = {
    "pay_all": lambda box, owed: pay(box, owed, "1000.00"),
    "pay_part": lambda box, owed: pay(box, owed, "300.00"),
    "block": lambda box, owed: box.business_central.edit("vendors", owed["vendorId"], blocked="Payment"),
    "empty": lambda box, _owed: edit_line(box, amount=Decimal(0)),
    "date_back": lambda box, _owed: edit_line(box, postingDate="2026-09-01"),
}


def test_invoice_bill_payment_line(box):
    """An invoice that came from BILL, posted by a person, is paid by BILL's payment."""
    deliver(box, invoice(amounts=("100.00",), line={"gl_account": ACCOUNT}))
    (made,) = [each for each in box.business_central.invoices() if each["vendorInvoiceNumber"] == "R-1"]
    box.business_central.post_invoice(made["id"])
    assert deliver(box, payment(of=made["id"], amount="100.00"), post_payments=True)["payments"] == {"created": 1}
    assert box.business_central.record("purchaseInvoices", made["id"])["status"] == "Paid"
