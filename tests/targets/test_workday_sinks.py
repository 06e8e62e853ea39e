"""The sinks of target-workday against a tenant, in both dialects a tenant may speak."""

from __future__ import annotations

import datetime as dt
import threading
from decimal import Decimal

import pytest

from erp_sandbox import credentials
from erp_sandbox.world import World
from ml_connector.delivery.sink import LookupInconclusive, differences
from ml_connector.documents import DocumentSource, InvoiceLine, Reference, Supplier, SupplierInvoice
from ml_connector.errors import (
    Conflict,
    OutcomeUnknown,
    PermissionDenied,
    Rejected,
    SettingInvalid,
    Throttled,
)
from ml_connector.systems.workday.client import WorkdayClient
from ml_connector.systems.workday.errors import NumberInUse
from ml_connector.systems.workday.references import References
from ml_connector.systems.workday.settings import WorkdaySettings
from target_workday.options import WorkdayPosting
from target_workday.sinks import SupplierInvoiceSink, SupplierSink

DAY = dt.date(2026, 10, 1)
NEW_SUPPLIERS = {"supplier_category": "SERVICES", "supplier_payment_terms": "NET_30", "supplier_payment_type": "ACH"}


@pytest.fixture(params=["v42.2", "v30.0"])
def dialect(request):
    """A version of the web services; element names differ between the two."""
    return request.param


@pytest.fixture(scope="module")
def world():
    """The data tenants start with."""
    return World.plain(vendors=5, bills=2)


@pytest.fixture(scope="module")
def seed(world):
    """The tenant's master data."""
    return world.workday_seed()


@pytest.fixture
def tenant(sandbox, world):
    """A running tenant."""
    return sandbox(world)


@pytest.fixture
def connect(tenant, dialect, tmp_path):
    """A maker of clients to the tenant, each as if in a run of its own."""
    made = []

    def client(**changes):
        settings = WorkdaySettings.from_config(
            {
                "base_url": tenant.workday_base_url,
                "tenant": credentials.WORKDAY_TENANT,
                "isu_username": credentials.WORKDAY_ISU_USERNAME,
                "isu_password": credentials.WORKDAY_ISU_PASSWORD,
                "api_version": dialect,
                **changes,
            }
        )
        made.append(WorkdayClient(settings, state_dir=tmp_path))
        return made[-1]

    yield client
    for each in made:
        each.close()


@pytest.fixture
def invoice_sink(connect):
    """A maker of prepared invoice sinks with the options given."""

    def make(client=None, **options):
        client = client or connect()
        sink = SupplierInvoiceSink(client, References(client), WorkdayPosting.from_config(options))
        sink.prepare()
        return sink

    return make


@pytest.fixture
def supplier_sink(connect):
    """A maker of prepared supplier sinks with the options given."""

    def make(**options):
        client = connect()
        sink = SupplierSink(client, References(client), WorkdayPosting.from_config(options))
        sink.prepare()
        return sink

    return make


@pytest.fixture
def spend(seed):
    """A spend category of the tenant and the account it leads to."""
    category = seed.spend_categories[0]
    return category.spend_category_id, category.ledger_account_id


@pytest.fixture
def invoice(seed, spend):
    """A maker of invoices the tenant accepts, changed by the arguments."""

    def make(name="b1", amounts=("60.25", "40.25"), line=None, **changes):
        lines = tuple(
            InvoiceLine(
                **{
                    "id": f"{name}-{order}",
                    "order": order,
                    "amount": Decimal(amount),
                    "description": "Paper & pens",
                    "gl_account": spend[1],
                    "spend_category": spend[0],
                    "dimensions": (Reference(kind="cost_center", value=seed.cost_centers[0].cost_center_id),),
                    **(line or {}),
                }
            )
            for order, amount in enumerate(amounts, 1)
        )
        fields = {
            "source": DocumentSource(system="bill", instance="org", stream="bills", id=name),
            "external_id": f"BILL-{name}",
            "number": f"INV-{name}",
            "supplier": seed.suppliers[0].supplier_id,
            "supplier_number": f"INV-{name}",
            "company": seed.companies[0].company_id,
            "currency": "USD",
            "invoice_date": DAY,
            "due_date": dt.date(2026, 10, 31),
            "memo": "October",
            "total": sum(line.amount for line in lines),
            "lines": lines,
        }
        return SupplierInvoice(**{**fields, **changes})

    return make


def vendor(vendor_id="v1", **changes):
    """A supplier, changed by the arguments."""
    fields = {
        "source": DocumentSource(system="bill", instance="org", stream="vendors", id=vendor_id),
        "external_id": f"BILL-{vendor_id}",
        "name": "Harbor Lights LLC",
        "currency": "USD",
    }
    return Supplier(**{**fields, **changes})


def codes(reasons):
    """The reasons in short."""
    return [(reason.code, reason.kind, reason.value) for reason in reasons]


class TestPosting:
    """What is sent arrives, once."""

    def test_an_invoice_arrives_as_sent(self, invoice_sink, invoice, tenant):
        """Every field stands where people look for it, and reads back equal."""
        sink, document = invoice_sink(), invoice(purchase_order_number="PO-9", payment_terms="NET_30")
        delivered = sink.create(document)
        kept = tenant.workday.invoice("BILL-b1")
        assert (kept.wid, kept.suppliers_invoice_number) == (delivered.target_id, "INV-b1")
        assert (kept.control_amount_total, kept.invoice_date, kept.due_date) == (
            Decimal("100.50"),
            DAY,
            dt.date(2026, 10, 31),
        )
        assert (kept.external_po_number, kept.payment_terms, kept.memo) == ("PO-9", "NET_30", "October")
        assert [(line.line_id, line.extended_amount) for line in kept.lines] == [
            ("BILL-b1-1", Decimal("60.25")),
            ("BILL-b1-2", Decimal("40.25")),
        ]
        assert (kept.submitted, kept.locked, kept.on_hold) == (True, False, False)
        assert differences(sink.facts(document), sink.read_back([delivered.target_id])[delivered.target_id]) == []

    def test_a_credit_becomes_an_adjustment(self, invoice_sink, invoice, tenant):
        """Amounts turn positive and lower the liability; lines keep their signs relative to each other."""
        sink, document = invoice_sink(), invoice(amounts=("-50.00", "10.00"))
        delivered = sink.create(document)
        (kept,) = tenant.workday.adjustments
        assert (kept.control_amount_total, kept.increase_liability) == (Decimal("40.00"), False)
        assert [line.extended_amount for line in kept.lines] == [Decimal("50.00"), Decimal("-10.00")]
        assert tenant.workday.invoices == []
        found = sink.read_back([delivered.target_id])[delivered.target_id]
        assert differences(sink.facts(document), found) == []
        assert found.facts["total"] == Decimal("-40.00")

    def test_tax_and_charges_are_part_of_the_total(self, invoice_sink, invoice, tenant):
        """The control total is what is owed; tax and charges stand beside the lines."""
        document = invoice(total=Decimal("115.50"), tax_amount=Decimal("10.00"), charges=Decimal("5.00"))
        invoice_sink(tax_option="ENTER_TAX_DUE").create(document)
        kept = tenant.workday.invoice("BILL-b1")
        assert (kept.control_amount_total, kept.tax_amount, kept.other_charges) == (
            Decimal("115.50"),
            Decimal(10),
            Decimal(5),
        )
        assert kept.tax_option == "ENTER_TAX_DUE"

    def test_a_second_create_finds_the_first(self, invoice_sink, invoice, tenant):
        """The refusal of a create-only request for our own id means: already posted."""
        first = invoice_sink().create(invoice())
        again = invoice_sink().create(invoice())
        assert again.target_id == first.target_id
        assert "Add Only" in again.warnings[0]
        assert tenant.workday.count() == 1

    def test_a_canceled_invoice_is_not_posted(self, invoice_sink, invoice, tenant):
        """Somebody undid it in Workday; a person decides what that means."""
        invoice_sink().create(invoice())
        tenant.workday.cancel_invoice("BILL-b1")
        with pytest.raises(Conflict):
            invoice_sink().create(invoice())

    def test_a_number_in_use_is_a_duplicate(self, invoice_sink, invoice, tenant):
        """Somebody entered the invoice by hand: nothing is posted, the words are Workday's."""
        sink = invoice_sink()
        sink.create(invoice("b1", supplier_number="A-1"))
        with pytest.raises(NumberInUse, match="already in use"):
            sink.create(invoice("b2", supplier_number="A-1"))
        assert tenant.workday.count() == 1

    def test_the_warnings_of_workday_are_kept(self, invoice_sink, invoice, tenant):
        """A tenant may warn of a number in use instead of refusing it."""
        tenant.workday.behaviour.duplicate_number = "warn"
        sink = invoice_sink()
        sink.create(invoice("b1", supplier_number="A-1"))
        assert sink.create(invoice("b2", supplier_number="A-1")).warnings

    @pytest.mark.parametrize(
        "options, expected",
        [
            ({}, ("In Progress", True, False, False)),
            ({"submit": False}, ("Draft", False, False, False)),
            ({"auto_complete": True}, ("Approved", True, False, False)),
            ({"locked_in_workday": True}, ("In Progress", True, True, False)),
            ({"on_hold": True}, ("In Progress", True, False, True)),
        ],
    )
    def test_the_options_decide_how_far_an_invoice_goes(self, invoice_sink, invoice, tenant, options, expected):
        """The defaults bypass no approval and lock nobody out."""
        sink = invoice_sink(**options)
        delivered = sink.create(invoice())
        kept = tenant.workday.invoice("BILL-b1")
        found = sink.read_back([delivered.target_id])[delivered.target_id]
        assert (found.status, kept.submitted, kept.locked, kept.on_hold) == expected
        assert found.draft == delivered.draft == (expected[0] == "Draft")

    def test_numbers_may_be_left_to_workday(self, invoice_sink, invoice, tenant):
        """The id it is found by stays ours."""
        delivered = invoice_sink(invoice_number_from="workday").create(invoice())
        assert delivered.number is None
        assert tenant.workday.invoice("BILL-b1").invoice_number != "BILL-b1"

    def test_characters_that_break_payment_files_are_replaced(self, invoice_sink, invoice, tenant):
        """What is compared is what was sent."""
        sink, document = invoice_sink(), invoice(supplier_number="A|1<2>3")
        delivered = sink.create(document)
        assert tenant.workday.invoice("BILL-b1").suppliers_invoice_number == "A-1-2-3"
        assert differences(sink.facts(document), sink.read_back([delivered.target_id])[delivered.target_id]) == []

    def test_things_may_be_named_by_their_code(self, invoice_sink, invoice, tenant, seed):
        """A mapping table may hold the number people use; what is posted is the thing itself."""
        center = seed.cost_centers[0]
        sink = invoice_sink()
        document = invoice(line={"dimensions": (Reference(kind="cost_center", value=center.code),)})
        assert sink.check(document) == []
        sink.create(document)
        assert tenant.workday.invoice("BILL-b1").lines[0].cost_center == center.cost_center_id

    def test_further_worktags_are_configured(self, invoice_sink, invoice, tenant):
        """A kind of dimension of the tenant's own needs the ID type of its worktag."""
        tenant.workday.add_worktag("Custom_Worktag_1_ID", "JOB-1")
        document = invoice(line={"dimensions": (Reference(kind="job", value="JOB-1"),)})
        assert codes(invoice_sink().check(document)) == [("unmapped", "worktag_type", "job")]
        sink = invoice_sink(worktag_types={"job": "Custom_Worktag_1_ID"})
        assert sink.check(document) == []
        sink.create(document)
        assert tenant.workday.invoice("BILL-b1").lines[0].worktags["Custom_Worktag_1_ID"] == "JOB-1"

    def test_a_refusal_is_told_in_workdays_words(self, invoice_sink, invoice, tenant):
        """With the element it blames; nothing is left behind."""
        tenant.workday.close_period(2026, 10)
        with pytest.raises(Rejected) as caught:
            invoice_sink().create(invoice())
        assert caught.value.message
        assert tenant.workday.count() == 0

    def test_the_audit_texts_are_whole_and_without_credentials(self, invoice_sink, invoice):
        """What was sent and what came back can be shown to an auditor."""
        delivered = invoice_sink().create(invoice())
        assert "BILL-b1-2" in delivered.request
        assert delivered.target_id in delivered.response
        assert credentials.WORKDAY_ISU_PASSWORD not in delivered.request + delivered.response

    def test_many_threads_post_each_invoice_once(self, invoice_sink, invoice, tenant):
        """A sink is shared by all threads of a delivery."""
        sink = invoice_sink()
        documents = [invoice(f"t{n}") for n in range(12)]
        threads = [threading.Thread(target=sink.create, args=(document,)) for document in documents]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert {kept.supplier_invoice_id for kept in tenant.workday.invoices} == {f"BILL-t{n}" for n in range(12)}


class TestUncertainty:
    """A write whose outcome is open is asked for, never repeated blindly."""

    @pytest.mark.parametrize("fault, arrived", [("drop_before", False), ("drop_after", True), ("error_500", False)])
    def test_the_outcome_of_a_lost_answer_can_be_learned(self, invoice_sink, invoice, tenant, fault, arrived):
        """Whether the connection was cut before or after the invoice was kept."""
        sink, document = invoice_sink(), invoice()
        tenant.faults.next("workday", fault, side="writes")
        with pytest.raises(OutcomeUnknown):
            sink.create(document)
        assert (sink.find(document) is not None) == arrived
        assert tenant.workday.count() == int(arrived)

    def test_a_throttled_write_was_not_processed(self, invoice_sink, invoice, tenant):
        """It may be sent again later without asking."""
        tenant.faults.next("workday", "throttle", side="writes")
        with pytest.raises(Throttled):
            invoice_sink().create(invoice())

    def test_an_error_beside_nothing_written_is_a_refusal(self, invoice_sink, invoice, tenant):
        """HTTP 200 without a fault proves nothing: an Error exception came, and no WID."""
        tenant.workday.arm("not_written")
        with pytest.raises(Rejected):
            invoice_sink().create(invoice())

    def test_an_error_beside_a_wid_that_does_not_exist_is_a_refusal(self, invoice_sink, invoice, tenant):
        """Workday is asked for the WID it named."""
        tenant.workday.arm("error_exception")
        with pytest.raises(Rejected):
            invoice_sink().create(invoice())

    def test_an_error_beside_a_wid_nobody_can_look_up_leaves_the_outcome_open(self, invoice_sink, invoice, tenant):
        """Something may have been left behind."""
        tenant.workday.arm("error_exception")
        tenant.workday.forbid("Get_Supplier_Invoices")
        with pytest.raises(OutcomeUnknown):
            invoice_sink().create(invoice())

    def test_an_answer_that_names_nothing_leaves_the_outcome_open(self, invoice_sink, invoice, tenant):
        """Neither a reference nor an error: only a look-up tells."""
        tenant.workday.arm("no_reference")
        with pytest.raises(OutcomeUnknown):
            invoice_sink().create(invoice())

    @pytest.mark.parametrize("amounts", [("100.00",), ("-100.00",)])
    def test_what_was_never_sent_is_proved_absent(self, invoice_sink, invoice, amounts):
        """By id where the tenant has shown that ids resolve, else by the list of that day."""
        sink = invoice_sink()
        assert sink.find(invoice("b1", amounts=amounts)) is None
        sink.create(invoice("b2", amounts=amounts))
        assert sink.find(invoice("b1", amounts=amounts)) is None

    @pytest.mark.parametrize("amounts", [("100.00",), ("-100.00",)])
    def test_ids_that_do_not_resolve_prove_nothing(self, invoice_sink, invoice, tenant, amounts):
        """A tenant that prints ids but refuses them as a key is read by date and supplier instead."""
        tenant.workday.behaviour.refused_lookup_types |= {
            "Supplier_Invoice_Reference_ID",
            "Supplier_Invoice_Adjustment_Reference_ID",
        }
        invoice_sink().create(invoice("b1", amounts=amounts))
        sink = invoice_sink()
        assert sink.find(invoice("b1", amounts=amounts)).external_id == "BILL-b1"
        assert sink.find(invoice("b2", amounts=amounts)) is None

    def test_whether_ids_resolve_is_shown_once_in_a_run(self, invoice_sink, invoice, connect):
        """Proof costs calls, and unknown ids are faults that get a client throttled."""
        invoice_sink().create(invoice("b1"))
        client = connect()
        calls = []
        original = client.call
        client.call = lambda *args, **kwargs: calls.append(kwargs.get("sought")) or original(*args, **kwargs)
        sink = invoice_sink(client)
        for n in range(3):
            sink.find(invoice(f"x{n}"))
        proofs = [sought for sought in calls if sought and sought[1] == "BILL-b1"]
        assert len(proofs) == 1

    def test_a_changed_sign_is_still_found(self, invoice_sink, invoice):
        """The bill became a credit after its invoice had been sent."""
        sink = invoice_sink()
        sink.create(invoice("b1", amounts=("100.00",)))
        assert sink.find(invoice("b1", amounts=("-100.00",))).external_id == "BILL-b1"

    def test_what_cannot_be_asked_is_inconclusive(self, invoice_sink, invoice, monkeypatch):
        """The list of the day is refused as well: a person has to look."""
        sink = invoice_sink()

        def refuse(*_, **__):
            raise Rejected("workday", "Get_Supplier_Invoices", "No.")

        monkeypatch.setattr(sink._client, "pages", refuse)
        monkeypatch.setattr(sink._reader, "resolves", lambda *_: False)
        with pytest.raises(LookupInconclusive):
            sink.find(invoice())


class TestReading:
    """Bulk reads for lost ledgers and for comparison."""

    def test_a_survey_sees_invoices_and_credits_of_its_days(self, invoice_sink, invoice):
        """Both ends included, page after page."""
        sink = invoice_sink()
        for n, day in enumerate([30, 1, 2, 3], 1):
            date = dt.date(2026, 9 if day == 30 else 10, day)
            sink.create(invoice(f"b{n}", amounts=("-5.00" if day == 2 else "5.00",), invoice_date=date))
        found = invoice_sink().survey(dt.date(2026, 10, 1), dt.date(2026, 10, 3))
        assert {each.external_id for each in found} == {"BILL-b2", "BILL-b3", "BILL-b4"}

    def test_a_survey_reads_all_pages(self, invoice_sink, invoice, connect):
        """However small the pages are."""
        for n in range(7):
            invoice_sink().create(invoice(f"b{n}"))
        found = list(invoice_sink(connect(page_size=2)).survey(DAY, DAY))
        assert sorted(each.external_id for each in found) == [f"BILL-b{n}" for n in range(7)]

    def test_read_back_leaves_out_what_is_gone(self, invoice_sink, invoice):
        """One unknown WID fails a whole call, so it is halved until the unknown one stands alone."""
        sink = invoice_sink()
        wids = [
            sink.create(invoice(f"b{n}", amounts=(amount,))).target_id for n, amount in enumerate(["5.00", "-5.00"])
        ]
        found = invoice_sink().read_back([*wids, "f" * 32])
        assert {wid: each.external_id for wid, each in found.items()} == {wids[0]: "BILL-b0", wids[1]: "BILL-b1"}

    def test_many_are_read_back_in_few_calls(self, invoice_sink, invoice, connect):
        """A hundred references a call."""
        client = connect()
        sink = invoice_sink(client)
        wids = [sink.create(invoice(f"b{n}", amounts=("5.00",))).target_id for n in range(105)]
        calls = []
        original = client.call
        client.call = lambda *args, **kwargs: calls.append(args) or original(*args, **kwargs)
        assert set(sink.read_back(wids)) == set(wids)
        assert len(calls) == 2

    def test_a_credit_among_many_invoices_costs_few_calls(self, invoice_sink, invoice, connect):
        """A later run does not know which of them it is, and an invalid request is counted by the tenant."""
        writer, client = invoice_sink(), connect()
        amounts = ["-5.00", *["5.00"] * 31]
        wids = [writer.create(invoice(f"b{n}", amounts=(each,))).target_id for n, each in enumerate(amounts)]
        calls = []
        reader = invoice_sink(client)
        original = client.call
        client.call = lambda *args, **kwargs: calls.append(args) or original(*args, **kwargs)
        assert set(reader.read_back(wids)) == set(wids)
        assert len(calls) == 12  # 32, then 16 and 16, 8 and 8 ... 1 and 1; and the credit itself

    def test_every_edit_shows_as_a_difference(self, invoice_sink, invoice, tenant):
        """What people changed in Workday is told in words."""
        sink, document = invoice_sink(), invoice()
        wid = sink.create(document).target_id
        tenant.workday.edit_invoice("BILL-b1", control_amount_total=Decimal("99.00"), suppliers_invoice_number="X")
        told = differences(sink.facts(document), sink.read_back([wid])[wid])
        assert told == ["supplier number is X, sent was INV-b1", "total is 99, sent was 100.50"]

    def test_an_edited_line_shows_as_a_difference(self, invoice_sink, invoice, tenant, seed):
        """Its amount, spend category and cost center; lines without an id of ours cannot be told apart."""
        sink, document = invoice_sink(submit=False), invoice()
        wid = sink.create(document).target_id
        assert differences(sink.facts(document), sink.read_back([wid])[wid]) == []
        first, second = tenant.workday.invoice("BILL-b1").lines
        first.spend_category = seed.spend_categories[1].spend_category_id
        second.worktags["Cost_Center_Reference_ID"] = seed.cost_centers[1].cost_center_id
        told = differences(sink.facts(document), sink.read_back([wid])[wid])
        assert [words.partition(" is ")[0] for words in told] == [
            "spend category of line 1",
            "cost center of line 2",
        ]
        second.line_id = "typed by hand"
        assert len(differences(sink.facts(document), sink.read_back([wid])[wid])) == 1

    @pytest.mark.parametrize("submit", [True, False])
    def test_drafts_are_told_from_what_was_submitted(self, invoice_sink, invoice, submit):
        """And whether they are meant to stay drafts."""
        sink = invoice_sink(submit=submit)
        wid = sink.create(invoice()).target_id
        assert (sink.read_back([wid])[wid].draft, sink.leaves_drafts) == (not submit, not submit)

    def test_facts_do_not_depend_on_which_id_is_used(self, invoice_sink, invoice, seed):
        """A mapping table may hold WIDs."""
        sink = invoice_sink()
        company = sink._references.find("company", seed.companies[0].company_id)
        document = invoice(company=company.ids["WID"])
        wid = sink.create(document).target_id
        assert differences(sink.facts(document), sink.read_back([wid])[wid]) == []


class TestDrafts:
    """Only drafts are changed."""

    def test_a_draft_is_replaced(self, invoice_sink, invoice, tenant):
        """Lines left out are removed; it stays the same document."""
        sink = invoice_sink(submit=False)
        wid = sink.create(invoice()).target_id
        updated = sink.update(invoice(amounts=("70.00",)), wid, None)
        kept = tenant.workday.invoice("BILL-b1")
        assert (updated.target_id, kept.control_amount_total, len(kept.lines)) == (wid, Decimal("70.00"), 1)
        assert tenant.workday.count() == 1

    def test_a_draft_is_submitted_by_an_update(self, invoice_sink, invoice, tenant):
        """Of a target that submits."""
        wid = invoice_sink(submit=False).create(invoice()).target_id
        assert not invoice_sink().update(invoice(), wid, invoice()).draft
        assert (tenant.workday.invoice("BILL-b1").status, tenant.workday.count()) == ("IN_PROGRESS", 1)

    def test_what_has_left_the_draft_is_never_changed(self, invoice_sink, invoice, tenant):
        """It belongs to the people who approve it."""
        sink = invoice_sink()
        wid = sink.create(invoice()).target_id
        with pytest.raises(Conflict, match="no draft any more"):
            sink.update(invoice(amounts=("70.00",)), wid, None)
        assert tenant.workday.invoice("BILL-b1").control_amount_total == Decimal("100.50")

    def test_a_draft_does_not_change_its_sign(self, invoice_sink, invoice):
        """An invoice cannot become an adjustment."""
        sink = invoice_sink(submit=False)
        wid = sink.create(invoice()).target_id
        with pytest.raises(Conflict, match="other sign"):
            sink.update(invoice(amounts=("-70.00",)), wid, None)


class TestChecks:
    """Everything the reference data has against an invoice, in a clerk's words, before anything is sent."""

    def test_nothing_stands_against_a_good_invoice(self, invoice_sink, invoice):
        """The ordinary case."""
        assert invoice_sink().check(invoice()) == []

    def test_an_inactive_supplier_is_told_with_name_and_cure(self, invoice_sink, invoice, tenant, seed):
        """The words are those of the held list."""
        supplier = seed.suppliers[0]
        tenant.workday.inactivate_supplier(supplier.supplier_id)
        (reason,) = invoice_sink().check(invoice())
        assert reason.what == f'Workday supplier {supplier.supplier_id} "{supplier.name}" is inactive'
        assert reason.cure == "reactivate it, or map the vendor elsewhere"
        assert reason.key == f"supplier:{supplier.supplier_id}"

    def test_all_causes_are_told_at_once_and_each_once(self, invoice_sink, invoice, tenant, spend, seed):
        """Two lines with the same trouble are one thing to mend."""
        center = seed.cost_centers[0].cost_center_id
        tenant.workday.inactivate_cost_center(center)
        tenant.workday.inactivate_spend_category(spend[0])
        tenant.workday.retire_ledger_account(seed.ledger_accounts[0].account_set_id, spend[1])
        reasons = invoice_sink().check(invoice(company="CO-999", payment_terms="NET_999"))
        assert codes(reasons) == [
            ("unknown", "company", "CO-999"),
            ("unknown", "payment_terms", "NET_999"),
            ("inactive", "gl_account", spend[1]),
            ("inactive", "spend_category", spend[0]),
            ("inactive", "cost_center", center),
        ]
        assert all(reason.what and reason.cure for reason in reasons)

    @pytest.mark.parametrize(
        "changes, line, expected",
        [
            ({"supplier": "S-99999"}, {}, ("unknown", "supplier", "S-99999")),
            ({"supplier": "S-90001"}, {}, ("worktag_only", "supplier", "S-90001")),
            ({}, {"spend_category": "Nothing"}, ("unknown", "spend_category", "Nothing")),
            ({}, {"gl_account": "99999"}, ("unknown", "gl_account", "99999")),
            ({}, {"dimensions": (Reference(kind="cost_center", value="CC-0"),)}, ("unknown", "cost_center", "CC-0")),
            ({}, {"spend_category": None, "gl_account": None}, ("unmapped", None, None)),
        ],
    )
    def test_each_unknown_thing_is_named(self, invoice_sink, invoice, changes, line, expected):
        """Kind and value let all documents with the same cause be replayed together."""
        assert codes(invoice_sink().check(invoice(amounts=("5.00",), line=line, **changes))) == [expected]

    def test_an_order_line_needs_no_coding_but_stands_once(self, invoice_sink, invoice):
        """The order knows its spend category and worktags; one invoice line per order line."""
        document = invoice(line={"purchase_order_line": "PO-1#2", "spend_category": None, "dimensions": ()})
        assert codes(invoice_sink().check(document)) == [
            ("duplicate_order_line", "purchase_order_line", "PO-1#2"),
            ("unknown", "purchase_order_line", "PO-1#2"),
        ]

    def test_accounts_that_may_not_be_read_are_not_checked(self, invoice_sink, invoice, tenant, caplog):
        """A warning says so, once, and the invoice goes out."""
        tenant.workday.forbid("Get_Account_Sets")
        sink = invoice_sink()
        assert sink.check(invoice(line={"gl_account": "99999"})) == []
        assert "expected GL accounts cannot be checked" in caplog.text

    @pytest.mark.parametrize(
        "operation", ["Get_Suppliers", "Get_Workday_Companies", "Get_Resource_Categories", "Get_Cost_Centers"]
    )
    def test_what_nothing_can_be_checked_without_must_be_readable(self, invoice_sink, tenant, operation):
        """The operation and the security domain are named."""
        tenant.workday.forbid(operation)
        with pytest.raises(PermissionDenied, match=f"{operation}.*domain"):
            invoice_sink()

    @pytest.mark.parametrize("operation", ["Get_Workday_Companies", "Get_Resource_Categories"])
    def test_no_rows_where_there_must_be_some_is_a_lost_permission(self, invoice_sink, tenant, operation):
        """Until a policy change is activated Workday answers nothing instead of a fault."""
        tenant.workday.blind(operation)
        with pytest.raises(PermissionDenied, match="no rows at all"):
            invoice_sink()


class TestSuppliers:
    """Certain matches only."""

    def test_a_mapped_id_wins(self, supplier_sink, seed):
        """The mapping table has the last word."""
        wanted = seed.suppliers[1]
        assert supplier_sink().match(vendor(target_id=wanted.supplier_id)).number == wanted.supplier_id

    def test_a_vendor_is_known_by_the_external_entity_id(self, supplier_sink):
        """Workday was told the vendor's id before."""
        created = supplier_sink(**NEW_SUPPLIERS).create(vendor("v1"))
        fresh = supplier_sink()
        renamed = vendor("v1", external_id="OTHER-v1", name="Harbor Light Group")
        assert fresh.match(renamed).target_id == created.target_id

    def test_a_tax_number_matches_however_it_is_written(self, supplier_sink, seed):
        """Only where one supplier has it."""
        wanted = seed.suppliers[0]
        found = supplier_sink().match(vendor(name=wanted.name, tax_id=wanted.tax_id.replace("-", " ")))
        assert found.number == wanted.supplier_id

    def test_a_tax_number_serves_one_vendor_only(self, supplier_sink, seed):
        """A second vendor with the same number is a question for a person."""
        sink = supplier_sink(**NEW_SUPPLIERS)
        same = {"name": seed.suppliers[0].name, "tax_id": seed.suppliers[0].tax_id}
        assert sink.match(vendor("v1", **same))
        assert sink.match(vendor("v2", **same)) is None
        assert codes(sink.check(vendor("v2", **same))) == [("ambiguous", "supplier", "v2")]

    @pytest.mark.parametrize(
        "changes",
        [
            {"name": "Tidewater Couriers LLC"},
            {"target_id": "S-90001"},
            {"target_id": "S-99999"},
            {"tax_id": "00-0000000"},
        ],
    )
    def test_a_name_or_a_worktag_is_no_match(self, supplier_sink, changes):
        """Nor is anything that is not there."""
        assert supplier_sink().match(vendor(**changes)) is None

    @pytest.mark.parametrize("known_as", [("S-00002",), ("", "nothing", "S-00002"), ("S-90001", "S-00002")])
    def test_a_supplier_is_known_by_what_the_source_keeps_of_it(self, supplier_sink, seed, known_as):
        """An id of Workday's that the source has, as for a vendor that was made from a supplier."""
        name = next(each.name for each in seed.suppliers if each.supplier_id == "S-00002")
        assert supplier_sink().match(vendor(name=name, known_as=known_as)).number == "S-00002"

    def test_a_namesake_is_not_doubled(self, supplier_sink):
        """Two of one name may be one: a person says so, whether the other is there or about to be."""
        sink = supplier_sink(**NEW_SUPPLIERS)
        assert codes(sink.check(vendor("v1", name=" tidewater  COURIERS llc"))) == [("ambiguous", "supplier", "v1")]
        assert codes(sink.check(vendor("v2", name="Brand New Ltd"))) == []
        assert codes(sink.check(vendor("v3", name="brand new ltd"))) == [("ambiguous", "supplier", "v3")]
        assert codes(sink.check(vendor("v2", name="Brand New Ltd"))) == []

    def test_an_inactive_vendor_does_not_become_a_supplier(self, supplier_sink):
        """Nobody does business with it; one that is there already is left alone."""
        sink = supplier_sink(**NEW_SUPPLIERS)
        assert codes(sink.check(vendor(active=False))) == [("inactive", "supplier", "v1")]
        assert sink.check(vendor(active=False, target_id="S-00002")) == []

    def test_a_mapped_supplier_that_is_missing_is_held(self, supplier_sink):
        """It is never created under another id."""
        assert codes(supplier_sink(**NEW_SUPPLIERS).check(vendor(target_id="S-99999"))) == [
            ("unknown", "supplier", "S-99999")
        ]

    def test_a_created_supplier_can_be_invoiced_in_the_same_run(self, connect, invoice):
        """The reference data learns of it."""
        client = connect()
        references, options = References(client), WorkdayPosting(**NEW_SUPPLIERS)
        suppliers, invoices = (
            SupplierSink(client, references, options),
            SupplierInvoiceSink(client, references, options),
        )
        suppliers.prepare()
        invoices.prepare()
        document = vendor(
            address_line1="1 Main St",
            city="Portland",
            region="OR",
            postal_code="97201",
            country="US",
            email="ap@vendor.invalid",
        )
        assert suppliers.check(document) == []
        delivered = suppliers.create(document)
        assert (
            differences(suppliers.facts(document), suppliers.read_back([delivered.target_id])[delivered.target_id])
            == []
        )
        assert invoices.check(invoice(supplier="BILL-v1")) == []
        assert invoices.create(invoice(supplier="BILL-v1")).target_id

    def test_a_second_create_finds_the_first(self, supplier_sink):
        """Create-only: the refusal means that it exists."""
        first = supplier_sink(**NEW_SUPPLIERS).create(vendor())
        again = supplier_sink(**NEW_SUPPLIERS).create(vendor())
        assert again.target_id == first.target_id
        assert again.warnings

    @pytest.mark.parametrize("fault, arrived", [("drop_before", False), ("drop_after", True)])
    @pytest.mark.parametrize("resolves", [True, False])
    def test_the_outcome_of_a_lost_answer_can_be_learned(self, supplier_sink, tenant, fault, arrived, resolves):
        """By id, or by the whole list where ids do not resolve."""
        if not resolves:
            tenant.workday.behaviour.refused_lookup_types.add("Supplier_ID")
        sink = supplier_sink(**NEW_SUPPLIERS)
        tenant.faults.next("workday", fault, side="writes")
        with pytest.raises(OutcomeUnknown):
            sink.create(vendor())
        assert (sink.find(vendor()) is not None) == arrived

    def test_a_new_supplier_needs_its_settings(self, supplier_sink):
        """Category, terms and payment type; told before anything is written."""
        with pytest.raises(SettingInvalid, match="supplier_category"):
            supplier_sink().check(vendor())


@pytest.mark.contract
def test_the_real_contract_can_be_spoken_to(contracts_dir, tenant, invoice_sink, invoice, dialect):
    """The tenant serves the WSDLs of the contract folder and checks every request against their schemas."""
    tenant.workday.serve_wsdl(contracts_dir / "workday")
    sink = invoice_sink()
    document, credit = invoice("b1"), invoice("b2", amounts=("-5.00",))
    assert sink.check(document) == []
    for each in (document, credit):
        wid = sink.create(each).target_id
        assert differences(sink.facts(each), sink.read_back([wid])[wid]) == []
    assert sink.find(invoice("b3")) is None
    assert len(list(sink.survey(DAY, DAY))) == 2
