"""The sinks of target-bill against an organization, and the whole target with its ledger."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import datetime as dt
from decimal import Decimal

import pytest
from bill_documents import (
    ACCOUNT,
    DAY,
    VENDOR,
    account,
    coded,
    config_for,
    deliver,
    dimension,
    invoice,
    payment,
    supplier,
)

from erp_sandbox.bill.rules import BillRules
from erp_sandbox.ids import bill_id
from ml_connector.delivery.sink import LookupInconclusive, differences
from ml_connector.documents import PaymentApplication, Reference
from ml_connector.errors import Conflict, NotFound, OutcomeUnknown, Rejected, SettingInvalid
from ml_connector.systems.bill.client import BillClient
from ml_connector.systems.bill.settings import BillSettings
from ml_connector.systems.bill.writes import Written
from target_bill.options import BillPosting
from target_bill.references import References
from target_bill.sinks import AccountSink, DimensionSink, PaymentSink, SupplierInvoiceSink, SupplierSink
from target_bill.target import TargetBill

LONG_NUMBER = "2026/ROTTERDAM/000000123456"


@pytest.fixture
def rules():
    """The switches of the stand-in."""
    return BillRules()


@pytest.fixture
def box(sandbox, rules, tmp_path, monkeypatch):
    """A running organization; the ledger of the test is in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MELTANO_PROJECT_ROOT", raising=False)
    return sandbox(rules=rules)


@pytest.fixture
def connect(box):
    """A maker of clients, each as if in a run of its own."""
    made = []

    def client(**changes):
        made.append(BillClient(BillSettings.from_config(config_for(box, **changes), plugin="target-bill")))
        return made[-1]

    yield client
    for each in made:
        each.close()


@pytest.fixture
def sink(connect):
    """A maker of prepared sinks with the options given."""

    def make(cls=SupplierInvoiceSink, **options):
        client, posting = connect(), BillPosting.from_config(options)
        references = References(client)
        arguments = {
            SupplierInvoiceSink: (client, references, posting),
            PaymentSink: (client, references),
            SupplierSink: (references,),
        }.get(cls, (references, posting))
        made = cls(*arguments)
        made.prepare()
        return made

    return make


def codes(reasons):
    """What stands against a document, by code."""
    return [reason.code for reason in reasons]


def bills_of(box, number):
    """The bills of a number, newest last."""
    return [bill for bill in box.bill.bills() if bill["invoice"]["invoiceNumber"] == number]


def writes(box):
    """How often each writing call was answered or cut."""
    counts = box.stats.as_json()["bill"]["endpoints"]
    return {name: count for name, count in counts.items() if not name.startswith("GET") and "login" not in name}


def row_named(box, table, name):
    """The id of an account or classification."""
    return next(row["id"] for row in box.bill.table(table).records() if row["name"] == name)


class TestInvoices:
    """Bills and vendor credits."""

    def test_a_bill_says_what_the_invoice_says(self, box, sink):
        """Vendor, number, dates, amounts, coding, order number, and our id where people can see it."""
        department = row_named(box, "departments", "Finance")
        made = sink()
        done = made.create(invoice(line=coded("cost_center", "Finance"), purchase_order_number="4500001234"))
        bill = box.bill.bill(done.target_id)
        assert (bill["vendorId"], bill["dueDate"]) == (VENDOR, "2026-10-31")
        assert bill["invoice"] == {"invoiceNumber": "R-1", "invoiceDate": "2026-10-01"}
        assert (bill["description"], bill["purchaseOrderNumber"]) == ("October [ref SAP-1]", "4500001234")
        assert [line["amount"] for line in bill["billLineItems"]] == [Decimal("60.25"), Decimal("40.25")]
        coding = bill["billLineItems"][0]["classifications"]
        assert coding["departmentId"] == department
        assert box.bill.table("chart_of_accounts").record(coding["chartOfAccountId"])["account"]["number"] == ACCOUNT
        assert (done.number, done.open, done.draft) == ("R-1", True, False)

    def test_what_was_posted_reads_back_as_sent(self, sink):
        """Bills and credits alike."""
        made = sink(tax_account=ACCOUNT)
        documents = [invoice(), invoice("2", ("-5.00",)), invoice("3", tax_amount=Decimal("1.50"))]
        for document in documents:
            found = made.read_back([made.create(document).target_id])
            assert [differences(made.facts(document), each) for each in found.values()] == [[]]

    def test_quantity_and_price_go_along_where_bill_comes_to_the_same_amount(self, box, sink):
        """Else the amount alone: BILL would compute another one."""
        made = sink()
        exact = made.create(invoice("1", ("9.00",), line={"quantity": Decimal(3), "unit_price": Decimal("3.00")}))
        odd = made.create(invoice("2", ("10.00",), line={"quantity": Decimal(3), "unit_price": Decimal("3.333")}))
        assert box.bill.bill(exact.target_id)["billLineItems"][0]["quantity"] == 3
        assert "quantity" not in box.bill.bill(odd.target_id)["billLineItems"][0]

    def test_tax_and_charges_stand_on_lines_of_their_own(self, box, sink):
        """With the accounts set for them."""
        made = sink(tax_account="6100", charges_account="5000")
        done = made.create(invoice(tax_amount=Decimal("8.00"), charges=Decimal("2.00")))
        lines = box.bill.bill(done.target_id)["billLineItems"]
        assert [(line["description"], line["amount"]) for line in lines[2:]] == [("Tax", 8), ("Charges", 2)]

    def test_a_negative_total_becomes_a_vendor_credit(self, box, sink):
        """With positive amounts."""
        done = sink().create(invoice("9", ("-50.00", "10.00")))
        credit = box.bill.table("vendor_credits").record(done.target_id)
        assert (credit["amount"], credit["referenceNumber"]) == (40, "R-9")
        assert [line["amount"] for line in credit["vendorCreditLineItems"]] == [50, -10]
        assert bills_of(box, "R-9") == []

    def test_a_long_number_is_shortened_noted_and_found_again(self, box, sink):
        """The same short form every time; people see the whole number in the description."""
        document = invoice(supplier_number=LONG_NUMBER)
        done = sink().create(document)
        assert len(done.number) == 21
        assert (done.number[:12], done.number in done.warnings[0]) == (LONG_NUMBER[-12:], True)
        assert LONG_NUMBER in box.bill.bill(done.target_id)["description"]
        assert sink().find(document).target_id == done.target_id

    def test_an_invoice_without_a_number_is_numbered_by_our_id(self, box, sink):
        """BILL wants one."""
        assert sink().create(invoice(supplier_number=None)).number == "SAP-1"

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"supplier": "00901NOBODY"}, "unknown"),
            ({"currency": "EUR"}, "currency"),
            ({"company": "00801OTHER"}, "company"),
            ({"due_date": None}, "missing"),
            ({"on_hold": True}, "on_hold"),
            ({"amounts": ("1.005",)}, "inexact"),
            ({"amounts": ("5.00",), "line": {"gl_account": None}}, "unmapped"),
            ({"line": {"gl_account": "9999"}}, "unknown"),
            ({"line": {"gl_account": None, "spend_category": "No such"}}, "unknown"),
            ({"line": coded("cost_center", "No such")}, "unknown"),
            ({"line": coded("grant", "G-1")}, "unmapped"),
            ({"tax_amount": Decimal(1)}, "unmapped"),
            ({"charges": Decimal(1)}, "unmapped"),
        ],
    )
    def test_what_stands_against_an_invoice_is_told(self, sink, changes, code):
        """With a cure for each."""
        (reason,) = sink().check(invoice(**changes))
        assert reason.code == code
        assert reason.what
        assert reason.cure

    def test_everything_is_told_at_once(self, sink):
        """Each cause once, however many lines have it."""
        reasons = sink().check(invoice(supplier="00901NOBODY", due_date=None, line={"gl_account": "9999"}))
        assert codes(reasons) == ["unknown", "missing", "unknown"]

    def test_two_dimensions_that_share_a_list_are_held(self, sink):
        """A line has one department."""
        both = (Reference(kind="cost_center", value="Finance"), Reference(kind="department", value="People"))
        assert codes(sink().check(invoice(amounts=("5.00",), line={"dimensions": both}))) == ["ambiguous"]
        apart = sink(dimension_lists={"cost_center": "accounting_classes"})
        assert codes(apart.check(invoice(amounts=("5.00",), line={"dimensions": both}))) == ["unknown"]

    @pytest.mark.parametrize(("table", "id_"), [("vendors", VENDOR), ("chart_of_accounts", None)])
    def test_archived_things_are_not_posted_to(self, box, sink, table, id_):
        """They are held with their names, not restored."""
        id_ = id_ or row_named(box, table, next(r["name"] for r in box.bill.table(table).records() if _number(r)))
        box.bill.edit(table, id_, archived=True)
        (reason,) = sink().check(invoice())
        assert (reason.code, "archived" in reason.what) == ("inactive", True)
        assert box.bill.table(table).record(id_)["archived"] is True

    @pytest.mark.parametrize("value", ["id", "number", "name"])
    def test_an_account_goes_by_id_number_or_name(self, box, sink, value):
        """As the mapping table writes it."""
        row = next(row for row in box.bill.table("chart_of_accounts").records() if _number(row))
        given = {"id": row["id"], "number": ACCOUNT, "name": row["name"].upper()}[value]
        assert sink().check(invoice(line={"gl_account": given})) == []

    def test_several_of_a_name_are_held(self, box, sink):
        """Unless only one of them is in use."""
        twin = {**box.bill.table("departments").record(row_named(box, "departments", "Finance")), "id": "0deTWIN"}
        box.bill.table("departments").put(twin)
        assert codes(sink().check(invoice(line=coded("department", "Finance")))) == ["ambiguous"]
        box.bill.table("departments").put({**twin, "archived": True})
        assert sink().check(invoice(line=coded("department", "Finance"))) == []

    @pytest.mark.parametrize("at_once", [1, 25])
    def test_a_field_bill_does_not_know_is_left_out_once_for_all(self, box, rules, caplog, at_once):
        """AllowDuplicateInvoiceNumber stands in no contract; a refusal that names it is no duplicate."""
        rules.unknown_fields = {"allowDuplicateInvoiceNumber"}
        documents = [invoice(str(number)) for number in range(4)]
        assert deliver(box, *documents, bills_per_request=at_once)["supplier_invoices"] == {"created": 4}
        assert [len(bills_of(box, f"R-{number}")) for number in range(4)] == [1, 1, 1, 1]
        assert 1 <= caplog.text.count("does not know the field allowDuplicateInvoiceNumber") <= 2

    @pytest.mark.parametrize("duplicates", ["refused", "taken"])
    @pytest.mark.parametrize("filterable", [True, False])
    def test_a_number_somebody_else_has_entered_is_a_conflict(self, box, rules, sink, duplicates, filterable):
        """Whether or not BILL would have refused it, and whether or not it filters by number."""
        rules.duplicate_numbers, rules.invoice_number_filter = duplicates, filterable
        box.bill.add_bill(VENDOR, [(100, "0ca", None)], invoice=_number_on("R-1"), dueDate="2026-11-02")
        with pytest.raises(Conflict, match=r"R-1 of 100 already .* not from here"):
            sink().create(invoice())
        assert len(bills_of(box, "R-1")) == 1

    def test_a_refused_number_is_looked_up(self, box, rules, sink, monkeypatch):
        """BDC_1171 for our own bill means that it is there; for another one it is a conflict."""
        first, second = sink(), sink()
        done = first.create(invoice())
        looked = iter([[], second._with_its_number(invoice())])
        monkeypatch.setattr(second, "_with_its_number", lambda _document: next(looked))
        assert second.create(invoice()).target_id == done.target_id
        monkeypatch.setattr(second, "_with_its_number", lambda _document: [])
        with pytest.raises(Conflict) as refused:
            second.create(invoice())
        assert refused.value.code == "BDC_1171"

    def test_other_vendors_numbers_do_not_matter(self, box, sink):
        """A number is one vendor's."""
        box.bill.add_bill(bill_id("vendor", 1, 2), [(100, "0ca", None)], invoice=_number_on("R-1"))
        assert sink().create(invoice()).number == "R-1"

    def test_what_is_ours_is_not_posted_again(self, box, sink):
        """Even by a ledger that knows nothing of it."""
        first = sink().create(invoice())
        again = sink().create(invoice())
        assert (again.target_id, len(again.warnings)) == (first.target_id, 1)
        assert writes(box) == {"POST /v3/bills": 1}

    def test_ours_that_was_archived_is_not_posted_again(self, box, sink):
        """Somebody meant it."""
        box.bill.archive_bill(sink().create(invoice()).target_id)
        with pytest.raises(Conflict, match="archived in BILL"):
            sink().create(invoice())
        assert sink().find(invoice()).cancelled

    def test_find_proves_that_there_is_none(self, sink):
        """Nothing with this number."""
        assert sink().find(invoice()) is None

    @pytest.mark.parametrize(("total", "found"), [(Decimal("100.5"), True), (Decimal(7), False)])
    def test_an_unmarked_bill_is_the_invoice_only_if_its_total_is_too(self, box, sink, total, found):
        """After a request whose outcome nobody knows; somebody may have taken our mark out."""
        box.bill.add_bill(VENDOR, [(total, "0ca", None)], invoice=_number_on("R-1"))
        assert (sink().find(invoice()) is not None) is found

    def test_a_look_up_bill_refuses_is_no_proof(self, box, rules, sink, monkeypatch):
        """The document is held then."""
        made = sink()

        def refuse(*_args):
            raise Rejected("bill", "GET /v3/bills", "no")

        monkeypatch.setattr(made._bills, "with_number", refuse)
        with pytest.raises(LookupInconclusive):
            made.find(invoice())

    def test_a_survey_finds_what_is_marked_and_dated_in_the_window(self, box, sink):
        """Bills and credits; the organization's others are not looked at."""
        made = sink()
        for document in (
            invoice("1"),
            invoice("2", ("-5.00",)),
            invoice("3", invoice_date=dt.date(2026, 9, 30)),
            invoice("4", invoice_date=dt.date(2026, 11, 1)),
        ):
            made.create(document)
        other = sink()
        found = other.survey(dt.date(2026, 10, 1), dt.date(2026, 10, 31))
        assert sorted(each.external_id for each in found) == ["SAP-1", "SAP-2"]
        calls = box.stats.as_json()["bill"]["calls"]
        assert [each.external_id for each in other.survey(dt.date(2026, 11, 1), dt.date(2026, 11, 30))] == ["SAP-4"]
        assert box.stats.as_json()["bill"]["calls"] == calls

    def test_a_survey_does_without_credits_the_user_may_not_see(self, rules, sink, caplog):
        """What it may not read it has not posted."""
        made = sink()
        made.create(invoice())
        rules.denied.add("vendor_credits.list")
        assert [each.external_id for each in sink().survey(DAY, DAY)] == ["SAP-1"]
        assert "cannot be seen" in caplog.text


class TestChangedInvoices:
    """Updates of what nobody has touched yet."""

    def posted(self, made, box, **changes):
        """Post an invoice; return its id."""
        return made.create(invoice(**changes)).target_id

    def test_only_what_differs_is_sent_and_every_line_with_its_coding(self, box, sink):
        """People's own coding stays beside ours."""
        made = sink()
        id_ = self.posted(made, box)
        location = row_named(box, "locations", "Headquarters")
        lines = box.bill.bill(id_)["billLineItems"]
        lines[0]["classifications"]["locationId"] = location
        box.bill.edit_bill(id_, billLineItems=lines)
        done = made.update(invoice(amounts=("70.00", "40.25")), id_, invoice())
        now = box.bill.bill(id_)
        assert [line["amount"] for line in now["billLineItems"]] == [70, Decimal("40.25")]
        assert now["billLineItems"][0]["classifications"] == lines[0]["classifications"]
        assert now["billLineItems"][0]["id"] == lines[0]["id"]
        assert '"billLineItems":[{' in done.request
        assert done.request.count('"amount"') == 1

    @pytest.mark.parametrize("amounts", [("70.00",), ("70.00", "40.25", "1.00")])
    def test_more_or_fewer_lines_replace_the_bill(self, box, sink, amounts):
        """Those that stay keep their ids and coding; what BILL alone knows of the bill stays too."""
        made = sink()
        id_ = self.posted(made, box)
        cash = row_named(box, "chart_of_accounts", "Operating Cash")
        before = box.bill.edit_bill(id_, payFromChartOfAccountId=cash)
        made.update(invoice(amounts=amounts), id_, None)
        now = box.bill.bill(id_)
        assert [line["amount"] for line in now["billLineItems"]] == [Decimal(amount) for amount in amounts]
        assert now["billLineItems"][0]["id"] == before["billLineItems"][0]["id"]
        assert all(line["classifications"] for line in now["billLineItems"])
        assert now["payFromChartOfAccountId"] == cash

    def test_a_credit_is_changed_too(self, box, sink):
        """Its amounts stay positive."""
        made = sink()
        id_ = self.posted(made, box, amounts=("-5.00",))
        made.update(invoice(amounts=("-6.00",)), id_, None)
        assert box.bill.table("vendor_credits").record(id_)["amount"] == 6

    def test_nothing_is_sent_when_bill_says_so_already(self, box, sink):
        """No call that writes."""
        made = sink()
        id_ = self.posted(made, box)
        assert made.update(invoice(), id_, None).unchanged
        assert writes(box) == {"POST /v3/bills": 1}

    @pytest.mark.parametrize(
        "changes",
        [
            {"approvalStatus": "APPROVED"},
            {"approvers": [{"userId": "006", "status": "APPROVED", "approverOrder": 0}]},
            {"paymentStatus": "SCHEDULED", "scheduledAmount": 5},
            {"paymentStatus": "PARTIALLY_PAID", "paidAmount": 5},
            {"archived": True, "recordStatus": "INACTIVE"},
        ],
    )
    def test_what_somebody_has_acted_on_is_not_changed(self, box, sink, changes):
        """BILL might let us; the people who approved would not know."""
        made = sink()
        id_ = self.posted(made, box)
        box.bill.edit_bill(id_, **changes)
        with pytest.raises(Conflict, match="not be changed any more"):
            made.update(invoice(amounts=("70.00",)), id_, None)

    def test_what_somebody_has_changed_in_bill_is_not_overwritten(self, box, sink):
        """A total that is neither the old nor the new one."""
        made = sink()
        id_ = self.posted(made, box)
        box.bill.edit_bill(id_, amount=Decimal(99))
        with pytest.raises(Conflict, match=r"its total is 99, sent was 100\.50"):
            made.update(invoice(amounts=("70.00",)), id_, invoice())

    def test_a_bill_does_not_become_a_credit(self, box, sink):
        """Nor is one looked for that is gone."""
        made = sink()
        id_ = self.posted(made, box)
        with pytest.raises(Conflict, match="other sign"):
            made.update(invoice(amounts=("-70.00",)), id_, None)
        with pytest.raises(NotFound, match="not there any more"):
            made.update(invoice(), "00n01GONE", None)


class TestSideBySide:
    """Several documents at once."""

    def together(self, call, documents):
        """Call for each document from a thread of its own; return what came back or went wrong."""

        def outcome(document):
            try:
                return call(document)
            except Conflict as conflict:
                return conflict

        with concurrent.futures.ThreadPoolExecutor(len(documents)) as pool:
            return list(pool.map(outcome, documents))

    def test_bills_that_are_ready_together_are_sent_together(self, box):
        """Fewer requests than bills; each bill is looked up before and settled by itself."""
        box.latency.seconds = 0.02
        documents = [invoice(str(number)) for number in range(30)]
        assert deliver(box, *documents)["supplier_invoices"] == {"created": 30}
        sent = writes(box)
        assert sent["POST /v3/bills/bulk"] >= 1
        assert sum(sent.values()) < 30
        assert all(len(bills_of(box, f"R-{number}")) == 1 for number in range(30))

    def test_a_bill_that_is_refused_does_not_keep_back_the_others(self, box):
        """BDC_1246 for all becomes the one bill's own refusal."""
        box.latency.seconds = 0.02
        box.bill.main.policies.clear()
        bad = invoice("bad", line={"description": "x" * 4001})
        done = deliver(box, *(invoice(str(number)) for number in range(10)), bad, *map(invoice, ("a", "b", "c")))
        assert done["supplier_invoices"] == {"created": 13, "held": 1}

    def test_one_by_one_where_that_is_wanted(self, box):
        """No bulk request at all."""
        deliver(box, *(invoice(str(number)) for number in range(6)), bills_per_request=1)
        assert writes(box) == {"POST /v3/bills": 6}

    @pytest.mark.slow
    @pytest.mark.parametrize("fault", ["drop_after", "drop_before", "error_500", "throttle"])
    def test_a_lost_answer_to_many_leaves_each_once(self, box, rules, fault):
        """All of a lost request are looked up; none is sent again before."""
        rules.duplicate_numbers = "taken"
        box.latency.seconds = 0.02
        box.faults.next("bill", fault, 3, side="writes")
        assert deliver(box, *(invoice(str(number)) for number in range(12)))["supplier_invoices"] == {"created": 12}
        assert all(len(bills_of(box, f"R-{number}")) == 1 for number in range(12))

    @pytest.mark.parametrize("amounts", [("5.00",), ("-5.00",)])
    def test_one_number_is_taken_once_even_if_bill_would_take_it_twice(self, box, rules, sink, amounts):
        """Two documents of the same vendor and number: one is posted, the other a conflict."""
        rules.duplicate_numbers = "taken"
        documents = [invoice(str(number), amounts, supplier_number="SAME") for number in range(4)]
        outcomes = self.together(sink().create, documents)
        assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 3

    def test_one_name_becomes_one_vendor(self, box, sink):
        """And one code one department."""
        suppliers = [supplier(f"s{number}", name="Same LLC") for number in range(4)]
        values = [dimension(f"Name {number}", code="F-1", external_id=f"X-{number}") for number in range(4)]
        for cls, documents in ((SupplierSink, suppliers), (DimensionSink, values)):
            outcomes = self.together(sink(cls).create, documents)
            assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 3


class TestSuppliers:
    """Vendors."""

    def test_a_vendor_is_created_whole_with_our_key(self, box, sink):
        """No bank details, no tax number; our id is its short name."""
        done = sink(SupplierSink).create(supplier(phone="5550100"))
        vendor = box.bill.vendor(done.target_id)
        assert (vendor["name"], vendor["shortName"], vendor["billCurrency"]) == (
            "Harbor Lights s1 LLC",
            "SAP-s1",
            "USD",
        )
        assert vendor["address"] == {
            "line1": "10 Mill Street",
            "city": "Oakland",
            "stateOrProvince": "CA",
            "zipOrPostalCode": "94607",
            "country": "US",
        }
        assert not {"paymentInformation", "additionalInfo"} & set(vendor)
        found = sink(SupplierSink).read_back([done.target_id])[done.target_id]
        assert differences(sink(SupplierSink).facts(supplier()), found) == []

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"address_line1": None, "city": None}, "street, city"),
            ({"region": None}, "state"),
            ({"postal_code": None}, "postal code"),
            ({"country": None}, "country"),
            ({"name": "x" * 101}, "more than 100"),
            ({"active": False}, "inactive"),
        ],
    )
    def test_what_cannot_become_a_vendor_is_held(self, sink, changes, words):
        """Nothing is invented."""
        (reason,) = sink(SupplierSink).check(supplier(**changes))
        assert words in reason.what

    def test_no_region_is_asked_for_abroad(self, sink):
        """Only the United States have states here."""
        assert sink(SupplierSink).check(supplier(region=None, country="NL")) == []

    def test_a_vendor_is_matched_by_what_is_certain(self, box, sink):
        """Mapped id, an id the source knows, our key, a tax number of one; never by name."""
        box.bill.edit_vendor(VENDOR, shortName="SAP-s1", additionalInfo={"taxId": "94-3456781"})
        name = box.bill.vendor(VENDOR)["name"]
        assert sink(SupplierSink).match(supplier(name=name, external_id="SAP-x")) is None
        for document in (
            supplier("a", target_id=VENDOR),
            supplier("b", name=name, known_as=("nothing", VENDOR)),
            supplier("s1", name=name),
            supplier("c", name=name, tax_id="943456781"),
        ):
            made = sink(SupplierSink)
            assert made.match(document).target_id == VENDOR
            assert made.check(document) == []

    def test_a_table_may_name_a_vendor_as_people_do(self, box, sink):
        """By short name or name; what others know it by must be its id."""
        box.bill.edit_vendor(VENDOR, shortName="NWP")
        name = box.bill.vendor(VENDOR)["name"]
        made = sink(SupplierSink)
        assert made.match(supplier("a", target_id="NWP")).target_id == VENDOR
        assert made.match(supplier("a", target_id=name.upper())).target_id == VENDOR
        assert made.match(supplier("a", known_as=("NWP", name))) is None

    def test_a_name_two_vendors_have_names_none(self, box, sink):
        """The row has to give an id."""
        box.bill.edit_vendor(bill_id("vendor", 1, 2), name=box.bill.vendor(VENDOR)["name"])
        document = supplier("a", target_id=box.bill.vendor(VENDOR)["name"])
        assert sink(SupplierSink).match(document) is None
        assert codes(sink(SupplierSink).check(document)) == ["unknown"]

    def test_a_tax_number_is_one_suppliers_only(self, box, sink):
        """The second supplier that claims it is held, as are two vendors that share one."""
        box.bill.edit_vendor(VENDOR, name="Harbor Lights", additionalInfo={"taxId": "94-3456781"})
        made = sink(SupplierSink)
        assert made.match(supplier("a", tax_id="94-3456781")).target_id == VENDOR
        assert made.match(supplier("b", tax_id="94-3456781")) is None
        assert codes(made.check(supplier("b", tax_id="94-3456781"))) == ["ambiguous"]
        box.bill.edit_vendor(bill_id("vendor", 1, 2), name="Harbor Lights 2", additionalInfo={"taxId": "94-3456781"})
        assert sink(SupplierSink).match(supplier("a", tax_id="94-3456781")) is None

    def test_a_vendor_of_the_same_name_is_not_doubled(self, box, sink):
        """BILL would not hinder it."""
        name = f"  {box.bill.vendor(VENDOR)['name'].upper()} "
        (reason,) = sink(SupplierSink).check(supplier(name=name))
        assert (reason.code, VENDOR in reason.what) == ("ambiguous", True)

    def test_a_mapped_vendor_must_exist(self, sink):
        """Else the row is wrong."""
        assert codes(sink(SupplierSink).check(supplier(target_id="00901NOBODY"))) == ["unknown"]

    def test_find_reads_the_vendors_anew(self, box, sink):
        """By our key; a namesake without it is no proof either way."""
        made = sink(SupplierSink)
        assert made.find(supplier()) is None
        done = sink(SupplierSink).create(supplier())
        assert made.find(supplier()).target_id == done.target_id
        box.bill.edit_vendor(done.target_id, shortName="changed")
        with pytest.raises(LookupInconclusive, match="has this name"):
            made.find(supplier())

    def test_only_owned_fields_that_differ_are_sent(self, box, sink):
        """The rest of the address stays, and so does all the source is not master of."""
        made = sink(SupplierSink)
        document = supplier(owned=("email", "city"), phone="5559999", city="Alameda", email="new@harbor.invalid")
        before = box.bill.vendor(VENDOR)
        done = made.update(document, VENDOR, None)
        now = box.bill.vendor(VENDOR)
        assert now["email"] == "new@harbor.invalid"
        assert now["address"] == {**before["address"], "city": "Alameda"}
        assert (now["phone"], now["name"]) == (before["phone"], before["name"])
        assert "phone" not in done.request
        assert made.update(document, VENDOR, document).unchanged
        assert writes(box) == {"PATCH /v3/vendors/{id}": 1}

    def test_what_the_source_does_not_know_is_not_emptied(self, box, sink):
        """A supplier without an e-mail takes none from the vendor; only the second line goes with an address."""
        address = box.bill.vendor(VENDOR)["address"]
        box.bill.edit_vendor(VENDOR, address={**address, "line2": "Suite 2"})
        made = sink(SupplierSink)
        owned = ("email", "address_line1", "address_line2")
        assert made.update(supplier(owned=owned, email=None, address_line1=None), VENDOR, None).unchanged
        made.update(supplier(owned=owned, email=None), VENDOR, None)
        now = box.bill.vendor(VENDOR)
        assert (now["email"], now["address"]["line1"]) == ("billing1@vendor.invalid", "10 Mill Street")
        assert "line2" not in now["address"]

    def test_being_active_can_be_owned(self, box, sink):
        """Then BILL's vendor is archived and restored with it."""
        made = sink(SupplierSink)
        gone = supplier(owned=("active",), active=False)
        made.update(gone, VENDOR, None)
        assert box.bill.vendor(VENDOR)["archived"] is True
        assert made.update(gone, VENDOR, gone).unchanged
        made.update(supplier(owned=("active",)), VENDOR, gone)
        assert box.bill.vendor(VENDOR)["archived"] is False

    def test_what_somebody_has_typed_into_bill_is_not_overwritten(self, box, sink):
        """An owned field that says neither what was sent nor what is to be sent."""
        made = sink(SupplierSink)
        sent = supplier(owned=("email",))
        made.update(sent, VENDOR, None)
        box.bill.edit_vendor(VENDOR, email="typed@harbor.invalid")
        with pytest.raises(Conflict, match=r"email is typed@harbor\.invalid"):
            made.update(supplier(owned=("email",), email="new@harbor.invalid"), VENDOR, sent)

    def test_a_tax_number_follows_a_vendor_made_without_it(self, box, sink):
        """That a new vendor has none is not taken for somebody's change."""
        made = sink(SupplierSink)
        sent = supplier(owned=("tax_id", "email"), tax_id="12-3456789")
        vendor = made.create(sent).target_id
        made.update(supplier(owned=("tax_id", "email"), tax_id="12-3456789", email="new@harbor.invalid"), vendor, sent)
        now = box.bill.vendor(vendor)
        assert (now["additionalInfo"]["taxId"], now["email"]) == ("123456789", "new@harbor.invalid")

    def test_a_tax_number_bill_masks_is_not_sent_over_and_over(self, box, sink):
        """It cannot be compared."""
        box.bill.edit_vendor(VENDOR, additionalInfo={"taxId": "*****6789", "taxIdType": "EIN"})
        assert sink(SupplierSink).update(supplier(owned=("tax_id",), tax_id="123456789"), VENDOR, None).unchanged


class TestCoding:
    """Accounts and dimension values."""

    def test_they_are_held_unless_creating_them_was_asked_for(self, sink):
        """BILL's own accounting sync may keep these lists."""
        assert codes(sink(AccountSink).check(account())) == ["missing"]
        assert codes(sink(DimensionSink).check(dimension())) == ["missing"]
        assert sink(AccountSink, create_missing=["chart_of_accounts"]).check(account()) == []
        assert sink(DimensionSink, create_missing=["departments"]).check(dimension()) == []

    @pytest.mark.parametrize(
        ("said", "type_"),
        [("EXPENSE", "EXPENSE"), ("Asset", "OTHER_ASSET"), ("odd", "UNSPECIFIED"), (None, "UNSPECIFIED")],
    )
    def test_an_account_keeps_number_and_type(self, box, sink, said, type_):
        """A type BILL has no word for is left unspecified, not guessed."""
        done = sink(AccountSink).create(account(account_type=said))
        made = box.bill.table("chart_of_accounts").record(done.target_id)
        assert (made["name"], made["account"]) == ("Account 7777", {"type": type_, "number": "7777"})
        assert sink(AccountSink).match(account()).target_id == done.target_id

    @pytest.mark.parametrize(
        ("kind", "table"),
        [
            ("cost_center", "departments"),
            ("location", "locations"),
            ("project", "jobs"),
            ("class", "accounting_classes"),
        ],
    )
    def test_dimension_values_go_to_their_lists(self, box, sink, kind, table):
        """With their code as short name."""
        done = sink(DimensionSink).create(dimension(kind=kind, code="F-1"))
        made = box.bill.table(table).record(done.target_id)
        assert (made["name"], made["shortName"]) == ("Foundry", "F-1")
        assert sink(DimensionSink).find(dimension(kind=kind, code="F-1")).target_id == done.target_id

    def test_what_exists_is_matched_by_number_or_without_codes_by_name(self, box, sink):
        """Not by name where there is a code: two cost centers may share a name."""
        assert sink(AccountSink).match(account(ACCOUNT, name="whatever")) is not None
        assert sink(DimensionSink).match(dimension("Finance")) is not None
        assert sink(DimensionSink).match(dimension("Finance", code="120")) is None
        made = sink(DimensionSink, create_missing=["departments"])
        assert codes(made.check(dimension("Finance", code="120"))) == ["ambiguous"]
        mapped = dimension("Anything", code="120", target_id=row_named(box, "departments", "Finance"))
        assert made.match(mapped).target_id == row_named(box, "departments", "Finance")

    @pytest.mark.parametrize(
        ("changes", "code"),
        [({"active": False}, "inactive"), ({"parent": "No such"}, "unknown"), ({"target_id": "0de01X"}, "unknown")],
    )
    def test_what_cannot_be_created_is_held(self, sink, changes, code):
        """With the reason."""
        assert codes(sink(DimensionSink, create_missing=["departments"]).check(dimension(**changes))) == [code]

    def test_a_kind_without_a_list_is_held(self, sink):
        """The setting says where it would go."""
        assert codes(sink(DimensionSink).check(dimension(kind="grant"))) == ["unmapped"]
        assert (
            sink(DimensionSink, dimension_lists={"grant": "jobs"}, create_missing=["jobs"]).check(
                dimension(kind="grant")
            )
            == []
        )

    def test_a_parent_is_referred_to(self, box, sink):
        """By whatever it goes by."""
        done = sink(DimensionSink).create(dimension(parent="Finance"))
        made = box.bill.table("departments").record(done.target_id)
        assert made["parentId"] == row_named(box, "departments", "Finance")

    def test_a_renamed_one_is_renamed_and_no_call_is_made_for_nothing(self, box, sink):
        """Only what we have created."""
        made = sink(AccountSink)
        id_ = made.create(account()).target_id
        made.update(account(name="Renamed"), id_, account())
        assert box.bill.table("chart_of_accounts").record(id_)["name"] == "Renamed"
        assert made.update(account(name="Renamed"), id_, None).unchanged
        with pytest.raises(Conflict, match="not there any more"):
            made.update(account(), "0ca01GONE", None)


class TestPayments:
    """Payments made elsewhere."""

    @pytest.fixture
    def bill(self, box, sink):
        """An approved bill of 100.50."""
        return box.bill.approve_bill(sink().create(invoice()).target_id)["id"]

    @pytest.mark.parametrize("by", ["id", "number"])
    def test_a_payment_is_noted_on_its_bill(self, box, sink, bill, by):
        """It prints no cheque and is not exported by BILL's own sync; our id is its reference."""
        made = sink(PaymentSink)
        document = payment(bill=bill if by == "id" else "R-1")
        assert made.check(document) == []
        done = made.create(document)
        noted = box.bill.table("payments").record(done.target_id)
        assert (noted["syncReference"], noted["toPrintCheck"], noted["allowExport"]) == ("SAP-p1", False, False)
        assert (noted["processDate"], noted["description"]) == ("2026-10-20", "CHECK 4711")
        assert box.bill.bill(bill)["paymentStatus"] == "PAID"
        found = made.read_back([done.target_id])[done.target_id]
        assert differences(made.facts(document), found) == []

    def test_no_sink_moves_money(self, box, sink, bill):
        """The one call is the one that notes."""
        sink(PaymentSink).create(payment(bill=bill))
        assert not [name for name in box.stats.as_json()["bill"]["endpoints"] if name.startswith("POST /v3/payments")]

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"amount": "100.51"}, "overpaid"),
            ({"bill": "00n01NOWHERE"}, "missing_bill"),
            ({"supplier": bill_id("vendor", 1, 2)}, "wrong_vendor"),
            ({"supplier": "00901NOBODY"}, "unknown"),
            ({"currency": "EUR"}, "currency"),
            ({"amount": "1.005"}, "inexact"),
            ({"amount": "0"}, "unbalanced"),
            ({"applications": (PaymentApplication(invoice="R-1", amount=Decimal(7)),)}, "unbalanced"),
            (
                {"applications": (PaymentApplication(invoice="R-1", amount=Decimal("100.50"), credit=Decimal(1)),)},
                "credit",
            ),
        ],
    )
    def test_what_stands_against_a_payment_is_told(self, sink, bill, changes, code):
        """And it goes out by itself once that is mended."""
        assert codes(sink(PaymentSink).check(payment(**{"bill": bill, **changes}))) == [code]

    @pytest.mark.parametrize("number", ["../vendors", "R/1?x=1", "R:1,2"])
    def test_a_number_is_never_part_of_an_address(self, box, sink, bill, number):
        """It is looked for among the vendor's bills, and found there."""
        box.bill.edit_bill(bill, invoice=_number_on(number))
        assert sink(PaymentSink).check(payment(bill=number)) == []

    @pytest.mark.parametrize(
        ("edit", "code"), [({"approvalStatus": "ASSIGNED"}, "unapproved"), ({"recordStatus": "INACTIVE"}, "inactive")]
    )
    def test_a_payment_waits_for_its_bill(self, box, sink, bill, edit, code):
        """To be approved, or restored."""
        box.bill.edit_bill(bill, **edit)
        assert codes(sink(PaymentSink).check(payment(bill=bill))) == [code]

    def test_a_payment_that_is_there_is_not_noted_twice(self, box, sink, bill):
        """By our reference, or, where that is missing, by day, bills and amounts."""
        done = sink(PaymentSink).create(payment(bill=bill, amount="40.00"))
        assert sink(PaymentSink).create(payment(bill=bill, amount="40.00")).target_id == done.target_id
        assert sink(PaymentSink).find(payment(bill=bill, amount="40.00")).target_id == done.target_id
        box.bill.edit_payment(done.target_id, syncReference=None)
        assert sink(PaymentSink).find(payment(bill=bill, amount="40.00")).target_id == done.target_id
        with pytest.raises(Conflict, match="noted by somebody"):
            sink(PaymentSink).create(payment(bill=bill, amount="40.00"))
        assert sink(PaymentSink).find(payment("p2", bill=bill, amount="41.00")) is None

    def test_a_voided_note_is_not_repeated(self, box, sink, bill):
        """Somebody meant it."""
        box.bill.edit_payment(sink(PaymentSink).create(payment(bill=bill)).target_id, status="VOID")
        assert sink(PaymentSink).find(payment(bill=bill)).cancelled
        with pytest.raises(Conflict, match="was voided"):
            sink(PaymentSink).create(payment(bill=bill))

    def test_a_noted_payment_is_never_changed(self, sink):
        """Whatever the source says later."""
        with pytest.raises(Conflict, match="void it in BILL by hand"):
            sink(PaymentSink).update(payment(bill="00n"), "stp", None)

    def test_a_survey_finds_the_notes_of_its_days(self, sink, bill):
        """With their references."""
        sink(PaymentSink).create(payment(bill=bill))
        (found,) = sink(PaymentSink).survey(DAY, dt.date(2026, 10, 31))
        assert found.external_id == "SAP-p1"
        assert list(sink(PaymentSink).survey(dt.date(2026, 11, 1), dt.date(2026, 11, 30))) == []


class TestTheWholeTarget:
    """Through intake and ledger, as a process would."""

    def test_everything_is_delivered_in_its_order_and_once(self, box):
        """A second run finds nothing to do."""
        box.bill.main.policies.clear()
        foundry = dimension("Foundry", code="F-1")
        documents = [
            invoice(line={"gl_account": "7777", **coded("department", "F-1")}),
            payment(bill="R-1"),
            supplier(),
            account(),
            foundry,
        ]
        settings = {"missing_suppliers": "create", "create_missing": ["chart_of_accounts", "departments"]}
        once = {"created": 1}
        assert deliver(box, *documents, **settings) == {
            "gl_accounts": once,
            "dimensions": once,
            "suppliers": once,
            "supplier_invoices": once,
            "payments": once,
        }
        before = writes(box)
        deliver(box, *documents, **settings)
        assert writes(box) == before

    @pytest.mark.parametrize("fault", ["drop_after", "drop_before", "error_500", "throttle", "expire_session"])
    @pytest.mark.parametrize("kind", ["gl_accounts", "suppliers", "supplier_invoices", "payments"])
    def test_a_fault_at_the_write_leaves_exactly_one(self, box, kind, fault):
        """Whether the request was processed or not: the target is asked before anything is sent again."""
        box.bill.main.policies.clear()
        documents = {
            "gl_accounts": account(),
            "suppliers": supplier(),
            "supplier_invoices": invoice(),
            "payments": payment(bill="R-0"),
        }
        settings = {"missing_suppliers": "create", "create_missing": ["chart_of_accounts"]}
        deliver(box, invoice("0"))
        box.faults.next("bill", fault, side="writes")
        assert deliver(box, documents[kind], **settings)[kind]["created"] == 1
        counts = {
            "gl_accounts": sum(_number(row, "7777") for row in box.bill.table("chart_of_accounts").records()),
            "suppliers": sum(row["name"] == "Harbor Lights s1 LLC" for row in box.bill.table("vendors").records()),
            "supplier_invoices": len(bills_of(box, "R-1")),
            "payments": sum("syncReference" in row for row in box.bill.table("payments").records()),
        }
        assert counts[kind] == 1

    @pytest.mark.slow
    @pytest.mark.parametrize("duplicates", ["refused", "taken"])
    def test_many_invoices_under_many_faults_are_each_posted_once(self, box, rules, duplicates):
        """Run after run until nothing waits; none is lost, none doubled."""
        rules.duplicate_numbers = duplicates
        documents = [invoice(str(number), supplier_number=f"{LONG_NUMBER}-{number}") for number in range(25)]
        box.faults.set("drop_after", 0.2, system="bill", side="writes")
        box.faults.set("drop_before", 0.1, system="bill")
        box.faults.set("error_500", 0.1, system="bill", side="writes")
        for _ in range(3):
            deliver(box, *documents)
        box.faults.clear()
        deliver(box, *documents)
        marks = [bill.get("description", "").rpartition("[ref ")[2] for bill in box.bill.bills()]
        ours = [mark for mark in marks if mark.startswith("SAP-")]
        assert sorted(ours) == sorted(f"SAP-{number}]" for number in range(25))

    def test_a_lost_ledger_is_learned_anew(self, box, tmp_path):
        """What an earlier one had posted is adopted, not posted again."""
        box.bill.main.policies.clear()
        documents = [invoice(), invoice("2", ("-5.00",)), payment(bill="R-1")]
        deliver(box, *documents)
        before = writes(box)
        for file in tmp_path.glob(".ml-connector/ledger*"):
            file.unlink()
        assert deliver(box, *documents) == {"supplier_invoices": {"found": 2}, "payments": {"found": 1}}
        assert writes(box) == before

    def test_a_changed_invoice_is_changed_in_bill_until_somebody_has_approved_it(self, box):
        """After that it is held."""
        deliver(box, invoice())
        assert deliver(box, invoice(amounts=("70.00",)))["supplier_invoices"] == {"updated": 1}
        (bill,) = bills_of(box, "R-1")
        assert bill["amount"] == 70
        box.bill.approve_bill(bill["id"])
        assert deliver(box, invoice(amounts=("80.00",)))["supplier_invoices"] == {"held": 1}
        assert box.bill.bill(bill["id"])["amount"] == 70

    def test_a_payment_is_held_until_its_bill_is_there_and_approved(self, box):
        """And goes out by itself then."""
        assert deliver(box, payment(bill="R-1"))["payments"] == {"held": 1}
        assert deliver(box, invoice())["payments"] == {"held": 1}
        box.bill.approve_bill(bills_of(box, "R-1")[0]["id"])
        assert "payments" not in deliver(box), "a run without map and without records delivers nothing"
        assert deliver(box, payment(bill="R-1"))["payments"]["created"] == 1

    def test_a_supplier_without_an_address_is_held_not_invented(self, box):
        """Nothing is sent."""
        bare = supplier(address_line1=None, city=None)
        assert deliver(box, bare, missing_suppliers="create")["suppliers"] == {"held": 1}
        assert writes(box) == {}

    def test_owned_fields_are_kept_equal_and_echoes_cost_nothing(self, box):
        """A vendor linked by its id gets the owned fields at once; a second run sends nothing."""
        document = supplier(target_id=VENDOR, owned=("email",))
        deliver(box, document)
        assert box.bill.vendor(VENDOR)["email"] == "ap@harbor.invalid"
        before = writes(box)
        deliver(box, document)
        assert writes(box) == before
        deliver(box, supplier(target_id=VENDOR, owned=("email",), email="new@harbor.invalid"))
        assert box.bill.vendor(VENDOR)["email"] == "new@harbor.invalid"

    def test_a_dry_run_writes_nothing(self, box):
        """It says what would be done."""
        documents = [invoice(), supplier()]
        done = deliver(box, *documents, dry_run=True, missing_suppliers="create")
        assert done == {"suppliers": {"created": 1}, "supplier_invoices": {"created": 1}}
        assert writes(box) == {}

    def test_three_calls_at_once_are_the_most_there_ever_are(self, box):
        """However many documents are carried side by side."""
        box.latency.seconds = 0.01
        deliver(box, *(invoice(str(number)) for number in range(20)), max_concurrency=3)
        assert box.bill.limits.most_in_flight <= 3


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"create_missing": ["vendors"]}, "create_missing"),
        ({"dimension_lists": {"fund": "funds"}}, "dimension_lists"),
        ({"max_concurrency": 4}, "max_concurrency"),
        ({"bills_per_request": 101}, "bills_per_request"),
        ({"organization_id": ""}, "organization_id"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_before_anything_is_read(box, settings, words):
    """With the name of the setting and what to write instead."""
    config = config_for(box, **settings)
    with pytest.raises(SettingInvalid, match=words):
        (BillPosting.from_config(config), BillSettings.from_config(config, plugin="target-bill"))


def test_every_option_is_a_setting_and_explained():
    """No option that cannot be set."""
    options = {field.name for field in dataclasses.fields(BillPosting)}
    assert options <= set(TargetBill.config_jsonschema["properties"])
    assert all(field.metadata["doc"] for field in dataclasses.fields(BillPosting))


def test_an_answer_without_an_id_is_no_proof(sink, monkeypatch):
    """It may have been created: it is looked up."""
    made = sink()
    monkeypatch.setattr(made._bills._client, "post", lambda *_args: Written({}, "", ""))
    with pytest.raises(OutcomeUnknown):
        made.create(invoice())


def _number(row, number=ACCOUNT):
    return row["account"].get("number") == number


def _number_on(number):
    return {"invoiceNumber": number, "invoiceDate": "2026-10-01"}
