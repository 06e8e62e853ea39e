"""A held document says all that is wrong with it at once: what the map found and what the target has against the rest."""

from __future__ import annotations

import itertools
import json

import bill_documents
import business_central_documents
import pytest
from streaming import STATE, TARGETS, record, run, schema, settings_for

from erp_sandbox.world import World

ORGANIZATION = "organizationId"
SHORT_BY = 5


@pytest.fixture
def box(sandbox, tmp_path, monkeypatch):
    """A sandbox beside a project in an own folder."""
    monkeypatch.setenv("MELTANO_PROJECT_ROOT", str(tmp_path))
    business_central_documents.without_documents(monkeypatch)
    return sandbox(World.plain(vendors=3, bills=2, lines=(2, 2)))


def reasons_of(ran):
    """Return the codes of what the only document is held for, with what each is about."""
    (entry,) = (each for each in ran.entries if each.kind == "supplier_invoices")
    assert entry.state == "held"
    return [(reason.code, reason.kind) for reason in entry.reasons]


class FromBill:
    """A bill on its way to Workday, through the packaged map."""

    def __init__(self, box, folder):
        self.box = box
        world = box._worlds[0]
        world.write_crosswalk(folder / "transforms" / "crosswalk")
        self.tables = folder / "transforms" / "crosswalk" / "bill-workday"
        self.write("spend_categories", "*,Office_Supplies")
        self.write("cost_centers", "*,CC-110")
        own = {ORGANIZATION: world.organization_id}
        self.bill = json.loads(json.dumps(box.bill.bills()[0] | own, default=float))
        self.vendor = json.loads(json.dumps(box.bill.vendor(self.bill["vendorId"]) | own, default=float))
        for line in self.bill["billLineItems"]:
            line["classifications"]["departmentId"] = self.bill["billLineItems"][0]["classifications"]["departmentId"]

    def write(self, table, *rows):
        """Put rows into a mapping table."""
        (self.tables / f"{table}.csv").write_text("\n".join(["source,target", *rows, ""]), "utf-8")

    def unmap(self):
        """Let nobody know the vendor in Workday: no row, and nothing by which it could be matched."""
        self.write("suppliers")
        self.vendor = {key: self.vendor[key] for key in ("id", ORGANIZATION, "billCurrency")} | {"name": "Nobody Known"}

    def run(self):
        """Let the target have the bill."""
        config = {"transform": "tap-bill", "map_settings": {"part_payments": "hold"}}
        target = TARGETS["target-workday"](config=settings_for(self.box, "target-workday") | config)
        head = [schema("vendors"), record("vendors", **self.vendor)]
        return run(target, [*head, schema("bills"), record("bills", **self.bill), STATE])


FAULTS = {
    "the vendor is not mapped": (FromBill.unmap, ("missing_supplier", "supplier")),
    "the cost center is not in Workday": (lambda here: here.write("cost_centers", "*,CC-NONE"), ("unknown", "cost_center")),
    "the spend category is not in Workday": (
        lambda here: here.write("spend_categories", "*,NONE"),
        ("unknown", "spend_category"),
    ),
    "the lines do not add up": (
        lambda here: here.bill.update(amount=here.bill["amount"] + SHORT_BY),
        ("unbalanced", None),
    ),
    "it is paid in part": (
        lambda here: here.bill.update(paymentStatus="PARTIALLY_PAID", paidAmount=1, dueAmount=here.bill["amount"] - 1),
        ("part_paid", None),
    ),
}  # fmt: skip


MALFORMED = {
    "its amount": lambda bill: bill.update(amount="twelve"),
    "its date": lambda bill: bill["invoice"].update(invoiceDate="2026-13-45"),
    "its due date": lambda bill: bill.update(dueDate="31.12."),
    "the amount of a line": lambda bill: bill["billLineItems"][0].update(amount="1,2,3"),
    "the amounts of all lines": lambda bill: [line.update(amount="n/a") for line in bill["billLineItems"]],
    "the quantity of a line": lambda bill: bill["billLineItems"][0].update(quantity="some"),
}
OF_TABLES = ("the cost center is not in Workday", "the spend category is not in Workday")


@pytest.mark.parametrize(("first", "second"), list(itertools.combinations(FAULTS, 2)))
def test_two_faults_of_a_bill_are_told_in_one_run(box, tmp_path, first, second):
    """Whatever two of them come together: exactly these two reasons, each once."""
    here = FromBill(box, tmp_path)
    expected = {FAULTS[first][1], FAULTS[second][1]}
    for name in {first, second}:
        FAULTS[name][0](here)
    found = reasons_of(here.run())
    assert (set(found), len(found)) == (expected, len(expected))


def test_all_faults_of_a_bill_are_told_in_one_run(box, tmp_path):
    """Five faults are five reasons, and nothing is told that follows from another."""
    here = FromBill(box, tmp_path)
    for spoil, _ in FAULTS.values():
        spoil(here)
    assert sorted(map(str, reasons_of(here.run()))) == sorted(str(expected) for _, expected in FAULTS.values())


@pytest.mark.parametrize("malformed", MALFORMED)
def test_what_is_malformed_hides_nothing_that_the_target_has_against_the_rest(box, tmp_path, malformed):
    """A number or a date nobody can read is told with all the rest, and nothing that only follows from it."""
    here = FromBill(box, tmp_path)
    MALFORMED[malformed](here.bill)
    for name in OF_TABLES:
        FAULTS[name][0](here)
    codes = reasons_of(here.run())
    expected = {FAULTS[name][1] for name in OF_TABLES}
    told = {each for each in codes if each[0] != "malformed"}
    assert told == expected
    assert {code for code, _ in codes} == {"malformed", "unknown"}


def test_what_an_unmapped_value_would_bring_is_not_told(box, tmp_path):
    """A line whose account is not mapped is not said to have no spend category as well."""
    here = FromBill(box, tmp_path)
    here.unmap()
    here.write("spend_categories")
    here.bill["billLineItems"][1]["classifications"] = here.bill["billLineItems"][0]["classifications"]
    assert reasons_of(here.run()) == [("missing_supplier", "supplier"), ("unmapped", "spend_category")]


def test_a_mended_bill_goes_out(box, tmp_path):
    """Once everything it named is mended it is posted; a part of a document never was."""
    here = FromBill(box, tmp_path)
    for name in ("the vendor is not mapped", "the cost center is not in Workday"):
        FAULTS[name][0](here)
    here.run()
    assert box.workday.invoices == []
    here.box._worlds[0].write_crosswalk(here.tables.parent)
    here.write("spend_categories", "*,Office_Supplies")
    here.write("cost_centers", "*,CC-110")
    assert here.run().posted() == {here.bill["id"]}


@pytest.mark.parametrize("documents", [bill_documents, business_central_documents], ids=["bill", "business_central"])
def test_a_document_against_itself_and_against_the_target(box, documents):
    """A sum that does not add up hides neither an unknown account nor an unknown vendor."""
    name = "target-bill" if documents is bill_documents else "target-business-central"
    invoice = documents.invoice("1").model_dump(mode="json")
    invoice["total"] = str(float(invoice["total"]) + SHORT_BY)
    invoice["supplier"] = "NOBODY"
    invoice["lines"][0]["gl_account"] = "NOTHING"
    ran = run(TARGETS[name](config=settings_for(box, name)), [schema("supplier_invoices"), record("supplier_invoices", **invoice), STATE])  # fmt: skip
    assert reasons_of(ran) == [("unbalanced", None), ("unknown", "supplier"), ("unknown", "gl_account")]


@pytest.mark.parametrize(("field", "value"), [("total", "twelve"), ("invoice_date", "2026-13-45"), ("memo", 7)])
@pytest.mark.parametrize("documents", [bill_documents, business_central_documents], ids=["bill", "business_central"])
def test_a_malformed_document_is_checked_against_the_target_too(box, documents, field, value):
    """Whoever sends documents, without a map, learns all at once as well."""
    name = "target-bill" if documents is bill_documents else "target-business-central"
    invoice = documents.invoice("1").model_dump(mode="json") | {field: value, "supplier": "NOBODY"}
    ran = run(TARGETS[name](config=settings_for(box, name)), [schema("supplier_invoices"), record("supplier_invoices", **invoice), STATE])  # fmt: skip
    assert [code for code, _ in reasons_of(ran)] == ["malformed", "unknown"]


HUGE = [10**40, -(10**40), "1" + "0" * 50 + ".001", "1e-50", 10**17]


@pytest.mark.parametrize("number", HUGE, ids=str)
@pytest.mark.parametrize("field", ["total", "tax_amount", "charges", "amount", "quantity", "unit_price"])
@pytest.mark.parametrize("name", sorted(TARGETS))
def test_a_number_of_any_size_holds_its_document_and_is_no_defect(box, name, field, number):
    """Also where it is checked beside what else stands against the document, with another number nobody can read."""
    documents = business_central_documents if name == "target-business-central" else bill_documents
    invoice = documents.invoice("1").model_dump(mode="json") | {"memo": 7}
    line = invoice["lines"][0]
    line |= {"quantity": "3", "unit_price": "2", "purchase_order_line": "PO-1#1"}
    (line if field in line else invoice)[field] = number
    ran = run(TARGETS[name](config=settings_for(box, name)), [schema("supplier_invoices"), record("supplier_invoices", **invoice), STATE])  # fmt: skip
    assert ran.summary.defects == set()
    assert {code for code, _ in reasons_of(ran)} >= {"malformed"}


def test_no_value_of_a_table_is_taken_for_a_gap(box, tmp_path):
    """A question mark in a mapping table is a value like any other: it is looked for, and not there."""
    here = FromBill(box, tmp_path)
    here.write("cost_centers", "*,?")
    assert reasons_of(here.run()) == [("unknown", "cost_center")]
