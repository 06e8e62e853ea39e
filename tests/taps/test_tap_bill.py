from __future__ import annotations

import datetime as dt
import itertools
import json
import os
import signal
import subprocess
import sys
from decimal import Decimal

import pytest
from click.testing import CliRunner
from tap_bill_runs import ON_BY_DEFAULT, config_for, ids, known_ids, last_state, records, run
from waiting import PATIENCE

from erp_sandbox.bill.rules import CURSOR_MODES, BillRules
from erp_sandbox.clock import Clock
from erp_sandbox.faults import Faults
from erp_sandbox.world import World
from ml_connector.sensitive import masked
from tap_bill.streams import STREAM_CLASSES
from tap_bill.tap import TapBill

OPTIONAL = {
    "recurring_bills",
    "funding_bank_accounts",
    "users",
    "organization",
    "bill_approval_policies",
    "bill_documents",
}
EVERY_STREAM = {stream.name for stream in STREAM_CLASSES}


@pytest.fixture
def box(sandbox):
    """A small organization with bills in every state."""
    return sandbox(World.build(vendors=6, bills=20, payments=8, lines=(1, 3)))


def test_the_default_streams_are_read_completely(box):
    """Each stream holds what BILL holds, once; the optional ones are left out."""
    messages = run(box)
    assert {message["stream"] for message in messages if message["type"] == "SCHEMA"} == set(ON_BY_DEFAULT)
    for stream in ON_BY_DEFAULT:
        assert sorted(ids(messages, stream)) == sorted(known_ids(box, stream))


def test_the_optional_streams_can_be_selected(box):
    """Users, banks, recurring bills, documents, policies and the organization are read when asked for."""
    messages = run(box, streams=EVERY_STREAM)
    for stream in ("recurring_bills", "funding_bank_accounts", "users"):
        assert sorted(ids(messages, stream)) == sorted(known_ids(box, stream))
    assert ids(messages, "organization") == [box.bill.main.id]
    assert len(ids(messages, "bill_approval_policies")) == len(box.bill.main.policies)
    documents = {(one["id"], bill) for bill, many in box.bill.main.documents.items() for one in many}
    assert {(one["id"], one["billId"]) for one in records(messages, "bill_documents")} == documents


def test_what_others_refer_to_comes_first(box):
    """Coding and vendors before bills, bills before payments."""
    messages = run(box, streams=EVERY_STREAM)
    order = list(dict.fromkeys(message["stream"] for message in messages if message["type"] == "RECORD"))
    assert set(ON_BY_DEFAULT) <= set(order)
    for reference in set(ON_BY_DEFAULT) - {"bills", "payments", "vendor_credits"}:
        assert order.index(reference) < order.index("bills")
    assert order.index("bills") < order.index("payments")


def test_a_bill_is_given_as_bill_has_it(box):
    """Native names and nesting, exact money, approvers, plus the organization."""
    for record in records(run(box, streams={"bills"}), "bills"):
        assert record.pop("organizationId") == box.bill.main.id
        assert record == box.bill.bill(record["id"])
        assert all(isinstance(line["amount"], Decimal | int) for line in record["billLineItems"])
    assert any(bill.get("approvers") for bill in box.bill.bills())


@pytest.mark.parametrize("text", ["100.00", "0.10", "1234567890123.45", "7"])
def test_money_is_written_with_the_digits_bill_sent(box, text):
    """A number is neither rounded nor turned into text."""
    bill = box.bill.bills()[0]["id"]
    box.bill.edit_bill(bill, amount=Decimal(text))
    (record,) = (one for one in records(run(box, streams={"bills"}), "bills") if one["id"] == bill)
    assert str(record["amount"]) == text


def test_fields_nobody_knows_yet_pass_through(box):
    """What BILL adds tomorrow is in the record."""
    bill = box.bill.bills()[0]["id"]
    box.bill.edit_bill(bill, brandNew={"since": 2027})
    (record,) = (one for one in records(run(box, streams={"bills"}), "bills") if one["id"] == bill)
    assert record["brandNew"] == {"since": 2027}


def test_the_schemas_name_every_field_bill_gives(box):
    """No field of the sandbox's records is missing in a schema, at any depth."""
    messages = run(box, streams=EVERY_STREAM)
    schemas = {message["stream"]: message["schema"] for message in messages if message["type"] == "SCHEMA"}
    unknown = {
        f"{message['stream']}.{path}"
        for message in messages
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


def test_deselected_fields_are_left_out(box):
    """A field and a nested field that the catalog deselects are in neither schema nor record."""
    catalog = TapBill(config=config_for(box)).catalog_dict
    for entry in catalog["streams"]:
        for metadata in entry["metadata"]:
            if not metadata["breadcrumb"]:
                metadata["metadata"]["selected"] = entry["stream"] == "bills"
            elif metadata["breadcrumb"][-1] in ("description", "invoiceDate"):
                metadata["metadata"]["selected"] = False
    messages = run(box, catalog=catalog)
    schema = next(message["schema"] for message in messages if message["type"] == "SCHEMA")
    assert "description" not in schema["properties"]
    assert "invoiceDate" not in schema["properties"]["invoice"]["properties"]
    for record in records(messages, "bills"):
        assert "description" not in record
        assert "invoiceDate" not in record["invoice"]
        assert "invoiceNumber" in record["invoice"]


def test_a_second_run_reads_what_changed(box):
    """From the bookmark on, less an overlap; an edited bill comes with its new version."""
    state = last_state(run(box))
    oldest = min(box.bill.bills(), key=lambda bill: bill["updatedTime"])["id"]
    box.bill.edit_bill(oldest, description="corrected")
    again = records(run(box, state=state, lookback_seconds=0), "bills")
    newest = max(bill["updatedTime"] for bill in box.bill.bills())
    assert oldest in {bill["id"] for bill in again}
    assert len(again) <= 2
    assert max(bill["updatedTime"] for bill in again) == newest


def test_the_overlap_reaches_back_behind_the_bookmark(box):
    """A row that became visible late is still read."""
    newest = max(dt.datetime.fromisoformat(bill["updatedTime"]) for bill in box.bill.bills())
    state = {
        "bookmarks": {
            "bills": {
                "replication_key": "updatedTime",
                "replication_key_value": (newest + dt.timedelta(seconds=200)).isoformat(),
            }
        }
    }
    assert ids(run(box, state=state, streams={"bills"}, lookback_seconds=300), "bills") != []
    assert ids(run(box, state=state, streams={"bills"}, lookback_seconds=100), "bills") == []


def test_the_bookmark_never_moves_back(box):
    """An overlap that yields older rows leaves the bookmark where it was."""
    mark = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
    state = {"bookmarks": {"bills": {"replication_key": "updatedTime", "replication_key_value": mark}}}
    after = last_state(run(box, state=state, streams={"bills"}, lookback_seconds=10**12))
    assert after["bookmarks"]["bills"]["replication_key_value"] == mark


def test_a_start_date_leaves_out_what_is_older(box):
    """Only bills changed since then are read."""
    times = sorted(bill["updatedTime"] for bill in box.bill.bills())
    found = records(run(box, streams={"bills"}, start_date=times[10]), "bills")
    assert sorted(bill["updatedTime"] for bill in found) == [time for time in times if time >= times[10]]


@pytest.mark.parametrize("stream", ["vendors", "chart_of_accounts", "departments"])
@pytest.mark.parametrize("accepted", [True, False])
def test_what_bills_refer_to_is_read_however_old_it_is(sandbox, stream, accepted):
    """A start date leaves out no vendor or account of a later bill; after that the bookmark counts."""
    box = sandbox(rules=BillRules(classifications_by_time=accepted))
    start = dt.datetime.now(dt.UTC).isoformat()
    first = run(box, streams={stream}, start_date=start)
    assert sorted(ids(first, stream)) == sorted(known_ids(box, stream))
    again = run(box, streams={stream}, start_date=start, state=last_state(first), lookback_seconds=0)
    assert len(ids(again, stream)) < len(ids(first, stream))


@pytest.mark.parametrize("accepted", [True, False])
def test_coding_is_read_incrementally_whether_or_not_bill_filters_it(sandbox, accepted):
    """Where the filter is refused the whole list is read and filtered here."""
    box = sandbox(rules=BillRules(classifications_by_time=accepted))
    first = run(box)
    department = ids(first, "departments")[0]
    box.bill.edit("departments", department, name="Renamed")
    again = run(box, state=last_state(first), lookback_seconds=0)
    assert department in ids(again, "departments")
    assert len(ids(again, "departments")) <= 2
    bookmark = last_state(again)["bookmarks"]["departments"]["replication_key_value"]
    edited = next(one for one in records(again, "departments") if one["id"] == department)
    assert bookmark == edited["updatedTime"]


@pytest.mark.parametrize("accepted", [True, False])
def test_a_long_list_of_coding_is_read_once_whether_or_not_bill_filters_it(sandbox, accepted):
    """More accounts than a page holds are read in the first run, none twice."""
    box = sandbox(rules=BillRules(classifications_by_time=accepted))
    found = ids(run(box, streams={"chart_of_accounts"}, page_size=5), "chart_of_accounts")
    assert sorted(found) == sorted(known_ids(box, "chart_of_accounts"))


def test_archived_records_can_be_left_out(box):
    """With include_archived false neither archived vendors nor drafts of bills are given out."""
    box.bill.archive_bill(next(bill["id"] for bill in box.bill.bills() if not bill["archived"]))
    found = records(run(box, streams={"bills"}, include_archived=False), "bills")
    assert {bill["id"] for bill in found} == {bill["id"] for bill in box.bill.bills() if not bill["archived"]}
    assert len(found) < len(box.bill.bills())


@pytest.mark.parametrize("cursor", CURSOR_MODES)
def test_no_cursor_keeps_bills_back(sandbox, cursor):
    """Whatever BILL's cursor does, 350 bills are read, each once."""
    box = sandbox(World.plain(vendors=5, bills=350, lines=(1, 2)), rules=BillRules(cursor=cursor))
    found = ids(run(box, streams={"bills"}), "bills")
    assert sorted(found) == sorted(known_ids(box, "bills"))


@pytest.mark.parametrize(
    ("mode", "cursor"),
    [("cursor", "works"), ("cursor_without_filters", "refuses_filters"), ("windows", "stuck")],
)
def test_a_way_of_paging_can_be_chosen(sandbox, mode, cursor):
    """Each way reads everything where the cursor behaves as it expects."""
    box = sandbox(World.plain(vendors=5, bills=350, lines=(1, 2)), rules=BillRules(cursor=cursor))
    found = ids(run(box, streams={"bills"}, pagination_mode=mode), "bills")
    assert sorted(found) == sorted(known_ids(box, "bills"))


@pytest.mark.parametrize("status", [422, 429])
def test_troubles_on_the_way_lose_nothing(sandbox, status):
    """Throttling, failures, cut connections and dying sessions only cost time."""
    faults = Faults(seed=7, throttle=0.05, error_500=0.05, drop_before=0.05, drop_after=0.05, expire_session=0.05)
    box = sandbox(
        World.plain(vendors=5, bills=900, lines=(1, 2)),
        faults=faults,
        rules=BillRules(rate_limit_status=status),
    )
    messages = run(box, page_size=20, streams={"vendors", "bills"})
    assert sorted(ids(messages, "bills")) == sorted(known_ids(box, "bills"))
    assert sorted(ids(messages, "vendors")) == sorted(known_ids(box, "vendors"))
    assert len(box.faults.happened()) >= 4


def test_no_more_calls_at_once_than_allowed(sandbox):
    """A long read makes two calls at once by default, never more."""
    box = sandbox(World.plain(vendors=5, bills=900, lines=(1, 1)), latency=0.005)
    run(box, streams={"bills"})
    assert box.stats.max_concurrency("bill") == 2


def test_one_login_serves_several_runs(box):
    """The session is kept between runs."""
    run(box)
    run(box)
    assert box.bill.sessions.logins == 1


@pytest.mark.parametrize("expiry_status", [401, 403])
def test_an_expired_session_is_replaced(sandbox, expiry_status):
    """Both signals of a dead session lead to one new login."""
    box = sandbox(rules=BillRules(expiry_status=expiry_status))
    run(box)
    box.bill.sessions.expire_all()
    assert len(ids(run(box), "bills")) == 12
    assert box.bill.sessions.logins == 2


def test_a_run_cut_anywhere_and_the_next_see_every_bill(sandbox):
    """Whatever record a run ends after, its last state and a second run together hold everything."""
    box = sandbox(World.plain(vendors=5, bills=700, lines=(1, 1)))
    messages = run(box, streams={"bills"}, page_size=10)
    for end in range(1, len(messages), 37):
        cut = messages[:end]
        again = run(box, streams={"bills"}, page_size=100, state=last_state(cut))
        assert set(ids(cut, "bills")) | set(ids(again, "bills")) == known_ids(box, "bills")


def test_states_are_written_along_the_way_and_cover_only_what_is_written(sandbox):
    """A long stream writes a state every thousand records or so, none ahead of its records."""
    box = sandbox(World.plain(vendors=5, bills=4000, lines=(1, 1)))
    messages = run(box, streams={"bills"})
    states = [number for number, message in enumerate(messages) if message["type"] == "STATE"]
    assert max(later - earlier for earlier, later in itertools.pairwise(states)) <= 1_300
    for number in states:
        bookmark = messages[number]["value"].get("bookmarks", {}).get("bills", {}).get("replication_key_value")
        if bookmark is not None:
            covered = {bill["id"] for bill in box.bill.bills() if bill["updatedTime"] <= bookmark}
            assert covered <= set(ids(messages[:number], "bills"))


def start_process(tmp_path, own_state, box, **changes):
    """Start the tap as a process of its own."""
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config_for(box, **changes)))
    return subprocess.Popen(
        [sys.executable, "-m", "tap_bill.tap", "--config", str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "ML_CONNECTOR_STATE_DIR": str(own_state)},
    )


@pytest.mark.slow
def test_processes_share_the_calls_at_once_and_the_login(sandbox, own_state, tmp_path):
    """Two runs at the same time make two calls at once together, with one login, and both read everything."""
    box = sandbox(World.plain(vendors=5, bills=900, lines=(1, 1)), latency=0.01)
    processes = [start_process(tmp_path, own_state, box) for _ in range(2)]
    for process in processes:
        messages = [json.loads(line) for line in process.communicate(timeout=PATIENCE)[0].splitlines()]
        assert set(ids(messages, "bills")) == known_ids(box, "bills")
    assert box.stats.max_concurrency("bill") == 2
    assert box.bill.sessions.logins == 1


@pytest.mark.slow
def test_a_terminated_process_stops_cleanly(sandbox, own_state, tmp_path):
    """On SIGTERM the tap stops soon, with whole lines; from its last state the next run completes the bills."""
    box = sandbox(World.plain(vendors=5, bills=2500, lines=(1, 1)), latency=0.01)
    process = start_process(tmp_path, own_state, box)
    got = [json.loads(process.stdout.readline()) for _ in range(1200)]
    process.send_signal(signal.SIGTERM)
    got += [json.loads(line) for line in process.stdout]
    process.stdout.close()
    assert process.wait(PATIENCE) == 0
    again = run(box, state=last_state(got))
    assert set(ids(got, "bills")) | set(ids(again, "bills")) == known_ids(box, "bills")
    assert len(ids(got, "bills")) < 2500


@pytest.mark.slow
@pytest.mark.parametrize("lines_until_death", [40, 1500])
def test_a_killed_process_loses_nothing(sandbox, own_state, tmp_path, lines_until_death):
    """After kill -9 the next run from the last state that got out completes the bills."""
    box = sandbox(World.plain(vendors=5, bills=2500, lines=(1, 1)), latency=0.01)
    process = start_process(tmp_path, own_state, box)
    got = []
    for line in process.stdout:
        got.append(json.loads(line))
        if len(got) == lines_until_death:
            break
    os.kill(process.pid, signal.SIGKILL)
    process.wait(PATIENCE)
    process.stdout.close()
    again = run(box, state=last_state(got))
    assert set(ids(got, "bills")) | set(ids(again, "bills")) == known_ids(box, "bills")


def test_an_idle_user_session_costs_one_login(sandbox):
    """After 36 minutes BILL has forgotten the user; the run logs in again."""
    clock = Clock()
    box = sandbox(clock=clock)
    run(box, username="ap@acme.invalid", password="sandbox-password")
    clock.advance(dt.timedelta(minutes=36))
    assert len(ids(run(box, username="ap@acme.invalid", password="sandbox-password"), "bills")) == 12
    assert box.bill.sessions.logins == 2


def command(tmp_path, *arguments, **config):
    """Run the tap's command; return its exit code and what it logs."""
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config))
    process = subprocess.run(
        [sys.executable, "-m", "tap_bill.tap", "--config", str(path), *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "ML_CONNECTOR_STATE_DIR": str(tmp_path / "state")},
        check=False,
    )
    return process.returncode, process.stdout, process.stderr


@pytest.mark.parametrize("arguments", [(), ("--test",)])
def test_wrong_credentials_are_told_without_a_traceback(box, tmp_path, arguments):
    """BILL's words, a hint, exit code 1; no secret."""
    code, _, log = command(tmp_path, *arguments, **config_for(box, password="wrong-password"))
    assert code == 1
    assert "BDC_1101" in log
    assert "belong to the environment" in log
    assert "Traceback" not in log
    assert "wrong-password" not in log


def test_a_missing_setting_is_told_without_a_traceback(tmp_path):
    """The message names the setting and its variable."""
    code, _, log = command(tmp_path, base_url="http://127.0.0.1:9")
    assert code == 1
    assert 'setting "dev_key" is missing' in log
    assert "TAP_BILL_DEV_KEY" in log
    assert "Traceback" not in log


def test_a_nonsense_start_date_is_told_without_a_traceback(box, tmp_path):
    """The message names the setting and shows the form."""
    code, _, log = command(tmp_path, **config_for(box, start_date="yesterday"))
    assert code == 1
    assert '"start_date"' in log
    assert "Traceback" not in log


def test_a_system_that_is_down_is_told_without_a_traceback(tmp_path, box, monkeypatch):
    """A permission BILL denies stops the run with BILL's words."""
    box.bill.rules.denied.add("bills.list")
    code, _, log = command(tmp_path, **config_for(box))
    assert code == 1
    assert "GET /v3/bills (BDC_1145)" in log
    assert "Traceback" not in log


def test_discovery_and_about_need_neither_settings_nor_network():
    """A catalog with selections, and settings with title, description and secrets marked."""
    catalog = json.loads(CliRunner().invoke(TapBill.cli, ["--discover"]).stdout)
    selected = {
        entry["stream"]: next(
            item["metadata"].get("selected-by-default") for item in entry["metadata"] if not item["breadcrumb"]
        )
        for entry in catalog["streams"]
    }
    assert {name for name, by_default in selected.items() if not by_default} == OPTIONAL
    assert set(selected) == EVERY_STREAM
    about = json.loads(CliRunner().invoke(TapBill.cli, ["--about", "--format", "json"]).stdout)
    own = {name: setting for name, setting in about["settings"]["properties"].items() if "title" in setting}
    assert {name for name, setting in own.items() if setting.get("secret")} == {
        "dev_key",
        "password",
        "remember_me_id",
    }
    assert {"base_url", "pagination_mode", "lookback_seconds", "include_archived"} <= set(own)
    assert all(setting.get("description") for setting in own.values())


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("*****2333", "*****2333"),
        ("XXXX-2333", "XXXX-2333"),
        ("111222333", "*****2333"),
        ("111 222-333", "*****2333"),
        ("2333", "****"),
        (None, None),
    ],
)
def test_bank_numbers_are_never_shown_in_clear(given, shown):
    """Masked numbers stay as BILL masks them; a number in clear keeps its last four digits."""
    account = {"accountNumber": given, "routingNumber": given, "nameOnAccount": "Acme Services"}
    assert masked(account) == {"accountNumber": shown, "routingNumber": shown, "nameOnAccount": "Acme Services"}
