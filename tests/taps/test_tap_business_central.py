"""What tap-business-central reads of a company, again and again: everything once, then what changed, and what is gone."""

from __future__ import annotations

import datetime as dt
import itertools
import json
from decimal import Decimal

import pytest
from tap_business_central_runs import NAMES, config_for, ids, last_state, records, run

from erp_sandbox.server import Sandbox
from erp_sandbox.world import World
from ml_connector.errors import CredentialsRefused, PermissionDenied, SettingInvalid
from tap_business_central.approvals import Approvals
from tap_business_central.known_ids import KnownIds
from tap_business_central.streams import SWEEPABLE
from tap_business_central.tap import TapBusinessCentral

ON_BY_DEFAULT = {
    "companies",
    "company_information",
    "currencies",
    "payment_terms",
    "items",
    "accounts",
    "dimension_values",
    "vendors",
    "purchase_orders",
    "purchase_invoices",
    "purchase_credit_memos",
}
TABLES = {
    "vendors": "vendors",
    "accounts": "accounts",
    "items": "items",
    "currencies": "currencies",
    "payment_terms": "paymentTerms",
    "dimension_values": "dimensionValues",
    "purchase_invoices": "purchaseInvoices",
    "purchase_orders": "purchaseOrders",
    "purchase_credit_memos": "purchaseCreditMemos",
    "general_ledger_entries": "generalLedgerEntries",
}
"""Streams and the sandbox's tables behind them."""


@pytest.fixture(scope="module")
def shared():
    """One sandbox for tests that change nothing."""
    with Sandbox(World.build(vendors=6, bills=14, payments=7, lines=(1, 3))) as box:
        yield box


@pytest.fixture(scope="module")
def everything(shared, tmp_path_factory):
    """All messages of a first run with all streams."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ML_CONNECTOR_STATE_DIR", str(tmp_path_factory.mktemp("state")))
        return run(shared, streams=NAMES, include_approvals=True)


@pytest.fixture
def box(sandbox):
    """A sandbox of one's own."""
    return sandbox(World.build(vendors=6, bills=6, payments=2, lines=(1, 2)))


def known(box, stream):
    """Return the ids of everything the sandbox's main company holds behind a stream."""
    return sorted(record["id"] for record in box.business_central.records(TABLES[stream]))


# The first run


@pytest.mark.parametrize("stream", sorted(TABLES))
def test_a_first_run_reads_everything_once(shared, everything, stream):
    """Rows that were never stamped as well."""
    assert sorted(ids(everything, stream)) == known(shared, stream)


def test_what_the_map_uses_is_read_without_asking(box):
    """The others have to be selected."""
    found = {message["stream"] for message in run(box) if message["type"] == "SCHEMA"}
    assert found == ON_BY_DEFAULT


def test_rows_that_were_never_stamped_are_read(everything):
    """A filter by time would drop them."""
    stamps = [record["lastModifiedDateTime"] for name in TABLES for record in records(everything, name)]
    assert None in stamps


def test_every_row_says_whose_it_is(shared, everything):
    """Tenant, environment and company are part of the key: a copied environment has the same ids."""
    company = shared.business_central.company().id
    for message in everything:
        if message["type"] == "RECORD":
            record = message["record"]
            assert (record["tenant_id"], record["environment"]) == (
                config_for(shared)["tenant_id"],
                config_for(shared)["environment"],
            )
            assert record["company_id"] == company
        elif message["type"] == "SCHEMA":
            assert message["key_properties"][:3] == ["tenant_id", "environment", "company_id"]


def test_the_schemas_name_every_field_that_comes(everything):
    """At any depth, and nothing of the protocol comes with it."""
    schemas = {message["stream"]: message["schema"] for message in everything if message["type"] == "SCHEMA"}
    unknown = {
        f"{message['stream']}.{path}"
        for message in everything
        if message["type"] == "RECORD"
        for path in unknown_fields(message["record"], schemas[message["stream"]])
    }
    assert unknown == set()


def unknown_fields(value, schema):
    """Yield the dotted paths of fields a schema does not name."""
    if isinstance(value, dict):
        for name, item in value.items():
            if name not in schema.get("properties", {}):
                yield name
            else:
                yield from (f"{name}.{path}" for path in unknown_fields(item, schema["properties"][name]))
    elif isinstance(value, list):
        for item in value:
            yield from unknown_fields(item, schema.get("items", {}))


def test_values_are_those_of_everybody_else(everything):
    """No encoded name and no sentinel is left anywhere."""
    text = "\n".join(
        json.dumps(message["record"], default=str) for message in everything if message["type"] == "RECORD"
    )
    for mark in ("_x00", "0001-01-01", "00000000-0000-0000-0000-000000000000", '""'):
        assert mark not in text


def test_money_is_written_with_its_digits(box):
    """A number is neither rounded nor turned into text."""
    amounts = {"JPY": "12345", "KWD": "12.345", "USD": "1234567890123.45"}
    invoices = dict(zip(amounts, box.business_central.invoices(), strict=False))
    for currency, invoice in invoices.items():
        changes = {"currencyCode": currency, "totalAmountIncludingTax": Decimal(amounts[currency])}
        box.business_central.edit("purchaseInvoices", invoice["id"], **changes)
    found = {each["id"]: each for each in records(run(box, streams=["purchase_invoices"]), "purchase_invoices")}
    written = {name: found[invoice["id"]]["totalAmountIncludingTax"] for name, invoice in invoices.items()}
    assert {name: str(amount) for name, amount in written.items()} == amounts
    assert not any(isinstance(amount, str) for amount in written.values())


def test_documents_come_with_lines_and_dimensions(shared, everything):
    """Those of the lines beside those of the document."""
    lines = {
        line["id"]: line
        for record in records(everything, "purchase_invoices")
        for line in record["purchaseInvoiceLines"]
    }
    assert set(lines) == {line["id"] for line in shared.business_central.records("purchaseInvoiceLines")}
    assert any(line["dimensionSetLines"] for line in lines.values())
    assert any(record["dimensionSetLines"] for record in records(everything, "purchase_invoices"))


def test_dimension_values_carry_the_code_of_their_dimension(shared, everything):
    """Which the API tells beside the dimension only."""
    codes = {each["id"]: each["code"] for each in shared.business_central.records("dimensions")}
    values = records(everything, "dimension_values")
    assert {value["dimensionCode"] for value in values} == set(codes.values())
    assert all(value["dimensionCode"] == codes[value["dimensionId"]] for value in values)


def test_bank_numbers_are_shown_on_request_only(box):
    """Their last four characters otherwise."""
    account = box.business_central.records("bankAccounts")[0]["id"]
    numbers = {"bankAccountNumber": "99-99-888", "iban": "XX00 1111 2222 3333"}
    box.business_central.edit("bankAccounts", account, **numbers)

    def shown(**settings):
        found = {each["id"]: each for each in records(run(box, streams=["bank_accounts"], **settings), "bank_accounts")}
        return found[account]["bankAccountNumber"], found[account]["iban"]

    assert shown() == ("***9888", "************3333")
    assert shown(include_bank_details=True) == tuple(numbers.values())


# Later runs


def test_a_later_run_reads_what_changed(box):
    """And nothing else, where nothing overlaps."""
    streams = ["vendors", "purchase_invoices"]
    state = last_state(run(box, streams=streams))
    invoice, vendor = known(box, "purchase_invoices")[3], known(box, "vendors")[2]
    box.business_central.edit("purchaseInvoices", invoice, dueDate="2027-01-01")
    box.business_central.edit("vendors", vendor, city="Oakland")
    again = run(box, streams=streams, state=state, lookback_seconds=0)
    assert (ids(again, "purchase_invoices"), ids(again, "vendors")) == ([invoice], [vendor])
    assert not records(run(box, streams=streams, state=last_state(again), lookback_seconds=0), "vendors")


def test_reading_begins_before_the_bookmark(box):
    """What became visible late is found."""
    state = last_state(run(box, streams=["vendors"]))
    (mark,) = state["bookmarks"]["vendors"]["companies"].values()
    newest = dt.datetime.fromisoformat(mark)
    late = box.business_central.edit("vendors", known(box, "vendors")[0], touch=False, city="Late")
    stamp = int((newest - dt.timedelta(seconds=200)).timestamp() * 1000)
    box.business_central.edit("vendors", late["id"], touch=False, lastModifiedDateTime=stamp)
    assert late["id"] in ids(run(box, streams=["vendors"], state=state), "vendors")
    assert late["id"] not in ids(run(box, streams=["vendors"], state=state, lookback_seconds=100), "vendors")


def test_the_bookmark_is_the_newest_change_that_was_seen(box):
    """So a copy of the database that lags behind makes nothing skipped."""
    known(box, "vendors")
    box.business_central.freeze_replica()
    vendor = box.business_central.add("vendors", number="V70001", displayName="Late Lumber")["id"]
    first = run(box, streams=["vendors"])
    assert vendor not in ids(first, "vendors")
    box.business_central.catch_up()
    again = run(box, streams=["vendors"], state=last_state(first), lookback_seconds=0)
    assert vendor in ids(again, "vendors")


def test_the_primary_is_read_on_request(box):
    """Then nothing lags."""
    known(box, "vendors")
    box.business_central.freeze_replica()
    vendor = box.business_central.add("vendors", number="V70001", displayName="Late Lumber")["id"]
    assert vendor in ids(run(box, streams=["vendors"], read_replica=False), "vendors")


def test_what_has_just_changed_is_left_to_the_next_run(box):
    """Something that was stamped earlier may still be under way."""
    vendor = known(box, "vendors")[0]
    box.business_central.edit("vendors", vendor, city="Oakland")
    first = run(box, streams=["vendors"], settle_seconds=3600)
    assert vendor not in ids(first, "vendors")
    assert vendor in ids(run(box, streams=["vendors"], state=last_state(first)), "vendors")


def test_documents_before_the_start_date_are_left_out_and_what_they_refer_to_is_not(shared, everything):
    """Those that were never stamped are kept, too."""
    invoices = records(everything, "purchase_invoices")
    stamps = sorted(record["lastModifiedDateTime"] for record in invoices if record["lastModifiedDateTime"])
    start = stamps[len(stamps) // 2]
    found = run(shared, streams=["purchase_invoices", "vendors"], start_date=start)
    wanted = {each["id"] for each in invoices if (each["lastModifiedDateTime"] or start) >= start}
    assert set(ids(found, "purchase_invoices")) == wanted
    assert len(wanted) < len(invoices)
    assert set(ids(found, "vendors")) == set(ids(everything, "vendors"))


def test_accounts_are_always_read_whole(box):
    """Their balances change without a stamp."""
    state = last_state(run(box, streams=["accounts"]))
    assert sorted(ids(run(box, streams=["accounts"], state=state), "accounts")) == known(box, "accounts")


def test_ledger_entries_are_read_by_their_number(box):
    """Only those above the highest known one."""
    streams = ["general_ledger_entries"]
    first = run(box, streams=streams)
    highest = max(record["entryNumber"] for record in records(first, streams[0]))
    assert set(last_state(first)["bookmarks"][streams[0]]["companies"].values()) == {highest}
    assert not records(run(box, streams=streams, state=last_state(first)), streams[0])
    draft = next(each for each in box.business_central.invoices() if each["status"] == "Draft" and each["lines"])
    box.business_central.post_invoice(draft["id"])
    numbers = [
        record["entryNumber"] for record in records(run(box, streams=streams, state=last_state(first)), streams[0])
    ]
    assert numbers
    assert min(numbers) == highest + 1


def test_an_invoice_keeps_its_id_when_it_is_posted(box):
    """It comes again, under another number."""
    state = last_state(run(box, streams=["purchase_invoices"]))
    draft = next(each for each in box.business_central.invoices() if each["status"] == "Draft" and each["lines"])
    box.business_central.post_invoice(draft["id"])
    found = run(box, streams=["purchase_invoices"], state=state, lookback_seconds=0)
    (record,) = records(found, "purchase_invoices")
    assert (record["id"], record["status"]) == (draft["id"], "Open")
    assert record["number"] != draft["number"]


# Journals


def test_lines_of_journals_are_read_below_each_journal(everything, shared):
    """There is no list of all of them."""
    journals = set(ids(everything, "journals"))
    lines = records(everything, "journal_lines")
    assert lines
    assert {line["journalId"] for line in lines} <= journals
    assert {line["id"] for line in lines} <= {line["id"] for line in shared.business_central.records("lines")}


# Several companies


def test_all_companies_are_read_unless_some_are_named(box):
    """Each with a bookmark of its own."""
    companies = {company.id: company.name for company in box.business_central.main.companies.values()}
    assert len(companies) > 1
    found = run(box, streams=["vendors", "companies"], company=None)
    assert {record["company_id"] for record in records(found, "vendors")} == set(companies)
    assert set(ids(found, "companies")) == set(companies)
    assert set(last_state(found)["bookmarks"]["vendors"]["companies"]) == set(companies)


@pytest.mark.parametrize("by", ["id", "name"])
def test_companies_are_named_by_id_or_name(shared, by):
    """In upper or lower case."""
    wanted = list(shared.business_central.main.companies.values())[-1]
    named = wanted.id.upper() if by == "id" else wanted.name.lower()
    found = run(shared, streams=["vendors"], company=None, company_ids=[named])
    assert {record["company_id"] for record in records(found, "vendors")} == {wanted.id}


def test_a_company_that_is_not_there_is_a_wrong_setting(shared):
    """And the others are named."""
    with pytest.raises(SettingInvalid, match="Acme Services"):
        run(shared, streams=["vendors"], company="Nobody")


def test_an_environment_that_is_not_there_is_a_wrong_setting(shared):
    """The service answers with XML."""
    with pytest.raises(SettingInvalid, match="environment"):
        run(shared, streams=["vendors"], environment="nowhere")


# What an environment lacks


def test_what_an_environment_lacks_is_left_out(box, caplog):
    """With a warning; the others are read."""
    box.business_central.behaviour.finance_reports = False
    box.business_central.behaviour.approval_api = False
    found = run(box, streams=["vendor_ledger_entries", "approval_entries", "vendors"])
    assert ids(found, "vendors")
    assert not records(found, "vendor_ledger_entries")
    assert caplog.text.count("is not offered by this environment") == 2


def test_approvals_that_cannot_be_read_stop_the_run(box):
    """Drafts without them would look as if nobody had been asked."""
    box.business_central.behaviour.approval_api = False
    with pytest.raises(SettingInvalid, match="approvalEntries"):
        run(box, streams=["purchase_invoices"], include_approvals=True)


# Deleted rows


def test_a_deleted_row_is_told_once(box):
    """By its key and the time it was noticed."""
    settings = {"streams": ["vendors"], "sweep_streams": ["vendors"]}
    state = last_state(run(box, **settings))
    vendor = known(box, "vendors")[0]
    box.business_central.delete("vendors", vendor)
    found = run(box, state=state, **settings)
    (gone,) = [record for record in records(found, "vendors") if record.get("_sdc_deleted_at")]
    assert gone["id"] == vendor
    assert set(gone) == {"tenant_id", "environment", "company_id", "id", "deleted", "_sdc_deleted_at"}
    again = run(box, state=last_state(found), **settings)
    assert not any(record.get("_sdc_deleted_at") for record in records(again, "vendors"))


def test_nothing_is_told_without_a_sweep(box):
    """Business Central knows no tombstones."""
    state = last_state(run(box, streams=["vendors"]))
    assert "known_ids" not in state["bookmarks"]["vendors"]
    box.business_central.delete("vendors", known(box, "vendors")[0])
    assert not any(
        each.get("_sdc_deleted_at") for each in records(run(box, streams=["vendors"], state=state), "vendors")
    )


@pytest.mark.parametrize(
    ("before", "left", "suspicious"), [(20, 9, True), (20, 10, False), (19, 1, False), (1, 0, True), (0, 0, False)]
)
def test_too_many_gone_at_once_is_suspicious(before, left, suspicious):
    """Lost permission is likelier than deletion."""
    ids = [f"{number:08d}-0000-4000-8000-000000000000" for number in range(before)]
    first = KnownIds()
    for each in ids:
        first.meet(each)
    second = KnownIds(first.text())
    for each in ids[:left]:
        second.meet(each)
    assert second.before == before
    assert second.gone == ids[left:]
    assert second.is_suspicious is suspicious


@pytest.mark.parametrize("text", ["", "nonsense", "bm9uc2Vuc2U=", None])
def test_ids_that_cannot_be_read_count_as_none(text):
    """Then nothing is gone."""
    ids = KnownIds(text)
    ids.meet("00000001-0000-4000-8000-000000000000")
    assert (ids.before, ids.gone, ids.is_suspicious) == (0, [], False)


def test_streams_that_are_read_whole_are_not_swept():
    """Whoever reads them sees what is gone."""
    assert "accounts" not in SWEEPABLE
    assert {"vendors", "purchase_invoices"} <= set(SWEEPABLE)


# Approvals

AT = "2026-03-01T10:00:00.000Z"


def entry(number, status, **changes):
    """Return an approval entry of invoice 107001."""
    given = {"entryNumber": number, "status": status, "documentType": "Invoice", "documentNumber": "107001"}
    return {**given, "workflowStepInstanceId": "first", "amount": Decimal(100), "lastModifiedDateTime": AT, **changes}


@pytest.mark.parametrize(
    ("entries", "status"),
    [
        ([], None),
        ([("Approved", "first")], "Approved"),
        ([("Approved", "first"), ("Open", "first")], "Pending"),
        ([("Created", "first")], "Pending"),
        ([("Approved", "first"), ("Rejected", "first")], "Rejected"),
        ([("Rejected", "first"), ("Approved", "second")], "Approved"),
        ([("Approved", "first"), ("Open", "second")], "Pending"),
        ([("Canceled", "first")], None),
        ([("Approved", "first"), ("Canceled", "first")], None),
    ],
)
def test_the_last_round_of_approval_counts(entries, status):
    """And everybody in it, in whatever order they come."""
    rows = [entry(number, said, workflowStepInstanceId=step) for number, (said, step) in enumerate(entries)]
    for order in itertools.permutations(rows):
        draft = Approvals(order).noted({"number": "107001", "status": "Draft"})
        assert (draft["approvalStatus"], draft["approvedAmount"]) == (status, Decimal(100) if entries else None)


def test_a_posted_invoice_with_the_number_of_a_draft_is_another_one():
    """Approvals are those of drafts."""
    approvals = Approvals([entry(1, "Approved"), entry(2, "Approved", documentType="Order", documentNumber="O-1")])
    assert approvals.noted({"number": "107001", "status": "Open"})["approvalStatus"] is None
    assert approvals.noted({"number": "O-1", "status": "Draft"})["approvalStatus"] is None


def test_a_draft_of_which_only_the_approval_changed_comes_again(box):
    """The invoice itself carries no new stamp."""
    settings = {"streams": ["purchase_invoices"], "include_approvals": True, "lookback_seconds": 0}
    first = run(box, **settings)
    (approval, *_) = [each for each in box.business_central.records("approvalEntries") if each["tableId"] == 38]
    box.business_central.edit("approvalEntries", approval["id"], status="Approved")
    found = records(run(box, state=last_state(first), **settings), "purchase_invoices")
    assert [record["number"] for record in found] == [approval["documentNumber"]]
    assert found[0]["approvalStatus"] == "Approved"


# Trouble


@pytest.mark.parametrize("status", [408, 504])
def test_pages_that_take_too_long_are_made_smaller(box, status):
    """Nothing is missing in the end."""
    box.business_central.behaviour.slow_page_rows = 25
    box.business_central.behaviour.slow_page_status = status
    assert sorted(ids(run(box, streams=["accounts"]), "accounts")) == known(box, "accounts")


@pytest.mark.parametrize("kind", ["throttle", "error_500", "drop_before", "drop_after", "expire_session"])
def test_what_is_technical_passes(box, kind):
    """Reads are tried again."""
    box.faults.next("business_central", kind, 1 if kind == "expire_session" else 3, side="reads")
    assert sorted(ids(run(box, streams=["vendors"]), "vendors")) == known(box, "vendors")


def test_a_document_whose_dimension_value_was_deleted_does_not_stop_the_others(box):
    """It comes with its lines, without dimensions, and says so (sheet 8.8)."""
    before = {each["id"]: each for each in records(run(box, streams=["purchase_invoices"]), "purchase_invoices")}
    coded = next(each for each in before.values() for line in each["purchaseInvoiceLines"] if line["dimensionSetLines"])
    value = next(each["valueId"] for line in coded["purchaseInvoiceLines"] for each in line["dimensionSetLines"] or ())
    box.business_central.delete("dimensionValues", value)
    after = {each["id"]: each for each in records(run(box, streams=["purchase_invoices"]), "purchase_invoices")}
    assert set(after) == set(before)
    for identifier, record in after.items():
        touched = f'"{value}"' in json.dumps(before[identifier], default=str)
        assert record.get("dimensionsUnreadable", False) is touched
        assert len(record["purchaseInvoiceLines"]) == len(before[identifier]["purchaseInvoiceLines"])
    assert after[coded["id"]]["dimensionsUnreadable"]


def test_lost_permission_stops_the_run(box):
    """It is no list that an environment lacks."""
    box.business_central.behaviour.denied.add("vendorLedgerEntries")
    with pytest.raises(PermissionDenied):
        run(box, streams=["vendor_ledger_entries"])


def test_a_wrong_secret_is_told_once(box):
    """In the words of Entra."""
    with pytest.raises(CredentialsRefused, match="AADSTS7000215"):
        run(box, streams=["vendors"], client_secret="wrong")


def test_discovery_needs_no_network():
    """The catalog is known without asking."""
    tap = TapBusinessCentral(
        config={
            "tenant_id": "t",
            "environment": "e",
            "client_id": "c",
            "client_secret": "s",
            "base_url": "https://h.invalid",
        }
    )
    assert [entry["stream"] for entry in tap.catalog_dict["streams"]] == NAMES
