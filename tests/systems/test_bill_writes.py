from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal

import httpx
import pytest
import stamina
from bill_doubles import Bill, error

from ml_connector.errors import (
    Conflict,
    CredentialsRefused,
    NotFound,
    OutcomeUnknown,
    PermissionDenied,
    Rejected,
    Throttled,
    Unavailable,
)
from ml_connector.systems.bill.bills import BillBook, CreditBook, Invoice
from ml_connector.systems.bill.lists import read_ids, read_one
from ml_connector.systems.bill.vendors import Vendor, VendorBook
from ml_connector.systems.bill.writes import Written

DUE = dt.date(2026, 10, 31)


@pytest.fixture(autouse=True)
def _no_waiting():
    """Reads that are tried again do not wait."""
    with stamina.set_testing(True, attempts=3, cap=True):
        yield


@pytest.fixture
def bill():
    """BILL, scripted."""
    return Bill()


def made(id_="00n01A", number="R-1", vendor="009V", status=201):
    """Return BILL's answer to a created bill."""
    return httpx.Response(status, json={"id": id_, "vendorId": vendor, "invoice": {"invoiceNumber": number}})


def body(number="R-1", vendor="009V"):
    """Return a request for a bill."""
    return {"vendorId": vendor, "invoice": {"invoiceNumber": number, "invoiceDate": "2026-10-01"}}


@pytest.mark.parametrize(
    ("verb", "call"),
    [
        ("POST", lambda client: client.post("/v3/vendors", {"amount": Decimal("149.00"), "name": "Ö"})),
        ("PATCH", lambda client: client.patch("/v3/vendors", {"amount": Decimal("149.00"), "name": "Ö"})),
        ("PUT", lambda client: client.put("/v3/vendors", {"amount": Decimal("149.00"), "name": "Ö"})),
    ],
)
def test_a_write_carries_exact_numbers_as_json(bill, verb, call):
    """Two decimals are sent as two decimals; session and key are those of reads."""
    bill.answers = [httpx.Response(200, content=b'{"id":"009","amount":149.10}')]
    written = call(bill.client())
    (request,) = bill.sent("/v3/vendors")
    assert (request.method, request.content) == (verb, '{"amount":149.00,"name":"Ö"}'.encode())
    assert request.headers["content-type"] == "application/json"
    assert (request.headers["sessionId"], request.headers["devKey"]) == ("session-1", "01SECRETDEVKEY")
    assert written.value["amount"] == Decimal("149.10")


def test_an_action_is_sent_without_a_body(bill):
    """As archiving a vendor."""
    bill.answers = [httpx.Response(200, json={"id": "009"})]
    bill.client().post("/v3/vendors/009/archive")
    (request,) = bill.sent("/archive")
    assert request.content == b""
    assert "content-type" not in request.headers


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (httpx.ReadTimeout("slow"), OutcomeUnknown),
        (httpx.ReadError("reset"), OutcomeUnknown),
        (httpx.WriteError("reset"), OutcomeUnknown),
        (httpx.WriteTimeout("slow"), OutcomeUnknown),
        (httpx.RemoteProtocolError("closed"), OutcomeUnknown),
        (error(500, "BDC_1001"), OutcomeUnknown),
        (error(500, None), OutcomeUnknown),
        (error(200, "BDC_1001"), OutcomeUnknown),
        (httpx.Response(502, text="<html>Bad Gateway</html>"), OutcomeUnknown),
        (httpx.Response(503), OutcomeUnknown),
        (httpx.Response(504), OutcomeUnknown),
        (httpx.Response(408), OutcomeUnknown),
        (httpx.Response(429), OutcomeUnknown),
        (httpx.Response(201, text="<html>ok</html>"), OutcomeUnknown),
        (httpx.ConnectError("refused"), Unavailable),
        (httpx.ConnectTimeout("slow"), Unavailable),
        (httpx.PoolTimeout("full"), Unavailable),
        (error(429, "BDC_1322"), Throttled),
        (error(422, "BDC_1322"), Throttled),
        (error(500, "BDC_1322"), Throttled),
        (error(422, "BDC_1144"), Throttled),
        (error(422, "BDC_1171"), Conflict),
        (error(400, "BDC_1119", "invoiceNumber: a Duplicate of another"), Conflict),
        (error(400, None, "The invoice number already exists"), Conflict),
        (error(409, None), Conflict),
        (error(400, "BDC_1143"), Rejected),
        (error(400, "BDC_1002"), Rejected),
        (error(400, "BDC_1159"), Rejected),
        (error(500, "BDC_1246"), Rejected),
        (error(400, None, "address: must not be null"), Rejected),
        (error(200, "BDC_1119"), Rejected),
        (error(404, "BDC_1205"), NotFound),
        (error(403, "BDC_1145"), PermissionDenied),
        (error(403, "BDC_1361", "The session is untrusted."), PermissionDenied),
    ],
)
def test_what_a_failed_write_means(bill, answer, kind):
    """Only what certainly was not processed may be sent again, and the client itself never does."""
    bill.answers = [answer]
    with pytest.raises(kind) as failed:
        bill.client().post("/v3/bills", {})
    assert type(failed.value) is kind
    assert len(bill.sent("/v3/bills")) == 1


def test_a_write_is_sent_again_after_a_new_login_once(bill):
    """A call without a session is not processed."""
    bill.answers = [error(401, "BDC_1109"), made()]
    assert bill.client().post("/v3/bills", body()).value["id"] == "00n01A"
    assert [call.headers["sessionId"] for call in bill.sent("/v3/bills")] == ["session-1", "session-2"]
    bill.answers = [error(401, "BDC_1109"), error(401, "BDC_1109")]
    with pytest.raises(CredentialsRefused):
        bill.client().post("/v3/bills", body())
    assert len(bill.sent("/v3/bills")) == 4


def test_too_many_calls_at_once_make_it_fewer(bill):
    """The next calls leave room."""
    bill.answers = [error(429, "BDC_1322")]
    client = bill.client(max_concurrency=3)
    with pytest.raises(Throttled):
        client.post("/v3/bills", {})
    assert client._permits.limit == 2


def test_neither_secrets_nor_bank_details_are_kept_for_the_audit(bill):
    """Nor tax numbers, which can be a person's."""
    answer = {"id": "009", "additionalInfo": {"taxId": "12-3456789", "taxIdType": "SSN"}}
    bank = {"bankAccount": {"accountNumber": "111222333", "routingNumber": "074000010"}}
    bill.answers = [httpx.Response(201, json={**answer, "paymentInformation": bank})]
    written = bill.client().post("/v3/vendors", {"paymentInformation": bank})
    for secret in ("12-3456789", "111222333", "074000010"):
        assert secret not in written.request + written.response


class TestBulk:
    """Up to a hundred bills in one request, all or nothing."""

    def create(self, bill, *numbers):
        """Create bills of these numbers; return their ids or the class of what went wrong."""
        parts = BillBook(bill.client()).create_many([body(number) for number in numbers])
        return [part.value["id"] if isinstance(part, Written) else type(part) for part in parts]

    def bulks(self, bill):
        """Return how many bills each request carried."""
        return [len(json.loads(request.content)) for request in bill.sent("/v3/bills/bulk")]

    def many(self, *numbers):
        """Return BILL's answer to a bulk request."""
        return httpx.Response(201, json=[json.loads(made(f"00n-{each}", each).content) for each in numbers])

    def test_each_bill_gets_its_part_of_the_answer(self, bill):
        """Whatever order the answer has."""
        bill.answers = [self.many("3", "1", "2")]
        assert self.create(bill, "1", "2", "3") == ["00n-1", "00n-2", "00n-3"]

    def test_one_bad_bill_does_not_keep_back_the_others(self, bill):
        """A rolled-back request is halved until the bad one stands alone."""
        rolled_back = error(400, "BDC_1246")
        bill.answers = [rolled_back, self.many("1", "2"), rolled_back, error(400, "BDC_1143"), made("00n-4", "4")]
        assert self.create(bill, "1", "2", "3", "4") == ["00n-1", "00n-2", Rejected, "00n-4"]
        assert self.bulks(bill) == [4, 2, 2]
        assert len(bill.sent("/v3/bills")) == 2

    @pytest.mark.parametrize(
        ("answer", "kind"), [(httpx.ReadTimeout("slow"), OutcomeUnknown), (error(429, "BDC_1322"), Throttled)]
    )
    def test_what_failed_technically_is_not_sent_again(self, bill, answer, kind):
        """Nobody knows, or the limit says: for all of them."""
        bill.answers = [answer]
        assert self.create(bill, "1", "2") == [kind, kind]
        assert self.bulks(bill) == [2]

    def test_a_bill_the_answer_does_not_show_is_unknown(self, bill):
        """It is looked up before anything else."""
        bill.answers = [self.many("1")]
        assert self.create(bill, "1", "2") == ["00n-1", OutcomeUnknown]


class TestLookUps:
    """Finding what a write may have left behind."""

    def bill(self, number="R-1", vendor="009V", **changes):
        """Return a bill object."""
        return {"id": "00n01A", "vendorId": vendor, "amount": 5, "invoice": {"invoiceNumber": number}, **changes}

    def page(self, *rows):
        """Return a list page."""
        return httpx.Response(200, json={"results": list(rows)})

    def looked_up(self, bill, number):
        """Return what is found of a number once the vendor's bills have been read, and the filters of the look-up."""
        book, answers = BillBook(bill.client()), bill.answers
        bill.answers = [self.page()]
        assert book.with_number("009V", "anything", DUE) == []
        bill.answers = answers
        found = book.with_number("009V", number, DUE)
        return found, [request.url.params["filters"] for request in bill.sent("/v3/bills")][1:]

    def test_a_vendors_bills_are_read_when_the_first_number_is_asked_for(self, bill):
        """BILL compares exactly; what was read is read again by id, with its approvers, where it is of the number."""
        bill.answers = [
            self.page(self.bill("r\u200b-1"), self.bill("R-2", id="00n01B")),
            self.page(self.bill("r\u200b-1")),
        ]
        found = BillBook(bill.client()).with_number("009V", "R-1", DUE)
        filters = [request.url.params["filters"] for request in bill.sent("/v3/bills")]
        assert filters == ["vendorId:eq:009V", 'id:in:"00n01A"']
        assert [each.number for each in found] == ["r\u200b-1"]

    def test_a_number_is_asked_for_by_filter(self, bill):
        """One call from then on; what the filter let through is compared again."""
        bill.answers = [self.page(self.bill(" r-1 "), self.bill("R-2"), self.bill(vendor="009W"))]
        found, filters = self.looked_up(bill, "R-1")
        assert filters == ["vendorId:eq:009V,invoice.invoiceNumber:eq:R-1"]
        assert [each.number for each in found] == [" r-1 "]

    def test_where_the_filter_is_refused_the_due_dates_around_are_read(self, bill):
        """Once refused it is not tried again."""
        bill.answers = [self.page(), error(400, "BDC_1130"), self.page(self.bill()), self.page()]
        book = BillBook(bill.client())
        assert book.with_number("009V", "R-0", DUE) == []
        assert len(book.with_number("009V", "R-1", DUE)) == 1
        assert book.with_number("009V", "R-9", DUE) == []
        filters = [request.url.params["filters"] for request in bill.sent("/v3/bills")]
        assert filters[2:] == ["vendorId:eq:009V,dueDate:gte:2026-07-31,dueDate:lte:2027-01-31"] * 2

    @pytest.mark.parametrize("number", ["A,B", "A:B", 'A"B'])
    def test_a_number_that_cannot_stand_in_a_filter_never_does(self, bill, number):
        """There is no documented escape."""
        bill.answers = [self.page(self.bill(number))]
        found, filters = self.looked_up(bill, number)
        assert (len(found), "invoiceNumber" in str(filters)) == (1, False)

    def test_credits_are_read_whole_where_their_vendor_is_no_filter(self, bill):
        """And compared here."""
        credit = {"id": "vcr1", "vendorId": "009V", "referenceNumber": "C-1", "amount": 40, "appliedAmount": 0}
        bill.answers = [error(400, "BDC_1130"), self.page(credit, {**credit, "vendorId": "009W"})]
        (found,) = CreditBook(bill.client()).with_number("009V", "C-1")
        assert (found.id, found.total) == ("vcr1", Decimal(-40))

    def test_who_may_not_see_one_object_asks_the_list(self, bill):
        """A user may create and list, but not get."""
        bill.answers = [error(403, "BDC_1145"), self.page(self.bill())]
        assert read_one(bill.client(), "/v3/bills", "00n01A")["id"] == "00n01A"
        assert bill.sent("/v3/bills")[-1].url.params["filters"] == "id:eq:00n01A"

    def test_many_ids_are_read_fifty_a_call(self, bill):
        """What was not asked for is left out."""
        bill.answers = [self.page(self.bill()), self.page(self.bill(id="other"))]
        found = read_ids(bill.client(), "/v3/bills", [f"id{number}" for number in range(60)] + ["00n01A"])
        assert set(found) == {"00n01A"}
        assert len(bill.sent("/v3/bills")) == 2

    def test_a_vendor_that_is_not_there_is_none(self, bill):
        """Not an error."""
        bill.answers = [error(404, "BDC_1205")]
        assert VendorBook(bill.client()).get("009X") is None


OPEN = {"id": "00n", "paymentStatus": "UNPAID", "approvalStatus": "ASSIGNED", "recordStatus": "ACTIVE"}


@pytest.mark.parametrize(
    ("changes", "open_"),
    [
        ({}, True),
        ({"approvalStatus": "UNASSIGNED"}, True),
        ({"approvalStatus": "APPROVED"}, False),
        ({"approvalStatus": "APPROVING"}, False),
        ({"approvalStatus": "DENIED"}, False),
        ({"approvalStatus": None}, False),
        ({"approvers": [{"status": "WAITING"}, {"status": "APPROVED"}]}, False),
        ({"paymentStatus": "SCHEDULED"}, False),
        ({"paymentStatus": "UNDEFINED"}, False),
        ({"paidAmount": Decimal("0.01")}, False),
        ({"scheduledAmount": 1}, False),
        ({"creditAmount": 1}, False),
        ({"recordStatus": "INACTIVE"}, False),
        ({"recordStatus": None, "archived": True}, False),
    ],
)
def test_a_bill_is_open_only_while_nobody_has_touched_it(changes, open_):
    """Approved by anybody, scheduled, paid in part, credited or archived: it may not be changed."""
    assert Invoice.of_bill({**OPEN, **changes}).open is open_


@pytest.mark.parametrize(
    ("tax_id", "plain"), [("12-3456789", "123456789"), ("*****6789", None), (None, None), ("--", None)]
)
def test_a_masked_tax_number_matches_nothing(tax_id, plain):
    """Only what BILL shows whole can be compared."""
    assert Vendor.of({"id": "009", "additionalInfo": {"taxId": tax_id}}).tax_id == plain
