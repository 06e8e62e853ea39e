"""Files of invoices, put to their bills: each once, none lost, none printed."""

from __future__ import annotations

import datetime as dt
import hashlib
import logging

import pytest
import sqlalchemy as sa
from bill_documents import VENDOR, attachment, config_for, deliver, invoice

from erp_sandbox.bill.rules import BillRules
from erp_sandbox.clock import Clock
from erp_sandbox.ids import bill_id
from ml_connector.delivery.sink import LookupInconclusive, differences
from ml_connector.documents import Attachment
from ml_connector.errors import Conflict, Rejected
from ml_connector.ledger.schema import audit, entries
from ml_connector.ledger.store import DEFAULT_URL, Ledger
from ml_connector.systems.bill.client import BillClient
from ml_connector.systems.bill.documents import marked_name
from ml_connector.systems.bill.settings import BillSettings
from target_bill.options import BillPosting
from target_bill.references import References
from target_bill.sinks import AttachmentSink, SupplierInvoiceSink, attachments

MINUTES = dt.timedelta(minutes=3)
HASH = hashlib.sha256(b"%PDF-1.7 scan").hexdigest()
NAME = f"Scan_1-{HASH[:12]}.pdf"


@pytest.fixture
def rules():
    """The switches of the stand-in."""
    return BillRules()


@pytest.fixture
def box(sandbox, rules, tmp_path, monkeypatch):
    """A running organization; the ledger of the test is in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MELTANO_PROJECT_ROOT", raising=False)
    return sandbox(rules=rules, clock=Clock())


class Time:
    """Time that passes when somebody waits, here and at BILL."""

    def __init__(self, clock):
        self._clock = clock
        self.waited = 0.0

    def monotonic(self):
        return self.waited

    def wait(self, seconds):
        self.waited += seconds
        self._clock.advance(dt.timedelta(seconds=seconds))


@pytest.fixture
def time(box, monkeypatch):
    """The time the sink lives in."""
    time = Time(box.bill.clock)
    monkeypatch.setattr(attachments, "time", time)
    return time


@pytest.fixture
def sink(box, time):
    """A maker of sinks, each as if in a process of its own."""
    opened = []

    def make(cls=AttachmentSink, **options):
        client = BillClient(BillSettings.from_config(config_for(box), plugin="target-bill"))
        opened.append(client)
        made = cls(client, References(client), BillPosting.from_config(options))
        made._idle = time
        made.prepare()
        return made

    yield make
    for client in opened:
        client.close()


@pytest.fixture
def bill(sink):
    """The bill R-1."""
    return sink(SupplierInvoiceSink).create(invoice()).target_id


def files(box, bill):
    """What BILL has of a bill, taken in or not."""
    return box.bill.main.documents.get(bill, [])


@pytest.mark.parametrize("by", ["id", "number"])
def test_a_file_arrives_as_it_is(box, sink, bill, by):
    """Byte for byte, under a plain name that tells its content; the audit is told size and hash."""
    made = sink()
    document = attachment(bill=bill if by == "id" else "R-1")
    assert made.check(document) == []
    done = made.create(document)
    (kept,) = files(box, bill)
    assert (kept["name"], kept["size"], kept["sha256"]) == (NAME, 13, HASH)
    assert (done.number, done.target_id[:3]) == (NAME, "0du")
    assert HASH in done.request
    assert document.content not in f"{done.request}{done.response}{document!r}"


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"content": b""}, "size", "has no content"),
        ({"content": b"x" * 6_000_001}, "size", "has 6.0 MB, BILL takes up to 6 MB"),
        ({"content": None}, "missing", "was not read"),
        ({"file_name": "setup.exe"}, "type", "of type exe"),
        ({"file_name": "scan"}, "type", "without an extension"),
        ({"bill": "R-NONE"}, "missing_bill", "no bill R-NONE"),
        ({"supplier": bill_id("vendor", 1, 2)}, "missing_bill", "no bill R-1"),
    ],
)
def test_what_bill_would_not_take_is_held_with_a_cure(sink, bill, changes, code, words):
    """Before anything is sent."""
    document = attachment(**{"content": b"x", **changes}) if changes.get("content", b"x") is not None else unread()
    (reason,) = sink().check(document)
    assert (reason.code, words in reason.what, bool(reason.cure)) == (code, True, True)


def unread():
    """A file of which only size and hash are known."""
    return Attachment.model_validate({**attachment().model_dump(), "content": None})


def test_the_types_that_are_sent_can_be_set(sink, bill):
    """However they are spelt."""
    assert sink(document_types=[".XML"]).check(attachment(file_name="invoice.Xml")) == []
    assert [reason.code for reason in sink(document_types=["xml"]).check(attachment())] == ["type"]


def test_an_archived_bill_gets_no_files(box, sink, bill):
    """It counts no more."""
    box.bill.edit_bill(bill, archived=True, recordStatus="INACTIVE")
    assert [reason.code for reason in sink().check(attachment())] == ["inactive"]


def test_a_file_that_is_there_is_not_sent_again(box, sink, bill):
    """Not by another process with another ledger either."""
    sink().create(attachment())
    again = sink().create(attachment("f9"))
    assert len(files(box, bill)) == 1
    assert (again.target_id[:3], len(again.warnings)) == ("00h", 1)


def test_files_of_one_name_are_told_apart_by_their_content(box, sink, bill):
    """Two scans called alike are two documents."""
    made = sink()
    for content in (b"page one", b"page two"):
        made.create(attachment(content=content))
    assert len({each["name"] for each in files(box, bill)}) == 2


@pytest.mark.parametrize("own", [True, False], ids=["of this process", "of a process that died"])
def test_what_may_be_on_its_way_is_waited_for(box, sink, time, bill, own):
    """BILL lists it after minutes; nothing is proved before that."""
    box.bill.rules.upload_takes = MINUTES
    first = sink()
    first.create(attachment())
    found = (first if own else sink()).find(attachment())
    assert found.target_id == files(box, bill)[0]["id"]
    assert time.waited > 0


def test_what_is_not_there_after_the_wait_was_never_sent(sink, time, bill):
    """And may be sent."""
    assert sink(upload_wait=200).find(attachment()) is None
    assert time.waited == 200


def test_a_bill_that_is_gone_proves_nothing(box, sink, rules, bill):
    """Neither does one whose documents may not be listed."""
    with pytest.raises(LookupInconclusive):
        sink(upload_wait=0).find(attachment(bill="R-NONE"))
    with pytest.raises(Rejected):
        sink().create(attachment(bill="R-NONE"))


def test_uploads_read_back_once_bill_has_taken_them_in(rules, sink, time, bill):
    """Whatever of them is late is left to the next run; ids nobody knows spoil no others."""
    rules.upload_takes = MINUTES
    made = sink(upload_wait=400)
    document = attachment()
    upload = made.create(document).target_id
    found = made.read_back([upload, "0du01NOSUCH", "00h01NOSUCH"])
    assert [differences(made.facts(document), each) for each in found.values()] == [[]]
    assert (list(found), found[upload].facts) == ([upload], {"file_name": NAME})
    assert time.waited > 0
    rules.upload_takes = MINUTES * 100
    late = made.create(attachment(content=b"late")).target_id
    assert list(made.read_back([upload, late])) == [upload]


def test_what_is_uploaded_is_never_changed(sink, bill):
    """BILL has no call for it."""
    with pytest.raises(Conflict, match="cannot be changed"):
        sink().update(attachment(), "00h01", None)


@pytest.mark.parametrize(
    ("name", "marked"),
    [
        ("a.pdf", "a-0123456789ab.pdf"),
        ("Rechnung Nr. 7/ä.PDF", "Rechnung_Nr._7_-0123456789ab.PDF"),
        (".pdf", "file-0123456789ab.pdf"),
        (f"{'x' * 300}.pdf", f"{'x' * 83}-0123456789ab.pdf"),
    ],
)
def test_names_are_plain_short_and_marked(name, marked):
    """So that BILL has no reason to change them."""
    assert marked_name(name, "0123456789abcdef") == marked


class TestTheWholeTarget:
    """Through intake and ledger, as a process would."""

    def test_a_file_waits_for_its_bill_and_goes_out_once(self, box, caplog):
        """Invoice and file of one run go out in it; the content is in no log, audit row or record of what was sent."""
        caplog.set_level(logging.DEBUG)
        document = attachment()
        assert deliver(box, document)["attachments"] == {"held": 1}
        assert deliver(box, invoice())["attachments"] == {"created": 1}
        assert deliver(box, document) == {"attachments": {"unchanged": 1}}
        (bill,) = [each for each in box.bill.bills() if each["invoice"]["invoiceNumber"] == "R-1"]
        assert len(files(box, bill["id"])) == 1
        with Ledger(DEFAULT_URL) as ledger, ledger.read() as connection:
            told = [str(row) for row in connection.execute(sa.select(audit))]
            (row,) = connection.execute(sa.select(entries).where(entries.c.kind == "attachments"))
        assert row.verified_at is not None
        assert not [text for text in (*told, row.sent, row.reasons, caplog.text) if document.content in text]

    @pytest.mark.parametrize("fault", ["drop_after", "drop_before", "error_500", "throttle", "expire_session"])
    def test_a_fault_at_the_write_leaves_exactly_one(self, box, fault):
        """Whether the upload was taken or not: the bill's files are listed before anything is sent again."""
        deliver(box, invoice())
        box.faults.next("bill", fault, side="writes")
        assert deliver(box, attachment(), upload_wait=0)["attachments"]["created"] == 1
        (kept,) = [each for bill in box.bill.bills() for each in files(box, bill["id"]) if each["name"] == NAME]
        assert kept["sha256"] == HASH

    def test_an_upload_bill_is_still_at_is_looked_after_by_the_next_run(self, box, rules):
        """Held until then, and sent by no one again."""
        rules.upload_takes = MINUTES
        deliver(box, invoice())
        assert deliver(box, attachment(), upload_wait=0)["attachments"] == {"held": 1}
        box.bill.clock.advance(MINUTES)
        deliver(box, attachment(), upload_wait=0)
        with Ledger(DEFAULT_URL) as ledger, ledger.read() as connection:
            query = sa.select(entries.c.state, entries.c.verified_at).where(entries.c.kind == "attachments")
            (row,) = connection.execute(query)
        assert (row.state, row.verified_at is not None) == ("posted", True)
        assert sum(len(files(box, bill["id"])) for bill in box.bill.bills() if bill["vendorId"] == VENDOR) >= 1
