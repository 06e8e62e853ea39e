"""What real sources send: one bad line, record or value holds its own document, and the others go out."""

from __future__ import annotations

import copy
import gzip
import json

import pytest
from streaming import STATE, TARGETS, line, record, run, schema, settings_for

from erp_sandbox.world import World
from ml_connector.documents import DocumentSource

ORGANIZATION = "organizationId"
AMOUNT = {"amount": {"type": ["number", "null"]}}


class Pipeline:
    """target-workday behind tap-bill's map, and the records a tap would send it."""

    def __init__(self, box, world, folder):
        self.box = box
        self.folder = folder
        world.write_crosswalk(folder / "transforms" / "crosswalk")
        for table, value in {"spend_categories": "Office_Supplies", "cost_centers": "CC-110"}.items():
            path = folder / "transforms" / "crosswalk" / "bill-workday" / f"{table}.csv"
            path.write_text(f"source,target\n*,{value}\n", "utf-8")
        own = {ORGANIZATION: world.organization_id}
        self.bills = [json.loads(json.dumps(bill | own, default=float)) for bill in box.bill.bills()]
        ids = dict.fromkeys(bill["vendorId"] for bill in self.bills)
        self.vendors = [json.loads(json.dumps(box.bill.vendor(each) | own, default=float)) for each in ids]

    def run(self, *messages, data=None, **settings):
        """Run the target over messages; the vendors come first."""
        config = settings_for(self.box, "target-workday") | {"transform": "tap-bill"} | settings
        target = TARGETS["target-workday"](config=config)
        head = [schema("vendors"), *(record("vendors", **vendor) for vendor in self.vendors)]
        return run(target, data if data is not None else [*head, *messages])

    def bill(self, number=0, **changes):
        """Return a bill's record, changed by the arguments."""
        return copy.deepcopy(self.bills[number]) | changes

    def copies(self, count):
        """Return so many bills that differ in id and number only."""
        made = []
        for number in range(count):
            made.append(self.bill(0, id=f"00nTSTBILL{number:010d}"))
            made[-1]["invoice"]["invoiceNumber"] = f"T-{number}"
        return made

    @property
    def invoices(self):
        """The invoices Workday has."""
        return list(self.box.workday.invoices)


@pytest.fixture
def pipeline(sandbox, tmp_path, monkeypatch):
    """A pipeline with six bills of three vendors."""
    monkeypatch.setenv("MELTANO_PROJECT_ROOT", str(tmp_path))
    world = World.plain(vendors=3, bills=6, lines=(1, 1))
    return Pipeline(sandbox(world), world, tmp_path)


def bills(*records, properties=()):
    """Return the messages of bills, announced, with the state after them."""
    return [schema("bills", properties), *(record("bills", **each) for each in records), STATE]


def as_text(bill):
    """Return the bill with its amounts as text, which its schema calls numbers."""
    return bill | {"amount": str(bill["amount"])}


@pytest.mark.parametrize("order", ["alone", "first", "between", "last"])
def test_a_malformed_record_is_held_whatever_the_order(pipeline, order):
    """The malformed one is held with what is wrong, each good one goes out, and the state is acknowledged."""
    bad = as_text(pipeline.bill(0))
    good = [pipeline.bill(1), pipeline.bill(2)]
    records = {"alone": [bad], "first": [bad, *good], "between": [good[0], bad, good[1]], "last": [*good, bad]}[order]
    ran = pipeline.run(*bills(*records, properties=AMOUNT))
    assert (ran.code, ran.error, ran.states) == (0, None, [STATE["value"]])
    assert ran.held() == {bad["id"]: "bills: amount is malformed, expected a number"}
    assert ran.posted() == {each["id"] for each in records if each is not bad}
    assert len(pipeline.invoices) == len(records) - 1


def test_a_wider_schema_that_comes_later_counts(pipeline):
    """A record is judged by the schema announced last, and one held by an earlier one goes out when it is read again."""
    bad = as_text(pipeline.bill(0))
    narrow, wide = bills(bad, properties=AMOUNT), bills(bad, properties={"amount": {}})
    assert list(pipeline.run(*narrow).held()) == [bad["id"]]
    ran = pipeline.run(*narrow[:-1], *wide)
    assert (ran.held(), ran.posted()) == ({}, {bad["id"]})


def test_a_deviation_no_map_reads_is_only_told(pipeline, caplog):
    """A field that no document depends on may be what it likes: the record is taken, with one warning."""
    odd = pipeline.bill(0, fundingAmount={"of": "another shape"})
    ran = pipeline.run(*bills(odd, properties={"fundingAmount": {"type": "number"}}))
    assert (ran.held(), ran.posted()) == ({}, {odd["id"]})
    told = [each for each in caplog.messages if "fundingAmount" in each]
    assert len(told) == 1
    assert "no document depends on it" in told[0]


def test_a_malformed_reference_is_kept(pipeline, caplog):
    """A department of a wrong shape is remembered all the same: what refers to it must not wait for ever."""
    department = {"id": "0de01X", ORGANIZATION: pipeline.bills[0][ORGANIZATION], "name": 7}
    ran = pipeline.run(schema("departments", {"name": {"type": "string"}}), record("departments", **department), STATE)
    assert (ran.code, ran.held(), ran.states) == (0, {}, [STATE["value"]])
    assert any("departments: name is malformed" in each for each in caplog.messages)


@pytest.mark.parametrize("kept", ["newer first", "older first"])
def test_the_newer_version_wins_within_one_batch(pipeline, kept):
    """A bill that comes twice in one input is posted as its newer version says, whatever the order."""
    newer = pipeline.bill(0, updatedTime="2026-10-20T10:00:00.000+00:00", description="newer")
    older = pipeline.bill(0, updatedTime="2026-10-10T10:00:00.000+00:00", description="older")
    pipeline.run(*bills(*([newer, older] if kept == "newer first" else [older, newer])))
    assert [invoice.memo for invoice in pipeline.invoices] == ["newer"]


BROKEN = {
    "no JSON": b'{"type": "RECORD", "stream": "bills", "record": {"id": "x", "amount": }}',
    "cut in the middle": b'{"type": "RECORD", "stream": "bills", "record": {"id": "x", "amo',
    "a stray print": b"Connecting to the server ...",
    "a list": b"[1, 2]",
    "a number": b"5",
    "nested deeply": b'{"type": "RECORD", "stream": "bills", "record": ' + b"[" * 5000 + b"]" * 5000 + b"}",
    "a record that is a list": b'{"type": "RECORD", "stream": "bills", "record": [1]}',
    "no record": b'{"type": "RECORD", "stream": "bills"}',
    "no id": b'{"type": "RECORD", "stream": "bills", "record": {"organizationId": "008", "amount": 5}}',
    "no organization": b'{"type": "RECORD", "stream": "bills", "record": {"id": "x", "amount": 5}}',
    "an id that is a list": b'{"type": "RECORD", "stream": "bills", "record": {"id": ["x"], "organizationId": "008"}}',
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_line_of_which_no_record_can_be_made_is_set_aside(pipeline, name):
    """It is held with its number and its text, the others go out, the state is acknowledged, and later runs tell it."""
    messages = [
        schema("bills"),
        record("bills", **pipeline.bill(0)),
        BROKEN[name],
        record("bills", **pipeline.bill(1)),
        STATE,
    ]
    ran = pipeline.run(*messages)
    assert (ran.code, ran.error, ran.states) == (0, None, [STATE["value"]])
    assert ran.posted() == {pipeline.bills[0]["id"], pipeline.bills[1]["id"]}
    (held,) = [entry for entry in ran.entries if entry.state == "held"]
    number = len(pipeline.vendors) + 1 + 3
    assert held.kind == "unreadable_lines"
    assert held.reasons[0].what.startswith(f"input line {number}")
    assert held.source_id in held.reasons[0].cure
    assert len(held.record) < 2200
    assert ran.summary.counts["unreadable_lines"]["held"] == 1
    again = pipeline.run(*messages)
    assert [entry.id for entry in again.entries if entry.state == "held"] == [held.id]
    assert len(pipeline.invoices) == 2


def test_what_is_kept_of_a_line_has_no_secret(pipeline):
    """Bank details, passwords and tokens are hidden in what is kept, whether the line could be parsed or not."""
    whole = {"type": "RECORD", "stream": "bills", "record": {"iban": "DE89-PLANTED", "name": "Acme"}}
    cut = b'{"type": "RECORD", "stream": "bills", "record": {"accountNumber": "PLANTED 4711", "password":"PLANTED'
    ran = pipeline.run(schema("bills"), whole, cut, STATE)
    kept = [entry.record for entry in ran.entries if entry.kind == "unreadable_lines"]
    assert len(kept) == 2
    assert "Acme" in kept[0]
    assert [each for each in kept if "PLANTED" in each] == []


def test_a_broken_line_of_a_stream_nothing_is_kept_of_is_left_out(pipeline):
    """What would be left out anyway holds nothing."""
    cut = b'{"type": "RECORD", "stream": "meltano_test_stream", "record": {"id": '
    assert pipeline.run(schema("bills"), cut, record("bills", **pipeline.bill(0)), STATE).held() == {}


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_number_holds_its_record_under_its_own_id(pipeline, value):
    """A record with NaN is held as the document it is, so that its next version mends it by itself."""
    bad = pipeline.bill(0)
    raw = line(record("bills", **bad)).replace(json.dumps(bad["amount"]).encode(), value.encode(), 1).rstrip()
    ran = pipeline.run(schema("bills"), raw, record("bills", **pipeline.bill(1)), STATE)
    assert ran.held() == {bad["id"]: f"bills: {value} is not a number"}
    assert ran.posted() == {pipeline.bills[1]["id"]}
    mended = pipeline.run(*bills(pipeline.bill(0, updatedTime="2026-11-20T10:00:00.000+00:00")))
    assert mended.posted() == {pipeline.bills[0]["id"], pipeline.bills[1]["id"]}


NUMBERS = [
    "1e-9999999999",
    "1e9999999999",
    "1e1000000",
    "1e99999999999999999999999",
    "9" * 5000,
    '"1_000"',
    '"\uff11\uff12"',
    "1e61",
]


@pytest.mark.parametrize("field", ["amount", "quantity"])
def test_a_number_nothing_can_be_holds_its_record(pipeline, field):
    """Numbers are bounded where they come in: nothing hangs, nothing ends, and later runs are not poisoned."""
    messages = [schema("bills")]
    *bad, good = pipeline.copies(len(NUMBERS) + 1)
    for number, bill in zip(NUMBERS, bad, strict=True):
        (bill if field == "amount" else bill["billLineItems"][0])[field] = 4711.25
        messages.append(line(record("bills", **bill)).replace(b"4711.25", number.encode()).rstrip())
    for _ in range(2):
        ran = pipeline.run(*messages, record("bills", **good), STATE)
        assert (ran.code, ran.states) == (0, [STATE["value"]])
        assert set(ran.held()) == {bill["id"] for bill in bad}
        assert ran.posted() == {good["id"]}


def test_a_quantity_no_target_has_room_for_is_held(pipeline):
    """A quantity of 1e26 holds its document with a reason in a clerk's words."""
    messages = [schema("bills")]
    for quantity, bill in zip(["1e26", "1e16", "-1e26"], pipeline.copies(3), strict=True):
        bill["billLineItems"][0] |= {"quantity": 4711.25, "price": 0.01}
        messages.append(line(record("bills", **bill)).replace(b"4711.25", quantity.encode()).rstrip())
    held = pipeline.run(*messages, STATE).held()
    assert len(held) == 3
    assert all("quantity" in why and "too large" in why for why in held.values())


DAYS = ["0001-01-01", "0026-10-01", "9999-12-31", "1899-12-31", "2200-01-01"]


@pytest.mark.parametrize("field", ["invoiceDate", "dueDate"])
def test_a_date_nobody_can_mean_is_held_and_named(pipeline, field):
    """Year 1, year 26 and the end of all time hold their document only; the target is asked about none of them."""
    *bad, good = pipeline.copies(len(DAYS) + 1)
    for day, bill in zip(DAYS, bad, strict=True):
        (bill["invoice"] if field == "invoiceDate" else bill)[field] = day
    ran = pipeline.run(*bills(*bad, good))
    assert ran.code == 0
    assert [day in ran.held()[bill["id"]] for day, bill in zip(DAYS, bad, strict=True)] == [True] * len(DAYS)
    assert ran.posted() == {good["id"]}


def test_a_byte_that_is_not_utf_8_holds_its_record(pipeline, caplog):
    """One line names input line and byte; what came before is durable and the others go on."""
    bad = pipeline.bill(1, description="caf@")
    raw = line(record("bills", **bad)).replace(b"@", b"\xe9").rstrip()
    byte = raw.index(b"\xe9") + 1
    ran = pipeline.run(
        schema("bills"), record("bills", **pipeline.bill(0)), raw, record("bills", **pipeline.bill(2)), STATE
    )
    assert (ran.code, ran.states) == (0, [STATE["value"]])
    assert ran.held() == {bad["id"]: f"bills: byte {byte} (0xE9) is not UTF-8"}
    assert ran.posted() == {pipeline.bills[0]["id"], pipeline.bills[2]["id"]}
    told = [each.getMessage() for each in caplog.records if each.levelname == "WARNING"]
    assert [each for each in told if "not UTF-8" in each] == [
        f"input line {len(pipeline.vendors) + 4}: bills: byte {byte} (0xE9) is not UTF-8"
    ]


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda data: b"\xef\xbb\xbf" + data, id="BOM"),
        pytest.param(lambda data: b"\n\r\n" + data.replace(b"\n", b"\r\n\n  \n"), id="blank lines"),
        pytest.param(lambda data: data.rstrip(b"\n"), id="no line end at the end"),
    ],
)
def test_what_is_no_error_is_none(pipeline, damage):
    """A mark at the beginning, blank lines and a missing last line end change nothing."""
    messages = [schema("vendors"), *(record("vendors", **each) for each in pipeline.vendors)]
    data = b"".join(map(line, [*messages, *bills(pipeline.bill(0, description="Café Zürich"))]))
    ran = pipeline.run(data=damage(data))
    assert (ran.code, ran.held(), ran.states) == (0, {}, [STATE["value"]])
    assert [invoice.memo for invoice in pipeline.invoices] == ["Café Zürich"]


def test_names_are_read_as_utf_8_whatever_the_locale(pipeline):
    """Standard input is opened as text of another encoding, as with LANG=de_DE; names arrive as they were sent."""
    raw = json.dumps(record("bills", **pipeline.bill(0, description="Café Zürich")), ensure_ascii=False).encode()
    pipeline.run(schema("bills"), raw, STATE)
    assert [invoice.memo for invoice in pipeline.invoices] == ["Café Zürich"]


def test_utf_16_is_named(pipeline):
    """A file in UTF-16 is told as that, in one line, and not as thousands of broken ones."""
    ran = pipeline.run(data=b"\xff\xfe" + "".join(map(json.dumps, bills(pipeline.bill(0)))).encode("utf-16-le"))
    assert (ran.code, ran.error.what, ran.entries) == (1, "the input is UTF-16.", [])


@pytest.mark.parametrize("text", ["half \\ud83d a smile", "a \\u0000 zero", "both \\udc00\\u0000"])
def test_half_a_character_and_zero_are_marked(pipeline, text):
    """What can be written in no encoding is replaced by the mark for it; the document goes out."""
    raw = line(record("bills", **pipeline.bill(0, description="@"))).replace(b'"@"', f'"{text}"'.encode()).rstrip()
    ran = pipeline.run(schema("bills"), raw, STATE)
    assert (ran.code, ran.held()) == (0, {})
    (invoice,) = pipeline.invoices
    assert "\ufffd" in invoice.memo


FIELDS = ["description", "purchaseOrderNumber", "vendorName"]


CHARACTERS = ["\x01", "\x0b", "\x0c", "\x1f", "\ufffe", "\uffff"]


@pytest.mark.parametrize("field", FIELDS)
def test_a_control_character_is_left_out_in_every_field(pipeline, field):
    """It is left out in one place for all fields; nothing is told in Workday's name."""
    made = pipeline.copies(len(CHARACTERS))
    for character, bill in zip(CHARACTERS, made, strict=True):
        bill[field] = f"PO-1{character}7"
    ran = pipeline.run(*bills(*made))
    assert (ran.code, ran.held()) == (0, {})
    assert len(pipeline.invoices) == len(CHARACTERS)
    shown = {"description": "memo", "purchaseOrderNumber": "external_po_number"}.get(field)
    assert {getattr(each, shown) for each in pipeline.invoices if shown} <= {"PO-1 7", "PO-17"}


def test_a_control_character_in_a_number_people_search_by_is_left_out(pipeline):
    """The supplier's own number goes out without it."""
    bill = pipeline.bill(0)
    bill["invoice"]["invoiceNumber"] = "R-\x0b1"
    pipeline.run(*bills(bill))
    assert [invoice.suppliers_invoice_number for invoice in pipeline.invoices] == ["R- 1"]


def test_the_input_that_is_cut_off_keeps_what_came_before(pipeline):
    """A last line without an end is the tap's death: one line, what came before is durable, no state after it."""
    data = b"".join(map(line, [schema("bills"), record("bills", **pipeline.bill(0))])) + b'{"type": "STATE", "va'
    ran = pipeline.run(data=data)
    assert (ran.code, ran.states) == (1, [])
    assert "input line 3" in ran.error.what
    assert "cut off" in ran.error.what
    assert [entry.state for entry in ran.entries] == ["received"]


def batch(*files, **encoding):
    """Return a message that says in which files the records of bills are."""
    return {"type": "BATCH", "stream": "bills", "encoding": {"format": "jsonl"} | encoding, "manifest": list(files)}


@pytest.mark.parametrize("form", ["plain", "gzip", "address"])
def test_batches_of_local_files_are_read(pipeline, form):
    """Records that lie in JSONL files are taken like any other, a broken line among them is set aside."""
    text = b"".join(map(line, (pipeline.bill(0), b"{broken", pipeline.bill(1))))
    path = pipeline.folder / "part-1.jsonl"
    path.write_bytes(gzip.compress(text) if form == "gzip" else text)
    message = batch(path.as_uri() if form != "plain" else str(path), compression="gzip" if form == "gzip" else "none")
    ran = pipeline.run(schema("bills"), message, STATE)
    assert (ran.code, ran.states) == (0, [STATE["value"]])
    assert ran.posted() == {pipeline.bills[0]["id"], pipeline.bills[1]["id"]}
    (what,) = ran.held().values()
    assert "part-1.jsonl line 2 is not JSON" in what


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (batch("s3://bucket/part-1.jsonl"), "is not on this machine"),
        (batch("no-such-file.jsonl"), "is not there"),
        (batch("x.parquet", format="parquet"), "format 'parquet'"),
        (batch("x.jsonl", compression="zstd"), "compression 'zstd'"),
        (batch(7), "is not on this machine"),
    ],
)
def test_batches_that_cannot_be_read_are_refused_before_state_moves(pipeline, message, words):
    """Nothing of them is acknowledged: one line, a non-zero exit, no state."""
    ran = pipeline.run(schema("bills"), record("bills", **pipeline.bill(0)), message, STATE)
    assert (ran.code, ran.states) == (1, [])
    assert words in ran.error.what
    assert [each.source_id for each in ran.entries if each.kind != "suppliers"] == [pipeline.bills[0]["id"]]


def test_a_batch_whose_file_is_damaged_is_refused(pipeline):
    """A file that ends in the middle of its compression moves no state either."""
    path = pipeline.folder / "part-1.jsonl.gz"
    path.write_bytes(gzip.compress(line(pipeline.bill(0)) * 50)[:-12])
    ran = pipeline.run(schema("bills"), batch(str(path), compression="gzip"), STATE)
    assert (ran.code, ran.states) == (1, [])
    assert "part-1.jsonl.gz cannot be read to its end" in ran.error.what


def test_a_defect_shows_in_exit_code_summary_and_status(pipeline, monkeypatch, caplog):
    """The run goes on and exits with 70; its closing lines and `status` have the number, and no traceback."""
    from click.testing import CliRunner

    from ml_connector.cli import main
    from target_workday.sinks import SupplierInvoiceSink

    caplog.set_level("INFO")
    original = SupplierInvoiceSink.check

    def check(sink, document):
        if document.source.id == pipeline.bills[0]["id"]:
            raise KeyError("vendors")
        return original(sink, document)

    monkeypatch.setattr(SupplierInvoiceSink, "check", check)
    ran = pipeline.run(*bills(*map(pipeline.bill, range(3))))
    assert (ran.code, ran.states) == (70, [STATE["value"]])
    assert len(ran.posted()) == 2
    (number,) = ran.summary.defects
    assert any(f"defects of ml-connector: {number}" in each for each in caplog.messages)
    assert "Traceback" not in caplog.text
    told = CliRunner().invoke(main, ["status"], env={"COLUMNS": "400"})
    assert f"defects of ml-connector: {number}" in told.output


def test_a_defect_while_a_record_is_taken_sets_it_aside(pipeline, monkeypatch):
    """A fault of ours before a record is in loses nothing: its text is kept, the state moves, the exit code tells."""
    from ml_connector.ledger.intake import Intake

    original = Intake.add

    def add(intake, stream, record, **rest):
        if record["id"] == pipeline.bills[0]["id"]:
            raise ZeroDivisionError
        return original(intake, stream, record, **rest)

    monkeypatch.setattr(Intake, "add", add)
    ran = pipeline.run(*bills(*map(pipeline.bill, range(2))))
    assert (ran.code, ran.states, len(ran.posted())) == (70, [STATE["value"]], 1)
    (kept,) = [entry for entry in ran.entries if entry.kind == "unreadable_lines"]
    assert "a defect of ml-connector" in kept.reasons[0].what
    assert pipeline.bills[0]["id"] in kept.record


STAMPS = ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "26-10-01", "", 5, ["x"]]


def test_a_moment_that_cannot_be_holds_up_nobody(pipeline):
    """A stamp before year 1 or after 9999 in UTC, or of another kind, is one that is not known; all bills go out."""
    made = pipeline.copies(2 * len(STAMPS) + 1)
    for number, stamp in enumerate(STAMPS):
        made[2 * number]["createdTime"] = stamp
        made[2 * number + 1]["updatedTime"] = stamp
    ran = pipeline.run(*bills(*made))
    assert (ran.code, ran.error, ran.held()) == (0, None, {})
    assert ran.posted() == {each["id"] for each in made}


@pytest.mark.parametrize("stamp", STAMPS, ids=repr)
def test_a_document_says_when_it_was_made_or_that_is_not_known(stamp):
    """What is no moment in UTC is none: the ledger could not keep it, and the target is asked then."""
    source = {"system": "sap", "instance": "1", "stream": "invoices", "id": "1", "created_at": stamp}
    assert DocumentSource.model_validate(source).created_at is None


def test_a_text_of_many_megabytes_is_no_defect(pipeline):
    """It is sent, or held in Workday's own words; its outcome is known, and the others go out."""
    long, good = pipeline.copies(2)
    ran = pipeline.run(*bills(long | {"description": "x" * 11_000_000}, good))
    assert (ran.code, ran.error, ran.summary.defects) == (0, None, set())
    assert [entry for entry in ran.entries if entry.uncertain] == []
    assert good["id"] in ran.posted()


HOSTILE_SCHEMAS = {
    "a pattern that takes for ever": {"description": {"type": "string", "pattern": "^(a+)+$"}},
    "names that take for ever": {"invoice": {"patternProperties": {"^([a-z]+)+X$": {}}}},
}


@pytest.mark.parametrize("name", HOSTILE_SCHEMAS)
def test_a_schema_holds_up_nobody(pipeline, name):
    """Patterns are not looked at: no document depends on them, and some take longer than anybody waits."""
    odd = pipeline.bill(0, description="a" * 60 + "!")
    odd["invoice"]["a" * 60] = 1
    ran = pipeline.run(*bills(odd, properties=HOSTILE_SCHEMAS[name]))
    assert (ran.code, ran.posted()) == (0, {odd["id"]})


REFERENCES = {
    "leads in a circle": {"amount": {"$ref": "#/properties/amount"}},
    "leads nowhere (PointerToNowhere: '/definitions/q'": {"amount": {"$ref": "#/definitions/q"}},
    "leads nowhere (Unresolvable: http://127.0.0.1": {"amount": {"$ref": "http://127.0.0.1:9/schema.json"}},
}


@pytest.mark.parametrize("why", REFERENCES)
def test_a_schema_that_cannot_be_followed_holds_its_records(pipeline, why):
    """With what is wrong with it; nothing is fetched, and it is no defect of ours."""
    odd = pipeline.bill(0)
    ran = pipeline.run(*bills(odd, properties=REFERENCES[why]))
    assert (ran.code, ran.error, ran.states) == (0, None, [STATE["value"]])
    assert f"the schema of stream bills has a reference that {why}" in ran.held()[odd["id"]]
