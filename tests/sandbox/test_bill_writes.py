"""Writing to the BILL stand-in: what it takes, and everything it refuses."""

from __future__ import annotations

from datetime import timedelta

import pytest
from bill_client import refusal

from erp_sandbox.bill.rules import BillRules

ADDRESS = {
    "line1": "10 Mill St",
    "city": "Oakland",
    "stateOrProvince": "CA",
    "zipOrPostalCode": "94607",
    "country": "US",
}


class Writer:
    """A logged-in client that writes, and the ids of what it writes about."""

    def __init__(self, box, client):
        self.box = box
        self.client = client
        self.store = box.bill
        self.vendor = next(iter(self.store.table("vendors").records()))["id"]
        self.account, self.other = [row["id"] for row in self.store.table("chart_of_accounts").records()][4:6]

    def send(self, verb, path, body=None, **query):
        """One request with the session."""
        return self.client.http.request(verb, path, json=body, params=query, headers=self.client.headers)

    def bill(self, number="R-1", amounts=(60.25, 40.25), **changes):
        """A bill BILL takes, changed by the arguments; None leaves a field out."""
        lines = [{"amount": amount, "classifications": {"chartOfAccountId": self.account}} for amount in amounts]
        fields = {
            "vendorId": self.vendor,
            "dueDate": "2026-12-31",
            "invoice": {"invoiceNumber": number, "invoiceDate": "2026-12-01"},
            "billLineItems": lines,
            **changes,
        }
        return {name: value for name, value in fields.items() if value is not None}

    def made(self, **changes):
        """A bill that has been created."""
        answer = self.send("POST", "/v3/bills", self.bill(**changes))
        assert answer.status_code == 201, answer.text
        return self.store.bill(answer.json()["id"])


@pytest.fixture
def rules():
    """The switches of the stand-in."""
    return BillRules()


@pytest.fixture
def writer(sandbox, client, rules):
    """A running BILL to write to."""
    box = sandbox(rules=rules)
    return Writer(box, client(box))


class TestBills:
    """POST, PUT and PATCH of bills."""

    def test_a_bill_is_created_under_the_approval_policies(self, writer):
        """Approvers are assigned at once, and shown where asked for."""
        answer = writer.send("POST", "/v3/bills", writer.bill(), billApprovals="true")
        assert answer.status_code == 201
        assert (answer.json()["amount"], answer.json()["approvalStatus"]) == (100.5, "ASSIGNED")
        assert {each["status"] for each in answer.json()["approvers"]} == {"WAITING"}
        assert "vendorName" not in answer.json()
        assert writer.store.bill(answer.json()["id"])["dueAmount"] == writer.store.bill(answer.json()["id"])["amount"]

    def test_without_a_policy_nobody_is_asked(self, writer):
        """UNASSIGNED, as BILL calls it."""
        writer.store.main.policies.clear()
        assert writer.made()["approvalStatus"] == "UNASSIGNED"

    @pytest.mark.parametrize(
        ("changes", "status", "code"),
        [
            ({"vendorId": None}, 400, None),
            ({"dueDate": None}, 400, None),
            ({"invoice": None}, 400, None),
            ({"billLineItems": []}, 400, None),
            ({"invoice": {"invoiceNumber": "1"}}, 400, None),
            ({"invoice": {"invoiceNumber": "1" * 22, "invoiceDate": "2026-12-01"}}, 400, "BDC_1143"),
            ({"description": "x" * 4001}, 400, "BDC_1143"),
            ({"dueDate": "31.12.2026"}, 400, "BDC_1119"),
            ({"vendorId": "00901NOBODY"}, 400, "BDC_1205"),
            ({"billLineItems": [{"description": "no amount"}]}, 400, None),
            ({"billLineItems": [{"amount": "149"}]}, 400, "BDC_1119"),
            ({"billLineItems": [{"amount": 1.005}]}, 400, "BDC_1119"),
            ({"billLineItems": [{"amount": 5, "quantity": 2, "price": 3}]}, 400, "BDC_1119"),
            ({"billLineItems": [{"amount": -5}]}, 400, "BDC_1119"),
            ({"billLineItems": [{"amount": 5, "id": "bli01OTHER"}]}, 400, "BDC_1205"),
            ({"billLineItems": [{"amount": 5, "classifications": {"chartOfAccountId": "0ca"}}]}, 400, "BDC_1205"),
            ({"billLineItems": [{"amount": 5, "classifications": {"account": "0ca"}}]}, 400, "BDC_1002"),
            ({"externalId": "SAP-1"}, 400, "BDC_1002"),
        ],
    )
    def test_what_bill_does_not_take_is_refused(self, writer, changes, status, code):
        """And nothing is created."""
        before = len(writer.store.table("bills"))
        assert refusal(writer.send("POST", "/v3/bills", writer.bill(**changes))) == (status, code)
        assert len(writer.store.table("bills")) == before

    @pytest.mark.parametrize("resource", ["vendors", "chart_of_accounts"])
    def test_archived_things_may_not_be_referred_to(self, writer, resource):
        """The stricter reading of what BILL does not say."""
        writer.store.edit(resource, writer.vendor if resource == "vendors" else writer.account, archived=True)
        assert refusal(writer.send("POST", "/v3/bills", writer.bill())) == (400, "BDC_1119")

    @pytest.mark.parametrize(
        ("duplicates", "flag", "status"),
        [("refused", False, 422), ("refused", None, 422), ("refused", True, 201), ("taken", False, 201)],
    )
    def test_a_number_in_use(self, writer, rules, duplicates, flag, status):
        """Refused unless the client does not mind; whether BILL does so for bills is not known."""
        rules.duplicate_numbers = duplicates
        writer.made()
        answer = writer.send("POST", "/v3/bills", writer.bill(allowDuplicateInvoiceNumber=flag))
        assert answer.status_code == status
        if status == 422:
            assert refusal(answer) == (422, "BDC_1171")

    @pytest.mark.parametrize("clears", [True, False])
    def test_a_line_patched_without_its_coding_may_lose_it(self, writer, rules, clears):
        """As it was reported of production."""
        rules.patch_clears_coding = clears
        made = writer.made()
        first, second = made["billLineItems"]
        lines = [{"id": first["id"], "amount": 70}]
        answer = writer.send("PATCH", f"/v3/bills/{made['id']}", {"billLineItems": lines})
        assert (answer.status_code, answer.json()["amount"]) == (200, 110.25)
        now = writer.store.bill(made["id"])["billLineItems"]
        assert ("classifications" in now[0]) is not clears
        assert now[1] == second

    def test_a_replaced_bill_keeps_the_lines_whose_ids_are_given(self, writer):
        """Others are added, those left out removed."""
        made = writer.made()
        kept = made["billLineItems"][1]
        body = writer.bill(billLineItems=[{"amount": 1}, {**kept, "amount": 2}])
        answer = writer.send("PUT", f"/v3/bills/{made['id']}", body)
        assert [line["amount"] for line in answer.json()["billLineItems"]] == [1, 2]
        assert answer.json()["billLineItems"][1]["id"] == kept["id"]

    @pytest.mark.parametrize("verb", ["PUT", "PATCH"])
    def test_an_edit_begins_the_approval_anew(self, writer, verb):
        """And a bill with payments takes none."""
        made = writer.made()
        writer.store.approve_bill(made["id"])
        body = writer.bill(description="corrected")
        body = body if verb == "PUT" else {"description": "corrected"}
        assert writer.send(verb, f"/v3/bills/{made['id']}", body).json()["approvalStatus"] == "ASSIGNED"
        writer.store.edit_bill(made["id"], paymentStatus="SCHEDULED", scheduledAmount=5)
        assert refusal(writer.send(verb, f"/v3/bills/{made['id']}", body)) == (400, "BDC_1119")

    def test_a_patched_line_must_be_the_bills_own(self, writer):
        """With an id, and with one of this bill."""
        path = f"/v3/bills/{writer.made()['id']}"
        assert refusal(writer.send("PATCH", path, {"billLineItems": [{"amount": 1}]})) == (400, None)
        assert refusal(writer.send("PATCH", path, {"billLineItems": [{"id": "bli", "amount": 1}]})) == (400, "BDC_1205")

    def test_archiving_and_restoring_may_be_repeated(self, writer):
        """Nothing is deleted."""
        path = f"/v3/bills/{writer.made()['id']}"
        for action, archived in (("archive", True), ("archive", True), ("restore", False), ("restore", False)):
            assert writer.send("POST", f"{path}/{action}").json()["archived"] is archived


class TestBulk:
    """Up to a hundred bills at once."""

    def test_all_are_created_or_none(self, writer):
        """One bad bill rolls back the others; numbers in the request count too."""
        before = len(writer.store.table("bills"))
        for bodies in ([writer.bill("A"), writer.bill("B", dueDate=None)], [writer.bill("A"), writer.bill("A")]):
            assert refusal(writer.send("POST", "/v3/bills/bulk", bodies)) == (400, "BDC_1246")
        assert len(writer.store.table("bills")) == before
        answer = writer.send("POST", "/v3/bills/bulk", [writer.bill("A"), writer.bill("B")])
        assert [each["invoice"]["invoiceNumber"] for each in answer.json()] == ["A", "B"]
        assert len(writer.store.table("bills")) == before + 2

    @pytest.mark.parametrize("count", [0, 101])
    def test_it_takes_one_to_a_hundred(self, writer, count):
        """No more, no fewer."""
        assert refusal(writer.send("POST", "/v3/bills/bulk", [writer.bill()] * count)) == (400, "BDC_1119")


class TestVendors:
    """POST and PATCH of vendors."""

    def vendor(self, **changes):
        fields = {"name": "Harbor Lights LLC", "shortName": "SAP-1", "address": ADDRESS, **changes}
        return {name: value for name, value in fields.items() if value is not None}

    def test_nothing_hinders_a_second_vendor_of_the_same_name(self, writer):
        """No duplicate check is documented."""
        ids = {writer.send("POST", "/v3/vendors", self.vendor()).json()["id"] for _ in range(2)}
        assert len(ids) == 2
        assert writer.store.vendor(ids.pop())["billCurrency"] == "USD"

    def test_a_missing_address_is_answered_without_a_code(self, writer):
        """As it was seen of production."""
        answer = writer.send("POST", "/v3/vendors", self.vendor(address=None, name=None))
        assert (answer.status_code, [entry["message"] for entry in answer.json()]) == (
            400,
            ["name: must not be null", "address: must not be null"],
        )

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"address": {**ADDRESS, "city": ""}}, None),
            ({"address": {**ADDRESS, "stateOrProvince": ""}}, "BDC_1119"),
            ({"address": {**ADDRESS, "country": "USA"}}, "BDC_1119"),
            ({"name": "x" * 101}, "BDC_1143"),
            ({"accountType": "COMPANY"}, "BDC_1119"),
            ({"autoPay": {"enabled": True}}, "BDC_1119"),
            ({"externalId": "1"}, "BDC_1002"),
        ],
    )
    def test_what_bill_does_not_take_is_refused(self, writer, changes, code):
        """On create and on change alike."""
        assert refusal(writer.send("POST", "/v3/vendors", self.vendor(**changes))) == (400, code)
        assert refusal(writer.send("PATCH", f"/v3/vendors/{writer.vendor}", changes)) == (400, code)

    def test_a_change_leaves_the_rest(self, writer):
        """And moves the time of the last change."""
        before = writer.store.vendor(writer.vendor)
        now = writer.send("PATCH", f"/v3/vendors/{writer.vendor}", {"email": "new@vendor.invalid"}).json()
        assert (now["email"], now["address"]) == ("new@vendor.invalid", before["address"])
        assert now["updatedTime"] > before["updatedTime"]
        assert writer.send("POST", f"/v3/vendors/{writer.vendor}/archive").json()["archived"] is True
        assert refusal(writer.send("PATCH", "/v3/vendors/009X", {})) == (404, "BDC_1205")


class TestCoding:
    """POST and PATCH of accounts and classifications."""

    @pytest.mark.parametrize(
        ("list_", "body"),
        [
            ("chart-of-accounts", {"name": "Prepaid", "account": {"type": "EXPENSE", "number": "1-020"}}),
            ("departments", {"name": "Foundry", "shortName": "F", "description": "Made here"}),
            ("locations", {"name": "Dock"}),
            ("jobs", {"name": "Remodel"}),
            ("accounting-classes", {"name": "Retail"}),
        ],
    )
    def test_one_is_created_changed_archived_and_restored(self, writer, list_, body):
        """With the same verbs on every list."""
        path = f"/v3/classifications/{list_}"
        made = writer.send("POST", path, body)
        assert (made.status_code, made.json()["archived"]) == (201, False)
        assert made.json() | body == made.json()
        one = f"{path}/{made.json()['id']}"
        assert writer.send("PATCH", one, {"name": "Other"}).json()["name"] == "Other"
        assert writer.send("POST", f"{one}/archive").json()["archived"] is True
        assert writer.send("POST", f"{one}/restore").json()["archived"] is False
        assert refusal(writer.send("POST", path, {"description": "no name"})) == (400, None)

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            ({"name": "A", "account": {"type": "ASSET"}}, "BDC_1119"),
            ({"name": "A", "parentId": "0ca"}, "BDC_1205"),
            ({"name": "A", "shortName": "A"}, "BDC_1002"),
        ],
    )
    def test_what_the_chart_of_accounts_does_not_take(self, writer, body, code):
        """Types, parents and fields it does not know."""
        assert refusal(writer.send("POST", "/v3/classifications/chart-of-accounts", body)) == (400, code)


class TestCredits:
    """Vendor credits."""

    def credit(self, writer, **changes):
        line = {"amount": 14.99, "classifications": {"chartOfAccountId": writer.account}}
        fields = {"vendorId": writer.vendor, "referenceNumber": "C-1", "creditDate": "2026-12-28"}
        return {**fields, "vendorCreditLineItems": [line], **changes}

    def test_a_credit_is_created_and_changed(self, writer):
        """It stays unapplied; its lines behave as those of bills."""
        made = writer.send("POST", "/v3/vendor-credits", self.credit(writer))
        assert (made.status_code, made.json()["status"], made.json()["amount"]) == (201, "NOT_APPLIED", 14.99)
        path = f"/v3/vendor-credits/{made.json()['id']}"
        line = {**made.json()["vendorCreditLineItems"][0], "amount": 20}
        assert writer.send("PATCH", path, {"vendorCreditLineItems": [line]}).json()["amount"] == 20
        replaced = writer.send("PUT", path, self.credit(writer, description="again")).json()
        assert (replaced["amount"], replaced["description"]) == (14.99, "again")
        writer.store.edit("vendor_credits", made.json()["id"], status="PARTIALLY_APPLIED")
        assert refusal(writer.send("PATCH", path, {"description": "late"})) == (400, "BDC_1119")

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"referenceNumber": "1" * 22}, "BDC_1143"),
            ({"vendorCreditLineItems": [{"amount": -1}]}, "BDC_1119"),
            ({"vendorCreditLineItems": []}, None),
            ({"creditDate": "soon"}, "BDC_1119"),
        ],
    )
    def test_what_bill_does_not_take_is_refused(self, writer, changes, code):
        """Amounts are positive."""
        assert refusal(writer.send("POST", "/v3/vendor-credits", self.credit(writer, **changes))) == (400, code)


class TestRecordedPayments:
    """Noting payments made elsewhere."""

    def note(self, writer, bill, amount=100.5, **changes):
        fields = {
            "vendorId": writer.vendor,
            "processDate": "2026-12-20",
            "toPrintCheck": False,
            "payments": [{"billId": bill, "amount": amount}],
            **changes,
        }
        return {name: value for name, value in fields.items() if value is not None}

    def approved(self, writer, **changes):
        return writer.store.approve_bill(writer.made(**changes)["id"])["id"]

    def test_the_bill_owes_less(self, writer):
        """A part leaves the rest; the payment is an offline one and keeps the reference."""
        bill = self.approved(writer)
        body = self.note(writer, bill, 40, syncReference="SAP 1", allowExport=False)
        answer = writer.send("POST", "/v3/bills/record-payment", body)
        assert (answer.status_code, answer.json()["onlinePayment"], answer.json()["syncReference"]) == (
            200,
            False,
            "SAP 1",
        )
        now = writer.store.bill(bill)
        assert (now["paymentStatus"], float(now["dueAmount"])) == ("PARTIALLY_PAID", 60.5)
        assert writer.send("POST", "/v3/bills/record-payment", self.note(writer, bill, 60.5)).status_code == 200
        assert writer.store.bill(bill)["paymentStatus"] == "PAID"

    def test_no_bill_is_overpaid_and_nothing_is_noted_in_part(self, writer):
        """Two parts of one bill count together."""
        first, second = self.approved(writer), self.approved(writer, number="R-2")
        parts = [{"billId": first, "amount": 10}, *[{"billId": second, "amount": 60}] * 2]
        answer = writer.send("POST", "/v3/bills/record-payment", self.note(writer, first, payments=parts))
        assert refusal(answer) == (400, "BDC_1159")
        assert writer.store.bill(first)["paidAmount"] == 0

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"toPrintCheck": None}, None),
            ({"payments": []}, None),
            ({"toPrintCheck": "no"}, "BDC_1119"),
            ({"amount": 0}, "BDC_1119"),
            ({"transactionNumber": "1"}, "BDC_1002"),
        ],
    )
    def test_what_bill_does_not_take_is_refused(self, writer, changes, code):
        """Whether a cheque is to be printed must be said."""
        answer = writer.send("POST", "/v3/bills/record-payment", self.note(writer, self.approved(writer), **changes))
        assert refusal(answer) == (400, code)

    def test_a_bill_that_waits_for_approval_takes_none(self, writer):
        """The stricter reading."""
        answer = writer.send("POST", "/v3/bills/record-payment", self.note(writer, writer.made()["id"]))
        assert refusal(answer) == (400, "BDC_1119")

    def test_money_is_moved_by_no_call(self, writer):
        """The sandbox knows no payment order, only that one needs a trusted session."""
        assert refusal(writer.send("POST", "/v3/payments", {})) == (403, "BDC_1361")


class TestDocuments:
    """Files of bills."""

    def put(self, writer, name="a.pdf", content=b"%PDF"):
        """Upload a file to a new bill."""
        bill = writer.made()["id"]
        query = {"name": name} if name is not None else {}
        answer = writer.client.http.post(
            f"/v3/documents/bills/{bill}", params=query, content=content, headers=writer.client.headers
        )
        return bill, answer

    def test_a_file_is_taken_in_by_and_by(self, writer, rules):
        """The answer has the id of the upload alone; the document is listed when its status is UPLOADED."""
        rules.upload_takes = timedelta(minutes=2)
        bill, answer = self.put(writer)
        assert set(answer.json()) == {"id"}
        upload = answer.json()["id"]
        seen = []
        for _ in range(3):
            (status,) = writer.client.get("/v3/documents/upload-status", ids=upload).json()
            listed = writer.client.get(f"/v3/documents/bills/{bill}").json()["results"]
            seen.append((status["status"], len(listed)))
            writer.store.clock.advance(timedelta(minutes=1))
        assert (upload[:3], seen) == ("0du", [("IN_PROGRESS", 0), ("IVA_PROCESSING", 0), ("UPLOADED", 1)])
        assert set(listed[0]) == {"id", "name", "createdTime", "downloadLink"}
        assert (listed[0]["id"], listed[0]["name"]) == (status["documentId"], "a.pdf")
        assert writer.client.get(f"/v3/documents/{status['documentId']}").json() == listed[0]

    def test_an_unknown_upload_or_document_is_not_found(self, writer):
        """One unknown upload spoils the whole question."""
        _, answer = self.put(writer)
        ids = f"{answer.json()['id']},0duX"
        assert refusal(writer.client.get("/v3/documents/upload-status", ids=ids)) == (404, "BDC_1205")
        assert refusal(writer.client.get("/v3/documents/00hX")) == (404, "BDC_1205")

    @pytest.mark.parametrize(
        ("name", "size", "code"),
        [(None, 4, None), ("a", 4, "BDC_1119"), ("a.pdf", 0, "BDC_1119"), ("a.pdf", 6_000_001, "BDC_1119")],
    )
    def test_what_bill_does_not_take_is_refused(self, writer, name, size, code):
        """No name, no extension, nothing in it, more than 6 MB."""
        _, answer = self.put(writer, name, b"x" * size)
        assert refusal(answer) == (400, code)


@pytest.mark.parametrize("content", [b"{", b"\xff", b""])
def test_a_body_must_be_json(writer, content):
    """And say so."""
    headers = {**writer.client.headers, "Content-Type": "application/json"}
    assert refusal(writer.client.http.post("/v3/vendors", content=content, headers=headers)) == (400, "BDC_1119")
    headers["Content-Type"] = "text/plain"
    assert refusal(writer.client.http.post("/v3/vendors", content=b"{}", headers=headers)) == (400, "BDC_1119")


def test_a_user_without_permission_writes_nothing(writer, rules):
    """Permission is per operation."""
    rules.denied.add("bills.create")
    assert refusal(writer.send("POST", "/v3/bills", writer.bill())) == (403, "BDC_1145")


def test_what_was_written_survives_a_snapshot(writer):
    """With ids that nothing made later gets again."""
    first = writer.made()["id"]
    writer.store.from_json(writer.store.to_json())
    writer.client.log_in()
    assert writer.store.bill(first)["invoice"]["invoiceNumber"] == "R-1"
    assert writer.made(number="R-2")["id"] != first


def test_the_number_is_a_filter_only_where_the_rules_say_so(writer, rules):
    """In use, but not documented."""
    made = writer.made()
    filters = f"vendorId:eq:{writer.vendor},invoice.invoiceNumber:eq:R-1"
    assert [row["id"] for row in writer.client.get("/v3/bills", filters=filters).json()["results"]] == [made["id"]]
    rules.invoice_number_filter = False
    assert refusal(writer.client.get("/v3/bills", filters=filters)) == (400, "BDC_1130")
