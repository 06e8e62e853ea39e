"""``map-finance`` in a pipe."""

from __future__ import annotations

import io
import json
import logging

import jsonschema
import pytest
import simplejson
from click.testing import CliRunner

from map_finance.mapper import MapFinance
from ml_connector.crosswalk.tables import SqliteReferences
from ml_connector.mapping.schema import HELD_SCHEMA, document_schema

ORGANIZATION = "00801ORGAAAAAAAA0001"
VENDOR = "00901VNDRAAAAAAA0001"
CONFIG = {"transform": "tap-bill", "target": "workday"}


def schema(stream, **properties):
    """Return a SCHEMA message."""
    return {
        "type": "SCHEMA",
        "stream": stream,
        "schema": {"properties": properties},
        "key_properties": ["id"],
    }


def record(stream, content):
    """Return a RECORD message."""
    return {"type": "RECORD", "stream": stream, "record": content}


def state(value):
    """Return a STATE message."""
    return {"type": "STATE", "value": {"n": value}}


@pytest.fixture
def pipe(write_tables, capsys):
    """Runs the mapper over messages and returns what it writes."""
    write_tables()

    def run(*messages, **config):
        mapper = MapFinance(config={**CONFIG, **config})
        mapper.listen(io.StringIO("".join(simplejson.dumps(message, use_decimal=True) + "\n" for message in messages)))
        return [json.loads(line, parse_float=str) for line in capsys.readouterr().out.splitlines()]

    return run


@pytest.fixture
def coding(vendor):
    """Everything a bill refers to, as a tap sends it before the bills."""
    account = {
        "id": "0ca01ACCTAAAAAAA0001",
        "organizationId": ORGANIZATION,
        "name": "Office",
        "account": {"number": "6100"},
    }
    department = {"id": "0de01DEPTAAAAAAA0001", "organizationId": ORGANIZATION, "name": "Operations"}
    return [
        schema("vendors"),
        record("vendors", vendor()),
        schema("chart_of_accounts"),
        record("chart_of_accounts", account),
        schema("departments"),
        record("departments", department),
    ]


def shape(messages):
    """Return what kind of messages came in which order."""
    return [(message["type"], message.get("stream") or message["value"]["n"]) for message in messages]


def test_documents_come_out_in_order_with_state(pipe, coding, bill):
    """Suppliers and invoices come out, coding is only remembered, state stays where it was."""
    out = pipe(*coding, state(1), schema("bills"), record("bills", bill()), state(2))
    assert shape(out) == [
        ("SCHEMA", "suppliers"),
        ("SCHEMA", "held_documents"),
        ("RECORD", "suppliers"),
        ("STATE", 1),
        ("SCHEMA", "supplier_invoices"),
        ("RECORD", "supplier_invoices"),
        ("STATE", 2),
    ]
    invoice = out[5]["record"]
    assert (invoice["external_id"], invoice["supplier"], invoice["total"]) == (
        "BILL-00n01BILLAAAAAAA0001",
        "S-00012",
        "228.99",
    )
    assert out[4]["key_properties"] == ["external_id"]


def test_records_fit_the_schemas(pipe, coding, bill):
    """Each record is valid against the schema sent before it, documents and held ones alike."""
    out = pipe(*coding, schema("bills"), record("bills", bill()), record("bills", bill(id="2", vendorId="x")))
    schemas = {message["stream"]: message["schema"] for message in out if message["type"] == "SCHEMA"}
    records = [message for message in out if message["type"] == "RECORD"]
    assert {message["stream"] for message in records} == {"suppliers", "supplier_invoices", "held_documents"}
    for message in records:
        exact = json.loads(json.dumps(message["record"]).replace('"228.99"', "228.99").replace('"79.99"', "79.99"))
        jsonschema.validate(exact, schemas[message["stream"]])


def test_schemas_are_plain():
    """Schemas have no references into themselves and money is a number."""
    text = json.dumps([document_schema("supplier_invoices"), document_schema("suppliers"), HELD_SCHEMA])
    assert "$" not in text
    assert "anyOf" not in text
    lines = document_schema("supplier_invoices")["properties"]["lines"]
    assert lines["items"]["properties"]["amount"] == {"type": "number"}
    assert lines["items"]["properties"]["quantity"] == {"type": ["number", "null"]}


def test_what_cannot_be_mapped_is_held_with_reasons(pipe, coding, bill):
    """A bill of an unmapped vendor is told in held_documents, with cause and cure."""
    out = pipe(*coding, schema("bills"), record("bills", bill(vendorId="0099")))
    held = out[-1]
    assert held["stream"] == "held_documents"
    assert held["record"]["external_id"] == "BILL-00n01BILLAAAAAAA0001"
    assert held["record"]["reasons"][0]["code"] == "missing_supplier"


def test_what_cannot_be_mapped_can_be_dropped(pipe, coding, bill):
    """Asked to, the mapper leaves held documents out, stream and all."""
    out = pipe(*coding, schema("bills"), record("bills", bill(vendorId="0099")), unresolved="drop")
    assert shape(out) == [("SCHEMA", "suppliers"), ("RECORD", "suppliers"), ("SCHEMA", "supplier_invoices")]


def test_what_is_not_wanted_is_left_out_but_withdrawal_is_told(pipe, coding, bill):
    """A paid bill is left out; an archived one is sent with what withdrew it, as it may have been sent before."""
    out = pipe(
        *coding,
        schema("bills"),
        record("bills", bill(paymentStatus="PAID")),
        record("bills", bill(id="2", archived=True)),
    )
    sent = [
        message["record"]
        for message in out
        if message.get("stream") == "supplier_invoices" and message["type"] == "RECORD"
    ]
    assert [(each["external_id"], each["withdrawn"]) for each in sent] == [("BILL-2", "archived")]


def test_references_are_remembered_for_the_next_run(pipe, coding, bill):
    """A later run that reads only bills still knows their vendors."""
    pipe(*coding, state(1))
    out = pipe(schema("bills"), record("bills", bill()))
    assert out[-1]["stream"] == "supplier_invoices"


def test_state_is_not_sent_before_references_are_kept(write_tables, tmp_path, vendor):
    """When a state leaves the mapper, another process can already read what came before it."""
    write_tables()
    mapper = MapFinance(config=CONFIG)
    list(mapper.map_record_message(record("vendors", vendor())))
    list(mapper.map_state_message(state(1)))
    other = SqliteReferences(str(tmp_path / ".ml-connector" / "references.db"))
    assert other.get(ORGANIZATION, "vendors", VENDOR)["name"] == "Northwind Paper LLC"
    other.close()


def test_other_streams_are_left_out_with_a_word(pipe, caplog):
    """Streams the map does not know go nowhere, and the log says so."""
    assert shape(pipe(schema("users"), record("users", {"id": "1"}), state(3))) == [("STATE", 3)]
    assert "Stream users is not in the map and is left out." in caplog.text


def test_misspelt_fields_are_told(pipe, caplog):
    """Fields the map reads and the stream does not have are in the log."""
    pipe(schema("departments", id={}, name={}, organizationId={}))
    assert "The map reads fields stream departments does not have: shortName." in caplog.text


def test_versions_are_not_passed_on(pipe, coding):
    """A full read of vendors is no reason to delete suppliers the filter left out."""
    out = pipe(*coding, {"type": "ACTIVATE_VERSION", "stream": "vendors", "version": 1})
    assert "ACTIVATE_VERSION" not in {message["type"] for message in out}


@pytest.fixture
def command(write_tables, tmp_path, caplog):
    """Runs the command line and returns exit code and the errors it tells."""
    write_tables()

    def run(config, *lines):
        path = tmp_path / "config.json"
        path.write_text(json.dumps(config), "utf-8")
        messages = tmp_path / "messages.jsonl"
        messages.write_text("".join(f"{line}\n" for line in lines), "utf-8")
        result = CliRunner().invoke(MapFinance.cli, ["--config", str(path), "--input", str(messages)])
        return result.exit_code, "\n".join(
            each.getMessage() for each in caplog.records if each.levelno >= logging.ERROR
        )

    return run


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"transform": "tap-bil", "target": "workday"}, 'there is no map for "tap-bil"'),
        ({"transform": "", "target": "workday"}, 'setting "transform" is missing.'),
        ({**CONFIG, "map_settings": {"x": 1}}, 'map tap_bill.yml has no setting "x".'),
        ({**CONFIG, "maps_dir": "nowhere"}, "there is no folder nowhere"),
    ],
)
def test_a_users_mistake_is_two_lines(command, config, message):
    """A wrong setting ends the mapper with what and cure, without a traceback."""
    code, said = command(config)
    told = said.splitlines()
    assert code == 1
    assert told[0].startswith("map-finance: ")
    assert message in told[0]
    assert len(told) == 2


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (
            {"type": "BATCH", "stream": "bills", "encoding": {}, "manifest": []},
            "stream bills comes in BATCH messages",
        ),
        (
            {"type": "RECORD", "stream": "bills", "record": {"organizationId": "8"}},
            "input line 2: stream bills: a record has no id",
        ),
        ("this is not Singer", "input line 2 is not a Singer message"),
    ],
)
def test_input_that_cannot_be_used_ends_the_run(command, message, told):
    """Batches, records without identity and noise are told, not traced back."""
    code, said = command(CONFIG, json.dumps(schema("bills")), json.dumps(message))
    assert code == 1
    assert said.startswith(f"map-finance: {told}")


def test_it_tells_about_itself():
    """`--about` lists every setting with a description."""
    result = CliRunner().invoke(MapFinance.cli, ["--about", "--format=json"])
    described = json.loads(result.stdout)["settings"]["properties"]
    assert set(described) == {
        "transform",
        "target",
        "maps_dir",
        "crosswalk_dir",
        "map_settings",
        "references_path",
        "unresolved",
    }
    assert all(setting["description"] for setting in described.values())
