"""Vendor payments: lines of a journal, and what posting the journal makes of them (sheet 4)."""

from __future__ import annotations

from decimal import Decimal

import pytest
from central_client import moment, refused, told

DIALOG = "Application_DialogException"


def remaining(box, invoice):
    """What is still owed for an invoice."""
    entries = box.business_central.records("vendorLedgerEntries")
    (entry,) = [each for each in entries if each["_invoiceId"] == invoice["id"]]
    return -entry["_remaining"]


def post(central, code="BILL"):
    """Post the payment journal; it has no action of its own, journals have."""
    return central.act(f"journals({central.batch_id(code)})")


def waiting(central, code="BILL"):
    """The lines in the payment journal."""
    return central.rows(f"vendorPaymentJournals({central.batch_id(code)})/vendorPayments")


def entries(central, **options):
    """Vendor ledger entries by the API of the finance reports."""
    root = central.root.replace("/api/v2.0", "/api/microsoft/reportsFinance/beta")
    params = {f"${name}": value for name, value in options.items()}
    return central.http.get(f"{root}/companies({central.company})/vendorLedgerEntries", params=params)


def test_a_payment_line_says_what_it_applies_to(central):
    """Number, description and journal are filled in; nothing is posted."""
    invoice = central.posted(amount=100)
    row = told(central.pay(invoice, 40, externalDocumentNumber="stp01abc", comment="billPaymentId=stp01abc"), 201)
    assert (row["appliesToInvoiceNumber"], row["journalDisplayName"]) == (invoice["number"], "BILL")
    assert (row["externalDocumentNumber"], row["comment"]) == ("STP01ABC", "billPaymentId=stp01abc")
    assert row["description"] == invoice["vendorName"]
    assert row["amount"] == 40
    assert told(central.get(f"purchaseInvoices({invoice['id']})"), 200)["status"] == "Open"


def test_a_payment_in_full_closes_its_invoice(box, central):
    """The line is gone, the invoice Paid, both ledgers have it, and a second payment is refused."""
    invoice = central.posted(amount=100)
    told(central.pay(invoice, 100), 201)
    told(post(central), 204)
    paid = told(central.get(f"purchaseInvoices({invoice['id']})"), 200)
    assert (paid["status"], moment(paid) > moment(invoice)) == ("Paid", True)
    assert waiting(central) == []
    (entry,) = told(entries(central, filter="externalDocumentNumber eq 'STP-1' and documentType eq 'Payment'"), 200)[
        "value"
    ]
    assert (entry["amount"], entry["open"], entry["documentNumber"]) == (100, False, "PAY-1")
    booked = central.rows("generalLedgerEntries", filter="documentNumber eq 'PAY-1' and documentType eq 'Payment'")
    assert {each["accountNumber"] for each in booked} == {"2000", "2990"}
    told(central.pay(invoice, 100), 201)
    words = refused(post(central), 404, "Internal_DataNotFoundFilter")
    assert words.startswith("There is no Vendor Ledger Entry within the filter.")


def test_a_part_payment_leaves_the_invoice_untouched(box, central):
    """Neither status nor the time of the last change moves, and the same part can be paid twice (sheet 4, 8.7)."""
    invoice = central.posted(amount=100)
    for _ in range(2):
        told(central.pay(invoice, 40), 201)
        told(post(central), 204)
        now = told(central.get(f"purchaseInvoices({invoice['id']})"), 200)
        assert (now["status"], now["lastModifiedDateTime"]) == ("Open", invoice["lastModifiedDateTime"])
    assert remaining(box, invoice) == 20


def test_what_is_paid_too_much_stays_open_at_the_vendor(box, central):
    """The invoice closes, the rest of the payment does not."""
    invoice = central.posted(amount=100)
    told(central.pay(invoice, 130), 201)
    told(post(central), 204)
    (entry,) = told(entries(central, filter="externalDocumentNumber eq 'STP-1'"), 200)["value"]
    assert (remaining(box, invoice), entry["open"]) == (0, True)


def test_one_bad_line_rolls_the_whole_journal_back(box, central):
    """Also lines that other people put there."""
    good, bad = central.posted(number="G-1"), central.posted(number="G-2")
    told(central.pay(good, 100), 201)
    told(central.pay(bad, 100, documentNumber="PAY-2"), 201)
    told(central.pay(bad, 100, documentNumber="PAY-3"), 201)
    ledger = box.business_central.records("vendorLedgerEntries")
    refused(post(central), 404, "Internal_DataNotFoundFilter")
    assert len(waiting(central)) == 3
    assert box.business_central.records("vendorLedgerEntries") == ledger
    assert told(central.get(f"purchaseInvoices({good['id']})"), 200)["status"] == "Open"


def test_an_empty_journal_has_nothing_to_post(central):
    """The service says so."""
    assert refused(post(central), 400, DIALOG) == "There is nothing to post."


def test_payments_are_never_unique(central):
    """The same line twice is two lines (sheet 4)."""
    invoice = central.posted()
    first, second = (told(central.pay(invoice, 10), 201) for _ in range(2))
    assert first["id"] != second["id"]
    assert len(waiting(central)) == 2
    told(post(central), 204)


@pytest.mark.parametrize(
    ("fields", "code", "words"),
    [
        ({"vendorNumber": "V99999"}, DIALOG, "vendor cannot be found"),
        ({"appliesToInvoiceId": "11111111-2222-4333-8444-555555555555"}, DIALOG, "does not match to an Invoice"),
        ({"appliesToInvoiceNumber": "NOPE"}, DIALOG, "invoice values do not match"),
        ({"currencyCode": "USD"}, "BadRequest", "'currencyCode' does not exist"),
        ({"documentNumber": "x" * 21}, "Application_StringExceededLength", "21"),
        ({"amount": "100"}, "BadRequest", "Edm.Decimal"),
        ({"amount": 10.005}, "Application_FieldValidationException", "decimal places"),
        ({"journalId": "11111111-2222-4333-8444-555555555555"}, DIALOG, "journal"),
    ],
)
def test_a_bad_payment_line_is_refused(central, fields, code, words):
    """What names nothing, does not agree, or is too long or too exact."""
    assert words in refused(central.pay(central.posted(), **{"amount": 10, **fields}), 400, code)
    assert waiting(central) == []


def test_a_draft_cannot_be_paid(central):
    """Only what is posted has an entry to close."""
    words = refused(central.pay(central.draft(), 10), 400, DIALOG)
    assert words == 'The "appliesToInvoiceId" should be the ID of an Open, Paid, Corrective, or Canceled Invoice.'


def test_the_vendor_is_not_held_against_the_invoice_until_posting(central):
    """The line of another vendor is taken (recorded), and fails the journal."""
    told(central.pay(central.posted(), 10, vendorNumber="V00002"), 201)
    refused(post(central), 404, "Internal_DataNotFoundFilter")


def test_an_invoice_number_alone_is_not_looked_up_until_posting(central):
    """So an unknown one is taken."""
    invoice = central.posted()
    body = {"vendorNumber": "V00001", "amount": 1, "postingDate": "2026-11-10", "documentNumber": "P"}
    path = f"vendorPaymentJournals({central.batch_id()})/vendorPayments"
    told(central.post(path, {**body, "appliesToInvoiceNumber": invoice["number"]}), 201)
    told(central.post(path, {**body, "appliesToInvoiceNumber": "NOPE"}), 201)
    refused(post(central), 404, "Internal_DataNotFoundFilter")


def test_without_a_vendor_the_invoice_says_who_is_paid(central):
    """Its pay-to vendor."""
    invoice = central.posted(vendor="V00003")
    body = {"amount": 1, "appliesToInvoiceId": invoice["id"], "documentNumber": "P", "postingDate": "2026-11-10"}
    row = told(central.post(f"vendorPaymentJournals({central.batch_id()})/vendorPayments", body), 201)
    assert row["vendorNumber"] == "V00003"


@pytest.mark.parametrize(
    ("amount", "code"), [(0, "Application_FieldValidationException"), (-5, "Application_FieldValidationException")]
)
def test_an_amount_that_is_none_fails_at_posting(central, amount, code):
    """Nothing, or less: a void is not a negative payment (sheet 4)."""
    told(central.pay(central.posted(), amount), 201)
    refused(post(central), 400, code)


def test_day_and_number_of_a_line_follow_the_one_before(central):
    """So both have to be sent (sheet 4)."""
    invoice = central.posted()
    path = f"vendorPaymentJournals({central.batch_id()})/vendorPayments"
    first = told(central.post(path, {"vendorNumber": "V00001", "amount": 1}), 201)
    assert first["documentNumber"] == ""
    told(central.pay(invoice, 1, postingDate="2026-01-31", documentNumber="P007"), 201)
    third = told(central.post(path, {"vendorNumber": "V00001", "amount": 1}), 201)
    assert (third["postingDate"], third["documentNumber"], third["lineNumber"]) == ("2026-01-31", "P008", 30000)
    refused(post(central), 400, "Application_FieldValidationException")


def test_a_payment_before_its_invoice_is_taken_but_not_moved_there_later(central):
    """Insert and change differ (sheet 4)."""
    invoice = central.posted()
    row = told(central.pay(invoice, 1, postingDate="2026-10-01"), 201)
    refused(central.patch(f"vendorPayments({row['id']})", {"postingDate": "2026-09-01"}), 400, DIALOG)
    told(central.patch(f"vendorPayments({row['id']})", {"postingDate": "2026-12-01"}, row["@odata.etag"]), 200)
    refused(central.patch(f"vendorPayments({row['id']})", {"journalDisplayName": "GENERAL"}), 400, DIALOG)


@pytest.mark.parametrize("blocked", ["Payment", "All"])
def test_a_blocked_vendor_is_not_paid(box, central, blocked):
    """Refused at the insert; and at posting, when it was blocked in between."""
    invoice = central.posted()
    told(central.pay(invoice, 1), 201)
    box.business_central.edit("vendors", invoice["vendorId"], blocked=blocked)
    refused(central.pay(invoice, 1), 400, DIALOG)
    refused(post(central), 400, DIALOG)


def test_another_currency_is_refused_at_posting_only(box, central):
    """A dollar vendor's invoice in euros: the line is in the vendor's currency (sheet 4)."""
    invoice = central.posted(currencyCode="EUR")
    told(central.pay(invoice, 10), 201)
    assert "same currency" in refused(post(central), 400, DIALOG)
    box.business_central.company().setup.application_between_currencies = True
    told(post(central), 204)


@pytest.mark.parametrize(
    ("vendor", "amount"), [("V00018", 5000), ("V00019", Decimal("12.345")), ("V00013", Decimal("0.01"))]
)
def test_a_payment_in_the_vendors_currency_is_exact(box, central, vendor, amount):
    """Yen, Kuwaiti dinars, euros."""
    invoice = central.posted(vendor=vendor, amount=amount)
    told(central.pay(invoice, amount), 201)
    told(post(central), 204)
    assert remaining(box, invoice) == 0


def test_a_payment_short_by_a_discount_closes_the_invoice(box, central):
    """While the payment terms still grant it."""
    terms = central.one("paymentTerms", filter="code eq '2-10-30'")["id"]
    box.business_central.edit("vendors", box.business_central.vendor("V00001")["id"], paymentTermsId=terms)
    early, late = central.posted(number="E"), central.posted(number="L")
    told(central.pay(early, 98, postingDate="2026-11-12"), 201)
    told(central.pay(late, 98, postingDate="2026-11-13", documentNumber="PAY-2"), 201)
    told(post(central), 204)
    assert (remaining(box, early), remaining(box, late)) == (0, 2)


def test_a_vendor_who_applies_to_the_oldest_closes_it_without_being_told(box, central):
    """Lines that name no invoice (sheet 4)."""
    box.business_central.edit("vendors", box.business_central.vendor("V90003")["id"], _applyToOldest=True)
    old, new = (
        central.posted(vendor="V90003", number=number, dueDate=due)
        for number, due in (("O", "2020-01-01"), ("N", "2026-12-24"))
    )
    told(central.pay(old, 100, appliesToInvoiceId="00000000-0000-0000-0000-000000000000"), 201)
    told(post(central), 204)
    assert (remaining(box, old), remaining(box, new)) == (0, 100)


def test_a_line_can_apply_to_several_entries(box, central):
    """Marked one by one below the line."""
    first, second = central.posted(number="A1"), central.posted(number="A2")
    row = told(central.pay(first, 150, appliesToInvoiceId="00000000-0000-0000-0000-000000000000"), 201)
    path = f"vendorPayments({row['id']})/applyVendorEntries"
    open_ones = {each["documentNumber"]: each for each in central.rows(path)}
    for invoice in (first, second):
        entry = open_ones[invoice["number"]]
        assert told(central.patch(f"{path}({entry['id']})", {"applied": True}), 200)["applied"] is True
    told(post(central), 204)
    assert (remaining(box, first), remaining(box, second)) == (0, 50)


def test_an_approval_workflow_restricts_every_line_until_it_is_approved(box, central):
    """And anew after each change (sheet 4)."""
    box.business_central.company().setup.journal_approval = True
    row = told(central.pay(central.posted(), 1), 201)
    assert "requires approval" in refused(post(central), 400, DIALOG)
    box.business_central.approve(row["id"])
    told(central.patch(f"vendorPayments({row['id']})", {"comment": "changed"}), 200)
    refused(post(central), 400, DIALOG)
    box.business_central.approve(row["id"])
    told(post(central), 204)


@pytest.mark.parametrize("code", ["BILL1", "BILL"])
def test_an_emptied_journal_with_a_digit_is_replaced(box, central, code):
    """Its id is gone then; a code without a digit keeps it (sheet 4)."""
    account = central.account("2990")
    if code != "BILL":
        told(
            central.post("vendorPaymentJournals", {"code": code, "displayName": "x", "balancingAccountId": account}),
            201,
        )
    box.business_central.company().setup.increment_batch_name = True
    before = central.batch_id(code)
    told(central.pay(central.posted(), 1, journal=before), 201)
    told(central.act(f"journals({before})"), 204)
    codes = {row["code"]: row["id"] for row in central.rows("vendorPaymentJournals")}
    if code == "BILL":
        assert codes["BILL"] == before
    else:
        assert "BILL1" not in codes
        refused(central.delete(f"journals({before})"), 404, "Internal_RecordNotFound")
        assert "BILL2" in codes


def test_before_app_29_lines_that_apply_to_nothing_were_hidden(box, central):
    """So a look-up over them finds nothing (sheet 3)."""
    told(central.pay(central.posted(), 1, appliesToInvoiceId="00000000-0000-0000-0000-000000000000"), 201)
    assert len(waiting(central)) == 1
    box.business_central.behaviour.hide_unapplied_payments = True
    assert waiting(central) == []


def test_ledger_entries_of_vendors_come_from_a_replica(box, central):
    """What was posted a moment ago is missing, unless the caller insists (sheet 1)."""
    box.business_central.freeze_replica()
    told(central.pay(central.posted(), 10), 201)
    told(post(central), 204)
    text = "externalDocumentNumber eq 'STP-1'"
    assert told(entries(central, filter=text), 200)["value"] == []
    root = central.root.replace("/api/v2.0", "/api/microsoft/reportsFinance/beta")
    url = f"{root}/companies({central.company})/vendorLedgerEntries"
    fresh = central.http.get(url, params={"$filter": text}, headers={"Data-Access-Intent": "ReadWrite"})
    assert len(told(fresh, 200)["value"]) == 1
    box.business_central.catch_up()
    assert len(told(entries(central, filter=text), 200)["value"]) == 1


def test_the_api_of_the_finance_reports_may_be_absent(box, central):
    """It is a beta."""
    told(entries(central), 200)
    box.business_central.behaviour.finance_reports = False
    refused(entries(central), 404, "BadRequest_ResourceNotFound")


def test_a_payment_journal_needs_a_code_of_ten_letters(central):
    """A code in use is refused; only a G/L account balances it by the API; deleting it deletes its lines."""
    account = central.account("2990")
    made = told(central.post("vendorPaymentJournals", {"code": "mine", "balancingAccountId": account}), 201)
    assert (made["code"], made["balancingAccountNumber"]) == ("MINE", "2990")
    refused(central.post("vendorPaymentJournals", {"code": "MINE"}), 400, "Internal_EntityWithSameKeyExists")
    refused(central.post("vendorPaymentJournals", {"code": "x" * 11}), 400, "Application_StringExceededLength")
    bank = central.rows("bankAccounts")[0]["id"]
    refused(central.post("vendorPaymentJournals", {"code": "BANKED", "balancingAccountId": bank}), 400, DIALOG)
    row = told(central.pay(central.posted(), 1, journal=made["id"]), 201)
    told(central.delete(f"vendorPaymentJournals({made['id']})"), 204)
    refused(central.get(f"vendorPayments({row['id']})"), 404, "Internal_RecordNotFound")


def test_an_unposted_line_can_be_deleted(central):
    """With its etag."""
    row = told(central.pay(central.posted(), 1), 201)
    told(central.delete(f"vendorPayments({row['id']})", row["@odata.etag"]), 204)
    assert waiting(central) == []


def test_balances_move_without_a_stamp(central):
    """Of the vendor and of the accounts (sheet 8.6)."""
    before = central.one("vendors", filter="number eq 'V00001'")
    central.posted(amount=100)
    after = central.one("vendors", filter="number eq 'V00001'")
    assert after["balance"] == before["balance"] + 100
    assert after["lastModifiedDateTime"] == before["lastModifiedDateTime"]
