"""No second invoice of a number, however it is written: typed by hand, or sent before."""

from __future__ import annotations

import datetime as dt
import itertools
from contextlib import ExitStack

import bill_documents
import business_central_documents
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from erp_sandbox import credentials
from erp_sandbox.bill.rules import BillRules
from erp_sandbox.server import Sandbox
from erp_sandbox.world import World
from ml_connector.errors import Conflict
from ml_connector.systems.bill.client import BillClient
from ml_connector.systems.bill.settings import BillSettings
from ml_connector.systems.workday import references as of_workday
from ml_connector.systems.workday.client import WorkdayClient
from ml_connector.systems.workday.settings import WorkdaySettings
from target_bill import references as of_bill
from target_bill.options import BillPosting
from target_bill.sinks import SupplierInvoiceSink as BillSink
from target_business_central import references as of_business_central
from target_business_central.options import BusinessCentralPosting
from target_business_central.sinks import SupplierInvoiceSink as BusinessCentralSink
from target_workday.options import WorkdayPosting
from target_workday.sinks import SupplierInvoiceSink as WorkdaySink

NUMBERS = {
    "case": ("ABC-77", "abc-77"),
    "zero-width space": ("ABC-77", "ABC-\u200b77"),
    "soft hyphen": ("ABC-77", "ABC\u00ad-77"),
    "direction mark": ("ABC-77", "\u200eABC-77"),
    "full width": ("ABC-77", "\uff21\uff22\uff23-\uff17\uff17"),
    "no-break hyphen": ("ABC-77", "ABC\u201177"),
    "blanks": ("ABC 77", "ABC\u00a0 77"),
    "decomposed": ("RÉ-77", "RE\u0301-77"),
}
UNLIKE = [("ABC-77", "ABC77"), ("ABC-77", "ABC-077"), ("77", "7"), ("RE-77", "RÉ-77")]
SOON = st.integers(-400, 400).map(lambda days: bill_documents.DAY + dt.timedelta(days))


class Bill:
    """An organization that takes the same number twice, as BILL may."""

    documents = bill_documents

    def __init__(self, box):
        self.box = box
        self.client = BillClient(BillSettings.from_config(bill_documents.config_for(box), plugin="target-bill"))

    def typed(self, number, day=bill_documents.DAY):
        """Let somebody enter a bill of a number by hand, then read it."""
        stranger = self.sink()
        document = self.documents.invoice("by-hand", supplier_number=number, invoice_date=day, due_date=day)
        made = stranger.create(document)
        self.box.bill.edit_bill(made.target_id, description="typed by hand")
        return made.target_id

    def forget(self, id_):
        self.box.bill.edit_bill(id_, invoice={"invoiceNumber": f"gone {id_[-12:]}", "invoiceDate": "2020-01-01"})

    def sink(self):
        return BillSink(self.client, of_bill.References(self.client), BillPosting.from_config({}))


class BusinessCentral:
    """A company whose drafts may share a number."""

    documents = business_central_documents

    def __init__(self, box):
        self.box = box
        self.client = business_central_documents.client_for(box)

    def typed(self, number, day=bill_documents.DAY):
        """Let somebody enter an invoice of a number by hand."""
        return self.documents.entered(self.box, number=number, day=day, post=False)["id"]

    def forget(self, id_):
        self.box.business_central.edit("purchaseInvoices", id_, vendorInvoiceNumber=f"GONE {id_[-12:]}".upper())

    def sink(self):
        references = of_business_central.References(self.client, self.box.business_central.company().id)
        return BusinessCentralSink(self.client, references, BusinessCentralPosting.from_config({}))


class Workday:
    """A tenant that looks at numbers itself, but not at how they are written."""

    def __init__(self, box):
        self.box = box
        self.documents = self
        config = {
            "base_url": box.workday_base_url,
            "tenant": credentials.WORKDAY_TENANT,
            "isu_username": credentials.WORKDAY_ISU_USERNAME,
            "isu_password": credentials.WORKDAY_ISU_PASSWORD,
        }
        self.client = WorkdayClient(WorkdaySettings.from_config(config))
        self.references = of_workday.References(self.client)
        self.seed = box._worlds[0].workday_seed()

    def invoice(self, id_, **changes):
        """Return an invoice the tenant takes."""
        spend = self.seed.spend_categories[0]
        coding = {"spend_category": spend.spend_category_id, "gl_account": spend.ledger_account_id}
        return bill_documents.invoice(
            f"{id_}-{next(self._counter)}",
            line=coding,
            supplier=self.seed.suppliers[0].supplier_id,
            company=self.seed.companies[0].company_id,
            **changes,
        )

    _counter = itertools.count()

    def typed(self, number, day=bill_documents.DAY):
        """Let somebody enter an invoice of a number by hand."""
        return self.sink().create(self.invoice("by-hand", supplier_number=number, invoice_date=day)).target_id

    def forget(self, id_):
        self.box.workday.cancel_invoice(self.box.workday.invoice_ledger.by_wid(id_).supplier_invoice_id)

    def sink(self):
        made = WorkdaySink(self.client, self.references, WorkdayPosting.from_config({}))
        made.prepare()
        return made


def ours(room, number, day):
    """Return an invoice of ours; to Workday of about that day, since it is asked for those of one year."""
    dated = {"invoice_date": day, "due_date": day} if isinstance(room, Workday) else {}
    return room.documents.invoice("ours", supplier_number=number, **dated)


@pytest.fixture(scope="module", params=[Bill, BusinessCentral, Workday])
def room(request):
    """A target that hinders no second invoice of a number by itself."""
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        business_central_documents.without_documents(patch)
        world = World.plain(vendors=3, bills=0, lines=(1, 1))
        box = stack.enter_context(Sandbox(world, rules=BillRules(duplicate_numbers="taken")))
        made = request.param(box)
        stack.callback(made.client.close)
        yield made


@pytest.mark.parametrize(("typed", "sent"), [pair for each in NUMBERS.values() for pair in (each, each[::-1])])
def test_a_number_typed_by_hand_stops_every_way_to_write_it(room, typed, sent):
    """It is held as a duplicate, and nothing is entered."""
    there = room.typed(typed)
    try:
        with pytest.raises(Conflict, match="already"):
            room.sink().create(room.documents.invoice("ours", supplier_number=sent))
    finally:
        room.forget(there)


@pytest.mark.parametrize(("first", "second"), list(NUMBERS.values()))
def test_two_of_ours_in_one_run_are_one_too_many(room, first, second):
    """What was just sent stops the other one as well."""
    sink = room.sink()
    made = sink.create(room.documents.invoice("one", supplier_number=first))
    try:
        with pytest.raises(Conflict, match="already"):
            sink.create(room.documents.invoice("two", supplier_number=second))
    finally:
        room.forget(made.target_id)


@pytest.mark.parametrize(("first", "second"), UNLIKE)
def test_another_number_is_another_invoice(room, first, second):
    """What people can tell apart goes out."""
    sink = room.sink()
    made = [
        sink.create(room.documents.invoice(f"u{first}{number}", supplier_number=number)).target_id
        for number in (first, second)
    ]
    assert len(set(made)) == 2
    for each in made:
        room.forget(each)


@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    letters=st.text(st.characters(codec="ascii", categories=["L", "Nd"]), min_size=2, max_size=8),
    unseen=st.sampled_from(["", "\u200b", "\u00ad", "\u200f", "\u2060"]),
    at=st.integers(0, 8),
    day=SOON,
)
def test_no_writing_and_no_date_hides_a_number(room, letters, unseen, at, day):
    """Any number, in any case, with something unseen anywhere, dated whenever."""
    there = room.typed(letters, day)
    try:
        with pytest.raises(Conflict, match="already"):
            room.sink().create(ours(room, letters[:at] + unseen + letters[at:].swapcase(), day))
    finally:
        room.forget(there)
