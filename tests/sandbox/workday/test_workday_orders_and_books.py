"""Purchase orders, payments, journals, organizations and values of the tenant: what is found, and what is refused."""

from __future__ import annotations

import dataclasses
import datetime as dt

import pytest

from erp_sandbox.workday.store import WorkdayStore
from erp_sandbox.world import World

SEED = World.build(vendors=9, bills=1, payments=0).workday_seed()


@pytest.fixture
def world(tenant):
    """The tenant, with the content of a world."""
    tenant.store.from_json(WorkdayStore(SEED).to_json())
    return tenant


UPDATED = "<wd:Updated_{}_Date>{}</wd:Updated_{}_Date>"


def updated(first, last):
    """The changed-since pair."""
    return UPDATED.format("From", first, "From") + UPDATED.format("To", last, "To")


def test_orders_are_found_by_change(world, xml):
    """An order that was saved again is in the window, the others are not."""
    since = (dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1)).isoformat()
    world.store.change_purchase_order("PURCHASE_ORDER-3-105", memo="more")
    criteria = updated(since, dt.datetime.now(dt.UTC).isoformat())
    answer = world.send(xml.get("Get_Purchase_Orders", criteria=criteria))
    assert answer.texts("Purchase_Order_ID") == ["PURCHASE_ORDER-3-105"]


@pytest.mark.parametrize(
    "criteria, number",
    [
        ("<wd:Purchase_Order_Number>PO-2003</wd:Purchase_Order_Number>", 1),
        ("<wd:Purchase_Order_Date_On_or_Before>2025-09-04</wd:Purchase_Order_Date_On_or_Before>", 3),
        ("<wd:Purchase_Order_Date_On_or_After>2025-09-25</wd:Purchase_Order_Date_On_or_After>", 1),
    ],
)
def test_orders_are_found_by_number_and_date(world, xml, criteria, number):
    """Both ends of a date window are included."""
    answer = world.send(xml.get("Get_Purchase_Orders", criteria=criteria))
    assert len(answer.texts("Purchase_Order_ID")) == number


def test_an_order_is_found_by_its_number_as_reference(world, xml):
    """Document_Number and the reference id name the same order."""
    for id_type, value in (("Document_Number", "PO-2003"), ("Purchase_Order_Reference_ID", "PURCHASE_ORDER-3-103")):
        references = xml.ref("Purchase_Order_Reference", id_type, value)
        answer = world.send(xml.get("Get_Purchase_Orders", references=references))
        assert answer.texts("Document_Number") == ["PO-2003"]


@pytest.mark.parametrize("end", ["From", "To"])
@pytest.mark.parametrize("operation", ["Get_Purchase_Orders", "Get_Suppliers"])
def test_half_a_window_is_refused(world, xml, operation, end):
    """Both ends or neither."""
    moment = "2026-01-01T00:00:00Z"
    answer = world.send(xml.get(operation, criteria=UPDATED.format(end, moment, end)))
    assert answer.code == "SOAP-ENV:Client.validationError"
    assert "together" in answer.string


def test_a_split_line_has_its_worktags_on_the_splits():
    """The parts of a line add up to it."""
    split = [line for order in SEED.purchase_orders for line in order.goods if line.splits]
    assert split
    for line in split:
        assert line.worktags == {}
        assert sum(part.extended_amount for part in line.splits) == line.extended_amount
        assert all(part.worktags for part in line.splits)


PAYMENTS = "<wd:General_Payment_Criteria>{}</wd:General_Payment_Criteria>"


@pytest.mark.parametrize(
    "criteria, number",
    [
        ("<wd:Payment_Date_on_Date_Or_After>2025-11-01</wd:Payment_Date_on_Date_Or_After>", 19),
        ("<wd:Payment_Date_on_Date_Or_Before>2025-11-02</wd:Payment_Date_on_Date_Or_Before>", 2),
    ],
)
def test_payments_are_found_by_their_date(world, xml, criteria, number):
    """Both ends are included."""
    answer = world.finance(xml.get("Get_Payments", criteria=PAYMENTS.format(criteria)))
    assert len(answer.texts("Payment_Status")) == number


def test_payments_are_found_by_their_category(world, xml):
    """Expenses of workers are apart from payments to suppliers."""
    criteria = PAYMENTS.format(xml.ref("Payment_Category_Reference", "Payment_Category_ID", "EXPENSE_PAYMENT"))
    answer = world.finance(xml.get("Get_Payments", criteria=criteria))
    assert answer.ids("Receiving_Party_Reference", "Employee_ID") == ["E-001"]


def test_the_date_of_a_payment_is_given_only_when_asked_for(world, xml):
    """It stands in the payment's group."""
    wanted = "<wd:Include_Payment_Group_Data>true</wd:Include_Payment_Group_Data>"
    assert world.finance(xml.get("Get_Payments")).texts("Payment_Date") == []
    assert len(world.finance(xml.get("Get_Payments", group=wanted)).texts("Payment_Date")) == 19


def test_blank_payment_criteria_are_refused(world, xml):
    """Leave out what selects nothing."""
    answer = world.finance(xml.get("Get_Payments", criteria=PAYMENTS.format("")))
    assert "blank" in answer.string


ACCOUNTING = "<wd:Accounting_From_Date>2025-10-01</wd:Accounting_From_Date><wd:Accounting_To_Date>2025-11-30</wd:Accounting_To_Date>"
ALL = updated("2020-01-01T00:00:00Z", "2026-01-02T00:00:00Z")


@pytest.mark.parametrize("criteria, number", [(ALL, 3), (ACCOUNTING, 2)])
def test_journals_are_found_by_either_window(world, xml, criteria, number):
    """By change or by accounting date."""
    answer = world.finance(xml.get("Get_Journals", criteria=criteria))
    assert len(answer.texts("Journal_Number")) == number


@pytest.mark.parametrize("criteria", [None, ACCOUNTING + ALL])
def test_journals_need_exactly_one_window(world, xml, criteria):
    """Neither none nor both."""
    answer = world.finance(xml.get("Get_Journals", criteria=criteria))
    assert "either both updated dates or both accounting dates" in answer.string


def test_a_ledger_account_names_its_account_set(world, xml):
    """A number is unique only within a set."""
    answer = world.finance(xml.get("Get_Journals", criteria=ALL))
    parents = {
        (one.get("{urn:com.workday/bsvc}parent_type"), one.get("{urn:com.workday/bsvc}parent_id"))
        for reference in answer.root.iter("{urn:com.workday/bsvc}Ledger_Account_Reference")
        for one in reference
        if one.get("{urn:com.workday/bsvc}type") == "Ledger_Account_ID"
    }
    assert parents == {("Account_Set_ID", "Corporate")}


def test_inactive_organizations_are_given_when_asked_for(world, xml):
    """Otherwise they are left out."""
    world.store.inactivate_cost_center("CC-110")
    wanted = "<wd:Include_Inactive>true</wd:Include_Inactive>"
    usual = world.finance(xml.get("Get_Organizations")).texts("Reference_ID")
    assert set(world.finance(xml.get("Get_Organizations", criteria=wanted)).texts("Reference_ID")) - set(usual) == {
        "CC-110"
    }


def test_tax_codes_have_a_root_of_their_own(world, xml):
    """The operation's elements are not called like it."""
    answer = world.finance(xml.get("Get_Tax_Codes"))
    assert sorted(answer.texts("Tax_Code_ID")) == ["TAX_STANDARD", "TAX_ZERO"]


def test_values_are_listed_by_type_of_id(world, xml):
    """What a tenant calls its statuses, reasons and payment types."""
    criteria = "<wd:Reference_ID_Type>Adjustment_Reason_ID</wd:Reference_ID_Type>"
    answer = world.send(xml.get("Get_References", criteria=criteria), service="Integrations")
    assert {"OTHER_TERMS", "PRICE_DIFFERENCE", "RETURNED_GOODS"} <= set(answer.texts("ID"))
    assert set(answer.texts("Reference_ID_Type")) == {"Adjustment_Reason_ID"}


@pytest.mark.parametrize("version, depth", [("v30.0", 2), ("v42.2", 3)])
def test_bank_accounts_moved_with_the_versions(world, xml, version, depth):
    """From v40 on they sit one level deeper."""
    references = xml.ref("Supplier_Reference", "Supplier_ID", "S-00003")
    answer = world.send(xml.get("Get_Suppliers", references=references), version=version)
    (number,) = answer.root.iter("{urn:com.workday/bsvc}Bank_Account_Number")
    above = [one.tag.rpartition("}")[2] for one in number.iterancestors()]
    assert above.index("Supplier_Data") == depth - 1


def test_the_world_is_the_same_each_time():
    """Orders, payments and journals follow from the seed alone."""
    again = World.build(vendors=9, bills=1, payments=0).workday_seed()
    for name in ("projects", "employees", "purchase_orders", "payments", "journals"):
        assert getattr(SEED, name) == getattr(again, name)


def test_two_tenants_of_a_seed_share_nothing():
    """A change in one is none in the other."""
    one, other = WorkdayStore(SEED), WorkdayStore(SEED)
    one.change_payment("SUPPLIER_PAYMENT-6-1", status="Voided")
    one.purchase_orders["PURCHASE_ORDER-3-101"].goods.clear()
    assert other.payments["SUPPLIER_PAYMENT-6-1"].status == "Complete"
    assert other.purchase_orders["PURCHASE_ORDER-3-101"].goods


def test_orders_and_books_survive_a_restart():
    """What was kept comes back as it was."""
    store = WorkdayStore(SEED)
    store.change_purchase_order("PURCHASE_ORDER-3-101", memo="kept")
    other = WorkdayStore(dataclasses.replace(SEED, purchase_orders=(), payments=(), journals=()))
    other.from_json(store.to_json())
    assert other.purchase_orders == store.purchase_orders
    assert other.payments == store.payments
    assert other.journals == store.journals
    assert other.projects == store.projects
