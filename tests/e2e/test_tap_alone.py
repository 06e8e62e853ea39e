"""tap-bill in another stack: with a target nobody here wrote, and with documents instead of native records."""

from __future__ import annotations

import collections
import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import jsonschema
import pytest
from filelock import FileLock
from waiting import PATIENCE

from erp_sandbox.world import World

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@pytest.fixture(scope="session")
def target_jsonl(request):
    """The program target-jsonl, in an environment of its own: it pins versions of packages this project has newer."""
    folder = request.config.cache.mkdir("target-jsonl") / f"{sys.version_info.major}{sys.version_info.minor}"
    program = folder / "bin" / "target-jsonl"
    with FileLock(f"{folder}.lock"):  # several processes of one test run want it
        if not program.exists():
            _install(folder)
    return program


def _install(folder):
    """Make the environment by pip, which finds its registry where people have told it to, without a home too."""
    pip = [folder / "bin" / "python", "-m", "pip", "--disable-pip-version-check", "--no-input"]
    for command in (
        [sys.executable, "-m", "venv", "--clear", folder],
        [*pip, "install", "--quiet", "target-jsonl==0.1.4"],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)
        if done.returncode:
            pytest.skip(f"target-jsonl cannot be installed here: {done.stderr.strip().splitlines()[-1]}")


def messages_of(done):
    """The Singer messages a process printed, money exact."""
    assert done.code == 0, done.err
    return [json.loads(line, parse_float=Decimal) for line in done.out.splitlines()]


def validated(messages):
    """Check each record against the schema announced before it; return the records by stream."""
    validators, records = {}, collections.defaultdict(list)
    for message in messages:
        if message["type"] == "SCHEMA":
            jsonschema.Draft7Validator.check_schema(message["schema"])
            validators[message["stream"]] = jsonschema.Draft7Validator(message["schema"])
        elif message["type"] == "RECORD":
            validators[message["stream"]].validate(message["record"])
            records[message["stream"]].append(message["record"])
    return dict(records)


def test_a_tap_needs_nothing_but_its_settings(project):
    """tap-bill alone prints valid Singer: every record fits the schema announced before it, bills come out as BILL has them."""
    here = project(World.build(vendors=10, bills=30, payments=12, lines=(1, 6)))
    messages = messages_of(here.run("tap-bill", "--config=ENV"))
    records = validated(messages)
    assert messages[-1]["type"] == "STATE"
    assert {record["id"] for record in records["bills"]} == {bill["id"] for bill in here.box.bill.bills()}
    for record in records["bills"]:
        bill = here.box.bill.bill(record["id"])
        assert {name: record[name] for name in bill} == bill
    assert len(records["vendors"]) == 10
    assert len(records["payments"]) == 12


def test_records_arrive_in_a_target_of_other_people(project, target_jsonl):
    """Piped into target-jsonl, every bill, vendor and payment is a line of its files, and the state comes back."""
    here = project(World.build(vendors=10, bills=30, payments=12, lines=(1, 6)))
    tapped = here.run("tap-bill", "--config=ENV")
    config = here.folder / "jsonl.json"
    config.write_text(json.dumps({"destination_path": str(here.folder), "do_timestamp_file": False}), "utf-8")
    written = subprocess.run(
        [target_jsonl, "--config", config],
        input=tapped.out,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert written.returncode == 0, written.stderr
    for stream, count in {"bills": 30, "vendors": 10, "payments": 12}.items():
        lines = (here.folder / f"{stream}.jsonl").read_text("utf-8").splitlines()
        assert len({json.loads(line)["id"] for line in lines}) == len(lines) == count
    assert json.loads(written.stdout.splitlines()[-1])["bookmarks"]["bills"]


def test_a_mapper_between_them_gives_documents(project):
    """tap-bill piped into map-finance gives supplier invoices with the target's ids and exact totals, and says what is held."""
    here = project(World.demo())
    tapped = here.run("tap-bill", "--config=ENV")
    mapped = here.run(
        "map-finance",
        "--config=ENV",
        stdin=tapped.out,
        MAP_FINANCE_TRANSFORM="tap-bill",
        MAP_FINANCE_TARGET="workday",
    )
    messages = messages_of(mapped)
    records = validated(messages)
    assert set(records) == {"suppliers", "supplier_invoices", "held_documents"}
    assert messages[-1]["type"] == "STATE"
    assert messages[-1]["value"] == messages_of(tapped)[-1]["value"]
    mapped_totals, billed = collections.Counter(), collections.Counter()
    for invoice in records["supplier_invoices"]:
        bill = here.box.bill.bill(invoice["external_id"].removeprefix("BILL-"))
        mapped_totals[invoice["currency"]] += Decimal(str(invoice["total"]))
        billed[here.box.bill.vendor(bill["vendorId"])["billCurrency"]] += Decimal(bill["amount"])
        assert invoice["company"] == "CO-100"
    assert mapped_totals == billed
    assert set(billed) == {"USD", "EUR", "JPY", "KWD"}
    assert any("Field Ops" in json.dumps(each, default=str) for each in records["held_documents"])


def test_meltano_runs_the_mapper_between_tap_and_target(project, target_jsonl):
    """`meltano run tap-bill map-finance-bill <any loader>` works, with a loader this project knows nothing of."""
    here = project()
    path = Path(here.folder, "meltano.yml")
    text = path.read_text("utf-8")
    loader = (
        "  - name: target-jsonl\n    namespace: target_jsonl\n"
        f"    executable: {target_jsonl}\n    config: {{destination_path: out, do_timestamp_file: false}}\n"
    )
    path.write_text(text.replace("  loaders:\n", f"  loaders:\n{loader}", 1), "utf-8")
    (here.folder / "out").mkdir()
    done = here.meltano("run", "tap-bill", "map-finance-bill", "target-jsonl")
    assert done.code == 0, done.err
    lines = (here.folder / "out" / "supplier_invoices.jsonl").read_text("utf-8").splitlines()
    assert {json.loads(line)["external_id"] for line in lines} == {
        f"BILL-{bill['id']}" for bill in here.box.bill.bills()
    }
