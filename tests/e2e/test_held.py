"""What cannot be posted is held with words a clerk can act on, and goes out by itself once its cause is mended."""

from __future__ import annotations

import dataclasses
import json

import pytest
from harness import writes

from erp_sandbox.world import World, supplier_id

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

PLAIN = World.plain(vendors=5, bills=12, lines=(1, 3))
NO_SUPPLIER = dataclasses.replace(PLAIN, absent_in_workday=frozenset({2}))


def of_vendor(here, number):
    """The bills of a vendor."""
    return [bill for bill in here.box.bill.bills() if bill["vendorId"] == here.world.vendor_id(number)]


def posted(here):
    """The numbers of the invoices Workday has."""
    return {invoice.suppliers_invoice_number for invoice in here.box.workday.invoices}


def numbers(bills):
    """The vendors' invoice numbers of bills."""
    return {bill["invoice"]["invoiceNumber"] for bill in bills}


def held(here, kind="supplier_invoices"):
    """What is held and why: number -> "what -> cure" of each reason."""
    return {
        row["number"]: [f"{reason['what']} -> {reason['cure']}" for reason in row["reasons"]]
        for row in here.ask("held")
        if row["kind"] == kind
    }


def test_an_unmapped_vendor_waits_for_its_row(project):
    """Bills of a vendor nobody mapped are held, the others go out; once the row is there they go out by themselves."""
    here = project(NO_SUPPLIER)
    waiting = of_vendor(here, 2)
    first = here.deliver()
    assert first.code == 0, first.err
    assert posted(here) == numbers(here.box.bill.bills()) - numbers(waiting)
    vendor = here.box.bill.vendor(here.world.vendor_id(2))
    what = f'BILL vendor "{vendor["name"]}" ({vendor["id"]}) has no supplier in Workday'
    cure = "add a row to transforms/crosswalk/bill-workday/suppliers.csv, or set missing_suppliers to create"
    assert held(here) == {number: [f"{what} -> {cure}"] for number in numbers(waiting)}

    here.add_row("suppliers", here.world.vendor_id(2), "S-90002")
    second = here.deliver()
    assert second.code == 0, second.err
    assert posted(here) == numbers(here.box.bill.bills())
    assert {
        invoice.supplier
        for invoice in here.box.workday.invoices
        if invoice.suppliers_invoice_number in numbers(waiting)
    } == {"S-90002"}
    assert here.ask("held") == []


def test_an_inactive_cost_center_is_waited_for(project):
    """Bills that name an inactive cost center are held, and go out when somebody has reactivated it."""
    here = project()
    bill = here.box.bill.bills()[0]
    (center,) = {f"CC-{each['target'].removeprefix('CC-')}" for each in here.world.crosswalk()["cost_centers"]
                 if each["source"] in coding(here, bill)}  # fmt: skip
    here.box.workday.inactivate_cost_center(center)
    first = here.pipe().target
    assert first.code == 0, first.err
    reasons = held(here)[bill["invoice"]["invoiceNumber"]]
    name = here.box.workday.cost_centers[center].name
    cure = "reactivate it, or correct the row in the cost_centers mapping"
    assert reasons == [f'Workday cost center {center} "{name}" is inactive -> {cure}']
    assert posted(here) == numbers(here.box.bill.bills()) - set(held(here))

    activate_cost_center(here, center)
    second = here.pipe().target
    assert second.code == 0, second.err
    assert posted(here) == numbers(here.box.bill.bills())


def coding(here, bill):
    """Ids and names of the department of a bill's first line, by which a mapping table may call it."""
    department = bill["billLineItems"][0]["classifications"]["departmentId"]
    return {department, here.box.bill.table("departments").record(department)["name"]}


def activate_cost_center(here, center):
    """Make a cost center active again, as a person in Workday would."""
    store = here.box.workday
    with store.lock:
        store.cost_centers[center] = dataclasses.replace(store.cost_centers[center], active=True)
        store.touch()


def test_an_unbalanced_bill_is_never_adjusted(project):
    """A bill whose lines do not add up is held with both sums; corrected in BILL it is posted as corrected."""
    here = project()
    bill = here.box.bill.bills()[3]
    total = sum(line["amount"] for line in bill["billLineItems"])
    here.box.bill.edit_bill(bill["id"], amount=total + 50)
    number = bill["invoice"]["invoiceNumber"]
    assert here.pipe().target.code == 0
    assert held(here) == {
        number: [f"lines add up to {total:,.2f}, the total says {total + 50:,.2f} -> correct the document in BILL"]
    }
    here.box.bill.edit_bill(bill["id"], amount=total)
    assert here.pipe().target.code == 0
    assert posted(here) == numbers(here.box.bill.bills())
    assert here.box.workday.invoice(f"BILL-{bill['id']}").control_amount_total == total


def test_a_bill_changed_after_posting_is_for_a_person(project):
    """Changed after it was posted, a bill is neither posted again nor changed in Workday, until a person has settled it."""
    here = project()
    assert here.pipe().target.code == 0
    bill = here.box.bill.bills()[0]
    number, before = bill["invoice"]["invoiceNumber"], writes(here.box)
    line = bill["billLineItems"][0]
    more = {**line, "amount": line["amount"] + 10}
    for name in ("quantity", "price"):
        more.pop(name, None)
    here.box.bill.edit_bill(bill["id"], amount=bill["amount"] + 10, billLineItems=[more, *bill["billLineItems"][1:]])
    assert here.pipe().target.code == 0
    ((what, cure),) = [each.split(" -> ") for each in held(here)[number]]
    assert what.startswith(f"changed after posting: total was {bill['amount']}, now {bill['amount'] + 10}")
    assert cure == (f"correct BILL-{bill['id']} in Workday by hand, then `ml-connector ignore {number}`")
    assert writes(here.box) == before

    assert here.connector("ignore", number, "--reason", "corrected by hand").code == 0
    assert held(here) == {}
    assert here.pipe().target.code == 0
    assert held(here) == {}
    assert writes(here.box) == before


def test_a_clerk_finds_shows_ignores_and_replays(project):
    """A held bill can be found by its number, shown, taken off the list and put on it again, all on the audit."""
    here = project(NO_SUPPLIER)
    bills = of_vendor(here, 2)
    number = bills[0]["invoice"]["invoiceNumber"]
    assert here.pipe().target.code == 0

    shown = here.ask("show", number)
    assert (shown["state"], shown["vendor"]) == ("held", bills[0]["vendorName"])
    assert shown["record"]["id"] == bills[0]["id"]
    vendor_id = here.world.vendor_id(2)
    assert {row["number"] for row in here.ask("held", "--held-by", f"supplier:{vendor_id}")} >= numbers(bills)
    assert here.connector("held", "--fail").code == 3

    assert here.connector("ignore", number, "--reason", "entered by hand, WD-88213").code == 0
    here.add_row("suppliers", vendor_id, "S-90002")
    here.pipe()
    assert posted(here) == numbers(here.box.bill.bills()) - {number}

    refused = here.connector("replay", bills[1]["invoice"]["invoiceNumber"])
    assert refused.code != 0
    assert "posted already" in refused.err
    assert here.connector("replay", number).code == 0
    here.pipe()
    assert posted(here) == numbers(here.box.bill.bills())
    actions = [step["action"] for step in here.ask("show", number, "--audit")["history"]]
    assert [each for each in actions if each in ("held", "ignored", "replayed", "posted")] == [
        "held",
        "ignored",
        "replayed",
        "posted",
    ]
    assert here.ask("audit", "verify")["intact"] is True


@pytest.mark.parametrize(("fail_on", "code"), [("never", 0), ("held", 3), ("any", 3)])
def test_fail_on_decides_whether_held_bills_fail_the_run(project, fail_on, code):
    """The exit code follows fail_on; what can be posted is posted and the state moves in every case."""
    here = project(NO_SUPPLIER)
    done = here.pipe(TARGET_WORKDAY_FAIL_ON=fail_on)
    assert done.target.code == code
    assert done.target.invoices == {"created": 12 - len(of_vendor(here, 2)), "held": len(of_vendor(here, 2))}
    assert "bills" in json.loads(here.state_path.read_text("utf-8"))["bookmarks"]


def test_a_capped_run_fails_only_where_waiting_counts(project):
    """With fail_on=any a run that leaves documents for the next one exits with 3; with held it does not."""
    here = project()
    assert here.pipe(TARGET_WORKDAY_MAX_DOCUMENTS="4", TARGET_WORKDAY_FAIL_ON="held").target.code == 0
    assert here.pipe(TARGET_WORKDAY_MAX_DOCUMENTS="4", TARGET_WORKDAY_FAIL_ON="any").target.code == 3
    assert here.pipe(TARGET_WORKDAY_MAX_DOCUMENTS="4", TARGET_WORKDAY_FAIL_ON="any").target.code == 0


def test_meltano_sees_that_held_bills_count_as_failure(project):
    """With fail_on=held `meltano run` fails, yet its state has moved: the next run does not read everything again."""
    here = project(NO_SUPPLIER, TARGET_WORKDAY_FAIL_ON="held")
    first = here.deliver()
    assert first.code != 0
    assert len(here.box.workday.invoices) == 12 - len(of_vendor(here, 2))
    here.add_row("suppliers", here.world.vendor_id(2), supplier_id(3))
    second = here.deliver()
    assert second.code == 0, second.err
    assert len(here.box.workday.invoices) == 12
    read = sum(second.invoices.values()) - second.invoices["created"]
    assert read < 12 - second.invoices["created"]
