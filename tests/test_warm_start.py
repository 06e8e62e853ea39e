"""Programs that start warm behave as those that are installed: whatever a test shows with them holds for both."""

from __future__ import annotations

import os
import signal
import subprocess
import time

import pytest
from waiting import PATIENCE, wait_until
from warm_start import BIN

pytestmark = pytest.mark.slow


@pytest.fixture(params=["warm", "as installed"])
def programs(request):
    """Both, one after the other."""
    return request.getfixturevalue("warm") if request.param == "warm" else BIN


@pytest.fixture
def start(programs, tmp_path):
    """Starts a program in an empty folder, with nothing of this process's environment."""

    def run(program, *words, **env):
        return subprocess.Popen(
            [programs / program, *words],
            cwd=tmp_path,
            env={"PATH": f"{programs}{os.pathsep}{os.defpath}", "HOME": str(tmp_path), **env},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return run


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("ml-connector", "--version"), 0),
        (("ml-connector", "status"), 1),
        (("ml-connector", "stauts"), 2),
        (("tap-bill", "--config=none.json"), 1),
        (("meltano", "run", "tap-bill"), 2),
    ],
)
def test_it_ends_with_its_own_code(start, words, code):
    """Right or wrong."""
    process = start(*words)
    process.communicate(timeout=PATIENCE)
    assert process.returncode == code


def test_it_reads_what_it_is_given_and_answers_whoever_started_it(start):
    """Its standard input, output and errors are those of whoever started it."""
    process = start("map-finance", "--config=ENV", MAP_FINANCE_TRANSFORM="tap-bill", MAP_FINANCE_TARGET="workday")
    out, err = process.communicate('{"type": "STATE", "value": {"a": 1}}\n', timeout=PATIENCE)
    assert '"a"' in out, err


def test_it_is_in_the_folder_and_environment_of_whoever_started_it(start, tmp_path):
    """A project is looked for where it is started."""
    process = start("ml-connector", "status")
    assert str(tmp_path) in process.communicate(timeout=PATIENCE)[1]
    process = start("ml-connector", "status", ML_CONNECTOR_LEDGER_URL="nonsense")
    assert "ledger_url" in process.communicate(timeout=PATIENCE)[1]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_is_told_the_signals_that_ask_for_its_end(start, how):
    """A target that waits for its input ends by them, as if it had got them itself."""
    process = start("target-workday", "--config=ENV", TARGET_WORKDAY_BASE_URL="http://127.0.0.1:9")
    time.sleep(0.1)
    while process.poll() is None:
        process.send_signal(how)
        time.sleep(0.05)
    assert process.returncode != 0
    process.communicate(timeout=PATIENCE)


def test_a_folder_is_made_with_the_umask_of_whoever_started_it(start, tmp_path):
    """Not with that of the process that serves."""
    before = os.umask(0o027)
    try:
        process = start("meltano", "init", "project", "--no-usage-stats")
        process.communicate(timeout=PATIENCE)
    finally:
        os.umask(before)
    assert (tmp_path / "project" / "extract").stat().st_mode & 0o777 == 0o750


def test_whoever_kills_its_script_has_killed_it(warm, tmp_path):
    """Its pipes are closed a moment later."""
    process = subprocess.Popen(
        [warm / "map-finance", "--config=ENV"],
        env={
            "PATH": str(warm),
            "HOME": str(tmp_path),
            "MAP_FINANCE_TRANSFORM": "tap-bill",
            "MAP_FINANCE_TARGET": "workday",
        },
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    process.kill()
    assert process.stdout.read() == b""
    wait_until(lambda: process.poll() is not None)
    process.communicate()


def test_scripts_that_are_killed_at_any_moment_leave_the_next_one_alone(warm, tmp_path):
    """Whatever they had said by then."""
    for number in range(20):
        process = subprocess.Popen([warm / "map-finance", "--version"], env={"PATH": str(warm)}, stdout=subprocess.PIPE)
        time.sleep(number / 500)
        process.kill()
        process.communicate()
    done = subprocess.run([warm / "map-finance", "--version"], env={"PATH": str(warm)}, cwd=tmp_path, check=False)
    assert done.returncode == 0
