"""The sinks of target-business-central against a company, and the whole target with its ledger."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from business_central_documents import (
    ACCOUNT,
    COMPANY,
    DAY,
    VENDOR,
    account,
    client_for,
    coded,
    config_for,
    deliver,
    dimension,
    entered,
    entries_of,
    invoice,
    lines_of,
    payment,
    supplier,
    without_documents,
)

from erp_sandbox.world import World
from ml_connector.delivery.sink import LookupInconclusive, differences
from ml_connector.documents import PaymentApplication, Reference
from ml_connector.errors import Conflict, NotFound, Rejected, SettingInvalid
from ml_connector.systems.business_central.errors import EntityChanged
from target_business_central.options import BusinessCentralPosting
from target_business_central.payment_request import PaymentNumbers
from target_business_central.references import References
from target_business_central.sinks import AccountSink, DimensionSink, PaymentSink, SupplierInvoiceSink, SupplierSink
from target_business_central.target import TargetBusinessCentral

WITH_DEFAULTS = "V00005"
"""A vendor whose lines inherit a department."""


@pytest.fixture
def box(sandbox, tmp_path, monkeypatch):
    """A running company; the ledger of the test is in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MELTANO_PROJECT_ROOT", raising=False)
    without_documents(monkeypatch)
    return sandbox(World.plain(vendors=5, bills=1, lines=(1, 1)))


@pytest.fixture
def connect(box):
    """A maker of clients, each as if in a run of its own."""
    made = []

    def client(**changes):
        made.append(client_for(box, **changes))
        return made[-1]

    yield client
    for each in made:
        each.close()


@pytest.fixture
def sink(box, connect):
    """A maker of prepared sinks with the options given."""

    def make(cls=SupplierInvoiceSink, **options):
        client, posting = connect(), BusinessCentralPosting.from_config(options)
        references = References(client, box.business_central.company().id)
        arguments = {
            AccountSink: (references,),
            DimensionSink: (references, posting),
            SupplierSink: (references, posting),
        }.get(cls, (client, references, posting))
        made = cls(*arguments)
        made.prepare()
        return made

    return make


def codes(reasons):
    """What stands against a document, by code."""
    return [reason.code for reason in reasons]


def invoices_of(box, number):
    """The purchase invoices with a vendor's number."""
    return [each for each in box.business_central.invoices() if each["vendorInvoiceNumber"] == number]


def writes(box):
    """How often each writing call was answered or cut."""
    counts = box.stats.as_json()["business_central"]["endpoints"]
    return {name: count for name, count in counts.items() if not name.startswith("GET") and "token" not in name}


def vendor_id(box, number=VENDOR):
    """The GUID of a vendor."""
    return box.business_central.vendor(number)["id"]


def instance_of(box, **changes):
    """What the ledger calls the company."""
    target = TargetBusinessCentral(config=config_for(box, **changes))
    try:
        return target.instance
    finally:
        if target._client is not None:
            target._client.close()


def interfering(monkeypatch, book, name, meddle, times=1):
    """Let somebody else be faster, right before a write: as often as said."""
    write, left = getattr(book, name), [times]

    def faster(*args, **kwargs):
        if left[0]:
            left[0] -= 1
            meddle()
        return write(*args, **kwargs)

    monkeypatch.setattr(book, name, faster)


class TestInvoices:
    """Purchase invoices: drafts, posted on request."""

    def test_a_draft_says_what_the_invoice_says(self, box, sink):
        """Vendor, number, dates, amounts, coding, and our id in a comment line."""
        done = sink().create(invoice(line=coded("cost_center", "120"), accounting_date=dt.date(2026, 10, 3)))
        made = box.business_central.record("purchaseInvoices", done.target_id)
        assert (made["vendorNumber"], made["vendorInvoiceNumber"], made["currencyCode"]) == (VENDOR, "R-1", "USD")
        assert (made["invoiceDate"], made["postingDate"], made["dueDate"]) == ("2026-10-01", "2026-10-03", "2026-10-31")
        assert (made["status"], made["totalAmountIncludingTax"]) == ("Draft", Decimal("100.50"))
        (shown,) = invoices_of(box, "R-1")
        assert [line["description"] for line in shown["lines"]] == [
            "Paper & pens",
            "Paper & pens",
            "October [ref BILL-00n011]",
        ]
        assert [(line["lineObjectNumber"], line["unitCost"]) for line in shown["lines"][:2]] == [
            (ACCOUNT, Decimal("60.25")),
            (ACCOUNT, Decimal("40.25")),
        ]
        assert (done.draft, done.number) == (True, None)

    def test_what_was_entered_reads_back_as_sent(self, sink):
        """With accounts and dimensions of every line, lines that lower it, and quantities."""
        made = sink(tax_account="2990", charges_account="6100")
        documents = [
            invoice(line=coded("department", "120")),
            invoice("2", ("50.00", "-5.00")),
            invoice("3", ("10.00",), line={"quantity": Decimal(3), "unit_price": Decimal("3.333")}),
            invoice("4", ("9.00",), line={"quantity": Decimal(3), "unit_price": Decimal("3.00")}),
            invoice("5", tax_amount=Decimal("8.00"), charges=Decimal("2.00")),
            invoice("6", ("1.234",), currency="KWD"),
        ]
        for document in documents:
            found = made.read_back([made.create(document).target_id])
            assert [differences(made.facts(document), each) for each in found.values()] == [[]]

    def test_a_missing_dimension_is_seen_when_it_is_read_back(self, box, sink):
        """Somebody took it off, or it never arrived; what lines inherit beside it does not matter."""
        made = sink()
        document = invoice(amounts=("5.00",), line=coded("department", "120"))
        done = made.create(document)
        bare = made.create(invoice("2", ("5.00",)))
        (found,) = made.read_back([bare.target_id]).values()
        assert "DEPARTMENT of line 1 is None, sent was 120" in differences(made.facts(document), found)
        assert differences(made.facts(document), made.read_back([done.target_id])[done.target_id]) == []

    def test_a_dimension_that_lines_inherit_is_changed_and_not_added(self, box, sink):
        """Business Central refuses to add it a second time."""
        made = sink()
        document = invoice(line=coded("department", "120"), supplier=WITH_DEFAULTS)
        done = made.create(document)
        assert differences(made.facts(document), made.read_back([done.target_id])[done.target_id]) == []
        assert len(invoices_of(box, "R-1")) == 1

    def test_a_long_number_is_shortened_noted_and_found_again(self, box, sink):
        """The same short form every time; people see the whole number in the comment."""
        document = invoice(supplier_number="2026/rotterdam/000000000000000000123456", memo=None)
        done = sink().create(document)
        (made,) = [each for each in box.business_central.invoices() if each["id"] == done.target_id]
        assert len(made["vendorInvoiceNumber"]) == 35
        assert "2026/rotterdam/000000000000000000123456" in made["lines"][-1]["description"]
        assert "too long" in done.warnings[0]
        assert sink().find(document).target_id == done.target_id

    def test_a_number_goes_by_without_case(self, sink):
        """Business Central keeps codes in upper case."""
        done = sink().create(invoice(supplier_number="ab-7"))
        assert sink().find(invoice(supplier_number="ab-7")).target_id == done.target_id

    def test_an_invoice_without_a_number_is_numbered_by_our_id(self, box, sink):
        """Posting wants one."""
        sink().create(invoice(supplier_number=None))
        assert len(invoices_of(box, "BILL-00N011")) == 1

    def test_the_currency_is_always_said(self, box, sink):
        """Without it the invoice would take that of the vendor's card."""
        euro = box.business_central.company().currency_of("EUR")
        box.business_central.edit("vendors", vendor_id(box), currencyId=euro[0], currencyCode=euro[1])
        done = sink().create(invoice())
        assert box.business_central.record("purchaseInvoices", done.target_id)["currencyCode"] == "USD"

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"supplier": "V77777"}, "unknown"),
            ({"currency": "CHF"}, "currency"),
            ({"company": "Other Services"}, "company"),
            ({"on_hold": True}, "on_hold"),
            ({"amounts": ("-5.00",)}, "credit"),
            ({"amounts": ("5.00",), "line": {"gl_account": None}}, "unmapped"),
            ({"line": {"gl_account": "9999"}}, "unknown"),
            ({"line": {"gl_account": "6990"}}, "inactive"),
            ({"line": {"gl_account": "6000"}}, "inactive"),
            ({"line": {"gl_account": "2000"}}, "inactive"),
            ({"line": coded("cost_center", "No such")}, "unknown"),
            ({"line": coded("grant", "G-1")}, "unmapped"),
            ({"charges": Decimal(1)}, "unmapped"),
        ],
    )
    def test_what_stands_against_an_invoice_is_told(self, sink, changes, code):
        """With a cure for each, each cause once."""
        (reason,) = sink().check(invoice(**changes))
        assert reason.code == code
        assert reason.what
        assert reason.cure

    def test_two_dimensions_of_one_code_are_held(self, sink):
        """A line has one department."""
        both = (Reference(kind="cost_center", value="120"), Reference(kind="department", value="110"))
        assert codes(sink().check(invoice(amounts=("5.00",), line={"dimensions": both}))) == ["ambiguous"]
        apart = sink(dimension_codes={"cost_center": "PROJECT"})
        assert codes(apart.check(invoice(amounts=("5.00",), line={"dimensions": both}))) == ["unknown"]

    @pytest.mark.parametrize(("blocked", "held"), [("All", True), ("Payment", False)])
    def test_a_blocked_vendor_is_owed_nothing_new(self, box, sink, blocked, held):
        """One that is blocked for payments alone still sends invoices."""
        box.business_central.edit("vendors", vendor_id(box), blocked=blocked)
        assert codes(sink().check(invoice())) == (["inactive"] if held else [])

    @pytest.mark.parametrize("value", ["id", "number", "name"])
    def test_a_vendor_and_an_account_go_by_id_number_or_name(self, box, sink, value):
        """As the mapping table writes it."""
        vendor = box.business_central.vendor(VENDOR)
        found = next(each for each in box.business_central.records("accounts") if each["number"] == ACCOUNT)
        name = {"id": "id", "number": "number", "name": "displayName"}[value]
        assert sink().check(invoice(supplier=vendor[name].upper(), line={"gl_account": found[name].lower()})) == []

    def test_another_total_is_taken_out_again(self, box, sink):
        """Business Central computes tax itself: a draft that comes to another total does not stay."""
        box.business_central.edit("vendors", vendor_id(box), taxLiable=True)
        document = invoice(amounts=("100.00",), line={"tax_code": "TAXABLE"})
        with pytest.raises(Rejected, match=r"comes to a total of 108(\.00)?, the invoice says 100.00 .* removed again"):
            sink().create(document)
        assert invoices_of(box, "R-1") == []

    def test_tax_that_business_central_computes_needs_no_account(self, box, sink):
        """As long as it comes to the same."""
        box.business_central.edit("vendors", vendor_id(box), taxLiable=True)
        document = invoice(amounts=("100.00",), line={"tax_code": "TAXABLE"}, tax_amount=Decimal("8.00"))
        done = sink().create(document)
        assert box.business_central.record("purchaseInvoices", done.target_id)["totalTaxAmount"] == 8

    @pytest.mark.parametrize("post", [True, False])
    def test_a_number_somebody_else_has_entered_is_a_conflict(self, box, sink, post):
        """A draft with the same number would be taken silently."""
        entered(box, number="R-1", post=post)
        with pytest.raises(Conflict, match=r"R-1 of 1000.* already .* not from here"):
            sink().create(invoice())
        assert len(invoices_of(box, "R-1")) == 1

    def test_other_vendors_numbers_do_not_matter(self, box, sink):
        """A number is one vendor's."""
        entered(box, "V00002", number="R-1")
        sink().create(invoice())
        assert len(invoices_of(box, "R-1")) == 2

    def test_what_is_ours_is_not_entered_again(self, box, sink):
        """Even by a ledger that knows nothing of it."""
        first = sink().create(invoice())
        again = sink().create(invoice())
        assert (again.target_id, len(again.warnings)) == (first.target_id, 1)
        assert len(invoices_of(box, "R-1")) == 1

    def test_ours_that_was_cancelled_is_not_entered_again(self, box, sink):
        """Somebody meant it."""
        done = sink().create(invoice())
        box.business_central.post_invoice(done.target_id)
        box.business_central.edit("purchaseInvoices", done.target_id, status="Canceled")
        with pytest.raises(Conflict, match="cancelled in Business Central"):
            sink().create(invoice())
        assert sink().find(invoice()).cancelled

    def test_find_proves_that_there_is_none(self, sink):
        """Nothing with this number."""
        assert sink().find(invoice()) is None

    @pytest.mark.parametrize(("cost", "found"), [("100.50", True), ("7.00", False)])
    def test_an_unmarked_one_is_the_invoice_only_if_its_total_is_too(self, box, sink, cost, found):
        """After a request whose outcome nobody knows; somebody may have taken our id out."""
        entered(box, cost=cost, number="R-1", post=False)
        assert (sink().find(invoice()) is not None) is found

    def test_a_look_up_that_is_refused_is_no_proof(self, sink, monkeypatch):
        """The document is held then."""
        made = sink()

        def refuse(*_args):
            raise Rejected("business_central", "GET purchaseInvoices", "no")

        monkeypatch.setattr(made._invoices, "with_number", refuse)
        with pytest.raises(LookupInconclusive):
            made.find(invoice())

    def test_a_survey_finds_what_carries_our_id_in_the_window(self, box, sink):
        """The company's others are read, and left out."""
        made = sink()
        for document in (invoice("1"), invoice("2", invoice_date=dt.date(2026, 9, 30))):
            made.create(document)
        entered(box)
        assert [each.external_id for each in sink().survey(DAY, dt.date(2026, 10, 31))] == ["BILL-00n011"]


class TestPostedInvoices:
    """Posting, for those who ask for it."""

    def test_it_is_posted_under_the_same_id(self, box, sink):
        """With the number it has from then on."""
        done = sink(post_invoices=True).create(invoice())
        made = box.business_central.record("purchaseInvoices", done.target_id)
        assert (made["status"], done.number, done.draft) == ("Open", made["number"], False)

    def test_a_draft_that_is_to_be_posted_later_is_told_as_one(self, box, sink, monkeypatch):
        """Business Central may take the order and leave the work to its job queue."""
        made = sink(post_invoices=True)
        monkeypatch.setattr(made._invoices, "post", lambda _identifier: None)
        assert "Post with Job Queue" in made.create(invoice()).unfinished

    def test_a_refusal_to_post_keeps_the_draft(self, box, sink):
        """Such as an approval that is missing; once it is there, a replay posts it."""
        store = box.business_central
        store.company().setup.invoice_approval = True
        made = sink(post_invoices=True)
        done = made.create(invoice())
        assert (done.draft, "stays a draft" in done.unfinished) == (True, True)
        assert store.record("purchaseInvoices", done.target_id)["status"] == "Draft"
        store.company().setup.invoice_approval = False
        assert made.update(invoice(), done.target_id, invoice()).draft is False
        assert store.record("purchaseInvoices", done.target_id)["status"] == "Open"

    def test_every_run_takes_up_what_is_not_posted_yet(self, box):
        """It is held meanwhile, with the words of Business Central."""
        setup = box.business_central.company().setup
        setup.invoice_approval = True
        assert deliver(box, invoice(), post_invoices=True)["supplier_invoices"] == {"created": 1}
        assert deliver(box, invoice(), post_invoices=True)["supplier_invoices"]["held"] == 1
        setup.invoice_approval = False
        assert deliver(box, invoice(), post_invoices=True)["supplier_invoices"]["updated"] == 1
        assert invoices_of(box, "R-1")[0]["status"] == "Open"
        assert deliver(box, invoice(), post_invoices=True)["supplier_invoices"] == {"unchanged": 1}

    def test_a_draft_whose_answer_was_lost_is_posted_all_the_same(self, box):
        """It is found, and brought to its end in the same run."""
        box.faults.next("business_central", "drop_after", 1, side="writes")
        deliver(box, invoice(), post_invoices=True)
        assert [each["status"] for each in invoices_of(box, "R-1")] == ["Open"]

    def test_a_lost_answer_to_posting_is_settled_by_the_status(self, box, sink, monkeypatch):
        """The id survives posting, so it can be asked."""
        made = sink(post_invoices=True)
        post = made._invoices.post

        def lost(identifier):
            box.faults.next("business_central", "drop_after", 1, side="writes")
            post(identifier)

        monkeypatch.setattr(made._invoices, "post", lost)
        assert made.create(invoice()).draft is False

    def test_a_posted_one_is_never_deleted(self, box, sink):
        """Business Central itself may not stand in the way."""
        made = sink()
        posted = made._invoices.get(entered(box)["id"])
        with pytest.raises(ValueError, match="not a draft"):
            made._invoices.delete(posted)


class TestChangedInvoices:
    """Updates of drafts nobody has posted."""

    def entered(self, made, document=None):
        """Enter an invoice; return its id."""
        return made.create(document or invoice(line=coded("department", "120"))).target_id

    def test_a_draft_is_made_to_say_what_the_invoice_says(self, box, sink):
        """Header, lines and dimensions; what is too much goes, what is missing comes."""
        made = sink()
        before = invoice(line=coded("department", "120"))
        id_ = self.entered(made, before)
        for after in (
            invoice(amounts=("61.25",), line=coded("department", "110"), due_date=dt.date(2026, 11, 15)),
            invoice(amounts=("61.25", "5.00", "6.00"), line={**coded("department", "140"), "gl_account": "6110"}),
        ):
            assert made.update(after, id_, before).unchanged is False
            assert differences(made.facts(after), made.read_back([id_])[id_]) == []
            before = after
        assert len(invoices_of(box, "R-1")) == 1
        assert invoices_of(box, "R-1")[0]["lines"][-1]["description"].endswith("[ref BILL-00n011]") is False

    def test_nothing_is_sent_where_nothing_differs(self, box, sink):
        """Not even the etag changes."""
        made = sink()
        id_ = self.entered(made)
        before = box.business_central.record("purchaseInvoices", id_)["_version"]
        assert made.update(invoice(line=coded("department", "120")), id_, None).unchanged is True
        assert box.business_central.record("purchaseInvoices", id_)["_version"] == before

    @pytest.mark.parametrize("times", [1, 3])
    @pytest.mark.parametrize("status", [409, 412])
    def test_who_was_faster_is_read_again_and_not_overwritten(self, box, sink, monkeypatch, times, status):
        """The due date somebody else set meanwhile stays, our new date arrives."""
        box.business_central.behaviour.stale_status = status
        made = sink()
        id_ = self.entered(made)
        meddle = lambda: box.business_central.edit("purchaseInvoices", id_, purchaser="PAT")  # noqa: E731
        interfering(monkeypatch, made._invoices, "change", meddle, times)
        made.update(invoice(line=coded("department", "120"), due_date=dt.date(2026, 12, 1)), id_, invoice())
        now = box.business_central.record("purchaseInvoices", id_)
        assert (now["dueDate"], now["purchaser"]) == ("2026-12-01", "PAT")

    def test_reading_a_draft_may_change_it(self, box, sink):
        """Business Central recalculates it for whoever may write (sheet 8.5): what was read last is what is written to."""
        made = sink()
        document = invoice(line=coded("department", "120"))
        id_ = self.entered(made, document)
        box.business_central.behaviour.reads_touch_drafts = True
        after = invoice(amounts=("61.25", "5.00", "6.00"), line=coded("department", "110"), due_date="2026-12-01")
        made.update(after, id_, document)
        assert differences(made.facts(after), made.read_back([id_])[id_]) == []

    def test_who_is_faster_every_time_wins(self, box, sink, monkeypatch):
        """After four readings the invoice is held."""
        made = sink()
        id_ = self.entered(made)
        meddle = lambda: box.business_central.edit("purchaseInvoices", id_, purchaser="PAT")  # noqa: E731
        interfering(monkeypatch, made._invoices, "change", meddle, 9)
        with pytest.raises(EntityChanged):
            made.update(invoice(due_date=dt.date(2026, 12, 1)), id_, invoice())

    def test_a_draft_posted_meanwhile_is_a_conflict(self, box, sink, monkeypatch):
        """Read again, it may not be changed any more."""
        made = sink()
        id_ = self.entered(made)
        interfering(monkeypatch, made._invoices, "change", lambda: box.business_central.post_invoice(id_))
        with pytest.raises(Conflict, match=r"may not be changed any more \(Open\)"):
            made.update(invoice(due_date=dt.date(2026, 12, 1)), id_, invoice())

    def test_a_line_changed_meanwhile_is_read_again(self, box, sink, monkeypatch):
        """Lines carry etags of their own."""
        made = sink()
        id_ = self.entered(made)
        line = invoices_of(box, "R-1")[0]["lines"][0]["id"]
        meddle = lambda: box.business_central.edit("purchaseInvoiceLines", line, description2="kept")  # noqa: E731
        interfering(monkeypatch, made._invoices, "change_lines", meddle)
        made.update(invoice(amounts=("61.25", "40.25"), line=coded("department", "120")), id_, None)
        now = box.business_central.record("purchaseInvoiceLines", line)
        assert (now["unitCost"], now["description2"]) == (Decimal("61.25"), "kept")

    def test_one_posted_meanwhile_that_says_the_same_is_left(self, box, sink):
        """By us, which we never learned, or by somebody."""
        made = sink()
        id_ = self.entered(made)
        box.business_central.post_invoice(id_)
        done = made.update(invoice(line=coded("department", "120")), id_, None)
        number = box.business_central.record("purchaseInvoices", id_)["number"]
        assert (done.unchanged, done.draft, done.number) == (True, False, number)

    def test_an_edited_draft_is_a_conflict(self, box, sink):
        """Somebody has changed what it comes to."""
        made = sink()
        id_ = self.entered(made)
        with pytest.raises(Conflict, match="was changed in Business Central"):
            made.update(invoice(amounts=("9.00",)), id_, invoice(amounts=("3.00",)))

    def test_a_posted_a_deleted_and_another_vendors_draft_are_told(self, box, sink):
        """Nothing of it is changed by us."""
        made = sink()
        id_ = self.entered(made)
        with pytest.raises(Conflict, match="is of vendor V00001, the invoice of V00002 now"):
            made.update(invoice(supplier="V00002"), id_, invoice())
        box.business_central.post_invoice(id_)
        with pytest.raises(Conflict, match="may not be changed any more"):
            made.update(invoice(amounts=("3.00",)), id_, invoice())
        with pytest.raises(NotFound, match="not there any more"):
            made.update(invoice(), "11111111-2222-4333-8444-555555555555", invoice())


class TestVendors:
    """Suppliers become vendors."""

    def test_a_vendor_says_what_the_supplier_says(self, box, sink):
        """Under a number made of our id, by which it is found again."""
        done = sink(SupplierSink).create(supplier(phone="5550100", tax_id="12-3456789"))
        made = box.business_central.record("vendors", done.target_id)
        assert (made["number"], made["displayName"], made["email"]) == (
            "BILL-00901NEW",
            "Harbor Lights 00901NEW LLC",
            "ap@harbor.invalid",
        )
        assert (made["addressLine1"], made["city"], made["state"], made["postalCode"], made["country"]) == (
            "10 Mill Street",
            "Oakland",
            "CA",
            "94607",
            "US",
        )
        assert (made["phoneNumber"], made["taxRegistrationNumber"], made["blocked"]) == ("5550100", "12-3456789", " ")
        assert "12-3456789" not in (done.request + done.response)

    def test_what_was_created_reads_back_as_sent(self, sink):
        """Codes in upper case."""
        made = sink(SupplierSink)
        document = supplier(postal_code="sw1a 1aa", country="gb")
        found = made.read_back([made.create(document).target_id])
        assert [differences(made.facts(document), each) for each in found.values()] == [[]]

    @pytest.mark.parametrize(
        ("id_", "number"),
        [("00901NEW", "BILL-00901NEW"), ("00901LONGIDENTIFIER99", "LONGIDENTIFIER99"), ("00901new", "BILL-00901NEW-")],
    )
    def test_the_number_is_ours_whatever_length_and_case_the_id_has(self, sink, id_, number):
        """What upper case or cutting would change carries a digest."""
        made = sink(SupplierSink)
        done = made.create(supplier(id_))
        assert len(done.number) <= 20
        assert number[-6:] in done.number
        assert made.match(supplier(id_)).target_id == done.target_id
        assert sink(SupplierSink).find(supplier(id_)).target_id == done.target_id

    def test_business_central_can_give_the_numbers(self, box, sink):
        """Then a lost answer can only be settled where nobody has this name."""
        box.business_central.company().setup.manual_vendor_numbers = False
        made = sink(SupplierSink, vendor_numbers="series")
        assert made.find(supplier()) is None
        assert not made.create(supplier()).number.startswith("BILL-")
        with pytest.raises(LookupInconclusive, match="has this name"):
            sink(SupplierSink, vendor_numbers="series").find(supplier())

    def test_a_number_that_may_not_be_given_is_told(self, box, sink):
        """In Business Central's own words."""
        box.business_central.company().setup.manual_vendor_numbers = False
        with pytest.raises(Rejected, match="manual"):
            sink(SupplierSink).create(supplier())

    @pytest.mark.parametrize(
        ("changes", "number"),
        [
            ({"target_id": "V00003"}, "V00003"),
            ({"target_id": "v00003"}, "V00003"),
            ({"known_as": ("V00003",), "name": "Dunmore Catering"}, "V00003"),
            ({"tax_id": "00 0000003", "name": "Dunmore Catering"}, "V00003"),
            ({"name": "Dunmore Catering Group"}, None),
            ({"known_as": ("Dunmore Catering Group",)}, None),
            ({}, None),
        ],
    )
    def test_only_certain_matches_count(self, sink, changes, number):
        """Never a name."""
        found = sink(SupplierSink).match(supplier(**changes))
        assert (found and found.number) == number

    def test_the_short_name_it_has_in_bill_leads_back(self, box, sink):
        """A vendor BILL was given from here is known by the shortened id of ours."""
        from ml_connector.names import shortened

        key = shortened(f"BC-{vendor_id(box, 'V00002')}", 21)
        document = supplier(name=box.business_central.vendor("V00002")["displayName"], known_as=(key,))
        assert sink(SupplierSink).match(document).number == "V00002"

    def test_a_tax_number_goes_to_one_supplier(self, sink):
        """Two suppliers of one number are two suppliers."""
        made = sink(SupplierSink)
        name = "Dunmore Catering"
        assert made.match(supplier("A", name=name, tax_id="00-0000003")).number == "V00003"
        assert made.match(supplier("B", name=name, tax_id="00-0000003")) is None

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"target_id": "V77777"}, "unknown"),
            ({"currency": "CHF"}, "currency"),
            ({"active": False}, "inactive"),
            ({"name": "N" * 101}, "too_long"),
            ({"city": "C" * 31}, "too_long"),
            ({"name": "Dunmore  catering GROUP"}, "ambiguous"),
        ],
    )
    def test_what_stands_against_a_vendor_is_told(self, sink, changes, code):
        """With a cure for each."""
        (reason,) = sink(SupplierSink).check(supplier(**changes))
        assert (reason.code, bool(reason.cure)) == (code, True)

    def test_owned_fields_are_changed_and_nothing_else(self, box, sink):
        """Only what differs is sent."""
        made = sink(SupplierSink)
        before = box.business_central.vendor(VENDOR)
        document = supplier(target_id=VENDOR, owned=("email", "city", "active"), active=False)
        assert made.update(document, before["id"], None).unchanged is False
        now = box.business_central.vendor(VENDOR)
        assert (now["email"], now["city"], now["blocked"]) == ("ap@harbor.invalid", "Oakland", "All")
        assert (now["displayName"], now["addressLine1"]) == (before["displayName"], before["addressLine1"])
        assert made.update(document, before["id"], document).unchanged is True
        assert made.check(document) == []

    def test_a_vendor_blocked_for_payments_counts_as_active(self, box, sink):
        """Somebody blocked it for a reason that is none of the source's."""
        box.business_central.edit("vendors", vendor_id(box), blocked="Payment")
        document = supplier(target_id=VENDOR, owned=("active",))
        assert sink(SupplierSink).update(document, vendor_id(box), None).unchanged is True

    def test_what_somebody_typed_in_is_not_overwritten(self, box, sink):
        """A field that says neither what was sent last nor what is to be sent now."""
        made = sink(SupplierSink)
        box.business_central.edit("vendors", vendor_id(box), email="typed@somebody.invalid")
        document = supplier(target_id=VENDOR, owned=("email",))
        last = supplier(target_id=VENDOR, owned=("email",), email="old@harbor.invalid")
        with pytest.raises(Conflict, match=r"email is typed@somebody.invalid, last sent was old@harbor.invalid"):
            made.update(document, vendor_id(box), last)

    @pytest.mark.parametrize("status", [409, 412])
    def test_who_was_faster_is_read_again_and_not_overwritten(self, box, sink, monkeypatch, status):
        """Another field somebody changed at this moment stays; ours arrives with the etag of the new reading."""
        box.business_central.behaviour.stale_status = status
        made = sink(SupplierSink)
        meddle = lambda: box.business_central.edit("vendors", vendor_id(box), city="Alameda")  # noqa: E731
        interfering(monkeypatch, made._references.vendors, "change", meddle)
        made.update(supplier(target_id=VENDOR, owned=("email",)), vendor_id(box), None)
        now = box.business_central.vendor(VENDOR)
        assert (now["email"], now["city"]) == ("ap@harbor.invalid", "Alameda")

    def test_the_same_field_changed_at_this_moment_is_a_conflict(self, box, sink, monkeypatch):
        """The new reading shows that somebody has changed what we were to change."""
        made = sink(SupplierSink)
        last = supplier(target_id=VENDOR, owned=("email",), email=box.business_central.vendor(VENDOR)["email"])
        meddle = lambda: box.business_central.edit("vendors", vendor_id(box), email="t@s.invalid")  # noqa: E731
        interfering(monkeypatch, made._references.vendors, "change", meddle)
        with pytest.raises(Conflict, match="somebody changed vendor"):
            made.update(supplier(target_id=VENDOR, owned=("email",)), vendor_id(box), last)
        assert box.business_central.vendor(VENDOR)["email"] == "t@s.invalid"

    def test_a_vendor_that_is_gone_is_told(self, sink):
        """Nothing is made in its stead."""
        with pytest.raises(NotFound, match="not there any more"):
            sink(SupplierSink).update(supplier(owned=("email",)), "11111111-2222-4333-8444-555555555555", None)


class TestCoding:
    """Accounts and dimension values are read-only."""

    def test_what_has_the_same_number_is_linked(self, sink):
        """By number or code, never by name."""
        assert sink(AccountSink).match(account()).number == ACCOUNT
        assert sink(AccountSink).match(account("6100", target_id="6110")).number == "6110"
        assert sink(AccountSink).match(account("7777", name="Office Supplies")) is None
        assert sink(DimensionSink).match(dimension()).number == "120"
        assert sink(DimensionSink).match(dimension(None, name="finance")).number == "120"

    @pytest.mark.parametrize(
        ("cls", "document", "words"),
        [(AccountSink, account("7777"), "account 7777"), (DimensionSink, dimension("777"), "department 777")],
    )
    def test_what_is_missing_is_refused_in_clear_words(self, sink, cls, document, words):
        """Nothing is written, whoever asks."""
        (reason,) = sink(cls).check(document)
        assert (reason.code, words in reason.what, "none can be made through its API" in reason.what) == (
            "read_only",
            True,
            True,
        )
        with pytest.raises(Rejected, match="cannot be made"):
            sink(cls).create(document)


class TestWholeTarget:
    """Through the ledger, as a run does it."""

    def test_everything_in_one_run_and_nothing_in_the_next(self, box):
        """Coding linked, vendor made, its invoice entered; a second run writes nothing."""
        vendor = supplier()
        documents = [account(), dimension(), vendor, invoice(supplier=vendor.name)]
        first = deliver(box, *documents, missing_suppliers="create")
        assert first == {
            "gl_accounts": {"linked": 1},
            "dimensions": {"linked": 1},
            "suppliers": {"created": 1},
            "supplier_invoices": {"drafted": 1},
        }
        before = writes(box)
        again = deliver(box, *documents, missing_suppliers="create")
        assert {outcome for counts in again.values() for outcome in counts} <= {"unchanged"}
        assert writes(box) == before

    def test_what_is_read_only_is_held_and_keeps_nothing_back(self, box):
        """The invoice beside it is entered."""
        done = deliver(box, account("7777"), dimension("777"), invoice())
        assert done == {
            "gl_accounts": {"held": 1},
            "dimensions": {"held": 1},
            "supplier_invoices": {"drafted": 1},
        }

    def test_a_lost_ledger_posts_nothing_twice(self, box, tmp_path):
        """Invoices are found by our id in their month, payments by their number; both are verified."""
        owed = entered(box)
        documents = [invoice(), payment(of=owed["id"])]
        deliver(box, *documents)
        for path in (tmp_path / ".ml-connector").glob("ledger.db*"):
            path.unlink()
        again = deliver(box, *documents)
        assert (again["supplier_invoices"], again["payments"]) == ({"found": 1}, {"unchanged": 1})
        assert (len(invoices_of(box, "R-1")), len(lines_of(box))) == (1, 1)

    def test_a_lost_ledger_finds_payments_that_were_posted(self, box, tmp_path):
        """Their lines are gone, and the invoice owes nothing any more."""
        owed = entered(box)
        document = payment(of=owed["id"])
        deliver(box, document)
        box.business_central.post_batch("BILL")
        for path in (tmp_path / ".ml-connector").glob("ledger.db*"):
            path.unlink()
        assert deliver(box, document)["payments"] == {"unchanged": 1}
        assert len(entries_of(box, PaymentNumbers.of(document).key)) == 1
        assert lines_of(box) == []

    @pytest.mark.parametrize("fault", ["drop_before", "drop_after", "error_500"])
    def test_a_lost_answer_is_asked_for_and_not_sent_again(self, box, fault):
        """Vendor, invoice and payment: each is there once."""
        owed = entered(box)
        box.faults.next("business_central", fault, 1, side="writes")
        deliver(box, supplier(), missing_suppliers="create")
        box.faults.next("business_central", fault, 1, side="writes")
        deliver(box, invoice())
        box.faults.next("business_central", fault, 1, side="writes")
        deliver(box, payment(of=owed["id"]))
        assert box.faults.happened() == {f"business_central.{fault}": 3}
        assert len(invoices_of(box, "R-1")) == 1
        assert len(lines_of(box)) == 1
        assert len([each for each in box.business_central.records("vendors") if "Harbor" in each["displayName"]]) == 1

    def test_the_company_may_be_named(self, box):
        """By its id no question is needed; by another name there is none."""
        by_id = box.business_central.company().id.upper()
        assert instance_of(box, company=by_id) == instance_of(box)
        with pytest.raises(SettingInvalid, match="no company the app may see"):
            instance_of(box, company="Nobody")

    @pytest.mark.parametrize(
        ("settings", "words"),
        [
            ({"payment_journal": "BILL1"}, 'setting "payment_journal" is "BILL1"'),
            ({"payment_journal": "ELEVENCHARS"}, "at most 10 characters"),
            ({"create_payment_journal": True}, 'setting "balancing_account" is missing'),
        ],
    )
    def test_wrong_settings_are_told_before_anything_is_taken(self, box, settings, words):
        """In one line, with the cure."""
        with pytest.raises(SettingInvalid) as error:
            deliver(box, invoice(), **settings)
        assert words in str(error.value)


def test_a_payment_of_a_credit_is_held(sink, box):
    """A payment line carries cash only."""
    owed = entered(box)
    part = PaymentApplication(invoice=owed["id"], amount=Decimal(900), credit=Decimal(100))
    document = payment(of=owed["id"], amount="900.00", applications=(part,))
    assert codes(sink(PaymentSink).check(document)) == ["credit"]
    assert COMPANY == "Acme Services"
