"""The demo, as a newcomer runs it."""

from __future__ import annotations

import os
import re
import signal
import subprocess

import pytest
from harness import BIN, ROOT, children, members
from waiting import PATIENCE, wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

ENVIRONMENT = {"PATH": os.defpath, "NO_COLOR": "1"}


def demo(folder, *options):
    """Start the demo from the checkout."""
    return subprocess.Popen(
        [BIN / "erp-sandbox", "demo", "--folder", folder / "demo", *options],
        cwd=ROOT,
        env={**ENVIRONMENT, "HOME": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )


def totals(text):
    """The totals told, with the verdict: currency -> "= the bills' total"."""
    return dict(re.findall(r"^\s+([A-Z]{3}) [\d,.]+\s+(\S.*)$", text, re.MULTILINE))


def test_the_demo_posts_all_it_can_and_nothing_twice(tmp_path):
    """`demo` posts 171 of 178 bills with totals equal to the bills', `demo --again` posts nothing."""
    first = demo(tmp_path)
    text = first.communicate(timeout=PATIENCE)[0]
    assert first.returncode == 0, text
    assert "posted now: 171 invoices; in Workday altogether: 171" in text
    assert totals(text) == dict.fromkeys(["USD", "EUR", "JPY", "KWD"], "= the bills' total")
    assert 'department "Field Ops"' in text
    assert "S-00031" in text

    second = demo(tmp_path, "--again")
    text = second.communicate(timeout=PATIENCE)[0]
    assert second.returncode == 0, text
    assert "posted now: 0 invoices; in Workday altogether: 171" in text
    assert totals(text) == dict.fromkeys(["USD", "EUR", "JPY", "KWD"], "= the bills' total")


def test_the_round_trip_pays_what_business_central_owes(tmp_path):
    """`demo --pair business-central-bill`: invoices to BILL, their payments back, equal in every currency."""
    process = demo(tmp_path, "--pair", "business-central-bill")
    text = process.communicate(timeout=PATIENCE)[0]
    assert process.returncode == 0, text
    assert "21 invoices of Business Central stand in BILL; 21 payment lines wait in journal BILL" in text
    told = re.findall(r"^\s+([A-Z]{3}) [\d,.]+\s+(\S.*)$", text, re.MULTILINE)
    assert told == [
        (each, words) for each in ("EUR", "JPY", "USD") for words in ("= the bills' total", "= paid in BILL")
    ]
    assert "has more than the 2 decimals BILL keeps" in text
    assert text.count("paid in part in Business Central") == 3


def test_again_without_a_first_time_says_what_to_do(tmp_path):
    """`demo --again` in an empty folder is a mistake told in one line."""
    process = demo(tmp_path, "--again")
    text = process.communicate(timeout=PATIENCE)[0]
    assert process.returncode == 1
    assert text == "Error: there is nothing to go on with yet: run `make demo` first\n"


def test_outside_the_checkout_nothing_is_touched(tmp_path):
    """Run where there is no meltano.yml, the demo says so and leaves the folder of an earlier one alone."""
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "kept.txt").write_text("kept", "utf-8")
    done = subprocess.run(
        [BIN / "erp-sandbox", "demo", "--folder", tmp_path / "demo"],
        cwd=tmp_path,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert done.returncode == 1
    assert done.stderr == f"Error: there is no meltano.yml in {tmp_path}: run the demo in the checkout\n"
    assert (tmp_path / "demo" / "kept.txt").exists()


def test_a_folder_that_no_demo_has_made_is_left_as_it_is(tmp_path):
    """`demo --folder X` empties a folder only where the mark of an earlier demo stands in it."""
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "ledger.xlsx").write_text("years of work", "utf-8")
    process = demo(tmp_path)
    text = process.communicate(timeout=PATIENCE)[0]
    assert process.returncode == 1
    assert text.endswith("was not made by the demo, and is left as it is: name an empty or new folder with --folder\n")
    assert [each.name for each in (tmp_path / "demo").iterdir()] == ["ledger.xlsx"]


def test_a_demo_goes_on_with_its_own_pair_only(tmp_path):
    """`demo --again --pair` of another pair than the folder's says which it is."""
    (tmp_path / "demo" / "sandbox").mkdir(parents=True)
    (tmp_path / "demo" / ".made-by-the-demo").write_text("bill-workday\n", "utf-8")
    process = demo(tmp_path, "--again", "--pair", "business-central-bill")
    text = process.communicate(timeout=PATIENCE)[0]
    assert process.returncode == 1
    assert text.endswith("is one of bill-workday: add --pair bill-workday, or name another folder\n")


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    """A file where the folder's parent should be."""
    (tmp_path / "demo").write_text("", "utf-8")
    process = demo(tmp_path / "demo")
    text = process.communicate(timeout=PATIENCE)[0]
    assert process.returncode == 1
    assert "cannot be used" in text
    assert "Traceback" not in text


@pytest.mark.parametrize("to_the_group", [True, False], ids=["Ctrl-C", "kill -INT"])
def test_a_demo_that_is_stopped_leaves_no_process_behind(tmp_path, to_the_group):
    """Ctrl-C, or the signal alone, in the middle of the demo ends everything it started, with exit code 130."""
    process = demo(tmp_path)
    wait_until(lambda: len(children(process.pid)) >= 3, process)
    assert process.poll() is None
    if to_the_group:
        os.killpg(process.pid, signal.SIGINT)
    else:
        process.send_signal(signal.SIGINT)
    text = process.communicate(timeout=PATIENCE)[0]
    assert process.returncode == 130, text
    assert "Traceback" not in text
    assert members(process.pid) == set()
