"""What a map does not know is held: no value of a source leaves a document out without a word."""

from __future__ import annotations

import copy

import pytest
import yaml

from ml_connector.crosswalk.tables import MemoryReferences, NoLinks
from ml_connector.errors import UserError
from ml_connector.mapping.engine import MapEngine
from ml_connector.mapping.mapfile import PACKAGED_MAPS

FREE = {
    # Ids, texts and lists that filters search; every value of them is a known one.
    "tap_bill.yml": {"approvers", "description", "syncReference"},
    "tap_business_central.yml": {
        "approvedAmount",
        "dimensionCode",
        "purchaseInvoiceLines",
        "totalAmountExcludingTax",
        "totalAmountIncludingTax",
    },
    "tap_workday.yml": {"company_id", "id", "payment_memo", "supplier_invoice_id"},
}
WHOSE = {
    "tap-bill": {"organizationId": "o", "id": "1"},
    "tap-workday": {"tenant": "t", "wid": "w" * 32},
    "tap-business-central": {"tenant_id": "t", "environment": "e", "company_id": "c", "id": "1"},
}
WANTED = {
    ("tap-bill", "bills"): {"approvalStatus": "APPROVED", "paymentStatus": "UNPAID", "archived": False},
    ("tap-bill", "vendors"): {"archived": False},
    ("tap-bill", "payments"): {"singleStatus": "CLEARED"},
    ("tap-workday", "suppliers"): {
        "worktag_only": False,
        "approval_status_id": "APPROVED",
        "supplier_status_data": [{"status_id": "ACTIVE"}],
    },
    ("tap-workday", "supplier_invoices"): {"invoice_document_status_id": "APPROVED"},
    ("tap-workday", "supplier_invoice_attachments"): {"id": "f", "invoice_document_status_id": "APPROVED"},
    ("tap-workday", "payments"): {"payment_status": "Complete"},
    ("tap-business-central", "purchase_invoices"): {"deleted": None, "status": "Open"},
    ("tap-business-central", "vendors"): {"deleted": None, "blocked": None},
    ("tap-business-central", "accounts"): {"accountType": "Posting", "directPosting": True},
}
SETTINGS = {
    "tap-workday": {"send_invoices": "true", "send_payments": "true", "send_attachments": "true"},
    "tap-business-central": {"send_accounts": "true"},
}
STRANGE = [
    ("tap-bill", "bills", {"approvalStatus": "AUTO_APPROVED"}),
    ("tap-bill", "bills", {"approvalStatus": "approved"}),
    ("tap-bill", "bills", {"paymentStatus": "PARTIAL"}),
    ("tap-bill", "bills", {"recordStatus": "LOCKED"}),
    ("tap-bill", "bills", {"archived": "false"}),
    ("tap-bill", "bills", {"archived": 0}),
    ("tap-bill", "vendors", {"archived": "false"}),
    ("tap-bill", "payments", {"singleStatus": "SETTLED"}),
    ("tap-workday", "suppliers", {"worktag_only": "0"}),
    ("tap-workday", "suppliers", {"approval_status_id": "PRE_APPROVED"}),
    ("tap-workday", "suppliers", {"supplier_status_data": [{"status_id": "ON_PROBATION"}]}),
    ("tap-workday", "supplier_invoices", {"invoice_document_status_id": "AUTO_APPROVED"}),
    ("tap-workday", "supplier_invoice_attachments", {"invoice_document_status_id": "AUTO_APPROVED"}),
    ("tap-workday", "payments", {"payment_status": "Settled"}),
    ("tap-business-central", "purchase_invoices", {"status": "Posted"}),
    ("tap-business-central", "purchase_invoices", {"status": 3}),
    ("tap-business-central", "purchase_invoices", {"deleted": "false"}),
    ("tap-business-central", "purchase_invoices", {"paidInPart": "true"}),
    ("tap-business-central", "vendors", {"blocked": "Invoices"}),
    ("tap-business-central", "accounts", {"accountType": "Buchung"}),
    ("tap-business-central", "accounts", {"directPosting": "false"}),
]


@pytest.fixture
def engine(tmp_path, monkeypatch):
    """A maker of engines for packaged maps, without tables."""
    monkeypatch.setenv("MELTANO_PROJECT_ROOT", str(tmp_path))
    return lambda transform, **settings: MapEngine.load(
        transform,
        target="workday" if transform == "tap-bill" else "bill",
        settings={**SETTINGS.get(transform, {}), **settings},
        references=MemoryReferences(),
        links=NoLinks(),
    )


def record(transform, stream, **changes):
    """Return a record the filter wants, with changes."""
    return {**WHOSE[transform], **copy.deepcopy(WANTED[transform, stream]), **changes}


def strange_of(mapped):
    """Return what is said of values the map does not know."""
    return [reason for reason in mapped.reasons if reason.code == "unknown_value"]


@pytest.mark.parametrize(("transform", "stream"), WANTED)
def test_what_is_known_is_wanted(engine, transform, stream):
    """And nothing is said of it."""
    mapped = engine(transform).map(stream, record(transform, stream))
    assert (mapped.unwanted, strange_of(mapped)) == (None, [])


@pytest.mark.parametrize(("transform", "stream", "changes"), STRANGE)
def test_what_is_not_known_is_held(engine, transform, stream, changes):
    """With field, value and a cure, whatever the conditions make of it; intake keeps it."""
    made, odd = engine(transform), record(transform, stream, **changes)
    mapped = made.map(stream, odd)
    (reason,) = strange_of(mapped)
    assert (made.unwanted(stream, odd), mapped.unwanted, mapped.document) == (None, None, None)
    assert str(reason.value).split("(")[-1].split("[")[0].removeprefix("record.").rstrip(")") in str(changes)
    assert "which the map does not know" in reason.what or "neither true nor false" in reason.what
    assert reason.cure


def test_what_another_condition_leaves_out_is_left_out_all_the_same(engine):
    """A paid bill is not wanted, whatever its approval is called."""
    made = engine("tap-bill")
    mapped = made.map("bills", record("tap-bill", "bills", approvalStatus="AUTO_APPROVED", paymentStatus="PAID"))
    assert (mapped.unwanted, strange_of(mapped)) == ("payment status is PAID", [])


@pytest.mark.parametrize("name", sorted(FREE))
def test_every_field_a_packaged_filter_reads_has_known_values(engine, name):
    """Or any value at all is one."""
    made = engine(name.removesuffix(".yml").replace("_", "-"))
    for stream in made._documents.values():
        known = frozenset().union(*(each.fields for each in stream.known))
        for rule in stream.rules:
            assert rule.when.reads - known <= FREE[name], (stream.name, rule.when.text)


def test_other_peoples_maps_declare_what_they_know(engine, tmp_path):
    """By the same key; a misspelt function in it is told when the map is read."""
    folder = tmp_path / "transforms" / "maps"
    folder.mkdir(parents=True)
    written = yaml.safe_load((PACKAGED_MAPS / "tap_bill.yml").read_text("utf-8"))
    written["streams"]["bills"]["__known__"] = {"lower(approvalStatus)": ["approved"]}
    (folder / "tap_bill.yml").write_text(yaml.safe_dump(written), "utf-8")
    mapped = engine("tap-bill").map("bills", record("tap-bill", "bills", approvalStatus="AUTO_APPROVED"))
    assert [reason.what for reason in strange_of(mapped)] == [
        "BILL bill 1: lower(approvalStatus) is 'auto_approved', which the map does not know"
    ]
    written["streams"]["bills"]["__known__"] = {"lowr(approvalStatus)": ["approved"]}
    (folder / "tap_bill.yml").write_text(yaml.safe_dump(written), "utf-8")
    with pytest.raises(UserError, match="__known__"):
        engine("tap-bill")
