"""The commands a new user copies from the guides work as printed."""

from __future__ import annotations

import json
import os
import re
import subprocess

import pytest
from harness import BIN, ROOT
from printed import printed
from waiting import PATIENCE

from erp_sandbox.environment import environment
from erp_sandbox.world import World

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@pytest.fixture
def here(project):
    """A project as the guides leave it: settings in ``.env``, the programs in ``.venv``."""
    made = project()
    (made.folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in environment(made.box).items()))
    (made.folder / ".venv").mkdir()
    (made.folder / ".venv" / "bin").symlink_to(made.programs)
    return made


def as_cron(here, command):
    """Run a command as cron does: with no more than it sets, and nothing of anybody's shell."""
    return subprocess.run(
        ["/bin/sh", "-c", command],
        cwd="/",
        env={"PATH": "/usr/bin:/bin", "SHELL": "/bin/sh", "HOME": str(here.outside / "home")},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )


def test_the_line_of_a_crontab_delivers(here):
    """With cron's PATH; and to the bookmark of the runs by hand, so that the next one reads nothing new."""
    guide = (ROOT / "docs" / "operating.md").read_text("utf-8")
    [line] = re.findall(r"^ +0 \* \* \* \* +(.*)$", guide, re.MULTILINE)
    done = as_cron(here, line.replace("/srv/ml-connector", f"'{here.folder}'"))
    assert done.returncode == 0, done.stderr
    assert len(here.box.workday.invoices) == 12
    states = here.meltano("state", "list")
    assert re.findall(r"\S+:tap-bill-to-target-workday", states.out + states.err) == ["dev:tap-bill-to-target-workday"]


def test_the_first_check_of_the_guide(here):
    """`meltano config test tap-bill` succeeds with good settings, as step 1 says."""
    guide = (ROOT / "docs" / "connect-your-systems.md").read_text("utf-8")
    [command] = re.findall(r"Check: `([^`]+)`", guide)
    done = as_cron(here, f"cd '{here.folder}'; PATH='{here.programs}{os.pathsep}'$PATH; {command}")
    assert done.returncode == 0, done.stderr


ATTENTION = 3

RUN = {
    "ml-connector vault init": 0,
    "ml-connector vault set bill-prod --from-env tap-bill": 0,
    "ml-connector vault set workday-prod --from-env target-workday": 0,
    "ml-connector vault list": 0,
    "ml-connector vault rm bill-prod": 0,
    "ml-connector doctor": 0,
    "ml-connector doctor business_central": 0,
    "ml-connector match suppliers --source bill --target workday --file review.csv": 0,
    "ml-connector match suppliers --source bill --target workday --apply review.csv": 0,
    "TARGET_WORKDAY_DRY_RUN=true meltano run tap-bill target-workday": 0,
    "TARGET_WORKDAY_MAX_DOCUMENTS=5 TARGET_WORKDAY_SUBMIT=false meltano run tap-bill target-workday": 0,
    "meltano run tap-bill target-workday": 0,
    "ml-connector status": 0,
    "ml-connector held": 0,
    "ml-connector held --by-reason": 0,
    "ml-connector held --json | jq length": 0,
    "ml-connector show INV-20931": 0,
    "ml-connector reconcile bill workday": None,
    "ml-connector reconcile bill workday --since 2026-10-01 --until 2026-10-31": None,
    "ml-connector audit verify": 0,
    "ml-connector audit verify --expect /mnt/audit/anchors.txt": 0,
    "ml-connector replay --held-by supplier:S-00031": 0,
    'ml-connector ignore INV-20931 --reason "entered by hand, WD-88213"': 0,
    "ml-connector replay INV-20931": 0,
    "meltano schedule list": 0,
    "meltano schedule run bills-to-workday-hourly": 0,
    "TARGET_WORKDAY_DRY_RUN=true TARGET_BILL_DRY_RUN=true meltano run vendors-both-ways": 0,
    "meltano run vendors-both-ways": 0,
    "meltano run tap-workday--invoices target-bill": 0,
    "TARGET_BILL_DRY_RUN=true meltano run business-central-to-bill": 0,
    "TARGET_BILL_MAX_DOCUMENTS=5 meltano run business-central-to-bill": 0,
    "meltano run business-central-to-bill payments-to-business-central": 0,
    "ml-connector webhooks list --offered": 0,
    "ml-connector restored": 0,
    "meltano run --full-refresh tap-bill target-workday": 0,
    "tap-bill --config config.json --discover > catalog.json": 0,
    "tap-bill --config bill.json | map-finance --config map.json": 0,
    "ml-connector hand-over bill:00801PQRSTUVWXYZABCD --to tap-bill --crosswalk-dir transforms/tables-beta": 0,
}
"""What is run, in this order, in one project, and how it ends; None where what it compares decides that."""

NOT_RUN = {
    "make demo": "tests/e2e/test_demo.py runs the demo",
    "make setup": "tests/test_setup.py sets up checkouts",
    "make test-fast": "runs these tests",
    ". .venv/bin/activate": "each command here finds the programs as if that had been done",
    "cp .env.example .env": "the settings are filled in already; tests/test_docs.py reads .env.example",
    "erp-sandbox up --print-env": "serves until it is stopped; the sandbox runs already",
    "pip install ml-connector": "installs a release from a registry",
    "pip install 'ml-connector[meltano,webhooks]'": "installs a release from a registry",
    "tap-bill --config config.json --catalog catalog.json | target-postgres --config postgres.json": "somebody's target",
    "tap-bill --config bill.json | map-finance --config map.json | target-jsonl": "tests/e2e/test_tap_alone.py",
    'cd /srv/ml-connector && PATH="$PWD/.venv/bin:$PATH" meltano schedule run bills-to-workday-hourly': "above",
    "ml-connector vault set bill-prod": "asks at a terminal; tests/cli/test_vault.py answers",
    "ml-connector vault set workday-prod isu_password": "asks at a terminal; tests/cli/test_vault.py answers",
    "kubectl get secret ... | ml-connector vault set workday-prod --stdin": "needs a cluster; tests/cli/test_vault.py",
    "ml-connector doctor workday --group-report ap_admin/Groups_of_ISU": "needs a report somebody has made",
    'ml-connector doctor workday --group-report "SELECT ... FROM ..."': "is cut short; tests/cli/test_doctor.py",
    "ml-connector webhooks serve": "serves until it is stopped; tests/e2e/test_webhooks.py",
    "ml-connector webhooks serve --public-url https://hooks.your-company.invalid": "needs a public address; likewise",
    "ml-connector webhooks subscribe --public-url https://hooks.your-company.invalid --test": "needs a public address",
}
"""What cannot be run here, and why, or where it is run."""


def copied():
    """Return what is printed in blocks, to be copied as it stands."""
    return list(dict.fromkeys(each.text.removeprefix(".venv/bin/") for each in printed() if each.block))


def test_no_printed_command_is_left_out():
    """Each command in a block is run below or named with the reason why it cannot be; nothing else is."""
    assert set(copied()) == {*RUN, *NOT_RUN}


@pytest.mark.skipif(os.name == "nt", reason="the guides are written for a shell")
@pytest.mark.long
def test_the_commands_of_the_guides_work_as_printed(project):
    """One after the other in one project, as somebody does who reads all of them; only names and numbers are put in."""
    here = project(World.plain(vendors=5, bills=8, lines=(1, 3)))
    department = here.box.bill.bills()[0]["billLineItems"][0]["classifications"]["departmentId"]
    table = here.crosswalk / "cost_centers.csv"  # so that something is held
    rows = table.read_text("utf-8").splitlines(keepends=True)
    table.write_text("".join(row for row in rows if department not in row), "utf-8")
    settings = environment(here.box)
    lines = {
        **settings,
        "TARGET_BILL_TRANSFORM": "tap-workday",
        "TARGET_BILL_MAP_SETTINGS": '{"send_invoices": true, "send_attachments": true}',
    }
    bill = {name.removeprefix("TAP_BILL_").lower(): value for name, value in settings.items() if "TAP_BILL_" in name}
    for name in ("config.json", "bill.json"):
        (here.folder / name).write_text(json.dumps(bill), "utf-8")
    (here.folder / "map.json").write_text(
        json.dumps({"transform": "tap-bill", "target": "workday", "crosswalk_dir": "transforms/crosswalk"}), "utf-8"
    )
    (here.folder / "transforms" / "tables-beta").mkdir()
    wrong = {}
    for command, code in RUN.items():
        own = lines if command == "meltano run tap-workday--invoices target-bill" else settings
        env = {"PATH": here.environment()["PATH"], "HOME": str(here.outside / "home"), "NO_COLOR": "1", **own}
        done = subprocess.run(
            ["/bin/sh", "-c", filled_in(here, command, env)],
            cwd=here.folder,
            env=env,
            input="y\n",
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        ended = (code,) if code is not None else (0, ATTENTION)
        if done.returncode not in ended or "Traceback" in done.stderr or "Error" in done.stderr:
            wrong[command] = f"{done.returncode}: {done.stderr[-1500:]}"
    assert wrong == {}


def filled_in(here, command, env):
    """Return a printed command with a document, a supplier and an organization that are there."""
    if "held" not in here.settings and ("INV-20931" in command or "S-00031" in command):
        asked = subprocess.run(
            [str(BIN / "ml-connector"), "held", "--json"], cwd=here.folder, env=env, capture_output=True, check=True
        )
        here.settings["held"] = json.loads(asked.stdout)[0]
    if held := here.settings.get("held"):
        command = command.replace("INV-20931", held["number"])
        command = command.replace("supplier:S-00031", held["reasons"][0]["held_by"])
    if "hand-over" in command:  # there are several targets by now, and it asks which one is meant
        command += f" --target {held['target']}"
    if "/mnt/audit" in command:
        command = f"ml-connector audit anchor > anchors.txt && {command.replace('/mnt/audit/', '')}"
    return command.replace("jq length", "cat").replace("00801PQRSTUVWXYZABCD", here.world.organization_id)
