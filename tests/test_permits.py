from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from ml_connector.errors import SettingInvalid
from ml_connector.state_directory import hashed, state_directory
from ml_connector.transport.rate_limits import GROW_AFTER, HourlyBudget, Pace, Permits

HOLDER = """
import sys, pathlib
from ml_connector.transport.rate_limits import Permits
permits = Permits("acme", int(sys.argv[2]), directory=pathlib.Path(sys.argv[1]))
with permits.hold():
    print("held", flush=True)
    sys.stdin.read()
print("released", flush=True)
"""
SPENDER = """
import sys, pathlib
from ml_connector.transport.rate_limits import HourlyBudget
budget = HourlyBudget("acme", 300, directory=pathlib.Path(sys.argv[1]), clock=lambda: 7200.0)
print(sum(budget.spend() == 0.0 for _ in range(200)))
"""


def holder(directory, slots):
    """Start a process that holds one permit until its stdin closes."""
    return subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(directory), str(slots)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def takes(permits, wait=0.3):
    """Tell whether a permit can be had; it is given back at once."""
    got = threading.Event()

    def hold():
        with permits.hold():
            got.set()

    thread = threading.Thread(target=hold, daemon=True)
    thread.start()
    return got.wait(wait), thread


@pytest.fixture
def permits(tmp_path):
    """Two permits."""
    return Permits("acme", 2, directory=tmp_path)


def test_no_more_calls_at_once_than_permits(permits):
    """Threads of one process share the permits."""
    under_way, most, lock = 0, 0, threading.Lock()

    def call():
        nonlocal under_way, most
        for _ in range(20):
            with permits.hold():
                with lock:
                    under_way += 1
                    most = max(most, under_way)
                threading.Event().wait(0.001)
                with lock:
                    under_way -= 1

    threads = [threading.Thread(target=call) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 2


def test_other_processes_count(tmp_path):
    """A permit another process holds is taken; when that process ends, it is free."""
    process = holder(tmp_path, 1)
    assert process.stdout.readline() == "held\n"
    free, thread = takes(Permits("acme", 1, directory=tmp_path))
    assert not free
    process.communicate("")
    thread.join(5)
    assert not thread.is_alive()


def test_a_killed_process_gives_its_permit_back(tmp_path):
    """Kill -9 releases what was held."""
    process = holder(tmp_path, 1)
    assert process.stdout.readline() == "held\n"
    os.kill(process.pid, signal.SIGKILL)
    process.wait(5)
    assert takes(Permits("acme", 1, directory=tmp_path), wait=5)[0]
    process.stdin.close()
    process.stdout.close()


def test_names_are_apart(tmp_path):
    """Permits of another name are others."""
    with Permits("acme", 1, directory=tmp_path).hold():
        assert takes(Permits("other", 1, directory=tmp_path), wait=5)[0]


def test_a_permit_is_given_back_after_an_error(permits):
    """An exception in the block frees the permit."""
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), permits.hold():
            raise ZeroDivisionError
    assert takes(permits, wait=5)[0]


def test_shrinking_leaves_one_and_grows_back(permits):
    """Being told off lowers the number, never below one; undisturbed calls raise it again, never above."""
    permits.shrink()
    permits.shrink()
    assert permits.limit == 1
    for _ in range(3 * GROW_AFTER):
        with permits.hold():
            pass
    assert permits.limit == 2


def test_no_key_shows_in_a_file_name(tmp_path):
    """Names are hashed."""
    with Permits("bill|01SECRETKEY", 1, directory=tmp_path).hold():
        HourlyBudget("bill|01SECRETKEY", 5, directory=tmp_path).spend()
        assert [path for path in tmp_path.iterdir() if "SECRET" in path.name] == []
    assert hashed("a") != hashed("b")


def test_a_budget_is_spent_and_starts_anew_with_the_hour(tmp_path):
    """The last call of an hour says how long until the next; then it counts from zero."""
    now = 3600.0 * 5 + 3590
    budget = HourlyBudget("acme", 2, directory=tmp_path, clock=lambda: now)
    assert [budget.spend() for _ in range(3)] == [0.0, 0.0, 10.0]
    now += 10
    assert budget.spend() == 0.0


def test_a_budget_counts_over_processes(tmp_path):
    """Two processes that spend 200 of 300 each get 300 together."""
    spenders = [
        subprocess.Popen([sys.executable, "-c", SPENDER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    assert sum(int(spender.communicate()[0]) for spender in spenders) == 300


def test_a_damaged_budget_file_starts_from_zero(tmp_path):
    """Nonsense in the file is as if absent."""
    budget = HourlyBudget("acme", 1, directory=tmp_path)
    (tmp_path / f"{hashed('acme')}.hour").write_text("nonsense")
    assert budget.spend() == 0.0


def test_the_state_directory_is_private(tmp_path, monkeypatch):
    """The chosen directory is made for its owner alone."""
    monkeypatch.setenv("ML_CONNECTOR_STATE_DIR", str(tmp_path / "state"))
    place = state_directory("permits")
    assert place == tmp_path / "state" / "permits"
    assert [path.stat().st_mode & 0o777 for path in (place, place.parent)] == [0o700, 0o700]


def test_a_state_directory_that_cannot_be_written_is_told(tmp_path, monkeypatch):
    """Before the first lock in it fails."""
    monkeypatch.setenv("ML_CONNECTOR_STATE_DIR", str(tmp_path))
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(SettingInvalid, match="permits cannot be written to"):
        state_directory("permits")


@pytest.mark.parametrize("home", ["", "/nowhere"])
def test_the_state_directory_needs_no_home(tmp_path, monkeypatch, home):
    """Without a usable home there is still a private place."""
    monkeypatch.delenv("ML_CONNECTOR_STATE_DIR", raising=False)
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setenv("HOME", home)
    monkeypatch.setattr("ml_connector.state_directory.tempfile.gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr("ml_connector.state_directory.os.access", lambda path, _mode: str(path) != "/")
    place = state_directory("permits")
    assert place.is_relative_to(tmp_path)
    assert place.parent.stat().st_mode & 0o777 == 0o700


class _Time:
    """A clock that only moves while somebody sleeps."""

    def __init__(self):
        self.now = 1000.0
        self.slept = []

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.slept.append(round(seconds, 3))
        self.now += seconds


def test_a_pace_lets_a_second_s_worth_through_and_then_one_at_a_time(tmp_path):
    """Four a second: four at once, then one every quarter."""
    time = _Time()
    pace = Pace("acme", 4, directory=tmp_path, clock=time, sleep=time.sleep)
    for _ in range(6):
        pace.wait()
    assert time.slept == [0.25, 0.25]


def test_a_pace_is_shared_by_all_who_use_its_name(tmp_path):
    """What another has used is not there."""
    time = _Time()
    for _ in range(5):
        Pace("acme", 4, directory=tmp_path, clock=time, sleep=time.sleep).wait()
    Pace("other", 4, directory=tmp_path, clock=time, sleep=time.sleep).wait()
    assert time.slept == [0.25]


def test_a_pace_below_one_a_second_lets_the_first_through(tmp_path):
    """Six a minute: the second waits ten seconds."""
    time = _Time()
    pace = Pace("acme", 0.1, directory=tmp_path, clock=time, sleep=time.sleep)
    pace.wait()
    pace.wait()
    assert time.slept == [10.0]


@pytest.mark.parametrize("kept", ["nonsense", "999999999"])
def test_a_pace_waits_for_no_turn_that_cannot_be(tmp_path, kept):
    """A damaged file, or a clock that was set back, stops nobody."""
    time = _Time()
    (tmp_path / f"{hashed('acme')}.pace").write_text(kept)
    Pace("acme", 4, directory=tmp_path, clock=time, sleep=time.sleep).wait()
    assert time.slept == []
