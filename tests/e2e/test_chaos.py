"""Processes are killed at random moments while everything else goes wrong as well: each bill is posted once, none is lost."""

from __future__ import annotations

import datetime as dt
import os
import random
import secrets
import signal
import subprocess
import time

import pytest
import sqlalchemy as sa
from harness import BIN, SUBMIT, alive, assert_posted_once, children, writes
from waiting import wait_until

from erp_sandbox.world import World
from ml_connector.ledger.schema import entries
from ml_connector.ledger.store import Ledger

pytestmark = [pytest.mark.e2e, pytest.mark.chaos, pytest.mark.slow]

FAULTS = {"throttle": 0.03, "error_500": 0.03, "drop_before": 0.03, "drop_after": 0.03}


@pytest.fixture
def chance():
    """Random numbers; CHAOS_SEED repeats those of an earlier session, pytest shows it when the test fails."""
    seed = int(os.environ.get("CHAOS_SEED") or secrets.randbelow(1_000_000))
    print(f"CHAOS_SEED={seed}")  # noqa: T201 - shown on failure only
    return random.Random(seed)


def break_things(box, chance):
    """Let both systems fail in every way they know, and BILL forget sessions."""
    for kind, rate in FAULTS.items():
        box.faults.set(kind, rate)
    box.faults.set("drop_after", 0.08, system="workday", side="writes")
    box.faults.set("expire_session", 0.02, system="bill")
    box.faults._random.seed(chance.random())


def enter_bills(here, chance, count):
    """Let people enter further bills."""
    accounts = [line["classifications"] for bill in here.box.bill.bills()[:20] for line in bill["billLineItems"]]
    for _ in range(count):
        coding = chance.choice(accounts)
        vendor = here.world.vendor_id(chance.randint(1, here.world.vendor_count))
        amount = chance.randint(1, 9999)
        here.box.bill.add_bill(
            vendor, [(amount, coding["chartOfAccountId"], coding["departmentId"])], description="entered later"
        )


def requests(box):
    """How many calls both systems have had."""
    return box.stats.calls("bill") + box.stats.calls("workday")


def until_requests(box, count, process):
    """Wait until the systems have had so many more calls, or the process has ended."""
    goal = requests(box) + count
    wait_until(lambda: requests(box) >= goal, process)


def let_time_pass(url):
    """Let waits and leases run out, as they do in a few minutes."""
    past = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=5)
    with Ledger(url) as ledger:
        ledger.write(
            lambda connection: connection.execute(sa.update(entries).values(next_attempt_at=past, lease_until=past))
        )


def settle(here):
    """Mend the systems and run to the end; the last run has nothing left to do."""
    here.box.faults.clear()
    let_time_pass(here.ledger_url)
    ended = here.pipe()
    assert (ended.tap.code, ended.target.code) == (0, 0), ended.target.err
    bills = len(here.box.bill.bills())
    assert here.states() == {"posted": bills}
    assert_posted_once(here)
    before = writes(here.box)
    here.state_path.unlink()
    again = here.pipe()
    assert (again.tap.code, again.target.code) == (0, 0), again.target.err
    assert again.target.invoices == {"unchanged": bills}
    assert writes(here.box) == before
    assert here.ask("held") == []
    assert here.ask("audit", "verify")["intact"] is True


def kill_somewhere(here, chance, phase):
    """Run the pipeline and kill part of it in a phase; return whether something was alive to be killed."""
    box, before = here.box, writes(here.box)
    pending = here.ledger_path.exists() and here.states().get("received", 0) > 20
    with here.piped(reading=phase != "delivering" or not pending) as running:
        victims = [running.target] if chance.random() < 0.6 else [running.tap, running.target]
        if phase == "starting":
            time.sleep(chance.uniform(0, 1))
        elif phase == "reading":
            until_requests(box, chance.randint(1, 20), running.tap)
        elif phase == "source gone":
            victims = [running.tap]
            until_requests(box, chance.randint(1, 10), running.tap)
        else:
            wait_until(lambda: writes(box) > before, running.target)
            until_requests(box, chance.randint(0, 12), running.target)
        time.sleep(chance.uniform(0, 0.03))
        lives = any(process.poll() is None for process in victims)
        running.kill(*victims)
        running.finish()
    return lives


@pytest.mark.parametrize("times", [2, pytest.param(5, marks=pytest.mark.long)])
def test_however_often_it_is_killed_each_bill_is_posted_once(project, chance, times):
    """Killed, tap or target or both, with requests failing all around: each bill is one invoice, none is lost."""
    here = project(World.plain(bills=150, lines=(1, 5), vendors=20), cold=True, box={"latency": 0.005, "jitter": 0.015})
    break_things(here.box, chance)
    kinds = ("drop_before", "drop_after", "error_500")
    for kind in kinds:  # each at least once, whatever chance says
        here.box.faults.next("workday", kind, side="writes")
    phases = (["starting", "reading"] + ["delivering"] * 3) * times + ["source gone"]
    chance.shuffle(phases)
    while phases:
        if kill_somewhere(here, chance, phases[0]):
            phases.pop(0)
        enter_bills(here, chance, 3)
    happened = here.box.faults.happened()
    assert {f"workday.{kind}" for kind in kinds} <= set(happened)
    settle(here)


@pytest.mark.parametrize("times", [2, pytest.param(3, marks=pytest.mark.long)])
def test_a_killed_meltano_run_leaves_nothing_behind(project, chance, times):
    """`meltano run` killed with everything it started can be run again, and each bill is still posted once."""
    here = project(World.plain(bills=40, lines=(1, 3), vendors=10), cold=True, box={"latency": 0.01, "jitter": 0.02})
    break_things(here.box, chance)
    for _ in range(times):
        before = writes(here.box)
        process = subprocess.Popen(
            [BIN / "meltano", "run", "--force", "tap-bill", "target-workday"],
            cwd=here.folder,
            env=here.environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        wait_until(lambda: writes(here.box) > before, process)  # noqa: B023 - called at once
        until_requests(here.box, chance.randint(0, 15), process)
        family = children(process.pid) | {process.pid}
        for pid in family:
            os.kill(pid, signal.SIGKILL)
        process.wait()
        wait_until(lambda: not alive(family))  # noqa: B023 - called at once
        enter_bills(here, chance, 3)
    here.box.faults.clear()
    let_time_pass(here.ledger_url)
    done = here.deliver("--force")
    assert done.code == 0, done.err
    assert here.states() == {"posted": 40 + 3 * times}
    assert_posted_once(here)
    assert here.ask("audit", "verify")["intact"] is True


@pytest.mark.parametrize("phase", ["reading", "delivering"])
def test_asked_to_stop_it_stops_in_order(project, phase):
    """SIGTERM ends the target soon, with nothing left of unknown outcome; the next run does the rest."""
    here = project(World.plain(bills=60, lines=(1, 3), vendors=10), box={"latency": 0.05})
    with here.piped() as running:
        if phase == "reading":
            here.box.latency.seconds = 0.5
            wait_until(running.acknowledged, running.tap)
        else:
            wait_until(lambda: writes(here.box) > 5, running.target)
        assert running.target.poll() is None
        running.kill(running.target, how=signal.SIGTERM)
        ended = running.finish()
    here.box.latency.seconds = 0
    assert "Traceback" not in ended.target.err
    assert "posting" not in here.states()
    if phase == "reading":
        assert ended.target.code == 128 + signal.SIGTERM
        assert here.box.workday.invoices == []
    else:
        assert ended.target.invoices["created"] == here.states()["posted"] == len(here.box.workday.invoices)
        assert here.states()["received"] == 60 - len(here.box.workday.invoices) > 0
    settle(here)


def test_an_answer_that_is_lost_is_asked_for_and_not_sent_again(project):
    """When connections break right after Workday has written, the invoices are looked up and counted as created."""
    here = project()
    here.box.faults.next("workday", "drop_after", 4, side="writes")
    done = here.pipe()
    assert done.target.code == 0, done.target.err
    assert done.target.invoices == {"created": 12}
    assert here.box.workday.requests[SUBMIT] == 12
    assert_posted_once(here)
