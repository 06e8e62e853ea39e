"""General journals (sheet 4) and batches of calls."""

from __future__ import annotations

import pytest
from central_client import refused, told

DIALOG = "Application_DialogException"


def entry(central, *amounts, code="ACCRUAL", **fields):
    """A journal with a line per amount."""
    lines = [
        {"accountNumber": "6100", "postingDate": "2026-11-30", "documentNumber": "JE-1", "amount": amount, **fields}
        for amount in amounts
    ]
    return central.post("journals", {"code": code, "displayName": "JE-1", "journalLines": lines})


def test_a_journal_that_balances_is_posted(central):
    """Its lines are gone, its entries are in the ledger, numbered upwards."""
    last = max(row["entryNumber"] for row in central.rows("generalLedgerEntries"))
    journal = told(entry(central, 100, -100), 201)
    told(central.act(f"journals({journal['id']})"), 204)
    assert central.rows(f"journals({journal['id']})/journalLines") == []
    booked = central.rows("generalLedgerEntries", filter=f"entryNumber gt {last}")
    assert [(row["entryNumber"], row["debitAmount"], row["creditAmount"]) for row in booked] == [
        (last + 1, 100, 0),
        (last + 2, 0, 100),
    ]


@pytest.mark.parametrize("amounts", [(100,), (100, -99.99)])
def test_a_journal_out_of_balance_is_refused(central, amounts):
    """Per document and day; nothing of it is booked."""
    before = len(central.rows("generalLedgerEntries"))
    journal = told(entry(central, *amounts), 201)
    assert "out of balance" in refused(central.act(f"journals({journal['id']})"), 400, DIALOG)
    assert len(central.rows("generalLedgerEntries")) == before


def test_a_balancing_account_takes_the_other_side(central):
    """Of each line."""
    clearing = central.account("2990")
    journal = told(central.post("journals", {"code": "BAL", "balancingAccountId": clearing}), 201)
    line = {"accountNumber": "6100", "postingDate": "2026-11-30", "documentNumber": "B-1", "amount": 7}
    row = told(central.post(f"journals({journal['id']})/journalLines", line), 201)
    assert row["balancingAccountNumber"] == "2990"
    told(central.act(f"journals({journal['id']})"), 204)
    booked = central.rows("generalLedgerEntries", filter="documentNumber eq 'B-1'")
    assert {row["accountNumber"] for row in booked} == {"6100", "2990"}


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"accountNumber": "NOPE"}, "Internal_InvalidTableRelation"),
        ({"accountId": "11111111-2222-4333-8444-555555555555"}, DIALOG),
        ({"vendorNumber": "V00001"}, "BadRequest"),
        ({"documentType": "Payment"}, "BadRequest"),
        ({"externalDocumentNumber": "x" * 36}, "Application_StringExceededLength"),
    ],
)
def test_a_bad_journal_line_undoes_the_journal(central, fields, code):
    """A deep insert is one transaction."""
    refused(entry(central, 1, -1, **fields), 400, code)
    assert central.rows("journals", filter="code eq 'ACCRUAL'") == []


def test_a_journal_is_posted_or_deleted_with_its_lines(central):
    """By id, with the etag."""
    journal = told(entry(central, 5, -5), 201)
    (first, _) = central.rows(f"journals({journal['id']})/journalLines")
    told(central.delete(f"journals({journal['id']})", journal["@odata.etag"]), 204)
    refused(central.get(f"journalLines({first['id']})"), 404, "Internal_RecordNotFound")


def test_a_vendor_line_of_a_general_journal_is_no_payment(central):
    """Its document type is blank (sheet 4)."""
    lines = [
        {
            "accountType": "Vendor",
            "accountNumber": "V00001",
            "postingDate": "2026-11-30",
            "documentNumber": "V-1",
            "amount": 9,
        },
        {"accountNumber": "2990", "postingDate": "2026-11-30", "documentNumber": "V-1", "amount": -9},
    ]
    journal = told(central.post("journals", {"code": "VEND", "journalLines": lines}), 201)
    told(central.act(f"journals({journal['id']})"), 204)
    assert {row["documentType"] for row in central.rows("generalLedgerEntries", filter="documentNumber eq 'V-1'")} == {
        "_x0020_"
    }


def test_a_batch_carries_out_its_operations_in_order(central):
    """Each with its own status, whatever became of the others; the batch itself is answered with 200."""
    first, second = central.batch(
        ("POST", "vendors", {"number": "BATCHED", "displayName": "Batched"}),
        ("GET", "vendors?$filter=number eq 'BATCHED'&$select=number", None),
    )
    assert (first["id"], first["status"], first["body"]["number"]) == ("1", 201, "BATCHED")
    assert first["headers"]["location"].endswith(f"vendors({first['body']['id']})")
    assert [row["number"] for row in second["body"]["value"]] == ["BATCHED"]


@pytest.mark.parametrize(("prefer", "statuses"), [("", [400]), ("odata.continue-on-error=true", [400, 201])])
def test_a_batch_stops_at_an_error_unless_it_is_told_to_go_on(central, prefer, statuses):
    """The operations behind it are not answered."""
    headers = {"Prefer": prefer} if prefer else {}
    done = central.batch(
        ("POST", "vendors", {"colour": "red"}), ("POST", "vendors", {"displayName": "Next"}), **headers
    )
    assert [each["status"] for each in done] == statuses


def test_an_isolated_batch_is_undone_as_a_whole(central):
    """Unless posting has made it final up to there (sheet 4)."""
    before = len(central.rows("vendors"))
    done = central.batch(
        ("POST", "vendors", {"number": "UNDONE"}), ("POST", "vendors", {"colour": "x"}), Isolation="snapshot"
    )
    assert [each["status"] for each in done] == [201, 400]
    assert len(central.rows("vendors")) == before
    draft = central.draft()
    central.batch(
        ("POST", "vendors", {"number": "KEPT"}),
        ("POST", f"purchaseInvoices({draft['id']})/Microsoft.NAV.post", {}),
        ("POST", "vendors", {"number": "LOST"}),
        ("POST", "vendors", {"colour": "x"}),
        Isolation="snapshot",
    )
    assert [row["number"] for row in central.rows("vendors", filter="number eq 'KEPT' or number eq 'LOST'")] == ["KEPT"]
    assert told(central.get(f"purchaseInvoices({draft['id']})"), 200)["status"] == "Open"


def test_without_isolation_what_succeeded_stays(central):
    """Every operation is a transaction of its own."""
    central.batch(("POST", "vendors", {"number": "STAYS"}), ("POST", "vendors", {"colour": "x"}))
    assert len(central.rows("vendors", filter="number eq 'STAYS'")) == 1


@pytest.mark.parametrize("url", ["/companies({company})/vendors", "https://host.invalid/companies({company})/vendors"])
def test_an_address_in_a_batch_is_relative(central, url):
    """Without a slash in front (sheet 4)."""
    body = {"requests": [{"id": "1", "method": "GET", "url": url.format(company=central.company)}]}
    answer = central.http.post(f"{central.root}/$batch", json=body)
    assert [each["status"] for each in told(answer, 200)["responses"]] == [404]


@pytest.mark.parametrize(
    ("requests", "status"),
    [
        ([{"id": str(n), "method": "GET", "url": "companies"} for n in range(101)], 400),
        ([{"id": "1", "method": "PUT", "url": "companies"}], 400),
        ([{"id": "1", "url": "companies"}], 400),
        ([{"id": "1", "method": "GET", "url": "companies", "colour": "red"}], 400),
        ([{"id": "1", "method": "GET", "url": "companies", "atomicityGroup": "a"}], 501),
        ("all", 400),
    ],
    ids=["too many", "verb", "no verb", "unknown", "group", "no list"],
)
def test_a_batch_that_is_none_is_refused_as_a_whole(central, requests, status):
    """A hundred operations are the most."""
    assert central.http.post(f"{central.root}/$batch", json={"requests": requests}).status_code == status


def test_operations_without_ids_are_answered_in_their_order(central):
    """With null as id (recorded)."""
    body = {"requests": [{"method": "GET", "url": "companies"}, {"method": "GET", "url": "nothing"}]}
    answer = central.http.post(f"{central.root}/$batch", json=body)
    assert [(each["id"], each["status"]) for each in told(answer, 200)["responses"]] == [(None, 200), (None, 404)]


def test_an_operation_waits_for_what_it_depends_on(central):
    """It is not carried out when that failed."""
    body = {
        "requests": [
            {"id": "a", "method": "GET", "url": "nothing"},
            {"id": "b", "method": "GET", "url": "companies", "dependsOn": ["a"]},
        ]
    }
    answer = central.http.post(f"{central.root}/$batch", json=body, headers={"Prefer": "odata.continue-on-error=true"})
    assert [each["status"] for each in told(answer, 200)["responses"]] == [404, 424]
