"""Whatever is wrong is told in one line what and one line cure; what can be done is done, and nothing is given away."""

from __future__ import annotations

import json
import re
import socket
from importlib.resources import files

import pytest
from harness import Done, assert_posted_once, issued_secrets, writes

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

BILLS_SCHEMA = {
    "type": "SCHEMA",
    "stream": "bills",
    "schema": {
        "type": "object",
        "properties": {
            "id": {"type": "string"},
            "amount": {"type": ["number", "null"]},
            "updatedTime": {"type": ["string", "null"]},
        },
    },
    "key_properties": ["id"],
}


def refused(done: Done, *words: str, code: int = 1) -> None:
    """The process ended with a code and with these words on standard error, and without a traceback."""
    assert "Traceback" not in done.err, done.err
    text = re.sub(r"\s+", " ", done.err)
    assert [word for word in words if word not in text] == [], done.err
    assert done.code == code, done.err


def record(**fields):
    """A RECORD message of the stream bills."""
    return {"type": "RECORD", "stream": "bills", "record": fields}


@pytest.fixture
def messages(project):
    """A project, and the messages tap-bill prints there."""
    here = project()
    done = here.run("tap-bill", "--config=ENV")
    assert done.code == 0, done.err
    return here, [json.loads(line) for line in done.out.splitlines()]


def of_bills(all_messages):
    """The records of stream bills."""
    return [each for each in all_messages if each["type"] == "RECORD" and each["stream"] == "bills"]


def nothing_done(here, done):
    """Nothing was posted and no state was acknowledged."""
    assert writes(here.box) == 0
    assert done.out == ""


def last_bookmarks(done):
    """The bookmarks acknowledged last."""
    return json.loads(done.out.splitlines()[-1])["bookmarks"]


@pytest.mark.parametrize(
    ("field", "value", "what"),
    [
        ("amount", "a lot", "bills: amount is malformed, expected a number"),
        pytest.param("amount", {"value": 5}, "bills: amount is malformed, expected a number", marks=pytest.mark.long),
        pytest.param(
            "billLineItems", "none", "bills: billLineItems is malformed, expected a list", marks=pytest.mark.long
        ),
        pytest.param("vendorId", 7, "bills: vendorId is malformed, expected a text", marks=pytest.mark.long),
        ("dueDate", "soon", "BILL bill INV-20005: due date is not a date: 'soon'"),
    ],
)
def test_a_malformed_bill_is_held_and_the_others_go_out(messages, field, value, what):
    """A field of the wrong type holds its bill with what is wrong; every other bill is posted and state is written."""
    here, all_messages = messages
    of_bills(all_messages)[4]["record"][field] = value
    done = here.target(*all_messages)
    assert done.code == 0, done.err
    assert "Traceback" not in done.err
    assert len(here.box.workday.invoices) == 11
    (held,) = here.ask("held")
    assert held["source_id"] == of_bills(all_messages)[4]["record"]["id"]
    assert held["reasons"][0]["what"] == what
    assert json.loads(done.out.splitlines()[-1])["bookmarks"]["bills"]
    # Mended at its source, it goes out.
    here.box.bill.edit_bill(held["source_id"])
    assert here.pipe().target.code == 0
    assert_posted_once(here)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        pytest.param([{"stream": "bills"}], ["type"], id="no type"),
        pytest.param([{"type": "GREETING"}], ["input line 1", "GREETING"], id="unknown message type"),
        pytest.param([record(id="x")], ["input line 1", "before the stream's schema"], id="record before schema"),
        pytest.param([{"type": "SCHEMA", "stream": "bills", "key_properties": []}], ["input line 1", "lacks schema"], id="no schema"),
        pytest.param(
            [{"type": "SCHEMA", "stream": "bills", "schema": {"type": "no such type", "properties": {}}, "key_properties": []}],
            ["input line 1", "the schema of stream 'bills' is no JSON schema"],
            id="schema is no schema",
        ),
        pytest.param([{"type": "STATE"}], ["input line 1", "lacks value"], id="state without value"),
        pytest.param([{"type": "SCHEMA", "stream": ["bills"], "schema": {}}], ["input line 1", "stream"], id="stream is a list"),
    ],
)  # fmt: skip
def test_a_target_refuses_what_is_not_singer(project, lines, words):
    """A message that breaks the protocol ends the target with the line's number, before anything is posted or acknowledged."""
    here = project()
    done = here.target(*lines, {"type": "STATE", "value": {"bookmarks": {"bills": {"x": 1}}}})
    refused(done, "target-workday", *words)
    nothing_done(here, done)


def mapper(here, *lines, **settings):
    """Give map-finance these messages."""
    text = "".join((each if isinstance(each, str) else json.dumps(each)) + "\n" for each in lines)
    given = {"MAP_FINANCE_TRANSFORM": "tap-bill", "MAP_FINANCE_TARGET": "workday", **settings}
    return here.run("map-finance", "--config=ENV", stdin=text, **given)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        pytest.param(["{not json"], ["input line 1 is not JSON"], id="not JSON"),
        pytest.param([{"type": "GREETING"}], ["input line 1", "GREETING"], id="unknown message type"),
        pytest.param([record(id="x")], ["input line 1", "before the stream's schema"], id="record before schema"),
        pytest.param([BILLS_SCHEMA, {"type": "RECORD", "stream": "bills"}], ["input line 2", "lacks record"], id="no record"),
        pytest.param([BILLS_SCHEMA, record(amount=5, organizationId="008")], ["input line 2", "bills", "id"], id="no id"),
        pytest.param([{"type": "SCHEMA", "stream": "bills"}], ["input line 1", "lacks schema"], id="no schema"),
    ],
)  # fmt: skip
def test_a_mapper_refuses_what_is_not_singer(project, lines, words):
    """The mapper tells the same mistakes in the same way, and gives none of the input away."""
    here = project()
    done = mapper(here, *lines)
    refused(done, "map-finance: ", *words)
    assert '"RECORD"' not in done.out
    assert "{not json" not in done.err


@pytest.mark.parametrize(
    ("setting", "value", "words"),
    [
        ("MAP_FINANCE_TRANSFORM", None, ['setting "transform" is missing', "Set MAP_FINANCE_TRANSFORM"]),
        ("MAP_FINANCE_TRANSFORM", "tap-nothing", ["tap-nothing"]),
        ("MAP_FINANCE_UNRESOLVED", "guess", ["unresolved", "guess"]),
        ("MAP_FINANCE_MAP_SETTINGS", "{", ['"map_settings"', "not a JSON object"]),
        ("MAP_FINANCE_MAP_SETTINGS", '{"approved": true}', ["approved"]),
    ],
)
def test_a_wrong_setting_of_the_mapper_is_named(project, setting, value, words):
    """A missing or wrong setting ends the mapper with its name."""
    refused(mapper(project(), **{setting: value}), "map-finance", *words)


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param("{not json", id="not JSON"),
        pytest.param("[1, 2]", id="not an object", marks=pytest.mark.long),
        pytest.param({"type": "RECORD", "stream": "bills"}, id="no record", marks=pytest.mark.long),
        pytest.param(record(amount=5), id="no id"),
        pytest.param(record(id=None), id="id is null", marks=pytest.mark.long),
    ],
)
def test_a_line_of_which_no_record_can_be_made_is_set_aside(messages, broken):
    """It is held with its line's number, every bill is posted, the state moves, and a person can settle it."""
    here, all_messages = messages
    first = next(number for number, each in enumerate(all_messages) if each in of_bills(all_messages))
    done = here.target(*all_messages[:first], broken, *all_messages[first:])
    assert done.code == 0, done.err
    assert "Traceback" not in done.err
    (held,) = here.ask("held")
    assert f"input line {first + 1}" in held["reasons"][0]["what"]
    assert last_bookmarks(done)["bills"] == all_messages[-1]["value"]["bookmarks"]["bills"]
    assert_posted_once(here)
    assert here.connector("ignore", held["source_id"], "--reason", "read again").code == 0
    assert here.ask("held") == []


def test_a_state_before_the_mistake_is_kept(messages):
    """What was durable before the input is cut off is acknowledged, nothing after it; the next run goes on from there."""
    here, all_messages = messages
    states = [number for number, each in enumerate(all_messages) if each["type"] == "STATE"]
    cut = states[-3] + 1
    whole = "".join(json.dumps(each) + "\n" for each in all_messages[:cut])
    settings = {"TARGET_WORKDAY_TRANSFORM": "tap-bill"}
    done = here.run("target-workday", "--config=ENV", stdin=whole + "{cut in the mid", **settings)
    refused(done, f"input line {cut + 1} is not JSON", "cut off")
    assert last_bookmarks(done).items() >= all_messages[cut - 1]["value"]["bookmarks"].items()
    assert writes(here.box) == 0
    assert here.pipe().target.code == 0
    assert_posted_once(here)


def test_a_stream_nobody_asked_for_is_left_out(project):
    """Records of an unknown stream are left out with one warning; nothing is posted, also for Meltano's test stream."""
    here = project()
    lines = [
        {**BILLS_SCHEMA, "stream": "meltano_test_stream"},
        {"type": "RECORD", "stream": "meltano_test_stream", "record": {"id": "1"}},
        {"type": "RECORD", "stream": "meltano_test_stream", "record": {"id": "2"}},
        {"type": "STATE", "value": {"seen": 2}},
    ]
    done = here.target(*lines)
    assert done.code == 0, done.err
    assert done.err.count("meltano_test_stream") == 1
    assert {json.loads(line)["seen"] for line in done.out.splitlines()} == {2}
    assert writes(here.box) == 0
    assert here.states() == {}


@pytest.mark.parametrize(
    ("plugin", "setting", "value", "words"),
    [
        ("tap-bill", "TAP_BILL_DEV_KEY", None, ['setting "dev_key" is missing', "Set TAP_BILL_DEV_KEY"]),
        ("tap-bill", "TAP_BILL_PASSWORD", None, ['setting "password" is missing', "Set TAP_BILL_PASSWORD"]),
        ("tap-bill", "TAP_BILL_START_DATE", "yesterday", ["start_date", "yesterday"]),
        ("tap-bill", "TAP_BILL_PAGE_SIZE", "5000", ["page_size"]),
        ("tap-bill", "TAP_BILL_MAX_CONCURRENCY", "0", ["max_concurrency"]),
        ("tap-bill", "TAP_BILL_PAGINATION_MODE", "guess", ["pagination_mode", "guess"]),
        ("tap-bill", "TAP_BILL_ORGANIZATION_ID", "12345", ["organization_id"]),
        ("tap-bill", "TAP_BILL_BASE_URL", "http://gateway.vendor.invalid/connect", ["base_url", "http"]),
        ("tap-bill", "TAP_BILL_BASE_URL", "not an address", ["base_url"]),
        ("tap-bill", "TAP_BILL_PASSWORD", "wrong", ["bill", "BDC_1101", "Invalid username or password"]),
        ("tap-bill", "TAP_BILL_DEV_KEY", "01WRONGDEVKEY000000000", ["BDC_1102"]),
        ("target-workday", "TARGET_WORKDAY_TENANT", None, ['setting "tenant" is missing', "Set TARGET_WORKDAY_TENANT"]),
        ("target-workday", "TARGET_WORKDAY_ISU_PASSWORD", None, ["isu_password"]),
        ("target-workday", "TARGET_WORKDAY_FAIL_ON", "sometimes", ["fail_on", "sometimes"]),
        ("target-workday", "TARGET_WORKDAY_MAX_DOCUMENTS", "-1", ["max_documents"]),
        ("target-workday", "TARGET_WORKDAY_MAX_DOCUMENTS", "many", ['"max_documents" is "many", which is not a whole number']),
        ("target-workday", "TARGET_WORKDAY_WORKTAG_TYPES", "{", ['"worktag_types"', "not a JSON object"]),
        ("target-workday", "TARGET_WORKDAY_API_VERSION", "newest", ["api_version"]),
        ("target-workday", "TARGET_WORKDAY_BASE_URL", "http://services.vendor.invalid", ["base_url", "http"]),
        ("target-workday", "TARGET_WORKDAY_ISU_PASSWORD", "wrong", ["workday", "invalid username or password", "ISU's name and password"]),
        ("target-workday", "TARGET_WORKDAY_TENANT", "acme_prd9", ['"tenant"', "at this address"]),
        ("target-workday", "TARGET_WORKDAY_TRANSFORM", "tap-nothing", ["tap-nothing"]),
        ("target-workday", "TARGET_WORKDAY_LEDGER_URL", "nonsense", ["ledger_url", "sqlite:///"]),
        ("target-workday", "TARGET_WORKDAY_LEDGER_URL", "mysql://user:planted-secret@h/db", ["ledger_url", "PostgreSQL"]),
        ("target-workday", "TARGET_WORKDAY_LEDGER_URL", "sqlite:////proc/nowhere/ledger.db", ["ledger"]),
        ("target-workday", "TARGET_WORKDAY_LEDGER_URL", "postgresql://u:planted-secret@127.0.0.1:1/db", ["ledger", "cannot be opened"]),
    ],
)  # fmt: skip
def test_a_wrong_setting_is_named(project, plugin, setting, value, words):
    """A missing or wrong setting ends the plugin with its name or the system's own words, and nothing is written anywhere."""
    here = project()
    lines = "" if plugin == "tap-bill" else bill_lines(here)
    settings = {"TARGET_WORKDAY_TRANSFORM": "tap-bill", setting: value}
    done = here.run(plugin, "--config=ENV", stdin=lines, **settings)
    refused(done, plugin, *words)
    assert "planted-secret" not in done.out + done.err
    assert here.leaks(done.out, done.err) == []
    assert writes(here.box) == 0


def bill_lines(here):
    """One bill and what it refers to, as a tap would print it."""
    bill = here.box.bill.bills()[0]
    stream = {"type": "object", "properties": {}}
    messages = [
        {"type": "SCHEMA", "stream": "vendors", "schema": stream, "key_properties": ["id"]},
        {"type": "RECORD", "stream": "vendors", "record": here.box.bill.vendor(bill["vendorId"]) | organization(here)},
        {**BILLS_SCHEMA, "schema": stream},
        {"type": "RECORD", "stream": "bills", "record": bill | organization(here)},
    ]
    return "".join(json.dumps(each, default=float) + "\n" for each in messages)


def organization(here):
    """The field the tap adds to each record."""
    return {"organizationId": here.world.organization_id}


@pytest.mark.parametrize("plugin", ["tap-bill", "target-workday"])
def test_a_system_that_does_not_listen_is_named(project, plugin):
    """When nobody listens at base_url, the plugin names the address after a few tries."""
    here = project()
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{reserved.getsockname()[1]}/connect"
        variable = f"{plugin.upper().replace('-', '_')}_BASE_URL"
        lines = "" if plugin == "tap-bill" else bill_lines(here)
        settings = {"TARGET_WORKDAY_TRANSFORM": "tap-bill", variable: address}
        done = here.run(plugin, "--config=ENV", stdin=lines, **settings)
    assert "Traceback" not in done.err, done.err
    assert done.code != 0
    assert plugin in done.err


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        pytest.param("suppliers.csv", "source,target\na,S-1\na,S-2\n", ["suppliers.csv line 3", "twice"], id="a source twice"),
        pytest.param("suppliers.csv", "source\na\n", ["suppliers.csv", "target"], id="no target column"),
        pytest.param("cost_centers.csv", "source,target\na\n", ["cost_centers.csv line 2"], id="a row cut short"),
        pytest.param("cost_centers.csv", b"source,target\n\xff\xfe,b\n", ["cost_centers.csv"], id="not UTF-8"),
    ],
)  # fmt: skip
def test_a_broken_mapping_table_is_named_with_its_line(project, file, text, words):
    """A mistake in a mapping table stops the run with file and line, before anything is posted."""
    here = project()
    (here.crosswalk / file).write_bytes(text if isinstance(text, bytes) else text.encode())
    done = here.pipe()
    refused(done.target, "target-workday", *words)
    assert writes(here.box) == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param(("total: money(amount, document.currency)", "total: monney(amount)"), ["total", "monney", "money"], id="unknown function"),
        pytest.param(("number: invoice.invoiceNumber", "number: invoice."), ["number"], id="not an expression"),
        pytest.param(("    memo: description", "    memmo: description"), ["memmo"], id="unknown field"),
        pytest.param(("source: bill", "source: [bill"), ["tap_bill.yml"], id="not YAML"),
    ],
)  # fmt: skip
def test_a_broken_map_of_ones_own_is_named_with_its_field(project, change, words):
    """A mistake in an own map stops the run with file, stream and field."""
    here = project()
    text = files("map_finance").joinpath("maps", "tap_bill.yml").read_text("utf-8")
    assert change[0] in text
    folder = here.folder / "transforms" / "maps"
    folder.mkdir()
    (folder / "tap_bill.yml").write_text(text.replace(*change, 1), "utf-8")
    done = here.pipe()
    refused(done.target, "target-workday", "tap_bill.yml", *words)
    assert writes(here.box) == 0


def test_meltano_shows_the_same_words(project):
    """Through `meltano run` a wrong password is told once, in the system's own words, and the run fails."""
    here = project(TAP_BILL_PASSWORD="wrong")
    done = here.deliver()
    assert done.code != 0
    assert "Traceback" not in done.err
    assert done.err.count("BDC_1101") == 1
    assert here.box.bill.sessions.logins == 0


def test_no_secret_leaves_the_settings(project, monkeypatch):
    """After a run under faults, at debug level, no password, key, token or session stands in any output or file."""
    here = project()
    for kind in ("throttle", "error_500", "drop_after"):
        here.box.faults.next("bill", kind)
        here.box.faults.next("workday", kind)
    here.box.faults.next("bill", "expire_session")
    seen = issued_secrets(here.box, monkeypatch)
    done = here.meltano("--log-level=debug", "run", "tap-bill", "target-workday", TAP_BILL_LOGLEVEL="DEBUG",
                        TARGET_WORKDAY_LOGLEVEL="DEBUG")  # fmt: skip
    assert done.code == 0, done.err
    assert len(seen) >= 2
    for words in (["status"], ["held"], ["show", "INV-20001", "--audit", "--json"]):
        shown = here.connector(*words)
        assert here.leaks(shown.out, shown.err) == []
    assert here.leaks(done.out, done.err, **{f"issued {number}": each for number, each in enumerate(seen)}) == []


def test_a_planted_secret_would_be_found(project):
    """The search for secrets finds one that was planted."""
    here = project()
    (here.folder / "oops.log").write_text(f"password={here.secrets()['BILL password']}", "utf-8")
    assert len(here.leaks("")) == 1
    assert len(here.leaks(here.secrets()["Workday password"])) == 2
