"""Payments made elsewhere, recorded in Workday: once, only where asked for, never moving money."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from erp_sandbox import credentials
from erp_sandbox.world import World
from ml_connector.delivery.sink import LookupInconclusive, differences
from ml_connector.documents import (
    DocumentSource,
    InvoiceLine,
    Payment,
    PaymentApplication,
    SupplierInvoice,
)
from ml_connector.errors import Conflict, OutcomeUnknown, Rejected, SettingInvalid
from ml_connector.systems.workday.client import WorkdayClient
from ml_connector.systems.workday.references import References
from ml_connector.systems.workday.settings import WorkdaySettings
from target_workday.options import WorkdayPosting
from target_workday.sinks import PaymentSink, SupplierInvoiceSink
from target_workday.target import TargetWorkday

DAY = dt.date(2026, 10, 20)


@pytest.fixture(scope="module")
def seed():
    """The master data of the tenant."""
    return World.plain(vendors=5, bills=2).workday_seed()


@pytest.fixture
def tenant(sandbox):
    """A running tenant."""
    return sandbox(World.plain(vendors=5, bills=2))


@pytest.fixture(params=["v42.2", "v30.0"])
def client(request, tenant, tmp_path):
    """A client, in both dialects."""
    made = WorkdayClient(
        WorkdaySettings.from_config(
            {
                "base_url": tenant.workday_base_url,
                "tenant": credentials.WORKDAY_TENANT,
                "isu_username": credentials.WORKDAY_ISU_USERNAME,
                "isu_password": credentials.WORKDAY_ISU_PASSWORD,
                "api_version": request.param,
            }
        ),
        state_dir=tmp_path,
    )
    yield made
    made.close()


@pytest.fixture
def recording(seed):
    """The options under which payments are recorded."""
    return {
        "payment_recording": "ad_hoc_payment",
        "payment_bank_account": "BA-BILL-CLEARING",
        "payment_clearing_category": seed.spend_categories[0].spend_category_id,
        "override_payment_type": "PAID_OUTSIDE",
    }


@pytest.fixture
def sink(client, recording):
    """A maker of prepared sinks with the options given."""

    def make(**options):
        made = PaymentSink(client, References(client), WorkdayPosting.from_config({**recording, **options}))
        made.prepare()
        return made

    return make


@pytest.fixture
def post(client, seed, recording):
    """Posts an invoice and returns its WID."""

    def make(number="b1", **options):
        sink = SupplierInvoiceSink(client, References(client), WorkdayPosting.from_config({**recording, **options}))
        sink.prepare()
        line = InvoiceLine(
            id="1", order=1, amount=Decimal(100), spend_category=seed.spend_categories[0].spend_category_id
        )
        document = SupplierInvoice(
            source=DocumentSource(system="bill", instance="org", stream="bills", id=number),
            external_id=f"BILL-{number}",
            supplier=seed.suppliers[0].supplier_id,
            supplier_number=f"INV-{number}",
            company=seed.companies[0].company_id,
            currency="USD",
            invoice_date=DAY,
            total=Decimal(100),
            lines=(line,),
        )
        return sink.create(document).target_id

    return make


@pytest.fixture
def payment(seed):
    """A maker of payments the tenant accepts, of invoices given by id with their amounts."""

    def make(name="p1", parts=None, **changes):
        parts = {"BILL-b1": "100.00"} if parts is None else parts
        applications = tuple(PaymentApplication(invoice=key, amount=Decimal(each)) for key, each in parts.items())
        fields = {
            "source": DocumentSource(system="bill", instance="org", stream="payments", id=name),
            "external_id": f"BILLPAY-{name}",
            "number": "EPKZ",
            "supplier": seed.suppliers[0].supplier_id,
            "company": seed.companies[0].company_id,
            "currency": "USD",
            "amount": sum((part.amount for part in applications), Decimal(0)),
            "payment_date": DAY,
            "method": "ACH",
            "reference": "EPKZ",
            "applications": applications,
        }
        return Payment(**{**fields, **changes})

    return make


def codes(reasons):
    """The reasons in short."""
    return [(reason.code, reason.kind, reason.value) for reason in reasons]


class TestRecording:
    """What was paid arrives as a record of it."""

    def test_a_payment_arrives_as_sent(self, sink, payment, tenant, seed, recording):
        """One clearing line per invoice, from the clearing account, under our id."""
        made, document = sink(payment_type="MANUAL"), payment(parts={"BILL-b1": "60.25", "BILL-b2": "39.75"})
        delivered = made.create(document)
        (kept,) = tenant.workday.ad_hoc_payments.values()
        assert (kept.wid, kept.payment_id, kept.external_reference) == (delivered.target_id, "BILLPAY-p1", "p1")
        assert (kept.bank_account, kept.payee, kept.payment_date) == (
            "BA-BILL-CLEARING",
            seed.suppliers[0].supplier_id,
            DAY,
        )
        assert (kept.control_total, kept.currency, kept.payment_type) == (Decimal("100.00"), "USD", "MANUAL")
        assert (kept.memo, kept.submitted) == ("Paid in BILL ACH EPKZ", True)
        assert [(line.spend_category, line.extended_amount, line.description) for line in kept.lines] == [
            (recording["payment_clearing_category"], Decimal("60.25"), "Paid elsewhere: BILL-b1"),
            (recording["payment_clearing_category"], Decimal("39.75"), "Paid elsewhere: BILL-b2"),
        ]
        found = made.read_back([delivered.target_id, "f" * 32])
        assert list(found) == [delivered.target_id]
        assert differences(made.facts(document), found[delivered.target_id]) == []

    def test_every_line_carries_the_worktags_that_are_set(self, sink, payment, tenant):
        """By the same types as invoice lines: a cost center however it is named, others by their id."""
        made = sink(
            payment_worktags={"cost_center": "CC-110", "project": "PRJ-001", "job": "J-1"},
            worktag_types={"job": "Custom_Worktag_1_ID"},
        )
        tenant.workday.add_worktag("Custom_Worktag_1_ID", "J-1")
        assert made.check(payment(parts={"BILL-b1": "60.25", "BILL-b2": "39.75"})) == []
        made.create(payment(parts={"BILL-b1": "60.25", "BILL-b2": "39.75"}))
        (kept,) = tenant.workday.ad_hoc_payments.values()
        assert [line.worktags for line in kept.lines] == 2 * [
            {"Cost_Center_Reference_ID": "CC-110", "Project_ID": "PRJ-001", "Custom_Worktag_1_ID": "J-1"}
        ]

    def test_a_payment_that_was_cancelled_is_seen(self, sink, payment, tenant, caplog):
        """Its own list tells no status, that of all payments does; others of that day are as they were."""
        made = sink()
        wids = [made.create(payment(name)).target_id for name in ("p1", "p2")]
        assert [made.read_back(wids)[wid].cancelled for wid in wids] == [False, False]
        tenant.workday.cancel_ad_hoc_payment("BILLPAY-p1")
        found = made.read_back(wids)
        assert [(found[wid].status, found[wid].cancelled) for wid in wids] == [("Canceled", True), ("Complete", False)]
        assert made.watched >= dt.timedelta(days=30)
        tenant.workday.forbid("Get_Payments")
        for _ in range(2):
            assert not sink().read_back(wids)[wids[0]].cancelled
        assert caplog.text.count("whether recorded payments were cancelled cannot be seen") == 2

    def test_credits_are_no_cash(self, sink, payment, tenant):
        """What a credit covers is not recorded as paid."""
        parts = (
            PaymentApplication(invoice="BILL-b1", amount=Decimal(90), credit=Decimal(10)),
            PaymentApplication(invoice="BILL-b2", amount=Decimal(0), credit=Decimal(30)),
        )
        sink().create(payment(amount=Decimal(90), applications=parts))
        (kept,) = tenant.workday.ad_hoc_payments.values()
        assert [line.extended_amount for line in kept.lines] == [Decimal(90)]

    def test_a_second_record_finds_the_first(self, sink, payment, tenant):
        """The refusal of a create-only request for our own id means: already recorded."""
        first, again = sink().create(payment()), sink().create(payment())
        assert again.target_id == first.target_id
        assert "Add Only" in again.warnings[0]
        assert len(tenant.workday.ad_hoc_payments) == 1

    def test_a_payment_is_seen_by_its_day(self, sink, payment):
        """By a ledger that was lost."""
        for day in (19, 20, 21):
            sink().create(payment(f"p{day}", payment_date=dt.date(2026, 10, day)))
        found = sink().survey(dt.date(2026, 10, 20), dt.date(2026, 10, 31))
        assert {each.external_id for each in found} == {"BILLPAY-p20", "BILLPAY-p21"}

    def test_every_difference_shows(self, sink, payment, tenant):
        """What people changed in Workday is told in words."""
        made, document = sink(), payment()
        wid = made.create(document).target_id
        kept = tenant.workday.ad_hoc_payments["BILLPAY-p1"]
        kept.control_total, kept.payment_date = Decimal(99), dt.date(2026, 10, 21)
        assert differences(made.facts(document), made.read_back([wid])[wid]) == [
            "amount is 99, sent was 100.00",
            "payment date is 2026-10-21, sent was 2026-10-20",
        ]

    def test_a_draft_is_submitted_by_an_update(self, sink, payment, tenant):
        """Of a target that submits; it stays the same payment."""
        left = sink(submit=False).create(payment())
        assert (left.draft, tenant.workday.ad_hoc_payments["BILLPAY-p1"].submitted) == (True, False)
        done = sink().update(payment(), left.target_id, payment())
        assert (done.target_id, done.draft) == (left.target_id, False)
        (kept,) = tenant.workday.ad_hoc_payments.values()
        assert (kept.wid, kept.submitted) == (left.target_id, True)

    def test_what_was_recorded_is_never_changed(self, sink, payment):
        """A voided payment is for a person."""
        made = sink()
        wid = made.create(payment()).target_id
        with pytest.raises(Conflict, match="cancel it in Workday by hand"):
            made.update(payment(), wid, None)


class TestUncertainty:
    """A write whose outcome is open is asked for, never repeated blindly."""

    @pytest.mark.parametrize(("fault", "arrived"), [("drop_before", False), ("drop_after", True), ("error_500", False)])
    def test_the_outcome_of_a_lost_answer_can_be_learned(self, sink, payment, tenant, fault, arrived):
        """From the list of its day."""
        made = sink()
        tenant.faults.next("workday", fault, side="writes")
        with pytest.raises(OutcomeUnknown):
            made.create(payment())
        assert (made.find(payment()) is not None) == arrived

    def test_what_cannot_be_listed_is_not_known(self, sink, payment, tenant):
        """Then a person has to look."""
        made = sink()
        tenant.workday.forbid("Get_Ad_Hoc_Payments")
        with pytest.raises(LookupInconclusive, match="refuses to list the payments of 2026-10-20"):
            made.find(payment())

    @pytest.mark.parametrize(
        ("trap", "error"),
        [("error_exception", Rejected), ("not_written", Rejected), ("no_reference", OutcomeUnknown)],
    )
    def test_an_answer_without_a_fault_proves_nothing(self, sink, payment, tenant, trap, error):
        """An Error exception beside nothing written is a refusal."""
        tenant.workday.arm(trap)
        with pytest.raises(error):
            sink().create(payment())

    def test_a_refusal_that_cannot_be_looked_into_stays_open(self, sink, payment, tenant):
        """Our id exists, but whether it is ours nobody can say now."""
        made = sink()
        made.create(payment())
        tenant.workday.forbid("Get_Ad_Hoc_Payments")
        with pytest.raises(OutcomeUnknown):
            made.create(payment())


class TestChecks:
    """What stands against recording a payment."""

    def test_nothing_stands_against_a_good_payment(self, sink, payment, post):
        """Its invoice named by our id or by its WID."""
        wid = post()
        for invoice in ("BILL-b1", wid):
            assert sink().check(payment(parts={invoice: "100.00"})) == []

    def test_an_invoice_the_tenant_does_not_have_holds_it(self, sink, payment, post):
        """By WID always, by our id where ids resolve."""
        post()
        for invoice in ("BILL-b9", "f" * 32):
            assert codes(sink().check(payment(parts={invoice: "5.00"}))) == [
                ("missing_invoice", "supplier_invoice", invoice)
            ]

    def test_a_tenant_that_cannot_look_ids_up_leaves_it_to_the_ledger(self, sink, payment, tenant, post):
        """The ledger has posted the invoice, or the payment would not be here."""
        post()
        tenant.workday.behaviour.refused_lookup_types.add("Supplier_Invoice_Reference_ID")
        assert sink().check(payment(parts={"BILL-b9": "5.00"})) == []

    def test_a_cancelled_invoice_holds_it(self, sink, payment, tenant, post):
        """Somebody undid it in Workday."""
        post()
        tenant.workday.cancel_invoice("BILL-b1")
        assert codes(sink().check(payment())) == [("cancelled", "supplier_invoice", "BILL-b1")]

    def test_another_suppliers_invoice_holds_it(self, sink, payment, post, seed):
        """Whoever was paid is who is owed."""
        post()
        other = seed.suppliers[1].supplier_id
        assert codes(sink().check(payment(supplier=other))) == [("wrong_supplier", "supplier_invoice", "BILL-b1")]

    @pytest.mark.parametrize(
        ("changes", "expected"),
        [
            ({"company": None}, ("missing", "field", "company")),
            ({"company": "CO-999"}, ("unknown", "company", "CO-999")),
            ({"supplier": "S-99999"}, ("unknown", "supplier", "S-99999")),
            ({"amount": Decimal(0)}, ("not_paid", None, None)),
        ],
    )
    def test_each_cause_is_named(self, sink, payment, changes, expected):
        """Before anything is sent."""
        assert codes(sink().check(payment(**changes))) == [expected]

    def test_a_cost_center_must_be_in_use(self, sink, payment, post):
        """As on invoices."""
        post()
        assert codes(sink(payment_worktags={"cost_center": "CC-NONE"}).check(payment())) == [
            ("unknown", "cost_center", "CC-NONE")
        ]

    def test_the_clearing_category_must_be_there(self, sink, payment):
        """Told with its id."""
        made = sink(payment_clearing_category="Nothing")
        assert codes(made.check(payment())) == [("unknown", "spend_category", "Nothing")]


class TestSettings:
    """Recording is asked for in full, or not at all."""

    def target(self, **config):
        """The target with these settings."""
        return TargetWorkday(
            config={
                "base_url": "https://services.vendor.invalid",
                "tenant": "acme",
                "isu_username": "ISU",
                "isu_password": "pw",
                **config,
            }
        )

    def test_by_default_payments_are_not_taken(self, tmp_path, monkeypatch):
        """There is no sink for them; with all settings there is."""
        monkeypatch.setenv("ML_CONNECTOR_STATE_DIR", str(tmp_path))
        assert [sink.kind for sink in self.target().sinks] == ["suppliers", "supplier_invoices"]
        whole = {
            "payment_recording": "ad_hoc_payment",
            "payment_bank_account": "BA-1",
            "payment_clearing_category": "AP_Clearing",
            "on_hold": True,
        }
        assert [sink.kind for sink in self.target(**whole).sinks] == ["suppliers", "supplier_invoices", "payments"]

    @pytest.mark.parametrize(
        ("missing", "words"),
        [
            ("payment_bank_account", 'setting "payment_bank_account" is missing'),
            ("payment_clearing_category", 'setting "payment_clearing_category" is missing'),
            ("override_payment_type", '"on_hold" .false. and "override_payment_type" .not set.'),
        ],
    )
    def test_without_one_of_these_it_refuses_to_start(self, recording, missing, words):
        """An invoice that was paid must not be paid again by a settlement run."""
        options = {name: value for name, value in recording.items() if name != missing}
        with pytest.raises(SettingInvalid, match=words):
            WorkdayPosting.from_config(options)

    @pytest.mark.parametrize("tags", [{"job": "J-1"}, {"cost_center": " "}])
    def test_worktags_must_have_a_type_and_a_value(self, recording, tags):
        """Told before anything is posted."""
        with pytest.raises(SettingInvalid, match="payment_worktags"):
            WorkdayPosting.from_config({**recording, "payment_worktags": tags})

    def test_invoices_on_hold_are_enough(self, recording):
        """Either keeps a settlement run away from them."""
        options = {**recording, "override_payment_type": None, "on_hold": True}
        assert WorkdayPosting.from_config(options).records_payments

    def test_another_word_is_told(self):
        """With those there are."""
        with pytest.raises(SettingInvalid, match=r"payment_recording.*journal"):
            WorkdayPosting.from_config({"payment_recording": "journal"})

    def test_invoices_carry_the_override_payment_type(self, post, tenant):
        """No settlement run selects it."""
        post()
        assert tenant.workday.invoice("BILL-b1").override_payment_type == "PAID_OUTSIDE"


@pytest.mark.contract
def test_the_real_contract_can_be_spoken_to(contracts_dir, tenant, sink, payment, post):
    """The tenant serves the WSDLs of the contract folder and checks every request against their schemas."""
    tenant.workday.serve_wsdl(contracts_dir / "workday")
    post()
    made, document = sink(payment_worktags={"cost_center": "CC-110"}), payment()
    assert made.check(document) == []
    wid = made.create(document).target_id
    assert differences(made.facts(document), made.read_back([wid])[wid]) == []
    tenant.workday.cancel_ad_hoc_payment("BILLPAY-p1")
    assert made.read_back([wid])[wid].cancelled
    assert made.find(document).target_id == wid
