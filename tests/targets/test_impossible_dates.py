"""Dates nobody can mean, in targets that get documents: the others go out, the one is held with its date named."""

from __future__ import annotations

import bill_documents
import business_central_documents
import pytest
from streaming import STATE, TARGETS, record, run, schema, settings_for

MAKERS = {"target-bill": bill_documents, "target-business-central": business_central_documents}


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("day", ["0001-01-01", "0026-10-01", "9999-12-31"])
def test_an_impossible_date_holds_its_document_only(sandbox, tmp_path, monkeypatch, name, day):
    """The look-ups around year 1 and the end of all time overflow in no run; nineteen of twenty are delivered."""
    monkeypatch.setenv("MELTANO_PROJECT_ROOT", str(tmp_path))
    business_central_documents.without_documents(monkeypatch)
    made = [MAKERS[name].invoice(str(n), supplier_number=f"R-{n}").model_dump(mode="json") for n in range(20)]
    made[0]["invoice_date"] = day
    messages = [schema("supplier_invoices"), *(record("supplier_invoices", **each) for each in made), STATE]
    ran = run(TARGETS[name](config=settings_for(sandbox(), name)), messages)
    assert (ran.code, ran.states) == (0, [STATE["value"]])
    assert list(ran.held()) == [made[0]["source"]["id"]]
    assert day in ran.held()[made[0]["source"]["id"]]
    assert len(ran.posted()) == 19
