"""Invoices of purchase orders into Workday: goods by quantity, services by amount, nothing on an order that is over."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from erp_sandbox import credentials
from erp_sandbox.world import World
from ml_connector.delivery.sink import differences
from ml_connector.documents import DocumentSource, InvoiceLine, SupplierInvoice
from ml_connector.errors import CannotBeSent
from ml_connector.systems.workday.client import WorkdayClient
from ml_connector.systems.workday.references import References
from ml_connector.systems.workday.settings import WorkdaySettings
from target_workday.options import WorkdayPosting
from target_workday.sinks import SupplierInvoiceSink

WORLD = World.plain(vendors=5, bills=2)
SEED = WORLD.workday_seed()
OPEN = [order for order in SEED.purchase_orders if order.status == "ISSUED"]
MIXED = next(order for order in OPEN if order.goods and order.services and order.currency == "USD")
CLOSED = next(order for order in SEED.purchase_orders if order.status == "CLOSED")


@pytest.fixture
def tenant(sandbox):
    """A running tenant."""
    return sandbox(WORLD)


@pytest.fixture(params=["v42.2", "v30.0"])
def client(request, tenant, tmp_path):
    """A client of the tenant, in both dialects it may speak."""
    config = {
        "base_url": tenant.workday_base_url,
        "tenant": credentials.WORKDAY_TENANT,
        "isu_username": credentials.WORKDAY_ISU_USERNAME,
        "isu_password": credentials.WORKDAY_ISU_PASSWORD,
        "api_version": request.param,
    }
    made = WorkdayClient(WorkdaySettings.from_config(config), state_dir=tmp_path)
    yield made
    made.close()


@pytest.fixture
def make_sink(client):
    """A maker of prepared sinks."""

    def make():
        sink = SupplierInvoiceSink(client, References(client), WorkdayPosting())
        sink.prepare()
        return sink

    return make


def ordered(value, amount="100.00", quantity="4", price="25", **changes):
    """A line that invoices an order line."""
    return InvoiceLine(
        **{
            "id": f"l-{value}",
            "order": 1,
            "amount": Decimal(amount),
            "quantity": None if quantity is None else Decimal(quantity),
            "unit_price": None if price is None else Decimal(price),
            "purchase_order_line": value,
            **changes,
        }
    )


def invoice(*lines, **changes):
    """An invoice of these lines, of the supplier the mixed order was given to."""
    lines = tuple(line.model_copy(update={"order": number}) for number, line in enumerate(lines, 1))
    fields = {
        "source": DocumentSource(system="bill", instance="o", stream="bills", id="b1"),
        "external_id": "BILL-b1",
        "supplier": MIXED.supplier,
        "supplier_number": "INV-1",
        "company": SEED.companies[0].company_id,
        "currency": "USD",
        "invoice_date": dt.date(2026, 10, 1),
        "total": sum((line.amount for line in lines), Decimal(0)),
        "lines": lines,
    }
    return SupplierInvoice(**{**fields, **changes})


def by_number(order, line):
    """An order line as people name it."""
    return f"{order.document_number}#{line.number}"


def by_id(_order, line):
    """An order line by its id."""
    return line.line_id


@pytest.mark.parametrize("name", [by_number, by_id])
def test_goods_go_out_by_quantity_and_services_by_amount(make_sink, tenant, name):
    """Workday's own order says which a line is; what the source says of a service's quantity is left out."""
    goods, service = MIXED.goods[0], MIXED.services[0]
    document = invoice(ordered(name(MIXED, goods)), ordered(name(MIXED, service)))
    sink = make_sink()
    assert sink.check(document) == []
    delivered = sink.create(document)
    kept = tenant.workday.invoice("BILL-b1").lines
    assert [(line.order_line, line.quantity, line.unit_cost, line.extended_amount) for line in kept] == [
        (goods.line_id, 4, 25, Decimal("100.00")),
        (service.line_id, 0, 0, Decimal("100.00")),
    ]
    assert differences(sink.facts(document), sink.read_back([delivered.target_id])[delivered.target_id]) == []


@pytest.mark.parametrize("name", [by_number, by_id])
@pytest.mark.parametrize("status", ["CLOSED", "CANCELED", "DENIED"])
def test_an_order_that_is_over_is_named_before_anything_is_sent(make_sink, tenant, name, status):
    """One reason for the order, however many lines invoice it; nothing reaches Workday."""
    tenant.workday.change_purchase_order(MIXED.purchase_order_id, status=status)
    lines = [ordered(name(MIXED, line), quantity="4") for line in (MIXED.goods[0], MIXED.services[0])]
    (reason,) = make_sink().check(invoice(*lines))
    assert (reason.code, reason.kind, reason.value) == ("order_over", "purchase_order", MIXED.document_number)
    assert MIXED.document_number in reason.what
    assert tenant.workday.count() == 0


def test_all_that_stands_against_order_lines_is_told_at_once(make_sink):
    """A closed order, another supplier's order, goods without a quantity, a line nobody knows, and a cost center."""
    other = next(order for order in OPEN if order.supplier != MIXED.supplier and order.services)
    lines = (
        ordered(by_number(CLOSED, (CLOSED.services or CLOSED.goods)[0])),
        ordered(by_number(other, other.services[0])),
        ordered(by_number(MIXED, MIXED.goods[0]), quantity=None, price=None),
        ordered("PO-0#9"),
        ordered("PURCHASE_ORDER_LINE-9-9"),
        InvoiceLine(id="x", order=1, amount=Decimal(1), spend_category="Nothing"),
    )
    codes = {(reason.code, reason.value) for reason in make_sink().check(invoice(*lines))}
    assert codes >= {
        ("order_over", CLOSED.document_number),
        ("other_supplier", other.document_number),
        ("order_quantity", by_number(MIXED, MIXED.goods[0])),
        ("unknown", "PO-0#9"),
        ("unknown", "PURCHASE_ORDER_LINE-9-9"),
        ("unknown", "Nothing"),
    }


def test_goods_whose_quantity_does_not_divide_the_amount_are_held(make_sink):
    """By amount alone Workday would refuse or misread them."""
    line = ordered(by_number(MIXED, MIXED.goods[0]), amount="1000000.01", quantity="999983", price=None)
    (reason,) = make_sink().check(invoice(line))
    assert reason.code == "order_quantity"


def test_orders_that_may_not_be_read_hold_invoices_of_orders_alone(make_sink, tenant):
    """What kind of line it is cannot be known then; other invoices go out."""
    tenant.workday.forbid("Get_Purchase_Orders")
    sink = make_sink()
    goods, service = by_number(MIXED, MIXED.goods[0]), MIXED.services[0].line_id
    (reason,) = sink.check(invoice(ordered(goods), ordered(service)))
    assert reason.code == "orders_unreadable"
    assert "Reports: Purchase Order" in reason.cure
    category = SEED.spend_categories[0].spend_category_id
    assert sink.check(invoice(InvoiceLine(id="x", order=1, amount=Decimal(1), spend_category=category))) == []


def test_an_order_line_workday_does_not_tell_of_is_never_sent(make_sink):
    """Neither by quantity nor by amount: both would be a guess."""
    with pytest.raises(CannotBeSent, match="PO-0#9"):
        make_sink().compose(invoice(ordered("PO-0#9")))


@pytest.mark.parametrize("sign", [1, -1])
def test_freight_has_a_field_of_its_own(make_sink, tenant, sign):
    """What else is charged stands in other charges; both are compared together."""
    category = SEED.spend_categories[0].spend_category_id
    document = invoice(
        InvoiceLine(id="x", order=1, amount=sign * Decimal(10), spend_category=category),
        charges=sign * Decimal("5.00"),
        freight=sign * Decimal("3.50"),
        total=sign * Decimal("15.00"),
    )
    sink = make_sink()
    delivered = sink.create(document)
    (kept,) = tenant.workday.invoices if sign > 0 else tenant.workday.adjustments
    assert (kept.freight_amount, kept.other_charges) == (Decimal("3.50"), Decimal("1.50"))
    assert differences(sink.facts(document), sink.read_back([delivered.target_id])[delivered.target_id]) == []


def test_freight_an_earlier_version_put_into_other_charges_is_no_difference(make_sink, tenant):
    """What is owed is the same, and nobody has changed it."""
    category = SEED.spend_categories[0].spend_category_id
    line = InvoiceLine(id="x", order=1, amount=Decimal(10), spend_category=category)
    before = invoice(line, charges=Decimal("5.00"), total=Decimal("15.00"))
    sink = make_sink()
    delivered = sink.create(before)
    assert tenant.workday.invoice("BILL-b1").other_charges == Decimal("5.00")
    now = before.model_copy(update={"freight": Decimal("5.00")})
    assert differences(sink.facts(now), sink.read_back([delivered.target_id])[delivered.target_id]) == []
    more = now.model_copy(update={"charges": Decimal("6.00")})
    assert differences(sink.facts(more), sink.read_back([delivered.target_id])[delivered.target_id]) != []
