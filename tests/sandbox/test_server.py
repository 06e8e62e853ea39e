"""The sandbox as a server and as a command."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import httpx
import pytest
from bill_client import TOKEN
from click.testing import CliRunner
from waiting import PATIENCE

from erp_sandbox import server
from erp_sandbox.cli import main
from erp_sandbox.server import Sandbox
from erp_sandbox.snapshot import SnapshotUnreadableError, load_snapshot, save_snapshot
from erp_sandbox.world import World

COMMAND = Path(sys.executable).with_name("erp-sandbox")


def small():
    """The world of these tests."""
    return World.plain(vendors=3, bills=4, lines=(1, 2))


# In process


def test_the_sandbox_listens_on_loopback_only(sandbox):
    """There is no setting for the address."""
    box = sandbox()
    assert box.url.startswith("http://127.0.0.1:")
    assert server.HOST == "127.0.0.1"
    port = int(box.url.rpartition(":")[2])
    with socket.socket() as other:
        assert other.connect_ex(("127.0.0.2", port)) != 0


def test_both_systems_are_served_below_one_address(sandbox, client):
    """BILL below /bill/connect, Workday below /workday."""
    box = sandbox()
    assert box.bill_base_url == f"{box.url}/bill/connect"
    assert client(box).get("/v3/login/session").status_code == 200
    assert box.workday_base_url == f"{box.url}/workday"
    wsdl = httpx.get(f"{box.workday_base_url}/ccx/service/nobody/Financial_Management/v42.0?wsdl")
    assert wsdl.status_code == 404
    assert box.stats.calls("workday") == 1


def test_a_stopped_sandbox_answers_no_more():
    """The port is free again after the with block."""
    with Sandbox(small()) as box:
        url = box.url
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/_sandbox/stats")
    port = int(url.rpartition(":")[2])
    with Sandbox(small(), port=port) as again:
        assert again.url == url


def test_a_port_in_use_is_an_error(sandbox):
    """The second sandbox on a port does not start."""
    port = int(sandbox().url.rpartition(":")[2])
    with pytest.raises(OSError, match="in use"):
        Sandbox(small(), port=port).start()


def test_the_control_address_counts_calls(sandbox, client):
    """Calls by endpoint, statuses and the most at once, per system."""
    box = sandbox()
    client(box).get("/v3/bills", max=0)
    bill = httpx.get(f"{box.url}/_sandbox/stats").json()["bill"]
    assert bill == {
        "calls": 2,
        "endpoints": {"GET /v3/bills": 1, "POST /v3/login": 1},
        "statuses": {"200": 1, "400": 1},
        "max_concurrency": 1,
    }


def test_the_control_address_edits_a_bill(sandbox, client):
    """The edit is in the next read, with a newer updatedTime; an unknown id is a 404, no JSON a 400."""
    box = sandbox()
    old = box.bill.bills()[0]
    address = f"{box.url}/_sandbox/bill/bills/{old['id']}"
    assert httpx.post(address, json={"description": "edited", "amount": 10.25}).status_code == 200
    new = client(box).get(f"/v3/bills/{old['id']}").json()
    assert (new["description"], new["amount"]) == ("edited", 10.25)
    assert new["updatedTime"] > old["updatedTime"]
    assert httpx.post(f"{box.url}/_sandbox/bill/bills/nothing", json={}).status_code == 404
    assert httpx.post(address, content=b"nonsense").status_code == 400


def test_the_control_address_totals_what_can_be_posted(sandbox):
    """Approved and unpaid bills of the demo, by currency, exact."""
    box = sandbox(World.demo())
    totals = httpx.get(f"{box.url}/_sandbox/bill/totals").json()
    assert {currency: total["count"] for currency, total in totals.items()} == {
        "USD": 150,
        "EUR": 19,
        "JPY": 6,
        "KWD": 3,
    }
    store = box.bill.approved_unpaid_totals()
    assert Decimal(str(totals["KWD"]["amount"])) == store["KWD"]["amount"]
    assert httpx.get(f"{box.url}/_sandbox/workday/totals").json() == {}


def test_a_reset_brings_the_first_moment_back(sandbox, client):
    """Data, sessions, counts and faults are as on the first day; switches stay."""
    box = sandbox()
    one = client(box)
    before = box.bill.bills()
    box.bill.edit_bill(before[0]["id"], description="edited")
    box.faults.set("slow", 0.5)
    assert httpx.post(f"{box.url}/_sandbox/reset").status_code == 200
    assert box.bill.bills() == before
    assert box.faults.describe() == []
    assert one.get("/v3/bills").status_code == 401


def test_data_is_kept_between_two_runs(tmp_path):
    """What was edited in one run is there in the next, in both systems."""
    first, second = Sandbox(World.demo()), Sandbox(small())
    edited = first.bill.edit_bill(first.bill.bills()[0]["id"], description="edited")
    first.workday.inactivate_supplier("S-00001")
    save_snapshot(first, tmp_path)
    assert load_snapshot(second, tmp_path) is True
    assert second.bill.bill(edited["id"]) == edited
    assert second.bill.to_json() == first.bill.to_json()
    assert second.workday.to_json() == first.workday.to_json()


def test_without_kept_data_nothing_is_loaded(tmp_path):
    """The first run starts with its world."""
    assert load_snapshot(Sandbox(small()), tmp_path) is False


def test_a_damaged_file_is_named_with_its_cure(tmp_path):
    """The message says which file to remove."""
    path = save_snapshot(Sandbox(small()), tmp_path)
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(SnapshotUnreadableError, match=r"sandbox\.json.*Remove it"):
        load_snapshot(Sandbox(small()), tmp_path)


# The command


def run(*arguments):
    """The outcome of the command, in process."""
    return CliRunner().invoke(main, arguments)


def test_every_switch_of_up_is_explained():
    """`erp-sandbox up --help` has a sentence for each one."""
    text = run("up", "--help").output
    for option in main.commands["up"].params:
        assert option.help, option.name
        assert f"--{option.name.replace('_', '-')}" in text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("up", "--faults", "earthquake=1"), "earthquake=1"),
        (("up", "--bills", "5"), "--bills needs --profile plain"),
        (("up", "--lines", "0-3"), "0-3"),
        (("up", "--cursor", "sideways"), "sideways"),
    ],
)
def test_a_wrong_switch_is_refused_in_words(arguments, words):
    """No traceback, but what was wrong."""
    outcome = run(*arguments)
    assert outcome.exit_code == 2
    assert words in outcome.output


def test_a_port_in_use_is_told_in_words(sandbox):
    """The message says which switch helps."""
    outcome = run("up", "--port", sandbox().url.rpartition(":")[2])
    assert outcome.exit_code == 1
    assert "Choose another with --port" in outcome.output


def test_the_command_writes_mapping_tables(tmp_path):
    """One file per kind, in the folder the target looks for."""
    assert run("crosswalk", str(tmp_path), "--profile", "plain", "--bills", "3").exit_code == 0
    names = {path.name for path in (tmp_path / "bill-workday").iterdir()}
    assert names == {"suppliers.csv", "spend_categories.csv", "cost_centers.csv", "companies.csv"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_serves_until_told_to_stop_and_keeps_its_data(tmp_path, number):
    """It prints settings that work, stops cleanly on either signal and leaves its data behind."""
    arguments = [
        "up",
        "--port",
        "0",
        "--profile",
        "plain",
        "--bills",
        "7",
        "--print-env",
        "--data-dir",
        str(tmp_path),
    ]
    with subprocess.Popen([COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        printed = {}
        while "TARGET_WORKDAY_ISU_PASSWORD" not in printed:
            name, _, value = process.stdout.readline().strip().partition("=")
            printed[name] = value
        body = {
            "username": printed["TAP_BILL_USERNAME"],
            "password": printed["TAP_BILL_PASSWORD"],
            "organizationId": printed["TAP_BILL_ORGANIZATION_ID"],
            "devKey": printed["TAP_BILL_DEV_KEY"],
        }
        assert body == TOKEN
        assert httpx.post(f"{printed['TAP_BILL_BASE_URL']}/v3/login", json=body).status_code == 200
        os.kill(process.pid, number)
        _, told = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert "127.0.0.1" in told
    assert "Traceback" not in told
    again = Sandbox(small())
    assert load_snapshot(again, tmp_path)
    assert len(again.bill.bills()) == 7
