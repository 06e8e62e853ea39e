"""Streams that carry documents already."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from ml_connector.documents import SupplierInvoice
from ml_connector.errors import MalformedRecord, UserError
from ml_connector.mapping.schema import document_record


@pytest.fixture
def document(engine, bill):
    """A supplier invoice as another program would send it."""
    return document_record(engine().map("bills", bill()).document)


def test_a_document_needs_no_map(engine, bill, document):
    """Without transform a document is taken as it is, with its own source."""
    mapped = engine("").map("supplier_invoices", document)
    assert mapped.reasons == ()
    assert mapped.document == engine().map("bills", bill()).document
    assert (mapped.external_id, mapped.number, mapped.amount) == (
        "BILL-00n01BILLAAAAAAA0001",
        "INV-20391",
        Decimal("228.99"),
    )
    assert (mapped.source.system, mapped.source.stream) == ("bill", "bills")


def test_it_knows_the_kinds_of_documents(engine):
    """Streams named like documents are documents; nothing is a reference; other streams are nothing."""
    engine = engine("")
    assert engine.kind_of("suppliers") == "suppliers"
    assert engine.kind_of("bills") is None
    assert not engine.is_reference("suppliers")
    assert engine.key_properties("suppliers") == ("external_id",)


def test_reading_documents_back_changes_nothing(engine, document):
    """Metadata of the pipe, a name for people and other spellings of an amount are no change."""
    engine = engine("")
    other = {**document, "_sdc_batched_at": "x", "supplier_name": "Other", "total": "228.990"}
    first, second = (engine.map("supplier_invoices", record) for record in (document, other))
    assert second.document is not None
    assert first.fingerprint == second.fingerprint
    assert engine.map("supplier_invoices", {**document, "total": 1}).fingerprint != first.fingerprint


def test_a_malformed_document_is_held(engine, document):
    """What is missing and what is wrong is told at once."""
    broken = {name: value for name, value in document.items() if name != "supplier"} | {"currency": "XYZ"}
    mapped = engine("").map("supplier_invoices", broken)
    assert mapped.document is None
    assert [reason.what for reason in mapped.reasons] == [
        "supplier_invoices BILL-00n01BILLAAAAAAA0001 has no supplier",
        "supplier_invoices BILL-00n01BILLAAAAAAA0001: currency: 'XYZ' is not an ISO 4217 currency code",
    ]


@pytest.mark.parametrize("source", [None, {}, {"system": "bill"}, "bill"])
def test_a_document_without_source_is_malformed(engine, document, source):
    """Without identity a document cannot be delivered once."""
    with pytest.raises(MalformedRecord, match="does not say where it comes from"):
        engine("").map("supplier_invoices", {**document, "source": source})


def test_settings_without_a_map_are_a_mistake(engine):
    """map_settings would have no effect: that is said."""
    with pytest.raises(UserError, match="map_settings"):
        engine("", settings={"zero_lines": "drop"})


def test_a_documents_record_is_plain_json(document):
    """Records of documents hold what JSON can say, amounts as exact decimals."""
    assert document["total"] == Decimal("228.99")
    assert document["invoice_date"] == "2026-12-01"
    assert json.loads(json.dumps(document, default=str))["lines"][0]["dimensions"] == [
        {"kind": "cost_center", "value": "CC-410"}
    ]


@pytest.mark.parametrize("odd", [None, "", "x", 5, -1, True, [], {}, [None], [[]], {"a": 1}, "2026-13-45"], ids=repr)
@pytest.mark.parametrize("field", sorted({*SupplierInvoice.model_fields} - {"source"}))
def test_what_is_no_document_says_why(engine, document, field, odd):
    """Whatever a field holds: there is a document, or a reason a person can act upon."""
    mapped = engine("").map("supplier_invoices", {**document, field: odd})
    assert (mapped.document is None) == bool(mapped.reasons)
