"""tap-workday: what is read, what is given out again, what is suspected, and what is never shown."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import datetime as dt
import io
import itertools
import json
import logging
from decimal import Decimal

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from tap_workday_documents import adjustment, attachment, invoice
from tap_workday_runs import (
    EVERY_STREAM,
    OFF_BY_DEFAULT,
    REPORT,
    catalog_of,
    config_for,
    ids,
    last_state,
    oauth,
    records,
    run,
)

from erp_sandbox.clock import Clock
from erp_sandbox.faults import Faults
from erp_sandbox.workday.documents import BankAccount
from erp_sandbox.world import World
from ml_connector.errors import PermissionDenied, SettingInvalid, Unavailable
from ml_connector.systems.workday import schemas
from ml_connector.systems.workday.fields import Shape
from ml_connector.systems.workday.flatten import Flattener
from ml_connector.systems.workday.reads import Reader
from tap_workday.report_keys import ReportKeys
from tap_workday.tap import TapWorkday

TODAY = dt.datetime.now(dt.UTC).date()
OLD_DIALECT, NEW_DIALECT = "v30.0", "v42.2"


@pytest.fixture
def box(sandbox):
    """A tenant with what the world seeds, two recent invoices, and a credit."""
    made = sandbox(World.build(vendors=6, bills=1, payments=0))
    for number in (1, 2):
        day = TODAY - dt.timedelta(days=number)
        made.workday.add_invoice(invoice(f"BILL-{number}", invoice_date=day, attachments=[attachment()][number - 1 :]))
    made.workday.add_adjustment(adjustment("BILL-C1", "BILL-1", invoice_date=TODAY))
    return made


def later(state, **bookmarks):
    """A state whose bookmarks were moved, by days."""
    moved = json.loads(json.dumps(state))
    for stream, days in bookmarks.items():
        entry = moved["bookmarks"][stream]
        moment = dt.datetime.fromisoformat(entry["replication_key_value"]) + dt.timedelta(days=days)
        entry["replication_key_value"] = moment.isoformat()
    return moved


def test_the_default_streams_are_read_completely(box):
    """Each stream holds what the tenant holds, once; the heavy ones are left out."""
    messages = run(box)
    assert {one["stream"] for one in messages if one["type"] == "SCHEMA"} == set(EVERY_STREAM) - OFF_BY_DEFAULT
    store = box.workday
    expected = {
        "companies": store.companies,
        "cost_centers": store.cost_centers,
        "spend_categories": store.spend_categories,
        "payment_terms": store.payment_terms,
        "projects": store.projects,
        "suppliers": store.suppliers,
        "purchase_orders": store.purchase_orders,
        "supplier_invoices": {"BILL-1", "BILL-2"},
        "supplier_invoice_adjustments": {"BILL-C1"},
    }
    for stream, known in expected.items():
        assert sorted(ids(messages, stream)) == sorted(known), stream
    numbers = [one["ledger_account_identifier"] for one in records(messages, "ledger_accounts")]
    assert sorted(numbers) == sorted(each.ledger_account_id for each in store.ledger_accounts)


def test_what_others_refer_to_comes_first(box):
    """Reference data, suppliers, purchase orders, invoices, payments."""
    messages = run(box, *EVERY_STREAM, custom_reports=[REPORT])
    order = list(dict.fromkeys(message["stream"] for message in messages if message["type"] == "RECORD"))
    assert order == list(EVERY_STREAM)


def test_every_record_names_its_tenant(box):
    """Without it a record would not say whose it is."""
    messages = run(box, *EVERY_STREAM, custom_reports=[REPORT])
    assert {message["record"]["tenant"] for message in messages if message["type"] == "RECORD"} == {"acme_dpt1"}


def test_the_schemas_name_every_field_the_tenant_gives(box):
    """No field of the sandbox's records is missing in a schema, at any depth."""
    messages = run(box, *EVERY_STREAM, custom_reports=[REPORT])
    known = {message["stream"]: message["schema"] for message in messages if message["type"] == "SCHEMA"}
    unknown = {
        f"{message['stream']}.{path}"
        for message in messages
        if message["type"] == "RECORD" and message["stream"] != "custom_reports"
        for path in unknown_fields(message["record"], known[message["stream"]])
    }
    assert unknown == set()


def unknown_fields(value, schema):
    """Yield the dotted paths of fields a schema does not name; the ids of a reference have no names of their own."""
    if isinstance(value, dict) and "properties" in schema:
        for name, item in value.items():
            if name not in schema["properties"]:
                yield name
            else:
                yield from (f"{name}.{path}" for path in unknown_fields(item, schema["properties"][name]))
    elif isinstance(value, list):
        for item in value:
            yield from unknown_fields(item, schema.get("items", {}))


@pytest.mark.parametrize("version", [OLD_DIALECT, "v33.1", NEW_DIALECT, "v46.1"])
def test_dialects_make_the_same_record(box, version):
    """An element that was renamed or moved has one field, whichever version the tenant is spoken to in."""
    first = next(iter(box.workday.suppliers.values()))
    first.bank_accounts = [BankAccount("B-1", "Main", "Bank of Nowhere", "US", number="123456789")]
    messages = run(box, "suppliers", "supplier_invoices", api_version=version)
    record = next(one for one in records(messages, "supplier_invoices") if one["id"] == "BILL-1")
    assert record["suppliers_invoice_number"] == "INV-BILL-1"
    assert record["default_tax_option_id"] == "ENTER_TAX_DUE"
    assert not {"supplier_reference_number", "tax_option_id"} & set(record)
    supplier = next(one for one in records(messages, "suppliers") if one["id"] == first.supplier_id)
    assert supplier["tax_id_data"][0]["tax_id_text"] == first.tax_id
    assert supplier["settlement_account_data"][0]["bank_account_number"] == "*****6789"
    assert not {"tax_id_widget_data", "settlement_account_widget_data"} & set(supplier)


def test_a_reference_is_given_flat_and_whole(box):
    """WID, the id people use, the text, and every id there is."""
    record = records(run(box, "supplier_invoices"), "supplier_invoices")[0]
    currency = box.workday.instances.get("Currency", "USD")
    assert record["currency_id"] == "USD"
    assert record["currency_wid"] == currency.wid
    assert record["currency_descriptor"] == "USD"
    assert [(one["type"], one["id"]) for one in record["currency_refs"]] == list(currency.ids)


def test_an_order_has_its_goods_services_and_splits(box):
    """Lines are nested as Workday nests them; a split line has its worktags on the splits."""
    found = records(run(box, "purchase_orders"), "purchase_orders")
    for record in found:
        order = box.workday.purchase_orders[record["purchase_order_id"]]
        goods = record.get("goods_line_data", [])
        assert [line["extended_amount"] for line in goods] == [line.extended_amount for line in order.goods]
        for line, known in zip(goods, order.goods, strict=True):
            split = line.get("goods_purchase_order_line_split_data", [])
            assert [one["extended_amount"] for one in split] == [one.extended_amount for one in known.splits]
            assert ("worktags" in line) is not bool(split)
        services = [line["extended_amount"] for line in record.get("service_line_data", [])]
        assert services == [line.extended_amount for line in order.services]
    assert any(line.splits for order in box.workday.purchase_orders.values() for line in order.goods)


@pytest.mark.parametrize("text", ["100.00", "0.1", "12345678901234567890.123456", "7"])
def test_money_keeps_its_digits(text):
    """26 digits, 6 of them decimals, go through as they are."""
    element = etree.fromstring(f'<wd:X xmlns:wd="urn:com.workday/bsvc"><wd:Tax_Amount>{text}</wd:Tax_Amount></wd:X>')
    assert str(Flattener().record(element, schemas.INVOICE)["tax_amount"]) == text


def test_an_amount_is_written_exactly(box):
    """Not as a float, not as text."""
    box.workday.edit_invoice("BILL-1", control_amount_total=Decimal("90071992547409.93"))
    found = {one["id"]: one for one in records(run(box, "supplier_invoices"), "supplier_invoices")}
    assert found["BILL-1"]["control_amount_total"] == Decimal("90071992547409.93")


NEWER = """
<wd:Supplier_Data xmlns:wd="urn:com.workday/bsvc"><wd:Supplier_ID>S-1</wd:Supplier_ID>
<wd:Brand_New>yes</wd:Brand_New><wd:Brand_New_Date>2026-09-01-07:00</wd:Brand_New_Date><wd:Empty/>
<wd:Risk_Reference wd:Descriptor="High"><wd:ID wd:type="WID">ab</wd:ID><wd:ID wd:type="Risk_ID">H</wd:ID></wd:Risk_Reference>
<wd:Tag_Reference><wd:ID wd:type="Tag_ID">a</wd:ID></wd:Tag_Reference><wd:Tag_Reference><wd:ID wd:type="Tag_ID">b</wd:ID></wd:Tag_Reference>
<wd:Extra_Data wd:Since="2027"><wd:Token_Account_Number>12345678</wd:Token_Account_Number></wd:Extra_Data></wd:Supplier_Data>
"""


def test_what_newer_versions_add_passes_through():
    """Under its own name in snake_case; references flat, blocks as lists, dates without a zone, numbers masked."""
    record = Flattener().record(etree.fromstring(NEWER), schemas.SUPPLIER)
    assert record == {
        "supplier_id": "S-1",
        "brand_new": "yes",
        "brand_new_date": "2026-09-01",
        "risk_wid": "ab",
        "risk_id": "H",
        "risk_descriptor": "High",
        "risk_refs": [{"type": "WID", "id": "ab"}, {"type": "Risk_ID", "id": "H"}],
        "tag": [
            {"id": "a", "type": "Tag_ID", "refs": [{"type": "Tag_ID", "id": "a"}]},
            {"id": "b", "type": "Tag_ID", "refs": [{"type": "Tag_ID", "id": "b"}]},
        ],
        "extra_data": [{"since": "2027", "token_account_number": "****5678"}],
    }


def files(messages):
    """The names of the files given out."""
    return [record["filename"] for record in records(messages, "supplier_invoice_attachments")]


def test_files_are_given_with_a_new_or_changed_invoice(box):
    """With their content; one that is added to an invoice that stays as it is comes with a sweep."""
    messages = run(box, "supplier_invoice_attachments")
    (record,) = records(messages, "supplier_invoice_attachments")
    assert (base64.b64decode(record["content"]), record["size"], record["supplier_invoice_id"]) == (
        b"%PDF-1.7",
        8,
        "BILL-1",
    )
    state = last_state(messages)
    assert files(run(box, "supplier_invoice_attachments", state=state)) == []
    box.workday.edit_invoice("BILL-2", attachments=[attachment("late.pdf", b"late")])
    assert files(run(box, "supplier_invoice_attachments", state=state)) == []
    swept = run(box, "supplier_invoice_attachments", state=state, sweep=True)
    assert sorted(files(swept)) == ["late.pdf", "scan.pdf"]
    box.workday.edit_invoice("BILL-2", memo="approved at last")
    assert files(run(box, "supplier_invoice_attachments", state=last_state(swept))) == ["late.pdf"]
    assert records(run(box, "supplier_invoices"), "supplier_invoices")[0].get("attachment_data") is None


def test_files_that_cannot_be_passed_on_are_told_of(box):
    """Too large, compressed, not what was promised; the same content twice is one file."""
    odd = [
        attachment("large.pdf", b"x" * 1_000_001),
        attachment("small.pdf", b"x" * 1_000_000),
        attachment("zip.pdf", b"zip", compressed=True),
        attachment("twin.pdf", b"zip"),
        dataclasses.replace(attachment("broken.pdf"), content="no base64!"),
    ]
    box.workday.edit_invoice("BILL-2", attachments=odd)
    given = records(run(box, "supplier_invoice_attachments", largest_attachment_mb=1), "supplier_invoice_attachments")
    told = {
        each["filename"]: (each["size"], each["content"] is None, each["compressed"])
        for each in given
        if each["supplier_invoice_id"] == "BILL-2"
    }
    assert told == {
        "large.pdf": (1_000_001, True, False),
        "small.pdf": (1_000_000, False, False),
        "zip.pdf": (3, False, True),
        "broken.pdf": (0, False, False),
    }


def test_a_state_comes_after_every_few_files(box):
    """What takes them keeps them in memory up to a state; the bookmark moves only at the end."""
    many = [attachment(f"{n}.pdf", str(n).encode()) for n in range(25)]
    box.workday.edit_invoice("BILL-2", attachments=many)
    messages = run(box, "supplier_invoice_attachments")
    kinds = [message["type"] for message in messages]
    assert max(len(list(group)) for kind, group in itertools.groupby(kinds) if kind == "RECORD") == 10
    first, *_, last = [message["value"]["bookmarks"] for message in messages if message["type"] == "STATE"]
    assert "replication_key_value" not in first.get("supplier_invoice_attachments", {})
    assert last["supplier_invoice_attachments"]["replication_key_value"]


def test_of_an_invoice_file_contents_are_never_given_out():
    """An attachment is named, its content stays where it is."""
    text = (
        '<wd:X xmlns:wd="urn:com.workday/bsvc"><wd:Attachment_Data wd:Filename="a.pdf"><wd:File_Content>QUJD'
        "</wd:File_Content><wd:Comment>scan</wd:Comment></wd:Attachment_Data></wd:X>"
    )
    record = Flattener().record(etree.fromstring(text), schemas.INVOICE)
    assert record == {"attachment_data": [{"filename": "a.pdf", "comment": "scan"}]}


@pytest.mark.parametrize("given, expected", [("123", "***"), ("1234", "****"), ("12345", "*2345")])
def test_short_numbers_are_hidden_completely(given, expected):
    """Four characters would be most of it."""
    element = etree.fromstring(f'<wd:X xmlns:wd="urn:com.workday/bsvc"><wd:IBAN>{given}</wd:IBAN></wd:X>')
    assert Flattener().record(element, Shape(())) == {"iban": expected}


def test_bank_numbers_are_shown_only_when_asked_for(box):
    """By default the last four characters; our own accounts not at all."""
    hidden, shown = (
        records(run(box, "payments", include_bank_details=wanted), "payments")[0] for wanted in (False, True)
    )
    number = box.workday.payments[hidden["id"]].account_number
    assert hidden["receiving_party_bank_data"][0]["account_number"] == "*" * 8 + number[-4:]
    assert "originating_bank_data" not in hidden
    assert shown["receiving_party_bank_data"][0]["account_number"] == number
    assert shown["originating_bank_data"]


def test_payments_to_persons_are_left_out_unless_asked_for(box):
    """A pipeline of payables is no place for expenses and payroll."""
    suppliers = records(run(box, "payments"), "payments")
    everybody = records(run(box, "payments", include_payments_to_persons=True), "payments")
    assert len(everybody) == len(suppliers) + 1 == len(box.workday.payments)
    assert not [one for one in suppliers if "Employee_ID" in {ref["type"] for ref in one["receiving_party_refs"]}]


def test_a_payment_names_what_it_pays(box):
    """With amounts and discounts, and the date of its group."""
    for record in records(run(box, "payments"), "payments"):
        known = box.workday.payments[record["id"]]
        paid = [one for block in record["remittance_data"] for one in block["document_remittance_data"]]
        assert [one["amount_paid"] for one in paid] == [one.paid for one in known.remittances]
        assert record["payment_group_data"]["payment_date"] == known.date.isoformat()


def test_a_second_run_gives_out_nothing_that_stayed_the_same(box):
    """Neither by changed-since windows nor by the window of dates."""
    changing = ("suppliers", "purchase_orders", "supplier_invoices", "supplier_invoice_adjustments", "payments")
    first = run(box, *changing)
    second = run(box, *changing, state=last_state(first))
    assert [one for one in second if one["type"] == "RECORD"] == []


def test_a_changed_invoice_alone_comes_again(box):
    """Though all of the window are read."""
    state = last_state(run(box, "supplier_invoices"))
    box.workday.edit_invoice("BILL-2", memo="corrected")
    messages = run(box, "supplier_invoices", state=state)
    assert ids(messages, "supplier_invoices") == ["BILL-2"]
    assert ids(run(box, "supplier_invoices", state=last_state(messages)), "supplier_invoices") == []


@pytest.mark.parametrize("days, found", [(0, True), (-89, True), (366, True), (-92, False)])
def test_a_new_invoice_is_found_by_its_date_inside_the_window(box, days, found):
    """From 90 days back to a year ahead."""
    date = TODAY + dt.timedelta(days=days)
    state = last_state(run(box, "supplier_invoices"))
    box.workday.add_invoice(invoice("BILL-3", invoice_date=date))
    assert (ids(run(box, "supplier_invoices", state=state), "supplier_invoices") == ["BILL-3"]) is found


def test_the_window_reaches_back_from_the_bookmark(box):
    """After a pause of 60 days, what came in 120 days ago by its date is still found."""
    state = later(last_state(run(box, "supplier_invoices")), supplier_invoices=-60)
    box.workday.add_invoice(invoice("BILL-3", invoice_date=TODAY - dt.timedelta(days=120)))
    assert ids(run(box, "supplier_invoices", state=state), "supplier_invoices") == ["BILL-3"]


def test_a_sweep_finds_late_changes_and_repeats_nothing_known(box):
    """It reads everything, keeps the bookmark's place, and suppresses what the window knows."""
    old = invoice("BILL-OLD", invoice_date=TODAY - dt.timedelta(days=400))
    box.workday.add_invoice(old)
    state = last_state(run(box, "supplier_invoices"))
    box.workday.edit_invoice("BILL-OLD", memo="late")
    assert ids(run(box, "supplier_invoices", state=state), "supplier_invoices") == []
    messages = run(box, "supplier_invoices", state=state, sweep=True)
    assert ids(messages, "supplier_invoices") == ["BILL-OLD"]
    assert ids(run(box, "supplier_invoices", state=last_state(messages)), "supplier_invoices") == []


def test_the_state_holds_sixteen_characters_a_record(box):
    """Only of records inside the window."""
    box.workday.add_invoice(invoice("BILL-OLD", invoice_date=TODAY - dt.timedelta(days=400)))
    state = last_state(run(box, "supplier_invoices"))
    assert len(state["bookmarks"]["supplier_invoices"]["seen"]) == 2 * 16


def test_documents_before_the_start_date_are_left_out(box):
    """What they refer to is read however old it is."""
    start = dt.datetime.combine(TODAY - dt.timedelta(days=1), dt.time(), dt.UTC).isoformat()
    messages = run(box, "suppliers", "purchase_orders", "supplier_invoices", start_date=start)
    assert ids(messages, "supplier_invoices") == ["BILL-1"]
    assert ids(messages, "purchase_orders") == []
    assert len(ids(messages, "suppliers")) == len(box.workday.suppliers)


@pytest.mark.parametrize("hours, expected", [(24, ["S-00001"]), (0, [])])
def test_the_overlap_reaches_behind_the_bookmark(box, hours, expected):
    """For what became visible late."""
    state = last_state(run(box, "suppliers"))
    box.workday.suppliers["S-00001"].updated_at = dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)
    assert ids(run(box, "suppliers", state=state, overlap_hours=hours), "suppliers") == expected


@pytest.mark.parametrize(
    "stream, change",
    [
        ("suppliers", lambda store: store.rename_supplier("S-00001", "Other")),
        ("purchase_orders", lambda store: store.change_purchase_order("PURCHASE_ORDER-3-101", memo="more")),
        ("cost_centers", lambda store: store.inactivate_cost_center("CC-110")),
        ("spend_categories", lambda store: store.inactivate_spend_category("Travel")),
    ],
)
def test_what_changed_since_the_bookmark_is_read(sandbox, stream, change):
    """And what did not change does not."""
    clock = Clock(dt.datetime.now(dt.UTC) - dt.timedelta(minutes=5))
    box = sandbox(World.build(vendors=6, bills=1, payments=0), clock=clock)
    state = later(last_state(run(box, stream)), **{stream: -1})
    change(box.workday)
    clock.advance(dt.timedelta(minutes=5))
    assert len(ids(run(box, stream, state=state, overlap_hours=0), stream)) == 1


def test_a_window_ends_behind_the_clock(box):
    """Workday refuses one that ends in its future, whose clock may be behind; what changes now comes next time."""
    state = last_state(run(box, "suppliers"))
    box.workday.rename_supplier("S-00001", "Other")
    assert ids(run(box, "suppliers", state=state), "suppliers") == []
    bookmark = dt.datetime.fromisoformat(state["bookmarks"]["suppliers"]["replication_key_value"])
    assert bookmark <= dt.datetime.now(dt.UTC) - dt.timedelta(minutes=2)


def test_journals_are_asked_for_with_a_window_even_at_first(box):
    """Without one Workday refuses."""
    assert len(records(run(box, "journals"), "journals")) == len(box.workday.journals)


@pytest.mark.parametrize(
    "stream, operation",
    [
        ("projects", "Get_Projects"),
        ("suppliers", "Get_Suppliers"),
        ("supplier_invoices", "Get_Supplier_Invoices"),
    ],
)
def test_rows_that_vanish_are_suspected(box, caplog, stream, operation):
    """Workday deletes nothing: the run warns, and the state stays as it was."""
    state = last_state(run(box, stream))
    box.workday.blind(operation)
    with caplog.at_level(logging.WARNING):
        messages = run(box, stream, state=state)
    assert "workday_permission_suspected" in caplog.text
    assert last_state(messages)["bookmarks"][stream] == state["bookmarks"][stream]
    box.workday.allow(operation)
    caplog.clear()
    run(box, stream, state=state)
    assert "workday_permission_suspected" not in caplog.text


def test_a_quiet_stream_is_not_suspected(box, caplog):
    """No change since yesterday is normal."""
    state = last_state(run(box, "suppliers", "purchase_orders"))
    with caplog.at_level(logging.WARNING):
        run(box, "suppliers", "purchase_orders", state=state)
    assert "suspected" not in caplog.text


def test_a_lost_permission_is_told_apart(box, caplog, tmp_path):
    """One line what, one line cure, no traceback."""
    box.workday.forbid("Get_Suppliers")
    config = tmp_path / "config.json"
    config.write_text(json.dumps(config_for(box)), "utf-8")
    with caplog.at_level(logging.WARNING):
        result = CliRunner().invoke(TapWorkday.cli, ["--config", str(config)])
    assert result.exit_code == 1
    assert "workday_permission_lost" in caplog.text
    assert 'deselect the stream "suppliers"' in caplog.text
    assert "Traceback" not in caplog.text


def test_another_service_is_asked_where_one_refuses(box):
    """Spend categories are offered by two services, and permissions differ; here both refuse."""
    box.workday.forbid("Get_Resource_Categories")
    with pytest.raises(PermissionDenied, match="not authorized"):
        run(box, "spend_categories")
    assert box.workday.requests["Get_Resource_Categories"] == 2


def test_an_api_client_reads_the_same(box):
    """With a Bearer token instead of the ISU's password."""
    assert ids(run(box, "supplier_invoices", **oauth()), "supplier_invoices") == ids(
        run(box, "supplier_invoices"), "supplier_invoices"
    )


def test_rotated_refresh_tokens_are_kept_for_the_next_process(box):
    """The configured one is spent after the first renewal."""
    box.workday.api_client.rotate = True
    for _ in range(3):
        box.workday.api_client.revoke_all()
        assert len(ids(run(box, "supplier_invoices", **oauth()), "supplier_invoices")) == 2
    assert box.workday.api_client.issued == 3


def test_wql_says_which_invoices_changed_however_old_they_are(box):
    """A change to an old invoice is found, which the window of dates misses; a known one is not repeated."""
    box.workday.add_invoice(invoice("BILL-OLD", invoice_date=TODAY - dt.timedelta(days=400)))
    settings = {**oauth(), "invoice_change_source": "wql"}
    state = last_state(run(box, "supplier_invoices", **settings))
    box.workday.edit_invoice("BILL-OLD", memo="late")
    messages = run(box, "supplier_invoices", state=state, **settings)
    assert ids(messages, "supplier_invoices") == ["BILL-OLD"]
    assert ids(run(box, "supplier_invoices", state=last_state(messages), **settings), "supplier_invoices") == []


def test_wql_needs_an_api_client(box):
    """It is said in words, not by an endless 401."""
    state = last_state(run(box, "supplier_invoices"))
    with pytest.raises(SettingInvalid, match="WQL cannot be used with isu_username"):
        run(box, "supplier_invoices", state=state, invoice_change_source="wql")


@pytest.mark.parametrize("login", [{}, oauth()], ids=["isu", "client"])
def test_custom_reports_are_read_with_either_login(box, login):
    """Rows as they are, with numbers exact, keyed by columns."""
    rows = [{"Invoice": "A", "Open": Decimal("10.10")}, {"Invoice": "B", "Open": 3}]
    box.workday.publish_report("lena", "Open Items", rows)
    report = {"name": "Open Items", "owner": "lena", "key": ["Invoice"]}
    found = records(run(box, "custom_reports", custom_reports=[report], **login), "custom_reports")
    assert [(one["report"], one["key"]) for one in found] == [("Open Items", "A"), ("Open Items", "B")]
    assert found[1]["row"] == {"Invoice": "B", "Open": 3}


def test_a_report_takes_prompts_and_needs_no_key(box):
    """Equal rows have equal keys."""
    box.workday.publish_report("lena", "Items", [{"A": "1"}, {"A": "1"}, {"A": "2"}])
    report = {"name": "Items", "owner": "lena", "prompts": {"A": "1"}}
    found = records(run(box, "custom_reports", custom_reports=[report]), "custom_reports")
    assert [one["row"] for one in found] == [{"A": "1"}] * 2
    assert len({one["key"] for one in found}) == 1


def keys_of(*rows, key):
    """Return the keys some rows of a report get."""
    keys = ReportKeys("Items", key, rows)
    return [keys.of(row) for row in rows]


@given(st.lists(st.tuples(*[st.text("xyz|\\\\", max_size=4)] * 3), min_size=2, max_size=6, unique=True))
def test_rows_that_differ_in_the_columns_of_their_key_have_different_keys(values):
    """Whatever stands in them: x|y and z is not x and y|z."""
    rows = [dict(zip("ABC", each, strict=True)) | {"N": number} for number, each in enumerate(values)]
    assert len(set(keys_of({"A": "a", "B": "b", "C": "c"}, *rows, key=["A", "B", "C"])[1:])) == len(rows)


def test_rows_without_the_column_of_their_key_are_told_apart(box, caplog):
    """Each by all it says; which is told, as are rows that share a key."""
    rows = [{"Id": "1"}, {"N": "a"}, {"N": "b"}, {"Id": "", "N": "c"}, {"Id": "1", "N": "d"}]
    box.workday.publish_report("lena", "Items", rows)
    report = {"name": "Items", "owner": "lena", "key": ["Id"]}
    found = records(run(box, "custom_reports", custom_reports=[report]), "custom_reports")
    assert [one["row"] for one in found] == rows
    assert len({one["key"] for one in found}) == 4
    assert "" not in {one["key"] for one in found}
    assert "3 rows of report Items say nothing in the columns of its key" in caplog.text
    assert "1 rows of report Items have the key of another row" in caplog.text


def test_a_misspelt_column_of_a_key_is_named(box):
    """With the columns there are."""
    box.workday.publish_report("lena", "Items", [{"Item_ID": "1"}])
    report = {"name": "Items", "owner": "lena", "key": ["Item_Id"]}
    with pytest.raises(SettingInvalid, match="no column Item_Id in any of its 1 rows; it has Item_ID"):
        run(box, "custom_reports", custom_reports=[report])


def test_an_unknown_report_is_named(box):
    """With what to check."""
    with pytest.raises(SettingInvalid, match="no report Nothing of lena"):
        run(box, "custom_reports", custom_reports=[{"name": "Nothing", "owner": "lena"}])


def test_reference_ids_are_listed_by_type(box):
    """The values a mapping needs."""
    found = records(run(box, "reference_ids", reference_id_types=["Payment_Type_ID"]), "reference_ids")
    assert {one["reference_id_type"] for one in found} == {"Payment_Type_ID"}
    assert "ACH" in {one["id"] for one in found}


def test_pages_do_not_change_what_is_read(box):
    """One record a page, or all at once."""
    streams = ("suppliers", "purchase_orders", "payments")
    one, many = (run(box, *streams, page_size=size) for size in (3, 999))
    for stream in streams:
        assert records(one, stream) == records(many, stream)


def test_trouble_on_the_way_passes(sandbox):
    """Throttled, failing and dropped calls are repeated; nothing is lost or doubled."""
    faults = Faults(throttle=0.1, error_500=0.1, drop_before=0.1)
    box = sandbox(World.build(vendors=6, bills=1, payments=0), faults=faults)
    messages = run(box, "suppliers", "purchase_orders", page_size=2)
    assert sorted(ids(messages, "suppliers")) == sorted(box.workday.suppliers)
    assert sorted(ids(messages, "purchase_orders")) == sorted(box.workday.purchase_orders)
    assert faults.happened()


def test_a_run_that_is_cut_off_begins_again_where_it_began(box, monkeypatch):
    """What was given out before the trouble comes again; nothing is passed over."""
    state = last_state(run(box, "suppliers", "supplier_invoices"))
    for name in ("BILL-1", "BILL-2"):
        box.workday.edit_invoice(name, memo="corrected")
    complete = Reader.rows

    def cut_off(reader, criteria=None):
        for number, row in enumerate(complete(reader, criteria)):
            if number and reader.operation == "Get_Supplier_Invoices":
                raise Unavailable("workday", reader.operation, "gone")
            yield row

    config = config_for(box)
    catalog = catalog_of(config, ["suppliers", "supplier_invoices"])
    with monkeypatch.context() as patch:
        patch.setattr(Reader, "rows", cut_off)
        out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
        with contextlib.redirect_stdout(out), pytest.raises(Unavailable):
            TapWorkday(config=config, state=state, catalog=catalog).sync_all()
        out.flush()
    messages = [json.loads(line) for line in out.buffer.getvalue().decode().splitlines()]
    kept = last_state(messages) or state
    assert kept["bookmarks"]["supplier_invoices"]["seen"] == state["bookmarks"]["supplier_invoices"]["seen"]
    assert sorted(ids(run(box, "supplier_invoices", state=kept), "supplier_invoices")) == ["BILL-1", "BILL-2"]


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"tenant": None}, "tenant"),
        ({"base_url": "http://elsewhere.invalid"}, "unencrypted"),
        ({"raas_url": "http://elsewhere.invalid"}, "raas_url"),
        ({"isu_password": None}, "isu_password"),
        ({"start_date": "soon"}, "start_date"),
    ],
)
def test_a_mistake_in_the_settings_is_told(box, caplog, tmp_path, changes, words):
    """By the name of the setting, without a traceback."""
    settings = {name: value for name, value in {**config_for(box), **changes}.items() if value is not None}
    config = tmp_path / "config.json"
    config.write_text(json.dumps(settings), "utf-8")
    result = CliRunner().invoke(TapWorkday.cli, ["--config", str(config)])
    assert result.exit_code == 1
    assert words in caplog.text + result.output
    assert "sandbox-isu-password" not in caplog.text + result.output
