"""``ml-connector webhooks``: what people see of it."""

from __future__ import annotations

import contextlib
import datetime as dt
import socket

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet

from erp_sandbox.server import Sandbox
from erp_sandbox.world import World
from ml_connector.ledger.schema import events, wakes
from ml_connector.ledger.store import Ledger
from ml_connector.vault import Vault
from ml_connector.webhooks.provider import Event
from ml_connector.webhooks.store import keep

URL = "https://hooks.host.invalid"


@pytest.fixture(scope="module")
def box():
    """BILL with a few bills."""
    with Sandbox(World.plain(vendors=1, bills=1, lines=(1, 1))) as running:
        yield running


@pytest.fixture
def webhooks(commands, box, monkeypatch):
    """Commands in a project with a vault, and an organization without subscriptions."""
    box.bill.events.subscriptions.clear()
    commands.lead_to(box)
    monkeypatch.setenv("ML_CONNECTOR_KEY", Fernet.generate_key().decode())
    Vault.create()
    commands.ledger_url = f"sqlite:///{commands.folder}/ledger.db"
    commands.env["ML_CONNECTOR_LEDGER_URL"] = commands.ledger_url
    return commands


def test_a_subscription_from_its_making_to_its_end(webhooks, box):
    """subscribe, list, rotate-key, health, unsubscribe: each tells what it did, and no key is ever shown."""
    said = webhooks.run("webhooks", "subscribe", "--public-url", URL)
    assert f"bill: 8 kinds of events go to {URL}/webhooks/bill" in said
    (at_bill,) = box.bill.events.subscriptions.values()
    keys = [at_bill.security_key]
    listed = webhooks.ask("webhooks", "list")
    assert [(each["id"], each["ours"], each["enabled"]) for each in listed] == [(at_bill.id, True, True)]
    said += webhooks.run("webhooks", "list") + webhooks.run("webhooks", "rotate-key")
    keys.append(at_bill.security_key)
    assert keys[0] != keys[1]
    healthy = webhooks.ask("webhooks", "health")
    assert healthy["troubles"] == []
    said += webhooks.run("webhooks", "health")
    said += webhooks.run("webhooks", "unsubscribe")
    assert f"{at_bill.id} ended" in said
    assert box.bill.events.subscriptions == {}
    assert Vault.open().names() == []
    assert not any(key in said for key in keys)
    assert "no subscription is known" in webhooks.run("webhooks", "health")


def test_what_is_offered_is_listed(webhooks):
    """With what webhooks.yml wants of it."""
    offered = webhooks.ask("webhooks", "list", "--offered")
    by_kind = {each["kind"]: each["wanted"] for each in offered}
    assert (by_kind["bill.updated"], by_kind["payment.updated"]) == (True, False)


def test_one_kind_can_be_chosen(webhooks, box):
    """For trying; a kind that nothing is woken by is refused."""
    webhooks.run("webhooks", "subscribe", "--public-url", URL, "--event", "bill.updated")
    (at_bill,) = box.bill.events.subscriptions.values()
    assert at_bill.events == [("bill.updated", "1")]
    said = webhooks.run("webhooks", "subscribe", "--public-url", URL, "--event", "invoice.created", code=1)
    assert "nothing that webhooks.yml wants is offered" in said


def test_a_test_notification_keeps_nothing_waiting(webhooks, box):
    """Nobody listens here: it is sent, fails, and no pipeline waits for its object."""
    (done,) = webhooks.ask("webhooks", "subscribe", "--public-url", URL, "--test")
    assert done["test_event"] in box.bill.events.history
    assert webhooks.ask("webhooks", "health", "--offline")["pipelines"][0]["open"] == 0


def rung(webhooks, *, pipeline, hours=0, failures=0, **values):
    """Let the ledger have an event of so many hours ago; ``values`` are those of its row."""
    moment = dt.datetime.now(dt.UTC) - dt.timedelta(hours=hours)
    event = Event("bill", "org", f"e-{pipeline}", "bill.updated", "bills", "00nX", moment, moment)
    row = {"pipeline": pipeline, "failures": failures, "exit_code": 1}
    with contextlib.closing(Ledger(webhooks.ledger_url)) as ledger:
        ledger.write(lambda connection: keep(connection, [event], lambda _: (pipeline,)))
        ledger.write(lambda connection: connection.execute(sa.insert(wakes).values(row)))
        if values:
            ledger.write(lambda connection: connection.execute(sa.update(events).values(values)))


def test_what_was_never_seen_asks_for_attention_until_it_is_accepted(webhooks):
    """Named with its object, exit code 3; --accept gives it up. That the pipeline failed once is over with it."""
    rung(webhooks, pipeline="bills-to-workday", failures=2, state="unseen", wakes=5)
    said = webhooks.run("webhooks", "health", "--offline", code=3)
    assert "bills-to-workday: 1 events were never seen by a run: bill.updated 00nX" in said
    assert "failed" not in said
    told = webhooks.ask("webhooks", "health", "--offline", "--accept")
    assert ([each["unseen"] for each in told["pipelines"]], told["troubles"]) == ([0], [])


def test_a_pipeline_that_fails_asks_for_attention_while_something_waits(webhooks):
    """Accepting does not help: its events are not given up."""
    rung(webhooks, pipeline="bills-to-workday", hours=2, failures=2)
    told = webhooks.ask("webhooks", "health", "--offline", "--accept", code=3)
    assert told["troubles"] == [
        "bills-to-workday: failed 2 times in a row (code 1)",
        "bills-to-workday: events have been open for more than an hour; is a receiver running?",
    ]


def test_what_waits_for_a_pipeline_that_is_no_more_is_given_up(webhooks):
    """When somebody says so, and not within the hour: it may be another project's that shares the ledger."""
    rung(webhooks, pipeline="renamed", hours=2)
    rung(webhooks, pipeline="elsewhere")
    assert "renamed: events have been open for more than an hour; webhooks.yml has no such pipeline" in webhooks.run(
        "webhooks", "health", "--offline", code=3
    )
    told = webhooks.ask("webhooks", "health", "--offline", "--accept")
    assert {each["pipeline"]: each["open"] for each in told["pipelines"]} == {"elsewhere": 1, "renamed": 0}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("serve", "--public-url", "http://hooks.host.invalid"), "unencrypted"),
        (("serve", "--pipeline", "nothing"), "no pipeline nothing"),
        (("serve", "--door", "nothing"), "no door nothing"),
        (("subscribe", "--public-url", "ftp://x"), "not a web address"),
        (("rotate-key",), "no subscription of ours"),
    ],
    ids=["not https", "no pipeline", "no door", "no address", "no subscription"],
)
def test_a_mistake_is_told_in_two_lines(webhooks, words, said):
    """What is wrong, and what to do."""
    output = webhooks.run("webhooks", *words, code=1)
    assert said in output
    assert len(output.splitlines()) == 2


def test_a_port_that_is_taken_is_told(webhooks):
    """Before anything is run or subscribed."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        said = webhooks.run("webhooks", "serve", "--port", port, "--public-url", URL, code=1)
    assert f"nothing can listen on 127.0.0.1 port {port}: Address already in use" in said
    assert len(said.splitlines()) == 2


def test_without_a_vault_nothing_is_asked_of_the_system(webhooks, box, monkeypatch):
    """A key that cannot be kept must not be made."""
    monkeypatch.setenv("ML_CONNECTOR_VAULT", "nowhere/vault.json")
    assert "there is no vault" in webhooks.run("webhooks", "subscribe", "--public-url", URL, code=1)
    assert "there is no vault" in webhooks.run("webhooks", "serve", code=1)
    assert box.bill.events.subscriptions == {}


def test_without_settings_no_door_is_open(commands):
    """Nothing leads to BILL."""
    assert "no door is open" in commands.run("webhooks", "list", code=1)
