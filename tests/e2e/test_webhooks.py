"""Systems ring, the real receiver answers, and what they rang about is posted: nothing lost, nothing run in vain."""

from __future__ import annotations

import collections
import contextlib
import json
import sqlite3
import sys

import httpx
import pytest
from bill_events import burst_of, compact, headers, payload, post_all
from harness import Project, alive, children, doubly_posted
from receiving import Receiver, fake_meltano, make_vault, webhooks_yml
from waiting import PATIENCE, wait_until

from erp_sandbox.bill.events import EventRules
from erp_sandbox.bill.rules import BillRules
from erp_sandbox.server import Sandbox
from erp_sandbox.world import World

pytestmark = [pytest.mark.slow, pytest.mark.e2e]

EVENTS = 10_000
KILLED_AFTER = 4_000
IN_A_HURRY = {"debounce_seconds": 0.3, "longest_wait_seconds": 2, "check_seconds": 0.5, "pause_seconds": 0.5}

INTAKE = """
import sqlite3, sys
# What the target's intake does with records the map does not want: it notes that it has seen them.
with sqlite3.connect(sys.argv[1], timeout=60) as ledger:
    ledger.execute("BEGIN IMMEDIATE")
    open_ = ledger.execute("SELECT count(*) FROM events WHERE state = 'open'").fetchone()[0]
    ledger.execute(
        "INSERT OR REPLACE INTO left_out (target, source, stream, source_id, version) "
        "SELECT 'workday:acme', source, stream, source_id, max(version) "
        "FROM events WHERE source_id IS NOT NULL GROUP BY source, stream, source_id"
    )
print(open_)
"""


def seeing_meltano(project):
    """A fake Meltano after whose runs the ledger has seen every object there is an event of."""
    notes = fake_meltano(project)
    script = notes.with_name("intake.py")
    script.write_text(INTAKE, "utf-8")
    program = notes.with_name("meltano")
    program.write_text(
        f'#!/bin/sh\necho "$@" "$({sys.executable} {script} {project.ledger_path})" >> {notes}\n', "utf-8"
    )
    return notes


def rows(project, query):
    """Ask the ledger's file directly."""
    with contextlib.closing(sqlite3.connect(project.ledger_path, timeout=60)) as ledger:
        return ledger.execute(query).fetchall()


def new_bill(box):
    """Enter a bill of a vendor both sides know; returns its id."""
    known = box.bill.bills()[0]
    coding = known["billLineItems"][0]["classifications"]
    return box.bill.add_bill(known["vendorId"], [(10, coding["chartOfAccountId"], coding.get("departmentId"))])["id"]


def posted(box, *bills):
    """Whether Workday has these bills."""
    return {f"BILL-{each}" for each in bills} <= {invoice.supplier_invoice_id for invoice in box.workday.invoices}


class Burst:
    """What came of a burst in the middle of which the receiver was killed."""

    def __init__(self, project, box):
        self.notes = seeing_meltano(project)
        webhooks_yml(project, **IN_A_HURRY | {"check_seconds": 60})
        with Receiver(project) as receiver:
            wait_until(lambda: "go to us" in receiver.said(), receiver.process)
            subscription = next(iter(box.bill.events.subscriptions.values()))
            self.ids, requests = burst_of(EVENTS, subscription.security_key, seed=7, subscription=subscription.id)
            first = post_all(
                receiver.door,
                requests,
                answered=lambda count: receiver.process.kill() if count == KILLED_AFTER else None,
            )
            receiver.kill()
            self.acknowledged = {_id(body) for (body, _), status in zip(requests, first, strict=True) if status == 200}
            self.kept_then = {row[0] for row in rows(project, "SELECT event_id FROM events")}
            with Receiver(project, port=receiver.port) as again:
                later = [request for request, status in zip(requests, first, strict=True) if status != 200]
                self.statuses = collections.Counter(post_all(again.door, later))
                wait_until(lambda: not rows(project, "SELECT 1 FROM events WHERE state = 'open' LIMIT 1"))
                self.health = project.ask("webhooks", "health", "--offline")
                wait_until(again.healthy)
        self.kept = rows(project, "SELECT event_id, state FROM events")
        self.runs = [line.rsplit(" ", 1) for line in self.notes.read_text("utf-8").splitlines()]


def _id(body):
    return json.loads(body)["metadata"]["eventId"]


def test_a_burst_of_ten_thousand_events_in_which_the_receiver_is_killed(tmp_path, monkeypatch, programs):
    """What was answered with 200 is on disk, in the end each event is there once and was seen, and no run was in vain.

    10,000 events, a fifth of them twice, shuffled; the receiver is killed after 4,000 answers and started again. What was
    not answered comes again, duplicates change nothing, and each run of the pipeline begins while events are open.
    """
    with Sandbox(World.plain(vendors=1, bills=1, lines=(1, 1))) as box:
        project = Project(tmp_path, box, programs)
        make_vault(project, monkeypatch)
        burst = Burst(project, box)
    assert len(burst.acknowledged) >= KILLED_AFTER * 0.8
    assert burst.acknowledged <= burst.kept_then
    assert set(burst.statuses) == {200}
    assert sorted(event for event, _ in burst.kept) == sorted(burst.ids)
    assert {state for _, state in burst.kept} == {"closed"}
    assert {words for words, _ in burst.runs} == {"run bills-to-workday"}
    assert all(int(open_) > 0 for _, open_ in burst.runs)
    assert burst.health["pipelines"][0]["open"] == 0


def test_a_change_in_bill_is_posted_and_an_outage_is_made_up_for(tmp_path, monkeypatch, programs):
    """A new bill is posted by a real meltano run. Switched off for not answering, the subscription recovers by itself.

    What was missed before and while it was off is posted, each bill once; a person is told of it.
    """
    rules = BillRules(events=EventRules(time_scale=0.02, duplicates=0.5))
    with Sandbox(World.plain(vendors=2, bills=3, lines=(1, 1)), rules=rules) as box:
        project = Project(tmp_path, box, programs)
        make_vault(project, monkeypatch)
        webhooks_yml(project, **IN_A_HURRY)
        with Receiver(project) as receiver:
            wait_until(lambda: "go to us" in receiver.said(), receiver.process)
            first = new_bill(box)
            wait_until(lambda: posted(box, first), receiver.process)
            wait_until(lambda: not rows(project, "SELECT 1 FROM events WHERE state = 'open'"), receiver.process)
            receiver.kill()
        subscription = next(iter(box.bill.events.subscriptions.values()))
        missed = new_bill(box)
        wait_until(lambda: not subscription.enabled)
        unsent = new_bill(box)
        with Receiver(project, port=receiver.port) as again:
            wait_until(lambda: posted(box, missed, unsent), again.process)
            assert subscription.enabled
            wait_until(lambda: not rows(project, "SELECT 1 FROM events WHERE state = 'open'"), again.process)
            assert "ALARM" in again.said()
        done = project.connector("webhooks", "health", "--json")
        assert done.code == 3, "the alarm stands until somebody has read it"
        assert "switched the subscription" in json.loads(done.out)["troubles"][0]
        assert project.connector("webhooks", "health", "--accept").code == 0
        assert doubly_posted(box) == []
        log = receiver.said() + again.said()
        assert project.leaks(log) == []
        assert subscription.security_key not in log


def test_events_are_acknowledged_while_a_target_delivers(tmp_path, monkeypatch, programs):
    """Both write to one SQLite file. A receiver that cannot keep an event within eight seconds would answer 503."""
    bills = 40
    world = World.plain(vendors=2, bills=bills, lines=(1, 1))
    with Sandbox(world, latency=0.25) as box:
        project = Project(tmp_path, box, programs)
        make_vault(project, monkeypatch)
        webhooks_yml(project, **IN_A_HURRY | {"check_seconds": 60})
        with Receiver(project) as receiver:
            wait_until(lambda: "go to us" in receiver.said(), receiver.process)
            subscription = next(iter(box.bill.events.subscriptions.values()))
            _, requests = burst_of(8 * bills, subscription.security_key, seed=3, subscription=subscription.id)
            batches = [requests[start : start + bills] for start in range(0, len(requests), bills)]
            assert set(post_all(receiver.door, batches.pop())) == {200}
            wait_until(lambda: len(box.workday.invoices) > bills // 20, receiver.process)
            delivered, statuses = [], collections.Counter()
            while batches and len(box.workday.invoices) < bills:
                statuses.update(post_all(receiver.door, batches.pop()))
                delivered.append(len(box.workday.invoices))
            assert set(statuses) == {200}
            assert delivered[0] < bills
            wait_until(lambda: len(box.workday.invoices) == bills, receiver.process)
        assert doubly_posted(box) == []


def test_forged_and_foreign_requests_leave_nothing_behind(tmp_path, monkeypatch, programs):
    """The real process refuses them, tells no detail, and stops gracefully with the run it has begun."""
    with Sandbox(World.plain(vendors=1, bills=1, lines=(1, 1))) as box:
        project = Project(tmp_path, box, programs)
        make_vault(project, monkeypatch)
        notes = fake_meltano(project, seconds=30)
        webhooks_yml(project, **IN_A_HURRY)
        with Receiver(project) as receiver, httpx.Client(trust_env=False) as http:
            wait_until(lambda: "go to us" in receiver.said(), receiver.process)
            subscription = next(iter(box.bill.events.subscriptions.values()))
            key = subscription.security_key
            good = compact(payload(subscription=subscription.id))
            foreign = compact(payload(subscription=subscription.id, organization="00801SOMEBODYELSE001"))
            answers = [
                http.post(receiver.door, content=good, headers=headers("another key", good)),
                http.post(receiver.door, content=good),
                http.post(receiver.door, content=foreign, headers=headers(key, foreign)),
                http.post(receiver.door, content=b"[]", headers=headers(key, b"[]")),
                http.post(receiver.door, content=b"x" * 1_000_000),
                http.get(receiver.door),
                http.post(f"{receiver.url}/webhooks/other", content=good, headers=headers(key, good)),
            ]
            assert [each.status_code for each in answers] == [401, 401, 403, 400, 413, 405, 404]
            assert [each.content for each in answers[:5]] == [b""] * 5
            assert not any("server" in each.headers for each in answers)
            assert rows(project, "SELECT * FROM events") == []
            for _ in range(3):  # the same one again and again
                assert http.post(receiver.door, content=good, headers=headers(key, good)).status_code == 200
            wait_until(notes.exists, receiver.process)
            running = children(receiver.process.pid)
            assert running
            receiver.process.terminate()
            assert receiver.process.wait(PATIENCE) == 0
            wait_until(lambda: not alive(running))
        assert len(rows(project, "SELECT * FROM events")) == 1
        assert rows(project, "SELECT state FROM events") == [("open",)]
        assert "stopped; events that are open stay open" in receiver.said()
