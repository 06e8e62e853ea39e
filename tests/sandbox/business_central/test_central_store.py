"""The data of the stand-in: what a world starts with, and how tests change it."""

from __future__ import annotations

import json
from decimal import Decimal

import httpx
import pytest
from central_client import told
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from erp_sandbox import credentials
from erp_sandbox.business_central.calls import Call
from erp_sandbox.business_central.entities import SETS
from erp_sandbox.business_central.errors import BusinessCentralRefusalError
from erp_sandbox.environment import environment
from erp_sandbox.server import Sandbox
from erp_sandbox.snapshot import load_snapshot, save_snapshot
from erp_sandbox.world import World

STORE = Sandbox(World.plain(vendors=4, bills=1, lines=(1, 1))).business_central


def small():
    """A world of a few vendors."""
    return World.plain(vendors=4, bills=3, lines=(1, 1))


def test_the_same_world_gives_the_same_data():
    """Ids, amounts and stamps."""
    first, second = Sandbox(World.demo()).business_central, Sandbox(World.demo()).business_central
    assert first.records("purchaseInvoices") == second.records("purchaseInvoices")
    assert first.records("vendors") == second.records("vendors")
    assert first.records("generalLedgerEntries") == second.records("generalLedgerEntries")


def test_its_vendors_are_those_of_bill():
    """The same number and tax id, apart from those only one side has."""
    box = Sandbox(World.demo())
    ours = {each["number"]: each["taxRegistrationNumber"] for each in box.business_central.records("vendors")}
    theirs = {each["shortName"]: each["additionalInfo"]["taxId"] for each in box.bill.table("vendors").records()}
    both = set(ours) & set(theirs)
    assert len(both) == 112
    assert all(ours[number] == theirs[number] for number in both)
    assert set(ours) - both == {"V90001", "V90002", "V90003"}
    assert len(set(theirs) - both) == 18


def test_its_books_hold_every_state_and_currency():
    """Open, paid and draft; dollars, euros, yen and Kuwaiti dinars; and they balance."""
    store = Sandbox(World.demo()).business_central
    assert {each["status"] for each in store.invoices()} == {"Open", "Paid", "Draft"}
    assert set(store.invoice_totals()) == {"USD", "EUR", "JPY", "KWD"}
    entries = store.records("generalLedgerEntries")
    assert sum(each["debitAmount"] - each["creditAmount"] for each in entries) == 0
    documents = {each["documentNumber"] for each in entries}
    for document in documents:
        own = [each for each in entries if each["documentNumber"] == document]
        assert sum(each["debitAmount"] - each["creditAmount"] for each in own) == 0
    open_ones = {each["documentNumber"] for each in store.records("vendorLedgerEntries") if each["open"]}
    assert {each["number"] for each in store.invoices() if each["status"] == "Open"} <= open_ones


def test_an_edit_in_the_client_asks_no_rule(box):
    """It moves etag and stamp, or the etag alone."""
    store = box.business_central
    (posted, *_) = [each for each in store.invoices() if each["status"] == "Open"]
    edited = store.edit("purchaseInvoices", posted["id"], dueDate="2027-01-01")
    assert (edited["dueDate"], edited["lastModifiedDateTime"] > posted["lastModifiedDateTime"]) == ("2027-01-01", True)
    silent = store.edit("purchaseInvoices", posted["id"], touch=False, dueDate="2027-01-02")
    assert silent["lastModifiedDateTime"] == edited["lastModifiedDateTime"]
    assert silent["_version"] > edited["_version"]
    with pytest.raises(KeyError):
        store.edit("purchaseInvoices", "nothing")


def test_people_post_and_delete_as_well(box):
    """A draft, a batch; what is deleted is simply gone."""
    store = box.business_central
    (draft, *_) = [each for each in store.invoices() if each["status"] == "Draft"]
    assert store.post_invoice(draft["id"])["status"] == "Open"
    with pytest.raises(BusinessCentralRefusalError):
        store.post_invoice(draft["id"])
    store.post_batch("MONTHEND")
    assert store.records("lines") == []
    store.delete("purchaseInvoices", draft["id"])
    with pytest.raises(KeyError):
        store.record("purchaseInvoices", draft["id"])


def test_records_are_added_without_any_rule(box, central):
    """Such as an item the API would not let through."""
    box.business_central.add("items", number="ODD", displayName="Odd", blocked=True)
    assert central.one("items", filter="number eq 'ODD'")["blocked"] is True


def test_data_is_kept_between_two_runs(tmp_path):
    """Amounts to their last digit, etags, posted states, files."""
    first, second = Sandbox(World.demo()), Sandbox(small())
    (draft, *_) = [each for each in first.business_central.invoices() if each["status"] == "Draft"]
    first.business_central.post_invoice(draft["id"])
    save_snapshot(first, tmp_path)
    assert load_snapshot(second, tmp_path) is True
    assert second.business_central.invoices() == first.business_central.invoices()
    assert second.business_central.records("vendorLedgerEntries") == first.business_central.records(
        "vendorLedgerEntries"
    )
    row = second.business_central.edit("vendors", second.business_central.vendor("V00001")["id"], city="Here")
    assert row["_version"] > max(each["_version"] for each in first.business_central.records("vendors"))


def test_what_nobody_asked_for_is_not_made():
    """Tests of other systems do not pay for it."""
    assert json.loads(Sandbox(small()).business_central.to_json()) == []


def test_a_reset_brings_the_first_moment_back(box, central):
    """Data, tokens and switches."""
    before = box.business_central.invoices()
    central.draft()
    box.business_central.behaviour.concurrency = 1
    box.reset()
    assert box.business_central.invoices() == before
    assert box.business_central.behaviour.concurrency == 5
    assert central.get("vendors").status_code == 401


def test_the_control_address_edits_and_totals(box):
    """For people and other processes."""
    vendor = box.business_central.vendor("V00001")
    address = f"{box.url}/_sandbox/business-central/vendors/{vendor['id']}"
    assert httpx.post(address, json={"city": "Edited"}).status_code == 200
    assert box.business_central.vendor("V00001")["city"] == "Edited"
    assert httpx.post(f"{box.url}/_sandbox/business-central/vendors/nothing", json={}).status_code == 404
    totals = httpx.get(f"{box.url}/_sandbox/business-central/totals").json()
    assert totals["USD"]["count"] == box.business_central.invoice_totals()["USD"]["count"]


def test_the_settings_of_tap_and_target_lead_to_it(box, central):
    """Under the names of the plugins' settings."""
    settings = environment(box)
    for plugin in ("TAP", "TARGET"):
        assert settings[f"{plugin}_BUSINESS_CENTRAL_BASE_URL"] == box.business_central_base_url
        assert settings[f"{plugin}_BUSINESS_CENTRAL_AUTH_URL"] == box.business_central_auth_url
        assert (
            settings[f"{plugin}_BUSINESS_CENTRAL_COMPANY"]
            == told(central.get_root("companies"), 200)["value"][0]["name"]
        )
        assert settings[f"{plugin}_BUSINESS_CENTRAL_ENVIRONMENT"] == credentials.BUSINESS_CENTRAL_ENVIRONMENT
    names = {name.rpartition("BUSINESS_CENTRAL_")[2] for name in settings if "BUSINESS_CENTRAL" in name}
    assert names == {"BASE_URL", "AUTH_URL", "TENANT_ID", "ENVIRONMENT", "COMPANY", "CLIENT_ID", "CLIENT_SECRET"}


def test_many_vendors_are_added_and_read(box, central):
    """Numbered on, each with a stamp of its own."""
    box.business_central.add_vendors(300)
    box.business_central.add_vendors(200, first=301)
    rows = central.rows("vendors", page=100, filter="startswith(number,'M')", select="number,lastModifiedDateTime")
    assert [row["number"] for row in rows] == [f"M{number:06d}" for number in range(1, 501)]
    assert len({row["lastModifiedDateTime"] for row in rows}) == 500


def any_value(field):
    """Values a field may take, and some it does not."""
    fitting = {
        "guid": st.sampled_from(["00000000-0000-0000-0000-000000000000", "11111111-2222-4333-8444-555555555555"]),
        "code": st.sampled_from(["V00001", "6100", "ITEM-001", "USD", "EUR", "110", "", "NOPE"]),
        "text": st.sampled_from(["", "words"]),
        "number": st.sampled_from([0, 1, -5, 12.5]),
        "integer": st.integers(-3, 30_000),
        "flag": st.booleans(),
        "day": st.sampled_from(["2026-11-01", "0001-01-01"]),
        "choice": st.sampled_from(field.options or (" ",)),
    }
    return st.one_of(fitting[field.kind], fitting[field.kind], st.sampled_from([None, 7, "x", [], {}]))


def any_body(entity, depth=0):
    """Bodies of an entity in any order, with nested collections."""
    fields = {field.name: any_value(field) for field in entity.fields if field.write}
    nested = {
        name: st.lists(st.deferred(lambda n=name: any_body(SETS[n], depth + 1)), max_size=2) for name in entity.navs
    }
    some = st.lists(st.sampled_from(sorted({**fields, **(nested if depth < 2 else {})})), max_size=5, unique=True)
    return some.flatmap(lambda names: st.fixed_dictionaries({name: {**fields, **nested}[name] for name in names}))


WRITABLE = [entity for entity in SETS.values() if "POST" in entity.verbs and entity.table]


@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_refused_write_leaves_no_trace(data):
    """Whatever the body: it is taken, or refused and everything is as it was; the stand-in itself never breaks."""
    store = STORE
    entity = data.draw(st.sampled_from(WRITABLE))
    body = data.draw(any_body(entity))
    path = (f"companies({store.company().id})", entity.name)
    headers = {"content-type": "application/json"}
    before = tables_of(store)
    try:
        answer = store.answer(
            Call("POST", store.main, "v2.0", "http://x", path, {}, headers, json.dumps(body).encode())
        )
    except BusinessCentralRefusalError:
        assert tables_of(store) == before
    else:
        assert answer.status == 201
    entries = store.records("generalLedgerEntries")
    assert sum(each["debitAmount"] - each["creditAmount"] for each in entries) == 0


def tables_of(store):
    """Everything the main company holds."""
    return {table.name: list(table) for table in store.company().all_tables()}


def test_amounts_keep_the_digits_they_were_written_with(central):
    """101 and 101.00 are the same amount, printed as it came."""
    invoice = central.posted()
    path = central.url(f"vendorPaymentJournals({central.batch_id()})/vendorPayments")
    body = f'{{"vendorNumber":"V00001","amount":101.00,"appliesToInvoiceId":"{invoice["id"]}"}}'
    answer = central.http.post(path, content=body, headers={"Content-Type": "application/json"})
    assert '"amount":101.00,' in answer.text
    assert told(answer, 201)["amount"] == Decimal("101.00")
