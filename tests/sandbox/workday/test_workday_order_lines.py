"""Invoice lines of purchase orders: goods by quantity, services by amount, none of an order that is over."""

from __future__ import annotations

import dataclasses

import pytest

from erp_sandbox.workday.store import WorkdayStore
from erp_sandbox.world import World

SEED = World.plain(vendors=5, bills=1).workday_seed()
ORDER = next(o for o in SEED.purchase_orders if o.goods and o.services and o.currency == "USD" and o.status == "ISSUED")
CATEGORY = SEED.spend_categories[0].spend_category_id


@pytest.fixture
def world(tenant):
    """The tenant, with the content of a world."""
    tenant.store.from_json(WorkdayStore(SEED).to_json())
    return tenant


@pytest.fixture
def submit(world, xml):
    """Submit one line that refers to an order line, with these elements beside."""

    def send(reference, *more, supplier=ORDER.supplier, **elements):
        plain = {"Spend_Category_Reference": None, "Worktags_Reference": None, "Item_Description": None, **elements}
        lines = [xml.line(**plain), *more]
        lines[0] = lines[0].replace("<wd:Extended_Amount>", f"{reference}<wd:Extended_Amount>", 1)
        for name in ("Quantity", "Unit_Cost"):
            if (value := elements.get(name)) is not None:
                element = f"<wd:{name}>{value}</wd:{name}>"
                lines[0] = lines[0].replace(element, "", 1)
                lines[0] = lines[0].replace("<wd:Extended_Amount>", f"{element}<wd:Extended_Amount>", 1)
        return world.submit(
            lines=lines,
            Company_Reference=xml.ref("Company_Reference", "Company_Reference_ID", ORDER.company),
            Supplier_Reference=xml.ref("Supplier_Reference", "Supplier_ID", supplier),
            Control_Amount_Total=None,
        )

    return send


def by_number(line, order=ORDER):
    """A reference by order number and line number."""
    parent = f'wd:parent_type="Document_Number" wd:parent_id="{order.document_number}"'
    return f'<wd:Purchase_Order_Line_Reference><wd:ID wd:type="Line_Number" {parent}>{line.number}</wd:ID></wd:Purchase_Order_Line_Reference>'


def by_id(line, _order=ORDER):
    """A reference by the line's id."""
    inner = f'<wd:ID wd:type="Purchase_Order_Line_ID">{line.line_id}</wd:ID>'
    return f"<wd:Purchase_Order_Line_Reference>{inner}</wd:Purchase_Order_Line_Reference>"


BY_QUANTITY = {"Quantity": "4", "Unit_Cost": "25"}


@pytest.mark.parametrize("refer", [by_number, by_id])
def test_goods_want_a_quantity_and_services_none(submit, world, refer):
    """The kept line has its coding from the order."""
    assert submit(refer(ORDER.goods[0])).status == 500
    assert submit(refer(ORDER.services[0]), **BY_QUANTITY).status == 500
    assert world.store.count() == 0
    answer = submit(refer(ORDER.goods[0]), **BY_QUANTITY)
    assert answer.status == 200, answer.text
    (line,) = world.store.invoices[0].lines
    assert (line.order_line, line.spend_category) == (ORDER.goods[0].line_id, ORDER.goods[0].spend_category)


def test_a_service_goes_by_amount(submit, world):
    """Neither quantity nor unit cost is kept."""
    assert submit(by_number(ORDER.services[0])).status == 200
    (line,) = world.store.invoices[0].lines
    assert (line.quantity, line.extended_amount) == (0, 100)


@pytest.mark.parametrize("status", ["CLOSED", "CANCELED", "DRAFT"])
def test_an_order_that_is_not_issued_is_refused(submit, world, status):
    """Closed, canceled, or never sent to the supplier."""
    order = dataclasses.replace(world.store.purchase_orders[ORDER.purchase_order_id], status=status)
    world.store.purchase_orders[ORDER.purchase_order_id] = order
    assert submit(by_number(ORDER.services[0])).status == 500
    assert world.store.count() == 0


def test_coding_beside_an_order_line_is_refused(submit, xml):
    """It comes from the order."""
    category = xml.ref("Spend_Category_Reference", "Spend_Category_ID", CATEGORY)
    reference = by_number(ORDER.services[0])
    answer = submit("", Spend_Category_Reference=reference + category)
    assert answer.status == 500
    assert any("comes from the purchase order line" in message for message in answer.messages)


def test_an_order_line_is_invoiced_once_and_by_its_supplier(submit, xml):
    """One line of the invoice per order line, and the supplier who was ordered from."""
    plain = xml.line(Spend_Category_Reference=None, Worktags_Reference=None, Item_Description=None)
    again = plain.replace("<wd:Extended_Amount>", f"{by_number(ORDER.services[0])}<wd:Extended_Amount>", 1)
    assert submit(by_number(ORDER.services[0]), again).status == 500
    other = next(each.supplier_id for each in SEED.suppliers if each.supplier_id != ORDER.supplier)
    assert any("another supplier" in each for each in submit(by_number(ORDER.services[0]), supplier=other).messages)


def test_an_unknown_order_line_is_refused(submit):
    """By the type of its id."""
    reference = by_id(ORDER.goods[0]).replace(ORDER.goods[0].line_id, "NOTHING")
    assert submit(reference).status == 500
